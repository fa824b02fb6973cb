package main

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"cakupan/cmd/internal/httpapi"
	"cakupan/cmd/internal/problem"
	"cakupan/eventstore"
	"cakupan/eventstore/jetstream"
)

// The tests below damage the files of a ledger that is closed, and look at what it says then.

const (
	damageFrames = 30
	damageEvents = 20 // of a frame
	damageTarget = 10 // the message that is damaged
)

// newDamageable makes a ledger of so many frames. None of the events is there twice.
func newDamageable(t *testing.T) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "data")
	l, err := openLedger(t.Context(), ledgerOptions{Dir: dir, Create: true})
	if err != nil {
		t.Fatal(err)
	}
	for frame := range damageFrames {
		var lines [][]byte
		for i := range damageEvents {
			lines = append(lines, plainEvent(frame*damageEvents+i))
		}
		submit(t, l, lines)
	}
	if _, err := l.View(t.Context(), 0); err != nil {
		t.Error(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

// plainEvent returns an event of a worker without NIK.
func plainEvent(i int) []byte {
	return fmt.Appendf(nil, `{"specversion":"1.0","id":"d-%d","source":"urn:test",`+
		`"type":"id.cakupan.enrolment.opened.v1","data":{"enrolment":"d-%d","worker":"w-%d",`+
		`"region":"75.03","segment":"PU","category":"PRIVATE","programmes":["JKK","JKM"],`+
		`"payer":"EMPLOYER","from":"2020-01-01"}}`, i, i, i)
}

// blockOf returns the path of the block file that a small log consists of, and its content.
func blockOf(t *testing.T, dir string) (path string, block []byte) {
	t.Helper()
	msgs := filepath.Join(dir, natsFolder, "jetstream", "$G", "streams", jetstream.StreamDefault, "msgs")
	paths, err := filepath.Glob(filepath.Join(msgs, "*.blk"))
	if err != nil || len(paths) != 1 {
		t.Fatalf("blocks %v, %v; want one", paths, err)
	}
	if block, err = os.ReadFile(paths[0]); err != nil {
		t.Fatal(err)
	}
	return paths[0], block
}

// recordOf returns where the record of a message lies in a block. A record begins with its
// length (4 bytes, the top bit marks headers) and the message's number (8 bytes).
func recordOf(t *testing.T, block []byte, message uint64) (from, until int) {
	t.Helper()
	for at := 0; at < len(block); {
		end := at + int(binary.LittleEndian.Uint32(block[at:])&^(1<<31))
		if binary.LittleEndian.Uint64(block[at+4:]) == message {
			return at, end
		}
		at = end
	}
	t.Fatalf("no message %d", message)
	return 0, 0
}

// rewrite replaces the block of a log by what change makes of it.
func rewrite(t *testing.T, dir string, change func(block []byte) []byte) {
	t.Helper()
	path, block := blockOf(t, dir)
	if err := os.WriteFile(path, change(block), privateFiles); err != nil {
		t.Fatal(err)
	}
}

func forgetIndex(t *testing.T, dir string) {
	t.Helper()
	path, _ := blockOf(t, dir)
	if err := os.Remove(filepath.Join(filepath.Dir(path), "index.db")); err != nil {
		t.Fatal(err)
	}
}

// TestDamage damages the files of the log in all ways that it can happen.
func TestDamage(t *testing.T) {
	pristine := newDamageable(t)
	target := httpapi.Finding{
		From: (damageTarget-1)*damageEvents + 1, To: damageTarget * damageEvents,
	}
	end := eventstore.Sequence(damageFrames * damageEvents)
	last := httpapi.Finding{From: end - damageEvents + 1, To: end}
	flip := func(message uint64, at int) func(t *testing.T, dir string) {
		return func(t *testing.T, dir string) {
			rewrite(t, dir, func(block []byte) []byte {
				from, _ := recordOf(t, block, message)
				block[from+at] ^= 1
				return block
			})
		}
	}
	for _, test := range []struct {
		name   string
		damage func(t *testing.T, dir string)
		lost   httpapi.Finding // that, or more around it
	}{
		{"flipped byte", flip(damageTarget, 200), target},
		{"flipped byte in the first frame", flip(1, 200), httpapi.Finding{From: 1, To: damageEvents}},
		{"flipped byte in the last frame", flip(damageFrames, 200), last},
		// The server reads all of its files again, and cuts off what follows the damage.
		{"flipped byte, no index.db", func(t *testing.T, dir string) {
			flip(damageTarget, 200)(t, dir)
			forgetIndex(t, dir)
		}, httpapi.Finding{From: target.From, To: end}},
		{"truncated block", func(t *testing.T, dir string) {
			rewrite(t, dir, func(block []byte) []byte {
				from, _ := recordOf(t, block, damageTarget)
				return block[:from+100]
			})
		}, httpapi.Finding{From: target.From, To: end}},
		{"truncated block, no index.db", func(t *testing.T, dir string) {
			rewrite(t, dir, func(block []byte) []byte {
				from, _ := recordOf(t, block, damageTarget)
				return block[:from+100]
			})
			forgetIndex(t, dir)
		}, httpapi.Finding{From: target.From, To: end}},
		{"deleted message", func(t *testing.T, dir string) {
			rewrite(t, dir, func(block []byte) []byte {
				from, until := recordOf(t, block, damageTarget)
				return slices.Delete(block, from, until)
			})
			forgetIndex(t, dir)
		}, target},
		{"deleted last message, no index.db", func(t *testing.T, dir string) {
			rewrite(t, dir, func(block []byte) []byte {
				from, _ := recordOf(t, block, damageFrames)
				return block[:from]
			})
			forgetIndex(t, dir)
		}, last},
		{"missing block", func(t *testing.T, dir string) {
			path, _ := blockOf(t, dir)
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		}, httpapi.Finding{From: 1, To: end}},
		{"missing block and index.db", func(t *testing.T, dir string) {
			forgetIndex(t, dir)
			path, _ := blockOf(t, dir)
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		}, httpapi.Finding{From: 1, To: end}},
		{"two damaged frames", func(t *testing.T, dir string) {
			flip(damageTarget, 200)(t, dir)
			flip(damageTarget+5, 300)(t, dir)
		}, target},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "data")
			copyFolder(t, pristine, dir)
			test.damage(t, dir)
			checkVerifyCommand(t, dir, test.lost, end)
			checkRefusesToAnswer(t, dir)
			checkServes503(t, dir)
		})
	}
}

// checkVerifyCommand checks that the verify command ends with exit code 5 and names what is lost.
func checkVerifyCommand(t *testing.T, dir string, lost httpapi.Finding, end eventstore.Sequence) {
	t.Helper()
	code, stdout, stderr := runCommand(t, "verify", "--json", "--data", dir)
	var report httpapi.VerifyReport
	if err := json.Unmarshal([]byte(stdout), &report); err != nil {
		t.Fatalf("%v: %s%s", err, stdout, stderr)
	}
	t.Logf("verify: %+v", report.Findings)
	if code != problem.ExitCheckFailed || report.OK {
		t.Errorf("verify: exit %d, %+v; want %d", code, report, problem.ExitCheckFailed)
	}
	named := func(seq eventstore.Sequence) bool {
		return slices.ContainsFunc(report.Findings, func(f httpapi.Finding) bool {
			return f.From <= seq && (seq <= f.To || f.To == 0)
		})
	}
	for seq := lost.From; seq <= lost.To; seq++ {
		if !named(seq) {
			t.Errorf("event %d is lost and not among those that verify names", seq)
			break
		}
	}
	if lost.From > 1 && lost.To < end && (named(1) || named(end)) {
		t.Errorf("verify names events as damaged that are not")
	}
	if code, stdout, _ := runCommand(t, "verify", "--data", dir); code != problem.ExitCheckFailed ||
		!strings.Contains(stdout, fmt.Sprint(report.Findings[0].From)) {
		t.Errorf("verify: exit %d, %s", code, stdout)
	}
}

// checkRefusesToAnswer checks that commands do not build on a damaged log.
func checkRefusesToAnswer(t *testing.T, dir string) {
	t.Helper()
	l, err := openLedger(t.Context(), ledgerOptions{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	receipts, err := l.Submit(t.Context(), [][]byte{plainEvent(1_000_000)}, httpapi.SubmitOptions{})
	if problem.From(err) == nil || problem.From(err).Code != problem.LogDamaged {
		t.Errorf("submit: %v, %v; want %s", receipts, err, problem.LogDamaged)
	}
	result, err := l.Replay(t.Context(), httpapi.ReplayOptions{}, nil)
	if problem.From(err) == nil || problem.From(err).Code != problem.LogDamaged {
		t.Errorf("replay: %+v, %v; want %s", result, err, problem.LogDamaged)
	}
}

// checkServes503 checks that a serve on a damaged log starts, says what is wrong, and answers
// nothing else.
func checkServes503(t *testing.T, dir string) {
	t.Helper()
	url, stop := e2eServe(t, dir)
	defer stop()
	status, body := waitForDamage(t, url)
	t.Logf("healthz: %d %s", status, body)
	if status != http.StatusServiceUnavailable ||
		!strings.Contains(body, "damaged") && !strings.Contains(body, "shorter") {
		t.Errorf("healthz: %d %s", status, body)
	}
	for _, path := range []string{
		"/v1/coverage", "/v1/events",
		"/v1/series?region=75.03&from=2020-01-01&until=2020-02-01&step=day",
	} {
		checkDamaged(t, http.MethodGet, url+path, nil)
	}
	checkDamaged(t, http.MethodPost, url+"/v1/events", plainEvent(1_000_001))
}

func checkDamaged(t *testing.T, method, url string, body []byte) {
	t.Helper()
	status, text := e2eDo(t, method, url, "application/cloudevents+json", body)
	if status != http.StatusServiceUnavailable ||
		!strings.Contains(string(text), string(problem.LogDamaged)) {
		t.Errorf("%s %s: %d %s", method, url, status, text)
	}
}

// waitForDamage asks for the health until it is not ok: the log is checked in the background.
func waitForDamage(t *testing.T, url string) (status int, body string) {
	t.Helper()
	for range 200 {
		var text []byte
		status, text = e2eDo(t, http.MethodGet, url+"/healthz", "", nil)
		if body = string(text); status != http.StatusOK {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	return status, body
}

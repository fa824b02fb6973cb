package ledger

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"cakupan/cmd/internal/excerpt"
	"cakupan/cmd/internal/folder"
	"cakupan/cmd/internal/intake"
	"cakupan/cmd/internal/problem"
	"cakupan/eventstore"
	"cakupan/eventstore/jetstream"
	"cakupan/eventstore/writer"
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
	l, err := Open(t.Context(), Options{Dir: dir, Create: true})
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
	msgs := filepath.Join(dir, folder.NATS, "jetstream", "$G", "streams", jetstream.StreamDefault, "msgs")
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
	if err := os.WriteFile(path, change(block), folder.FileMode); err != nil {
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
	target := Finding{
		From: (damageTarget-1)*damageEvents + 1, To: damageTarget * damageEvents,
	}
	end := eventstore.Sequence(damageFrames * damageEvents)
	last := Finding{From: end - damageEvents + 1, To: end}
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
		lost   Finding // that, or more around it
	}{
		{"flipped byte", flip(damageTarget, 200), target},
		{"flipped byte in the first frame", flip(1, 200), Finding{From: 1, To: damageEvents}},
		{"flipped byte in the last frame", flip(damageFrames, 200), last},
		// The server reads all of its files again, and cuts off what follows the damage.
		{"flipped byte, no index.db", func(t *testing.T, dir string) {
			flip(damageTarget, 200)(t, dir)
			forgetIndex(t, dir)
		}, Finding{From: target.From, To: end}},
		{"truncated block", func(t *testing.T, dir string) {
			rewrite(t, dir, func(block []byte) []byte {
				from, _ := recordOf(t, block, damageTarget)
				return block[:from+100]
			})
		}, Finding{From: target.From, To: end}},
		{"truncated block, no index.db", func(t *testing.T, dir string) {
			rewrite(t, dir, func(block []byte) []byte {
				from, _ := recordOf(t, block, damageTarget)
				return block[:from+100]
			})
			forgetIndex(t, dir)
		}, Finding{From: target.From, To: end}},
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
		}, Finding{From: 1, To: end}},
		{"missing block and index.db", func(t *testing.T, dir string) {
			forgetIndex(t, dir)
			path, _ := blockOf(t, dir)
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		}, Finding{From: 1, To: end}},
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
			checkVerify(t, dir, test.lost, end)
			checkRefusesToAnswer(t, dir)
			checkServes(t, dir)
		})
	}
}

// checkVerify checks that a check names what is lost, and nothing else.
func checkVerify(t *testing.T, dir string, lost Finding, end eventstore.Sequence) {
	t.Helper()
	l, err := Open(t.Context(), Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	report, err := l.Verify(t.Context(), nil)
	t.Logf("verify: %+v", report.Findings)
	if err != nil || report.OK {
		t.Errorf("verify: %+v, %v", report, err)
	}
	named := func(seq eventstore.Sequence) bool {
		return slices.ContainsFunc(report.Findings, func(f Finding) bool {
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
}

// isDamaged checks that an error says that the log is damaged.
func isDamaged(t *testing.T, what string, err error) {
	t.Helper()
	if p := problem.From(err); err == nil || p.Code != problem.LogDamaged {
		t.Errorf("%s: %v; want %s", what, err, problem.LogDamaged)
	}
}

// checkRefusesToAnswer checks that nothing is built on a damaged log.
func checkRefusesToAnswer(t *testing.T, dir string) {
	t.Helper()
	l, err := Open(t.Context(), Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	lines := [][]byte{plainEvent(1_000_000)}
	_, err = l.Submit(t.Context(), lines, intake.Options{})
	isDamaged(t, "submit", err)
	_, err = l.Prepare(t.Context(), lines, intake.Options{})
	isDamaged(t, "prepare", err)
	_, err = l.Replay(t.Context(), ReplayOptions{}, nil)
	isDamaged(t, "replay", err)
}

// checkServes checks that a damaged ledger can be served all the same: it says what is wrong, and
// answers nothing else.
func checkServes(t *testing.T, dir string) {
	t.Helper()
	l, err := Open(t.Context(), Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	if err := l.Serve(t.Context(), "http://127.0.0.1:9", time.Hour); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(time.Minute); l.damage.Load() == nil; {
		if time.Now().After(end) { // the log is checked in the background
			t.Fatal("the damage is not found")
		}
		time.Sleep(5 * time.Millisecond)
	}
	health := l.Health(t.Context())
	t.Logf("health: %+v", health)
	if health.Status == HealthOK ||
		!strings.Contains(health.Why, "damaged") && !strings.Contains(health.Why, "shorter") {
		t.Errorf("health: %+v", health)
	}
	checkHolds(t, l)
}

// checkHolds checks that a ledger that knows of its damage takes nothing in and tells nothing.
func checkHolds(t *testing.T, l *Ledger) {
	t.Helper()
	_, err := l.View(t.Context(), 0)
	isDamaged(t, "view", err)
	err = l.Events(t.Context(), excerpt.Filter{From: 1}, func([]byte) error { return nil })
	isDamaged(t, "events", err)
	lines := [][]byte{plainEvent(1_000_001)}
	_, err = l.Submit(t.Context(), lines, intake.Options{})
	isDamaged(t, "submit", err)
	_, err = l.Prepare(t.Context(), lines, intake.Options{})
	isDamaged(t, "prepare", err)
	entries := entriesOf(t, "damage", 1, 1)
	_, err = l.Append(t.Context(), entries, writer.AppendOptions{})
	isDamaged(t, "append", err)
}

// TestDamageBetween finds the damage while a batch is prepared: what has been judged already is
// not written any more, by whatever way it came.
func TestDamageBetween(t *testing.T) {
	l, err := Open(t.Context(), Options{Dir: t.TempDir(), Create: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	submit(t, l, [][]byte{plainEvent(0)})
	batch, err := l.Prepare(t.Context(), [][]byte{plainEvent(1)}, intake.Options{})
	if err != nil {
		t.Fatal(err)
	}
	l.noteDamage(problem.New(problem.LogDamaged, "the log is damaged at event 1: a test says so"))
	receipts, err := l.Commit(t.Context(), batch)
	isDamaged(t, "commit", err)
	if tail, err := l.Head(t.Context()); receipts != nil || err != nil || tail.Sequence != 1 {
		t.Errorf("receipts %v, the log ends at %d, %v", receipts, tail.Sequence, err)
	}
	checkHolds(t, l)
}

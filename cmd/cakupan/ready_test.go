package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"iter"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"cakupan/cmd/internal/cli"
	"cakupan/cmd/internal/ledger"
	"cakupan/domain/event"
	"cakupan/domain/temporal"
)

// TestCoverageIsGone serves a folder whose coverage was deleted. Until it is built again to the end
// that the log had, no answer is less than the whole, and the ledger does not say that it is ready.
func TestCoverageIsGone(t *testing.T) {
	events := 300_000
	dir := t.TempDir()
	l, err := ledger.Open(t.Context(), ledger.Options{Dir: dir, Create: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.AppendEvents(t.Context(), employees(events), nil); err != nil {
		t.Fatal(err)
	}
	if _, err := l.View(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "projections", "coverage.db")); err != nil {
		t.Fatal(err)
	}
	base, _ := e2eServe(t, dir)
	unready := 0
	for ready := false; !ready; {
		status, body := e2eDo(t, http.MethodGet, base+"/readyz", "", nil)
		switch ready = status == http.StatusOK; {
		case !ready && status != http.StatusServiceUnavailable:
			t.Fatalf("%d %s", status, body)
		case !ready:
			unready++
			time.Sleep(10 * time.Millisecond)
		}
		if ready || unready%10 == 1 {
			askWhole(t, base, events, ready)
		}
	}
	t.Logf("not ready %d times", unready)
}

// TestToday asks without a day when it is the next year in Makassar and the old one in London. The
// command line asks the routes, so that these are asked too.
func TestToday(t *testing.T) {
	dir := t.TempDir()
	if code, _, stderr := runCommand(t, "import", "--data", dir, "--keep-recorded",
		filepath.Join(e2eVectors, "bone-bolango", "events.ndjson")); code != 0 {
		t.Fatal(stderr)
	}
	for hour, want := range map[int]string{15: "2020-12-31", 16: "2021-01-01"} {
		for _, command := range []string{"coverage", "series"} {
			var stdout, stderr bytes.Buffer
			args := []string{command, "--data", dir, "--region", "75.03", "--json"}
			if command == "series" {
				args = append(args, "--from", "2020-12-25", "--step", "day")
			}
			code := run(t.Context(), args, &cli.Console{
				Stdout: &stdout, Stderr: &stderr,
				Now: func() time.Time { return time.Date(2020, 12, 31, hour, 0, 0, 0, time.UTC) },
			})
			days := regexp.MustCompile(`"on":"([^"]*)"`).FindAllStringSubmatch(stdout.String(), -1)
			if code != 0 || len(days) == 0 || days[len(days)-1][1] != want {
				t.Errorf("%s at %d hours: exit %d, %s%s, want %s", command, hour, code, &stdout, &stderr, want)
			}
		}
	}
}

// askWhole asks how many are covered. Before the ledger is ready it may answer that it is behind.
func askWhole(t *testing.T, base string, events int, ready bool) {
	t.Helper()
	status, body := e2eDo(t, http.MethodGet, base+"/v1/coverage?region=ID&on=2020-12-31", "", nil)
	var answers []struct {
		Covered int
		Known   struct{ Sequence int }
	}
	var behind struct{ Code string }
	switch {
	case status == http.StatusServiceUnavailable && !ready:
		if err := json.Unmarshal(body, &behind); err != nil || behind.Code != "projection.behind" {
			t.Errorf("%s, %v", body, err)
		}
	case status != http.StatusOK:
		t.Errorf("%d %s, ready %t", status, body, ready)
	default:
		if err := json.Unmarshal(body, &answers); err != nil || len(answers) != 1 ||
			answers[0].Covered != events || answers[0].Known.Sequence != events {
			t.Errorf("%s, %v; want %d events", body, err, events)
		}
	}
}

// employees are so many enrolments of one worker each, covered from 2020 on.
func employees(n int) iter.Seq2[event.Event, temporal.Instant] {
	return func(yield func(event.Event, temporal.Instant) bool) {
		for i := range n {
			e := event.Event{
				Key:  event.Key{Source: "urn:test", ID: fmt.Sprint(i)},
				Type: event.EnrolmentOpened,
			}
			d := &e.Data
			d.Enrolment, d.Worker = fmt.Sprintf("e-%d", i), fmt.Sprintf("w-%d", i)
			d.Region, d.Segment, d.Category, d.Payer = 7503, event.PU, event.Private, event.Employer
			d.Programmes, d.From = []event.Programme{event.JKK, event.JKM}, temporal.Date(18_262)
			for _, f := range []event.Field{
				event.FieldEnrolment, event.FieldWorker, event.FieldRegion, event.FieldSegment,
				event.FieldCategory, event.FieldPayer, event.FieldProgrammes, event.FieldFrom,
			} {
				d.Has = d.Has.With(f)
			}
			if !yield(e, 0) {
				return
			}
		}
	}
}

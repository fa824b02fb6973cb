package faults

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// check ends the load and holds what is there against what was acknowledged.
func (d *driver) check() error {
	since := time.Now()
	if err := errors.Join(d.load.end(), d.well(), d.current()); err != nil {
		return err
	}
	for n, p := range d.ledgers {
		d.report.Lies += lies(d.load.sights[n])
		if err := await("nothing waits to be taken in", func() bool {
			s, err := d.status(p)
			return err == nil && s.Intake.Waiting == 0
		}); err != nil {
			return err
		}
	}
	d.report.Ended = time.Since(since)
	d.report.Acked, d.report.Ways = len(d.load.acked), d.load.ways
	d.report.Wrong = append(d.report.Wrong, d.load.wrong...)
	var logs, answers []string
	for _, p := range d.ledgers {
		text, err := d.get(p, "/v1/events")
		if err != nil {
			return err
		}
		head := strings.Count(text, "\n")
		answer, err := d.get(p, coverageAt(head))
		if err != nil {
			return err
		}
		logs, answers = append(logs, text), append(answers, answer)
		d.judge(text)
	}
	return d.replay(logs, answers)
}

// coverageAt is a question to which the answer depends on all events.
func coverageAt(head int) string {
	return "/v1/coverage?region=75&on=2021-01-01&by=funding&by=evidence&known=" +
		strconv.Itoa(head) + "&min_seq=" + strconv.Itoa(head)
}

// judge counts what is wrong in the log of a ledger.
func (d *driver) judge(text string) {
	var log []logged
	rows, workers := 0, map[string]bool{}
	for line := range strings.Lines(text) {
		var e logged
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			d.wrong("the log has %s: %v", line, err)
		}
		if strings.HasPrefix(e.Source, "urn:cakupan:list") {
			rows++
			workers[e.Data.Worker] = true
		}
		log = append(log, e)
	}
	found := judge(log, d.load.acked)
	t := &d.report.Log
	t.Lost, t.Twice = max(t.Lost, found.Lost), max(t.Twice, found.Twice)
	t.Holes, t.Moved = max(t.Holes, found.Holes), max(t.Moved, found.Moved)
	t.Examples = append(t.Examples, found.Examples...)
	switch want := d.load.ways["lists"]; {
	case rows < want:
		t.add(&t.Lost, "%d rows of lists are in the log, %d were acknowledged", rows, want)
	case rows > want:
		t.add(&t.Twice, "%d rows of lists are in the log, %d were sent", rows, want)
	case len(workers) != len(d.load.people):
		t.add(&t.Twice, "%d people count as %d workers", len(d.load.people), len(workers))
	}
}

func (d *driver) wrong(format string, args ...any) {
	d.report.Wrong = append(d.report.Wrong, fmt.Sprintf(format, args...))
}

// replay takes the log into a new ledger, which must answer as each of those that were faulted
// does; and has these read all of what they have again.
func (d *driver) replay(logs, answers []string) error {
	fresh := filepath.Join(d.load.scratch, "fresh")
	export := filepath.Join(d.load.scratch, "log.ndjson")
	// What was recorded by a clock that had jumped ahead is still to come.
	if err := errors.Join(os.WriteFile(export, []byte(logs[0]), 0o600),
		os.Symlink(time.Hour.String(), driverClock)); err != nil {
		return err
	}
	if _, err := d.run("import", "--data", fresh, "--keep-recorded", export); err != nil {
		return err
	}
	again, err := d.newPart("fresh", "127.77.0.30", "serve", "--data", fresh,
		"--listen", "127.77.0.30:7070")
	if err == nil {
		err = again.start()
	}
	if err != nil {
		return err
	}
	want, err := d.get(again, coverageAt(strings.Count(logs[0], "\n")))
	if err != nil {
		return err
	}
	for n, p := range d.ledgers {
		if logs[n] != logs[0] || answers[n] != want {
			d.report.Different++
			d.wrong("%s answers\n%s, a replay\n%s", p.name, answers[n], want)
		}
		if err := p.stop(syscall.SIGTERM); err != nil {
			return err
		}
		args := []string{"--data", p.data(), "--nats", d.load.nats}
		if _, err := d.run(append([]string{"verify"}, args...)...); err != nil {
			d.wrong("%v", err)
		}
	}
	return again.stop(syscall.SIGTERM)
}

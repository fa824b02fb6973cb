package main

import (
	"fmt"
	"time"

	"cakupan/cmd/internal/httpapi/split"
	"cakupan/cmd/internal/lists"
	"cakupan/cmd/internal/problem"
	"cakupan/domain/event"
	"cakupan/eventstore/cloudevents"
)

// summary is what an import came to; --json prints it.
type summary struct {
	Read       uint64  `json:"read"`
	Appended   uint64  `json:"appended"` // in a dry run: would be
	Duplicates uint64  `json:"duplicates"`
	Refused    uint64  `json:"refused"`
	First      *uint64 `json:"first"` // sequence of the first event appended
	Last       *uint64 `json:"last"`
	Seconds    float64 `json:"seconds"`

	Lists []listSummary `json:"lists,omitempty"`
}

// shownMax is how many refusals are shown to people who did not ask for a file of them.
const shownMax = 10

// tally counts what became of events, and tells of those that were refused.
type tally struct {
	summary

	out     *console
	rejects *rejects
	asJSON  bool
	dryRun  bool
	started time.Time
	file    string
	reading *lists.Info // the list that is read, nil for events
	told    bool        // how to give the list another source
	meter   *meter
	part    func() float64 // how much of the input is read, 0 to 1; negative: not known
}

func newTally(out *console, r *rejects, asJSON, dryRun bool) *tally {
	return &tally{
		out: out, rejects: r, asJSON: asJSON, dryRun: dryRun, started: out.now(),
		meter: out.meter("import"), part: func() float64 { return -1 },
	}
}

// count takes in the receipts of a batch, as far as there are.
func (t *tally) count(batch split.Batch, got []cloudevents.Receipt) error {
	for i := range got {
		t.Read++
		switch r := &got[i]; r.Status {
		case event.Appended:
			t.Appended++
			if r.Sequence > 0 {
				t.appended(r.Sequence)
			}
		case event.Duplicate:
			t.Duplicates++
		case event.Refused:
			t.Refused++
			if err := t.refuse(r, batch.Places[i], batch.Raw[i]); err != nil {
				return err
			}
		}
	}
	t.meter.at(t.Read, t.part())
	return nil
}

func (t *tally) appended(sequence uint64) {
	if t.First == nil {
		t.First = &sequence
	}
	t.Last = &sequence
}

func (t *tally) refuse(r *cloudevents.Receipt, place int, raw []byte) error {
	if t.reading != nil && !t.told && r.Code == event.Forbidden && r.Field == "source" {
		t.told = true
		t.meter.end()
		t.out.note("%s: %s", t.file, t.reading.SourceWords())
	}
	if t.rejects != nil {
		return t.rejects.add(t.file, place, r, raw)
	}
	if t.Refused <= shownMax {
		t.meter.end()
		field := ""
		if r.Field != "" {
			field = " (" + r.Field + ")"
		}
		t.out.note("%s:%d: %s%s: %s", t.file, place, r.Code, field, r.Detail)
	}
	return nil
}

// broken counts the rest of an array that cannot be read on as one refused event.
func (t *tally) broken(cause error) error {
	t.Read++
	t.Refused++
	return problem.New(problem.Malformed, t.file+": "+cause.Error()+
		"; what came before was taken in")
}

// report prints the summary.
func (t *tally) report() error {
	t.meter.end()
	t.Seconds = t.out.now().Sub(t.started).Seconds()
	if t.rejects == nil && t.Refused > shownMax {
		t.out.note("… and %s more; name a file with --rejects to get them all",
			thousands(t.Refused-shownMax))
	}
	if t.asJSON {
		return t.out.writeJSON(t.summary)
	}
	verb, sequences := "appended", ""
	if t.dryRun {
		verb = "would be appended"
	}
	if t.First != nil {
		sequences = fmt.Sprintf(" (events %s to %s)", thousands(*t.First), thousands(*t.Last))
	}
	_, err := fmt.Fprintf(t.out.stdout,
		"read %s: %s %s%s, %s already there, %s refused, in %.1f s\n",
		thousands(t.Read), thousands(t.Appended), verb, sequences, thousands(t.Duplicates),
		thousands(t.Refused), t.Seconds)
	return err
}

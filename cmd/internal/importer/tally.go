package importer

import (
	"cakupan/cmd/internal/lists"
	"cakupan/cmd/internal/problem"
	"cakupan/domain/event"
)

// Summary is what an import came to; --json prints it.
type Summary struct {
	Read       uint64  `json:"read"`
	Appended   uint64  `json:"appended"` // in a dry run: would be
	Duplicates uint64  `json:"duplicates"`
	Refused    uint64  `json:"refused"`
	First      *uint64 `json:"first"` // sequence of the first event appended
	Last       *uint64 `json:"last"`
	Seconds    float64 `json:"seconds"`

	Lists []ListSummary `json:"lists,omitempty"`
}

// Lang returns the language of what was taken in: that of its lists, English where there is none.
func (s *Summary) Lang() lists.Language {
	if len(s.Lists) == 0 {
		return lists.English
	}
	return s.Lists[0].Lang
}

// ShownMax is how many refusals are shown to people who did not ask for a file of them.
const ShownMax = 10

// Teller tells whoever waits.
type Teller struct {
	Note func(format string, args ...any)  // a line for people
	At   func(events uint64, part float64) // how far it is, 0 to 1; negative: not known
	End  func()                            // takes away what At has shown

	// Refused is told of each row of a list that is refused; it may be nil.
	Refused func(row int, column, words string)
}

// Tally counts what became of events, and tells of those that were refused. It belongs to the
// goroutine that imports.
type Tally struct {
	Summary

	tell    Teller
	rejects *Rejects       // nil: the first refusals are told instead
	file    string         // the one that is read, for words
	reading *lists.Info    // the list that is read, nil for events
	told    bool           // how to give the list another source
	taken   *taken         // of the list that is read, nil for events
	part    func() float64 // how much of the input is read, 0 to 1; negative: not known
}

// NewTally returns a tally of nothing yet. Without a file of rejects, the first of what is refused
// is told.
func NewTally(tell Teller, r *Rejects) *Tally {
	return &Tally{tell: tell, rejects: r, part: func() float64 { return -1 }}
}

// count takes in the receipts of a batch, as far as there are: a batch whose commit failed in the
// middle has fewer than events, and the rest is not read, as far as anybody can say.
func (t *Tally) count(b batch, got []event.Receipt) error {
	for i := range got {
		t.Read++
		if t.taken != nil && got[i].Status != event.Refused {
			t.taken.add(b.rows[i], &got[i])
		}
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
			if err := t.refuse(r, b.Places[i], b.input(i)); err != nil {
				return err
			}
		}
	}
	t.tell.At(t.Read, t.part())
	return nil
}

func (t *Tally) appended(sequence uint64) {
	if t.First == nil {
		t.First = &sequence
	}
	t.Last = &sequence
}

func (t *Tally) refuse(r *event.Receipt, place int, in input) error {
	why := r.Why()
	if t.reading != nil && !t.told && why.Code == event.Forbidden && why.Field == "source" {
		t.told = true
		t.tell.End()
		t.tell.Note("%s: %s", t.file, t.reading.SourceWords())
	}
	if t.reading != nil {
		why = t.reading.Lang.OfLedger(why)
		r = &event.Receipt{Key: r.Key, Status: r.Status, Refusal: &why}
	}
	if t.tell.Refused != nil {
		t.tell.Refused(place, why.Field, why.Detail)
	}
	if t.rejects != nil {
		return t.rejects.add(t.file, place, r, in)
	}
	if t.Refused <= ShownMax {
		t.tell.End()
		field := ""
		if why.Field != "" {
			field = " (" + why.Field + ")"
		}
		t.tell.Note("%s:%d: %s%s: %s", t.file, place, why.Code, field, why.Detail)
	}
	return nil
}

// broken counts the rest of an array that cannot be read on as one refused event.
func (t *Tally) broken(cause error) error {
	t.Read++
	t.Refused++
	return problem.New(problem.Malformed, t.file+": "+cause.Error()+
		"; what came before was taken in")
}

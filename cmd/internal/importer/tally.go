package importer

import (
	"time"

	"cakupan/cmd/internal/lists"
	"cakupan/cmd/internal/problem"
	"cakupan/domain/event"
	"cakupan/eventstore/cloudevents"
)

// Summary is what an import came to; --json prints it. What was refused is counted with what was
// read; where an import was broken off, it counts as far as receipts came.
type Summary struct {
	// Lines, elements of an array, or rows of lists, of all files.
	Read     uint64 `json:"read"`
	Appended uint64 `json:"appended"` // in a dry run: would be
	// They were in the log already and say the same: nothing was appended for them.
	Duplicates uint64 `json:"duplicates"`
	Refused    uint64 `json:"refused"`
	// Null when nothing was appended, contract, section 6. What others append meanwhile lies
	// between the two.
	First *uint64 `json:"first"` // sequence of the first event appended
	Last  *uint64 `json:"last"`
	// How long it took until all was durable, or judged; what was asked afterwards is not counted.
	Seconds float64 `json:"seconds"`
	// How long it was asked what lists have done.
	Asking time.Duration `json:"-"`

	// In the order in which they were read; the last is the one at hand.
	Lists []ListSummary `json:"lists,omitempty"`
}

// Lang returns the language of what was taken in: that of its lists, English where there is none.
// Of several lists it is that of the first.
func (s *Summary) Lang() lists.Language {
	if len(s.Lists) == 0 {
		return lists.English
	}
	return s.Lists[0].Lang
}

// ShownMax is how many refusals are shown to people who did not ask for a file of them. More would
// push out of sight what is said of the first, which explains most others.
const ShownMax = 10

// Teller tells whoever waits. Its functions are called by the goroutine that imports, never at the
// same time; all but Refused must be there.
type Teller struct {
	Note func(format string, args ...any)  // a line for people
	At   func(events uint64, part float64) // how far it is, 0 to 1; negative: not known
	End  func()                            // takes away what At has shown

	// Refused is told of each row of a list that is refused; it may be nil. row is as in the file;
	// column may be empty; words are in the language of the list.
	Refused func(row int, column, words string)
}

// Tally counts what became of events, and tells of those that were refused. It belongs to the
// goroutine that imports. What it tells of the file at hand is set by whoever reads it; between two
// files it is of the one before.
type Tally struct {
	Summary

	tell    Teller
	rejects *Rejects    // nil: the first refusals are told instead
	file    string      // the one that is read, for words
	reading *lists.Info // the list that is read, nil for events
	// It is said once a list, however many rows are refused for it.
	told  bool   // how to give the list another source
	taken *taken // of the list that is read, nil for events
	// Never nil. It may be called while another goroutine reads.
	part func() float64 // how much of the input is read, 0 to 1; negative: not known
}

// NewTally returns a tally of nothing yet. Without a file of rejects, the first of what is refused
// is told. r stays the caller's, who closes it.
func NewTally(tell Teller, r *Rejects) *Tally {
	return &Tally{tell: tell, rejects: r, part: func() float64 { return -1 }}
}

// count takes in the receipts of a batch, as far as there are: a batch whose commit failed in the
// middle has fewer than events, and the rest is not read, as far as anybody can say. An error is
// one of writing rejects: events may then be in the log that nobody was told of, and to import them
// again is safe.
func (t *Tally) count(b batch, got []event.Receipt) error {
	for i := range got {
		t.Read++
		if t.taken != nil && got[i].Status != event.Refused {
			t.taken.took(&b.rows[i], &got[i])
		}
		switch r := &got[i]; r.Status {
		case event.Appended:
			t.Appended++
			// A dry run has no sequences.
			if r.Sequence > 0 {
				t.appended(r.Sequence)
			}
		case event.Duplicate:
			t.Duplicates++
		case event.Refused:
			t.Refused++
			if b.rows == nil {
				at := b.Begins[i]
				cloudevents.PlaceIn(r.Refusal, b.Raw[i], at.Line, at.Column)
			}
			if err := t.refuse(r, b.Places[i], b.input(i)); err != nil {
				return err
			}
		}
	}
	// Once a batch: often enough for people, and no work for each event.
	t.tell.At(t.Read, t.part())
	return nil
}

// appended notes the sequence of an appended event. They come in ascending order, so the newest is
// the last.
func (t *Tally) appended(sequence uint64) {
	if t.First == nil {
		t.First = &sequence
	}
	t.Last = &sequence
}

// refuse tells of one refusal, and gives it back where there is a file for it; it has been counted.
// place is a line, an element's number or a row, from 1. Of a list the words are in its language,
// and name columns as its own heading does.
func (t *Tally) refuse(r *event.Receipt, place int, in input) error {
	why := r.Why()
	// Whoever may not report under the list's source can name another; each row would say so again.
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
	// Who has asked for a file of them need not be shown them, too.
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

// broken counts the rest of an array that cannot be read on as one refused event. How many more
// there would have been is not known. The error ends the import of this file and of those after it;
// it is of input that was refused, exit code 3.
func (t *Tally) broken(cause error) error {
	t.Read++
	t.Refused++
	return problem.New(problem.Malformed, t.file+": "+cause.Error()+
		"; what came before was taken in")
}

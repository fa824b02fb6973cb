package excerpt

import (
	"cmp"
	"context"
	"slices"
	"strconv"

	"cakupan/domain/event"
	"cakupan/eventstore/cloudevents"
	"cakupan/projections/history"
)

// List names a list. Its id alone may be that of several sources.
type List struct {
	List      string
	Source    string // events of it alone; "": of all sources
	Publisher string // of it alone: the registered name, else the source; "": of all
}

// TakenAttribute is what [Reader.Rows] adds to an event that is not in force. No event keeps
// an attribute of that name there: what a sender says of himself is not taken for the ledger's
// word.
const TakenAttribute = "retractedby"

// Rows calls yield with each event of a list, its rows and what corrects them, in the order
// of the log: in JSON as [Reader.Events] gives it. One that is not in force also says which event
// takes it back first, whoever sent that: an owner's retraction is of no list, and takes the row
// back all the same.
//
// It reads what the list has brought, and nothing else of the log, however long that is. It waits
// for the history as [Ledger.View] does. An error of yield ends it and is returned as it is; a line
// belongs to the call.
func (r *Reader) Rows(ctx context.Context, f List, yield func(line []byte) error,
) error {
	// What takes an event back later than that is of another answer: it would be told without what
	// came in its place.
	_, tail, err := r.Log.Last(ctx)
	if err != nil {
		return err
	}
	var line []byte
	list, known := history.Subject{Kind: history.List, Name: f.List}, tail.Sequence
	return r.Reported(ctx, list, known, nil, func(r *history.Reported) error {
		e := r.Event
		if f.Source != "" && f.Source != e.Source ||
			f.Publisher != "" && f.Publisher != cmp.Or(e.Publisher, e.Source) {
			return nil
		}
		// The extensions are the selection's memory, which the next event fills anew.
		e.Extensions = slices.DeleteFunc(e.Extensions, func(x event.Extension) bool {
			return x.Name == TakenAttribute
		})
		line = cloudevents.AppendJSON(line[:0], e, uint64(r.Sequence), r.RecordedAt)
		if by := r.TakenBy(known); by != 0 {
			line = append(line[:len(line)-1], `,"`+TakenAttribute+`":`...)
			line = append(strconv.AppendUint(line, uint64(by), 10), '}')
		}
		return yield(line)
	})
}

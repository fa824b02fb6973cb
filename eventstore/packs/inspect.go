package packs

import (
	"errors"
	"strconv"

	"cakupan/eventstore"
	"cakupan/eventstore/inspect"
	log "cakupan/eventstore/jetstream"
)

// Inspection looks at the records of a stream that lies in files, one after the other.
type Inspection struct {
	report  *inspect.Report
	missing map[uint64]bool
}

// Inspect begins an inspection, of the stream that has the metadata.
func Inspect(metadata map[string]string, report *inspect.Report) *Inspection {
	in := &Inspection{report: report, missing: map[uint64]bool{}}
	if report.Known(metadata[metaRecords], strconv.Itoa(FormatVersion)) {
		identity, err := log.IdentityOf(metadata)
		if err != nil {
			report.Found(inspect.Damaged, "%s", err)
		}
		report.Ledger = identity.Ledger
	}
	return in
}

// Take looks at the next message, and returns the record in it; false when it is none.
func (in *Inspection) Take(message uint64, data []byte) (Record, bool) {
	rec, err := Parse(data)
	switch r := in.report; {
	case err != nil:
		state := inspect.Damaged
		if errors.Is(err, eventstore.ErrNewerFormat) {
			state = inspect.Newer
		}
		r.Found(state, "message %d: %s", message, err)
		return Record{}, false
	case rec.Number <= r.Last:
		r.Found(inspect.Damaged, "message %d holds record %d after record %d", message, rec.Number,
			r.Last)
		return rec, false
	case rec.Number-r.Last > missingMax:
		r.Found(inspect.Damaged, "message %d holds record %d, far beyond record %d", message,
			rec.Number, r.Last)
		return rec, false
	}
	for number := in.report.Last + 1; number < rec.Number; number++ {
		in.missing[number] = true
	}
	for _, number := range rec.Replaces {
		delete(in.missing, number)
	}
	if in.report.First == 0 {
		in.report.First = rec.Number
	}
	in.report.Last = rec.Number
	return rec, true
}

// End says in a report what is missing, once all messages were looked at.
func (in *Inspection) End(r *inspect.Report) {
	if len(in.missing) > 0 {
		r.Found(inspect.Damaged,
			"%d records are missing, and no later one stands in their place", len(in.missing))
	}
}

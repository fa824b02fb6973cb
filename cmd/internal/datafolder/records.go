package datafolder

import (
	"errors"

	"cakupan/cmd/internal/access/register"
	"cakupan/domain/event"
	"cakupan/eventstore/inspect"
	"cakupan/eventstore/natsd"
	"cakupan/eventstore/packs"
)

// records looks at the messages of a stream of records; at what the register's say, too. It is used
// by one goroutine, for one stream, from its first message to its last.
type records struct {
	report  *inspect.Report
	records *packs.Inspection
	// Built change by change, as the ledger itself does it, so that one it would not accept is
	// found.
	register *register.Register // nil: another stream's
}

// newRecords begins to look at a stream. The register is known by its subject.
func newRecords(s natsd.StoredStream, r *inspect.Report) *records {
	looked := &records{report: r, records: packs.Inspect(s.Metadata, r)}
	if len(s.Subjects) == 1 && s.Subjects[0] == "cakupan.register" {
		looked.register = &register.Register{}
	}
	return looked
}

// take reads the next record. A change is entered only where it is the next: after a hole, those
// behind it would be found wrong for nothing, and the hole is noted anyway.
func (s *records) take(m natsd.StoredMessage) {
	rec, whole := s.records.Take(m.Sequence, m.Data)
	if !whole || s.register == nil || s.register.Number()+1 != rec.Number {
		return
	}
	change, err := register.Decode(rec.Data)
	if err == nil {
		err = s.register.Enter(&change)
	}
	switch {
	case errors.Is(err, register.ErrNewerFormat):
		s.report.Found(inspect.Newer, "record %d: %s", rec.Number, err)
	case err != nil:
		// Names in it were typed by people, who may have typed a NIK: none may be shown, contract,
		// section 1.
		s.report.Found(inspect.Damaged, "record %d: %s", rec.Number, event.MaskNIK(err.Error()))
	}
}

// end says what is missing, and what the register came to. Nothing of a secret is in it.
func (s *records) end(r *inspect.Report) {
	s.records.End(r)
	if s.register == nil {
		return
	}
	// Members are never removed from the register, so those revoked are counted among them.
	revoked := 0
	for _, m := range s.register.Members() {
		if !m.RevokedAt.IsZero() {
			revoked++
		}
	}
	r.Note("the register of publishers and readers: members %d, revoked %d",
		len(s.register.Members()), revoked)
}

package datafolder

import (
	"errors"

	"cakupan/cmd/internal/access/register"
	"cakupan/domain/event"
	"cakupan/eventstore/inspect"
	"cakupan/eventstore/natsd"
	"cakupan/eventstore/packs"
)

// records looks at the messages of a stream of records; at what the register's say, too.
type records struct {
	report   *inspect.Report
	records  *packs.Inspection
	register *register.Register // nil: another stream's
}

// newRecords begins to look at a stream.
func newRecords(s natsd.StoredStream, r *inspect.Report) *records {
	looked := &records{report: r, records: packs.Inspect(s.Metadata, r)}
	if len(s.Subjects) == 1 && s.Subjects[0] == "cakupan.register" {
		looked.register = &register.Register{}
	}
	return looked
}

// take reads the next record.
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
		s.report.Found(inspect.Damaged, "record %d: %s", rec.Number, event.MaskNIK(err.Error()))
	}
}

// end says what is missing, and what the register came to. Nothing of a secret is in it.
func (s *records) end(r *inspect.Report) {
	s.records.End(r)
	if s.register == nil {
		return
	}
	revoked := 0
	for _, m := range s.register.Members() {
		if !m.RevokedAt.IsZero() {
			revoked++
		}
	}
	r.Note("the register of publishers and readers: members %d, revoked %d",
		len(s.register.Members()), revoked)
}

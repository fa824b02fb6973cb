package standing

import (
	"slices"

	"cakupan/domain/enrolment"
	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/projections/facts"
)

// Person is the ids that are one worker, and what is known of the life they share. It is memory
// that is used again.
type Person struct {
	IDs    []uint32 // in order of their numbers
	Died   temporal.Date
	Merges []eventstore.Sequence // that join the ids, each once, ascending
	Death  eventstore.Sequence   // the first that says so; 0: none is known

	Enrolments []uint32 // ever opened for one of the ids, each once, in order of their numbers

	ids facts.IDs // as merges lead to them
}

// Has reports whether a worker's id is one of the person's.
func (p *Person) Has(w uint32) bool {
	_, found := slices.BinarySearch(p.IDs, w)
	return found
}

// Person reads the person that a worker is. Those ids are taken together that merges known to the
// reader join (contract, section 3); the list grows while it is gone through. The worker must be
// one that the state has.
func (r *Reader) Person(s *facts.State, p *Person, w uint32) {
	*p = Person{
		IDs: p.IDs[:0], Died: enrolment.Never,
		Merges: p.Merges[:0], Enrolments: p.Enrolments[:0], ids: p.ids,
	}
	p.ids.Reset(w)
	for i := 0; i < p.ids.Len(); i++ {
		id := p.ids.At(i)
		r.lives = r.known.keep(s.AppendLives(r.lives[:0], id), 0)
		for j := range r.lives {
			p.live(&r.lives[j])
		}
		for e := range s.Enrolments(id, facts.NoEnrolment) {
			p.Enrolments = append(p.Enrolments, e)
		}
	}
	p.IDs = append(p.IDs, p.ids.All()...)
	slices.Sort(p.IDs)
	slices.Sort(p.Merges)
	p.Merges = slices.Compact(p.Merges) // each comes from both sides
	slices.Sort(p.Enrolments)
	p.Enrolments = slices.Compact(p.Enrolments)
}

// live takes in a death or a merge of one of the ids. Of several deaths the earliest counts, and of
// the same day the one recorded first.
func (p *Person) live(record *facts.Record) {
	if record.Kind == event.WorkerDied {
		if record.On < p.Died || record.On == p.Died && record.Sequence < p.Death {
			p.Died, p.Death = record.On, record.Sequence
		}
		return
	}
	p.Merges = append(p.Merges, record.Sequence)
	p.ids.Add(record.Worker, record.Into)
}

// Each calls yield with the standing on a day of each enrolment that is open for the person then
// and lies in the region. Each is of the reader's own memory, and Basis and the others may be asked
// of it within the call.
func (r *Reader) Each(s *facts.State, p *Person, in region.Code, on temporal.Date,
	yield func(st Standing),
) {
	for _, e := range p.Enrolments {
		st := r.Stand(s, e, on, p.Died)
		if st.Open && In(st.Terms.Region, in) && p.Has(st.Worker) {
			yield(st)
		}
	}
}

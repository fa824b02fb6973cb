package coverage

import (
	"cmp"
	"runtime"
	"slices"

	"cakupan/domain/enrolment"
	"cakupan/domain/event"
	"cakupan/domain/temporal"
	"cakupan/projections/counts"
	"cakupan/projections/facts"
	"cakupan/projections/timeline"
)

// repurse is a commitment whose purse has changed. The state has the new one already. It lives as
// long as one event is applied.
type repurse struct {
	commitment uint32
	was, is    *enrolment.Purse
	windows    []enrolment.Span // the months in which a grant may count otherwise, in order
	// paid says that they are months that the purse has paid for and had not, or the other way
	// round, and that nothing else differs. So it is when money is disbursed.
	paid  bool
	spent []enrolment.Span // the months that one of the two has disbursed; nil: not asked yet
}

// newRepurse works out what differs between two purses of a commitment.
func newRepurse(c uint32, was, is *enrolment.Purse) *repurse {
	r := &repurse{commitment: c, was: was, is: is, windows: windowsOf(was, is)}
	r.paid = was.Source == is.Source && was.ClosedFrom == is.ClosedFrom
	for _, w := range r.windows {
		r.paid = r.paid && disburses(was, w) != disburses(is, w)
	}
	return r
}

// timeline returns the two purses as a timeline takes them.
func (r *repurse) timeline() timeline.Purses {
	if r.spent == nil {
		r.spent = r.was.DisbursedByOne(r.is)
	}
	return timeline.Purses{Was: r.was, Is: r.is, Paid: r.spent}
}

// disburses reports whether a purse has paid for all of the months. That is: all of them, and not
// only some.
func disburses(p *enrolment.Purse, months enrolment.Span) bool {
	i := enrolment.EndingAfter(p.Disbursed, months.From)
	return i < len(p.Disbursed) &&
		p.Disbursed[i].From <= months.From && months.Until <= p.Disbursed[i].Until
}

// comparePurses appends what differs for the persons of a commitment's grants between the purse it
// was and the one it is.
//
// The enrolments are looked at in order of their numbers, so that it is known which of a person's
// see the purse as it was, still, and which as it is. Nearly all are the only one of their worker.
//
// There may be hundreds of thousands, and their edges be few when added up: a closing takes the
// same cell from all of a regency on one day.
func (f *fold) comparePurses(c uint32, was *enrolment.Purse, edges []counts.Change,
) []counts.Change {
	is := f.state.Purse(c)
	if is.Equal(was) {
		return edges
	}
	r := newRepurse(c, was, &is)
	some := edges[len(edges):]
	granted := f.state.Granted(c)
	defer f.letIn()()
	for enrolments := range granted {
		f.state.Prefetch(enrolments)
		f.looked += len(enrolments)
		for _, e := range enrolments {
			some = f.comparePurse(r, e, some[:0])
			f.sums.add(some)
		}
		runtime.Gosched() // others have their turn at the processor
	}
	return f.sums.flush(edges)
}

// comparePurse appends what differs for the persons of one enrolment. Enrolments with higher
// numbers see the purse as it was. Those with lower ones, and this one when it is done, see it as
// it is.
func (f *fold) comparePurse(r *repurse, e uint32, edges []counts.Change) []counts.Change {
	own, line := &f.own, f.heavy.lines[e]
	if line == nil && !f.state.GatherFew(&own.facts, e, f.heavy.facts-1) {
		if f.state.Gather(&own.facts, e); own.facts.Len() >= f.heavy.facts {
			line = f.newLine(&own.facts, e, f.state.Purses().With(r.commitment, r.was, 0))
		}
	}
	if line != nil {
		line.Repurse(r.commitment, r.timeline(), f.state.DiedOn, &f.heavy.difference)
		return f.compareLine(line, e, f.state.Purses().With(r.commitment, r.was, e+1), edges)
	}
	months, granted := own.facts.GrantedBy(r.commitment)
	if !granted { // any more
		return edges
	}
	own.workers = own.facts.AppendWorkers(own.workers[:0])
	if r.paid && !f.longWay && !slices.ContainsFunc(own.workers, f.isCounted) {
		var done bool
		if edges, done = f.comparePaid(r, edges); done {
			return edges
		}
	}
	return f.compareWindows(r, e, months, edges)
}

// isCounted tells whether what differs for a worker is counted with more than the enrolment at
// hand: there are others of his, or he has a tally. Then the short way would count a person twice,
// or leave the tally behind.
func (f *fold) isCounted(w uint32) bool {
	_, heavy := f.hasTally(w)
	return heavy || f.state.Several(w)
}

// windowsOf returns the months in which a grant may count otherwise under one of two purses than
// under the other, in order, none touching another one.
func windowsOf(was, is *enrolment.Purse) []enrolment.Span {
	if was.Source != is.Source {
		return []enrolment.Span{facts.AllMonths()}
	}
	windows := was.DisbursedByOne(is)
	if was.ClosedFrom != is.ClosedFrom {
		closed := enrolment.Span{
			From:  min(was.ClosedFrom, is.ClosedFrom),
			Until: max(was.ClosedFrom, is.ClosedFrom),
		}
		if closed.Until < enrolment.NeverMonth {
			closed.Until += moneyCounts
		}
		windows = append(windows, closed)
		slices.SortFunc(windows, func(a, b enrolment.Span) int {
			return cmp.Compare(a.From, b.From)
		})
	}
	joined := windows[:0]
	for _, w := range windows {
		if n := len(joined); n > 0 && w.From <= joined[n-1].Until {
			joined[n-1].Until = max(joined[n-1].Until, w.Until)
			continue
		}
		joined = append(joined, w)
	}
	return joined
}

// comparePaid appends what differs for the worker of an enrolment, whose facts are gathered, when
// money was disbursed: the months that the grants pay rest on something else. It returns false, and
// has done nothing, when there is other money for these months. So is nearly every disbursement:
// the days stay covered, and only the evidence is another one (contract, section 3).
func (f *fold) comparePaid(r *repurse, edges []counts.Change) ([]counts.Change, bool) {
	own, alone := &f.own, false
	if f.paid, alone = own.facts.PaidBy(r.commitment, f.paid[:0]); !alone {
		return edges, false
	}
	own.before.Stretches = enrolment.AppendStretches(own.before.Stretches[:0], own.facts.Changes())
	for i := range own.before.Stretches {
		stretch := &own.before.Stretches[i]
		if stretch.Terms.Payer != event.APBD {
			continue
		}
		if died := f.state.DiedOn(stretch.Worker); died < stretch.Until {
			stretch.Until = died + 1
		}
		for _, paid := range f.paid {
			edges = f.comparePaidIn(r, stretch, paid, edges)
		}
	}
	return edges, true
}

// comparePaidIn appends what differs in the months that are paid, during a stretch. Where the
// commitment was closed before, nothing was paid.
func (f *fold) comparePaidIn(r *repurse, stretch *enrolment.Stretch, paid enrolment.Span,
	edges []counts.Change,
) []counts.Change {
	paid.Until = min(paid.Until, r.is.ClosedFrom)
	for i := enrolment.EndingAfter(r.windows, paid.From); i < len(r.windows); i++ {
		w := &r.windows[i]
		if w.From >= paid.Until {
			break
		}
		f.looked++
		was := enrolment.Spell{
			From:  max(stretch.From, max(w.From, paid.From).First()),
			Until: min(stretch.Until, min(w.Until, paid.Until).First()),
			Terms: stretch.Terms, Sources: r.was.Source, Evidence: enrolment.Promised,
		}
		if was.From >= was.Until {
			continue
		}
		is := was
		if is.Evidence = enrolment.Disbursed; !disburses(r.is, *w) {
			was.Evidence, is.Evidence = is.Evidence, was.Evidence
		}
		edges = appendEdges(edges, spanOf(&was), -1)
		edges = appendEdges(edges, spanOf(&is), +1)
	}
	return edges
}

// compareWindows appends what differs for the persons of an enrolment whose gathered facts are its
// own, and whose grants of the commitment lie in the months. Each window is compared by itself:
// between them both purses say the same.
func (f *fold) compareWindows(r *repurse, e uint32, months enrolment.Span, edges []counts.Change,
) []counts.Change {
	own, now := &f.own, f.state.Purses()
	before := now.With(r.commitment, r.was, 0)
	own.before.Stretches = enrolment.AppendStretches(own.before.Stretches[:0], own.facts.Changes())
	own.after.Stretches = append(own.after.Stretches[:0], own.before.Stretches...)
	from, until := months.From, months.Until+moneyCounts
	for i := enrolment.EndingAfter(r.windows, from); i < len(r.windows); i++ {
		w := enrolment.Span{
			From: max(from, r.windows[i].From), Until: min(until, r.windows[i].Until),
		}
		if w.From >= until {
			break
		}
		f.looked++
		money := enrolment.Span{From: w.From - moneyCounts, Until: w.Until}
		own.before.FollowMoney(&own.facts, before, money)
		own.after.FollowMoney(&own.facts, now, money)
		days := facts.Days{From: w.From.First(), Until: w.Until.First()}
		edges = f.compareNow(e, now.With(r.commitment, r.was, e), days, edges)
	}
	return edges
}

// edgeSums adds up edges of one event, of which there may be millions in few cells on few days. Its
// memory is that of what is left of them. The order of what it holds is that of its hashes, and
// means nothing: counting sorts it.
type edgeSums struct {
	slots []counts.Change // of a power of two; with the zero cell: empty
	used  int
}

// add takes edges in. What cancels stays as a slot of 0 until the next growth.
func (s *edgeSums) add(edges []counts.Change) {
	for i := range edges {
		if 2*s.used >= len(s.slots) {
			s.grow()
		}
		s.find(edges[i].Cell, edges[i].Day).Weight += edges[i].Weight
	}
}

// find returns the slot of a cell and day. There must be room, which add sees to.
func (s *edgeSums) find(c counts.Key, day temporal.Date) *counts.Change {
	const mix = 0x9E3779B97F4A7C15 // 2^64 / golden ratio
	mask := uint64(len(s.slots) - 1)
	at := (uint64(c) ^ uint64(c)>>32 + uint64(uint32(day))*mix) * mix >> 32 & mask
	for s.slots[at].Cell != 0 && (s.slots[at].Cell != c || s.slots[at].Day != day) {
		at = (at + 1) & mask
	}
	if slot := &s.slots[at]; slot.Cell == 0 {
		slot.Cell, slot.Day = c, day
		s.used++
	}
	return &s.slots[at]
}

func (s *edgeSums) grow() {
	const slotsMin = 1 << 10
	old := s.slots
	s.slots, s.used = make([]counts.Change, max(slotsMin, 2*len(old))), 0
	for i := range old {
		if old[i].Weight != 0 {
			s.find(old[i].Cell, old[i].Day).Weight = old[i].Weight
		}
	}
}

// flush appends what the edges come to, and is empty then. Large memory is given back, as such
// events are rare.
func (s *edgeSums) flush(edges []counts.Change) []counts.Change {
	if s.used == 0 {
		return edges
	}
	for i := range s.slots {
		if s.slots[i].Weight != 0 {
			edges = append(edges, s.slots[i])
		}
	}
	const slotsKept = 1 << 16
	if len(s.slots) > slotsKept {
		s.slots = nil
	}
	clear(s.slots)
	s.used = 0
	return edges
}

package coverage

import (
	"slices"

	"cakupan/domain/enrolment"
	"cakupan/domain/event"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
)

// gathered are the facts in force about one enrolment.
type gathered struct {
	changes []enrolment.Change // in order
	grants  []grant            // the newest first
	revokes []grant
}

// grant is a granted event, or a revoked one: that has no until.
type grant struct {
	sequence    eventstore.Sequence
	commitment  uint32
	from, until temporal.Month
}

// gather collects the facts in force about an enrolment.
func (s *state) gather(g *gathered, e uint32) {
	g.changes, g.grants, g.revokes = g.changes[:0], g.grants[:0], g.revokes[:0]
	for at := *s.enrolments.At(int(e)); at != 0; {
		f := s.facts.At(int(at - 1))
		at = f.next
		switch event.Type(f.kind) {
		case event.FundingGranted:
			g.grants = append(g.grants, f.grant())
		case event.FundingRevoked:
			g.revokes = append(g.revokes, f.grant())
		default:
			g.changes = append(g.changes, f.change())
		}
	}
	if len(g.changes) > 1 {
		slices.Reverse(g.changes) // mostly in order then
		sortChanges(g.changes)
	}
}

func (f *fact) grant() grant {
	return grant{f.sequence(), f.subject, temporal.Month(f.from), temporal.Month(f.until)}
}

func (f *fact) change() enrolment.Change {
	c := enrolment.Change{
		Kind: event.Type(f.kind), On: temporal.Date(f.from), Sequence: uint64(f.sequence()),
		Worker: f.subject,
	}
	if f.detail != 0 {
		c.Terms, c.Named = unpackTerms(f.detail)
	}
	return c
}

// sortChanges orders changes that are mostly in order already, and few.
func sortChanges(changes []enrolment.Change) {
	if len(changes) > 16 {
		slices.SortFunc(changes, func(a, b enrolment.Change) int {
			if a.Before(&b) {
				return -1
			}
			return 1
		})
		return
	}
	for i := 1; i < len(changes); i++ {
		settle(changes[:i+1])
	}
}

// settle moves the last of the changes to its place among the others, which are in order.
func settle(changes []enrolment.Change) {
	at := len(changes) - 1
	if at == 0 || !changes[at].Before(&changes[at-1]) {
		return
	}
	c := changes[at]
	for ; at > 0 && c.Before(&changes[at-1]); at-- {
		changes[at] = changes[at-1]
	}
	changes[at] = c
}

// remove removes the fact with the sequence.
func (g *gathered) remove(seq eventstore.Sequence) {
	is := func(f grant) bool { return f.sequence == seq }
	g.grants = slices.DeleteFunc(g.grants, is)
	g.revokes = slices.DeleteFunc(g.revokes, is)
	g.changes = slices.DeleteFunc(g.changes, func(c enrolment.Change) bool {
		return c.Sequence == uint64(seq)
	})
}

// appendWorkers appends the workers for whom the enrolment was opened, each once.
func (g *gathered) appendWorkers(dst []uint32) []uint32 {
	for i := range g.changes {
		c := &g.changes[i]
		if c.Kind == event.EnrolmentOpened && !slices.Contains(dst, c.Worker) {
			dst = append(dst, c.Worker)
		}
	}
	return dst
}

// view is what the facts about an enrolment come to.
type view struct {
	stretches []enrolment.Stretch
	paid      []enrolment.Paid // when a stretch has the payer APBD
}

// look works out what gathered facts come to.
func (s *state) look(v *view, g *gathered) {
	v.stretches = enrolment.AppendStretches(v.stretches[:0], g.changes)
	v.paid = v.paid[:0]
	if v.onBudget() {
		v.paid = s.appendPaid(v.paid, g)
	}
}

// copy makes v the same as the other view.
func (v *view) copy(other *view) {
	v.stretches = append(v.stretches[:0], other.stretches...)
	v.paid = append(v.paid[:0], other.paid...)
}

// differing returns two views of one enrolment without the past in which they are the same. An
// event changes stretches or months, hardly ever both.
func differing(a, b *view) (view, view) {
	stretches := common(a.stretches, b.stretches)
	if slices.Equal(a.paid, b.paid) {
		return view{a.stretches[stretches:], a.paid}, view{b.stretches[stretches:], b.paid}
	}
	if stretches < max(len(a.stretches), len(b.stretches)) {
		return *a, *b
	}
	// How long it is in grace after a span of months depends on when the next one begins.
	paid := max(common(a.paid, b.paid)-1, 0)
	return view{a.stretches, a.paid[paid:]}, view{b.stretches, b.paid[paid:]}
}

// common returns how many elements two slices have in common from their beginning.
func common[T comparable](a, b []T) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// onBudget reports whether grants are what a stretch is paid from.
func (v *view) onBudget() bool {
	for i := range v.stretches {
		if v.stretches[i].Terms.Payer == event.APBD {
			return true
		}
	}
	return false
}

// appendPaid appends the months that the grants pay.
func (s *state) appendPaid(paid []enrolment.Paid, g *gathered) []enrolment.Paid {
	for i := len(g.grants) - 1; i >= 0; i-- { // the oldest first: mostly in order of time
		paid = enrolment.AddPaid(paid, s.paidBy(&g.grants[i], g.revokes))
	}
	return paid
}

// paidBy returns the months that a grant pays.
func (s *state) paidBy(g *grant, revokes []grant) enrolment.Paid {
	revokedFrom := enrolment.NeverMonth
	for i := range revokes {
		if r := &revokes[i]; r.commitment == g.commitment && r.sequence > g.sequence {
			revokedFrom = min(revokedFrom, r.from)
		}
	}
	purse := &s.purses[g.commitment]
	return enrolment.Paid{
		From:    g.from,
		Until:   enrolment.PaidUntil(g.until, revokedFrom, purse.closedFrom),
		Sources: purse.source,
	}
}

// appendSpells appends the spells of the worker.
func (v *view) appendSpells(spells []enrolment.Spell, w uint32, died temporal.Date,
) []enrolment.Spell {
	for i := range v.stretches {
		if stretch := &v.stretches[i]; stretch.Worker == w {
			spells = enrolment.AppendSpells(spells, *stretch, died, v.paid)
		}
	}
	return spells
}

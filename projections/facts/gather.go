package facts

import (
	"math"
	"slices"

	"cakupan/domain/enrolment"
	"cakupan/domain/event"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
)

// Gathered are the facts about one enrolment, in memory that is used again. They belong to the
// goroutine that gathers. What its methods return is valid until it gathers again. The zero value
// is ready to be used.
type Gathered struct {
	enrolment uint32
	changes   []enrolment.Change // in order
	grants    []Grant            // the newest first
	revokes   []Grant
	credits   []Grant // the newest first
}

// Grant is a granted event, or a revoked one: that has no Until; or a credited one: that has no
// Commitment.
type Grant struct {
	// From is in, Until is out. Of which months a grant pays in the end, revocations and closings
	// decide.
	Sequence    eventstore.Sequence
	Commitment  uint32
	From, Until temporal.Month
}

// Gather collects the facts in force about an enrolment. The number must be of an enrolment that
// was admitted.
func (s *State) Gather(g *Gathered, e uint32) { s.GatherFew(g, e, math.MaxInt) }

// GatherFew does so, unless there are more than so many: then it returns false, and what is
// gathered is of no use. Facts that are retracted and still linked count too: what is bounded is
// the way.
func (s *State) GatherFew(g *Gathered, e uint32, most int) (few bool) {
	g.reset(e)
	at := s.enrolments.At(int(e)).newest
	for ; at != 0 && most > 0; most-- {
		f := s.facts.At(int(at - 1))
		at = f.next
		switch event.Type(f.kind) {
		case event.FundingGranted:
			g.grants = append(g.grants, f.grant())
		case event.FundingRevoked:
			g.revokes = append(g.revokes, f.grant())
		case event.ContributionCredited:
			g.credits = append(g.credits, f.grant())
		case 0: // retracted
		default:
			g.changes = append(g.changes, f.change())
		}
	}
	if len(g.changes) > 1 {
		slices.Reverse(g.changes) // mostly in order then
		sortChanges(g.changes)
	}
	return at == 0
}

// GatherSince collects the facts in force about an enrolment of which only the opening and credits
// are known, that came in order of their months: of the credits the last one that ends by the
// month, and those after it. It returns false for any other enrolment, when there are more facts
// than so many, and for what was loaded from a file: then what is gathered is of no use.
func (s *State) GatherSince(g *Gathered, e uint32, month temporal.Month, most int) bool {
	g.reset(e)
	a := s.enrolments.At(int(e))
	if a.opening == 0 || s.steady[e>>6]&(1<<(e&63)) == 0 {
		return false
	}
	g.changes = append(g.changes, s.facts.At(int(a.opening-1)).change())
	for at := a.newest; at != a.opening; {
		if g.Len() == most {
			return false
		}
		f := s.facts.At(int(at - 1))
		g.credits = append(g.credits, f.grant())
		// Each credit begins where the one before ended, or later: those behind this one end by the
		// month too.
		if at = f.next; temporal.Month(f.until) <= month {
			break
		}
	}
	return true
}

// reset empties g for another enrolment, and keeps its memory.
func (g *Gathered) reset(e uint32) {
	g.enrolment, g.changes = e, g.changes[:0]
	g.grants, g.revokes, g.credits = g.grants[:0], g.revokes[:0], g.credits[:0]
}

// Changes returns the changes, in order.
func (g *Gathered) Changes() []enrolment.Change { return g.changes }

// Grants returns the granted events, the newest first.
func (g *Gathered) Grants() []Grant { return g.grants }

// Revokes returns the revoked events, the newest first.
func (g *Gathered) Revokes() []Grant { return g.revokes }

// Credits returns the credited events, the newest first.
func (g *Gathered) Credits() []Grant { return g.credits }

// GrantedBy returns from which month to which one the grants of a commitment are, and whether there
// are any. They are from the earliest beginning to the latest end, with what lies between and what
// is revoked or closed.
func (g *Gathered) GrantedBy(c uint32) (months enrolment.Span, granted bool) {
	months = enrolment.Span{From: enrolment.NeverMonth, Until: -enrolment.NeverMonth}
	for i := range g.grants {
		if grant := &g.grants[i]; grant.Commitment == c {
			months.From, months.Until = min(months.From, grant.From), max(months.Until, grant.Until)
			granted = true
		}
	}
	return months, granted
}

// PaidBy appends the months that the grants of a commitment pay for as long as it does not close.
// It reports false when grants of others are for some of them, or credits. Others count as they
// were granted, revoked or not: who is told false looks closer. Among what it appends may be spans
// without months.
func (g *Gathered) PaidBy(c uint32, dst []enrolment.Span) (spans []enrolment.Span, alone bool) {
	if len(g.credits) > 0 {
		return dst, false
	}
	for i := range g.grants {
		if grant := &g.grants[i]; grant.Commitment == c {
			dst = appendSpan(dst, enrolment.Span{From: grant.From, Until: g.endOf(grant)})
		}
	}
	for i := range g.grants {
		if grant := &g.grants[i]; grant.Commitment != c {
			is := enrolment.Span{From: grant.From, Until: grant.Until}
			for _, s := range dst {
				if s.From < is.Until && is.From < s.Until {
					return dst, false
				}
			}
		}
	}
	return dst, true
}

// appendSpan appends a span of months, as far as they are not among the others already. Those that
// it joins stay among them, without months, so that nothing moves.
func appendSpan(spans []enrolment.Span, add enrolment.Span) []enrolment.Span {
	if add.From >= add.Until {
		return spans
	}
	for i := range spans {
		s := &spans[i]
		if s.From <= add.Until && add.From <= s.Until {
			add.From, add.Until = min(add.From, s.From), max(add.Until, s.Until)
			s.Until = s.From // it is part of the new one
		}
	}
	return append(spans, add)
}

// endOf returns the month from which on a grant of an enrolment does not pay, unless its commitment
// closes before. Only revocations with a higher sequence take months away (contract, section 3).
func (g *Gathered) endOf(grant *Grant) temporal.Month {
	until := grant.Until
	for i := range g.revokes {
		r := &g.revokes[i]
		if r.Commitment == grant.Commitment && r.Sequence > grant.Sequence {
			until = min(until, r.From)
		}
	}
	return until
}

// Len returns how many facts there are.
func (g *Gathered) Len() int {
	return len(g.changes) + len(g.grants) + len(g.revokes) + len(g.credits)
}

func (f *fact) grant() Grant {
	return Grant{f.sequence(), f.subject, temporal.Month(f.from), temporal.Month(f.until)}
}

func (f *fact) change() enrolment.Change {
	c := enrolment.Change{
		Kind: event.Type(f.kind), On: temporal.Date(f.from), Sequence: uint64(f.sequence()),
		Worker: f.subject,
	}
	if f.detail != 0 {
		c.Terms, c.Named = PackedTerms(f.detail).Unpack()
	}
	return c
}

// Change returns an event of an enrolment that is no grant and no revocation.
func (e *Event) Change() enrolment.Change {
	c := enrolment.Change{Kind: e.Kind, On: temporal.Date(e.From), Sequence: uint64(e.Sequence)}
	if e.Kind == event.EnrolmentOpened {
		c.Worker = e.Worker
	}
	if e.Terms != 0 {
		c.Terms, c.Named = e.Terms.Unpack()
	}
	return c
}

// Grant returns a granted, revoked or credited event.
func (e *Event) Grant() Grant {
	return Grant{e.Sequence, e.Commitment, temporal.Month(e.From), temporal.Month(e.Until)}
}

// sortChanges orders changes that are mostly in order already, and few. A few are sunk one by one,
// which is quicker than a general sort and allocates nothing. No two are equal, as their sequences
// differ.
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
		sink(changes[:i+1])
	}
}

// sink moves the last of the changes to its place among the others, which are in order.
func sink(changes []enrolment.Change) {
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

// Add adds the fact that an event is, one that came after all others and is neither a grant nor a
// credit. The changes stay in order. The state is not asked: this is how a fold sees what an event
// that is not added yet will come to.
func (g *Gathered) Add(e *Event) {
	if e.Kind == event.FundingRevoked {
		g.revokes = append(g.revokes, e.Grant())
		return
	}
	g.changes = append(g.changes, e.Change())
	sink(g.changes)
}

// Pair makes g an opening and a change of the same enrolment that came after it. It has no number
// of an enrolment: purses must not see it as one of those from a number on.
func (g *Gathered) Pair(opening, change enrolment.Change) {
	g.reset(unnamed)
	g.changes = append(g.changes, opening, change)
	sink(g.changes)
}

// Remove removes the fact with the sequence. The state keeps it: this is how a fold sees what will
// be left by a retraction.
func (g *Gathered) Remove(seq eventstore.Sequence) {
	is := func(f Grant) bool { return f.Sequence == seq }
	g.grants = slices.DeleteFunc(g.grants, is)
	g.credits = slices.DeleteFunc(g.credits, is)
	g.revokes = slices.DeleteFunc(g.revokes, is)
	g.changes = slices.DeleteFunc(g.changes, func(c enrolment.Change) bool {
		return c.Sequence == uint64(seq)
	})
}

// AppendWorkers appends the workers for whom the enrolment was opened, each once. They are appended
// in the order in which the openings take effect, behind what dst has.
func (g *Gathered) AppendWorkers(dst []uint32) []uint32 {
	const few = 16
	var known map[uint32]bool // of those in dst, once they are many
	for i := range g.changes {
		c := &g.changes[i]
		if c.Kind != event.EnrolmentOpened || known[c.Worker] ||
			known == nil && slices.Contains(dst, c.Worker) {
			continue
		}
		if dst = append(dst, c.Worker); known == nil && len(dst) > few {
			known = map[uint32]bool{}
			for _, w := range dst {
				known[w] = true
			}
		} else if known != nil {
			known[c.Worker] = true
		}
	}
	return dst
}

package findings

import (
	"cakupan/domain/event"
	"cakupan/projections/pages"
)

// statements are the events in force that state the terms of one commitment, by what they state, so
// that the retraction of one leads to what the others come to without a look at all of them.
//
// They are indexes in the table of money, in order of the log. Retracted ones stay until they are
// the last of their list: nothing comes into force again.
type statements struct {
	committed, amended []int
	naming             [len(termsNamed)][]int // amendments, by the term that they name
}

// termsNamed are what an amendment may name.
var termsNamed = [...]uint8{namesHeads, namesMonths, namesTariff, namesCeiling, namesUntil}

// add adds an event that states terms and came after all others.
func (s *statements) add(index int, m *money) {
	if event.Type(m.kind) == event.FundingCommitted {
		s.committed = append(s.committed, index)
		return
	}
	s.amended = append(s.amended, index)
	for i, term := range termsNamed {
		if m.named&term != 0 {
			s.naming[i] = append(s.naming[i], index)
		}
	}
}

// budget returns what those in force come to.
func (s *statements) budget(t *pages.Table[money]) (b budget) {
	committed := lastInForce(t, &s.committed)
	if committed == nil {
		return b
	}
	for t.At(s.committed[0]).retracted != 0 {
		s.committed = s.committed[1:]
	}
	b.state(committed)
	b.first = t.At(s.committed[0]).sequence
	for i, term := range termsNamed {
		if m := lastInForce(t, &s.naming[i]); m != nil && m.sequence > committed.sequence {
			one := *m
			one.named = term
			b.amend(&one)
		}
	}
	if m := lastInForce(t, &s.amended); m != nil {
		b.last = max(committed.sequence, m.sequence)
	}
	return b
}

// lastInForce returns the last of a list, from which it takes those after it; nil: there is none.
func lastInForce(t *pages.Table[money], list *[]int) *money {
	for n := len(*list); n > 0; n-- {
		if m := t.At((*list)[n-1]); m.retracted == 0 {
			*list = (*list)[:n]
			return m
		}
	}
	*list = nil
	return nil
}

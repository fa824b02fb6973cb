package findings

import (
	"cmp"
	"slices"

	"cakupan/domain/enrolment"
	"cakupan/domain/event"
	"cakupan/eventstore"
)

// found is what a rule says is wrong with an owner. The slices are its own; count, rupiah and money
// are of the rules that say how many, how much. Rupiah is months times tariff at stake (contract,
// section 8), and never above the largest number.
type found struct {
	code   Code
	second uint32 // the commitment, where the finding is about a pair; else 0

	months months
	events []eventstore.Sequence
	count  int64 // how many: of enrolments, of commitments; see the rule
	rupiah int64
	money  string // MONEY_SHORT: the months that the money buys
}

// sink takes what the rules find about one owner. It is bare for the fold, which only asks which
// rules find something: no memory is made then.
type sink struct {
	found []found
	bare  bool // months and events are of no interest

	at map[mark]int // where in found each is, once these are many
}

// fewFound is up to how many findings are looked at one by one.
const fewFound = 16

// reset empties the sink for another owner, and keeps its memory.
func (k *sink) reset() {
	if len(k.found) > fewFound {
		clear(k.at)
	}
	k.found = k.found[:0]
}

// find returns where a finding is; what is not found is where the next one will be. One enrolment
// may be granted by thousands of commitments, and each be a finding.
func (k *sink) find(m mark) int {
	if len(k.found) <= fewFound {
		i := slices.IndexFunc(k.found, func(f found) bool {
			return f.code == m.code && f.second == m.second
		})
		if i < 0 {
			i = len(k.found)
		}
		return i
	}
	if len(k.at) == 0 {
		if k.at == nil {
			k.at = map[mark]int{}
		}
		for i := range k.found {
			k.at[mark{k.found[i].code, k.found[i].second}] = i
		}
	}
	i, is := k.at[m]
	if !is {
		i = len(k.found)
		k.at[m] = i
	}
	return i
}

// add adds months and events to what is found of a code and a commitment. A finding is of one code
// and, of a pair, of one commitment: what is found again of the same grows it. What it returns is
// good until the next one is added.
func (k *sink) add(code Code, second uint32, m months, events ...eventstore.Sequence) *found {
	if k.bare {
		m, events = nil, nil
	}
	if i := k.find(mark{code, second}); i < len(k.found) {
		f := &k.found[i]
		f.months, f.events = f.months.with(m), append(f.events, events...)
		return f
	}
	m = slices.Clone(m) // it may be memory that is used again
	k.found = append(k.found, found{code: code, second: second, months: m, events: events})
	return &k.found[len(k.found)-1]
}

// addSpan does so with the months of a span, which a bare sink need not have made.
func (k *sink) addSpan(code Code, s enrolment.Span, events ...eventstore.Sequence) *found {
	if k.bare {
		return k.add(code, 0, nil)
	}
	return k.add(code, 0, span(s.From, s.Until), events...)
}

// events returns the changes of an enrolment that are of such kinds, if they are of interest.
func (k *sink) events(c *course, kinds ...event.Type) []eventstore.Sequence {
	if k.bare {
		return nil
	}
	return c.events(kinds...)
}

// done brings what was found in order. Months may overlap and events be named twice before that.
func (k *sink) done() []found {
	for i := range k.found {
		f := &k.found[i]
		f.months = union(f.months)
		slices.Sort(f.events)
		f.events = slices.Compact(f.events)
	}
	return k.sorted()
}

// sorted brings in order what was found by which rule. The order is what makes the same log the
// same records: rules are asked in the order of their list, and one may find pairs of several
// commitments.
func (k *sink) sorted() []found {
	if len(k.found) > 1 {
		slices.SortFunc(k.found, func(a, b found) int {
			return cmp.Or(cmp.Compare(a.code, b.code), cmp.Compare(a.second, b.second))
		})
	}
	return k.found
}

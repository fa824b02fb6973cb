package facts

import (
	"cmp"
	"slices"
	"sort"

	"cakupan/domain/enrolment"
	"cakupan/domain/event"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/projections/steps"
)

// moneyFact is a committed or closed event of a commitment, or a part of a disbursed one: months
// that follow one another. Terms of a commitment are not kept, as they change no day of anybody's
// coverage. The facts of one event follow each other, with the same sequence.
type moneyFact struct {
	commitment   uint32
	sequenceLow  uint32
	sequenceHigh uint16
	kind         uint8          // an event.Type; 0 once retracted
	detail       uint8          // committed: the event.Funding; disbursed: how many months
	from         temporal.Month // closed; disbursed: the first month
}

func (f *moneyFact) sequence() eventstore.Sequence {
	return eventstore.Sequence(f.sequenceHigh)<<32 | eventstore.Sequence(f.sequenceLow)
}

// span returns the months of a disbursed fact.
func (f *moneyFact) span() enrolment.Span {
	return enrolment.Span{From: f.from, Until: f.from + temporal.Month(f.detail)}
}

// account is the money facts in force about one commitment, by their indexes. All of it is derived
// from money. A retraction finds the index in them by a search, so they have to be in these orders.
type account struct {
	committed []uint32 // in the order of the log
	closed    []uint32 // in order of the month, then of the log
	disbursed []uint32 // in the order of the log
	paid      steps.Counts
}

// addMoney adds a committed, closed or disbursed event. It can change every enrolment the
// commitment was ever granted to. The commitment must have been admitted. Whoever asks what that
// changes has kept the purse as it was before.
func (s *State) addMoney(e *Event, b *Batch) {
	s.owners.Append(newOwner(OfCommitment, e.Commitment))
	for _, f := range moneyOf(e, b) {
		s.noteMoney(uint32(s.money.Append(f)))
	}
	s.reckon(e.Commitment)
}

// moneyOf returns the facts that a committed, closed or disbursed event is. Months that are named
// twice count once: it is a list, but a month is paid for or not.
func moneyOf(e *Event, b *Batch) []moneyFact {
	f := moneyFact{
		commitment: e.Commitment, kind: uint8(e.Kind), detail: uint8(e.Funding),
		sequenceLow: uint32(e.Sequence), sequenceHigh: uint16(e.Sequence >> 32),
	}
	switch e.Kind {
	case event.FundingClosed:
		f.from = temporal.Month(e.From)
	case event.FundingDisbursed:
		months := slices.Clone(b.Rare(e).Event.Data.PaidMonths)
		slices.Sort(months)
		return disbursed(f, slices.Compact(months))
	default:
	}
	return []moneyFact{f}
}

// disbursed returns a fact for each row of months that follow one another. The months must ascend,
// each once. A row of more than 255 is cut in two, which changes nothing of what is paid for.
func disbursed(f moneyFact, months []temporal.Month) (facts []moneyFact) {
	const most = 255 // that detail holds
	for _, month := range months {
		if n := len(facts); n > 0 && facts[n-1].span().Until == month && facts[n-1].detail < most {
			facts[n-1].detail++
			continue
		}
		f.from, f.detail = month, 1
		facts = append(facts, f)
	}
	return facts
}

// noteMoney notes that money holds a fact in force at the index. Facts have to be noted in the
// order of the log. The same is done when a file is loaded.
func (s *State) noteMoney(index uint32) {
	f := s.money.At(int(index))
	a := s.accounts[f.commitment]
	if a == nil {
		a = &account{}
		s.accounts[f.commitment] = a
	}
	switch event.Type(f.kind) {
	case event.FundingCommitted:
		a.committed = append(a.committed, index)
	case event.FundingClosed:
		at, _ := s.findClosed(a, f.from, index)
		a.closed = slices.Insert(a.closed, at, index)
	default:
		a.disbursed = append(a.disbursed, index)
		a.paid.Add(int32(f.from), int32(f.span().Until), ignore)
	}
}

// ignore takes no notice of which months have changed: purses are made anew from all of them.
func ignore(int32, int32) {}

// findClosed returns where among the closings of a commitment one is, or belongs.
func (s *State) findClosed(a *account, from temporal.Month, index uint32) (int, bool) {
	return slices.BinarySearchFunc(a.closed, index, func(other, index uint32) int {
		return cmp.Or(cmp.Compare(s.money.At(int(other)).from, from), cmp.Compare(other, index))
	})
}

// takeMoney takes the facts of an event about a commitment out of force. An event may be several
// facts: they lie together, the first one found by a search.
func (s *State) takeMoney(owner Owner, target, by eventstore.Sequence) {
	at := func(i int) eventstore.Sequence { return s.money.At(i).sequence() }
	first := sort.Search(s.money.Len(), func(i int) bool { return at(i) >= target })
	for i := first; i < s.money.Len() && at(i) == target; i++ {
		m := s.money.Edit(i)
		s.forgetMoney(m, uint32(i))
		f := fact{
			kind: m.kind, subject: owner.Index(), from: int32(m.from), detail: uint32(m.detail),
		}
		f.setSequence(target)
		s.keep(former{fact: f, owner: owner}, by)
		m.kind = 0
	}
	s.reckon(owner.Index())
}

// forgetMoney removes a fact from its account.
func (s *State) forgetMoney(f *moneyFact, index uint32) {
	// An index that is not there is no fault: then what is stored is damaged, and the checks of the
	// file say so.
	a := s.accounts[f.commitment]
	remove := func(from []uint32) []uint32 {
		at, found := slices.BinarySearch(from, index)
		if !found {
			return from
		}
		return slices.Delete(from, at, at+1)
	}
	switch event.Type(f.kind) {
	case event.FundingCommitted:
		a.committed = remove(a.committed)
	case event.FundingClosed:
		if at, found := s.findClosed(a, f.from, index); found {
			a.closed = slices.Delete(a.closed, at, at+1)
		}
	case event.FundingDisbursed:
		a.disbursed = remove(a.disbursed)
		a.paid.Remove(int32(f.from), int32(f.span().Until), ignore)
	default:
	}
}

// reckon works out the purse of a commitment. Who has the one before keeps it as it was. Nothing of
// it is changed in place. The source is that of the committed event with the highest sequence; of
// closings the earliest month counts (contract, section 3).
func (s *State) reckon(c uint32) {
	purse, a := enrolment.EmptyPurse(), s.accounts[c]
	if a == nil {
		s.purses[c] = purse
		return
	}
	if n := len(a.committed); n > 0 {
		funding := event.Funding(s.money.At(int(a.committed[n-1])).detail)
		purse.Source = enrolment.SourceOf(funding)
	}
	if len(a.closed) > 0 {
		purse.ClosedFrom = s.money.At(int(a.closed[0])).from
	}
	purse.Disbursed = spansOf(&a.paid)
	s.purses[c] = purse
}

// spansOf returns the months that are paid for. They are in order, and apart, as steps are.
func spansOf(paid *steps.Counts) (spans []enrolment.Span) {
	paid.Each(func(from, until int32) {
		spans = append(spans,
			enrolment.Span{From: temporal.Month(from), Until: temporal.Month(until)})
	})
	return spans
}

// Purse returns what the facts about a commitment come to. The spans in it are shared: they are to
// be read only.
func (s *State) Purse(c uint32) enrolment.Purse { return s.purses[c] }

// Purses are what the commitments come to: all of them as they are now, but for one that may be
// seen as it was, by all enrolments or by those from a number on. It is a view and costs nothing to
// copy. Who sees it so are enrolments that a change of money has come to already, while others wait
// for their turn.
type Purses struct {
	now   []enrolment.Purse
	other uint32 // the commitment that is seen otherwise; unnamed: none
	as    *enrolment.Purse
	from  uint32 // the first enrolment that sees it so
}

// Purses returns what the commitments come to. It stays true until money is added or retracted.
func (s *State) Purses() Purses { return Purses{now: s.purses, other: unnamed} }

// With returns the purses with one of them replaced, as the enrolments from a number on see it. At
// most one is replaced: it takes the place of any that was before.
func (p Purses) With(c uint32, as *enrolment.Purse, from uint32) Purses {
	return Purses{p.now, c, as, from}
}

// Of returns the purse of a commitment, as an enrolment sees it. It points to the state's own,
// which stays until money is added or retracted.
func (p *Purses) Of(c, e uint32) *enrolment.Purse {
	if c == p.other && e >= p.from {
		return p.as
	}
	return &p.now[c]
}

// MoneyOf returns how many facts in force there are about the money of a commitment. The commitment
// must have been admitted.
func (s *State) MoneyOf(c uint32) int {
	a := s.accounts[c]
	if a == nil {
		return 0
	}
	return len(a.committed) + len(a.closed) + len(a.disbursed)
}

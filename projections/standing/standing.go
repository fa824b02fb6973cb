// Package standing works out how enrolments and persons stand on a day, as known at a place in the
// log, one by one, and which events that rests on.
//
// Coverage counts them all at once; this is for whoever wants to see them. The rules are those of
// package enrolment, so that both say the same.
//
// Nothing of it is kept: each answer is worked out from the facts when somebody asks.
package standing

import (
	"cmp"
	"slices"

	"cakupan/domain/enrolment"
	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/projections/facts"
)

// graceMonths is for how many months after one with money it still counts. It is that of the
// contract's section 3, for grace and for an employer's due.
const graceMonths = 3

// Knowledge says which events are in force: those up to Events, but for those that a retraction up
// to Retractions names. The two differ only for who asks what retractions alone have changed.
type Knowledge struct{ Events, Retractions eventstore.Sequence }

// At is what is known at an event.
func At(k eventstore.Sequence) Knowledge { return Knowledge{k, k} }

// has reports whether the event is in force.
func (k Knowledge) has(r *facts.Record) bool {
	return r.Sequence <= k.Events && (r.Retracted == 0 || r.Retracted > k.Retractions)
}

// keep removes the records from the first one on that are not in force. It works in place.
func (k Knowledge) keep(records []facts.Record, first int) []facts.Record {
	kept := records[:first]
	for i := first; i < len(records); i++ {
		if k.has(&records[i]) {
			kept = append(kept, records[i])
		}
	}
	return kept
}

// Standing is how an enrolment stands on a day.
type Standing struct {
	Enrolment uint32
	Worker    uint32 // as its opening names the worker; meaningful when open
	Open      bool
	Terms     enrolment.Terms // meaningful when open
	Covered   bool
	InGrace   bool
	Evidence  enrolment.Evidence // of who is covered
}

// In reports whether a region is another one or lies in it. So a region is in itself, and
// everything in the nation.
func In(r, other region.Code) bool {
	return r == other || other == region.Nation || r.Parent() == other
}

// Reader reads the state as known at one place in the log, in memory that it uses again. What it
// says does not change while the state grows, so that it may be asked in slices. It belongs to one
// goroutine.
type Reader struct {
	known    Knowledge
	accounts map[uint32]*account // by commitment: those that were needed so far; never forgotten

	// What follows is of the enrolment and day that Stand was asked for last; Basis, Ends, Speaks,
	// Since and OpenedOn speak of that.
	own     []facts.Record     // in force, in order of the log, which revocations depend on
	changes []enrolment.Change // up to the day, in order of effective dates
	on      temporal.Date
	of      Standing
	lives   []facts.Record // memory
	months  []enrolment.Months
	spells  []enrolment.Spell
}

// NewReader returns a reader of what is known. It costs nothing: what is known of money is read
// when it is first needed.
func NewReader(k Knowledge) *Reader {
	return &Reader{known: k, accounts: map[uint32]*account{}}
}

// Stand returns how an enrolment stands on a day, given the last day of life of its worker. For
// another day or another end of life, ask again. The number must be of an enrolment that the state
// has. The rules are those of package enrolment, on a stretch of one day, so that section 3 of the
// contract is said once.
func (r *Reader) Stand(s *facts.State, e uint32, on, died temporal.Date) Standing {
	r.own = r.known.keep(s.AppendEnrolment(r.own[:0], e), 0)
	r.on, r.of = on, Standing{Enrolment: e}
	state := r.fold(on)
	if !state.Open {
		return r.of
	}
	r.of.Worker, r.of.Terms, r.of.Open = state.Worker, state.Terms, true
	money := r.money(s)
	r.spells = enrolment.AppendSpells(r.spells[:0], state.Stretch(on, on+1), died, &money)
	if len(r.spells) > 0 {
		r.of.Evidence = r.spells[0].Evidence
		r.of.InGrace = r.spells[0].InGrace()
		r.of.Covered = !r.of.InGrace
	}
	return r.of
}

// fold folds the changes up to a day. A change that takes effect later has no say on the day.
func (r *Reader) fold(on temporal.Date) (state enrolment.State) {
	r.changes = r.changes[:0]
	for i := range r.own {
		switch r.own[i].Kind {
		case event.EnrolmentOpened, event.EnrolmentAmended, event.EnrolmentTerminated,
			event.EnrolmentReinstated:
			if c := r.own[i].Change(); c.On <= on {
				r.changes = append(r.changes, c)
			}
		default:
		}
	}
	slices.SortFunc(r.changes, func(a, b enrolment.Change) int {
		if a.Before(&b) {
			return -1
		}
		return 1
	})
	for i := range r.changes {
		state.Add(&r.changes[i])
	}
	return state
}

// money adds up the grants and credits of the enrolment asked for. The memory of the months is the
// reader's, and goes from one enrolment to the next.
func (r *Reader) money(s *facts.State) enrolment.Money {
	money := enrolment.NoMoney(r.months)
	for i := range r.own {
		switch own := &r.own[i]; own.Kind {
		case event.FundingGranted:
			if r.of.Terms.Payer == event.APBD {
				from, until := r.granted(i)
				money.Grant(from, until, &r.account(s, own.Commitment).Purse)
			}
		case event.ContributionCredited:
			money.Credit(own.From, own.Until)
		default:
		}
	}
	r.months = money.Months
	return money
}

// granted returns the months of a grant that no revocation takes away. Only those that are later in
// the log take months away (contract, section 3); closings are the purse's.
func (r *Reader) granted(i int) (from, until temporal.Month) {
	grant := &r.own[i]
	until = grant.Until
	for j := i + 1; j < len(r.own); j++ { // later in the log
		if revoked := &r.own[j]; revoked.Kind == event.FundingRevoked &&
			revoked.Commitment == grant.Commitment {
			until = min(until, revoked.From)
		}
	}
	return grant.From, until
}

// account is what is known of the money of a commitment. It never changes for a reader: what comes
// later in the log is not in force to it.
type account struct {
	enrolment.Purse
	committed eventstore.Sequence // that says the source; 0: none does
	closed    []facts.Record
	disbursed []payment // one for each row of months
	// Who named a month, of those that were asked for: there may be millions of rows, and as many
	// enrolments that rest on them.
	named map[temporal.Month][]eventstore.Sequence
}

// payment is what a disbursed event says of months that follow one another.
type payment struct {
	enrolment.Span
	sequence eventstore.Sequence
}

// account returns that of a commitment.
func (r *Reader) account(s *facts.State, c uint32) *account {
	if a := r.accounts[c]; a != nil {
		return a
	}
	a := &account{
		Purse: enrolment.EmptyPurse(), named: map[temporal.Month][]eventstore.Sequence{},
	}
	s.EachMoney(c, func(record *facts.Record) {
		if r.known.has(record) {
			a.add(record)
		}
	})
	slices.SortFunc(a.closed, func(a, b facts.Record) int {
		return cmp.Compare(a.Sequence, b.Sequence)
	})
	paid := make([]enrolment.Span, len(a.disbursed))
	for i := range a.disbursed {
		paid[i] = a.disbursed[i].Span
	}
	a.Disbursed = enrolment.Join(paid)
	r.accounts[c] = a
	return a
}

// add adds an event, in whatever order. Of those that say the source the last one counts.
func (a *account) add(r *facts.Record) {
	switch r.Kind {
	case event.FundingCommitted:
		if r.Sequence > a.committed {
			a.Source, a.committed = enrolment.SourceOf(r.Funding), r.Sequence
		}
	case event.FundingDisbursed:
		a.disbursed = append(a.disbursed, payment{
			enrolment.Span{From: r.From, Until: r.Until}, r.Sequence,
		})
	default:
		a.closed = append(a.closed, *r)
		a.ClosedFrom = min(a.ClosedFrom, r.From)
	}
}

// paying returns the events that have named a month, in order of the log.
func (a *account) paying(month temporal.Month) []eventstore.Sequence {
	all, known := a.named[month]
	if !known {
		for i := range a.disbursed {
			if d := &a.disbursed[i]; d.From <= month && month < d.Until {
				all = append(all, d.sequence)
			}
		}
		slices.Sort(all)
		a.named[month] = all
	}
	return all
}

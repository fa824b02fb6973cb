// Package funding sets side by side what was committed, granted, disbursed and covered of each
// local-government budget line, in heads, months and rupiah, and names what is missing
// (contract, section 8).
//
// The terms come from the log, since no fold keeps them; who is granted and covered comes from the
// facts of the coverage. Nothing is kept: each question is worked out anew.
package funding

import (
	"context"
	"slices"
	"strings"

	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/projections/facts"
	"cakupan/projections/history"
	"cakupan/projections/standing"
)

// Query asks for commitments. Known must be applied. The zero value of each but Known asks for all.
type Query struct {
	Commitment string      // this one alone; "": all
	Funder     region.Code // those of whom this region itself is the funder; 0: any
	Year       int64       // those of the fiscal year; 0: any
	Known      eventstore.Sequence
}

// Log tells what was reported about a subject up to a place in the log, in its order. want is asked
// which of some events are needed. It has to be the log that the facts were folded from.
type Log interface {
	Reported(ctx context.Context, about history.Subject, known eventstore.Sequence,
		want func(some []eventstore.Sequence) ([]eventstore.Sequence, error),
		yield func(*history.Reported) error) error
}

// Each calls yield with each commitment that anything is said of in force, in order of their ids.
// It is valid during the call.
//
// The state is read in slices, so that the fold goes on meanwhile. Memory holds the ids of the
// commitments, and of one of them some bytes for each enrolment and event.
//
// An error of yield ends it and is returned, as those of the source, the log and the context are;
// lines that were told before stay told. A commitment that nobody knows is no error: nothing is
// told of it.
func Each(ctx context.Context, source standing.Source, log Log, q Query, yield func(*Line) error,
) error {
	all, err := commitments(source, q.Commitment)
	if err != nil {
		return err
	}
	for _, c := range all {
		if err := ctx.Err(); err != nil {
			return err
		}
		b, err := booksOf(ctx, source, log, c, q.Known)
		if err != nil {
			return err
		}
		if !q.asks(&b) {
			continue
		}
		heads, err := headsOf(ctx, source, c.number, q.Known)
		if err != nil {
			return err
		}
		// A commitment whose events were all taken back, as a number that only a retracted grant
		// named, is not told of.
		if len(b.events) == 0 && heads.grantedHeads == 0 {
			continue
		}
		if err := yield(lineOf(c.name, &b, heads)); err != nil {
			return err
		}
	}
	return nil
}

// asks reports whether the query asks for the commitment. Whose a commitment is, and of which year,
// is not known before it is committed.
func (q *Query) asks(b *books) bool {
	return (q.Funder == 0 || b.known && b.funder == q.Funder) &&
		(q.Year == 0 || b.known && b.year == q.Year)
}

// commitment is one by its number and name. The number is that of the facts.
type commitment struct {
	number uint32
	name   string
}

// commitments returns all, or the one that is named, in order of their names. Numbers that are
// given out while names are read are left for the next question: the list ends with what the state
// had at first.
func commitments(source standing.Source, only string) (all []commitment, err error) {
	var numbers []uint32
	err = source.Read(func(s *facts.State) error {
		for c := range uint32(s.CommitmentCount()) {
			numbers = append(numbers, c)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if only != "" {
		c, found, err := source.Names().FindCommitment(only)
		if !found || int(c) >= len(numbers) || err != nil {
			return nil, err
		}
		return []commitment{{c, only}}, nil
	}
	// Numbers are given out from 0 on without gaps, so that a place in the list is a number.
	names, err := source.Names().AppendCommitments(nil, numbers...)
	for i, name := range names {
		all = append(all, commitment{uint32(i), name})
	}
	slices.SortFunc(all, func(a, b commitment) int { return strings.Compare(a.name, b.name) })
	return all, err
}

// books are the terms of a commitment, and what was disbursed of it.
//
// Heads, months, tariff and ceiling are those of the last committed event as amended behind it;
// amounts are whole rupiah. Without a committed event they are 0 and say nothing.
type books struct {
	known                          bool // it was committed
	funder                         region.Code
	funding                        event.Funding
	year                           int64
	basis                          string
	heads, months, tariff, ceiling int64
	from, until                    temporal.Month

	paid   amount           // all that was disbursed
	named  []temporal.Month // that disbursements name, in any order
	closed temporal.Month   // the first month that it is closed for, neverMonth: none

	events []eventstore.Sequence // in force, but for grants and revocations
}

// booksOf reads the events about a commitment that are neither grants nor revocations. Grants and
// revocations may be tens of thousands, and their events are not needed here: what they come to,
// the facts have.
func booksOf(ctx context.Context, source standing.Source, log Log, c commitment,
	known eventstore.Sequence,
) (books, error) {
	b := books{closed: neverMonth}
	want := func(some []eventstore.Sequence) (rest []eventstore.Sequence, err error) {
		err = source.Read(func(s *facts.State) error {
			rest = slices.DeleteFunc(some, func(seq eventstore.Sequence) bool {
				// Of enrolments: grants and revocations, which facts has.
				return seq <= s.Events() && s.OwnerOf(seq).Kind() == facts.OfEnrolment
			})
			return nil
		})
		return rest, err
	}
	about := history.Subject{Kind: history.Commitment, Name: c.name}
	err := log.Reported(ctx, about, known, want, func(r *history.Reported) error {
		if r.TakenBy(known) == 0 && b.take(&r.Event.Data, r.Event.Type) {
			b.events = append(b.events, r.Sequence)
		}
		return nil
	})
	return b, err
}

// take adds an event in force, if it is one about money. Of several committed events the last one
// counts, as for the source of money (contract, section 3); all amounts that were disbursed are
// added up.
func (b *books) take(d *event.Data, kind event.Type) bool {
	switch kind {
	case event.FundingCommitted:
		b.known, b.funder, b.funding, b.year = true, d.Funder, d.Funding, d.FiscalYear
		b.heads, b.months, b.tariff, b.ceiling = d.Heads, d.Months, d.Tariff, d.Ceiling
		b.from, b.until, b.basis = d.FromMonth, d.UntilMonth, d.Basis
	case event.FundingAmended:
		b.amend(d)
	case event.FundingDisbursed:
		b.paid = b.paid.plus(amountOf(d.Amount))
		b.named = append(b.named, d.PaidMonths...)
	case event.FundingClosed:
		b.closed = min(b.closed, d.FromMonth)
	default:
		return false
	}
	return true
}

// amend replaces the terms that are named, once there are terms. An amendment before the first
// committed event has nothing to amend, and is lost as one of an unknown enrolment is.
func (b *books) amend(d *event.Data) {
	if !b.known {
		return
	}
	for _, term := range [...]struct {
		field   event.Field
		is, was *int64
	}{
		{event.FieldHeads, &d.Heads, &b.heads},
		{event.FieldMonths, &d.Months, &b.months},
		{event.FieldTariff, &d.Tariff, &b.tariff},
		{event.FieldCeiling, &d.Ceiling, &b.ceiling},
	} {
		if d.Has.Has(term.field) {
			*term.was = *term.is
		}
	}
	if d.Has.Has(event.FieldUntilMonth) {
		b.until = d.UntilMonth
	}
}

package rights

import (
	"context"
	"slices"

	"cakupan/cmd/internal/excerpt"
	"cakupan/domain/event"
	"cakupan/eventstore"
	"cakupan/projections/history"
)

// amendments are what the log says of commitments that changes no figure, so that the facts do not
// have it: funding.amended, by the numbers of the commitments. It is filled by one taker and lives
// as long. Sequences may stand twice and in any order, since two ways of reading find them.
type amendments map[uint32][]eventstore.Sequence

// readAmendments finds the amendments of commitments: what the history has seen of each, and what
// came since of all at once. The rest of the log is read once for all commitments, from the first
// event on that the history has not seen of any: what it had seen of another is found again, which
// takeAmendments allows for.
func (t *taker) readAmendments(ctx context.Context, numbers []uint32) error {
	names, err := t.reader.Names().AppendCommitments(nil, numbers...)
	if err != nil || len(names) == 0 {
		return err
	}
	unseen := map[string]uint32{}
	from := eventstore.Sequence(0) // the first that the history has not seen of one of them
	for i, name := range names {
		number := numbers[i]
		unseen[name] = number
		s := &excerpt.Selection{
			Filter: excerpt.Filter{Commitment: name, Type: event.FundingAmended},
			Each: func(record eventstore.Record, _ *event.Event) error {
				t.amended[number] = append(t.amended[number], record.Sequence)
				return nil
			},
		}
		subject := history.Subject{Kind: history.Commitment, Name: name}
		at, err := t.court.reader.Known(ctx, subject, s)
		if err != nil {
			return err
		}
		if from == 0 || at < from {
			from = at
		}
	}
	s := &excerpt.Selection{
		Filter: excerpt.Filter{Type: event.FundingAmended},
		Each: func(record eventstore.Record, e *event.Event) error {
			if number, asked := unseen[e.Data.Commitment]; asked {
				t.amended[number] = append(t.amended[number], record.Sequence)
			}
			return nil
		},
	}
	return t.court.reader.All(ctx, from, s)
}

// takeAmendments takes back the amendments of a commitment by who has no right over it. One that is
// not in force any more is taken back too, which changes nothing. They are not in the facts, so it
// would cost a read of the history to know; a second retraction costs less.
func (t *taker) takeAmendments(ctx context.Context, c claim, rights []right) error {
	all := t.amended[c.number]
	slices.Sort(all)
	all = slices.Compact(all)
	if err := t.read(ctx, slices.Clone(all)); err != nil {
		return err
	}
	for _, at := range all {
		has, err := t.has(t.said[at], rights)
		if err == nil && !has {
			err = t.takeBack(c.place, at)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

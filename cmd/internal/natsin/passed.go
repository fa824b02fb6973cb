package natsin

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	log "cakupan/eventstore/jetstream"
)

// A consumer passes over what the server cannot read that it is delivered from, without a word, and
// goes on as if it were settled: on a cluster by a bit on the disk of one server, while two others
// have the pack. Its messages were acknowledged. So before packs are removed, and while nothing
// comes, those are looked for that the consumer has not brought, on each server.

// errUnheard is returned where a pack may be on a server that does not answer.
var errUnheard = errors.New("a pack cannot be read, and not every server has answered that may" +
	" have it")

// everywhereEvery is every how many-th time all servers are asked what there is while nothing
// comes.
const everywhereEvery = 10

// passedOver is what was found that consumers have passed over. It outlives them. It is of whoever
// sweeps.
type passedOver struct {
	looks uint64 // while nothing comes
	again uint64 // the pack for which the consumer was last made anew
	told  uint64 // the last one of which was told that it is lost
}

// vet sees that all packs up to a number are settled, which the consumer takes for settled. What it
// has passed over is taken in. Numbers that nobody has are those of packs that the stream has lost:
// they may not keep others from being removed.
func (p *packs) vet(ctx context.Context, upTo uint64) error {
	for number := p.server.settled.open(p.first); number <= upTo; {
		found, err := p.find(ctx, number)
		switch {
		case errors.Is(err, log.ErrNoMessage), err == nil && found.Number > upTo:
			return nil
		case err == nil:
			err = p.bring(found, errAhead)
		}
		if err != nil {
			return err
		}
		number = p.server.settled.open(found.Number)
	}
	return nil
}

// lookBehind looks for a pack that waits while nothing comes.
func (p *packs) lookBehind(ctx context.Context) error {
	ends := p.stream.Ends
	if p.server.passed.looks++; p.server.passed.looks%everywhereEvery == 1 {
		ends = p.stream.EndsEverywhere // who leads may have lost its first ones, or its last
	}
	first, last, err := ends(ctx)
	if err != nil {
		return err
	}
	number := p.server.settled.open(max(p.first, first))
	if number > last {
		return nil
	}
	found, err := p.find(ctx, number)
	switch {
	case errors.Is(err, log.ErrNoMessage):
		return nil
	case err != nil:
		return err
	case found.Elsewhere, p.hands.empty(2 * stalledAfter):
		return p.bring(found, errPassed)
	}
	return nil // it may be on its way
}

// find returns the first pack from a number on that anybody has, and tells of those before it that
// nobody has.
func (p *packs) find(ctx context.Context, number uint64) (log.Found, error) {
	found, err := p.stream.Next(ctx, number)
	switch {
	case err != nil && !errors.Is(err, log.ErrNoMessage), found.Lost == 0:
		return found, err
	case found.Unsure:
		return found, fmt.Errorf("%w: pack %d", errUnheard, found.Lost)
	case found.Lost > p.server.passed.told:
		p.server.passed.told = found.Lost
		p.server.opts.Log.ErrorContext(ctx, "a pack is lost, which no server can read: have"+
			" publishers send again what has no receipt", slog.Uint64("pack", found.Lost))
	}
	return found, err
}

// bring takes in a pack that the consumer has not brought, if it is not settled. Where the server
// that leads the stream has it, the consumer is made anew for it, but once only: the server that
// the consumer is delivered from has lost it.
func (p *packs) bring(found log.Found, why error) error {
	pack := packOf(found.Data)
	if p.server.settled.has(found.Number, pack) {
		return nil
	}
	if passed := &p.server.passed; !found.Elsewhere && passed.again != found.Number {
		passed.again = found.Number
		return why
	}
	if err := p.finish(found.Number, pack, found.Data); err != nil {
		return err
	}
	p.server.opts.Log.Warn("a pack was taken in that the server of the consumer has lost",
		slog.Uint64("pack", found.Number))
	return nil
}

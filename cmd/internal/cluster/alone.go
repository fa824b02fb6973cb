package cluster

import (
	"context"
	"errors"
	"time"

	"cakupan/cmd/internal/problem"
	"cakupan/eventstore/jetstream/lease"
)

// Alone does something that a ledger which writes would be left behind by: a change of a key, by
// who has a ledger's folder and has not started it. The lease is held meanwhile, so that none
// begins to write. The error says which ledger writes, if one does. One that was killed may be
// taken for one that writes until its lease is over, which is waited for.
func (c *Cluster) Alone(ctx context.Context, do func(context.Context) error) error {
	conn, err := c.Connect("cakupan alone")
	if err != nil {
		return err
	}
	defer conn.Close()
	on, err := lease.Open(ctx, conn, c.Replicas)
	if err != nil {
		return problem.Wrap(problem.LogUnavailable, "the cluster does not answer", err)
	}
	r := &Roles{cluster: c, lease: on, patience: patienceOf(0), me: newHolder("")}
	held, err := r.takeFree(ctx)
	if err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- do(ctx) }()
	renew := time.NewTicker(r.patience.lease / 3)
	defer renew.Stop()
	for {
		select {
		case err := <-ended:
			r.release(held)
			return err
		case <-renew.C:
		}
		// Who has it now all the same finds the change out. What was begun is better ended.
		if next, err := r.renew(ctx, held); err == nil {
			held = next
		}
	}
}

// takeFree takes the lease unless a ledger renews it.
func (r *Roles) takeFree(ctx context.Context) (held lease.State, err error) {
	var seen sighting
	for ctx.Err() == nil {
		state, err := r.lease.Look(ctx)
		if err != nil {
			return held, problem.Wrap(problem.LogUnavailable, "the cluster does not answer", err)
		}
		if !seen.since.IsZero() && seen.state.Revision != state.Revision && state.Holder.ID != "" {
			return held, anotherWrites(state.Holder)
		}
		if seen = seen.next(state, time.Now()); seen.isOver(r.patience.lease) {
			held, err = r.lease.Take(ctx, state, r.holder())
			if errors.Is(err, lease.ErrTaken) {
				return held, anotherWrites(lease.Holder{}) // since just now
			}
			return held, err
		}
		sleep(ctx, r.look)
	}
	return held, ctx.Err()
}

// anotherWrites is the error for what would leave the ledger behind that writes.
func anotherWrites(holder lease.Holder) error {
	where := "where it runs"
	if holder.URL != "" {
		where += ", at " + holder.URL
	}
	return problem.New(problem.LogUnavailable, "another ledger of the cluster writes, and would be"+
		" left with the old: do this "+where+", or stop it first")
}

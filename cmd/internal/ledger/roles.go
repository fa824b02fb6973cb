package ledger

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"cakupan/cmd/internal/problem"
	"cakupan/eventstore/jetstream/lease"
	"cakupan/eventstore/seal"
)

// Role is what a ledger does for its log. One that is alone with its log always writes.
type Role string

// The roles.
const (
	// They are shown as they are, in the health and the status.
	RoleWriter  Role = "writer"  // appends, also what others forward to it
	RoleStandby Role = "standby" // follows, answers, forwards, and takes over
)

// leaseDefault is how long a lease must not have been renewed until another ledger may take it. It
// is renewed three times meanwhile, so that one answer that is late costs nothing. With it a
// stand-by takes over within the five seconds of the contract, section 10.
const leaseDefault = 3 * time.Second

// looksPerLease is how often a ledger that stands by looks at the lease until it is over. Each look
// is one small request; the end of a lease is noticed about a twelfth of it late.
const looksPerLease = 12

// errStandsBy is returned for what only a ledger that writes can do. Nothing was appended, so to
// send again is safe, and duplicates are known by their ids.
var errStandsBy = problem.New(problem.LogUnavailable,
	"this ledger stands by, and none writes at the moment: send again a little later")

// roles decide whether a ledger of a cluster writes. One goroutine does: see run. It keeps nothing
// that a restart would lose or that only a restart would mend: whatever happens, it stands by, and
// then writes if nobody else does.
//
// The lease only says who should write. What keeps two from appending is the log itself: each
// append names the tail that it follows, and of two writers the slower one is refused. So a lease
// that is believed too long costs time, never an event.
type roles struct {
	// Set by newRoles and only read after it.
	ledger *Ledger
	lease  *lease.Lease
	conn   *nats.Conn // of what is forwarded
	sealer *seal.Sealer
	me     lease.Holder
	patience

	mu  sync.Mutex // guards now
	now roleNow

	stop  context.CancelFunc
	ended chan struct{} // closed when run has ended
}

// roleNow is what is true at a moment. It is guarded by mu of the roles; a copy may be read
// without.
type roleNow struct {
	writing bool
	holder  lease.Holder  // as far as we have heard; ID "": nobody
	err     error         // why it cannot be told, or nothing can be taken over
	changed chan struct{} // closed when any of writing and the holder's ID is another
}

// patience says how often a lease is looked at, and when it is over.
type patience struct{ lease, look time.Duration }

// newRoles opens what a ledger needs to have a role. It stands by until run. The lease is opened,
// not taken. Its connection is the ledger's, which Close closes, unless this returns an error.
func (l *Ledger) newRoles(ctx context.Context, url string) (*roles, error) {
	sealer, err := l.openSealer(ctx)
	if err != nil {
		return nil, err
	}
	conn, err := l.connectCluster("cakupan roles")
	if err != nil {
		return nil, err
	}
	over := l.opts.Lease
	if over == 0 {
		over = leaseDefault
	}
	host, _ := os.Hostname() // without one, the address says where it is
	r := &roles{
		ledger: l, conn: conn, sealer: sealer, ended: make(chan struct{}),
		patience: patience{lease: over, look: over / looksPerLease},
		now:      roleNow{changed: make(chan struct{})},
		me: lease.Holder{
			// Random, and new with each start: a process that was killed and started again is
			// another holder, and its old lease is not taken for its own.
			ID: rand.Text(), Name: fmt.Sprintf("%s, process %d", host, os.Getpid()), URL: url,
		},
	}
	if r.lease, err = lease.Open(ctx, conn, l.opts.Replicas); err == nil {
		err = r.listen()
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	l.conns = append(l.conns, conn)
	return r, nil
}

// start begins to have a role, until close. The values of ctx stay, its end does not matter: who
// calls Serve may bound that call.
func (r *roles) start(ctx context.Context) {
	ctx, r.stop = context.WithCancel(context.WithoutCancel(ctx))
	go r.run(ctx)
}

// close gives the role up, so that another ledger can have it at once. It returns once what is
// queued was appended or refused. Without start it does nothing.
func (r *roles) close() {
	if r.stop != nil {
		r.stop()
		<-r.ended
	}
}

// run stands by and writes, by turns, until ctx ends. No error ends it: each is noted for the
// health, and tried again.
func (r *roles) run(ctx context.Context) {
	defer close(r.ended)
	for {
		held, taken := r.standBy(ctx)
		if !taken {
			return
		}
		r.write(ctx, held)
	}
}

// standBy keeps the index near the end of the log until the lease is free and taken, or ctx ends.
// With taken the lease is ours and nothing else is opened yet.
func (r *roles) standBy(ctx context.Context) (held lease.State, taken bool) {
	var seen sighting
	for ctx.Err() == nil {
		state, err := r.lease.Look(ctx)
		if err != nil {
			seen = sighting{} // how long it was not renewed is not known
			r.failed(ctx, err)
		} else {
			seen = seen.next(state, time.Now())
			r.note(state.Holder)
		}
		// A lease that we hold ourselves may be taken at once: it is left from a time of writing
		// that ended without its being given up.
		free := err == nil && (state.Holder.ID == r.me.ID || seen.isOver(r.patience.lease))
		// So that little is left to do when this ledger takes over.
		if err := r.ledger.followIndex(ctx); err != nil {
			r.failed(ctx, err)
		} else if free {
			if held, err = r.lease.Take(ctx, state, r.holder()); err == nil {
				return held, true
			}
			r.failed(ctx, err)
		} else if !seen.since.IsZero() {
			// That somebody holds the lease is no fault: this ledger could take over, and need not.
			r.failed(ctx, nil)
		}
		sleep(ctx, r.look)
	}
	return held, false
}

// sighting is a state of the lease and since when it was seen without a break, by a clock that
// nobody sets. Clocks of two machines are never compared: what counts is how long this ledger
// itself has seen the same revision.
type sighting struct {
	state     lease.State
	at, since time.Time
}

// next is what is known after the state was seen at a moment. A new revision begins anew: somebody
// has renewed, or taken, the lease meanwhile.
func (s sighting) next(state lease.State, at time.Time) sighting {
	if s.since.IsZero() || s.state.Revision != state.Revision {
		return sighting{state, at, at}
	}
	s.at = at
	return s
}

// isOver tells whether the lease may be taken. A lease that was given up has no holder, and is free
// at once.
func (s sighting) isOver(after time.Duration) bool {
	return s.state.Holder.ID == "" || s.at.Sub(s.since) >= after
}

// holder is what this ledger says of itself when it takes the lease.
func (r *roles) holder() lease.Holder {
	me := r.me
	me.Since = time.Now()
	return me
}

// write writes for as long as the lease is held and nobody else has appended. When it returns
// nothing is appended here any more, whatever ended it.
func (r *roles) write(ctx context.Context, held lease.State) {
	defer r.layDown()
	w, err := r.ledger.takeUp(ctx)
	if err != nil {
		// Somebody else may be able to.
		r.failed(ctx, err)
		r.release(held)
		sleep(ctx, r.patience.lease)
		return
	}
	r.set(true, held.Holder)
	r.ledger.opts.Log.InfoContext(ctx, "this ledger writes from now on")
	// Two renewals may be late or lost before others may take the lease.
	renew := time.NewTicker(r.patience.lease / 3)
	defer renew.Stop()
	for {
		select {
		case <-ctx.Done():
			r.layDown() // what is queued is appended first
			r.release(held)
			return
		// The writer has ended by itself, as it does when somebody else has appended.
		case <-w.Done():
			r.ledger.opts.Log.WarnContext(ctx, "this ledger writes no more",
				slog.Any("error", w.Err()))
			return
		case <-renew.C:
		}
		if held, err = r.renew(ctx, held); err != nil {
			r.ledger.opts.Log.WarnContext(ctx, "this ledger writes no more",
				slog.Any("error", err))
			return
		}
	}
}

// renew renews the lease. Only that somebody else has it is an error: while the lease cannot be
// reached, the log's fence is what counts.
func (r *roles) renew(ctx context.Context, held lease.State) (lease.State, error) {
	renewed, err := r.lease.Take(ctx, held, held.Holder)
	if !errors.Is(err, lease.ErrTaken) {
		return renewed, nil
	}
	state, looked := r.lease.Look(ctx)
	switch {
	case looked != nil:
		return held, nil
	case state.Holder.ID == r.me.ID: // an earlier renewal, of which we heard nothing
		return state, nil
	case state.Revision == 0: // the server had lost the bucket
		if renewed, err = r.lease.Take(ctx, state, held.Holder); !errors.Is(err, lease.ErrTaken) {
			return renewed, nil
		}
	}
	return held, err
}

// release gives the lease up, if it can be reached. Else it is over by itself. To leave it costs
// others the length of a lease, and nothing else.
func (r *roles) release(held lease.State) {
	ctx := context.Background() // bounded there
	if err := r.lease.Release(ctx, held); err != nil {
		r.ledger.opts.Log.Warn("lease is not given up but left to end", slog.Any("error", err))
	}
}

// layDown stops writing. It may be called again. What is under way is refused or appended by then.
// First the role, then the parts: nobody begins with what is about to be closed.
func (r *roles) layDown() {
	r.set(false, lease.Holder{})
	r.ledger.layDown()
}

// set notes what is true now. Those who wait for a change are woken only if the writer is another
// one: a renewal is none.
func (r *roles) set(writing bool, holder lease.Holder) {
	r.mu.Lock()
	defer r.mu.Unlock()
	was := r.now
	r.now.writing, r.now.holder = writing, holder
	if writing {
		r.now.err = nil
	}
	if was.writing != writing || was.holder.ID != holder.ID {
		r.now.changed = make(chan struct{})
		close(was.changed)
	}
}

// note notes who writes, as far as a ledger can tell that stands by.
func (r *roles) note(holder lease.Holder) {
	if holder.ID == r.me.ID {
		holder = lease.Holder{} // it is not ready to
	}
	r.set(false, holder)
}

// failed notes why this ledger cannot take over, or nil when it could. Only the first of several
// failures is written to the operator's log, or each look would write one.
func (r *roles) failed(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	r.mu.Lock()
	again := r.now.err != nil
	r.now.err = err
	r.mu.Unlock()
	if err != nil && !again && !errors.Is(err, lease.ErrTaken) {
		r.ledger.opts.Log.WarnContext(ctx, "this ledger cannot take over now",
			slog.Any("error", err))
	}
}

// writes tells whether this ledger writes, and has the channel closed when that may have changed.
// It is for the intake of messages, which takes the packs only while this ledger writes.
func (r *roles) writes() (writing bool, changed <-chan struct{}) {
	now := r.present()
	return now.writing, now.changed
}

// present returns what is true now.
func (r *roles) present() roleNow {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.now
}

// standsBy is the error for what only the ledger that writes can do, and where that is.
func (n *roleNow) standsBy() error {
	if n.holder.URL == "" {
		return errStandsBy
	}
	return problem.New(problem.LogUnavailable, "this ledger stands by, and only the one that"+
		" writes does this: ask "+n.holder.URL)
}

// health returns the role, and why events are not taken in at the moment. That somebody else writes
// is well: a ledger that stands by forwards events and answers.
func (r *roles) health() (Role, error) {
	now := r.present()
	switch {
	case now.writing:
		return RoleWriter, nil
	case now.err != nil && !errors.Is(now.err, lease.ErrTaken):
		return RoleStandby, cannotTakeOver(now.err)
	case now.holder.ID == "":
		return RoleStandby, errStandsBy
	}
	return RoleStandby, nil
}

// cannotTakeOver has words for those who ask how the ledger is. What the lease or the folder say is
// for the operator, whose log has it.
func cannotTakeOver(err error) error {
	if problem.From(err).Code != problem.Internal {
		return err
	}
	return problem.Wrap(problem.LogUnavailable, "this ledger stands by and could not take over"+
		" now: its cluster does not answer, or its folder cannot be used; its log says which", err)
}

// sleep waits, until ctx ends at the longest.
func sleep(ctx context.Context, pause time.Duration) {
	select {
	case <-time.After(pause):
	case <-ctx.Done():
	}
}

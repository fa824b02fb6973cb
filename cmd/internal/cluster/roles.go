package cluster

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"cakupan/cmd/internal/intake"
	"cakupan/cmd/internal/problem"
	"cakupan/domain/event"
	"cakupan/eventstore/jetstream/lease"
	"cakupan/eventstore/seal"
	"cakupan/eventstore/writer"
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

// vaultEvery is how often a ledger that stands by looks whether it could use the vault. What it
// waits for then is time that a take-over may take longer.
const vaultEvery = 10 * time.Second

// ErrStandsBy is returned for what only a ledger that writes can do. Nothing was appended, so to
// send again is safe, and duplicates are known by their ids.
var ErrStandsBy = problem.New(problem.LogUnavailable,
	"this ledger stands by, and none writes at the moment: send again a little later")

// Roles decide whether a ledger of a cluster writes. One goroutine does: see run. It keeps nothing
// that a restart would lose or that only a restart would mend: whatever happens, it stands by, and
// then writes if nobody else does.
//
// The lease only says who should write. What keeps two from appending is the log itself: each
// append names the tail that it follows, and of two writers the slower one is refused. So a lease
// that is believed too long costs time, never an event.
type Roles struct {
	// Set by NewRoles and only read after it.
	ledger  Ledger
	cluster *Cluster
	lease   *lease.Lease
	conn    *nats.Conn // of what is forwarded
	sealer  *seal.Sealer
	me      lease.Holder
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

// Self is what a ledger says of itself to the others, and how long it may be silent.
type Self struct {
	URL   string        // where it is reached
	Lease time.Duration // after which another one may take over; 0: after three seconds
}

// patience says how often a lease is looked at, and when it is over.
type patience struct{ lease, look time.Duration }

// Ledger is what a role is of. What it does may be asked for by many at once, but for TakeUp,
// FollowIndex, FollowVault and LayDown, which one goroutine calls.
type Ledger interface {
	// FollowIndex has the index know what others have appended.
	FollowIndex(ctx context.Context) error
	// FollowVault has the vault know what others have added, and whether its key is still the
	// vault's.
	FollowVault(ctx context.Context) error
	// TakeUp opens what appending needs. After an error LayDown is called all the same.
	TakeUp(ctx context.Context) (*writer.Writer, error)
	// LayDown closes that again. When it returns, nothing is appended here any more.
	LayDown()
	// SubmitHere takes events in itself; see [intake.Intake.Submit].
	SubmitHere(ctx context.Context, raw [][]byte, opts intake.Options) ([]event.Receipt, error)
}

// NewRoles opens what a ledger needs to have a role. It stands by until Start. The lease is opened,
// not taken. What the sealer seals, all ledgers of the log can open. After an error nothing stays
// open; else the caller closes the connection: see Conn.
func NewRoles(ctx context.Context, of Ledger, on *Cluster, sealer *seal.Sealer, me Self,
) (*Roles, error) {
	conn, err := on.Connect("cakupan roles")
	if err != nil {
		return nil, err
	}
	r := &Roles{
		ledger: of, cluster: on, conn: conn, sealer: sealer, ended: make(chan struct{}),
		patience: patienceOf(me.Lease), now: roleNow{changed: make(chan struct{})},
		me: newHolder(me.URL),
	}
	if r.lease, err = lease.Open(ctx, conn, on.Replicas); err == nil {
		err = r.listen()
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return r, nil
}

// patienceOf is that with leases of a length; 0: the default.
func patienceOf(over time.Duration) patience {
	if over == 0 {
		over = leaseDefault
	}
	return patience{lease: over, look: over / looksPerLease}
}

// newHolder names this process. The ID is random, and new with each start: a process that was
// killed and started again is another holder, and its old lease is not taken for its own.
func newHolder(address string) lease.Holder {
	host, _ := os.Hostname() // without one, the address says where it is
	return lease.Holder{
		ID: rand.Text(), Name: fmt.Sprintf("%s, process %d", host, os.Getpid()),
		URL: elsewhere(address, host),
	}
}

// Conn returns the connection over which others forward to this ledger. It is to be closed when all
// that they have sent is answered, after Close.
func (r *Roles) Conn() *nats.Conn { return r.conn }

// Start begins to have a role, until Close. The values of ctx stay, its end does not matter: who
// calls Serve may bound that call.
func (r *Roles) Start(ctx context.Context) {
	ctx, r.stop = context.WithCancel(context.WithoutCancel(ctx))
	go r.run(ctx)
}

// Close gives the role up, so that another ledger can have it at once. It returns once what is
// queued was appended or refused. Without Start it does nothing.
func (r *Roles) Close() {
	if r.stop != nil {
		r.stop()
		<-r.ended
	}
}

// run stands by and writes, by turns, until ctx ends. No error ends it: each is noted for the
// health, and tried again.
func (r *Roles) run(ctx context.Context) {
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
func (r *Roles) standBy(ctx context.Context) (held lease.State, taken bool) {
	var seen sighting
	var followed time.Time // the vault
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
		err = r.ledger.FollowIndex(ctx)
		if err == nil && time.Since(followed) > vaultEvery {
			if err = r.ledger.FollowVault(ctx); err == nil {
				followed = time.Now()
			}
		}
		if err != nil {
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
func (r *Roles) holder() lease.Holder {
	me := r.me
	me.Since = time.Now()
	return me
}

// write writes for as long as the lease is held and nobody else has appended. When it returns
// nothing is appended here any more, whatever ended it.
func (r *Roles) write(ctx context.Context, held lease.State) {
	defer r.layDown()
	w, err := r.ledger.TakeUp(ctx)
	if err != nil {
		// Somebody else may be able to.
		r.failed(ctx, err)
		r.release(held)
		sleep(ctx, r.patience.lease)
		return
	}
	r.set(true, held.Holder)
	r.cluster.Logger.InfoContext(ctx, "this ledger writes from now on")
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
			r.cluster.Logger.WarnContext(ctx, "this ledger writes no more",
				slog.Any("error", w.Err()))
			return
		case <-renew.C:
		}
		if held, err = r.renew(ctx, held); err != nil {
			r.cluster.Logger.WarnContext(ctx, "this ledger writes no more",
				slog.Any("error", err))
			return
		}
	}
}

// renew renews the lease. Only that somebody else has it is an error: while the lease cannot be
// reached, the log's fence is what counts.
func (r *Roles) renew(ctx context.Context, held lease.State) (lease.State, error) {
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
func (r *Roles) release(held lease.State) {
	ctx := context.Background() // bounded there
	if err := r.lease.Release(ctx, held); err != nil {
		r.cluster.Logger.Warn("lease is not given up but left to end", slog.Any("error", err))
	}
}

// layDown stops writing. It may be called again. What is under way is refused or appended by then.
// First the role, then the parts: nobody begins with what is about to be closed.
func (r *Roles) layDown() {
	r.set(false, lease.Holder{})
	r.ledger.LayDown()
}

// set notes what is true now. Those who wait for a change are woken only if the writer is another
// one: a renewal is none.
func (r *Roles) set(writing bool, holder lease.Holder) {
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
func (r *Roles) note(holder lease.Holder) {
	if holder.ID == r.me.ID {
		holder = lease.Holder{} // it is not ready to
	}
	r.set(false, holder)
}

// failed notes why this ledger cannot take over, or nil when it could. Only the first of several
// failures is written to the operator's log, or each look would write one.
func (r *Roles) failed(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	r.mu.Lock()
	again := r.now.err != nil
	r.now.err = err
	r.mu.Unlock()
	if err != nil && !again && !errors.Is(err, lease.ErrTaken) {
		r.cluster.Logger.WarnContext(ctx, "this ledger cannot take over now",
			slog.Any("error", err))
	}
}

// Writes tells whether this ledger writes, and has the channel closed when that may have changed.
// It is for the intake of messages, which takes the packs only while this ledger writes.
func (r *Roles) Writes() (writing bool, changed <-chan struct{}) {
	now := r.present()
	return now.writing, now.changed
}

// present returns what is true now.
func (r *Roles) present() roleNow {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.now
}

// Holder returns who writes, as far as this ledger has heard, and whether that is itself. Without
// an ID it is nobody that is known.
func (r *Roles) Holder() (holder lease.Holder, here bool) {
	now := r.present()
	return now.holder, now.writing
}

// elsewhere returns an address of this machine as others know it: what is served on all of its
// addresses is called localhost here, and each of several ledgers would be.
func elsewhere(address, machine string) string {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() != "localhost" || machine == "" {
		return address
	}
	u.Host = net.JoinHostPort(machine, u.Port())
	return u.String()
}

// StandsBy is the error for what only the ledger that writes can do, and where that is.
func (r *Roles) StandsBy() error {
	now := r.present()
	return now.standsBy()
}

// standsBy is the error for what only the ledger that writes can do, and where that is.
func (n *roleNow) standsBy() error {
	if n.holder.URL == "" {
		return ErrStandsBy
	}
	return problem.New(problem.LogUnavailable, "this ledger stands by, and only the one that"+
		" writes does this: ask "+n.holder.URL)
}

// Health returns the role, and why events are not taken in at the moment. That somebody else writes
// is well: a ledger that stands by forwards events and answers.
func (r *Roles) Health() (Role, error) {
	now := r.present()
	switch {
	case now.writing:
		return RoleWriter, nil
	case now.err != nil && !errors.Is(now.err, lease.ErrTaken):
		return RoleStandby, cannotTakeOver(now.err)
	case now.holder.ID == "":
		return RoleStandby, ErrStandsBy
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

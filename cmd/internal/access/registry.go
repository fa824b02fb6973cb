package access

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"cakupan/cmd/internal/access/register"
	"cakupan/cmd/internal/problem"
	"cakupan/eventstore"
	"cakupan/eventstore/packs"
)

// Options of a register. Stream and Now must be given; Seen may be empty, and then nothing is
// noted.
type Options struct {
	// Stream returns the stream of the register. When there is none it makes it if create is set,
	// and returns nil otherwise: a register without a change needs none.
	Stream func(ctx context.Context, create bool) (*packs.Stream, error)
	// Alone says that nobody else can change the stream while this program runs: who cannot follow
	// it misses nothing.
	Alone bool
	// Seen is the path of the file that says how far the register was; see [Registry.note].
	Seen string
	// Ledger is the identity that is noted there.
	Ledger string
	Now    func() time.Time // the clock
	Log    *slog.Logger     // the operator's; nil: none
}

// Registry is an open register. It is safe for concurrent use. It has no end of its own:
// [Registry.Follow] ends with its context, and the stream is its opener's.
type Registry struct {
	// Set once.
	opts     Options
	now      func() time.Time
	log      *slog.Logger
	throttle *throttle
	counts   counts
	uses     uses

	state atomic.Pointer[state] // what readers load; replaced under mu

	// mu guards what follows: one change at a time, whether made here or heard of.
	mu     sync.Mutex
	stream *packs.Stream // nil: there is none yet
	end    packs.End     // of what is folded
	chain  register.Digest
	folded register.Register
}

// state is what the register said at some moment. It is never changed: readers need no lock.
type state struct {
	version  uint64 // counts the times that who may log in has changed
	number   uint64 // of the last change
	members  []register.Member
	byName   map[string]*record
	bySecret map[register.Digest]*record
	err      error     // why the register cannot be read; nil when it can
	errSince time.Time // when that began
	fatal    bool      // it does not pass by itself: nobody is let in from the beginning on
}

// record is a member, and what it is once logged in. day is in days since 1970, UTC; it is not
// persisted, but begins with what the register notes.
type record struct {
	member *register.Member
	login  Member
	day    atomic.Int64 // of the last login that is noted
}

// grace is how long logins go on without being told by the stream that nobody was revoked: longer
// than a cluster needs to choose another leader. Where nobody else can change the stream there is
// no bound.
const grace = 5 * time.Second

// errBehind says that the stream has ended before what is known of it.
var errBehind = errors.New("the register ends before what is known of it")

// Open reads the register. It refuses one that is damaged, of a newer format or of another ledger,
// and one that has fewer changes than were seen in it. Without a stream it is an empty register,
// which may get one later. An error has a place in the table of problems.
func Open(ctx context.Context, opts Options) (*Registry, error) {
	r := &Registry{opts: opts, now: opts.Now, log: opts.Log, throttle: newThrottle()}
	if r.log == nil {
		r.log = slog.New(slog.DiscardHandler)
	}
	r.state.Store(&state{})
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.catchUp(ctx, false); err != nil {
		return nil, words(err)
	}
	return r, nil
}

// Number returns the number of the last change, 0 when there is none. A frame of the log names it,
// so that a register that is older than the log is found out by [Registry.CheckReaches].
func (r *Registry) Number() uint64 { return r.state.Load().number }

// CheckReaches refuses a register that ends before a change that the log knows of. The error is a
// [problem.RegisterLost].
func (r *Registry) CheckReaches(number uint64) error {
	if have := r.Number(); have < number {
		return older(have, number, "the log was written with")
	}
	return nil
}

// older says that changes of the register are missing.
func older(have, want uint64, who string) *problem.Error {
	return problem.New(problem.RegisterLost, fmt.Sprintf("the register of publishers and"+
		" readers ends at change %d, and %s %d changes of it: it was lost or is an older copy, in"+
		" which revoked secrets count again. Restore it from a backup", have, who, want))
}

// unavailable returns why nobody can be let in. s is what was loaded, so that one question sees one
// state.
func (r *Registry) unavailable(s *state, now time.Time) error {
	if s.err == nil || !s.fatal && (r.opts.Alone || now.Sub(s.errSince) < grace) {
		return nil
	}
	return s.err
}

// catchUp folds all that the stream has and that is not folded yet, and shows it unless it is less
// than was seen. create makes the stream where there is none. The caller holds mu. With an error
// what was folded stays folded and is not shown; the next call goes on from there.
func (r *Registry) catchUp(ctx context.Context, create bool) error {
	err := r.openStream(ctx, create)
	if err == nil && r.stream != nil {
		err = r.read(ctx)
	}
	if err == nil {
		err = r.compareSeen()
	}
	if err == nil {
		r.publish() // also where there is no stream: it may have been out of reach before
	}
	return err
}

// read folds what the stream has. The caller holds mu.
func (r *Registry) read(ctx context.Context) error {
	for rec, err := range r.stream.Read(ctx, r.end.Number+1) {
		if err == nil {
			err = r.enter(&rec)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// openStream looks for the stream until there is one. The caller holds mu.
func (r *Registry) openStream(ctx context.Context, create bool) error {
	if r.stream != nil {
		return nil
	}
	stream, err := r.opts.Stream(ctx, create)
	if err != nil {
		return fmt.Errorf("open register: %w", err)
	}
	r.stream = stream
	return nil
}

// enter enters a record of the stream, unless it is folded already. The caller holds mu. Numbers
// are dense, so one that is missing is damage. With an error nothing was entered.
func (r *Registry) enter(rec *packs.Record) error {
	if rec.Number <= r.end.Number {
		return nil
	}
	change, err := register.Decode(rec.Data)
	if err == nil && rec.Number != r.folded.Number()+1 {
		err = fmt.Errorf("%w: change %d follows change %d", register.ErrDamaged, rec.Number,
			r.folded.Number())
	}
	if err == nil {
		err = r.folded.Enter(&change)
	}
	if err != nil {
		return fmt.Errorf("change %d of the register: %w", rec.Number, err)
	}
	r.end = rec.End()
	// Each change is hashed with all before it, so two histories with the same chain are the same.
	r.chain = sha256.Sum256(append(r.chain[:], rec.Data...))
	return nil
}

// publish shows readers what is folded. The caller holds mu. Everything is made anew, which is
// quick for thousands of members and rare; readers who have loaded the state of before keep it.
func (r *Registry) publish() {
	before := r.state.Load()
	if before.number == r.folded.Number() && before.err == nil {
		return
	}
	s := &state{number: r.folded.Number(), members: r.folded.Members()}
	s.version = before.version + 1
	if r.folded.Taking() != nil {
		s.err, s.fatal, s.errSince = errHalfTaken, true, r.now()
	}
	s.byName = make(map[string]*record, len(s.members))
	s.bySecret = make(map[register.Digest]*record, len(s.members))
	for i := range s.members {
		// Revoked members are there too, so that a login of theirs is told apart in the metrics
		// and the operator's log.
		m := &s.members[i]
		rec := &record{member: m, login: Member{
			Name: m.Name, Role: m.Role, Scope: m.Scope(), secret: m.Secret,
		}}
		if m.Role == register.Steward {
			rec.login.Regions = m.Regions
		}
		rec.day.Store(dayOf(m.UsedAt))
		s.byName[m.Name], s.bySecret[m.Secret] = rec, rec
	}
	r.state.Store(s)
	if before.err != nil && s.err == nil && !errors.Is(before.err, errHalfTaken) {
		r.log.Info("register can be read again")
	}
}

// fail notes that the register cannot be read. The caller holds mu. What is known stays known:
// logins go on by it for the time of grace, unless it was found to be damaged or older.
func (r *Registry) fail(err error) {
	before := r.state.Load()
	if before.err != nil && before.err.Error() == err.Error() {
		return
	}
	s := *before
	s.err, s.version = words(err), before.version+1
	s.fatal = errors.Is(err, register.ErrDamaged) || errors.Is(err, register.ErrNewerFormat) ||
		errors.As(err, new(*packs.DamageError)) || errors.Is(err, errBehind)
	// The time of grace is that of the first failure, however many follow.
	if s.errSince = r.now(); before.err != nil {
		s.errSince = before.errSince
	}
	r.state.Store(&s)
	r.log.Error("register cannot be followed", slog.Any("error", err),
		slog.Bool("logins_go_on", r.opts.Alone && !s.fatal))
}

// words puts an error of the stream into words for whoever starts the ledger.
func words(err error) error {
	var known *problem.Error
	switch {
	case err == nil || errors.As(err, &known):
		return err
	case errors.Is(err, register.ErrNewerFormat):
		return problem.Wrap(problem.FolderNewer, register.ErrNewerFormat.Error(), err)
	case errors.Is(err, register.ErrDamaged), errors.As(err, new(*packs.DamageError)):
		return problem.Wrap(problem.RegisterLost,
			"the register of publishers and readers is damaged: restore it from a backup", err)
	case errors.Is(err, eventstore.ErrUnknownOutcome):
		return problem.Wrap(problem.LogUnavailable, "whether the register was changed is not known"+
			" yet: cakupan publisher list --history tells", err)
	case problem.From(err).Code != problem.Internal: // the disk is full, or the folder not ours
		return err
	}
	return problem.Wrap(problem.RegisterUnavailable,
		"the register of publishers and readers cannot be read", err)
}

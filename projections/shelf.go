package projections

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"cakupan/eventstore"
)

// reopenInterval is how long a projection that has stopped waits before it is tried again.
const reopenInterval = 2 * time.Second

// oldLife is how long a projection that was swapped out stays open for its last readers.
const oldLife = 10 * time.Second

// ErrUnknown is returned for a name that no projection on the shelf has.
var ErrUnknown = errors.New("there is no projection of that name")

// Options are what a shelf is made of.
type Options struct {
	// Folder holds the files, NAME.db each; it is made when the first is opened. The caller has
	// it for itself.
	Folder string
	Log    eventstore.Log
	Kinds  []Kind
	Logger *slog.Logger // nil: nothing is logged

	// Fault is called at the crash points; tests set it.
	Fault func(point string)
}

// The crash points of a swap.
const (
	FaultBeforeSwap = "before-swap" // the rebuilt file is durable, under its own name
	FaultAfterSwap  = "after-swap"  // it has the live one's name
)

// Shelf holds projections by name. Each is opened when it is first asked for. All methods may be
// called at the same time.
type Shelf struct {
	opts    Options
	feed    *Feed
	places  []*place // in the order of the options
	byName  map[string]*place
	closing chan struct{}
	work    sync.WaitGroup // what Close waits for

	mu        sync.Mutex // guards what follows, and the opening and swapping of volumes
	swept     bool       // leftovers of rebuilds are removed
	following bool
	closed    bool
}

// place is where a projection stands.
type place struct {
	kind Kind
	path string
	live atomic.Pointer[volume] // nil until it is opened; replaced under the shelf's mu
}

// volume is an open projection, and what stops its following of the log.
type volume struct {
	kept    Kept
	stop    context.CancelFunc
	follows bool
	renewed error         // why it was begun anew, when it was opened
	done    chan struct{} // closed when it does not follow the log (any more)
	// catching is held by whoever makes a projection that does not follow catch up.
	catching sync.Mutex
}

// NewShelf returns a shelf. It opens nothing yet.
func NewShelf(opts Options) *Shelf {
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	if opts.Fault == nil {
		opts.Fault = func(string) {}
	}
	s := &Shelf{
		opts: opts, feed: NewFeed(opts.Log), byName: map[string]*place{},
		closing: make(chan struct{}),
	}
	for _, kind := range opts.Kinds {
		p := &place{kind: kind, path: filepath.Join(opts.Folder, kind.Name+".db")}
		s.places = append(s.places, p)
		s.byName[kind.Name] = p
	}
	return s
}

// Names returns the names of the projections, in the order of the options.
func (s *Shelf) Names() (names []string) {
	for _, p := range s.places {
		names = append(names, p.kind.Name)
	}
	return names
}

func (s *Shelf) place(name string) (*place, error) {
	p := s.byName[name]
	if p == nil {
		return nil, fmt.Errorf("projection %s: %w", name, ErrUnknown)
	}
	return p, nil
}

// Open returns a projection, and opens its file unless it is open. One that another version of
// the program made, or that is damaged, begins anew.
func (s *Shelf) Open(ctx context.Context, name string) (Kept, error) {
	v, err := s.volume(ctx, name)
	if err != nil {
		return nil, err
	}
	return v.kept, nil
}

func (s *Shelf) volume(ctx context.Context, name string) (*volume, error) {
	p, err := s.place(name)
	if err != nil {
		return nil, err
	}
	if v := p.live.Load(); v.usable() { // whoever asks does not wait for a swap
		return v, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if v := p.live.Load(); v.usable() {
		return v, nil
	} else if v != nil {
		s.discard(p, v)
	}
	if s.closed {
		return nil, fmt.Errorf("projection %s: %w", name, os.ErrClosed)
	}
	if err := s.sweep(); err != nil {
		return nil, err
	}
	kept, renewed, err := s.openOrBegin(ctx, p)
	if err != nil {
		return nil, err
	}
	v := s.newVolume(p, kept)
	v.renewed = renewed
	p.live.Store(v)
	return v, nil
}

// sweep makes the folder, and deletes the files of rebuilds that a crash has cut off. The folder
// is the caller's alone, so nobody else is at one now.
func (s *Shelf) sweep() error {
	if s.swept {
		return nil
	}
	if err := os.MkdirAll(s.opts.Folder, 0o700); err != nil {
		return fmt.Errorf("make folder of projections: %w", err)
	}
	var errs []error
	for _, p := range s.places {
		leftovers, err := filepath.Glob(filepath.Join(s.opts.Folder, p.kind.Name+"-*.db"))
		errs = append(errs, err)
		for _, path := range leftovers {
			errs = append(errs, removeFile(path))
		}
	}
	err := errors.Join(errs...)
	s.swept = err == nil
	return err
}

// removeFile deletes a projection's file; what is not there is no error.
func removeFile(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove old projection: %w", err)
	}
	return nil
}

// newVolume makes the projection follow the log if the shelf does. The lock is held.
func (s *Shelf) newVolume(p *place, kept Kept) *volume {
	v := &volume{kept: kept, stop: func() {}, done: make(chan struct{})}
	if s.following {
		v.follows = true
		s.follow(p, v)
	} else {
		close(v.done)
	}
	return v
}

func (s *Shelf) follow(p *place, v *volume) {
	ctx, cancel := context.WithCancel(context.Background())
	v.stop = cancel
	s.work.Go(func() {
		err := v.kept.Run(ctx)
		close(v.done)
		if err == nil {
			return
		}
		s.opts.Logger.Error("projection has stopped",
			slog.String("projection", p.kind.Name), slog.Any("error", err))
		if errors.Is(err, ErrDamaged) {
			s.renew(p, v)
			return
		}
		if !errors.Is(err, ErrPoisoned) {
			s.reopen(p, v)
		}
	})
}

// reopen opens a projection again that stopped because something around it failed: the disk was
// full, or the log out of reach or not to be read: what could not be read once may be read later.
// It begins where its file says, as after a crash.
func (s *Shelf) reopen(p *place, failed *volume) {
	_ = failed.kept.Close() // nothing more can be lost: the file holds the last commit
	tries := time.NewTicker(reopenInterval)
	defer tries.Stop()
	for {
		select {
		case <-s.closing:
			return
		case <-tries.C:
		}
		if s.replace(p, failed) {
			return
		}
	}
}

// replace opens the file of a projection that has failed, and reports whether there is nothing
// more to do.
func (s *Shelf) replace(p *place, failed *volume) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || p.live.Load() != failed { // a rebuilt one has taken its place meanwhile
		return true
	}
	kept, err := p.kind.Open(context.Background(), s.feed, File{Path: p.path})
	if err != nil {
		s.opts.Logger.Error("projection cannot be opened again",
			slog.String("projection", p.kind.Name), slog.Any("error", err))
		return false
	}
	p.live.Store(s.newVolume(p, kept))
	return true
}

// Follow makes all projections follow the log by themselves: those that are open, and those that
// are opened from now on.
func (s *Shelf) Follow() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.following = true
	for _, p := range s.places {
		v := p.live.Load()
		if v == nil || v.follows || v.kept.Damage() != nil { // a damaged one is opened anew
			continue
		}
		v.catching.Lock() // whoever makes it catch up comes to the end of that first
		followed := s.newVolume(p, v.kept)
		followed.renewed = v.renewed
		p.live.Store(followed)
		v.catching.Unlock()
	}
}

// CatchUp applies what the log holds up to the event until to a projection that does not follow
// the log.
func (s *Shelf) CatchUp(ctx context.Context, name string, until eventstore.Sequence) error {
	err := s.catchUp(ctx, name, until)
	if errors.Is(err, ErrDamaged) { // found on the way: it is built anew now
		err = s.catchUp(ctx, name, until)
	}
	return err
}

func (s *Shelf) catchUp(ctx context.Context, name string, until eventstore.Sequence) error {
	v, err := s.volume(ctx, name)
	if err != nil {
		return err
	}
	v.catching.Lock()
	defer v.catching.Unlock()
	if live := s.byName[name].live.Load(); live.follows { // by itself, meanwhile
		return live.kept.Wait(ctx, until)
	}
	return v.kept.CatchUp(ctx, until, nil)
}

// State is how one open projection is.
type State struct {
	Name    string
	Applied eventstore.Sequence // the last event that readers see
	Stopped error               // why it does not follow the log any more
	Damaged error               // what is wrong with its file; it is being built anew
	Renewed error               // why it was begun anew when it was opened
	Unsaved error               // why the last commit failed
}

// States tells how the open projections are.
func (s *Shelf) States() (states []State) {
	for _, p := range s.places {
		if v := p.live.Load(); v != nil {
			kept := v.kept
			state := State{
				Name: p.kind.Name, Unsaved: kept.Unsaved(), Damaged: kept.Damage(),
			}
			state.Applied, state.Stopped = kept.Applied()
			state.Renewed = v.renewed
			states = append(states, state)
		}
	}
	return states
}

// Live returns a projection that is open; nil: it is not.
func (s *Shelf) Live(name string) Kept {
	p := s.byName[name]
	if p == nil {
		return nil
	}
	return p.kept()
}

// kept returns the open projection; nil: there is none.
func (p *place) kept() Kept {
	if v := p.live.Load(); v != nil {
		return v.kept
	}
	return nil
}

// Stored returns the positions of the projections' files, by name: what they have seen of the log.
// An open one has checked the log itself; it is left out, and so is one that is damaged.
func (s *Shelf) Stored() (map[string]Position, error) {
	stored := map[string]Position{}
	var errs []error
	for _, p := range s.places {
		if p.kept() != nil {
			continue
		}
		at, err := StoredPosition(p.path)
		if !errors.Is(err, ErrDamaged) { // Open says so, and builds it anew
			errs = append(errs, err)
		}
		if err == nil && at.Sequence > 0 {
			stored[p.kind.Name] = at
		}
	}
	return stored, errors.Join(errs...)
}

// Close stops what follows and closes what is open. Nothing can be opened any more.
func (s *Shelf) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	close(s.closing)
	s.mu.Unlock()
	for _, p := range s.places {
		if v := p.live.Load(); v != nil {
			v.stop()
		}
	}
	s.work.Wait()
	var errs []error
	for _, p := range s.places {
		if v := p.live.Swap(nil); v != nil {
			errs = append(errs, v.kept.Close())
		}
	}
	return errors.Join(errs...)
}

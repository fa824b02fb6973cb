package access

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"cakupan/domain/event"
)

// Registry is an open register. It is safe for concurrent use, and others may change the file
// meanwhile.
type Registry struct {
	// path and now are set once; log too, before others call. The rest is safe by itself.
	path     string
	now      func() time.Time
	log      *slog.Logger
	throttle *throttle
	counts   counts

	state   atomic.Pointer[state]
	reading sync.Mutex // held to replace state
}

// state is what the register said at some moment. It is never changed. Readers load it without a
// lock; who finds it stale replaces it under reading, while the others wait for that one read
// instead of each reading the file.
type state struct {
	stamp   stamp
	readAt  time.Time
	raw     []byte // the file; nil when there is none
	version uint64 // counts the times that anything changed
	entries []Entry
	byName  map[string]*record
	byKey   map[digest]*record
	guarded bool
	err     error // nobody is let in because of it
	unsure  bool  // the file may change again without another stamp
}

// record is a member and its entry.
type record struct {
	entry  *Entry
	member Member
}

// Open opens the register in the file of a path. No file is an empty register, unless the lock
// beside it says that there was one: a ledger restored without it must not be open. It refuses
// one that cannot be read, is damaged, of a newer format, or open to other users of the machine.
func Open(path string) (*Registry, error) {
	r := &Registry{
		path: path, now: time.Now, log: slog.New(slog.DiscardHandler), throttle: newThrottle(),
	}
	r.state.Store(&state{stamp: stamp{missing: true}, unsure: true})
	return r, r.refresh().err
}

// LogTo makes the register tell the operator's log about failed logins, and about a file that it
// cannot read. It is called before any other method.
func (r *Registry) LogTo(log *slog.Logger) { r.log = log }

// watchInterval is how old a change may be that nobody has logged in since.
const watchInterval = 200 * time.Millisecond

// Watch calls changed soon after each change of the register, also of its being readable, until
// ctx ends. Whoever keeps connections open asks [Registry.Current] about each of them then.
func (r *Registry) Watch(ctx context.Context, changed func()) {
	ticker := time.NewTicker(watchInterval)
	defer ticker.Stop()
	seen := r.refresh().version
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if now := r.refresh().version; now != seen {
			seen = now
			changed()
		}
	}
}

// stamp tells one version of the file from another without reading it.
type stamp struct {
	missing bool
	err     error // why there is no stamp
	inode   uint64
	size    int64
	mode    uint32
	changed unix.Timespec // also when it was renamed, or its rights were changed
}

// stampOf looks at the file without opening it: it is asked at every login.
func stampOf(path string) stamp {
	var st unix.Stat_t
	switch err := unix.Stat(path, &st); {
	case errors.Is(err, unix.ENOENT):
		return stamp{missing: true}
	case err != nil:
		return stamp{err: err}
	}
	return stamp{inode: st.Ino, size: st.Size, mode: st.Mode, changed: st.Ctim}
}

// sameStampTime is how long after its last change a file may change again with the same stamp:
// file systems count time in steps of some milliseconds, and use numbers of files again.
const sameStampTime = 50 * time.Millisecond

// retryInterval is how often a file that could not be read is tried again.
const retryInterval = 100 * time.Millisecond

// refresh returns what the register says now.
func (r *Registry) refresh() *state {
	s, now := r.state.Load(), stampOf(r.path)
	if !r.stale(s, now) {
		return s
	}
	r.reading.Lock()
	defer r.reading.Unlock()
	s, now = r.state.Load(), stampOf(r.path)
	if !r.stale(s, now) {
		return s
	}
	next := r.read(s, now)
	if next.err != nil && (s.err == nil || next.err.Error() != s.err.Error()) {
		r.log.Error("register cannot be read: nobody is let in", slog.Any("error", next.err))
	} else if next.err == nil && s.err != nil {
		r.log.Info("register can be read again")
	}
	r.state.Store(next)
	return next
}

// stale tells whether the file must be read again to know what it says.
func (r *Registry) stale(s *state, now stamp) bool {
	if s.err != nil && r.now().Sub(s.readAt) > retryInterval {
		return true
	}
	return s.unsure || s.stamp != now
}

// read reads the file, of which the stamp was taken before: if it changes while it is read, the
// next stamp will be another one.
func (r *Registry) read(before *state, now stamp) *state {
	next := &state{stamp: now, readAt: r.now(), version: before.version}
	changed := time.Unix(now.changed.Unix())
	next.unsure = !now.missing && now.err == nil && next.readAt.Sub(changed) < sameStampTime
	raw, err, marked := []byte(nil), now.err, false
	if err == nil {
		// First whether there was one: otherwise the first could be written in between.
		if marked, err = r.marked(); err == nil {
			raw, err = readFile(r.path)
		}
	}
	switch {
	case errors.Is(err, fs.ErrNotExist) && !before.guarded && !marked:
		next.stamp = stamp{missing: true}
		return next
	case errors.Is(err, fs.ErrNotExist):
		err = errGone
	case err == nil && before.err == nil && before.raw != nil && bytes.Equal(raw, before.raw):
		same := *before
		same.stamp, same.readAt, same.unsure = next.stamp, next.readAt, next.unsure
		return &same
	}
	next.version++
	if err == nil {
		next.entries, err = parse(raw)
	}
	next.raw, next.err, next.guarded = raw, err, true
	if err == nil {
		next.guarded = before.guarded || len(next.entries) > 0
		next.sort()
	}
	if before.err != nil && err != nil && before.err.Error() == err.Error() {
		next.version = before.version
	}
	return next
}

// sort puts the entries where they are looked for. Revoked members are there too, so that a login
// of theirs is told apart in the metrics and the operator's log.
func (s *state) sort() {
	s.byName = make(map[string]*record, len(s.entries))
	s.byKey = make(map[digest]*record, len(s.entries))
	for i := range s.entries {
		e := &s.entries[i]
		m := &record{entry: e, member: Member{Name: e.Name, Role: e.Role, key: e.key}}
		if e.Role == Publisher {
			m.member.Scope = &event.Scope{
				Publisher: e.Name, Sources: e.Sources, Regions: e.Regions, Types: e.Types,
			}
		}
		s.byName[e.Name], s.byKey[e.key] = m, m
	}
}

package access

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"cakupan/cmd/internal/access/register"
	"cakupan/eventstore/packs"
)

// lookEvery is how often to look for a stream that is not there yet, and to try again what failed.
const lookEvery = time.Second

// Follow keeps the register as the stream has it until ctx ends, and notes who logged in. What
// cannot be read is tried again, so that it passes here when it passes there. It is called once.
// Who logged in since the last noting is lost when it ends, unless NoteUses is called then.
func (r *Registry) Follow(ctx context.Context) {
	noting := time.NewTicker(usesEvery)
	defer noting.Stop()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for ctx.Err() == nil {
			r.followOnce(ctx)
			select {
			case <-ctx.Done():
			case <-time.After(lookEvery):
			}
		}
	}()
	for {
		select {
		case <-ctx.Done():
			<-ended
			return
		case <-noting.C:
			r.NoteUses(ctx)
		}
	}
}

// followOnce follows the stream until something is wrong, or for a look while there is no stream.
// What ends it is noted as an error of the register, also when nobody logs in.
func (r *Registry) followOnce(ctx context.Context) {
	stream, from, err := r.begin(ctx)
	if err == nil && stream != nil {
		for rec, recErr := range stream.Follow(ctx, from) {
			if err = recErr; err == nil {
				err = r.hear(&rec)
			}
			if err != nil {
				break
			}
		}
	}
	if err != nil && ctx.Err() == nil {
		r.mu.Lock()
		r.fail(err)
		r.mu.Unlock()
	}
}

// begin catches up with the stream, and returns from where to follow it; nil when there is none.
func (r *Registry) begin(ctx context.Context) (*packs.Stream, uint64, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	err := r.catchUp(ctx, false)
	return r.stream, r.end.Number + 1, err
}

// hear applies a change that the stream tells of. A change that this registry has made itself is
// heard too, and is folded already.
func (r *Registry) hear(rec *packs.Record) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if rec.Number <= r.end.Number {
		return nil
	}
	if err := r.enter(rec); err != nil {
		return err
	}
	r.publish()
	r.note()
	r.tell(rec)
	return nil
}

// tell tells the operator's log of a change. That somebody has logged in is told at the login, and
// not again here.
func (r *Registry) tell(rec *packs.Record) {
	c, err := register.Decode(rec.Data)
	if err != nil || c.Kind == register.Used {
		return
	}
	name := c.Name
	if name == "" && len(c.Members) == 1 {
		name = c.Members[0].Name
	}
	r.log.Info("register was changed", slog.String("change", string(c.Kind)),
		slog.String("name", name), slog.String("by", c.By), slog.Uint64("number", rec.Number))
}

// watchInterval is how old a change may be that nobody has logged in since.
const watchInterval = 200 * time.Millisecond

// Watch calls changed soon after each change of who may log in, also because a secret has expired,
// or because the register can be read or cannot, until ctx ends. Whoever keeps connections open
// asks [Registry.Current] about each of them then. changed is called from this goroutine, so one
// that takes long delays the next; several changes in between are told as one.
func (r *Registry) Watch(ctx context.Context, changed func()) {
	ticker := time.NewTicker(watchInterval)
	defer ticker.Stop()
	seen := r.glance()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if now := r.glance(); now != seen {
			seen = now
			changed()
		}
	}
}

// glance is what differs whenever somebody may or may not log in any more.
type glance struct {
	version     uint64
	expired     int
	unavailable bool
}

func (r *Registry) glance() glance {
	s, now := r.state.Load(), r.now()
	g := glance{version: s.version, unavailable: r.unavailable(s, now) != nil}
	for i := range s.members {
		if s.members[i].Expired(now) {
			g.expired++
		}
	}
	return g
}

// Entry is one change of the register, with its number. It has digests of secrets and never a
// secret.
type Entry struct {
	Number uint64
	register.Change
}

// Audit reads the whole stream again and returns the number of its last change. All changes must be
// those that were read before, and fit each other. It holds nobody up: it calls rest after each.
func (r *Registry) Audit(ctx context.Context, rest func()) (number uint64, err error) {
	r.mu.Lock()
	err = r.catchUp(ctx, false)
	stream, end, chain := r.stream, r.end.Number, r.chain
	r.mu.Unlock()
	if err != nil || stream == nil {
		return 0, words(err)
	}
	again := &Registry{log: r.log}
	for rec, err := range stream.Read(ctx, 1) {
		if err == nil && rec.Number > end {
			break
		}
		if err == nil {
			err = again.enter(&rec)
		}
		if err != nil {
			return 0, words(err)
		}
		rest()
	}
	if again.end.Number != end || again.chain != chain {
		return 0, words(fmt.Errorf("%w: its %d changes are not those that were read before",
			register.ErrDamaged, end))
	}
	return end, nil
}

// History returns all changes of the register, in order, but for who logged in when.
func (r *Registry) History(ctx context.Context) (entries []Entry, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.catchUp(ctx, false); err != nil || r.stream == nil {
		return nil, words(err)
	}
	for rec, err := range r.stream.Read(ctx, 1) {
		var change register.Change
		if err == nil {
			change, err = register.Decode(rec.Data)
		}
		if err != nil {
			return nil, words(err)
		}
		if change.Kind != register.Used {
			entries = append(entries, Entry{rec.Number, change})
		}
	}
	return entries, nil
}

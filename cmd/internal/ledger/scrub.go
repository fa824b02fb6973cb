package ledger

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"sync"
	"time"

	"cakupan/cmd/internal/datafolder"
	"cakupan/cmd/internal/folder"
	"cakupan/cmd/internal/natsin"
	"cakupan/cmd/internal/problem"
	"cakupan/eventstore/inspect"
	"cakupan/eventstore/jetstream"
	"cakupan/eventstore/packs"
	"cakupan/eventstore/vault"
)

// rescrub is how soon a log that was found wanting is looked at again.
const rescrub = 2 * time.Second

// noteDamage keeps an error that says that the log is damaged, and reports whether it does. The
// first stays: what is found later may be what the first has led to.
func (l *Ledger) noteDamage(err error) bool {
	damage := problem.From(err)
	if damage.Code != problem.LogDamaged {
		return false
	}
	err = damage
	if l.damage.CompareAndSwap(nil, &err) {
		l.opts.Log.Error("log is damaged", slog.Any("error", err))
	}
	return true
}

// noteUnread keeps why the log could not be read.
func (l *Ledger) noteUnread(err error) {
	err = problem.Wrap(problem.LogUnavailable, "a part of the log cannot be read at the moment:"+
		" look at its disk; it goes on by itself once the cause is gone", err)
	if l.unread.Swap(&err) == nil {
		l.opts.Log.Error("log cannot be read", slog.Any("error", err))
	}
}

// noteSound takes back what was found before. Only a check of the whole log may call it.
func (l *Ledger) noteSound() {
	was, unread := l.damage.Swap(nil), l.unread.Swap(nil)
	if was != nil || unread != nil {
		l.opts.Log.Info("log was read again, and nothing is wrong with it")
	}
}

// scrub checks the whole log, at once and then at every interval; sooner while something is wrong
// with it. That the check itself fails, because the log is out of reach, says nothing about the
// log: it is told, and tried again.
//
// The first check, and those of a log that was found wanting, are as quick as they can be; the
// others are in nobody's way.
func (l *Ledger) scrub(ctx context.Context, every time.Duration) {
	for slowly, asked := false, false; ; {
		began := time.Now()
		damage, err := l.checkLog(ctx, l.paced(ctx, slowly))
		pause := min(every, max(rescrub, 4*time.Since(began))) // it should not be all that goes on
		switch {
		case ctx.Err() != nil:
			return
		case errors.Is(err, errUnread):
			l.noteUnread(err)
		case err != nil:
			l.opts.Log.ErrorContext(ctx, "check of the log failed", slog.Any("error", err))
		case damage != nil:
			l.noteDamage(problem.New(problem.LogDamaged, fmt.Sprintf(
				"the log is damaged at event %d: %s; run cakupan verify for all of it",
				damage.From, damage.What)))
		default:
			l.noteSound()
			if err = l.openParts(ctx); err == nil {
				rest := &pace{ctx: ctx, urgent: func() bool { return asked || l.isAsked() }}
				if l.watchman.lost() != nil {
					rest.most = rescrub // events wait: on a busy machine pieces of work are long
				}
				l.lookAtCopies(ctx, rest.rest)
				l.readBeside(ctx, rest.rest, began.Add(every))
				if l.watchman.lost() == nil {
					pause = every
				}
			} else if ctx.Err() == nil && !l.noteDamage(err) {
				l.opts.Log.ErrorContext(ctx, "ledger cannot be opened", slog.Any("error", err))
			}
		}
		// Nothing is known to be wrong: there is time.
		slowly, asked = pause == every, false
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		case <-l.lookAgain:
			slowly, asked = false, true
		}
	}
}

// suspected has all be read again now where somebody has found it damaged who notes nothing: the
// health is not to say for an hour that all is well. It returns what was found, nil too.
func (l *Ledger) suspected(found error) error {
	if found == nil || l.damage.Load() != nil || l.watchman.lost() != nil { // or it is known
		return found
	}
	if code := problem.From(found).Code; !isLoss(found) && code != problem.LogDamaged {
		return found
	}
	select {
	case l.lookAgain <- struct{}{}:
	default: // it is about to
	}
	return found
}

// confirmed is suspected for what was found by who reads a stream of this ledger's own server. That
// says the same of what it cannot read now, as without descriptors, as of what is wrong: the files
// tell the two apart. What this process has seen and is not there is no passing error.
func (l *Ledger) confirmed(stream string, found error) error {
	if found == nil || !isLoss(found) || l.server == nil || l.watchman.lost() != nil {
		return l.suspected(found)
	}
	var damage *packs.DamageError
	unread := errors.As(found, &damage) && !damage.Witnessed
	if !unread && !errors.Is(found, natsin.ErrLost) {
		return l.suspected(found)
	}
	sound, err := l.verdicts.of(stream, l.opts.Uptime, l.filesAreSound)
	if err != nil || sound && unread {
		return problem.Wrap(problem.LogUnavailable, "a part of "+stream+" cannot be read at the"+
			" moment: look at its disk and the open files of the process, and ask again later",
			cmp.Or(err, found))
	}
	return l.suspected(found)
}

// verdicts are what was found of the files of streams a moment ago. Many may ask at once for what
// cannot be read, and the files of a vault are as long as it is: one of them reads, and the others
// have it from him. The zero value has none.
type verdicts struct {
	mu    sync.Mutex
	found map[string]*verdict // by the name of the stream
}

// verdict is whether files are sound, or why that is not known.
type verdict struct {
	mu    sync.Mutex
	known bool
	at    time.Duration
	sound bool
	err   error
}

// verdictFor is how long a verdict stands.
const verdictFor = 5 * time.Second

// of returns whether a stream's files are sound, as look says or has said a moment ago.
func (v *verdicts) of(stream string, uptime func() time.Duration, look func(string) (bool, error),
) (bool, error) {
	is := v.by(stream)
	is.mu.Lock()
	defer is.mu.Unlock()
	if !is.known || uptime()-is.at >= verdictFor {
		is.sound, is.err = look(stream)
		is.known, is.at = true, uptime() // it may have taken longer than it stands
	}
	return is.sound, is.err
}

// by returns the verdict of a stream.
func (v *verdicts) by(stream string) *verdict {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.found == nil {
		v.found = map[string]*verdict{}
	}
	if v.found[stream] == nil {
		v.found[stream] = &verdict{}
	}
	return v.found[stream]
}

// vaultError puts an error about the vault, of this ledger's own server, into words.
func (l *Ledger) vaultError(err error) error {
	return l.confirmed(vault.StreamName, folder.VaultError(l.folder.Dir, err))
}

// openParts opens what a damaged log did not let be opened at the start. Those that are open stay
// so.
func (l *Ledger) openParts(ctx context.Context) error {
	if l.roles == nil {
		if _, err := l.openIntake(ctx); err != nil {
			return err
		}
	}
	return l.openShelf(ctx)
}

// errUnread is returned for a log of which a part could not be read: nothing is known of that part.
var errUnread = errors.New("a part could not be read")

// checkLog returns the first damage of the log, nil when there is none. What is found is looked at
// twice.
func (l *Ledger) checkLog(ctx context.Context, progress Progress) (*Finding, error) {
	found, err := l.firstDamage(ctx, progress)
	if err != nil || found == nil {
		l.reread = false
		return found, err
	}
	if l.server == nil {
		l.lookAtCopies(ctx, func() {}) // one of them may have another message than was stored
		return l.firstDamage(ctx, nil)
	}
	// The server says the same of what a disk did not give as of what is wrong on it, and goes on
	// saying so of what it has in its memory. The files tell the two apart.
	sound, err := l.filesAreSound(jetstream.StreamDefault)
	if err != nil || !sound {
		l.reread = false
		return found, err
	}
	if l.reread { // the server has it from these very files: what is wrong is in them
		return found, nil
	}
	l.reread = true
	if err := l.server.Reopen(ctx); err != nil {
		return nil, err
	}
	return l.firstDamage(ctx, nil)
}

// firstDamage reads the log through the server.
func (l *Ledger) firstDamage(ctx context.Context, progress Progress) (*Finding, error) {
	report, err := l.verifyLog(ctx, progress)
	if err != nil {
		return nil, err
	}
	if report.OK {
		l.watchman.sound(partLog, uint64(report.Events), l.opts.Now())
		return nil, nil
	}
	return &report.Findings[0], nil
}

// filesAreSound reads a stream's files beside the server, and tells whether they are as they were
// written. The error wraps errUnread when they could not be read. A stream that is not there is not
// sound.
func (l *Ledger) filesAreSound(stream string) (bool, error) {
	in, err := datafolder.Inspect(l.folder.StreamFolder(stream))
	switch {
	case errors.Is(err, fs.ErrNotExist), err != nil && problem.From(err).Code == problem.NotFound:
		return false, nil
	case err != nil:
		return false, fmt.Errorf("%w: %w", errUnread, err)
	}
	for i := range in.Files {
		if in.Files[i].State.Worse(inspect.Unproven) {
			return false, nil
		}
	}
	return len(in.Files) > 0, nil
}

package ledger

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"sync"

	"cakupan/cmd/internal/access/register"
	"cakupan/cmd/internal/excerpt"
	"cakupan/cmd/internal/intake"
	"cakupan/cmd/internal/lists/matched"
	"cakupan/cmd/internal/problem"
	"cakupan/domain/event"
	"cakupan/eventstore"
	"cakupan/eventstore/vault"
	"cakupan/projections/history"
)

// Each publisher has a key of lists of his own, so that nobody can tell by it whose people another
// one has reported. It is as old as his secret: who has fetched it with a secret that leaked has it
// for nothing once that is rotated. It ends when he is revoked. Where no publisher speaks for a
// source, as in an open ledger, the key is the ledger's own. So were all keys once: what was made
// with that, or with an older key of the same publisher, is still found, by [Ledger.MatchRows].

// ListKey is the key under which rows of a list get their ids and their enrolments' names.
type ListKey struct {
	Key [vault.ListKeySize]byte
	// Older says that rows may be known under another key, and are to be matched before they are
	// sent.
	Older bool
}

// ListAsk says for whom a key of lists is asked.
type ListAsk struct {
	Source string       // of the list
	Scope  *event.Scope // of who asks; nil: whoever runs the ledger
	DryRun bool         // no key is made: where there is none, the one returned is to try with
}

// keptListKeys are keys of lists that were asked for lately. It is safe for concurrent use. A
// member is looked up in the register before it is asked, so what it has of one who was revoked is
// not used.
type keptListKeys struct {
	mu sync.Mutex
	of map[string]ownListKeys
}

// ownListKeys are the keys of a member with the secret of which secret is the mark.
type ownListKeys struct {
	secret  string
	keys    vault.ListKeys
	ledgers [vault.ListKeySize]byte // the ledger's own, by which lists of before are known
}

// listKeysKept bounds how many members' keys are in memory.
const listKeysKept = 1_000

// ListKey returns the key of lists of whoever speaks for a source: the same for him until his
// secret changes, so that the same list sent from two machines gets the same ids, and is a
// duplicate. It makes the key where there is none.
func (l *Ledger) ListKey(ctx context.Context, ask ListAsk) (ListKey, error) {
	who, err := l.speakerOf(ask)
	if err != nil {
		return ListKey{}, err
	}
	if who == nil {
		own, err := l.ownListKey(ctx)
		return ListKey{Key: own}, err
	}
	keys, _, err := l.listKeysOf(ctx, who, !ask.DryRun)
	if err != nil {
		return ListKey{}, err
	}
	return ListKey{Key: *keys.Now, Older: true}, nil
}

// speakerOf returns the publisher who speaks for a source, nil where nobody does. Who asks for the
// key of somebody else's source is refused.
func (l *Ledger) speakerOf(ask ListAsk) (*register.Member, error) {
	who, err := l.register.Speaker(ask.Source)
	if err != nil {
		return nil, err
	}
	if ask.Scope != nil && (who == nil || who.Name != ask.Scope.Publisher) {
		return nil, problem.New(problem.Forbidden, "this publisher may not report under that"+
			" source: name one of its own")
	}
	return who, nil
}

// secretMark tells a member's secrets apart. It is of the secret's digest, which the register has
// too.
func secretMark(m *register.Member) string {
	sum := sha256.Sum256([]byte("cakupan key of lists\x00" + m.Secret.String()))
	return hex.EncodeToString(sum[:8])
}

// listKeysOf returns the keys of a member, and the ledger's own. Where the member has none and none
// is made, the newest is one to try with.
func (l *Ledger) listKeysOf(ctx context.Context, who *register.Member, create bool,
) (keys vault.ListKeys, own [vault.ListKeySize]byte, err error) {
	mark := secretMark(who)
	l.listKeys.mu.Lock()
	kept, known := l.listKeys.of[who.Name]
	l.listKeys.mu.Unlock()
	if known && kept.secret == mark {
		return kept.keys, kept.ledgers, nil
	}
	trial := [vault.ListKeySize]byte{}
	err = l.withVault(ctx, func(v *vault.Vault) (err error) {
		own, trial = v.ListKey(), v.TrialListKey(who.Name, mark)
		keys, err = v.ListKeysOf(ctx, who.Name, mark, create)
		return err
	})
	if err != nil {
		return keys, own, err
	}
	if keys.Now == nil {
		keys.Now = &trial
		return keys, own, nil
	}
	l.listKeys.mu.Lock()
	defer l.listKeys.mu.Unlock()
	if l.listKeys.of == nil || len(l.listKeys.of) >= listKeysKept {
		l.listKeys.of = map[string]ownListKeys{}
	}
	l.listKeys.of[who.Name] = ownListKeys{mark, keys, own}
	return keys, own, nil
}

// ownListKey returns the ledger's own key.
func (l *Ledger) ownListKey(ctx context.Context) (key [vault.ListKeySize]byte, err error) {
	err = l.withVault(ctx, func(v *vault.Vault) error {
		key = v.ListKey()
		return nil
	})
	return key, err
}

// withVault calls f with the vault. A ledger that stands by opens it for that, and closes it again
// before mu is free, so that nobody else uses it.
func (l *Ledger) withVault(ctx context.Context, f func(v *vault.Vault) error) (err error) {
	if l.roles == nil {
		if _, err := l.openIntake(ctx); err != nil {
			return err
		}
	}
	l.inUse.RLock()
	defer l.inUse.RUnlock()
	if v := l.openedVault(); v != nil {
		return l.vaultError(f(v))
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	open := l.vault != nil
	if err := l.readyVault(ctx); err != nil {
		return err
	}
	err = l.vaultError(f(l.vault))
	if !open { // it stands by, and whoever writes has it open
		err, l.vault = errors.Join(err, l.vault.Close()), nil
	}
	return err
}

// EndListKeys takes the keys of lists of those who were revoked out of the vault. What a crash or
// an error leaves, the next call takes, at the latest when a ledger begins to write; until then
// nobody is given them. A ledger that stands by leaves it to the one that writes.
func (l *Ledger) EndListKeys(ctx context.Context) error {
	l.inUse.RLock()
	defer l.inUse.RUnlock()
	v := l.openedVault()
	if v == nil {
		return nil
	}
	return l.endListKeysIn(ctx, v)
}

// endListKeysIn does that in a vault that is not closed meanwhile.
func (l *Ledger) endListKeysIn(ctx context.Context, v *vault.Vault) error {
	l.listKeys.mu.Lock()
	for name := range l.listKeys.of {
		if l.register.IsRevoked(name) {
			delete(l.listKeys.of, name)
		}
	}
	l.listKeys.mu.Unlock()
	ended, err := v.EndListKeys(ctx, l.register.IsRevoked)
	if ended > 0 {
		l.opts.Log.InfoContext(ctx, "keys of lists of those who were revoked are gone",
			slog.Int("keys", ended))
	}
	return l.vaultError(err)
}

// tryEndListKeys does that where nobody waits for it.
func (l *Ledger) tryEndListKeys(ctx context.Context) {
	if err := l.EndListKeys(ctx); err != nil && ctx.Err() == nil {
		l.opts.Log.WarnContext(ctx, "keys of lists of those who were revoked are still there: the"+
			" ledger tries again", slog.Any("error", err))
	}
}

// MatchRows says by which names the ledger has rows of a list under older keys, nil of those that
// it has not; see package matched. It tells of the source alone. It waits for the history as
// [Ledger.View] does, and appends nothing.
func (l *Ledger) MatchRows(ctx context.Context, ask ListAsk, rows []matched.Row,
) ([]*matched.Names, error) {
	who, err := l.speakerOf(ask)
	if err != nil {
		return nil, err
	}
	if who == nil {
		return make([]*matched.Names, len(rows)), nil // there is one key for it
	}
	keys, own, err := l.listKeysOf(ctx, who, false)
	if err != nil {
		return nil, err
	}
	_, tail, err := l.log.Last(ctx)
	if err != nil {
		return nil, err
	}
	m := &matching{ledger: l, ask: ask, scope: who.Scope(), known: tail.Sequence}
	return matched.Find(ctx, *keys.Now, append(slices.Clone(keys.Older), own), rows, m)
}

// matching answers what [matched.Find] asks, as of one place in the log.
type matching struct {
	ledger *Ledger
	ask    ListAsk
	scope  *event.Scope // of who speaks for the source, whoever asks
	known  eventstore.Sequence
}

// Has tells which events the log has, by a dry run: whichever ledger writes knows it at once.
func (m *matching) Has(ctx context.Context, events [][]byte) ([]bool, error) {
	receipts, err := m.ledger.Submit(ctx, events, intake.Options{DryRun: true, Scope: m.ask.Scope})
	if err != nil {
		return nil, err
	}
	has := make([]bool, len(events))
	for i := range receipts {
		r := &receipts[i]
		has[i] = r.Status == event.Duplicate ||
			r.Refusal != nil && r.Refusal.Code == event.Conflict
	}
	return has, nil
}

// errFound ends a search.
var errFound = errors.New("it is found")

// Knows tells which enrolments an event of the source speaks of.
func (m *matching) Knows(ctx context.Context, names []string) ([]bool, error) {
	knows := make([]bool, len(names))
	p, err := histories{m.ledger}.At(ctx, m.known)
	if err != nil {
		return nil, err
	}
	for i, name := range names {
		subject := history.Subject{Kind: history.Enrolment, Name: name}
		some, _, err := p.About(subject, 1, 1) // most are of nobody, and cost no reading of the log
		if err != nil {
			return nil, err
		}
		if len(some) == 0 {
			continue
		}
		err = m.ledger.Reported(ctx, subject, m.known, nil, func(r *history.Reported) error {
			if r.Event.Source == m.ask.Source || m.scope.HasSource(r.Event.Source) {
				return errFound
			}
			return nil
		})
		if knows[i] = errors.Is(err, errFound); err != nil && !knows[i] {
			return nil, err
		}
	}
	return knows, nil
}

// Persons returns what the rows of a list of the source are known by.
func (m *matching) Persons(ctx context.Context, list string) (map[string]bool, error) {
	persons := map[string]bool{}
	filter := excerpt.List{List: list, Source: m.ask.Source}
	err := m.ledger.ListEvents(ctx, filter, func(line []byte) error {
		var is struct {
			Key string `json:"listkey"`
		}
		if err := json.Unmarshal(line, &is); err != nil {
			return err
		}
		persons[is.Key] = true
		return nil
	})
	return persons, err
}

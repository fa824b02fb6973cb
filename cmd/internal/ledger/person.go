package ledger

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"cakupan/cmd/internal/excerpt"
	"cakupan/cmd/internal/intake"
	"cakupan/cmd/internal/natsin"
	"cakupan/cmd/internal/problem"
	"cakupan/domain/event"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/eventstore/vault"
)

// Erase takes a person out of the vault for ever, by the NIK or, where that is empty, by the worker
// id in e. The log stays as it is, and so do coverage and proofs: its worker id is nobody's from
// then on. The same NIK later is a new worker.
//
// It is durable when this returns without an error, and cannot be undone. After an error or a crash
// it may have been recorded: then it is finished by the next call or the next start. Backups that
// were made before still have the person: they must be given up too.
func (l *Ledger) Erase(ctx context.Context, nik string, e vault.Erasure) (vault.Erasure, error) {
	v, err := l.openVault(ctx)
	if err != nil {
		return e, err
	}
	e, err = v.Erase(ctx, nik, e)
	if errors.Is(err, vault.ErrUnknownWorker) {
		return e, problem.New(problem.NotFound, "the vault knows nobody of this NIK or worker id")
	}
	return e, l.vaultError(err)
}

// Erasures returns what is recorded of erasures, in their order. Each names the worker id, which is
// nobody's by then.
func (l *Ledger) Erasures(ctx context.Context) ([]vault.Erasure, error) {
	v, err := l.openVault(ctx)
	if err != nil {
		return nil, err
	}
	all, err := v.Erasures(ctx)
	if all == nil {
		all = []vault.Erasure{}
	}
	return all, l.vaultError(err)
}

// openVault returns the vault, which it opens if nobody has. mu is held meanwhile.
func (l *Ledger) openVault(ctx context.Context) (*vault.Vault, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.readyVault(ctx); err != nil {
		return nil, err
	}
	return l.vault, nil
}

// Disclosure is all that the ledger holds about a person, for him to have. It is for the person,
// and so goes to nobody else: it is neither kept nor logged here.
type Disclosure struct {
	// Workers are the ids by which the log knows the person: that of the vault, and those that were
	// merged with it.
	Workers []string `json:"workers"`
	// Events are those about the ids and their enrolments, in the order of the log.
	Events []json.RawMessage `json:"events"`
	// Refused are messages with the NIK that were refused and are kept, sealed, until settled. The
	// NIK is masked.
	Refused []intake.Refused `json:"refused"`
	// Kept says what else there is.
	Kept []string `json:"kept"`
}

// keptOfAnybody says what a ledger has of everybody whom it knows.
func keptOfAnybody() []string {
	return []string{
		"in the vault, sealed: a keyed hash of the NIK, and the worker id; the NIK itself is" +
			" nowhere",
		"in figures and caches: numbers derived from the events above",
	}
}

// Disclose returns all that the ledger holds about the person with a NIK. That it was asked for is
// recorded first, also where only what was refused of him is kept. at is when it was asked for.
// Unlike the filters of the log it follows merges, so that nothing about the person is left out.
func (l *Ledger) Disclose(ctx context.Context, nik string, at temporal.Instant,
) (d Disclosure, err error) {
	_, err = l.LookUp(ctx, nik, "", at)
	if err != nil && problem.Exit(err) != problem.ExitNotFound {
		return d, err
	}
	v, err := l.openVault(ctx)
	if err != nil {
		return d, err
	}
	worker, known, err := v.Lookup(nik)
	if err != nil {
		return d, l.vaultError(err)
	}
	d = Disclosure{Events: []json.RawMessage{}, Workers: []string{}}
	if d.Refused, err = l.refusedOf(ctx, nik); err != nil {
		return d, err
	}
	if !known && len(d.Refused) == 0 {
		return d, problem.New(problem.NotFound, "the ledger holds nothing about this NIK")
	}
	if !known {
		return d, nil
	}
	// Only from here on: of who is not in the vault none of that is true.
	d.Kept = keptOfAnybody()
	about := aboutPerson{ledger: l, lines: map[eventstore.Sequence][]byte{}}
	d.Workers, err = about.collect(ctx, worker)
	for _, sequence := range slices.Sorted(maps.Keys(about.lines)) {
		d.Events = append(d.Events, about.lines[sequence])
	}
	return d, err
}

// refusedOf returns the refused messages that have the NIK in them. They may be sealed in a pack
// that cannot be opened: those are not found.
func (l *Ledger) refusedOf(ctx context.Context, nik string) (found []intake.Refused, err error) {
	found = []intake.Refused{}
	refused, err := l.refusals(ctx)
	for number := uint64(1); err == nil; number++ {
		var one natsin.Kept
		one, err = refused.Next(ctx, number)
		if errors.Is(err, natsin.ErrNoSuch) {
			return found, nil
		}
		if number = one.Number; err == nil && bytes.Contains(one.Message.Payload, []byte(nik)) {
			found = append(found, one.Shown())
		}
	}
	return found, err
}

// aboutPerson collects the events about a person. Lines are by sequence, as an event may be about
// several of the ids.
type aboutPerson struct {
	ledger *Ledger
	lines  map[eventstore.Sequence][]byte
}

// named is what of an event says whom it is about.
type named struct {
	Sequence eventstore.Sequence `json:"sequence"`
	Data     struct {
		Worker, Into, Enrolment string
	} `json:"data"`
}

// collect reads the events about a worker and about whoever is merged with him, and about the
// enrolments of all of them. It returns the ids. It goes on until nothing new is named; each id and
// enrolment is read once.
func (a *aboutPerson) collect(ctx context.Context, worker string) (workers []string, err error) {
	ids, enrolments := map[string]bool{worker: false}, map[string]bool{}
	read := func(filter excerpt.Filter) error {
		return a.ledger.Events(ctx, filter, func(line []byte) error {
			var n named
			if err := json.Unmarshal(line, &n); err != nil {
				return fmt.Errorf("read event: %w", err)
			}
			a.lines[n.Sequence] = bytes.Clone(bytes.TrimSpace(line))
			for _, id := range []string{n.Data.Worker, n.Data.Into} {
				if _, seen := ids[id]; id != "" && !seen {
					ids[id] = false
				}
			}
			if _, seen := enrolments[n.Data.Enrolment]; n.Data.Enrolment != "" && !seen {
				enrolments[n.Data.Enrolment] = false
			}
			return nil
		})
	}
	for again := true; again; {
		again = false
		for _, id := range slices.Sorted(maps.Keys(ids)) {
			if !ids[id] {
				ids[id], again = true, true
				err = errors.Join(err, read(excerpt.Filter{Worker: id}))
			}
		}
		for _, id := range slices.Sorted(maps.Keys(enrolments)) {
			if !enrolments[id] {
				enrolments[id], again = true, true
				err = errors.Join(err, read(excerpt.Filter{Enrolment: id}))
			}
		}
		if err != nil {
			return nil, err
		}
	}
	return slices.Sorted(maps.Keys(ids)), nil
}

// CheckNIK refuses what is no NIK, without repeating it.
func CheckNIK(nik string) error {
	if why := event.CheckNIK(nik); why != "" {
		return problem.Query("nik", why)
	}
	return nil
}

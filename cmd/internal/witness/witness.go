// Package witness is somebody who remembers: it looks at the heads that a ledger signs, makes sure
// that each goes on from all that it has seen before, and cosigns them (C2SP tlog-cosignature). A
// ledger that rewrites its past, roots and all, cannot make its witnesses forget.
//
// What it remembers is one small file, and beside it the witness's own key. The state is durable
// before anything is cosigned: a witness that crashes may have cosigned less than it remembers,
// never more.
package witness

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"golang.org/x/mod/sumdb/tlog"

	"cakupan/cmd/internal/problem"
	"cakupan/eventstore/checkpoint"
	"cakupan/eventstore/durable"
	"cakupan/eventstore/keyfile"
)

// Ledger is what is watched.
type Ledger interface {
	// Checkpoint returns the newest signed head.
	Checkpoint(ctx context.Context) ([]byte, error)
	// CheckpointKey returns the public key that it is signed with.
	CheckpointKey(ctx context.Context) (string, error)
	// Successions returns the notes in which older keys name those that came in their place.
	Successions(ctx context.Context) ([]byte, error)
	// Cosign hands over a cosigned head, and tells whether that was new.
	Cosign(ctx context.Context, cosigned []byte) (added bool, err error)
}

// Tiles are the tiles of a ledger's tree. Err returns why the ledger did not answer, nil when it
// did.
type Tiles interface {
	tlog.TileReader
	Err() error
}

// Options of a look.
type Options struct {
	State string // the file; its key is beside it
	Name  string // of a new witness
	Key   string // the ledger's public key; "": as it says itself at first sight
	// Fault is called at the crash points; for tests. Optional.
	Fault func(point string)
}

// The crash points, in their order.
const (
	FaultBeforeState = "before-state" // all is checked
	FaultAfterState  = "after-state"  // remembered, and nothing is cosigned
)

// Seen is what a look came to.
type Seen struct {
	Witness string `json:"witness"`         // the public key of the witness
	Key     string `json:"key"`             // of the ledger
	Older   string `json:"older,omitempty"` // the key of before, which has named this one
	First   bool   `json:"first"`           // there was nothing to compare with
	From    int64  `json:"from"`            // events of the head before
	Size    int64  `json:"size"`            // events of the head now
	Root    string `json:"root"`
	Kept    bool   `json:"kept"` // the ledger has the cosignature
	Why     string `json:"why,omitempty"`
}

// keyPath returns where the key of a witness is.
func keyPath(state string) string { return state + ".key" }

// Look looks at a ledger once. A [problem.ProofFailed] says that it shows another past, or that the
// state is of no use.
func Look(ctx context.Context, l Ledger, tiles Tiles, opts Options) (seen Seen, err error) {
	was, signer, err := open(ctx, l, opts)
	if err != nil {
		return seen, err
	}
	seen = Seen{
		Witness: signer.Key(), Key: was.Key, First: was.Checkpoint == "", From: was.tree.N,
	}
	signed, err := l.Checkpoint(ctx)
	if err != nil {
		return seen, err
	}
	now, err := follow(ctx, l, was, signed)
	if err != nil {
		return seen, keepEvidence(opts.State, was, signed, err)
	}
	if seen.Key = now.Key; now.Key != was.Key {
		seen.Older = was.Key
	}
	tree, err := compare(was, now.tree, tiles)
	if err != nil {
		return seen, keepEvidence(opts.State, was, signed, err)
	}
	seen.Size, seen.Root = tree.N, fmt.Sprintf("%x", tree.Hash[:])
	now.Own = signer.Key()
	opts.fault(FaultBeforeState)
	// If we crash here, the same is checked again.
	if err := now.write(opts.State); err != nil {
		return seen, err
	}
	opts.fault(FaultAfterState)
	// If we crash here, the head is remembered, and cosigned at the next look.
	cosigned, err := signer.Cosign(signed, now.verifier)
	if err != nil {
		return seen, err
	}
	_, err = l.Cosign(ctx, cosigned)
	var refused *problem.Error
	if errors.As(err, &refused) && refused.Code == problem.Forbidden {
		seen.Why = refused.Detail
		return seen, nil
	}
	seen.Kept = err == nil
	return seen, err
}

func (o *Options) fault(point string) {
	if o.Fault != nil {
		o.Fault(point)
	}
}

// open returns what the witness remembers, and its signer. Without a state there must be no key
// either: a witness that has lost its memory does not begin anew by itself.
func open(ctx context.Context, l Ledger, opts Options) (*state, *checkpoint.Witness, error) {
	was, err := readState(opts.State)
	if err != nil {
		return nil, nil, err
	}
	path := keyPath(opts.State)
	seed, err := keyfile.Read(path)
	switch missing := errors.Is(err, fs.ErrNotExist); {
	case was == nil && missing:
		return begin(ctx, l, opts)
	case was == nil && err == nil:
		// A first look that failed leaves a key and no state.
		return nil, nil, problem.New(problem.ProofFailed, opts.State+" is missing, and "+path+
			" is there: put back what the witness remembers. To begin anew, trusting what the"+
			" ledger shows now, delete the key too")
	case missing:
		return nil, nil, problem.New(problem.ProofFailed, path+" is missing: put back the key of"+
			" the witness. To begin anew with another one, delete "+opts.State+" too")
	case err != nil:
		return nil, nil, problem.File(path, err)
	}
	same, err := isSuccessor(ctx, l, opts.Key, was.Key)
	if err != nil {
		return nil, nil, err
	}
	if !same {
		return nil, nil, problem.New(problem.ProofFailed, opts.State+" is of another ledger: it"+
			" has"+
			" watched "+was.Key)
	}
	signer, err := checkpoint.NewWitness(was.Name, seed)
	if err == nil && was.Own != "" && signer.Key() != was.Own {
		err = problem.New(problem.ProofFailed, path+" is damaged, or another witness's: put back"+
			" the key of "+was.Own)
	}
	return was, signer, err
}

// begin begins a witness, who believes the ledger's key at first sight unless it was given.
func begin(ctx context.Context, l Ledger, opts Options) (*state, *checkpoint.Witness, error) {
	key, err := opts.Key, error(nil)
	if key == "" {
		if key, err = l.CheckpointKey(ctx); err != nil {
			return nil, nil, err
		}
	}
	s := &state{Name: opts.Name, Key: key}
	if s.verifier, err = checkpoint.Verifier(key); err != nil {
		return nil, nil, problem.Wrap(problem.UsageWrong, "no public key of a ledger", err)
	}
	if _, err := checkpoint.NewWitness(opts.Name, make([]byte, keyfile.Size)); err != nil {
		return nil, nil, problem.Wrap(problem.UsageWrong, "a witness's name has no spaces and"+
			" no +", err)
	}
	signed, err := l.Checkpoint(ctx)
	if err != nil {
		return nil, nil, err
	}
	if _, err := follow(ctx, l, s, signed); err != nil {
		return nil, nil, err
	}
	seed, err := keyfile.Create(keyPath(opts.State))
	if err != nil {
		return nil, nil, fmt.Errorf("make key of the witness: %w", err)
	}
	signer, err := checkpoint.NewWitness(opts.Name, seed)
	return s, signer, err
}

// isSuccessor tells whether a key that was given leads to the one that is remembered; none given is
// any.
func isSuccessor(ctx context.Context, l Ledger, given, remembered string) (bool, error) {
	if given == "" || given == remembered {
		return true, nil
	}
	proof, err := l.Successions(ctx)
	if err != nil {
		return false, err
	}
	all, err := checkpoint.ParseSuccessions(proof)
	if err != nil { // what proves nothing
		all = nil
	}
	return slices.Contains(checkpoint.Successors(given, all), remembered), nil
}

func otherKey(was *state, err error) error {
	return problem.Wrap(problem.ProofFailed, "this is another ledger, or one with another key: its"+
		" checkpoint is not signed with "+was.Key, err)
}

// follow returns what is to be remembered of a head: the key that has signed it is the one that is
// remembered, or came in its place, as the ledger can prove.
func follow(ctx context.Context, l Ledger, was *state, signed []byte) (now *state, err error) {
	now = &state{
		Format: stateFormat, Name: was.Name, Key: was.Key, Checkpoint: string(signed),
		verifier: was.verifier,
	}
	now.tree, err = checkpoint.Open(signed, was.verifier)
	if !errors.Is(err, checkpoint.ErrUnsigned) {
		return now, wrapOther(was, err)
	}
	proof, asked := l.Successions(ctx)
	if asked != nil {
		return nil, asked
	}
	if now.tree, now.Key, err = checkpoint.OpenAfter(signed, was.Key, proof); err == nil {
		now.verifier, err = checkpoint.Verifier(now.Key)
	}
	return now, wrapOther(was, err)
}

func wrapOther(was *state, err error) error {
	if err == nil {
		return nil
	}
	return otherKey(was, err)
}

// compare returns the head that the ledger shows, when it goes on from the one remembered.
func compare(was *state, tree tlog.Tree, tiles Tiles) (tlog.Tree, error) {
	err := checkpoint.GoesOn(was.tree, tree, tiles)
	if failed := tiles.Err(); err != nil && failed != nil {
		return tree, failed
	}
	if err != nil {
		return tree, problem.Wrap(problem.ProofFailed, fmt.Sprintf("the ledger shows another past"+
			" than the one that was witnessed up to event %d", was.tree.N), err)
	}
	return tree, nil
}

// evidence is what shows, to anybody who has the ledger's key, that it has signed two pasts.
type evidence struct {
	Key   string `json:"key"`
	Was   string `json:"was"`
	Is    string `json:"is"`
	Found string `json:"found"`
}

// keepEvidence keeps the two signed heads where the proof failed, beside the state.
func keepEvidence(path string, was *state, signed []byte, found error) error {
	if problem.From(found).Code != problem.ProofFailed || was.Checkpoint == "" {
		return found
	}
	text, err := json.MarshalIndent(evidence{
		was.Key, was.Checkpoint, string(signed), found.Error(),
	}, "", "  ")
	if err != nil {
		return errors.Join(found, err)
	}
	err = durable.Create(path+".evidence", append(text, '\n'), fileMode)
	if errors.Is(err, fs.ErrExist) { // the first one is what counts
		err = nil
	}
	return errors.Join(found, err)
}

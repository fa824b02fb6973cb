package bundle

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"cakupan/cmd/internal/problem"
	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/eventstore/checkpoint"
	"cakupan/projections/coverage"
)

// Result is what was checked, and found to be so. Only Check makes one, and only where all of it
// holds.
type Result struct {
	// The name of the ledger, from its key.
	Ledger string `json:"ledger"`
	// As it was given: it is what all rests on.
	Key string `json:"key"`
	// Successor is the key that has signed, where it came in the place of Key, as the
	// bundle proves.
	Successor string `json:"successor,omitempty"`
	// Its figure was counted again and is the same.
	Signed Statement `json:"statement"`
	// Size and Root are those of the checkpoint.
	Size int64  `json:"size"`
	Root []byte `json:"root"`
	// Witnesses are those of the ones asked for that have cosigned it, Others what else has signed
	// it: that was not checked.
	Witnesses []checkpoint.Cosignature `json:"witnesses"`
	Others    []string                 `json:"others"`
	// Enrolments and Workers are whom the bundle shows.
	Enrolments int `json:"enrolments"`
	Workers    int `json:"workers"`
}

// Tree returns the head that the checkpoint tells. It is what a running ledger must go on from.
func (r *Result) Tree() tlog.Tree { return tlog.Tree{N: r.Size, Hash: tlog.Hash(r.Root)} }

// Keys are the public keys that a bundle is checked with. They must come from elsewhere than the
// bundle. Without witnesses nothing is checked of cosignatures; each that is named must have
// cosigned.
type Keys struct {
	Ledger    string
	Witnesses []string
}

// failed says what is not so. err may be nil where there is nothing more to say.
func failed(err error, format string, args ...any) error {
	return problem.Wrap(problem.ProofFailed, fmt.Sprintf(format, args...), err)
}

// Check checks a bundle. The error is a [problem.ProofFailed] that says what is not so. The
// exception is a key that is none, which is [problem.UsageWrong], and what is of this machine or of
// ctx. It needs no ledger and no network, changes nothing, and holds what the bundle holds, twice.
// data must not change meanwhile.
func Check(ctx context.Context, data []byte, keys Keys) (*Result, error) {
	c := &checking{result: &Result{Key: keys.Ledger}}
	// Before the file: a wrong key is the mistake of whoever asks, and no fault of the bundle.
	if err := c.open(keys); err != nil {
		return nil, err
	}
	if !Whole(data) {
		return nil, failed(nil, "the file is damaged: its checksum differs, or it is no bundle")
	}
	var err error
	if c.content, err = parse(data); err != nil {
		return nil, failed(err, "the file is not a bundle")
	}
	// Each step believes what those before it have proved, so the order counts: signature of the
	// figure, its events, its place in the log, its region, its number.
	for _, step := range []func(context.Context) error{
		c.readStatement, c.compareLog, c.readCheckpoint, c.compareRegion, c.compareFigure,
	} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	return c.result, nil
}

// checking is a bundle on its way.
type checking struct {
	*content
	// Of the key that has signed; see follow.
	verifier  note.Verifier
	witnesses []note.Verifier
	// Set by readStatement.
	question question
	result   *Result
}

// open reads the keys.
func (c *checking) open(keys Keys) (err error) {
	wrong := func(err error) error {
		return problem.Wrap(problem.UsageWrong, "no public key, as cakupan checkpoint --key or"+
			" cakupan witness print one", err)
	}
	if c.verifier, err = checkpoint.Verifier(keys.Ledger); err != nil {
		return wrong(err)
	}
	c.result.Ledger, _ = checkpoint.LedgerOf(c.verifier.Name())
	for _, key := range keys.Witnesses {
		v, err := checkpoint.WitnessVerifier(key)
		if err != nil {
			return wrong(err)
		}
		c.witnesses = append(c.witnesses, v)
	}
	return nil
}

// follow finds the key that has signed: the one that was given, or one that came in its place. A
// succession is believed because the key that was given has signed it, and so on from key to key.
func (c *checking) follow() error {
	_, by, err := checkpoint.OpenAfter(c.checkpoint, c.result.Key, c.successions)
	if errors.Is(err, checkpoint.ErrSuccession) {
		return failed(err, "the proof of keys that came in the place of others is false")
	}
	if err != nil || by == c.result.Key {
		return nil //nolint:nilerr // what is not signed with the key is said of each note
	}
	c.result.Successor = by
	c.verifier, err = checkpoint.Verifier(by)
	return err
}

// readStatement reads what the ledger has signed about the figure. It must be about a region, a day
// and an indicator that this program knows, else it could not count.
func (c *checking) readStatement(context.Context) error {
	if err := c.follow(); err != nil {
		return err
	}
	text, err := checkpoint.OpenText(c.statement, c.verifier)
	if err != nil {
		return failed(err, "the statement about the figure is not signed with the key")
	}
	s, err := parseStatement(text, c.verifier.Name())
	if err != nil {
		return failed(err, "the statement about the figure cannot be read")
	}
	c.result.Signed = s
	var known bool
	if c.question.region, known = region.Parse(s.Answer.Region); !known {
		return failed(nil, "the statement is about no region that is known here")
	}
	if c.question.on, err = temporal.ParseDate(s.Answer.On); err != nil {
		return failed(err, "the statement is about no day")
	}
	if c.question.indicator, known = event.ParseIndicator(s.Indicator); !known {
		return failed(nil, "the statement is about no indicator that is known here")
	}
	return nil
}

// compareLog compares the events with the root of the log that the statement is about. Afterwards
// the events are proved to be the log's, at their places, and to be exactly those that the ledger
// has said are of the region.
func (c *checking) compareLog(context.Context) error {
	s := &c.result.Signed
	if s.Size != c.size || !bytes.Equal(s.Root, c.root[:]) {
		return failed(nil, "the events are not those of the log that was signed: the root over"+
			" them and what is hidden is another one")
	}
	// Else an older figure could be shown with newer events.
	if s.Answer.Known.Sequence != eventstore.Sequence(s.Size) {
		return failed(nil, "the figure is as known at another event than the log that was signed"+
			" ends with")
	}
	m := newMeasure()
	for i := range c.events {
		m.add(leafOf(c.events[i]))
	}
	if got := m.extent(); got.Events != s.Extent.Events ||
		!bytes.Equal(got.Digest, s.Extent.Digest) {
		return failed(nil, "events of the region are missing or added: the ledger has signed that"+
			" there are %d, of another digest; here are %d", s.Extent.Events, got.Events)
	}
	return nil
}

// readCheckpoint reads the signed head, and checks that the log of the figure is its beginning.
// Witnesses who were named and have not cosigned are an error; others are named, and not counted.
func (c *checking) readCheckpoint(context.Context) error {
	tree, err := checkpoint.Open(c.checkpoint, c.verifier)
	if err != nil {
		return failed(err, "the checkpoint is not signed with the key")
	}
	err = tlog.CheckTree(c.proof, tree.N, tree.Hash, c.size, c.root)
	if err != nil {
		return failed(err, "the log of the figure is not the beginning of the one that the"+
			" checkpoint is of")
	}
	c.result.Size, c.result.Root = tree.N, tree.Hash[:]
	c.result.Witnesses = checkpoint.Cosignatures(c.checkpoint, c.witnesses)
	if c.result.Witnesses == nil {
		// It is [] in JSON, not null.
		c.result.Witnesses = []checkpoint.Cosignature{}
	}
	for _, w := range c.witnesses {
		if !slices.ContainsFunc(c.result.Witnesses, func(s checkpoint.Cosignature) bool {
			return s.Witness == w.Name()
		}) {
			return failed(nil, "the checkpoint is not cosigned by %s", w.Name())
		}
	}
	c.result.Others = checkpoint.OtherSigners(c.checkpoint,
		append([]note.Verifier{c.verifier}, c.witnesses...))
	return nil
}

// compareRegion checks that each event that is shown is of the region. The ledger signs what it has
// counted as the region's; here it is seen that nobody else is shown. That none is missing cannot
// be seen from what is shown.
func (c *checking) compareRegion(context.Context) error {
	all := records(func(yield func(eventstore.Record, error) bool) {
		for i := range c.events {
			if !yield(c.events[i], nil) {
				return
			}
		}
	})
	s, err := survey(all, c.question.region)
	if err != nil {
		return failed(err, "an event cannot be read")
	}
	for r, err := range decoded(all) {
		if err != nil {
			return failed(err, "an event cannot be read")
		}
		if !s.holds(r.event) {
			return failed(nil, "event %d is not of the region: it does not belong here", r.Sequence)
		}
	}
	c.result.Enrolments, c.result.Workers = len(s.enrolments), len(s.workers)
	return nil
}

// compareFigure counts the figure anew. It compares all of the answer, by its JSON: percents,
// targets and their sequences, too.
func (c *checking) compareFigure(ctx context.Context) error {
	s := &c.result.Signed
	counted, err := count(ctx, c.events, c.question)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, errCount):
		return failed(err, "the events cannot be counted")
	case err != nil:
		return err
	}
	// What was known is proved with the log; the fold here knows only its own numbers.
	counted.Known = s.Answer.Known
	got, err := json.Marshal(counted)
	if err != nil {
		return err
	}
	want, err := json.Marshal(s.Answer)
	if err != nil {
		return err
	}
	if bytes.Equal(got, want) {
		return nil
	}
	// Only a figure that differs is of other rules: the same figure by others is right all the
	// same.
	if rules := coverage.Rules(); rules != s.Rules {
		return failed(nil, "the figure is another one: it was counted by rules %s, and this"+
			" program"+
			" has rules %s; check it with a program of the same rules", s.Rules, rules)
	}
	return failed(nil, "the figure is another one: of these events %d are covered and %d"+
		" confirmed,"+
		" the ledger has signed %d and %d", counted.Covered, counted.Confirmed, s.Answer.Covered,
		s.Answer.Confirmed)
}

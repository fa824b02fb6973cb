package bundle

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"

	"golang.org/x/mod/sumdb/tlog"

	"cakupan/domain/region"
	"cakupan/eventstore"
	"cakupan/projections/coverage"
)

// Ledger is what a bundle is made of. Nothing of it is changed. All of it must be of one moment:
// Answer, Tree and Proof belong to the same number of events.
type Ledger struct {
	// Read from its beginning to the end of Tree; what comes after it is not looked at.
	Log    eventstore.Log
	Tree   tlog.Tree // over the events that were known
	Region region.Code
	// Answer is the figure as the ledger counts it, Indicator what its percent is of.
	Answer    coverage.Answer
	Indicator string
	// Checkpoint is a signed head, and Proof shows that its tree goes on from Tree. The tree that
	// it is of may be larger.
	Checkpoint []byte
	Proof      tlog.TreeProof
	// Sign signs a text with the key of the checkpoint. It returns a signed note; the key never
	// comes here.
	Sign func(text string) ([]byte, error)
	// Successions prove that this key came in the place of others; empty: no other.
	Successions []byte
}

// ErrNothing is returned where nothing was known. Nothing was written then.
var ErrNothing = errors.New("nothing was recorded by then: there is no figure to prove")

// Write writes a bundle. It reads the log four times, and holds of it the names of the region's
// enrolments, workers and commitments, and a hash of each of its events. After an error, what w has
// got is no bundle: it has no checksum at its end. Damage is an [eventstore.DamageError]: where the
// log does not give the root that was signed, nothing of it may be taken for proof. The log may
// grow meanwhile.
func Write(ctx context.Context, w io.Writer, l *Ledger) error {
	if l.Tree.N == 0 {
		return ErrNothing
	}
	all := recordsOf(ctx, l.Log, eventstore.Sequence(l.Tree.N))
	s, err := survey(all, l.Region)
	if err != nil {
		return err
	}
	buffered := bufio.NewWriterSize(w, 64<<10)
	e, m := newEncoder(buffered, l.Successions), newMeasure()
	// The fourth time: only now is it known of each event whether it is shown.
	for r, err := range decoded(all) {
		if err != nil {
			return err
		}
		leaf := leafOf(r.Record)
		if !s.holds(r.event) {
			e.hide(leaf)
			continue
		}
		e.reveal(r.Record, leaf)
		m.add(leaf)
	}
	root, err := e.endEvents()
	if err != nil {
		return fmt.Errorf("write bundle: %w", err)
	}
	if root != l.Tree.Hash {
		return &eventstore.DamageError{
			From: 1, To: eventstore.Sequence(l.Tree.N),
			Reason: "the root over these events is not the one that was signed",
		}
	}
	signed, err := l.statement(m.extent())
	if err == nil {
		err = e.end(signed, l.Checkpoint, l.Proof)
	}
	if err != nil {
		return fmt.Errorf("write bundle: %w", err)
	}
	return buffered.Flush()
}

// statement signs what the bundle says. What it signs it has counted here: extent is that of the
// events that were written.
func (l *Ledger) statement(extent Extent) ([]byte, error) {
	s := Statement{
		Size: l.Tree.N, Root: l.Tree.Hash[:], Extent: extent, Rules: coverage.Rules(),
		Indicator: l.Indicator, Answer: l.Answer,
	}
	text, err := s.Text(l.Log.Identity().Ledger)
	if err != nil {
		return nil, err
	}
	return l.Sign(text)
}

// Package proving has the commands that need no trust in the ledger: signed heads, proofs,
// witnesses, and figures that are checked without one.
package proving

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	"golang.org/x/mod/sumdb/tlog"

	"cakupan/cmd/internal/cli"
	"cakupan/cmd/internal/client"
	"cakupan/cmd/internal/problem"
	"cakupan/eventstore/checkpoint"
)

// Checkpoint prints the signed head of the log, a C2SP tlog-checkpoint (contract, section
// 8). Of the flags the first of Successions and Key counts; each asks for something else than a
// head.
type Checkpoint struct {
	Witnessed bool `help:"The newest one that a witness has cosigned."`
	Key       bool `help:"Print the public key that it is signed with."`

	Successions bool `help:"Print what proves that key to who has an older one."`
}

// Help returns what --help shows beyond the flags.
func (*Checkpoint) Help() string {
	return `A checkpoint says how many events there are and the root over them, signed: whoever has
one can tell later whether the log still holds what it held then.

Examples:

	cakupan checkpoint
	cakupan checkpoint --key > ledger.pub
	cakupan checkpoint --successions
	cakupan checkpoint --witnessed --server https://ledger.example` + cli.ExitCodes
}

// shownCheckpoint is a checkpoint for machines. Size is a number of events, Root is in hexadecimal,
// and Checkpoint is the note as it was signed, which alone proves anything. Key is the one that the
// ledger names as its own.
type shownCheckpoint struct {
	Key        string `json:"key"`
	Size       int64  `json:"size"`
	Root       string `json:"root"`
	Checkpoint string `json:"checkpoint"`
}

// Run prints the head to the byte, so that it can be kept and shown as evidence, or the key, or
// what proves it to who has an older one. The signature is checked first: what is not signed with
// the key that the ledger names is exit 5, and is not printed.
func (c *Checkpoint) Run(ctx context.Context, w *cli.Where, out *cli.Console) error {
	return w.With(ctx, out, false, func(s *client.Client) error {
		key, err := s.CheckpointKey(ctx)
		if err != nil {
			return err
		}
		// Of a ledger whose key was never changed it is empty.
		if c.Successions {
			text, err := s.Successions(ctx)
			if err == nil {
				_, err = out.Stdout.Write(text)
			}
			return err
		}
		if c.Key {
			_, err := fmt.Fprintln(out.Stdout, key)
			return err
		}
		// Without a cosigned head --witnessed is exit 4: there is none to be shown.
		h, err := headOf(ctx, s, key, client.Values("witnessed", cli.TrueOrNothing(c.Witnessed)))
		if err != nil {
			return err
		}
		if w.JSON {
			return out.WriteJSON(shownCheckpoint{
				key, h.tree.N, hexHash(h.tree.Hash), string(h.note),
			})
		}
		_, err = out.Stdout.Write(h.note)
		return err
	})
}

// head is a signed head that was checked: note is what was signed, to the byte, and tree what it
// says.
type head struct {
	tree   tlog.Tree
	note   []byte
	public string // the key that it is signed with
}

// headOf asks for a signed head and checks its signature with the key, or with one that came in its
// place, as the ledger can prove. The head says which of them it was. The code problem.ProofFailed
// means that the ledger has answered, and with something that is not signed so.
func headOf(ctx context.Context, s *client.Client, key string, query url.Values,
) (h head, err error) {
	if h.note, err = s.Text(ctx, "/checkpoint", query); err != nil {
		return h, err
	}
	h.tree, h.public, err = checkpoint.OpenAny(h.note, key)
	// A key may be changed between the question for it and this one. Successions are asked for only
	// then: a ledger seldom has any.
	if errors.Is(err, checkpoint.ErrUnsigned) {
		proof, asked := s.Successions(ctx)
		if asked != nil {
			return h, asked
		}
		h.tree, h.public, err = checkpoint.OpenAfter(h.note, key, proof)
	}
	if errors.Is(err, checkpoint.ErrKey) {
		return h, problem.Wrap(problem.ProofFailed, "the ledger has no key that can be read", err)
	}
	if err != nil {
		return h, problem.Wrap(problem.ProofFailed, "the checkpoint is not signed with "+key, err)
	}
	return h, nil
}

// hexHash writes a hash in hexadecimal, as commands print those that people compare. Notes and
// proofs have theirs in base64, as their standard says, and so has the event of what is attested.
func hexHash(h tlog.Hash) string { return fmt.Sprintf("%x", h[:]) }

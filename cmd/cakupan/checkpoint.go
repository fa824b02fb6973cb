package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	"golang.org/x/mod/sumdb/tlog"

	"cakupan/cmd/internal/client"
	"cakupan/cmd/internal/problem"
	"cakupan/eventstore/checkpoint"
)

// checkpointCommand prints the signed head of the log.
type checkpointCommand struct {
	Witnessed bool `help:"The newest one that a witness has cosigned."`
	Key       bool `help:"Print the public key that it is signed with."`

	Successions bool `help:"Print what proves that key to who has an older one."`
}

// Help returns what --help shows beyond the flags.
func (*checkpointCommand) Help() string {
	return `A checkpoint says how many events there are and the root over them, signed: whoever has
one can tell later whether the log still holds what it held then.

Examples:

	cakupan checkpoint
	cakupan checkpoint --key > ledger.pub
	cakupan checkpoint --successions
	cakupan checkpoint --witnessed --server https://ledger.example` + exitCodes
}

// shownCheckpoint is a checkpoint for machines.
type shownCheckpoint struct {
	Key        string `json:"key"`
	Size       int64  `json:"size"`
	Root       string `json:"root"`
	Checkpoint string `json:"checkpoint"`
}

// Run runs the command.
func (c *checkpointCommand) Run(ctx context.Context, w *where, out *console) error {
	return w.with(ctx, out, false, func(s *client.Client) error {
		key, err := s.CheckpointKey(ctx)
		if err != nil {
			return err
		}
		if c.Successions {
			text, err := s.Successions(ctx)
			if err == nil {
				_, err = out.stdout.Write(text)
			}
			return err
		}
		if c.Key {
			_, err := fmt.Fprintln(out.stdout, key)
			return err
		}
		h, err := headOf(ctx, s, key, client.Values("witnessed", trueOrNothing(c.Witnessed)))
		if err != nil {
			return err
		}
		if w.JSON {
			return out.writeJSON(shownCheckpoint{
				key, h.tree.N, hexHash(h.tree.Hash), string(h.note),
			})
		}
		_, err = out.stdout.Write(h.note)
		return err
	})
}

// head is a signed head that was checked.
type head struct {
	tree   tlog.Tree
	note   []byte
	public string // the key that it is signed with
}

// headOf asks for a signed head and checks its signature with the key, or with one that came in its
// place, as the ledger can prove.
func headOf(ctx context.Context, s *client.Client, key string, query url.Values,
) (h head, err error) {
	if h.note, err = s.Text(ctx, "/checkpoint", query); err != nil {
		return h, err
	}
	h.tree, h.public, err = checkpoint.OpenAny(h.note, key)
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

// hexHash writes a hash as all the program's output does.
func hexHash(h tlog.Hash) string { return fmt.Sprintf("%x", h[:]) }

package keeping

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"cakupan/cmd/internal/cli"
	"cakupan/cmd/internal/cli/table"
	"cakupan/cmd/internal/cli/words"
	"cakupan/cmd/internal/control"
	"cakupan/cmd/internal/ledger"
	"cakupan/domain/event"
	"cakupan/domain/temporal"
	"cakupan/eventstore/vault"
)

// Erase takes a person out of the vault: for who has the right to be forgotten, on the
// decision of who may decide it. Request, Ground, Decision and By are kept for ever in the record
// of the erasure, so they are references, and say nothing about the person. Exactly one of NIK and
// Worker is given.
type Erase struct {
	onFolder
	NIK      string `name:"nik" placeholder:"NIK" help:"Whom; - reads it from standard input."`
	Worker   string `placeholder:"ID" help:"Whom, by the worker id, instead of the NIK."`
	Request  string `required:"" help:"Reference of the request: no name, no NIK."`
	Ground   string `required:"" help:"The law that gives the right to it."`
	Decision string `required:"" help:"Reference of the decision."`
	By       string `required:"" help:"Who decided: an office or a registered name."`
	Yes      bool   `help:"It cannot be undone: yes."`
}

// Help returns what --help shows beyond the flags.
func (*Erase) Help() string {
	return `The vault's entry of the person is destroyed: nobody can tell any more to whom the
worker id in the log belongs. The log, figures and proofs stay as they are. Should the same NIK be
reported later, it is a new worker. Request, ground and decision are recorded, sealed.

Backups made before still have the entry until they are deleted, and so may free blocks of the disk.
Messages that were refused may name the person: cakupan disclose shows them, cakupan refused drop
removes them.

Examples:

	cakupan erase --nik - --request 17/2026 --ground "UU 27/2022 Pasal 8" --decision 4/2026 \
	    --by dpo --yes < nik.txt
	cakupan erase --worker 0123456789abcdef0123456789abcdef --request 17/2026 \
	    --ground "UU 27/2022 Pasal 8" --decision 4/2026 --by dpo --yes` + cli.ExitCodes
}

// Run runs the command. It works on the folder, or through the ledger that runs on it, never over
// the network. An error may come after the erasure was recorded; it is then finished by the next
// call, or at the next start of the ledger, and never undone.
func (c *Erase) Run(ctx context.Context, w *cli.Where, out *cli.Console) error {
	switch {
	case (c.NIK == "") == (c.Worker == ""):
		return cli.Usage("name the person by --nik or by --worker")
	case !c.Yes:
		return cli.Usage("an erasure cannot be undone: say --yes")
	}
	// A NIK in one of these would outlive the person's erasure, in the very record of it.
	for flag, text := range map[string]string{
		"--request": c.Request, "--ground": c.Ground, "--decision": c.Decision, "--by": c.By,
	} {
		if event.HasNIK(text) {
			return cli.Usage(flag + " must not have a NIK in it: it is kept for ever")
		}
	}
	nik := ""
	// The checks that need no NIK come first: standard input is read only where it is wanted.
	if c.NIK != "" {
		var err error
		if nik, err = cli.ReadNIK(c.NIK, out); err != nil {
			return err
		}
	}
	// The record has this machine's time: who decided, and when, is told by the decision itself.
	return c.with(ctx, w, out, func(l control.Custody) error {
		e, err := l.Erase(ctx, nik, vault.Erasure{
			Worker: c.Worker, Request: c.Request, Ground: c.Ground, Decision: c.Decision,
			By: c.By, At: out.Now().UTC().Format(time.RFC3339),
		})
		if err != nil {
			return err
		}
		if w.JSON {
			return out.WriteJSON(e)
		}
		_, err = fmt.Fprintf(out.Stdout,
			"worker %s is nobody's any more; recorded: %s, %s, %s, %s\n",
			e.Worker, e.Request, e.Ground, e.Decision, e.By)
		return err
	})
}

// Erasures lists what was erased: the worker ids that are nobody's any more, and on what
// ground. The record is of the vault, sealed, and has no NIK.
type Erasures struct{ onFolder }

// Help returns what --help shows beyond the flags.
func (*Erasures) Help() string {
	return `Example:

	cakupan erasures --json` + cli.ExitCodes
}

// Run runs the command. The order is that of the erasures; none at all is an empty array in JSON.
func (c *Erasures) Run(ctx context.Context, w *cli.Where, out *cli.Console) error {
	return c.with(ctx, w, out, func(l control.Custody) error {
		all, err := l.Erasures(ctx)
		if err != nil {
			return err
		}
		if w.JSON {
			return out.WriteJSON(all)
		}
		t := table.New("At", "Worker", "Request", "Ground", "Decision", "By")
		for _, e := range all {
			t.Add(e.At, e.Worker, e.Request, e.Ground, e.Decision, e.By)
		}
		return t.Write(out.Stdout)
	})
}

// Disclose shows a person what the ledger holds about him. That it was asked for is recorded
// as a look-up by NIK, whatever is found; a NIK of which nothing is held is exit code 4.
type Disclose struct {
	onFolder
	NIK string `name:"nik" required:"" placeholder:"NIK" help:"Whose; - is standard input."`
}

// Help returns what --help shows beyond the flags.
func (*Disclose) Help() string {
	return `All that the ledger holds about a person, for him to have: the worker ids, every event
about them and about their enrolments, also of ids that were merged, and messages that were refused
and are kept. With --json one object; else the events are a line each.

Examples:

	cakupan disclose --nik - < nik.txt
	cakupan disclose --nik - --json < nik.txt > disclosure.json` + cli.ExitCodes
}

// Run runs the command. The clock is the console's: it is the time that the look-up is recorded
// with.
func (c *Disclose) Run(ctx context.Context, w *cli.Where, out *cli.Console) error {
	nik, err := cli.ReadNIK(c.NIK, out)
	if err != nil {
		return err
	}
	return c.with(ctx, w, out, func(l control.Custody) error {
		d, err := l.Disclose(ctx, nik, temporal.Instant(out.Now().UnixNano()))
		if err != nil {
			return err
		}
		if w.JSON {
			return out.WriteJSON(d)
		}
		return writeDisclosure(out, &d)
	})
}

// writeDisclosure writes it for people, in one piece: what fails on the way leaves no half of it
// that looks whole. Events are as the log has them, and what was refused has its NIK masked.
func writeDisclosure(out *cli.Console, d *ledger.Disclosure) error {
	var text strings.Builder
	for _, id := range d.Workers {
		fmt.Fprintf(&text, "worker id %s\n", id)
	}
	for _, kept := range d.Kept {
		fmt.Fprintln(&text, kept)
	}
	fmt.Fprintf(&text, "events: %d\n", len(d.Events))
	for _, e := range d.Events {
		fmt.Fprintf(&text, "%s\n", e)
	}
	fmt.Fprintf(&text, "refused messages: %d\n", len(d.Refused))
	for i := range d.Refused {
		r := &d.Refused[i]
		fmt.Fprintf(&text, "%d, from %s: %s: %s\n%s\n", r.Number, r.Publisher,
			words.Code(r.Code, r.Field), r.Detail, r.Original)
	}
	_, err := io.WriteString(out.Stdout, text.String())
	return err
}

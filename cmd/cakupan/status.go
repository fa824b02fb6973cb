package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"cakupan/cmd/internal/client"
	"cakupan/cmd/internal/ledger"
	"cakupan/cmd/internal/problem"
)

// statusCommand tells how a ledger is, with what its role and its safety depend on.
type statusCommand struct{}

// Help returns what --help shows beyond the flags.
func (*statusCommand) Help() string {
	return `Says whether the ledger writes or stands by, which one writes, how far log and
projections are, what waits in the intake, and how many servers keep each stream. Exits with 0
when all is well, with 1 when it is not. For auditors, and on the machine itself.

Examples:

	cakupan status --server http://127.0.0.1:7070
	cakupan status --server http://127.0.0.1:7070,http://127.0.0.1:7071 --json` + exitCodes
}

// Run runs the command.
func (c *statusCommand) Run(ctx context.Context, w *where, out *console) error {
	return w.with(ctx, out, false, func(s *client.Client) error {
		status, err := s.Status(ctx)
		if err != nil {
			return err
		}
		if w.JSON {
			err = out.writeJSON(status)
		} else {
			err = writeStatus(out, status)
		}
		if err != nil || status.Status == ledger.HealthOK {
			return err
		}
		return problem.New(problem.LogUnavailable, status.Why)
	})
}

// writeStatus writes it for people.
func writeStatus(out *console, s ledger.Status) error {
	table := tabwriter.NewWriter(out.stdout, 0, 8, 2, ' ', 0)
	line := func(name, text string) { _, _ = fmt.Fprintf(table, "%s\t%s\n", name, text) }
	line("status", s.Status)
	line("role", string(s.Role))
	line("writer", writerWords(s.Writer))
	line("head", "event "+thousands(s.Head))
	for _, name := range slices.Sorted(maps.Keys(s.Projections)) {
		line(name, "event "+thousands(s.Projections[name].Sequence))
	}
	for _, part := range slices.Sorted(maps.Keys(s.Verified)) {
		v := s.Verified[part]
		line("verified "+part, fmt.Sprintf("up to %s at %s", thousands(v.Sequence),
			v.At.Format(time.RFC3339)))
	}
	line("intake", thousands(s.Intake.Waiting)+" packs wait, "+thousands(s.Intake.Refused)+
		" refused messages to be settled")
	if removed := s.Intake.Removed; removed.ForRoom+removed.ForAge > 0 {
		line("removed", thousands(removed.ForRoom)+" refusals to make room, "+
			thousands(removed.ForAge)+" for their age, since the start")
	}
	for _, stream := range s.Streams {
		words := fmt.Sprintf("%d of %d replicas are current", stream.Current, stream.Replicas)
		if stream.Leader != "" {
			words += ", led by " + stream.Leader
		}
		line(stream.Name, words)
	}
	return table.Flush()
}

// writerWords says who writes.
func writerWords(w *ledger.WriterStatus) string {
	switch {
	case w == nil:
		return "nobody, as far as this ledger knows"
	case w.Here && w.URL == "":
		return "this ledger"
	}
	text := cmp.Or(w.URL, w.Name)
	if w.Name != "" && text != w.Name {
		text += " (" + w.Name + ")"
	}
	if !w.Since.IsZero() {
		text += " since " + w.Since.UTC().Format(time.RFC3339)
	}
	if w.Here {
		text += ", this ledger"
	}
	return strings.TrimSpace(text)
}

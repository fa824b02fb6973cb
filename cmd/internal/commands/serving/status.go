package serving

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"cakupan/cmd/internal/cli"
	"cakupan/cmd/internal/cli/words"
	"cakupan/cmd/internal/client"
	"cakupan/cmd/internal/cluster"
	"cakupan/cmd/internal/indonesian"
	"cakupan/cmd/internal/ledger"
	"cakupan/cmd/internal/lists"
	"cakupan/cmd/internal/problem"
)

// Status tells how a ledger is, with what its role and its safety depend on: more than
// health, which everybody may ask, and so for those who read as auditors, or at the machine.
type Status struct {
	Lang string `enum:"en,id," default:"" placeholder:"en|id" help:"${lang}"`
}

// Help returns what --help shows beyond the flags.
func (*Status) Help() string {
	return `Says whether the ledger writes or stands by, which one writes, how far log and
projections are, what waits in the intake, and how many servers keep each stream. Exits with 0
when all is well, with 1 when it is not. For auditors, and on the machine itself.

Examples:

	cakupan status --server http://127.0.0.1:7070
	cakupan status --server http://127.0.0.1:7070,http://127.0.0.1:7071 --json` + cli.ExitCodes
}

// Run runs the command. The status is printed also when not all is well, and the reason is the
// error: a script reads the one and branches on the other.
func (c *Status) Run(ctx context.Context, w *cli.Where, out *cli.Console) error {
	return w.With(ctx, out, false, func(s *client.Client) error {
		status, err := s.Status(ctx)
		if err != nil {
			return err
		}
		if w.JSON {
			err = out.WriteJSON(status)
		} else {
			err = writeStatus(out, status,
				words.Language(indonesian.Chosen(c.Lang, os.Getenv)))
		}
		if err != nil || status.Status == ledger.HealthOK {
			return err
		}
		return problem.New(problem.LogUnavailable, status.Why)
	})
}

// writeStatus writes it for people, names in order, so that two of them can be compared by eye.
// Counts of what was removed are of this process: they begin anew with each start. The table keeps
// its first error, which Flush returns.
func writeStatus(out *cli.Console, s ledger.Status, l lists.Language) error {
	table := tabwriter.NewWriter(out.Stdout, 0, 8, 2, ' ', 0)
	line := func(name, text string) { _, _ = fmt.Fprintf(table, "%s\t%s\n", name, text) }
	event := l.Pick("peristiwa ", "event ")
	line(l.Pick("keadaan", "status"), s.Status)
	if s.Degraded != "" {
		line(l.Pick("salinan", "degraded"), s.Degraded)
	}
	if s.Certificates != "" {
		line(l.Pick("sertifikat", "certificates"), s.Certificates)
	}
	if s.Keys != "" {
		line(l.Pick("kunci", "keys"), s.Keys)
	}
	line(l.Pick("peran", "role"), roleWords(s.Role, l))
	line(l.Pick("penulis", "writer"), writerWords(s.Writer, l))
	line(l.Pick("ujung", "head"), event+words.Numeral(l, s.Head))
	for _, name := range slices.Sorted(maps.Keys(s.Projections)) {
		line(name, event+words.Numeral(l, s.Projections[name].Sequence))
	}
	// How far the checks in the background have come, which is not how far the log is.
	for _, part := range slices.Sorted(maps.Keys(s.Verified)) {
		v := s.Verified[part]
		line(l.Pick("diperiksa ", "verified ")+part, fmt.Sprintf(
			l.Pick("sampai %s pada %s", "up to %s at %s"), words.Numeral(l, v.Sequence),
			v.At.Format(time.RFC3339)))
	}
	line(l.Pick("masukan", "intake"), fmt.Sprintf(
		l.Pick("%s menunggu, %s belum diselesaikan", "%s waiting, %s to be settled"),
		words.CountedIn(l, s.Intake.Waiting, "paket", "pack"),
		words.CountedIn(l, s.Intake.Refused, "pesan yang ditolak", "refused message")))
	// Told only where it has happened: it is something to act on, with larger limits or sooner
	// retries.
	if removed := s.Intake.Removed; removed.ForRoom+removed.ForAge > 0 {
		line(l.Pick("dibuang", "removed"), fmt.Sprintf(
			l.Pick("%s karena tempatnya penuh, %s karena lama, sejak dimulai",
				"%s to make room, %s for their age, since the start"),
			words.CountedIn(l, removed.ForRoom, "penolakan", "refusal"),
			words.Numeral(l, removed.ForAge)))
	}
	for _, stream := range s.Streams {
		text := fmt.Sprintf(l.Pick("%d dari %d salinan mutakhir", "%d of %d replicas are current"),
			stream.Current, stream.Replicas)
		if stream.Leader != "" {
			text += l.Pick(", dipimpin ", ", led by ") + stream.Leader
		}
		line(stream.Name, text)
	}
	return table.Flush()
}

func roleWords(role cluster.Role, l lists.Language) string {
	switch role {
	case cluster.RoleWriter:
		return l.Pick("penulis", string(role))
	case cluster.RoleStandby:
		return l.Pick("siaga", string(role))
	}
	return string(role)
}

// writerWords says who writes: by its URL, else by its name, and since when, as far as each is
// known. Where this ledger writes and has no URL, there is nothing more that a reader could use.
func writerWords(w *ledger.WriterStatus, l lists.Language) string {
	switch {
	case w == nil:
		return l.Pick("tidak ada, sejauh diketahui buku besar ini",
			"nobody, as far as this ledger knows")
	case w.Here && w.URL == "":
		return l.Pick("buku besar ini", "this ledger")
	}
	// The name is of a machine and a process, the URL is where to ask: whoever reads this wants the
	// second.
	text := cmp.Or(w.URL, w.Name)
	if w.Name != "" && text != w.Name {
		text += " (" + w.Name + ")"
	}
	if !w.Since.IsZero() {
		text += l.Pick(" sejak ", " since ") + w.Since.UTC().Format(time.RFC3339)
	}
	if w.Here {
		text += l.Pick(", buku besar ini", ", this ledger")
	}
	return strings.TrimSpace(text)
}

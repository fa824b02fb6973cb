package keeping

import (
	"fmt"
	"io"
	"strings"

	"cakupan/cmd/internal/cli"
	"cakupan/cmd/internal/cli/words"
	"cakupan/cmd/internal/datafolder"
	"cakupan/cmd/internal/problem"
	"cakupan/eventstore/inspect"
)

// Inspect says what files of a data folder are. It looks at bytes alone and opens no ledger,
// so it is there for a folder that does not open.
type Inspect struct {
	Path string `arg:"" optional:"" name:"path" help:"${inspectPath}"`
}

// Help returns what --help shows beyond the flags.
func (*Inspect) Help() string {
	return `Says of each file what it is, whose, which format, how far it goes, and whether it is
whole. It changes nothing and takes no lock: a ledger may be running on the folder, and the
folder may be one that cannot be written to. Keys are named, never shown.

A file is whole (its checksums hold), unproven (no checksum covers all of it), newer (than this
program), foreign (of another ledger than what it lies beside), damaged, or unknown.

Examples:

	cakupan inspect
	cakupan inspect /backup/cakupan-data --json
	cakupan inspect cakupan-data/vault/vault.db` + cli.ExitCodes
}

// Run inspects and prints. Damaged or of another ledger is exit 5, of a newer program exit 1,
// nothing of a ledger at all exit 4; the report has said why by then.
func (c *Inspect) Run(w *cli.Where, out *cli.Console) error {
	// A server does not show its files.
	if w.Server != "" {
		return cli.Usage("inspect looks at files: run it on the machine that has them")
	}
	path := c.Path
	if path == "" {
		path = w.Folder()
	}
	inspection, err := datafolder.Inspect(path)
	if err != nil {
		return err
	}
	if w.JSON {
		err = out.WriteJSON(inspection)
	} else {
		err = writeInspection(out.Stdout, inspection)
	}
	if err != nil {
		return err
	}
	// The worst file decides. One of a newer program is not judged, so it is no failed check; what
	// is whole or unproven has nothing against it.
	switch inspection.State {
	case inspect.Damaged, inspect.Foreign:
		return cli.QuietExit(problem.ExitCheckFailed)
	case inspect.Newer:
		return cli.QuietExit(problem.ExitFailed)
	case inspect.Unknown:
		return cli.QuietExit(problem.ExitNotFound)
	default:
		return nil
	}
}

// writeInspection prints what was found for people. All of it is written at once: the files are
// few. A file takes two lines and more: its state and path, for paths are long, and below it what
// it is.
func writeInspection(w io.Writer, in *datafolder.Inspection) error {
	var text strings.Builder
	for i := range in.Files {
		f := &in.Files[i]
		_, _ = fmt.Fprintf(&text, "%-9s %s\n%10s%s", f.State, f.Path, "", f.Kind)
		if f.Format != "" {
			_, _ = fmt.Fprintf(&text, ", format %s", f.Format)
		}
		if f.Ledger != "" {
			_, _ = fmt.Fprintf(&text, ", ledger %s", f.Ledger)
		}
		_, _ = fmt.Fprintf(&text, "\n%10s%s bytes", "", words.Thousands(uint64(f.Bytes)))
		// 0 is said too of what has no entries to be counted.
		if f.Entries != 0 {
			_, _ = fmt.Fprintf(&text, ", %s entries", words.Thousands(f.Entries))
		}
		if f.Last != 0 {
			_, _ = fmt.Fprintf(&text, ", up to event %s", words.Thousands(f.Last))
		}
		for _, finding := range f.Findings {
			_, _ = fmt.Fprintf(&text, "\n%10s✗ %s", "", finding)
		}
		for _, note := range f.Notes {
			_, _ = fmt.Fprintf(&text, "\n%10s%s", "", note)
		}
		_, _ = text.WriteString("\n")
	}
	_, err := fmt.Fprintf(w, "%s%s\n", text.String(), in.State)
	return err
}

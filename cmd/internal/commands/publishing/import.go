// Package publishing has the commands of who reports: events and lists of people in, corrections,
// and what was refused.
package publishing

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"cakupan/cmd/internal/cli"
	"cakupan/cmd/internal/cli/answers"
	"cakupan/cmd/internal/cli/words"
	"cakupan/cmd/internal/client"
	"cakupan/cmd/internal/importer"
	"cakupan/cmd/internal/intake"
	"cakupan/cmd/internal/lists"
	"cakupan/cmd/internal/lists/whole"
	"cakupan/cmd/internal/problem"
	"cakupan/projections/findings"
)

// Import takes in events from files (contract, section 6). What is imported is in the log
// for ever, so all that can be wrong with the command line, the names of files and the beginnings
// of lists is found before the first event is sent.
type Import struct {
	Files        []string `arg:"" name:"file" help:"${files}"`
	DryRun       bool     `help:"Judge the events, and append nothing."`
	Rejects      string   `placeholder:"FILE" help:"Write each refused event there, and why."`
	KeepRecorded bool     `help:"${keep}"`
	Findings     bool     `help:"Print what the events contradict; see cakupan findings."`
	Lang         string   `enum:"id,en" default:"id" help:"Language of findings: id or en."`
	Complete     bool     `help:"The file is the whole of its list now: correct what it was."`
	Gone         string   `placeholder:"WHAT" help:"${gone}"`
	Parts        bool     `help:"With --complete: above 1,000 events in parts, each as a whole."`
	AnyClock     bool     `name:"any-clock" help:"${anyClock}"`

	listFlags
}

// Help returns what --help shows beyond the flags.
func (*Import) Help() string {
	return `Blank lines are skipped; they count in line numbers and not in what was read.
Importing a file again appends only what is not in the log yet.

A list of people (.csv, .tsv, .txt, .xlsx, .xlsm, .ods) has a row that names its columns, in
Indonesian or English, in any order; see cakupan template. Above it, or with --list, --source and
--default, stands what is true of all rows. A list is known by its id: the same list sent again adds
nothing, a corrected list adds its corrections. Names, addresses and other columns that the ledger
does not keep are ignored, which is said. What may mean two things is refused, by row and column;
days are judged by their column as a whole. With --rejects back.xlsx (or .csv) the rows that were
refused come back as they were, NIK and all, with a column that says what to correct: out of a
workbook in that workbook, with its other sheets, formats and formulas. It can be imported again.
With --sheet all every sheet of a workbook that holds a list is read, as one list.

With --complete the file is the whole of its list: rows that were changed take back what they said
before and say it anew, and rows that are gone are shown, and kept, taken back or ended, as --gone
says or as you answer. That is one step, recorded as a whole. A correction of more than 1,000 events
is refused unless --parts says that it may be recorded in parts, each of them as a whole; the same
command goes on where it broke off.
--dry-run shows it before; cakupan list undo undoes it. With one row refused nothing is done, and
--rejects gives the whole list back.

Examples:

	cakupan import --dry-run --rejects correct.xlsx pekerja-rentan-2021.xlsx
	cakupan import --list BB-2021-03 --default payer=APBD --default segment=BPU list.csv
	cakupan import --complete --gone end:2021-04-01 pekerja-rentan-2021.xlsx
	cakupan import events.ndjson
	cakupan import --dry-run --rejects refused.ndjson january.json february.json
	cakupan import --findings --lang en grants-2021.ndjson
	zcat old.ndjson.gz | cakupan import --keep-recorded -` + cli.ExitCodes
}

// Run imports the files in their order. It ends with exit 3 where something was refused and the
// rest is in the log, and with another error where it could not go on; what was appended before
// that stays, and is told. To run it again is always safe: what is there already is a duplicate
// (contract, section 1).
func (c *Import) Run(ctx context.Context, w *cli.Where, out *cli.Console) (err error) {
	for _, path := range c.Files {
		if err := importer.CheckFile(path); err != nil {
			return err
		}
	}
	// Before the file is begun: it may be one of those to be read.
	if err := importer.CheckRejects(c.Rejects, c.Files, out.Stdin); err != nil {
		return err
	}
	whole, err := c.whole(out)
	if err != nil {
		return err
	}
	opts, err := checkLists(c.Files, &c.listFlags, c.Rejects)
	if err != nil {
		return err
	}
	refused, err := importer.NewRejects(c.Rejects, len(c.Files) > 1, out.Note)
	if err != nil {
		return err
	}
	// The file gets its name at the end, also of an import that failed: what was refused before
	// that is to be corrected all the same. Without --rejects refused is nil, which Close takes.
	defer func() { err = errors.Join(err, refused.Close(err)) }()
	// Reading the lists' beginnings is not part of the time that is told.
	started, m := out.Now(), out.Meter("import")
	// It keeps the account of all files together: what is told at the end is of the command, not of
	// a file.
	t := importer.NewTally(importer.Teller{Note: out.Note, At: m.At, End: m.End}, refused)
	// Done once; a dry run does it again on an empty ledger when the first time found none.
	job := func(s *client.Client) error {
		in := importer.Import{From: s, Lists: opts, Stdin: out.Stdin, Tally: t, Parts: c.Parts}
		in.Options = intake.Options{KeepRecorded: c.KeepRecorded, DryRun: c.DryRun}
		var failed error
		if c.Complete {
			failed = in.Whole(ctx, c.Files[0], whole)
		} else {
			failed = in.Files(ctx, c.Files)
		}
		if failed != nil && t.Read == 0 {
			return failed // there is nothing to report
		}
		// The line of the progress goes before the account is printed.
		m.End()
		t.Seconds = (out.Now().Sub(started) - t.Asking).Seconds()
		if err := c.report(ctx, s, &t.Summary, w.JSON, out); err != nil {
			return errors.Join(failed, err)
		}
		// An error goes before exit 3, which says that all the rest is in the log.
		if failed == nil && t.Refused > 0 {
			return cli.QuietExit(problem.ExitRefused)
		}
		return failed
	}
	w.AnyClock = c.AnyClock
	err = w.With(ctx, out, !c.DryRun, job)
	// A dry run makes no ledger, and there is none to be asked. A server that does not know what it
	// was asked is another matter: what an empty ledger says is not its answer.
	if c.DryRun && w.Server == "" && problem.Exit(err) == problem.ExitNotFound {
		return inNoLedger(ctx, out, w.JSON, job)
	}
	return err
}

// whole reads what is said of a file that is the whole of a list, and refuses flags that mean
// nothing without each other. w is empty for other files. Whoever corrects a list is asked what
// becomes of rows that are gone; with nobody there to answer, a list that lacks rows is refused
// until --gone says it.
func (c *Import) whole(out *cli.Console) (w importer.Whole, err error) {
	switch {
	case c.Complete && (len(c.Files) > 1 || !importer.IsList(c.Files[0])):
		return w, cli.Usage("--complete is for one list of people: .csv, .tsv, .txt, .xlsx," +
			" .xlsm or .ods (untuk satu daftar)")
	case c.Complete && strings.EqualFold(c.Sheet, lists.EverySheet):
		return w, cli.Usage("--complete is for one sheet: name it with --sheet (untuk satu" +
			" lembar: sebut namanya dengan --sheet)")
	case c.Complete && c.KeepRecorded:
		// A correction is made now. The record times of an older system are of another log.
		return w, cli.Usage("--complete and --keep-recorded exclude each other")
	case c.Parts && !c.Complete:
		return w, cli.Usage("--parts is for --complete (hanya bersama --complete)")
	case c.Gone != "" && !c.Complete:
		return w, cli.Usage("--gone is for --complete: else nobody knows who is gone (hanya" +
			" bersama --complete: tanpa itu tidak diketahui siapa yang hilang)")
	case c.Gone != "":
		w.Gone, err = parseGone(c.Gone)
		return w, err
	}
	if out.Answers {
		w.Ask = func(words string) (*whole.Gone, error) { return askGone(out, words) }
	}
	return w, nil
}

// inNoLedger does a job on an empty ledger that is gone after it: where there is none yet, events
// can be judged all the same. Its folder is a temporary one, and a crash leaves it to the system to
// clear; it has no event, and no worker id, since a dry run keeps none.
func inNoLedger(ctx context.Context, out *cli.Console, asJSON bool, job func(*client.Client) error,
) (err error) {
	dir, err := os.MkdirTemp("", "cakupan-dry-")
	if err != nil {
		return fmt.Errorf("make temporary folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	// No server and no secret: nothing of the job may go elsewhere.
	empty := cli.Where{Data: dir, JSON: asJSON}
	return empty.With(ctx, out, true, job)
}

// report prints the summary, and the findings if they are asked for. An error of asking for
// findings does not keep the summary from being printed: it says what is in the log. For machines
// both are one object.
func (c *Import) report(ctx context.Context, s *client.Client, t *importer.Summary,
	asJSON bool, out *cli.Console,
) error {
	// The first ones were shown as they came; there is no other place for the rest.
	if c.Rejects == "" && t.Refused > importer.ShownMax {
		out.Note(t.Lang().Pick("… dan %s lagi; sebut nama berkas dengan --rejects untuk"+
			" mendapat semuanya", "… and %s more; name a file with --rejects to get them all"),
			words.Numeral(t.Lang(), t.Refused-importer.ShownMax))
	}
	if importer.ReturnsList(c.Rejects) && t.Refused > 0 && !asJSON {
		again := c.Rejects
		if c.Complete {
			again += " --complete"
		}
		out.Note(t.Lang().Pick("baris yang ditolak ada di %s, dengan alasannya: perbaiki di sana,"+
			" lalu kirim dengan cakupan import %s", "rows that were refused are in %s, with what"+
			" is wrong: correct them there, and send them by cakupan import %s"), c.Rejects, again)
	}
	if asJSON {
		if !c.Findings {
			return out.WriteJSON(t)
		}
		// None is an empty array, not null. All are in memory: they are a part of one object.
		found := []findings.Finding{}
		err := c.eachFinding(ctx, s, t, func(f *findings.Finding) error {
			found = append(found, *f)
			return nil
		})
		return errors.Join(err, out.WriteJSON(struct {
			*importer.Summary
			Findings []findings.Finding `json:"findings"`
		}{t, found}))
	}
	err := c.account(t, out)
	if err != nil || !c.Findings {
		return err
	}
	language := lists.English
	if c.Lang == "id" {
		language = lists.Indonesian
	}
	p := answers.NewFindings(out.Stdout, false, language)
	return errors.Join(c.eachFinding(ctx, s, t, p.Finding), p.End(false))
}

// account prints what became of the events, in the language of their list: of files of events that
// is English.
func (c *Import) account(t *importer.Summary, out *cli.Console) error {
	l := t.Lang()
	verb, sequences := l.Pick("dicatat", "appended"), ""
	if c.DryRun {
		verb = l.Pick("akan dicatat", "would be appended")
	}
	if t.First != nil {
		sequences = fmt.Sprintf(l.Pick(" (peristiwa %s sampai %s)", " (events %s to %s)"),
			words.Numeral(l, *t.First), words.Numeral(l, *t.Last))
	}
	seconds := fmt.Sprintf("%.1f", t.Seconds)
	// Decimals follow a comma in Indonesian, where a point parts thousands.
	if l == lists.Indonesian {
		seconds = strings.Replace(seconds, ".", ",", 1)
	}
	_, err := fmt.Fprintf(out.Stdout, l.Pick(
		"dibaca %s: %s %s%s, %s sudah ada, %s ditolak, dalam %s detik\n",
		"read %s: %s %s%s, %s already there, %s refused, in %s s\n"),
		words.Numeral(l, t.Read), words.Numeral(l, t.Appended), verb, sequences, words.Numeral(l,
			t.Duplicates), words.Numeral(l, t.Refused), seconds)
	return err
}

// eachFinding calls yield with each open finding that events of this import have raised, or that
// rests on one. What others sent meanwhile stands between its events in the log, and counts as its
// own. min_seq has the ledger answer only once the findings know the last event (contract, section
// 7); an import that has appended nothing has none.
func (c *Import) eachFinding(ctx context.Context, s *client.Client, t *importer.Summary,
	yield func(*findings.Finding) error,
) error {
	if t.First == nil {
		return nil
	}
	query := client.Values("from", fmt.Sprint(*t.First), "to", fmt.Sprint(*t.Last),
		"min_seq", fmt.Sprint(*t.Last), "open", "true", "lang", c.Lang)
	response, err := s.Get(ctx, "/v1/findings", query)
	if err != nil {
		return err
	}
	return errors.Join(answers.EachLine(response.Body, func(line []byte) error {
		var f findings.Finding
		if err := json.Unmarshal(line, &f); err != nil {
			return err
		}
		return yield(&f)
	}), response.Body.Close())
}

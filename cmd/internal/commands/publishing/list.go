package publishing

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"strconv"

	"cakupan/cmd/internal/cli"
	"cakupan/cmd/internal/cli/table"
	"cakupan/cmd/internal/cli/words"
	"cakupan/cmd/internal/client"
	"cakupan/cmd/internal/importer"
	"cakupan/cmd/internal/intake"
	"cakupan/cmd/internal/lists"
	"cakupan/cmd/internal/lists/whole"
	"cakupan/cmd/internal/problem"
)

// List looks after lists that were imported. What it knows of a list is what the log has:
// each event of a list carries its id, its row and its step, and the files are not needed any more.
type List struct {
	Show    listShow    `cmd:"" help:"Print the rows of a list that count now."`
	History listHistory `cmd:"" help:"Print what was done to a list, step by step."`
	Undo    listUndo    `cmd:"" help:"Undo the last step of a list."`
}

// listOf names a list. Source is needed only where several sources have a list of that id: to guess
// one of them would undo what others have sent.
type listOf struct {
	ID     string `arg:"" name:"list" help:"Its id, as it stands above its columns."`
	Source string `placeholder:"URI" help:"Its source, where several have a list of that id."`
	Lang   string `enum:"id,en" default:"id" help:"Language of what is printed: id or en."`
}

// lang returns the language of what is printed, the same for a list of either: whoever asks need
// not be who sent it.
func (o *listOf) lang() lists.Language {
	if o.Lang == "en" {
		return lists.English
	}
	return lists.Indonesian
}

// with does a job on what the ledger has of the list. A list that it has nothing of is an error,
// exit 4: its id was mistyped.
func (o *listOf) with(ctx context.Context, w *cli.Where, out *cli.Console,
	job func(*importer.Import) error,
) error {
	return w.With(ctx, out, false, func(s *client.Client) error {
		// Reading needs nothing of an import but the ledger.
		return job(&importer.Import{From: s})
	})
}

// listShow prints the rows that are in force, those that ended with their end.
type listShow struct{ listOf }

// Help returns what --help shows beyond the flags.
func (*listShow) Help() string {
	return `Rows have the numbers that they had in the file that said them. One that ended, because
it was gone from a later file, says so.

Examples:

	cakupan list show BB-2021-03
	cakupan list show BB-2021-03 --server 127.0.0.1:7070 --json` + cli.ExitCodes
}

// listedRow is a row of a list as --json shows it. Row is its number in the file that said it, Name
// the enrolment or person that it is about, From the day or month from which it counts, and
// Sequence that of its event.
type listedRow struct {
	Row      int    `json:"row"`
	Name     string `json:"name"`
	From     string `json:"from"`
	Sequence uint64 `json:"sequence"`
	Ended    string `json:"ended,omitempty"` // the first day or month that does not count any more
}

// shownAtOnce is how many rows are held before they are printed: their columns are of one width,
// and later ones are wider only where they must be.
const shownAtOnce = 1_000

// Run prints the rows in the order of the log, and under the table of which source they are. Few of
// them are held at once, however long the list is.
func (c *listShow) Run(ctx context.Context, w *cli.Where, out *cli.Console) error {
	return c.with(ctx, w, out, func(in *importer.Import) error {
		l := c.lang()
		t := table.New(l.Pick(">Baris", ">Row"), l.Pick("Kepesertaan atau orang",
			"Enrolment or person"), l.Pick("Mulai", "From"), l.Pick("Berakhir", "Ended"),
			l.Pick(">Peristiwa", ">Event"))
		array := &table.Array{Out: bufio.NewWriter(out.Stdout)}
		count := 0
		source, err := in.Rows(ctx, c.ID, c.Source, func(i *whole.Item, ended string) error {
			count++
			if w.JSON {
				return array.Add(listedRow{i.Row, i.Name(), i.From(), i.Sequence, ended})
			}
			t.Add(strconv.Itoa(i.Row), i.Name(), i.From(), ended, words.Numeral(l, i.Sequence))
			if count%shownAtOnce == 0 {
				return t.Write(out.Stdout)
			}
			return nil
		})
		switch {
		case err != nil:
			return err
		case w.JSON:
			return array.End()
		}
		if err := t.Write(out.Stdout); err != nil {
			return err
		}
		_, err = fmt.Fprintf(out.Stdout, l.Pick("%s dari %s, sumber %s\n",
			"%s of %s, source %s\n"), words.CountedIn(l, count, "baris", "row"), c.ID, source)
		return err
	})
}

// listHistory prints steps, in the order in which they were taken.
type listHistory struct{ listOf }

// Help returns what --help shows beyond the flags.
func (*listHistory) Help() string {
	return `Rows that came without --complete have no step: they are shown together, as they came.

Examples:

	cakupan list history BB-2021-03` + cli.ExitCodes
}

// listStep is a step of a list as --json shows it. First and Last are sequences; events of others
// may stand between them. Said, TakenBack and Ended count events of the step; together they are all
// of it.
type listStep struct {
	Step       int    `json:"step"` // 0: rows that came without --complete
	First      uint64 `json:"first"`
	Last       uint64 `json:"last"`
	RecordedAt string `json:"recordedAt"`
	Publisher  string `json:"publisher,omitempty"`
	Said       int    `json:"said"`
	TakenBack  int    `json:"takenBack"`
	Ended      int    `json:"ended"`
	Broken     bool   `json:"broken,omitempty"` // not all of the step is there
	Undoes     uint64 `json:"undoes,omitempty"` // the first event of what it undoes
}

// Run prints a line a step. A step that was broken off, in parts, shows so: the import that made it
// goes on where it stopped.
func (c *listHistory) Run(ctx context.Context, w *cli.Where, out *cli.Console) error {
	return c.with(ctx, w, out, func(in *importer.Import) error {
		all, err := in.Steps(ctx, c.ID, c.Source)
		if err != nil {
			return err
		}
		steps := []listStep{}
		for i := range all {
			steps = append(steps, stepOf(&all[i]))
		}
		if w.JSON {
			return out.WriteJSON(steps)
		}
		l := c.lang()
		t := table.New(l.Pick(">Langkah", ">Step"), l.Pick("Peristiwa", "Events"),
			l.Pick("Dicatat", "Recorded"), l.Pick("Pengirim", "Publisher"),
			l.Pick(">Dilaporkan", ">Said"), l.Pick(">Ditarik", ">Taken back"),
			l.Pick(">Berakhir", ">Ended"), "")
		for i := range steps {
			s := &steps[i]
			step, note := strconv.Itoa(s.Step), ""
			switch {
			case s.Step == 0:
				// Rows that came one by one are no step, so they cannot be broken off.
				step = "–"
			case s.Broken:
				note = l.Pick("terputus", "broken off")
			case s.Undoes != 0:
				note = l.Pick("membatalkan yang mulai dengan peristiwa ",
					"undoes what begins with event ") + words.Numeral(l, s.Undoes)
			}
			t.Add(step, words.Numeral(l, s.First)+l.Pick(" sampai ", " to ")+words.Numeral(l,
				s.Last),
				s.RecordedAt, cmp.Or(s.Publisher, "–"), words.Numeral(l, s.Said),
				words.Numeral(l, s.TakenBack), words.Numeral(l, s.Ended), note)
		}
		return t.Write(out.Stdout)
	})
}

// stepOf says what was done in a step. Of one in parts, between which others sent rows, each part
// is shown, and broken off is only what was not gone on with.
func stepOf(s *whole.Step) listStep {
	return listStep{
		Step: s.Number, First: s.First, Last: s.Last, Publisher: s.Publisher,
		RecordedAt: words.LocalTime(s.RecordedAt), Broken: s.Broken(), Undoes: s.Undoes,
		Said: s.Said, TakenBack: s.TakenBack, Ended: s.Ended,
	}
}

// listUndo undoes a step. The step stays in the log, and so does what undoes it: nothing is lost,
// and the undoing can be undone.
type listUndo struct {
	listOf
	DryRun bool `help:"Say what would be done, and do nothing."`
	Parts  bool `help:"More than 1,000 events may be recorded in parts, each as a whole."`
}

// Help returns what --help shows beyond the flags.
func (*listUndo) Help() string {
	return `What the last step has said is taken back, and what it has taken back is said again.
Rows that came without --complete since the step before are undone together. An undoing is a step
too: undone itself, it is as if it had not been.

Examples:

	cakupan list undo BB-2021-03 --dry-run
	cakupan list undo BB-2021-03` + cli.ExitCodes
}

// Run undoes the last step and says what came of it. It is appended as a whole, or in parts with
// --parts; where the ledger, asked before, would refuse one event of it, nothing is appended and it
// is exit 3. Nothing to undo is exit 4.
func (c *listUndo) Run(ctx context.Context, w *cli.Where, out *cli.Console) error {
	return w.With(ctx, out, false, func(s *client.Client) error {
		// No progress is shown, and there is no file to give rows back in.
		t := importer.NewTally(importer.Teller{
			Note: out.Note, At: func(uint64, float64) {}, End: func() {},
		}, nil)
		in := importer.Import{
			From: s, Options: intake.Options{DryRun: c.DryRun}, Tally: t, Parts: c.Parts,
		}
		did, err := in.Undo(ctx, c.ID, c.Source, c.lang())
		if err != nil {
			return err
		}
		if w.JSON {
			err = out.WriteJSON(t)
		} else {
			l := c.lang()
			were := "were"
			if did.Removed == 1 {
				were = "was"
			}
			format := l.Pick("%s ditarik kembali, %s dilaporkan lagi\n",
				"%s "+were+" taken back, %s said again\n")
			// What would be done is worked out as if it were done, up to the appending.
			if c.DryRun {
				format = l.Pick("%s akan ditarik kembali, %s dilaporkan lagi\n",
					"%s would be taken back, %s said again\n")
			}
			_, err = fmt.Fprintf(out.Stdout, format,
				words.CountedIn(l, did.Removed, "baris", "row"), words.Numeral(l, did.Added))
		}
		if err == nil && t.Refused > 0 {
			return cli.QuietExit(problem.ExitRefused)
		}
		return err
	})
}

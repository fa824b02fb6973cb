package auditing

import (
	"context"
	"encoding/json"
	"fmt"

	"cakupan/cmd/internal/cli"
	"cakupan/cmd/internal/cli/answers"
	"cakupan/cmd/internal/cli/picture"
	"cakupan/cmd/internal/cli/words"
	"cakupan/cmd/internal/client"
	"cakupan/projections/coverage"
	"cakupan/projections/story"
)

// History tells the story of an enrolment, a worker or a commitment (contract, section 8).
// One of them is named, which the ledger checks; a NIK becomes a worker id first, and that look-up
// is recorded.
type History struct {
	Enrolment  string `placeholder:"ID" help:"Of this enrolment."`
	Worker     string `placeholder:"ID" help:"Of this worker, under all ids that were one."`
	NIK        string `name:"nik" placeholder:"NIK" help:"${nik}"`
	Commitment string `placeholder:"ID" help:"Of this commitment."`
	Known      string `placeholder:"WHEN" help:"${known}"`
	Lang       string `enum:"id,en" default:"id" help:"Language: id or en (default: id)."`
}

// Help returns what --help shows beyond the flags.
func (*History) Help() string {
	return `Tells what was reported, when, and by whom; what each event changed; and what was taken
back. Below that a picture: across, when it was true; down, when it was known.

Examples:

	cakupan history --enrolment e-0042
	cakupan history --worker w-17 --known 2021-01-04
	cakupan history --nik - < nik.txt
	cakupan history --commitment apbd-2020 --lang en` + cli.ExitCodes
}

// Run runs the command. The language is that of people: JSON has both.
func (c *History) Run(ctx context.Context, w *cli.Where, out *cli.Console) error {
	query := client.Values("enrolment", c.Enrolment, "worker", c.Worker,
		"commitment", c.Commitment, "known", c.Known)
	return answers.Ask(ctx, w, out, answers.Question{
		Route: "/v1/history", Query: query, NIK: c.NIK,
		Printer: func(p *answers.Printing) answers.Printer {
			return &historyPrinter{Printing: p, indonesian: c.Lang == "id"}
		},
	})
}

// historyPrinter prints a history as it comes, and the picture at its end. Of the story only what
// the picture shows is held in memory.
type historyPrinter struct {
	*answers.Printing

	indonesian bool
	ended      bool
	picture    picture.Picture
}

// Print prints one line: the first says as known when, the last how many events there were, and
// those between are an event each. Each kind is told by a member that the others do not have.
func (p *historyPrinter) Print(line []byte) error {
	var said struct {
		Known  *coverage.Known `json:"known"`
		Events *int64          `json:"events"`
		story.Line
	}
	if err := json.Unmarshal(line, &said); err != nil {
		return err
	}
	switch {
	// Nothing is printed before the ledger has answered: a refusal is an error alone.
	case said.Known != nil:
		known := words.KnownWords(*said.Known)
		_, err := fmt.Fprintln(p.W, p.words(story.Words{
			EN: "History, " + known.EN, ID: "Riwayat, " + known.ID,
		}))
		return err
	case said.Events != nil:
		p.ended = true
		if err := p.picture.Write(p.W, p.words); err != nil {
			return err
		}
		_, err := fmt.Fprintf(p.W, "\n%s\n", p.words(story.Words{
			EN: words.Counted(*said.Events, "event"),
			ID: words.Thousands(*said.Events) + " peristiwa",
		}))
		return err
	}
	p.picture.Add(&said.Line)
	return p.event(&said.Line)
}

// End refuses an answer without its last line: a story that lacks its end looks whole.
func (p *historyPrinter) End() error {
	if !p.ended {
		return answers.ErrCutOff
	}
	return nil
}

// words returns a text in the language asked for.
func (p *historyPrinter) words(w story.Words) string {
	if p.indonesian {
		return w.ID
	}
	return w.EN
}

// event prints one event for people: what was reported, what it changed, what it takes back, and
// what has taken it back. Who reported it is the registered name with the source, or the source
// alone of whoever was not registered. The writer keeps its first error.
func (p *historyPrinter) event(l *story.Line) error {
	var e struct {
		RecordedAt string `json:"recordedat"`
		Source     string `json:"source"`
		ID         string `json:"id"`
		Publisher  string `json:"publishedby"`
	}
	if err := json.Unmarshal(l.Event, &e); err != nil {
		return err
	}
	// The registered name first: a secret has proved it, a source is what the event says.
	by := e.Source
	if e.Publisher != "" {
		by = e.Publisher + " (" + e.Source + ")"
	}
	_, err := fmt.Fprintf(p.W, "\n%s %s  %s  %s  %s\n  %s\n",
		p.words(story.Words{EN: "event", ID: "peristiwa"}), words.Thousands(l.Sequence),
		words.LocalTime(e.RecordedAt), by, e.ID, p.words(l.Text))
	for i := range l.Changes {
		_, err = fmt.Fprintf(p.W, "  → %s\n", p.words(l.Changes[i].Words()))
	}
	for _, taken := range l.Takes {
		_, err = fmt.Fprintf(p.W, "  %s\n", p.words(story.Words{
			EN: "it takes back event " + words.Thousands(taken),
			ID: "menarik kembali peristiwa " + words.Thousands(taken),
		}))
	}
	if l.TakenBy != nil {
		_, err = fmt.Fprintf(p.W, "  %s\n", p.words(story.Words{
			EN: "taken back by event " + words.Thousands(*l.TakenBy),
			ID: "ditarik kembali oleh peristiwa " + words.Thousands(*l.TakenBy),
		}))
	}
	return err
}

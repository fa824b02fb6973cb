package publishing

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"cakupan/cmd/internal/cli"
	"cakupan/cmd/internal/cli/table"
	"cakupan/cmd/internal/cli/words"
	"cakupan/cmd/internal/client"
	"cakupan/cmd/internal/httpapi"
	"cakupan/cmd/internal/takeback"
	"cakupan/domain/event"
)

// Retract takes events back, or, with Undo, says again what a step has taken back. Flags are
// passed on as they were given: the ledger reads them, so that a server and a folder refuse the
// same. Undo is the sequence of the first event of the step. On is the day whose coverage is
// counted before and after; nothing that is done depends on it.
type Retract struct {
	Publisher  string `placeholder:"NAME" help:"${publisher}"`
	Source     string `placeholder:"URI" help:"Events of this source."`
	Type       string `placeholder:"TYPE" help:"Events of this type, such as enrolment.opened.v1."`
	Enrolment  string `placeholder:"ID" help:"Events about this enrolment."`
	Worker     string `placeholder:"ID" help:"Events about this worker, merges not followed."`
	Commitment string `placeholder:"ID" help:"Events about this commitment."`
	List       string `placeholder:"ID" help:"Events of this list."`
	Region     string `placeholder:"CODE" help:"${retractRegion}"`
	From       string `placeholder:"SEQ" help:"First event; default: 1."`
	To         string `placeholder:"SEQ" help:"Last event, in; default: the end of the log."`
	Since      string `placeholder:"WHEN" help:"${retractSince}"`
	Until      string `placeholder:"WHEN" help:"Events recorded before this time or date."`

	Undo    string `placeholder:"SEQ" help:"${retractUndo}"`
	Reason  string `placeholder:"TEXT" help:"Why; it is recorded with each event."`
	Request string `placeholder:"ID" help:"${retractRequest}"`
	On      string `placeholder:"DATE" help:"Count the effect on this day (default: today)."`
	DryRun  bool   `help:"Say what would be done, and do nothing."`
}

// Help returns what --help shows beyond the flags.
func (*Retract) Help() string {
	return `All flags that say which events must be true of an event. What was taken back before
is not taken back again. It is done as a whole or not at all, by events of its own in the log, which
have the reason with them; at most 1,000 events at once, so what is more is asked for in parts. A
steward takes back what anybody has reported, within his regions; a publisher what he has reported
himself; on a folder, or at the machine of an open ledger, whoever runs it.

Nothing is lost: --undo says again, by new events at the end of the log, what was taken back.

Examples:

	cakupan retract --publisher dinas --since 2026-03-01 --dry-run
	cakupan retract --publisher dinas --since 2026-03-01 --reason "wrong file"
	cakupan retract --type worker.died.v1 --region 75.03 --reason "death list of another year" \
	  --server https://ledger.example --secret-file steward.secret
	cakupan retract --undo 4711 --reason "they were right"` + cli.ExitCodes
}

// asked is the body of the request: the flags by other names. What is empty is left out of it.
func (c *Retract) asked() httpapi.RetractAsked {
	return httpapi.RetractAsked{
		Publisher: c.Publisher, Source: c.Source, Type: c.Type, Enrolment: c.Enrolment,
		Worker: c.Worker, Commitment: c.Commitment, List: c.List, Region: c.Region, From: c.From,
		To: c.To, Since: c.Since, Until: c.Until, Undo: c.Undo, Reason: c.Reason,
		Request: c.Request, On: c.On, DryRun: c.DryRun,
	}
}

// Run runs the command. A step is one batch of events, durable as a whole or not at all. When the
// answer is lost, or the program ends after the request was sent, the step may have been done: the
// same request, asked again, says what it came to and does nothing more.
func (c *Retract) Run(ctx context.Context, w *cli.Where, out *cli.Console) error {
	// It is told before it is sent: afterwards may be too late. A dry run does nothing, and an
	// event is said again once however often that is asked for, so neither needs a name to go by.
	if c.Request == "" {
		c.Request = rand.Text()
		if !c.DryRun && c.Undo == "" {
			out.Note("this is request %s: if its answer is lost, ask again with --request %[1]s,"+
				" and it is done once", c.Request)
		}
	}
	body, err := json.Marshal(c.asked())
	if err != nil {
		return err
	}
	// A folder that is in use is not copied to be asked, for a dry run neither: it is to say what
	// would be done here.
	return w.With(ctx, out, false, func(s *client.Client) error {
		var done takeback.Retraction
		err := s.PostBody(ctx, "/v1/retract", bytes.NewReader(body), &done)
		switch {
		case err != nil:
			return err
		case w.JSON:
			return out.WriteJSON(done)
		}
		return writeRetraction(out.Stdout, &done, c.Undo != "")
	})
}

// writeRetraction prints for people what was done, or would be. again says that events were said
// again and not taken back. Where nothing was meant, that is all that is said.
func writeRetraction(w io.Writer, r *takeback.Retraction, again bool) error {
	what := "taken back"
	if again {
		what = "said again"
	}
	// The same request that was done before is answered in the past, so that nobody takes it for
	// done twice.
	verb, before := "are", "were before"
	if r.Events == 1 {
		verb, before = "is", "was before"
	}
	switch {
	case r.DryRun:
		verb = "would be"
	case r.Before:
		verb = before
	}
	lines := fmt.Sprintf("%s %s %s", words.Counted(uint64(r.Events), "event"), verb, what)
	// No sequence, so nothing was appended; one event; or several, which stand together in the log.
	switch r.First {
	case 0:
	case r.Last:
		lines += ", by event " + words.Thousands(uint64(r.First))
	default:
		lines += fmt.Sprintf(", by events %s to %s", words.Thousands(uint64(r.First)),
			words.Thousands(uint64(r.Last)))
	}
	lines += "\n"
	// A steward is told of what is out of his hands, so that he can ask another one.
	if r.Outside > 0 {
		lines += words.Counted(uint64(r.Outside),
			"event") + " more concern regions of others, and stay\n"
	}
	if _, err := io.WriteString(w, lines); err != nil || r.Events == 0 {
		return err
	}
	if err := writeMeant(w, r); err != nil {
		return err
	}
	// The effect is counted over the workers whom events name; these change it by other ways too.
	if r.Uncounted > 0 {
		lines = words.Counted(uint64(r.Uncounted),
			"event") + " of these change more than is counted" +
			" here: closures, merges, money, publications\n"
	} else {
		lines = ""
	}
	// A step that says again is no step that could be undone: the same events are taken back anew.
	if !again && !r.DryRun {
		lines += fmt.Sprintf("to undo this: cakupan retract --undo %d --reason …\n", r.First)
	}
	_, err := io.WriteString(w, lines)
	return err
}

// writeMeant prints the counts by type and region, and the effect on the coverage. An event may
// concern several regions, or none, so those counts do not add up. The coverage is not counted of a
// step that was done before: the log has gone on since.
func writeMeant(w io.Writer, r *takeback.Retraction) error {
	t := table.New("Type", ">Events")
	for _, m := range r.Types {
		t.Add(strings.TrimPrefix(m.Name, event.TypePrefix), words.Thousands(uint64(m.Events)))
	}
	if err := writeTable(w, t); err != nil {
		return err
	}
	if len(r.Regions) > 0 {
		t = table.New("Region", ">Events")
		for _, m := range r.Regions {
			t.Add(m.Name, words.Thousands(uint64(m.Events)))
		}
		if err := writeTable(w, t); err != nil {
			return err
		}
	}
	if len(r.Coverage) == 0 {
		return nil
	}
	_, err := fmt.Fprintf(w, "\ncovered on %s of those whom the events name:\n", r.On)
	if err != nil {
		return err
	}
	t = table.New("Region", "Name", ">Before", ">Confirmed", ">After", ">Confirmed",
		">All, after", ">Confirmed")
	for _, c := range r.Coverage {
		t.Add(c.Region, c.Name, words.Number(c.Before), words.Number(c.Confirmed.Before),
			words.Number(c.After), words.Number(c.Confirmed.After), words.Number(c.Total),
			words.Number(c.Confirmed.Total))
	}
	return t.Write(w)
}

// writeTable prints a table after an empty line, apart from what is above it.
func writeTable(w io.Writer, t *table.Table) error {
	if _, err := io.WriteString(w, "\n"); err != nil {
		return err
	}
	return t.Write(w)
}

package publishing

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"strconv"
	"strings"

	"github.com/alecthomas/kong"
	"github.com/go-json-experiment/json/jsontext"

	"cakupan/cmd/internal/cli"
	"cakupan/cmd/internal/client"
	"cakupan/cmd/internal/problem"
	"cakupan/domain/event"
	"cakupan/eventstore/cloudevents"
)

// Publish reports one event. Either Type, Source and the data are all given, or none of them
// and the whole event comes from standard input. What the event must be is contract, section 1; the
// ledger judges it, not the command.
type Publish struct {
	Type    string `placeholder:"TYPE" help:"Type, such as enrolment.opened.v1."`
	Source  string `placeholder:"URI" help:"Who reports it, such as urn:example:office."`
	ID      string `name:"id" placeholder:"ID" help:"Its id with that source; default: a new one."`
	Time    string `placeholder:"TIME" help:"Attribute time, RFC 3339; default: none."`
	Subject string `placeholder:"TEXT" help:"Attribute subject; default: none."`
}

// Help returns what --help shows beyond the flags.
func (*Publish) Help() string {
	return `Reports one event and prints its receipt once it is on stable storage. Without --type
the whole CloudEvent is read from standard input.

Its data is another --data, beside the one that names the folder: --data '{...}' is the data
itself, --data @FILE that of a file, --data - that of standard input. What the command line holds,
others on this machine can read: leave a NIK to a file or to standard input.

To report the same event again is safe where it has the same source and id: what is there already
is a duplicate. A failed command says which id it had taken.

Examples:

	cakupan publish < event.json
	cakupan publish --data ./ledger --type target.set.v1 --source urn:example:office \
	    --data '{"region":"75","sector":"ALL","percent":"60","from":"2026-01-01"}'
	cakupan publish --server https://ledger.example --type worker.died.v1 \
	    --source urn:example:office --id akta-2026-17 --data @death.json` + cli.ExitCodes
}

// EventData is the --data of publish that is data of an event and not a folder: the JSON itself,
// @FILE, or - for standard input. Empty: none was given. It is bound apart from the flags, as two
// flags of the same name cannot be.
type EventData string

// FolderOrEvent reads --data: a JSON object, a file of one, or standard input is data of an event,
// everything else a folder. Both may be given. A folder of such a name can be written with ./
// before it. It reads the flag of every command; those that take no event refuse data later.
func FolderOrEvent(data *EventData) kong.MapperFunc {
	return func(ctx *kong.DecodeContext, target reflect.Value) error {
		var text string
		if err := ctx.Scan.PopValueInto("folder", &text); err != nil {
			return err
		}
		if text == "" {
			return errors.New("is empty: leave it out where nothing is meant")
		}
		// JSON may come from a file by way of the shell, with spaces before it.
		trimmed := strings.TrimLeft(text, " \t\r\n")
		if text == "-" || strings.HasPrefix(trimmed, "{") || strings.HasPrefix(text, "@") {
			*data = EventData(text)
			return nil
		}
		target.SetString(text)
		return nil
	}
}

// Run runs the command. A folder without a ledger gets one: an event may be the first. An event
// that is refused is exit code 3; with exit code 1 it may be in the log or not, which sending it
// again under the same id tells.
func (c *Publish) Run(ctx context.Context, w *cli.Where, data *EventData, out *cli.Console) error {
	raw, err := c.event(*data, out.Stdin)
	if err != nil {
		return err
	}
	err = w.With(ctx, out, true, func(s *client.Client) error {
		// Once it is sent it is waited for: else nobody could say whether it is in the log.
		receipt, err := s.Publish(context.WithoutCancel(ctx), raw)
		if err != nil {
			return err
		}
		return tellReceipt(out, receipt, w.JSON)
	})
	// Of an event that came whole the publisher has the id; a made one he knows only from here.
	if c.ID != "" && problem.Exit(err) == problem.ExitFailed {
		out.Note("to try again, safely, add --id %s", event.MaskNIK(c.ID))
	}
	return err
}

// event returns the event that the flags or standard input say. Where no id was given one is made,
// random and kept in c.ID, so that what is sent again can be the same event.
func (c *Publish) event(from EventData, stdin io.Reader) ([]byte, error) {
	switch {
	case c.Type == "" && from == "" && c.Source == "" && c.ID == "":
		return readAtMost(stdin, "standard input")
	case c.Type == "" || from == "" || c.Source == "":
		return nil, cli.Usage("--type, --source and the event's --data go together; without any" +
			" of them the whole event is read from standard input")
	}
	data, err := from.read(stdin)
	if err != nil {
		return nil, err
	}
	if c.ID == "" {
		c.ID = rand.Text()
	}
	return c.compose(data)
}

// read returns the data, from where the flag says it is. Whether it is JSON is not looked at here.
func (d EventData) read(stdin io.Reader) ([]byte, error) {
	path, isFile := strings.CutPrefix(string(d), "@")
	switch {
	case d == "-":
		return readAtMost(stdin, "standard input")
	case !isFile:
		return []byte(d), nil
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, problem.File(path, err)
	}
	data, err := readAtMost(file, path)
	return data, errors.Join(err, file.Close())
}

// readAtMost reads an input, of one that is too large for an event enough to have it refused: it is
// the ledger that says how large an event may be. The end of the last line does not count
// (contract, section 1). name is for people.
func readAtMost(r io.Reader, name string) ([]byte, error) {
	raw, err := io.ReadAll(io.LimitReader(r, event.BytesMax+1))
	if err != nil {
		return nil, problem.Wrap(problem.FileNotReadable, name+" cannot be read", err)
	}
	return bytes.TrimRight(raw, "\r\n"), nil
}

// compose writes the event of the flags. What is wrong with it is the ledger's to say, but for data
// that would break out of its place. The data is put in as it is: read and written again, its
// numbers could become others. A type may be given without its prefix. Attributes that are empty
// are left out.
func (c *Publish) compose(data []byte) ([]byte, error) {
	if !jsontext.Value(data).IsValid() {
		return nil, cli.Usage("--data is no JSON: put it in single quotes, or in a file as @FILE")
	}
	typeName := c.Type
	if !strings.HasPrefix(typeName, event.TypePrefix) {
		typeName = event.TypePrefix + typeName
	}
	raw := []byte(`{"specversion":"1.0"`)
	for _, attribute := range [...]struct{ name, text string }{
		{"id", c.ID},
		{"source", c.Source},
		{"type", typeName},
		{"time", c.Time},
		{"subject", c.Subject},
	} {
		if attribute.text == "" {
			continue
		}
		raw = append(raw, `,"`+attribute.name+`":`...)
		var err error
		if raw, err = jsontext.AppendQuote(raw, attribute.text); err != nil {
			return nil, cli.Usage("--" + attribute.name + " is not valid UTF-8")
		}
	}
	return append(append(append(raw, `,"data":`...), data...), '}'), nil
}

// tellReceipt prints what became of the event; a refusal is the command's error. For machines it is
// printed as a receipt all the same, and only the exit code says that it is a refusal. A duplicate
// is a success, with the sequence of the first (contract, section 1).
func tellReceipt(out *cli.Console, r event.Receipt, asJSON bool) error {
	switch {
	case asJSON:
		err := out.WriteJSON(json.RawMessage(cloudevents.AppendReceipt(nil, &r)))
		if err != nil || r.Status != event.Refused {
			return err
		}
		return cli.QuietExit(problem.ExitRefused)
	case r.Status == event.Refused:
		why := r.Why()
		return problem.Refusal(&why)
	}
	what := "appended as event " + strconv.FormatUint(r.Sequence, 10)
	if r.Status == event.Duplicate {
		what = "a duplicate of event " + strconv.FormatUint(r.Sequence, 10)
	}
	_, err := fmt.Fprintf(out.Stdout, "%s: source %s, id %s\n", what, r.Source, r.ID)
	return err
}

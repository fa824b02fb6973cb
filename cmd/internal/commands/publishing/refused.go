package publishing

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"cakupan/cmd/internal/cli"
	"cakupan/cmd/internal/cli/table"
	"cakupan/cmd/internal/cli/words"
	"cakupan/cmd/internal/client"
	"cakupan/cmd/internal/intake"
	"cakupan/cmd/internal/problem"
	"cakupan/domain/event"
	"cakupan/eventstore/cloudevents"
)

// Refused looks after what was refused once its publisher had been told that it is stored:
// by NATS an acknowledgement comes before anybody has read the event. Until somebody retries or
// drops it, it is kept, sealed, within the limits of [refusedLimits].
type Refused struct {
	List  refusedListCommand  `cmd:"" help:"List what was refused."`
	Show  refusedShowCommand  `cmd:"" help:"Show one with what was sent, a NIK masked."`
	Retry refusedRetryCommand `cmd:"" help:"Take in again, as its publisher may report now."`
	Drop  refusedDropCommand  `cmd:"" help:"Remove for ever."`
}

// Help returns what --help shows beyond the flags.
func (*Refused) Help() string {
	return `What a publisher sends by NATS without waiting for receipts can only be refused later.
It is kept, sealed, until somebody settles it here. A steward retries and drops from anywhere, with
a reason, what publishers of his regions have sent; others on the machine of the server, with an
auditor's secret where it has registered members. Who did is recorded: see cakupan reads. What is
refused again for another reason gets a new number.

Examples:

	cakupan refused list
	cakupan refused show 17
	cakupan refused retry 17 18
	cakupan refused retry --all --server http://127.0.0.1:7070
	cakupan refused drop 19
	cakupan refused drop --publisher dinas --code region.unknown --older 720h
	cakupan refused drop 19 --reason "test data" --server https://ledger.example` + cli.ExitCodes
}

// The commands. List and show only ask; retry and drop are recorded before they are done, with who
// did it and why.
type (
	refusedListCommand struct {
		condition
		Brief bool `help:"Number, time, publisher, code and bytes alone: none is opened."`
	}
	refusedShowCommand struct {
		Number uint64 `arg:"" help:"Its number in the list."`
	}
	refusedRetryCommand struct{ chosen }
	refusedDropCommand  struct{ chosen }
)

// chosen are those that a command is for: by numbers, or by what the list says of them, never both.
// Several conditions must all be true; All is the same with none of them. Older is counted back
// from now by this machine's clock, and from when the ledger received it.
type chosen struct {
	Number []uint64 `arg:"" optional:"" help:"Numbers in the list."`
	All    bool     `help:"All that are in the list now."`
	condition

	Reason string `placeholder:"TEXT" help:"Why; it is recorded. A steward says it."`
}

// condition says which of the list are meant. The ledger chooses them, and opens none for it.
type condition struct {
	Publisher string        `placeholder:"NAME" help:"Of the list, those of this publisher."`
	Code      string        `placeholder:"CODE" help:"Of the list, those refused with this code."`
	Older     time.Duration `placeholder:"TIME" help:"Of the list, those at least so old: 720h."`
}

// why is the query that says so. Without a reason it is empty; whether one is needed is for the
// ledger to say, which knows who asks.
func (c *chosen) why() url.Values { return client.Values("reason", c.Reason) }

// given tells whether there is any condition.
func (c *condition) given() bool { return *c != condition{} }

// query is the condition as the ledger is asked. brief has it tell no more than it can without
// opening one.
func (c *condition) query(now time.Time, brief bool) (url.Values, error) {
	if c.Older < 0 {
		return nil, cli.Usage("--older is how long ago, such as 720h for 30 days")
	}
	query := client.Values("publisher", c.Publisher, "code", c.Code)
	if c.Older != 0 {
		until := now.Add(-c.Older) // is old enough too
		query.Set("before", until.Add(1).UTC().Format(time.RFC3339Nano))
	}
	if brief {
		query.Set("brief", "true")
	}
	return query, nil
}

// refusedPath is the route of the list; one of it is below, by its number.
const refusedPath = "/v1/refused"

// Help returns what --help shows beyond the flags.
func (*refusedListCommand) Help() string {
	return `Examples:

	cakupan refused list
	cakupan refused list --publisher dinas --code region.unknown --older 720h --brief
	cakupan refused list --json --server http://127.0.0.1:7070` + cli.ExitCodes
}

// Run runs the command. As JSON the list is written as it comes, however long it is. An array that
// was begun and breaks off is not closed, so that no part of it is taken for the whole.
func (c *refusedListCommand) Run(ctx context.Context, w *cli.Where, out *cli.Console) error {
	query, err := c.query(out.Now(), c.Brief)
	if err != nil {
		return err
	}
	return w.With(ctx, out, false, func(s *client.Client) error {
		t := table.New(">Number", "Received", "Publisher", "Event", "Code", "Why")
		if c.Brief {
			t = table.New(">Number", "Received", "Publisher", "Code", ">Bytes")
		}
		buffered := bufio.NewWriterSize(out.Stdout, 64<<10)
		count := 0
		err := eachRefused(ctx, s, query, func(line []byte, one intake.Refused) error {
			count++
			if w.JSON {
				// The lines are joined to one array as they come, and not read and written again.
				between := [...]string{"[", ",\n"}[min(count-1, 1)]
				_, err := fmt.Fprintf(buffered, "%s%s", between, bytes.TrimSpace(line))
				return err
			}
			number, received := numberText(one.Number), words.LocalTime(one.ReceivedAt.String())
			if c.Brief {
				t.Add(number, received, one.Publisher, string(one.Code),
					words.Thousands(uint64(one.Bytes)))
				return nil
			}
			t.Add(number, received, one.Publisher, one.ID, words.Code(one.Code, one.Field),
				one.Detail)
			return nil
		})
		switch {
		case err != nil:
			return err
		case w.JSON && count == 0:
			return out.WriteJSON([]struct{}{})
		case w.JSON:
			_, _ = buffered.WriteString("]\n") // the writer keeps its first error
			return buffered.Flush()
		case count == 0:
			_, err := fmt.Fprintln(out.Stdout, "nothing is refused")
			return err
		}
		return t.Write(out.Stdout)
	})
}

// eachRefused reads the list of what was refused that a query means, in the order of its numbers,
// and calls use with each: the line as it came, and what it says. It ends with the first error of
// use. Where the answer breaks off, its last line is a problem, which becomes the error; use has
// been told of those before.
func eachRefused(
	ctx context.Context, s *client.Client, query url.Values,
	use func([]byte, intake.Refused) error,
) error {
	response, err := s.Get(ctx, refusedPath, query)
	if err != nil {
		return err
	}
	in := bufio.NewReaderSize(response.Body, 64<<10)
	for err == nil {
		var line []byte
		line, err = in.ReadBytes('\n')
		var one intake.Refused
		switch {
		// The end of the answer, or a break in it: either way there is no line.
		case err != nil:
		case problem.IsLine(line):
			err = problem.Parse(http.StatusServiceUnavailable, line, false)
		default:
			if err = json.Unmarshal(line, &one); err == nil {
				err = use(line, one)
			}
		}
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return errors.Join(err, response.Body.Close())
}

// Help returns what --help shows beyond the flags.
func (*refusedShowCommand) Help() string {
	return `Example:

	cakupan refused show 17` + cli.ExitCodes
}

// Run runs the command. That it was read is recorded, as what was sent may tell of people. A NIK in
// it is masked by the ledger, before it is sent.
func (c *refusedShowCommand) Run(ctx context.Context, w *cli.Where, out *cli.Console) error {
	return w.With(ctx, out, false, func(s *client.Client) error {
		var one intake.Refused
		if err := refusedDo(ctx, s, refusedAsked{
			method: http.MethodGet, what: numberText(c.Number),
		}, &one); err != nil {
			return err
		}
		if w.JSON {
			return out.WriteJSON(one)
		}
		_, err := fmt.Fprintf(out.Stdout, "%d, received %s from %s\n%s: %s\n\n%s\n",
			one.Number, words.LocalTime(one.ReceivedAt.String()), one.Publisher,
			words.Code(one.Code, one.Field), one.Detail, one.Original)
		return err
	})
}

// numberText writes a number as paths and tables have it, without separators: it is to be copied.
func numberText(number uint64) string { return strconv.FormatUint(number, 10) }

// refusedAsked is a request about one: its number, and what to do with it.
type refusedAsked struct {
	method, what string
	query        url.Values
}

// refusedDo sends a request about one and reads the answer. After an error it may have been done
// all the same; asked again, a number that is gone is not found, and nothing is done twice.
func refusedDo(
	ctx context.Context, s *client.Client, ask refusedAsked, into any,
) error {
	response, err := s.Send(ctx, ask.method, refusedPath+"/"+ask.what, ask.query)
	if err != nil {
		return err
	}
	err = json.NewDecoder(response.Body).Decode(into)
	return errors.Join(err, response.Body.Close())
}

// listed is what was refused, as the list names it. Its publisher is not known where a number was
// given.
type listed struct {
	number    uint64
	publisher string
}

// find returns those that were chosen. Numbers that were named are taken as they are: one that
// is not there is found out when it is used. The list is read to its end before anything of it is
// changed, as a retry adds to it what is refused again. Where it breaks off, those that it had told
// of are returned beside the error.
func (c *chosen) find(ctx context.Context, s *client.Client, now time.Time,
) (all []listed, err error) {
	query, err := c.query(now, true)
	switch {
	case err != nil:
		return nil, err
	case (c.All || c.given()) == (len(c.Number) > 0):
		return nil, cli.Usage("name numbers of the list, or --all, or choose with --publisher," +
			" --code and --older")
	case len(c.Number) > 0:
		for _, number := range c.Number {
			all = append(all, listed{number: number})
		}
		return all, nil
	}
	err = eachRefused(ctx, s, query, func(_ []byte, r intake.Refused) error {
		all = append(all, listed{r.Number, r.Publisher})
		return nil
	})
	return all, err
}

// each settles those that were chosen, one after another; an error ends it, and those before are
// done. Where the list broke off, those that it had are settled first, and then the error is told.
//
// What was chosen by conditions is what is there and theirs who ask: what is gone meanwhile, as
// newer ones drive out older ones, or was sent by a publisher of others' regions, is no error, or
// such a publisher could keep a steward from all that comes after.
func (c *chosen) each(ctx context.Context, s *client.Client, out *cli.Console,
	settle func(number uint64) error,
) error {
	all, listErr := c.find(ctx, s, out.Now())
	others, left := map[string]error{}, 0
	for _, r := range all {
		err := others[r.publisher]
		if err == nil {
			err = settle(r.number)
		}
		var why *problem.Error
		switch chosen := len(c.Number) == 0 && errors.As(err, &why); {
		case err == nil, chosen && why.Code == problem.NotFound:
		case chosen && why.Code == problem.Forbidden:
			others[r.publisher] = err
			if left++; left == len(all) {
				return err
			}
		default:
			return err
		}
	}
	if left > 0 {
		out.Note("%s more are of publishers of others' regions, and stay",
			words.Thousands(uint64(left)))
	}
	return listErr
}

// retried is what a retry of one came to: a receipt for each event of what was sent.
type retried struct {
	number   uint64
	receipts cloudevents.Receipts
}

// MarshalJSON writes the number before the members of the receipts, so that it is one flat object:
// that of POST /v1/events (contract, section 7), with a number.
func (r retried) MarshalJSON() ([]byte, error) {
	text := fmt.Appendf(nil, `{"number":%d,`, r.number)
	return append(text, cloudevents.AppendReceipts(nil, r.receipts)[len("{"):]...), nil
}

// Help returns what --help shows beyond the flags.
func (*refusedRetryCommand) Help() string {
	return `What is refused again for another reason gets a new number.

Examples:

	cakupan refused retry 17 18
	cakupan refused retry --all --server http://127.0.0.1:7070` + cli.ExitCodes
}

// Run runs the command. Each is retried and told of by itself. Exit code 3 says that something was
// refused again; it has a new number if it was for another reason.
func (c *refusedRetryCommand) Run(ctx context.Context, w *cli.Where, out *cli.Console) error {
	return w.With(ctx, out, false, func(s *client.Client) error {
		again := false
		err := c.each(ctx, s, out, func(number uint64) error {
			result := retried{number: number}
			err := refusedDo(ctx, s, refusedAsked{
				http.MethodPost, numberText(number) + "/retry", c.why(),
			}, &result.receipts)
			if err == nil {
				err = result.write(out, w.JSON)
			}
			_, _, refused := result.receipts.Count()
			again = again || refused > 0
			return err
		})
		if err == nil && again {
			return cli.QuietExit(problem.ExitRefused)
		}
		return err
	})
}

// write prints what became of each event, a line each.
func (r *retried) write(out *cli.Console, asJSON bool) error {
	if asJSON {
		return out.WriteJSON(r)
	}
	for _, receipt := range r.receipts {
		text := string(receipt.Status)
		if receipt.Status == event.Refused {
			why := receipt.Why()
			text += ": " + words.Code(why.Code, why.Field) + ": " + why.Detail
		} else {
			text += " as event " + words.Thousands(receipt.Sequence)
		}
		if _, err := fmt.Fprintf(out.Stdout, "%d: %s\n", r.number, text); err != nil {
			return err
		}
	}
	return nil
}

// Help returns what --help shows beyond the flags.
func (*refusedDropCommand) Help() string {
	return `What was sent is gone then: nobody can take it in any more.

Examples:

	cakupan refused drop 19
	cakupan refused drop --publisher dinas --code region.unknown --older 720h` + cli.ExitCodes
}

// Run runs the command. Each is dropped for ever, and told of before the next one is.
func (c *refusedDropCommand) Run(ctx context.Context, w *cli.Where, out *cli.Console) error {
	return w.With(ctx, out, false, func(s *client.Client) error {
		return c.each(ctx, s, out, func(number uint64) error {
			var dropped struct {
				Dropped uint64 `json:"dropped"`
			}
			err := refusedDo(ctx, s, refusedAsked{
				http.MethodDelete, numberText(number), c.why(),
			}, &dropped)
			switch {
			case err != nil:
				return err
			case w.JSON:
				return out.WriteJSON(dropped)
			}
			_, err = fmt.Fprintf(out.Stdout, "%d: dropped\n", number)
			return err
		})
	})
}

package auditing

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"cakupan/cmd/internal/cli"
	"cakupan/cmd/internal/cli/answers"
	"cakupan/cmd/internal/cli/words"
	"cakupan/cmd/internal/client"
	"cakupan/domain/event"
)

// Log prints events of the log (contract, sections 5, 6 and 8). Numbers are texts here: the
// ledger reads them, and one that is left out is not asked for.
type Log struct {
	From       string `placeholder:"SEQ" help:"First event; default: 1."`
	To         string `placeholder:"SEQ" help:"Last event, in; default: the end of the log."`
	Type       string `placeholder:"TYPE" help:"Events of this type, such as enrolment.opened.v1."`
	Enrolment  string `placeholder:"ID" help:"Events about this enrolment."`
	Worker     string `placeholder:"ID" help:"Events about this worker, merges not followed."`
	NIK        string `name:"nik" placeholder:"NIK" help:"${nik}"`
	Commitment string `placeholder:"ID" help:"Events about this commitment."`
	Source     string `placeholder:"URI" help:"Events of this source."`
	Publisher  string `placeholder:"NAME" help:"${publisher}"`
	Last       string `placeholder:"N" help:"The last so many of these."`
	Follow     bool   `help:"Go on as the log grows; of a running ledger (--server)."`
}

// Help returns what --help shows beyond the flags.
func (*Log) Help() string {
	return `With --json it prints each event on a line, as accepted; that can be imported elsewhere.

Examples:

	cakupan log --from 100 --to 120
	cakupan log --enrolment e-0042
	cakupan log --nik - < nik.txt
	cakupan log --publisher dukcapil-bonebolango --last 20
	cakupan log --server http://127.0.0.1:7070 --last 5 --follow
	cakupan log --json > all.ndjson` + cli.ExitCodes
}

// Run prints the events as they come, and with --follow goes on until ctx or the server ends.
func (c *Log) Run(ctx context.Context, w *cli.Where, out *cli.Console) error {
	query := client.Values("from", c.From, "to", c.To, "type", c.Type, "enrolment", c.Enrolment,
		"worker", c.Worker, "commitment", c.Commitment, "source", c.Source,
		"publisher", c.Publisher, "last", c.Last)
	// A folder that is open here has no other writer: its log would never grow.
	if c.Follow && w.Server == "" {
		return cli.Usage("--follow is for a running ledger, whose log grows: name one with" +
			" --server")
	}
	if c.Follow {
		query.Set("follow", "true")
	}
	return w.Asking(ctx, out, c.NIK, func(s *client.Client) error {
		if err := cli.SetWorker(ctx, s, out, c.NIK, query); err != nil {
			return err
		}
		response, err := s.Get(ctx, "/v1/events", query)
		if err != nil {
			return err
		}
		// In bytes. A line to the system each would be most of the time of a long log.
		size := 64 << 10
		if c.Follow {
			size = 1 // each line at once
		}
		buffered := bufio.NewWriterSize(out.Stdout, size)
		err = copyLog(buffered, response.Body, w.JSON)
		return errors.Join(err, buffered.Flush(), response.Body.Close())
	})
}

// copyLog prints the events of an answer: as they are, or for people. What it has printed before an
// error stands.
func copyLog(w *bufio.Writer, body io.Reader, asJSON bool) error {
	return answers.EachLine(body, func(line []byte) error {
		if !asJSON {
			return writeEvent(w, line)
		}
		_, err := w.Write(line)
		return err
	})
}

// writeEvent prints an event for people, on one line: what was reported stands last, since its
// length is anybody's.
func writeEvent(w io.Writer, line []byte) error {
	// What is shown of an event; the rest of it is there with --json.
	var e struct {
		Sequence   uint64          `json:"sequence"`
		RecordedAt string          `json:"recordedat"`
		Type       string          `json:"type"`
		Source     string          `json:"source"`
		ID         string          `json:"id"`
		Publisher  string          `json:"publishedby"`
		Data       json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal(line, &e); err != nil {
		return err
	}
	if e.Publisher == "" {
		e.Publisher = "–" // sent while the ledger knew none
	}
	_, err := fmt.Fprintf(w, "%9s  %s  %-24s %s  %s  %s  %s\n", words.Thousands(e.Sequence),
		words.LocalTime(e.RecordedAt), strings.TrimPrefix(e.Type, event.TypePrefix), e.Source, e.ID,
		e.Publisher, e.Data)
	return err
}

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"cakupan/cmd/internal/client"
	"cakupan/cmd/internal/problem"
	"cakupan/domain/event"
)

// logCommand prints events of the log.
type logCommand struct {
	From       string `placeholder:"SEQ" help:"First event; default: 1."`
	To         string `placeholder:"SEQ" help:"Last event, in; default: the end of the log."`
	Type       string `placeholder:"TYPE" help:"Events of this type, such as enrolment.opened.v1."`
	Enrolment  string `placeholder:"ID" help:"Events about this enrolment."`
	Worker     string `placeholder:"ID" help:"Events about this worker, merges not followed."`
	Commitment string `placeholder:"ID" help:"Events about this commitment."`
}

// Help returns what --help shows beyond the flags.
func (*logCommand) Help() string {
	return `With --json it prints each event on a line, as accepted; that can be imported elsewhere.

Examples:

	cakupan log --from 100 --to 120
	cakupan log --enrolment e-0042
	cakupan log --json > all.ndjson` + exitCodes
}

// Run runs the command.
func (c *logCommand) Run(ctx context.Context, w *where, out *console) error {
	query := client.Values("from", c.From, "to", c.To, "type", c.Type, "enrolment", c.Enrolment,
		"worker", c.Worker, "commitment", c.Commitment)
	return w.with(ctx, out, false, func(s *client.Client) error {
		response, err := s.Get(ctx, "/v1/events", query)
		if err != nil {
			return err
		}
		buffered := bufio.NewWriterSize(out.stdout, 64<<10)
		err = copyLog(buffered, response.Body, w.JSON)
		return errors.Join(err, buffered.Flush(), response.Body.Close())
	})
}

// copyLog prints the events of an answer. An answer that ends with a problem is that error.
func copyLog(w *bufio.Writer, body io.Reader, asJSON bool) error {
	in := bufio.NewReaderSize(body, 64<<10)
	for {
		line, err := in.ReadBytes('\n')
		switch {
		case errors.Is(err, io.EOF) && len(line) == 0:
			return nil
		case err != nil:
			return fmt.Errorf("read events: %w", err)
		case problem.IsLine(line):
			return problem.Parse(http.StatusServiceUnavailable, line, false)
		case asJSON:
			_, err = w.Write(line)
		default:
			err = writeEvent(w, line)
		}
		if err != nil {
			return fmt.Errorf("print events: %w", err)
		}
	}
}

// writeEvent prints an event for people.
func writeEvent(w io.Writer, line []byte) error {
	var e struct {
		Sequence   uint64          `json:"sequence"`
		RecordedAt string          `json:"recordedat"`
		Type       string          `json:"type"`
		Data       json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal(line, &e); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "%9s  %s  %-24s %s\n", thousands(e.Sequence), localTime(e.RecordedAt),
		strings.TrimPrefix(e.Type, event.TypePrefix), e.Data)
	return err
}

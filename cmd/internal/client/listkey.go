package client

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"cakupan/cmd/internal/httpapi"
	"cakupan/cmd/internal/lists/matched"
	"cakupan/cmd/internal/lists/named"
	"cakupan/cmd/internal/problem"
	"cakupan/domain/event"
	"cakupan/eventstore/cloudevents"
)

// ListKey asks for the key of lists of whoever speaks for a source: by it the ids of what a list
// reports are made of what its rows say, so that a list sent again adds nothing. older says that
// rows may be in the log under another key: see [Client.Matches]. Whoever has it can try which NIK
// an event of a list is about, so it is kept nowhere. With dryRun no key is made for that. With an
// error the key is all zeros, and not to be used.
func (s *Client) ListKey(ctx context.Context, source string, dryRun bool,
) (key named.Key, older bool, err error) {
	query := Values("source", source)
	if dryRun {
		query.Set("dry_run", "true")
	}
	response, err := s.Get(ctx, "/v1/lists/key", query)
	if err != nil {
		return key, false, err
	}
	var answer httpapi.ListKey
	err = json.NewDecoder(response.Body).Decode(&answer)
	if err := errors.Join(err, response.Body.Close()); err != nil {
		return key, false, fmt.Errorf("read key of lists: %w", brokenOff(err))
	}
	// The length first: Decode trusts that there is room. A key of any other one is no answer to
	// go on with: under it every person of a list would get an id that nobody else derives.
	whole := len(answer.Key) == hex.EncodedLen(len(key))
	if whole {
		_, err = hex.Decode(key[:], []byte(answer.Key))
	}
	if !whole || err != nil {
		return named.Key{}, false, problem.New(problem.ServerUnreachable,
			"the server did not answer with a key of lists: is it an older cakupan?")
	}
	return key, answer.Older, nil
}

// Matches asks by which names the ledger has rows of a list under older keys, nil of those that are
// sent as they are. They must fit one batch. Nothing is appended, so it may be asked again.
func (s *Client) Matches(ctx context.Context, source string, rows []matched.Row,
) ([]*matched.Names, error) {
	var body bytes.Buffer
	for i := range rows {
		// By hand: an encoder would write the event's bytes otherwise, and ids are made of them.
		_ = body.WriteByte("[,"[min(i, 1)])
		_, _ = fmt.Fprintf(&body, `{"nik":%q,"event":`, rows[i].NIK)
		_, _ = body.Write(rows[i].Event)
		_ = body.WriteByte('}')
	}
	_ = body.WriteByte(']')
	request, err := http.NewRequestWithContext(ctx, http.MethodPost,
		s.base+"/v1/lists/matches?"+Values("source", source).Encode(), &body)
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := s.Ask(ctx, request)
	if err != nil {
		return nil, err
	}
	var answer httpapi.Matches
	err = json.NewDecoder(response.Body).Decode(&answer)
	if err := errors.Join(err, response.Body.Close()); err != nil {
		return nil, fmt.Errorf("read matches: %w", brokenOff(err))
	}
	if len(answer.Rows) != len(rows) {
		return nil, problem.New(problem.ServerUnreachable,
			"the server did not answer for each row: is it an older cakupan?")
	}
	return answer.Rows, nil
}

// eventLineMax bounds a line that is an event: four times what is taken in, as what it held may be
// written longer, and the ledger has added to it.
const eventLineMax = 256 << 10

// ListEvents calls yield with each event of a list, in log order: one JSON object, which yield must
// not keep. The source may be left out. It ends with the first error of yield, which is returned;
// after an answer that broke off, yield has had only a part of the events.
func (s *Client) ListEvents(ctx context.Context, list, source string, yield func(line []byte) error,
) error {
	response, err := s.Get(ctx, "/v1/lists/events", Values("list", list, "source", source))
	if err != nil {
		return err
	}
	in := bufio.NewScanner(response.Body)
	in.Buffer(nil, eventLineMax)
	for err == nil && in.Scan() {
		if line := in.Bytes(); problem.IsLine(line) {
			err = problem.Parse(http.StatusServiceUnavailable, line, false)
		} else {
			err = yield(line)
		}
	}
	return errors.Join(err, in.Err(), response.Body.Close())
}

// Append sends events of a list that are appended as a whole or not at all, and returns a receipt
// for each, in their order: at most 1,000 that fit one frame (contract, section 7). seen is how far
// the list was seen: where somebody else has changed it since, the error is [problem.ListChanged].
// Where one is refused, the receipts say which and why, and nothing was appended; that is no error.
// With dryRun nothing is appended either way. After an error they may be in the log, all of them or
// none: to send them again is safe.
func (s *Client) Append(ctx context.Context, raw [][]byte, seen uint64, dryRun bool,
) ([]event.Receipt, error) {
	query := "atomic=true&list_seen=" + strconv.FormatUint(seen, 10)
	if dryRun {
		query += "&dry_run=true"
	}
	body := append([]byte{'['}, bytes.Join(raw, []byte{','})...)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.base+"/v1/events?"+query,
		bytes.NewReader(append(body, ']')))
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	request.Header.Set("Content-Type", "application/cloudevents-batch+json")
	response, err := s.Do(ctx, request)
	if err != nil {
		return nil, err
	}
	// Receipts of one atomic batch take far less, also where each says why it is refused.
	const answerMax = 16 << 20
	answer, err := io.ReadAll(io.LimitReader(response.Body, answerMax))
	if err := errors.Join(err, response.Body.Close()); err != nil {
		return nil, Unreachable(ctx, s.base, err)
	}
	var got cloudevents.Receipts
	// By what the answer is, and not by its status: a batch that is refused comes with receipts
	// too.
	if json.Unmarshal(answer, &got) == nil && len(got) == len(raw) {
		return got, nil
	}
	return nil, s.Denied(problem.Parse(response.StatusCode, answer, false))
}

package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"cakupan/cmd/internal/ledger"
	"cakupan/cmd/internal/problem"
	"cakupan/domain/event"
	"cakupan/eventstore/cloudevents"
)

// Health asks how the ledger is. That it is not well is an answer and no error. No secret is
// needed, and none is sent.
func (s *Client) Health(ctx context.Context) (health ledger.Health, err error) {
	err = s.state(ctx, "/healthz", &health)
	if err == nil && health.Status == "" {
		err = s.notLedger()
	}
	return health, err
}

// Ready asks whether the ledger answers now. That it does not is an answer, as with Health.
func (s *Client) Ready(ctx context.Context) (ready ledger.Readiness, err error) {
	err = s.state(ctx, "/readyz", &ready)
	if err == nil && ready.Status == "" {
		err = s.notLedger()
	}
	return ready, err
}

// Status asks for role, intake and streams, which is for auditors. A ledger that is not well
// answers in the same form; what has no role is no status, and its problem is the error.
func (s *Client) Status(ctx context.Context) (status ledger.Status, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.base+"/v1/status", nil)
	if err != nil {
		return status, fmt.Errorf("make request: %w", err)
	}
	response, err := s.Do(ctx, request)
	if err != nil {
		return status, err
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, stateMax))
	if err := errors.Join(err, response.Body.Close()); err != nil {
		return status, Unreachable(ctx, s.base, err)
	}
	if json.Unmarshal(body, &status) == nil && status.Role != "" {
		return status, nil
	}
	return status, s.Denied(problem.Parse(response.StatusCode, body, false))
}

// stateMax bounds the answer of a ledger that cannot say how it is.
const stateMax = 1 << 20

// state asks a route that answers in the same form whether all is well or not, so whatever its
// status is. What is no JSON is not from a ledger; JSON of something else the caller finds out.
func (s *Client) state(ctx context.Context, route string, into any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.base+route, nil)
	if err != nil {
		return fmt.Errorf("make request: %w", err)
	}
	// Not by Do, which would send the secret to whoever answers there.
	response, err := s.sendTo(ctx, request)
	if err != nil {
		return Unreachable(ctx, s.base, err)
	}
	if response.Header.Get("Content-Type") == problem.ContentType { // it is being opened, or stops
		body, err := io.ReadAll(io.LimitReader(response.Body, stateMax))
		if err = errors.Join(err, response.Body.Close()); err != nil {
			return Unreachable(ctx, s.base, err)
		}
		return problem.Parse(response.StatusCode, body, false)
	}
	err = json.NewDecoder(response.Body).Decode(into)
	if err := errors.Join(err, response.Body.Close()); err != nil {
		var silent *problem.Error
		if errors.As(err, &silent) {
			return silent
		}
		return s.notLedger()
	}
	return nil
}

// notLedger says that something answers there, and is something else.
func (s *Client) notLedger() error {
	return problem.New(problem.ServerUnreachable,
		s.base+" does not answer as a ledger does: check the address; with TLS it begins"+
			" with https://")
}

// Post asks a POST route without body and reads its JSON answer. After an error it may have been
// done.
func (s *Client) Post(ctx context.Context, path, query string, into any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.base+path+"?"+query, nil)
	if err != nil {
		return fmt.Errorf("make request: %w", err)
	}
	return s.answered(ctx, request, into)
}

// PostBody sends JSON to a route and reads its JSON answer. Only a body that is a bytes.Reader, a
// bytes.Buffer or a strings.Reader can be sent to another server when one is gone.
func (s *Client) PostBody(ctx context.Context, path string, body io.Reader, into any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.base+path, body)
	if err != nil {
		return fmt.Errorf("make request: %w", err)
	}
	request.Header.Set("Content-Type", "application/json")
	return s.answered(ctx, request, into)
}

// answered asks, and reads an answer in JSON.
func (s *Client) answered(ctx context.Context, request *http.Request, into any) error {
	response, err := s.Ask(ctx, request)
	if err != nil {
		return err
	}
	err = json.NewDecoder(response.Body).Decode(into)
	return errors.Join(err, response.Body.Close())
}

// Publish sends one event and returns its receipt, also of a refusal. Where there is an error, the
// event may be in the log all the same: to send it again, with the same id, is safe and tells.
func (s *Client) Publish(ctx context.Context, raw []byte) (event.Receipt, error) {
	var none event.Receipt
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.base+"/v1/events",
		bytes.NewReader(raw))
	if err != nil {
		return none, fmt.Errorf("make request: %w", err)
	}
	request.Header.Set("Content-Type", "application/cloudevents+json")
	response, err := s.Do(ctx, request)
	if err != nil {
		return none, err
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, stateMax))
	if err := errors.Join(err, response.Body.Close()); err != nil {
		return none, Unreachable(ctx, s.base, err)
	}
	var got cloudevents.Receipts
	if json.Unmarshal(body, &got) == nil && len(got) == 1 {
		return got[0], nil
	}
	return none, s.Denied(problem.Parse(response.StatusCode, body, true))
}

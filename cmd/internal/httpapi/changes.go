package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"cakupan/cmd/internal/live"
	"cakupan/cmd/internal/problem"
	"cakupan/domain/region"
	"cakupan/eventstore"
)

const (
	changesType = "text/event-stream"
	// heartbeat is how often somebody who watches hears that the connection still stands.
	heartbeat = 15 * time.Second
	// reconnect is after how many milliseconds a browser comes again.
	reconnect = 2_000
	// watchedMax is how many regions one may name; to watch more, watch all.
	watchedMax = 100
)

// changesQuery is what GET /v1/changes asks. after is what the client says it has seen, the id of
// an event of this stream; it is checked against the log before anything is told.
type changesQuery struct {
	topic live.Topic
	after *eventstore.Sequence // nil: all is asked for
}

// parseChanges reads the query of GET /v1/changes, and what the client has seen already. The header
// is a browser's own way to go on after a broken connection (contract, section 9), so a wrong one
// is refused by its name as a parameter is.
func parseChanges(raw string, h http.Header) (changesQuery, error) {
	p, err := parseRepeatable(raw, []string{"region", "by"}, "region", "by", "on")
	if err != nil {
		return changesQuery{}, err
	}
	q := changesQuery{topic: live.Topic{
		Regions: p.regions(), By: p.dimensions(), On: p.date("on", 0), Fixed: p.has("on"),
	}}
	if last := strings.TrimSpace(h.Get("Last-Event-ID")); last != "" {
		after, ok := parseSequence(last)
		if !ok {
			p.failAs(problem.Query("Last-Event-ID",
				"Last-Event-ID must be the id of an event of this stream, which is a sequence"))
		}
		q.after = &after
	}
	return q, p.err()
}

// regions reads all regions that are named, nil when none is. The order of asking is kept, each
// once.
func (p *parameters) regions() (codes []region.Code) {
	texts := p.values["region"]
	if len(texts) > watchedMax {
		p.fail("region", fmt.Sprintf("is given more than %d times: leave it out for all",
			watchedMax))
		return nil
	}
	for _, text := range texts {
		code, ok := region.Parse(text)
		if !ok {
			p.failAs(&problem.Error{
				Code: problem.RegionUnknown, Field: "region", Detail: region.Explain(text),
			})
		}
		if !slices.Contains(codes, code) {
			codes = append(codes, code)
		}
	}
	return codes
}

// getChanges tells what changes, as Server-Sent Events, until the client goes. It leaves the
// requests in work and counts as a viewer: who watches takes hardly anything, and must not be ended
// by those who ask. An error after the first frame is a frame of its own, since nothing else can be
// told by then.
func (a *API) getChanges(w *reply, r *http.Request) {
	q, err := parseChanges(r.URL.RawQuery, r.Header)
	if err != nil {
		w.fail(r, err)
		return
	}
	// There is no end of a stream to wait for without a body.
	if r.Method == http.MethodHead {
		w.Header().Set("Content-Type", changesType)
		return
	}
	if err := a.aheadOf(r.Context(), q.after); err != nil {
		w.fail(r, err)
		return
	}
	leave, err := a.enterViewer(w)
	if err != nil {
		w.fail(r, err)
		return
	}
	defer leave()
	q.topic.Hidden = !w.member.seesAll()
	watch, err := a.hub.Watch(r.Context(), q.topic, q.after)
	if err != nil {
		w.fail(r, err)
		return
	}
	defer watch.Close()
	h := w.Header()
	h.Set("Content-Type", changesType)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // nginx would hold frames back otherwise
	if _, err := fmt.Fprintf(w, "retry: %d\n\n", reconnect); err != nil {
		return
	}
	if end := a.tellChanges(w, r, watch); end != nil {
		tellEnd(w, end)
	}
}

// aheadOf refuses a client that has seen more than the log holds: it speaks of another log, or of
// one that has lost its end. To tell him the changes since would leave him with figures of events
// that are not there (contract, section 10). nil, which is nothing seen, is never ahead.
func (a *API) aheadOf(ctx context.Context, after *eventstore.Sequence) error {
	if after == nil {
		return nil
	}
	if head := a.ledger.Health(ctx).Head; *after > head {
		return problem.Query("Last-Event-ID", fmt.Sprintf("Last-Event-ID says that event %d was"+
			" seen, but the log ends at event %d: it is another ledger's, or a restored one."+
			" Watch anew, without Last-Event-ID", *after, head))
	}
	return nil
}

// enterViewer counts one more who watches, instead of one more request in work: he only waits. Who
// is let in must leave. The place among requests is taken again only for ServeHTTP to give it back;
// the share is not. The error is a [problem.Overloaded].
func (a *API) enterViewer(w *reply) (leave func(), err error) {
	if a.viewers.Add(1) > int64(a.config.Limits.Viewers) {
		a.viewers.Add(-1)
		return nil, overloaded()
	}
	a.requests.Add(-1)
	left := func() {}
	if a.config.Observer != nil {
		left = a.config.Observer.Watch()
	}
	w.leaveShare()
	return func() {
		left()
		a.requests.Add(1)
		a.viewers.Add(-1)
	}, nil
}

// tellChanges writes frames until the client is gone (nil), or until it must be told why there are
// no more. Each frame is flushed, because a browser shows what has arrived. After each it is asked
// whether the member may still see it: one that was revoked is told so and ended within a
// heartbeat.
func (a *API) tellChanges(w *reply, r *http.Request, watch *live.Watch) error {
	for {
		frame, err := nextFrame(r.Context(), watch)
		switch {
		case r.Context().Err() != nil:
			return nil
		case errors.Is(err, live.ErrClosed):
			return problem.New(problem.ServerStopping,
				"the server is stopping: it is well to connect again in a moment")
		case errors.Is(err, context.DeadlineExceeded):
			_, err = w.Write([]byte(": still here\n\n"))
		case err != nil:
			return err
		default:
			err = writeFrame(w, frame)
		}
		if err == nil {
			err = w.control.Flush()
		}
		if err != nil {
			return nil // it is gone, or has not read for as long as it may
		}
		if err := w.still(); err != nil {
			return err
		}
	}
}

// nextFrame waits for a frame, but not for longer than a heartbeat. The error is then
// [context.DeadlineExceeded], which is no end.
func nextFrame(ctx context.Context, watch *live.Watch) (live.Frame, error) {
	ctx, cancel := context.WithTimeout(ctx, heartbeat)
	defer cancel()
	return watch.Next(ctx)
}

// writeFrame writes one event of the stream. Its data is JSON on one line, so it needs no
// splitting.
func writeFrame(w *reply, f live.Frame) error {
	// A status says nothing of figures, so it has no id: who has seen it has not seen them.
	head := fmt.Sprintf("event: %s\nid: %d\ndata: ", f.Kind, f.Sequence)
	if f.Kind == live.State {
		head = fmt.Sprintf("event: %s\ndata: ", f.Kind)
	}
	for _, piece := range [][]byte{[]byte(head), f.Data, []byte("\n\n")} {
		if _, err := w.Write(piece); err != nil {
			return err
		}
	}
	return nil
}

// tellEnd says why the stream ends. Whoever watches may be gone. The browser comes again by itself;
// a page may look at the code first.
func tellEnd(w *reply, reason error) {
	e := problem.From(reason)
	data, err := json.Marshal(struct {
		Code   problem.Code `json:"code"`
		Detail string       `json:"detail"`
	}{e.Code, e.Detail})
	if err == nil {
		_, err = fmt.Fprintf(w, "event: end\ndata: %s\n\n", data)
	}
	if err == nil {
		_ = w.control.Flush()
	}
}

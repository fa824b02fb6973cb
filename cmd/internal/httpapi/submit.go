package httpapi

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"cakupan/cmd/internal/httpapi/split"
	"cakupan/cmd/internal/problem"
	"cakupan/domain/event"
	"cakupan/eventstore/cloudevents"
)

// The bounds of one batch (contract, section 7).
const (
	batchEventsMax = 10_000
	batchBytesMax  = 16 << 20
)

// The media types of events.
const (
	eventType = "application/cloudevents+json"
	batchType = "application/cloudevents-batch+json"
	dataType  = "application/json" // the body is the data, the envelope is in the header
)

func (a *API) postEvents(w *reply, r *http.Request) {
	opts, err := parseSubmit(r.URL.RawQuery)
	if err != nil {
		w.fail(r, err)
		return
	}
	switch mediaType(r) {
	case eventType:
		a.postOne(w, r, opts)
	case batchType:
		a.postBatch(w, r, opts)
	case streamType:
		a.postStream(w, r, opts)
	case dataType:
		a.postBinary(w, r, opts)
	default:
		w.Header().Set("Accept", strings.Join(
			[]string{eventType, batchType, streamType, dataType}, ", "))
		w.fail(r, problem.New(problem.MediaType, "send one event as "+eventType+
			", an array of them as "+batchType+", or one a line as "+streamType+
			"; uncompressed, in UTF-8. "+dataType+" is for the data of an event whose other"+
			" attributes are in ce- headers"))
	}
}

// mediaType returns the media type of the body, "" for one that cannot be read.
func mediaType(r *http.Request) string {
	name, parameters, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	charset := parameters["charset"]
	encoding := r.Header.Get("Content-Encoding")
	switch {
	case err != nil || charset != "" && !strings.EqualFold(charset, "utf-8"):
		return ""
	case encoding != "" && !strings.EqualFold(encoding, "identity"):
		return ""
	case name == dataType && !isBinary(r.Header):
		return ""
	}
	return name
}

// postOne takes in one event in structured mode.
func (a *API) postOne(w *reply, r *http.Request, opts SubmitOptions) {
	raw, err := a.readEvent(w, r)
	if err != nil {
		w.failBody(r, err)
		return
	}
	a.submitOne(w, r, raw, opts)
}

// readEvent reads a body that is one event, without the line end after it. Of a longer body it
// reads enough to see that it is too long.
func (a *API) readEvent(w *reply, r *http.Request) ([]byte, error) {
	const most = event.BytesMax + 1 + len("\r\n")
	a.limitBody(w)
	raw, err := io.ReadAll(io.LimitReader(r.Body, int64(most)))
	if err != nil {
		return nil, bodyProblem(err)
	}
	if len(raw) == most {
		return nil, problem.Refusal(event.CheckSize(most))
	}
	w.unlimitBody()
	return bytes.TrimSuffix(bytes.TrimSuffix(raw, []byte("\n")), []byte("\r")), nil
}

// limitBody bounds the time for the whole body. Not every transport can.
func (a *API) limitBody(w *reply) {
	_ = w.control.SetReadDeadline(a.config.Now().Add(a.config.Limits.Body))
}

// unlimitBody ends that once the body is read, so that the bound does not end what is done with
// it. After a body that was not read to its end the bound must stay: the server reads on.
func (w *reply) unlimitBody() { _ = w.control.SetReadDeadline(time.Time{}) }

// failBody answers that the body could not be read. What is left of it is not read either, so
// the connection cannot serve another request.
func (w *reply) failBody(r *http.Request, err error) {
	w.Header().Set("Connection", "close")
	w.fail(r, err)
}

// submitOne takes in one event; when it is refused, the answer is a problem.
func (a *API) submitOne(w *reply, r *http.Request, raw []byte, opts SubmitOptions) {
	got, err := a.ledger.Submit(r.Context(), [][]byte{raw}, opts)
	if err != nil {
		w.fail(r, err)
		return
	}
	refusal := firstRefusal(got)
	body, err := cloudevents.ReceiptsOf(got).JSON()
	switch {
	case err != nil:
		w.fail(r, err)
	case refusal != nil:
		w.failWith(r, problem.Refusal(refusal), body)
	default:
		send(w, http.StatusOK, append(body, '\n'))
	}
}

// postBatch takes in an array of events.
func (a *API) postBatch(w *reply, r *http.Request, opts SubmitOptions) {
	raw, err := a.readBatch(w, r)
	if err != nil {
		w.failBody(r, err)
		return
	}
	got, err := a.ledger.Submit(r.Context(), raw, opts)
	if err != nil {
		w.fail(r, err)
		return
	}
	body, err := cloudevents.ReceiptsOf(got).JSON()
	refusal := firstRefusal(got)
	switch {
	case err != nil:
		w.fail(r, err)
	case refusal != nil && opts.Atomic:
		e := problem.Refusal(refusal)
		e.Detail = "nothing was appended, because of event " +
			strconv.Itoa(placeOf(refusal, got)) + " of the batch: " + e.Detail
		w.failAtomic(r, e, body)
	default:
		send(w, http.StatusOK, append(body, '\n'))
	}
}

// readBatch reads a body that is an array of events.
func (a *API) readBatch(w *reply, r *http.Request) ([][]byte, error) {
	tooLarge := problem.New(problem.BodyTooLarge, "a batch has at most "+
		strconv.Itoa(batchEventsMax)+" events and "+strconv.Itoa(batchBytesMax>>20)+
		" MiB: send several, or a stream as "+streamType)
	if r.ContentLength > batchBytesMax {
		return nil, tooLarge
	}
	a.limitBody(w)
	elements := split.NewArray(http.MaxBytesReader(w.ResponseWriter, r.Body, batchBytesMax))
	var raw [][]byte
	for {
		element, _, err := elements.Next()
		var tooMany *http.MaxBytesError
		switch {
		case errors.Is(err, io.EOF):
			w.unlimitBody()
			return raw, nil
		case errors.As(err, &tooMany) || len(raw) == batchEventsMax:
			return nil, tooLarge
		case err != nil:
			return nil, bodyProblem(err)
		}
		raw = append(raw, bytes.Clone(element))
	}
}

// bodyProblem says what an error of reading a body is.
func bodyProblem(err error) error {
	switch {
	case errors.Is(err, split.ErrArray):
		return problem.New(problem.Malformed, err.Error())
	case errors.Is(err, os.ErrDeadlineExceeded):
		return problem.Wrap(problem.RequestTooSlow,
			"the body did not arrive in time: send less at once", err)
	}
	return problem.Wrap(problem.BodyIncomplete, "the body ended before it was complete", err)
}

package httpapi

import (
	"bytes"
	"errors"
	"mime"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"cakupan/cmd/internal/intake"
	"cakupan/cmd/internal/problem"
	"cakupan/cmd/internal/split"
	"cakupan/domain/event"
	"cakupan/eventstore/cloudevents"
)

// batchBytesMax bounds one batch, beside the number of its events (contract, section 7). It counts
// decoded bytes.
const batchBytesMax = 16 << 20

// The media types of events.
const (
	eventType = "application/cloudevents+json"
	batchType = "application/cloudevents-batch+json"
	dataType  = "application/json" // the body is the data, the envelope is in the header
)

// postEvents takes in events in any of the forms. What can be refused without the body is refused
// before any of it is read: a client that asks first (Expect) need not send it. The errors before
// the body are of the request as such: 400 for a parameter, 403 for one that a publisher may not
// use, 415 for how the body is sent. Nothing was appended then. An Idempotency-Key is not looked
// at: source and id of an event are that key, for ever (contract, section 1).
func (a *API) postEvents(w *reply, r *http.Request) {
	opts, err := parseSubmit(r.URL.RawQuery)
	if err == nil {
		err = confine(&opts.Options, w.member)
	}
	if err != nil {
		w.fail(r, err)
		return
	}
	if _, known := encodingOf(r.Header); !known {
		w.Header().Set("Accept-Encoding", acceptEncoding)
		w.fail(r, problem.New(problem.EncodingUnsupported,
			"send the body as it is, or with Content-Encoding gzip or zstd, one of them"))
		return
	}
	// The library would take the first, and a proxy perhaps the other one.
	if len(r.Header.Values("Content-Type")) > 1 {
		w.fail(r, problem.New(problem.MediaType,
			"the header Content-Type is sent twice: send it once"))
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
			"; in UTF-8. "+dataType+" is for the data of an event whose other"+
			" attributes are in ce- headers"))
	}
}

// mediaType returns the media type of the body, "" for one that cannot be read. JSON is UTF-8, so
// another charset is none of ours. Plain application/json without a ce- header is refused too: it
// may be an event or the data of one, and to guess would put a wrong one into the log.
func mediaType(r *http.Request) string {
	name, parameters, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	charset := parameters["charset"]
	switch {
	case err != nil || charset != "" && !strings.EqualFold(charset, "utf-8"):
		return ""
	case name == dataType && !isBinary(r.Header):
		return ""
	}
	return name
}

// postOne takes in one event in structured mode. It answers 200 with the receipt of what was
// appended or is a duplicate, and 422, 409, 413 or 403 with a problem for one that was refused
// (contract, section 7).
func (a *API) postOne(w *reply, r *http.Request, opts submission) {
	work := a.take(w)
	defer work.release()
	raw, err := a.readEvent(w, r, work)
	if err != nil {
		w.failBody(r, err)
		return
	}
	a.submitOne(w, r, work, raw, opts)
}

// readEvent reads a body that is one event, without the line end after it. Of a longer body it
// reads enough to see that it is too long. What it returns lies in the memory of the work. The room
// for the event is claimed first: with an error nothing of the body was read.
func (a *API) readEvent(w *reply, r *http.Request, work *work) ([]byte, error) {
	if err := work.claim.grow(r.Context(), eventRoom); err != nil {
		return nil, err
	}
	raw, err := a.readBody(w, r, work, eventBodyMax)
	if err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(bytes.TrimSuffix(raw, []byte("\n")), []byte("\r")), nil
}

// readBody reads a whole body, decoded, of less than so many bytes. A longer one is too large for
// an event or a batch, as the case may be. What it returns lies in the memory of the work. The
// caller decides what a longer body is too large for by the bound alone, so most is either
// eventBodyMax or more. An error is a problem, fit to be shown; the connection is then of no use
// any more, see failBody.
func (a *API) readBody(w *reply, r *http.Request, work *work, most int) ([]byte, error) {
	tooLarge := error(problem.Refusal(event.CheckSize(most)))
	if most > eventBodyMax {
		tooLarge = batchTooLarge()
	}
	encoding, _ := encodingOf(r.Header)
	if encoding == "" && r.ContentLength >= int64(most) {
		// Nothing is read of it. The bound is for the server, which reads on a little before it
		// closes.
		a.limitBody(w)
		return nil, tooLarge
	}
	paced := &floor{ReadCloser: r.Body, reply: w, began: time.Now(), paid: -1}
	// What is encoded is hardly ever longer than what it holds.
	body := decode(r, http.MaxBytesReader(w.ResponseWriter, paced, int64(most)+encodedMore),
		&work.claim)
	defer body.close()
	first := min(claimFirst, most)
	if encoding == "" && r.ContentLength >= 0 {
		// Claimed at once, as it is known: otherwise two large bodies could each wait for the
		// other's half.
		first = int(r.ContentLength) + 1 // and its end
	}
	err := work.read(r.Context(), body, first, most)
	var tooMany *http.MaxBytesError
	switch {
	case errors.As(err, &tooMany) || len(work.body) == most:
		return nil, tooLarge
	case err != nil:
		return nil, bodyProblem(err)
	}
	w.unlimitBody()
	return work.body, nil
}

// limitBody bounds the time for the whole body. Not every transport can. It is of a transport: a
// request in process has no deadline, and who asks so is the program itself.
func (a *API) limitBody(w *reply) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.reading = true
	_ = w.control.SetReadDeadline(w.deadline(a.config.Limits.Body))
}

// unlimitBody ends that once the body is read, so that the bound does not end what is done with
// it. After a body that was not read to its end the bound must stay: the server reads on.
func (w *reply) unlimitBody() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.reading = false
	_ = w.control.SetReadDeadline(time.Time{})
}

// leaveBody bounds the time for what is left of a body that nobody wants: the server reads on
// before it answers, and a client that sends nothing more would hold the connection for ever.
func (w *reply) leaveBody() {
	w.mu.Lock()
	defer w.mu.Unlock()
	_ = w.control.SetReadDeadline(w.deadline(w.api.config.Limits.Header))
}

// failBody answers that the body could not be read. What is left of it is not read either, so
// the connection cannot serve another request.
func (w *reply) failBody(r *http.Request, err error) {
	if !isOverload(err) {
		w.Header().Set("Connection", "close")
	}
	w.fail(r, err)
}

// submitOne takes in one event; when it is refused, the answer is a problem, which has the receipt
// with it: a client that only looks at receipts finds it where it always does. raw lies in the
// memory of the work, or is of its own. Once the ledger was asked, an error says nothing of whether
// the event is in the log: sent again, it is a duplicate if it is. If we crash after it is durable
// and before the answer, likewise.
func (a *API) submitOne(w *reply, r *http.Request, work *work, raw []byte, opts submission) {
	if err := w.still(); err != nil { // the body may have taken its time
		w.failAdmit(r, err)
		return
	}
	got, err := a.ledger.Submit(r.Context(), [][]byte{raw}, opts.Options)
	if err != nil {
		w.fail(r, err)
		return
	}
	work.answer = cloudevents.AppendReceiptsWith(work.answer[:0], got,
		a.withFindings(r.Context(), got, &opts))
	if refusal := firstRefusal(got); refusal != nil {
		w.failWith(r, problem.Refusal(refusal), work.answer)
		return
	}
	work.answer = append(work.answer, '\n')
	send(w, http.StatusOK, work.answer)
}

// postBatch takes in an array of events. If we crash before the answer, any of them may be in the
// log, or with atomic all or none; the client sends the same again, and learns which by receipts.
// With atomic and one refusal the answer is 422 with all receipts, and nothing is appended;
// otherwise 200 with a receipt for each, of which some may be refusals: whoever looks at the status
// alone has not looked (contract, section 7).
func (a *API) postBatch(w *reply, r *http.Request, opts submission) {
	work := a.take(w)
	defer work.release()
	if err := a.readBatch(w, r, work); err != nil {
		w.failBody(r, err)
		return
	}
	if err := w.still(); err != nil { // the body may have taken its time
		w.failAdmit(r, err)
		return
	}
	got, err := a.ledger.Submit(r.Context(), work.events, opts.Options)
	if err != nil {
		w.fail(r, err)
		return
	}
	work.placeRefusals(got)
	work.answer = cloudevents.AppendReceiptsWith(work.answer[:0], got,
		a.withFindings(r.Context(), got, &opts))
	if refusal := firstRefusal(got); refusal != nil && opts.Atomic {
		e := problem.Refusal(refusal)
		e.Detail = "nothing was appended, because of event " +
			strconv.Itoa(placeOf(refusal, got)) + " of the batch: " + e.Detail
		w.failAtomic(r, e, work.answer)
		return
	}
	work.answer = append(work.answer, '\n')
	send(w, http.StatusOK, work.answer)
}

// readBatch reads a body that is an array of events into the work. An array that is broken between
// its elements is refused as a whole; what is broken inside one is that event's defect, and is told
// by its receipt. One element more than may be is cut, to see that there are too many.
func (a *API) readBatch(w *reply, r *http.Request, work *work) error {
	body, err := a.readBody(w, r, work, batchBytesMax+1)
	if err != nil {
		return err
	}
	work.events, err = split.Cut(work.events[:0], body, intake.BatchEventsMax)
	switch {
	case err != nil:
		return bodyProblem(err)
	case len(work.events) > intake.BatchEventsMax:
		return batchTooLarge()
	}
	return work.claim.grow(r.Context(), int64(len(work.events))*eventRoom)
}

// placeRefusals gives refusals of elements that are no JSON their places in the array.
func (w *work) placeRefusals(got []event.Receipt) {
	var begins []split.Position
	for i := range got {
		why := got[i].Refusal
		if why == nil || why.Code != event.Malformed || why.Field != "" {
			continue
		}
		if begins == nil {
			begins = split.Begins(w.body)
		}
		if i < len(begins) {
			cloudevents.PlaceIn(why, w.events[i], begins[i].Line, begins[i].Column)
		}
	}
}

// batchTooLarge is the error for a batch beyond the bounds of section 7 of the contract. Nothing of
// it was taken in.
func batchTooLarge() error {
	return problem.New(problem.BodyTooLarge, "a batch has at most "+
		strconv.Itoa(intake.BatchEventsMax)+" events and "+strconv.Itoa(batchBytesMax>>20)+
		" MiB, once decoded: send several, or a stream as "+streamType)
}

// bodyProblem says what an error of reading a body is. An error that it does not know is taken for
// a connection that broke: nothing in a body can make the server fail.
func bodyProblem(err error) error {
	var known *problem.Error
	switch {
	case errors.As(err, &known):
		return known
	case errors.Is(err, split.ErrArray):
		return problem.New(problem.Malformed, err.Error())
	case errors.Is(err, os.ErrDeadlineExceeded):
		return problem.Wrap(problem.RequestTooSlow,
			"the body did not arrive in time, or too slowly: send less at once", err)
	}
	return problem.Wrap(problem.BodyIncomplete, "the body ended before it was complete", err)
}

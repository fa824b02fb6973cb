package httpapi

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"time"

	"cakupan/cmd/internal/problem"
	"cakupan/cmd/internal/shares"
	"cakupan/domain/event"
)

// What a member may have of what [Limits] bound is a part of it, so that no single credential takes
// what the others need. Who has not logged in may have all: the ledger is open then, and there are
// no members.
const (
	requestsPart = 4
	streamsPart  = 4
	memoryPart   = 2 // the longest batch takes a quarter, and a bit

	// checksAtOnce are replays and verifications; each member has one at a time.
	checksAtOnce = 2
	// auditsAtOnce are questions that may read much of the log or of the facts, as fast as their
	// answer is read; auditsOfOne of them are one member's.
	auditsAtOnce = 16
	auditsOfOne  = 2
	// longPoints is from how many points on a series is a long question.
	longPoints = 100
	// turnPatience is how long a long question, a replay or a verification waits for its turn.
	turnPatience = 30 * time.Second
)

// pools are what the members share. They are made by newPools and live as long as the handler. Each
// is safe for concurrent use; who has taken from one must give back, also when the request fails.
type pools struct {
	requests  *shares.Pool // in work, of those who have logged in
	streams   *shares.Pool // open
	questions *shares.Pool // long ones, each of which keeps a core busy
	audits    *shares.Pool // see isAudit
	checks    *shares.Pool // replays and verifications
}

// Limits must have their defaults by then. Of cores there are two at the least, so that half of
// them is one.
func newPools(limits Limits) pools {
	// Half of the cores at most are one member's.
	cores := int64(max(2, shares.Processors()))
	requests, streams := int64(limits.Requests), int64(limits.Streams)
	return pools{
		requests:  shares.New(requests, requests/requestsPart),
		streams:   shares.New(streams, streams/streamsPart),
		questions: shares.New(cores, cores/2),
		audits:    shares.New(auditsAtOnce, auditsOfOne),
		checks:    shares.New(checksAtOnce, 1),
	}
}

// share names whose share something is. A name may stand for several members, of several roles. It
// is never shown to anybody.
func (m *Member) share() string {
	if m == nil {
		return shares.Nobody
	}
	return strconv.Itoa(int(m.Role)) + " " + m.Name
}

// enterShare counts a request as its member's, or refuses it. Who is let in must leave. It does not
// wait: a member who has so many in work gains nothing by one more that stands. On an open ledger
// there is nothing to divide.
func (a *API) enterShare(w *reply) error {
	if w.member == nil {
		return nil
	}
	if !a.pools.requests.Try(w.member.share(), 1) {
		return shareTaken()
	}
	w.sharing = true
	return nil
}

// leaveShare counts it out, once. A watcher leaves it early, as he only waits; the deferred call
// then finds nothing to give.
func (w *reply) leaveShare() {
	if w.sharing {
		w.sharing = false
		w.api.pools.requests.Give(w.member.share(), 1)
	}
}

// failShare answers that the member has his share in work already. A body that comes with it is
// not read, so the connection cannot serve another request.
func (w *reply) failShare(r *http.Request, err error) {
	if r.ContentLength != 0 {
		w.Header().Set("Connection", "close")
	}
	w.fail(r, err)
}

// turn waits until a member may begin with what is dear, in the order in which all come, member by
// member. Who is let in must leave. It takes one of the pool. The error is that of ctx where the
// client is gone, and otherwise [problem.Overloaded], which a client may send again.
func (a *API) turn(ctx context.Context, w *reply, pool *shares.Pool) (leave func(), err error) {
	name := w.member.share()
	waiting, cancel := context.WithTimeout(ctx, turnPatience)
	defer cancel()
	switch err := pool.Take(waiting, name, 1); {
	case err == nil:
		return func() { pool.Give(name, 1) }, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	}
	return nil, shareTaken()
}

// shift is when a long answer is worked on. Answers of one member are worked on by half of the
// processors at most, and by turns: each until a piece of it is full, for which its client then
// takes his time. The zero value is of an answer that is not long: it is worked on at once. It is
// used by the handler's goroutine alone.
type shift struct {
	take func() error // nil: there is nothing to wait for
	give func()
	busy bool
}

// openShift has an answer be worked on by turns from its next begin on. Call what it returns when
// it is given.
func (a *API) openShift(w *reply, r *http.Request) (end func()) {
	name := w.member.share()
	w.work = shift{
		take: func() error { return a.pools.questions.Take(r.Context(), name, 1) },
		give: func() { a.pools.questions.Give(name, 1) },
	}
	return func() { w.work.pause() }
}

// begin waits for the turn, unless the answer has it. The error is that of a client who is gone.
// Who waits for something else than a processor must not have it.
func (s *shift) begin() error {
	if s.busy || s.take == nil {
		return nil
	}
	err := s.take()
	s.busy = err == nil
	return err
}

// pause lets others have their turn, and tells whether the answer had it.
func (s *shift) pause() (had bool) {
	if had = s.busy; had {
		s.give()
		s.busy = false
	}
	return had
}

// isAudit tells whether a question may take long, however short it is. Most of their answers stream
// from the facts or the log, and so last as long as their reader takes. A pattern is as of [route].
func isAudit(pattern string) bool {
	switch pattern {
	case "GET /v1/explain", "GET /v1/difference", "GET /v1/findings", "GET /v1/bundle",
		"GET /v1/funding", "GET /v1/history", "GET /v1/reconcile":
		return true
	default:
		return false
	}
}

// shareTaken is the error for a member who has all that one may have, or whose turn has not come in
// time. It is a 429 as overloaded is, with other words: to others nothing is the matter.
func shareTaken() error {
	return problem.New(problem.Overloaded, "as much as one member may have at a time is in work"+
		" for you already, or others came first: nothing of this was done that has no receipt;"+
		" wait for the answers to the others, and send this again")
}

// floor is a body that must come at a least speed. It takes the place of the bound of the whole
// body, which it keeps too. A client who sends one byte a second would otherwise hold memory for as
// long as the bound allows. Time is earned by all that has come, so a line that stands still for a
// moment after a good beginning is not cut off.
type floor struct {
	io.ReadCloser
	reply *reply
	began time.Time
	read  int64
	paid  int64 // of them, what the client was given time for; -1 before the first piece
}

// Read reads the next piece. A deadline that has passed is the error of the connection,
// [os.ErrDeadlineExceeded].
func (f *floor) Read(b []byte) (int, error) {
	// Each time costs some hundred nanoseconds, and a quarter of a second earns no client much.
	if f.paid < 0 || f.read-f.paid >= f.reply.api.config.Limits.Floor/4 {
		f.extend()
		f.paid = f.read
	}
	n, err := f.ReadCloser.Read(b)
	f.read += int64(n)
	return n, err
}

// extend gives the client time for the next piece: as much as what he has sent has earned him. Once
// the server is to stop, it has set a shorter time, which stays. Not every transport can bound
// time.
func (f *floor) extend() {
	w, limits := f.reply, &f.reply.api.config.Limits
	earned := limits.Grace + time.Duration(f.read)*time.Second/time.Duration(limits.Floor)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.api.draining.Err() == nil {
		_ = w.control.SetReadDeadline(f.began.Add(min(limits.Body, earned)))
	}
}

// credit is the time for which an answer may yet wait for who reads it. It begins with
// Limits.Grace; waiting uses it up, and what is taken earns some of it back, by Limits.Floor. It is
// never more than at first: what the system buffers is taken at once, and says nothing of the next
// minutes. How long the ledger itself takes does not count.
type credit struct{ used time.Duration }

// note notes that so many bytes were taken, for which the answer had to wait.
func (c *credit) note(bytes int, waited time.Duration, limits *Limits) {
	earned := time.Duration(bytes) * time.Second / time.Duration(limits.Floor)
	c.used = max(0, c.used+waited-earned)
}

// left returns what is left of it. It is never nothing, so that a deadline that is set from it is
// in the future, and who reads at once is not cut off.
func (c *credit) left(limits *Limits) time.Duration {
	return max(limits.Grace-c.used, time.Millisecond)
}

// inRow counts the refusals of a stream in a row. A stream of nothing but refusals costs as much as
// one of events, and gains nobody anything. With most 0 there is no bound.
type inRow struct{ most, count int }

// refusalsInRow returns the bound of refusals for a stream. An open ledger has none: whoever is at
// its machine reads all that is wrong with a file.
func (a *API) refusalsInRow(w *reply) *inRow {
	if w.member == nil {
		return &inRow{}
	}
	return &inRow{most: a.config.Limits.Refusals}
}

// after counts what has become of more events, and returns why the stream ends. A duplicate is a
// success and ends a row. The events counted have their receipts already: the error is only the
// last line of the answer.
func (i *inRow) after(got []event.Receipt) error {
	for k := range got {
		if i.count++; got[k].Status != event.Refused {
			i.count = 0
		}
	}
	if i.most == 0 || i.count < i.most {
		return nil
	}
	return problem.New(problem.StreamRefused, "the last "+strconv.Itoa(i.count)+" events of the"+
		" stream are refused, one after the other: the rest was not looked at. Correct what the"+
		" receipts say, and send again from the first of them")
}

// Package httpapi is the ledger on HTTP (contract, section 7): events in, coverage out.
//
// [New] makes the handler, [Listen] a server for it that bounds what strangers can take of time and
// memory, and [InProcess] a client's transport that reaches the handler without a network, so that
// the command line asks the same questions in the same way with and without a server. Beside these
// there are many routes for auditors (contract, section 8), subscriptions (section 9) and the
// operator. What a figure or a fact comes to is none of this package's: it reads questions, asks a
// [Ledger], and writes answers.
//
// A handler holds no state between two requests but for counts of what is in work. So a server that
// ends, however it ends, loses nothing that a client was told of: what has a receipt is durable in
// the ledger.
package httpapi

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"log/slog"
	"net/http"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"cakupan/cmd/internal/live"
	"cakupan/cmd/internal/problem"
	"cakupan/domain/temporal"
)

// Pages are files of a dashboard. Has tells whether there is one at a path.
type Pages interface {
	http.Handler
	Has(path string) bool
}

// Config is what the routes need besides the ledger. The zero value of each field is a default. New
// copies it. What its fields lead to is called from many goroutines at once, and belongs to whoever
// called New, who closes it after the server has ended.
type Config struct {
	// Now says which day is today, and the moment that records of reads get. It decides nothing of
	// the log: record times are the ledger's own.
	Now   func() time.Time // the clock; time.Now
	Log   *slog.Logger     // for the operator; slog.Default
	Pages Pages            // answers GET / and GET /assets/; none
	// Documents answers GET /openapi.json, /asyncapi.json, /schemas/ and /schemas/NAME.json; none.
	Documents http.Handler
	// Upload makes what answers at /upload, given what answers on all routes; none.
	Upload func(api http.Handler) http.Handler

	// Notice returns what is said in the header of every answer, such as of a sample's, "" for
	// nothing; none. It and Access are asked at each request: what a ledger is and whether it is
	// guarded may be found out later.
	Notice func(ctx context.Context) string
	Access Access      // who may ask; nil: anybody
	TLS    *tls.Config // how the server answers; nil: without TLS

	// Feed is called when the server begins to answer, and may watch until ctx ends: it returns
	// then. None.
	Feed func(ctx context.Context, hub *live.Hub)

	Observer Observer     // is told of each request; none
	Metrics  http.Handler // answers GET /metrics; none
	// Trace begins to trace a request, and tells of its end as [Observer] does; none.
	Trace func(r *http.Request) (within *http.Request, end func(route string, status int))

	Limits Limits
}

// Limits bound what a client can make the server wait. The zero value of each field stands for the
// default that is named beside it; a bound cannot be left out. Times are of the wall clock and of
// one client; numbers are of the whole server, unless a line says otherwise. They are set by New
// and only read after it.
type Limits struct {
	Header time.Duration // until a request's header is read; 10 s
	Body   time.Duration // until a body, but for a stream's, is read; 2 min
	Grace  time.Duration // for such a body, and any answer, beside what Floor gives it; 30 s
	Stream time.Duration // between two reads of a stream; 5 min
	Write  time.Duration // until a piece of an answer is taken; 30 s
	Idle   time.Duration // between two requests of a connection; 2 min

	// Bytes that must come of such a body a second, and be taken of an answer that waits for who
	// reads it; 1 KiB.
	Floor int64

	// What is beyond these is hung up on.
	Conns     int // connections; 4,096
	Strangers int // of them, from one network and not logged in; 128

	// What is beyond these is answered with 429, to be sent again. A member may have a part: a
	// half of the memory, a quarter of requests and streams.
	Memory   int64 // bytes for the bodies of all requests in work; 256 MiB
	Requests int   // in work; 1,024
	Streams  int   // open streams of events; 48
	Refusals int   // in a row, after which a member's stream ends; 10,000
	Viewers  int   // who watch; 4,096
}

// noticeHeader says what must be known about all that is shown, such as that it is a sample. It is
// a header so that no figure can be copied from an answer whose bytes were changed by the notice.
const noticeHeader = "Cakupan-Notice"

// transportSecurity has browsers that were here by TLS come back by TLS alone, for a year.
const transportSecurity = "max-age=31536000"

// API answers requests. Make it with [New]. It is safe for concurrent use. It has no end of its
// own: a [Server] ends what it has begun.
type API struct {
	// Set by New and only read after it.
	ledger  Ledger
	config  Config
	mux     *http.ServeMux
	upload  http.Handler // nil: none
	origins *http.CrossOriginProtection

	room     *room        // bytes of bodies in work, of all requests together
	requests atomic.Int64 // in work
	pools    pools        // what members have of all that
	lulls    lulls        // of streams

	hub     *live.Hub    // tells who watches; started by [Server.Serve]
	viewers atomic.Int64 // who watch
	token   string       // of this server, in the tags of its answers

	// draining ends when the server begins to stop: streams then come to their end.
	draining context.Context
	drain    context.CancelFunc
	inWork   inWork
}

// New returns the handler of all routes. The handler starts no goroutine: who watches changes is
// told of them only while a [Server] serves, and one that is only ever asked in process need not be
// closed. The ledger stays the caller's. Config.Upload is called last but for the routes, with a
// handler that has no routes yet: it may keep it, and must not ask it before New has returned.
func New(ledger Ledger, config Config) *API {
	if config.Now == nil {
		config.Now = time.Now
	}
	if config.Log == nil {
		config.Log = slog.Default()
	}
	orDefault(&config.Limits.Header, 10*time.Second)
	orDefault(&config.Limits.Body, 2*time.Minute)
	orDefault(&config.Limits.Grace, 30*time.Second)
	orDefault(&config.Limits.Floor, 1<<10)
	orDefault(&config.Limits.Stream, 5*time.Minute)
	orDefault(&config.Limits.Write, 30*time.Second)
	orDefault(&config.Limits.Idle, 2*time.Minute)
	orDefault(&config.Limits.Conns, connsDefault)
	orDefault(&config.Limits.Strangers, strangersDefault)
	orDefault(&config.Limits.Memory, 256<<20)
	orDefault(&config.Limits.Requests, 1_024)
	orDefault(&config.Limits.Streams, 48)
	orDefault(&config.Limits.Viewers, 4_096)
	orDefault(&config.Limits.Refusals, 10_000)
	a := &API{
		ledger: ledger, config: config, mux: http.NewServeMux(),
		origins: http.NewCrossOriginProtection(),
		room:    newRoom(config.Limits.Memory),
		pools:   newPools(config.Limits),
		hub:     live.New(ledger, config.Now, config.Log),
		token:   rand.Text(),
	}
	a.draining, a.drain = context.WithCancel(context.Background())
	if config.Upload != nil {
		a.upload = config.Upload(a)
	}
	a.register()
	return a
}

// orDefault puts the default in place of a bound that was left out. A test sets bounds of its own,
// which are small; nobody has a use for a bound of 0.
func orDefault[N ~int | ~int64](n *N, otherwise N) {
	if *n == 0 {
		*n = otherwise
	}
}

// today is the day it is in Asia/Makassar, which the contract counts days in wherever the server
// stands.
func (a *API) today() temporal.Date {
	return temporal.Instant(a.config.Now().UnixNano()).Date()
}

// ServeHTTP answers a request. Every answer, also an error of the mux, goes through a [reply], so
// each has the headers that are set here, and bounded times. The order matters: who is counted in
// is counted out by the deferred calls, whatever a handler does, and the request is in work for a
// stop of the server before its first byte is read.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	reply := &reply{ResponseWriter: w, control: http.NewResponseController(w), api: a}
	a.inWork.add(reply)
	defer a.inWork.remove(reply)
	reply.extend()
	if a.config.Observer != nil {
		a.config.Observer.Begin()
		defer func() { a.config.Observer.End(routeOf(r), reply.status) }()
	}
	if a.config.Trace != nil {
		within, end := a.config.Trace(r)
		r = within
		defer func() { end(routeOf(within), reply.status) }()
	}
	h := reply.Header()
	// By default a browser asks again each time, because figures move with the log; answers about a
	// past that cannot change say otherwise themselves.
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-cache")
	if r.TLS != nil {
		h.Set("Strict-Transport-Security", transportSecurity)
	}
	if a.config.Notice != nil {
		if notice := a.config.Notice(r.Context()); notice != "" {
			h.Set(noticeHeader, notice)
		}
	}
	defer func() {
		if cause := recover(); cause != nil {
			a.recovered(reply, r, cause)
		}
	}()
	// A page of a stranger, open in the browser of somebody who can reach this server, must not
	// write to the ledger in that person's name.
	if err := a.origins.Check(r); err != nil {
		reply.fail(r, problem.Wrap(problem.Forbidden,
			"a page of another site may not send this", err))
		return
	}
	// Counted before it is compared, so that two that come at once cannot both take the last place.
	// It is let in before who asks is known, so the bound protects the look-up of logins too. A
	// probe has no bound: who looks after the server must see that it has too much to do.
	if a.requests.Add(1) > int64(a.config.Limits.Requests) && !isProbe(r) {
		a.requests.Add(-1)
		reply.failShare(r, overloaded())
		return
	}
	defer a.requests.Add(-1)
	a.mux.ServeHTTP(reply, r)
}

// recovered answers a request whose handler panicked. The request is not logged, because a path or
// a query may hold what must not be. The process goes on: what the request held is given back by
// its deferred calls. Where the answer has begun, the error is its last line, as for every other
// failure.
func (a *API) recovered(w *reply, r *http.Request, cause any) {
	a.config.Log.LogAttrs(r.Context(), slog.LevelError, "request panicked",
		slog.String("method", r.Method), slog.Any("cause", cause),
		slog.String("stack", string(debug.Stack())))
	w.fail(r, problem.New(problem.Internal, "internal error"))
}

// reply is a response that gives its client a bounded time for each piece it is to take. It lives
// as long as one request. All of it belongs to the handler's goroutine, but for what mu guards: a
// stop of the server comes from another one.
type reply struct {
	http.ResponseWriter
	control *http.ResponseController
	api     *API
	begun   bool    // the status is sent: an error can no more be the answer
	member  *Member // who has logged in; nil while the ledger is open
	status  int     // that was sent
	sharing bool    // it counts as one of its member's requests
	packs   bool    // the answer is sent packed: who asked takes it so
	work    shift   // of a long answer

	mu      sync.Mutex // orders deadlines with a stop of the server, which shortens them
	reading bool       // a body of bounded time
	reader  credit     // of who takes the answer
}

// Unwrap returns the response below, for [http.ResponseController].
func (w *reply) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader sends the status. A second status is passed on for the library to complain of, and is
// not what was answered.
func (w *reply) WriteHeader(status int) {
	if !w.begun {
		w.begun, w.status = true, status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write sends a piece of the answer. Each piece has its own time, and an answer as a whole has
// none: a long answer to somebody who reads is no fault, and one to somebody who does not is ended
// within Limits.Write; one who reads ever so little, once his credit is used up.
func (w *reply) Write(b []byte) (n int, err error) {
	if !w.begun {
		w.begun, w.status = true, http.StatusOK
	}
	if w.work.pause() {
		defer func() {
			if again := w.work.begin(); err == nil {
				err = again
			}
		}()
	}
	w.extend()
	began := time.Now()
	n, err = w.ResponseWriter.Write(b)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.reader.note(n, time.Since(began), &w.api.config.Limits)
	return n, err
}

// extend gives the client time for the next piece. Not every transport can bound time.
func (w *reply) extend() {
	w.mu.Lock()
	defer w.mu.Unlock()
	limits := &w.api.config.Limits
	_ = w.control.SetWriteDeadline(w.deadline(min(limits.Write, w.reader.left(limits))))
}

// fail answers with an error. When the answer has begun, the error is its last line. A client that
// reads lines knows a problem by its type; see [problem.IsLine].
func (w *reply) fail(r *http.Request, err error) { w.failWith(r, err, nil) }

// failWith answers with an error and more members of its object. extra is a JSON object such as
// receipts, or nil; it is left out of an error that is a last line, where receipts have gone
// before. An internal error is logged with its cause, which the client is not shown; not when the
// client is gone, because a request that was given up fails in any way.
func (w *reply) failWith(r *http.Request, err error, extra []byte) {
	e := problem.From(err)
	if e.Code == problem.Internal && r.Context().Err() == nil {
		w.api.config.Log.LogAttrs(r.Context(), slog.LevelError, "request failed",
			slog.String("method", r.Method), slog.Any("cause", errors.Unwrap(e)))
	}
	if w.begun {
		// Whoever asked may be gone, and then there is nobody to tell.
		_, _ = w.Write(append(e.JSON(false), '\n'))
		return
	}
	// Length -1 is a body of unknown length. One that was read to its end is not hurt by the bound.
	if r.ContentLength != 0 {
		w.leaveBody()
	}
	problem.Write(w, r, e, extra)
}

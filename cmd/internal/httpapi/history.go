package httpapi

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"runtime"
	"slices"
	"strings"

	"cakupan/cmd/internal/ledger"
	"cakupan/cmd/internal/problem"
	"cakupan/eventstore/lookups"
)

// streamType is the media type of one JSON value a line.
const streamType = "application/x-ndjson"

// stillEvery is after how many events of the log it is asked whether who reads may read on.
const stillEvery = 1_000

// getEvents streams the log. What goes wrong after the first line is the last line. Memory does not
// grow with the log. A question about one worker or enrolment is recorded before the first line;
// one about all events is about nobody in particular.
func (a *API) getEvents(w *reply, r *http.Request) {
	filter, err := parseEvents(r.URL.RawQuery)
	if err != nil {
		w.fail(r, err)
		return
	}
	if err := a.notePerson(w, r, lookups.Events, filter.Worker, filter.Enrolment); err != nil {
		w.fail(r, err)
		return
	}
	ctx, stop := a.untilDrain(r)
	defer stop()
	// Who follows holds a place for as long as he likes, as a stream of events does, and is counted
	// with those.
	if filter.Follow {
		name := w.member.share()
		if !a.pools.streams.Try(name, 1) {
			w.fail(r, overloaded())
			return
		}
		defer a.pools.streams.Give(name, 1)
	}
	defer a.openShift(w, r)()
	w.Header().Set("Content-Type", streamType)
	out := bufio.NewWriterSize(w, 64<<10)
	lines := 0
	err = a.ledger.Events(ctx, filter, func(line []byte) error {
		if line == nil { // who follows has all, and waits for more
			w.work.pause()
			return flushNow(w, out)
		}
		if err := w.work.begin(); err != nil {
			return errGone
		}
		if lines%yieldEvery == yieldEvery-1 {
			runtime.Gosched()
		}
		if lines++; lines%stillEvery == 0 || filter.Follow {
			if err := w.still(); err != nil {
				return err
			}
		}
		_, _ = out.Write(line) // the writer keeps its first error
		if err := out.WriteByte('\n'); err != nil {
			return errGone
		}
		return nil
	})
	if flushed := out.Flush(); flushed != nil || errors.Is(err, errGone) {
		return
	}
	if err != nil {
		w.fail(r, a.drained(err, "go on from the last event, later"))
	}
}

// flushNow sends what was written so far to who follows. Without it, the last events would lie in a
// buffer until more come.
func flushNow(w *reply, out *bufio.Writer) error {
	if out.Flush() != nil || w.control.Flush() != nil {
		return errGone
	}
	return nil
}

// errGone ends an answer that nobody takes any more.
var errGone = errors.New("the client is gone")

// writeJSON answers with a JSON object.
func writeJSON(w *reply, r *http.Request, status int, value any) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		w.fail(r, err)
		return
	}
	send(w, status, b.Bytes())
}

// postReplay rebuilds a projection beside the live one and compares (contract, sections 6 and 7).
// It reads the whole log, so it has its turn and ends with the server. A difference is no error:
// matches is false.
func (a *API) postReplay(w *reply, r *http.Request) {
	opts, err := parseReplay(r.URL.RawQuery)
	switch {
	case err != nil:
	case w.member == nil:
		err = onlyHere(r)
	case opts.Swap:
		err = problem.New(problem.Forbidden, "to swap is for whoever runs the ledger: stop the"+
			" server, and run `cakupan replay --swap` on its folder")
	}
	if err != nil {
		w.fail(r, err)
		return
	}
	answerCheck(a, w, r, "begin the replay again, later",
		func(ctx context.Context) (ledger.ReplayResult, error) {
			return a.ledger.Replay(ctx, opts, nil)
		})
}

// answerCheck answers with what a check of the whole log comes to: it has its turn, and ends with
// the server. again says what to do then.
func answerCheck[T any](a *API, w *reply, r *http.Request, again string,
	check func(context.Context) (T, error),
) {
	ctx, stop := a.untilDrain(r)
	defer stop()
	var result T
	leave, err := a.turn(ctx, w, a.pools.checks)
	if err == nil {
		defer leave()
		result, err = check(ctx)
	}
	if err != nil {
		w.fail(r, a.drained(err, again))
		return
	}
	writeJSON(w, r, http.StatusOK, result)
}

// postVerify reads and checks the whole log. Damage is in the report, with 200. A check that was
// ended by a stop of the server leaves nothing behind.
func (a *API) postVerify(w *reply, r *http.Request) {
	_, err := parseParameters(r.URL.RawQuery)
	if err == nil && w.member == nil {
		err = onlyHere(r)
	}
	if err != nil {
		w.fail(r, err)
		return
	}
	answerCheck(a, w, r, "begin the check again, later",
		func(ctx context.Context) (ledger.VerifyReport, error) {
			return a.ledger.Verify(ctx, nil)
		})
}

// onlyHere refuses a request that does not come from this machine, or that was sent to a name
// that is not this machine's own: a name of a stranger may be made to lead here.
func onlyHere(r *http.Request) error {
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !from.Addr().Unmap().IsLoopback() || !toOwnName(r) {
		return problem.New(problem.Forbidden,
			"this is for the operator: ask on the machine of the server, by 127.0.0.1 or localhost")
	}
	return nil
}

// ownName refuses a request to an open ledger that was sent to another name than the machine's own.
// A stranger's page may make its own name lead here: for the browser it then asks its own server,
// and reads the answer. A proxy on the machine makes everybody seem to be on it, so what was
// forwarded is refused too.
func ownName(r *http.Request) error {
	if by := forwardedBy(r); by != "" {
		return problem.New(problem.Forbidden, "this ledger is open to its own machine alone,"+
			" and this request was forwarded by a proxy ("+by+"), so anybody may have sent it."+
			" Have those who ask log in: `cakupan publisher add` and `cakupan reader add`")
	}
	if toOwnName(r) {
		return nil
	}
	return problem.New(problem.Forbidden, "this ledger is open to its own machine alone: ask by"+
		" 127.0.0.1 or localhost. To be asked by another name, have those who ask log in:"+
		" `cakupan publisher add` and `cakupan reader add`")
}

// forwardedBy returns by what a request shows that a proxy has passed it on, "" where it shows
// nothing of the kind. On the machine itself it then comes from loopback, whoever sent it. HTTP/1.0
// is what nginx speaks to the server behind it unless it is told otherwise, with no header that
// says so.
func forwardedBy(r *http.Request) string {
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		switch {
		case slices.Contains(forwardedHeaders, name), strings.HasPrefix(name, "X-Forwarded"),
			strings.HasPrefix(name, "X-Original-"), strings.HasSuffix(name, "Client-Ip"),
			strings.HasSuffix(name, "-Clientip"), strings.HasSuffix(name, "-Connecting-Ip"):
			return "header " + name
		}
	}
	if !r.ProtoAtLeast(1, 1) {
		return r.Proto
	}
	return ""
}

// forwardedHeaders are some by which proxies say whose request they pass on; others are known by a
// part of their names.
var forwardedHeaders = []string{
	"Forwarded", "Via", "X-Real-Ip", "Cdn-Loop", "X-Envoy-External-Address", "X-Proxyuser-Ip",
}

// toOwnName tells whether a request was sent to a name that every machine has for itself.
func toOwnName(r *http.Request) bool { return isOwnName(r.Host) }

// isOwnName tells whether a host, with or without a port, is a name that every machine has for
// itself.
func isOwnName(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	to, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return strings.EqualFold(host, "localhost") || err == nil && to.Unmap().IsLoopback()
}

// OwnPage refuses what an open ledger must not take of those who ask for a WebSocket: what was sent
// to another name or forwarded, as of any request, and what a page of another machine asks for. No
// browser keeps a page from that, and there is no login.
func OwnPage(r *http.Request) error {
	if err := ownName(r); err != nil {
		return err
	}
	origin := r.Header.Get("Origin")
	if page, err := url.Parse(origin); origin == "" || err == nil && isOwnName(page.Host) {
		return nil
	}
	return problem.New(problem.Forbidden, "this ledger is open to its own machine alone, and a"+
		" page from elsewhere asks. Have those who ask log in: `cakupan publisher add` and"+
		" `cakupan reader add`")
}

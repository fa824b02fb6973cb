package problem

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"pgregory.net/rapid"

	"cakupan/domain/event"
	"cakupan/eventstore"
	"cakupan/eventstore/writer"
)

// TestTable goes through every row: statuses are of errors, exit codes of the contract, both
// languages say something else, and what can pass by itself is told to be tried again.
func TestTable(t *testing.T) {
	for _, code := range Codes() {
		row := table[code]
		if row.status < 400 || row.status > 599 || http.StatusText(row.status) == "" {
			t.Errorf("%s: status %d", code, row.status)
		}
		if row.refused != 0 && (row.refused < 400 || row.refused > 499) {
			t.Errorf("%s: an event is refused with %d, which blames the ledger", code, row.refused)
		}
		if row.exit < ExitFailed || row.exit > ExitCheckFailed {
			t.Errorf("%s: exit %d", code, row.exit)
		}
		if code.Title(false) == code.Title(true) || code.Title(true) == "" {
			t.Errorf("%s: %q and %q", code, code.Title(false), code.Title(true))
		}
		if row.retry > 0 && row.status != 429 && row.status != 503 && row.status != 507 {
			t.Errorf("%s: to be sent again, though the status is %d", code, row.status)
		}
		if !code.Known() || code.OfEvent() != (row.refused != 0) {
			t.Errorf("%s: known %t, of an event %t", code, code.Known(), code.OfEvent())
		}
	}
	if Code("no.such").Known() || Code("no.such").OfEvent() || Code("no.such").Title(true) == "" {
		t.Error("a code that is none has a row, or no words at all")
	}
	if codes := Codes(); !slices.IsSorted(codes) || len(codes) != len(table) {
		t.Errorf("codes are %v", codes)
	}
}

// TestRoundTrip: what is written to a client is what the client reads, whatever the words are.
func TestRoundTrip(t *testing.T) {
	words := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{
		"", `"quoted"\`, "<b>&amp;", "\u2028\u2029", "é😀", "two\nlines", "\x00",
	}))
	rapid.Check(t, func(t *rapid.T) {
		e := &Error{
			Code:  rapid.SampledFrom(Codes()).Draw(t, "code"),
			Field: words.Draw(t, "field"), Detail: words.Draw(t, "detail"),
			Refused: rapid.Bool().Draw(t, "refused"), Err: errors.New("a secret cause"),
		}
		w := httptest.NewRecorder()
		r := httptest.NewRequest("GET", "/", nil)
		if rapid.Bool().Draw(t, "indonesian") {
			r.Header.Set("Accept-Language", rapid.SampledFrom([]string{
				"id", "ID-id, en;q=0.9", " id ; q=1",
			}).Draw(t, "language"))
		}
		Write(w, r, e, nil)
		if w.Code != e.Status() {
			t.Fatalf("status %d, want %d", w.Code, e.Status())
		}
		body := w.Body.Bytes()
		if n := strings.Count(string(body), "\n"); n != 1 || !json.Valid(body) {
			t.Fatalf("%d line ends: %s", n, body)
		}
		if strings.Contains(string(body), "secret") {
			t.Fatalf("the cause is shown: %s", body)
		}
		back := Parse(w.Code, body, e.Refused)
		if back.Code != e.Code || back.Field != valid(e.Field) || back.Detail != valid(e.Detail) ||
			back.Exit() != e.Exit() || back.Status() != e.Status() {
			t.Fatalf("%+v came back as %+v", e, back)
		}
		if !IsLine(body) {
			t.Fatalf("as a line of a stream it is not known: %s", body)
		}
		retry := w.Header().Get("Retry-After")
		if (retry != "") != (table[e.Code].retry > 0) {
			t.Fatalf("%s: Retry-After is %q", e.Code, retry)
		}
	})
}

// valid is a text as JSON can hold it.
func valid(text string) string { return strings.ToValidUTF8(text, "\ufffd") }

// TestLanguage: the first language decides, and what looks like Indonesian is not.
func TestLanguage(t *testing.T) {
	for header, want := range map[string]bool{
		"id": true, "id-ID": true, "ID": true, " id;q=0.5, en": true,
		"": false, "en": false, "en, id": false, "ide": false, "*": false, ",id": false,
	} {
		if got := wantsIndonesian(header); got != want {
			t.Errorf("%q: %t", header, got)
		}
	}
}

// TestExtra: members of its own are added to a problem's, and no members leave it alone.
func TestExtra(t *testing.T) {
	for extra, want := range map[string]string{"": "", "{}": "", `{"receipts":[1]}`: `,"receipts":[1]}`} {
		w := httptest.NewRecorder()
		Write(w, httptest.NewRequest("GET", "/", nil), New(NotFound, "x"), []byte(extra))
		if !json.Valid(w.Body.Bytes()) || !strings.HasSuffix(w.Body.String(), want+"\n") {
			t.Errorf("%s: %s", extra, w.Body)
		}
	}
}

// TestCauses finds the place of each error of the rooms below, however deep it lies, and of two
// the closer one.
func TestCauses(t *testing.T) {
	for err, want := range map[error]Code{
		eventstore.ErrFull: LogFull, syscall.ENOSPC: LogFull,
		writer.ErrIndexBehind: LogUnavailable, writer.ErrClosed: LogUnavailable,
		eventstore.ErrUnknownOutcome: LogUnavailable, eventstore.ErrFenced: LogUnavailable,
		eventstore.ErrClosed: LogUnavailable, eventstore.ErrUnsafe: LogUnavailable,
		eventstore.ErrNewerFormat: FolderNewer, eventstore.ErrNoLog: FolderMissing,
		fs.ErrPermission: FolderDenied, syscall.EACCES: FolderDenied,
		&writer.BatchTooLargeError{}: BatchTooLarge,
	} {
		deep := fmt.Errorf("append: %w", errors.Join(errors.New("beside it"), err))
		e := From(deep)
		if e.Code != want || e.Detail == "" || Status(deep) != e.Status() || Exit(deep) != e.Exit() {
			t.Errorf("%v: %+v, want %s", err, e, want)
		}
		if from := From(fmt.Errorf("again: %w", e)); from != e {
			t.Errorf("%v: a place was found twice: %+v", err, from)
		}
	}
	both := errors.Join(syscall.EACCES, eventstore.ErrFull)
	if got := From(both).Code; got != LogFull {
		t.Errorf("of two causes: %s", got)
	}
}

// TestWhole: a batch that is refused for one event's sake blames no neighbour, whatever the event's
// own status is.
func TestWhole(t *testing.T) {
	for _, code := range []event.Code{event.Conflict, event.TooLarge, event.Forbidden, event.Malformed} {
		e := Refusal(&event.Refusal{Code: code, Field: "data.from", Detail: "d"})
		own := e.Status()
		e.Whole = true
		if e.Status() != http.StatusUnprocessableEntity || e.Exit() != ExitRefused {
			t.Errorf("%s: %d alone, %d as a whole, exit %d", code, own, e.Status(), e.Exit())
		}
	}
}

// TestErrorText has code, field, detail and cause, each where there is one.
func TestErrorText(t *testing.T) {
	cause := errors.New("boom")
	for want, e := range map[string]*Error{
		"internal":                       {Code: Internal},
		"query.invalid (on): no date":    Query("on", "no date"),
		"log.full: no room: boom":        Wrap(LogFull, "no room", cause),
		"not_found (x): boom":            {Code: NotFound, Field: "x", Err: cause},
		"usage: both of a and b: choose": New(UsageWrong, "both of a and b: choose"),
	} {
		if e.Error() != want || errors.Is(e, cause) != (e.Err != nil) {
			t.Errorf("%q, want %q", e.Error(), want)
		}
	}
}

// TestFile tells a file that is not there from one that cannot be read.
func TestFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gone")
	_, err := os.Open(path)
	if e := File(path, err); e.Code != NotFound || !strings.Contains(e.Detail, path) {
		t.Errorf("%v", e)
	}
	if e := File(path, fs.ErrPermission); e.Code != FileNotReadable || !errors.Is(e, fs.ErrPermission) {
		t.Errorf("%v", e)
	}
}

// FuzzParse reads any answer: an error of the table, never a crash or an error without a code.
func FuzzParse(f *testing.F) {
	f.Add(200, []byte(`{}`))
	f.Add(507, []byte(`{"code":"log.full","detail":"x"}`))
	f.Add(-1, []byte(`[`))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		e := Parse(status, body, true)
		if !e.Code.Known() || e.Status() < 400 || e.Exit() == ExitDone {
			t.Errorf("%d %s: %+v", status, body, e)
		}
	})
}

package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cakupan/cmd/internal/httpapi"
	"cakupan/cmd/internal/ledger"
	"cakupan/cmd/internal/problem"
	"cakupan/domain/event"
	"cakupan/projections/coverage"
)

// quiet takes notes and keeps none.
func quiet(string, ...any) {}

// folder returns a client of a new ledger without a server.
func folder(t *testing.T) *Client {
	t.Helper()
	l, err := ledger.Open(t.Context(), ledger.Options{
		Dir: filepath.Join(t.TempDir(), "data"), Create: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	s := Open(l, httpapi.Config{})
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// answering returns a client of a server that gives one answer to everything.
func answering(t *testing.T, status int, body string) *Client {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(
		func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}))
	t.Cleanup(server.Close)
	return dial(t, server.URL)
}

func dial(t *testing.T, address string) *Client {
	t.Helper()
	s, err := Dial(t.Context(), address, "", quiet)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func opened(id, worker string) []byte {
	return fmt.Appendf(nil, `{"specversion":"1.0","id":"%s","source":"urn:test",`+
		`"type":"id.cakupan.enrolment.opened.v1","data":{"enrolment":"E-%s","worker":"%s",`+
		`"region":"75.03","segment":"PU","category":"PRIVATE","programmes":["JKK"],`+
		`"payer":"EMPLOYER","from":"2020-01-01"}}`, id, id, worker)
}

// code returns the code of an error, "" for none.
func code(err error) problem.Code {
	if err == nil {
		return ""
	}
	return problem.From(err).Code
}

// TestFolderAndServer asks one ledger the same questions without and with a network between: the
// answers are the same bytes.
func TestFolderAndServer(t *testing.T) {
	near := folder(t)
	server := httptest.NewServer(httpapi.New(near.Ledger(), httpapi.Config{}))
	t.Cleanup(server.Close)
	far := dial(t, server.URL)
	if near.Ledger() == nil || far.Ledger() != nil {
		t.Error("a server's client has a folder, or a folder's has none")
	}
	for n, s := range []*Client{near, far, near} {
		receipt, err := s.Publish(t.Context(), opened(fmt.Sprint(n/2), "w"))
		if err != nil || receipt.Sequence != uint64(n/2+1) {
			t.Fatalf("%d: %+v, %v", n, receipt, err)
		}
	}
	query := Values("region", "75.03", "on", "2020-06-30", "known", "2", "indicator", "")
	if query.Has("indicator") {
		t.Error("a flag that was not given is in the query")
	}
	var answers [2]bytes.Buffer
	for i, s := range []*Client{near, far} {
		if err := s.Copy(t.Context(), &answers[i], "/v1/coverage", query); err != nil {
			t.Fatal(err)
		}
		list, err := List[coverage.Answer](t.Context(), s, "/v1/coverage", query)
		if err != nil || len(list) != 1 || list[0].Covered != 1 {
			t.Errorf("%+v, %v", list, err)
		}
		health, err := s.Health(t.Context())
		if err != nil || health.Status != ledger.HealthOK || health.Head != 2 {
			t.Errorf("%+v, %v", health, err)
		}
	}
	if answers[0].Len() == 0 || !bytes.Equal(answers[0].Bytes(), answers[1].Bytes()) {
		t.Errorf("the folder answers\n%sthe server\n%s", &answers[0], &answers[1])
	}
	one, _, err := near.ListKey(t.Context(), "", false)
	two, _, err2 := far.ListKey(t.Context(), "", false)
	if err := errors.Join(err, err2); err != nil || one != two || one == [len(one)]byte{} {
		t.Errorf("keys of lists %x and %x, %v", one, two, err)
	}
}

// TestRefusedEvent: a refusal is a receipt, a request that is wrong is an error.
func TestRefusedEvent(t *testing.T) {
	s := folder(t)
	receipt, err := s.Publish(t.Context(), bytes.Replace(opened("1", "w"), []byte("75.03"),
		[]byte("7503"), 1))
	if err != nil || receipt.Status != event.Refused ||
		receipt.Why().Code != event.RegionUnknown || receipt.Why().Field != "data.region" {
		t.Errorf("%+v, %v", receipt, err)
	}
	var into struct{}
	err = s.Post(t.Context(), "/v1/coverage", "", &into)
	if code(err) != problem.MethodNotAllowed {
		t.Errorf("a route that takes no POST: %v", err)
	}
	_, err = List[coverage.Answer](t.Context(), s, "/v1/coverage", Values("on", "yesterday"))
	if p := problem.From(err); err == nil || p.Code != problem.QueryInvalid || p.Field != "on" {
		t.Errorf("a wrong parameter: %v", err)
	}
}

// TestServerURL reads addresses as people type them.
func TestServerURL(t *testing.T) {
	for text, want := range map[string]string{
		"127.0.0.1:7070":            "http://127.0.0.1:7070",
		"http://127.0.0.1:7070/":    "http://127.0.0.1:7070",
		"https://ledger.example/x/": "https://ledger.example/x",
		"https://[::1]:7070":        "https://[::1]:7070",
		"ledger":                    "http://ledger",
		"":                          "",
		"ftp://ledger":              "",
		"http://":                   "",
		"http://a b":                "",
		"http://[::1":               "",
	} {
		got, err := serverURL(text)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v; want %q", text, got, err, want)
		}
		if err != nil && code(err) != problem.UsageWrong {
			t.Errorf("%q: %v", text, err)
		}
		if _, err := Dial(t.Context(), text, "", quiet); (err == nil) != (want != "") {
			t.Errorf("dial %q: %v", text, err)
		}
	}
}

// TestSecret takes the secret of a file before that of the environment, and refuses what cannot
// stand in a header without showing it.
func TestSecret(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		name, environment, file string
		want                    string
		refused                 problem.Code
	}{
		{name: "none"},
		{name: "environment", environment: "ckp_e", want: "ckp_e"},
		{name: "file", environment: "ckp_e", file: "ckp_f\n", want: "ckp_f"},
		{name: "space around", file: " \tckp_f\r\n\n", want: "ckp_f"},
		{name: "empty file", environment: "ckp_e", file: "\n", refused: problem.UsageWrong},
		{name: "two lines", file: "ckp_hidden\nckp_g", refused: problem.UsageWrong},
		{name: "two words", environment: "ckp_hidden x", refused: problem.UsageWrong},
		{name: "no ASCII", environment: "ckp_hiddené", refused: problem.UsageWrong},
		{name: "no file", file: "-", refused: problem.FileNotReadable},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv(SecretVariable, c.environment)
			path := ""
			if c.file != "" {
				path = filepath.Join(dir, c.name)
			}
			if c.file != "" && c.file != "-" {
				if err := os.WriteFile(path, []byte(c.file), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			got, err := readSecret(path)
			if got != c.want || code(err) != c.refused {
				t.Errorf("%q, %v; want %q, %s", got, err, c.want, c.refused)
			}
			if err != nil && strings.Contains(err.Error(), "hidden") {
				t.Errorf("the error shows the secret: %v", err)
			}
		})
	}
}

// TestSecretOnTheWay warns when a secret leaves the machine in the clear, and only then.
func TestSecretOnTheWay(t *testing.T) {
	for _, c := range []struct {
		server, secret string
		told           bool
	}{
		{"http://ledger.example:7070", "ckp_x", true},
		{"http://10.0.0.1", "ckp_x", true},
		{"http://127.0.0.1:7070", "ckp_x", false},
		{"http://localhost", "ckp_x", false},
		{"http://[::1]:7070", "ckp_x", false},
		{"https://ledger.example", "ckp_x", false},
		{"http://ledger.example", "", false},
	} {
		t.Setenv(SecretVariable, c.secret)
		var notes []string
		_, err := Dial(t.Context(), c.server, "", func(format string, args ...any) {
			notes = append(notes, fmt.Sprintf(format, args...))
		})
		if err != nil || len(notes) > 0 != c.told {
			t.Errorf("%s: %q, %v", c.server, notes, err)
		}
		if strings.Contains(strings.Join(notes, ""), "ckp_x") {
			t.Errorf("%s: the note shows the secret", c.server)
		}
	}
}

// TestSecretIsSent to the server that was named, and not to where that one sends us.
func TestSecretIsSent(t *testing.T) {
	var stranger []string
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		stranger = append(stranger, r.Header.Get("Authorization"))
	}))
	t.Cleanup(other.Close)
	var heard string
	server := httptest.NewServer(http.HandlerFunc(
		func(w http.ResponseWriter, r *http.Request) {
			heard = r.Header.Get("Authorization")
			http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
		}))
	t.Cleanup(server.Close)
	t.Setenv(SecretVariable, "ckp_x")
	_, err := dial(t, server.URL).Get(t.Context(), "/v1/coverage", nil)
	if heard != "Bearer ckp_x" || len(stranger) > 0 || code(err) != problem.ServerUnreachable {
		t.Errorf("the server heard %q, the other one %q; %v", heard, stranger, err)
	}
}

// TestAnswersOfStrangers: what is no answer of a ledger is said to be none, with an address to
// look at, and never taken for an empty one.
func TestAnswersOfStrangers(t *testing.T) {
	denied := `{"type":"urn:cakupan:problem:unauthenticated","title":"Not logged in","status":401,` +
		`"code":"unauthenticated"}`
	for _, c := range []struct {
		name   string
		status int
		body   string
		want   problem.Code
		words  string
	}{
		{"page", 200, "<html>", problem.Internal, "read answer"},
		{"cut off", 200, `[{"region":"75`, problem.Internal, "read answer"},
		{"no list", 200, `{}`, problem.Internal, "read answer"},
		{"bad gateway", 502, "<html>", problem.ServerUnreachable, "502 Bad Gateway"},
		{"redirect", 302, "", problem.ServerUnreachable, "302 Found"},
		{"denied", 401, denied, problem.Unauthenticated, SecretVariable},
		{"unknown code", 400, `{"code":"no.such"}`, problem.ServerUnreachable, "none of cakupan's"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := answering(t, c.status, c.body)
			_, err := List[coverage.Answer](t.Context(), s, "/v1/coverage", url.Values{})
			if code(err) != c.want || !strings.Contains(fmt.Sprint(err), c.words) {
				t.Errorf("%v; want %s, %s", err, c.want, c.words)
			}
			if _, _, err := s.ListKey(t.Context(), "", false); err == nil {
				t.Error("a key of lists was read from it")
			}
			if _, err := s.Health(t.Context()); code(err) != problem.ServerUnreachable &&
				c.name != "denied" && c.name != "unknown code" {
				t.Errorf("health: %v", err)
			}
			if receipt, err := s.Publish(t.Context(), opened("1", "w")); err == nil {
				t.Errorf("a receipt was read from it: %+v", receipt)
			}
		})
	}
}

// TestListKey takes a key of the right length alone: with another one, lists would get other ids.
func TestListKey(t *testing.T) {
	whole := strings.Repeat("0a", 32)
	for _, c := range []struct {
		key  string
		good bool
	}{
		{whole, true},
		{"", false},
		{whole[:62], false},
		{whole + "0a", false},
		{strings.Repeat("zz", 32), false},
	} {
		key, _, err := answering(t, 200, `{"key":"`+c.key+`"}`).ListKey(t.Context(), "", false)
		if (err == nil) != c.good || c.good && key[31] != 10 {
			t.Errorf("%q: %x, %v", c.key, key, err)
		}
		if err != nil && code(err) != problem.ServerUnreachable {
			t.Errorf("%q: %v", c.key, err)
		}
	}
}

// TestUnreachable tells a server that is not there from somebody who did not wait.
func TestUnreachable(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	s := dial(t, server.URL)
	server.Close()
	_, err := s.Get(t.Context(), "/v1/coverage", nil)
	if code(err) != problem.ServerUnreachable || !strings.Contains(err.Error(), server.URL) {
		t.Errorf("%v", err)
	}
	if _, err := s.Health(t.Context()); code(err) != problem.ServerUnreachable {
		t.Errorf("health: %v", err)
	}
	// To whoever reads a file meanwhile an end is the end of that.
	breaks := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		panic(http.ErrAbortHandler)
	}))
	t.Cleanup(breaks.Close)
	_, err = dial(t, breaks.URL).Get(t.Context(), "/v1/coverage", nil)
	if code(err) != problem.ServerUnreachable || errors.Is(err, io.EOF) {
		t.Errorf("broken off: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Get(ctx, "/v1/coverage", nil); !errors.Is(err, context.Canceled) ||
		code(err) == problem.ServerUnreachable {
		t.Errorf("interrupted: %v", err)
	}
}

// TestUntrusted says what to do about a certificate that nobody here knows.
func TestUntrusted(t *testing.T) {
	server := httptest.NewTLSServer(http.NotFoundHandler())
	server.Config.ErrorLog = nil
	t.Cleanup(server.Close)
	_, err := dial(t, server.URL).Get(t.Context(), "/healthz", nil)
	if code(err) != problem.ServerUnreachable || !strings.Contains(err.Error(), "SSL_CERT_FILE") {
		t.Errorf("%v", err)
	}
}

// TestDenied says two different things to who has no secret and to who has a wrong one, and leaves
// every other problem as it is.
func TestDenied(t *testing.T) {
	for _, c := range []struct {
		secret string
		code   problem.Code
		want   string
	}{
		{"", problem.Unauthenticated, SecretVariable},
		{"ckp_x", problem.Unauthenticated, "does not know the secret"},
		{"ckp_x", problem.Forbidden, "as it was"},
	} {
		s := &Client{base: "http://ledger", secret: c.secret}
		err := s.Denied(problem.New(c.code, "as it was"))
		if !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "ckp_x") {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

// TestCopyBreaksOff: an answer that breaks off is an error, though part of it was written.
func TestCopyBreaksOff(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(w, "half")
	}))
	t.Cleanup(server.Close)
	var out strings.Builder
	err := dial(t, server.URL).Copy(t.Context(), &out, "/v1/events", nil)
	if !errors.Is(err, io.ErrUnexpectedEOF) || out.String() != "half" {
		t.Errorf("%q, %v", out.String(), err)
	}
}

// TestHealthOfOneThatStarts: a ledger that cannot say yet how it is says why, in its own words.
func TestHealthOfOneThatStarts(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		problem.Write(w, r, problem.New(problem.ServerStarting, "at event 7 of 9"), nil)
	}))
	t.Cleanup(server.Close)
	s := dial(t, server.URL)
	_, err := s.Health(t.Context())
	if code(err) != problem.ServerStarting || !strings.Contains(err.Error(), "event 7 of 9") {
		t.Errorf("%v", err)
	}
}

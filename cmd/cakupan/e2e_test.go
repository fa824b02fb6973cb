package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"cakupan/cmd/internal/cli"
	"cakupan/cmd/internal/client"
	"cakupan/cmd/internal/importer"
	"cakupan/cmd/internal/problem"
)

const e2eVectors = "../../projections/coverage/testdata/vectors"

// e2eRun runs the program in this process.
func e2eRun(ctx context.Context, t *testing.T, stdin io.Reader, args ...string,
) (stdout, stderr string, code int) {
	t.Helper()
	var out, diagnostics bytes.Buffer
	code = run(ctx, args, &cli.Console{
		Stdin: stdin, Stdout: &out, Stderr: &diagnostics, Now: time.Now,
	})
	return out.String(), diagnostics.String(), code
}

// e2eServe runs a server on a folder until the test, or stop, ends it.
func e2eServe(t *testing.T, dir string) (url string, stop func()) {
	t.Helper()
	address, err := freeAddress()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, diagnostics, code := e2eRun(ctx, t, nil, "serve", "--data", dir, "--listen", address)
		if code != 0 {
			t.Errorf("serve: exit %d: %s", code, diagnostics)
		}
	}()
	stop = func() {
		cancel()
		<-ended
	}
	t.Cleanup(stop)
	for range 3000 { // a minute
		if body := healthOf("http://" + address); body != "" {
			return "http://" + address, stop
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatal("the server does not answer")
	return "", nil
}

// healthOf returns what a server says of its ledger; empty while it does not answer, or the ledger
// is being opened.
func healthOf(base string) string {
	response, err := http.Get(base + "/healthz")
	if err != nil {
		return ""
	}
	body, err := io.ReadAll(response.Body)
	_ = response.Body.Close()
	if err != nil || strings.Contains(string(body), string(problem.ServerStarting)) {
		return ""
	}
	return string(body)
}

// e2eDo sends a request and returns status and body.
func e2eDo(t *testing.T, method, address, contentType string, body []byte) (int, []byte) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, address, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", contentType)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	got, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, got
}

// e2eVector is one folder of vectors.
type e2eVector struct {
	lines   [][]byte
	queries []url.Values
	answers []string // in one layout
	refused []string // "line code field"
	summary importer.Summary
}

func e2eRead(t *testing.T, name string) (v e2eVector) {
	t.Helper()
	read := func(file string) []byte {
		text, err := os.ReadFile(filepath.Join(e2eVectors, name, file))
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	v.lines = bytes.Split(bytes.TrimSuffix(read("events.ndjson"), []byte("\n")), []byte("\n"))
	var queries []struct {
		Region, On, Indicator, Count string
		Known                        json.RawMessage
		By                           []string
	}
	var answers []json.RawMessage
	if err := errors.Join(json.Unmarshal(read("queries.json"), &queries),
		json.Unmarshal(read("answers.json"), &answers)); err != nil {
		t.Fatal(err)
	}
	for i, q := range queries {
		query := client.Values("region", q.Region, "on", q.On, "indicator", q.Indicator,
			"count", q.Count, "known", strings.Trim(string(q.Known), `"`))
		query["by"] = q.By
		v.queries = append(v.queries, query)
		v.answers = append(v.answers, e2eLayout(t, answers[i]))
	}
	for line := range strings.Lines(string(read("refused.tsv"))) {
		if text, isSummary := strings.CutPrefix(line, "#"); isSummary {
			if err := json.Unmarshal([]byte(text), &v.summary); err != nil {
				t.Fatal(err)
			}
			continue
		}
		v.refused = append(v.refused, strings.TrimSpace(strings.ReplaceAll(line, "\t", " ")))
	}
	return v
}

// e2eLayout writes JSON in one layout, keys in the order they came, names of regions left out.
func e2eLayout(t *testing.T, text []byte) string {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var tokens []string
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return strings.Join(tokens, " ")
		}
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		tokens = append(tokens, fmt.Sprintf("%T:%v", token, token))
		if token == "name" {
			if _, err := decoder.Token(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// check compares all answers that ask gives.
func (v *e2eVector) check(t *testing.T, ask func(url.Values) []byte) {
	t.Helper()
	for i, query := range v.queries {
		var got []json.RawMessage
		if err := json.Unmarshal(ask(query), &got); err != nil || len(got) != 1 {
			t.Fatalf("query %d: %d answers, %v", i, len(got), err)
		}
		if text := e2eLayout(t, got[0]); text != v.answers[i] {
			t.Fatalf("query %d %v:\n%s\nwant\n%s", i, query, text, v.answers[i])
		}
	}
}

// thin leaves out most questions, fewer where there is time: over HTTP all are asked anyway.
func (v *e2eVector) thin() {
	every, kept := 12, 0 // each opens the ledger anew
	switch {
	case underRace:
		every = 48
	case os.Getenv("CAKUPAN_LONG") != "":
		every = 2
	}
	for i := 0; i < len(v.queries); i += every {
		v.queries[kept], v.answers[kept] = v.queries[i], v.answers[i]
		kept++
	}
	v.queries, v.answers = v.queries[:kept], v.answers[:kept]
}

func e2eCheckSummary(t *testing.T, got, want importer.Summary) {
	t.Helper()
	got.Seconds = 0
	a, b := fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", want)
	text, err := json.Marshal(got)
	wanted, err2 := json.Marshal(want)
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	if string(text) != string(wanted) {
		t.Errorf("%s, want %s (%s, %s)", text, wanted, a, b)
	}
}

var e2eNames = []string{
	"bone-bolango", "evidence", "random-1", "random-2", "random-3", "random-4", "random-5",
}

// e2eFew is how many events a vector may have whose folder is opened for each question.
const e2eFew = 100

// TestVectorsThroughFiles imports each vector from a file, then asks the command line: of the
// small one by the folder each time, of the others by a server on it.
func TestVectorsThroughFiles(t *testing.T) {
	for _, name := range e2eNames {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := e2eRead(t, name)
			dir, rejects := t.TempDir(), filepath.Join(t.TempDir(), "rejects.ndjson")
			stdout, stderr, _ := e2eRun(t.Context(), t, nil, "import", "--data", dir, "--json",
				"--keep-recorded", "--rejects", rejects, filepath.Join(e2eVectors, name, "events.ndjson"))
			var got importer.Summary
			if err := json.Unmarshal([]byte(stdout), &got); err != nil {
				t.Fatalf("%s %s: %v", stdout, stderr, err)
			}
			e2eCheckSummary(t, got, v.summary)
			e2eCheckRejects(t, rejects, v.refused)
			source := []string{"--data", dir}
			if len(v.lines) > e2eFew {
				base, _ := e2eServe(t, dir)
				source = []string{"--server", base}
				v.thin()
			}
			v.check(t, func(query url.Values) []byte {
				args := append([]string{"coverage", "--json"}, source...)
				for _, flag := range slices.Sorted(func(yield func(string) bool) {
					for name := range query {
						if !yield(name) {
							return
						}
					}
				}) {
					for _, value := range query[flag] {
						args = append(args, "--"+flag, value)
					}
				}
				stdout, stderr, code := e2eRun(t.Context(), t, nil, args...)
				if code != 0 {
					t.Fatalf("%v: exit %d: %s", args, code, stderr)
				}
				return []byte(stdout)
			})
		})
	}
}

func e2eCheckRejects(t *testing.T, path string, want []string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for line := range strings.Lines(string(text)) {
		var r importer.Reject
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		got = append(got, strings.TrimSpace(fmt.Sprintf("%d %s %s", r.Line, r.Code, r.Field)))
	}
	if !slices.Equal(got, want) {
		t.Errorf("rejects\n%q\nwant\n%q", got, want)
	}
}

// TestVectorsThroughHTTP sends each vector in requests of several sizes, restarts the server in
// the middle, and asks.
func TestVectorsThroughHTTP(t *testing.T) {
	sizes := map[string][]int{
		"bone-bolango": {1, 7, 100, 10_000}, "random-1": {1, 7, 100, 10_000},
		"random-2": {7, 10_000}, "random-3": {100, 10_000}, "random-4": {7, 100},
		"random-5": {10_000}, "evidence": {1, 7, 100, 10_000},
	}
	for _, name := range e2eNames {
		if os.Getenv("CAKUPAN_LONG") != "" {
			sizes[name] = []int{1, 7, 100, 10_000}
		}
		for _, size := range sizes[name] {
			t.Run(fmt.Sprintf("%s/%d", name, size), func(t *testing.T) {
				t.Parallel()
				v, dir := e2eRead(t, name), t.TempDir()
				base, stop := e2eServe(t, dir)
				half := len(v.lines) / 2 / size * size
				e2ePost(t, base, v.lines[:half], size)
				stop()
				base, _ = e2eServe(t, dir)
				e2ePost(t, base, v.lines[half:], size)
				last := fmt.Sprint(*v.summary.Last)
				v.check(t, func(query url.Values) []byte {
					query.Set("min_seq", last)
					status, body := e2eDo(t, "GET", base+"/v1/coverage?"+query.Encode(), "", nil)
					if status != 200 {
						t.Fatalf("%v: %d %s", query, status, body)
					}
					return body
				})
				for _, command := range []string{"replay", "verify"} {
					if out, diagnostics, code := e2eRun(t.Context(), t, nil, command, "--server", base); code != 0 {
						t.Errorf("%s: exit %d: %s%s", command, code, out, diagnostics)
					}
				}
			})
		}
	}
}

// e2ePost sends lines in requests of so many: as arrays, or as lines where one is no JSON.
func e2ePost(t *testing.T, base string, lines [][]byte, size int) {
	t.Helper()
	for chunk := range slices.Chunk(lines, size) {
		contentType := "application/x-ndjson"
		body := bytes.Join(chunk, []byte("\n"))
		if !slices.ContainsFunc(chunk, func(line []byte) bool { return !json.Valid(line) }) {
			contentType = "application/cloudevents-batch+json"
			body = slices.Concat([]byte("["), bytes.Join(chunk, []byte(", \n")), []byte("]"))
		}
		status, got := e2eDo(t, "POST", base+"/v1/events?keep_recorded=true", contentType, body)
		if status != 200 {
			t.Fatalf("%d %s", status, got)
		}
	}
}

// TestInterruptedImport stops an import between two batches: it says what is in the log, and what
// it says is there. The same file imported again appends the rest.
func TestInterruptedImport(t *testing.T) {
	v, dir := e2eRead(t, "random-1"), t.TempDir()
	ctx, interrupt := context.WithCancel(t.Context())
	reader, writer := io.Pipe()
	go func() {
		_, _ = writer.Write(append(bytes.Join(v.lines[:100], []byte("\n")), '\n'))
		_, _ = writer.Write([]byte("{")) // is taken when all before it is read
		interrupt()                      // somewhere between reading and waiting for more
	}()
	stdout, stderr, code := e2eRun(ctx, t, reader, "import", "--data", dir, "--json",
		"--keep-recorded", "-")
	var got importer.Summary
	if stdout != "" { // else it had not begun
		if err := json.Unmarshal([]byte(stdout), &got); err != nil {
			t.Fatal(err)
		}
	}
	if code != 1 || got.Read > 100 || !strings.Contains(stderr, `"code":"interrupted"`) {
		t.Fatalf("exit %d: %s%s", code, stdout, stderr)
	}
	_ = writer.Close()
	stdout, _, _ = e2eRun(t.Context(), t, nil, "import", "--data", dir, "--json",
		"--keep-recorded", filepath.Join(e2eVectors, "random-1", "events.ndjson"))
	var rest importer.Summary
	if err := json.Unmarshal([]byte(stdout), &rest); err != nil {
		t.Fatal(err)
	}
	last := uint64(0)
	if got.Last != nil {
		last = *got.Last
	}
	if rest.Appended+got.Appended != v.summary.Appended || *rest.First != last+1 {
		t.Errorf("%+v then %+v, want %+v", got, rest, v.summary)
	}
}

// runCommand runs the program.
func runCommand(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	stdout, stderr, code = e2eRun(t.Context(), t, strings.NewReader(""), args...)
	return code, stdout, stderr
}

func writeText(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"cakupan/cmd/internal/httpapi"
	"cakupan/cmd/internal/problem"
	"cakupan/domain/event"
)

// numbers are identity numbers that were sent, and how; none of them may be found again.
type numbers struct {
	sent map[string]string // number => how it was sent
}

// next returns a number that was not sent yet.
func (n *numbers) next(how string) string {
	number := madeUpNIK(len(n.sent))
	n.sent[number] = how
	return number
}

// broken returns a number with a mistake in it that was not sent yet: there is no 13th month.
func (n *numbers) broken(how string) string {
	number := madeUpNIK(len(n.sent))
	number = number[:8] + "13" + number[10:]
	n.sent[number] = how
	return number
}

// find returns where in a text the numbers end.
func (n *numbers) find(text []byte) (ends []int) {
	digits := 0
	for i, c := range text {
		if digits++; c-'0' > 9 {
			digits = 0
		}
		if digits < 16 {
			continue
		}
		if _, found := n.sent[string(text[i-15:i+1])]; found {
			ends = append(ends, i+1)
		}
	}
	return ends
}

// search complains about the numbers in a text.
func (n *numbers) search(t *testing.T, where string, text []byte) {
	t.Helper()
	for _, end := range n.find(text) {
		t.Errorf("%s has a number that was sent as %s: …%s…", where, n.sent[string(text[end-16:end])],
			bytes.ToValidUTF8(text[max(0, end-60):min(len(text), end+20)], nil))
	}
}

// searchFolder looks for the numbers in the names and the bytes of all files of a folder.
func (n *numbers) searchFolder(t *testing.T, dir string) {
	t.Helper()
	files := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		n.search(t, "the name of a file", []byte(path))
		if d.IsDir() {
			return nil
		}
		files++
		text, err := os.ReadFile(path)
		n.search(t, path, text)
		return err
	})
	if err != nil || files == 0 {
		t.Fatalf("%d files searched, %v", files, err)
	}
}

// lockedBuffer takes the operator's log.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) bytes() []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.text.Bytes())
}

// leakTypes returns an acceptable event of each type, with all that may stand in it.
func leakTypes() []string {
	data := map[string]string{
		"enrolment.opened.v1": `"enrolment":"E-1","nik":"","region":"75.03","segment":"PU",` +
			`"category":"PRIVATE","programmes":["JKK","JKM"],"payer":"EMPLOYER","from":"2020-01-01"`,
		"enrolment.amended.v1": `"enrolment":"E-1","from":"2020-01-01","region":"75.03",` +
			`"segment":"PU","category":"PRIVATE","programmes":["JKK"],"payer":"SELF"`,
		"enrolment.terminated.v1": `"enrolment":"E-1","until":"2020-01-01","reason":"LAYOFF"`,
		"enrolment.reinstated.v1": `"enrolment":"E-1","from":"2020-01-01"`,
		"worker.died.v1":          `"worker":"W-1","on":"2020-01-01"`,
		"funding.committed.v1": `"commitment":"C-1","funder":"75","funding":"APBD","fiscalYear":2020,` +
			`"heads":1,"months":1,"tariff":1,"ceiling":1,"from":"2020-01","until":"2020-02","basis":"b"`,
		"funding.amended.v1": `"commitment":"C-1","heads":1,"months":1,"tariff":1,"ceiling":1,` +
			`"until":"2020-02"`,
		"funding.granted.v1": `"commitment":"C-1","enrolment":"E-1","from":"2020-01","until":"2020-02"`,
		"funding.revoked.v1": `"commitment":"C-1","enrolment":"E-1","from":"2020-01"`,
		"funding.disbursed.v1": `"commitment":"C-1","amount":1,"paidOn":"2020-01-01",` +
			`"months":["2020-01"],"reference":"r"`,
		"funding.closed.v1": `"commitment":"C-1","from":"2020-01","reason":"r"`,
		"workforce.published.v1": `"region":"75","sector":"ALL","indicator":"EMPLOYED","count":1,` +
			`"reference":"2020-01-01","publication":"p"`,
		"target.set.v1":      `"region":"75","sector":"ALL","percent":"60","from":"2020-01-01","basis":"b"`,
		"event.retracted.v1": `"source":"urn:test","id":"i","reason":"r"`,
	}
	var types []string
	for name, fields := range data {
		types = append(types, `{"specversion":"1.0","id":"I","source":"urn:test",`+
			`"type":"id.cakupan.`+name+`","time":"2020-01-01T00:00:00Z","subject":"s",`+
			`"datacontenttype":"application/json","dataschema":"urn:schema","traceparent":"t",`+
			`"recordedat":"2020-01-01T00:00:00Z","data":{`+fields+`}}`)
	}
	slices.Sort(types)
	return types
}

// leakEvents returns events with a number in every place: as a text, in one, as a number, in a
// list, as a name; and the same where it belongs, right and wrong.
func (n *numbers) leakEvents(t *testing.T) (lines [][]byte) {
	t.Helper()
	for i, text := range leakTypes() {
		var doc map[string]any
		if err := json.Unmarshal([]byte(text), &doc); err != nil {
			t.Fatal(err)
		}
		data := doc["data"].(map[string]any)
		add := func(how string) {
			if _, found := data["nik"]; found && data["nik"] == "" {
				data["nik"] = n.next("nik of an event with a number in " + how)
				defer func() { data["nik"] = "" }()
			}
			line, err := json.Marshal(doc)
			if err != nil {
				t.Fatal(err)
			}
			lines = append(lines, line)
		}
		name := strings.TrimPrefix(doc["type"].(string), "id.cakupan.")
		id := 0
		n.everywhere(doc, name, func(how string) {
			id++
			if doc["id"] == "I" { // not the place that is tried
				doc["id"] = fmt.Sprintf("I-%d-%d", i, id)
				defer func() { doc["id"] = "I" }()
			}
			add(how)
		})
	}
	return append(lines, n.wrongTexts()...)
}

// everywhere changes one place of an object after the other, and all below it, calls use, and
// changes it back.
func (n *numbers) everywhere(object map[string]any, path string, use func(how string)) {
	for _, name := range slices.Sorted(maps.Keys(object)) {
		value := object[name]
		if inner, isObject := value.(map[string]any); isObject {
			n.everywhere(inner, path+" "+name, use)
		}
		how := path + " " + name
		wrong := []any{
			n.next(how), "x" + n.next(how) + "y", "a " + n.next(how) + " b",
			json.Number("-" + n.next(how)), json.Number(n.next(how) + ".0"),
			[]any{n.next(how)},
			map[string]any{n.next(how): n.next(how)},
			n.next(how) + strings.Repeat("x", 300), n.next(how) + "-01-01", n.next(how) + "\u0000",
		}
		if _, counts := value.(float64); !counts {
			wrong = append(wrong, json.Number(n.next(how))) // else it is a great number of something
		}
		for _, wrong := range wrong {
			object[name] = wrong
			use(how)
		}
		delete(object, name)
		renamed := n.next(how)
		object[renamed] = value
		use(how)
		delete(object, renamed)
		object[name] = value
	}
}

// wrongTexts returns what is no acceptable event for other reasons, with numbers in it, and
// numbers where they belong with a mistake in them.
func (n *numbers) wrongTexts() (lines [][]byte) {
	add := func(format string, args ...any) { lines = append(lines, fmt.Appendf(nil, format, args...)) }
	opened := func(id, worker string) string {
		return `{"specversion":"1.0","id":"` + id + `","source":"urn:test","type":` +
			`"id.cakupan.enrolment.opened.v1","data":{"enrolment":"E-2",` + worker + `,` +
			`"region":"75.03","segment":"PU","category":"PRIVATE","programmes":["JKK"],` +
			`"payer":"EMPLOYER","from":"2020-01-01"}}`
	}
	add("%s", n.next("bare number"))
	add("%q", n.next("bare text"))
	add("[%s]", n.next("list"))
	add(`{"nik":"%s"`, n.next("half an object"))
	add(`{"nik":"%s","nik":"%s"}`, n.next("name twice"), n.next("name twice"))
	add(`{"%[1]s":1,"%[1]s":2}`, n.next("number as a name, twice"))
	add("{\"nik\":\"%s\xff\"}", n.next("invalid UTF-8"))
	add(`%s`, opened("w-1", `"nik":"`+n.broken("broken nik")+`"`))
	add(`%s`, opened("w-2", `"nik":`+n.next("nik as a number")))
	add(`%s`, opened("w-3", `"nik":"`+n.next("nik with a space")+` "`))
	add(`%s`, opened("w-4", `"nik":"1`+n.next("nik of 17 digits")+`"`))
	add(`%s`, opened("w-5", `"nik":"`+n.next("nik and worker")+`","worker":"W-1"`))
	add(`%s`, opened("w-6", `"worker":"`+n.next("nik as worker")+`"`))
	add(`%s`, opened("w-7", `"nik":["`+n.next("nik in a list")+`"]`))
	same, other := n.next("nik twice"), n.next("conflict")
	add(`%s`, opened("w-8", `"nik":"`+same+`"`))
	add(`%s`, opened("w-8", `"nik":"`+same+`"`))
	add(`%s`, opened("w-8", `"nik":"`+other+`"`))
	escaped := n.next("escaped digits")
	add(`%s`, opened("w-9", `"worker":"\u003`+escaped[:1]+escaped[1:]+`"`))
	add(`%s`, opened("w-10", `"nik":"\u003`+escaped[:1]+escaped[1:]+`"`))
	add(`%s`, opened("w-11", `"nik":"`+n.next("too large")+`","x":"`+strings.Repeat("x", 70_000)+`"`))
	return lines
}

// TestNoNIKAnywhere sends numbers in every possible place, and then looks for them: in all files
// of the data folder, in what the ledger answers and says of itself, and in the operator's log.
func TestNoNIKAnywhere(t *testing.T) {
	n := &numbers{sent: map[string]string{}}
	var log lockedBuffer
	logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	dir := filepath.Join(t.TempDir(), "data")
	l, err := openLedger(t.Context(), ledgerOptions{Dir: dir, Create: true, Log: logger})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.serve(t.Context(), "http://127.0.0.1:9", time.Hour); err != nil {
		t.Fatal(err)
	}
	lines := n.leakEvents(t)
	counts := map[event.Status]int{}
	for _, opts := range []httpapi.SubmitOptions{
		{DryRun: true}, {Atomic: true}, {}, {KeepRecorded: true},
	} {
		for chunk := range slices.Chunk(lines, 500) {
			receipts, err := l.Submit(t.Context(), chunk, opts)
			if err != nil {
				t.Fatal(err)
			}
			for i, r := range receipts {
				counts[r.Status]++
				// The bytes of a receipt's key are those that were sent: whoever shows it
				// hides what is refused. What says why must be clean by itself.
				n.search(t, "a refusal", fmt.Appendf(nil, "%v", r.Refusal))
				if r.Refusal != nil {
					n.search(t, "a refusal", fmt.Appendf(nil, "%+v", *r.Refusal))
				} else if r.Status != event.Refused {
					n.search(t, "a receipt", fmt.Appendf(nil, "%+v of %d", r.Key, i))
				}
			}
		}
	}
	t.Logf("%d numbers in %d events: %v", len(n.sent), len(lines), counts)
	if counts[event.Appended] == 0 || counts[event.Duplicate] == 0 || counts[event.Refused] == 0 {
		t.Errorf("receipts: %v, want some of each", counts)
	}
	n.ask(t, l, logger, lines)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	n.search(t, "the operator's log", log.bytes())
	n.searchFolder(t, dir)
	n.importFile(t, lines)
	if number := n.next("the text that is searched"); len(n.find([]byte("\x00123"+number+"4"))) != 1 {
		t.Error("the search finds nothing")
	}
}

// importFile imports the events as a file, and looks at what the command says.
func (n *numbers) importFile(t *testing.T, lines [][]byte) {
	t.Helper()
	dir := t.TempDir()
	file, rejects := filepath.Join(dir, "events.ndjson"), filepath.Join(dir, "rejects.ndjson")
	writeText(t, file, string(bytes.Join(lines, []byte("\n"))))
	data := filepath.Join(dir, "data")
	for _, more := range [][]string{nil, {"--json"}, {"--rejects", rejects}} {
		args := append([]string{"import", "--data", data, file}, more...)
		code, stdout, stderr := runCommand(t, args...)
		if code != problem.ExitRefused {
			t.Errorf("import: exit %d: %s", code, stderr)
		}
		n.search(t, "what import prints", []byte(stdout+stderr))
	}
	text, err := os.ReadFile(rejects)
	if err != nil || bytes.Count(text, []byte("\n")) < len(lines)/2 {
		t.Errorf("rejects: %v, %d lines", err, bytes.Count(text, []byte("\n")))
	}
	n.search(t, "the file of rejects", text)
	n.searchFolder(t, data)
}

// ask sends the events and more over HTTP, and reads all that there is to read.
func (n *numbers) ask(t *testing.T, l *ledger, logger *slog.Logger, lines [][]byte) {
	t.Helper()
	handler := httpapi.New(l, httpapi.Config{Now: time.Now, Log: logger})
	ask := func(method, target, contentType string, body []byte) {
		request := httptest.NewRequestWithContext(t.Context(), method, target, bytes.NewReader(body))
		request.Header.Set("Content-Type", contentType)
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, request)
		path, _, _ := strings.Cut(target, "?")
		n.search(t, "the answer to "+method+" "+path, answer.Body.Bytes())
		n.search(t, "a header of the answer to "+method+" "+path, fmt.Append(nil, answer.Header()))
	}
	for _, line := range lines[:min(len(lines), 300)] {
		ask(http.MethodPost, "/v1/events", "application/cloudevents+json", line)
	}
	ask(http.MethodPost, "/v1/events", "application/x-ndjson", bytes.Join(lines, []byte("\n")))
	array := append(append([]byte("["), bytes.Join(lines[:500], []byte(","))...), ']')
	ask(http.MethodPost, "/v1/events", "application/cloudevents-batch+json", array)
	ask(http.MethodPost, "/v1/events?atomic=true", "application/cloudevents-batch+json", array)
	for _, path := range []string{"/v1/events", "/v1/coverage?region=75.03", "/healthz", "/metrics"} {
		ask(http.MethodGet, path, "", nil)
	}
	for _, parameter := range []string{
		"region", "on", "known", "indicator", "by", "min_seq", "from", "until", "to", "type",
		"enrolment", "worker", "commitment", "limit", "nik",
	} {
		for _, path := range []string{"/v1/coverage", "/v1/series", "/v1/events"} {
			query := url.Values{parameter: {n.next(path + " " + parameter)}}
			ask(http.MethodGet, path+"?"+query.Encode(), "", nil)
		}
	}
	ask(http.MethodGet, "/v1/"+n.next("path"), "", nil)
	ask(n.next("method"), "/v1/events", "", nil)
	ask(http.MethodPost, "/v1/events", n.next("media type"), nil)
	view, err := l.View(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	at, err := view.RecordedAt(view.Known())
	n.search(t, "the coverage", fmt.Appendf(nil, "%v %v", at, err))
	report, err := l.Verify(t.Context(), nil)
	n.search(t, "the report of a check", fmt.Appendf(nil, "%+v %v", report, err))
}

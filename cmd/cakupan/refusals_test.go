package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cakupan/cmd/internal/problem"
)

const (
	e2eOpened = `{"specversion":"1.0","id":"ID","source":"urn:s","type":` +
		`"id.cakupan.enrolment.opened.v1","recordedat":"2020-01-02T00:00:00Z","data":{` +
		`"enrolment":"e-1","worker":"w-1","region":"75.03","segment":"PU","category":"PRIVATE",` +
		`"programmes":["JKK"],"payer":"EMPLOYER","from":"2020-01-01"}}`
	e2eGranted = `{"specversion":"1.0","id":"ID","source":"urn:s","type":` +
		`"id.cakupan.funding.granted.v1","data":{"commitment":"c-1","enrolment":"e-1",` +
		`"from":"2020-01","until":"2021-01"}}`

	// e2eNIK passes the rule of a NIK and is nobody's: no district 99 exists.
	e2eNIK = "7599010101909999"
)

// e2eRefusals breaks one event in each way that contract section 1 names.
var e2eRefusals = []struct {
	code, field string
	status      int
	event       string
}{
	{"event.malformed", "", 422, `{"specversion":`},
	{"event.malformed", "", 422, `["an array"]`},
	{"event.malformed", "", 422, `{"specversion":"1.0","specversion":"1.0"}`},
	{"event.malformed", "", 422, "{\"id\":\"\xff\"}"},
	{"event.malformed", "specversion", 422, with(e2eOpened, `"1.0"`, `"0.3"`)},
	{"event.malformed", "id", 422, with(e2eOpened, `"id":"ID",`, ``)},
	{"event.malformed", "source", 422, with(e2eOpened, `"urn:s"`, `""`)},
	{"event.malformed", "data", 422, with(e2eOpened, `"data":{`, `"data":[],"dato":{`)},
	{"event.malformed", "time", 422, with(e2eOpened, `"id":"ID"`, `"id":"ID","time":"noon"`)},
	{"event.malformed", "recordedat", 422, with(e2eOpened, `2020-01-02T00:00:00Z`, `2020-01-02`)},
	{"event.type_unknown", "type", 422, with(e2eOpened, `opened.v1`, `opened.v2`)},
	{"event.too_large", "", 413, with(e2eOpened, `"id":"ID"`, `"id":"`+strings.Repeat("x", 65536)+`"`)},
	{"event.conflict", "", 409, with(with(e2eOpened, `"ID"`, `"first"`), `"PU"`, `"BPU"`)},
	{"field.missing", "data.segment", 422, with(e2eOpened, `"segment":"PU",`, ``)},
	{"field.missing", "data", 422, with(with(e2eGranted, `granted`, `amended`), `,"enrolment":"e-1","from":"2020-01","until":"2021-01"`, ``)},
	{"field.unknown", "data.segmen", 422, with(e2eOpened, `"segment"`, `"segmen"`)},
	{"field.invalid", "data.segment", 422, with(e2eOpened, `"PU"`, `"XX"`)},
	{"field.invalid", "data.from", 422, with(e2eOpened, `"from":"2020-01-01"`, `"from":"2020-02-30"`)},
	{"region.unknown", "data.region", 422, with(e2eOpened, `"75.03"`, `"7503"`)},
	{"region.unknown", "data.region", 422, with(e2eOpened, `"75.03"`, `"75"`)},
	{"period.inverted", "data.until", 422, with(e2eGranted, `"until":"2021-01"`, `"until":"2020-01"`)},
	{"worker.ambiguous", "data.worker", 422, with(e2eOpened, `"worker":"w-1"`, `"worker":"w-1","nik":"`+e2eNIK+`"`)},
	{"worker.ambiguous", "data.worker", 422, with(e2eOpened, `"worker":"w-1",`, ``)},
	{"nik.invalid", "data.nik", 422, with(e2eOpened, `"worker":"w-1"`, `"nik":"7599013201909999"`)},
	{"nik.misplaced", "id", 422, with(e2eOpened, `"ID"`, `"`+e2eNIK+`"`)},
	{"nik.misplaced", "data.enrolment", 422, with(e2eOpened, `"e-1"`, `"`+e2eNIK+`"`)},
	{"recorded.order", "recordedat", 422, with(e2eOpened, `2020-01-02T`, `2020-01-01T`)},
	{"recorded.order", "recordedat", 422, with(e2eOpened, `2020-01-02T`, `2999-01-01T`)},
}

func with(event, old, replacement string) string {
	return strings.Replace(event, old, replacement, 1)
}

// TestRefusals sends each broken event through the command line and through HTTP, alone and in a
// batch: the same code and field everywhere, and never a NIK.
func TestRefusals(t *testing.T) {
	dir := t.TempDir()
	base, stop := e2eServe(t, filepath.Join(dir, "ledger"))
	const options = "/v1/events?keep_recorded=true"
	first := with(e2eOpened, `"ID"`, `"first"`)
	if status, body := e2eDo(t, "POST", base+options, "application/cloudevents+json", []byte(first)); status != 200 {
		t.Fatalf("%d %s", status, body)
	}
	seen := map[string]bool{}
	var lines strings.Builder
	for i, c := range e2eRefusals {
		event := with(c.event, `"ID"`, fmt.Sprintf(`"%d"`, i))
		lines.WriteString(event + "\n")
		seen[c.code] = true
		status, body := e2eDo(t, "POST", base+options, "application/cloudevents+json", []byte(event))
		var p struct{ Code, Field, Detail string }
		if err := json.Unmarshal(body, &p); err != nil || status != c.status || p.Code != c.code ||
			p.Field != c.field || p.Detail == "" || strings.Contains(string(body), e2eNIK) {
			t.Errorf("%.200s:\n%d %s, want %d %s (%s)", event, status, body, c.status, c.code, c.field)
		}
	}
	for code := range e2eCodes() {
		if !seen[code] {
			t.Errorf("no event is refused with %s", code)
		}
	}
	status, body := e2eDo(t, "POST", base+options, "application/x-ndjson", []byte(lines.String()))
	e2eCheckReceipts(t, status, body)
	stop()

	file, rejects := filepath.Join(dir, "bad.ndjson"), filepath.Join(dir, "rejects.ndjson")
	if err := os.WriteFile(file, []byte(lines.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	stdout, stderr, code := e2eRun(t.Context(), t, nil, "import", "--data", filepath.Join(dir, "ledger"),
		"--keep-recorded", "--rejects", rejects, file)
	if code != problem.ExitRefused {
		t.Errorf("exit %d: %s%s", code, stdout, stderr)
	}
	var want []string
	for i, c := range e2eRefusals {
		want = append(want, strings.TrimSpace(fmt.Sprintf("%d %s %s", i+1, c.code, c.field)))
	}
	e2eCheckRejects(t, rejects, want)
	text, err := os.ReadFile(rejects)
	if err != nil || strings.Contains(string(text), e2eNIK) {
		t.Errorf("the rejects hold a NIK, or %v", err)
	}
	_, stderr, _ = e2eRun(t.Context(), t, nil, "import", "--data", filepath.Join(dir, "ledger"), file)
	if strings.Contains(stderr, e2eNIK) || !strings.Contains(stderr, "bad.ndjson:1: event.malformed") {
		t.Errorf("%s", stderr)
	}
}

// e2eCodes lists the codes of contract section 1.
func e2eCodes() map[string]bool {
	codes := map[string]bool{}
	for _, code := range strings.Fields(`event.malformed event.type_unknown event.too_large
		event.conflict field.missing field.unknown field.invalid region.unknown period.inverted
		worker.ambiguous nik.invalid nik.misplaced recorded.order`) {
		codes[code] = true
	}
	return codes
}

func e2eCheckReceipts(t *testing.T, status int, body []byte) {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(string(body)), "\n")
	if status != 200 || len(lines) != len(e2eRefusals) {
		t.Fatalf("%d, %d receipts: %s", status, len(lines), body)
	}
	for i, c := range e2eRefusals {
		var r struct{ Status, Code, Field string }
		if err := json.Unmarshal([]byte(lines[i]), &r); err != nil || r.Status != "refused" ||
			r.Code != c.code || r.Field != c.field {
			t.Errorf("%s, %v, want %s (%s)", lines[i], err, c.code, c.field)
		}
	}
}

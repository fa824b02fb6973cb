package cloudevents

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"cakupan/domain/event"
	"cakupan/domain/temporal"
	"cakupan/eventstore/codec"
)

const (
	vectors = "../../projections/coverage/testdata/vectors"
	nik     = "7599990101909999"
)

// TestRoundTrip: what is printed is read as the same event, and so stored as the same bytes.
func TestRoundTrip(t *testing.T) {
	at, _ := temporal.ParseInstant("2021-01-04T02:11:09.5Z")
	for _, name := range []string{"bone-bolango", "random-1", "random-2", "evidence", "random-4"} {
		for i, line := range readLines(t, name) {
			doc, refusal := ParseJSON(line)
			if refusal != nil {
				continue
			}
			first, refusal := event.Accept(doc, event.Options{})
			if refusal != nil {
				continue
			}
			if first.Data.Has&event.EdgeOnly != 0 {
				refusal, err := first.Data.NameWorkers(func(nik string) (string, error) { return "w" + nik[6:], nil })
				if refusal != nil || err != nil {
					t.Fatal(refusal, err)
				}
			}
			printed := AppendJSON(nil, &first.Event, uint64(i+1), at)
			doc, refusal = ParseJSON(printed)
			if refusal != nil {
				t.Fatalf("%s: %v", printed, refusal)
			}
			second, refusal := event.Accept(doc, event.Options{KeepRecorded: true})
			if refusal != nil {
				t.Fatalf("%s: %v", printed, refusal)
			}
			if diff := cmp.Diff(first.Event, second.Event, cmpopts.EquateEmpty()); diff != "" {
				t.Fatalf("%s (-first +second):\n%s", printed, diff)
			}
			if !second.HasRecorded || second.RecordedAt != at {
				t.Fatalf("%s: recorded at %s", printed, second.RecordedAt)
			}
			if string(codec.Append(nil, &first.Event)) != string(codec.Append(nil, &second.Event)) {
				t.Fatalf("%s: other bytes", printed)
			}
		}
	}
}

func readLines(t testing.TB, name string) [][]byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(vectors, name, "events.ndjson"))
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Split(bytes.TrimSuffix(text, []byte("\n")), []byte("\n"))
}

func TestAppendJSON(t *testing.T) {
	line := `{"source":"urn:test","specversion":"1.0","time":"2020-01-01t00:00:00z","sequence":[1],` +
		`"id":"a\u0041\"\\\n\u0001é","type":"id.cakupan.funding.disbursed.v1","subject":"s","note":"x",` +
		`"batch":7,"done":false,"gone":null,"datacontenttype":"application/json; charset=utf-8",` +
		`"dataschema":"https://example.org/s","recordedat":3,` +
		`"data":{"reference":"","months":["2020-02","2020-01","2020-02"],"paidOn":"2020-02-29",` +
		`"amount":-0,"commitment":"c"}}`
	want := `{"specversion":"1.0","id":"aA\"\\\n\u0001é","source":"urn:test",` +
		`"type":"id.cakupan.funding.disbursed.v1","time":"2020-01-01t00:00:00z","subject":"s",` +
		`"datacontenttype":"application/json; charset=utf-8","dataschema":"https://example.org/s",` +
		`"note":"x","batch":7,"done":false,` +
		`"data":{"commitment":"c","amount":0,"paidOn":"2020-02-29",` +
		`"months":["2020-02","2020-01","2020-02"],"reference":""},` +
		`"sequence":18446744073709551615,"recordedat":"1970-01-01T00:00:00.000000001Z"}`
	doc, refusal := ParseJSON([]byte(line))
	if refusal != nil {
		t.Fatal(refusal)
	}
	accepted, refusal := event.Accept(doc, event.Options{})
	if refusal != nil {
		t.Fatal(refusal)
	}
	if got := string(AppendJSON(nil, &accepted.Event, 1<<64-1, 1)); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

func TestParseJSONSize(t *testing.T) {
	line := []byte(`{"a":"` + strings.Repeat("é", event.BytesMax/2-4) + `"}`)
	if len(line) != event.BytesMax {
		t.Fatal(len(line))
	}
	if _, refusal := ParseJSON(line); refusal != nil {
		t.Error(refusal)
	}
	_, refusal := ParseJSON(append(line, ' '))
	if refusal == nil || refusal.Code != event.TooLarge || refusal.Field != "" {
		t.Errorf("one byte more: %v", refusal)
	}
	// Size goes before JSON.
	_, refusal = ParseJSON([]byte(strings.Repeat("x", event.BytesMax+1)))
	if refusal == nil || refusal.Code != event.TooLarge {
		t.Errorf("large and no JSON: %v", refusal)
	}
}

// TestPlaces tells where a text stops being JSON, and what should be there.
func TestPlaces(t *testing.T) {
	for text, want := range map[string]string{
		"{\n  \"id\": \"é\" \"b\"}": `(line 2, column 13: expected "," or "}")`,
		`{"a":1,}`:                  "(line 1, column 8: expected a name in double quotes)",
		`{"a" 1}`:                   `(line 1, column 6: expected ":")`,
		`[1 2]`:                     `(line 1, column 4: expected "," or "]")`,
		`{"a":tru}`:                 "(line 1, column 9: expected true)",
		`{"a":1.}`:                  "(line 1, column 8: expected a digit)",
		"{\"a\":\"x\ny\"}":          "(line 1, column 8: expected no control character",
		`{"a":"\q"}`:                "(line 1, column 8: expected an escape",
		`{"a":`:                     "(line 1, column 6: expected a value)",
		`{"a":1} x`:                 "(line 1, column 9)",
		"{\"a\":\"\xff\"}":          "(line 1, column 7)",
		"\ufeff{\"a\":}":            "(line 1, column 6: expected a value)",
		"{\"a\":1,\r\n\"a\":2}":     "(line 2, column 7)",
		"{\"a\":\"never closed":     `expected "\"" at the end of the text)`,
		`{"a":"\u12g4"}`:            "expected a hexadecimal digit)",
	} {
		if _, refusal := ParseJSON([]byte(text)); refusal == nil || !strings.Contains(refusal.Detail, want) {
			t.Errorf("%q: %v, want %s", text, refusal, want)
		}
	}
	if _, refusal := ParseJSON([]byte("\ufeff{}")); refusal != nil {
		t.Error(refusal)
	}
}

func TestParseJSONRefusals(t *testing.T) {
	for _, text := range []string{
		"", " ", "{", `{"a":1,"a":1}`, `{"x":{"a":[{"b":1,"b":2}]}}`, "{\"a\":\"\xff\"}", "nonsense " + nik,
		"\xef\xbb\xbf\xef\xbb\xbf{}", "{}{}",
	} {
		_, refusal := ParseJSON([]byte(text))
		if refusal == nil || refusal.Code != event.Malformed || refusal.Field != "" {
			t.Errorf("%q: %v", text, refusal)
			continue
		}
		if strings.Contains(refusal.Error(), nik) {
			t.Error("the refusal shows the NIK")
		}
	}
}

func BenchmarkParseAcceptEncode(b *testing.B) {
	line := readLines(b, "bone-bolango")[2]
	var buffer []byte
	b.ReportAllocs()
	var p Parser
	for b.Loop() {
		p.Reset()
		doc, refusal := p.Read(line)
		if refusal != nil {
			b.Fatal(refusal)
		}
		accepted, refusal := event.Accept(doc, event.Options{KeepRecorded: true})
		if refusal != nil {
			b.Fatal(refusal)
		}
		buffer = codec.Append(buffer[:0], &accepted.Event)
		if _, err := codec.Digest(buffer); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendJSON(b *testing.B) {
	doc, _ := ParseJSON(readLines(b, "bone-bolango")[2])
	accepted, _ := event.Accept(doc, event.Options{})
	b.ReportAllocs()
	var dst []byte
	for b.Loop() {
		dst = AppendJSON(dst[:0], &accepted.Event, 1, 1)
	}
}

package publishing

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cakupan/cmd/internal/cli"
	"cakupan/cmd/internal/lists"
	"cakupan/cmd/internal/lists/whole"
	"cakupan/cmd/internal/problem"
	"cakupan/domain/event"
)

// TestGone: what becomes of rows is one of three words, and the day of an end is a date.
func TestGone(t *testing.T) {
	for text, want := range map[string]whole.Gone{
		"keep": {}, " keep ": {}, "retract": {Retract: true}, "end:2021-03-31": {End: "2021-03-31"},
	} {
		if got, err := parseGone(text); err != nil || *got != want {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
	for _, wrong := range []string{
		"", "Keep", "keep:2021-03-31", "retract:x", "end", "end:", "end:2021-02-30", "end:31/03/2021",
	} {
		if got, err := parseGone(wrong); problem.From(err).Code != problem.UsageWrong || got != nil {
			t.Errorf("%q: %+v, %v", wrong, got, err)
		}
	}
}

// TestAskGone asks three times at the most; no answer is none, and no error.
func TestAskGone(t *testing.T) {
	for answers, want := range map[string]*whole.Gone{
		"retract\n":               {Retract: true},
		"what?\nend:2021-03-31\n": {End: "2021-03-31"},
		"a\nb\nc\nretract\n":      nil,
		"":                        nil,
		"keep":                    {},
	} {
		var stderr bytes.Buffer
		got, err := askGone(&cli.Console{Stdin: strings.NewReader(answers), Stderr: &stderr}, "2 are gone")
		if err != nil || (got == nil) != (want == nil) || got != nil && *got != *want ||
			!strings.HasPrefix(stderr.String(), "2 are gone\n") {
			t.Errorf("%q: %+v, %v: %s", answers, got, err, &stderr)
		}
	}
}

// TestListFlags: a kind has a name in either language, a default is a column with a value, and
// flags for lists are for lists.
func TestListFlags(t *testing.T) {
	flags := listFlags{List: "BB", Kind: "enrolment", Default: []string{"payer=APBD", "note=a=b,c"}}
	opts, err := flags.options()
	if err != nil || opts.ID != "BB" || len(opts.Defaults) != 2 ||
		opts.Defaults[1] != (lists.Default{Column: "note", Value: "a=b,c"}) {
		t.Errorf("%+v, %v", opts, err)
	}
	for _, wrong := range []listFlags{{Kind: "nothing"}, {Default: []string{"payer"}}} {
		if _, err := wrong.options(); problem.From(err).Code != problem.UsageWrong {
			t.Errorf("%+v: %v", wrong, err)
		}
	}
	list := filepath.Join(t.TempDir(), "list.csv")
	text := "Daftar;X\nNIK;Alasan;Hari Terakhir\n7503011501900001;PHK;2021-01-01\n"
	if err := os.WriteFile(list, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		files   []string
		flags   listFlags
		rejects string
		good    bool
	}{
		{[]string{"events.ndjson"}, listFlags{}, "back.ndjson", true},
		{[]string{list}, listFlags{}, "", true},
		{[]string{list}, listFlags{}, "back.csv", true},
		{[]string{list, "events.ndjson"}, listFlags{}, "back.ndjson", true},
		{[]string{"events.ndjson"}, listFlags{Sheet: "all"}, "", false},
		{[]string{"events.ndjson"}, listFlags{}, "back.csv", false},
		{[]string{list, list}, listFlags{}, "back.xlsx", false},
		{[]string{list}, listFlags{Sheet: "ALL"}, "back.csv", false},
		{[]string{list}, listFlags{}, "back.ods", false},
	} {
		opts, err := checkLists(c.files, &c.flags, c.rejects)
		if (err == nil) != c.good || err != nil && problem.From(err).Code != problem.UsageWrong {
			t.Errorf("%v, refused to %q: %v", c.files, c.rejects, err)
		}
		if err == nil && opts.KeepRows != (c.rejects != "") {
			t.Errorf("%v: rows are kept for nothing, or not kept", c.files)
		}
	}
}

// TestEventOfFlags: the data of an event is put in to the byte and cannot break out of its place;
// a type may be short; an id is made where there is none; half of an event is none.
func TestEventOfFlags(t *testing.T) {
	const data = `{"n": 1.10, "t":"\u0041"}`
	c := Publish{Type: "target.set.v1", Source: `urn:"x"`, ID: "a", Time: "2021-01-01T00:00:00Z"}
	raw, err := c.event(data, nil)
	if err != nil || !strings.HasSuffix(string(raw), `,"data":`+data+"}") {
		t.Fatalf("%s, %v", raw, err)
	}
	var said map[string]any
	if err := json.Unmarshal(raw, &said); err != nil || said["source"] != c.Source ||
		said["type"] != event.TypePrefix+c.Type || said["id"] != "a" || said["subject"] != nil {
		t.Errorf("%v, %v", said, err)
	}
	made := Publish{Type: "x", Source: "y"}
	if _, err := made.event("-", strings.NewReader("{}\r\n")); err != nil || made.ID == "" {
		t.Errorf("%v, %+v", err, made)
	}
	whole := Publish{}
	if raw, err := whole.event("", strings.NewReader("{\"id\":1}\n")); err != nil || string(raw) != `{"id":1}` {
		t.Errorf("%s, %v", raw, err)
	}
	for i, c := range []struct {
		flags Publish
		data  EventData
	}{
		{Publish{Type: "x", Source: "y"}, ""},
		{Publish{Type: "x"}, "{}"},
		{Publish{ID: "x"}, ""},
		{Publish{Type: "x", Source: "y"}, `{},"id":"z"`},
		{Publish{Type: "x", Source: "y"}, "{"},
		{Publish{Type: "x", Source: "y\xff"}, "{}"},
	} {
		if raw, err := c.flags.event(c.data, strings.NewReader("")); problem.Exit(err) != problem.ExitUsage {
			t.Errorf("%d: %s, %v", i, raw, err)
		}
	}
	if _, err := c.event("@"+EventData(t.TempDir())+"/none", nil); err == nil {
		t.Error("a file that is not there is read")
	}
}

// TestReceipt: a refusal is exit 3 or an error with its words, a duplicate is a success.
func TestReceipt(t *testing.T) {
	receipt := func(s event.Status) event.Receipt {
		return event.Receipt{Key: event.Key{Source: "urn:x", ID: "a"}, Status: s, Sequence: 7}
	}
	for _, c := range []struct {
		receipt event.Receipt
		json    bool
		good    bool
		said    string
	}{
		{receipt(event.Appended), false, true, "appended as event 7: source urn:x, id a\n"},
		{receipt(event.Duplicate), false, true, "a duplicate of event 7: source urn:x, id a\n"},
		{receipt(event.Appended), true, true, `"sequence":7`},
		{receipt(event.Refused), true, false, `"refused"`},
		{receipt(event.Refused), false, false, ""},
	} {
		var stdout bytes.Buffer
		err := tellReceipt(&cli.Console{Stdout: &stdout}, c.receipt, c.json)
		if (err == nil) != c.good || !strings.Contains(stdout.String(), c.said) ||
			c.json && !json.Valid(stdout.Bytes()) {
			t.Errorf("%+v: %v: %s", c, err, &stdout)
		}
	}
}

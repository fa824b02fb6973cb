package importer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"cakupan/cmd/internal/client"
	"cakupan/cmd/internal/httpapi"
	"cakupan/cmd/internal/intake"
	"cakupan/cmd/internal/ledger"
	"cakupan/cmd/internal/lists"
	"cakupan/cmd/internal/nobody"
	"cakupan/cmd/internal/problem"
	"cakupan/domain/event"
)

// ways are the two ways to a ledger: its folder, and a server.
var ways = []string{"folder", "server"}

// newLedger returns a client of a new ledger, by one of the ways.
func newLedger(t *testing.T, way string) *client.Client {
	t.Helper()
	l, err := ledger.Open(t.Context(), ledger.Options{
		Dir: filepath.Join(t.TempDir(), "data"), Create: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	near := client.Open(l, httpapi.Config{})
	t.Cleanup(func() {
		if err := near.Close(); err != nil {
			t.Error(err)
		}
	})
	if way == "folder" {
		return near
	}
	server := httptest.NewServer(httpapi.New(l, httpapi.Config{}))
	t.Cleanup(server.Close)
	far, err := client.Dial(t.Context(), server.URL, "", func(string, ...any) {})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = far.Close() })
	return far
}

// told keeps what whoever waits is told.
type told struct {
	notes []string
	last  uint64
	part  float64
}

func (n *told) teller() Teller {
	return Teller{
		Note: func(format string, args ...any) {
			n.notes = append(n.notes, fmt.Sprintf(format, args...))
		},
		At:  func(events uint64, part float64) { n.last, n.part = events, part },
		End: func() {},
	}
}

// imported imports files and returns what came of it.
func imported(t *testing.T, to *client.Client, opts intake.Options, r *Rejects, paths ...string,
) (*Tally, *told, error) {
	t.Helper()
	n := &told{}
	l := &Import{From: to, Options: opts, Tally: NewTally(n.teller(), r), Stdin: os.Stdin}
	err := l.Files(t.Context(), paths)
	return l.Tally, n, err
}

// file writes a file in a new folder.
func file(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// opened is an event as a line of a file.
func opened(id, region string) string {
	return `{"specversion":"1.0","id":"` + id + `","source":"urn:test",` +
		`"type":"id.cakupan.enrolment.opened.v1","data":{"enrolment":"E-` + id + `","worker":"w",` +
		`"region":"` + region + `","segment":"PU","category":"PRIVATE","programmes":["JKK"],` +
		`"payer":"EMPLOYER","from":"2020-01-01"}}`
}

// counts is a summary without its times.
func counts(s Summary) [5]uint64 {
	first, last := uint64(0), uint64(0)
	if s.First != nil && s.Last != nil {
		first, last = *s.First, *s.Last
	}
	return [5]uint64{s.Appended, s.Duplicates, s.Refused, first, last}
}

// TestImport takes in the same files by both ways, twice: what is new, what is there, what is
// refused and where, is the same.
func TestImport(t *testing.T) {
	lines := []string{
		opened("1", "75.03"), opened("2", "7503"), "", opened("1", "75.03"), "{",
		opened("3", "75.71"),
	}
	array := "[" + opened("3", "75.71") + ",\n" + strings.ReplaceAll(opened("4", "75.01"), ",", ",\r\n\t") + "]"
	for _, way := range ways {
		t.Run(way, func(t *testing.T) {
			to := newLedger(t, way)
			paths := []string{
				file(t, "a.ndjson", strings.Join(lines, "\n")), file(t, "b.json", array),
			}
			for round, want := range [][5]uint64{{3, 2, 2, 1, 3}, {0, 5, 2, 0, 0}} {
				tally, n, err := imported(t, to, intake.Options{}, nil, paths...)
				if err != nil {
					t.Fatal(err)
				}
				if got := counts(tally.Summary); got != want || tally.Read != 7 || n.last != 7 {
					t.Errorf("round %d: %v, read %d, want %v", round, got, tally.Read, want)
				}
				if len(n.notes) != 2 ||
					!strings.HasPrefix(n.notes[0], paths[0]+":2: region.unknown (data.region): ") ||
					!strings.HasPrefix(n.notes[1], paths[0]+":5: event.malformed: ") {
					t.Errorf("round %d: told %q", round, n.notes)
				}
			}
		})
	}
}

// TestDryRun says what would be appended, and appends nothing.
func TestDryRun(t *testing.T) {
	for _, way := range ways {
		t.Run(way, func(t *testing.T) {
			to := newLedger(t, way)
			path := file(t, "a.ndjson", opened("1", "75.03")+"\n"+opened("2", "7503"))
			for range 2 {
				tally, _, err := imported(t, to, intake.Options{DryRun: true}, nil, path)
				if got := counts(tally.Summary); err != nil || got != [5]uint64{1, 0, 1, 0, 0} {
					t.Errorf("%v, %v", got, err)
				}
			}
			health, err := to.Health(t.Context())
			if err != nil || health.Head != 0 {
				t.Errorf("the log has %d events, %v", health.Head, err)
			}
		})
	}
}

// TestBrokenArray takes in what stands before the place where an array cannot be read on.
func TestBrokenArray(t *testing.T) {
	for _, way := range ways {
		t.Run(way, func(t *testing.T) {
			path := file(t, "a.json", "["+opened("1", "75.03")+","+opened("2", "75.03")+",}")
			tally, _, err := imported(t, newLedger(t, way), intake.Options{}, nil, path)
			if got := counts(tally.Summary); got != [5]uint64{2, 0, 1, 1, 2} || tally.Read != 3 {
				t.Errorf("%v, read %d", got, tally.Read)
			}
			if p := problem.From(err); err == nil || p.Code != problem.Malformed ||
				!strings.Contains(p.Detail, path) || p.Exit() != problem.ExitRefused {
				t.Errorf("%v", err)
			}
		})
	}
}

// TestListImport takes in a list by both ways: people get the same enrolments, a row that is
// refused here is not sent, and no number of a person is told.
func TestListImport(t *testing.T) {
	list := "Daftar;L-1\n\nNIK;Kode Wilayah;Segmen;Kategori;Program;Penanggung Iuran;Tanggal Mulai;Nama\n" +
		nobody.NIK(1) + ";75.03;BPU;Pekerja Rentan;JKK, JKM;APBD;2021-01-01;x\n" +
		nobody.NIK(2) + ";7503;BPU;Pekerja Rentan;JKK, JKM;APBD;2021-01-01;x\n" +
		nobody.NIK(3) + ";75.71;BPU;Pekerja Rentan;JKK, JKM;APBD;2021-01-01;x\n"
	for _, way := range ways {
		t.Run(way, func(t *testing.T) {
			to := newLedger(t, way)
			path := file(t, "a.csv", list)
			for round, want := range [][5]uint64{{2, 0, 1, 1, 2}, {0, 2, 1, 0, 0}} {
				rejects, err := NewRejects(path+".ndjson", false, t.Logf)
				if err != nil {
					t.Fatal(err)
				}
				tally, n, err := imported(t, to, intake.Options{}, rejects, path)
				if err := errors.Join(err, rejects.Close(err)); err != nil {
					t.Fatal(err)
				}
				if got := counts(tally.Summary); got != want || tally.Read != 3 {
					t.Errorf("round %d: %v, want %v", round, got, want)
				}
				if len(tally.Lists) != 1 || tally.Lists[0].Kind != "enrolment" ||
					tally.Lists[0].Header != 3 || !slices.Equal(tally.Lists[0].Ignored, []string{"Nama"}) {
					t.Errorf("%+v", tally.Lists)
				}
				text, err := os.ReadFile(path + ".ndjson")
				var refused Reject
				if err := errors.Join(err, json.Unmarshal(text, &refused)); err != nil ||
					refused.Line != 5 || refused.Code != event.RegionUnknown {
					t.Errorf("%+v, %v", refused, err)
				}
				if all := string(text) + strings.Join(n.notes, "\n"); strings.Contains(all, nobody.NIK(2)) {
					t.Errorf("a number is told: %s", all)
				}
			}
		})
	}
}

// TestInterrupted stops at the end of a batch, and says that it was stopped.
func TestInterrupted(t *testing.T) {
	for _, way := range ways {
		ctx, stop := context.WithCancel(t.Context())
		stop()
		l := &Import{From: newLedger(t, way), Tally: NewTally((&told{}).teller(), nil)}
		err := l.Files(ctx, []string{file(t, "a.ndjson", opened("1", "75.03"))})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", way, err)
		}
	}
}

// TestInput: what cannot be read is said with its name, by the check before and by the import.
func TestInput(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		path    string
		checked problem.Code
		words   string
	}{
		{file(t, "a.NDJSON", ""), "", ""},
		{file(t, "a.Json", "[]"), "", ""},
		{file(t, "a.jsonl", ""), "", ""},
		{"-", "", ""},
		{file(t, "a.xml", ""), problem.UsageWrong, "a.xml"},
		{file(t, "noextension", ""), problem.UsageWrong, ".ndjson, .jsonl or .json"},
		{filepath.Join(dir, "gone.ndjson"), problem.NotFound, "gone.ndjson"},
		{filepath.Join(dir, "gone.xlsx"), problem.NotFound, "gone.xlsx"},
		{dir + ".json", problem.NotFound, ".json"},
	} {
		err := CheckFile(c.path)
		code := problem.Code("")
		if err != nil {
			code = problem.From(err).Code
		}
		if code != c.checked || !strings.Contains(fmt.Sprint(err), c.words) {
			t.Errorf("%s: %v, want %q", c.path, err, c.checked)
		}
	}
	folder := filepath.Join(dir, "folder.ndjson")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := CheckFile(folder); err == nil {
		t.Error("a folder is taken for a file")
	}
	if err := CheckList(file(t, "a.csv", "NIK\n"), lists.Options{}); err == nil ||
		!strings.Contains(err.Error(), "a.csv: ") {
		t.Errorf("a list without an id: %v", err)
	}
}

// TestMeasured tells how far a file is read, and nothing of what has no length.
func TestMeasured(t *testing.T) {
	m := &measured{Reader: strings.NewReader("0123456789"), size: 10}
	for read, want := range []float64{0, .1, .2, .3} {
		if got := m.part(); got != want {
			t.Errorf("after %d bytes: %v, want %v", read, got, want)
		}
		if _, err := m.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
	}
	if part := (&measured{Reader: strings.NewReader("x")}).part(); part >= 0 {
		t.Errorf("of a pipe: %v", part)
	}
}

// TestCheckRejects: a file of refusals destroys neither what is imported nor what is somebody's.
func TestCheckRejects(t *testing.T) {
	input := file(t, "in.ndjson", opened("1", "75.03"))
	link := filepath.Join(t.TempDir(), "link.ndjson")
	if err := os.Symlink(input, link); err != nil {
		t.Fatal(err)
	}
	stdin, err := os.Open(input)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stdin.Close() }()
	for _, c := range []struct {
		name, path string
		inputs     []string
		good       bool
	}{
		{"none", "", []string{input}, true},
		{"new", filepath.Join(t.TempDir(), "new"), []string{input}, true},
		{"the input", input, []string{"x.ndjson", input}, false},
		{"the input by another name", link, []string{input}, false},
		{"the standard input", input, []string{"-"}, false},
		{"an older one", file(t, "old", `{"line":3,"code":"event.malformed"}`), []string{input}, true},
		{"of several files", file(t, "old", `{"file":"a","line":3}`), []string{input}, true},
		{"an empty one", file(t, "old", ""), []string{input}, true},
		{"somebody's", file(t, "thesis", "It was a dark night"), []string{input}, false},
		{"a short one", file(t, "note", "x"), []string{input}, false},
		{"events", file(t, "events", opened("1", "75.03")), []string{input}, false},
		{"an older list", file(t, "old.csv", ""), []string{input}, false},
		{"a folder's name", t.TempDir(), []string{input}, true}, // NewRejects says why not
	} {
		if err := CheckRejects(c.path, c.inputs, stdin); (err == nil) != c.good {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// TestSparing puts the receipts of a list together: each row has its own, at its place, whatever
// was sent, and what came after a failure has none.
func TestSparing(t *testing.T) {
	broken := errors.New("the server is gone")
	refusal := &event.Refusal{Code: event.FieldMissing}
	for _, c := range []struct {
		rows   string // s: sent, r: refused here
		gives  int    // receipts that come back
		failed error
		want   string
	}{
		{"", 0, nil, ""},
		{"ss", 2, nil, "01"},
		{"rr", 0, nil, "rr"},
		{"rsrsr", 2, nil, "r0r1r"},
		{"srs", 1, broken, "0r"},
		{"rss", 0, broken, "r"},
	} {
		var sent int
		to := sparing(submitter{
			prepare: func(b batch) (prepared, error) {
				sent = len(b.Raw)
				return prepared{}, nil
			},
			commit: func(prepared) (got []event.Receipt, err error) {
				for n := range c.gives {
					got = append(got, event.Receipt{Status: event.Appended, Sequence: uint64(n)})
				}
				return got, c.failed
			},
		})
		var b batch
		for _, row := range c.rows {
			record := lists.Record{Event: []byte("{}")}
			if row == 'r' {
				record = lists.Record{Refusal: refusal}
			}
			b.rows = append(b.rows, record)
		}
		p, err := to.prepare(b)
		if err != nil || sent != strings.Count(c.rows, "s") {
			t.Errorf("%s: %d sent, %v", c.rows, sent, err)
		}
		all, err := to.commit(p)
		got := ""
		for _, r := range all {
			if r.Refusal != nil {
				got += "r"
			} else {
				got += fmt.Sprint(r.Sequence)
			}
		}
		if got != c.want || !errors.Is(err, c.failed) {
			t.Errorf("%s: %s, %v; want %s", c.rows, got, err, c.want)
		}
	}
}

// TestReadReceipts: an answer that ends too soon, or in a problem, is an error, and what was
// answered before it counts.
func TestReadReceipts(t *testing.T) {
	receipt := `{"source":"urn:x","id":"1","status":"appended","sequence":7}` + "\n"
	full := string(problem.New(problem.LogFull, "no room").JSON(false))
	for _, c := range []struct {
		name, body string
		want       int
		code       problem.Code
	}{
		{"all", receipt + receipt, 2, ""},
		{"more", receipt + receipt + receipt, 2, ""},
		{"hung up", receipt, 1, problem.ServerUnreachable},
		{"nothing", "", 0, problem.ServerUnreachable},
		{"cut off", receipt + receipt[:9], 1, problem.ServerUnreachable},
		{"a problem", receipt + full, 1, problem.LogFull},
		{"a page", "<html>", 0, problem.ServerUnreachable},
		{"no receipt", receipt + `{"status":"maybe"}`, 1, problem.Internal},
	} {
		got, err := readReceipts(strings.NewReader(c.body), 2)
		code := problem.Code("")
		if err != nil {
			code = problem.From(err).Code
		}
		if len(got) != c.want || code != c.code {
			t.Errorf("%s: %d receipts, %v; want %d, %q", c.name, len(got), err, c.want, c.code)
		}
	}
}

// TestJoinLines: one event is one line, whatever line ends stand between its tokens, and it is the
// same JSON.
func TestJoinLines(t *testing.T) {
	raw := [][]byte{[]byte(`{"a":1}`), []byte("{\r\n\"b\":\n[1,\r2]}"), []byte("")}
	var b batch
	b.Raw = raw
	p, err := joinLines(b)
	if err != nil || p.lines != 3 {
		t.Fatalf("%d lines, %v", p.lines, err)
	}
	lines := bytes.Split(bytes.TrimSuffix(p.body, []byte("\n")), []byte("\n"))
	if len(lines) != 3 || bytes.ContainsAny(bytes.Join(lines, nil), "\r\n") {
		t.Fatalf("%q", lines)
	}
	var before, after any
	if err := errors.Join(json.Unmarshal(raw[1], &before), json.Unmarshal(lines[1], &after)); err != nil ||
		fmt.Sprint(before) != fmt.Sprint(after) {
		t.Errorf("%v became %v, %v", before, after, err)
	}
	if string(raw[1]) != "{\r\n\"b\":\n[1,\r2]}" {
		t.Error("the event itself was changed")
	}
}

// TestShownMax tells of the first refusals alone, and counts them all.
func TestShownMax(t *testing.T) {
	var text strings.Builder
	for n := range 3 * ShownMax {
		fmt.Fprintf(&text, "{%d\n", n)
	}
	tally, n, err := imported(t, newLedger(t, "folder"), intake.Options{}, nil,
		file(t, "a.ndjson", text.String()))
	if err != nil || len(n.notes) != ShownMax || tally.Refused != 3*ShownMax {
		t.Errorf("%d told, %d refused, %v", len(n.notes), tally.Refused, err)
	}
}

// TestNoInput: an import of nothing is an import.
func TestNoInput(t *testing.T) {
	for _, way := range ways {
		l := &Import{
			From: newLedger(t, way), Tally: NewTally((&told{}).teller(), nil),
			Stdin: io.MultiReader(),
		}
		if err := l.Files(t.Context(), []string{"-"}); err != nil || l.Tally.Read != 0 {
			t.Errorf("%s: read %d, %v", way, l.Tally.Read, err)
		}
	}
}

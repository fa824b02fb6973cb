package showing

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"cakupan/cmd/internal/cli"
	"cakupan/cmd/internal/lists"
	"cakupan/cmd/internal/problem"
	"cakupan/projections/coverage"
)

const watchedStream = `retry: 2000

event: snapshot
id: 7
data: [{"region":"75","name":"Gorontalo","covered":10},{"region":"ID","name":"Indonesia","covered":10}]

: still here

event: state
data: {"state":"behind","head":9,"sequence":7,"why":"it is being built"}

event: change
id: 9
data: [{"region":"75","name":"Gorontalo","covered":8}]

`

func watchOf(chart bool, times int) (v *watched, stdout, stderr *bytes.Buffer) {
	stdout, stderr = &bytes.Buffer{}, &bytes.Buffer{}
	return &watched{
		command: &Watch{Times: times}, was: map[string]coverage.Answer{},
		out: &cli.Console{Stdout: stdout, Stderr: stderr, Chart: chart},
	}, stdout, stderr
}

func TestWatchLines(t *testing.T) {
	v, stdout, stderr := watchOf(false, 0)
	if err := v.read(strings.NewReader(watchedStream)); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("the end of the connection: %v", err)
	}
	for _, want := range []string{
		"75     Gorontalo  10 covered (0)", "75     Gorontalo  8 covered (-2)",
	} {
		if !strings.Contains(stdout.String(), want) {
			t.Errorf("%q is not in %s", want, stdout)
		}
	}
	if !strings.Contains(stderr.String(), "behind: it is being built") || v.last != "9" {
		t.Errorf("stderr %s, last %s", stderr, v.last)
	}
}

// TestWatchIndonesian says the same in Indonesian, line by line and as a table.
func TestWatchIndonesian(t *testing.T) {
	v, stdout, stderr := watchOf(false, 0)
	v.language = lists.Indonesian
	stream := strings.ReplaceAll(watchedStream, `"covered":10`, `"covered":1000,"percent":"20.50"`)
	if err := v.read(strings.NewReader(stream)); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Fatal(err)
	}
	for _, want := range []string{
		"75     Gorontalo  1.000 terlindungi (0)  20,50 %  0 terkonfirmasi  peristiwa 0\n",
		"75     Gorontalo  8 terlindungi (-992)",
	} {
		if !strings.Contains(stdout.String(), want) {
			t.Errorf("%q is not in %s", want, stdout)
		}
	}
	if !strings.Contains(stderr.String(), "mengejar: it is being built") {
		t.Errorf("stderr %s", stderr)
	}
	for columns, has := range map[int][]string{
		120: {"Wilayah", "Terlindungi", "Perubahan", "Terkonfirmasi", "Persen", "Target", "Arah"},
		30:  {"Wilayah", "Persen"},
	} {
		v, stdout, _ := watchOf(true, 2)
		v.language = lists.Indonesian
		v.out.Size = func() (int, int) { return columns, 4 }
		if err := v.read(strings.NewReader(stream)); err != nil {
			t.Fatal(err)
		}
		drawn := stdout.String()[strings.LastIndex(stdout.String(), "\x1b[2J"):]
		header, _, _ := strings.Cut(drawn, "\n")
		for _, want := range has {
			if !strings.Contains(header, want) {
				t.Errorf("%d columns: no %s in %q", columns, want, header)
			}
		}
		if !strings.HasSuffix(drawn, "1 lagi: pilih dengan --region\n") {
			t.Errorf("%d columns: %q", columns, drawn)
		}
	}
}

func TestWatchTable(t *testing.T) {
	v, stdout, _ := watchOf(true, 2)
	if err := v.read(strings.NewReader(watchedStream)); err != nil {
		t.Fatal(err)
	}
	tables := strings.Split(stdout.String(), "\x1b[H\x1b[2J")
	if len(tables) != 3 {
		t.Fatalf("%d tables", len(tables)-1)
	}
	lines := strings.Split(tables[2], "\n")
	if !strings.HasPrefix(lines[1], "ID") || !strings.Contains(lines[2], "-2") {
		t.Errorf("the second table:\n%s", tables[2])
	}
}

// TestWatchFits draws the table on terminals of all sizes: no line is broken in two, none moves up
// out of sight, and the region and a figure of it are always there.
func TestWatchFits(t *testing.T) {
	for columns := 30; columns <= 120; columns++ {
		for lines := 5; lines <= 8; lines++ {
			v, stdout, _ := watchOf(true, 2)
			v.out.Size = func() (int, int) { return columns, lines }
			if err := v.read(strings.NewReader(watchedStream)); err != nil {
				t.Fatal(err)
			}
			tables := strings.Split(stdout.String(), "\x1b[H\x1b[2J")
			drawn := strings.Split(strings.TrimSuffix(tables[2], "\n"), "\n")
			if len(drawn) >= lines || !strings.Contains(drawn[1], "Indonesia") ||
				!strings.Contains(drawn[0], "Percent") {
				t.Errorf("%d columns, %d lines:\n%s", columns, lines, tables[2])
			}
			for _, line := range drawn {
				if utf8.RuneCountInString(line) > columns {
					t.Errorf("%d columns: %q", columns, line)
				}
			}
		}
	}
}

// TestWatchMany draws more regions than the terminal has lines: how many are not there is said.
func TestWatchMany(t *testing.T) {
	v, stdout, _ := watchOf(true, 1)
	v.out.Size = func() (int, int) { return 60, 10 }
	var answers []string
	for i := range 50 {
		answers = append(answers, fmt.Sprintf(`{"region":"%d.01","name":"x","covered":1}`, i+10))
	}
	err := v.read(strings.NewReader("event: snapshot\ndata: [" + strings.Join(answers,
		",") + "]\n\n"))
	if err != nil || strings.Count(stdout.String(), "\n") != 9 ||
		!strings.Contains(stdout.String(), "43 more: choose with --region\n") {
		t.Errorf("%v: %s", err, stdout)
	}
}

// TestWatchCutOff: a message that did not come whole is asked for again.
func TestWatchCutOff(t *testing.T) {
	v, _, _ := watchOf(false, 0)
	for cut := range len(watchedStream) {
		v.last = "0"
		if err := v.read(strings.NewReader(watchedStream[:cut])); !errors.Is(err,
			io.ErrUnexpectedEOF) {
			t.Fatalf("after %d bytes: %v", cut, err)
		}
		whole := watchedStream[:strings.LastIndex("\n\n"+watchedStream[:cut], "\n\n")]
		want := "0"
		for line := range strings.Lines(whole) {
			if id, found := strings.CutPrefix(line, "id: "); found {
				want = strings.TrimSpace(id)
			}
		}
		if v.last != want {
			t.Fatalf("after %d bytes it goes on after %s, not %s", cut, v.last, want)
		}
	}
}

// TestWatchHidden: a count that is hidden is not shown as 0.
func TestWatchHidden(t *testing.T) {
	v, stdout, _ := watchOf(false, 0)
	err := v.read(strings.NewReader("event: snapshot\ndata: [{\"region\":\"75\",\"covered\":null," +
		"\"suppressed\":true}]\n\n"))
	if problem.From(err).Code != problem.Forbidden || stdout.Len() > 0 {
		t.Errorf("%v: %s", err, stdout)
	}
}

func TestWatchEnd(t *testing.T) {
	v, _, _ := watchOf(false, 0)
	err := v.read(strings.NewReader("event: end\ndata: {\"detail\":\"it stops\"}\n\n"))
	if e := problem.From(err); e.Code != problem.ServerStopping || e.Detail != "it stops" {
		t.Errorf("%v", err)
	}
}

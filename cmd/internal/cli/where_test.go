package cli

import (
	"bytes"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cakupan/cmd/internal/client"
	"cakupan/cmd/internal/problem"
)

// TestWhereRefuses: what names no ledger is refused, whichever way it is opened, and no folder is
// made by asking.
func TestWhereRefuses(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "none")
	out := &Console{Stderr: &bytes.Buffer{}}
	job := func(*client.Client) error { return errors.New("it is asked") }
	for exit, w := range map[int]*Where{
		problem.ExitUsage:    {Data: dir, SecretFile: "secret"},
		problem.ExitNotFound: {Data: dir},
	} {
		for way, err := range map[string]error{
			"reading":       w.Reading(t.Context(), out, job),
			"with":          w.With(t.Context(), out, false, job),
			"asking":        w.Asking(t.Context(), out, "", job),
			"asking by NIK": w.Asking(t.Context(), out, "-", job),
		} {
			if problem.Exit(err) != exit || strings.Contains(err.Error(), "it is asked") {
				t.Errorf("%s of %+v: %v", way, w, err)
			}
		}
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("the folder was made: %v", err)
	}
}

// TestWhereFolder: the folder is the one that is named, and for an owner's command it must be one.
func TestWhereFolder(t *testing.T) {
	if got := (&Where{}).Folder(); got != DataDefault {
		t.Error(got)
	}
	if got := (&Where{Data: "x"}).Folder(); got != "x" {
		t.Error(got)
	}
	for w, good := range map[Where]bool{
		{}: true, {Data: "x"}: true, {Server: "http://x"}: false, {SecretFile: "x"}: false,
	} {
		if err := w.NotServer(); (err == nil) != good {
			t.Errorf("%+v: %v", w, err)
		}
	}
}

// TestReadNIK: a NIK comes from the flag or, for "-", from one line of standard input; what is none
// is refused and not repeated.
func TestReadNIK(t *testing.T) {
	const nik = "7503011501900001"
	for _, c := range []struct {
		flag, stdin string
		good        bool
	}{
		{nik, "", true},
		{"-", nik, true},
		{"-", "  " + nik + " \nand more", true},
		{"-", "", false},
		{"-", strings.Repeat(" ", 64) + nik, false}, // a file that was named by mistake
		{nik + "1", "", false},
		{"-", nik[:15] + "x", false},
	} {
		got, err := ReadNIK(c.flag, &Console{Stdin: strings.NewReader(c.stdin)})
		if c.good && (got != nik || err != nil) || !c.good && err == nil {
			t.Errorf("%q, %q: %q, %v", c.flag, c.stdin, got, err)
		}
		if err != nil && (strings.Contains(err.Error(), nik[:15]) ||
			problem.Exit(err) == problem.ExitDone) {
			t.Errorf("the error repeats it: %v", err)
		}
	}
}

// TestSetWorker: without a NIK nothing is asked; with one beside a worker nobody can say who is
// meant.
func TestSetWorker(t *testing.T) {
	if err := SetWorker(t.Context(), nil, &Console{}, "", nil); err != nil {
		t.Error(err)
	}
	query := url.Values{"worker": {"w-1"}}
	err := SetWorker(t.Context(), nil, &Console{}, "7503011501900001", query)
	if problem.From(err).Code != problem.UsageWrong || query.Encode() != "worker=w-1" {
		t.Errorf("%v, %v", err, query)
	}
}

// TestRoom: a chart is as wide as the terminal, and no wider than is well to read.
func TestRoom(t *testing.T) {
	for columns, want := range map[int]int{0: ChartColumns, 40: 40, 200: ChartColumns} {
		out := &Console{Size: func() (int, int) { return columns, 24 }}
		if got := out.ChartWidth(); got != want {
			t.Errorf("%d columns: %d", columns, got)
		}
	}
	if columns, lines := (&Console{}).Room(); columns != 0 || lines != 0 {
		t.Errorf("no terminal has %d columns, %d lines", columns, lines)
	}
	if TrueOrNothing(true) != "true" || TrueOrNothing(false) != "" {
		t.Error("a flag that is not set is asked")
	}
}

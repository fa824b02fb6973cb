package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"cakupan/cmd/internal/problem"
)

// TestFail: each error is said once, on standard error, with the exit code that its code has; as
// JSON it is a problem with that code. A quiet exit and no error say nothing.
func TestFail(t *testing.T) {
	secret := errors.New("disk 3 is gone")
	for name, c := range map[string]struct {
		err  error
		exit int
		said string
		code problem.Code // "": nothing is said
	}{
		"none":  {nil, problem.ExitDone, "", ""},
		"quiet": {errors.Join(QuietExit(problem.ExitRefused), secret), problem.ExitRefused, "", ""},
		"usage": {Usage("name one"), problem.ExitUsage, "cakupan: name one\n", problem.UsageWrong},
		"interrupted": {
			fmt.Errorf("read log: %w", context.Canceled), problem.ExitFailed,
			"cakupan: interrupted\n", problem.Interrupted,
		},
		"internal": {secret, problem.ExitFailed, "cakupan: disk 3 is gone\n", problem.Internal},
		"cause": {
			problem.Wrap(problem.FileNotReadable, "a cannot be read", fs.ErrPermission),
			problem.Exit(problem.New(problem.FileNotReadable, "")),
			"cakupan: a cannot be read (permission denied)\n", problem.FileNotReadable,
		},
		"folder": {
			problem.Wrap(problem.FolderInUse, "the folder is in use", fs.ErrPermission),
			problem.Exit(problem.New(problem.FolderInUse, "")),
			"cakupan: the folder is in use\n", problem.FolderInUse,
		},
	} {
		var stdout, stderr bytes.Buffer
		out := &Console{Stdout: &stdout, Stderr: &stderr}
		if got := out.Fail(c.err, false); got != c.exit || stderr.String() != c.said || stdout.Len() > 0 {
			t.Errorf("%s: exit %d, %q%q", name, got, &stderr, &stdout)
		}
		stderr.Reset()
		got := out.Fail(c.err, true)
		var said struct{ Code problem.Code }
		if c.code != "" {
			if err := json.Unmarshal(stderr.Bytes(), &said); err != nil {
				t.Errorf("%s: %v: %s", name, err, &stderr)
			}
		}
		if got != c.exit || said.Code != c.code || c.code == "" && stderr.Len() > 0 || stdout.Len() > 0 {
			t.Errorf("%s as JSON: exit %d, %s%s", name, got, &stderr, &stdout)
		}
	}
}

// TestFieldIsNamed: an error about a field names it, once.
func TestFieldIsNamed(t *testing.T) {
	for detail, want := range map[string]string{
		"is unknown":            "cakupan: data.region: is unknown\n",
		"data.region is needed": "cakupan: data.region is needed\n",
	} {
		var stderr bytes.Buffer
		e := problem.New(problem.UsageWrong, detail)
		e.Field = "data.region"
		if (&Console{Stderr: &stderr}).Fail(e, false); stderr.String() != want {
			t.Errorf("%q", &stderr)
		}
	}
}

// TestLogs: the operator's log is text or JSON, and a command's own says warnings alone.
func TestLogs(t *testing.T) {
	var stderr bytes.Buffer
	out := &Console{Stderr: &stderr}
	out.warnings().Info("all is well")
	if stderr.Len() > 0 {
		t.Errorf("%s", &stderr)
	}
	out.warnings().Warn("healed")
	out.LogJSON = true
	out.Logger().Info("served", slog.Int("port", 7070))
	text, line, _ := strings.Cut(stderr.String(), "\n")
	if !strings.Contains(text, "msg=healed") || !json.Valid([]byte(line)) ||
		!strings.Contains(line, `"port":7070`) {
		t.Errorf("%s", &stderr)
	}
}

// TestLogIsJSON: where a program reads the log, all that is said beside the data is a record of it,
// what went wrong too.
func TestLogIsJSON(t *testing.T) {
	var stderr bytes.Buffer
	out := &Console{Stderr: &stderr, LogJSON: true}
	out.Note("open: %d may read", 3)
	out.Fail(problem.New(problem.UsageWrong, "--listen is taken"), false)
	out.Fail(problem.New(problem.UsageWrong, "--listen is taken"), true)
	var got []string
	for line := range strings.Lines(stderr.String()) {
		var record struct{ Level, Msg, Code, Detail string }
		if err := json.Unmarshal([]byte(line), &record); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		got = append(got, record.Level+" "+record.Msg+" "+record.Code+" "+record.Detail)
	}
	want := []string{
		"INFO notice  open: 3 may read", "ERROR ended usage --listen is taken",
		"  usage --listen is taken",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

// TestWriteJSON: a value is one line, and its marks are as they were reported.
func TestWriteJSON(t *testing.T) {
	var stdout bytes.Buffer
	err := (&Console{Stdout: &stdout}).WriteJSON([]string{"<a & b>"})
	if err != nil || stdout.String() != `["<a & b>"]`+"\n" {
		t.Errorf("%v, %q", err, &stdout)
	}
}

// TestMeter: a terminal sees one line, written over, no more often than is of use, and gone at the
// end; a file sees nothing.
func TestMeter(t *testing.T) {
	for _, progress := range []bool{true, false} {
		var stderr bytes.Buffer
		now := time.Unix(0, 0)
		out := &Console{Stderr: &stderr, Progress: progress, Now: func() time.Time { return now }}
		m := out.Meter("import")
		for range 11 {
			now = now.Add(meterInterval / 4)
			m.Sequence(1_000, 4_000)
		}
		now = now.Add(time.Hour)
		m.At(2_000_000, -1)
		m.End()
		lines := strings.Split(stderr.String(), "\r")
		if !progress {
			if stderr.Len() > 0 {
				t.Errorf("nobody looks: %q", &stderr)
			}
			continue
		}
		// Nothing before the first, two of eleven in half a second, the last, and its end.
		if len(lines) < 5 || len(lines) > 7 || lines[0] != "" || lines[len(lines)-1] != "" ||
			strings.Trim(lines[len(lines)-2], " ") != "" {
			t.Fatalf("%q", lines)
		}
		first, last := lines[1], lines[len(lines)-3]
		if !strings.HasPrefix(first, "import  1,000 events") || !strings.Contains(first, "25 %") ||
			!strings.HasPrefix(last, "import  2,000,000 events  555/s") || strings.Contains(last, "%") {
			t.Errorf("%q, %q", first, last)
		}
		if len(last) < len(first) || len(lines[len(lines)-2]) < len(strings.TrimRight(last, " ")) {
			t.Errorf("something of the line before is left: %q", lines)
		}
	}
}

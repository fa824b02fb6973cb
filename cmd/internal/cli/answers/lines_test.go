package answers

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"cakupan/cmd/internal/cli"
	"cakupan/cmd/internal/problem"
)

// asked are the lines of an answer as it comes, and what is to be said of its end.
var asked = map[string]struct {
	body, printed string
	code          problem.Code // of a problem at the end
	cut           bool
}{
	"nothing": {},
	"whole":   {body: "{\"a\":1}\n{\"b\":2}\n", printed: "{\"a\":1}\n{\"b\":2}\n"},
	"long": {
		body: strings.Repeat("x", 300_000) + "\ny\n", printed: strings.Repeat("x", 300_000) + "\ny\n",
	},
	"cut off": {body: "{\"a\":1}\n{\"b\"", printed: "{\"a\":1}\n", cut: true},
	"problem": {
		body:    "{\"a\":1}\n" + string(problem.New(problem.ServerStopping, "it stops").JSON(false)) + "\n",
		printed: "{\"a\":1}\n", code: problem.ServerStopping,
	},
}

// TestCopyLines passes answers on: to the byte, but for what ends them badly, which is an error.
func TestCopyLines(t *testing.T) {
	for name, c := range asked {
		var out bytes.Buffer
		err := CopyLines(&out, strings.NewReader(c.body))
		if out.String() != c.printed {
			t.Errorf("%s: %d bytes are printed", name, out.Len())
		}
		switch {
		case c.code != "" && problem.From(err).Code != c.code:
			t.Errorf("%s: %v", name, err)
		case c.cut && !errors.Is(err, io.EOF):
			t.Errorf("%s: %v", name, err)
		case c.code == "" && !c.cut && err != nil:
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestEachLineStops at the first line that cannot be printed.
func TestEachLineStops(t *testing.T) {
	full, lines := errors.New("no room"), 0
	err := EachLine(strings.NewReader("a\nb\nc\n"), func([]byte) error {
		if lines++; lines == 2 {
			return full
		}
		return nil
	})
	if !errors.Is(err, full) || lines != 2 {
		t.Errorf("%v after %d lines", err, lines)
	}
}

// TestAskTwoForms: an answer has one form, which is said before a ledger is opened or made.
func TestAskTwoForms(t *testing.T) {
	w := &cli.Where{Data: t.TempDir() + "/none", JSON: true}
	err := Ask(t.Context(), w, &cli.Console{}, Question{Route: "/v1/explain", CSV: true})
	if problem.From(err).Code != problem.UsageWrong {
		t.Errorf("%v", err)
	}
}

// TestFigureFlags leaves out of the question what was not said.
func TestFigureFlags(t *testing.T) {
	f := FigureFlags{Region: "75", Known: "2021-01-04"}
	if got := f.Values("of", "covered", "to", "").Encode(); got != "known=2021-01-04&of=covered&region=75" {
		t.Error(got)
	}
}

package manual_test

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/alecthomas/kong"

	"cakupan/cmd/internal/manual"
)

type serve struct {
	Listen string `placeholder:"ADDR" help:"Where. It's \"here\"."`
	Secret string `hidden:""`
}

func (*serve) Help() string {
	return ".1 of all … begins so.\n\nExamples:\n\n\tprogram serve --listen 'x\\y'\n\t.hidden\n\n" +
		"Exit codes:\n\n\t0  done\n"
}

type grammar struct {
	Serve  serve `cmd:"" help:"Run the program."`
	Member struct {
		Add struct {
			Name string `arg:"" help:"Its name."`
		} `cmd:"" help:"Register one."`
	} `cmd:"" help:"Look after members."`
	Hidden struct{} `cmd:"" hidden:""`
}

func pages(t *testing.T) []manual.Page {
	t.Helper()
	parser, err := kong.New(&grammar{}, kong.Name("program"), kong.Description("A program."))
	if err != nil {
		t.Fatal(err)
	}
	return manual.Pages(parser.Model, manual.Edition{Version: "v1.2.3", Date: "2026-11-29"})
}

// request is what roff is asked for by a line.
var request = regexp.MustCompile(`^\.(\\"|[A-Za-z]+)`)

// TestPages: a page for each command that is shown, of requests that man(7) knows and of words that
// mean nothing to roff, the same each time.
func TestPages(t *testing.T) {
	known := []string{`\"`, "TH", "SH", "SS", "B", "BR", "I", "TP", "PP", "nf", "fi", "RS", "RE", "br"}
	var names []string
	for i, page := range pages(t) {
		names = append(names, page.Name)
		if !bytes.Equal(page.Text, pages(t)[i].Text) {
			t.Errorf("%s is another one at the second time", page.Name)
		}
		for line := range strings.Lines(string(page.Text)) {
			found := request.FindStringSubmatch(line)
			if line[0] == '.' && (found == nil || !slices.Contains(known, found[1])) {
				t.Errorf("%s asks for %q", page.Name, line)
			}
			if strings.ContainsFunc(line, func(r rune) bool { return r > unicode.MaxASCII }) {
				t.Errorf("%s has %q", page.Name, line)
			}
		}
	}
	if want := "program.1 program-serve.1 program-member.1"; strings.Join(names, " ") != want {
		t.Errorf("pages %v", names)
	}
}

// TestPageWords looks for what a reader of a page looks for.
func TestPageWords(t *testing.T) {
	text := map[string]string{}
	for _, page := range pages(t) {
		text[page.Name] = string(page.Text)
	}
	for name, wanted := range map[string][]string{
		"program.1": {".SH \"COMMANDS\"", ".BR \"program\\-serve\" \"(1)\"\nRun the program.\n"},
		"program-serve.1": {
			`.TH "PROGRAM\-SERVE" 1 "2026-11-29" "cakupan v1.2.3"`,
			"program\\-serve \\- Run the program\n", "\\&.1 of all \\[u2026] begins so.\n",
			".SH \"EXAMPLES\"", "\\-\\-listen \\(aqx\\ey\\(aq\n", "\n\\&.hidden\n",
			".SH \"EXIT STATUS\"", "It\\(aqs \"here\".\n",
		},
		"program-member.1": {".SS \"program member add\"", "<name>\nIts name.\n"},
	} {
		for _, want := range wanted {
			if !strings.Contains(text[name], want) {
				t.Errorf("%s has no %q:\n%s", name, want, text[name])
			}
		}
	}
	for name, page := range text {
		if strings.Contains(page, "hidden\"") || strings.Contains(page, "secret") {
			t.Errorf("%s shows what is hidden", name)
		}
	}
}

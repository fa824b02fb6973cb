package shell_test

import (
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"cakupan/cmd/internal/shell"
)

// grammar has each kind of thing that may stand on a command line.
type grammar struct {
	Server string `help:"A server."`
	JSON   bool   `name:"json" help:"For machines."`

	Serve struct {
		Listen string `short:"l" help:"Address."`
		Key    string `placeholder:"FILE" help:"Key."`
	} `cmd:"" help:"Run."`
	Series struct {
		Lang string `enum:"en,id," default:"" help:"Language."`
	} `cmd:"" help:"Move."`
	Import struct {
		Kind string   `arg:"" enum:"people,events"`
		File []string `arg:"" name:"file"`
	} `cmd:"" help:"Take in."`
	Publisher struct {
		Add  struct{} `cmd:"" help:"Register."`
		List struct{} `cmd:"" help:"List."`
	} `cmd:"" help:"Who."`
	Hidden struct{} `cmd:"" hidden:""`
}

func TestComplete(t *testing.T) {
	parser, err := kong.New(&grammar{}, kong.Name("program"))
	if err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string]string{
		"":                            "serve series import publisher",
		"se":                          "serve series",
		"hid":                         "",
		"none ":                       "serve series import publisher", // a wrong word is no end
		"publisher ":                  "add list",
		"publisher a":                 "add",
		"publisher add ":              "",
		"serve --":                    "--help --server --json --listen --key",
		"serve --l":                   "--listen",
		"serve --listen ":             "",
		"serve -l :7070 --k":          "--key",
		"serve --key ":                "/",
		"serve --key=":                "/",
		"serve --json --k":            "--key",
		"--server http://x se":        "serve series",
		"--server http://x publisher": "publisher",
		"series --lang ":              "en id",
		"series --lang i":             "id",
		"series --lang=":              "--lang=en --lang=id",
		"series --lang=e":             "--lang=en",
		"series --lang = ":            "en id", // as bash has it
		"series --lang = e":           "en",
		"series --lang =":             "en id",
		"series --none=":              "",
		"import ":                     "people events",
		"import people ":              "/",
		"import people a b ":          "/",
		"import -- p":                 "people",
		"import -- -":                 "",
	} {
		answer := shell.Complete(parser.Model, strings.Split(line, " "))
		var words []string
		for line := range strings.Lines(answer.String()) {
			word, _, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
			words = append(words, word)
		}
		if got := strings.Join(words, " "); got != want {
			t.Errorf("%q: %q, want %q", line, got, want)
		}
	}
}

// TestScript: each shell that is named has a script, and no other.
func TestScript(t *testing.T) {
	for _, name := range shell.Names() {
		if text, found := shell.Script(name); !found || len(text) == 0 {
			t.Errorf("no script for %s", name)
		}
	}
	for _, name := range []string{"", "tcsh", "../shell.go"} {
		if _, found := shell.Script(name); found {
			t.Errorf("a script for %q", name)
		}
	}
}

package about

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"cakupan/cmd/internal/apidoc"
	"cakupan/cmd/internal/cli"
	"cakupan/cmd/internal/folder"
	"cakupan/cmd/internal/problem"
)

// TestDocuments prints each document to the byte as the program has it, and nothing for what is no
// document.
func TestDocuments(t *testing.T) {
	for name, run := range map[string]func(*cli.Console) error{
		"openapi.json":  (&docsOpenAPI{}).Run,
		"asyncapi.json": (&docsAsyncAPI{}).Run,
	} {
		var stdout bytes.Buffer
		err := run(&cli.Console{Stdout: &stdout})
		want, found := apidoc.Document(name)
		if err != nil || !found || !bytes.Equal(stdout.Bytes(), want) || !json.Valid(want) {
			t.Errorf("%s: %v, %d bytes of %d", name, err, stdout.Len(), len(want))
		}
	}
	var stdout bytes.Buffer
	err := printDocument(&cli.Console{Stdout: &stdout}, "none.json")
	if problem.Exit(err) != problem.ExitNotFound || stdout.Len() > 0 {
		t.Errorf("%v: %s", err, &stdout)
	}
}

// TestCompletion has a script for each shell that is told, and none for others.
func TestCompletion(t *testing.T) {
	seen := map[string]bool{}
	for _, shell := range []string{"bash", "zsh", "fish"} {
		var stdout bytes.Buffer
		err := (&Completion{Shell: shell}).Run(&cli.Console{Stdout: &stdout})
		if err != nil || !strings.Contains(stdout.String(), "complete -- ") || !strings.Contains(stdout.String(), "in "+shell+".") ||
			seen[stdout.String()] {
			t.Errorf("%s: %v: %s", shell, err, &stdout)
		}
		seen[stdout.String()] = true
	}
	if err := (&Completion{Shell: "csh"}).Run(nil); problem.From(err).Code != problem.UsageWrong {
		t.Errorf("%v", err)
	}
}

// TestVersion says in both forms which format of folders the program makes, and as materials what
// it is built of.
func TestVersion(t *testing.T) {
	var text, line, materials bytes.Buffer
	for out, run := range map[*bytes.Buffer]func(*cli.Console) error{
		&text: func(c *cli.Console) error { return (&Version{}).Run(&cli.Where{}, c) },
		&line: func(c *cli.Console) error { return (&Version{}).Run(&cli.Where{JSON: true}, c) },
		&materials: func(c *cli.Console) error {
			return (&Version{SBOM: true}).Run(&cli.Where{}, c)
		},
	} {
		if err := run(&cli.Console{Stdout: out}); err != nil {
			t.Error(err)
		}
	}
	var said struct{ Format int }
	if err := json.Unmarshal(line.Bytes(), &said); err != nil || said.Format != folder.Format {
		t.Errorf("%v: %s", err, &line)
	}
	if !strings.HasPrefix(text.String(), "cakupan ") || strings.Count(text.String(), "\n") != 1 ||
		!strings.Contains(text.String(), "folder format ") {
		t.Errorf("%q", &text)
	}
	var bom struct{ BOMFormat string }
	if err := json.Unmarshal(materials.Bytes(), &bom); err != nil || bom.BOMFormat != "CycloneDX" {
		t.Errorf("%v: %s", err, &materials)
	}
}

// TestReleaseHere: a release is made of a checkout, and of nothing else.
func TestReleaseHere(t *testing.T) {
	t.Chdir(t.TempDir())
	err := (&Release{Output: "dist"}).Run(t.Context(), &cli.Console{})
	if problem.From(err).Code != problem.UsageWrong {
		t.Errorf("%v", err)
	}
}

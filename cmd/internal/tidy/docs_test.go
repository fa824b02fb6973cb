package tidy

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const (
	docs      = root + "/docs"
	originals = root + "/../shared/design" // beside the repository, where there is one
)

func readText(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestDocsAreTheOriginals compares the project's own copies with what they were copied from.
func TestDocsAreTheOriginals(t *testing.T) {
	for _, name := range []string{"contract.md", "architecture.md"} {
		original, err := os.ReadFile(filepath.Join(originals, name))
		if errors.Is(err, fs.ErrNotExist) {
			t.Skip("the originals are not here")
		}
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(original, []byte(readText(t, filepath.Join(docs, name)))) {
			t.Errorf("docs/%s differs from its original: copy it again", name)
		}
	}
}

var (
	// heading is a section of the contract: "## 3. Covered".
	heading = regexp.MustCompile(`(?m)^## (\d+)\. `)
	// citation is the contract with a section, or several: "contract, sections 3 and 4".
	citation = regexp.MustCompile(`(?i)contract(?:'s)?,? sections? (\d+)(?: (?:and|to|or) (\d+))?`)
	// lineEnd is the end of a line with what the next begins with, also in a comment.
	lineEnd = regexp.MustCompile(`[ \t]*\n[ \t]*(?://|#|\*)?[ \t]*`)
)

// citations returns the sections of the contract that a text cites.
func citations(text string) (sections []string) {
	for _, found := range citation.FindAllStringSubmatch(lineEnd.ReplaceAllString(text, " "), -1) {
		for _, section := range found[1:] {
			if section != "" {
				sections = append(sections, section)
			}
		}
	}
	return sections
}

// TestCitations reads every text of the project: each section of the contract that it cites is in
// docs/contract.md.
func TestCitations(t *testing.T) {
	var there []string
	for _, found := range heading.FindAllStringSubmatch(readText(t, docs+"/contract.md"), -1) {
		there = append(there, found[1])
	}
	if len(there) < 10 {
		t.Fatalf("docs/contract.md has sections %v only", there)
	}
	cited := 0
	for _, path := range texts(t) {
		for _, section := range citations(readText(t, filepath.Join(root, path))) {
			cited++
			if !slices.Contains(there, section) {
				t.Errorf("%s cites contract, section %s, which is not in docs/contract.md",
					path, section)
			}
		}
	}
	if cited < 10 {
		t.Errorf("found %d citations only: are they written in another way now?", cited)
	}
}

// TestCitationsBite shows which ways to cite are found.
func TestCitationsBite(t *testing.T) {
	for text, want := range map[string]string{
		"(contract, section 7)": "7", "as contract section 1 names": "1",
		"(contract,\n\t// sections 3 and 4)": "3 4", "the contract's sections 2 to 4": "2 4",
		"RFC 6962, section 2.1": "", "the contract says": "",
	} {
		if got := strings.Join(citations(text), " "); got != want {
			t.Errorf("%q cites %q, want %q", text, got, want)
		}
	}
}

// texts returns the paths, relative to root, of source and documents.
func texts(t *testing.T) (paths []string) {
	t.Helper()
	kinds := []string{".go", ".md", ".proto", ".js", ".html", ".txtar", ".yml"}
	err := fs.WalkDir(os.DirFS(root), ".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != "." && d.Name()[0] == '.':
			return fs.SkipDir
		case !d.IsDir() && slices.Contains(kinds, filepath.Ext(path)):
			paths = append(paths, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

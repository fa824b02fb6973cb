package tidy

import (
	"io/fs"
	"os"
	"path"
	"regexp"
	"strings"
	"testing"
)

// link is a link of Markdown to a file of the project; what follows a # is a place in it.
var link = regexp.MustCompile(`\]\(([^)#:\s]+)(#[^)]*)?\)`)

// TestLinks follows the links between the documents.
func TestLinks(t *testing.T) {
	project, followed := os.DirFS(root), 0
	err := fs.WalkDir(project, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && name != "." && (d.Name() == "testdata" || d.Name()[0] == '.'):
			return fs.SkipDir
		case !strings.HasSuffix(name, ".md"):
			return nil
		}
		text, err := fs.ReadFile(project, name)
		if err != nil {
			return err
		}
		for _, found := range link.FindAllStringSubmatch(string(text), -1) {
			followed++
			if _, err := fs.Stat(project, path.Join(path.Dir(name), found[1])); err != nil {
				t.Errorf("%s links to %s, which is not there", name, found[1])
			}
		}
		return nil
	})
	if err != nil || followed == 0 {
		t.Fatalf("%d links, %v", followed, err)
	}
}

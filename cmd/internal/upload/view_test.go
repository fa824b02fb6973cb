package upload

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestWords makes sure that the page and its handlers say what there is, in both languages, and
// that nothing is there that nobody says.
func TestWords(t *testing.T) {
	t.Parallel()
	used := map[string]bool{"read": true, "wouldRead": true} // chosen by name in tell
	for _, name := range []string{"page/upload.html", "view.go", "post.go"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range regexp.MustCompile(`Say\(? ?"(\w+)"`).FindAllSubmatch(text, -1) {
			used[string(found[1])] = true
		}
	}
	for key := range used {
		if words[key].id == "" || words[key].en == "" {
			t.Errorf("%q is not said in both languages", key)
		}
	}
	for key, said := range words {
		if !used[key] {
			t.Errorf("nobody says %q", key)
		}
		if strings.Count(said.id, "%") != strings.Count(said.en, "%") {
			t.Errorf("%q says something else in the other language", key)
		}
	}
}

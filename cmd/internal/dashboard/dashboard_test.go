package dashboard

import (
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

func TestHandler(t *testing.T) {
	for path, want := range map[string]struct {
		status      int
		contentType string
	}{
		"/":                 {200, "text/html"},
		"/assets/app.js":    {200, "text/javascript"},
		"/assets/style.css": {200, "text/css"},
		"/assets/icon.svg":  {200, "image/svg+xml"},
		"/assets/":          {404, "text/plain"},
		"/assets/none":      {404, "text/plain"},
	} {
		w := httptest.NewRecorder()
		Handler().ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		if w.Code != want.status || !strings.HasPrefix(w.Header().Get("Content-Type"), want.contentType) {
			t.Errorf("%s: %d %s", path, w.Code, w.Header().Get("Content-Type"))
		}
		policy := w.Header().Get("Content-Security-Policy")
		if !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s: policy %s", path, policy)
		}
	}
}

func readPage(t *testing.T, name string) string {
	t.Helper()
	text, err := files.ReadFile("page/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// inBothLanguages makes sure that the script has a text of that name twice.
func inBothLanguages(t *testing.T, script, name string) {
	t.Helper()
	if n := len(regexp.MustCompile(`\b`+name+`: ["(]`).FindAllString(script, -1)); n != 2 {
		t.Errorf("text %s is there %d times, want once in each language", name, n)
	}
}

// TestPage keeps to what the policy lets a page do, and has every text in both languages.
func TestPage(t *testing.T) {
	page, script := readPage(t, "index.html"), readPage(t, "assets/app.js")
	for _, banned := range []string{"<style", " style=", " onclick=", "http://", "https://", "<script>"} {
		if strings.Contains(page, banned) {
			t.Errorf("the page has %s", banned)
		}
	}
	for _, m := range regexp.MustCompile(`data-text="(\w+)"`).FindAllStringSubmatch(page, -1) {
		inBothLanguages(t, script, m[1])
	}
}

// TestConfirmed: the confirmed stand beside the covered, in a column, in words and as a line that is
// also said; and each kind of evidence has words.
func TestConfirmed(t *testing.T) {
	page, script := readPage(t, "index.html"), readPage(t, "assets/app.js")
	columns := regexp.MustCompile(`columnheader"[^>]* data-text="(\w+)"`).FindAllStringSubmatch(page, -1)
	var names []string
	for _, m := range columns {
		names = append(names, m[1])
	}
	if got := strings.Join(names, " "); !strings.Contains(got, " covered confirmed ") {
		t.Errorf("columns %s", got)
	}
	// Each column but the region's has a cell, which says the name of its column on a narrow page.
	for _, name := range names[1:] {
		if !strings.Contains(script, `cell("`+name+`", `) {
			t.Errorf("no cell of column %s", name)
		}
	}
	for _, name := range []string{
		"CREDITED", "DISBURSED", "PROMISED", "DUE", "PRESUMED", "summary", "share", "evidence",
	} {
		inBothLanguages(t, script, name)
	}
	for _, want := range []string{
		`query.set("by", "evidence")`, `line.role = "img"`, "line.ariaLabel = ", `id="summary"`, `id="evidence"`,
	} {
		if !strings.Contains(page+script, want) {
			t.Errorf("%s is missing", want)
		}
	}
	if style := readPage(t, "assets/style.css"); !strings.Contains(style, "@media (max-width") ||
		!strings.Contains(style, "content: attr(data-label)") {
		t.Error("on a narrow page rows are not lists")
	}
}

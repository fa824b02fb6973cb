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

// TestPage keeps to what the policy lets a page do, and has every text in both languages.
func TestPage(t *testing.T) {
	read := func(name string) string {
		text, err := files.ReadFile("page/" + name)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	page, script := read("index.html"), read("assets/app.js")
	for _, banned := range []string{"<style", " style=", " onclick=", "http://", "https://", "<script>"} {
		if strings.Contains(page, banned) {
			t.Errorf("the page has %s", banned)
		}
	}
	for _, m := range regexp.MustCompile(`data-text="(\w+)"`).FindAllStringSubmatch(page, -1) {
		if n := len(regexp.MustCompile(`\b`+m[1]+`: ["(]`).FindAllString(script, -1)); n != 2 {
			t.Errorf("text %s is there %d times, want once in each language", m[1], n)
		}
	}
}

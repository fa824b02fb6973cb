package dashboard

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io/fs"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
)

func TestHandler(t *testing.T) {
	for path, want := range map[string]struct {
		status      int
		contentType string
	}{
		"/":                       {200, "text/html"},
		"/sw.js":                  {200, "text/javascript"},
		"/assets/app.js":          {200, "text/javascript"},
		"/assets/style.css":       {200, "text/css"},
		"/assets/icon.svg":        {200, "image/svg+xml"},
		"/assets/story.json":      {200, "application/json"},
		"/assets/boundaries.json": {200, "application/geo+json"},
		"/assets/":                {404, "text/plain"},
		"/assets/none":            {404, "text/plain"},
	} {
		w := httptest.NewRecorder()
		Handler(Options{}).ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		if w.Code != want.status || !strings.HasPrefix(w.Header().Get("Content-Type"), want.contentType) {
			t.Errorf("%s: %d %s", path, w.Code, w.Header().Get("Content-Type"))
		}
		policy := w.Header().Get("Content-Security-Policy")
		if !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s: policy %s", path, policy)
		}
	}
}

func TestStory(t *testing.T) {
	story := []Mark{{Region: "75", On: "2020-12-31", Known: "7", Indonesian: "satu", English: "one"}}
	w := httptest.NewRecorder()
	Handler(Options{Story: story}).ServeHTTP(w, httptest.NewRequest("GET", "/assets/story.json", nil))
	var got []Mark
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || len(got) != 1 || got[0] != story[0] {
		t.Errorf("%s: %v", w.Body, err)
	}
}

// TestPage keeps to what the policy lets a page do.
func TestPage(t *testing.T) {
	page, err := files.ReadFile("page/index.html")
	if err != nil {
		t.Fatal(err)
	}
	for _, banned := range []string{"<style", " style=", " onclick=", "http://", "https://", "<script>"} {
		if bytes.Contains(page, []byte(banned)) {
			t.Errorf("the page has %s", banned)
		}
	}
	sources, err := fs.Glob(os.DirFS("app"), "*.ts")
	if err != nil || len(sources) == 0 {
		t.Fatal(sources, err)
	}
	for _, name := range sources {
		source, err := os.ReadFile("app/" + name)
		if err != nil {
			t.Fatal(err)
		}
		// An attribute of style is inline style, which the policy forbids: it would do nothing.
		if at := regexp.MustCompile(`\sstyle=|innerHTML|unsafe|eval\(`).Find(source); at != nil {
			t.Errorf("%s has %q", name, at)
		}
	}
}

// TestWeight bounds what a phone has to load before it shows anything.
func TestWeight(t *testing.T) {
	const most = 70_000
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	for _, name := range []string{"index.html", "assets/app.js", "assets/style.css"} {
		content, err := files.ReadFile("page/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if packed.Len() > most {
		t.Errorf("the page weighs %d bytes compressed, at most %d", packed.Len(), most)
	}
}

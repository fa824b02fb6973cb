package dashboard

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
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

// TestWeight bounds what a phone has to load before it shows anything, as it is sent; and what it
// has is not sent again.
func TestWeight(t *testing.T) {
	const most = 70_000
	handler, sum := Handler(Options{}), 0
	ask := func(path string, headers map[string]string) *httptest.ResponseRecorder {
		r := httptest.NewRequest("GET", path, nil)
		for name, value := range headers {
			r.Header.Set(name, value)
		}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		return w
	}
	for _, path := range []string{"/", "/assets/app.js", "/assets/style.css", "/assets/story.json"} {
		plain, none := ask(path, nil), ask(path, map[string]string{"Accept-Encoding": "br, gzip; q=0.0"})
		packed := ask(path, map[string]string{"Accept-Encoding": "br, GZip;q=0.5, zstd"})
		sum += packed.Body.Len()
		for _, w := range []*httptest.ResponseRecorder{plain, packed} {
			again := ask(path, map[string]string{
				"Accept-Encoding": w.Header().Get("Content-Encoding"),
				"If-None-Match":   w.Header().Get("Etag"),
			})
			if again.Code != 304 || again.Body.Len() > 0 {
				t.Errorf("%s: %d, %d bytes again", path, again.Code, again.Body.Len())
			}
		}
		if plain.Header().Get("Content-Encoding")+none.Header().Get("Content-Encoding") != "" ||
			!bytes.Equal(plain.Body.Bytes(), none.Body.Bytes()) {
			t.Errorf("%s is packed for one who does not take it so", path)
		}
		if packed.Header().Get("Content-Encoding") == "" {
			continue // it is too small
		}
		r, err := gzip.NewReader(packed.Body)
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil || !bytes.Equal(content, plain.Body.Bytes()) ||
			packed.Header().Get("Etag") == plain.Header().Get("Etag") ||
			packed.Header().Get("Vary") != "Accept-Encoding" {
			t.Errorf("%s: %v, %d bytes, %v", path, err, len(content), packed.Header())
		}
	}
	if sum > most {
		t.Errorf("the page weighs %d bytes compressed, at most %d", sum, most)
	}
	t.Logf("%d bytes", sum)
}

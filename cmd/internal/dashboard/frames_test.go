package dashboard

import (
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

func TestCheckFrames(t *testing.T) {
	good := []string{
		"https://data.example.go.id", "http://10.0.0.7:8080", "https://*.example.go.id",
		"http://localhost:3000", "https://[2001:db8::1]:8443",
	}
	got, err := CheckFrames(append([]string{"self"}, good...))
	if err != nil || !slices.Equal(got, append([]string{"'self'"}, good...)) {
		t.Fatal(got, err)
	}
	for _, bad := range []string{
		"", "*", "https://*", "https:", "https://", "data.example.go.id", "ftp://example.go.id",
		"https://example.go.id/path", "https://example.go.id/", "https://a b",
		"https://a;script-src *", "https://a'", "'none'", "https://u:p@a", "https://a?b",
		"https://a:123456", "https://a,https://b", "https://-a", "https://a\nX: y",
		"https://a.*.b", "javascript://a", "https://[::1",
	} {
		if got, err := CheckFrames([]string{bad}); err == nil {
			t.Errorf("%q is taken: %q", bad, got)
		} else if !strings.Contains(err.Error(), "is no origin") {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if _, err := CheckFrames(make([]string, framesMax+1)); err == nil {
		t.Error("any number is taken")
	}
}

// Nobody may show the page within another one unless that is said, and then they alone.
func TestFrames(t *testing.T) {
	for want, frames := range map[string][]string{
		"frame-ancestors 'none'":                   nil,
		"frame-ancestors 'self' https://a.go.id":   {"'self'", "https://a.go.id"},
		"frame-ancestors https://a.go.id http://b": {"https://a.go.id", "http://b"},
	} {
		w := httptest.NewRecorder()
		Handler(Options{Frames: frames}).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
		policy := w.Header().Get("Content-Security-Policy")
		if !strings.HasSuffix(policy, "; "+want) || strings.Count(policy, "frame-ancestors") != 1 {
			t.Errorf("%q: policy %s", frames, policy)
		}
	}
}

// Whatever is taken is one directive of the policy and nothing more.
func FuzzCheckFrames(f *testing.F) {
	for _, seed := range []string{"self", "https://a.go.id", "https://*.a:1", "https://[::1]:2", "*"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, origin string) {
		got, err := CheckFrames([]string{origin})
		if err == nil && (len(got) != 1 || strings.ContainsAny(got[0], "; ,\t\r\n\"")) {
			t.Errorf("%q is taken as %q", origin, got)
		}
	})
}

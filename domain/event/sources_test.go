package event_test

import (
	"strings"
	"testing"

	"cakupan/domain/event"
)

// TestSourceCovers tells which sources are below one, by their parts.
func TestSourceCovers(t *testing.T) {
	for _, c := range []struct {
		own, source string
		covers      bool
	}{
		{"urn:office:7", "urn:office:7", true},
		{"urn:office:7", "urn:office:7:a", true},
		{"urn:office:7", "urn:office:7/a", true},
		{"urn:office:7", "URN:office:7:a", true},
		{"urn:office:7", "Urn:OFFICE:7:a", true},
		{"urn:office:a", "urn:office:A", false},
		{"urn:office", "urn:office", true},
		{"urn:office", "urn:office:7", true},
		{"urn:office", "urn:offices:7", false},
		{"urn:office:7", "urn:office", false},
		{"urn:office:7", "urn:office:75", false},
		{"urn:office:75", "urn:office:7", false},
		{"urn:office:", "urn:office:75", true},
		{"urn:office:", "urn:office", false},
		{"urn:", "urn:any:thing", true},
		{"urn:", "https://a.id", false},
		{"https:", "https://a.id/x", true},
		{"https://a.id", "https://a.id", true},
		{"https://a.id", "https://a.id/", true},
		{"https://a.id", "https://a.id/x/y?q#f", true},
		{"https://a.id", "https://a.id?q", true},
		{"https://a.id", "HTTPS://A.ID/x", true},
		{"https://a.id", "http://a.id/x", false},
		{"https://a.id", "https://a.id.example/", false},
		{"https://a.id", "https://a.id:8443/x", false},
		{"https://a.id", "https://a.id:443@b.example/x", false},
		{"https://a.id", "https://a.id@b.example/x", false},
		{"https://a.id:8443", "https://a.id:8443/x", true},
		{"https://a.id", "https://x@a.id/", false},
		{"https://", "https://a.id/x", false},
		{"https://a.id/x", "https://a.id/x/y", true},
		{"https://a.id/x", "https://a.id/x?y", true},
		{"https://a.id/x", "https://a.id/xy", false},
		{"https://a.id/x", "https://a.id/X", false},
		{"https://a.id/x", "https://a.id", false},
		{"https://a.id/x/", "https://a.id/x/y", true},
		{"https://a.id/x/", "https://a.id/x", false},
		{"https://a.id/x", "https://a.id/x/../y", false},
		{"https://a.id/x", "https://a.id/x/%2E./y", false},
		{"https://a.id", "https://a.id/..", false},
		{"https://a.id", "https://a.id/...", true},
		{"https://a.id", "https://a.id/x?y=/../", true},
		{"/office", "/office/75", true},
		{"/office", "//office/75", false},
		{"office/75", "office/75:a", true},
	} {
		if got := event.SourceCovers(c.own, c.source); got != c.covers {
			t.Errorf("%s covers %s: %v", c.own, c.source, got)
		}
		overlap := c.covers || event.SourceCovers(c.source, c.own)
		if event.SourcesOverlap(c.own, c.source) != overlap || event.SourcesOverlap(c.source, c.own) != overlap {
			t.Errorf("%s and %s: overlap is not %v", c.own, c.source, overlap)
		}
	}
}

// TestSourceFlaw tells which sources have another way to be written.
func TestSourceFlaw(t *testing.T) {
	for _, plain := range []string{
		"urn:office:7", "urn:", "https:", "https://a.id", "https://a.id:8443/x", "http://a.id:443", "https://[::1]/x",
		"https://a.id/caf%C3%A9", "https://a.id/x%2Fy", "https://a.id/100%", "/office", "urn:a@b", "https://a.id/x@y.",
	} {
		if flaw := event.SourceFlaw(plain); flaw != "" {
			t.Errorf("%s %s", plain, flaw)
		}
	}
	for source, flaw := range map[string]string{
		"https://a.id/x/../y": ". or ..", "https://a.id/%2e%2E/y": ". or ..",
		"https://a.id:443/x": "port", "HTTP://a.id:80": "port", "https://a.id:/x": "end of its host",
		"https://a.id./x": "end of its host", "https://a.id.:8443/x": "end of its host",
		"https://a.id@b.example/x": "user", "https://@a.id": "user",
		"urn:%6Fffice": "encoded", "https://a.id/%7e": "encoded", "https://%61.id": "encoded", "https://a.id/x%2d": "encoded",
	} {
		if got := event.SourceFlaw(source); !strings.Contains(got, flaw) {
			t.Errorf("%s: %q, want %q", source, got, flaw)
		}
	}
}

// TestSourceIsReserved: what is the ledger's, and of those who take back, is no publisher's, however
// wide his source is and however it is written.
func TestSourceIsReserved(t *testing.T) {
	wide := event.Scope{Sources: []string{"urn:", "urn:cakupan"}}
	for _, reserved := range []string{
		"urn:cakupan:ledger:0123", "URN:Cakupan:ledger:0123", "urn:cakupan:steward:pusat", "urn:CAKUPAN:steward",
		"urn:cakupan:operator", "urn:cakupan:operator/x",
	} {
		if !event.SourceIsReserved(reserved) || wide.HasSource(reserved) {
			t.Errorf("%s may be a publisher's", reserved)
		}
	}
	for _, free := range []string{"urn:cakupan:sample", "urn:cakupan:ledgers", "urn:other:steward"} {
		if event.SourceIsReserved(free) || !wide.HasSource(free) {
			t.Errorf("%s is reserved", free)
		}
	}
}

// FuzzSourceCovers covers any text by any other: what is covered by both of two that do not overlap
// must not be, or two publishers could speak for each other.
func FuzzSourceCovers(f *testing.F) {
	for _, c := range [][3]string{
		{"https://a.id", "https://a.id:80@b.id", "https://a.id:80@b.id/x"},
		{"urn:a", "urn:a:b", "urn:a:b:c"},
		{"https:", "HTTPS://a", "https://a/%2e"},
		{"a", "a/", "a//b"},
		{"urn:", "URN:", "Urn:"},
	} {
		f.Add(c[0], c[1], c[2])
	}
	f.Fuzz(func(t *testing.T, a, b, source string) {
		if !event.SourceCovers(a, a) {
			t.Errorf("%q does not cover itself", a)
		}
		both := event.SourceCovers(a, source) && event.SourceCovers(b, source)
		if both && !event.SourcesOverlap(a, b) {
			t.Errorf("%q and %q cover %q, and do not overlap", a, b, source)
		}
		if event.SourceCovers(a, source) && len(a) > len(source) && !strings.EqualFold(a, source) {
			t.Errorf("%q covers the shorter %q", a, source)
		}
	})
}

func BenchmarkSourceCovers(b *testing.B) {
	for b.Loop() {
		event.SourceCovers("https://dinas.example/75", "https://dinas.example/75/03/office")
	}
}

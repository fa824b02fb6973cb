package lifetime

import (
	"crypto/x509"
	"slices"
	"strings"
	"testing"
	"time"
)

const day = 24 * time.Hour

// certificate is one that is good from now on.
func certificate(of string, now time.Time, good time.Duration) Certificate {
	return Of(of, []*x509.Certificate{{NotBefore: now, NotAfter: now.Add(good)}})
}

// TestEndsSoon: three weeks before the end, or in the last quarter of a short life.
func TestEndsSoon(t *testing.T) {
	began := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		good, after time.Duration
		soon        bool
	}{
		{825 * day, 0, false},
		{825 * day, 804 * day, false},
		{825 * day, 804*day + 1, true},
		{825 * day, 900 * day, true},
		{90 * day, 60 * day, false}, // when others renew it
		{90 * day, 70 * day, true},
		{6 * day, 4 * day, false},
		{6 * day, 5 * day, true},
		{0, 0, false},
		{0, 1, true},
	} {
		one := certificate("https", began, c.good)
		if got := one.EndsSoon(began.Add(c.after)); got != c.soon {
			t.Errorf("good for %v, after %v: %v", c.good, c.after, got)
		}
	}
}

// TestChain: a chain is good as long as each of its certificates.
func TestChain(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	leaf := &x509.Certificate{NotBefore: now, NotAfter: now.Add(90 * day)}
	over := &x509.Certificate{NotBefore: now.Add(-day), NotAfter: now.Add(30 * day)}
	root := &x509.Certificate{NotBefore: now, NotAfter: now.Add(9000 * day)}
	want := Certificate{"x", over.NotBefore, over.NotAfter}
	for _, chain := range [][]*x509.Certificate{{leaf, over, root}, {over, leaf}, {over}} {
		if got := Of("x", chain); got != want {
			t.Errorf("%v", got)
		}
	}
	if got := Of("x", nil); !got.EndsSoon(now) {
		t.Errorf("no certificate is good: %v", got)
	}
}

// TestWarning names all that end soon, and nothing else.
func TestWarning(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	all := []Certificate{
		certificate("node-b:4222", now.Add(-800*day), 820*day),
		certificate("https", now.Add(-800*day), 1000*day),
		certificate("node-c:4222", now.Add(-800*day), 799*day),
		certificate("node-a:4222", now.Add(-800*day), 820*day),
	}
	const want = "that of node-c:4222 ended at 2025-12-31T00:00:00Z," +
		" that of node-a:4222 ends at 2026-01-21T00:00:00Z," +
		" that of node-b:4222 ends at 2026-01-21T00:00:00Z"
	for range 2 {
		if got := Warning(now, all); !strings.HasSuffix(got, ": "+want) {
			t.Errorf("it says %q", got)
		}
		slices.Reverse(all)
	}
	if got := Warning(now, all[1:2]); got != "" {
		t.Errorf("of one that is good it says %q", got)
	}
	if got := Warning(now, nil); got != "" {
		t.Errorf("of none it says %q", got)
	}
}

package serving

import (
	"iter"
	"path/filepath"
	"testing"

	"cakupan/cmd/internal/intake"
	"cakupan/cmd/internal/ledger"
	"cakupan/cmd/internal/sample"
	"cakupan/domain/event"
	"cakupan/domain/temporal"
)

// TestSampleNotice: a ledger that holds the sample says so, one that a publisher has begun in the
// sample's name does not, and neither does an empty one, until it holds the sample.
func TestSampleNotice(t *testing.T) {
	open := func() (*ledger.Ledger, func() string) {
		l, err := ledger.Open(t.Context(), ledger.Options{
			Dir: filepath.Join(t.TempDir(), "data"), Create: true,
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = l.Close() })
		notice := sampleNotice(l)
		return l, func() string { return notice(t.Context()) }
	}
	l, notice := open()
	if got := notice(); got != "" {
		t.Errorf("an empty ledger says %q", got)
	}
	first := iter.Seq2[event.Event, temporal.Instant](
		func(yield func(event.Event, temporal.Instant) bool) {
			for dated := range sample.Events(sample.Seed) {
				yield(dated.Event, dated.RecordedAt)
				return
			}
		})
	if _, err := l.AppendEvents(t.Context(), first, func(int) {}); err != nil {
		t.Fatal(err)
	}
	if got := notice(); got != sample.Notice {
		t.Errorf("the sample says %q", got)
	}
	l, notice = open()
	receipts, err := l.Submit(t.Context(), [][]byte{[]byte(`{"specversion":"1.0","id":"1",` +
		`"source":"urn:cakupan:sample:synthetic","type":"id.cakupan.worker.died.v1",` +
		`"time":"2019-01-02T00:00:00Z","data":{"worker":"w-1","on":"2020-01-01"}}`)},
		intake.Options{})
	if err != nil || receipts[0].Status != event.Appended {
		t.Fatal(receipts, err)
	}
	if got := notice(); got != "" {
		t.Errorf("a ledger of somebody else says %q", got)
	}
}

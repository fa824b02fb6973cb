package sample

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestBegins: the sample begins as it is recognized by, whatever its seed; what a publisher may say
// makes no sample of a ledger.
func TestBegins(t *testing.T) {
	line := func(source string, at time.Time) []byte {
		return fmt.Appendf(nil, `{"source":%q,"sequence":1,"recordedat":%q}`, source,
			at.Format("2006-01-02T15:04:05.000000000Z"))
	}
	for _, seed := range []uint64{Seed, 1, 77} {
		for dated := range Events(seed) {
			at := time.Unix(0, int64(dated.RecordedAt)).UTC()
			if !begins(line(dated.Event.Source, at)) {
				t.Errorf("seed %d begins with %s at %v", seed, dated.Event.Source, at)
			}
			break
		}
	}
	first := time.Date(2019, 1, 2, 2, 10, 0, 0, time.UTC)
	for name, first := range map[string][]byte{
		"now":           line(sourceSynthetic, time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)),
		"another":       line("urn:example:office", first),
		"another place": line("x"+sourceSynthetic, first),
		"another day":   line(sourceSynthetic, first.AddDate(0, 0, 1)),
		"no moment":     []byte(`{"source":"urn:cakupan:sample:synthetic"}`),
		"the publisher's moment": []byte(`{"source":"urn:cakupan:sample:synthetic",` +
			`"time":"2019-01-02T02:10:00Z"}`),
		"no JSON": []byte("{"), "nothing": nil,
	} {
		if begins(first) {
			t.Errorf("a ledger is taken for the sample: %s", name)
		}
	}
}

// TestNoticeOf asks until there is a first event, and then never again.
func TestNoticeOf(t *testing.T) {
	for _, want := range []string{Notice, ""} {
		source := strings.Replace(sourceSynthetic, "cakupan", map[string]string{
			Notice: "cakupan", "": "other",
		}[want], 1)
		asked, there := 0, false
		notice := NoticeOf(func(_ context.Context, yield func([]byte) error) error {
			if asked++; !there {
				return errors.New("not yet")
			}
			return yield(fmt.Appendf(nil, `{"source":%q,"recordedat":"2019-01-02T02:10:00Z"}`,
				source))
		})
		if got := notice(t.Context()); got != "" {
			t.Errorf("of an empty ledger it says %q", got)
		}
		there = true
		for range 3 {
			if got := notice(t.Context()); got != want {
				t.Errorf("says %q, not %q", got, want)
			}
		}
		if asked != 2 {
			t.Errorf("the ledger is asked %d times", asked)
		}
	}
}

package sample

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Notice is said with whatever is shown of the sample.
const Notice = "SYNTHETIC SAMPLE"

// askMax bounds how long whoever asks is held up by a log that does not answer.
const askMax = time.Second

// sources begins the source of every event of the sample.
const sources = "urn:cakupan:sample:"

// firstDay is when the first event of the sample was recorded, in UTC as in Makassar: the hour
// alone follows from the seed.
const firstDay = "2019-01-02"

// IsSource tells whether a source is that of an event of the sample.
func IsSource(source string) bool { return strings.HasPrefix(source, sources) }

// begins tells whether a log with such a first event, in JSON, is one that the sample was made in.
// A source is what its publisher says. When an event was recorded, a ledger says for itself: by its
// clock, and from years before there was one only where somebody has imported the sample with its
// times.
func begins(first []byte) bool {
	var e struct {
		Source     string    `json:"source"`
		RecordedAt time.Time `json:"recordedat"`
	}
	return json.Unmarshal(first, &e) == nil && IsSource(e.Source) &&
		e.RecordedAt.UTC().Format(time.DateOnly) == firstDay
}

// NoticeOf returns what says of a ledger that it is the sample: [Notice], or nothing. first passes
// on the first event of its log, in JSON, or nothing while there is none; it is asked until there
// is one, which never changes, by one who asks at a time: others are told nothing meanwhile.
func NoticeOf(
	first func(ctx context.Context, yield func(line []byte) error) error,
) func(ctx context.Context) string {
	var known atomic.Pointer[string]
	var asking sync.Mutex
	return func(ctx context.Context) string {
		if notice := known.Load(); notice != nil {
			return *notice
		}
		if !asking.TryLock() {
			return ""
		}
		defer asking.Unlock()
		ctx, cancel := context.WithTimeout(ctx, askMax)
		defer cancel()
		// An error is one of the ledger, which tells of it where it matters.
		_ = first(ctx, func(line []byte) error {
			notice := ""
			if begins(line) {
				notice = Notice
			}
			known.Store(&notice)
			return nil
		})
		if notice := known.Load(); notice != nil {
			return *notice
		}
		return ""
	}
}

package ledger

import (
	"strings"
	"testing"
	"time"

	"cakupan/cmd/internal/clock"
	"cakupan/cmd/internal/intake"
	"cakupan/cmd/internal/problem"
	"cakupan/domain/temporal"
)

// TestClock starts a ledger by clocks that cannot be right.
func TestClock(t *testing.T) {
	dir := t.TempDir()
	at := clock.Wall()
	serve := func(shift time.Duration, any bool) (*Ledger, error) {
		now := func() temporal.Instant { return at + temporal.Instant(shift) }
		l, err := Open(t.Context(), Options{Dir: dir, Create: true, Now: now, AnyClock: any})
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Serve(t.Context(), "http://localhost", time.Hour); err != nil {
			if err := l.Close(); err != nil {
				t.Error(err)
			}
			return nil, err
		}
		return l, nil
	}
	use := func(l *Ledger, id int) (clock string) {
		submit(t, l, [][]byte{plainEvent(id)})
		h := l.Health(t.Context())
		if h.Status != HealthOK || l.Ready(t.Context(), l.opts.Now()).Clock != h.Clock {
			t.Errorf("health %+v", h)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		return h.Clock
	}
	const day = 24 * time.Hour
	for i, test := range []struct {
		shift   time.Duration
		refused string
	}{
		{0, ""},
		{-59 * time.Minute, ""},
		{-2 * time.Hour, "before the last record time"},
		{80 * day, ""},
		{200 * day, "was last at work"},
		{0, "before the last record time"},
	} {
		l, err := serve(test.shift, false)
		if (err != nil) != (test.refused != "") {
			t.Fatalf("clock moved by %v: %v", test.shift, err)
		}
		if err != nil {
			if problem.From(err).Code != problem.ClockWrong || !strings.Contains(err.Error(), test.refused) {
				t.Errorf("clock moved by %v: %v", test.shift, err)
			}
			if l, err = serve(test.shift, true); err != nil {
				t.Fatal(err)
			}
		}
		clock := use(l, i)
		if waits := test.shift < 0 || i == 5; waits != (clock != "") {
			t.Errorf("clock moved by %v: health says %q", test.shift, clock)
		}
	}
}

// TestClockOfFolder appends to a folder that nobody serves, by clocks that cannot be right: what is
// refused leaves the log as it was, and the right clock goes on.
func TestClockOfFolder(t *testing.T) {
	dir := t.TempDir()
	at := clock.Wall()
	try := func(shift time.Duration, any bool) error {
		now := func() temporal.Instant { return at + temporal.Instant(shift) }
		l, err := Open(t.Context(), Options{Dir: dir, Create: true, Now: now, AnyClock: any})
		if err != nil {
			t.Fatal(err)
		}
		_, err = l.Submit(t.Context(), [][]byte{plainEvent(int(shift / time.Hour))}, intake.Options{})
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		return err
	}
	const day = 24 * time.Hour
	for _, test := range []struct {
		shift   time.Duration
		any     bool
		refused string
	}{
		{0, false, ""},
		{5000 * day, false, "was last at work"},
		{-2 * time.Hour, false, "before the last record time"},
		{80 * day, false, ""}, // of which nothing of what was refused is in the way
		{0, false, "before the last record time"},
		{time.Hour, true, ""},
	} {
		err := try(test.shift, test.any)
		if (err != nil) != (test.refused != "") {
			t.Errorf("clock moved by %v: %v", test.shift, err)
		}
		if err != nil && (problem.From(err).Code != problem.ClockWrong ||
			!strings.Contains(err.Error(), test.refused)) {
			t.Errorf("clock moved by %v: %v", test.shift, err)
		}
	}
}

// TestClockOfCluster starts a ledger whose clock is another than that of the server which keeps its
// log: also with an empty log, of which nothing else says what time it is.
func TestClockOfCluster(t *testing.T) {
	url, dir, at := startNATS(t), t.TempDir(), clock.Wall()
	for _, test := range []struct {
		shift   time.Duration
		any     bool
		refused bool
	}{
		{3 * time.Hour, false, true},
		{-3 * time.Hour, false, true},
		{-50 * time.Minute, false, false},
		{50 * time.Minute, false, false},
		{9000 * time.Hour, true, false},
	} {
		l, err := Open(t.Context(), Options{
			Dir: dir, Create: true, NATS: url, Replicas: 1, AnyClock: test.any,
			Now: func() temporal.Instant { return at + temporal.Instant(test.shift) },
		})
		if err != nil {
			t.Fatal(err)
		}
		err = l.Serve(t.Context(), "http://127.0.0.1:9", time.Hour)
		if (err != nil) != test.refused {
			t.Errorf("clock moved by %v: %v", test.shift, err)
		}
		if err != nil && (problem.From(err).Code != problem.ClockWrong ||
			!strings.Contains(err.Error(), "of the cluster")) {
			t.Errorf("clock moved by %v: %v", test.shift, err)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
}

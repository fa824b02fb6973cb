package ledger

import (
	"strings"
	"testing"
	"time"

	"cakupan/cmd/internal/problem"
	"cakupan/domain/temporal"
)

// TestClock starts a ledger by clocks that cannot be right.
func TestClock(t *testing.T) {
	dir := t.TempDir()
	at := wallClock()
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

// TestClockSetAhead sets the clock of a ledger that runs: what it shows follows the time that the
// machine has been running, so that neither sleep nor a small correction counts.
func TestClockSetAhead(t *testing.T) {
	wall, up := wallClock(), time.Hour
	l, err := Open(t.Context(), Options{
		Dir: t.TempDir(), Create: true,
		Now: func() temporal.Instant { return wall }, Uptime: func() time.Duration { return up },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	if clock := l.clockNow(0); clock != "" {
		t.Errorf("before it runs: %q", clock)
	}
	began := moment{wall: wall, up: up}
	l.began.Store(&began)
	for _, test := range []struct {
		wall, up time.Duration
		shown    bool
	}{
		{time.Minute, time.Minute, false},
		{59 * time.Minute, 0, false},
		{9 * time.Hour, 9 * time.Hour, false}, // a night asleep
		{2 * time.Hour, time.Minute, true},
		{14 * 365 * 24 * time.Hour, 0, true},
		{10 * time.Minute, 2 * time.Hour, false}, // set back: record times say so, where there are any
	} {
		wall, up = began.wall+temporal.Instant(test.wall), began.up+test.up
		clock := l.clockNow(0)
		if (clock != "") != test.shown || test.shown && !strings.Contains(clock, "set it right") {
			t.Errorf("%v by the clock, %v in truth: %q", test.wall, test.up, clock)
		}
	}
	if uptime() <= 0 {
		t.Error("the machine does not run")
	}
}

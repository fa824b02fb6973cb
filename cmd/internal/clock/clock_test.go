package clock

import (
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"cakupan/cmd/internal/problem"
	"cakupan/domain/temporal"
)

// moment is an hour after the machine was started, and then so much later by its clocks.
func moment(wall, up time.Duration) Moment {
	const began = temporal.Instant(1_700_000_000_000_000_000)
	return Moment{Wall: began + temporal.Instant(wall), Up: time.Hour + up}
}

// TestSetAhead sets the clock of a ledger that runs: what is shown follows the time that the machine
// has been running, so that neither sleep nor a small correction counts.
func TestSetAhead(t *testing.T) {
	began := moment(0, 0)
	for _, test := range []struct {
		wall, up time.Duration
		shown    bool
	}{
		{time.Minute, time.Minute, false},
		{59 * time.Minute, 0, false},
		{time.Hour, 0, false},
		{time.Hour + 1, 0, true},
		{9 * time.Hour, 9 * time.Hour, false}, // a night asleep
		{2 * time.Hour, time.Minute, true},
		{14 * 365 * 24 * time.Hour, 0, true},
		{10 * time.Minute, 2 * time.Hour, false}, // set back: record times say so, where there are any
	} {
		now := moment(test.wall, test.up)
		got := Wrong(now, 0, &began)
		if (got != "") != test.shown || test.shown && !strings.Contains(got, "set it right") {
			t.Errorf("%v by the clock, %v in truth: %q", test.wall, test.up, got)
		}
		if got := Wrong(now, 0, nil); got != "" {
			t.Errorf("before it runs: %q", got)
		}
	}
	if Uptime() <= 0 {
		t.Error("the machine does not run")
	}
}

// TestBehind: record times wait for a clock that is behind the last of them, and whoever asks is told
// so from a second on, whatever else is wrong.
func TestBehind(t *testing.T) {
	began, now := moment(0, 0), moment(3*time.Hour, 0) // and it was set ahead
	for _, test := range []struct {
		last time.Duration // after now
		want string
	}{
		{time.Second - 1, "was set 3h0m0s ahead"},
		{time.Second, "the clock is 1s behind the last record time: new events get 2023-11-15T01:13:21Z"},
		{90 * time.Minute, "the clock is 1h30m0s behind"},
		{-time.Hour, "was set 3h0m0s ahead"},
	} {
		last := now.Wall + temporal.Instant(test.last)
		if got := Wrong(now, last, &began); !strings.Contains(got, test.want) {
			t.Errorf("the last record time is %v after now: %q", test.last, got)
		}
	}
}

// TestCheck refuses clocks at the start that cannot be right, at the bounds of what may be.
func TestCheck(t *testing.T) {
	const day = 24 * time.Hour
	now := moment(0, 0).Wall
	at := func(after time.Duration) temporal.Instant { return now + temporal.Instant(after) }
	for name, test := range map[string]struct {
		last, worked temporal.Instant
		want         string
	}{
		"a log without events":          {0, at(-1000 * day), ""},
		"an hour behind":                {at(time.Hour), 0, ""},
		"more than an hour behind":      {at(time.Hour + 1), 0, "before the last record time, 2023-11-14T23:13:20Z"},
		"rested for 90 days":            {at(-90 * day), at(-91 * day), ""},
		"rested for longer":             {at(-90*day - 1), at(-91 * day), "was last at work at 2023-08-16T22:13:19Z"},
		"old events, taken in lately":   {at(-1000 * day), at(-day), ""},
		"old events, nothing tells":     {at(-1000 * day), 0, ""},
		"old events, taken in long ago": {at(-1000 * day), at(-91 * day), "say --any-clock"},
	} {
		err := Check(now, test.last, test.worked)
		var known *problem.Error
		switch {
		case test.want == "":
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
		case !errors.As(err, &known) || known.Code != problem.ClockWrong ||
			!strings.Contains(known.Detail, test.want):
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
}

// TestCompare compares a clock with those of several servers.
func TestCompare(t *testing.T) {
	const now, hour = temporal.Instant(1_800_000_000_000_000_000), temporal.Instant(time.Hour)
	clocks := func(away ...temporal.Instant) (all []Server) {
		for i, a := range away {
			all = append(all, Server{Name: "n" + strconv.Itoa(i), At: now + a})
		}
		return all
	}
	for _, test := range []struct {
		clocks  []Server
		nearest string
	}{
		{nil, ""},
		{clocks(0), ""},
		{clocks(hour), ""},
		{clocks(-hour), ""},
		{clocks(hour + 1), "n0"},
		{clocks(-hour - 1), "n0"},
		{clocks(9*hour, -3*hour, 5*hour), "n1"},
		{clocks(9*hour, 9*hour, 0), ""}, // one agrees
	} {
		err := Compare(now, test.clocks)
		if (err != nil) != (test.nearest != "") ||
			err != nil && !strings.Contains(err.Error(), "server "+test.nearest+" ") {
			t.Errorf("%v: %v", test.clocks, err)
		}
	}
}

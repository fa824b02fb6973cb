package memlog_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"cakupan/eventstore"
	"cakupan/eventstore/logtest"
	"cakupan/eventstore/memlog"
)

func TestConformance(t *testing.T) {
	logtest.Run(t, func(*testing.T) eventstore.Log {
		return memlog.New(eventstore.NewIdentity(1))
	})
}

// filled returns a log with frames of two events.
func filled(t *testing.T, frames int) (*memlog.Log, *logtest.Maker) {
	t.Helper()
	log, maker := memlog.New(eventstore.NewIdentity(1)), new(logtest.Maker)
	for range frames {
		tail, err := log.Append(t.Context(), maker.Frame(2), maker.Before())
		if err != nil {
			t.Fatal(err)
		}
		maker.Appended(tail)
	}
	return log, maker
}

// seen returns the ranges of events that an iteration yields; damaged ones begin with "!".
func seen(frames func(func(eventstore.Frame, error) bool)) (ranges []string) {
	for frame, err := range frames {
		var damage *eventstore.DamageError
		switch {
		case errors.As(err, &damage):
			ranges = append(ranges, fmt.Sprintf("!%d-%d", damage.From, damage.To))
		case err != nil:
			ranges = append(ranges, err.Error())
		default:
			ranges = append(ranges, fmt.Sprintf("%d-%d", frame.First(), frame.Last()))
		}
	}
	return ranges
}

// TestHook makes each kind of failure and looks at what the log holds afterwards.
func TestHook(t *testing.T) {
	type store = func() (eventstore.Tail, error)
	release, done := make(chan struct{}), make(chan struct{})
	for _, test := range []struct {
		name  string
		hook  memlog.Hook
		want  error
		after eventstore.Sequence // the end of the log, which had two events
	}{
		{"fails", func(context.Context, store) (eventstore.Tail, error) {
			return eventstore.Tail{}, eventstore.ErrFull
		}, eventstore.ErrFull, 2},
		{"loses the answer", func(_ context.Context, s store) (eventstore.Tail, error) {
			_, err := s()
			return eventstore.Tail{}, errors.Join(eventstore.ErrUnknownOutcome, err)
		}, eventstore.ErrUnknownOutcome, 4},
		{"stores later", func(_ context.Context, s store) (eventstore.Tail, error) {
			go func() {
				<-release
				_, _ = s()
				close(done)
			}()
			return eventstore.Tail{}, eventstore.ErrUnknownOutcome
		}, eventstore.ErrUnknownOutcome, 2},
		{"none", nil, nil, 4},
	} {
		log, maker := filled(t, 1)
		log.SetHook(test.hook)
		_, err := log.Append(t.Context(), maker.Frame(2), maker.Before())
		_, tail, lastErr := log.Last(t.Context())
		if !errors.Is(err, test.want) || tail.Sequence != test.after || lastErr != nil {
			t.Errorf("%s: %v, log ends with %d, want %v and %d",
				test.name, err, tail.Sequence, test.want, test.after)
		}
		if test.name == "stores later" {
			close(release)
			<-done
			if _, tail, err := log.Last(t.Context()); err != nil || tail.Sequence != 4 {
				t.Errorf("stored later: log ends with %d, %v", tail.Sequence, err)
			}
		}
	}
}

func TestDamage(t *testing.T) {
	log, _ := filled(t, 6)
	log.Damage(2)
	log.Damage(3)
	want := []string{"1-2", "!3-6", "7-8", "9-10", "11-12"}
	if got := seen(log.Read(t.Context(), 1)); !slices.Equal(got, want) {
		t.Errorf("read %v, want %v", got, want)
	}
	if got := seen(log.Read(t.Context(), 5)); !slices.Equal(got, want[1:]) {
		t.Errorf("read from a damaged event %v, want %v", got, want[1:])
	}
	if got := seen(log.Read(t.Context(), 7)); !slices.Equal(got, want[2:]) {
		t.Errorf("read from behind the damage %v, want %v", got, want[2:])
	}
	log.Damage(6)
	if got := seen(log.Read(t.Context(), 10)); !slices.Equal(got, []string{"9-10", "!11-0"}) {
		t.Errorf("read a damaged end: %v", got)
	}
	var damage *eventstore.DamageError
	if _, _, err := log.Last(t.Context()); !errors.As(err, &damage) || damage.From != 11 {
		t.Errorf("Last of a damaged end: %v", err)
	}
}

func TestTruncateAndClone(t *testing.T) {
	log, _ := filled(t, 6)
	clone := log.Clone(eventstore.NewIdentity(2))
	log.Truncate(4)
	if _, tail, err := log.Last(t.Context()); err != nil || tail.Sequence != 8 || tail.Message != 4 {
		t.Errorf("Last after a truncation: %+v, %v", tail, err)
	}
	if _, tail, err := clone.Last(t.Context()); err != nil || tail.Sequence != 12 {
		t.Errorf("Last of the clone: %+v, %v", tail, err)
	}
	if clone.Identity() == log.Identity() {
		t.Error("the clone has the identity of the original")
	}
	log.Truncate(0)
	if _, tail, err := log.Last(t.Context()); err != nil || tail != (eventstore.Tail{}) {
		t.Errorf("Last of an emptied log: %+v, %v", tail, err)
	}
}

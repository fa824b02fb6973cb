package logtest_test

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"os"
	"os/exec"
	"strings"
	"testing"

	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/eventstore/logtest"
	"cakupan/eventstore/memlog"
	"cakupan/eventstore/merkle"
)

// faultyEnv has the test binary run the suite over logs that are wrong: it must fail.
const faultyEnv = "CAKUPAN_FAULTY"

type frames = iter.Seq2[eventstore.Frame, error]

// faulty is a sound log, but for what it does itself.
type faulty struct {
	eventstore.Log
	identity func(eventstore.Identity) eventstore.Identity
	last     func(eventstore.Frame, eventstore.Tail) (eventstore.Frame, eventstore.Tail)
	append   func(ctx context.Context, log eventstore.Log, raw []byte, after eventstore.Tail) (eventstore.Tail, error)
	frames   func(eventstore.Sequence, frames) frames // of a read and of following
	read     func(ctx context.Context, log eventstore.Log, from eventstore.Sequence) frames
	follow   func(ctx context.Context, log eventstore.Log, from eventstore.Sequence) frames
}

func (f *faulty) Identity() eventstore.Identity {
	if f.identity == nil {
		return f.Log.Identity()
	}
	return f.identity(f.Log.Identity())
}

func (f *faulty) Last(ctx context.Context) (eventstore.Frame, eventstore.Tail, error) {
	frame, tail, err := f.Log.Last(ctx)
	if f.last != nil {
		frame, tail = f.last(frame, tail)
	}
	return frame, tail, err
}

func (f *faulty) Append(ctx context.Context, raw []byte, after eventstore.Tail) (eventstore.Tail, error) {
	if f.append == nil {
		return f.Log.Append(ctx, raw, after)
	}
	return f.append(ctx, f.Log, raw, after)
}

func (f *faulty) Read(ctx context.Context, from eventstore.Sequence) frames {
	if f.read != nil {
		return f.read(ctx, f.Log, from)
	}
	return f.changed(from, f.Log.Read(ctx, from))
}

func (f *faulty) Follow(ctx context.Context, from eventstore.Sequence) frames {
	if f.follow != nil {
		return f.follow(ctx, f.Log, from)
	}
	return f.changed(from, f.Log.Follow(ctx, from))
}

func (f *faulty) changed(from eventstore.Sequence, all frames) frames {
	if f.frames == nil {
		return all
	}
	return f.frames(from, all)
}

// faults are the ways in which a log may be wrong, and the test of the suite that must notice.
func faults() map[string]struct {
	faulty
	noticed string
} {
	type fault = struct {
		faulty
		noticed string
	}
	return map[string]fault{
		"none": {},
		"changing identity": {faulty{identity: func() func(eventstore.Identity) eventstore.Identity {
			asked := temporal.Instant(0)
			return func(id eventstore.Identity) eventstore.Identity {
				asked++
				id.Created += asked
				return id
			}
		}()}, "identity_is_constant"},
		"no identity": {faulty{identity: func(eventstore.Identity) eventstore.Identity {
			return eventstore.Identity{}
		}}, "identity_is_constant"},
		"end without its message": {faulty{
			last: func(f eventstore.Frame, tail eventstore.Tail) (eventstore.Frame, eventstore.Tail) {
				tail.Message = 0
				return f, tail
			},
		}, "what_was_appended_is_read"},
		"unfenced": {faulty{append: unfenced}, "append_elsewhere_than_at_the_end_is_fenced"},
		"refused writer told nothing": {faulty{append: func(ctx context.Context, log eventstore.Log,
			raw []byte, after eventstore.Tail,
		) (eventstore.Tail, error) {
			tail, err := log.Append(ctx, raw, after)
			if errors.Is(err, eventstore.ErrFenced) {
				err = nil
			}
			return tail, err
		}}, "of_two_writers_one_is_refused"},
		"fenced by another error": {faulty{append: func(ctx context.Context, log eventstore.Log,
			raw []byte, after eventstore.Tail,
		) (eventstore.Tail, error) {
			tail, err := log.Append(ctx, raw, after)
			if err != nil && ctx.Err() == nil {
				err = context.DeadlineExceeded
			}
			return tail, err
		}}, "append_elsewhere_than_at_the_end_is_fenced"},
		"context unheard": {faulty{append: func(ctx context.Context, log eventstore.Log, raw []byte,
			after eventstore.Tail,
		) (eventstore.Tail, error) {
			return log.Append(context.WithoutCancel(ctx), raw, after)
		}}, "append_under_a_context_that_ended_stores_nothing"},
		"invalid frame mended": {faulty{append: func(ctx context.Context, log eventstore.Log, raw []byte,
			after eventstore.Tail,
		) (eventstore.Tail, error) {
			if _, err := eventstore.ParseFrame(raw); err != nil {
				return after, nil
			}
			return log.Append(ctx, raw, after)
		}}, "invalid_frame_is_refused"},
		"first frame left out": {faulty{frames: func(_ eventstore.Sequence, all frames) frames {
			return without(all, func(f eventstore.Frame) bool { return f.First() == 1 })
		}}, "what_was_appended_is_read"},
		"small frames left out": {faulty{frames: func(_ eventstore.Sequence, all frames) frames {
			return without(all, func(f eventstore.Frame) bool { return len(f.Raw()) < 90 })
		}}, "frame_of_any_size_is_kept"},
		"begins behind the event": {faulty{frames: func(from eventstore.Sequence, all frames) frames {
			return without(all, func(f eventstore.Frame) bool { return f.First() < from })
		}}, "read_from_any_event"},
		"read goes on": {faulty{read: func(ctx context.Context, log eventstore.Log,
			from eventstore.Sequence,
		) frames {
			return readOn(ctx, log, from)
		}}, "read_ends_at_the_end_as_of_the_call"},
		"read ends before the end": {faulty{read: func(ctx context.Context, log eventstore.Log,
			from eventstore.Sequence,
		) frames {
			_, tail, _ := log.Last(ctx)
			return without(log.Read(ctx, from), func(f eventstore.Frame) bool {
				return f.Last() >= tail.Sequence
			})
		}}, "read_reaches_the_end_that_was_told"},
		"follow misses what comes": {faulty{follow: func(ctx context.Context, log eventstore.Log,
			from eventstore.Sequence,
		) frames {
			return log.Read(ctx, from)
		}}, "followers_all_see_all"},
		"follow ends silently": {faulty{follow: func(ctx context.Context, log eventstore.Log,
			from eventstore.Sequence,
		) frames {
			return func(yield func(eventstore.Frame, error) bool) {
				for f, err := range log.Follow(ctx, from) {
					if ctx.Err() != nil || !yield(f, err) {
						return
					}
				}
			}
		}}, "follow_ends_with_its_context"},
		"follow from the first": {faulty{follow: func(ctx context.Context, log eventstore.Log,
			_ eventstore.Sequence,
		) frames {
			return log.Follow(ctx, 1)
		}}, "follow_waits_for_an_event_to_come"},
	}
}

// unfenced appends a frame as if its writer had seen the end.
func unfenced(ctx context.Context, log eventstore.Log, raw []byte, after eventstore.Tail,
) (eventstore.Tail, error) {
	frame, err := eventstore.ParseFrame(raw)
	if err != nil {
		return eventstore.Tail{}, err
	}
	for {
		_, tail, err := log.Last(ctx)
		if err != nil {
			return tail, err
		}
		b := eventstore.NewFrameBuilder(tail.Sequence+1, merkle.Hash{}, frame.RecordedAt())
		for record := range frame.Records() {
			if err := b.Append(max(record.RecordedAt, tail.RecordedAt), record.Event); err != nil {
				return tail, err
			}
		}
		if got, err := log.Append(ctx, b.Bytes(), tail); err == nil || ctx.Err() != nil {
			return got, err
		}
	}
}

// without leaves frames out.
func without(all frames, out func(eventstore.Frame) bool) frames {
	return func(yield func(eventstore.Frame, error) bool) {
		for f, err := range all {
			if err == nil && out(f) {
				continue
			}
			if !yield(f, err) {
				return
			}
		}
	}
}

// readOn reads on to an end that moves, as long as it moves, but for ever it does not.
func readOn(ctx context.Context, log eventstore.Log, from eventstore.Sequence) frames {
	return func(yield func(eventstore.Frame, error) bool) {
		for range 50 {
			for f, err := range log.Read(ctx, from) {
				if !yield(f, err) {
					return
				}
				from = f.Last() + 1
			}
		}
	}
}

// TestFaulty runs the suite over logs that are wrong. It fails, and only TestSuite has it run.
func TestFaulty(t *testing.T) {
	if os.Getenv(faultyEnv) == "" {
		t.Skip("fails on purpose; see TestSuite")
	}
	for name, fault := range faults() {
		t.Run(name, func(t *testing.T) {
			logtest.Run(t, func(*testing.T) eventstore.Log {
				log := fault.faulty
				log.Log = memlog.New(eventstore.NewIdentity(1))
				return &log
			})
		})
	}
}

// TestSuite: the suite passes a sound log, and fails each that is wrong in the test that is about
// it. A suite that cannot fail proves nothing.
func TestSuite(t *testing.T) {
	for name, fault := range faults() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run := "^TestFaulty$/^" + strings.ReplaceAll(name, " ", "_") + "$"
			if fault.noticed != "" { // the others may wait for what never comes
				run += "/^" + fault.noticed + "$"
			}
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run="+run, "-test.v")
			cmd.Env = append(os.Environ(), faultyEnv+"=1")
			said, err := cmd.CombinedOutput()
			verdict := "--- FAIL: TestFaulty/"
			if fault.noticed == "" {
				verdict = "--- PASS: TestFaulty/"
			}
			if (err == nil) != (fault.noticed == "") || bytes.Contains(said, []byte("panic:")) ||
				!bytes.Contains(said, []byte(verdict)) {
				t.Errorf("%v, %s:\n%s", err, run, said)
			}
		})
	}
}

package live

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"cakupan/cmd/internal/cluster"
	"cakupan/cmd/internal/intake"
	"cakupan/cmd/internal/ledger"
	"cakupan/cmd/internal/problem"
	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/projections/coverage"
)

// bench is a ledger, and a hub of it that answers anew when the test says so, at the test's time.
type bench struct {
	t      *testing.T
	ledger *ledger.Ledger
	hub    *Hub
	clock  atomic.Int64 // of the ledger and of the hub
	events int
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t}
	b.clock.Store(time.Date(2026, 3, 1, 4, 0, 0, 0, time.UTC).UnixNano())
	l, err := ledger.Open(t.Context(), ledger.Options{
		Dir: filepath.Join(t.TempDir(), "data"), Create: true,
		Now: func() temporal.Instant { return temporal.Instant(b.clock.Load()) },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	b.ledger = l
	b.hub = New(l, b.now, slog.New(slog.DiscardHandler))
	b.hub.closed = false
	return b
}

func (b *bench) now() time.Time { return time.Unix(0, b.clock.Load()) }

func (b *bench) pass(d time.Duration) { b.clock.Add(int64(d)) }

// append appends an event, and waits until the coverage has it.
func (b *bench) append(kind, data string) (id string) {
	b.t.Helper()
	b.events++
	id = fmt.Sprint(b.events)
	receipts, err := b.ledger.Submit(b.t.Context(), [][]byte{fmt.Appendf(nil,
		`{"specversion":"1.0","id":%q,"source":"urn:x","type":"id.cakupan.%s.v1","data":{%s}}`,
		id, kind, data)}, intake.Options{})
	if err != nil || receipts[0].Status != event.Appended {
		b.t.Fatal(receipts, err)
	}
	if _, err := b.ledger.View(b.t.Context(), eventstore.Sequence(b.events)); err != nil {
		b.t.Fatal(err)
	}
	return id
}

func (b *bench) enrol(region, from string) (id string) {
	b.t.Helper()
	return b.append("enrolment.opened", fmt.Sprintf(`"enrolment":"e-%[1]d","worker":"w-%[1]d",`+
		`"region":%[2]q,"segment":"PU","category":"PRIVATE","programmes":["JKK"],`+
		`"payer":"EMPLOYER","from":%[3]q`, b.events, region, from))
}

func (b *bench) refresh() { b.hub.refresh(b.t.Context()) }

// viewer is somebody who watches, and what he makes of what he is told.
type viewer struct {
	*bench

	topic   Topic
	watch   *Watch
	figures map[string]string // by region
	known   eventstore.Sequence
	kinds   []Kind
}

func (b *bench) view(topic Topic, after *eventstore.Sequence) *viewer {
	b.t.Helper()
	v := &viewer{bench: b, topic: topic, figures: map[string]string{}}
	v.come(after)
	return v
}

func (v *viewer) come(after *eventstore.Sequence) {
	v.t.Helper()
	watch, err := v.hub.Watch(v.t.Context(), v.topic, after)
	if err != nil {
		v.t.Fatal(err)
	}
	v.watch = watch
}

// read takes at most so many frames as there are, and never waits.
func (v *viewer) read(most int) {
	v.t.Helper()
	for range most {
		frame, _, err := v.watch.take()
		if err == nil && frame.Kind == "" && v.watch.resumes() {
			if frame, err = v.watch.resume(v.t.Context()); err == nil && frame.Kind == "" {
				continue
			}
		}
		if err != nil {
			v.t.Fatal(err)
		}
		if frame.Kind == "" {
			return
		}
		v.kinds = append(v.kinds, frame.Kind)
		v.take(frame)
	}
}

func (v *viewer) take(frame Frame) {
	v.t.Helper()
	if frame.Kind == State {
		return
	}
	if bytes.ContainsRune(frame.Data, '\n') {
		v.t.Errorf("a frame of two lines: %s", frame.Data)
	}
	if frame.Sequence < v.known {
		v.t.Errorf("a frame of event %d after one of %d", frame.Sequence, v.known)
	}
	v.known = frame.Sequence
	if frame.Kind == Snapshot {
		clear(v.figures)
	}
	var answers []map[string]any
	if err := json.Unmarshal(frame.Data, &answers); err != nil {
		v.t.Fatal(err)
	}
	for _, a := range answers {
		delete(a, "known")
		v.figures[a["region"].(string)] = text(v.t, a)
	}
}

func text(t *testing.T, value any) string {
	t.Helper()
	data, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// agrees compares what the viewer has with what the ledger answers to whoever asks. One who watches
// all may also have regions that have nothing any more.
func (v *viewer) agrees(when string) {
	v.t.Helper()
	view, err := v.ledger.View(v.t.Context(), 0)
	if err != nil {
		v.t.Fatal(err)
	}
	regions := v.topic.Regions
	if regions == nil {
		regions = view.Regions(coverage.Everything)
	}
	for _, code := range regions {
		on := v.topic.On
		if !v.topic.Fixed {
			on = temporal.Instant(v.clock.Load()).Date()
		}
		answer, err := view.Answer(coverage.Query{
			Region: code, On: on, Known: coverage.Everything, Indicator: event.Employed, By: v.topic.By,
		})
		if err != nil {
			v.t.Fatal(err)
		}
		var want map[string]any
		if err := json.Unmarshal([]byte(text(v.t, &answer)), &want); err != nil {
			v.t.Fatal(err)
		}
		delete(want, "known")
		if got := v.figures[code.String()]; got != text(v.t, want) {
			v.t.Errorf("%s: %v has\n%s, the ledger answers\n%s", when, code, got, text(v.t, want))
		}
	}
}

func codes(t *testing.T, all ...string) (parsed []region.Code) {
	t.Helper()
	for _, one := range all {
		code, ok := region.Parse(one)
		if !ok {
			t.Fatal(one)
		}
		parsed = append(parsed, code)
	}
	return parsed
}

// TestConverge has people of several topics read at random, leave, and come back to where they
// were, while events are appended, some taken back, and days begin. In the end each has what the
// ledger answers.
func TestConverge(t *testing.T) {
	for seed := range uint64(4) {
		dice := rand.New(rand.NewPCG(seed, 7))
		b := newBench(t)
		b.enrol("75.03", "2020-01-01")
		day, err := temporal.ParseDate("2026-03-04")
		if err != nil {
			t.Fatal(err)
		}
		viewers := []*viewer{
			b.view(Topic{}, nil),
			b.view(Topic{Regions: codes(t, "75.03")}, nil),
			b.view(Topic{Regions: codes(t, "75", "75.71"), By: []coverage.Dimension{coverage.ByFunding}}, nil),
			b.view(Topic{Regions: codes(t, "75.03", "75.01"), On: day, Fixed: true}, nil),
		}
		var open []string
		for range 120 {
			v := viewers[dice.IntN(len(viewers))]
			switch dice.IntN(8) {
			case 0, 1:
				open = append(open, b.enrol([]string{"75.01", "75.03", "75.71"}[dice.IntN(3)],
					[]string{"2020-01-01", "2026-03-03", "2026-03-10"}[dice.IntN(3)]))
			case 2:
				if n := len(open); n > 0 {
					b.append("event.retracted", fmt.Sprintf(`"source":"urn:x","id":%q,"reason":"wrong"`, open[n-1]))
					open = open[:n-1]
				}
			case 3, 4:
				b.refresh()
			case 5, 6:
				v.read(1 + dice.IntN(3))
			case 7:
				if len(v.figures) > 0 && v.watch.begun { // else he has nothing to come back to
					v.watch.Close()
					known := v.known
					v.come(&known)
				}
			}
			if dice.IntN(20) == 0 {
				b.pass(24 * time.Hour)
			}
		}
		b.refresh()
		for _, v := range viewers {
			v.read(1_000)
			v.agrees(fmt.Sprintf("seed %d, %+v", seed, v.topic))
		}
	}
}

// TestFallsBehind: whoever reads less than is told gets all answers anew, once, and nothing is kept
// for him meanwhile.
func TestFallsBehind(t *testing.T) {
	b := newBench(t)
	b.enrol("75.03", "2020-01-01")
	slow, quick := b.view(Topic{}, nil), b.view(Topic{}, nil)
	b.refresh()
	slow.read(9)
	for range framesKept + 3 {
		b.enrol("75.03", "2020-01-01")
		b.refresh()
		quick.read(9)
	}
	if kept := len(slow.watch.topic.frames); kept != framesKept {
		t.Errorf("%d frames are kept", kept)
	}
	slow.kinds, slow.figures = nil, map[string]string{}
	slow.read(1_000)
	if got := fmt.Sprint(slow.kinds); got != "[snapshot]" {
		t.Errorf("told %s", got)
	}
	slow.agrees("the slow one")
	quick.agrees("the quick one")
	if b.hub.Watchers() != 2 {
		t.Errorf("%d watch", b.hub.Watchers())
	}
}

// TestMidnight changes figures without an event, also for one who was away over it.
func TestMidnight(t *testing.T) {
	b := newBench(t)
	b.enrol("75.03", "2026-03-02")
	v := b.view(Topic{Regions: codes(t, "75.03")}, nil)
	b.refresh()
	v.read(9)
	if !strings.Contains(v.figures["75.03"], `"covered":0`) {
		t.Fatal(v.figures)
	}
	away := b.view(v.topic, nil)
	away.read(9)
	away.watch.Close()
	b.pass(12 * time.Hour) // 16:00 UTC is midnight in Gorontalo
	b.refresh()
	v.read(9)
	v.agrees("after midnight")
	if !strings.Contains(v.figures["75.03"], `"covered":1`) {
		t.Error(v.figures)
	}
	known := away.known
	away.come(&known)
	away.read(9)
	away.agrees("back after midnight")
}

// TestNext waits until something changes, and no longer than its context.
func TestNext(t *testing.T) {
	b := newBench(t)
	b.enrol("75.03", "2020-01-01")
	b.hub.closed = true // it is run here
	ctx, stop := context.WithCancel(t.Context())
	wait := b.hub.Start(ctx)
	v := b.view(Topic{Regions: codes(t, "75.03")}, nil)
	for !strings.Contains(v.figures["75.03"], `"covered":1,`) {
		frame, err := v.watch.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		v.take(frame)
	}
	b.enrol("75.03", "2020-01-01")
	for !strings.Contains(v.figures["75.03"], `"covered":2,`) {
		frame, err := v.watch.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		v.take(frame)
	}
	stop()
	wait()
	if _, err := v.watch.Next(t.Context()); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	patient, cancel := context.WithCancel(t.Context())
	cancel()
	b.hub.closed = false // and nothing changes any more
	for {
		if _, err := v.watch.Next(patient); err != nil {
			if !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
			return
		}
	}
}

// TestHidden tells small counts to nobody who may not see them.
func TestHidden(t *testing.T) {
	b := newBench(t)
	b.enrol("75.03", "2020-01-01")
	v := b.view(Topic{Regions: codes(t, "75.03"), Hidden: true}, nil)
	b.refresh()
	v.read(9)
	if got := v.figures["75.03"]; !strings.Contains(got, `"covered":null`) || !strings.Contains(got, `"suppressed":true`) {
		t.Error(got)
	}
}

// TestBounds: so many topics and no more, of which those that nobody watches are forgotten; and a
// hub that is not run says so.
func TestBounds(t *testing.T) {
	b := newBench(t)
	b.enrol("75.03", "2020-01-01")
	topic := func(n int) Topic { return Topic{On: temporal.Date(n), Fixed: true} }
	first := b.view(topic(0), nil)
	for n := 1; n < topicsMax; n++ {
		b.view(topic(n), nil)
	}
	b.view(topic(0), nil) // the same as another's is none more
	refused := func(want problem.Code, t1 Topic) {
		t.Helper()
		_, err := b.hub.Watch(t.Context(), t1, nil)
		if got := problem.From(err).Code; err == nil || got != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
	refused(problem.Overloaded, topic(topicsMax))
	first.watch.Close()
	b.hub.watched()
	refused(problem.Overloaded, topic(topicsMax)) // the other one still watches it
	for _, held := range b.hub.topics {
		held.watchers = 0
	}
	b.hub.watched()
	last := b.view(topic(topicsMax), nil)
	b.hub.close()
	if _, err := last.watch.Next(t.Context()); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	refused(problem.NotFound, topic(0))
}

// TestSaid: while all is well, who watches is told of a state but once, and again when another
// server writes; when it is not well, each time.
func TestSaid(t *testing.T) {
	b := newBench(t)
	status := Status{State: Live, Role: cluster.RoleStandby}
	for i, c := range []struct {
		change func()
		said   int
	}{
		{func() {}, 1},
		{func() { status.Head, status.Sequence = 9, 9 }, 1},
		{func() { status.Role = cluster.RoleWriter }, 2},
		{func() { status.Head, status.Sequence = 10, 10 }, 2},
		{func() { status.State, status.BehindEvents = Behind, 5 }, 3},
		{func() { status.BehindEvents = 4 }, 4},
		{func() { status.State, status.BehindEvents = Live, 0 }, 5},
	} {
		c.change()
		if b.hub.say(status); b.hub.said != c.said {
			t.Errorf("after change %d it was said %d times, not %d", i, b.hub.said, c.said)
		}
	}
}

// TestStatus says how a ledger is in one word.
func TestStatus(t *testing.T) {
	for _, c := range []struct {
		status        string
		head, applied eventstore.Sequence
		state         string
		behind        eventstore.Sequence
	}{
		{ledger.HealthOK, 9, 9, Live, 0},
		{ledger.HealthOK, 9, 10, Live, 0}, // asked one after the other
		{ledger.ReadyBehind, 9, 4, Behind, 5},
		{"unavailable", 9, 9, Stale, 0},
		{"", 0, 0, Stale, 0},
	} {
		got := statusOf(ledger.Readiness{
			Status: c.status, Head: c.head, Why: "why", Role: cluster.RoleStandby,
		}, c.applied, "since")
		if got.Role != cluster.RoleStandby {
			t.Errorf("%+v: %+v", c, got)
		}
		if got.State != c.state || got.BehindEvents != c.behind || got.Why != "why" || got.Since != "since" {
			t.Errorf("%+v: %+v", c, got)
		}
	}
}

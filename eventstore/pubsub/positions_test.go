//go:build unix

package pubsub_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"cakupan/eventstore"
	"cakupan/eventstore/memlog"
	"cakupan/eventstore/pubsub"
)

// filePositions opens the positions of a folder anew, as a program that starts does.
func filePositions(t testing.TB, dir string) *pubsub.FilePositions {
	t.Helper()
	p, err := pubsub.NewFilePositions(dir)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// inGroup is the configuration of a group whose positions are in a folder.
func inGroup(t testing.TB, dir string) pubsub.SubscriberConfig {
	return pubsub.SubscriberConfig{
		Group: "group", Positions: filePositions(t, dir), NackDelay: time.Millisecond,
	}
}

// TestRestart: a program that starts again goes on after the last event it acknowledged.
func TestRestart(t *testing.T) {
	l, log := inMemory(t)
	l.fill(1, 6)
	dir := t.TempDir()
	for _, tc := range []struct {
		first, last int
		config      func(*pubsub.SubscriberConfig)
	}{
		{1, 2, func(*pubsub.SubscriberConfig) {}},
		{3, 3, func(c *pubsub.SubscriberConfig) { c.From = 1 }}, // the position decides
		{4, 4, func(c *pubsub.SubscriberConfig) { c.From = pubsub.New }},
		{5, 5, func(c *pubsub.SubscriberConfig) { c.SaveEvery = time.Hour }},
	} {
		config := inGroup(t, dir)
		tc.config(&config)
		s, messages := subscribe(t, log, config, died)
		handle(t, messages, tc.first, tc.last)
		next(t, messages, fmt.Sprint(tc.last+1)) // taken and not acknowledged
		closeIt(t, s)
	}
	s, messages := subscribe(t, log, inGroup(t, dir), pubsub.TopicEvents)
	next(t, messages, "1") // a topic has a position of its own
	closeIt(t, s)
}

// TestNewRestart: a group that began with what is new misses nothing when its program restarts
// before it has acknowledged anything.
func TestNewRestart(t *testing.T) {
	l, log := inMemory(t)
	l.fill(1, 3)
	dir := t.TempDir()
	config := inGroup(t, dir)
	began := make(chan eventstore.Sequence, 1)
	config.From, config.Positions = pubsub.New, toldPositions{config.Positions, began}
	s, _ := subscribe(t, log, config, died)
	select {
	case at := <-began:
		if at != 3 {
			t.Errorf("it begins behind event %d", at)
		}
	case <-time.After(within):
		t.Fatal("it does not begin")
	}
	closeIt(t, s)
	l.fill(4, 1)
	config = inGroup(t, dir)
	config.From = pubsub.New
	_, messages := subscribe(t, log, config, died)
	handle(t, messages, 4, 4)
}

// toldPositions tells when the first position was stored.
type toldPositions struct {
	pubsub.Positions
	stored chan eventstore.Sequence // has room for one
}

func (p toldPositions) Claim(
	ctx context.Context, key pubsub.PositionKey,
) (pubsub.Position, error) {
	position, err := p.Positions.Claim(ctx, key)
	return toldPosition{position, p.stored}, err
}

type toldPosition struct {
	pubsub.Position
	stored chan eventstore.Sequence
}

func (p toldPosition) Store(handled eventstore.Sequence) error {
	err := p.Position.Store(handled)
	if err == nil {
		select {
		case p.stored <- handled:
		default:
		}
	}
	return err
}

// TestAckThenClose: what was acknowledged before Close never comes again, however close the two
// are, and whether the position is stored at once or now and then.
func TestAckThenClose(t *testing.T) {
	const events = 60
	l, log := inMemory(t)
	l.fill(1, events)
	dir := t.TempDir()
	for n := 1; n <= events; n++ {
		config := inGroup(t, dir)
		if n%2 == 0 {
			config.SaveEvery = time.Hour
		}
		config.Window = 1 + n%3
		s, messages := subscribe(t, log, config, died)
		handle(t, messages, n, n)
		closeIt(t, s)
	}
}

// failingPositions cannot be stored once they are to fail, or are lost as in a power cut.
type failingPositions struct {
	pubsub.Positions
	failure error // nil: it looks stored and is not
}

func (p failingPositions) Claim(
	ctx context.Context, key pubsub.PositionKey,
) (pubsub.Position, error) {
	position, err := p.Positions.Claim(ctx, key)
	return failingPosition{position, p.failure}, err
}

type failingPosition struct {
	pubsub.Position
	failure error
}

func (p failingPosition) Store(eventstore.Sequence) error { return p.failure }

// TestCrash: what was acknowledged and whose position was not stored comes again.
func TestCrash(t *testing.T) {
	l, log := inMemory(t)
	l.fill(1, 3)
	dir := t.TempDir()
	s, messages := subscribe(t, log, inGroup(t, dir), died)
	handle(t, messages, 1, 1)
	closeIt(t, s)

	full := errors.New("disk full")
	for _, failure := range []error{nil, full} {
		for _, every := range []time.Duration{0, time.Millisecond} {
			for _, window := range []int{1, 2} {
				config := inGroup(t, dir)
				config.Positions = failingPositions{config.Positions, failure}
				config.SaveEvery, config.Window = every, window
				s, messages := subscribe(t, log, config, died)
				handle(t, messages, 2, 2)
				if failure != nil {
					for msg := range messages { // one more may be out already
						msg.Ack()
					}
				}
				closeIt(t, s)
				if err := s.Err(); !errors.Is(err, failure) {
					t.Errorf("every %v, window %d: %v, want %v", every, window, err, failure)
				}
			}
		}
	}
	_, messages = subscribe(t, log, inGroup(t, dir), died)
	handle(t, messages, 2, 3)
}

// TestStandby: one subscription of a group is active, the next takes over.
func TestStandby(t *testing.T) {
	l, log := inMemory(t)
	l.fill(1, 4)
	dir, memory := t.TempDir(), new(pubsub.MemoryPositions)
	for name, positions := range map[string]func() pubsub.Positions{
		"files":  func() pubsub.Positions { return filePositions(t, dir) },
		"memory": func() pubsub.Positions { return memory },
	} {
		t.Run(name, func(t *testing.T) {
			config := func() pubsub.SubscriberConfig {
				return pubsub.SubscriberConfig{Group: "group", Positions: positions()}
			}
			active, messages := subscribe(t, log, config(), died)
			handle(t, messages, 1, 2)
			next(t, messages, "3")
			standby, waiting := subscribe(t, log, config(), died)
			gone, nobody := subscribe(t, log, config(), died)
			nothing(t, waiting)
			nothing(t, nobody)
			closeIt(t, gone)
			ends(t, nobody)
			closeIt(t, active)
			handle(t, waiting, 3, 4)
			closeIt(t, standby)
			if err := errors.Join(active.Err(), standby.Err(), gone.Err()); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestShorterLog: a group that is ahead of the log does not go on, and neither does a subscription
// that has read what the log no longer has.
func TestShorterLog(t *testing.T) {
	l, log := inMemory(t)
	l.fill(1, 4)
	dir := t.TempDir()
	watched := &watchedLog{Log: log}
	reading, read := subscribe(t, watched, pubsub.SubscriberConfig{}, died)
	handle(t, read, 1, 4)
	s, messages := subscribe(t, log, inGroup(t, dir), died)
	handle(t, messages, 1, 3)
	closeIt(t, s)

	log.Truncate(2)
	s, messages = subscribe(t, log, inGroup(t, dir), died)
	ends(t, messages)
	watched.fail(eventstore.ErrClosed) // as when the server restarts with an older copy
	ends(t, read)
	for _, s := range []*pubsub.Subscriber{s, reading} {
		if err := s.Err(); !errors.Is(err, pubsub.ErrLogShorter) {
			t.Error(err)
		}
	}
}

// TestPositionFiles: a position of another ledger and one that cannot be read are not used.
func TestPositionFiles(t *testing.T) {
	l, log := inMemory(t)
	l.fill(1, 2)
	dir := t.TempDir()
	s, messages := subscribe(t, log, inGroup(t, dir), died)
	handle(t, messages, 1, 1)
	closeIt(t, s)

	other := identity()
	other.Ledger = strings.Repeat("cd", 16)
	cases := map[string]func() eventstore.Log{
		"other ledger": func() eventstore.Log { return log.Clone(other) },
		"unreadable": func() eventstore.Log {
			files, err := filepath.Glob(filepath.Join(dir, "*.txt"))
			if err != nil || len(files) != 1 {
				t.Fatal(files, err)
			}
			if err := os.WriteFile(files[0], []byte("{"), 0o600); err != nil {
				t.Fatal(err)
			}
			return log
		},
	}
	for _, name := range []string{"other ledger", "unreadable"} {
		s, messages := subscribe(t, cases[name](), inGroup(t, dir), died)
		ends(t, messages)
		if err := s.Err(); !errors.Is(err, pubsub.ErrPosition) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, key := range []pubsub.PositionKey{
		{Ledger: "l", Group: "g", Topic: nik},
		{Ledger: "l", Group: "g", Topic: strings.Repeat("x", 300)},
	} {
		if _, err := filePositions(t, dir).Claim(t.Context(), key); !errors.Is(err, pubsub.ErrPosition) ||
			strings.Contains(err.Error(), nik) {
			t.Error(err)
		}
	}
	// The longest names that fit a file's fit a line too.
	long := pubsub.PositionKey{
		Ledger: identity().Ledger, Group: "\x01", Topic: strings.Repeat("\x01", 65),
	}
	longest, err := filePositions(t, dir).Claim(t.Context(), long)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(longest.Store(1<<64-2), longest.Release()); err != nil {
		t.Error(err)
	}
	odd := pubsub.PositionKey{Ledger: "l", Group: "../g@h", Topic: "a/b c"}
	position, err := filePositions(t, dir).Claim(t.Context(), odd)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(position.Store(7), position.Release()); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "..%2Fg%40h@a%2Fb+c.txt")); err != nil {
		t.Error(err)
	}
}

// TestTornPosition spoils each byte of a position's file as a torn write may: the position is the
// last or the one before, or it is said to be none.
func TestTornPosition(t *testing.T) {
	dir := t.TempDir()
	key := pubsub.PositionKey{Ledger: "l", Group: "g", Topic: "t"}
	store := func(handled eventstore.Sequence) {
		t.Helper()
		position, err := filePositions(t, dir).Claim(t.Context(), key)
		if err == nil {
			_, _, err = position.Load()
			err = errors.Join(err, position.Store(handled), position.Release())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for handled := range eventstore.Sequence(10) {
		store(handled)
	}
	path := filepath.Join(dir, "g@t.txt")
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	read := map[eventstore.Sequence]int{}
	for i := range content {
		spoilt := bytes.Clone(content)
		spoilt[i] ^= 0x10
		if err := os.WriteFile(path, spoilt, 0o600); err != nil {
			t.Fatal(err)
		}
		position, err := filePositions(t, dir).Claim(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		handled, _, err := position.Load()
		if err := errors.Join(err, position.Release()); err != nil {
			t.Fatal(err)
		}
		read[handled]++
	}
	if read[8]+read[9] != len(content) || read[8] == 0 || read[9] == 0 {
		t.Errorf("read %v of %d", read, len(content))
	}
	for _, cut := range []int{0, 1, len(content) / 2, len(content) - 1} {
		if err := os.WriteFile(path, content[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		position, err := filePositions(t, dir).Claim(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		handled, found, err := position.Load()
		if whole := cut >= len(content)/2; found != whole || whole != (err == nil) {
			t.Errorf("cut to %d bytes: %d, %t, %v", cut, handled, found, err)
		}
		if err := position.Release(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestRandom handles a log in a group whose handlers fail, whose programs end at any time and
// lose positions, with windows of all kinds. Goal: every event is handled, none is passed over by
// a position, and without a window they come in order. Method: each run takes a few messages,
// acknowledges or refuses them in any order, and is closed; the stored position is then compared
// with what was acknowledged.
func TestRandom(t *testing.T) {
	seeds := uint64(60)
	if os.Getenv("CAKUPAN_LONG") != "" {
		seeds = 2000
	}
	for seed := range seeds {
		r := &randomRun{t: t, seed: seed, random: rand.New(rand.NewPCG(seed, 1))}
		l, log := inMemory(t)
		r.log = log
		for r.events < 30 {
			var frame [][]byte
			for range 1 + r.random.IntN(4) {
				r.events++
				if r.random.IntN(3) == 0 {
					frame = append(frame, opening(fmt.Sprint("o", r.events)))
				} else {
					frame = append(frame, death(r.events))
					r.wanted = append(r.wanted, fmt.Sprint(r.events))
				}
			}
			l.submit(frame...)
		}
		r.run()
	}
}

type randomRun struct {
	t      *testing.T
	seed   uint64
	random *rand.Rand
	log    *memlog.Log
	events int
	wanted []string // ids of the deaths

	positions pubsub.MemoryPositions
	acked     map[string]bool
}

func (r *randomRun) run() {
	r.acked = map[string]bool{}
	for runs := 0; len(r.acked) < len(r.wanted); runs++ {
		if runs > 1000 {
			r.t.Fatalf("seed %d: %d of %d are handled", r.seed, len(r.acked), len(r.wanted))
		}
		r.once()
		r.checkPosition()
	}
}

// once runs one program of the group for a few messages.
func (r *randomRun) once() {
	config := pubsub.SubscriberConfig{
		Group: "group", Positions: &r.positions, NackDelay: -1, Window: 1 + r.random.IntN(4),
	}
	if r.random.IntN(2) == 0 {
		config.SaveEvery = time.Duration(1 + r.random.IntN(1_000_000))
	}
	if r.random.IntN(4) == 0 {
		config.Positions = failingPositions{config.Positions, nil}
	}
	s, err := pubsub.NewSubscriber(r.log, config)
	if err != nil {
		r.t.Fatal(err)
	}
	messages, err := s.Subscribe(r.t.Context(), died)
	if err != nil {
		r.t.Fatal(err)
	}
	var out []*message.Message
	last := ""
	for range r.random.IntN(12) {
		select {
		case msg := <-messages:
			id := msg.Metadata.Get(pubsub.MetadataID)
			if config.Window == 1 && last != "" && id != last && r.after(last) != id {
				r.t.Fatalf("seed %d: %s after %s", r.seed, id, last)
			}
			last = id
			out = append(out, msg)
		case <-time.After(time.Millisecond): // the window is full, or all is handled
		}
		if len(out) > 0 && r.random.IntN(3) > 0 {
			out = r.answer(out)
		}
	}
	closeIt(r.t, s)
	if err := s.Err(); err != nil {
		r.t.Fatalf("seed %d: %v", r.seed, err)
	}
}

// answer answers one of the messages that are out.
func (r *randomRun) answer(out []*message.Message) []*message.Message {
	i := r.random.IntN(len(out))
	if r.random.IntN(4) == 0 {
		out[i].Nack()
	} else {
		out[i].Ack()
		r.acked[out[i].Metadata.Get(pubsub.MetadataID)] = true
	}
	return append(out[:i:i], out[i+1:]...)
}

// after returns the id that follows in order.
func (r *randomRun) after(id string) string {
	for i, wanted := range r.wanted {
		if wanted == id && i+1 < len(r.wanted) {
			return r.wanted[i+1]
		}
	}
	return ""
}

// checkPosition: nothing up to the position is left to be handled.
func (r *randomRun) checkPosition() {
	position, err := r.positions.Claim(r.t.Context(), pubsub.PositionKey{
		Ledger: r.log.Identity().Ledger, Group: "group", Topic: died,
	})
	if err != nil {
		r.t.Fatal(err)
	}
	handled, _, _ := position.Load()
	for _, id := range r.wanted {
		var n int
		_, _ = fmt.Sscan(id, &n)
		if n <= int(handled) && !r.acked[id] {
			r.t.Fatalf("seed %d: position %d passes event %s", r.seed, handled, id)
		}
	}
	if err := position.Release(); err != nil {
		r.t.Fatal(err)
	}
}

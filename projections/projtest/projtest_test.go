package projtest_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"cakupan/domain/event"
	"cakupan/eventstore"
	"cakupan/eventstore/codec"
	"cakupan/projections"
	"cakupan/projections/checked"
	"cakupan/projections/projtest"
)

// faultyEnv has the test binary run the suite over projections that are wrong: it must fail.
const faultyEnv = "CAKUPAN_FAULTY"

// chain is the least projection that has something to say about every event: by sequence, a hash
// over the event and the hash before it.
type chain struct {
	db *checked.DB
	fault
	applied int // events since it was made: no state of a sound one
}

// fault is how a projection is wrong.
type fault struct {
	version func() uint32
	// event may change what is hashed of an event: i is its place in the frame.
	event func(c *chain, e *projections.Event, i int, bytes []byte) []byte
	// known may change at which event a digest is asked.
	known   func(k, head eventstore.Sequence) eventstore.Sequence
	refuses func(e *projections.Event) error
}

func (c *chain) Version() uint32 {
	if c.version != nil {
		return c.version()
	}
	return 1
}

func key(seq eventstore.Sequence) []byte { return binary.BigEndian.AppendUint64(nil, uint64(seq)) }

func (c *chain) Apply(tx *checked.Tx, events []projections.Event) error {
	links, err := tx.CreateBucketIfNotExists([]byte("chain"))
	if err != nil {
		return err
	}
	for i := range events {
		e := &events[i]
		if c.refuses != nil {
			if err := c.refuses(e); err != nil {
				return err
			}
		}
		last := []byte{}
		if e.Sequence > 1 {
			if last, err = links.Get(key(e.Sequence - 1)); err != nil {
				return err
			}
		}
		c.applied++
		bytes := codec.Append(nil, &e.Event)
		if c.event != nil {
			bytes = c.event(c, e, i, bytes)
		}
		sum := sha256.Sum256(append(bytes, last...))
		if err := links.Put(key(e.Sequence), sum[:]); err != nil {
			return err
		}
	}
	return nil
}

func (c *chain) Digest(k eventstore.Sequence) (digest string, err error) {
	err = c.db.View(func(tx *checked.Tx) error {
		at, err := projections.PositionIn(tx)
		if err != nil {
			return err
		}
		if c.known != nil {
			k = c.known(k, at.Sequence)
		}
		if k = min(k, at.Sequence); k == 0 {
			return nil
		}
		sum, err := tx.Bucket([]byte("chain")).Get(key(k))
		digest = hex.EncodeToString(sum)
		return err
	})
	return digest, err
}

// faults are the ways in which a projection may be wrong, and the test of the suite that must
// notice.
func faults() map[string]struct {
	fault
	noticed string
} {
	type faulty = struct {
		fault
		noticed string
	}
	opened := byte(0)
	return map[string]faulty{
		"knows the end alone": {fault{known: func(_, head eventstore.Sequence) eventstore.Sequence {
			return head
		}}, "digest"},
		"an event early": {fault{known: func(k, head eventstore.Sequence) eventstore.Sequence {
			return min(k+1, head)
		}}, "digest"},
		"says nothing": {fault{known: func(_, _ eventstore.Sequence) eventstore.Sequence {
			return 0
		}}, "digest"},
		"counts events alone": {fault{event: func(*chain, *projections.Event, int, []byte) []byte {
			return nil
		}}, "digest"},
		"counts in frames": {fault{event: func(_ *chain, _ *projections.Event, i int, b []byte) []byte {
			return append(b, byte(i))
		}}, "any_cut"},
		"keeps state in memory": {fault{event: func(c *chain, _ *projections.Event, _ int, b []byte) []byte {
			return append(b, byte(c.applied), byte(c.applied>>8))
		}}, "restarts"},
		"counts what was not committed": {fault{event: func(c *chain, _ *projections.Event, _ int, b []byte) []byte {
			return append(b, byte(c.applied), byte(c.applied>>8))
		}}, "failing_commits"},
		"differs each time it is built": {fault{event: func(_ *chain, e *projections.Event, _ int, b []byte) []byte {
			if e.Sequence == 1 {
				opened++
			}
			return append(b, opened)
		}}, "rebuild"},
		"another version each time": {fault{version: func() uint32 {
			opened++
			return uint32(opened)
		}}, "restarts"},
		"stops at an event": {fault{refuses: func(e *projections.Event) error {
			if e.Sequence == 150 {
				return errors.New("not this one")
			}
			return nil
		}}, "follows"},
	}
}

// kindOf returns a kind whose projections have the fault.
func kindOf(f fault) projections.Kind {
	return projections.SimpleKind("chain", time.Millisecond, func(db *checked.DB) *chain {
		return &chain{db: db, fault: f}
	})
}

// TestFaulty runs the suite over projections that are wrong. It fails, and only TestSuite has it
// run.
func TestFaulty(t *testing.T) {
	if os.Getenv(faultyEnv) == "" {
		t.Skip("fails on purpose; see TestSuite")
	}
	for name, faulty := range faults() {
		t.Run(name, func(t *testing.T) { projtest.Run(t, kindOf(faulty.fault)) })
	}
}

// TestSuite: the suite fails each projection that is wrong in the test that is about it: a suite that
// cannot fail proves nothing. That it passes sound ones, each of these shows for itself.
func TestSuite(t *testing.T) {
	for name, faulty := range faults() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run := "^TestFaulty$/^" + strings.ReplaceAll(name, " ", "_") + "$/^" + faulty.noticed + "$"
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run="+run, "-test.v")
			cmd.Env = append(os.Environ(), faultyEnv+"=1")
			said, err := cmd.CombinedOutput()
			if err == nil || bytes.Contains(said, []byte("panic:")) ||
				!bytes.Contains(said, []byte("--- FAIL: TestFaulty/")) {
				t.Errorf("%v, %s:\n%s", err, run, said)
			}
		})
	}
}

// TestEvents: the same seed makes the same events, dense and in order of time; another makes others.
func TestEvents(t *testing.T) {
	a, b, other := projtest.Events(1, 200), projtest.Events(1, 200), projtest.Events(2, 200)
	kinds, same := map[string]int{}, 0
	for i := range a {
		if !bytes.Equal(codec.Append(nil, &a[i].Event), codec.Append(nil, &b[i].Event)) {
			t.Fatalf("event %d differs", i)
		}
		if bytes.Equal(codec.Append(nil, &a[i].Event), codec.Append(nil, &other[i].Event)) {
			same++
		}
		if a[i].Sequence != eventstore.Sequence(i+1) || i > 0 && a[i].RecordedAt < a[i-1].RecordedAt {
			t.Fatalf("event %d has the sequence %d", i, a[i].Sequence)
		}
		if r := a[i].Retracts; r > a[i].Sequence || r != 0 && a[r-1].ID != a[i].Data.RetractedID {
			t.Fatalf("event %d retracts %d", i, r)
		}
		kinds[a[i].Type.Name()]++
	}
	if len(kinds) < 7 || same > 20 {
		t.Errorf("kinds %v; %d of another seed are the same", kinds, same)
	}
}

// TestAllTypes: every type that publishers may send comes, and each event is one that the contract
// accepts, as a ledger would have it.
func TestAllTypes(t *testing.T) {
	kinds := map[event.Type]int{}
	for _, e := range projtest.AllTypes(1, 300) {
		kinds[e.Type]++
		if e.Type == event.WorkforcePublished && !e.Data.Has.Has(event.FieldIndicator) {
			continue // as golden files have it
		}
		if a, refusal := event.Accept(e.Document(), event.Options{}); refusal != nil {
			t.Errorf("event %d, %s: %v", e.Sequence, e.Type.Name(), refusal)
		} else if a.Data.Has != e.Data.Has {
			t.Errorf("event %d, %s: it says what it has not", e.Sequence, e.Type.Name())
		}
	}
	for kind := event.EnrolmentOpened; kind.Known(); kind++ {
		if kinds[kind] == 0 && kind != event.FigurePublished {
			t.Errorf("no %s among %v", kind.Name(), kinds)
		}
	}
}

// TestLog: however a log is cut into frames, it holds the events.
func TestLog(t *testing.T) {
	events := projtest.Events(3, 100)
	for _, most := range []int{1, 7, 100} {
		next, frames := 0, 0
		for frame, err := range projtest.Log(t, events, 3, most).Read(t.Context(), 1) {
			if err != nil {
				t.Fatal(err)
			}
			frames++
			if frame.Count() > most {
				t.Errorf("a frame of %d events, at most %d", frame.Count(), most)
			}
			for record := range frame.Records() {
				var e event.Event
				retracts, err := codec.Decode(record.Event, &e)
				if err != nil || retracts != uint64(events[next].Retracts) || e.Key != events[next].Key || record.Sequence != events[next].Sequence {
					t.Fatalf("event %d: %+v, %v", next, e.Key, err)
				}
				next++
			}
		}
		if next != len(events) || most == 1 && frames != next {
			t.Errorf("%d events in %d frames", next, frames)
		}
	}
	old := projtest.OldFrame(projtest.FrameOf(t, events).Raw())
	if frame, err := eventstore.ParseFrame(old); err != nil || frame.Count() != len(events) {
		t.Errorf("a frame of version 1: %d events, %v", frame.Count(), err)
	}
}

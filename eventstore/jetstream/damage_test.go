package jetstream_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"cakupan/eventstore"
	"cakupan/eventstore/jetstream"
	"cakupan/eventstore/logtest"
	"cakupan/eventstore/natsd"
	"cakupan/eventstore/verify"
)

// The tests below damage the files of a real JetStream store while its server is down, start it
// again and read. Whatever the server makes of the files, each event must either be read as it
// was written or be named as damaged, and the reader must come to an end.

const (
	damageFrames         = 220
	damageEventsPerFrame = 400 // 44 kB a frame: the store has two blocks of 8 MB
	damageTarget         = 100 // the message that is damaged, in the middle of the first block
)

// pristine is a log that was shut down in good order.
type pristine struct {
	dir    string
	frames []eventstore.Frame // message n is frames[n-1]
}

func newPristine(t *testing.T) pristine {
	t.Helper()
	p := pristine{dir: t.TempDir()}
	server, err := natsd.Start(natsd.Options{StoreDir: p.dir})
	if err != nil {
		t.Fatal(err)
	}
	conn, err := server.Connect()
	if err != nil {
		t.Fatal(err)
	}
	log := create(t, conn, jetstream.Options{})
	var maker logtest.Maker
	for range damageFrames {
		raw := maker.Frame(damageEventsPerFrame)
		tail, err := log.Append(t.Context(), raw, maker.Before())
		if err != nil {
			t.Fatal(err)
		}
		maker.Appended(tail)
		frame, err := eventstore.ParseFrame(raw)
		if err != nil {
			t.Fatal(err)
		}
		p.frames = append(p.frames, frame)
	}
	conn.Close()
	if err := server.Shutdown(); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestDamage(t *testing.T) {
	if testing.Short() {
		t.Skip("long in one goroutine")
	}
	p := newPristine(t)
	first := p.frames[damageTarget-1]
	for _, test := range []struct {
		name   string
		damage func(t *testing.T, msgs string)
		only   bool // exactly the target is lost, if index.db is there
	}{
		{"flipped bit in a body", func(t *testing.T, msgs string) {
			flip(t, msgs, damageTarget, 2000)
		}, true},
		{"flipped bit in a record length", func(t *testing.T, msgs string) {
			flip(t, msgs, damageTarget, 2)
		}, false},
		{"flipped bit in a sequence", func(t *testing.T, msgs string) {
			flip(t, msgs, damageTarget, 4)
		}, false},
		{"truncated block", func(t *testing.T, msgs string) {
			path, offset := record(t, msgs, damageTarget)
			if err := os.Truncate(path, offset+1000); err != nil {
				t.Fatal(err)
			}
		}, false},
		{"missing block", func(t *testing.T, msgs string) {
			path, _ := record(t, msgs, damageTarget)
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		}, false},
	} {
		for _, index := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, index.db %t", test.name, index), func(t *testing.T) {
				log := p.damaged(t, index, test.damage)
				lost := p.read(t, log)
				t.Logf("lost %v", lost)
				if !covers(lost, first.First()) || !covers(lost, first.Last()) {
					t.Errorf("events %d to %d are damaged and not among those named: %v",
						first.First(), first.Last(), lost)
				}
				checkVerify(t, log, lost)
				if test.only && index && (len(lost) != 1 ||
					lost[0].From != first.First() || lost[0].To != first.Last()) {
					t.Errorf("named %v, damaged %d to %d", lost, first.First(), first.Last())
				}
			})
		}
	}
}

// checkVerify checks that verify finds the same.
func checkVerify(t *testing.T, log eventstore.Log, lost []eventstore.DamageError) {
	t.Helper()
	report, err := verify.Check(t.Context(), log, verify.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Findings) != len(lost) {
		t.Fatalf("verify finds %+v, read names %v", report.Findings, lost)
	}
	for i, finding := range report.Findings {
		if finding.From != lost[i].From || finding.To != lost[i].To {
			t.Errorf("verify finds %+v, read names %v", finding, lost[i])
		}
	}
}

// TestDamagedEnd damages the last message. What the log itself can tell depends on what the server
// remembers; with a witness of how far it went, every lost event is named.
func TestDamagedEnd(t *testing.T) {
	if testing.Short() {
		t.Skip("long in one goroutine")
	}
	p := newPristine(t)
	end := p.frames[damageFrames-1].Last()
	cut := func(t *testing.T, msgs string) {
		path, offset := record(t, msgs, damageFrames)
		if err := os.Truncate(path, offset+1000); err != nil {
			t.Fatal(err)
		}
	}
	for _, index := range []bool{true, false} {
		t.Run(fmt.Sprintf("index.db %t", index), func(t *testing.T) {
			log := p.damaged(t, index, cut)
			lost := p.read(t, log)
			_, tail, err := log.Last(t.Context())
			t.Logf("read names %v; Last: event %d, %v", lost, tail.Sequence, err)
			var damage *eventstore.DamageError
			remembered := errors.As(err, &damage)
			if remembered != (len(lost) == 1 && lost[0].To == 0) ||
				!remembered && (err != nil || tail.Sequence != end-damageEventsPerFrame) {
				t.Errorf("read and Last do not agree about the end")
			}
			report, err := verify.Check(t.Context(), log, verify.Options{
				Witnesses: []verify.Witness{{Name: "index", Sequence: end}},
			})
			if err != nil {
				t.Fatal(err)
			}
			last := report.Findings[len(report.Findings)-1]
			if last.From != end-damageEventsPerFrame+1 || last.To != end {
				t.Errorf("verify finds %+v, lost were the events after %d",
					report.Findings, end-damageEventsPerFrame)
			}
			t.Logf("verify: %+v", report.Findings)
		})
	}
}

// damaged starts a server on a damaged copy of the log and opens it.
func (p pristine) damaged(
	t *testing.T, index bool, damage func(t *testing.T, msgs string),
) *jetstream.Log {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(p.dir)); err != nil {
		t.Fatal(err)
	}
	msgs := filepath.Join(dir, "jetstream", "$G", "streams", jetstream.StreamDefault, "msgs")
	if !index {
		if err := os.Remove(filepath.Join(msgs, "index.db")); err != nil {
			t.Fatal(err)
		}
	}
	damage(t, msgs)
	log, err := jetstream.Open(t.Context(), start(t, dir), jetstream.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return log
}

// read reads the log and returns what it names as damaged. It checks that what was read and what
// was named make up the log without overlap, and that what was read is what was written.
func (p pristine) read(t *testing.T, log eventstore.Log) (lost []eventstore.DamageError) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	want := eventstore.Sequence(1)
	for frame, err := range log.Read(ctx, 1) {
		var damage *eventstore.DamageError
		switch {
		case err == nil:
			original := p.frames[(frame.First()-1)/damageEventsPerFrame]
			if frame.First() != want || !bytes.Equal(frame.Raw(), original.Raw()) {
				t.Fatalf("frame from event %d, want %d as it was written", frame.First(), want)
			}
			want = frame.Last() + 1
		case errors.As(err, &damage):
			if damage.From != want {
				t.Fatalf("%v: want from event %d", damage, want)
			}
			lost = append(lost, *damage)
			want = damage.To + 1
		default:
			t.Fatal(err)
		}
	}
	return lost
}

func covers(lost []eventstore.DamageError, event eventstore.Sequence) bool {
	return slices.ContainsFunc(lost, func(d eventstore.DamageError) bool {
		return d.From <= event && (event <= d.To || d.To == 0)
	})
}

// flip inverts a bit of the message's record in its block file.
func flip(t *testing.T, msgs string, message uint64, at int64) {
	t.Helper()
	path, offset := record(t, msgs, message)
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var b [1]byte
	if _, err := file.ReadAt(b[:], offset+at); err != nil {
		t.Fatal(err)
	}
	b[0] ^= 1
	if _, err := file.WriteAt(b[:], offset+at); err != nil {
		t.Fatal(err)
	}
}

// record returns the block file of a message and where its record begins. A record begins with
// its length (4 bytes, the top bit marks headers) and the message's number (8 bytes), both
// little-endian.
func record(t *testing.T, msgs string, message uint64) (path string, offset int64) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(msgs, "*.blk"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		block, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for at := 0; at < len(block); {
			if binary.LittleEndian.Uint64(block[at+4:]) == message {
				return path, int64(at)
			}
			at += int(binary.LittleEndian.Uint32(block[at:]) &^ (1 << 31))
		}
	}
	t.Fatalf("no block holds message %d", message)
	return "", 0
}

package eventstore_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"hash/crc32"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/eventstore/merkle"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing with them")

// record is an event to put into a frame.
type record struct {
	at    temporal.Instant
	event []byte
}

func build(
	t testing.TB, first eventstore.Sequence, root merkle.Hash, records ...record,
) []byte {
	t.Helper()
	b := eventstore.NewFrameBuilder(first, root, records[0].at)
	for _, r := range records {
		if err := b.Append(r.at, r.event); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

// goldens are frames whose bytes must never change. FORMAT.md shows the first.
func goldens(t testing.TB) map[string][]byte {
	const at temporal.Instant = 1_609_459_200_000_000_000 // 2021-01-01T00:00:00Z
	var root merkle.Hash
	for i := range root {
		root[i] = byte(i)
	}
	return map[string][]byte{
		"one": build(t, 1, root, record{at, []byte("event")}),
		"three": build(t, 4711, root,
			record{at, []byte("a")},
			record{at, nil},
			record{at + 300, bytes.Repeat([]byte("b"), 200)}),
		"before1970": build(t, math.MaxUint64-1, merkle.Hash{}, record{-1, []byte("c")}),
		"beside":     beside(t, 1<<33, 7),
	}
}

// beside is a frame that names how far vault and register were.
func beside(t testing.TB, vault, register uint64) []byte {
	b := eventstore.NewFrameBuilder(1, merkle.Hash{}, 1)
	if err := b.Append(1, []byte("event")); err != nil {
		t.Fatal(err)
	}
	b.SetBeside(eventstore.Beside{Vault: vault, Register: register})
	return b.Bytes()
}

// TestBeside: a frame tells how far vault and register were; one of version 1 does not.
func TestBeside(t *testing.T) {
	for name, want := range map[string]eventstore.Beside{
		"v2-beside": {Vault: 1 << 33, Register: 7}, "v2-one": {}, "v1-one": {},
	} {
		frame, err := eventstore.ParseFrame(golden(t, name))
		if err != nil {
			t.Fatal(err)
		}
		if frame.Beside() != want {
			t.Errorf("%s: %+v", name, frame.Beside())
		}
	}
}

// golden returns the bytes of a golden file.
func golden(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "frame-"+name+".hex"))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := hex.DecodeString(strings.ReplaceAll(string(text), "\n", ""))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// TestVersion1 reads the frames of version 1, which hold the same events as those of today.
func TestVersion1(t *testing.T) {
	for _, name := range []string{"one", "three", "before1970"} {
		old, err := eventstore.ParseFrame(golden(t, "v1-"+name))
		if err != nil {
			t.Fatal(err)
		}
		now, err := eventstore.ParseFrame(golden(t, "v2-"+name))
		if err != nil {
			t.Fatal(err)
		}
		if old.First() != now.First() || old.Root() != now.Root() ||
			old.LastRecordedAt() != now.LastRecordedAt() {
			t.Errorf("%s says something else", name)
		}
		want := slices.Collect(now.Records())
		got := slices.Collect(old.Records())
		if len(got) == 0 || !reflect.DeepEqual(got, want) {
			t.Errorf("%s holds %v, want %v", name, got, want)
		}
	}
}

func TestGolden(t *testing.T) {
	for name, raw := range goldens(t) {
		path := filepath.Join("testdata", "frame-v2-"+name+".hex")
		text := hexLines(raw)
		if *update {
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		golden, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if string(golden) != text {
			t.Errorf("frame %s has changed: a log that exists holds these bytes\n%swant\n%s",
				name, text, golden)
		}
		if _, err := eventstore.ParseFrame(raw); err != nil {
			t.Errorf("frame %s: %v", name, err)
		}
	}
}

func hexLines(raw []byte) string {
	var text strings.Builder
	for len(raw) > 0 {
		n := min(len(raw), 16)
		fmt.Fprintln(&text, hex.EncodeToString(raw[:n]))
		raw = raw[n:]
	}
	return text.String()
}

// TestRoundTrip builds random frames and reads them back.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		first := eventstore.Sequence(rapid.Uint64Range(1, math.MaxUint64-1000).Draw(t, "first"))
		root := merkle.Hash(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "root"))
		start := temporal.Instant(rapid.Int64Range(math.MinInt64, 1<<62).Draw(t, "at"))
		events := rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 0, 300), 1, 40).Draw(t, "events")
		at := start
		b := eventstore.NewFrameBuilder(first, root, start)
		var times []temporal.Instant
		for i, event := range events {
			if i > 0 {
				at += temporal.Instant(rapid.Int64Range(0, 1<<50).Draw(t, "later"))
			}
			times = append(times, at)
			if err := b.Append(at, event); err != nil {
				t.Fatal(err)
			}
		}
		frame, err := eventstore.ParseFrame(b.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		last := first + eventstore.Sequence(len(events)) - 1
		if frame.First() != first || frame.Last() != last || frame.Count() != len(events) ||
			frame.Root() != root || frame.RecordedAt() != start || frame.LastRecordedAt() != at ||
			b.Len() != len(frame.Raw()) || b.Next() != last+1 {
			t.Fatalf("frame %d to %d, %d events, root %s, at %d to %d",
				frame.First(), frame.Last(), frame.Count(), frame.Root(),
				frame.RecordedAt(), frame.LastRecordedAt())
		}
		i := 0
		for r := range frame.Records() {
			if r.Sequence != first+eventstore.Sequence(i) || r.RecordedAt != times[i] ||
				!bytes.Equal(r.Event, events[i]) {
				t.Fatalf("record %d: %+v", i, r)
			}
			i++
		}
		if i != len(events) {
			t.Fatalf("%d records, want %d", i, len(events))
		}
	})
}

// TestDamagedBytes flips each bit of a frame, and cuts it at each length.
func TestDamagedBytes(t *testing.T) {
	raw := goldens(t)["three"]
	for i := range len(raw) * 8 {
		flipped := bytes.Clone(raw)
		flipped[i/8] ^= 1 << (i % 8)
		if _, err := eventstore.ParseFrame(flipped); !errors.Is(err, eventstore.ErrFrame) {
			t.Fatalf("bit %d flipped: %v, want ErrFrame", i, err)
		}
	}
	for n := range raw {
		if _, err := eventstore.ParseFrame(raw[:n]); !errors.Is(err, eventstore.ErrFrame) {
			t.Fatalf("cut after %d bytes: %v, want ErrFrame", n, err)
		}
	}
}

// TestInvalid changes single fields and corrects the checksum: what a faulty writer would store.
func TestInvalid(t *testing.T) {
	at := func(offset int, b ...byte) func([]byte) []byte {
		return func(raw []byte) []byte { copy(raw[offset:], b); return raw }
	}
	for _, test := range []struct {
		name   string
		change func([]byte) []byte // of a frame with one event of five bytes, without checksum
		want   error
	}{
		{"nothing", at(0), nil},
		{"magic", at(0, 'X'), eventstore.ErrFrame},
		{"version 0", at(2, 0), eventstore.ErrFrame},
		{"version 3", at(2, 3), eventstore.ErrNewerFormat},
		{"flags", at(3, 1), eventstore.ErrFrame},
		{"first sequence 0", at(4, 0, 0, 0, 0, 0, 0, 0, 0), eventstore.ErrFrame},
		{"sequences overflow", at(4, 255, 255, 255, 255, 255, 255, 255, 255), eventstore.ErrFrame},
		{"count 0", at(12, 0, 0, 0, 0), eventstore.ErrFrame},
		{"count 2", at(12, 0, 0, 0, 2), eventstore.ErrFrame},
		{"count over the limit", at(12, 0, 0, 3, 233), eventstore.ErrFrame},
		{"first event later than the frame", at(72, 1), eventstore.ErrFrame},
		{"length too small", at(73, 4), eventstore.ErrFrame},
		{"length too large", at(73, 6), eventstore.ErrFrame},
		{"length in two bytes", at(73, 0x83, 0x00), eventstore.ErrFrame},
		{"length unfinished", at(73, 255, 255, 255, 255, 255, 255), eventstore.ErrFrame},
		{
			"bytes after the last entry", func(raw []byte) []byte { return append(raw, 0) },
			eventstore.ErrFrame,
		},
		{"over the size limit", func(raw []byte) []byte {
			return append(raw, make([]byte, eventstore.FrameBytesMax)...)
		}, eventstore.ErrFrame},
	} {
		raw := bytes.Clone(goldens(t)["one"])
		raw = test.change(raw[:len(raw)-4])
		sum := crc32.Checksum(raw, crc32.MakeTable(crc32.Castagnoli))
		raw = binary.BigEndian.AppendUint32(raw, sum)
		if _, err := eventstore.ParseFrame(raw); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", test.name, err, test.want)
		}
	}
}

func TestRecordTimeOverflow(t *testing.T) {
	raw := build(t, 1, merkle.Hash{}, record{math.MaxInt64 - 5, nil}, record{math.MaxInt64, nil})
	raw[74]++ // the second entry: six nanoseconds later instead of five
	sum := crc32.Checksum(raw[:len(raw)-4], crc32.MakeTable(crc32.Castagnoli))
	binary.BigEndian.PutUint32(raw[len(raw)-4:], sum)
	if _, err := eventstore.ParseFrame(raw); !errors.Is(err, eventstore.ErrFrame) {
		t.Errorf("record time after the end of time: %v, want ErrFrame", err)
	}
}

func TestBuilderLimits(t *testing.T) {
	b := eventstore.NewFrameBuilder(1, merkle.Hash{}, 10)
	for _, test := range []struct {
		at   temporal.Instant
		size int
		want error
	}{
		{9, 1, eventstore.ErrRecordOrder},
		{11, 1, eventstore.ErrRecordOrder}, // the first event has the frame's time
		{10, eventstore.EventBytesMax + 1, eventstore.ErrEventTooLarge},
		{10, eventstore.EventBytesMax, nil},
		{9, 1, eventstore.ErrRecordOrder},
		{12, 1, nil},
	} {
		if err := b.Append(test.at, make([]byte, test.size)); !errors.Is(err, test.want) {
			t.Errorf("append of %d bytes at %d: %v, want %v", test.size, test.at, err, test.want)
		}
	}
	for b.Append(12, make([]byte, 60_000)) == nil {
	}
	if b.Len() > eventstore.FrameBytesMax || b.Len() < eventstore.FrameBytesMax-70_000 {
		t.Errorf("full frame has %d bytes", b.Len())
	}
	if _, err := eventstore.ParseFrame(b.Bytes()); err != nil {
		t.Error(err)
	}
	b.Reset(5, merkle.Hash{}, 0)
	for range eventstore.FrameEventsMax {
		if err := b.Append(0, nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Append(0, nil); !errors.Is(err, eventstore.ErrFrameFull) {
		t.Errorf("append to a frame with %d events: %v", b.Count(), err)
	}
	far := eventstore.NewFrameBuilder(1, merkle.Hash{}, math.MinInt64)
	_ = far.Append(math.MinInt64, nil)
	if err := far.Append(1, nil); !errors.Is(err, eventstore.ErrRecordOrder) {
		t.Errorf("append over 292 years later: %v", err)
	}
}

func TestBuilderGoesOn(t *testing.T) {
	b := eventstore.NewFrameBuilder(1, merkle.Hash{}, 0)
	for n := range 3 {
		if err := b.Append(temporal.Instant(n), []byte{byte(n)}); err != nil {
			t.Fatal(err)
		}
		frame, err := eventstore.ParseFrame(b.Bytes())
		if err != nil || frame.Count() != n+1 {
			t.Fatalf("after %d events: %d, %v", n+1, frame.Count(), err)
		}
	}
}

func TestZeroFrame(t *testing.T) {
	var frame eventstore.Frame
	for range frame.Records() {
		t.Error("the zero frame has a record")
	}
	if !frame.IsZero() || frame.First() != 0 || frame.Last() != 0 || frame.Count() != 0 ||
		frame.Root() != (merkle.Hash{}) || frame.RecordedAt() != 0 || frame.Raw() != nil {
		t.Error("the zero frame is not empty")
	}
}

func TestNoAllocations(t *testing.T) {
	raw := fullFrame(t)
	var total int
	allocs := testing.AllocsPerRun(10, func() {
		frame, err := eventstore.ParseFrame(raw)
		if err != nil {
			t.Fatal(err)
		}
		for r := range frame.Records() {
			total += len(r.Event)
		}
	})
	if allocs != 0 {
		t.Errorf("parsing and reading a frame allocates %v times", allocs)
	}
}

func TestIdentity(t *testing.T) {
	a, b := eventstore.NewIdentity(5), eventstore.NewIdentity(5)
	if a == b || len(a.Ledger) != 32 || a.Created != 5 || a.IsZero() {
		t.Errorf("identities %+v and %+v", a, b)
	}
}

func TestDamageError(t *testing.T) {
	for want, damage := range map[string]eventstore.DamageError{
		"event 7 is damaged: why":                              {7, 7, "why"},
		"events 7 to 9 are damaged: why":                       {7, 9, "why"},
		"events from 7 to the end of the log are damaged: why": {7, 0, "why"},
	} {
		if got := damage.Error(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// FuzzParseFrame checks that nothing makes the parser fail, and that what it takes for a frame
// has no other encoding.
func FuzzParseFrame(f *testing.F) {
	for _, raw := range goldens(f) {
		f.Add(raw, false)
		f.Add(raw[:len(raw)-4], true)
	}
	f.Fuzz(func(t *testing.T, raw []byte, correct bool) {
		if correct { // the checksum, or the fuzzer would never come past it
			sum := crc32.Checksum(raw, crc32.MakeTable(crc32.Castagnoli))
			raw = binary.BigEndian.AppendUint32(raw, sum)
		}
		frame, err := eventstore.ParseFrame(raw)
		if err != nil {
			if !errors.Is(err, eventstore.ErrFrame) && !errors.Is(err, eventstore.ErrNewerFormat) {
				t.Fatalf("error of no kind: %v", err)
			}
			return
		}
		if raw[2] == 1 {
			return // nobody writes it any more
		}
		b := eventstore.NewFrameBuilder(frame.First(), frame.Root(), frame.RecordedAt())
		b.SetBeside(frame.Beside())
		for r := range frame.Records() {
			if err := b.Append(r.RecordedAt, r.Event); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(b.Bytes(), raw) {
			t.Fatalf("frame %x encodes to %x", raw, b.Bytes())
		}
	})
}

// fullFrame is a frame with as many events as fit, of the usual size.
func fullFrame(t testing.TB) []byte {
	b := eventstore.NewFrameBuilder(1, merkle.Hash{}, 0)
	for b.Append(0, make([]byte, 110)) == nil {
	}
	if b.Count() != eventstore.FrameEventsMax {
		t.Fatalf("%d events", b.Count())
	}
	return b.Bytes()
}

func BenchmarkParseFrame(b *testing.B) {
	raw := fullFrame(b)
	b.SetBytes(int64(len(raw)))
	for b.Loop() {
		if _, err := eventstore.ParseFrame(raw); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/event")
}

func BenchmarkRecords(b *testing.B) {
	frame, err := eventstore.ParseFrame(fullFrame(b))
	if err != nil {
		b.Fatal(err)
	}
	total := 0
	for b.Loop() {
		for r := range frame.Records() {
			total += len(r.Event)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/event")
}

func BenchmarkFrameBuilder(b *testing.B) {
	event := make([]byte, 110)
	builder := eventstore.NewFrameBuilder(1, merkle.Hash{}, 0)
	for b.Loop() {
		builder.Reset(1, merkle.Hash{}, 0)
		for builder.Append(0, event) == nil {
		}
		builder.Bytes()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/event")
}

package cluster

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"cakupan/cmd/internal/intake"
	"cakupan/cmd/internal/problem"
	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/eventstore/jetstream/lease"
	"cakupan/eventstore/seal"
)

// TestSighting tells when a lease may be taken: it was given up, or not renewed for long enough while
// it could be seen all the time.
func TestSighting(t *testing.T) {
	const over = 3 * time.Second
	at := time.Unix(1_000, 0)
	seen := func(revision uint64, holder string, seconds int, s sighting) sighting {
		state := lease.State{Holder: lease.Holder{ID: holder}, Revision: revision}
		return s.next(state, at.Add(time.Duration(seconds)*time.Second))
	}
	var s sighting
	if s = seen(0, "", 0, s); !s.isOver(over) {
		t.Error("a lease that nobody has may not be taken")
	}
	if s = seen(1, "a", 1, s); s.isOver(over) {
		t.Error("a lease that was just taken may be taken")
	}
	if s = seen(1, "a", 3, s); s.isOver(over) {
		t.Error("a lease may be taken too early")
	}
	if s = seen(2, "a", 4, s); s.isOver(over) {
		t.Error("a lease that was renewed may be taken")
	}
	if s = seen(2, "a", 7, s); !s.isOver(over) {
		t.Error("a lease that was not renewed may not be taken")
	}
	if s = seen(2, "a", 8, sighting{}); s.isOver(over) {
		t.Error("a lease may be taken that could not be seen a moment ago")
	}
	if s = seen(3, "", 9, s); !s.isOver(over) {
		t.Error("a lease that was given up may not be taken")
	}
}

// TestElsewhere: a ledger on all addresses of its machine is known to others by the machine's name.
func TestElsewhere(t *testing.T) {
	for _, c := range []struct{ address, machine, want string }{
		{"https://localhost:7070", "m1", "https://m1:7070"},
		{"http://localhost:7070", "", "http://localhost:7070"},
		{"https://10.0.0.1:7070", "m1", "https://10.0.0.1:7070"},
		{"https://[::1]:7070", "m1", "https://[::1]:7070"},
	} {
		if got := elsewhere(c.address, c.machine); got != c.want {
			t.Errorf("%s of %q: %s, want %s", c.address, c.machine, got, c.want)
		}
	}
}

func sealerOf(t testing.TB, key string) *seal.Sealer {
	t.Helper()
	sum := sha256.Sum256([]byte(key))
	s, err := seal.New(sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestForwardedIsWhole has what is forwarded, and its answer, arrive as they were, and nothing from a
// ledger with another key, or in the place of another message.
func TestForwardedIsWhole(t *testing.T) {
	r := &Roles{sealer: sealerOf(t, "one")}
	sent := forwarded{
		Corrects: [][]byte{[]byte("{}")},
		Raw:      [][]byte{[]byte(`{"a":1}`), {}, []byte("\xff\x00"), bytes.Repeat([]byte("x"), 99_999)},
		Atomic:   true, Scope: &event.Scope{
			Publisher: "office", Sources: []string{"urn:a"}, Regions: []region.Code{1},
			Types: []event.Type{event.EnrolmentOpened},
		},
		Seen: &intake.Seen{}, // of a list that had nothing, which is not the same as none
	}
	sealed, err := r.pack(&sent, purposeForward)
	if err != nil {
		t.Fatal(err)
	}
	var got forwarded
	if err := r.unpack(sealed, purposeForward, &got); err != nil {
		t.Fatal(err)
	}
	got.Raw[1] = []byte{} // gob makes nil of it
	if !reflect.DeepEqual(got, sent) {
		t.Errorf("%+v arrives", got)
	}
	if bytes.Contains(sealed, []byte("urn:a")) {
		t.Error("it is not sealed")
	}
	answer := forwardAnswer{Receipts: []event.Receipt{
		{Key: event.Key{Source: "s", ID: "1"}, Status: event.Appended, Sequence: 7},
		{Status: event.Refused, Refusal: &event.Refusal{Code: event.Malformed, Detail: "d"}},
	}}
	back, err := r.pack(&answer, purposeAnswer)
	var heard forwardAnswer
	if err == nil {
		err = r.unpack(back, purposeAnswer, &heard)
	}
	if err != nil || !reflect.DeepEqual(heard, answer) {
		t.Errorf("%+v is answered, %v", heard, err)
	}
	other := &Roles{sealer: sealerOf(t, "two")}
	for n, err := range []error{
		other.unpack(sealed, purposeForward, &got), r.unpack(sealed, purposeAnswer, &heard),
		r.unpack(sealed[:len(sealed)-1], purposeForward, &got), r.unpack(nil, purposeAnswer, &got),
	} {
		if problem.From(err).Code != problem.FolderKeyLost {
			t.Errorf("message %d is read: %v", n, err)
		}
	}
}

// TestOlderWriter: a ledger that does not know of what was seen of a list finds no events with it.
func TestOlderWriter(t *testing.T) {
	r := &Roles{sealer: sealerOf(t, "one")}
	sent := forwarded{Seen: &intake.Seen{Sequence: 7}, Corrects: [][]byte{[]byte("{}")}, Atomic: true}
	sealed, err := r.pack(&sent, purposeForward)
	var older struct {
		Raw                          [][]byte
		KeepRecorded, DryRun, Atomic bool
		Scope                        *event.Scope
		Publisher                    string
	}
	if err == nil {
		err = r.unpack(sealed, purposeForward, &older)
	}
	if err != nil || !older.Atomic || len(older.Raw) != 0 || len(sent.events()) != 1 {
		t.Errorf("%+v of %+v, %v", older, sent, err)
	}
}

// TestFirstPart cuts a batch into parts that come to the whole, none of them too large unless one
// event is.
func TestFirstPart(t *testing.T) {
	var raw [][]byte
	for n := range 5_000 {
		raw = append(raw, bytes.Repeat([]byte{byte(n)}, n*n%70_000))
	}
	left, parts := raw, 0
	for ; len(left) > 0; parts++ {
		part, size := firstPart(left), 0
		for i := range part {
			size += len(part[i])
		}
		if len(part) == 0 || len(part) > forwardEventsMax ||
			size > forwardBytesMax && len(part) > 1 {
			t.Fatal(fmt.Sprint("a part has ", len(part), " events of ", size, " bytes"))
		}
		left = left[len(part):]
	}
	if parts < len(raw)/forwardEventsMax {
		t.Errorf("%d parts", parts)
	}
}

// TestStandbyHealth has a ledger that could not take over say so, in words for whoever asks.
func TestStandbyHealth(t *testing.T) {
	damaged := problem.New(problem.LogDamaged, "the log is damaged")
	for _, c := range []struct {
		now  roleNow
		code problem.Code
	}{
		{roleNow{writing: true}, ""},
		{roleNow{holder: lease.Holder{ID: "other"}}, ""},
		{roleNow{}, problem.LogUnavailable},
		{roleNow{err: lease.ErrTaken, holder: lease.Holder{ID: "other"}}, ""},
		{roleNow{err: errors.New("no answer")}, problem.LogUnavailable},
		{roleNow{err: fmt.Errorf("read: %w", damaged)}, problem.LogDamaged},
	} {
		_, err := (&Roles{now: c.now}).Health()
		if got := problem.From(err); got == nil && c.code != "" || got != nil && got.Code != c.code {
			t.Errorf("%+v is told as %v, want %q", c.now, err, c.code)
		}
	}
}

// TestStandsBy: what only the ledger that writes can do is refused with where that is.
func TestStandsBy(t *testing.T) {
	nobody, other := roleNow{}, roleNow{holder: lease.Holder{ID: "a", URL: "http://a.example:8080"}}
	if err := nobody.standsBy(); !errors.Is(err, ErrStandsBy) {
		t.Error(err)
	}
	err := problem.From(other.standsBy())
	if err.Code != problem.LogUnavailable || !strings.Contains(err.Detail, other.holder.URL) {
		t.Error(err.Code, err.Detail)
	}
}

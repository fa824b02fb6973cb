package importer

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestSpool keeps events of people, few and many, and takes them out in chunks: each comes once, as
// it was and in order within its chunk, no chunk is larger than asked for, and all events of a
// person are in one.
func TestSpool(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 9))
		var s spool
		var want []spooled
		people := 1 + r.IntN(600)
		most := 40 + r.IntN(100)
		said := map[uint64]int{}
		for range r.IntN(3_000) {
			one := spooled{row: r.IntN(1 << 21), order: len(want), person: uint64(r.IntN(people)) << 50}
			if seed%2 == 0 { // all in few buckets
				one.person = uint64(r.IntN(people)) * spoolBuckets
			}
			if said[one.person]++; said[one.person] > most {
				continue
			}
			one.event = fmt.Appendf(nil, `{"id":%d,"text":%q}`, r.Uint64(), make([]byte, r.IntN(50)))
			s.add(one.row, one.person, one.event)
			want = append(want, one)
		}
		var got []spooled
		chunkOf := map[uint64]int{}
		chunks := 0
		err := s.chunks(most, func(chunk []spooled) error {
			chunks++
			for i, one := range chunk {
				if at, found := chunkOf[one.person]; found && at != chunks {
					t.Errorf("seed %d: a person is in chunks %d and %d", seed, at, chunks)
				}
				if i > 0 && chunk[i-1].order >= one.order {
					t.Errorf("seed %d: order %d after %d", seed, one.order, chunk[i-1].order)
				}
				chunkOf[one.person] = chunks
			}
			if len(chunk) > most || len(chunk) == 0 {
				t.Errorf("seed %d: %d events at once, at most %d", seed, len(chunk), most)
			}
			got = append(got, chunk...)
			return nil
		})
		slices.SortFunc(got, func(a, b spooled) int { return a.order - b.order })
		if err != nil || !slices.EqualFunc(got, want, func(a, b spooled) bool {
			return a.row == b.row && a.order == b.order && a.person == b.person &&
				bytes.Equal(a.event, b.event)
		}) {
			t.Fatalf("seed %d: %d events of %d, %v", seed, len(got), len(want), err)
		}
	}
}

// TestOfEvents finds the person and the day of events as they are made of rows.
func TestOfEvents(t *testing.T) {
	t.Parallel()
	event := func(kind, data string) []byte {
		return fmt.Appendf(nil, `{"specversion":"1.0","id":"x","source":"urn:x","type":"id.cakupan.%s.v1","data":{%s}}`,
			kind, data)
	}
	for _, c := range []struct{ kind, data, day string }{
		{"enrolment.opened", `"enrolment":"E","nik":"N","from":"2021-02-03"`, "2021-02-03"},
		{"enrolment.terminated", `"enrolment":"E","until":"2021-02-03","reason":"LAYOFF"`, "2021-02-03"},
		{"worker.died", `"nik":"N","on":"2021-02-28"`, "2021-03-01"},
		{"funding.granted", `"commitment":"C","enrolment":"E","from":"2021-02","until":"2021-04"`, "2021-02-01"},
		{"contribution.credited", `"enrolment":"E","from":"2021-02","until":"2021-03","reference":"\"nik\":\"N\""`, "2021-02-01"},
		{"worker.merged", `"nik":"N","intoNik":"M"`, ""},
		{"event.retracted", `"source":"urn:x","id":"y","reason":"from"`, ""},
	} {
		if got := dayOf(event(c.kind, c.data)); got != c.day {
			t.Errorf("%s: day %q, want %q", c.kind, got, c.day)
		}
	}
	same := func(a, b string) bool {
		return personOf(event("enrolment.opened", a)) == personOf(event("enrolment.opened", b))
	}
	if !same(`"enrolment":"A","nik":"N"`, `"enrolment":"B","nik":"N"`) || same(`"enrolment":"A"`, `"enrolment":"B"`) ||
		!same(`"enrolment":"A","from":"1"`, `"enrolment":"A","from":"2"`) {
		t.Error("persons are not told apart by what names them")
	}
}

// Package matched finds the rows of a list that a ledger has under an older key of lists than the
// one that they are made with now, and says by which ids and names it has them.
//
// A row gets its id and the name of an enrolment without a number by a keyed hash; with another key
// the same list would be another one, and its people would count twice. Who sends a list has the
// newest key alone. The older ones are the ledger's: it works out what a row would have been called
// by each of them, and tells only what it has, and has from the same source. So it tells nobody
// whether somebody else has reported a person.
//
// It is pure but for what it asks of [Ledger]. Package ledger answers that, package importer sends
// what is found in the place of what was read.
package matched

import (
	"bytes"
	"context"
	"encoding/json"

	"cakupan/cmd/internal/lists/named"
)

// Row is a row of a list, as it is made with the newest key.
type Row struct {
	// NIK is the number by whose hash the event names somebody; "": it has no hash of one.
	NIK string `json:"nik,omitempty"`
	// Event is the whole of it, as package lists makes it.
	Event json.RawMessage `json:"event"`
}

// Names are what a row is called by one key.
type Names struct {
	ID string `json:"id"` // of the event
	// Name is that of the enrolment, and what a row about a person is known by; "": no hash is in
	// it.
	Name string `json:"name,omitempty"`
}

// Ledger answers what is asked of the ledger, for one source.
type Ledger interface {
	// Has tells which events the ledger has, by source and id.
	Has(ctx context.Context, events [][]byte) ([]bool, error)
	// Knows tells which names of enrolments an event of the source speaks of.
	Knows(ctx context.Context, names []string) ([]bool, error)
	// Persons returns what the rows of a list about people are known by.
	Persons(ctx context.Context, list string) (map[string]bool, error)
}

// Find returns, for each row, what the ledger has it as under an older key; nil of those that it
// has not. now is the key by which the rows are named, older those of before, the newest first. A
// row stays with the key by which the ledger has it; else with the one by which it knows the
// enrolment or, in a list about people, the person. An error is of all of them.
func Find(ctx context.Context, now named.Key, older []named.Key, rows []Row, l Ledger,
) ([]*Names, error) {
	f := &finder{ledger: l, found: make([]*Names, len(rows))}
	for i := range rows {
		if r, ok := read(&rows[i], now); ok {
			r.place = i
			f.open = append(f.open, r)
		}
	}
	for _, step := range []func(context.Context, []named.Key) error{f.byID, f.byName, f.byPerson} {
		if err := step(ctx, append([]named.Key{now}, older...)); err != nil {
			return nil, err
		}
	}
	return f.found, nil
}

// finder looks for rows. open are those that it has not found yet.
type finder struct {
	ledger Ledger
	open   []*row
	found  []*Names
}

// row is a row that was read.
type row struct {
	place int
	raw   []byte
	nik   []byte // nil: nothing of it is named by a hash
	now   Names
	list  string
	kind  string
	data  []byte
	// ofPerson tells that no enrolment is in the data.
	ofPerson bool
}

// read reads a row. One that is not as the key makes it, as of an older program, is not ok: it is
// sent as it is.
func read(r *Row, now named.Key) (_ *row, ok bool) {
	var is struct {
		ID   string          `json:"id"`
		Type string          `json:"type"`
		List string          `json:"list"`
		Key  string          `json:"listkey"`
		Data json.RawMessage `json:"data"`
	}
	if json.Unmarshal(r.Event, &is) != nil || is.List == "" {
		return nil, false
	}
	out := &row{
		raw: r.Event, list: is.List, kind: is.Type, data: is.Data, ofPerson: is.Key != "",
		now: Names{ID: is.ID},
	}
	if r.NIK != "" {
		out.nik, out.now.Name = []byte(r.NIK), nameOf(now, []byte(r.NIK))
	}
	return out, out.names(now) == out.now
}

// names returns what the row is called by a key.
func (r *row) names(key named.Key) (n Names) {
	data := r.data
	if r.nik != nil {
		n.Name = nameOf(key, r.nik)
		data = bytes.ReplaceAll(data, quoted(r.now.Name), quoted(n.Name))
	}
	n.ID = string(named.New(key).AppendID(nil, named.Scope(r.list, r.kind), data))
	return n
}

// note notes what rows turned out to be; where says by the key of which place, -1 by none. The
// newest key is where they are already, and nothing to tell.
func (f *finder) note(keys []named.Key, where []int) {
	left := f.open[:0:0]
	for i, r := range f.open {
		switch at := where[i]; {
		case at < 0:
			left = append(left, r)
		case at > 0:
			n := r.names(keys[at])
			f.found[r.place] = &n
		}
	}
	f.open = left
}

// byID finds the rows whose very event the ledger has. A row that stands twice in the list is asked
// once: the ledger would take the second for a duplicate of the first.
func (f *finder) byID(ctx context.Context, keys []named.Key) error {
	where := nowhere(len(f.open))
	for at, key := range keys {
		var raw [][]byte
		places := map[string][]int{}
		var ids []string
		for i, r := range f.open {
			if where[i] >= 0 {
				continue
			}
			n := r.names(key)
			if places[n.ID] == nil {
				ids, raw = append(ids, n.ID), append(raw, Renamed(r.raw, r.now, n))
			}
			places[n.ID] = append(places[n.ID], i)
		}
		if len(raw) == 0 {
			break
		}
		has, err := f.ledger.Has(ctx, raw)
		if err != nil {
			return err
		}
		for j, id := range ids {
			if has[j] {
				for _, i := range places[id] {
					where[i] = at
				}
			}
		}
	}
	f.note(keys, where)
	return nil
}

// byName finds the rows whose enrolment is known by a hash.
func (f *finder) byName(ctx context.Context, keys []named.Key) error {
	where := nowhere(len(f.open))
	for at, key := range keys {
		var names []string
		var of []int
		for i, r := range f.open {
			if where[i] < 0 && r.nik != nil && !r.ofPerson {
				names, of = append(names, nameOf(key, r.nik)), append(of, i)
			}
		}
		if len(names) == 0 {
			break
		}
		knows, err := f.ledger.Knows(ctx, names)
		if err != nil {
			return err
		}
		for j, i := range of {
			if knows[j] {
				where[i] = at
			}
		}
	}
	f.note(keys, where)
	return nil
}

// byPerson finds the rows of a list about people that has another row about the same person, which
// this one may correct.
func (f *finder) byPerson(ctx context.Context, keys []named.Key) error {
	where := nowhere(len(f.open))
	known := map[string]map[string]bool{}
	for i, r := range f.open {
		if r.nik == nil || !r.ofPerson {
			continue
		}
		if known[r.list] == nil {
			persons, err := f.ledger.Persons(ctx, r.list)
			if err != nil {
				return err
			}
			known[r.list] = persons
		}
		for at := 0; at < len(keys) && where[i] < 0; at++ {
			if known[r.list][nameOf(keys[at], r.nik)] {
				where[i] = at
			}
		}
	}
	f.note(keys, where)
	return nil
}

// nameOf returns what an enrolment, or a row about a person, is called by a key.
func nameOf(key named.Key, nik []byte) string { return string(named.New(key).AppendName(nil, nik)) }

// nowhere returns that many places that are none.
func nowhere(n int) []int {
	where := make([]int, n)
	for i := range where {
		where[i] = -1
	}
	return where
}

// Renamed returns an event that is called otherwise. is are the names that it has.
func Renamed(event []byte, is, to Names) []byte {
	event = bytes.Replace(event, quoted(is.ID), quoted(to.ID), 1)
	if is.Name == "" {
		return event
	}
	return bytes.ReplaceAll(event, quoted(is.Name), quoted(to.Name))
}

// quoted returns a name as it stands in JSON. Names have no character that is written otherwise.
func quoted(name string) []byte { return []byte(`"` + name + `"`) }

// Package persons joins ids of workers into persons, by merges that come and go: ids that merges
// join, directly or through others, are one person (contract, section 3).
//
// Nothing is stored: whoever holds the merges makes a Persons of those in force. Which id was
// merged into which says nothing here.
package persons

import (
	"cmp"
	"iter"
	"slices"
)

// Persons knows who is one with whom. An id that no merge names is a person of its own, and takes
// no memory. The zero value knows no merge. It belongs to one goroutine. Its numbers are the
// caller's.
type Persons struct {
	ids      map[uint32]*id // looked up only: its order tells nothing
	searches uint64
}

// id is one that a merge names.
type id struct {
	number uint32
	joined []joint // to other ids, directly; in order of their numbers
	person *person
	place  int    // among the person's ids
	search uint64 // the number of the last search that came by
}

// joint is how many merges in force name the same two ids.
type joint struct {
	to     *id
	merges int
}

// person is ids that are one.
type person struct{ ids []*id }

// Alone reports whether the id is a person of its own. It is asked for nearly every event, and
// mostly there are no merges at all: hence the first look.
func (p *Persons) Alone(number uint32) bool {
	if len(p.ids) == 0 {
		return true
	}
	one := p.ids[number]
	return one == nil || len(one.person.ids) == 1
}

// Key returns a number by which a person is told from the others: that of one of the ids. It stays
// until a merge of the person comes or goes.
func (p *Persons) Key(number uint32) uint32 {
	if one := p.ids[number]; one != nil {
		return one.person.ids[0].number
	}
	return number
}

// Count returns how many ids are one person with an id.
func (p *Persons) Count(number uint32) int {
	if one := p.ids[number]; one != nil {
		return len(one.person.ids)
	}
	return 1
}

// All returns the ids that are one person with an id, itself among them, in no order.
func (p *Persons) All(number uint32) iter.Seq[uint32] {
	return func(yield func(uint32) bool) {
		one := p.ids[number]
		if one == nil {
			yield(number)
			return
		}
		for _, other := range one.person.ids {
			if !yield(other.number) {
				return
			}
		}
	}
}

// Merge notes that a merge in force joins two ids. It costs the ids of the smaller of the two
// persons, when they were two. The same two may be merged by several events: each counts, and has
// to be taken back by itself.
func (p *Persons) Merge(a, b uint32) {
	x, y := p.id(a), p.id(b)
	x.join(y)
	y.join(x)
	if x.person == y.person {
		return
	}
	if len(x.person.ids) < len(y.person.ids) {
		x, y = y, x
	}
	for _, one := range y.person.ids {
		x.person.take(one)
	}
}

// Unmerge notes that a merge of two ids is not in force any more. It costs the merges of the
// smaller of the two persons that it leaves; when it leaves one, those of both searches until they
// meet.
// It returns the ids of one of the two that it leaves, none when they still are one. The caller has
// merged the two before; what it does not know it leaves as it is.
func (p *Persons) Unmerge(a, b uint32) (left []uint32) {
	x, y := p.ids[a], p.ids[b]
	if x == nil || y == nil {
		return nil
	}
	if last := x.part(y); !y.part(x) || !last {
		return nil // other merges name them too, or none did
	}
	leaving := p.apart(x, y)
	old, fresh := x.person, &person{}
	for _, one := range leaving {
		old.leave(one)
		fresh.take(one)
		left = append(left, one.number)
	}
	for _, one := range [2]*id{x, y} {
		if len(one.joined) == 0 {
			delete(p.ids, one.number)
		}
	}
	return left
}

// Leaving returns what Unmerge of the two would, and leaves all as it is. It costs as much.
func (p *Persons) Leaving(a, b uint32) (leaving []uint32) {
	x, y := p.ids[a], p.ids[b]
	if x == nil || y == nil {
		return nil
	}
	if i, found := x.find(y); !found || x.joined[i].merges > 1 {
		return nil
	}
	x.part(y)
	y.part(x)
	for _, one := range p.apart(x, y) {
		leaving = append(leaving, one.number)
	}
	x.join(y)
	y.join(x)
	return leaving
}

// id returns the id of a number, as a person of its own where no merge has named it before.
func (p *Persons) id(number uint32) *id {
	one := p.ids[number]
	if one == nil {
		one = &id{number: number}
		(&person{}).take(one)
		if p.ids == nil {
			p.ids = map[uint32]*id{}
		}
		p.ids[number] = one
	}
	return one
}

// take takes an id in; whose it was before must have let it go, or be dropped as a whole.
func (p *person) take(one *id) {
	one.person, one.place = p, len(p.ids)
	p.ids = append(p.ids, one)
}

// leave lets an id go. The last one takes its place, so that the order of the others may change
// with it.
func (p *person) leave(one *id) {
	last := p.ids[len(p.ids)-1]
	p.ids[one.place], last.place = last, one.place
	p.ids = p.ids[:len(p.ids)-1]
}

// join notes one more merge with another id. The caller does so on both sides.
func (x *id) join(to *id) {
	i, found := x.find(to)
	if !found {
		x.joined = slices.Insert(x.joined, i, joint{to: to})
	}
	x.joined[i].merges++
}

// find returns where among the others an id is, or belongs.
func (x *id) find(to *id) (int, bool) {
	return slices.BinarySearchFunc(x.joined, to, func(j joint, to *id) int {
		return cmp.Compare(j.to.number, to.number)
	})
}

// part takes a merge away, and reports whether that was the last one to the other id.
func (x *id) part(to *id) bool {
	i, found := x.find(to)
	if !found {
		return false
	}
	if x.joined[i].merges--; x.joined[i].merges > 0 {
		return false
	}
	x.joined = slices.Delete(x.joined, i, i+1)
	return true
}

// apart searches from two ids that no merge joins directly any more, by turns, until one search has
// come to its end without meeting the other: it returns the ids of that one, the smaller person or
// as large as the other. When the searches meet it returns none.
func (p *Persons) apart(x, y *id) []*id {
	sides := [2]search{{found: []*id{x}}, {found: []*id{y}}}
	for i := range sides {
		p.searches++
		sides[i].number = p.searches
		sides[i].found[0].search = p.searches
	}
	for i := 0; ; i = 1 - i {
		side, other := &sides[i], &sides[1-i]
		one := side.next()
		switch {
		case one == nil:
			return side.found
		case one.search == other.number:
			return nil
		case one.search != side.number:
			one.search = side.number
			side.found = append(side.found, one)
		}
	}
}

// search is a search for all that are one person with an id.
type search struct {
	number    uint64
	found     []*id
	at, joint int // the next one to be looked at: a joint of one that was found
}

// next returns the next id that one that was found is joined to, nil when there is no more.
func (s *search) next() *id {
	for ; s.at < len(s.found); s.at, s.joint = s.at+1, 0 {
		if joined := s.found[s.at].joined; s.joint < len(joined) {
			s.joint++
			return joined[s.joint-1].to
		}
	}
	return nil
}

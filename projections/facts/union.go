package facts

import (
	"iter"
	"slices"

	"cakupan/domain/enrolment"
	"cakupan/domain/temporal"
)

// union is what is kept of a person who is several ids, and would else be asked of each of them for
// every event: there may be tens of thousands, and most say nothing. It is derived.
type union struct {
	died  temporal.Date // the last day of life, or Never
	homes []uint32      // the ids for whom an enrolment was ever opened, in no order
}

// unions are those of all persons who are several ids.
type unions struct {
	of    map[uint32]*union // by person; see State.Person
	place map[uint32]int    // of each home: where it is among those of its union
}

// Homes appends the ids of the person that a worker is for whom an enrolment was ever opened. Of a
// worker who is one with nobody it is the worker, with or without. They are in no order.
func (s *State) Homes(dst []uint32, w uint32) []uint32 {
	if s.persons.Alone(w) {
		return append(dst, w)
	}
	return append(dst, s.unionOf(w).homes...)
}

// unionOf returns the union of a worker who is not alone.
func (s *State) unionOf(w uint32) *union { return s.unions.of[s.Person(w)] }

// unite notes that a merge in force joins two workers. It costs the ids and the homes of the person
// with fewer of them, when they were two.
func (s *State) unite(a, b uint32) {
	if s.Person(a) == s.Person(b) {
		s.persons.Merge(a, b)
		return
	}
	if s.unions.of == nil {
		s.unions = unions{map[uint32]*union{}, map[uint32]int{}}
	}
	x, y := s.takeUnion(a), s.takeUnion(b)
	if len(x.homes) < len(y.homes) {
		x, y = y, x
	}
	x.died = min(x.died, y.died)
	for _, id := range y.homes {
		s.unions.house(x, id)
	}
	s.persons.Merge(a, b)
	s.unions.of[s.Person(a)] = x
}

// Parting tells what becomes of a person once a merge in force is not any more, given its owner:
// the ids of one of the two that it leaves, none when it leaves one, and the last days of life of
// those and of the others. It changes nothing, and costs as much as to part them.
func (s *State) Parting(owner Owner) (left []uint32, died, others temporal.Date) {
	worker, into := s.Merge(owner)
	left = s.persons.Leaving(worker, into)
	was := s.DiedOn(worker)
	if died, others = was, was; len(left) == 0 || was == enrolment.Never {
		return left, died, others
	}
	if died = s.firstDeathOf(slices.Values(left)); died > was {
		return left, died, others
	}
	leaves := make(map[uint32]bool, len(left))
	for _, id := range left {
		leaves[id] = true
	}
	others = s.firstDeathOf(func(yield func(uint32) bool) {
		for id := range s.persons.All(worker) {
			if !leaves[id] && !yield(id) {
				return
			}
		}
	})
	return left, died, others
}

// firstDeathOf returns the first of the last days of life of ids, or Never.
func (s *State) firstDeathOf(ids iter.Seq[uint32]) temporal.Date {
	died := enrolment.Never
	for id := range ids {
		died = min(died, s.diedOn(id))
	}
	return died
}

// divide notes that a merge of two workers is not in force any more, and returns the ids of one of
// the two persons that it leaves; none when they still are one. It costs those ids, and all others
// where the first to die is among them.
func (s *State) divide(a, b uint32) (left []uint32) {
	key := s.Person(a)
	if left = s.persons.Unmerge(a, b); len(left) == 0 {
		return nil
	}
	u, leaves := s.unions.of[key], &union{died: enrolment.Never}
	delete(s.unions.of, key)
	for _, id := range left {
		leaves.died = min(leaves.died, s.diedOn(id))
		if s.unions.unhouse(u, id) {
			s.unions.house(leaves, id)
		}
	}
	stays := a
	if s.Person(a) == s.Person(left[0]) {
		stays = b
	}
	if leaves.died == u.died {
		u.died = s.firstDeath(stays)
	}
	s.keepUnion(stays, u)
	s.keepUnion(left[0], leaves)
	return left
}

// takeUnion returns the union of a person who is about to be one with another, made anew where the
// person is one id.
func (s *State) takeUnion(w uint32) *union {
	if key := s.Person(w); !s.persons.Alone(w) {
		u := s.unions.of[key]
		delete(s.unions.of, key)
		return u
	}
	u := &union{died: s.diedOn(w)}
	if int(w) < s.workers.Len() && s.workers.At(int(w)).first != 0 {
		s.unions.house(u, w)
	}
	return u
}

// keepUnion keeps the union of the person that a worker is, unless that is one id now.
func (s *State) keepUnion(w uint32, u *union) {
	if s.persons.Alone(w) {
		delete(s.unions.place, w)
		return
	}
	s.unions.of[s.Person(w)] = u
}

// firstDeath returns the last day of life of the person that a worker is, as reported of each id.
func (s *State) firstDeath(w uint32) temporal.Date {
	return s.firstDeathOf(s.persons.All(w))
}

// house adds an id to the homes of a union, which it must not be among.
func (s *unions) house(u *union, id uint32) {
	s.place[id] = len(u.homes)
	u.homes = append(u.homes, id)
}

// unhouse takes an id from the homes, and reports whether it was among them. The last one takes its
// place.
func (s *unions) unhouse(u *union, id uint32) bool {
	at, found := s.place[id]
	if !found {
		return false
	}
	last := len(u.homes) - 1
	u.homes[at] = u.homes[last]
	s.place[u.homes[at]] = at
	u.homes = u.homes[:last]
	delete(s.place, id)
	return true
}

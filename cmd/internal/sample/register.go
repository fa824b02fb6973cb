package sample

import (
	"cakupan/domain/region"
	"cakupan/domain/temporal"
)

// Registered counts the workers of a region who are registered on a day: who have an enrolment that
// is open, whether anybody pays for it or not. The ledger counts who is covered, and of them who is
// confirmed; how many more stand in the books, whoever kept them knows. It plans the whole story to
// count; place may be the nation, a province or a regency. What was reported wrongly and taken back
// counts for nothing, since it is what the story knows in the end, not what the ledger knew on that
// day.
func Registered(seed uint64, place region.Code, on temporal.Date) (workers int) {
	return newTeller(seed).registered(place, on)
}

// registered counts persons, not enrolments: who has two of them in the place counts once.
func (t *teller) registered(place region.Code, on temporal.Date) (workers int) {
	counted := make([]bool, len(t.members))
	for i := range t.members {
		m := &t.members[i]
		if !m.open(on) || !inside(m.home(on), place) {
			continue
		}
		if person := t.person(m); !counted[person] {
			counted[person] = true
			workers++
		}
	}
	return workers
}

// inside tells whether a regency lies in a place, or is it.
func inside(regency, place region.Code) bool {
	return regency == place || regency.Parent() == place || place == region.Nation
}

// open tells whether the enrolment is open and its worker alive on a day. Both ends are as in the
// ledger: the first day counts, the day of leaving does not. A day of death counts; left is the day
// after it.
func (m *member) open(on temporal.Date) bool {
	away := m.left != 0 && m.left <= on && (m.again == 0 || on < m.again)
	return m.from <= on && !away
}

// home returns where the worker lives on a day. Only moves to the city occur.
func (m *member) home(on temporal.Date) region.Code {
	if m.moved != 0 && m.moved <= on {
		return kotaGtlo
	}
	return m.region
}

// person returns the number of the person behind an enrolment. Persons are numbered by the first
// member that was made of them.
func (t *teller) person(m *member) int32 {
	if m.worker == t.merged.worker {
		return t.merged.into
	}
	return m.worker
}

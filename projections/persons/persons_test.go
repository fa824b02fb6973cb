package persons_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"cakupan/projections/persons"
)

const ids = 12

// one marks all that are one with an id, by the merges as they are.
func one(merges [][2]uint32, id uint32, found *[ids]bool) {
	if found[id] {
		return
	}
	found[id] = true
	for _, m := range merges {
		if m[0] == id {
			one(merges, m[1], found)
		}
		if m[1] == id {
			one(merges, m[0], found)
		}
	}
}

func TestPersonsAreWhoMergesJoin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var p persons.Persons
		var merges [][2]uint32
		for range rapid.IntRange(1, 60).Draw(t, "changes") {
			if len(merges) > 0 && rapid.IntRange(0, 4).Draw(t, "takes back") < 2 {
				i := rapid.IntRange(0, len(merges)-1).Draw(t, "which")
				a, b := merges[i][1], merges[i][0] // which was merged into which says nothing
				leaving := p.Leaving(a, b)
				check(t, &p, merges)
				if left := p.Unmerge(a, b); !slices.Equal(left, leaving) {
					t.Fatalf("%v were to leave, and %v have left", leaving, left)
				}
				merges = slices.Delete(merges, i, i+1)
			} else {
				a := rapid.Uint32Range(0, ids-2).Draw(t, "a")
				b := rapid.Uint32Range(a+1, ids-1).Draw(t, "b")
				p.Merge(a, b)
				merges = append(merges, [2]uint32{a, b})
			}
			check(t, &p, merges)
		}
		for _, m := range merges {
			p.Unmerge(m[0], m[1])
		}
		check(t, &p, nil)
	})
}

func check(t *rapid.T, p *persons.Persons, merges [][2]uint32) {
	for id := range uint32(ids) {
		var found [ids]bool
		one(merges, id, &found)
		var want []uint32
		for other, is := range found {
			if is {
				want = append(want, uint32(other))
			}
		}
		got := slices.Sorted(p.All(id))
		if !slices.Equal(got, want) {
			t.Fatalf("%d is one with %v, want %v", id, got, want)
		}
		if p.Count(id) != len(want) || p.Alone(id) != (len(want) == 1) {
			t.Fatalf("%d: %d ids, alone %v, is %v", id, p.Count(id), p.Alone(id), want)
		}
		if key := p.Key(id); !slices.Contains(want, key) || p.Key(key) != key {
			t.Fatalf("%d has the key %d, is %v", id, key, want)
		}
	}
}

// TestAStarOfManyIsTakenApart would take minutes if each merge that goes looked at all the others.
func TestAStarOfManyIsTakenApart(t *testing.T) {
	const leaves = 200_000
	var p persons.Persons
	for leaf := uint32(1); leaf <= leaves; leaf++ {
		p.Merge(0, leaf)
	}
	for leaf := uint32(leaves); leaf > 0; leaf-- {
		p.Unmerge(leaf, 0)
		if !p.Alone(leaf) {
			t.Fatalf("%d is not alone", leaf)
		}
	}
}

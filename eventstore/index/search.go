package index

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

// Looking up a key that is not there, the rule when events are new, is what the writer's speed
// hangs on: for each run it means reads at random places of a file of many megabytes, each waiting
// for main memory and the page tables. So keys are looked up a batch at a time, and each step is
// taken for the whole batch before the next one: the reads of a step do not depend on each other,
// and the processor has many of them under way at once (docs/performance.md).

// batchKeys bounds a batch; its state fits the first-level cache.
const batchKeys = 128

// batch holds the keys of a lookup that a run may hold, and where they must stand.
type batch struct {
	which  [batchKeys]int // place in keys
	prefix [batchKeys]uint64
	guess  [batchKeys]int
}

// lookup sets found[i] for each key that the run holds and that is not found yet.
func (r *run) lookup(b *batch, keys []Key, found []Entry) error {
	for len(keys) > 0 {
		n := min(len(keys), batchKeys)
		if err := r.lookupBatch(b, keys[:n], found[:n]); err != nil {
			return err
		}
		keys, found = keys[n:], found[n:]
	}
	return nil
}

// lookupBatch takes the three steps for all keys of a batch: those that may be there, about where,
// and whether.
func (r *run) lookupBatch(b *batch, keys []Key, found []Entry) error {
	n, err := r.sift(b, keys, found)
	if err != nil || n == 0 {
		return err
	}
	if err := r.approach(b.prefix[:n], b.guess[:n]); err != nil {
		return err
	}
	for i := range n {
		place := b.which[i]
		if err := r.match(&keys[place], b.guess[i], &found[place]); err != nil {
			return err
		}
	}
	return nil
}

// sift puts the keys into the batch that are not found yet and pass the filter.
func (r *run) sift(b *batch, keys []Key, found []Entry) (n int, err error) {
	lines := filterBlocks(r.count())
	for i := range keys {
		if found[i].Sequence != 0 {
			continue
		}
		prefix := keys[i].prefix()
		line, err := r.filterLine(filterPlace(prefix, lines))
		if err != nil {
			return 0, err
		}
		b.which[n], b.prefix[n] = i, prefix
		n += filterHas(line, keys[i].suffix())
	}
	return n, nil
}

// approach computes where each prefix must stand among uniform ones, and corrects the guess by
// the distance to what it finds there. The error is about √n at first (1,400 places among 2
// million), then the root of that, and so on: three corrections end within a cache line or two.
func (r *run) approach(prefixes []uint64, guesses []int) error {
	const corrections = 3
	n := r.count()
	for i, want := range prefixes {
		hi, _ := bits.Mul64(want, uint64(n))
		guesses[i] = int(hi)
	}
	for range corrections {
		for i, want := range prefixes {
			b, err := r.entry(guesses[i])
			if err != nil {
				return err
			}
			distance := int64(want - binary.BigEndian.Uint64(b))
			guesses[i] = max(0, min(n-1, guesses[i]+share(distance, n)))
		}
	}
	return nil
}

// share returns the part of n that the distance is of 2^64, rounded down. There is no branch on
// the distance: the processor would have to wait for the read to know whether it guessed right.
func share(distance int64, n int) int {
	hi, _ := bits.Mul64(uint64(distance), uint64(n))
	return int(hi) - n&int(distance>>63)
}

// match sets found when the run holds the key; guess is about where.
func (r *run) match(key *Key, guess int, found *Entry) error {
	place, err := r.search(key, guess)
	if err != nil || place == r.count() {
		return err
	}
	b, err := r.entry(place)
	if err != nil {
		return err
	}
	if Key(b[:len(key)]) == *key {
		*found = decodeEntry(b)
	}
	return nil
}

// search returns the place of the first entry whose key is not below the given one: count() when
// all are below. It begins at the guess with steps that double, so that keys that are not uniform
// after all cost a logarithm and no more.
func (r *run) search(key *Key, guess int) (int, error) {
	below, above := -1, r.count() // the entry at below is less than the key, that at above is not
	less, err := r.less(guess, key)
	for step := 2; err == nil; step *= 2 {
		was := less
		if less {
			below, guess = guess, guess+step
		} else {
			above, guess = guess, guess-step
		}
		if guess <= below || guess >= above {
			break
		}
		if less, err = r.less(guess, key); less != was {
			below, above = tighten(less, guess, below, above)
			break
		}
	}
	for err == nil && above-below > 1 {
		middle := int(uint(below+above) / 2)
		less, err = r.less(middle, key)
		below, above = tighten(less, middle, below, above)
	}
	return above, err
}

// tighten narrows the range of a search by what was found at a place.
func tighten(less bool, place, below, above int) (int, int) {
	if less {
		return place, above
	}
	return below, place
}

// less reports whether entry i has a key below the given one.
func (r *run) less(i int, key *Key) (bool, error) {
	b, err := r.entry(i)
	if err != nil {
		return false, err
	}
	if have, want := binary.BigEndian.Uint64(b), key.prefix(); have != want {
		return have < want, nil
	}
	return bytes.Compare(b[:len(key)], key[:]) < 0, nil
}

package index

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

// Looking up a key that is not there, the rule when events are new, is what the writer's speed
// hangs on: for each run it reads one line of the filter, which is in memory. Only of a key that
// may be there, one in a hundred of the new ones, entries are read, a block of the file at a time.

// reader reads the entries of a run, a block at a time.
type reader struct {
	run   *run
	block int
	bytes []byte // of the block; nil: none was read
}

// entry returns the bytes of entry i, valid until the next one is asked for.
func (r *reader) entry(i int) ([]byte, error) {
	if block := i / blockEntries; r.bytes == nil || r.block != block {
		if r.bytes == nil {
			r.bytes = make([]byte, r.run.blockSize())
		}
		if err := r.run.readBlocks(block, r.bytes); err != nil {
			r.bytes = nil
			return nil, err
		}
		r.block = block
	}
	size := r.run.entrySize()
	return r.bytes[i%blockEntries*size:][:size], nil
}

// lookup sets found[i] for each key that the run holds and that is not found yet.
func (r *run) lookup(keys []Key, found []Entry) error {
	lines := filterBlocks(r.count())
	entries := reader{run: r}
	for i := range keys {
		if found[i].Sequence != 0 {
			continue
		}
		line := r.filterLine(filterPlace(keys[i].prefix(), lines))
		if filterHas(line, keys[i].suffix()) == 0 {
			continue
		}
		guess, err := entries.approach(keys[i].prefix())
		if err == nil {
			err = entries.match(&keys[i], guess, &found[i])
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// approach computes where a prefix must stand among uniform ones, and corrects the guess by the
// distance to what it finds there. The error is about √n at first (1,400 places among 2 million),
// then the root of that, and so on: three corrections end within a cache line or two.
func (r *reader) approach(want uint64) (int, error) {
	const corrections = 3
	n := r.run.count()
	hi, _ := bits.Mul64(want, uint64(n))
	guess := int(hi)
	for range corrections {
		b, err := r.entry(guess)
		if err != nil {
			return 0, err
		}
		distance := int64(want - binary.BigEndian.Uint64(b))
		guess = max(0, min(n-1, guess+share(distance, n)))
	}
	return guess, nil
}

// share returns the part of n that the distance is of 2^64, rounded down.
func share(distance int64, n int) int {
	hi, _ := bits.Mul64(uint64(distance), uint64(n))
	return int(hi) - n&int(distance>>63)
}

// match sets found when the run holds the key; guess is about where.
func (r *reader) match(key *Key, guess int, found *Entry) error {
	place, err := r.search(key, guess)
	if err != nil || place == r.run.count() {
		return err
	}
	b, err := r.entry(place)
	if err != nil {
		return err
	}
	if e := r.run.decodeEntry(b); e.Key == *key {
		*found = e
	}
	return nil
}

// search returns the place of the first entry whose key is not below the given one: count() when
// all are below. It begins at the guess with steps that double, so that keys that are not uniform
// after all cost a logarithm and no more.
func (r *reader) search(key *Key, guess int) (int, error) {
	// The entry at below is less than the key, that at above is not.
	below, above := -1, r.run.count()
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
func (r *reader) less(i int, key *Key) (bool, error) {
	b, err := r.entry(i)
	if err != nil {
		return false, err
	}
	if have, want := binary.BigEndian.Uint64(b), key.prefix(); have != want {
		return have < want, nil
	}
	size := r.run.keySize()
	return bytes.Compare(b[:size], key[:size]) < 0, nil
}

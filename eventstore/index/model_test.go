package index_test

import (
	"encoding/binary"
	"testing"

	"pgregory.net/rapid"

	"cakupan/eventstore"
	"cakupan/eventstore/index"
	"cakupan/eventstore/merkle"
)

// crowded draws keys that are nothing like the uniform ones of SHA-256: few prefixes, at both ends
// and side by side, and few suffixes, so that keys share a prefix, a line of the filter and a slot,
// and often are there already.
func crowded() *rapid.Generator[index.Key] {
	return rapid.Custom(func(t *rapid.T) (k index.Key) {
		prefix := rapid.SampledFrom([]uint64{0, 1, 2, 1 << 32, 1 << 63, 1<<63 + 1, ^uint64(0) - 1, ^uint64(0)})
		binary.BigEndian.PutUint64(k[:], prefix.Draw(t, "prefix"))
		binary.BigEndian.PutUint64(k[8:], rapid.SampledFrom([]uint64{
			0, ^uint64(0),
			rapid.Uint64Range(0, 40).Draw(t, "few"), rapid.Uint64().Draw(t, "any"),
		}).Draw(t, "suffix"))
		return k
	})
}

// TestModel compares the index with a map, whatever its keys are: also a log that holds a key twice
// answers with its first event, before and after merges and a start.
func TestModel(whole *testing.T) {
	rapid.Check(whole, func(t *rapid.T) {
		dir := whole.TempDir()
		const small = 16 // entries of a table: merges come soon
		short := rapid.Bool().Draw(t, "short")
		open := func() (*index.Index, error) {
			if short {
				return index.OpenSmallShort(dir, ledger, small, secret)
			}
			return index.OpenSmall(dir, ledger, small)
		}
		x, err := open()
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = x.Close() }()
		var log []index.Entry // all events, in order
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			if rapid.IntRange(0, 9).Draw(t, "step") == 0 {
				if err := x.Close(); err != nil {
					t.Fatal(err)
				}
				if x, err = open(); err != nil {
					t.Fatal(err)
				}
			}
			// What a start lost is read from the log again.
			for _, key := range rapid.SliceOfN(crowded(), 1, small).Draw(t, "keys") {
				if short {
					clear(key[12:])
				}
				e := index.Entry{Key: key, Sequence: eventstore.Sequence(len(log) + 1)}
				binary.BigEndian.PutUint64(e.Digest[:], uint64(len(log)))
				e.Digest = x.Kept(e.Digest)
				log = append(log, e)
			}
			for missing := log[x.Last():]; len(missing) > 0; missing = log[x.Last():] {
				add(t, x, missing[:min(small, len(missing))])
			}
			compareWith(t, x, log, rapid.SliceOfN(crowded(), 0, 20).Draw(t, "others"))
		}
		x.Quiet()
		if err := x.Err(); err != nil {
			t.Fatal(err)
		}
		compareWith(t, x, log, nil)
	})
}

// add adds entries as a frame.
func add(t *rapid.T, x *index.Index, entries []index.Entry) {
	t.Helper()
	tree := x.Tree()
	for range entries {
		tree.Append(merkle.Hash{})
	}
	if err := x.Reserve(len(entries)); err != nil {
		t.Fatal(err)
	}
	if err := x.Add(entries, &tree); err != nil {
		t.Fatal(err)
	}
}

// compareWith looks up all keys of the log, and others.
func compareWith(t *rapid.T, x *index.Index, log []index.Entry, others []index.Key) {
	t.Helper()
	first := map[index.Key]index.Entry{}
	keys := others
	for _, e := range log {
		if _, there := first[e.Key]; !there {
			first[e.Key] = e
			keys = append(keys, e.Key)
		}
	}
	found := make([]index.Entry, len(keys))
	if err := x.Lookup(keys, found); err != nil {
		t.Fatal(err)
	}
	for i, key := range keys {
		if found[i] != first[key] {
			t.Fatalf("%x: found %v, want %v, of %d events in %d runs",
				key, found[i], first[key], len(log), x.Runs())
		}
	}
}

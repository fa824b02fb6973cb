package pages_test

import (
	"encoding/binary"
	"fmt"
	"path/filepath"
	"testing"
	"unsafe"

	"pgregory.net/rapid"

	"cakupan/projections/checked"
	"cakupan/projections/pages"
)

// TestHostOrder fails where the memory of a page would not be what the format says.
func TestHostOrder(t *testing.T) {
	one := uint32(1)
	if *(*byte)(unsafe.Pointer(&one)) != 1 {
		t.Fatal("this host is big-endian: pages would not be portable")
	}
}

func openDB(t *rapid.T, dir string) *checked.DB {
	path := filepath.Join(dir, fmt.Sprintf("%d.db", rapid.Uint64().Draw(t, "file")))
	db, err := checked.Open(path, checked.Options{Scratch: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func inBucket(t *rapid.T, db *checked.DB, do func(*checked.Bucket) error) {
	err := db.Update(func(tx *checked.Tx) error {
		b, err := tx.CreateBucketIfNotExists([]byte("b"))
		if err != nil {
			return err
		}
		return do(b)
	})
	if err != nil {
		t.Fatal(err)
	}
}

type record struct{ a, b uint32 }

// TestTable does random edits, stores and loads, and compares with a slice.
func TestTable(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		db := openDB(t, dir)
		table := pages.NewTable[record](3)
		var model, stored []record
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			r := record{rapid.Uint32().Draw(t, "a"), rapid.Uint32().Draw(t, "b")}
			switch op := rapid.IntRange(0, 9).Draw(t, "op"); {
			case op < 4:
				if i := table.Append(r); i != len(model) {
					t.Fatalf("a record was appended at %d, behind %d", i, len(model))
				}
				model = append(model, r)
			case op == 4:
				added := table.AppendZero()
				if *added != (record{}) {
					t.Fatalf("a record of zeros is %v", *added)
				}
				added.a, added.b = r.a, r.b
				model = append(model, r)
			case op < 8 && len(model) > 0:
				i := rapid.IntRange(0, len(model)-1).Draw(t, "i")
				*table.Edit(i) = r
				model[i] = r
			case op == 8:
				inBucket(t, db, table.Store)
				if rapid.Bool().Draw(t, "commits") {
					table.Stored()
				} // or the transaction failed, for all the table knows
				stored = append([]record(nil), model...)
			case op == 9 && stored != nil:
				table = pages.NewTable[record](3)
				inBucket(t, db, func(b *checked.Bucket) error { return table.Load(b, len(stored)) })
				model = append([]record(nil), stored...)
			}
		}
		if table.Len() != len(model) {
			t.Fatalf("length %d, want %d", table.Len(), len(model))
		}
		for i, want := range model {
			if *table.At(i) != want {
				t.Fatalf("record %d is %v, want %v", i, *table.At(i), want)
			}
		}
	})
}

// TestHistory appends, stores, evicts and loads, and reads every view ever taken at the end.
func TestHistory(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		db := openDB(t, dir)
		history := pages.NewHistory(4, 2)
		type taken struct {
			h    *pages.History
			view pages.HistoryView
		}
		var views []taken
		stored := 0
		for range rapid.IntRange(1, 120).Draw(t, "steps") {
			switch op := rapid.IntRange(0, 9).Draw(t, "op"); {
			case op < 6:
				binary.LittleEndian.PutUint32(history.Append(), uint32(history.Len()))
			case op == 6:
				views = append(views, taken{history, history.View()})
			case op == 7:
				inBucket(t, db, history.Store)
				history.Stored()
				stored = history.Len()
			case op == 8:
				inBucket(t, db, history.Store) // and fails, for all the history knows
				stored = history.Len()
			case op == 9 && stored > 0:
				// A crash: what was not stored is appended again, with the same content.
				history = pages.NewHistory(4, 2)
				inBucket(t, db, func(b *checked.Bucket) error { return history.Load(b, stored) })
			}
		}
		views = append(views, taken{history, history.View()})
		inBucket(t, db, func(b *checked.Bucket) error {
			for _, v := range views {
				for i := range v.view.Len() {
					page, err := v.h.Page(&v.view, b, i/4)
					if err != nil {
						return err
					}
					if got := binary.LittleEndian.Uint32(page[i%4*4:]); got != uint32(i+1) {
						return fmt.Errorf("record %d is %d", i, got)
					}
				}
			}
			return nil
		})
	})
}

// TestNames compares with a map, across stores and loads.
func TestNames(t *testing.T) {
	dir, hasher := t.TempDir(), pages.NewHasher()
	name := rapid.OneOf(
		rapid.StringMatching(`[A-Za-z0-9._:-]{1,64}`),
		rapid.StringMatching(`[0-9a-f]{32}`),
		rapid.StringMatching(`[0-9a-f]{31}[0-9a-fA-G/:@g\x60]`), // mostly no digits
		rapid.StringMatching(`[ab]{1,2}`),
	)
	rapid.Check(t, func(t *rapid.T) {
		db := openDB(t, dir)
		names := pages.NewNames(hasher)
		model := map[string]uint32{}
		for range rapid.IntRange(1, 300).Draw(t, "steps") {
			texts := rapid.SliceOfN(name, 1, 5).Draw(t, "names") // the same one twice, at times
			numbers := make([]uint32, len(texts))
			names.NumberAll(texts, numbers)
			for i, text := range texts {
				want, known := model[text]
				if !known {
					want = uint32(len(model))
					model[text] = want
				}
				if numbers[i] != want {
					t.Fatalf("%q is %d, want %d", text, numbers[i], want)
				}
			}
			if rapid.IntRange(0, 30).Draw(t, "reload") == 0 {
				inBucket(t, db, names.Store)
				names.Stored()
				names = pages.NewNames(hasher)
				inBucket(t, db, names.Load)
			}
		}
		var texts []string
		for text := range model {
			texts = append(texts, text)
		}
		numbers := make([]uint32, len(texts))
		names.NumberAll(texts, numbers)
		for i, text := range texts {
			if numbers[i] != model[text] {
				t.Fatalf("%q is %d, want %d", text, numbers[i], model[text])
			}
		}
		if names.Len() != len(model) {
			t.Fatalf("%d names, want %d", names.Len(), len(model))
		}
	})
}

// TestNamesGrow passes several doublings of the slots, also in the middle of a batch.
func TestNamesGrow(t *testing.T) {
	names := pages.NewNames(pages.NewHasher())
	for round := range 2 { // the second finds what the first gave out
		texts, numbers := make([]string, 20_000), make([]uint32, 20_000)
		for i := range texts {
			texts[i] = fmt.Sprintf("e-%06d", i)
		}
		for from := 0; from < len(texts); from += 3000 {
			until := min(from+3000, len(texts))
			names.NumberAll(texts[from:until], numbers[from:until])
		}
		for i, number := range numbers {
			if number != uint32(i) {
				t.Fatalf("round %d: name %d is number %d", round, i, number)
			}
		}
	}
}

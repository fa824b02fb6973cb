package inspect_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"go.etcd.io/bbolt"

	"cakupan/eventstore/inspect"
)

// readTree opens the tree of a file that nobody writes to.
func readTree(t *testing.T, path string) *inspect.Bolt {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b, err := inspect.OpenBolt(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestTreeFinds compares what a tree finds with what was put there, key by key, and finds nothing
// else; the ends of values are read alone.
func TestTreeFinds(t *testing.T) {
	dir := t.TempDir()
	for seed := range uint64(12) {
		r := rand.New(rand.NewPCG(seed, 61))
		path := filepath.Join(dir, fmt.Sprint(seed))
		want := map[string][]byte{}
		for i := range r.IntN(150) {
			size := []int{0, 1, 50, 2500}[r.IntN(4)]
			want[fmt.Sprint(i)] = bytes.Repeat([]byte{byte(i)}, size)
		}
		makeBolt(t, path, func(tx *bbolt.Tx) error {
			b, err := tx.CreateBucket([]byte("b"))
			for key, value := range want {
				err = errors.Join(err, b.Put([]byte(key), value))
			}
			return err
		})
		b := readTree(t, path)
		tree := b.Tree()
		for i := range 160 {
			key := fmt.Sprint(i)
			value, there := want[key]
			found, err := tree.Find([]byte("b"), []byte(key))
			if err != nil || found.Found() != there {
				t.Fatalf("%s: found %t, want %t: %v", key, found.Found(), there, err)
			}
			if !there {
				continue
			}
			got, err := found.Read()
			if err != nil || !bytes.Equal(got, value) {
				t.Fatalf("%s: %d bytes, want %d: %v", key, len(got), len(value), err)
			}
			end, err := found.Last(len(value) / 2)
			if err != nil || !bytes.Equal(end, value[len(value)-len(value)/2:]) {
				t.Fatalf("%s: its end is %d bytes: %v", key, len(end), err)
			}
			if _, err := found.Last(len(value) + 1); !errors.Is(err, inspect.ErrBolt) {
				t.Fatalf("%s: more than there is: %v", key, err)
			}
		}
		scanned := 0
		err := b.Scan(func(_ string, key []byte, value inspect.Value) error {
			if key == nil {
				return nil
			}
			scanned++
			got, err := value.Read()
			if !bytes.Equal(got, want[string(key)]) {
				t.Fatalf("scanned %s: %d bytes", key, len(got))
			}
			return err
		})
		if err != nil || scanned != len(want) {
			t.Fatalf("scanned %d of %d keys: %v", scanned, len(want), err)
		}
	}
}

// TestTreeOfNothing: a bucket that there is not holds nothing, and what there is not has no value.
func TestTreeOfNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	makeBolt(t, path, func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucket([]byte("empty"))
		return err
	})
	tree := readTree(t, path).Tree()
	for _, bucket := range []string{"none", "empty"} {
		if v, err := tree.Find([]byte(bucket), []byte("key")); v.Found() || err != nil {
			t.Errorf("%s: %t, %v", bucket, v.Found(), err)
		}
		if err := tree.Check([]byte(bucket)); err != nil {
			t.Errorf("%s: %v", bucket, err)
		}
	}
	if _, err := (inspect.Value{}).Read(); !errors.Is(err, inspect.ErrBolt) {
		t.Errorf("of no value: %v", err)
	}
}

package merkle_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"cakupan/eventstore/merkle"
)

// storage is tlog's way of keeping a tree: all hashes.
type storage []tlog.Hash

func (s storage) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		hashes[i] = s[index]
	}
	return hashes, nil
}

func (s *storage) add(t testing.TB, n int64, record []byte) {
	t.Helper()
	hashes, err := tlog.StoredHashes(n, record, *s)
	if err != nil {
		t.Fatal(err)
	}
	*s = append(*s, hashes...)
}

// leafData is what LeafHash hashes, without the prefix.
func leafData(sequence uint64, at int64, event []byte) []byte {
	data := binary.BigEndian.AppendUint64(nil, sequence)
	data = binary.BigEndian.AppendUint64(data, uint64(at))
	return append(data, event...)
}

func TestTreeEqualsTlog(t *testing.T) {
	var kept storage
	var tree merkle.Tree
	for n := range int64(301) {
		want, err := tlog.TreeHash(n, kept)
		if err != nil {
			t.Fatal(err)
		}
		if got := tree.Root(); got != merkle.Hash(want) || tree.Size() != uint64(n) {
			t.Fatalf("size %d: root %v of %d leaves, want %x", n, got, tree.Size(), want)
		}
		event := bytes.Repeat([]byte{byte(n)}, int(n)*3) // some beyond the stack buffer
		kept.add(t, n, leafData(uint64(n+1), n*n-100, event))
		tree.Append(merkle.LeafHash(uint64(n+1), n*n-100, event))
	}
}

func TestLeafHashOfAnySize(t *testing.T) {
	for _, size := range []int{0, 1, 494, 495, 496, 65536} {
		event := bytes.Repeat([]byte{'x'}, size)
		want := tlog.RecordHash(leafData(1<<63, -1, event))
		if got := merkle.LeafHash(1<<63, -1, event); got != merkle.Hash(want) {
			t.Errorf("%d bytes: leaf %v, want %x", size, got, want)
		}
	}
}

// The inputs and roots that implementations of Certificate Transparency share: the roots of the
// trees of the first 0 to 8 of these leaves.
func TestVectorsOfRFC6962(t *testing.T) {
	leaves := []string{
		"", "00", "10", "2021", "3031", "40414243", "5051525354555657",
		"606162636465666768696a6b6c6d6e6f",
	}
	roots := []string{
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
		"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
		"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
		"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
		"4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
		"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
		"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
		"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
	}
	var tree merkle.Tree
	for n, want := range roots {
		if got := tree.Root().String(); got != want {
			t.Errorf("%d leaves: root %s, want %s", n, got, want)
		}
		if n < len(leaves) {
			leaf, err := hex.DecodeString(leaves[n])
			if err != nil {
				t.Fatal(err)
			}
			tree.Append(merkle.Hash(tlog.RecordHash(leaf)))
		}
	}
}

func TestTreeSurvivesEncoding(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var tree merkle.Tree
		for n := range rapid.Uint64Range(0, 600).Draw(t, "before") {
			tree.Append(merkle.LeafHash(n, 0, nil))
		}
		data, err := tree.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		if len(data) > merkle.EncodedSizeMax {
			t.Fatalf("%d bytes", len(data))
		}
		var decoded merkle.Tree
		decoded.Append(merkle.Hash{}) // what was there before must not matter
		if err := decoded.UnmarshalBinary(data); err != nil {
			t.Fatal(err)
		}
		for n := range rapid.Uint64Range(0, 600).Draw(t, "after") {
			leaf := merkle.LeafHash(n, 1, nil)
			tree.Append(leaf)
			decoded.Append(leaf)
		}
		if tree.Root() != decoded.Root() || tree.Size() != decoded.Size() {
			t.Fatalf("roots %v and %v", tree.Root(), decoded.Root())
		}
	})
}

func TestCloneSharesNothing(t *testing.T) {
	var tree merkle.Tree
	for n := range uint64(7) {
		tree.Append(merkle.LeafHash(n, 0, nil))
	}
	root, clone := tree.Root(), tree.Clone()
	clone.Append(merkle.Hash{1})
	if tree.Root() != root || tree.Size() != 7 || clone.Root() == root || clone.Size() != 8 {
		t.Errorf("appending to a clone changed the tree")
	}
}

func FuzzTreeUnmarshal(f *testing.F) {
	f.Add([]byte{})
	f.Add(make([]byte, 8))
	f.Add(append([]byte{0, 0, 0, 0, 0, 0, 0, 5}, make([]byte, 64)...))
	f.Fuzz(func(t *testing.T, data []byte) {
		var tree merkle.Tree
		err := tree.UnmarshalBinary(data)
		if err != nil {
			if !errors.Is(err, merkle.ErrEncoding) || tree.Size() != 0 {
				t.Fatalf("error %v, size %d", err, tree.Size())
			}
			return
		}
		again, err := tree.MarshalBinary()
		if err != nil || !bytes.Equal(again, data) {
			t.Fatalf("encodes to %x, %v; was %x", again, err, data)
		}
	})
}

func TestAppendAllocatesNothing(t *testing.T) {
	var tree merkle.Tree
	event := make([]byte, 180)
	if n := testing.AllocsPerRun(100, func() {
		tree.Append(merkle.LeafHash(tree.Size()+1, 7, event))
		_ = tree.Root()
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func ExampleTree() {
	var tree merkle.Tree
	tree.Append(merkle.LeafHash(1, 1577836800000000000, []byte("first event")))
	tree.Append(merkle.LeafHash(2, 1577836800000000000, []byte("second event")))
	fmt.Println(tree.Size(), tree.Root().String()[:8])
	// Output: 2 1e4f5f69
}

func BenchmarkAppend(b *testing.B) {
	for _, size := range []int{110, 180} {
		b.Run(fmt.Sprintf("%dB", size), func(b *testing.B) {
			var tree merkle.Tree
			event := make([]byte, size)
			for b.Loop() {
				tree.Append(merkle.LeafHash(tree.Size()+1, 7, event))
			}
		})
	}
}

// TestAppendNodes passes on the nodes that tlog stores, in the same order.
func TestAppendNodes(t *testing.T) {
	var tree, other merkle.Tree
	var nodes []merkle.Hash
	for n := range uint64(300) {
		leaf := merkle.LeafHash(n+1, 7, []byte("event"))
		level := 0
		tree.AppendNodes(leaf, func(at int, node merkle.Hash) {
			if at != level {
				t.Fatalf("level %d comes after %d", at, level-1)
			}
			level++
			nodes = append(nodes, node)
		})
		other.Append(leaf)
		if tree != other {
			t.Fatalf("after %d leaves the tree is another one", n+1)
		}
	}
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		hashes := make([]tlog.Hash, len(indexes))
		for i, at := range indexes {
			hashes[i] = tlog.Hash(nodes[at])
		}
		return hashes, nil
	})
	root, err := tlog.TreeHash(300, reader)
	if err != nil || merkle.Hash(root) != tree.Root() {
		t.Errorf("root %s, %v", root, err)
	}
	if got := merkle.NodeHash(nodes[0], nodes[1]); got != nodes[2] {
		t.Errorf("the first inner node is %s, want %s", got, nodes[2])
	}
	entry := merkle.AppendEntry(nil, 1, 7, []byte("event"))
	if got := tlog.RecordHash(entry); merkle.Hash(got) != nodes[0] {
		t.Errorf("the hash of the entry is %s, the leaf %s", got, nodes[0])
	}
}

package index_test

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"cakupan/eventstore/golden"
	"cakupan/eventstore/index"
	"cakupan/eventstore/inspect"
)

// The golden run covers the first 50 events of the tests' log, a frame. The golden merged run
// covers four times as many.
const (
	goldenRun    = "v4/0000000001-0000000050.run"
	goldenMerged = "v4/0000000001-0000000200.run"
	goldenShort  = "v4/short-0000000001-0000000050.run"
	goldenLimit  = 64 // entries of a table, which so takes one frame
)

// goldens are the golden runs and the last event of each.
func goldens() map[string]uint64 {
	return map[string]uint64{goldenRun: frameSize, goldenMerged: 4 * frameSize}
}

func openGolden(t testing.TB, dir string) *index.Index {
	t.Helper()
	x, err := index.OpenSmall(dir, ledger, goldenLimit)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := x.Close(); err != nil {
			t.Error(err)
		}
	})
	return x
}

// TestGolden: today's program writes the run, and by merging four the other one, as ever.
func TestGolden(t *testing.T) {
	for name, last := range goldens() {
		dir := t.TempDir()
		x := openGolden(t, dir)
		fill(t, x, last+frameSize) // so that what comes before is written
		x.Quiet()
		content, err := os.ReadFile(filepath.Join(dir, filepath.Base(name)))
		if err != nil {
			t.Fatal(err)
		}
		golden.Compare(t, name+".gz", content)
	}
}

// TestGoldenShort: today's program writes the short run as ever, and goes on after it with its
// secret.
func TestGoldenShort(t *testing.T) {
	dir := t.TempDir()
	x := openShort(t, dir, goldenLimit, secret)
	fill(t, x, 2*frameSize)
	x.Quiet()
	path := filepath.Join(dir, filepath.Base(goldenRun))
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, goldenShort+".gz", content)

	other := t.TempDir()
	golden.Copy(t, goldenShort+".gz", filepath.Join(other, filepath.Base(goldenRun)))
	x = openShort(t, other, goldenLimit, [16]byte{1})
	if x.Last() != frameSize {
		t.Errorf("it goes on after event %d", x.Last())
	}
	fill(t, x, 6*frameSize)
	x.Quiet()
	check(t, x, 1)
}

// TestGoldenOlder drops a run of an older version, of which nothing is believed: the log is read
// again from its first event.
func TestGoldenOlder(t *testing.T) {
	for _, version := range []string{"1", "2", "3"} {
		path := filepath.Join(t.TempDir(), filepath.Base(goldenRun))
		golden.Copy(t, "v"+version+"/"+filepath.Base(goldenRun)+".gz", path)
		r, err := index.Inspect(path)
		if err != nil || r.State != inspect.Unproven || r.Format != version || len(r.Notes) != 1 ||
			len(r.Findings) > 0 {
			t.Errorf("version %s: %+v, %v", version, r, err)
		}
		x := openGolden(t, filepath.Dir(path))
		if x.Last() != 0 {
			t.Errorf("version %s: it goes on after event %d", version, x.Last())
		}
		if _, err := os.Stat(path); !os.IsNotExist(err) {
			t.Errorf("the run of version %s is still there: %v", version, err)
		}
	}
}

// TestGoldenRead looks up what runs of today's version hold.
func TestGoldenRead(t *testing.T) {
	for name, last := range goldens() {
		dir := t.TempDir()
		golden.Copy(t, name+".gz", filepath.Join(dir, filepath.Base(name)))
		x := openGolden(t, dir)
		if uint64(x.Last()) != last {
			t.Errorf("%s ends at event %d", name, x.Last())
		}
		if err := lookUp(x, 7); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestInspect inspects the golden run, whole, cut, and with one bit wrong.
func TestInspect(t *testing.T) {
	path := filepath.Join(t.TempDir(), filepath.Base(goldenRun))
	sound := golden.Read(t, goldenRun+".gz")
	look := func(content []byte) inspect.Report {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := index.Inspect(path)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	if r := look(sound); r.State != inspect.Whole || r.Format != "4" || r.First != 1 ||
		r.Last != frameSize || r.Entries != frameSize || r.Ledger != ledger.Ledger {
		t.Errorf("%+v", r)
	}
	for at := 0; at < len(sound); at += 97 {
		broken := slices.Clone(sound)
		broken[at] ^= 1 << (at % 8)
		if r := look(broken); r.State != inspect.Damaged {
			t.Errorf("byte %d is wrong: %+v", at, r)
		}
		if at%(8*97) == 0 {
			if r := look(sound[:at]); r.State != inspect.Damaged {
				t.Errorf("cut at %d: %+v", at, r)
			}
		}
	}
	if r := look(bytes.Repeat([]byte{0}, len(sound))); r.State != inspect.Damaged {
		t.Errorf("of zeros: %+v", r)
	}
	newer := slices.Clone(sound)
	newer[7] = 5
	sum := crc32.Checksum(newer[:4092], crc32.MakeTable(crc32.Castagnoli))
	binary.BigEndian.PutUint32(newer[4092:], sum)
	if r := look(newer); r.State != inspect.Newer {
		t.Errorf("of a newer format: %+v", r)
	}
}

package natsd

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"

	"cakupan/eventstore"
	"cakupan/eventstore/durable"
	"cakupan/eventstore/durable/durabletest"
	"cakupan/eventstore/inspect"
	"cakupan/eventstore/packs"
)

// older is the folder of a server whose copy of the vault's stream has two records that were
// replaced, and those in their place: records 1 to 3 in one file, 4 to 8 in another one; 7 is in
// place of 2, 8 in place of 4.
type older struct {
	t      *testing.T
	store  string            // the server's folder
	stream string            // in it
	files  map[string][]byte // as they are to be
}

// vaultOf starts a server on a folder and opens the vault's stream, or makes it.
func vaultOf(t *testing.T, dir string) (s *packs.Stream, stop func()) {
	t.Helper()
	server, _ := start(t, Options{StoreDir: dir})
	conn, err := server.ConnectVault()
	if err != nil {
		t.Fatal(err)
	}
	opts := packs.Options{Stream: streamVault, Subject: "cakupan.vault", Erasable: true}
	s, err = packs.Open(t.Context(), conn, opts)
	if errors.Is(err, packs.ErrNoStream) {
		s, err = packs.Create(t.Context(), conn, opts, eventstore.NewIdentity(1))
	}
	if err != nil {
		t.Fatal(err)
	}
	return s, func() {
		t.Helper()
		conn.Close()
		if err := server.Shutdown(); err != nil {
			t.Fatal(err)
		}
	}
}

func newOlder(t *testing.T) *older {
	t.Helper()
	o := &older{t: t, store: t.TempDir(), files: map[string][]byte{}}
	s, stop := vaultOf(t, o.store)
	var end packs.End
	var err error
	for n := range 6 {
		if end, err = s.Append(t.Context(), text(uint64(n+1)), end); err != nil {
			t.Fatal(err)
		}
	}
	stop()
	o.stream = filepath.Join(o.store, "jetstream", "$G", "streams", streamVault)
	before := o.read("1.blk")
	s, stop = vaultOf(t, o.store)
	for n, number := range []uint64{2, 4} {
		old, err := s.Get(t.Context(), number)
		if err == nil {
			end, err = s.Replace(t.Context(), old, text(uint64(7+n)), end)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	stop()
	o.split(slices.Concat(before, o.read("1.blk")[len(before):]))
	o.begin()
	o.remember()
	return o
}

// text is what a record says.
func text(record uint64) []byte { return fmt.Appendf(nil, "what record %d says", record) }

// remember has a server that overwrites nothing make what it remembers of the files.
func (o *older) remember() {
	o.t.Helper()
	is, err := server.NewServer(&server.Options{
		JetStream: true, StoreDir: o.store, DontListen: true, NoSigs: true, NoLog: true,
	})
	if err != nil {
		o.t.Fatal(err)
	}
	is.Start()
	if !is.ReadyForConnections(readyMax) {
		o.t.Fatal("the server does not start")
	}
	is.Shutdown()
	is.WaitForShutdown()
	o.files[indexFile] = o.read(indexFile)
}

// split makes the two files of all records, without what says that some were removed.
func (o *older) split(all []byte) {
	for at := 0; at < len(all); {
		record := all[at : at+recordLength(all[at:])]
		at += len(record)
		number := binary.LittleEndian.Uint64(record[4:])
		if number&deletes != 0 {
			continue
		}
		name := "1.blk"
		if number > 3 {
			name = "2.blk"
		}
		copy(record[len(record)-sumSize:], sumOfRecord(name)(record))
		o.files[name] = append(o.files[name], record...)
	}
}

func (o *older) path(name string) string { return filepath.Join(o.stream, blocksDir, name) }

func (o *older) read(name string) []byte {
	o.t.Helper()
	content, err := os.ReadFile(o.path(name))
	if err != nil {
		o.t.Fatal(err)
	}
	return content
}

// begin makes the files as they were at first.
func (o *older) begin() {
	o.t.Helper()
	if err := os.RemoveAll(filepath.Join(o.stream, blocksDir)); err != nil {
		o.t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(o.stream, blocksDir), 0o700); err != nil {
		o.t.Fatal(err)
	}
	for name, content := range o.files {
		if err := os.WriteFile(o.path(name), content, 0o600); err != nil {
			o.t.Fatal(err)
		}
	}
}

// overwrite does what a server does first.
func (o *older) overwrite() {
	o.t.Helper()
	if err := overwriteReplaced(o.store); err != nil {
		o.t.Error(err)
	}
}

// wants wants the texts of these records to be in files of the server, and of no others.
func (o *older) wants(records ...uint64) {
	o.t.Helper()
	var found []uint64
	for n := uint64(1); n <= 8; n++ {
		err := filepath.WalkDir(o.store, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			content, err := os.ReadFile(path)
			if bytes.Contains(content, text(n)) && !slices.Contains(found, n) {
				found = append(found, n)
			}
			return err
		})
		if err != nil {
			o.t.Fatal(err)
		}
	}
	if !slices.Equal(found, records) {
		o.t.Errorf("the files have the texts of %d, want %d", found, records)
	}
}

// serves wants a server on the folder to give these records, and no others.
func (o *older) serves(records ...uint64) {
	o.t.Helper()
	s, stop := vaultOf(o.t, o.store)
	defer stop()
	var found []uint64
	for n := uint64(1); n <= 8; n++ {
		r, err := s.Get(o.t.Context(), n)
		switch {
		case err == nil && bytes.Equal(r.Data, text(n)):
			found = append(found, n)
		case err == nil:
			o.t.Errorf("record %d: %q", n, r.Data)
		}
	}
	if !slices.Equal(found, records) {
		o.t.Errorf("the server gives %d, want %d", found, records)
	}
}

// TestOverwriteKilled kills a server at each step of each file while it overwrites what was
// replaced, and cuts its power. It starts again: no byte of that is left, and all else is there.
func TestOverwriteKilled(t *testing.T) {
	o := newOlder(t)
	check := func(what string) {
		o.overwrite()
		o.wants(1, 3, 5, 6, 7, 8)
		r, err := InspectStream(o.stream, func(StoredStream, *inspect.Report) func(StoredMessage) {
			return func(StoredMessage) {}
		})
		if err != nil || r.State != inspect.Whole || r.Entries != 6 {
			t.Errorf("%s: %+v, %v", what, r, err)
		}
		if left, _ := filepath.Glob(o.path("*.tmp")); len(left) > 0 {
			t.Errorf("%s: left over: %s", what, left)
		}
	}
	steps := 0
	for cut := true; cut; steps++ {
		o.begin()
		o.wants(1, 2, 3, 4, 5, 6, 7, 8)
		cut = killed(o.store, steps, o.overwrite)
		check(fmt.Sprintf("killed at step %d", steps))
	}
	if want := 2 * len(durable.Steps()); steps-1 != want {
		t.Errorf("killed at %d steps, want %d", steps-1, want)
	}
	for _, cut := range durabletest.Cuts() {
		o.begin()
		if !cut.Lost {
			continue
		}
		if !cut.Run(t, o.store, o.overwrite) {
			t.Errorf("nothing is cut at %s", cut.Name)
		}
		check(cut.Name)
	}
	// So may the server have died while it wrote a block anew.
	for _, name := range []string{"1.new", "2.blk.tmp"} {
		if err := os.WriteFile(o.path(name), o.files[name[:1]+".blk"], 0o600); err != nil {
			t.Fatal(err)
		}
	}
	o.serves(1, 3, 5, 6, 7, 8)
	o.wants(1, 3, 5, 6, 7, 8)
}

// killed has do end as in a kill once files below a folder have come to so many steps, and tells
// whether they have.
func killed(dir string, steps int, do func()) (is bool) {
	defer durable.Inject(dir, func(durable.Step, string) error {
		if steps--; steps < 0 {
			is = true
			runtime.Goexit()
		}
		return nil
	})()
	done := make(chan struct{})
	go func() {
		defer close(done)
		do()
	}()
	<-done
	return is
}

// TestOverwriteDamaged has files end within a record, and have records with a wrong checksum. What
// was replaced is overwritten as far as it is read, and the server gives all that it would give
// otherwise.
func TestOverwriteDamaged(t *testing.T) {
	o := newOlder(t)
	first, second := o.files["1.blk"], o.files["2.blk"]
	flipped := func(block []byte, record uint64) []byte {
		block = bytes.Clone(block)
		block[bytes.Index(block, text(record))] ^= 1
		return block
	}
	eighth := len(second) - bytes.LastIndex(second, text(8)) // bytes from its text on
	for name, test := range map[string]struct {
		first, second []byte
		noIndex       bool
		left, serves  []uint64
	}{
		"a record is half written": {
			second: append(bytes.Clone(second), second[:recordHead+9]...),
			left:   []uint64{1, 3, 5, 6, 7, 8}, serves: []uint64{1, 3, 5, 6, 7, 8},
		},
		"so that its head is not there": {
			second: append(bytes.Clone(second), second[:recordHead-1]...),
			left:   []uint64{1, 3, 5, 6, 7, 8}, serves: []uint64{1, 3, 5, 6, 7, 8},
		},
		// It said what was replaced by it.
		"the last record is torn": {
			second: second[:len(second)-eighth],
			left:   []uint64{1, 3, 4, 5, 6, 7}, serves: []uint64{1, 3, 4, 5, 6, 7},
		},
		"the first file is torn": {
			first: first[:len(first)-sumSize-2],
			left:  []uint64{1, 3, 5, 6, 7, 8}, serves: []uint64{1, 5, 6, 7, 8},
		},
		"the last checksum is wrong": {
			second: flipped(second, 8),
			left:   []uint64{1, 3, 4, 5, 6, 7}, serves: []uint64{1, 3, 4, 5, 6, 7},
		},
		// The server reads on behind it, and would not if it read the file anew.
		"a checksum is wrong": {
			first: flipped(first, 1),
			left:  []uint64{2, 3, 5, 6, 7, 8}, serves: []uint64{2, 3, 5, 6, 7, 8},
		},
		"a checksum is wrong, and there is no index": {
			first: flipped(first, 1), noIndex: true,
			left: []uint64{3, 5, 6, 7, 8}, serves: []uint64{5, 6, 7, 8},
		},
	} {
		t.Run(strings.ReplaceAll(name, ",", ""), func(t *testing.T) {
			o.t = t
			o.begin()
			for name, content := range map[string][]byte{
				"1.blk": test.first, "2.blk": test.second,
			} {
				if content == nil {
					continue
				}
				if err := os.WriteFile(o.path(name), content, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if test.noIndex {
				if err := os.Remove(o.path(indexFile)); err != nil {
					t.Fatal(err)
				}
			}
			o.overwrite()
			o.wants(test.left...)
			o.serves(test.serves...)
			o.serves(test.serves...)
		})
	}
}

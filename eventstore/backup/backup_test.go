package backup_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"cakupan/eventstore"
	"cakupan/eventstore/backup"
	"cakupan/eventstore/golden"
	"cakupan/eventstore/jetstream"
	"cakupan/eventstore/logtest"
	"cakupan/eventstore/packs"
)

const (
	ledger = "abababababababababababababababab"
	vault  = "CAKUPAN_VAULT"
)

var streams = backup.Streams{
	Vault: vault, Register: "CAKUPAN_REGISTER", Lookups: "CAKUPAN_LOOKUPS",
}

// made is a backup in memory, and how it ended.
type made struct {
	file []byte
	end  backup.End
}

// source makes backups of one log, which grows.
type source struct {
	maker  logtest.Maker
	ledger string
	at     backup.Position
}

// take makes a backup with so many frames more, and a record of the vault and a look-up
// for each.
func (s *source) take(t testing.TB, frames int, since *made) *made {
	t.Helper()
	var file bytes.Buffer
	head := backup.Head{Ledger: s.ledger, Created: 7, TakenAt: 8}
	if since != nil {
		head.Since = &backup.Since{File: since.end.SHA256, Position: since.end.Position}
	}
	w, err := backup.NewWriter(&file, head)
	try := func(more error) {
		t.Helper()
		if err = errors.Join(err, more); err != nil {
			t.Fatal(err)
		}
	}
	try(w.Section(jetstream.StreamDefault))
	var records [][]byte
	for range frames {
		raw := slices.Clone(s.maker.Frame(2))
		frame, err := eventstore.ParseFrame(raw)
		try(err)
		s.maker.Appended(frame.Tail(uint64(frame.Last())))
		try(w.Message(jetstream.Subject, raw))
		s.at.Events, s.at.Frame = frame.Last(), backup.FrameSum(raw)
		s.at.Vault++
		r := packs.Record{Number: s.at.Vault, Data: []byte("sealed")}
		records = append(records, r.Bytes())
	}
	try(w.Section(streams.Lookups))
	for range frames {
		s.at.Lookups++
		r := packs.Record{Number: s.at.Lookups, Data: []byte("asked")}
		try(w.Message("cakupan.lookups", r.Bytes()))
	}
	try(w.Section(vault))
	for _, r := range records {
		try(w.Message("cakupan.vault", r))
	}
	end, err := w.Finish(s.at)
	try(err)
	return &made{file.Bytes(), end}
}

// chain opens files.
func chain(t testing.TB, files ...[]byte) (*backup.Chain, error) {
	t.Helper()
	var paths []string
	dir := t.TempDir()
	for i, file := range files {
		path := filepath.Join(dir, string(rune('a'+i)))
		if err := os.WriteFile(path, file, 0o600); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	return backup.Open(t.Context(), paths, streams, nil, nil)
}

// TestChain opens a whole backup with two increments, and refuses every other order.
func TestChain(t *testing.T) {
	s, other := source{ledger: ledger}, source{ledger: strings.Repeat("cd", 16)}
	one := s.take(t, 3, nil)
	two := s.take(t, 2, one)
	three := s.take(t, 0, two)
	foreign := other.take(t, 3, nil)
	theirs := other.take(t, 1, foreign)
	c, err := chain(t, one.file, two.file, three.file)
	if err != nil {
		t.Fatal(err)
	}
	if !c.Report.OK() || c.Report.Last != 10 || c.End.Vault != 5 || c.End.Lookups != 5 || c.Identity.Ledger != ledger {
		t.Errorf("%+v, %+v", c.Report, c.End)
	}
	count := map[string]int{}
	for m, err := range c.Messages(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		count[m.Stream]++
	}
	if count[jetstream.StreamDefault] != 5 || count[vault] != 5 || count[streams.Lookups] != 5 {
		t.Errorf("to be restored: %v", count)
	}
	for name, files := range map[string][][]byte{
		"an increment alone":           {two.file},
		"one is left out":              {one.file, three.file},
		"twice":                        {one.file, two.file, two.file},
		"whole after whole":            {one.file, one.file},
		"an increment of another one":  {one.file, theirs.file},
		"no file":                      {},
		"in the wrong order":           {one.file, three.file, two.file},
		"the whole one is in the wake": {two.file, one.file},
	} {
		if _, err := chain(t, files...); !errors.Is(err, backup.ErrChain) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestDamaged flips bits and cuts: each is noticed.
func TestDamaged(t *testing.T) {
	s := source{ledger: ledger}
	whole := s.take(t, 3, nil).file
	for at := range whole {
		broken := slices.Clone(whole)
		broken[at] ^= 1 << (at % 8)
		if err := readAll(broken); err == nil {
			t.Errorf("bit %d of byte %d: not noticed", at%8, at)
		}
		if err := readAll(whole[:at]); !errors.Is(err, backup.ErrDamaged) {
			t.Errorf("cut at %d: %v", at, err)
		}
	}
	if err := readAll(append(slices.Clone(whole), 0)); !errors.Is(err, backup.ErrDamaged) {
		t.Errorf("with a byte more: %v", err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		broken := slices.Clone(whole)
		for range 1 + random.IntN(3) {
			broken[random.IntN(len(broken))] ^= byte(1 + random.IntN(255))
		}
		if bytes.Equal(broken, whole) {
			continue
		}
		if _, err := chain(t, broken); err == nil {
			t.Error("a damage is not noticed")
		}
	}
}

func readAll(file []byte) error {
	r, err := backup.NewReader(bytes.NewReader(file))
	for err == nil {
		_, err = r.Next()
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// TestReplaced leaves out what another record stands in the place of, and refuses what is missing.
func TestReplaced(t *testing.T) {
	file := func(records ...packs.Record) []byte {
		var file bytes.Buffer
		w, err := backup.NewWriter(&file, backup.Head{Ledger: ledger})
		if err == nil {
			err = w.Section(vault)
		}
		at := backup.Position{}
		for i := range records {
			if err == nil {
				err = w.Message("cakupan.vault", records[i].Bytes())
			}
			at.Vault = records[i].Number
		}
		if err == nil {
			_, err = w.Finish(at)
		}
		if err != nil {
			t.Fatal(err)
		}
		return file.Bytes()
	}
	in := packs.Record{Number: 4, Replaces: []uint64{2, 3}}
	c, err := chain(t, file(packs.Record{Number: 1}, packs.Record{Number: 3}, in))
	if err != nil {
		t.Fatal(err)
	}
	var kept []uint64
	for m, err := range c.Messages(t.Context()) {
		r, parseErr := packs.Parse(m.Data)
		if err := errors.Join(err, parseErr); err != nil {
			t.Fatal(err)
		}
		kept = append(kept, r.Number)
	}
	if !slices.Equal(kept, []uint64{1, 4}) {
		t.Errorf("to be restored: %v", kept)
	}
	_, err = chain(t, file(packs.Record{Number: 1}, packs.Record{Number: 3}))
	if !errors.Is(err, backup.ErrDamaged) {
		t.Errorf("a record is missing: %v", err)
	}
}

// TestGolden writes the file of version 2 as it was written once, and reads that of version 1, which
// had no look-ups: an increment goes on from it with all of them.
func TestGolden(t *testing.T) {
	s := source{ledger: ledger}
	golden.Compare(t, "backup-v2.hex", s.take(t, 2, nil).file)
	old := golden.Read(t, "backup-v1.hex")
	c, err := chain(t, old)
	if err != nil {
		t.Fatal(err)
	}
	if c.HasLookups() || c.Head.Format != 1 || c.End.Events != 4 || c.End.Vault != 2 {
		t.Errorf("%+v, %+v", c.Head, c.End)
	}
	s.at.Lookups = 0
	c, err = chain(t, old, s.take(t, 3, &made{end: c.End}).file)
	if err != nil {
		t.Fatal(err)
	}
	if !c.HasLookups() || c.End.Lookups != 3 || c.End.Events != 10 {
		t.Errorf("%+v", c.End)
	}
}

// TestDamageIsNamed flips each bit of a look-up: the error names their stream.
func TestDamageIsNamed(t *testing.T) {
	s := source{ledger: ledger}
	whole := s.take(t, 1, nil).file
	at := bytes.Index(whole, []byte("asked"))
	for bit := range 8 * len("asked") {
		broken := slices.Clone(whole)
		broken[at+bit/8] ^= 1 << (bit % 8)
		_, err := chain(t, broken)
		if !errors.Is(err, backup.ErrDamaged) || !strings.Contains(err.Error(), streams.Lookups) {
			t.Errorf("bit %d: %v", bit, err)
		}
	}
}

// FuzzReader reads anything: what is no backup is an error, and what is read has its own sum.
func FuzzReader(f *testing.F) {
	s := source{ledger: ledger}
	whole := s.take(f, 2, nil)
	f.Add(whole.file)
	f.Add(s.take(f, 1, whole).file)
	f.Add([]byte("CKBACKUP"))
	f.Fuzz(func(t *testing.T, file []byte) {
		r, err := backup.NewReader(bytes.NewReader(file))
		for err == nil {
			_, err = r.Next()
		}
		if errors.Is(err, io.EOF) && r.End().SHA256 == "" {
			t.Error("read to its end without one")
		}
	})
}

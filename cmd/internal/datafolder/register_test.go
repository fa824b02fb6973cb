package datafolder_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cakupan/cmd/internal/datafolder"
	"cakupan/eventstore"
	"cakupan/eventstore/inspect"
	"cakupan/eventstore/natsd"
	"cakupan/eventstore/packs"
)

// makeRegister makes a register with these changes in files, and returns the folder of its stream.
func makeRegister(t *testing.T, dir string, changes [][]byte) string {
	t.Helper()
	server, err := natsd.Start(natsd.Options{StoreDir: filepath.Join(dir, "nats")})
	if err != nil {
		t.Fatal(err)
	}
	conn, err := server.Connect()
	if err != nil {
		t.Fatal(err)
	}
	stream, err := packs.Create(t.Context(), conn, packs.Options{
		Stream: "CAKUPAN_REGISTER", Subject: "cakupan.register",
	}, eventstore.Identity{Ledger: ledger, Created: 7})
	var end packs.End
	for _, change := range changes {
		if err == nil {
			end, err = stream.Append(t.Context(), change, end)
		}
	}
	conn.Close()
	if err := errors.Join(err, server.Shutdown()); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "nats/jetstream/$G/streams/CAKUPAN_REGISTER")
}

// TestRegister inspects a register in files: whole, with a bit wrong, with a history that cannot be,
// and older than was seen.
func TestRegister(t *testing.T) {
	raw, err := os.ReadFile("../access/register/testdata/changes-v1.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	changes := bytes.Split(bytes.TrimSpace(raw), []byte("\n"))
	dir := t.TempDir()
	stream := makeRegister(t, dir, changes)
	note := func(number int) {
		put(t, dir, "register.json", fmt.Appendf(nil, `{"format":1,"ledger":%q,"number":%d}`, ledger, number))
	}
	find := func(in *datafolder.Inspection) inspect.Report {
		for _, r := range in.Files {
			if r.Kind == "records: JetStream stream CAKUPAN_REGISTER" {
				return r
			}
		}
		t.Fatalf("there is none: %+v", in)
		return inspect.Report{}
	}
	note(len(changes))
	r := find(look(t, dir))
	if r.State != inspect.Whole || r.Ledger != ledger || r.First != 1 || r.Last != uint64(len(changes)) ||
		!strings.Contains(fmt.Sprint(r.Notes), "members 2, revoked 2") || strings.Contains(fmt.Sprint(r), "6b86b273") {
		t.Errorf("%+v", r)
	}
	note(len(changes) + 1)
	if r := find(look(t, dir)); r.State != inspect.Damaged || !strings.Contains(fmt.Sprint(r.Findings), "register.json has seen change 7") {
		t.Errorf("older than was seen: %+v", r)
	}
	note(len(changes))
	block := filepath.Join(stream, "msgs/1.blk")
	whole, err := os.ReadFile(block)
	if err != nil {
		t.Fatal(err)
	}
	for at := 0; at < len(whole); at += 1 + len(whole)/60 {
		broken := bytes.Clone(whole)
		broken[at] ^= 1 << (at % 8)
		if err := os.WriteFile(block, broken, 0o600); err != nil {
			t.Fatal(err)
		}
		if r := find(look(t, dir)); r.State != inspect.Damaged {
			t.Errorf("byte %d is wrong: %+v", at, r)
		}
	}
	twice := makeRegister(t, t.TempDir(), append(changes, changes[len(changes)-1]))
	if r := look(t, twice).Files[0]; r.State != inspect.Damaged || !strings.Contains(fmt.Sprint(r.Findings), "revoked") {
		t.Errorf("revoked twice: %+v", r)
	}
}

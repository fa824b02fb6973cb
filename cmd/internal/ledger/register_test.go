package ledger

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"cakupan/cmd/internal/access"
	"cakupan/cmd/internal/access/register"
	"cakupan/cmd/internal/folder"
	"cakupan/cmd/internal/problem"
	"cakupan/domain/event"
	"cakupan/domain/region"
)

// oldRegister writes an access.json of many members, the last of whom is revoked.
func oldRegister(t *testing.T, dir string, count int) {
	t.Helper()
	var rows []map[string]any
	for i := range count {
		name := fmt.Sprintf("p-%05d", i)
		rows = append(rows, map[string]any{
			"name": name, "role": "publisher", "secret": register.DigestOf([]byte(name)).String(),
			"sources": []string{"urn:" + name}, "regions": []string{"75"},
			"types": []string{event.EnrolmentOpened.Name()}, "createdAt": "2026-01-01T08:00:00Z",
		})
	}
	rows[count-1]["revokedAt"] = "2026-01-02T08:00:00Z"
	raw, err := json.Marshal(map[string]any{"format": 1, "members": rows})
	if err == nil {
		err = errors.Join(os.WriteFile(filepath.Join(dir, accessFile), raw, 0o600),
			os.WriteFile(filepath.Join(dir, "access.lock"), []byte("x"), 0o600))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestRegisterKilled kills a process at each point of taking an access.json over, again and again in
// one folder: the next one goes on, and at the end each member is there once.
func TestRegisterKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("long in one goroutine")
	}
	const members = 2500 // three parts
	dir := t.TempDir()
	l, err := Open(t.Context(), Options{Dir: dir, Create: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	oldRegister(t, dir, members)
	for _, at := range []struct {
		point string
		hit   int
	}{{"register.part", 1}, {"register.part", 2}, {"register.part", 2}, {"register.taken", 1}} {
		command, _, output := startChild(t, childOrders{Task: openTask, Dir: dir, Point: at.point, Hit: at.hit})
		err := command.Wait()
		status := command.ProcessState.Sys().(syscall.WaitStatus)
		if !status.Signaled() || status.Signal() != syscall.SIGKILL {
			t.Fatalf("%s %d: was not killed: %v\n%s", at.point, at.hit, err, output)
		}
		if _, err := os.Stat(filepath.Join(dir, accessFile)); err != nil {
			t.Fatal(err)
		}
	}
	l, err = Open(t.Context(), Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}()
	all, err := l.Register().Members()
	if err != nil || len(all) != members || l.Register().Number() != 3 || all[members-1].RevokedAt.IsZero() {
		t.Errorf("%d members by %d changes, %v", len(all), l.Register().Number(), err)
	}
	if _, err := os.Stat(filepath.Join(dir, accessFile)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file stays: %v", err)
	}
}

// TestRegisterOnCluster has two ledgers on one cluster: who is let in by one may log in to the other,
// and who is revoked by one is out of both.
func TestRegisterOnCluster(t *testing.T) {
	url := startNATS(t)
	open := func() *Ledger {
		l, err := Open(t.Context(), Options{Dir: t.TempDir(), Create: true, NATS: url, Replicas: 1})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := l.Close(); err != nil {
				t.Error(err)
			}
		})
		l.followRegister(t.Context())
		return l
	}
	one, other := open().Register(), open().Register()
	if one.Guarded() || other.Guarded() {
		t.Error("nobody is registered, and yet it guards")
	}
	secret, err := one.Add(t.Context(), "root", register.Member{
		Name: "dinas", Role: register.Publisher, Sources: []string{"urn:dinas"},
		Regions: []region.Code{75}, Types: []event.Type{event.EnrolmentOpened},
	})
	if err != nil {
		t.Fatal(err)
	}
	await := func(what string, is func() bool) {
		t.Helper()
		for range 6000 { // a minute
			if is() {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
		t.Fatalf("not within a minute: %s", what)
	}
	await("the other ledger knows the publisher", other.Guarded)
	m, err := other.Authenticate("dinas", secret, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := one.Revoke(t.Context(), "root", "dinas", register.Publisher); err != nil {
		t.Fatal(err)
	}
	await("the other ledger knows that it is revoked", func() bool { return !other.Current(m) })
	if _, err := other.Authenticate("dinas", secret, ""); !errors.Is(err, access.ErrUnknown) {
		t.Errorf("a revoked member is let in: %v", err)
	}
}

// TestRegisterOlderThanTheLog takes the register away from a ledger that has used it, with all that
// says so but the log: it does not start, and an old access.json does not help.
func TestRegisterOlderThanTheLog(t *testing.T) {
	dir := t.TempDir()
	open := func() (*Ledger, error) { return Open(t.Context(), Options{Dir: dir, Create: true}) }
	l, err := open()
	if err != nil {
		t.Fatal(err)
	}
	add := func(name string) {
		t.Helper()
		_, err := l.Register().Add(t.Context(), "root", register.Member{Name: name, Role: register.Auditor})
		if err != nil {
			t.Fatal(err)
		}
	}
	add("bpk")
	add("bps")
	submit(t, l, [][]byte{plainEvent(0)})
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	stream := filepath.Join(dir, folder.NATS, "jetstream", "$G", "streams", access.StreamName)
	if err := errors.Join(os.RemoveAll(stream), os.Remove(filepath.Join(dir, registerFile))); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if l, err = open(); err == nil {
			_ = l.Close()
			t.Fatal("it starts")
		}
		if p := problem.From(err); p.Code != problem.RegisterLost || p.Exit() != problem.ExitCheckFailed ||
			!strings.Contains(p.Detail, "ends at change 0, and the log was written with 2 changes") {
			t.Errorf("%v", err)
		}
		oldRegister(t, dir, 3)
	}
}

package control_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"cakupan/cmd/internal/access"
	"cakupan/cmd/internal/access/register"
	"cakupan/cmd/internal/control"
	"cakupan/cmd/internal/intake"
	"cakupan/cmd/internal/ledger"
	"cakupan/cmd/internal/problem"
	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/eventstore/lookups"
	"cakupan/eventstore/vault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// running returns a folder with a ledger whose register can be changed through the socket.
func running(t *testing.T, dir string) *ledger.Ledger {
	t.Helper()
	l, err := ledger.Open(t.Context(), ledger.Options{Dir: dir, Create: true})
	if err != nil {
		t.Fatal(err)
	}
	server, err := control.Listen(t.Context(), dir, l.Register(), l)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(server.Close(), l.Close()); err != nil {
			t.Error(err)
		}
		if _, err := os.Lstat(filepath.Join(dir, control.SocketName)); err == nil {
			t.Error("the socket stays")
		}
	})
	return l
}

func dial(t *testing.T, dir string) *control.Client {
	t.Helper()
	c, err := control.Dial(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func office(name string) register.Member {
	return register.Member{
		Name: name, Role: register.Publisher, Sources: []string{"urn:" + name}, Regions: []region.Code{75},
		Types: []event.Type{event.EnrolmentOpened, event.TargetSet},
	}
}

// TestAll does all there is through the socket of a folder with a short path and one with a long one,
// and compares with what the register itself says.
func TestAll(t *testing.T) {
	short, err := os.MkdirTemp("", "c") //nolint:usetesting // its path would be long
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(short) })
	for name, dir := range map[string]string{
		"short": filepath.Join(short, "d"), "long": filepath.Join(t.TempDir(), strings.Repeat("long/", 30)),
	} {
		t.Run(name, func(t *testing.T) {
			if err := os.MkdirAll(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			// What a ledger that was killed has left.
			if left, err := net.Listen("unix", filepath.Join(dir, control.SocketName)); err == nil {
				left.(*net.UnixListener).SetUnlinkOnClose(false)
				_ = left.Close()
			}
			if _, err := control.Dial(t.Context(), dir); !errors.Is(err, control.ErrNobody) {
				t.Errorf("nobody answers, and yet: %v", err)
			}
			l := running(t, dir)
			all(t, dial(t, dir), l.Register())
		})
	}
}

func all(t *testing.T, c *control.Client, r *access.Registry) {
	t.Helper()
	until := time.Date(2999, 1, 1, 0, 0, 0, 0, time.UTC)
	m := office("dinas")
	m.ExpiresAt = until
	first, err := c.Add(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	in, err := r.Authenticate("dinas", first, "")
	if err != nil {
		t.Fatal(err)
	}
	second, err := c.Rotate(t.Context(), "dinas", time.Time{}, register.Publisher)
	if err != nil || r.Current(in) {
		t.Errorf("the first secret counts: %v", err)
	}
	to := access.NewScope{Regions: []region.Code{7503}}
	if err := c.Change(t.Context(), "dinas", to, register.Publisher); err != nil {
		t.Error(err)
	}
	in, err = r.Authenticate("", second, "")
	if err != nil || in.Scope.Regions[0] != 7503 || len(in.Scope.Types) != 2 {
		t.Errorf("%+v, %v", in.Scope, err)
	}
	_, err = c.Add(t.Context(), m)
	if got := problem.From(err); got.Code != problem.UsageWrong || !strings.Contains(got.Detail, "rotate it") {
		t.Errorf("%v", err)
	}
	err = c.Revoke(t.Context(), "dinas", register.Auditor)
	if got := problem.From(err); got.Code != problem.NotFound || got.Exit() != problem.ExitNotFound {
		t.Errorf("%v", err)
	}
	if err := c.Revoke(t.Context(), "dinas", register.Publisher); err != nil || r.Current(in) {
		t.Errorf("a revoked member is in: %v", err)
	}
	told, err := c.Members(t.Context())
	members, err2 := r.Members()
	if err := errors.Join(err, err2); err != nil || !reflect.DeepEqual(told, members) {
		t.Errorf("%+v, want %+v, %v", told, members, err)
	}
	toldHistory, err := c.History(t.Context())
	history, err2 := r.History(t.Context())
	if err := errors.Join(err, err2); err != nil || !reflect.DeepEqual(toldHistory, history) || len(history) != 4 {
		t.Errorf("%+v, want %+v, %v", toldHistory, history, err)
	}
	for _, e := range history {
		if e.By != control.AccountOf(os.Getuid()) {
			t.Errorf("by %q", e.By)
		}
	}
}

// TestConcurrent registers many at once, each by a connection of its own.
func TestConcurrent(t *testing.T) {
	dir := t.TempDir()
	l := running(t, dir)
	var adding sync.WaitGroup
	for i := range 8 {
		adding.Go(func() {
			c, err := control.Dial(t.Context(), dir)
			if err == nil {
				_, err = c.Add(t.Context(), office(string(rune('a'+i))))
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	adding.Wait()
	if members, err := l.Register().Members(); err != nil || len(members) != 8 {
		t.Errorf("%d members, %v", len(members), err)
	}
}

// TestNonsense sends what no command sends: it is answered, and changes nothing.
func TestNonsense(t *testing.T) {
	dir := t.TempDir()
	l := running(t, dir)
	info, err := os.Stat(filepath.Join(dir, control.SocketName))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	for _, body := range []string{"", "{", `{"do":"drop"}`, `{"do":"add"}`, `{"do":"change","name":"x"}`, `{"do":"erase"}`, `{"do":"add","member":{"secret":"x"}}`} {
		conn, err := net.Dial("unix", filepath.Join(dir, control.SocketName))
		if err != nil {
			t.Skip("the path of the folder is too long here")
		}
		_, err = conn.Write(fmt.Appendf(nil, "POST / HTTP/1.0\r\nContent-Length: %d\r\n\r\n%s", len(body), body))
		answer, err2 := io.ReadAll(conn)
		if err := errors.Join(err, err2, conn.Close()); err != nil {
			t.Error(err)
		}
		if got := string(answer); !strings.HasPrefix(got, "HTTP/1.0 400") || !strings.Contains(got, "usage") {
			t.Errorf("%s: %s", body, got)
		}
	}
	if l.Register().Number() != 0 {
		t.Error("the register has changed")
	}
}

// TestCustody looks after the keys of a ledger that runs, and erases and discloses a person there: the
// same comes of it as of the ledger itself.
func TestCustody(t *testing.T) {
	dir := t.TempDir()
	l := running(t, dir)
	const nik = "7503014101900002"
	line := []byte(`{"specversion":"1.0","id":"1","source":"urn:example","type":"id.cakupan.enrolment.opened.v1",` +
		`"data":{"enrolment":"pu-9","nik":"` + nik + `","region":"75.03","segment":"PU","category":"PRIVATE",` +
		`"programmes":["JKK"],"payer":"EMPLOYER","from":"2021-02-01"}}`)
	if _, err := l.Submit(t.Context(), [][]byte{line}, intake.Options{}); err != nil {
		t.Fatal(err)
	}
	c := dial(t, dir)
	before, err := l.CheckpointKey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, which := range []string{"vault", "checkpoint"} {
		if err := c.RotateKey(t.Context(), which); err != nil {
			t.Errorf("%s: %v", which, err)
		}
	}
	if after, err := l.CheckpointKey(t.Context()); err != nil || after == before {
		t.Errorf("the key of checkpoints is %s still, %v", after, err)
	}
	keys, err := c.Keys(t.Context())
	told, err2 := l.Keys(t.Context())
	if err := errors.Join(err, err2); err != nil || !reflect.DeepEqual(keys, told) || len(keys) != 3 {
		t.Errorf("%+v, want %+v, %v", keys, told, err)
	}
	to := filepath.Join(t.TempDir(), "keys")
	if _, err := c.BackupKeys(t.Context(), to); err != nil {
		t.Error(err)
	}
	if entries, err := os.ReadDir(to); err != nil || len(entries) != 4 {
		t.Errorf("%v, %v", entries, err)
	}
	// The command copies, and not the ledger: what is copied is where the command has the folder,
	// and is what the ledger says that it has.
	keys[0].File = filepath.Join("/elsewhere", filepath.Base(keys[0].File))
	if err := ledger.CopyKeys(keys, dir, to+"-again"); err != nil {
		t.Error(err)
	}
	keys[0].Fingerprint = "00000000"
	err = ledger.CopyKeys(keys, dir, to+"-other")
	if problem.From(err).Code != problem.FolderKeyLost {
		t.Errorf("another key is copied: %v", err)
	}
	if _, err := os.Lstat(to + "-other"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a copy is there: %v", err)
	}
	disclosed, err := c.Disclose(t.Context(), nik, 1)
	if err != nil || len(disclosed.Events) != 1 || len(disclosed.Workers) != 1 {
		t.Fatalf("%+v, %v", disclosed, err)
	}
	erased, err := c.Erase(t.Context(), nik, vault.Erasure{
		Request: "1", Ground: "UU 27/2022", Decision: "1", By: "dpo", At: "2026-01-01T00:00:00Z",
	})
	if err != nil || erased.Worker != disclosed.Workers[0] || erased.Pack == 0 {
		t.Errorf("%+v, %v", erased, err)
	}
	all, err := c.Erasures(t.Context())
	if err != nil || len(all) != 1 || all[0] != erased {
		t.Errorf("%+v, %v", all, err)
	}
	if _, err := c.Disclose(t.Context(), nik, 2); problem.Exit(err) != problem.ExitNotFound {
		t.Errorf("erased, and disclosed: %v", err)
	}
	asked := 0
	if err := l.Reads(t.Context(), func(lookups.Read) error { asked++; return nil }); err != nil || asked != 2 {
		t.Errorf("%d are recorded, %v", asked, err)
	}
}

// TestRotateIntakeKey is refused while messages are taken in, with what to do.
func TestRotateIntakeKey(t *testing.T) {
	dir := t.TempDir()
	l := running(t, dir)
	if err := l.TakeMessages(t.Context()); err != nil {
		t.Fatal(err)
	}
	err := dial(t, dir).RotateKey(t.Context(), "intake")
	if p := problem.From(err); p == nil || p.Code != problem.FolderInUse ||
		!strings.Contains(p.Detail, "cakupan keys rotate --key intake --data "+dir) {
		t.Errorf("%v", err)
	}
}

package ledger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"cakupan/cmd/internal/access/register"
	"cakupan/cmd/internal/intake"
	"cakupan/cmd/internal/natsin"
	"cakupan/cmd/internal/problem"
	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/eventstore/checkpoint"
	"cakupan/eventstore/lookups"
	"cakupan/eventstore/vault"
)

// world is the folder of a ledger that has all that one can have.
type world struct {
	dir   string
	older string // as it was when half of it was there
	other string // another ledger that has the same

	answers answers
}

// answers are all that can be asked of a ledger.
type answers struct {
	Last     eventstore.Sequence
	Digest   string // of the coverage
	Receipts []event.Receipt
	Workers  []string // of the first and the last person, by NIK
	Members  []string
	Lookups  []lookups.Read
	Erasures []vault.Erasure
	Refused  []intake.Refused
	Waiting  uint64
	Key      string // of checkpoints
	Older    string // the key before, with what proves that
	ListKey  [32]byte

	refused []error // what was not answered
}

const (
	worldPersons = 60                 // of each half
	worldErased  = 7                  // of them
	worldEvents  = 2*worldPersons + 1 // and one more waits, which is recorded later
)

// newWorld makes one, in two halves.
func newWorld(t *testing.T) *world {
	t.Helper()
	root := t.TempDir()
	w := &world{
		dir: filepath.Join(root, "data"), older: filepath.Join(root, "older"),
	}
	w.fill(t, 0)
	copyFolder(t, w.dir, w.older)
	w.fill(t, 1)
	other := &world{dir: filepath.Join(root, "other")}
	other.fill(t, 0)
	other.fill(t, 1)
	w.other = other.dir
	copied := filepath.Join(root, "asked")
	copyFolder(t, w.dir, copied)
	l, err := Open(t.Context(), Options{
		Dir: copied, Messages: MessageOptions{Address: "127.0.0.1:0"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Serve(t.Context(), "http://127.0.0.1:9", time.Hour); err != nil {
		t.Fatal(err)
	}
	if err := l.TakeMessages(t.Context()); err != nil {
		t.Fatal(err)
	}
	if why := awaitRead(t, l); why != "" {
		t.Fatal(why)
	}
	if why := awaitTaken(t, l); why != "" {
		t.Fatal(why)
	}
	w.answers = answersOf(t, l)
	if want := eventstore.Sequence(worldEvents + 1); w.answers.Last != want {
		t.Fatalf("it ends at event %d, not at %d", w.answers.Last, want)
	}
	if len(w.answers.refused) > 0 {
		t.Fatal(w.answers.refused)
	}
	closeNow(t, l)
	return w
}

// fill adds a half to all that the ledger holds.
func (w *world) fill(t *testing.T, half int) {
	t.Helper()
	l, err := Open(t.Context(), Options{
		Dir: w.dir, Create: true, Messages: MessageOptions{Address: "127.0.0.1:0"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Serve(t.Context(), "http://127.0.0.1:9", time.Hour); err != nil {
		t.Fatal(err)
	}
	for n := half * worldPersons; n < (half+1)*worldPersons; n += 10 {
		var lines [][]byte
		for i := range 10 {
			lines = append(lines, nobodys(n+i))
		}
		submit(t, l, lines)
	}
	name, secret := w.fillBeside(t, l, half)
	for _, projection := range l.shelf.Names() {
		if _, err := l.kept(t.Context(), projection, eventstore.Sequence((half+1)*worldPersons)); err != nil {
			t.Fatal(err)
		}
	}
	closeNow(t, l)
	w.leaveWaiting(t, name, secret, half)
}

// fillBeside adds to what is kept beside the log, and returns the name and the secret of a publisher.
func (w *world) fillBeside(t *testing.T, l *Ledger, half int) (name, secret string) {
	t.Helper()
	ctx := t.Context()
	name = fmt.Sprintf("office-%d", half)
	code, _ := region.Parse("75.03")
	secret, err := l.Register().Add(ctx, "root", register.Member{
		Name: name, Role: register.Publisher, Sources: []string{"urn:test:" + name},
		Regions: []region.Code{code}, Types: []event.Type{event.EnrolmentOpened},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.LookUp(ctx, nikOf(half), "inspektorat", temporal.Instant(half+1)); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Erase(ctx, nikOf(half*worldPersons+worldErased), vault.Erasure{
		Request: "1", Ground: "UU 27/2022", Decision: "1", By: "dpo", At: "2026-01-01T00:00:00Z",
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Checkpoint(ctx); err != nil {
		t.Fatal(err)
	}
	if err := l.RotateKey(ctx, "checkpoint"); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Checkpoint(ctx); err != nil {
		t.Fatal(err)
	}
	w.send(t, l, name, secret)
	return name, secret
}

// leaveWaiting has one more person reported by NATS while nobody takes in what waits, so that the
// acknowledged message waits when the ledger is closed.
func (w *world) leaveWaiting(t *testing.T, name, secret string, half int) {
	t.Helper()
	l, err := Open(t.Context(), Options{
		Dir: w.dir, Messages: MessageOptions{Address: "127.0.0.1:0"},
	})
	if err != nil {
		t.Fatal(err)
	}
	sealer, err := l.openSealer(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	intake, err := natsin.Start(t.Context(), l, natsin.Options{
		Connect: l.natsConnect(), Sealer: sealer,
		Writes: func() (bool, <-chan struct{}) { return false, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.server.Listen(); err != nil {
		t.Fatal(err)
	}
	conn, err := nats.Connect(l.NATSURL(), nats.UserInfo(name, secret))
	if err != nil {
		t.Fatal(err)
	}
	text := bytes.Replace(nobodys(3*worldPersons+half), []byte("urn:test:vault"), []byte("urn:test:"+name), 1)
	reply, err := conn.Request("cakupan.intake."+name, text, time.Minute)
	if err != nil || !bytes.Contains(reply.Data, []byte(`"seq"`)) {
		t.Fatalf("%s, %v", reply.Data, err)
	}
	conn.Close()
	if err := intake.Close(); err != nil {
		t.Fatal(err)
	}
	if waiting, err := l.sealedMessages(t.Context()); err != nil || waiting != uint64(half)+2 {
		t.Fatalf("%d messages are sealed, %v", waiting, err)
	}
	closeNow(t, l)
}

// send has one message refused.
func (w *world) send(t *testing.T, l *Ledger, name, secret string) {
	t.Helper()
	if err := l.TakeMessages(t.Context()); err != nil {
		t.Fatal(err)
	}
	conn, err := nats.Connect(l.NATSURL(), nats.UserInfo(name, secret))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Request("cakupan.intake."+name, []byte("wrong"), time.Minute); err != nil {
		t.Fatal(err)
	}
	awaitSettled(t, l)
}

// nikOf returns the NIK of a person of nobodys.
func nikOf(n int) string {
	return fmt.Sprintf("750301%02d%02d%02d9999", 1+n%28, 1+n/28%12, n/336%100)
}

// paths returns all files and folders, by their path in the folder.
func (w *world) paths(t *testing.T) (paths []string) {
	t.Helper()
	err := filepath.WalkDir(w.dir, func(path string, _ fs.DirEntry, err error) error {
		name, relative := filepath.Rel(w.dir, path)
		if name != "." {
			paths = append(paths, name)
		}
		return errors.Join(err, relative)
	})
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

// files returns those that are files.
func (w *world) files(t *testing.T) []string {
	t.Helper()
	return slices.DeleteFunc(w.paths(t), func(path string) bool {
		info, err := os.Stat(filepath.Join(w.dir, path))
		if err != nil {
			t.Fatal(err)
		}
		return !info.Mode().IsRegular()
	})
}

// answersOf asks a ledger for all that it holds.
func answersOf(t *testing.T, l *Ledger) (a answers) {
	t.Helper()
	ctx := t.Context()
	check := func(err error) {
		if err != nil {
			refused(t, "ask", err)
			a.refused = append(a.refused, err)
		}
	}
	tail, err := l.Head(ctx)
	check(err)
	a.Last = tail.Sequence
	a.Digest, err = foldedAt(ctx, l, worldEvents)
	check(err)
	a.ask(ctx, l, check)
	status := l.Status(ctx)
	a.Waiting = status.Intake.Waiting
	a.Key, err = l.CheckpointKey(ctx)
	check(err)
	text, err := l.Checkpoint(ctx)
	check(err)
	if v, err := checkpoint.Verifier(a.Key); err == nil && text != nil {
		_, err = checkpoint.Open(text, v)
		check(err)
	}
	proof, err := l.Successions(ctx)
	check(err)
	a.Older = string(proof)
	key, err := l.ListKey(ctx, ListAsk{Source: "urn:nobody's"})
	check(err)
	a.ListKey = key.Key
	a.report(ctx, l, check)
	return a
}

// ask asks for what is kept beside the log.
func (a *answers) ask(ctx context.Context, l *Ledger, check func(error)) {
	members, err := l.Register().Members()
	check(err)
	for _, m := range members {
		a.Members = append(a.Members, strings.Join(
			[]string{m.Name, string(m.Role), fmt.Sprint(m.Secret)}, " "))
	}
	check(l.Reads(ctx, func(one lookups.Read) error {
		a.Lookups = append(a.Lookups, one)
		return nil
	}))
	a.Erasures, err = l.Erasures(ctx)
	check(err)
	check(l.Refused(ctx, intake.RefusedQuery{}, func(one intake.Refused) error {
		shown, err := l.RefusedOne(ctx, one.Number)
		a.Refused = append(a.Refused, shown)
		return err
	}))
}

// report sends again what the ledger knows; then it is asked who the persons are.
func (a *answers) report(ctx context.Context, l *Ledger, check func(error)) {
	var lines [][]byte
	for n := range 2 * worldPersons {
		if n%worldPersons != worldErased {
			lines = append(lines, nobodys(n))
		}
	}
	receipts, err := l.Submit(ctx, lines, intake.Options{})
	check(err)
	a.Receipts = receipts
	for _, n := range []int{0, 2*worldPersons - 1} {
		worker, err := l.LookUp(ctx, nikOf(n), "", 9)
		check(err)
		a.Workers = append(a.Workers, worker)
	}
	for _, n := range []int{worldErased, worldPersons + worldErased} {
		if _, err := l.LookUp(ctx, nikOf(n), "", 9); problem.Exit(err) != problem.ExitNotFound {
			check(fmt.Errorf("person %d was erased, and is known: %w", n, err))
		}
	}
}

func foldedAt(ctx context.Context, l *Ledger, at eventstore.Sequence) (string, error) {
	kept, err := l.kept(ctx, "coverage", at)
	if err != nil {
		return "", err
	}
	return kept.Digest(at)
}

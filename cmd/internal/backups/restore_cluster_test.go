package backups_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"cakupan/cmd/internal/backups"
	"cakupan/cmd/internal/ledger"
	"cakupan/cmd/internal/problem"
	"cakupan/domain/event"
	"cakupan/eventstore/backup"
	"cakupan/eventstore/jetstream"
	"cakupan/eventstore/natsd"
	"cakupan/eventstore/natsd/clustertest"
)

// waits is a log that tells when somebody waits for a cluster.
type waits struct {
	told chan struct{} // has room for one
}

func newWaits() *waits { return &waits{told: make(chan struct{}, 1)} }

func (w *waits) Write(line []byte) (int, error) {
	if bytes.Contains(line, []byte("waits for its cluster")) {
		select {
		case w.told <- struct{}{}:
		default:
		}
	}
	return len(line), nil
}

// forget forgets what was told until now.
func (w *waits) forget() {
	select {
	case <-w.told:
	default:
	}
}

// TestRestoreWaits restores into a cluster that is started after the restore.
func TestRestoreWaits(t *testing.T) {
	l := open(t, filepath.Join(t.TempDir(), "data"))
	report(t, l, 0, 1, event.Appended)
	var made bytes.Buffer
	if _, err := l.Backup(t.Context(), &made, backups.Options{}); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address, w := listener.Addr().String(), newWaits()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	dir, restored := filepath.Join(t.TempDir(), "restored"), make(chan error, 1)
	opts := backups.RestoreOptions{
		Files: []string{save(t, made.Bytes())}, Dir: dir, Keys: keysOf(t, l),
		NATS: "nats://" + address, Log: slog.New(slog.NewTextHandler(w, nil)),
	}
	go func() {
		_, err := backups.Restore(t.Context(), opts)
		restored <- err
	}()
	select {
	case <-w.told:
	case err := <-restored:
		t.Fatalf("it did not wait: %v", err)
	}
	node, err := natsd.StartNode(natsd.NodeOptions{
		Name: "n", StoreDir: t.TempDir(), Address: address, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := node.Leave(); err != nil {
			t.Error(err)
		}
	}()
	if err := <-restored; err != nil {
		t.Fatal(err)
	}
	on, err := ledger.Open(t.Context(), ledger.Options{Dir: dir, NATS: opts.NATS})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := on.Close(); err != nil {
			t.Error(err)
		}
	}()
	if tail, err := on.Head(t.Context()); err != nil || tail.Sequence != 1 {
		t.Errorf("it ends with event %d: %v", tail.Sequence, err)
	}
}

// restoring is a restore under way into a cluster.
type restoring struct {
	opts  backups.RestoreOptions
	waits *waits
	done  chan error
}

// restoreInto begins to restore a ledger of so many persons into a cluster. fault may be nil.
func restoreInto(t *testing.T, c *clustertest.Cluster, persons int, fault func(string)) restoring {
	t.Helper()
	l := open(t, filepath.Join(t.TempDir(), "data"))
	report(t, l, 0, persons, event.Appended)
	var made bytes.Buffer
	if _, err := l.Backup(t.Context(), &made, backups.Options{}); err != nil {
		t.Fatal(err)
	}
	r := restoring{waits: newWaits(), done: make(chan error, 1)}
	r.opts = backups.RestoreOptions{
		Files: []string{save(t, made.Bytes())}, Dir: filepath.Join(t.TempDir(), "restored"),
		Keys: keysOf(t, l), NATS: c.URL(), Fault: fault,
		Log: slog.New(slog.NewTextHandler(r.waits, nil)),
	}
	go func() {
		_, err := backups.Restore(t.Context(), r.opts)
		r.done <- err
	}()
	return r
}

// untilItWaits returns once the restore waits for the cluster.
func (r *restoring) untilItWaits(t *testing.T) {
	t.Helper()
	select {
	case <-r.waits.told:
	case err := <-r.done:
		t.Fatalf("it did not wait: %v", err)
	}
}

// has checks that the restore comes to its end, and that the ledger then has those persons.
func (r *restoring) has(t *testing.T, persons int) {
	t.Helper()
	if err := <-r.done; err != nil {
		t.Fatal(err)
	}
	l, err := ledger.Open(t.Context(), ledger.Options{Dir: r.opts.Dir, NATS: r.opts.NATS})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}()
	report(t, l, 0, persons, event.Duplicate)
	report(t, l, persons, persons+1, event.Appended)
}

// TestRestoreStarting restores into a cluster whose servers find each other meanwhile.
func TestRestoreStarting(t *testing.T) {
	r := restoreInto(t, clustertest.Start(t), 3, nil)
	r.has(t, 3)
}

// outage is how long most of a cluster stays away once the restore has found that out.
const outage = 4 * time.Second

// TestRestoreOutage loses most of a cluster within a restore: before the first message, and before
// the next of a stream.
func TestRestoreOutage(t *testing.T) {
	for _, after := range []int{0, 3} {
		t.Run(fmt.Sprint("after ", after), func(t *testing.T) {
			t.Parallel()
			c := clustertest.Start(t)
			at, goOn := make(chan struct{}), make(chan struct{})
			r := restoreInto(t, c, 5, once(after, func() {
				close(at)
				<-goOn
			}))
			select {
			case <-at:
			case err := <-r.done:
				t.Fatal(err)
			}
			c.Stop(0)
			c.Stop(1)
			r.waits.forget() // it may have waited for the cluster to start
			close(goOn)
			r.untilItWaits(t)
			time.Sleep(outage)
			c.Start(0)
			c.Start(1)
			r.has(t, 5)
		})
	}
}

// once returns a fault that happens after so many messages.
func once(messages int, do func()) func(point string) {
	stored := 0
	return func(point string) {
		if point == backups.FaultRestoreHalf {
			stored++
		}
		isPoint := point == backups.FaultRestoreBegun || point == backups.FaultRestoreHalf
		if isPoint && stored == messages {
			do()
		}
	}
}

// TestRestoreAnswerLost has a message be there already when it is stored: because the answer to an
// earlier attempt was lost, or because somebody else writes.
func TestRestoreAnswerLost(t *testing.T) {
	for name, other := range map[string]bool{"its own": false, "another's": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := clustertest.Start(t)
			conn := c.Dial()
			var r restoring
			begun := make(chan struct{})
			r = restoreInto(t, c, 3, once(2, func() {
				<-begun
				publishThird(t, conn, r.opts.Files, other)
			}))
			close(begun)
			if !other {
				r.has(t, 3)
				return
			}
			err := <-r.done
			if err == nil || !strings.Contains(err.Error(), "has written message 3 of") {
				t.Errorf("restored beside another one: %v", err)
			}
		})
	}
}

// publishThird stores the third message of a backup, or another one in its place.
func publishThird(t *testing.T, conn *nats.Conn, files []string, other bool) {
	t.Helper()
	chain, err := backups.Check(t.Context(), files, nil)
	if err != nil {
		t.Error(err)
		return
	}
	var third backup.Message
	number := 0
	for m, err := range chain.Messages(t.Context()) {
		if err != nil {
			t.Error(err)
			return
		}
		third = m
		if number++; number == 3 {
			break
		}
	}
	data := third.Data
	if other {
		data = []byte("another")
	}
	to := jetstream.Target{Stream: third.Stream, Subject: third.Subject}
	if _, err := jetstream.Publish(t.Context(), conn, to, data, 2); err != nil {
		t.Error(err)
	}
}

// TestTwoRestores begins a second restore into a cluster within a first one: of the two none says
// that it is done, where each has stored messages of its own among the other's.
func TestTwoRestores(t *testing.T) {
	c := clustertest.Start(t)
	half, first := make(chan struct{}), make(chan struct{})
	begun, over := make(chan struct{}), make(chan struct{})
	a := restoreInto(t, c, 3, once(2, func() {
		close(half)
		<-begun
	}))
	<-half
	b := restoreInto(t, c, 3, once(2, func() {
		close(first)
		<-over
	}))
	<-first
	close(begun)
	err := <-a.done
	if problem.From(err).Code != problem.FolderRestoring {
		t.Errorf("the first one says %v", err)
	}
	close(over)
	if err := <-b.done; err == nil {
		t.Error("the second one says that it is done")
	}
	_, err = ledger.Open(t.Context(), ledger.Options{Dir: t.TempDir(), NATS: c.URL(), Create: true})
	if problem.From(err).Code != problem.FolderRestoring {
		t.Errorf("what is there can be opened: %v", err)
	}
}

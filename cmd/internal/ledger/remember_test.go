package ledger

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"cakupan/cmd/internal/backups"
	"cakupan/cmd/internal/folder"
	"cakupan/cmd/internal/intake"
	"cakupan/cmd/internal/natsin"
	"cakupan/cmd/internal/problem"
	"cakupan/eventstore/lookups"
)

// remembering is a ledger that serves, with reads and refusals.
type remembering struct {
	*Ledger
	dir  string
	conn *nats.Conn
}

func startRemembering(t *testing.T, dir string) *remembering {
	t.Helper()
	l, err := Open(t.Context(), Options{
		Dir: dir, Create: true, Messages: MessageOptions{Address: "127.0.0.1:0"},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	if err := l.Serve(t.Context(), "http://127.0.0.1:9", time.Hour); err != nil {
		t.Fatal(err)
	}
	if err := l.TakeMessages(t.Context()); err != nil {
		t.Fatal(err)
	}
	conn, err := nats.Connect(l.NATSURL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	return &remembering{Ledger: l, dir: dir, conn: conn}
}

// more adds reads and refusals.
func (w *remembering) more(t *testing.T, n int) {
	t.Helper()
	for range n {
		_, err := w.LookUp(t.Context(), "7503014101900002", "inspektorat", 1)
		if !isCode(err, problem.NotFound) {
			t.Fatal(err)
		}
		if _, err := w.conn.Request("cakupan.intake.bone", []byte("wrong"), time.Minute); err != nil {
			t.Fatal(err)
		}
	}
	awaitSettled(t, w.Ledger)
}

// inPlace writes a file of the server over, which goes on to have it open.
func inPlace(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// harms are what can be done to a file under a server.
func harms(t *testing.T, older, path string) map[string]func() {
	t.Helper()
	return map[string]func(){
		"a bit": func() {
			content, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			content[len(content)/2] ^= 1
			inPlace(t, path, content)
		},
		"removed": func() {
			if err := os.RemoveAll(filepath.Dir(filepath.Dir(path))); err != nil {
				t.Fatal(err)
			}
		},
		"an older copy": func() {
			content, err := os.ReadFile(older)
			if err != nil {
				t.Fatal(err)
			}
			inPlace(t, path, content)
		},
	}
}

// streamIn is where the files of a stream are in a folder that nobody has open.
func streamIn(dir, stream string) string {
	return (&folder.Folder{Dir: dir}).StreamFolder(stream)
}

// TestDamagedWhileRunning harms the record of reads, and what was refused, under a running ledger.
// The server makes up its mind anew about what is in them; whoever asks the ledger is told, a backup
// is not made, and after a stop the next start is refused. Events are taken in all the while.
func TestDamagedWhileRunning(t *testing.T) {
	t.Parallel()
	for _, stream := range []string{lookups.StreamName, natsin.StreamRefused} {
		for _, harm := range []string{"a bit", "an older copy", "removed"} {
			t.Run(stream+", "+harm, func(t *testing.T) {
				t.Parallel()
				w := startRemembering(t, filepath.Join(t.TempDir(), "data"))
				w.more(t, 2)
				at := w.folder.StreamFolder(stream)
				older, newest := filepath.Join(t.TempDir(), "older"), filepath.Join(t.TempDir(), "newest")
				copyFolder(t, at, older)
				w.more(t, 2)
				copyFolder(t, at, newest)
				if err := w.asked(t, stream); err != nil {
					t.Fatalf("before: %v", err)
				}
				block := filepath.Join("msgs", "1.blk")
				harms(t, filepath.Join(older, block), filepath.Join(at, block))[harm]()
				if err := w.server.Reopen(t.Context()); err != nil { // as its cache is dropped after some time
					t.Fatal(err)
				}
				w.areTold(t, stream)
				_ = w.Close() // its files may be being read again at this moment, which it says
				if _, err := Open(t.Context(), Options{Dir: w.dir}); !isCode(err, problem.StreamLost) {
					t.Fatalf("the start after that: %v", err)
				}
				copyFolder(t, newest, at)
				w = startRemembering(t, w.dir)
				if err := w.asked(t, stream); err != nil {
					t.Errorf("with the newest copy: %v", err)
				}
				closeNow(t, w.Ledger)
			})
		}
	}
}

// asked lists what is in a stream.
func (w *remembering) asked(t *testing.T, stream string) error {
	t.Helper()
	if stream == lookups.StreamName {
		return w.Reads(t.Context(), func(lookups.Read) error { return nil })
	}
	return w.Refused(t.Context(), intake.RefusedQuery{}, func(intake.Refused) error { return nil })
}

// areTold asks in each way for a stream that has lost something.
func (w *remembering) areTold(t *testing.T, stream string) {
	t.Helper()
	err := inTheEnd(func() error { return w.asked(t, stream) })
	if !isCode(err, problem.StreamLost) {
		t.Errorf("the list: %v", err)
	}
	err = inTheEnd(func() error {
		_, err := w.Backup(t.Context(), io.Discard, backups.Options{})
		return err
	})
	if !isCode(err, problem.StreamLost) {
		t.Errorf("a backup: %v", err)
	}
	var report VerifyReport
	err = inTheEnd(func() error {
		report, err = w.Verify(t.Context(), nil)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if f := fileOf(&report, stream); report.OK || f == nil || !f.damaged() {
		t.Errorf("verify: %v, %+v", report.OK, f)
	}
	for end := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		h := w.Health(t.Context())
		if h.Status == HealthFailing && strings.Contains(h.Why, stream) {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("health: %+v", h)
		}
	}
	if err := inTheEnd(func() error { return submitNobody(t, w.Ledger) }); err != nil {
		t.Errorf("an event: %v", err)
	}
}

// inTheEnd returns what is said once the server does not read its files again at this very moment:
// until then it may only be said that the ledger is to be asked later, and never that all is well.
func inTheEnd(ask func() error) (err error) {
	for end := time.Now().Add(time.Minute); time.Now().Before(end); {
		if err = ask(); err == nil || isCode(err, problem.StreamLost) {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	return err
}

func fileOf(report *VerifyReport, path string) *FileReport {
	for i := range report.Files {
		if report.Files[i].Path == path {
			return &report.Files[i]
		}
	}
	return nil
}

// TestDamagedAtTheStop harms them, and nobody asks before the stop: the next start is refused.
func TestDamagedAtTheStop(t *testing.T) {
	t.Parallel()
	for _, stream := range []string{lookups.StreamName, natsin.StreamRefused} {
		for _, harm := range []string{"a bit", "an older copy", "removed"} {
			t.Run(stream+", "+harm, func(t *testing.T) {
				t.Parallel()
				w := startRemembering(t, filepath.Join(t.TempDir(), "data"))
				w.more(t, 2)
				at, older := w.folder.StreamFolder(stream), filepath.Join(t.TempDir(), "older")
				copyFolder(t, at, older)
				w.more(t, 2)
				block := filepath.Join("msgs", "1.blk")
				harms(t, filepath.Join(older, block), filepath.Join(at, block))[harm]()
				closeNow(t, w.Ledger)
				if _, err := Open(t.Context(), Options{Dir: w.dir}); !isCode(err, problem.StreamLost) {
					t.Fatalf("the start after that: %v", err)
				}
			})
		}
	}
}

// TestExchangedWhileRunning writes another history of as many messages into their files, and nobody asks
// before the stop: the next start is refused.
func TestExchangedWhileRunning(t *testing.T) {
	t.Parallel()
	for _, stream := range []string{lookups.StreamName, natsin.StreamRefused} {
		t.Run(stream, func(t *testing.T) {
			t.Parallel()
			dir, fork := filepath.Join(t.TempDir(), "data"), filepath.Join(t.TempDir(), "fork")
			w := startRemembering(t, dir)
			w.more(t, 2)
			closeNow(t, w.Ledger)
			copyFolder(t, dir, fork)
			w = startRemembering(t, fork)
			w.more(t, 2)
			closeNow(t, w.Ledger)
			block := filepath.Join("msgs", "1.blk")
			others, err := os.ReadFile(filepath.Join(w.folder.StreamFolder(stream), block))
			if err != nil {
				t.Fatal(err)
			}
			w = startRemembering(t, dir)
			w.more(t, 2)
			path := filepath.Join(w.folder.StreamFolder(stream), block)
			mine, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			inPlace(t, path, others)
			closeNow(t, w.Ledger)
			if _, err := Open(t.Context(), Options{Dir: dir}); !isCode(err, problem.StreamLost) {
				t.Fatalf("the start after that: %v", err)
			}
			inPlace(t, path, mine)
			w = startRemembering(t, dir)
			if err := w.asked(t, stream); err != nil {
				t.Errorf("with its own: %v", err)
			}
			closeNow(t, w.Ledger)
		})
	}
}

// TestRestOfEmpty: a stream that was empty at the stop is not to have something at the start, and one
// that had something is not to be empty, in whichever way.
func TestRestOfEmpty(t *testing.T) {
	t.Parallel()
	dir, copied := filepath.Join(t.TempDir(), "data"), filepath.Join(t.TempDir(), "copied")
	w := startRemembering(t, dir)
	w.more(t, 1)
	full := filepath.Join(t.TempDir(), "full")
	copyFolder(t, w.folder.StreamFolder(natsin.StreamRefused), full)
	closeNow(t, w.Ledger)
	for _, stream := range []string{lookups.StreamName, natsin.StreamRefused} {
		copyFolder(t, dir, copied)
		in := streamIn(copied, stream)
		for _, pattern := range []string{"meta.*", "msgs/*"} {
			paths, err := filepath.Glob(filepath.Join(in, pattern))
			if err != nil || len(paths) == 0 {
				t.Fatalf("%s: %v, %v", pattern, paths, err)
			}
			for _, path := range paths {
				if err := os.RemoveAll(path); err != nil {
					t.Fatal(err)
				}
			}
		}
		if _, err := Open(t.Context(), Options{Dir: copied}); !isCode(err, problem.StreamLost) {
			t.Errorf("%s is empty: %v", stream, err)
		}
	}
	w = startRemembering(t, dir)
	if err := w.DropRefused(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	closeNow(t, w.Ledger)
	copyFolder(t, full, w.folder.StreamFolder(natsin.StreamRefused))
	if _, err := Open(t.Context(), Options{Dir: dir}); !isCode(err, problem.StreamLost) {
		t.Errorf("what was dropped is back: %v", err)
	}
}

// TestOlderAfterCrash: what a crash leaves is started on, and an older copy of a stream that is put in
// place then is not, nor is none.
func TestOlderAfterCrash(t *testing.T) {
	t.Parallel()
	dir, older := filepath.Join(t.TempDir(), "data"), filepath.Join(t.TempDir(), "older")
	crashed := filepath.Join(t.TempDir(), "crashed")
	w := startRemembering(t, dir)
	w.more(t, 2)
	w.noteNumbers(t.Context())
	copyFolder(t, dir, older)
	w.more(t, 1)
	if err := w.DropRefused(t.Context(), 3); err != nil {
		t.Fatal(err)
	}
	w.noteNumbers(t.Context())
	copyFolder(t, dir, crashed)
	closeNow(t, w.Ledger)
	for _, stream := range []string{
		lookups.StreamName, natsin.StreamRefused, natsin.StreamIntake,
	} {
		place := streamIn(crashed, stream)
		newest := filepath.Join(t.TempDir(), "newest")
		copyFolder(t, place, newest)
		from := streamIn(older, stream)
		for what, harm := range map[string]func(){
			"an older copy": func() { copyFolder(t, from, place) },
			"none": func() {
				if err := os.RemoveAll(place); err != nil {
					t.Fatal(err)
				}
			},
		} {
			harm()
			_, err := Open(t.Context(), Options{Dir: crashed})
			if !isCode(err, problem.StreamLost) || !strings.Contains(err.Error(), stream) {
				t.Errorf("%s of %s: %v", what, stream, err)
			}
		}
		copyFolder(t, newest, place)
	}
	// The refused starts have changed nothing.
	closeNow(t, startRemembering(t, crashed).Ledger)
	w = startRemembering(t, older)
	w.more(t, 1)
	closeNow(t, w.Ledger)
	closeNow(t, startRemembering(t, older).Ledger)
}

// TestCopyWhileNoted: a copy of a ledger that runs on, and notes how far its streams are, is no older
// one of it; nor is what a crash within the removal of all messages leaves, which the server ends.
func TestCopyWhileNoted(t *testing.T) {
	t.Parallel()
	dir, copied := filepath.Join(t.TempDir(), "data"), filepath.Join(t.TempDir(), "copied")
	crashed := filepath.Join(t.TempDir(), "crashed")
	w := startRemembering(t, dir)
	w.more(t, 1)
	if err := folder.Copy(t.Context(), dir, copied, true); err != nil {
		t.Fatal(err)
	}
	w.more(t, 1)
	w.noteNumbers(t.Context())
	note := filepath.Join(dir, folder.RestFile)
	if text, err := os.ReadFile(note); err != nil || !strings.Contains(string(text), natsin.StreamIntake) {
		t.Fatalf("the note: %s, %v", text, err)
	}
	if err := folder.Copy(t.Context(), dir, copied+"2", true); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(copied+"2", folder.RestFile)); err == nil {
		t.Error("the note is copied from a ledger that runs")
	}
	copyFolder(t, dir, crashed)
	closeNow(t, w.Ledger)
	closeNow(t, startRemembering(t, copied).Ledger)
	messages := streamIn(crashed, natsin.StreamIntake)
	if err := os.Rename(filepath.Join(messages, "msgs"), filepath.Join(messages, "__new_msgs__")); err != nil {
		t.Fatal(err)
	}
	w = startRemembering(t, crashed)
	w.more(t, 1)
	closeNow(t, w.Ledger)
}

// TestNoteNotWritten: where the note of what streams hold cannot be written at the start, as on a full
// disk, it goes. After a crash nothing that was stored since is called a loss.
func TestNoteNotWritten(t *testing.T) {
	t.Parallel()
	dir, crashed := filepath.Join(t.TempDir(), "data"), filepath.Join(t.TempDir(), "crashed")
	w := startRemembering(t, dir)
	w.more(t, 1)
	closeNow(t, w.Ledger)
	note := filepath.Join(dir, folder.RestFile)
	if _, err := os.Stat(note); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(note+".tmp", "in the way"), 0o700); err != nil {
		t.Fatal(err)
	}
	w = startRemembering(t, dir)
	w.more(t, 1)
	copyFolder(t, dir, crashed)
	closeNow(t, w.Ledger)
	closeNow(t, startRemembering(t, crashed).Ledger)
}

// TestTallyOfDropped: what an operator drops is lost to nobody, and neither is what is refused again
// and again.
func TestTallyOfDropped(t *testing.T) {
	t.Parallel()
	w := startRemembering(t, filepath.Join(t.TempDir(), "data"))
	for range 3 {
		w.more(t, 2)
		var last uint64
		err := w.Refused(t.Context(), intake.RefusedQuery{}, func(r intake.Refused) error {
			last = r.Number
			return nil
		})
		if err == nil {
			err = w.DropRefused(t.Context(), last)
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := w.server.Reopen(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for _, stream := range []string{lookups.StreamName, natsin.StreamRefused} {
		if err := w.asked(t, stream); err != nil {
			t.Errorf("%s: %v", stream, err)
		}
	}
	closeNow(t, w.Ledger)
	w = startRemembering(t, w.dir)
	if err := w.asked(t, natsin.StreamRefused); err != nil {
		t.Error(err)
	}
	closeNow(t, w.Ledger)
}

func isCode(err error, code problem.Code) bool { return err != nil && problem.From(err).Code == code }

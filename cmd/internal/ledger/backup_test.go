package ledger

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"cakupan/cmd/internal/access/register"
	"cakupan/cmd/internal/backups"
	"cakupan/cmd/internal/folder"
	"cakupan/cmd/internal/intake"
	"cakupan/cmd/internal/natsin"
	"cakupan/cmd/internal/problem"
	"cakupan/domain/event"
	"cakupan/eventstore"
	"cakupan/eventstore/backup"
)

// takeBackup writes a backup to a file of its own.
func takeBackup(t *testing.T, l *Ledger, since *backup.End) (path string, end backup.End) {
	t.Helper()
	file, err := os.Create(filepath.Join(t.TempDir(), "backup"))
	if err != nil {
		t.Fatal(err)
	}
	var opts backups.Options
	if since != nil {
		opts.Since = &backup.Since{File: since.SHA256, Position: since.Position}
	}
	end, err = l.Backup(t.Context(), file, opts)
	if err := errors.Join(err, file.Close()); err != nil {
		t.Fatal(err)
	}
	return file.Name(), end
}

func openToTest(t *testing.T, opts Options) *Ledger {
	t.Helper()
	l, err := Open(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

func coverageDigest(t *testing.T, l *Ledger, at eventstore.Sequence) string {
	t.Helper()
	kept, err := l.kept(t.Context(), "coverage", at)
	if err != nil {
		t.Fatal(err)
	}
	digest, err := kept.Digest(at)
	if err != nil {
		t.Fatal(err)
	}
	return digest
}

// TestBackupUnderLoad backs a ledger up, whole and twice more what is new, while it takes events in.
// Of what is restored, coverage is the same, duplicates are known under their sequences, nobody
// counts twice, and sequences go on.
func TestBackupUnderLoad(t *testing.T) {
	l := openToTest(t, Options{Dir: t.TempDir(), Create: true})
	var mu sync.Mutex
	var known []event.Receipt // of event n, from 0 on
	more := make(chan struct{})
	var loading sync.WaitGroup
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	loading.Go(func() {
		for n := 0; ctx.Err() == nil; n++ {
			receipts, err := l.Submit(context.WithoutCancel(ctx), [][]byte{nobodys(n)}, intake.Options{})
			if err != nil || receipts[0].Refusal != nil {
				t.Errorf("event %d: %v, %v", n, receipts, err)
				return
			}
			mu.Lock()
			known = append(known, receipts[0])
			mu.Unlock()
			select {
			case more <- struct{}{}:
			default:
			}
		}
	})
	var files []string
	var since *backup.End
	var before int
	for range 3 {
		for range 20 {
			<-more
		}
		mu.Lock()
		before = len(known)
		mu.Unlock()
		path, end := takeBackup(t, l, since)
		files, since = append(files, path), &end
	}
	stop()
	loading.Wait()
	if int(since.Events) < before || since.Vault == 0 {
		t.Fatalf("%d events were there, the backup has %+v", before, since)
	}
	keys := filepath.Join(t.TempDir(), "keys")
	if _, err := l.BackupKeys(t.Context(), keys); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "restored")
	chain, err := backups.Restore(t.Context(), backups.RestoreOptions{Files: files, Dir: dir, Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	r := openToTest(t, Options{Dir: dir})
	last, err := r.Head(t.Context())
	if err != nil || last.Sequence != chain.End.Events || last.Sequence != since.Events {
		t.Fatalf("it ends at %d of %d: %v", last.Sequence, since.Events, err)
	}
	if is, was := coverageDigest(t, r, last.Sequence), coverageDigest(t, l, last.Sequence); is != was {
		t.Errorf("coverage is %s, was %s", is, was)
	}
	checkRestored(t, r, known[:last.Sequence])
	report, err := r.Verify(t.Context(), nil)
	if err != nil || !report.OK {
		t.Errorf("%+v, %v", report, err)
	}
	other := openToTest(t, Options{Dir: t.TempDir(), Create: true})
	nowhere, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = nowhere.Close() }()
	_, err = other.Backup(t.Context(), nowhere, backups.Options{
		Since: &backup.Since{File: since.SHA256, Position: since.Position},
	})
	if problem.From(err).Code != problem.FolderOtherLedger {
		t.Errorf("another ledger goes on from it: %v", err)
	}
}

// checkRestored sends again what the ledger must know, and then what is new.
func checkRestored(t *testing.T, l *Ledger, known []event.Receipt) {
	t.Helper()
	var lines [][]byte
	for n := range len(known) + 1 {
		lines = append(lines, nobodys(n))
	}
	receipts, err := l.Submit(t.Context(), lines, intake.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for n, r := range receipts {
		switch {
		case n == len(known):
			if r.Status != event.Appended || int(r.Sequence) != len(known)+1 {
				t.Errorf("the next event: %+v", r)
			}
		case r.Status != event.Duplicate || r.Sequence != known[n].Sequence:
			t.Errorf("event %d: %+v, was %+v", n, r, known[n])
		}
	}
}

// TestBackupOfAll backs up a register, what waits and what was refused, from a cluster into a folder
// and from there into another cluster.
func TestBackupOfAll(t *testing.T) {
	l, js, heard := takesMessages(t)
	for _, text := range []string{string(plainEvent(1)), "wrong"} {
		if _, err := js.Publish(t.Context(), "cakupan.intake.bone", []byte(text)); err != nil {
			t.Fatal(err)
		}
		if _, err := heard.NextMsg(time.Minute); err != nil {
			t.Fatal(err)
		}
	}
	_, err := l.Register().Add(t.Context(), "root", register.Member{Name: "bpk", Role: register.Auditor})
	if err != nil {
		t.Fatal(err)
	}
	keys := filepath.Join(t.TempDir(), "keys")
	if _, err := l.BackupKeys(t.Context(), keys); err != nil {
		t.Fatal(err)
	}
	// Of the messages the first one is taken in, or waits still: how many there are is not to be
	// compared, but what was refused is.
	path, _ := takeBackup(t, l, nil)
	dir := filepath.Join(t.TempDir(), "folder")
	if _, err := backups.Restore(t.Context(), backups.RestoreOptions{Files: []string{path}, Dir: dir, Keys: keys}); err != nil {
		t.Fatal(err)
	}
	checkAll(t, Options{Dir: dir})
	in, err := Open(t.Context(), Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	path, _ = takeBackup(t, in, nil)
	if err := in.Close(); err != nil {
		t.Fatal(err)
	}
	opts := backups.RestoreOptions{
		Files: []string{path}, Dir: filepath.Join(t.TempDir(), "second"), Keys: keys,
		NATS: startNATS(t), Replicas: 1,
	}
	if _, err := backups.Restore(t.Context(), opts); err != nil {
		t.Fatal(err)
	}
	checkAll(t, Options{Dir: opts.Dir, NATS: opts.NATS, Replicas: 1})
	opts.Dir = filepath.Join(t.TempDir(), "third")
	if _, err := backups.Restore(t.Context(), opts); problem.From(err).Code != problem.FolderNotEmpty {
		t.Errorf("over a ledger on a cluster: %v", err)
	}
	if _, err := os.Stat(filepath.Join(opts.Dir, folder.RestoringFile)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder was marked: %v", err)
	}
}

// checkAll looks at what a ledger holds beside its log.
func checkAll(t *testing.T, opts Options) {
	t.Helper()
	l, err := Open(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	members, err := l.Register().Members()
	if err != nil || len(members) != 1 || members[0].Name != "bpk" {
		t.Errorf("members: %v, %v", members, err)
	}
	var refused []intake.Refused
	err = l.Refused(t.Context(), intake.RefusedQuery{}, func(one intake.Refused) error {
		refused = append(refused, one)
		return nil
	})
	if err != nil || len(refused) != 1 || refused[0].Code == natsin.PackUnreadable {
		t.Errorf("refused: %+v, %v", refused, err)
	}
	all, err := l.Keys(t.Context())
	if err != nil || len(all) != 3 || !all[0].OK || !all[1].OK || !all[2].OK {
		t.Errorf("keys: %+v, %v", all, err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}

// TestRestoreKilled kills a restore at each of its points, into a folder and into a cluster: until it
// was done again nobody opens what is there, and then it is whole.
func TestRestoreKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("long in one goroutine")
	}
	const persons = 7
	root := t.TempDir()
	submitPersons(t, filepath.Join(root, "data"), 0, persons)
	l := openToTest(t, Options{Dir: filepath.Join(root, "data")})
	path, end := takeBackup(t, l, nil)
	keys := filepath.Join(root, "keys")
	if _, err := l.BackupKeys(t.Context(), keys); err != nil {
		t.Fatal(err)
	}
	points := []string{
		backups.FaultRestoreBegun, backups.FaultRestoreHalf, backups.FaultRestoreFilled, backups.FaultRestoreNamed, backups.FaultRestoreDone,
	}
	for _, cluster := range []bool{false, true} {
		for _, point := range points {
			dir, url := filepath.Join(root, point), ""
			if cluster {
				dir, url = dir+"-cluster", startNATS(t)
			}
			command, _, output := startChild(t, childOrders{
				Task: restoreTask, Dir: dir, File: path, Point: point, Hit: 1, URL: url,
			})
			err := command.Wait()
			status := command.ProcessState.Sys().(syscall.WaitStatus)
			if !status.Signaled() || status.Signal() != syscall.SIGKILL {
				t.Fatalf("%s: was not killed: %v\n%s", point, err, output)
			}
			if point == backups.FaultRestoreDone {
				checkKilled(t, Options{Dir: dir, NATS: url, Replicas: 1}, end)
				continue
			}
			_, err = Open(t.Context(), Options{Dir: dir, Create: true, NATS: url, Replicas: 1})
			if problem.From(err).Code != problem.FolderRestoring {
				t.Errorf("%s: opened half restored: %v", point, err)
			}
			_, err = backups.Restore(t.Context(), backups.RestoreOptions{
				Files: []string{path}, Dir: dir, Keys: keys, NATS: url, Replicas: 1,
			})
			if err != nil {
				t.Fatalf("%s: again: %v", point, err)
			}
			checkKilled(t, Options{Dir: dir, NATS: url, Replicas: 1}, end)
		}
	}
}

func checkKilled(t *testing.T, opts Options, end backup.End) {
	t.Helper()
	l, err := Open(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	tail, err := l.Head(t.Context())
	if err != nil || tail.Sequence != end.Events {
		t.Errorf("ends at %d of %d: %v", tail.Sequence, end.Events, err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}

// TestRestoreRefuses puts a backup over nothing.
func TestRestoreRefuses(t *testing.T) {
	root := t.TempDir()
	data := filepath.Join(root, "data")
	submitPersons(t, data, 0, 3)
	l := openToTest(t, Options{Dir: data})
	path, _ := takeBackup(t, l, nil)
	used := filepath.Join(root, "used")
	if err := os.MkdirAll(used, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(used, "letter.txt"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{data, used} {
		_, err := backups.Restore(t.Context(), backups.RestoreOptions{Files: []string{path}, Dir: dir})
		if problem.From(err).Code != problem.FolderNotEmpty {
			t.Errorf("%s: %v", dir, err)
		}
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	content[len(content)/2] ^= 1
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(root, "new")
	_, err = backups.Restore(t.Context(), backups.RestoreOptions{Files: []string{path}, Dir: dir})
	if problem.From(err).Code != problem.BackupDamaged {
		t.Errorf("damaged: %v", err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a folder was made: %v", err)
	}
}

// TestBackupOfLookups restores who looked whom up from a whole backup and an increment, into a folder
// and into a cluster, and goes on there.
func TestBackupOfLookups(t *testing.T) {
	l := openToTest(t, Options{Dir: t.TempDir(), Create: true})
	if err := submitNobody(t, l); err != nil {
		t.Fatal(err)
	}
	ask := func(l *Ledger, who string) {
		t.Helper()
		_, err := l.LookUp(t.Context(), "7503014101900002", who, 1)
		if problem.From(err).Code != problem.NotFound {
			t.Fatal(err)
		}
	}
	none, noneEnd := takeBackup(t, l, nil)
	ask(l, "bpk")
	ask(l, "inspektorat")
	one, oneEnd := takeBackup(t, l, &noneEnd)
	ask(l, "dprd")
	two, twoEnd := takeBackup(t, l, &oneEnd)
	three, end := takeBackup(t, l, &twoEnd)
	if noneEnd.Lookups != 0 || oneEnd.Lookups != 2 || end.Lookups != 3 {
		t.Errorf("%+v, %+v, %+v", noneEnd, oneEnd, end)
	}
	whole, _ := takeBackup(t, l, nil)
	was := lookupsOf(t, l)
	keys := filepath.Join(t.TempDir(), "keys")
	if _, err := l.BackupKeys(t.Context(), keys); err != nil {
		t.Fatal(err)
	}
	for _, files := range [][]string{{none, one, two, three}, {whole}} {
		for _, url := range []string{"", startNATS(t)} {
			opts := backups.RestoreOptions{
				Files: files, Dir: filepath.Join(t.TempDir(), "new"), Keys: keys, NATS: url,
				Replicas: 1,
			}
			chain, err := backups.Restore(t.Context(), opts)
			if err != nil || !chain.HasLookups() {
				t.Fatal(err)
			}
			r := openToTest(t, Options{Dir: opts.Dir, NATS: url, Replicas: 1})
			if is := lookupsOf(t, r); !slices.Equal(is, was) {
				t.Errorf("look-ups are %+v, were %+v", is, was)
			}
			ask(r, "again")
			if is := lookupsOf(t, r); len(is) != 4 || is[3].Who != "again" || is[3].Number != 4 {
				t.Errorf("then %+v", is)
			}
		}
	}
	fresh := openToTest(t, Options{Dir: restoreTo(t, none, keys)})
	_, err := fresh.Backup(t.Context(), io.Discard, backups.Options{
		Since: &backup.Since{File: end.SHA256, Position: end.Position},
	})
	if problem.From(err).Code != problem.VaultLost {
		t.Errorf("an increment without the look-ups before it: %v", err)
	}
}

// restoreTo restores a file into a folder of its own.
func restoreTo(t *testing.T, file, keys string) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "restored")
	_, err := backups.Restore(t.Context(), backups.RestoreOptions{Files: []string{file}, Dir: dir, Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func submitNobody(t *testing.T, l *Ledger) error {
	t.Helper()
	receipts, err := l.Submit(t.Context(), [][]byte{nobodys(0)}, intake.Options{})
	if err == nil && receipts[0].Refusal != nil {
		err = receipts[0].Refusal
	}
	return err
}

// TestIncrementOfOtherReads: the record of reads is exchanged for another one of the same length. An
// increment would join two histories, and is refused; a whole backup is not.
func TestIncrementOfOtherReads(t *testing.T) {
	t.Parallel()
	dir, fork := filepath.Join(t.TempDir(), "data"), filepath.Join(t.TempDir(), "fork")
	look := func(l *Ledger, who string) {
		t.Helper()
		if _, err := l.LookUp(t.Context(), "7503014101900002", who, 1); !isCode(err, problem.NotFound) {
			t.Fatal(err)
		}
	}
	l := openAt(t, dir)
	submit(t, l, [][]byte{nobodys(1)})
	closeNow(t, l)
	copyFolder(t, dir, fork)
	l = openAt(t, dir)
	look(l, "bpk")
	_, end := takeBackup(t, l, nil)
	if end.Sums.Lookups == "" || end.Lookups != 1 {
		t.Errorf("%+v", end)
	}
	look(l, "bpk")
	if _, more := takeBackup(t, l, &end); more.Lookups != 2 || more.Sums.Lookups == end.Sums.Lookups {
		t.Errorf("%+v", more)
	}
	closeNow(t, l)
	l = openAt(t, fork)
	look(l, "dinas")
	opts := backups.Options{Since: &backup.Since{File: end.SHA256, Position: end.Position}}
	if _, err := l.Backup(t.Context(), io.Discard, opts); !isCode(err, problem.FolderOtherLedger) {
		t.Errorf("an increment: %v", err)
	}
	opts.Since.Sums = backup.Sums{} // of a file of an older program
	if _, err := l.Backup(t.Context(), io.Discard, opts); err != nil {
		t.Errorf("of an older program: %v", err)
	}
	takeBackup(t, l, nil)
	closeNow(t, l)
}

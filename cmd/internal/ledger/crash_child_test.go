package ledger

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"cakupan/cmd/internal/backups"
	"cakupan/cmd/internal/folder"
	"cakupan/cmd/internal/intake"
	"cakupan/cmd/internal/natsin"
	"cakupan/cmd/internal/nobody"
	"cakupan/cmd/internal/problem"
	"cakupan/eventstore"
	"cakupan/projections"
	"cakupan/projections/checked"
	"cakupan/projections/coverage"
)

// Some tests need a process of its own that may be killed, that holds a folder, or that has
// fewer rights: the test binary starts itself, with orders in an environment variable.

const childEnv = "CAKUPAN_TEST_CHILD"

// Tasks of a child.
const (
	importTask = "import" // a file of events, until it is done or dead
	openTask   = "open"   // a ledger, and say what that came to
	holdTask   = "hold"   // a ledger open until the end of stdin
	swapTask   = "swap"   // rebuild the coverage and put it in place
	wholeTask  = "whole"  // take in the file as one atomic batch

	retractTask = "retract" // take back what a publisher has reported
	restoreTask = "restore" // the file of a backup into Dir, or the cluster of URL
	rotateTask  = "rotate"  // change the key of checkpoints
)

// childOrders say what a child does.
type childOrders struct {
	Task string
	Dir  string // data folder

	File       string // of events, a line each
	Seed       uint64 // cuts the file into chunks
	Chunk      int    // most lines of one
	Publishers int
	Keep       bool   // original record times
	Serve      bool   // run as a serve does: the coverage follows by itself
	Point      string // where to die; "": nowhere in particular
	Hit        int    // at which hit of it

	Refused natsin.Limits // of what is kept of refusals

	URL string // to announce
	UID int    // user to become first; 0: stay
}

// acknowledged is what a child writes for each chunk that Submit has returned for.
type acknowledged struct {
	Line      int      // number of the first, from 1
	Sequences []uint64 // of each line; 0: refused
}

// opened is what a child writes about opening a ledger.
type opened struct {
	Code   problem.Code // "": it went well
	Detail string
	Error  string
}

// TestChild is no test of its own: see childEnv.
func TestChild(t *testing.T) {
	text, found := os.LookupEnv(childEnv)
	if !found {
		t.Skip("does what another test orders, in a process of its own")
	}
	c := &child{answers: json.NewEncoder(os.NewFile(3, "answers"))}
	if err := json.Unmarshal([]byte(text), &c.orders); err != nil {
		t.Fatal(err)
	}
	err := become(c.orders.UID)
	if err != nil {
		t.Fatal(err)
	}
	switch c.orders.Task {
	case importTask:
		err = c.importFile(t.Context())
	case openTask:
		err = c.open(t.Context(), nil)
	case swapTask:
		err = c.swap(t.Context())
	case wholeTask:
		err = c.submitWhole(t.Context())
	case retractTask:
		err = c.retract(t.Context())
	case restoreTask:
		_, err = backups.Restore(t.Context(), backups.RestoreOptions{
			Files: []string{c.orders.File}, Dir: c.orders.Dir, NATS: c.orders.URL, Replicas: 1,
			Fault: c.at,
		})
	case rotateTask:
		err = c.rotate(t.Context())
	case messageTask:
		err = c.takeMessages(t.Context())
	case holdTask:
		err = c.open(t.Context(), func() { _, _ = os.Stdin.Read(make([]byte, 1)) })
	}
	// Who cleans up after the tests needs the rights again.
	if err := errors.Join(err, become(0)); err != nil {
		t.Fatal(err)
	}
}

// become changes the rights of the process to those of a user, or back to those of the superuser.
func become(uid int) error {
	if uid == os.Geteuid() || os.Getuid() != 0 {
		return nil
	}
	const same = -1
	if uid == 0 {
		return errors.Join(syscall.Setreuid(same, 0), syscall.Setregid(same, 0))
	}
	return errors.Join(syscall.Setgroups(nil), syscall.Setregid(same, uid),
		syscall.Setreuid(same, uid))
}

// child is a process that another test has started.
type child struct {
	orders childOrders

	mu      sync.Mutex
	answers *json.Encoder
	hits    int
}

// swap rebuilds the coverage and puts it in the place of the live one.
func (c *child) swap(ctx context.Context) error {
	l, err := Open(ctx, Options{Dir: c.orders.Dir, Fault: c.at})
	if err != nil {
		return err
	}
	_, err = l.Replay(ctx, ReplayOptions{Swap: true}, nil)
	return errors.Join(err, c.answer(opened{}), l.Close())
}

// rotate changes the key of checkpoints.
func (c *child) rotate(ctx context.Context) error {
	l, err := Open(ctx, Options{Dir: c.orders.Dir, Fault: c.at})
	if err != nil {
		return err
	}
	return errors.Join(l.RotateKey(ctx, "checkpoint"), l.Close())
}

func (c *child) answer(v any) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.answers.Encode(v)
}

// at is called at the crash points.
func (c *child) at(point string) {
	if point != c.orders.Point {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.hits++; c.hits == c.orders.Hit {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {} // not a step further
	}
}

// open opens the ledger with all its parts, and closes it after what hold does meanwhile.
func (c *child) open(ctx context.Context, hold func()) error {
	l, err := Open(ctx, Options{Dir: c.orders.Dir, Fault: c.at})
	if err == nil {
		defer func() { _ = l.Close() }()
		_, err = l.Submit(ctx, nil, intake.Options{})
	}
	if err == nil {
		_, err = l.View(ctx, 0)
	}
	if err == nil && c.orders.URL != "" {
		err = l.Serve(ctx, c.orders.URL, time.Hour)
	}
	var result opened
	if p := problem.From(err); p != nil {
		result = opened{Code: p.Code, Detail: p.Detail, Error: err.Error()}
	}
	if err := c.answer(result); err != nil {
		return err
	}
	if hold != nil && err == nil {
		hold()
	}
	return nil
}

// importFile imports the file in chunks, and keeps a projection meanwhile.
func (c *child) importFile(ctx context.Context) error {
	if err := c.answer(acknowledged{Line: 1}); err != nil { // nothing yet, but here we are
		return err
	}
	l, err := Open(ctx, Options{Dir: c.orders.Dir, Create: true, Fault: c.at})
	if err != nil {
		return err
	}
	if _, err := l.openIntake(ctx); err != nil {
		return err
	}
	l.intake = intake.New(&crashingVault{l.vault, c.at}, l.writer)
	follow := func(context.Context) error { return nil }
	if c.orders.Serve {
		if err := l.Serve(ctx, "http://127.0.0.1:9", time.Hour); err != nil {
			return err
		}
	} else if follow, err = c.project(ctx, l); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	followed := make(chan error, 1)
	go func() { followed <- follow(ctx) }()
	err = c.publish(ctx, l)
	stop()
	return errors.Join(err, <-followed, l.Close())
}

// publish submits the chunks of the file, and says which of them it has receipts for.
func (c *child) publish(ctx context.Context, l *Ledger) error {
	text, err := os.ReadFile(c.orders.File)
	if err != nil {
		return err
	}
	lines := bytes.Split(bytes.TrimSuffix(text, []byte("\n")), []byte("\n"))
	random := rand.New(rand.NewPCG(c.orders.Seed, 1))
	type chunk struct{ from, until int }
	chunks := make(chan chunk, len(lines))
	for from := 0; from < len(lines); {
		until := min(len(lines), from+1+random.IntN(c.orders.Chunk))
		chunks <- chunk{from, until}
		from = until
	}
	close(chunks)
	errs := make(chan error, c.orders.Publishers)
	for range c.orders.Publishers {
		go func() {
			for chunk := range chunks {
				err := c.submit(ctx, l, lines[chunk.from:chunk.until], chunk.from+1)
				if err != nil {
					errs <- err
					return
				}
			}
			errs <- nil
		}()
	}
	for range c.orders.Publishers {
		err = errors.Join(err, <-errs)
	}
	return err
}

func (c *child) submit(ctx context.Context, l *Ledger, lines [][]byte, first int) error {
	receipts, err := l.Submit(ctx, lines, intake.Options{KeepRecorded: c.orders.Keep})
	if err != nil {
		return err
	}
	ack := acknowledged{Line: first}
	for _, r := range receipts {
		ack.Sequences = append(ack.Sequences, r.Sequence)
	}
	return c.answer(ack)
}

// project returns what keeps the coverage in step with the log, committing as often as it can.
func (c *child) project(ctx context.Context, l *Ledger) (func(context.Context) error, error) {
	path := l.folder.Path(folder.Views, coverageFile)
	if err := os.MkdirAll(filepath.Dir(path), folder.FolderMode); err != nil {
		return nil, err
	}
	runner, err := projections.Open[*crashingProjection, coverage.Batch](ctx, l.log,
		projections.File{Path: path}, func(db *checked.DB) *crashingProjection {
			return &crashingProjection{coverage.New(db), c.at}
		})
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) error {
		for {
			applied, err := runner.Applied()
			if err != nil {
				return err
			}
			for _, err = range l.log.Follow(ctx, applied+1) {
				break // there is something to apply
			}
			var tail eventstore.Tail
			if err == nil {
				_, tail, err = l.log.Last(ctx)
			}
			if err == nil {
				err = runner.CatchUp(ctx, tail.Sequence, nil)
			}
			switch {
			case ctx.Err() != nil:
				return runner.Close()
			case err != nil:
				return fmt.Errorf("project: %w", err)
			}
		}
	}, nil
}

// Crash points beside the writer's.
const (
	vaultBeforePersist     = "vault-before-persist"
	vaultAfterPersist      = "vault-after-persist"
	projectionBeforeStore  = "projection-before-store"
	projectionBeforeCommit = "projection-before-commit"
	projectionAfterCommit  = "projection-after-commit"
)

// crashingVault has crash points before and after the commit of new ids.
type crashingVault struct {
	intake.Vault
	at func(point string)
}

func (v *crashingVault) Persist(ctx context.Context, since uint64) error {
	v.at(vaultBeforePersist)
	err := v.Vault.Persist(ctx, since)
	v.at(vaultAfterPersist)
	return err
}

// crashingProjection has crash points in and after the transaction of each commit.
type crashingProjection struct {
	*coverage.Projection
	at func(point string)
}

func (p *crashingProjection) Store(tx *checked.Tx) error {
	p.at(projectionBeforeStore)
	err := p.Projection.Store(tx)
	p.at(projectionBeforeCommit)
	return err
}

func (p *crashingProjection) Stored() {
	p.at(projectionAfterCommit)
	p.Projection.Stored()
}

// people returns lines that open enrolments, which publishers may send in any order: each person
// has several, and each tenth line says again what an earlier one said. The persons are made up:
// no district has the number 99.
func people(seed uint64, lines, persons int) []byte {
	random := rand.New(rand.NewPCG(seed, 2))
	var text [][]byte
	for i := range lines {
		if i%10 == 9 {
			text = append(text, text[random.IntN(i)])
			continue
		}
		text = append(text, fmt.Appendf(nil, `{"specversion":"1.0","id":"e-%d","source":"urn:test",`+
			`"type":"id.cakupan.enrolment.opened.v1","data":{"enrolment":"e-%d","nik":"%s",`+
			`"region":"75.03","segment":"PU","category":"PRIVATE","programmes":["JKK","JKM"],`+
			`"payer":"EMPLOYER","from":"2020-01-01"}}`, i, i, nobody.NIK(i%persons)))
	}
	return append(bytes.Join(text, []byte("\n")), '\n')
}

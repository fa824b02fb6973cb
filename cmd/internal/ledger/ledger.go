package ledger

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"cakupan/cmd/internal/access"
	"cakupan/cmd/internal/backups"
	"cakupan/cmd/internal/clock"
	"cakupan/cmd/internal/cluster"
	"cakupan/cmd/internal/cost"
	"cakupan/cmd/internal/excerpt"
	"cakupan/cmd/internal/folder"
	"cakupan/cmd/internal/intake"
	"cakupan/cmd/internal/lifetime"
	"cakupan/cmd/internal/natsin"
	"cakupan/cmd/internal/problem"
	"cakupan/cmd/internal/prover"
	"cakupan/cmd/internal/rights"
	"cakupan/cmd/internal/shares"
	"cakupan/cmd/internal/takeback"
	"cakupan/domain/event"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/eventstore/index"
	"cakupan/eventstore/jetstream"
	"cakupan/eventstore/jetstream/copies"
	"cakupan/eventstore/natsd"
	"cakupan/eventstore/packs"
	"cakupan/eventstore/seal"
	"cakupan/eventstore/vault"
	"cakupan/eventstore/writer"
	"cakupan/projections"
)

// Options say which ledger to open, and how.
type Options struct {
	// Dir is the data folder. It is locked until Close: a second process would give out the same
	// sequences from an index of its own.
	Dir    string
	Create bool   // make the ledger when there is none; else a mistyped Dir would be a new one
	NATS   string // URL of a cluster that holds the log; empty: the embedded server
	// NATSSystem is a URL of the cluster with a login of its system account, by which it can be
	// asked for what its servers are set to. Empty: nobody is asked, and the operator is told so.
	// It is used for single questions, over connections of their own that are closed at once.
	NATSSystem string
	// Replicas is how many servers of a cluster keep each stream; of one that fewer keep, the
	// number is raised. 0: as many as the cluster allows; see [jetstream.Replicate].
	Replicas int
	// Lease is how long a ledger that writes must not have been heard of until another one takes
	// over. Default: 3 s.
	Lease time.Duration
	// OldVault brings over the vault of an earlier program although the log has workers that it
	// lacks: they were reported by publishers under these ids.
	OldVault bool
	// Log is the operator's. What is written to it may be read by who must not know a worker, so
	// it never gets an event, a NIK or a query.
	Log *slog.Logger

	// Receipts is told of all receipts of events that were sent to be kept; nil: nobody is. It is
	// called between the fsync and the answer, by several goroutines, so it must be quick. The
	// slice is the caller's answer: it may be read during the call, neither changed nor kept. It
	// may be nil where a batch failed as a whole.
	Receipts func([]event.Receipt)

	// Appended is told how many events a batch had that was appended, and how long that took, with
	// the fsync; nil: nobody is. It must be as quick.
	Appended func(events int, took time.Duration)

	// Stored is told of each frame that the log has, how large it is and how long that took: from
	// being sent to being acknowledged, which is after the fsync; nil: nobody is. It must be as
	// quick.
	Stored func(bytes int, took time.Duration)

	// Trace begins to trace a step of a fixed name, and is told of its end; nil: nothing is traced.
	// The end is called once, with the error of the step or nil, by the goroutine that began it.
	Trace func(ctx context.Context, name string) (within context.Context, end func(error))

	// Certificate returns the one that is shown to clients at the moment, and false where there is
	// none. Optional. It is asked whenever the health is, by several goroutines.
	Certificate func() (lifetime.Certificate, bool)

	// Messages says who may connect by NATS; see [Ledger.TakeMessages].
	Messages MessageOptions
	// Refused bounds what is kept of what each publisher is refused; none of it: nothing does. They
	// are looked at when something is refused, and once an hour for what is too old.
	Refused natsin.Limits

	// Now is the clock. Default: the machine's. It gives record times, so what it says wrongly is
	// in the log for ever: see [Ledger.Serve]. It may be called by several goroutines at once.
	// Nanoseconds since 1970, UTC.
	Now func() temporal.Instant
	// Uptime says for how long the machine has been running, whatever its clock says. Default: the
	// kernel's word, time asleep included where it has one. It only ever grows while the process
	// runs; two values are compared, and where it begins does not matter.
	Uptime func() time.Duration
	// AnyClock serves and appends whatever the clock says; see [Ledger.Serve]. It is for a clock
	// that is right although the log, its files or the cluster make it look wrong.
	AnyClock bool
	// Refold is how often each projection of a running ledger is compared with a fresh fold of the
	// log; 0: never.
	Refold time.Duration
	// Witnesses are the public keys of those whose cosignatures of checkpoints are kept.
	Witnesses []string

	// Fault is called at the crash points; for crash tests. Optional. It may end the process, which
	// stands for a power cut at that point.
	Fault func(point string)
}

// Ledger is one data folder, opened: the log, and all that is derived from it. Its parts are opened
// when they are first needed, so that a command pays for no more than it uses. Its exported methods
// may be called at the same time, but for those that begin and end it: Open, Serve, TakeMessages
// and Close, which belong to whoever runs it.
type Ledger struct {
	// Set by Open and only read after it.
	opts    Options
	folder  *folder.Folder
	cluster *cluster.Cluster
	copyOf  string        // the folder of which this one is a copy; "" for none
	server  *natsd.Server // nil with opts.NATS
	conns   []*nats.Conn  // for appends and answers; for bulk reads, which would hold those up
	conn    *nats.Conn    // the first of them, set by Open and only read after it
	log     eventstore.Log

	// register is nil while the embedded server starts, which asks it who connects: nobody can
	// until TakeMessages. Open until Close and safe for concurrent use; what it holds is durable on
	// a stream of its own.
	register *access.Registry

	// mu guards the opening of parts. A part that is open stays open until Close, so who has got
	// one uses it without the lock. Nil: nobody has needed it yet.
	mu       sync.Mutex
	vault    *vault.Vault
	listKeys keptListKeys
	// vaultConn is that of the vault, which stays when the ledger stands by. A vault that is opened
	// again after a time of standing by goes on over it.
	vaultConn *nats.Conn
	index     *index.Index
	writer    *writer.Writer
	intake    *intake.Intake
	sealer    *seal.Sealer

	appending atomic.Pointer[appending] // nil while it is not open
	// inUse is held for reading by whoever takes events in, and for writing by who closes what that
	// needs. It is taken before mu by who needs both: a vault is closed only when nobody is between
	// the judging of a batch and its frame.
	inUse sync.RWMutex

	positions atomic.Pointer[vault.Vault] // the vault that was open last; see beside
	throttle  *cost.Throttle              // of publishers
	preparing *shares.Pool                // processors, of publishers who send much
	writing   *shares.Pool                // of large batches, of publishers too
	backlog   *cost.Backlog
	roles     *cluster.Roles // nil until Serve, and without a cluster

	prover *prover.Prover // nil until the log is open

	// lacking has what servers of a cluster lack of their copies of streams, while others have it:
	// the health says so, and nothing stops. Set by Open and only read after it.
	lacking *copies.Book

	// What this process knows of streams that no frame of the log speaks of, of its own server.
	readsSeen packs.Witness
	tally     *natsin.Tally // nil on a cluster

	quota    *natsin.Quota // set by Open and only read after it
	refused  *natsin.Refusals
	messages *natsin.Server // nil until TakeMessages

	// serving and atStart are set by Serve, before anybody else may ask.
	shelf   *projections.Shelf // nil until the log is open, as are those below
	reader  *excerpt.Reader
	rights  *rights.Court
	taker   *takeback.Taker
	serving bool // the projections follow the log by themselves
	// atStart is the end of the log when serving began: answers show at least that much. Else a
	// ledger that was restarted would show, for a moment, less than before. It is a position of the
	// log and not of a projection, so it holds for one that is built anew as well.
	atStart eventstore.Sequence
	// servingSince is when that was: an event after it with an earlier record time has kept one. By
	// the ledger's clock, as record times are; it is not persisted.
	servingSince temporal.Instant
	// began is when Serve began by both clocks; nil before.
	began atomic.Pointer[clock.Moment]
	// shown is how much of the log an answer about the coverage has shown: the next one shows no
	// less, also when the coverage is built anew meanwhile. It is in memory only: a restart raises
	// atStart instead, which is no less.
	shown  eventstore.Highest
	fences fences // of lists of people
	old    arrivals

	closed     sync.Once
	closing    chan struct{}  // closed by Close
	background sync.WaitGroup // what Close waits for
	// opened says that the folder was opened as a whole: what its streams hold may be noted. Set by
	// Open.
	opened bool
	made   bool // the log, by Open
	// damage is what the scrub has found first; nil: nothing. It stays until a later check finds
	// the log sound. While it is set, nothing is appended and no question is answered: no answer
	// comes from a log that is known to be wrong. It is not persisted: a ledger that is started
	// again finds out anew, from the log itself.
	damage atomic.Pointer[error]
	// unread is why a part of the log could not be read when it was last tried; nil: all could.
	// What that part holds is not known to be wrong. So it fails the health but keeps neither
	// events nor questions out: what can be read is right.
	unread atomic.Pointer[error]
	// reread says that the server has read its files again for the damage that the scrub knows of.
	// Of its goroutine only.
	reread bool
	// rereads has when the server last did so for another stream, by its name: a time.Time.
	rereads  sync.Map
	watchman watchman
	// unsafe is why the cluster could lose events as it is set now; nil: nothing is known. Nothing
	// is stopped by it: only the health says so, until a later check finds the cluster safe.
	unsafe atomic.Pointer[error]
	// untaken is why messages that were acknowledged are not taken in; nil: they are. They are
	// durable and wait: nothing is lost while it is set.
	untaken atomic.Pointer[error]
	// nodeCertificates are those of the servers of a cluster, as they were last seen; nil: none
	// were. They are only shown.
	nodeCertificates atomic.Pointer[[]lifetime.Certificate]
	lookAgain        chan struct{} // see suspected
	// unnamed says which file of the server has lost its name; nil: none is known to.
	unnamed atomic.Pointer[error]
	// keysLost says what is wrong with keys, as they were last seen; nil: they were not. It is only
	// shown: who runs has them in memory.
	keysLost    atomic.Pointer[[]string]
	keysLooking sync.Mutex // one looks at a time
	verdicts    verdicts
}

// Open locks the folder and opens the log, its register and its projections' shelf, none of the
// projections. It returns an error in words about the folder, and then nothing stays open or
// locked: [problem.FolderMissing], [problem.FolderInUse], [problem.FolderNewer] and the like. On a
// cluster that cannot be reached it tries again for as long as ctx lasts; ctx bounds the opening
// only.
//
// Whoever only asks uses [OpenToRead], which also opens a folder that another process has.
func Open(ctx context.Context, opts Options) (*Ledger, error) {
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	if opts.Now == nil {
		opts.Now = clock.Wall
	}
	if opts.Uptime == nil {
		opts.Uptime = clock.Uptime
	}
	f, err := folder.Open(opts.Dir, opts.Create)
	if err != nil {
		return nil, err
	}
	f.Logger = opts.Log
	on := &cluster.Cluster{
		URL: opts.NATS, System: opts.NATSSystem, Replicas: opts.Replicas, Logger: opts.Log,
	}
	l := &Ledger{
		opts: opts, folder: f, cluster: on, closing: make(chan struct{}),
		lookAgain: make(chan struct{}, 1),
		throttle:  cost.NewThrottle(cost.ChangesPerSecond, cost.ChangesAtOnce),
		preparing: shares.New(preparers(), preparers()/2),
		writing:   shares.New(appendsAtOnce, appendsOfOne),
		backlog:   cost.NewBacklog(),
		lacking:   newLacking(opts.Log),
		quota:     natsin.NewQuota(opts.Refused, time.Now, opts.Log),
	}
	// The order is that of need: register and shelf are of the log that is open by then. What fails
	// closes all that was opened before it.
	err = l.cluster.Patiently(ctx, l.openLog)
	if err == nil {
		err = l.cluster.CheckAtStart(ctx, l.conn)
	}
	if err == nil {
		err = l.cluster.Patiently(ctx, l.openRegister)
	}
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	l.shelf, l.prover = l.newShelf(), l.newProver()
	l.reader = &excerpt.Reader{Log: l.log, History: histories{l}, Logger: l.opts.Log}
	l.rights = rights.NewCourt(grounds{l}, l.reader, l.ownSource())
	l.taker = takeback.New(grounds{l}, l.reader, l.ownSource())
	if l.server != nil {
		// Only now: a folder that could not be opened as a whole was not at work, and its note
		// stays.
		if err := l.folder.LeaveRest(); err != nil {
			return nil, errors.Join(folder.Error(l.folder.Dir, err), l.Close())
		}
		l.opened = true
		l.remember(ctx)
	}
	return l, nil
}

// openLog starts the embedded server, or connects to the cluster, and opens the log there. What was
// opened before it fails is closed by Close, which the caller calls. On a cluster it may be called
// again after a failure: the connections of the attempt before are closed first.
func (l *Ledger) openLog(ctx context.Context) error {
	l.disconnect() // of an attempt before
	connect := func() (*nats.Conn, error) { return l.cluster.Connect("cakupan") }
	opts := jetstream.Options{Replicas: l.opts.Replicas, Lacking: l.lacking}
	if l.opts.NATS == "" {
		if err := l.folder.CheckRest(); err != nil {
			return err
		}
		// Else a folder whose log is on a cluster would get a server's folder without a log.
		if _, err := os.Lstat(l.folder.Path(folder.NATS)); l.folder.Meta.LogMade && err != nil {
			return l.lostLog()
		}
		server, err := natsd.Start(l.natsServer())
		if err != nil {
			return folder.ServerError(l.folder.Dir, err)
		}
		l.server, connect = server, server.Connect
		// Of an embedded server alone: it shares this machine's disk, and its files can be looked
		// at.
		opts.FreeSpace, opts.Messages, opts.Store = server.FreeSpace, server.Messages, server
	}
	for range 2 { // the second one is for bulk reads alone
		conn, err := connect()
		if err != nil {
			return err
		}
		l.conns = append(l.conns, conn)
	}
	l.conn = l.conns[0]
	if l.server == nil {
		// The folder's own mark is looked at when it is locked; on a cluster any folder may have
		// begun the restore.
		if err := backups.Underway(ctx, l.conn); err != nil {
			return err
		}
	}
	opts.Reader = l.conns[1]
	log, err := jetstream.Open(ctx, l.conns[0], opts)
	switch {
	case errors.Is(err, eventstore.ErrNoLog):
		return l.makeLog(ctx, opts)
	case err != nil:
		return err
	}
	l.log = log
	return l.adopt()
}

// lostLog says that a folder has no log any more. Nothing in a folder says where its log is.
func (l *Ledger) lostLog() error {
	text := l.folder.Dir + " has lost its log: restore it from a backup"
	if l.opts.NATS == "" {
		text = "the log is not in " + l.folder.Dir + ". If it is on a cluster, name that with" +
			" --nats, or ask a ledger that runs there with --server; otherwise " + text
	}
	return problem.New(problem.LogDamaged, text)
}

// makeLog makes the log of a new folder. A folder that once had one has lost it.
//
// If we crash before the log is made, the next start comes here again with the same identity; if we
// crash after, it finds the log and adopts it. Without LogMade an empty cluster or a deleted stream
// would silently become a second ledger, with the sequences of the first given out again.
func (l *Ledger) makeLog(ctx context.Context, opts jetstream.Options) error {
	if l.folder.Meta.LogMade {
		return l.lostLog()
	}
	if l.folder.Meta.Format == 0 {
		if err := l.folder.MakeIdentity(l.opts.Now()); err != nil {
			return err
		}
	}
	log, err := jetstream.Create(ctx, l.conns[0], opts, l.folder.Meta.Identity)
	if errors.Is(err, eventstore.ErrExists) { // another ledger of the cluster was quicker
		log, err = jetstream.Open(ctx, l.conns[0], opts)
		l.log = log
		if err == nil {
			err = l.adopt()
		}
		return err
	}
	if err != nil {
		return err
	}
	l.log, l.made = log, true
	return l.folder.LogMade()
}

// Made returns the identity of a ledger that Open has made; "" for one that was there.
func (l *Ledger) Made() string {
	if !l.made {
		return ""
	}
	return l.log.Identity().Ledger
}

// adopt checks that the log is the folder's own. A new folder on a cluster takes the identity of
// the log it finds there, also when it was about to make one. All that is derived in the folder
// names the identity too, so a log that was exchanged under it is found out part by part, even if
// this file was exchanged with it. LogMade is written last: from then on a folder without its log
// has lost it.
func (l *Ledger) adopt() error {
	meta := &l.folder.Meta
	if meta.Format == 0 || l.opts.NATS != "" && !meta.LogMade {
		*meta = folder.Meta{Format: folder.Format, Identity: l.log.Identity()}
	}
	if meta.Identity != l.log.Identity() {
		return problem.New(problem.FolderOtherLedger,
			fmt.Sprintf("%s belongs to ledger %s, the log to ledger %s: give each its own folder."+
				" If its %s was damaged, delete that file, and the ledger is known by its log",
				l.folder.Dir, meta.Identity.Ledger, l.log.Identity().Ledger, folder.IdentityFile))
	}
	if meta.LogMade {
		return nil
	}
	return l.folder.LogMade()
}

// disconnect closes all connections. What waits for an answer over them fails.
func (l *Ledger) disconnect() {
	for _, conn := range l.conns {
		conn.Close()
	}
	l.conns = nil
}

// Head returns the end of the log. An empty log has sequence 0. ctx bounds the question, which may
// go to a server.
func (l *Ledger) Head(ctx context.Context) (eventstore.Tail, error) {
	_, tail, err := l.log.Last(ctx)
	return tail, err
}

// NATSURL returns where publishers and auditors connect by NATS, "" when nobody does here.
func (l *Ledger) NATSURL() string {
	if l.server == nil {
		return ""
	}
	return l.server.URL()
}

// WebSocketURL returns where clients connect by NATS over WebSocket, "" when nobody does here.
func (l *Ledger) WebSocketURL() string {
	if l.server == nil {
		return ""
	}
	return l.server.WebSocketURL()
}

// NATSFolder returns the folder of the embedded server, which holds the log.
func (l *Ledger) NATSFolder() string { return l.folder.Path(folder.NATS) }

// GaveUp gets the reason when the embedded server cannot go on, and only another process can.
func (l *Ledger) GaveUp() <-chan string {
	if l.server == nil {
		return nil
	}
	return l.server.GaveUp()
}

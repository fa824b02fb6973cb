// Package natsin takes in what publishers send over NATS, in two ways.
//
// Store and forward: a message on cakupan.intake.NAME is acknowledged once it is durable, and
// becomes events of the log soon after. What has arrived while the last pack was being written is
// sealed as one pack and published to the stream CAKUPAN_INTAKE; on its acknowledgement every
// publisher of the pack gets his own, which looks like JetStream's. A plain stream on the
// publishers' subject would cost an fsync for each message, and keep its NIK in the clear.
//
// Packs are taken from there, several at a time: the ledger takes in the events, what was refused
// is kept in the stream CAKUPAN_REFUSED, sealed too, receipts are published to
// cakupan.receipts.NAME, and the pack is acknowledged and removed.
//
// Request: a message on cakupan.request.NAME is answered with its receipts, once they are true.
//
// Delivered twice, in another order or from before a crash changes nothing: the ledger knows an
// event by its source and id. What fails because of the ledger is tried again for ever; only what
// is wrong with an event refuses it.
//
// Watermill is where other programs meet it, in eventstore/pubsub, and not here: for one handler
// its router took six adapters of ours, and a loop over JetStream's own consumer does without.
//
// # On a cluster
//
// With a NATS cluster, who may publish and read is said by its permissions. A publisher needs:
//
//	publish:   cakupan.intake.NAME, cakupan.request.NAME
//	subscribe: cakupan.receipts.NAME, _INBOX_NAME.> (and his client that inbox prefix)
//
// and the ledger:
//
//	publish:   cakupan.log, cakupan.sealed.>, cakupan.receipts.*, cakupan.writer.*, _INBOX.>,
//	           _INBOX_*.>, $KV.CAKUPAN_ROLES.writer, $JS.ACK.>,
//	           $JS.API.> but $JS.API.STREAM.{DELETE,UPDATE,RESTORE}.>,
//	           $JS.API.STREAM.PURGE.{CAKUPAN,CAKUPAN_REFUSED} and
//	           $JS.API.STREAM.MSG.DELETE.{CAKUPAN,CAKUPAN_INTAKE}
//	subscribe: cakupan.intake.*, cakupan.request.*, cakupan.delivery.*, cakupan.writer.*, _INBOX.>
//
// and $JS.API.STREAM.UPDATE.> for the one start that shall raise the replicas.
//
// Nobody else may publish below cakupan.sealed or make consumers of any stream: JetStream would
// publish for him wherever he likes.
package natsin

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cakupan/cmd/internal/intake"
	"cakupan/domain/event"
	"cakupan/domain/temporal"
	"cakupan/eventstore/jetstream/copies"
	"cakupan/eventstore/seal"
)

// Subjects; the publisher's name follows.
const (
	SubjectIntake   = "cakupan.intake."
	SubjectRequest  = "cakupan.request."
	SubjectReceipts = "cakupan.receipts."
)

// queueGroup makes several ledgers on one cluster take each message once. Without it each ledger
// would store each message, and one publisher would get several answers.
const queueGroup = "cakupan"

// Ledger takes events in. All methods may be called at the same time. An error of Submit says
// nothing about which events are in the log, and the same ones are sent again.
type Ledger interface {
	intake.Submitter

	// Scope returns what a publisher may report now, nil for everything. For somebody who may
	// report nothing the error is an *event.Refusal; every other error is worth trying again.
	Scope(publisher string) (*event.Scope, error)
}

// Points at which Options.Fault is called.
const (
	FaultBeforeStore   = "intake-before-store"   // a pack is sealed
	FaultAfterStore    = "intake-after-store"    // it is durable; nobody was told
	FaultAfterAnswer   = "intake-after-answer"   // its publishers were told
	FaultAfterAppend   = "intake-after-append"   // its events are in the log
	FaultAfterRemoval  = "intake-after-removal"  // an old refusal has made room for a new one
	FaultAfterRefusals = "intake-after-refusals" // what is refused of them is stored
)

// Options of a server.
type Options struct {
	// Connect opens connections. All are closed by Close. Required. Two are opened, one of each
	// kind.
	Connect Connect
	// Sealer seals what is stored. Required. All ledgers of a cluster have the same key, as each
	// must read what the others have stored.
	Sealer *seal.Sealer
	// Replicas is the number of servers that shall keep the streams; 0: as many as the cluster
	// allows.
	Replicas int
	// Writes tells whether the ledger writes, which takes the packs, and has the channel closed
	// when that may have changed. Optional: it always does. It is asked again when the channel is
	// closed; nil is never closed.
	Writes func() (writing bool, changed <-chan struct{})
	// Taken is told whenever the ledger that writes begins to take the packs, or why it cannot.
	// Optional. It is called from one goroutine, and often with nil.
	Taken func(error)
	// FreeSpace tells how many bytes the disk under the streams has left. Optional. An error of it
	// stores nothing: better no room than a disk that is full under the log.
	FreeSpace func() (uint64, error)
	// Forget removes the files of what the server knows of the delivery of packs, which it cannot
	// read: all are delivered again. Optional, and for a server of the ledger's own only.
	Forget func() error
	// HangUp ends the connections of a publisher, who is let in again after a pause. Optional: for
	// a server of the ledger's own. It must not block.
	HangUp func(publisher string, pause time.Duration)
	// Charge has a publisher pay for so much work, before more is read of what he sends. Optional:
	// for a server of the ledger's own. It must not block.
	Charge func(publisher string, work time.Duration)
	// Quota bounds what is kept of what each publisher is refused. Optional: nothing does.
	Quota *Quota
	// Lacking has what servers of a cluster were found to lack of their copies. Optional.
	Lacking *copies.Book
	// Now is the clock. Default: time.Now.
	Now func() time.Time
	// Log is the operator's. Default: none.
	Log *slog.Logger
	// Fault is called at the points above; for crash tests. Optional.
	Fault func(point string)
}

// Connect opens a connection: to where publishers' messages arrive, or to where streams are kept.
// On a cluster they may be the same. Each call opens another connection.
type Connect struct {
	Front func() (*nats.Conn, error)
	Store func() (*nats.Conn, error)
}

// Server takes messages in. Nothing in it outlives the process but what is on the streams.
type Server struct {
	// Set by start and only read after it. Close may find any of them nil: a start that failed.
	opts     Options
	ledger   Ledger
	front    *nats.Conn // where publishers are; what comes from here is not trusted
	store    *nats.Conn // where the streams are
	refusals *Refusals
	packs    *packs // of followRole while it runs; nil: another ledger takes them
	subs     []*nats.Subscription

	arrivals atomic.Uint64 // messages that came
	heedless heedless
	intake   *collector // to be stored and forwarded
	requests *collector // to be answered with receipts
	workers  sync.WaitGroup
	role     sync.WaitGroup // followRole
	stopRole context.CancelFunc
	partly   partly
	settled  settled
	passed   passedOver
	finishBy context.Context // ends when what is in work is given up
	giveUp   context.CancelFunc

	// messageMax is the bytes of the largest message that fits a pack: one larger could be taken
	// from a publisher and never be stored.
	messageMax int
}

// drainMax is how long Close lets packs and requests that have begun come to their end. What is not
// done by then is done by the next start: it costs time, nothing else. It is shorter than an
// operator waits.
const drainMax = 10 * time.Second

// Start makes the streams where there are none, takes up what waits in them, and takes messages in
// until Close. ctx bounds the start alone. After an error nothing is left open. Messages may be
// taken in before it returns.
func Start(ctx context.Context, ledger Ledger, opts Options) (*Server, error) {
	opts.setDefaults()
	s := &Server{
		opts: opts, ledger: ledger, intake: newCollector(), requests: newCollector(),
	}
	s.finishBy, s.giveUp = context.WithCancel(context.WithoutCancel(ctx))
	if err := s.start(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("start intake of messages: %w", err), s.Close())
	}
	return s, nil
}

// setDefaults puts what does nothing in the place of what is optional, so that nobody asks whether
// it is there; but for those that are asked of: FreeSpace, Forget, Quota.
func (o *Options) setDefaults() {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Taken == nil {
		o.Taken = func(error) {}
	}
	if o.Fault == nil {
		o.Fault = func(string) {}
	}
	if o.HangUp == nil {
		o.HangUp = func(string, time.Duration) {}
	}
	if o.Charge == nil {
		o.Charge = func(string, time.Duration) {}
	}
}

// start opens everything in the order in which it is needed: who subscribes last never hears a
// message that nobody could take. What it has opened before an error is closed by Close.
func (s *Server) start(ctx context.Context) (err error) {
	if s.store, err = s.opts.Connect.Store(); err != nil {
		return err
	}
	if s.front, err = s.opts.Connect.Front(); err != nil {
		return err
	}
	s.messageMax = int(min(s.front.MaxPayload(), s.store.MaxPayload())) - packReserve
	js, err := jetstream.New(s.store)
	if err != nil {
		return err
	}
	if err := makeStreams(ctx, s.store, js, s.opts.Replicas); err != nil {
		return err
	}
	s.refusals = NewRefusals(s.store, s.opts.Sealer, s.opts.Quota, s.opts.Lacking)
	s.refusals.freeSpace, s.refusals.fault = s.opts.FreeSpace, s.opts.Fault
	// A ledger that is alone takes its packs before Start returns, so that an error of that is told
	// there.
	if s.opts.Writes == nil {
		s.opts.Writes = func() (bool, <-chan struct{}) { return true, nil }
		if s.packs, err = startPacks(ctx, s, js); err != nil {
			return err
		}
	}
	following, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stopRole = stop
	s.role.Go(func() { s.followRole(following, js) })
	s.workers.Go(s.sendPacks)
	for range requestWorkers {
		s.workers.Go(s.answerRequests)
	}
	if err := s.subscribe(SubjectIntake, s.arriveForStore); err != nil {
		return err
	}
	if err := s.subscribe(SubjectRequest, s.arriveForAnswer); err != nil {
		return err
	}
	return s.front.Flush()
}

// The bounds of what waits in the client library before it is looked at. Looking is quick, so
// it is only there to be finite: what does not fit is lost, and its publisher gets no answer.
const (
	pendingMessagesMax = 256 << 10
	pendingBytesMax    = 128 << 20
)

// subscribe has arrive called with each message and the name at the end of its subject, which the
// server has checked against who is logged in: a publisher cannot give another name. arrive is
// called by one goroutine for each prefix, and must be quick: what waits for it is bounded.
func (s *Server) subscribe(prefix string, arrive func(publisher string, m *nats.Msg)) error {
	sub, err := s.front.QueueSubscribe(prefix+"*", queueGroup, func(m *nats.Msg) {
		arrive(strings.TrimPrefix(m.Subject, prefix), m)
	})
	if err != nil {
		return fmt.Errorf("subscribe to %s*: %w", prefix, err)
	}
	s.subs = append(s.subs, sub)
	return sub.SetPendingLimits(pendingMessagesMax, pendingBytesMax)
}

// roleRetry is how long a ledger that writes waits until it tries again to take the packs.
const roleRetry = time.Second

// followRole takes the packs while the ledger writes, until ctx ends. Only this goroutine sets
// packs while it runs. An error is told, and tried again after roleRetry.
func (s *Server) followRole(ctx context.Context, js jetstream.JetStream) {
	for ctx.Err() == nil {
		writing, changed := s.opts.Writes()
		var again <-chan time.Time
		var strayed <-chan struct{}
		switch {
		case writing && s.packs == nil:
			err := s.remakeStreams(ctx, js)
			if err == nil {
				s.packs, err = startPacks(ctx, s, js)
			}
			if err != nil {
				s.opts.Log.WarnContext(ctx, "messages wait, because they cannot be taken",
					slog.Any("error", err))
				again = time.After(roleRetry)
			}
			s.opts.Taken(err)
		case !writing && s.packs != nil:
			s.leavePacks()
		}
		if s.packs != nil {
			strayed = s.packs.strayed
		}
		if !writing {
			s.opts.Taken(nil) // another ledger takes them
		}
		select {
		case <-changed:
		case <-again:
		case <-strayed:
			s.opts.Log.WarnContext(ctx, "the consumer of the packs is made anew",
				slog.Any("error", s.packs.why))
			s.endPacks(s.finishBy) // none is in work here and with the next consumer too
		case <-ctx.Done():
		}
	}
}

// leavePacks leaves the packs to the ledger that writes now. What is in work is not waited for:
// that ledger takes it too, and finds it there already.
func (s *Server) leavePacks() {
	given, cancel := context.WithCancel(s.finishBy)
	cancel()
	s.endPacks(given)
}

// endPacks takes no more packs. It waits for those in work until ctx ends.
func (s *Server) endPacks(ctx context.Context) {
	if err := s.packs.close(ctx); err != nil {
		s.opts.Log.WarnContext(ctx, "packs are left as they are", slog.Any("error", err))
	}
	s.packs = nil
}

// now is the time by the clock.
func (s *Server) now() temporal.Instant { return temporal.Instant(s.opts.Now().UnixNano()) }

// respond answers a message, if anybody waits for that. The subject is vetted once more here, so
// that no answer can go elsewhere by whatever way it comes.
func (s *Server) respond(reply string, answer *nats.Msg) {
	if reply == "" || !isInbox(reply) {
		return
	}
	answer.Subject = reply
	s.answered(s.front.PublishMsg(answer))
}

// answered notes that an answer could not be given. Its publisher will ask again.
func (s *Server) answered(err error) {
	if err != nil {
		s.opts.Log.Warn("message cannot be answered", slog.Any("error", err))
	}
}

// Close takes no more messages, lets what has begun come to its end, for some seconds, and closes
// the connections. What is stored and not yet taken in waits for the next start.
//
// The order is that of a message: first nobody new is heard, then what has arrived is stored or
// answered, then packs in work end, then the connections. A crash in place of it loses nothing that
// was acknowledged.
func (s *Server) Close() error {
	timer := time.AfterFunc(drainMax, s.giveUp)
	defer timer.Stop()
	for _, sub := range s.subs {
		// Drained, so that what has arrived is looked at; on a broken connection there is nothing.
		_ = sub.Drain()
	}
	s.awaitDrained()
	s.intake.close()
	s.requests.close()
	s.workers.Wait()
	if s.stopRole != nil {
		s.stopRole()
		s.role.Wait()
	}
	var err error
	if s.packs != nil {
		err = s.packs.close(s.finishBy)
	}
	for _, conn := range []*nats.Conn{s.front, s.store} {
		if conn == nil {
			continue
		}
		// Answers that are not sent are as good as lost on the way: their publishers ask again.
		_ = conn.FlushTimeout(time.Second)
		conn.Close()
	}
	s.giveUp()
	return err
}

// awaitDrained returns when all that had arrived before the drain was looked at.
func (s *Server) awaitDrained() {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for _, sub := range s.subs {
		for sub.IsValid() && !s.front.IsClosed() {
			select {
			case <-tick.C:
			case <-s.finishBy.Done():
				return
			}
		}
	}
}

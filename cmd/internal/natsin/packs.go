package natsin

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	log "cakupan/eventstore/jetstream"
)

const (
	// packsInWork is how many packs are taken in at a time; their events share frames of the log.
	packsInWork = 8

	// packsDelivered is how many packs the server sends ahead, those in work included.
	packsDelivered = 2 * packsInWork

	// attemptMax bounds one attempt at a pack. The ledger's own patience with its log comes on
	// top of it: about 20 s.
	attemptMax = 20 * time.Second

	// retryMax is how long a pack is tried before the server is asked to deliver it again later.
	retryMax = 30 * time.Second

	// ackWait is when the server believes that a pack is lost on its way. It is longer than any
	// pack is held here, so that no pack is in work twice.
	ackWait = 2 * time.Minute

	// sweepEvery is how often settled packs are removed. Together, because each removal is flushed.
	sweepEvery = 250 * time.Millisecond

	// tellEvery is how often the operator is told that messages wait.
	tellEvery = 10 * time.Second

	retryFirst = 50 * time.Millisecond
	retryLast  = 2 * time.Second
	nackFirst  = 250 * time.Millisecond
	nackLast   = 5 * time.Second
)

// HeaderPack is the header of receipts that tells in which pack their messages were: the "seq" of
// the acknowledgements that their publisher got. 0: the server did not tell the number.
const HeaderPack = "Cakupan-Pack"

// packs takes packs from the stream to the log, several at a time. It is used once: after close, or
// when the consumer has strayed, another one is started.
type packs struct {
	server   *Server
	consumer jetstream.PushConsumer
	made     *jetstream.ConsumerInfo // as the consumer was made
	delivery jetstream.ConsumeContext
	waiting  chan jetstream.Msg // delivered, and nobody has begun with them
	workers  sync.WaitGroup
	hands    hands        // what of them is here
	told     atomic.Int64 // when the operator was last told that messages wait; ns since 1970

	running  context.Context // ends with the taking of packs
	stop     context.CancelFunc
	known    context.Context // ends when the consumer strays, which then confirms nothing
	forget   context.CancelFunc
	stream   *log.Passing // the packs as each server has them
	sweeping context.CancelFunc
	first    uint64         // no pack before it is there: of sweepAll
	swept    chan struct{}  // closed when the sweeping has ended
	expiring sync.WaitGroup // of old refusals; ends with the sweeping

	strayOnce sync.Once
	why       error         // the consumer must be made anew; set before strayed is closed
	strayed   chan struct{} // closed when it must
	watched   chan struct{} // closed when the watch has ended
}

// hands is how many packs are here, and since when there is none. Its methods may be called at the
// same time.
type hands struct {
	mu    sync.Mutex
	count int
	since time.Time
}

// take counts a pack that was delivered.
func (h *hands) take() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.count++
}

// leave gives a pack back, which does not come again before the pause is over.
func (h *hands) leave(pause time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.count--
	if until := time.Now().Add(pause); until.After(h.since) {
		h.since = until
	}
}

// empty tells whether there has been no pack here for so long, though one could have come.
func (h *hands) empty(long time.Duration) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.count == 0 && time.Since(h.since) >= long
}

// startPacks begins to take in packs. After an error nothing of it runs. ctx bounds the start.
func startPacks(ctx context.Context, s *Server, js jetstream.JetStream) (p *packs, err error) {
	p = &packs{
		server: s, waiting: make(chan jetstream.Msg, packsDelivered), swept: make(chan struct{}),
		first: 1, strayed: make(chan struct{}), watched: make(chan struct{}),
		hands: hands{since: time.Now()},
		stream: log.NewPassing(s.store, StreamIntake, s.opts.Lacking).
			Prove(Opens(s.opts.Sealer, StreamIntake)),
	}
	if p.consumer, err = takeOverPacks(ctx, js, s.opts.Forget); err != nil {
		return nil, err
	}
	p.made = p.consumer.CachedInfo()
	// Stopped by close, not by the context: what is in work comes to its end.
	ctx = context.WithoutCancel(ctx)
	p.running, p.stop = context.WithCancel(ctx)
	p.known, p.forget = context.WithCancel(ctx)
	if p.delivery, err = p.consumer.Consume(p.arrive); err != nil {
		p.stop()
		p.forget()
		return nil, fmt.Errorf("take packs: %w", err)
	}
	s.opts.Quota.forget()
	for range packsInWork {
		p.workers.Go(p.work)
	}
	ctx, p.sweeping = context.WithCancel(ctx)
	go p.sweepAll(ctx, js)
	go p.watch(ctx, js)
	p.expiring.Go(func() { p.expireAll(ctx) })
	return p, nil
}

// arrive takes over a pack that was delivered. What arrives after close has begun is delivered
// again at the next start.
func (p *packs) arrive(m jetstream.Msg) {
	p.hands.take()
	select {
	case p.waiting <- m:
	case <-p.running.Done():
		p.hands.leave(0)
	}
}

// work takes in pack after pack until close.
func (p *packs) work() {
	for p.running.Err() == nil {
		select {
		case m := <-p.waiting:
			p.takeIn(m)
		case <-p.running.Done():
		}
	}
}

// takeIn takes a pack in and acknowledges it, or asks for it again later. It is acknowledged after
// all that follows from it is durable: if we crash before, it comes again, and changes nothing.
func (p *packs) takeIn(m jetstream.Msg) {
	number, deliveries := uint64(0), uint64(0)
	if meta, err := m.Metadata(); err == nil {
		number, deliveries = meta.Sequence.Stream, meta.NumDelivered
	}
	pause := time.Duration(0)
	defer func() { p.hands.leave(pause) }()
	pack, err := packOf(m.Data()), error(nil)
	if !p.server.settled.has(number, pack) {
		err = p.finish(number, pack, m.Data())
	}
	if err == nil {
		// Once it is confirmed, the pack does not come again at the next start.
		ctx, cancel := context.WithTimeout(p.known, requestMax)
		defer cancel()
		if err = m.DoubleAck(ctx); err == nil {
			return
		}
	}
	p.server.opts.Log.Warn("a pack is put off", slog.Uint64("pack", number),
		slog.Any("error", err))
	pause = nackDelay(deliveries)
	if err := m.NakWithDelay(pause); err != nil {
		// Then the server delivers it again by itself, after ackWait.
		p.server.opts.Log.Warn("a pack cannot be put off", slog.Any("error", err))
	}
}

// finish takes in what is in a pack, and tells the receipts. Nothing of the pack is acknowledged
// here: who calls it does that when all is durable. Where some publishers must wait it returns the
// error, with the others told and noted.
func (p *packs) finish(number uint64, pack string, sealed []byte) error {
	receipts, err := p.retry(sealed)
	if isUnreadable(err) {
		receipts, err = p.otherwise(number, sealed)
	}
	switch {
	case err == nil:
		err = p.tell(number, receipts)
	case isDear(err) && p.tell(number, receipts) == nil:
		p.server.partly.note(pack, receipts)
	}
	if err != nil {
		return err
	}
	p.server.settled.note(number, pack)
	p.server.partly.forget(pack)
	return nil
}

// otherwise takes in a pack that cannot be opened: as another server has it, on a cluster. What no
// server has otherwise is kept as it is. While one does not answer that may, it waits.
func (p *packs) otherwise(number uint64, sealed []byte) ([]told, error) {
	ctx, cancel := context.WithTimeout(p.server.finishBy, attemptMax)
	defer cancel()
	is, sure, err := p.stream.Whole(ctx, log.Stored{
		Number: number, Subject: subjectPacks, Data: sealed,
	})
	switch {
	case err != nil:
		return nil, err
	case !bytes.Equal(is.Data, sealed):
		return p.retry(is.Data)
	case !sure:
		return nil, fmt.Errorf("%w: pack %d", errUnheard, number)
	}
	return nil, p.server.putUnreadable(sealed)
}

// nackDelay is how long the server waits before it delivers a pack again: twice as long after each
// delivery, up to a bound.
func nackDelay(deliveries uint64) time.Duration {
	return min(nackFirst<<min(deliveries-min(deliveries, 1), 16), nackLast)
}

// retry takes a pack in, again and again for a while if that fails, and returns the receipts. An
// error after that puts the pack off; it is never given up.
func (p *packs) retry(sealed []byte) ([]told, error) {
	pauses := backoff.NewExponentialBackOff()
	pauses.InitialInterval, pauses.MaxInterval = retryFirst, retryLast
	pauses.Multiplier, pauses.RandomizationFactor = 2, 0.2
	attempt := func() ([]told, error) {
		receipts, err := p.attempt(sealed)
		if err != nil && !p.worthAnother(err) {
			err = backoff.Permanent(err)
		}
		return receipts, err
	}
	return backoff.Retry(p.running, attempt,
		backoff.WithBackOff(pauses), backoff.WithMaxElapsedTime(retryMax))
}

// attempt takes a pack in once. A panic in it is an error.
func (p *packs) attempt(sealed []byte) (receipts []told, err error) {
	defer recovered(&err)
	ctx, cancel := context.WithTimeout(p.server.finishBy, attemptMax)
	defer cancel()
	return p.server.handle(ctx, sealed)
}

// worthAnother tells whether another attempt at once may help, and tells the operator now and then
// that messages wait. Several workers fail at once when the ledger does; one of them tells.
func (p *packs) worthAnother(err error) bool {
	switch {
	case isUnreadable(err), errors.Is(err, errPanic):
		return false
	case isDear(err):
		return false // later: other publishers need not wait for this one
	}
	now := p.server.opts.Now().UnixNano()
	if told := p.told.Load(); now-told > int64(tellEvery) && p.told.CompareAndSwap(told, now) {
		p.server.opts.Log.Warn("messages wait, because the ledger does not take their events",
			slog.Any("error", err))
	}
	return true
}

// tell publishes the receipts of a pack. They are told, not stored. If we crash after it and before
// the pack is acknowledged, they are told again, as duplicates: who counts them must count by id.
func (p *packs) tell(number uint64, receipts []told) error {
	for i := range receipts {
		err := p.server.front.PublishMsg(&nats.Msg{
			Subject: SubjectReceipts + receipts[i].publisher,
			Header: nats.Header{
				"Content-Type": {dataType}, HeaderPack: {strconv.FormatUint(number, 10)},
			},
			Data: receipts[i].text,
		})
		if err != nil {
			return fmt.Errorf("publish receipts: %w", err)
		}
	}
	return nil
}

// close takes no further packs, and waits for those in work: until ctx ends, which ends their
// attempts too, and as long again for the ledger to give up.
func (p *packs) close(ctx context.Context) error {
	p.stop()
	ended := make(chan struct{})
	go func() { p.workers.Wait(); close(ended) }()
	err := error(nil)
	select {
	case <-ended:
	case <-ctx.Done():
		select {
		case <-ended:
		case <-time.After(drainMax):
			err = errors.New("close intake of messages: a pack is in work still")
		}
	}
	p.delivery.Stop()
	p.sweeping()
	<-p.swept
	<-p.watched
	p.expiring.Wait()
	p.forget()
	return err
}

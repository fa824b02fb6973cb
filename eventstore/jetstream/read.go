package jetstream

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"cakupan/eventstore"
	"cakupan/eventstore/jetstream/copies"
)

const (
	// patienceBehind is how long a reader that knows of further messages waits for one before it
	// asks for it by number. A healthy server delivers within milliseconds.
	patienceBehind = 250 * time.Millisecond

	// patienceAtEnd is how often a follower at the end of the log asks whether it missed
	// something. It is no latency: new messages are delivered at once.
	patienceAtEnd = time.Second

	// pauseFirst and pauseMax bound the pauses of a follower that cannot reach the log: twice as
	// long each time.
	pauseFirst = 50 * time.Millisecond
	pauseMax   = time.Second

	// doubtPause is the first of the doubtsMax pauses, each twice as long as the one before, after
	// which the leader is asked again for a message that it has not: 1.5 s in all.
	doubtPause = 100 * time.Millisecond
	doubtsMax  = 4
)

// errStop ends an iteration because the loop did.
var errStop = errors.New("loop has ended")

// Read yields the frames from the one that holds the event to the end as of the call.
func (l *Log) Read(
	ctx context.Context, from eventstore.Sequence,
) iter.Seq2[eventstore.Frame, error] {
	return l.frames(ctx, from, false)
}

// Follow yields the same and goes on with new frames. A frame is delivered less than a
// millisecond after it was acknowledged.
func (l *Log) Follow(
	ctx context.Context, from eventstore.Sequence,
) iter.Seq2[eventstore.Frame, error] {
	return l.frames(ctx, from, true)
}

// frames runs a reader. The state of a run is in the reader alone, so that any number may go on at
// the same time.
func (l *Log) frames(
	ctx context.Context, from eventstore.Sequence, follow bool,
) iter.Seq2[eventstore.Frame, error] {
	return func(yield func(eventstore.Frame, error) bool) {
		r := &reader{log: l, from: from, follow: follow, yield: yield}
		err := r.run(ctx)
		r.stop()
		if err != nil && !errors.Is(err, errStop) {
			yield(eventstore.Frame{}, fmt.Errorf("read log: %w", err))
		}
	}
}

// reader is one run of Read or Follow. It believes numbers, not deliveries: next says which message
// must come, want which event. A message that comes again is passed over, one that is missing is
// asked for, and only what the leader does not have either, nor another server, is lost.
type reader struct {
	log    *Log
	from   eventstore.Sequence
	follow bool
	yield  func(eventstore.Frame, error) bool

	begun  bool                // what follows is set
	puller *puller             // nil until messages are needed in bulk
	next   uint64              // the message to come
	end    uint64              // the last message known to exist
	want   eventstore.Sequence // the event to come
	lost   string              // why the events from want on are missing, "" if nothing is
	doubts int                 // how often the leader has been asked again for what it has not
}

// run yields frames until the end, or for ever when following. A follower goes on where it was
// once the log can be reached again, however long that takes: a cluster may change its leader, or
// be away, and nobody should have to start anything again.
func (r *reader) run(ctx context.Context) error {
	pause := pauseFirst
	for {
		before := r.next
		err := r.runOnce(ctx)
		if !r.follow || !r.log.mayPass(ctx, err) {
			return err
		}
		r.stop()
		if pause = min(2*pause, pauseMax); r.next != before {
			pause = pauseFirst
		}
		if err := wait(ctx, pause); err != nil {
			return err
		}
	}
}

// mayPass reports whether what an error of reading says may be otherwise a moment later.
func (l *Log) mayPass(ctx context.Context, err error) bool {
	return err != nil && ctx.Err() == nil && !errors.Is(err, errStop) &&
		!errors.Is(err, eventstore.ErrNewerFormat) && !errors.Is(err, eventstore.ErrUnsafe) &&
		!l.conn.IsClosed() && !l.reader.Conn().IsClosed()
}

// wait waits, or returns the error of ctx.
func wait(ctx context.Context, pause time.Duration) error {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// runOnce yields frames until the end, or until something fails; then it may be called again.
func (r *reader) runOnce(ctx context.Context) error {
	if !r.begun {
		if err := r.begin(ctx); err != nil {
			return err
		}
		r.begun = true
	}
	for r.follow || r.next <= r.end {
		if err := r.step(ctx); err != nil {
			return err
		}
	}
	return r.nameLostEnd()
}

// begin finds the message to begin with.
func (r *reader) begin(ctx context.Context) error {
	state, err := r.log.state(ctx)
	if err != nil {
		return err
	}
	state.Last = r.log.stored.end(state.Last)
	r.next, r.end, r.want = 1, state.Last, 1
	if state.Last == 0 || r.from <= 1 {
		return nil
	}
	frame, number, err := r.log.locate(ctx, state, r.from)
	switch {
	case err != nil:
		return err
	case frame.Last() >= r.from:
		r.next, r.want = number, frame.First()
	case !frame.IsZero(): // the event is damaged, or yet to come
		r.next, r.want = number+1, frame.Last()+1
	}
	return nil
}

// step takes the next message, from the puller if it has one, else from the stream's leader.
func (r *reader) step(ctx context.Context) (err error) {
	if r.puller == nil {
		if r.puller, err = r.log.newPuller(ctx, r.next); err != nil {
			return err
		}
	}
	patience := patienceBehind
	if r.next > r.end {
		patience = patienceAtEnd
	}
	msg, err := r.puller.receive(ctx, patience)
	switch {
	case errors.Is(err, errSilent):
		return r.afterSilence(ctx)
	case err != nil:
		return err
	case msg.number < r.next: // had it already, from the leader
		return nil
	case msg.number > r.next: // passed over: the leader has the last word
		if err := r.fetch(ctx, msg.number-1); err != nil {
			return err
		}
	}
	if !r.follow && msg.number > r.end {
		return nil
	}
	return r.accept(ctx, msg)
}

// afterSilence finds out whether the puller has nothing to deliver, is slow, or has passed over
// something at the end, and gets from the leader what there is.
func (r *reader) afterSilence(ctx context.Context) error {
	if r.follow {
		state, err := r.log.state(ctx)
		if err != nil {
			return err
		}
		r.end = max(r.end, r.log.stored.end(state.Last))
	}
	if r.next > r.end {
		return nil
	}
	// Whatever the reason was, the puller that begins behind the gap is a new one.
	r.stop()
	if err := r.fetch(ctx, r.next); err != nil || r.lost == "" {
		return err
	}
	// The message is lost: so may be many after it.
	if err := r.fetch(ctx, r.end); err != nil || !r.follow {
		return err
	}
	// A follower would otherwise wait at a damaged end for a frame that may never come.
	return r.nameLostEnd()
}

// fetch gets the messages up to the given one from the leader, and takes those that the leader
// has not either for lost.
func (r *reader) fetch(ctx context.Context, last uint64) error {
	if !r.follow {
		last = min(last, r.end)
	}
	for r.next <= last {
		msg, err := r.get(ctx)
		if err != nil && !errors.Is(err, errNoMessage) {
			return err
		}
		if err != nil || msg.number > last {
			r.damaged(r.next, last)
			break
		}
		if msg.number > r.next {
			r.damaged(r.next, msg.number-1)
		}
		if err := r.accept(ctx, msg); err != nil {
			return err
		}
	}
	return nil
}

// get gets the next message, or the first one behind it that there is. The server says that there
// is no message whatever kept it from reading one (no descriptors, a stream that is being opened
// again after a failed write), so what it has not is asked for again before it is called lost.
// However much is lost, it is waited for once.
func (r *reader) get(ctx context.Context) (message, error) {
	for pause := doubtPause; ; pause *= 2 {
		msg, err := r.log.getFrom(ctx, r.next)
		isLost := errors.Is(err, errNoMessage) || err == nil && msg.number > r.next
		if !isLost && pause > doubtPause {
			r.doubts = 0 // nor was it lost: the next one is doubted too
		}
		switch {
		case !isLost:
			return msg, err
		case r.doubts == doubtsMax:
			return r.elsewhere(ctx, msg, err)
		}
		r.doubts++
		if err := wait(ctx, pause); err != nil {
			return message{}, err
		}
	}
}

// elsewhere asks the other copies for the next message, which the leader has not. What the leader
// has instead, or its error, is returned if none of them has an earlier one.
func (r *reader) elsewhere(ctx context.Context, msg message, lost error) (message, error) {
	other, found, err := r.log.copies.From(ctx, r.next, isFrame)
	switch {
	case err != nil:
		return message{}, err
	case !found || lost == nil && other.Number >= msg.number:
		return msg, lost
	}
	return message{number: other.Number, data: other.Data}, nil
}

// parse returns the frame in the next message; bad says why there is none, err why that cannot be
// told. Where it is not the next frame, the other copies are asked for theirs of the same message.
// After something that is lost, nobody knows which frame should be the next.
func (r *reader) parse(
	ctx context.Context, msg message,
) (frame eventstore.Frame, bad, err error) {
	if msg, err = r.log.asStored(ctx, msg); err != nil {
		return frame, nil, err
	}
	frame, bad = eventstore.ParseFrame(msg.data)
	if errors.Is(bad, eventstore.ErrNewerFormat) ||
		bad == nil && (frame.First() == r.want || r.lost != "") {
		return frame, bad, nil
	}
	other, found, err := r.log.copies.From(ctx, msg.number, func(m copies.Message) bool {
		frame, err := eventstore.ParseFrame(m.Data)
		return err == nil && (frame.First() == r.want || r.lost != "" && frame.First() > r.want)
	})
	if err == nil && found && other.Number == msg.number {
		frame, bad = eventstore.ParseFrame(other.Data)
	}
	return frame, bad, err
}

// damaged notes that a range of messages cannot be read.
func (r *reader) damaged(first, last uint64) {
	switch {
	case r.lost != "": // the first reason is the one to tell
	case first == last:
		r.lost = fmt.Sprintf("message %d of the stream cannot be read", first)
	default:
		r.lost = fmt.Sprintf("messages %d to %d of the stream cannot be read", first, last)
	}
	r.next = last + 1
}

// accept checks the message as the next one and yields its frame. A frame of a newer format ends
// the run: to call it damaged would be to say that events are lost which a newer program reads.
func (r *reader) accept(ctx context.Context, msg message) error {
	frame, bad, err := r.parse(ctx, msg)
	if err == nil && bad == nil {
		frame, err = r.log.awaitStored(ctx, msg.number, frame)
	}
	if err != nil {
		return err
	}
	r.next = msg.number + 1
	if errors.Is(bad, eventstore.ErrNewerFormat) {
		return fmt.Errorf("message %d: %w", msg.number, bad)
	}
	if bad != nil {
		if r.lost == "" {
			r.lost = fmt.Sprintf("message %d of the stream: %v", msg.number, bad)
		}
		return nil
	}
	if err := r.checkDense(frame, msg.number); err != nil {
		return err
	}
	// A second copy was named by checkDense and is not delivered: who folds it would count it
	// twice.
	if frame.First() < r.want {
		return nil
	}
	r.want, r.lost = frame.Last()+1, ""
	if frame.Last() < r.from {
		return nil
	}
	return r.emit(frame, nil)
}

// checkDense yields a *DamageError when the frame does not follow the one before.
func (r *reader) checkDense(frame eventstore.Frame, number uint64) error {
	switch first := frame.First(); {
	case first < r.want:
		return r.emit(eventstore.Frame{}, &eventstore.DamageError{
			From: first, To: frame.Last(),
			Reason: fmt.Sprintf("message %d of the stream holds them a second time", number),
		})
	case first > r.want:
		reason := r.lost
		if reason == "" {
			reason = fmt.Sprintf("no message before message %d of the stream holds them", number)
		}
		return r.emit(eventstore.Frame{}, &eventstore.DamageError{
			From: r.want, To: first - 1, Reason: reason,
		})
	}
	return nil
}

// nameLostEnd yields a *DamageError for what was lost at the end of the log, where no frame tells
// how many events there were.
func (r *reader) nameLostEnd() error {
	if r.lost == "" {
		return nil
	}
	reason := r.lost
	r.lost = ""
	return r.emit(eventstore.Frame{}, &eventstore.DamageError{From: r.want, Reason: reason})
}

// emit yields to the loop; errStop when the loop has ended itself.
func (r *reader) emit(frame eventstore.Frame, err error) error {
	if !r.yield(frame, err) {
		return errStop
	}
	return nil
}

// stop ends the puller, if there is one.
func (r *reader) stop() {
	if r.puller != nil {
		r.puller.stop()
		r.puller = nil
	}
}

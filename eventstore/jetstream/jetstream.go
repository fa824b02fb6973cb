// Package jetstream is the log on a NATS JetStream stream: one stream with one subject, one
// message a frame. It is an [eventstore.Log]; see there for what its methods promise.
//
// JetStream is trusted to keep order, to fence appends and to flush them. It is not trusted to
// notice its own damage: after one flipped bit it serves the rest and reports that all is well.
// So every frame is checked when it is read, a missing message is asked for by its number before
// it is believed lost, and what is lost is named. On a cluster the other servers are asked for
// their copies first.
//
// The server must run with sync_interval: always, which a client cannot check; natsd sets it.
package jetstream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cakupan/eventstore"
	"cakupan/eventstore/jetstream/copies"
)

const (
	// StreamDefault is the name of the stream that holds the log.
	StreamDefault = "CAKUPAN"

	// Subject is the one subject of the stream: every frame is published there.
	Subject = "cakupan.log"

	// FreeSpaceMin is how many bytes must be free on the disk for an append. When JetStream meets
	// a full disk it stops altogether until it is restarted; the reserve is what keeps it from
	// that. It covers the largest frame, JetStream's indexes, and what other processes may write
	// between two appends.
	FreeSpaceMin = 64 << 20

	// requestMax bounds one request to JetStream's API.
	requestMax = 10 * time.Second

	// askAgain is after how long a question is asked once more, twice as long each time: one that
	// was on its way to a leader that is gone is never answered.
	askAgain = 2 * time.Second
)

// Options of a log.
type Options struct {
	// Stream is the stream's name. Default: StreamDefault.
	Stream string
	// Replicas is the number of servers that keep the log. Default: what the cluster allows, see
	// Replicas. Open raises the number where it is given, and else refuses a log that has fewer.
	Replicas int
	// FreeSpace tells how many bytes the disk under the stream has left. Optional: give it when
	// the server runs on this machine. Below FreeSpaceMin appends are refused with ErrFull.
	FreeSpace func() (uint64, error)
	// Reader is a connection of its own for the frames that Read and Follow deliver, so that a
	// replay does not stand in the way of acknowledgements. Default: the log's connection.
	Reader *nats.Conn
	// Messages tells the numbers of the first and the last message of a stream, and when the last
	// was stored. Optional: give it when the server is part of this program, which then is not sent
	// a request for it.
	Messages func(stream string) (first, last uint64, lastAt time.Time, err error)
	// Store tells whether the stream can be written. Optional, as above.
	Store Store
	// Lacking has what servers of a cluster were found to lack of their copies. Optional.
	Lacking *copies.Book
}

// Store is where the stream is stored, in this program.
type Store interface {
	// Check returns an error while a write has failed and the stream was not opened again: what was
	// sent before may be in it or not.
	Check() error
	// Broken returns a channel that is closed when a write fails. Who waits for an answer then
	// gets none.
	Broken() <-chan struct{}
}

// check returns why the stream cannot be written, if that is known.
func (l *Log) check() error {
	if l.store == nil {
		return nil
	}
	return l.store.Check()
}

// Log is a log on a JetStream stream.
type Log struct {
	// conn is for appends and for questions to the leader, reader for what is delivered in bulk.
	conn      *nats.Conn
	reader    jetstream.JetStream
	stream    string
	identity  eventstore.Identity
	freeSpace func() (uint64, error)
	messages  func(stream string) (first, last uint64, lastAt time.Time, err error) // or nil
	store     Store                                                                 // or nil
	stored    *stored                                                               // nil: no store
	copies    *copies.Copies                                                        // of a cluster

	pullers atomic.Int64              // that read at the moment
	last    atomic.Pointer[lastFrame] // nil: not read yet
}

// lastFrame is the frame with which a stream of the state ends. A message that is stored never
// becomes another one, so it is read once: it may be large, and health often asks for the end.
type lastFrame struct {
	state streamState
	frame eventstore.Frame
}

var _ eventstore.Log = (*Log)(nil)

// Create creates the stream of a new log and opens it. The error wraps ErrExists when there is a
// stream of that name.
func Create(
	ctx context.Context, conn *nats.Conn, opts Options, identity eventstore.Identity,
) (*Log, error) {
	opts = opts.withDefaults(conn)
	js, err := jetstream.New(conn)
	if err != nil {
		return nil, fmt.Errorf("create log %s: %w", opts.Stream, err)
	}
	ctx, cancel := context.WithTimeout(ctx, requestMax)
	defer cancel()
	opts.Replicas = Replicas(conn, opts.Replicas)
	stream, err := js.CreateStream(ctx, configOf(opts, identity))
	if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
		return nil, fmt.Errorf("create log %s: %w", opts.Stream, eventstore.ErrExists)
	}
	if err != nil {
		return nil, fmt.Errorf("create log %s with replicas %d: %w",
			opts.Stream, opts.Replicas, err)
	}
	return open(conn, opts, stream.CachedInfo())
}

// Open opens the log. The error wraps ErrNoLog when there is no such stream, ErrUnsafe when the
// stream is not one that Create made or could lose events as it is configured now, and
// ErrNewerFormat when a newer version of this program made it.
func Open(ctx context.Context, conn *nats.Conn, opts Options) (*Log, error) {
	opts = opts.withDefaults(conn)
	js, err := jetstream.New(conn)
	if err != nil {
		return nil, fmt.Errorf("open log %s: %w", opts.Stream, err)
	}
	var stream jetstream.Stream
	err = insist(ctx, func(ctx context.Context) (err error) {
		stream, err = js.Stream(ctx, opts.Stream)
		return err
	})
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil, fmt.Errorf("open log %s: %w", opts.Stream, eventstore.ErrNoLog)
	}
	if err != nil {
		return nil, fmt.Errorf("open log %s: %w", opts.Stream, err)
	}
	if err := checkSafe(stream.CachedInfo().Config); err != nil {
		return nil, fmt.Errorf("open log %s: %w", opts.Stream, err)
	}
	if err := Replicate(ctx, conn, stream.CachedInfo().Config, opts.Replicas); err != nil {
		return nil, fmt.Errorf("open log %s: %w", opts.Stream, err)
	}
	return open(conn, opts, stream.CachedInfo())
}

// open makes the log of a stream that Create has just made or Open has found safe.
func open(conn *nats.Conn, opts Options, info *jetstream.StreamInfo) (*Log, error) {
	identity, err := identityOf(info.Config)
	if err != nil {
		return nil, fmt.Errorf("open log %s: %w", opts.Stream, err)
	}
	reader, err := jetstream.New(opts.Reader)
	if err != nil {
		return nil, fmt.Errorf("open log %s: %w", opts.Stream, err)
	}
	var onDisk *stored
	if opts.Store != nil {
		onDisk = newStored(info.State.LastSeq)
	}
	return &Log{
		stored:    onDisk,
		conn:      conn,
		reader:    reader,
		stream:    opts.Stream,
		identity:  identity,
		freeSpace: opts.FreeSpace,
		messages:  opts.Messages,
		store:     opts.Store,
		copies:    copies.New(conn, opts.Stream, opts.Lacking),
	}, nil
}

// withDefaults fills in what was left out.
func (o Options) withDefaults(conn *nats.Conn) Options {
	if o.Stream == "" {
		o.Stream = StreamDefault
	}
	if o.Reader == nil {
		o.Reader = conn
	}
	return o
}

// Identity names the log.
func (l *Log) Identity() eventstore.Identity { return l.identity }

// Last reads the last frame and the end of the log from the stream's leader. It ends where Read
// does: what is being written by this log, and may not last, is not in it. After a write has failed
// the end is not known until the stream was opened again: what the server has in its memory is not
// what it will find on the disk.
func (l *Log) Last(ctx context.Context) (eventstore.Frame, eventstore.Tail, error) {
	frame, tail, err := l.readEnd(ctx)
	if err != nil {
		return eventstore.Frame{}, eventstore.Tail{}, fmt.Errorf("read end of log: %w", err)
	}
	return frame, tail, nil
}

func (l *Log) readEnd(
	ctx context.Context,
) (frame eventstore.Frame, tail eventstore.Tail, err error) {
	if err := l.check(); err != nil {
		return frame, tail, err
	}
	ends := l.stored.ask()
	state, err := l.state(ctx)
	if err != nil {
		return frame, tail, err
	}
	end, settled := ends(state.Last)
	if end < state.Last {
		state.Last, state.LastAt = end, time.Time{} // which is that of the one under way
	}
	if state.Last == 0 {
		return frame, tail, nil
	}
	if frame, err = l.frameOf(ctx, state); err != nil {
		return frame, tail, err
	}
	if err := l.check(); err != nil {
		return frame, tail, err
	}
	tail = frame.Tail(state.Last)
	if settled {
		l.stored.found(tail)
	}
	return frame, tail, nil
}

// frameOf returns the frame that a stream of the state ends with. It is read once.
func (l *Log) frameOf(ctx context.Context, state streamState) (eventstore.Frame, error) {
	if last := l.last.Load(); last != nil && last.state == state {
		return last.frame, nil
	}
	frame, err := l.readLast(ctx, state)
	if err == nil {
		l.last.Store(&lastFrame{state, frame})
	}
	return frame, err
}

// readLast reads the frame that the stream ends with. When it is unreadable, the last readable
// frame before it tells which events are lost.
func (l *Log) readLast(ctx context.Context, state streamState) (eventstore.Frame, error) {
	message, err := l.get(ctx, state.Last)
	if err == nil {
		var frame eventstore.Frame
		if frame, err = eventstore.ParseFrame(message.data); err == nil {
			return frame, nil
		}
	}
	if !errors.Is(err, errNoMessage) && !errors.Is(err, eventstore.ErrFrame) {
		return eventstore.Frame{}, err
	}
	other, found, failed := l.copies.From(ctx, state.Last, isFrame)
	switch {
	case failed != nil:
		return eventstore.Frame{}, failed
	case found && other.Number == state.Last:
		return eventstore.ParseFrame(other.Data)
	}
	damage := &eventstore.DamageError{
		From:   1,
		Reason: fmt.Sprintf("message %d: %v", state.Last, err),
	}
	before, _, err := l.lastReadable(ctx, state)
	if err != nil {
		return eventstore.Frame{}, err
	}
	damage.From = before.Last() + 1
	return eventstore.Frame{}, damage
}

// CompareCopies reads each server's copy of the log, on a cluster, and notes what one lacks that
// another one has, or has otherwise; see [copies.Copies.Compare]. Of two frames in one place that
// one was stored over which the roots of those after it were made. rest is called now and then.
func (l *Log) CompareCopies(ctx context.Context, rest func()) error {
	is := check()
	is.Judge = newChain()
	return l.copies.Compare(ctx, is, rest)
}

// RecheckCopies looks again at what is noted of them.
func (l *Log) RecheckCopies(ctx context.Context) { l.copies.Recheck(ctx, check()) }

// check is what each copy of a log must have.
func check() copies.Check { return copies.Check{Proven: isFrame, Missed: isFrame} }

// isFrame tells whether a copy's message holds a frame, as far as can be told without the one
// before. That it is of a newer version is for its reader to say.
func isFrame(m copies.Message) bool {
	_, err := eventstore.ParseFrame(m.Data)
	return err == nil || errors.Is(err, eventstore.ErrNewerFormat)
}

// message is a message of the stream.
type message struct {
	number uint64
	data   []byte
}

// errNoMessage is returned by get and getFrom when the leader has no such message.
var errNoMessage = errors.New("message cannot be read")

// streamState is what is known of a stream's messages: the numbers of the first and the last, 0
// when there was never one, and when the last was stored. First is above 1 when messages at the
// beginning are damaged or gone: the log itself removes none.
type streamState struct {
	First  uint64    `json:"first_seq"`
	Last   uint64    `json:"last_seq"`
	LastAt time.Time `json:"last_ts"`
}

// state asks the stream's leader for its state.
func (l *Log) state(ctx context.Context) (state streamState, err error) {
	if l.messages != nil {
		if l.conn.IsClosed() {
			return state, eventstore.ErrClosed
		}
		state.First, state.Last, state.LastAt, err = l.messages(l.stream)
		return state, err
	}
	var response struct {
		State  streamState            `json:"state"`
		Config jetstream.StreamConfig `json:"config"`
	}
	if err := l.request(ctx, "$JS.API.STREAM.INFO."+l.stream, nil, &response); err != nil {
		return state, err
	}
	// A cluster that was away may come back as another one, restored from elsewhere.
	if ledger := response.Config.Metadata[metaLedger]; ledger != l.identity.Ledger {
		return state, fmt.Errorf("%w: stream %s is that of ledger %q now, it was that of %s",
			eventstore.ErrUnsafe, l.stream, ledger, l.identity.Ledger)
	}
	return response.State, nil
}

// get asks the stream's leader for a message by its number. Not a direct get: any replica would
// answer that, and it may lag behind.
func (l *Log) get(ctx context.Context, number uint64) (message, error) {
	m, err := l.getWhere(ctx, map[string]any{"seq": number})
	if err == nil && m.number != number { // a damaged one may have the number of another
		return message{}, errNoMessage
	}
	return m, err
}

// getFrom asks the stream's leader for the first readable message whose number is at least the
// given one. The server passes over damaged ones silently.
func (l *Log) getFrom(ctx context.Context, number uint64) (message, error) {
	return l.getWhere(ctx, map[string]any{"seq": number, "next_by_subj": Subject})
}

// getWhere asks the stream's leader for one message. Only "not found" is errNoMessage: whatever
// else fails says nothing about the message.
func (l *Log) getWhere(ctx context.Context, query map[string]any) (message, error) {
	var response struct {
		Message struct {
			Number uint64 `json:"seq"`
			Data   []byte `json:"data"`
		} `json:"message"`
	}
	err := l.request(ctx, "$JS.API.STREAM.MSG.GET."+l.stream, query, &response)
	var apiErr *jetstream.APIError
	if errors.As(err, &apiErr) && apiErr.ErrorCode == jetstream.JSErrCodeMessageNotFound {
		return message{}, errNoMessage
	}
	if err != nil {
		return message{}, err
	}
	return l.asStored(ctx, message{response.Message.Number, response.Message.Data})
}

// asStored returns a message as it was stored, where it is known that the copy of the server which
// has given it has another one; see [copies.Copies.Stored].
func (l *Log) asStored(ctx context.Context, is message) (message, error) {
	m, err := l.copies.Stored(ctx, copies.Message{
		Number: is.number, Data: is.data, Subject: Subject,
	})
	return message{m.Number, m.Data}, err
}

// request asks JetStream's API and decodes the answer.
func (l *Log) request(ctx context.Context, subject string, query, response any) error {
	return Ask(ctx, l.conn, subject, query, response)
}

// Ask is Request for what changes nothing: while nobody answers, or the cluster has no leader, it
// is asked again.
func Ask(ctx context.Context, conn *nats.Conn, subject string, query, response any) error {
	err := insist(ctx, func(ctx context.Context) error {
		return Request(ctx, conn, subject, query, response)
	})
	if ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("%w: %w", eventstore.ErrClosed, err)
	}
	return err
}

// insist does again what has had no answer, or one of a cluster that is between two leaders, until
// there is another one or requestMax is over.
func insist(ctx context.Context, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, requestMax)
	defer cancel()
	for patience := askAgain; ; patience *= 2 {
		one, cancel := context.WithTimeout(ctx, patience)
		err := do(one)
		busy := isUnavailable(err)
		if busy {
			_ = wait(one, pauseMax)
		}
		cancel()
		if ctx.Err() != nil || !busy && !errors.Is(err, context.DeadlineExceeded) {
			return err
		}
	}
}

// isUnavailable reports whether the cluster said that it cannot answer now: it has no leader.
func isUnavailable(err error) bool {
	const unavailable jetstream.ErrorCode = 10008 // the server's JSClusterNotAvailErr
	var apiErr *jetstream.APIError
	return errors.As(err, &apiErr) && apiErr.ErrorCode == unavailable
}

// Request sends one request to JetStream's API and decodes the answer. An error that the server
// reports is a *jetstream.APIError; one that it cannot be reached wraps eventstore.ErrClosed.
func Request(
	ctx context.Context, conn *nats.Conn, subject string, query, response any,
) error {
	if conn.IsClosed() {
		return eventstore.ErrClosed
	}
	var body []byte
	if query != nil {
		var err error
		if body, err = json.Marshal(query); err != nil {
			return err
		}
	}
	// Two contexts, to tell the caller's end from a server that does not answer.
	bounded, cancel := context.WithTimeout(ctx, requestMax)
	defer cancel()
	answer, err := conn.RequestWithContext(bounded, subject, body)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return fmt.Errorf("%w: %w", eventstore.ErrClosed, err)
	}
	var refused struct {
		Error *jetstream.APIError `json:"error"`
	}
	if err := json.Unmarshal(answer.Data, &refused); err != nil {
		return fmt.Errorf("decode answer: %w", err)
	}
	if refused.Error != nil {
		return refused.Error
	}
	return json.Unmarshal(answer.Data, response)
}

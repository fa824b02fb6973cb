package packs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cakupan/eventstore"
	log "cakupan/eventstore/jetstream"
	"cakupan/eventstore/jetstream/copies"
)

const (
	// patienceDefault bounds how long Append tries to find out what became of a record.
	patienceDefault = 10 * time.Second

	// requestMax bounds one request to JetStream's API.
	requestMax = 10 * time.Second
)

// Options of a stream.
type Options struct {
	Stream      string // its name
	Subject     string // its one subject
	Description string // for people who look at the stream
	// Replicas is the number of servers that keep the stream; it is raised where it was less.
	// Default: see [log.Replicas].
	Replicas int
	// Erasable lets records be replaced, and the bytes of the old ones be overwritten.
	Erasable bool
	// FreeSpace tells how many bytes the disk under the stream has left. Optional: give it when
	// the server runs on this machine. Below a reserve appends are refused with ErrFull.
	FreeSpace func() (uint64, error)
	// Store tells whether the stream can be written, as for the log. Optional, as above.
	Store log.Store
	// Lacking has what servers of a cluster were found to lack of their copies. Optional.
	Lacking *copies.Book
	// Witness remembers how far the stream was. Optional: see there for which streams.
	Witness *Witness
	// Patience bounds how long Append tries to find out what became of a record whose answer was
	// lost. Default: 10 s.
	Patience time.Duration
}

// End is the end of a stream. The zero value is that of an empty one.
type End struct {
	Number  uint64 // of the last record
	Message uint64 // where JetStream has it
}

// Stream is an open stream of records. All methods may be called at the same time from several
// goroutines.
type Stream struct {
	conn     *nats.Conn
	opts     Options
	identity eventstore.Identity
	stored   atomic.Uint64 // the last message that is known to be on the disk of our own server
	copies   *copies.Copies
	replaced replaced
	opens    atomic.Pointer[func(*Record) bool] // nil: every record
}

// Prove has records asked for elsewhere, on a cluster, that the server which leads can read and
// their user cannot open: opens tells which he can. It may be called at any time, and opens by
// several at once. A record that no server has otherwise is read as it is.
func (s *Stream) Prove(opens func(*Record) bool) { s.opens.Store(&opens) }

// isOpen tells whether the stream's user can open a record, as far as he has said so.
func (s *Stream) isOpen(r *Record) bool {
	opens := s.opens.Load()
	return opens == nil || (*opens)(r)
}

// Create makes the stream, for the ledger of the identity, and opens it. The error wraps
// eventstore.ErrExists when there is a stream of that name.
func Create(
	ctx context.Context, conn *nats.Conn, opts Options, identity eventstore.Identity,
) (*Stream, error) {
	opts = opts.withDefaults()
	ctx, cancel := context.WithTimeout(ctx, requestMax)
	defer cancel()
	js, err := jetstream.New(conn)
	if err != nil {
		return nil, fmt.Errorf("create stream %s: %w", opts.Stream, err)
	}
	config := configOf(opts, identity)
	config.Replicas = log.Replicas(conn, opts.Replicas)
	_, err = js.CreateStream(ctx, config)
	if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
		err = eventstore.ErrExists
	}
	if err != nil {
		return nil, fmt.Errorf("create stream %s: %w", opts.Stream, err)
	}
	return Open(ctx, conn, opts)
}

// Open opens the stream. The error wraps ErrNoStream when there is none, eventstore.ErrUnsafe when
// it is not one that Create made or could lose records as it is configured now, and
// eventstore.ErrNewerFormat when a newer program made it. Whose it is, Identity tells.
func Open(ctx context.Context, conn *nats.Conn, opts Options) (*Stream, error) {
	opts = opts.withDefaults()
	var info struct {
		Config jetstream.StreamConfig `json:"config"`
	}
	err := log.Ask(ctx, conn, "$JS.API.STREAM.INFO."+opts.Stream, nil, &info)
	var apiErr *jetstream.APIError
	if errors.As(err, &apiErr) && apiErr.ErrorCode == jetstream.JSErrCodeStreamNotFound {
		if err = opts.Witness.seen().checkEnd(opts.Stream, 0); err == nil {
			err = ErrNoStream
		}
	}
	if err == nil {
		err = checkSafe(info.Config, opts)
	}
	if err == nil {
		err = log.Replicate(ctx, conn, info.Config, opts.Replicas)
	}
	if err != nil {
		return nil, fmt.Errorf("open stream %s: %w", opts.Stream, err)
	}
	identity, err := identityOf(info.Config.Metadata)
	if err != nil {
		return nil, fmt.Errorf("open stream %s: %w", opts.Stream, err)
	}
	return &Stream{
		conn: conn, opts: opts, identity: identity,
		copies: copies.New(conn, opts.Stream, opts.Lacking),
	}, nil
}

// withDefaults fills in what was left out.
func (o Options) withDefaults() Options {
	if o.Patience == 0 {
		o.Patience = patienceDefault
	}
	return o
}

// Identity names the ledger that the stream belongs to.
func (s *Stream) Identity() eventstore.Identity { return s.identity }

// Name returns the stream's name.
func (s *Stream) Name() string { return s.opts.Stream }

// Last returns the end of the stream as its leader has it: every record that was acknowledged, by
// whomever, before the call is before it. When the last record cannot be read, the error is a
// *DamageError.
func (s *Stream) Last(ctx context.Context) (End, error) {
	end, err := s.last(ctx)
	if err != nil {
		return End{}, fmt.Errorf("read end of stream %s: %w", s.opts.Stream, err)
	}
	return end, nil
}

func (s *Stream) last(ctx context.Context) (End, error) {
	before := s.opts.Witness.seen()
	r, err := s.lastRecord(ctx)
	if err == nil {
		err = errors.Join(before.check(s.opts.Stream, &r), before.checkEnd(s.opts.Stream, r.Number))
	}
	if err != nil {
		return End{}, err
	}
	// Once only: what others append at this moment may fail to become durable.
	if before.number == 0 {
		s.opts.Witness.saw(&r)
	}
	return r.End(), nil
}

// lastRecord returns the record at the end of the stream, the zero one where it is empty.
func (s *Stream) lastRecord(ctx context.Context) (Record, error) {
	state, err := s.state(ctx)
	if err != nil || state.Last == 0 {
		return Record{}, err
	}
	r, err := s.at(ctx, state.Last)
	if isUnreadable(err) {
		other, found, failed := s.elsewhere(ctx, state.Last, state.Last, anyRecord)
		if found || failed != nil {
			return other, failed
		}
		before, findErr := s.lastReadable(ctx, state)
		if findErr != nil {
			return Record{}, findErr
		}
		return Record{}, &DamageError{
			Stream: s.opts.Stream, From: before.Number + 1,
			Reason: fmt.Sprintf("message %d: %v", state.Last, err),
		}
	}
	return r, err
}

// state is what the server says of a stream's messages.
type state struct {
	First uint64 `json:"first_seq"`
	Last  uint64 `json:"last_seq"`
}

// state asks the stream's leader for its state. From a write that failed until the streams are
// opened again, our own server may show a message that it could not write, and that is gone then:
// who takes it for stored, or a reader who keeps it, would differ from the stream for ever. So the
// state ends meanwhile where it was last known to.
func (s *Stream) state(ctx context.Context) (state, error) {
	var response struct {
		State state `json:"state"`
	}
	whole := s.watchStore()
	err := log.Ask(ctx, s.conn, "$JS.API.STREAM.INFO."+s.opts.Stream, nil, &response)
	is := response.State
	switch failed := whole(); {
	case err != nil:
		return is, err
	case failed == nil:
		s.known(is.Last)
	case s.stored.Load() == 0:
		return state{}, failed
	default:
		is.Last = min(is.Last, s.stored.Load())
	}
	return is, nil
}

// watchStore returns a function that returns an error if a write has failed since, or had before
// and the streams were not opened again.
func (s *Stream) watchStore() (whole func() error) {
	store := s.opts.Store
	if store == nil {
		return func() error { return nil }
	}
	broken, before := store.Broken(), store.Check()
	return func() error {
		if err := cmp.Or(before, store.Check()); err != nil {
			return err
		}
		select {
		case <-broken:
			return fmt.Errorf("%w: it was opened again just now", eventstore.ErrNotWritable)
		default:
			return nil
		}
	}
}

// known notes that a message is on the disk.
func (s *Stream) known(message uint64) {
	for old := s.stored.Load(); message > old; old = s.stored.Load() {
		if s.stored.CompareAndSwap(old, message) {
			return
		}
	}
}

// errNoMessage is returned when the leader has no such message.
var errNoMessage = errors.New("message cannot be read")

// isUnreadable tells whether an error says that a message is missing or is no record.
func isUnreadable(err error) bool {
	return errors.Is(err, errNoMessage) || errors.Is(err, ErrRecord)
}

// at returns the record in a message. A damaged one may have the number of another, and then
// nothing could be appended after it.
func (s *Stream) at(ctx context.Context, message uint64) (Record, error) {
	r, number, err := s.get(ctx, map[string]any{"seq": message})
	if err == nil && number != message {
		return Record{}, errNoMessage
	}
	return r, err
}

// from returns the first message at or after a number that the server can read, and the record in
// it. It passes over damaged ones silently; the message's number is valid with ErrRecord too.
func (s *Stream) from(ctx context.Context, message uint64) (Record, uint64, error) {
	return s.get(ctx, map[string]any{"seq": message, "next_by_subj": s.opts.Subject})
}

// get asks the stream's leader for one message. Not a direct get: any replica would answer that,
// and it may lag behind. Only "not found" is errNoMessage: whatever else fails says nothing about
// the message.
func (s *Stream) get(ctx context.Context, query map[string]any) (Record, uint64, error) {
	var response struct {
		Message struct {
			Number uint64 `json:"seq"`
			Data   []byte `json:"data"`
		} `json:"message"`
	}
	err := log.Ask(ctx, s.conn, "$JS.API.STREAM.MSG.GET."+s.opts.Stream, query, &response)
	var apiErr *jetstream.APIError
	if errors.As(err, &apiErr) && apiErr.ErrorCode == jetstream.JSErrCodeMessageNotFound {
		return Record{}, 0, errNoMessage
	}
	if err != nil {
		return Record{}, 0, err
	}
	m, err := s.copies.Stored(ctx, copies.Message{
		Number: response.Message.Number, Data: response.Message.Data, Subject: s.opts.Subject,
	})
	if err != nil {
		return Record{}, 0, err
	}
	r, err := Parse(m.Data)
	r.message = m.Number
	if err == nil && s.conn.ConnectedClusterName() != "" && !s.isOpen(&r) {
		other, found, failed := s.elsewhere(ctx, r.message, r.message, anyRecord)
		if found || failed != nil {
			r, err = other, failed
		}
	}
	return r, m.Number, err
}

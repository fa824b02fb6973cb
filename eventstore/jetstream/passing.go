package jetstream

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cakupan/eventstore/jetstream/copies"
)

// Passing reads a stream whose messages are removed again: what waits, what was refused. What the
// server that leads has lost of it is read from another one's copy, on a cluster. The leader knows
// which messages were removed, and those are not looked for, so none of them comes back. All
// methods may be called at the same time.
type Passing struct {
	conn   *nats.Conn
	stream string
	copies *copies.Copies

	mu    sync.Mutex
	known kept // as the leader last said; what is removed stays so
}

// NewPassing returns the stream of a name, which need not be there. What copies lack is noted in
// the book; nil: nowhere.
func NewPassing(conn *nats.Conn, stream string, lacking *copies.Book) *Passing {
	return &Passing{conn: conn, stream: stream, copies: copies.New(conn, stream, lacking)}
}

// ErrNoMessage is returned where a stream has no such message, or where there is no stream.
var ErrNoMessage = errors.New("there is no such message")

// Stored is a message as it is stored.
type Stored struct {
	Number  uint64    `json:"seq"`
	Subject string    `json:"subject"`
	Data    []byte    `json:"data"`
	Time    time.Time `json:"time"`
}

// Found is what was found of a stream from a number on.
type Found struct {
	Stored
	// Elsewhere says that the server which leads has lost it.
	Elsewhere bool
	// Lost is the first message before it, or at all, that was not removed and that nobody who has
	// answered can read; 0: there is none. Unsure says that not all have answered.
	Lost   uint64
	Unsure bool
}

// Get returns the message of a number. The error wraps ErrNoMessage when there is none.
func (p *Passing) Get(ctx context.Context, number uint64) (Found, error) {
	return p.next(ctx, map[string]any{"seq": number}, number, number)
}

// Next returns the first message at or after a number. The error wraps ErrNoMessage when there is
// none; what is lost is told then too.
func (p *Passing) Next(ctx context.Context, number uint64) (Found, error) {
	query := map[string]any{"seq": number, "next_by_subj": ">"}
	return p.next(ctx, query, number, 0)
}

// next asks the leader, and the other copies for what it ought to have before what it says, or up
// to a number where that is not 0.
func (p *Passing) next(ctx context.Context, query map[string]any, number, last uint64,
) (found Found, err error) {
	found.Stored, err = p.ask(ctx, query)
	if err == nil {
		p.seen(found.Number)
	}
	if err != nil && !errors.Is(err, ErrNoMessage) || err == nil && found.Number == number {
		return found, err
	}
	none, until := err, last // of the gap
	if err == nil {
		until = found.Number - 1
	}
	lost, all, err := p.keeps(ctx, number, until)
	if err != nil {
		return found, err
	}
	if lost == 0 {
		return found, none
	}
	// One that is behind may have what was removed.
	isKept := func(m copies.Message) bool { return all.from(m.Number, m.Number) != 0 }
	other, is, sure, err := p.copies.Search(ctx, lost, isKept)
	switch {
	case err != nil:
		return found, err
	case !is || until != 0 && other.Number > until:
		found.Lost, found.Unsure = lost, !sure
		return found, none
	case other.Number > lost:
		found.Lost, found.Unsure = lost, !sure
	}
	found.Elsewhere = true
	found.Stored = Stored{
		Number: other.Number, Subject: other.Subject, Data: other.Data, Time: other.Time,
	}
	return found, nil
}

// seen notes that a message is there. Where it was removed before, the stream is another one of the
// name.
func (p *Passing) seen(number uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if number < p.known.first || p.known.removed[number] {
		p.known = kept{}
	}
}

// ask asks the leader for one message.
func (p *Passing) ask(ctx context.Context, query map[string]any) (Stored, error) {
	var answer struct {
		Message Stored `json:"message"`
	}
	err := Ask(ctx, p.conn, "$JS.API.STREAM.MSG.GET."+p.stream, query, &answer)
	return answer.Message, p.said(err)
}

// said makes ErrNoMessage of what says so.
func (p *Passing) said(err error) error {
	const noSequence = 10043 // the server's JSSequenceNotFoundErrF
	var said *jetstream.APIError
	if errors.As(err, &said) {
		switch said.ErrorCode {
		case jetstream.JSErrCodeMessageNotFound, jetstream.JSErrCodeStreamNotFound, noSequence:
			return fmt.Errorf("%w in %s", ErrNoMessage, p.stream)
		}
	}
	return err
}

// kept is which messages of a stream were not removed, as its leader says.
type kept struct {
	first, last uint64
	removed     map[uint64]bool // between them
	untold      bool            // there are too many of those to tell
}

// removedMost is how many removed messages the leader is asked for the numbers of. What it has lost
// of a stream that has more is not looked for elsewhere.
const removedMost = 100_000

// from returns the first message from one up to another that was not removed, 0 when there is none
// or that was not told.
func (k *kept) from(first, last uint64) uint64 {
	for n := max(first, k.first, 1); n <= last && !k.untold; n++ {
		if !k.removed[n] {
			return n
		}
	}
	return 0
}

// keeps returns the first message from one up to another that was not removed, 0 when there is
// none, and all that was not; last 0: up to the end. It asks the leader where what is known does
// not tell.
func (p *Passing) keeps(ctx context.Context, first, last uint64) (uint64, kept, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if last != 0 && p.known.from(first, last) == 0 && p.known.last > 0 {
		return 0, p.known, nil
	}
	is, err := p.kept(ctx)
	if errors.Is(err, ErrNoMessage) {
		return 0, kept{}, nil
	}
	if err != nil {
		return 0, kept{}, err
	}
	p.known = is
	if last == 0 || last > is.last {
		last = is.last
	}
	return is.from(first, last), is, nil
}

// kept asks the leader which messages were not removed.
func (p *Passing) kept(ctx context.Context) (is kept, err error) {
	var info struct {
		State struct {
			First   uint64   `json:"first_seq"`
			Last    uint64   `json:"last_seq"`
			Count   int      `json:"num_deleted"`
			Removed []uint64 `json:"deleted"`
		} `json:"state"`
	}
	subject := "$JS.API.STREAM.INFO." + p.stream
	if err := Ask(ctx, p.conn, subject, nil, &info); err != nil {
		return is, p.said(err)
	}
	if info.State.Count > removedMost {
		return kept{untold: true}, nil
	}
	if info.State.Count > 0 {
		query := map[string]any{"deleted_details": true}
		if err := Ask(ctx, p.conn, subject, query, &info); err != nil {
			return is, p.said(err)
		}
	}
	is.first, is.last, is.removed = info.State.First, info.State.Last, map[uint64]bool{}
	for _, n := range info.State.Removed {
		is.removed[n] = true
	}
	return is, nil
}

// Keeps returns the first message from one up to another that was not removed, as the leader says;
// 0 where all were.
func (p *Passing) Keeps(ctx context.Context, first, last uint64) (uint64, error) {
	number, _, err := p.keeps(ctx, first, last)
	return number, err
}

// Ends returns the numbers of the first message that is there and of the last that ever was, as the
// leader says; 0 where there is no stream.
func (p *Passing) Ends(ctx context.Context) (first, last uint64, err error) {
	is, err := p.kept(ctx)
	if errors.Is(err, ErrNoMessage) {
		return 0, 0, nil
	}
	return is.first, is.last, err
}

// CompareCopies reads each server's copy of the stream, on a cluster, and notes what one lacks that
// another one has and that was not removed; see [copies.Copies.Compare]. rest is called now and
// then.
func (p *Passing) CompareCopies(ctx context.Context, rest func()) error {
	err := p.copies.Compare(ctx, p.check(ctx), rest)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil
	}
	return err
}

// RecheckCopies looks again at what is noted of them. A message that was removed is missed no more.
func (p *Passing) RecheckCopies(ctx context.Context) { p.copies.Recheck(ctx, p.check(ctx)) }

func (p *Passing) check(ctx context.Context) copies.Check {
	must := func(first, last uint64) uint64 {
		number, err := p.Keeps(ctx, first, last)
		if err != nil {
			return first // it may be
		}
		return number
	}
	return copies.Check{
		Proven: func(copies.Message) bool { return true }, // the servers have checksums
		Must:   must,
		Missed: func(m copies.Message) bool { return must(m.Number, m.Number) != 0 },
	}
}

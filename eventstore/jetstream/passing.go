package jetstream

import (
	"cmp"
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
	opens  func(data []byte) bool // nil: everything

	mu     sync.Mutex
	known  kept      // as the leader last said; what is removed stays so
	agreed time.Time // when all servers had as much as the others; zero: unknown
}

// agreedFor is for how long nobody is asked whether what the leader has not was removed, once all
// servers had as much as it: one that has lost something finds that out when it starts.
const agreedFor = 5 * time.Second

// NewPassing returns the stream of a name, which need not be there. What copies lack is noted in
// the book; nil: nowhere.
func NewPassing(conn *nats.Conn, stream string, lacking *copies.Book) *Passing {
	return &Passing{conn: conn, stream: stream, copies: copies.New(conn, stream, lacking)}
}

// Prove has messages asked for elsewhere that the server which leads can read and their user cannot
// open: opens tells which he can, and may be called by several at once. Call it before all else.
func (p *Passing) Prove(opens func(data []byte) bool) *Passing {
	p.opens = opens
	return p
}

// Whole returns a message as it was stored: the one that is given, or, where that cannot be opened
// or is known to be another one than was stored, that of a server whose copy has it. sure says that
// no server has another one that may be it.
func (p *Passing) Whole(ctx context.Context, is Stored) (whole Stored, sure bool, err error) {
	m, err := p.copies.Stored(ctx, copies.Message{
		Number: is.Number, Subject: is.Subject, Data: is.Data, Time: is.Time,
	})
	if err != nil || p.opens == nil || p.opens(m.Data) {
		return storedOf(m), true, err
	}
	other, found, sure, err := p.copies.Search(ctx, is.Number, func(o copies.Message) bool {
		return o.Number == is.Number && p.opens(o.Data)
	})
	if err != nil || !found {
		return is, sure, err
	}
	return storedOf(other), true, nil
}

func storedOf(m copies.Message) Stored {
	return Stored{Number: m.Number, Subject: m.Subject, Data: m.Data, Time: m.Time}
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

// NextOf returns the first message of a subject at or after a number. The error wraps ErrNoMessage
// when there is none. What nobody has is not told: it may have been of another subject.
func (p *Passing) NextOf(ctx context.Context, number uint64, subject string) (Stored, error) {
	is, none := p.ask(ctx, map[string]any{"seq": number, "next_by_subj": subject})
	if none != nil && !errors.Is(none, ErrNoMessage) || none == nil && is.Number == number {
		return is, none
	}
	last := uint64(0)
	if none == nil {
		last = is.Number - 1
	}
	lost, err := p.firstKept(ctx, number, last, subject)
	if err != nil || lost == 0 {
		return is, cmp.Or(err, none)
	}
	found, err := p.Get(ctx, lost)
	return found.Stored, err
}

// Count returns how many messages of a subject the server has that has most of them, on a cluster.
func (p *Passing) Count(ctx context.Context, subject string) (count uint64, err error) {
	spans, _, err := p.copies.Spans(ctx, 1, subject)
	for _, s := range spans {
		count = max(count, s.Count)
	}
	return count, err
}

// next asks the leader, and the other copies for what it ought to have before what it says, or up
// to a number where that is not 0.
func (p *Passing) next(ctx context.Context, query map[string]any, number, last uint64,
) (found Found, err error) {
	found.Stored, err = p.ask(ctx, query)
	if err == nil {
		p.seen(found.Number)
		found.Stored, _, err = p.Whole(ctx, found.Stored)
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
	if none != nil && last == 0 { // it may have come since it was asked for
		is, err := p.ask(ctx, map[string]any{"seq": lost})
		if err == nil {
			found.Stored, _, err = p.Whole(ctx, is)
		}
		if !errors.Is(err, ErrNoMessage) {
			return found, err
		}
	}
	// One that is behind may have what was removed.
	isKept := func(m copies.Message) bool {
		return m.Number == lost || all.from(m.Number, m.Number) != 0
	}
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
	found.Stored, _, err = p.Whole(ctx, storedOf(other))
	return found, err
}

// seen notes that a message is there. Where it was removed before, the stream is another one of the
// name.
func (p *Passing) seen(number uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if number < p.known.first || p.known.removed[number] {
		p.known, p.agreed = kept{}, time.Time{}
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
	gone        gone
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
// not tell, and does not believe it alone that something was removed: what it has lost, it takes
// for removed once it has started anew.
func (p *Passing) keeps(ctx context.Context, first, last uint64) (uint64, kept, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	is := p.known
	if last == 0 || is.last == 0 || is.from(first, last) != 0 {
		var err error
		is, err = p.kept(ctx)
		if errors.Is(err, ErrNoMessage) {
			return 0, kept{}, nil
		}
		if err != nil {
			return 0, kept{}, err
		}
		is.gone = p.known.gone
		p.known = is
	}
	until := last
	if last == 0 || last > is.last {
		until = is.last
	}
	if number := is.from(first, until); number != 0 {
		return number, is, nil
	}
	number, err := p.others(ctx, first, last)
	return number, is, err
}

// others returns the first message from one up to another that most servers have, of those that the
// leader says were removed. mu is held.
func (p *Passing) others(ctx context.Context, first, last uint64) (uint64, error) {
	now := p.copies.Now()
	if p.known.gone.has(first, last) || !p.agreed.IsZero() && now.Sub(p.agreed) < agreedFor {
		return 0, nil
	}
	spans, keepers, err := p.copies.Spans(ctx, 1, ">")
	if err != nil && !errors.Is(err, copies.ErrSilent) {
		return 0, err
	}
	if err == nil && copies.Agreed(spans, keepers) {
		p.agreed = now
		return 0, nil
	}
	number, err := p.firstKept(ctx, first, last, ">")
	if err == nil && number == 0 {
		p.known.gone.add(first, last)
	}
	return number, err
}

// firstKept is [copies.Copies.FirstKept]. A removal may be on its way to the other servers, so what
// they have is looked for again before it is called kept; and they may have started just now, and
// answer a moment later.
func (p *Passing) firstKept(ctx context.Context, first, last uint64, subject string,
) (number uint64, err error) {
	for doubts, pause := 0, doubtPause; ; doubts, pause = doubts+1, 2*pause {
		number, err = p.copies.FirstKept(ctx, first, last, subject)
		silent := errors.Is(err, copies.ErrSilent)
		if err != nil && !silent || err == nil && number == 0 || doubts == doubtsMax {
			return number, err
		}
		if last == 0 && !silent { // it may have come meanwhile
			_, err := p.ask(ctx, map[string]any{"seq": number})
			if !errors.Is(err, ErrNoMessage) {
				return 0, err
			}
		}
		if err := wait(ctx, pause); err != nil {
			return 0, err
		}
	}
}

// gone are messages of which all servers were asked, and which were removed.
type gone []struct{ first, last uint64 }

// goneMax bounds them.
const goneMax = 1_000

func (g gone) has(first, last uint64) bool {
	for _, s := range g {
		if s.first <= first && last <= s.last {
			return last != 0
		}
	}
	return false
}

// add adds a range. One that goes on where another ends makes that longer, as those of a stream do
// which is read in its order.
func (g *gone) add(first, last uint64) {
	if last == 0 {
		return
	}
	for i := range *g {
		if s := &(*g)[i]; s.first <= first && first <= s.last+1 {
			s.last = max(s.last, last)
			return
		}
	}
	if len(*g) < goneMax {
		*g = append(*g, struct{ first, last uint64 }{first, last})
	}
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

// EndsEverywhere is Ends as of the server that has most.
func (p *Passing) EndsEverywhere(ctx context.Context) (first, last uint64, err error) {
	first, last, err = p.Ends(ctx)
	if err != nil || last == 0 && first == 0 {
		return first, last, err
	}
	for _, from := range []uint64{1, last + 1} {
		spans, _, err := p.copies.Spans(ctx, from, ">")
		if err != nil {
			return 0, 0, err
		}
		for _, s := range spans {
			if s.First != 0 {
				first, last = min(first, s.First), max(last, s.First)
			}
		}
	}
	return first, last, nil
}

// CompareCopies reads each server's copy of the stream, on a cluster, and notes what one lacks that
// another one has and that was not removed; see [copies.Copies.Compare]. rest is called now and
// then.
func (p *Passing) CompareCopies(ctx context.Context, rest func()) error {
	is := p.check(ctx)
	if p.opens != nil {
		is.Judge = copies.Opens(func(m copies.Message) bool { return p.opens(m.Data) })
	}
	err := p.copies.Compare(ctx, is, rest)
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
		Gone:   func(m copies.Message) bool { return must(m.Number, m.Number) == 0 },
	}
}

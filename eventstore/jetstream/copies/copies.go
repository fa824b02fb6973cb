// Package copies asks the servers of a cluster for their own copies of a stream's messages.
//
// NATS replicates what is stored, and does not find out that a server has lost some of it since: by
// a bit on its disk, or by a write that failed. A server that leads a stream answers "no message
// found" to whatever it cannot read, and delivers the rest, with two whole copies beside it. So
// what one server has not is asked of the others before it is called lost.
//
// It is asked by direct gets, which change nothing and which each server answers from its own copy.
// Which one answers is chosen at random for each question (nats-server prefers no local member of
// a queue group within a cluster), so the same is asked until all have answered; a trace of the
// question says who did. A follower that has not caught up does not answer at all.
//
// What comes is not believed by this package: its user says what is proven.
package copies

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
)

const (
	// roundMax bounds one question, with all its repetitions. After one that not all have answered
	// in time, the next one within slowFor is given half of that, and so on down to roundMin: a
	// server that hangs does not make everybody wait who reads a log of which much is lost.
	roundMax = 5 * time.Second
	roundMin = 200 * time.Millisecond
	slowFor  = 30 * time.Second

	// noteMax bounds how long it is asked who may be accused.
	noteMax = time.Second

	// triesMax is how often it is asked without a pause. Of three servers one is missed by so many
	// with a probability of one in a million. A server that does not answer may have just come
	// back: it takes two seconds until it does (nats-server: startDirectAccessMonitoring). So
	// what nobody else has is asked for on, after pauses, until all have answered.
	triesMax = 36

	// patience is how long an answer is waited for before the same is asked again: the server that
	// it was sent to may hang.
	patience = 100 * time.Millisecond

	// silenceMax is for how long no answer may come, after the last time it was asked.
	silenceMax = time.Second
)

// Message is a message of a stream. Time is empty where [Check.Proven] is asked.
type Message struct {
	Number  uint64
	Data    []byte
	Subject string
	Time    time.Time // when it was stored
}

// Copies are those of one stream. It is safe for concurrent use.
type Copies struct {
	conn   *nats.Conn
	stream string
	book   *Book
}

// New returns the copies of a stream, which are asked by the connection. What they lack is noted in
// the book; where that is nil, nobody is told, and a stream that was slow to answer once is taken
// to stay so.
func New(conn *nats.Conn, stream string, book *Book) *Copies {
	if book == nil {
		book = NewBook(func() time.Time { return time.Time{} }, nil)
	}
	return &Copies{conn: conn, stream: stream, book: book}
}

// From returns the first message at or after a number that a copy has and that is proven; not ok
// when no copy has one. It ends as soon as some copy has the very number. Of a server that is not
// in a cluster there are no other copies, nor are there of a stream that does not allow direct
// gets: then it is not ok either. An error says nothing about the message.
func (c *Copies) From(ctx context.Context, number uint64, proven func(Message) bool,
) (m Message, ok bool, err error) {
	m, ok, _, err = c.Search(ctx, number, proven)
	return m, ok, err
}

// Search is From, and tells besides whether it is sure that nobody has an earlier one: each server
// that keeps the stream has answered, or nobody can be asked.
func (c *Copies) Search(ctx context.Context, number uint64, proven func(Message) bool,
) (m Message, ok, sure bool, err error) {
	switch {
	case c == nil || !c.conn.IsConnected() && !c.conn.IsReconnecting():
		return m, false, false, nil
	case c.conn.IsReconnecting():
		return m, false, false, fmt.Errorf("ask other copies: %w", nats.ErrDisconnected)
	case c.conn.ConnectedClusterName() == "":
		return m, false, true, nil
	}
	q := c.newQuestion(number, proven)
	if err = q.ask(ctx); err != nil {
		return m, false, false, fmt.Errorf("ask other copies of %s: %w", c.stream, err)
	}
	has := q.found && q.best.Number == number
	if has {
		c.note(ctx, q)
	}
	sure = has || q.nobody || q.keepers > 0 && len(q.heard) >= q.keepers
	return q.best, q.found, sure, nil
}

// note notes which servers have not what another one has. One that follows and may be behind is not
// accused: only who leads, or has all that the leader has.
func (c *Copies) note(ctx context.Context, q *question) {
	if !c.book.asks(c.stream) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, noteMax)
	defer cancel()
	group, err := askGroup(ctx, c.conn, c.stream)
	if err != nil {
		return // whoever reads it next finds out
	}
	var lacking []string
	for _, server := range group.current() {
		if has, heard := q.heard[server]; heard && !has {
			lacking = append(lacking, server)
		}
	}
	c.book.note(c.stream, q.number, lacking)
}

// Has tells whether a server's own copy has a message; not ok when it did not answer.
func (c *Copies) Has(ctx context.Context, server string, number uint64, proven func(Message) bool,
) (has, ok bool) {
	if c == nil || c.conn.ConnectedClusterName() == "" {
		return false, false
	}
	q := c.newQuestion(number, proven)
	q.only = server
	if err := q.ask(ctx); err != nil {
		return false, false
	}
	has, ok = q.heard[server]
	return has, ok
}

// Now is the time by the book's clock.
func (c *Copies) Now() time.Time { return c.book.now() }

// Stored returns a message as it was stored, which a server has given: the same one, or, where
// copies were found to differ in it, that of another server. It is asked of each message that is
// read, and nearly always says at once that nothing is known of it.
func (c *Copies) Stored(ctx context.Context, m Message) (Message, error) {
	if c == nil {
		return m, nil
	}
	want, known := c.book.stored(c.stream, m.Number)
	if !known || m.Sum() == want {
		return m, nil
	}
	other, found, err := c.From(ctx, m.Number, func(other Message) bool {
		return other.Sum() == want
	})
	if err != nil || !found || other.Number != m.Number {
		return m, err // its reader judges it
	}
	return other, nil
}

// Span is how much of a stream a server's own copy has from a number on.
type Span struct {
	First uint64 // the first message; 0: there is none
	Count uint64 // as the server believes: it may not be able to read all of them
}

// Spans asks each server for it, of the messages of a subject. keepers is how many servers keep the
// stream, also those that have not answered; 0: nobody knows. Without a cluster there are none.
func (c *Copies) Spans(ctx context.Context, from uint64, subject string,
) (spans map[string]Span, keepers int, err error) {
	if c.conn.ConnectedClusterName() == "" {
		return nil, 0, nil
	}
	q := c.newQuestion(from, func(Message) bool { return true })
	q.each, q.count, q.about = true, true, subject
	err = q.ask(ctx)
	// Where answers come and no traces, nothing is known of anybody, nor ever will be.
	traced := q.answers() == 0 || len(q.heard) > 0
	if err == nil && !q.nobody && traced && q.keepers == 0 {
		err = ErrSilent
	}
	if err != nil {
		return nil, 0, fmt.Errorf("ask copies of %s: %w", c.stream, err)
	}
	return q.spans, q.keepers, nil
}

// ErrSilent is returned where too few servers have answered to tell what most of those have that
// keep a stream.
var ErrSilent = errors.New("most servers that keep the stream do not answer")

// Agreed tells whether all servers have answered and have as much as the others.
func Agreed(spans map[string]Span, keepers int) bool {
	if len(spans) < keepers {
		return false
	}
	for _, one := range spans {
		for _, other := range spans {
			if one != other {
				return false
			}
		}
	}
	return true
}

// FirstKept returns the first message of a subject from one up to another, or up to the end where
// last is 0, that most servers have which keep the stream, or could have, as one does not answer; 0
// when there is none. What fewer have was removed since, and theirs is an older copy. The error
// wraps ErrSilent where it is unknown.
func (c *Copies) FirstKept(ctx context.Context, first, last uint64, subject string,
) (number uint64, err error) {
	for {
		spans, keepers, err := c.Spans(ctx, first, subject)
		if err != nil {
			return 0, err
		}
		number, next, err := firstOfMost(spans, keepers, last)
		switch {
		case err != nil:
			return 0, fmt.Errorf("ask copies of %s: %w", c.stream, err)
		case next == 0:
			return number, nil
		}
		first = next
	}
}

// firstOfMost returns the first message that most have, 0 when there is none, or from which number
// on the servers are to be asked again: at the earliest that one is.
func firstOfMost(spans map[string]Span, keepers int, last uint64) (number, next uint64, err error) {
	silent := max(0, keepers-len(spans))
	if 2*silent > keepers {
		return 0, 0, ErrSilent // they may have any
	}
	var firsts []uint64
	for _, s := range spans {
		if s.First != 0 && (last == 0 || s.First <= last) {
			firsts = append(firsts, s.First)
		}
	}
	slices.Sort(firsts)
	distinct := slices.Compact(slices.Clone(firsts))
	if len(distinct) == 0 {
		return 0, 0, nil
	}
	votes := silent
	for _, one := range firsts {
		if one == distinct[0] {
			votes++
		}
	}
	switch {
	case 2*votes > keepers:
		return distinct[0], 0, nil
	case len(distinct) == 1:
		return 0, 0, nil
	}
	return 0, distinct[1], nil
}

// each returns the sum of a message as each server has it that has a proven one, and who has
// answered.
func (c *Copies) each(ctx context.Context, number uint64, proven func(Message) bool,
) (sums map[string]Sum, heard map[string]bool, err error) {
	q := c.newQuestion(number, proven)
	q.each = true
	if err := q.ask(ctx); err != nil {
		return nil, nil, fmt.Errorf("ask copies of %s: %w", c.stream, err)
	}
	return q.sums, q.heard, nil
}

// errNobody is returned when nobody answers direct gets of the stream.
var errNobody = errors.New("nobody answers direct gets")

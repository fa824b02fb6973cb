package copies

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

const (
	// confirmMax bounds how many messages of one gap are looked at.
	confirmMax = 100

	// Bounds of what is kept of one comparison: one of each copy is enough to know it.
	gapsMax     = 1_000
	disputesMax = 1_000
	straysMax   = 16

	// removalMax is how long a removal is on its way to all servers.
	removalMax = time.Second
)

// span is a range of messages.
type span struct{ from, to uint64 }

// Check tells what a copy must have. Proven is asked of each message, and says whether it is what
// was stored; Missed of those that one copy has and another one has not, and says besides whether
// it is missed there: it may have been removed. Both may be the same. Must is optional: it returns
// the first number from one up to another whose message was not removed, 0 if all were. Judge is
// optional: without it what most copies have is what was stored. Gone is optional, and says which
// messages were removed for sure, and Erase has all servers remove such a one that one has still.
type Check struct {
	Proven, Missed func(Message) bool
	Must           func(first, last uint64) uint64
	Judge          Judge
	Gone           func(Message) bool
	Erase          func(ctx context.Context, number uint64) error
}

// Judge tells which of several messages of one number was stored, by what comes after it. It is
// told all messages of a stream in their order, each with all that copies have of that number. The
// data are not kept.
type Judge interface {
	Next(number uint64, all [][]byte)
	// Right returns which of those of a number was stored, once all were told.
	Right(number uint64) (which int, sure bool)
}

// Opens is a judge of what is sealed: the one was stored that can be opened.
func Opens(opens func(Message) bool) Judge { return &opening{opens, map[uint64]int{}} }

type opening struct {
	opens func(Message) bool
	right map[uint64]int
}

// Next opens nothing that all copies agree in.
func (o *opening) Next(number uint64, all [][]byte) {
	if len(all) < 2 {
		return
	}
	var open []int
	for which, data := range all {
		if o.opens(Message{Number: number, Data: data}) {
			open = append(open, which)
		}
	}
	if len(open) == 1 {
		o.right[number] = open[0]
	}
}

func (o *opening) Right(number uint64) (which int, sure bool) {
	which, sure = o.right[number]
	return which, sure
}

// must is Must, where there is one.
func (c *Check) must(first, last uint64) uint64 {
	if c.Must == nil {
		return first
	}
	return c.Must(first, last)
}

// Compare reads each server's copy of a stream as a whole, all of them at once and message by
// message, and notes in the book what is wrong with which: what one lacks that another one has, or
// has otherwise. rest is called now and then. Copies that are behind are not judged, nor are
// messages that none has: those are for who reads the stream. An error says that not all could be
// read.
func (c *Copies) Compare(ctx context.Context, check Check, rest func()) error {
	if c.conn.ConnectedClusterName() == "" {
		return nil
	}
	js, err := jetstream.New(c.conn)
	if err != nil {
		return err
	}
	stream, err := js.Stream(ctx, c.stream)
	if err != nil {
		return fmt.Errorf("compare copies of %s: %w", c.stream, err)
	}
	info := stream.CachedInfo()
	g, err := askGroup(ctx, c.conn, c.stream)
	if err != nil {
		return fmt.Errorf("compare copies of %s: %w", c.stream, err)
	}
	servers := g.current()
	if len(servers) < 2 || info.State.LastSeq == 0 || !info.Config.AllowDirect {
		return nil
	}
	m := &comparison{
		copies: c, check: check, last: info.State.LastSeq, of: len(g.all()),
		right: map[uint64]Sum{},
	}
	defer m.end()
	for _, server := range servers {
		m.open(ctx, stream, server)
	}
	if err = m.read(ctx, rest); err != nil {
		return fmt.Errorf("compare copies of %s: %w", c.stream, err)
	}
	m.judge(ctx)
	return errors.Join(m.errs...)
}

// comparison is one run of Compare. It is of one goroutine.
type comparison struct {
	copies *Copies
	check  Check
	last   uint64 // message
	of     int    // servers that keep the stream, also those that are not read

	scans    []*scan
	errs     []error // why some are not read
	disputes []dispute
	strays   []stray

	found []Lack
	right map[uint64]Sum
}

// dispute is a message that copies differ in.
type dispute struct {
	number uint64
	sums   []Sum // as the judge was told of them
}

// stray is a message that some have and others have not.
type stray struct {
	message Message
	sum     Sum
}

// open begins to read a server's copy.
func (m *comparison) open(ctx context.Context, stream jetstream.Stream, server string) {
	s := &scan{copies: m.copies, server: server, last: m.last, proven: m.check.Proven}
	err := s.open(ctx, stream)
	if err == nil {
		err = s.next(ctx)
	}
	if err != nil {
		s.end()
		m.drop(s, err)
		return
	}
	m.scans = append(m.scans, s)
}

// drop notes why a copy is not read.
func (m *comparison) drop(s *scan, why error) {
	m.errs = append(m.errs, fmt.Errorf("compare copies of %s: that of server %s: %w",
		m.copies.stream, s.server, why))
}

func (m *comparison) end() {
	for _, s := range m.scans {
		s.end()
	}
}

// read reads all copies, always the message with the least number that one has.
func (m *comparison) read(ctx context.Context, rest func()) error {
	for ctx.Err() == nil {
		number := uint64(0)
		for _, s := range m.scans {
			if s.head != nil && (number == 0 || s.head.Number < number) {
				number = s.head.Number
			}
		}
		if number == 0 {
			break
		}
		m.take(number)
		m.scans = slices.DeleteFunc(m.scans, func(s *scan) bool {
			if s.head == nil || s.head.Number != number {
				return false
			}
			err := s.next(ctx)
			if err != nil {
				s.end()
				m.drop(s, err)
			}
			return err != nil
		})
		rest()
	}
	return ctx.Err()
}

// take takes what copies have of one number.
func (m *comparison) take(number uint64) {
	var sums []Sum
	var all [][]byte
	var one *Message
	lack := false
	for _, s := range m.scans {
		if s.head == nil || s.head.Number != number {
			lack = true
			s.lacks(number)
			continue
		}
		one = s.head
		if sum := s.head.Sum(); !slices.Contains(sums, sum) {
			sums, all = append(sums, sum), append(all, s.head.Data)
		}
	}
	if m.check.Judge != nil {
		m.check.Judge.Next(number, all)
	}
	if len(sums) > 1 && len(m.disputes) < disputesMax {
		m.disputes = append(m.disputes, dispute{number, sums})
	}
	if lack && len(sums) == 1 && len(m.strays) < straysMax {
		m.strays = append(m.strays, stray{*one, sums[0]})
	}
}

// judge finds out what is wrong with which copy, and notes it. What was known before of one that
// cannot be asked stays.
func (m *comparison) judge(ctx context.Context) {
	var servers []string
	for _, s := range m.scans {
		err := m.confirm(ctx, s)
		if err != nil {
			m.drop(s, err)
			continue
		}
		servers = append(servers, s.server)
	}
	err := m.findStrays(ctx)
	for i := range m.disputes {
		if err == nil {
			err = m.resolve(ctx, &m.disputes[i])
		}
	}
	if err != nil {
		m.errs, servers = append(m.errs, err), nil
	}
	m.copies.book.compared(m.copies.stream, servers, m.found, m.right)
}

// find notes that something is wrong with a copy, once of each kind.
func (m *comparison) find(server string, number uint64, how How) {
	one := Lack{m.copies.stream, server, number, how}
	if !slices.ContainsFunc(m.found, one.isLike) {
		m.found = append(m.found, one)
	}
}

// resolve finds out who has another message than was stored. What a judge does not know, most
// copies do: the servers agreed on it when it was stored.
func (m *comparison) resolve(ctx context.Context, d *dispute) error {
	has, _, err := m.copies.each(ctx, d.number, m.check.Proven)
	if err != nil {
		return err
	}
	votes := map[Sum]int{}
	for _, sum := range has {
		votes[sum]++
	}
	if len(votes) < 2 { // it was removed, or mended
		return nil
	}
	right, sure := Sum{}, false
	if m.check.Judge != nil {
		which := 0
		if which, sure = m.check.Judge.Right(d.number); sure {
			right = d.sums[which]
		}
	}
	for sum, votes := range votes {
		if !sure && 2*votes > m.of {
			right, sure = sum, true
		}
	}
	if sure {
		m.right[d.number] = right
	}
	for _, server := range slices.Sorted(maps.Keys(has)) {
		switch {
		case !sure:
			m.find(server, d.number, Disputed)
		case has[server] != right:
			m.find(server, d.number, Differs)
		}
	}
	return nil
}

// confirm asks for what seems to be missing from a server's copy.
func (m *comparison) confirm(ctx context.Context, s *scan) error {
	c, missed := m.copies, m.check.Missed
	for _, gap := range s.gaps {
		if gap.from = m.check.must(gap.from, gap.to); gap.from == 0 {
			continue
		}
		for n := 0; n < confirmMax && gap.from <= gap.to; n++ {
			one, found, err := c.From(ctx, gap.from, missed)
			if err != nil {
				return err
			}
			if !found || one.Number > gap.to {
				break
			}
			has, ok := c.Has(ctx, s.server, one.Number, missed)
			switch {
			case !ok:
				return fmt.Errorf("ask server %s for message %d of %s: it does not answer",
					s.server, one.Number, c.stream)
			case !has:
				m.find(s.server, one.Number, Lacks)
				return nil // one is enough
			}
			gap.from = one.Number + 1
		}
	}
	return nil
}

// findStrays finds out who has a message still that was erased. A removal may be on its way to a
// server, which is waited for.
func (m *comparison) findStrays(ctx context.Context) error {
	waited := false
	for _, one := range m.strays {
		if m.check.Gone == nil || !m.check.Gone(one.message) {
			continue
		}
		if !waited {
			if !sleep(ctx, removalMax) {
				return ctx.Err()
			}
			waited = true
		}
		has, heard, err := m.copies.each(ctx, one.message.Number, m.check.Proven)
		if err != nil {
			return err
		}
		if len(has) == len(heard) { // it is no stray, or is gone everywhere
			continue
		}
		for server, sum := range has {
			if sum == one.sum {
				m.find(server, one.message.Number, Keeps)
			}
		}
		if m.check.Erase != nil {
			if err := m.check.Erase(ctx, one.message.Number); err != nil {
				return err
			}
		}
	}
	return nil
}

// sleep waits; it returns false when ctx ends first.
func sleep(ctx context.Context, pause time.Duration) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// Recheck looks again at what was found of copies, and takes back what is so no more: it is there
// now, or was removed, or its server keeps the stream no more.
func (c *Copies) Recheck(ctx context.Context, check Check) {
	for _, lack := range c.book.Lacks() {
		if lack.Stream != c.stream {
			continue
		}
		if c.isMended(ctx, lack, check) {
			c.book.sound(lack)
			continue
		}
		g, err := askGroup(ctx, c.conn, c.stream)
		if err == nil && g.Leader != "" && !slices.Contains(g.all(), lack.Server) {
			c.book.sound(lack)
		}
	}
}

// isMended tells whether what was found of a copy is so no more.
func (c *Copies) isMended(ctx context.Context, lack Lack, check Check) bool {
	if lack.How != Keeps && check.must(lack.Message, lack.Message) == 0 {
		return true
	}
	sums, heard, err := c.each(ctx, lack.Message, check.Proven)
	if err != nil {
		return false
	}
	sum, has := sums[lack.Server]
	_, answered := heard[lack.Server]
	switch lack.How {
	case Lacks:
		has, ok := c.Has(ctx, lack.Server, lack.Message, check.Missed)
		return ok && has
	case Keeps:
		return answered && !has
	case Differs:
		right, known := c.book.stored(c.stream, lack.Message)
		return known && has && sum == right
	case Disputed:
		votes := map[Sum]bool{}
		for _, sum := range sums {
			votes[sum] = true
		}
		return len(votes) == 1 && len(sums) > 1
	}
	return false
}

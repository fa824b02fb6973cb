package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"slices"

	"cakupan/eventstore"
	"cakupan/eventstore/jetstream"
	"cakupan/eventstore/packs"
	"cakupan/eventstore/verify"
)

// Streams says which streams are checked as what. All others are taken as they are in the last
// file alone.
type Streams struct{ Vault, Register, Lookups string }

// Chain is a whole backup and the increments that follow it, checked.
type Chain struct {
	// Identity is that of the ledger; End that of the last file.
	Identity eventstore.Identity
	Head     Head // of the last file
	End      End
	Report   verify.Report // of the log

	paths    []string
	streams  Streams
	heads    []Head
	ends     []End
	replaced map[string]map[uint64]bool // records of a stream in whose place another stands
}

// Open reads and checks the files: each byte, that each goes on from the one before, that the log
// is dense and its roots are true, and that vault and register hold all that it refers to. decode
// checks one event; optional. The error wraps ErrDamaged or ErrChain and names the file.
func Open(ctx context.Context, paths []string, streams Streams,
	decode func(eventstore.Record) error, progress func(verify.Progress),
) (*Chain, error) {
	c := &Chain{
		paths: paths, streams: streams,
		replaced: map[string]map[uint64]bool{
			streams.Vault: {}, streams.Register: {}, streams.Lookups: {},
		},
	}
	numbers := &numbers{chain: c, missing: map[string][]uint64{}}
	for i, path := range paths {
		if err := c.openOne(ctx, i, numbers); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("%w: no file is named", ErrChain)
	}
	c.Head, c.End = c.heads[len(paths)-1], c.ends[len(paths)-1]
	c.Identity = c.Head.Identity()
	report, err := verify.Check(ctx, chainLog{c}, verify.Options{
		Decode: decode, Progress: progress,
	})
	if err != nil {
		return nil, err
	}
	if c.Report = report; report.OK() && report.Last != c.End.Events {
		return nil, fmt.Errorf("%w: its log ends at event %d, not at %d as it says", ErrDamaged,
			report.Last, c.End.Events)
	}
	return c, nil
}

// openOne reads a file to its end and checks it.
func (c *Chain) openOne(ctx context.Context, i int, numbers *numbers) error {
	file := reading{path: c.paths[i]}
	file.begun = func(head *Head) error { return c.follows(i, head) }
	for m, err := range file.messages(ctx) {
		if err == nil {
			err = numbers.add(m)
		}
		if err != nil {
			return err
		}
	}
	c.heads, c.ends = append(c.heads, file.head), append(c.ends, file.end)
	return numbers.check(file.end.Position)
}

// follows checks that a file goes on from the one before.
func (c *Chain) follows(i int, head *Head) error {
	since := head.Since
	switch {
	case i == 0 && since != nil:
		return fmt.Errorf("%w: it is an increment, of what came after event %d: name the file"+
			" before it first, of SHA-256 %s", ErrChain, since.Events, since.File)
	case i == 0:
		return nil
	case head.Identity() != c.heads[0].Identity():
		return fmt.Errorf("%w: it is of ledger %s, the one before of ledger %s", ErrChain,
			head.Ledger, c.heads[0].Ledger)
	case since == nil:
		return fmt.Errorf("%w: it is whole: name it alone, or first", ErrChain)
	case since.File != c.ends[i-1].SHA256 || since.Position != c.ends[i-1].Position:
		return fmt.Errorf("%w: it goes on from event %d of the file of SHA-256 %s, the one before"+
			" ends at event %d and is %s", ErrChain, since.Events, since.File,
			c.ends[i-1].Events, c.ends[i-1].SHA256)
	}
	return nil
}

// numbers follows what the files number, and what the log refers to.
type numbers struct {
	chain   *Chain
	at      Position
	beside  eventstore.Beside
	missing map[string][]uint64
}

// recordsMissingMax bounds how many records are believed to be replaced in a row.
const recordsMissingMax = 1 << 22

func (n *numbers) add(m Message) error {
	switch m.Stream {
	case jetstream.StreamDefault:
		frame, err := eventstore.ParseFrame(m.Data)
		if err != nil {
			return fmt.Errorf("%w: after event %d: %w", ErrDamaged, n.at.Events, err)
		}
		n.at.Events, n.at.Frame = frame.Last(), FrameSum(m.Data)
		now := frame.Beside()
		n.beside.Vault = max(n.beside.Vault, now.Vault)
		n.beside.Register = max(n.beside.Register, now.Register)
	case n.chain.streams.Vault:
		return n.record(m, &n.at.Vault)
	case n.chain.streams.Register:
		return n.record(m, &n.at.Register)
	case n.chain.streams.Lookups:
		return n.record(m, &n.at.Lookups)
	}
	return nil
}

// record takes a record of a stream that ended at last. Those that are missing before it may have
// been replaced by one that is yet to come.
func (n *numbers) record(m Message, last *uint64) error {
	r, err := packs.Parse(m.Data)
	if err != nil {
		return fmt.Errorf("%w: %s after record %d: %w", ErrDamaged, m.Stream, *last, err)
	}
	if r.Number <= *last || r.Number-*last > recordsMissingMax {
		return fmt.Errorf("%w: record %d of %s comes after record %d", ErrDamaged, r.Number,
			m.Stream, *last)
	}
	for *last++; *last < r.Number; *last++ {
		n.missing[m.Stream] = append(n.missing[m.Stream], *last)
	}
	for _, number := range r.Replaces {
		n.chain.replaced[m.Stream][number] = true
	}
	return nil
}

// check compares what a file holds, with those before it, with what its end says.
func (n *numbers) check(end Position) error {
	for stream, missing := range n.missing {
		for _, number := range missing {
			if !n.chain.replaced[stream][number] {
				return fmt.Errorf("%w: record %d of %s is missing", ErrDamaged, number, stream)
			}
		}
	}
	if n.at != end {
		return fmt.Errorf("%w: it goes up to %+v, and says %+v", ErrDamaged, n.at, end)
	}
	if n.beside.Vault > n.at.Vault || n.beside.Register > n.at.Register {
		return fmt.Errorf("%w: its log has used %d records of the vault and %d of the register,"+
			" and it has %d and %d", ErrDamaged, n.beside.Vault, n.beside.Register, n.at.Vault,
			n.at.Register)
	}
	return nil
}

// HasLookups tells whether the look-ups are in it, as many as there were: an older program left
// them out.
func (c *Chain) HasLookups() bool {
	return slices.ContainsFunc(c.End.Sections, func(s Section) bool {
		return s.Stream == c.streams.Lookups
	})
}

// all yields the messages of all files.
func (c *Chain) all(ctx context.Context) iter.Seq2[Message, error] {
	return func(yield func(Message, error) bool) {
		for _, path := range c.paths {
			file := reading{path: path}
			for m, err := range file.messages(ctx) {
				if !yield(m, err) || err != nil {
					return
				}
			}
		}
	}
}

// Messages yields what is to be restored: of each stream, in its order, what was not replaced. What
// waited and what was refused is that of the last file.
func (c *Chain) Messages(ctx context.Context) iter.Seq2[Message, error] {
	return func(yield func(Message, error) bool) {
		for i, path := range c.paths {
			file := reading{path: path}
			for m, err := range file.messages(ctx) {
				if err == nil && !c.isRestored(m, i == len(c.paths)-1) {
					continue
				}
				if !yield(m, err) || err != nil {
					return
				}
			}
			if file.end.SHA256 != c.ends[i].SHA256 {
				yield(Message{}, fmt.Errorf("%w: %s was changed meanwhile", ErrDamaged, path))
				return
			}
		}
	}
}

func (c *Chain) isRestored(m Message, last bool) bool {
	if m.Stream == jetstream.StreamDefault {
		return true
	}
	replaced, numbered := c.replaced[m.Stream]
	if !numbered {
		return last
	}
	r, err := packs.Parse(m.Data)
	return err == nil && !replaced[r.Number]
}

// reading is a file that is read; head and end are set by messages.
type reading struct {
	path string
	head Head
	end  End

	begun func(*Head) error // is told the head, before any message; optional
}

// messages yields the messages of the file, each checked, and then whether all was.
func (f *reading) messages(ctx context.Context) iter.Seq2[Message, error] {
	return func(yield func(Message, error) bool) {
		file, err := os.Open(f.path)
		var of *os.PathError
		if errors.As(err, &of) {
			err = of.Err // callers name the file
		}
		if err != nil {
			yield(Message{}, err)
			return
		}
		defer func() { _ = file.Close() }() // it was only read
		r, err := NewReader(file)
		if err == nil {
			f.head = r.Head()
		}
		if err == nil && f.begun != nil {
			err = f.begun(&f.head)
		}
		for err == nil {
			var m Message
			if m, err = r.Next(); err == nil {
				err = ctx.Err()
			}
			if err == nil && !yield(m, nil) {
				return
			}
		}
		if !errors.Is(err, io.EOF) {
			yield(Message{}, err)
			return
		}
		f.end = r.End()
	}
}

// ReadEnd reads a file completely and returns how it begins and ends.
func ReadEnd(ctx context.Context, path string) (Head, End, error) {
	file := reading{path: path}
	for _, err := range file.messages(ctx) {
		if err != nil {
			return Head{}, End{}, fmt.Errorf("%s: %w", path, err)
		}
	}
	return file.head, file.end, nil
}

// chainLog is the log in a chain, for those who check one.
type chainLog struct{ *Chain }

var errReadOnly = errors.New("a backup is only read")

func (l chainLog) Identity() eventstore.Identity { return l.Chain.Identity }

func (l chainLog) Last(context.Context) (f eventstore.Frame, t eventstore.Tail, err error) {
	return f, t, errReadOnly
}

func (l chainLog) Append(context.Context, []byte, eventstore.Tail) (t eventstore.Tail, err error) {
	return t, errReadOnly
}

func (l chainLog) Read(ctx context.Context, _ eventstore.Sequence,
) iter.Seq2[eventstore.Frame, error] {
	return func(yield func(eventstore.Frame, error) bool) {
		for m, err := range l.all(ctx) {
			if err == nil && m.Stream != jetstream.StreamDefault {
				continue
			}
			var frame eventstore.Frame
			if err == nil {
				frame, err = eventstore.ParseFrame(slices.Clip(m.Data))
			}
			if !yield(frame, err) || err != nil {
				return
			}
		}
	}
}

func (l chainLog) Follow(ctx context.Context, from eventstore.Sequence,
) iter.Seq2[eventstore.Frame, error] {
	return l.Read(ctx, from)
}

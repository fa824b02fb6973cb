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

// Streams says which streams are checked as what. All others are taken as they are in the last file
// alone. They must differ, and be named as in the files.
type Streams struct{ Vault, Register, Lookups string }

// Chain is a whole backup and the increments that follow it, checked. Files are read again for each
// use and must stay as they are; Messages finds out where one did not. It may be used by several
// goroutines, as nothing of it changes.
type Chain struct {
	// Identity is that of the ledger; End that of the last file.
	Identity eventstore.Identity
	Head     Head // of the last file
	End      End
	// It may have damage: who wants a sound log looks at it.
	Report verify.Report // of the log

	paths   []string
	streams Streams
	// One for each path, as ends.
	heads []Head
	ends  []End
	// By name of the stream, then by number. They may lie in a file before the one with the record
	// that replaced them.
	replaced map[string]map[uint64]bool // records of a stream in whose place another stands
}

// Open reads and checks the files: each byte, that each goes on from the one before, that the log
// is dense and its roots are true, and that vault and register hold all that it refers to. decode
// checks one event; optional. The error wraps ErrDamaged or ErrChain and names the file. Each file
// is read twice, and nothing is written. Damage of the log itself is no error here: Report has it.
// Where ctx ends, the error is its own.
func Open(ctx context.Context, paths []string, streams Streams,
	decode func(eventstore.Record) error, progress func(verify.Progress),
) (*Chain, error) {
	c := &Chain{
		paths: paths, streams: streams,
		replaced: map[string]map[uint64]bool{
			streams.Vault: {}, streams.Register: {}, streams.Lookups: {},
		},
	}
	// One for all files: numbers go on from file to file.
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

// openOne reads a file to its end and checks it. Its head is compared before its messages are read:
// a wrong file is found at once, however long it is.
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

// follows checks that a file goes on from the one before. i is its place among the paths. The
// messages tell which file is missing, or in which order they belong.
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
	case since.File != c.ends[i-1].SHA256 || !since.Same(c.ends[i-1].Position):
		return fmt.Errorf("%w: it goes on from event %d of the file of SHA-256 %s, the one before"+
			" ends at event %d and is %s", ErrChain, since.Events, since.File,
			c.ends[i-1].Events, c.ends[i-1].SHA256)
	}
	return nil
}

// numbers follows what the files number, and what the log refers to.
type numbers struct {
	chain *Chain
	// What the files so far come to.
	at Position
	// The greatest that any frame names.
	beside eventstore.Beside
	// By stream, from the first file on; those that stay so must be among the replaced.
	missing map[string][]uint64
}

// recordsMissingMax bounds how many records are believed to be replaced in a row. More would only
// take memory for a number that is wrong.
const recordsMissingMax = 1 << 22

// add takes in a message of any stream; those that are not numbered say nothing here.
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
		return n.record(m, &n.at.Vault, &n.at.Sums.Vault)
	case n.chain.streams.Register:
		return n.record(m, &n.at.Register, &n.at.Sums.Register)
	case n.chain.streams.Lookups:
		return n.record(m, &n.at.Lookups, &n.at.Sums.Lookups)
	}
	return nil
}

// record takes a record of a stream that ended at last, of that sum. Those that are missing before
// it may have been replaced by one that is yet to come.
func (n *numbers) record(m Message, last *uint64, sum *string) error {
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
	*sum = r.Sum()
	return nil
}

// check compares what a file holds, with those before it, with what its end says. It is called
// after each file: each must be whole with those before it, or a chain that ends there could not be
// restored.
func (n *numbers) check(end Position) error {
	for stream, missing := range n.missing {
		for _, number := range missing {
			if !n.chain.replaced[stream][number] {
				return fmt.Errorf("%w: record %d of %s is missing", ErrDamaged, number, stream)
			}
		}
	}
	if !n.at.Same(end) {
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
// them out. Without them a restore has to be told that they are lost: a list that must be complete
// would say nothing of it.
func (c *Chain) HasLookups() bool {
	return slices.ContainsFunc(c.End.Sections, func(s Section) bool {
		return s.Stream == c.streams.Lookups
	})
}

// all yields the messages of all files. They are checked as they are read; whether a file has
// changed since Open is not.
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
// waited and what was refused is that of the last file. What it has yielded before an error must
// not be kept: only its end, without an error, says that the files still are those that were
// checked.
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

// isRestored tells whether a message is to be restored; last tells whether it is of the last file.
func (c *Chain) isRestored(m Message, last bool) bool {
	if m.Stream == jetstream.StreamDefault {
		return true
	}
	replaced, numbered := c.replaced[m.Stream]
	// Of what waits and what was refused each file has all there was.
	if !numbered {
		return last
	}
	r, err := packs.Parse(m.Data)
	return err == nil && !replaced[r.Number]
}

// reading is a file that is read; head and end are set by messages.
type reading struct {
	path string
	// Zero until the beginning was read.
	head Head
	// Zero until all was read and checked.
	end End

	begun func(*Head) error // is told the head, before any message; optional
}

// messages yields the messages of the file, each checked, and then whether all was. A message is
// yielded before the file is known to be whole; the error comes last.
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

// ReadEnd reads a file completely and returns how it begins and ends. It checks every byte, and
// nothing beside the file. An increment begins with what it returns of the file before.
func ReadEnd(ctx context.Context, path string) (Head, End, error) {
	file := reading{path: path}
	for _, err := range file.messages(ctx) {
		if err != nil {
			return Head{}, End{}, fmt.Errorf("%s: %w", path, err)
		}
	}
	return file.head, file.end, nil
}

// chainLog is the log in a chain, for those who check one. It reads all from the first event,
// whatever is asked for, and ends where the files do.
type chainLog struct{ *Chain }

var errReadOnly = errors.New("a backup is only read")

// Identity returns whose the log is.
func (l chainLog) Identity() eventstore.Identity { return l.Chain.Identity }

// Last is of no use to those who check, and fails.
func (l chainLog) Last(context.Context) (f eventstore.Frame, t eventstore.Tail, err error) {
	return f, t, errReadOnly
}

// Append fails.
func (l chainLog) Append(context.Context, []byte, eventstore.Tail) (t eventstore.Tail, err error) {
	return t, errReadOnly
}

// Read yields all frames, from the first on.
func (l chainLog) Read(ctx context.Context, _ eventstore.Sequence,
) iter.Seq2[eventstore.Frame, error] {
	return func(yield func(eventstore.Frame, error) bool) {
		for m, err := range l.all(ctx) {
			if err == nil && m.Stream != jetstream.StreamDefault {
				continue
			}
			var frame eventstore.Frame
			if err == nil {
				// Clipped, so that nothing appended to the frame gets into what lies behind it.
				frame, err = eventstore.ParseFrame(slices.Clip(m.Data))
			}
			if !yield(frame, err) || err != nil {
				return
			}
		}
	}
}

// Follow is Read: nothing comes later.
func (l chainLog) Follow(ctx context.Context, from eventstore.Sequence,
) iter.Seq2[eventstore.Frame, error] {
	return l.Read(ctx, from)
}

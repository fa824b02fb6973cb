package intake

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"

	"cakupan/domain/event"
	"cakupan/eventstore/cloudevents"
	"cakupan/eventstore/codec"
	"cakupan/eventstore/writer"
)

// Vault holds the worker ids of people known by a NIK. It is safe for concurrent use.
type Vault interface {
	// Lookup returns the worker id of a NIK where the vault has one, and changes nothing.
	Lookup(nik string) (worker string, ok bool, err error)
	// Resolve returns the worker id of a NIK, a new one at first sight. What it returns may be
	// recorded only after Persist.
	Resolve(nik string) (worker string, err error)
	// Overtaken returns how often ids were given up that others have given the same people.
	Overtaken() uint64
	// Persist returns once all ids that Resolve has returned are on stable storage. It fails where
	// some were given up since Overtaken returned a number, which is to be before they were
	// resolved.
	Persist(ctx context.Context, since uint64) error
}

// Writer appends to the log. It is safe for concurrent use.
type Writer interface {
	// Append returns once the entries are on stable storage, with a result for each in order. It
	// reads the entries until then and keeps nothing of them. A result without status is of an
	// entry that was not appended for no fault of its own. After an error it is unknown which
	// entries are in the log; sending them again is safe.
	Append(
		ctx context.Context, entries []writer.Entry, opts writer.AppendOptions,
	) ([]writer.Result, error)
	// Check returns what Append would, each entry judged by itself, and appends nothing. What is
	// not recorded yet has the sequence 0, and so has a duplicate of it.
	Check(ctx context.Context, entries []writer.Entry) ([]writer.Result, error)
	// FindOut returns once it is known what became of all that was appended before.
	FindOut(ctx context.Context) error
}

// Intake takes events in. It is safe for concurrent use.
type Intake struct {
	vault   Vault
	writer  Writer
	parsers sync.Pool         // of *cloudevents.Parser
	guest   [sha256.Size]byte // key of the ids that people unknown have in a dry run
}

var _ Submitter = (*Intake)(nil)

// New returns an intake that asks the vault for worker ids and gives events to the writer.
func New(vault Vault, writer Writer) *Intake {
	in := &Intake{
		vault: vault, writer: writer,
		parsers: sync.Pool{New: func() any { return new(cloudevents.Parser) }},
	}
	_, _ = rand.Read(in.guest[:]) // never fails: see crypto/rand
	return in
}

// Submit is that of [Submitter].
func (in *Intake) Submit(
	ctx context.Context, raw [][]byte, opts Options,
) ([]event.Receipt, error) {
	batch, err := in.Prepare(raw, opts)
	if err != nil {
		return nil, err
	}
	return in.Commit(ctx, batch)
}

// FindOut returns once it is known what became of all that was committed before, also of batches
// whose commit could not tell.
func (in *Intake) FindOut(ctx context.Context) error { return in.writer.FindOut(ctx) }

// Batch is a number of events that are read, accepted or refused, and encoded, but not recorded.
type Batch struct {
	opts     Options
	receipts []event.Receipt // those of refused events are final
	entries  []writer.Entry  // of accepted events; elsewhere the zero entry
	persons  bool            // some came with a NIK
	since    uint64          // see Vault.Overtaken
	// before are entries that are appended in front of those of events, by their places.
	before map[int][]writer.Entry
	// spoken are entries in front of those that must not make the batch too large: see Speak.
	spoken map[int]writer.Entry
	aside  bool           // they are in the log by themselves
	notes  map[int]string // for receipts of events that are appended, by their places
}

// Prepare does the part of [Intake.Submit] that needs no storage but the vault's: who has more
// events can prepare them while a batch is committed. Batches must be committed in the order of
// their events. raw is not used after Prepare has returned.
func (in *Intake) Prepare(raw [][]byte, opts Options) (*Batch, error) {
	b := &Batch{
		opts:     opts,
		receipts: make([]event.Receipt, len(raw)),
		entries:  make([]writer.Entry, len(raw)),
		since:    in.vault.Overtaken(),
	}
	if opts.Atomic { // how many; how large is known only when they are encoded
		if err := writer.CheckAtomic(b.entries); err != nil {
			return nil, err
		}
	}
	if err := in.prepareAll(b, raw); err != nil {
		return nil, err
	}
	if opts.Atomic {
		if err := writer.CheckAtomic(b.entries); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// prepareAll reads the events into b, with all processors where that is worth it.
func (in *Intake) prepareAll(b *Batch, raw [][]byte) (err error) {
	share := max(shareMin, (len(raw)+runtime.GOMAXPROCS(0)-1)/runtime.GOMAXPROCS(0))
	if len(raw) <= share {
		b.persons, err = in.prepare(b, raw, 0)
		return err
	}
	var wait sync.WaitGroup
	errs := make([]error, (len(raw)+share-1)/share)
	persons := make([]bool, len(errs))
	for n := range errs {
		from := n * share
		part := raw[from:min(from+share, len(raw))]
		wait.Go(func() { persons[n], errs[n] = in.prepare(b, part, from) })
	}
	wait.Wait()
	for n := range errs {
		b.persons = b.persons || persons[n]
	}
	return errors.Join(errs...)
}

// shareMin is how many events are worth a goroutine: about half a millisecond of work.
const shareMin = 128

// yieldEvery is after how many events, of some microseconds each, others have their turn at the
// processor. The runtime would let them wait for 10 ms, at each of the steps that their own events
// take, while somebody sends as much as he can.
const yieldEvery = 32

// encodedBytes is what an event usually takes in the log; more costs one more allocation.
const encodedBytes = 160

// prepare reads events from the one numbered first on into b. It tells whether some came with a
// NIK.
func (in *Intake) prepare(b *Batch, raw [][]byte, first int) (persons bool, err error) {
	p := in.parsers.Get().(*cloudevents.Parser)
	defer in.parsers.Put(p)
	buffer := make([]byte, 0, len(raw)*encodedBytes)
	for i := range raw {
		if i%yieldEvery == yieldEvery-1 {
			runtime.Gosched()
		}
		p.Reset()
		var accepted event.Accepted
		doc, refusal := p.Read(raw[i])
		if refusal == nil {
			accepted, refusal = b.accept(doc)
		}
		receipt := &b.receipts[first+i]
		receipt.Key = accepted.Key
		if refusal != nil {
			receipt.Status, receipt.Refusal = event.Refused, refusal
			continue
		}
		if accepted.Data.Has&event.EdgeOnly != 0 {
			persons = true
			refusal, err = accepted.Data.NameWorkers(in.resolver(b.opts.DryRun))
			switch {
			case err != nil:
				return persons, fmt.Errorf("resolve worker: %w", err)
			case refusal != nil:
				receipt.Status, receipt.Refusal = event.Refused, refusal
				continue
			}
		}
		if buffer, err = encode(&b.entries[first+i], &accepted, buffer); err != nil {
			return persons, err
		}
		if b.opts.Weigh != nil {
			b.opts.Weigh(first+i, &accepted.Event)
		}
	}
	return persons, nil
}

// resolver returns what names people: the vault, or for a dry run the vault unchanged. Who is not
// in it then has an id as long as this intake lives, the same in each batch of a list, and derived
// from a key, so that nothing is kept of somebody who was only asked about.
func (in *Intake) resolver(dry bool) func(nik string) (worker string, err error) {
	if !dry {
		return in.vault.Resolve
	}
	return func(nik string) (string, error) {
		worker, ok, err := in.vault.Lookup(nik)
		if ok || err != nil {
			return worker, err
		}
		return guestID(in.guest[:], nik), nil
	}
}

// guestID returns an id derived from a key: like those of the vault it never looks as if a NIK
// stood in it.
func guestID(key []byte, nik string) string {
	sum := hmac.New(sha256.New, key)
	for {
		sum.Write([]byte(nik + ".")) // once more if the id before is no good
		id := hex.EncodeToString(sum.Sum(nil)[:workerBytes])
		if !event.HasNIK(id) {
			return id
		}
	}
}

// workerBytes is how long the worker ids of the vault are.
const workerBytes = 16

// accept reads a document as an event of the publisher.
func (b *Batch) accept(doc event.Value) (event.Accepted, *event.Refusal) {
	accepted, refusal := event.Accept(doc, event.Options{KeepRecorded: b.opts.KeepRecorded})
	if refusal != nil || b.opts.Scope == nil {
		accepted.Publisher = b.opts.Publisher
		return accepted, refusal
	}
	accepted.Publisher = b.opts.Scope.Publisher
	if refusal := b.opts.Scope.Check(&accepted.Event); refusal != nil {
		return event.Accepted{Event: event.Event{Key: accepted.Key}}, refusal
	}
	return accepted, nil
}

// encode makes the entry of an accepted event. Its bytes are appended to buffer.
func encode(entry *writer.Entry, a *event.Accepted, buffer []byte) ([]byte, error) {
	start := len(buffer)
	buffer = codec.Append(buffer, &a.Event)
	entry.Key = a.Key
	entry.Event = buffer[start:len(buffer):len(buffer)]
	var err error
	if entry.Digest, err = codec.Digest(entry.Event); err != nil {
		return buffer, err
	}
	if a.Type == event.EventRetracted {
		entry.Retracts = &event.Key{Source: a.Data.RetractedSource, ID: a.Data.RetractedID}
	}
	if a.HasRecorded {
		entry.RecordedAt, entry.Original = a.RecordedAt, true
	}
	return buffer, nil
}

// Commit records what [Intake.Prepare] has read, and returns as [Intake.Submit] does. A batch is
// committed once.
func (in *Intake) Commit(ctx context.Context, b *Batch) ([]event.Receipt, error) {
	entries, places := b.accepted()
	if err := in.speakAhead(ctx, b, entries); err != nil {
		return nil, err
	}
	if b.aside {
		entries, places = b.accepted()
	}
	results, err := in.record(ctx, b, entries)
	if err != nil {
		return nil, err
	}
	for i, result := range results {
		if places[i] < 0 { // of no event that was sent
			continue
		}
		receipt := &b.receipts[places[i]]
		receipt.Status, receipt.Refusal = result.Status, result.Refusal
		receipt.Sequence = uint64(result.Sequence)
		if receipt.Status == event.Appended {
			receipt.Notice = b.notes[places[i]]
		}
		if result.Status == "" { // not its own fault
			receipt.Status = event.Refused
		}
	}
	return b.receipts, nil
}

// speakAhead appends what is spoken in front of an atomic batch by itself, where one frame has no
// room for both: then it is in the log although the batch may not come to be. A batch of which an
// event is refused is not appended, and nothing is said of it.
func (in *Intake) speakAhead(ctx context.Context, b *Batch, entries []writer.Entry) error {
	if !b.opts.Atomic || b.opts.DryRun || len(b.spoken) == 0 || b.refuses() ||
		writer.CheckAtomic(entries) == nil {
		return nil
	}
	said := make([]writer.Entry, 0, len(b.spoken))
	for place := range b.receipts {
		if entry, spoken := b.spoken[place]; spoken {
			said = append(said, entry)
		}
	}
	b.aside = true
	_, err := in.writer.Append(ctx, said, writer.AppendOptions{})
	return err
}

// refuses tells whether an event of the batch is refused.
func (b *Batch) refuses() bool {
	return slices.ContainsFunc(b.receipts, func(r event.Receipt) bool { return r.Refusal != nil })
}

// accepted returns the entries of the accepted events, with those in front of them, and the places
// of their receipts, -1 for none.
func (b *Batch) accepted() (entries []writer.Entry, places []int) {
	entries, places = b.entries[:0], make([]int, 0, len(b.entries))
	if more := len(b.before) + len(b.spoken); more > 0 {
		entries = make([]writer.Entry, 0, len(b.entries)+more)
	}
	for i := range b.receipts {
		if b.receipts[i].Refusal == nil {
			for range b.before[i] {
				places = append(places, -1)
			}
			entries = append(entries, b.before[i]...)
			if entry, spoken := b.spoken[i]; spoken && !b.aside {
				entries, places = append(entries, entry), append(places, -1)
			}
			entries = append(entries, b.entries[i])
			places = append(places, i)
		}
	}
	return entries, places
}

// record appends entries, or finds out what would become of them where nothing is to be appended.
func (in *Intake) record(
	ctx context.Context, b *Batch, entries []writer.Entry,
) ([]writer.Result, error) {
	refused := b.refuses()
	switch {
	case len(entries) == 0:
		return nil, nil
	case b.opts.DryRun || b.opts.Atomic && refused:
		results, err := in.writer.Check(ctx, entries)
		if b.opts.Atomic && (refused || slices.ContainsFunc(results, isRefused)) {
			withhold(results)
		}
		return results, err
	}
	if b.persons {
		// If we crash after this, the vault holds ids that no event has: they wait for the
		// same people. The other way round, events would hold ids of nobody.
		if err := in.vault.Persist(ctx, b.since); err != nil {
			return nil, fmt.Errorf("persist worker ids: %w", err)
		}
	}
	return in.writer.Append(ctx, entries, writer.AppendOptions{Atomic: b.opts.Atomic})
}

// withhold takes the status of what would be appended away, because another event of the batch is
// refused.
func withhold(results []writer.Result) {
	for i := range results {
		if results[i].Status != event.Refused && results[i].Sequence == 0 {
			results[i] = writer.Result{}
		}
	}
}

func isRefused(r writer.Result) bool { return r.Status == event.Refused }

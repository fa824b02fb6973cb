// Package lookups keeps who read what about people: a JetStream stream of records, one a read, that
// only grows. The first were look-ups by identity number, which gave it its name; the number itself
// is not in it.
package lookups

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/nats-io/nats.go"

	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/eventstore/packs"
)

// StreamName is the name of the stream.
const StreamName = "CAKUPAN_LOOKUPS"

const streamSubject = "cakupan.lookups"

// StreamOptions returns what the stream is opened and made with.
func StreamOptions() packs.Options {
	return packs.Options{
		Stream: StreamName, Subject: streamSubject,
		Description: "who read in a cakupan ledger what about people",
	}
}

// Lookup is a look-up by identity number.
type Lookup struct {
	Number uint64 `json:"number"`
	At     string `json:"at"` // RFC 3339
	// Who has logged in; empty: nobody had to, at the machine of the ledger.
	Who    string `json:"who"`
	Worker string `json:"worker"` // that was found; empty: the vault knew none
}

// Read is one of any kind.
type Read struct {
	Number uint64 `json:"number"`
	At     string `json:"at"`     // RFC 3339
	Who    string `json:"who"`    // as in Lookup
	What   Kind   `json:"what"`   // was read, or done
	Of     string `json:"of"`     // whom or which; of a look-up empty
	Worker string `json:"worker"` // whom it is about; empty: not one worker, or nobody was found
	Why    string `json:"why,omitempty"`
}

// Kind says what was read about people, or done with what they sent.
type Kind string

// The kinds. They are in records, so that none is ever named anew.
const (
	ByNIK     Kind = "lookup"     // the worker of an identity number
	History   Kind = "history"    // of a worker, an enrolment or a commitment
	Explained Kind = "explain"    // the workers of a figure
	Compared  Kind = "difference" // the workers between two figures
	Findings  Kind = "findings"   // of a worker or an enrolment
	Events    Kind = "log"        // about a worker or an enrolment
	Bundled   Kind = "bundle"     // the events of a figure
	Original  Kind = "refused"    // one that was refused, with what was sent
	Retried   Kind = "retry"      // such a one was taken in again
	Dropped   Kind = "drop"       // such a one was removed
)

// Kinds lists them.
func Kinds() []Kind {
	return []Kind{
		ByNIK, History, Explained, Compared, Findings, Events, Bundled, Original, Retried, Dropped,
	}
}

// Lookup returns a read that is one as such.
func (r *Read) Lookup() (l Lookup, is bool) {
	return Lookup{r.Number, r.At, r.Who, r.Worker}, r.What == ByNIK
}

// Errors of this package.
var (
	// ErrOtherLedger is returned by Open for a stream of another ledger.
	ErrOtherLedger = errors.New("the look-ups are of another ledger")
	// ErrRecord is returned for bytes that are no look-up.
	ErrRecord = errors.New("not a valid look-up or read")
)

// Book is the open stream. All methods may be called at the same time.
type Book struct{ stream *packs.Stream }

// Open opens the stream of the ledger with the identity, and makes it where there is none.
func Open(ctx context.Context, conn *nats.Conn, opts packs.Options, identity eventstore.Identity,
) (*Book, error) {
	book, err := OpenExisting(ctx, conn, opts, identity)
	if !errors.Is(err, packs.ErrNoStream) {
		return book, err
	}
	_, err = packs.Create(ctx, conn, opts, identity)
	if err != nil && !errors.Is(err, eventstore.ErrExists) { // another was faster
		return nil, fmt.Errorf("make look-ups: %w", err)
	}
	return OpenExisting(ctx, conn, opts, identity)
}

// OpenExisting opens the stream. The error wraps packs.ErrNoStream when nobody has looked up yet.
func OpenExisting(ctx context.Context, conn *nats.Conn, opts packs.Options,
	identity eventstore.Identity,
) (*Book, error) {
	stream, err := packs.Open(ctx, conn, opts)
	if err != nil {
		return nil, fmt.Errorf("open look-ups: %w", err)
	}
	if stream.Identity() != identity {
		return nil, fmt.Errorf("open look-ups: %w: %s", ErrOtherLedger, stream.Identity().Ledger)
	}
	return &Book{stream}, nil
}

// triesMax is how often a record is appended again that others were faster with.
const triesMax = 100

// Record stores a read at a time, and returns once it is on stable storage. After an error nobody
// may be told what is read: it may have been stored, or not.
func (b *Book) Record(ctx context.Context, at temporal.Instant, r *Read) error {
	data, err := json.Marshal(record{
		Version: version, At: at.String(), Who: r.Who, Worker: r.Worker, What: r.What, Of: r.Of,
		Why: r.Why,
	})
	if err != nil {
		return fmt.Errorf("record read: %w", err)
	}
	for range triesMax {
		var end packs.End
		if end, err = b.stream.Last(ctx); err != nil {
			break
		}
		_, err = b.stream.Append(ctx, data, end)
		if !errors.Is(err, eventstore.ErrFenced) || errors.Is(err, eventstore.ErrUnknownOutcome) {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("record read: %w", err)
	}
	return nil
}

// Look asks for the end of the book, for who keeps a witness of it.
func (b *Book) Look(ctx context.Context) error {
	_, err := b.stream.Last(ctx)
	return err
}

// Each calls yield with each read, in their order. Damage is an error that names the records, at
// the end.
func (b *Book) Each(ctx context.Context, yield func(Read) error) error {
	for r, err := range b.stream.Read(ctx, 1) {
		if err != nil {
			return fmt.Errorf("read look-ups: %w", err)
		}
		l, err := parse(r.Data)
		if err != nil {
			return fmt.Errorf("read look-up %d: %w", r.Number, err)
		}
		l.Number = r.Number
		if err := yield(l); err != nil {
			return err
		}
	}
	return nil
}

// version is that of a record. Those of version 1 are look-ups, and have neither What, Of nor Why.
const version = 2

// record is a read as it is stored.
type record struct {
	Version int    `json:"v"`
	At      string `json:"at"`
	Who     string `json:"who"`
	Worker  string `json:"worker"`
	What    Kind   `json:"what,omitempty"`
	Of      string `json:"of,omitempty"`
	Why     string `json:"why,omitempty"`
}

// parse reads a record as Record writes it.
func parse(data []byte) (read Read, err error) {
	var r record
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&r); err != nil {
		return read, fmt.Errorf("%w: %w", ErrRecord, err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return read, fmt.Errorf("%w: something follows it", ErrRecord)
	}
	if r.Version > version {
		return read, fmt.Errorf("%w: version %d", eventstore.ErrNewerFormat, r.Version)
	}
	if _, err := temporal.ParseInstant(r.At); err != nil || r.Version < 1 {
		return read, fmt.Errorf("%w: version %d, at %q", ErrRecord, r.Version, r.At)
	}
	switch {
	case r.Version == 1 && r.What+Kind(r.Of)+Kind(r.Why) == "":
		r.What = ByNIK
	case r.Version == 1 || !slices.Contains(Kinds(), r.What):
		return read, fmt.Errorf("%w: version %d, what %q", ErrRecord, r.Version, r.What)
	}
	return Read{
		At: r.At, Who: r.Who, Worker: r.Worker, What: r.What, Of: r.Of, Why: r.Why,
	}, nil
}

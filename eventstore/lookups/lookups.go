// Package lookups keeps who asked for whom by an identity number: a JetStream stream of records,
// one a look-up, that only grows. The number itself is not in it.
package lookups

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

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
		Description: "who asked a cakupan ledger for whom by an identity number",
	}
}

// Lookup is one.
type Lookup struct {
	Number uint64 `json:"number"`
	At     string `json:"at"` // RFC 3339
	// Who has logged in; empty: nobody had to, at the machine of the ledger.
	Who    string `json:"who"`
	Worker string `json:"worker"` // that was found; empty: the vault knew none
}

// Errors of this package.
var (
	// ErrOtherLedger is returned by Open for a stream of another ledger.
	ErrOtherLedger = errors.New("the look-ups are of another ledger")
	// ErrRecord is returned for bytes that are no look-up.
	ErrRecord = errors.New("not a valid look-up")
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

// Record stores a look-up, and returns once it is on stable storage. After an error nobody may be
// told what was found: it may have been stored, or not.
func (b *Book) Record(ctx context.Context, at temporal.Instant, who, worker string) error {
	data, err := json.Marshal(record{Version: version, At: at.String(), Who: who, Worker: worker})
	if err != nil {
		return fmt.Errorf("record look-up: %w", err)
	}
	for range triesMax {
		var end packs.End
		if end, err = b.stream.Last(ctx); err != nil {
			break
		}
		if _, err = b.stream.Append(ctx, data, end); !errors.Is(err, eventstore.ErrFenced) {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("record look-up: %w", err)
	}
	return nil
}

// Each calls yield with each look-up, in their order. Damage is an error that names the records, at
// the end.
func (b *Book) Each(ctx context.Context, yield func(Lookup) error) error {
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

// version is that of a record.
const version = 1

// record is a look-up as it is stored.
type record struct {
	Version int    `json:"v"`
	At      string `json:"at"`
	Who     string `json:"who"`
	Worker  string `json:"worker"`
}

// parse reads a record as Record writes it.
func parse(data []byte) (l Lookup, err error) {
	var r record
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&r); err != nil {
		return l, fmt.Errorf("%w: %w", ErrRecord, err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return l, fmt.Errorf("%w: something follows it", ErrRecord)
	}
	if r.Version > version {
		return l, fmt.Errorf("%w: version %d", eventstore.ErrNewerFormat, r.Version)
	}
	if _, err := temporal.ParseInstant(r.At); err != nil || r.Version < 1 {
		return l, fmt.Errorf("%w: version %d, at %q", ErrRecord, r.Version, r.At)
	}
	return Lookup{At: r.At, Who: r.Who, Worker: r.Worker}, nil
}

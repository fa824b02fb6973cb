package eventstore

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"iter"
	"strconv"

	"cakupan/domain/temporal"
)

// Sequence is the place of an event in the log: 1, 2, 3 … without gaps. 0 means none.
// It counts events, not messages of the underlying store.
type Sequence uint64

// String returns the sequence in decimal.
func (s Sequence) String() string { return strconv.FormatUint(uint64(s), 10) }

// Record is one stored event.
type Record struct {
	Sequence   Sequence
	RecordedAt temporal.Instant
	// Event holds the stored bytes. They belong to the frame: read them, do not write them,
	// and copy what must outlive the frame.
	Event []byte
}

// Identity tells a log from every other log, also from one that was created anew under the same
// name. State that was derived from a log is bound to it.
type Identity struct {
	// Ledger is a random 128-bit number in 32 lower-case hexadecimal digits, made when the log
	// was created.
	Ledger string
	// Created is when the log was created.
	Created temporal.Instant
}

// NewIdentity makes the identity of a new log that is created at the given moment.
func NewIdentity(created temporal.Instant) Identity {
	var number [16]byte
	_, _ = rand.Read(number[:]) // never fails: see crypto/rand
	return Identity{Ledger: hex.EncodeToString(number[:]), Created: created}
}

// IsZero reports whether the identity names no log.
func (i Identity) IsZero() bool { return i == Identity{} }

// Tail is the end of a log. The zero value is the end of an empty log.
type Tail struct {
	// Sequence is that of the last event.
	Sequence Sequence
	// Message is the place of the last frame in the underlying store. Only the log that gave it
	// can interpret it.
	Message uint64
	// RecordedAt is the record time of the last event.
	RecordedAt temporal.Instant
}

// Log is the ordered, append-only sequence of frames. All methods may be called at the same time
// from several goroutines.
type Log interface {
	// Identity names the log. It is constant.
	Identity() Identity

	// Last returns the last frame and the end of the log. It is a consistent read: it sees every
	// append that was acknowledged, by whomever, before the call, and none that may not last: a
	// Read after it reaches the end that it has told. An empty log gives a zero Tail and no error.
	// If the last frame cannot be read, the error is a *DamageError.
	Last(ctx context.Context) (Frame, Tail, error)

	// Append stores the frame directly after the end `after` and returns the new end, once the
	// frame is on stable storage. The frame's first sequence must be after.Sequence+1; the caller
	// keeps the other invariants (record times, root). The log does not retain the bytes.
	//
	// ErrFenced: the log does not end at `after`, and this call stored nothing. See ErrFenced for
	// what to do when an earlier attempt with the same frame had an unknown outcome.
	// ErrUnknownOutcome: the frame may or may not be stored, now or shortly after this call
	// returned. Call Last and compare before trying again.
	// ErrFull: there is no room; nothing was stored. Worth trying again later.
	// Any other error: nothing was stored.
	Append(ctx context.Context, frame []byte, after Tail) (Tail, error)

	// Read yields the frames from the one that holds the event `from` to the end of the log as
	// of the call, then stops. The records of the first frame may begin before `from`. A `from`
	// of 0 means 1; one beyond the end yields nothing.
	//
	// Where events cannot be read it yields a *DamageError that names them, and goes on with the
	// next readable frame if the loop does. Any other error ends the iteration.
	//
	// A frame and its records are valid for as long as anything refers to them.
	Read(ctx context.Context, from Sequence) iter.Seq2[Frame, error]

	// Follow yields the same as Read and then goes on with new frames as they are appended. It
	// ends only when the loop does, when ctx is done (the last error is then the one of ctx), or
	// with an error that is not a *DamageError. A `from` beyond the end waits for that event.
	Follow(ctx context.Context, from Sequence) iter.Seq2[Frame, error]
}

package packs

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"cakupan/eventstore"
	log "cakupan/eventstore/jetstream"
)

// Between two attempts to find out what became of a record there is a pause, twice as long each
// time.
const (
	pauseFirst = 5 * time.Millisecond
	pauseMax   = time.Second
)

// Append stores data as the record after the given end, and returns the new end once it is on
// stable storage.
//
//   - eventstore.ErrFenced: the stream does not end there: somebody else has appended. Nothing was
//     stored.
//   - eventstore.ErrUnknownOutcome: within the patience, or until ctx ended, the stream did not
//     tell. The record may be stored, now or shortly after: read on from `after` before anything
//     else.
//   - eventstore.ErrFull: there is no room; nothing was stored. Any other error: likewise.
func (s *Stream) Append(ctx context.Context, data []byte, after End) (End, error) {
	return s.append(ctx, Record{Data: data}, after)
}

// Replace stores data as the record after the given end, in place of an old one, and has the old
// one's bytes overwritten. With an error of the second part the returned end is valid all the same,
// and Erase is to be called again. Errors are those of Append.
func (s *Stream) Replace(ctx context.Context, old Record, data []byte, after End) (End, error) {
	if !s.opts.Erasable {
		return End{}, fmt.Errorf("replace record %d of %s: %w",
			old.Number, s.opts.Stream, ErrErasable)
	}
	replaces := append(slices.Clone(old.Replaces), old.Number)
	end, err := s.append(ctx, Record{Replaces: replaces, Data: data}, after)
	if err != nil {
		return End{}, err
	}
	// If we crash here, both are there, and whoever reads the new one erases the old one.
	return end, s.Erase(ctx, old.Number)
}

// Erase has the bytes of a record overwritten in the server's files, and the record removed. It
// must have been replaced: else its number is missed. One that is gone already is no error.
func (s *Stream) Erase(ctx context.Context, number uint64) error {
	if !s.opts.Erasable {
		return fmt.Errorf("erase record %d of %s: %w", number, s.opts.Stream, ErrErasable)
	}
	// It may be gone from the copy of the server that leads, and be in another one.
	r, err := s.find(ctx, number, func(r *Record) bool { return r.Number == number })
	if errors.Is(err, ErrNoRecord) {
		return nil
	}
	if err == nil {
		err = s.eraseMessage(ctx, r.message)
	}
	if err != nil {
		return fmt.Errorf("erase record %d of %s: %w", number, s.opts.Stream, err)
	}
	return nil
}

// eraseMessage has each server overwrite the bytes of a message that it has. That the one which
// leads has it no more is no error.
func (s *Stream) eraseMessage(ctx context.Context, message uint64) error {
	var response struct {
		Success bool `json:"success"`
	}
	// Not with no_erase: the server writes other bytes in its place.
	err := log.Request(ctx, s.conn, "$JS.API.STREAM.MSG.DELETE."+s.opts.Stream,
		map[string]any{"seq": message}, &response)
	switch {
	case isGone(err):
		return nil
	case err == nil && !response.Success:
		return errors.New("the server did not")
	}
	return err
}

// isGone tells whether an error says that the message to be deleted is not there any more.
func isGone(err error) bool {
	const noSequence = 10043 // the server's JSSequenceNotFoundErrF
	var apiErr *jetstream.APIError
	return errors.As(err, &apiErr) && (apiErr.ErrorCode == noSequence ||
		apiErr.ErrorCode == jetstream.JSErrCodeMessageNotFound)
}

// append gives a record its number and stores it.
func (s *Stream) append(ctx context.Context, r Record, after End) (End, error) {
	r.Number = after.Number + 1
	err := s.checkReady(ctx)
	switch {
	case len(r.Data) > DataBytesMax:
		err = fmt.Errorf("%w: %d bytes, at most %d", ErrTooLarge, len(r.Data), DataBytesMax)
	case len(r.Replaces) > ReplacesMax:
		err = fmt.Errorf("%w: it would replace %d", ErrTooLarge, len(r.Replaces))
	}
	if err != nil {
		return End{}, fmt.Errorf("append to %s: %w", s.opts.Stream, err)
	}
	_, _ = rand.Read(r.by[:]) // never fails: see crypto/rand
	message, err := s.store(ctx, sent{appendRecord(nil, &r), r.by}, after)
	if err != nil {
		return End{}, fmt.Errorf("append record %d to %s: %w", r.Number, s.opts.Stream, err)
	}
	s.known(message)
	s.opts.Witness.saw(&r)
	return End{Number: r.Number, Message: message}, nil
}

// checkReady refuses what is bound to fail before anything is sent, so that the outcome is known.
func (s *Stream) checkReady(ctx context.Context) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case s.conn.IsClosed():
		return eventstore.ErrClosed
	case s.opts.FreeSpace == nil:
		return nil
	}
	free, err := s.opts.FreeSpace()
	if err == nil && free < log.FreeSpaceMin {
		err = fmt.Errorf("%w: %d MiB are free on the disk, %d MiB are kept in reserve",
			eventstore.ErrFull, free>>20, uint64(log.FreeSpaceMin)>>20)
	}
	return err
}

// sent is a record on its way.
type sent struct {
	raw []byte
	by  attempt
}

// store sends a record until it is known what became of it, and returns its message.
func (s *Stream) store(ctx context.Context, r sent, after End) (uint64, error) {
	message, err := s.try(ctx, r, after)
	if !uncertain(err) {
		return message, err
	}
	ctx, cancel := context.WithTimeout(ctx, s.opts.Patience)
	defer cancel()
	for pause := pauseFirst; ; pause = min(2*pause, pauseMax) {
		message, ended, again := s.readBack(ctx, r, after)
		if !ended && again == nil {
			// The stream ends where it did. Whatever the next attempt says but success, an earlier
			// one may still arrive: only reading back can tell.
			message, again = s.try(ctx, r, after)
			ended = again == nil
		}
		if ended {
			return message, again
		}
		if !sleep(ctx, pause) {
			return 0, fmt.Errorf("%w: %w", eventstore.ErrUnknownOutcome, again)
		}
	}
}

// try sends a record once.
func (s *Stream) try(ctx context.Context, r sent, after End) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, s.opts.Patience)
	defer cancel()
	to := log.Target{Stream: s.opts.Stream, Subject: s.opts.Subject}
	return log.Publish(ctx, s.conn, to, r.raw, after.Message)
}

// uncertain reports whether only the stream itself can tell what became of a record. Being fenced
// is uncertain too: an earlier attempt, of which we heard nothing, may be what fences this one.
func uncertain(err error) bool {
	return errors.Is(err, eventstore.ErrUnknownOutcome) || errors.Is(err, eventstore.ErrFenced)
}

// readBack looks at what follows the end. ended reports that it is known: the record is there, in
// the message, or the error says that another one is.
func (s *Stream) readBack(
	ctx context.Context, r sent, after End,
) (message uint64, ended bool, err error) {
	state, err := s.state(ctx)
	if err != nil || state.Last <= after.Message {
		return 0, false, err
	}
	there, message, err := s.from(ctx, after.Message+1)
	if isUnreadable(err) {
		other, found, failed := s.elsewhere(ctx, after.Message+1, state.Last, anyRecord)
		if found || failed != nil {
			there, message, err = other, other.message, failed
		}
	}
	switch {
	case isUnreadable(err):
		return 0, true, &DamageError{
			Stream: s.opts.Stream, From: after.Number + 1, Reason: err.Error(),
		}
	case err != nil:
		return 0, false, err
	case there.by == r.by && there.Number == after.Number+1:
		return message, true, nil
	}
	return 0, true, fmt.Errorf("%w: somebody else has appended record %d",
		eventstore.ErrFenced, there.Number)
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

// Package codec turns an event into the bytes that stay in the log, and back.
//
// The bytes are protobuf wire format; event.proto is their schema, so that an archive can be read
// without this program. They are written once and never re-encoded: hashes are over the stored
// bytes. The reader here is written by hand because a replay decodes millions of events a second:
// it takes one pass, and allocates nothing once its event has grown its slices. A test compares it
// with the protobuf library over the schema.
//
// Frames have a checksum, so the reader trusts its input to be what a writer wrote, as far as
// that costs: it does not check again that texts are UTF-8. Damage of any kind is an error, never
// a panic.
package codec

import (
	"errors"
	"fmt"

	"cakupan/domain/event"
)

// ErrMalformed is wrapped by every error about bytes that are no event of the schema.
var ErrMalformed = errors.New("malformed event")

// UnknownTypeError says that a stored event has a type this program does not know: a newer
// version wrote it. The log is sound; the program is too old for it.
type UnknownTypeError struct {
	Number uint32 // the type's number in event.proto
}

func (e *UnknownTypeError) Error() string {
	return fmt.Sprintf("event type %d is unknown to this version of cakupan", e.Number)
}

// Wire types of protobuf.
const (
	// 3 and 4 are groups, which nobody writes any more: they count as malformed.
	wireVarint  = 0
	wireFixed64 = 1
	wireBytes   = 2
	wireFixed32 = 5
)

// Field numbers of the message Event. Those of Data are [event.Field].
const (
	// 11 to 14 are free; 15 is the last that takes one byte, kept for what the ledger adds itself.
	numberType            = 1
	numberID              = 2
	numberSource          = 3
	numberData            = 4
	numberTime            = 5
	numberSubject         = 6
	numberDataContentType = 7
	numberDataSchema      = 8
	numberExtensions      = 9
	numberPublisher       = 10
	numberRetracts        = 15
)

// Field numbers of the message Extension, and its kinds.
const (
	extensionName = 1
	extensionKind = 2
	extensionText = 3

	kindString  = 1
	kindBoolean = 2
	kindNumber  = 3
)

// upcast turns an event that an older version wrote into the newest version of its type, and
// refuses a type that only a newer program knows. Each step from one version to the next is a
// pure function of the event; there is none yet, because every type is in its first version.
func upcast(e *event.Event, number uint32) (err error) {
	e.Type, err = typeOf(number)
	return err
}

// typeOf returns the type with the number in event.proto.
func typeOf(number uint32) (event.Type, error) {
	if number >= 1<<8 || !event.Type(number).Known() {
		return 0, &UnknownTypeError{Number: number}
	}
	return event.Type(number), nil
}

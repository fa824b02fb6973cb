package event

import (
	"strconv"
	"strings"

	"cakupan/domain/temporal"
)

// The limits of an event.
const (
	BytesMax = 64 << 10 // as sent, a line without its end
	// Code points, as the contract counts them; keys are ASCII, where bytes are the same.
	idRunesMax     = 128
	sourceRunesMax = 256
	keyBytesMax    = 64 // worker, enrolment, commitment

	// IntegerMax is the largest integer of data: what every reader of JSON holds exactly.
	IntegerMax = 1<<53 - 1
)

// CheckSize refuses an event of more than 64 KiB as sent. It is the first of the rules, before
// the bytes are looked at.
func CheckSize(bytes int) *Refusal {
	// It returns nil for one that is small enough.
	if bytes <= BytesMax {
		return nil
	}
	return &Refusal{Code: TooLarge, Detail: "the event has " + strconv.Itoa(bytes) +
		" bytes; send at most 65536 in one event"}
}

// Options says how events are taken in. The zero value is that of whoever reports: the ledger
// records the time itself.
type Options struct {
	KeepRecorded bool // take "recordedat" as the record time instead of dropping it
}

// Accepted is an event that passed the rules, and the record time that came with it.
type Accepted struct {
	Event
	RecordedAt  temporal.Instant // meaningful when HasRecorded
	HasRecorded bool             // there was a "recordedat" and Options asked to keep it
}

// Accept reads a document as an event by the rules of the contract, all but size and JSON. Data
// holds the NIK where the event came with one: the caller puts a worker in its place with
// [Data.NameWorkers] before anything is stored.
//
// Texts of the event alias those of the document. A refused event keeps of its [Key] what could
// be read, NIK masked, and is otherwise empty.
//
// It is a pure function: what asks the vault, the log or the clock comes later, see
// [Data.NameWorkers]; conflicts and the order of record times are the writer's.
func Accept(doc Value, opts Options) (Accepted, *Refusal) {
	var a Accepted
	if doc.Kind != Object {
		return a, &Refusal{Code: Malformed, Detail: "an event is a JSON object"}
	}
	env := sortEnvelope(doc.Members, opts)
	var wrong defects
	a.readEnvelope(&env, &wrong)
	// Data is read where the envelope has defects too, so that all are told at once; of a type that
	// nobody knows there is nothing to go by.
	if isString(env.typeName) {
		var refusal *Refusal
		if a.Type, refusal = readType(env.typeName.Text); refusal != nil {
			wrong.add(refusal)
		} else if env.data != nil && env.data.Kind == Object {
			a.Data.accept(a.Type, env.data.Members, &wrong)
		}
	}
	refusal := wrong.refusal()
	if refusal != nil {
		// Nothing else of a refused event goes on, so that nobody can store it by mistake.
		return Accepted{Event: Event{Key: env.readable()}}, refusal
	}
	return a, nil
}

// readType reads the type of an event whose envelope is in order. It tells what may have been
// meant: most often the prefix is left out, or the version.
func readType(name string) (Type, *Refusal) {
	if t, ok := ParseType(name); ok {
		return t, nil
	}
	detail := "there is no type " + quote(name)
	if t, ok := ParseType(TypePrefix + name); ok {
		detail += "; did you mean " + quote(t.Name()) + "?"
	} else {
		var names []string
		for _, t := range Types() {
			names = append(names, t.Name())
		}
		detail += "; the types are " + strings.Join(names, ", ")
	}
	return 0, &Refusal{Code: TypeUnknown, Field: "type", Detail: detail}
}

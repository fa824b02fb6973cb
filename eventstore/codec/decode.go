package codec

import (
	"fmt"
	"unsafe"

	"cakupan/domain/event"
	"cakupan/domain/temporal"
)

// Decode reads the bytes of an event into e, whatever e held before, and returns the sequence of
// the event that a retraction retracts, 0 when the bytes have none.
//
// The texts of e alias b: they are valid as long as b is neither reused nor changed, and who
// keeps one longer clones it. The slices of e are reused, so an event decoded into again and again
// costs no allocation. Unknown fields are skipped. An error wraps [ErrMalformed], or is an
// [*UnknownTypeError]; e is then half read and means nothing.
func Decode(b []byte, e *event.Event) (retracts uint64, err error) {
	reset(e)
	var number uint32
	s := alias(b)
	for i := 0; i < len(s); {
		f, v, text, next := readField(s, i)
		if next < 0 {
			return 0, fmt.Errorf("decode event at byte %d: %w", i, ErrMalformed)
		}
		i = next
		switch {
		case f.wire() == wireBytes:
			if err := decodeText(e, f.number(), text); err != nil {
				return 0, fmt.Errorf("decode event: %w", err)
			}
		case f == numberType<<3|wireVarint:
			number = uint32(v)
		case f == numberRetracts<<3|wireVarint:
			retracts = v
		}
	}
	if err := upcast(e, number); err != nil {
		return 0, fmt.Errorf("decode event: %w", err)
	}
	return retracts, nil
}

// reset empties e but for the room of its slices.
func reset(e *event.Event) {
	extensions, programmes := e.Extensions[:0], e.Data.Programmes[:0]
	months := e.Data.PaidMonths[:0]
	*e = event.Event{}
	e.Extensions, e.Data.Programmes, e.Data.PaidMonths = extensions, programmes, months
}

// alias returns b as a string without copying it. The string is as changeable as b: see Decode for
// how long it is valid.
func alias(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// decodeText reads a length-delimited field of the message Event.
func decodeText(e *event.Event, number uint64, text string) error {
	switch number {
	case numberID:
		e.ID = text
	case numberSource:
		e.Source = text
	case numberData:
		return decodeData(&e.Data, text)
	case numberTime:
		e.Time = text
	case numberSubject:
		e.Subject = text
	case numberDataContentType:
		e.DataContentType = text
	case numberDataSchema:
		e.DataSchema = text
	case numberPublisher:
		e.Publisher = text
	case numberExtensions:
		x, err := decodeExtension(text)
		if err != nil {
			return err
		}
		e.Extensions = append(e.Extensions, x)
	}
	return nil
}

// decodeData reads the message Data. A field of another wire type than the schema's is skipped
// like an unknown one, as protobuf does.
func decodeData(d *event.Data, s string) error {
	for i := 0; i < len(s); {
		tag, v, text, next := readField(s, i)
		if next < 0 {
			return fmt.Errorf("data at byte %d: %w", i, ErrMalformed)
		}
		i = next
		if tag.number() >= uint64(event.FieldEnd) || event.EdgeOnly.Has(event.Field(tag.number())) {
			continue
		}
		f, ok := event.Field(tag.number()), true
		switch tag.wire() {
		case wireVarint:
			ok = decodeNumber(d, f, v)
		case wireBytes:
			ok = decodeBytes(d, f, text)
		}
		if !ok {
			return fmt.Errorf("%s: number outside its list: %w", f.Name(), ErrMalformed)
		}
	}
	return nil
}

// decodeNumber reads a field that came as a varint. It returns false for a number that the
// field's list has not.
func decodeNumber(d *event.Data, f event.Field, v uint64) bool {
	switch f.Kind() {
	case event.IntegerField:
		*d.Integer(f) = int64(v)
	case event.DateField:
		*d.Date(f) = temporal.Date(unzigzag(v))
	case event.MonthField:
		*d.Month(f) = temporal.Month(unzigzag(v))
	case event.CodeField:
		if !d.SetCodeNumber(f, uint64(uint32(v))) {
			return false
		}
	case event.ProgrammeList:
		return addProgramme(d, v)
	case event.MonthList:
		d.PaidMonths = append(d.PaidMonths, temporal.Month(unzigzag(v)))
	default:
		return true
	}
	d.Has = d.Has.With(f)
	return true
}

// decodeBytes reads a field that came with a length: a text or a packed list. It returns false
// for a list that is damaged.
func decodeBytes(d *event.Data, f event.Field, s string) bool {
	switch f.Kind() {
	case event.TextField:
		*d.Text(f) = s
		d.Has = d.Has.With(f)
	case event.ProgrammeList, event.MonthList:
		for i := 0; i < len(s); {
			v, next := readLong(s, i)
			if next < 0 || !decodeNumber(d, f, v) {
				return false
			}
			i = next
		}
	}
	return true
}

// addProgramme adds one programme of a list; false for a number that is none. Enums are 32 bits on
// the wire, whatever comes above is cut off as protobuf does.
func addProgramme(d *event.Data, v uint64) bool {
	number := uint32(v)
	if number == 0 || number > uint32(event.JKP) {
		return false
	}
	d.Programmes = append(d.Programmes, event.Programme(number))
	d.Has = d.Has.With(event.FieldProgrammes)
	return true
}

// decodeExtension reads the message Extension.
func decodeExtension(s string) (x event.Extension, err error) {
	for i := 0; i < len(s); {
		f, v, text, next := readField(s, i)
		if next < 0 {
			return x, fmt.Errorf("extension at byte %d: %w", i, ErrMalformed)
		}
		i = next
		switch f {
		case extensionName<<3 | wireBytes:
			x.Name = text
		case extensionText<<3 | wireBytes:
			x.Value.Text = text
		case extensionKind<<3 | wireVarint:
			x.Value.Kind = valueKind(uint32(v))
		}
	}
	if x.Value.Kind == event.Null {
		return x, fmt.Errorf("extension of no kind: %w", ErrMalformed)
	}
	return x, nil
}

// valueKind returns the kind of a stored extension, [event.Null] for a number that is none.
func valueKind(kind uint32) event.Kind {
	switch kind {
	case kindString:
		return event.String
	case kindBoolean:
		return event.Bool
	case kindNumber:
		return event.Number
	}
	return event.Null
}

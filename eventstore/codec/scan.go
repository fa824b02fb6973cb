package codec

import (
	"fmt"

	"cakupan/domain/event"
	"cakupan/domain/temporal"
)

// Fields are an event's fields as [Scan] finds them, for readers that need few of them and need
// them fast: a projection's replay. Integers and paid months are not among them.
type Fields struct {
	Type       event.Type
	ID, Source string
	Has        event.FieldSet     // the fields of the data
	Programmes event.ProgrammeSet // [event.FieldProgrammes]: named twice counts once

	numbers [fieldEnd]uint64
	texts   [fieldEnd]string
}

// fieldEnd is above every field that is written, and a power of two: a number that was masked by
// one less needs no other check.
const fieldEnd = 64

// The fields by how they are written: as a number, and as a text.
var numberFields, textFields = func() (numbers, texts event.FieldSet) {
	for f := event.Field(1); f < event.FieldEnd; f++ {
		if event.EdgeOnly.Has(f) {
			continue
		}
		switch f.Kind() {
		case event.TextField:
			texts = texts.With(f)
		case event.DateField, event.MonthField, event.CodeField:
			numbers = numbers.With(f)
		case event.NoField, event.IntegerField, event.ProgrammeList, event.MonthList:
		}
	}
	return numbers, texts
}()

// Text returns an [event.TextField], "" when the event has none. It aliases the bytes that were
// scanned.
func (s *Fields) Text(f event.Field) string {
	if !s.Has.Has(f) {
		return ""
	}
	return s.texts[f&(fieldEnd-1)]
}

// number returns a field that is written as a number, 0 when the event has none.
func (s *Fields) number(f event.Field) uint64 {
	if !s.Has.Has(f) {
		return 0
	}
	return s.numbers[f&(fieldEnd-1)]
}

// Code returns the number of an [event.CodeField], 0 when the event has none. It may be outside of
// the field's list.
func (s *Fields) Code(f event.Field) uint64 { return uint64(uint32(s.number(f))) }

// Date returns an [event.DateField], day 0 when the event has none.
func (s *Fields) Date(f event.Field) temporal.Date { return temporal.Date(unzigzag(s.number(f))) }

// Month returns an [event.MonthField], month 0 when the event has none.
func (s *Fields) Month(f event.Field) temporal.Month {
	return temporal.Month(unzigzag(s.number(f)))
}

// Scan finds the fields of an event's bytes in half the time of [Decode]: it looks at no code list
// and at no attribute of the envelope but id and source. Bytes that Scan refuses, Decode refuses
// too. The texts alias b.
func Scan(b []byte, s *Fields) error {
	var number uint64
	s.ID, s.Source, s.Has, s.Programmes = "", "", 0, 0
	bytes := alias(b)
	for i := 0; i < len(bytes); {
		f, v, text, next := readField(bytes, i)
		if next < 0 {
			return fmt.Errorf("scan event at byte %d: %w", i, ErrMalformed)
		}
		i = next
		switch f {
		case numberType<<3 | wireVarint:
			number = v
		case numberID<<3 | wireBytes:
			s.ID = text
		case numberSource<<3 | wireBytes:
			s.Source = text
		case numberData<<3 | wireBytes:
			if at := s.data(text); at >= 0 {
				return fmt.Errorf("scan event: data at byte %d: %w", at, ErrMalformed)
			}
		}
	}
	var err error
	if s.Type, err = typeOf(uint32(number)); err != nil {
		return fmt.Errorf("scan event: %w", err)
	}
	return nil
}

// data finds the fields of the message Data. It returns the place of what is no field, or -1. Most
// tags have one byte, most numbers one to three: those are read here and not by readField.
func (s *Fields) data(bytes string) int {
	for i := 0; i < len(bytes); {
		tag, text := field(bytes[i]), ""
		v, next := readVarint(bytes, i+1)
		switch {
		case tag < 1<<3 || tag >= 1<<7 || next < 0 ||
			tag.wire() != wireVarint && tag.wire() != wireBytes:
			if tag, v, text, next = readField(bytes, i); next < 0 {
				return i
			}
		case tag.wire() == wireBytes:
			if v > uint64(len(bytes)-next) {
				return i
			}
			text = bytes[next : next+int(v)]
			next += int(v)
		}
		f := event.Field(min(tag.number(), fieldEnd-1))
		switch {
		case tag.wire() == wireVarint && numberFields.Has(f):
			s.numbers[f&(fieldEnd-1)] = v
			s.Has = s.Has.With(f)
		case tag.wire() == wireBytes && textFields.Has(f):
			s.texts[f&(fieldEnd-1)] = text
			s.Has = s.Has.With(f)
		case f == event.FieldProgrammes && !s.addProgrammes(tag, v, text):
			return i
		}
		i = next
	}
	return -1
}

// addProgrammes takes a programme or a packed list of them. It returns false for one that is
// damaged.
func (s *Fields) addProgrammes(tag field, v uint64, text string) bool {
	switch tag.wire() {
	case wireVarint:
		return s.programme(v)
	case wireBytes:
		return s.programmes(text)
	}
	return true
}

// programmes takes a packed list. It returns false for one that is damaged.
func (s *Fields) programmes(packed string) bool {
	for i := 0; i < len(packed); {
		v, next := readVarint(packed, i)
		if next < 0 || !s.programme(v) {
			return false
		}
		i = next
	}
	return true
}

func (s *Fields) programme(v uint64) bool {
	number := uint32(v)
	if number-1 >= uint32(event.JKP) {
		return false
	}
	s.Programmes |= 1 << number
	s.Has = s.Has.With(event.FieldProgrammes)
	return true
}

package facts

import (
	"cakupan/domain/enrolment"
	"cakupan/domain/event"
	"cakupan/domain/region"
)

// PackedTerms are the terms that an event names, in 31 bits. 0 is none: a term that may be named is
// never 0.
//
// From the lowest bit on: region 14, segment 2, category 3, programmes 5, payer 2, which of them
// are named 5. The order is that of the file's format.
type PackedTerms uint32

// packTerms packs terms, of which those that are not named should be 0. Each must be one of its
// list: a number beyond would run into the next.
func packTerms(t enrolment.Terms, named enrolment.Named) PackedTerms {
	return PackedTerms(t.Region) | PackedTerms(t.Segment&3)<<14 | PackedTerms(t.Category)<<16 |
		PackedTerms(t.Programmes>>1)<<19 | PackedTerms(t.Payer)<<24 | PackedTerms(named)<<26
}

// Unpack returns the terms, and which of them are named. A segment that is not named comes out as
// PMI, which two bits cannot tell from none: ask for the names first.
func (p PackedTerms) Unpack() (enrolment.Terms, enrolment.Named) {
	t := enrolment.Terms{
		Region:     region.Code(p & (1<<14 - 1)),
		Segment:    event.Segment(p >> 14 & 3),
		Category:   event.Category(p >> 16 & 7),
		Programmes: event.ProgrammeSet(p >> 19 & 31 << 1),
		Payer:      event.Payer(p >> 24 & 3),
	}
	if t.Segment == 0 {
		t.Segment = 4 // two bits for 1–4
	}
	return t, enrolment.Named(p >> 26)
}

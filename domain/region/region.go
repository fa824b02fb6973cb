// Package region is the register of Indonesia's regions: the Kemendagri codes in force, their
// names and levels.
//
// A code is known or it is not: nothing is guessed from a text that is nearly one, because
// Statistics Indonesia (BPS) uses the same digits for other regencies. [Explain] says what may
// have been meant. The data has a licence of its own; see NOTICE.md.
//
// It is pure and never changes while the program runs: all of it may be used by any number of
// goroutines. Whether a region of an event is at the level asked for is judged by package event.
package region

//go:generate sh -c "npm pack idn-area-data@4.0.1 && go run derive.go idn-area-data-4.0.1.tgz"

// Code is a region of the register. The nation is 0, a province its two digits (75), a regency
// or city its four (7503 for 75.03). A Code from [Parse] is always one of the register. Numbers are
// stored in the log and in projections. The zero value is the nation, so "no region" has to be told
// in another way.
type Code uint16

// Nation is the code of Indonesia as a whole, written "ID": the only one whose text is no number.
// It lies in itself, see [Code.Parent].
const Nation Code = 0

// Level tells nation, province and regency apart. Numbers are in order from the whole to its parts.
type Level uint8

// The levels of regions.
const (
	NationLevel   Level = 0
	ProvinceLevel Level = 1
	RegencyLevel  Level = 2 // regencies (kabupaten) and cities (kota)
)

// String returns "nation", "province" or "regency". Of any other number it is "regency", as that of
// a code above 99 is.
func (l Level) String() string {
	switch l {
	case NationLevel:
		return "nation"
	case ProvinceLevel:
		return "province"
	default:
		return "regency"
	}
}

// Parse reads a code of the register: "ID", "75" or "75.03", exactly so. It returns false for
// everything else, including codes that no region has. Nothing is trimmed and no case is folded:
// what is accepted here is stored, and compared as it is.
func Parse(text string) (Code, bool) {
	var code Code
	switch len(text) {
	case len("75"):
		if text == "ID" {
			return Nation, true
		}
		code = twoDigits(text)
	case len("75.03"):
		province, regency := twoDigits(text[:2]), twoDigits(text[3:])
		// Below 10 it would be the number of a province, or of none.
		if text[2] != '.' || province < 10 || regency > 99 {
			return 0, false
		}
		code = province*100 + regency
	}
	// What has neither length has kept code at 0, the nation's, which only "ID" may become.
	return code, code != Nation && code.Known()
}

// twoDigits returns the number of two digits, and a number that is no code for other bytes. The
// text must have two bytes.
func twoDigits(text string) Code {
	tens, units := text[0]-'0', text[1]-'0'
	if tens > 9 || units > 9 {
		return 100 // no province has three digits, and no regency the number of 100.00
	}
	return Code(tens)*10 + Code(units)
}

// FromNumber returns the code with the number that [Code] describes, as stored bytes hold it;
// false when the register has none. A number that a register before had and this one has not is
// false: the codes in force are what counts (contract, section 1).
func FromNumber(number uint64) (Code, bool) {
	if number >= uint64(len(names)) {
		return 0, false
	}
	return Code(number), Code(number).Known()
}

// Known tells whether the register has c. One is no code where regions were split or joined, or
// made up by a conversion.
func (c Code) Known() bool {
	return int(c) < len(names) && names[c] != ""
}

// Level returns the level of c. It goes by the number alone, and does not ask whether the register
// has the code.
func (c Code) Level() Level {
	switch {
	case c == Nation:
		return NationLevel
	case c < 100:
		return ProvinceLevel
	default:
		return RegencyLevel
	}
}

// Parent returns the province of a regency, and the nation for a province and for itself. In two
// steps everything is in the nation; whoever goes up ends there.
func (c Code) Parent() Code {
	return c / 100
}

// Name returns the Kemendagri name, "Kabupaten Bone Bolango", or "" for no code of the register. It
// is the official one, as it stands on papers, with the kind of regency before it.
func (c Code) Name() string {
	// Numbers from elsewhere may be any: a table of all that 16 bits hold would be mostly empty.
	if int(c) >= len(names) {
		return ""
	}
	return names[c]
}

// String returns the code as text: "ID", "75", "75.03". It is what [Parse] reads. Of a number that
// is no code it is a text of the same shape.
func (c Code) String() string {
	return string(c.Append(nil))
}

// Append appends the text of [Code.String] to dst. It costs no memory where dst has room: answers
// are written with it.
func (c Code) Append(dst []byte) []byte {
	if c == Nation {
		return append(dst, "ID"...)
	}
	if c >= 100 {
		dst = append((c / 100).Append(dst), '.')
		c %= 100
	}
	return append(dst, byte('0'+c/10), byte('0'+c%10))
}

// All returns the register: the nation first, then the codes in the order of their texts, each
// province before its regencies. The slice is the caller's. It is a copy, so that nobody can change
// what others read.
func All() []Code {
	return append([]Code(nil), codes[:]...)
}

// Package region is the register of Indonesia's regions: the Kemendagri codes in force, their
// names and levels.
//
// A code is known or it is not: nothing is guessed from a text that is nearly one, because
// Statistics Indonesia (BPS) uses the same digits for other regencies. [Explain] says what may
// have been meant. The data has a licence of its own; see NOTICE.md.
package region

//go:generate sh -c "npm pack idn-area-data@4.0.1 && go run derive.go idn-area-data-4.0.1.tgz"

// Code is a region of the register. The nation is 0, a province its two digits (75), a regency
// or city its four (7503 for 75.03). A Code from [Parse] is always one of the register.
type Code uint16

// Nation is the code of Indonesia as a whole, written "ID".
const Nation Code = 0

// Level tells nation, province and regency apart.
type Level uint8

// The levels of regions.
const (
	NationLevel   Level = 0
	ProvinceLevel Level = 1
	RegencyLevel  Level = 2 // regencies (kabupaten) and cities (kota)
)

// String returns "nation", "province" or "regency".
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
// everything else, including codes that no region has.
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
		if text[2] != '.' || province < 10 || regency > 99 {
			return 0, false
		}
		code = province*100 + regency
	}
	return code, code != Nation && code.Known()
}

// twoDigits returns the number of two digits, and a number that is no code for other bytes.
func twoDigits(text string) Code {
	tens, units := text[0]-'0', text[1]-'0'
	if tens > 9 || units > 9 {
		return 100 // no province has three digits, and no regency the number of 100.00
	}
	return Code(tens)*10 + Code(units)
}

// FromNumber returns the code with the number that [Code] describes, as stored bytes hold it;
// false when the register has none.
func FromNumber(number uint64) (Code, bool) {
	if number >= uint64(len(names)) {
		return 0, false
	}
	return Code(number), Code(number).Known()
}

// Known tells whether the register has c.
func (c Code) Known() bool {
	return int(c) < len(names) && names[c] != ""
}

// Level returns the level of c.
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

// Parent returns the province of a regency, and the nation for a province and for itself.
func (c Code) Parent() Code {
	return c / 100
}

// Name returns the Kemendagri name, "Kabupaten Bone Bolango", or "" for no code of the register.
func (c Code) Name() string {
	if int(c) >= len(names) {
		return ""
	}
	return names[c]
}

// String returns the code as text: "ID", "75", "75.03".
func (c Code) String() string {
	return string(c.Append(nil))
}

// Append appends the text of [Code.String] to dst.
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
// province before its regencies. The slice is the caller's.
func All() []Code {
	return append([]Code(nil), codes[:]...)
}

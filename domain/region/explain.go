package region

import "strings"

// bpsGorontalo holds the regencies of Gorontalo whose BPS code looks like the Kemendagri code of
// another one, and BPS's short name for it. Written out because this is the trap people fall into.
// It is empty for all others.
func bpsGorontalo(digits string) string {
	switch digits {
	case "7501":
		return "Boalemo"
	case "7502":
		return "Kabupaten Gorontalo"
	case "7503":
		return "Pohuwato"
	case "7504":
		return "Bone Bolango"
	}
	return ""
}

// The words stand behind each answer that cannot guess better: they are all that is needed to write
// any code.
const shape = `a region is "ID", a province's two digits such as "75", ` +
	`or a regency's two and two with a dot such as "75.03", in quotes`

// Explain returns why a text that [Parse] refuses is no code, and what may have been meant:
//
//	did you mean 75.03 Kabupaten Bone Bolango? BPS uses 7503 for Pohuwato
//
// It repeats the text only where that is a few digits, so that it can be shown to anybody.
//
// It is for a message only. What it proposes is never taken instead: two offices use the same
// digits for different regions (contract, section 1). It asks from the narrowest mistake to the
// widest, so that the most telling answer comes first.
func Explain(text string) string {
	trimmed := strings.TrimSpace(text)
	if code, ok := Parse(trimmed); ok {
		return "did you mean " + label(code) + "? A code has no spaces around it"
	}
	// Only capitals are accepted, as with all names of the contract.
	if strings.EqualFold(trimmed, "id") {
		return `did you mean "ID", the nation? It is written in capitals`
	}
	if isDigits(trimmed) && len(trimmed) == len("7503") {
		return explainUndotted(trimmed)
	}
	// A spreadsheet takes 75.30 for a number and writes 75.3; which zero was lost nobody knows.
	if head, tail, ok := strings.Cut(trimmed, "."); ok && len(trimmed) == len("75.3") &&
		isDigits(head) && isDigits(tail) {
		return "a number loses its zeros: " + shape
	}
	if _, ok := Parse(strings.ReplaceAll(trimmed, ",", ".")); ok {
		return "write the code with a dot: " + shape
	}
	if meant := named(trimmed); len(meant) > 0 {
		return "write the code and not the name: did you mean " + alternatives(meant) + "?"
	}
	if wellFormed(trimmed) {
		return "no region in force has the Kemendagri code " + trimmed
	}
	return shape
}

// explainUndotted explains four digits: the Kemendagri code without its dot, or a code of BPS. The
// caller has seen to it that there are four digits.
func explainUndotted(digits string) string {
	code, ok := Parse(digits[:2] + "." + digits[2:])
	if !ok {
		return "no region in force has these digits; " + shape
	}
	meant := "did you mean " + label(code) + "? BPS "
	if name := bpsGorontalo(digits); name != "" {
		return meant + "uses " + digits + " for " + name
	}
	// The regencies of Gorontalo are known one by one; of other provinces it is not said which
	// codes agree.
	if code.Parent() == 75 {
		return meant + "uses " + digits + " for it too, but not so for its neighbours"
	}
	return meant + "may use " + digits + " for another region"
}

// named finds the regions that are called so, a regency or city with or without its kind before the
// name. They are in order of their codes; a province may share its name with both.
func named(text string) (found []Code) {
	for _, code := range All() {
		name, short := code.Name(), ""
		if code.Level() == RegencyLevel {
			_, short, _ = strings.Cut(name, " ")
		}
		if strings.EqualFold(name, text) || short != "" &&
			(strings.EqualFold(short, text) || strings.EqualFold("Kab. "+short, text)) {
			found = append(found, code)
		}
	}
	return found
}

// alternatives names regions as a question does: "75.01 Kabupaten Gorontalo or 75.71 Kota
// Gorontalo". There is one at least.
func alternatives(codes []Code) string {
	text := label(codes[0])
	for i, code := range codes[1:] {
		if i == len(codes)-2 {
			text += " or " + label(code)
		} else {
			text += ", " + label(code)
		}
	}
	return text
}

// label returns "75.03 Kabupaten Bone Bolango". The code must be one of the register.
func label(code Code) string {
	return code.String() + " " + code.Name()
}

// wellFormed tells whether text has the shape of a code. It may still be the code of no region.
func wellFormed(text string) bool {
	switch len(text) {
	case len("75"):
		return isDigits(text)
	case len("75.03"):
		return isDigits(text[:2]) && text[2] == '.' && isDigits(text[3:])
	}
	return false
}

// isDigits tells whether a text is made of ASCII digits, one at least.
func isDigits(text string) bool {
	for i := range len(text) {
		if text[i]-'0' > 9 {
			return false
		}
	}
	return text != ""
}

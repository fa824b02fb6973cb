package main

import (
	"strconv"
	"strings"
	"unicode"

	"cakupan/domain/event"
	"cakupan/domain/region"
)

// library hands out definitions by name, and remembers which were asked for. It is how a document
// holds each definition once, and none that nothing refers to. One belongs to one document, and is
// not safe for concurrent use.
type library struct {
	prefix string // of references: where the definitions stand in the document
	asked  map[string]bool
	all    object // in the order in which they were asked for
}

// newLibrary returns one that holds nothing. prefix ends with a slash.
func newLibrary(prefix string) *library {
	return &library{prefix: prefix, asked: map[string]bool{}}
}

// ref returns a reference to a definition, which becomes a part of the library. It is noted as
// asked for before it is made, so that one which refers to itself, or to one that refers back,
// comes to an end. The order of the document is that of the first asking.
func (l *library) ref(name string) object {
	if !l.asked[name] {
		l.asked[name] = true
		at := len(l.all)
		l.all = append(l.all, member{name, nil})
		made := l.definition(name) // which may ask for more, and so move what is there
		l.all[at].value = made
	}
	return o("$ref", l.prefix+name)
}

// described returns a reference with words of its own. Beside a reference they would be lost to
// readers of older drafts. The reference stands in an allOf of its own.
func (l *library) described(name, words string) object {
	return o("description", words).with("allOf", list{l.ref(name)})
}

// definition makes a definition: of a value, of an event, or of an answer. Names are of one space
// for all documents: those of values first, of which none ends with V1.
func (l *library) definition(name string) object {
	if d := l.value(name); d != nil {
		return d
	}
	// The figure that the ledger publishes is described, because it is read; it is in no list of
	// what may be sent.
	for _, t := range append(event.Types(), event.FigurePublished) {
		switch name {
		case typeName(t):
			return l.event(t)
		case typeName(t) + "Data":
			return l.data(t)
		}
	}
	if name == "Event" {
		return l.anyEvent()
	}
	return l.answer(name)
}

// withoutNIK adds that a text may not hold a NIK, so that who checks an event before it is sent
// does not send one where it does not belong. The ledger refuses one all the same, with
// nik.misplaced (contract, section 1). It is said of ids and texts alone, as the contract has it.
func (l *library) withoutNIK(text object) object { return text.with("not", l.ref("HoldsNIK")) }

// value makes the definition of a value in an event, nil when it is another one. What a schema
// cannot say is left to the ledger: the tests list the rules in which the two differ.
func (l *library) value(name string) object {
	text := o("type", "string")
	switch name {
	// It has no anchors, since a NIK may stand anywhere; a digit on either side makes it another
	// number.
	case "HoldsNIK":
		return text.with("description", "A text with a NIK in it: a run of exactly 16 digits that"+
			" is one, or groups of 6-6-4, 4-4-4-4 or 2-2-2-6-4 digits with one space, dot, hyphen"+
			" or slash between them. Digits of other scripts and invisible characters, which the"+
			" ledger sees through, are not in the pattern.").
			with("pattern", "(?:^|[^0-9])(?:"+anyNIKPattern()+")(?:$|[^0-9])")
	case "NIK":
		return text.with("description", "The number of an identity card, PPRRDD ddmmyy ssss: 40 is"+
			" added to the day of birth of women. It is replaced by a worker id before anything"+
			" is stored.").with("pattern", "^(?:"+nikPattern()+")$")
	// A key may hold a run of digits, so it may hold a NIK, and people do use one.
	case "Key":
		return l.withoutNIK(text.with("pattern",
			"^[A-Za-z0-9._:-]{1,"+strconv.Itoa(event.KeyBytesMax)+"}$"))
	case "Text":
		return l.withoutNIK(text.with("description", "Any text, also an empty one."))
	case "Percent":
		return l.withoutNIK(text.with("description", "A decimal number, 0 or more, of at most two"+
			" decimals.").
			with("pattern", "^[0-9]+(?:\\.[0-9]{1,2})?$").with("examples", texts("60", "52.15")))
	// The bound is 2^53 - 1 (contract, section 1), which every reader of JSON holds exactly.
	case "Natural":
		return o("type", "integer").
			with("description", "A whole number, without fraction or exponent.").
			with("minimum", 0).with("maximum", event.IntegerMax)
	case "Year":
		return o("type", "integer").with("minimum", 1).with("maximum", 9999)
	// The format judges the day of the month where a validator looks at formats; the pattern judges
	// the rest where it does not.
	case "Date":
		return text.with("format", "date").
			with("pattern", "^"+yearMonth+"-(?:0[1-9]|[12][0-9]|3[01])$").
			with("examples", texts("2020-12-31"))
	case "Month":
		return text.with("pattern", "^"+yearMonth+"$").
			with("examples", texts("2020-12"))
	case "Region":
		return text.with("description", "A code of the ministry of home affairs (Kemendagri): ID,"+
			" a province (75), or a regency or city (75.03).").with("enum", regions(false))
	case "Regency":
		return text.with("description", "The code of a regency or city of the ministry of home"+
			" affairs (Kemendagri), with its dot.").with("enum", regions(true))
	}
	if codes := codeLists()[name]; codes != nil {
		return text.with("enum", codes)
	}
	return l.attribute(name)
}

// yearMonth is the regular expression of a month from 0001-01 to 9999-12. The year 0000 is none
// (contract, section 1).
const yearMonth = "(?:000[1-9]|00[1-9][0-9]|0[1-9][0-9]{2}|[1-9][0-9]{3})-(?:0[1-9]|1[0-2])"

// attribute makes the definition of a value of the envelope, nil when it is another one. Lengths
// count Unicode code points, in the contract as in JSON Schema.
func (l *library) attribute(name string) object {
	text := o("type", "string")
	switch name {
	case "EventId":
		return l.withoutNIK(text.with("minLength", 1).with("maxLength", event.IDRunesMax))
	case "Source":
		return l.withoutNIK(text.with("description", "A URI reference, in which letters beyond"+
			" ASCII may stand as they are.").with("pattern", "^(?:"+uriPattern+"|"+
			relativePattern+")$").
			with("maxLength", event.SourceRunesMax).with("examples", texts(exampleSource)))
	// With a scheme, and without a bound of its own: that of the whole event holds.
	case "SchemaReference":
		return l.withoutNIK(text.with("description", "A URI, in which letters beyond ASCII may"+
			" stand as they are.").with("pattern", "^"+uriPattern+"$"))
	// Not empty: one that is empty is refused, one that is left out is fine (contract, section 1).
	case "Subject":
		return l.withoutNIK(text.with("minLength", 1))
	case "Instant":
		return l.withoutNIK(text.with("format", "date-time").with("pattern", "^[0-9]{4}-[0-9]{2}-"+
			"[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\\.[0-9]+)?(?:[Zz]|[+-][0-9]{2}:[0-9]{2})$").
			with("examples", texts("2021-01-04T10:11:09+08:00")))
	case "MediaTypeJSON":
		return l.withoutNIK(text.with("pattern", "^[ \\t]*"+anyCase("application/json")+
			"[ \\t]*(?:;[\\s\\S]*)?$").
			with("examples", texts("application/json")))
	// null is not among the kinds: an attribute that is null is taken for absent, so there is no
	// need to send one.
	case "Extension":
		return o("description", "Any other attribute is kept and returned, and never interpreted.").
			with("oneOf", list{l.ref("Text"), o("type", "boolean"), o("type", "integer")})
	}
	return nil
}

// uriPattern and relativePattern are the regular expressions of what the domain takes for a URI and
// for a reference that is relative, without anchors. The formats of JSON Schema are not said beside
// them: those have ASCII alone.
const (
	uriRune         = "(?:[^\\x00-\\x20\\x7f<>\"{}|\\\\^\x60%]|%[0-9A-Fa-f]{2})"
	firstRune       = "(?:[^\\x00-\\x20\\x7f<>\"{}|\\\\^\x60%:/?#]|%[0-9A-Fa-f]{2})"
	uriPattern      = "[A-Za-z][A-Za-z0-9+.-]*:" + uriRune + "*"
	relativePattern = "(?:" + firstRune + "+|[/?#]" + uriRune + "*|" + firstRune + "+[/?#]" +
		uriRune + "*)"
)

// anyCase returns the regular expression of a text in capitals, small letters, or both.
func anyCase(text string) string {
	var b strings.Builder
	for _, r := range text {
		if lower, upper := unicode.ToLower(r), unicode.ToUpper(r); lower != upper {
			b.WriteString("[" + string(upper) + string(lower) + "]")
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// codeLists returns the code lists of the domain by the names of their definitions. They are the
// domain's own, so a document cannot know fewer than the ledger. It has one entry a name, which
// several types may use.
func codeLists() map[string]list {
	lists := map[string]list{}
	for _, t := range event.Types() {
		for _, f := range t.Fields() {
			if codes := f.Codes(); codes != nil {
				lists[codeName(f)] = texts(codes...)
			}
		}
	}
	return lists
}

// codeName returns the name of the definition of a field's code list, "Programme". The field of a
// list has a plural name, and its code not. Fields of two types that have one name have one list.
func codeName(f event.Field) string {
	name := strings.ToUpper(f.Name()[:1]) + f.Name()[1:]
	if f == event.FieldProgrammes {
		name = strings.TrimSuffix(name, "s")
	}
	return name
}

// regions returns the codes of the register, of all levels or of regencies and cities alone. They
// are in the order of the register. Codes that are no more in force are not in it.
func regions(regencies bool) (codes list) {
	for _, code := range region.All() {
		if !regencies || code.Level() == region.RegencyLevel {
			codes = append(codes, code.String())
		}
	}
	return codes
}

// grouping says where a NIK is parted: behind the province, the regency, the district, the day of
// birth and the date of birth. true is a sign between the two: one space, dot, hyphen or slash.
type grouping [5]bool

// The ways to write a NIK that are recognised. Section 1 of the contract lists the same four.
// Others are taken for several numbers.
var (
	inOneRun  = grouping{}
	groupings = [...]grouping{
		inOneRun,
		{false, false, true, false, true}, // 6-6-4
		{false, true, false, true, true},  // 4-4-4-4
		{true, true, true, false, true},   // 2-2-2-6-4
	}
)

// anyNIKPattern returns the regular expression of a NIK in any of its groupings, without anchors.
// All begin with the two digits of a province, which stand in front once: the expression is long
// enough as it is. It is for texts that hold a NIK, so who uses it says what may stand around it.
func anyNIKPattern() string {
	var all []string
	for _, g := range groupings {
		all = append(all, behindProvince(g))
	}
	return provincePattern() + "(?:" + strings.Join(all, "|") + ")"
}

// nikPattern returns the regular expression of a NIK in one run, without anchors. It is for the
// field nik, where nothing else may stand.
func nikPattern() string { return provincePattern() + behindProvince(inOneRun) }

// provincePattern returns the regular expression of the provinces that are in force, from the
// register: a number that begins with none of them is no NIK.
func provincePattern() string {
	var provinces []string
	for _, code := range region.All() {
		if code.Level() == region.ProvinceLevel {
			provinces = append(provinces, code.String())
		}
	}
	return "(?:" + strings.Join(provinces, "|") + ")"
}

// behindProvince returns the regular expression of what follows the province: regency, district,
// day and month and year of birth, and the serial number. Days are of a calendar date in some
// century, so the 29th of February goes with years that are divisible by 4, 00 too; 40 is added to
// the day of birth of women. The serial number is not 0000.
func behindProvince(apart grouping) string {
	var gap [len(apart)]string
	for i := range apart {
		if apart[i] {
			gap[i] = "[ ./-]"
		}
	}
	const (
		days31 = "(?:0[1-9]|[12][0-9]|3[01]|4[1-9]|[56][0-9]|7[01])"
		days30 = "(?:0[1-9]|[12][0-9]|30|4[1-9]|[56][0-9]|70)"
		days28 = "(?:0[1-9]|1[0-9]|2[0-8]|4[1-9]|5[0-9]|6[0-8])"
		serial = "(?:[1-9][0-9]{3}|0[1-9][0-9]{2}|00[1-9][0-9]|000[1-9])"
	)
	born := days31 + gap[3] + "(?:0[13578]|1[02])[0-9]{2}|" +
		days30 + gap[3] + "(?:0[469]|11)[0-9]{2}|" +
		days28 + gap[3] + "02[0-9]{2}|" +
		"(?:29|69)" + gap[3] + "02(?:[02468][048]|[13579][26])"
	return gap[0] + "[0-9]{2}" + gap[1] + "[0-9]{2}" + gap[2] + "(?:" + born + ")" + gap[4] +
		serial
}

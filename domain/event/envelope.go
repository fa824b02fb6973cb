package event

import (
	"strings"
	"unicode/utf8"

	"cakupan/domain/temporal"
)

// envelope holds the attributes of an event as sent; nil is absent or null. It aliases the
// document. It lasts as long as the event is being read.
type envelope struct {
	specversion, id, source, typeName, data    *Value
	time, subject, dataContentType, dataSchema *Value
	recordedAt                                 *Value
	extensions                                 []Extension
}

// sortEnvelope gives each attribute its place. Names are distinct, so that none replaces another.
// What is null is absent (contract, section 1).
func sortEnvelope(members []Member, opts Options) envelope {
	var env envelope
	for i := range members {
		m := &members[i]
		if m.Value.Kind == Null || isOurs(m.Name) {
			continue
		}
		if to := env.attribute(m.Name); to != nil {
			*to = &m.Value
		} else {
			env.extensions = append(env.extensions, Extension(*m))
		}
	}
	if !opts.KeepRecorded {
		env.recordedAt = nil
	}
	return env
}

// isOurs tells whether only the ledger may say what the attribute says. It is dropped from what is
// sent, so that the output of a log can be sent to another ledger.
func isOurs(name string) bool { return name == "sequence" || name == PublisherAttribute }

// attribute returns the place of an attribute the ledger knows, nil for others.
func (e *envelope) attribute(name string) **Value {
	switch name {
	case "specversion":
		return &e.specversion
	case "id":
		return &e.id
	case "source":
		return &e.source
	case "type":
		return &e.typeName
	case "data":
		return &e.data
	case "time":
		return &e.time
	case "subject":
		return &e.subject
	case "datacontenttype":
		return &e.dataContentType
	case "dataschema":
		return &e.dataSchema
	case "recordedat":
		return &e.recordedAt
	}
	return nil
}

// readable returns the key of a refused event as far as it can be shown. A receipt must tell its
// publisher which event is meant, also when nothing else of it could be read. Both are masked and
// cut to their limits: they may be anything, which is why the event was refused.
func (e *envelope) readable() (key Key) {
	if e.source != nil && e.source.Kind == String {
		key.Source = shorten(e.source.Text, sourceRunesMax)
	}
	if e.id != nil && e.id.Kind == String {
		key.ID = shorten(e.id.Text, idRunesMax)
	}
	return key
}

// malformed refuses the envelope for one of its attributes.
func malformed(field, detail string) *Refusal {
	return &Refusal{Code: Malformed, Field: field, Detail: field + " " + detail}
}

const misplacedDetail = "holds a NIK; name the person in data.nik only, and take another id here"

// misplaced refuses a NIK outside data.nik.
func misplaced(field string) *Refusal {
	return &Refusal{Code: NIKMisplaced, Field: field, Detail: field + " " + misplacedDetail}
}

// attribute is a text of the envelope, in the place it has in the contract's list. The zero value
// of what it goes to stands for an attribute that is absent.
type attribute struct {
	value  *Value
	to     *string
	field  string
	valid  func(string) bool
	detail string // what it must be
}

// texts returns the attributes that are texts and are kept, but for extensions. The first two are
// required.
func (a *Accepted) texts(env *envelope) [6]attribute {
	return [...]attribute{
		{env.id, &a.ID, "id", isID, "must have " + idDetail},
		{env.source, &a.Source, "source", isSource, "must be " + sourceDetail},
		{
			env.time, &a.Time, "time", isInstant,
			"must be an RFC 3339 time, such as 2021-01-04T10:11:09+08:00",
		},
		{
			env.subject, &a.Subject, "subject", isSomething,
			"must be a string that is not empty; leave it out where there is none",
		},
		{
			env.dataContentType, &a.DataContentType, "datacontenttype", isJSON,
			"must be application/json; leave it out where unsure",
		},
		{
			env.dataSchema, &a.DataSchema, "dataschema", isSchema,
			"must be a URI, such as https://example.org/schema; leave it out where there is none",
		},
	}
}

const (
	idDetail     = "1 to 128 characters"
	sourceDetail = "a URI reference of 1 to 256 characters, such as urn:example:office or /office"
)

// readEnvelope checks the envelope and takes over what is kept of it: first the kinds of all
// attributes, then that no NIK stands in any, then what each may hold. On success the type is a
// string and the data an object; both are still to be read.
//
// It is gone through three times because of the contract's order: kinds of all, a NIK in any, then
// each value.
func (a *Accepted) readEnvelope(env *envelope, wrong *defects) {
	texts := a.texts(env)
	env.checkKinds(texts[2:], wrong)
	env.checkNIK(texts[:], wrong)
	for i := range texts {
		t := &texts[i]
		switch {
		case t.value == nil || t.value.Kind != String:
		case !t.valid(t.value.Text):
			wrong.add(malformed(t.field, t.detail))
		default:
			*t.to = t.value.Text
		}
	}
	for i := range env.extensions {
		name := env.extensions[i].Name
		if name == "" || strings.ContainsFunc(name, isNoExtensionRune) {
			wrong.add(noExtension(name))
		}
	}
	a.Extensions = env.extensions
	wrong.add(a.readRecorded(env.recordedAt))
}

// noExtension refuses a name that no extension attribute can have.
func noExtension(name string) *Refusal {
	if name == "data_base64" {
		return malformed(name, "is not taken: send the data as JSON, in data")
	}
	return malformed(shorten(name, quoteRunesMax),
		"is no name of an extension attribute: take a-z and 0-9 only")
}

// checkKinds refuses what is missing, or of a kind that the attribute cannot have, or another
// version of the envelope. An attribute that is missing is told as one of a wrong kind: what it
// must be says both.
func (e *envelope) checkKinds(optional []attribute, wrong *defects) {
	if !isString(e.specversion) || e.specversion.Text != "1.0" {
		wrong.add(malformed("specversion", `must be "1.0"`))
	}
	if !isString(e.id) {
		wrong.add(malformed("id", "is required, as a string"))
	}
	if !isString(e.source) {
		wrong.add(malformed("source", "is required, as a string"))
	}
	if !isString(e.typeName) {
		wrong.add(malformed("type", "must be a string, such as "+EnrolmentOpened.Name()))
	}
	if e.data == nil || e.data.Kind != Object {
		wrong.add(malformed("data", "must be an object with the fields of the event's type"))
	}
	for i := range optional {
		if v := optional[i].value; v != nil && v.Kind != String {
			wrong.add(malformed(optional[i].field, optional[i].detail))
		}
	}
	for i := range e.extensions {
		if x := &e.extensions[i]; !isExtensionValue(&x.Value) {
			wrong.add(malformed(shorten(x.Name, quoteRunesMax),
				"must be a string, a boolean or a whole number without exponent"))
		}
	}
}

func isString(v *Value) bool { return v != nil && v.Kind == String }

// isExtensionValue tells whether a value may be that of an extension attribute: as CloudEvents has
// them, without bounds for integers, which are kept as they were written.
func isExtensionValue(v *Value) bool {
	return v.Kind == String || v.Kind == Bool || v.Kind == Number && isInteger(v.Text)
}

// checkNIK refuses a NIK in a text of the envelope, or in the name or value of an extension
// attribute, whose name is shown only without it.
func (e *envelope) checkNIK(texts []attribute, wrong *defects) {
	for i := range texts {
		if v := texts[i].value; v != nil && HasNIK(v.Text) {
			wrong.add(misplaced(texts[i].field))
		}
	}
	for i := range e.extensions {
		if x := &e.extensions[i]; HasNIK(x.Name) || HasNIK(x.Value.Text) {
			wrong.add(misplaced(shorten(x.Name, quoteRunesMax)))
		}
	}
}

// readRecorded reads the original record time; without one the event is recorded now. In the
// future, or before the log's last, it is refused later: that takes the clock and the log.
func (a *Accepted) readRecorded(v *Value) *Refusal {
	if v == nil {
		return nil
	}
	at, err := parseInstant(v.Text)
	if v.Kind != String || err != nil {
		return malformed("recordedat", "must be an RFC 3339 time, such as 2021-01-04T02:11:09Z")
	}
	a.RecordedAt, a.HasRecorded = at, true
	return nil
}

// isNoExtensionRune tells whether a character may not stand in the name of an extension attribute.
func isNoExtensionRune(r rune) bool {
	return (r < 'a' || r > 'z') && (r < '0' || r > '9')
}

func isInstant(text string) bool {
	_, err := parseInstant(text)
	return err == nil
}

// parseInstant reads a time. A leap second, which RFC 3339 has at the end of a day of UTC, is the
// last nanosecond before the next day: the clock of the log has none.
func parseInstant(text string) (temporal.Instant, error) {
	const second = len("2016-12-31T23:59:")
	if len(text) > second+2 && text[second:second+2] == "60" {
		rest := strings.TrimLeft(text[second+2:], ".0123456789")
		at, err := temporal.ParseInstant(text[:second] + "59.999999999" + rest)
		if utc := at.String(); err == nil && strings.Contains(utc, "T23:59:59") {
			return at, nil
		}
	}
	return temporal.ParseInstant(text)
}

// isSchema tells whether a text may be a dataschema: a URI, which has a scheme.
func isSchema(text string) bool {
	end := strings.IndexAny(text, ":/?#")
	return isURIReference(text) && end > 0 && text[end] == ':'
}

// isID tells whether a text may be the id of an event: any that is not too long, one of blanks too.
func isID(text string) bool { return text != "" && !isLonger(text, idRunesMax) }

// isSource tells whether a text may be the source of an event.
func isSource(text string) bool { return !isLonger(text, sourceRunesMax) && isURIReference(text) }

// isLonger tells whether a text has more code points than that. It never has more of them than
// bytes, so that nearly none is counted.
func isLonger(text string, runesMax int) bool {
	return len(text) > runesMax && utf8.RuneCountInString(text) > runesMax
}

func isSomething(text string) bool { return text != "" }

// isJSON tells whether a media type is application/json, with parameters or without.
func isJSON(mediaType string) bool {
	essence, _, _ := strings.Cut(mediaType, ";")
	return strings.EqualFold(strings.Trim(essence, " \t"), "application/json")
}

// isInteger tells whether the literal of a number has neither fraction nor exponent.
func isInteger(literal string) bool {
	digits := strings.TrimPrefix(literal, "-")
	return digits != "" && digitRun(digits, 0) == len(digits)
}

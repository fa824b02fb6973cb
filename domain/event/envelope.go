package event

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"cakupan/domain/temporal"
)

// envelope holds the attributes of an event as sent; nil is absent or null.
type envelope struct {
	specversion, id, source, typeName, data    *Value
	time, subject, dataContentType, dataSchema *Value
	recordedAt                                 *Value
	extensions                                 []Extension
}

// sortEnvelope gives each attribute its place.
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

// readable returns the key of a refused event as far as it can be shown.
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

// readEnvelope checks the envelope and takes over what is kept of it. On success the type is a
// string and the data an object; both are still to be read.
func (a *Accepted) readEnvelope(env *envelope) (refusal *Refusal) {
	if env.specversion == nil || env.specversion.Kind != String || env.specversion.Text != "1.0" {
		return malformed("specversion", `must be "1.0"`)
	}
	if a.ID, refusal = readText(env.id, "id", idRunesMax); refusal != nil {
		return refusal
	}
	if a.Source, refusal = readText(env.source, "source", sourceRunesMax); refusal != nil {
		return refusal
	}
	switch {
	case !isURIReference(a.Source):
		return malformed("source", "must be a URI reference, such as urn:example:office or /office")
	case env.typeName == nil || env.typeName.Kind != String:
		return malformed("type", "must be a string, such as "+EnrolmentOpened.Name())
	case env.data == nil || env.data.Kind != Object:
		return malformed("data", "must be an object with the fields of the event's type")
	}
	if refusal := a.readOptional(env); refusal != nil {
		return refusal
	}
	for i := range env.extensions {
		if refusal := checkExtension(&env.extensions[i]); refusal != nil {
			return refusal
		}
	}
	a.Extensions = env.extensions
	return a.readRecorded(env.recordedAt)
}

// readText reads a required attribute of 1 to so many code points.
func readText(v *Value, field string, runesMax int) (string, *Refusal) {
	if v == nil || v.Kind != String {
		return "", malformed(field, "is required, as a string")
	}
	if HasNIK(v.Text) {
		return "", misplaced(field)
	}
	if v.Text == "" || len(v.Text) > runesMax && utf8.RuneCountInString(v.Text) > runesMax {
		return "", malformed(field, "must have 1 to "+strconv.Itoa(runesMax)+" characters")
	}
	return v.Text, nil
}

// readOptional reads the attributes that CloudEvents leaves optional, each where it is there.
func (a *Accepted) readOptional(env *envelope) *Refusal {
	for _, attribute := range [...]struct {
		value  *Value
		to     *string
		field  string
		valid  func(string) bool
		detail string
	}{
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
			env.dataSchema, &a.DataSchema, "dataschema", isURIReference,
			"must be a URI; leave it out where there is none",
		},
	} {
		switch v := attribute.value; {
		case v == nil:
		case v.Kind == String && HasNIK(v.Text):
			return misplaced(attribute.field)
		case v.Kind != String || !attribute.valid(v.Text):
			return malformed(attribute.field, attribute.detail)
		default:
			*attribute.to = v.Text
		}
	}
	return nil
}

// checkExtension checks one extension attribute. Its name is shown only without NIK.
func checkExtension(x *Extension) *Refusal {
	name := shorten(x.Name, quoteRunesMax)
	if HasNIK(x.Name) || HasNIK(x.Value.Text) {
		return misplaced(name)
	}
	if x.Name == "" || strings.ContainsFunc(x.Name, isNoExtensionRune) {
		return malformed(name, "is no name of an extension attribute: take a-z and 0-9 only")
	}
	switch x.Value.Kind {
	case String, Bool:
		return nil
	case Number:
		if isInteger(x.Value.Text) {
			return nil
		}
	}
	return malformed(name, "must be a string, a boolean or a whole number without exponent")
}

// readRecorded reads the original record time; without one the event is recorded now.
func (a *Accepted) readRecorded(v *Value) *Refusal {
	if v == nil {
		return nil
	}
	at, err := temporal.ParseInstant(v.Text)
	if v.Kind != String || err != nil {
		return malformed("recordedat", "must be an RFC 3339 time, such as 2021-01-04T02:11:09Z")
	}
	a.RecordedAt, a.HasRecorded = at, true
	return nil
}

func isNoExtensionRune(r rune) bool {
	return (r < 'a' || r > 'z') && (r < '0' || r > '9')
}

func isInstant(text string) bool {
	_, err := temporal.ParseInstant(text)
	return err == nil
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

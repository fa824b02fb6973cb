package main

import (
	"strings"

	"cakupan/domain/event"
)

// typePrefix begins the names of all types.
const typePrefix = "id.cakupan."

// typeName returns the name of the definition of a type's event: "EnrolmentOpenedV1". It is a name
// for programs that are generated, which cannot hold a dot.
func typeName(t event.Type) string {
	var b strings.Builder
	for part := range strings.SplitSeq(strings.TrimPrefix(t.Name(), typePrefix), ".") {
		b.WriteString(strings.ToUpper(part[:1]) + part[1:])
	}
	return b.String()
}

// event makes the schema of a whole CloudEvent of a type. Attributes beyond those listed are
// extensions, whose names CloudEvents bounds to a-z and 0-9; a name that holds a NIK is refused as
// any text is. A schema judges one event by itself: that two have one id and differ, no schema can
// say.
func (l *library) event(t event.Type) object {
	return o("title", t.Name()).
		with("description", aboutTypes[t]).
		with("type", "object").
		with("required", texts("specversion", "id", "source", "type", "data")).
		with("properties", l.envelope(t).with("data", l.ref(typeName(t)+"Data"))).
		with("propertyNames", o("pattern", "^[a-z0-9]+$").with("not", l.ref("HoldsNIK"))).
		with("additionalProperties", l.ref("Extension")).
		with("examples", list{exampleEvent(t)})
}

// envelope returns the attributes of an event of a type, but for its data. What only the ledger may
// say is described too, since an event that was read from one log may be sent to another as it is.
// Whatever stands there is then ignored (contract, section 1), so the type is all that is asked of
// it.
func (l *library) envelope(t event.Type) object {
	return o("specversion", o("const", "1.0")).
		with("id", l.described("EventId", "With source, what makes this event the same event for"+
			" ever: sent again with the same type and data it is a duplicate, with others a"+
			" conflict.")).
		with("source", l.described("Source", "Who reports.")).
		with("type", o("const", t.Name())).
		with("time", l.described("Instant", "When it was reported; kept, and not looked at.")).
		with("subject", l.ref("Subject")).
		with("datacontenttype", l.ref("MediaTypeJSON")).
		with("dataschema", l.ref("SchemaReference")).
		with("recordedat", l.described("Instant", "When the ledger recorded the event. The"+
			" ledger's to say: what is sent is not looked at, unless original times are"+
			" imported.")).
		with("sequence", o("description", "The place in the log. The ledger's to say: what is sent"+
			" is not looked at.").with("type", "integer")).
		with(event.PublisherAttribute, o("description", "The registered publisher who sent the"+
			" event. The ledger's to say: what is sent is not looked at.").with("type", "string"))
}

// data makes the schema of the data of a type. Which fields there are, and which of them must be
// there, are the domain's. A field that the type does not have is refused, so that a typing error
// is not lost.
func (l *library) data(t event.Type) object {
	required := list{}
	var amends, either, eitherInto list
	properties := object{}
	for _, use := range t.Uses() {
		name := use.Field.Name()
		properties = properties.with(name, l.field(use))
		switch use.Need {
		case event.Required:
			required = append(required, name)
		// One or more of them: see anyOf below.
		case event.Amends:
			amends = append(amends, o("required", texts(name)))
		// Exactly one of the two, worker or nik. The second pair has its own list, because one
		// schema has one oneOf.
		case event.Either:
			either = append(either, o("required", texts(name)))
		case event.EitherInto:
			eitherInto = append(eitherInto, o("required", texts(name)))
		case event.Optional:
		}
	}
	// A field that the type does not have is refused (contract, section 1).
	schema := o("title", "data of "+t.Name()).with("type", "object").
		with("required", required).with("properties", properties).
		with("additionalProperties", false)
	if either != nil {
		schema = schema.with("oneOf", either)
	}
	// In an allOf, beside the oneOf of the first pair.
	if eitherInto != nil {
		schema = schema.with("allOf", list{o("oneOf", eitherInto)})
	}
	if amends != nil {
		schema = schema.with("anyOf", amends)
	}
	return schema.with("examples", list{exampleData[t]})
}

// field makes the schema of a field of a type. Words stand beside the reference of a shared
// definition. A region of a person is a regency; of money, workforce and targets it may be of any
// level.
func (l *library) field(use event.Use) object {
	words := o("description", aboutFields[use.Field])
	switch f := use.Field; f.Form() {
	case event.CodeForm:
		return l.described(codeName(f), aboutFields[f])
	// A set: that one is there twice says nothing, so it is not refused (contract, section 1).
	case event.ProgrammesForm:
		return words.with("type", "array").with("minItems", 1).with("items", l.ref(codeName(f)))
	// A list, in which the order is kept.
	case event.MonthsForm:
		return words.with("type", "array").with("minItems", 1).with("items", l.ref("Month"))
	case event.RegionForm:
		if use.Regency {
			return l.described("Regency", aboutFields[f])
		}
		return l.described("Region", aboutFields[f])
	// A form that is not in formNames is one that the domain has got and this program has not: its
	// definition is then none, which tests find.
	default:
		return l.described(formNames[f.Form()], aboutFields[f])
	}
}

// formNames holds the definitions of the forms that need nothing else to be known. It is never
// written. Codes, regions and lists are not in it: their definitions depend on the field.
var formNames = map[event.Form]string{
	event.TextForm: "Text", event.KeyForm: "Key", event.NIKForm: "NIK",
	event.PercentForm: "Percent", event.SourceForm: "Source", event.IDForm: "EventId",
	event.NaturalForm: "Natural", event.YearForm: "Year", event.DateForm: "Date",
	event.MonthForm: "Month",
}

// anyEvent makes the schema of an event of any type. Exactly one fits, as the type is a constant of
// each. The ledger's own types are not in it: nobody may send one.
func (l *library) anyEvent() object {
	var all list
	for _, t := range event.Types() {
		all = append(all, l.ref(typeName(t)))
	}
	return o("description", "An event of any type.").with("oneOf", all)
}

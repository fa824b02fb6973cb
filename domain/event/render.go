package event

import "strconv"

// Document returns the event as the CloudEvent that was accepted: its envelope, the extension
// attributes in the order sent, and the data in the catalogue's order. "sequence" and
// "recordedat" are the ledger's to add. A NIK is left out: it has no place but the vault. What it
// returns has the event's own texts, and shares nothing else with it.
func (e *Event) Document() Value {
	members := make([]Member, 0, 10+len(e.Extensions))
	add := func(name string, v Value) { members = append(members, Member{name, v}) }
	add("specversion", text("1.0"))
	add("id", text(e.ID))
	add("source", text(e.Source))
	add("type", text(e.Type.Name()))
	for _, optional := range [...]struct{ name, text string }{
		{"time", e.Time},
		{"subject", e.Subject},
		{"datacontenttype", e.DataContentType},
		{"dataschema", e.DataSchema},
	} {
		if optional.text != "" {
			add(optional.name, text(optional.text))
		}
	}
	if e.Publisher != "" {
		add(PublisherAttribute, text(e.Publisher))
	}
	for _, x := range e.Extensions {
		add(x.Name, x.Value)
	}
	add("data", e.Data.document(e.Type))
	return Value{Kind: Object, Members: members}
}

// document returns the data of an event of a type as an object, without what only an edge may see.
// Data of a type that is not known is an object without members.
func (d *Data) document(t Type) Value {
	if !t.Known() {
		return Value{Kind: Object}
	}
	specs := catalogue[t].fields
	members := make([]Member, 0, len(specs))
	for _, s := range specs {
		if d.Has.Has(s.field) && !EdgeOnly.Has(s.field) {
			members = append(members, Member{s.field.Name(), d.value(s.field)})
		}
	}
	return Value{Kind: Object, Members: members}
}

// value returns one field as it is sent. The field must be there: zero values of lists are written
// as empty ones.
func (d *Data) value(f Field) Value {
	switch f.Kind() {
	case TextField:
		return text(*d.Text(f))
	case IntegerField:
		return Value{Kind: Number, Text: strconv.FormatInt(*d.Integer(f), 10)}
	case DateField:
		return text(d.Date(f).String())
	case MonthField:
		return text(d.Month(f).String())
	case CodeField:
		return text(d.codeName(f))
	case ProgrammeList:
		items := make([]Value, len(d.Programmes))
		for i, p := range d.Programmes {
			items[i] = text(p.String())
		}
		return Value{Kind: List, Items: items}
	case MonthList:
		items := make([]Value, len(d.PaidMonths))
		for i, m := range d.PaidMonths {
			items[i] = text(m.String())
		}
		return Value{Kind: List, Items: items}
	}
	return Value{}
}

// codeName returns the name of a code list's or a region's number. A number beyond the list is
// written as it is, so that nothing of what is stored is hidden.
func (d *Data) codeName(f Field) string {
	switch f {
	case FieldRegion:
		return d.Region.String()
	case FieldFunder:
		return d.Funder.String()
	}
	names, number := list(f), d.CodeNumber(f)
	if number >= uint64(len(names)) {
		return strconv.FormatUint(number, 10)
	}
	return names[number]
}

func text(s string) Value { return Value{Kind: String, Text: s} }

package event

// What describes events to those who make them: the catalogue, as documents and templates show
// it. Reading an event goes by the same tables.

// The limits of texts: of ids and sources in code points, of keys in bytes. Of an event as a whole
// see [BytesMax].
const (
	IDRunesMax     = idRunesMax
	SourceRunesMax = sourceRunesMax
	KeyBytesMax    = keyBytesMax // worker, enrolment, commitment
)

// Need says whether an event of a type must carry a field. It is need for others to see; the
// numbers are not stored anywhere.
type Need uint8

// The needs.
const (
	Required = Need(required)
	Optional = Need(optional)
	Either   = Need(either) // exactly one of these
	Amends   = Need(amends) // one or more of these

	EitherInto = Need(eitherInto) // exactly one of these
)

// Form says what the value of a field must be. It is rule for others to see; the numbers are not
// stored anywhere.
type Form uint8

// The forms.
const (
	TextForm       = Form(anyText)
	KeyForm        = Form(idText) // 1 to [KeyBytesMax] of A-Z a-z 0-9 . _ : -
	NIKForm        = Form(nikText)
	PercentForm    = Form(percentText)
	SourceForm     = Form(sourceText)  // as the source of an event
	IDForm         = Form(eventIDText) // as the id of an event
	NaturalForm    = Form(natural)     // an integer from 0 to [IntegerMax]
	YearForm       = Form(year)        // an integer from 1 to 9999
	CodeForm       = Form(code)        // one of [Field.Codes]
	RegionForm     = Form(regionCode)
	DateForm       = Form(date)
	MonthForm      = Form(month)
	ProgrammesForm = Form(programmes) // a list of 1 or more of [Field.Codes]
	MonthsForm     = Form(months)     // a list of 1 or more months
)

// Use is a field as events of a type carry it.
type Use struct {
	Field   Field
	Need    Need
	Regency bool // a region must be a regency or city
}

// Uses returns the fields of the type as its events carry them, in the contract's order. The
// slice is the caller's.
func (t Type) Uses() []Use {
	if !t.Known() {
		return nil
	}
	uses := make([]Use, len(catalogue[t].fields))
	for i, s := range catalogue[t].fields {
		uses[i] = Use{Field: s.field, Need: Need(s.need), Regency: s.regency}
	}
	return uses
}

// Form returns what a value of the field must be, [TextForm] for a number that no field has. The
// level of a region is not in it: see [Use].
func (f Field) Form() Form {
	if f >= FieldEnd {
		return TextForm
	}
	return Form(fields[f].rule)
}

// Codes returns the code list of a field, in the contract's order; nil for a field without one.
// The slice is the caller's.
func (f Field) Codes() []string {
	names := list(f)
	if f == FieldProgrammes {
		names = programmeNames[:]
	}
	if names == nil {
		return nil
	}
	return append([]string(nil), names[1:]...)
}

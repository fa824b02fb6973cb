package event

import (
	"strconv"
	"strings"

	"cakupan/domain/figures"
	"cakupan/domain/region"
	"cakupan/domain/temporal"
)

// accept reads the data of an event of a known type: unknown fields, missing fields, worker,
// values, period, in this order. All defects go to wrong, in that order. What is right of the data
// is taken over all the same, so that the checks between fields see it; a caller with a defect
// drops it.
func (d *Data) accept(t Type, members []Member, wrong *defects) {
	specs := catalogue[t].fields
	var sent [FieldEnd]*Value
	for i := range members {
		f := t.field(members[i].Name)
		if f == 0 {
			wrong.add(unknownField(t, members[i].Name))
			continue
		}
		// No name comes twice: who read the document has refused that.
		sent[f] = &members[i].Value
	}
	checkPresence(specs, &sent, wrong)
	for _, s := range specs {
		if sent[s.field] == nil {
			continue
		}
		if code, detail := d.read(s, sent[s.field]); code != "" {
			name := "data." + s.field.Name()
			wrong.add(&Refusal{Code: code, Field: name, Detail: name + " " + detail})
			continue
		}
		d.Has = d.Has.With(s.field)
	}
	// A merge into himself is the last of the defects of values, and the period comes behind all
	// values.
	wrong.add(d.checkMerge())
	wrong.add(d.checkPeriod())
}

// unknownField refuses a field that the type has not, and says which one may have been meant.
func unknownField(t Type, name string) *Refusal {
	detail := "it has " + t.fieldNames()
	for _, f := range t.Fields() {
		if strings.EqualFold(f.Name(), name) {
			detail = "did you mean " + f.Name() + "?"
		}
	}
	name = shorten(name, quoteRunesMax)
	return &Refusal{
		Code: FieldUnknown, Field: "data." + name,
		Detail: "the data of " + t.Name() + ` has no field "` + name + `"; ` + detail,
	}
}

// checkPresence finds missing fields in the type's order, then an amendment of nothing, then both
// or neither of worker and nik, of into and intoNik. A value of null is there: it is invalid, not
// missing. What is unknown is told before, as the typing error may be what is missing here.
func checkPresence(specs []spec, sent *[FieldEnd]*Value, wrong *defects) {
	var amendment, amended, person, into bool
	for _, s := range specs {
		there := sent[s.field] != nil
		switch s.need {
		case required:
			if !there {
				name := "data." + s.field.Name()
				wrong.add(&Refusal{Code: FieldMissing, Field: name, Detail: name + " is required"})
			}
		case amends:
			amendment, amended = true, amended || there
		case either:
			person = true
		case eitherInto:
			into = true
		}
	}
	if amendment && !amended {
		wrong.add(amendsNothing(specs))
	}
	if person && (sent[FieldWorker] != nil) == (sent[FieldNIK] != nil) {
		wrong.add(ambiguous(FieldWorker, FieldNIK))
	}
	if into && (sent[FieldInto] != nil) == (sent[FieldIntoNIK] != nil) {
		wrong.add(ambiguous(FieldInto, FieldIntoNIK))
	}
}

// ambiguous refuses both or neither of two fields that name one person.
func ambiguous(id, nik Field) *Refusal {
	return &Refusal{
		Code: WorkerAmbiguous, Field: "data." + id.Name(),
		Detail: "name the person once: give either data." + id.Name() + " or data." + nik.Name(),
	}
}

func amendsNothing(specs []spec) *Refusal {
	var names []string
	for _, s := range specs {
		if s.need == amends {
			names = append(names, s.field.Name())
		}
	}
	return &Refusal{
		Code: FieldMissing, Field: "data",
		Detail: "the amendment amends nothing: give one or more of " + strings.Join(names, ", "),
	}
}

// read reads one value. It returns the code of a refusal and the rest of a sentence that begins
// with the field's name, or "" when the value is taken over. On a refusal nothing is set. No text
// that it returns has a NIK in it.
func (d *Data) read(s spec, v *Value) (Code, string) {
	switch info := &fields[s.field]; info.rule {
	case natural:
		return readInteger(d.Integer(s.field), v, 0, IntegerMax)
	case year:
		return readInteger(d.Integer(s.field), v, 1, 9999)
	case code:
		return d.readCode(s.field, v)
	case regionCode:
		return d.readRegion(s, v)
	case date:
		return readDate(d.Date(s.field), v)
	case month:
		return readMonth(d.Month(s.field), v)
	case programmes:
		return d.readProgrammes(v)
	case months:
		return d.readMonths(v)
	case nikText:
		return readNIK(d.Text(s.field), v)
	default:
		return readDataText(d.Text(s.field), info.rule, v)
	}
}

// readNIK reads a NIK. Whatever is wrong with it is nik.invalid, also another kind (contract,
// section 1).
func readNIK(to *string, v *Value) (Code, string) {
	if v.Kind != String {
		return NIKInvalid, "must be a string of 16 digits, in quotes"
	}
	if broken := CheckNIK(v.Text); broken != "" {
		return NIKInvalid, "is no NIK: " + broken
	}
	*to = v.Text
	return "", ""
}

// readDataText reads an id or a text. That no NIK stands in it goes before its own rule. A number
// counts too: a table writes a NIK so.
func readDataText(to *string, rule rule, v *Value) (Code, string) {
	if (v.Kind == String || v.Kind == Number) && HasNIK(v.Text) {
		return NIKMisplaced, misplacedDetail
	}
	if v.Kind != String {
		return FieldInvalid, "must be a string"
	}
	if broken := checkText(rule, v.Text); broken != "" {
		return FieldInvalid, broken
	}
	*to = v.Text
	return "", ""
}

// checkText returns what is wrong with an id or text, "" when nothing is. Nothing of the text is in
// what it returns.
func checkText(rule rule, text string) string {
	switch rule {
	case idText:
		if text == "" || len(text) > keyBytesMax || strings.ContainsFunc(text, isNoKeyRune) {
			return "must have 1 to 64 characters of A-Z a-z 0-9 . _ : -"
		}
	case percentText:
		if _, ok := figures.ParsePercent(text); !ok {
			return `must be a decimal number of 0 or more as a string, such as "60" or "52.15",` +
				" with at most two decimals"
		}
	case sourceText:
		if !isSource(text) {
			return "must be the source of an event: " + sourceDetail
		}
	case eventIDText:
		if !isID(text) {
			return "must be the id of an event: " + idDetail
		}
	}
	return ""
}

// isNoKeyRune tells whether a character may not stand in an id: to what an extension attribute may
// be called, capitals and four signs are added.
func isNoKeyRune(r rune) bool {
	return isNoExtensionRune(r) && (r < 'A' || r > 'Z') &&
		r != '.' && r != '_' && r != ':' && r != '-'
}

// readInteger reads a whole number from lowest to highest. -0 is 0. The literal has not been
// rounded before: the bounds hold for what was sent.
func readInteger(to *int64, v *Value, lowest, highest int64) (Code, string) {
	if v.Kind != Number || !isInteger(v.Text) {
		return FieldInvalid, "must be a whole number, without quotes, fraction or exponent"
	}
	n, err := strconv.ParseInt(v.Text, 10, 64)
	if err != nil || n < lowest || n > highest {
		return FieldInvalid, "must be " + strconv.FormatInt(lowest, 10) + " to " +
			strconv.FormatInt(highest, 10)
	}
	*to = n
	return "", ""
}

// readCode reads a code of a list, exactly as the contract writes it. The code with number 0 has no
// name, or one that nobody may report.
func (d *Data) readCode(f Field, v *Value) (Code, string) {
	names := list(f)
	if v.Kind == String && v.Text != "" {
		for n := 1; n < len(names); n++ {
			if names[n] == v.Text {
				d.SetCodeNumber(f, uint64(n))
				return "", ""
			}
		}
	}
	return FieldInvalid, "must be one of " + strings.Join(names[1:], ", ")
}

// readRegion reads a code of the register. What is no string is region.unknown too (contract,
// section 1): a number has lost its dot or its zeros.
func (d *Data) readRegion(s spec, v *Value) (Code, string) {
	if v.Kind != String {
		return RegionUnknown, "must be a string: " + region.Explain("")
	}
	code, ok := region.Parse(v.Text)
	if !ok {
		return RegionUnknown, "is not in the register of regions: " + region.Explain(v.Text)
	}
	if s.regency && code.Level() != region.RegencyLevel {
		return RegionUnknown, "must be a regency or city such as 75.03; " + code.String() +
			" is the " + code.Level().String() + " " + code.Name()
	}
	d.SetCodeNumber(s.field, uint64(code))
	return "", ""
}

// readDate reads a day of the calendar, of the years 0001 to 9999.
func readDate(to *temporal.Date, v *Value) (Code, string) {
	date, err := temporal.ParseDate(v.Text)
	if v.Kind != String || err != nil {
		return FieldInvalid, "must be a day that exists, as YYYY-MM-DD"
	}
	*to = date
	return "", ""
}

// readMonth reads a month of the same years.
func readMonth(to *temporal.Month, v *Value) (Code, string) {
	month, err := temporal.ParseMonth(v.Text)
	if v.Kind != String || err != nil {
		return FieldInvalid, "must be a month as YYYY-MM"
	}
	*to = month
	return "", ""
}

// readProgrammes reads a list of programmes. Order and repetition are kept as sent; it is a set
// where it is compared.
func (d *Data) readProgrammes(v *Value) (Code, string) {
	if v.Kind != List || len(v.Items) == 0 {
		return FieldInvalid, "must be a list of one or more programmes"
	}
	list := make([]Programme, 0, len(v.Items))
	for i := range v.Items {
		programme, ok := ParseProgramme(v.Items[i].Text)
		if v.Items[i].Kind != String || !ok {
			return FieldInvalid, "must hold programmes of " +
				strings.Join(programmeNames[1:], ", ") + " only"
		}
		list = append(list, programme)
	}
	d.Programmes = list
	return "", ""
}

// readMonths reads a list of months, which is a list: repeated ones stay, here and in comparing.
func (d *Data) readMonths(v *Value) (Code, string) {
	if v.Kind != List || len(v.Items) == 0 {
		return FieldInvalid, "must be a list of one or more months"
	}
	list := make([]temporal.Month, len(v.Items))
	for i := range v.Items {
		if code, detail := readMonth(&list[i], &v.Items[i]); code != "" {
			return code, "must hold months only; each " + detail
		}
	}
	d.PaidMonths = list
	return "", ""
}

// checkMerge refuses a merge of somebody into himself, as far as it shows before a worker has taken
// the place of each NIK; see [Data.NameWorkers].
func (d *Data) checkMerge() *Refusal {
	switch {
	case d.Has.Has(FieldInto) && d.Has.Has(FieldWorker) && d.Into == d.Worker:
		return mergedIntoHimself(FieldInto)
	case d.Has.Has(FieldIntoNIK) && d.Has.Has(FieldNIK) && d.IntoNIK == d.NIK:
		return mergedIntoHimself(FieldIntoNIK)
	}
	return nil
}

// checkPeriod refuses a period of no month. Days have none: an enrolment's end is an event of its
// own, which may lie before its beginning.
func (d *Data) checkPeriod() *Refusal {
	if d.Has.Has(FieldFromMonth) && d.Has.Has(FieldUntilMonth) && d.UntilMonth <= d.FromMonth {
		return &Refusal{
			Code: PeriodInverted, Field: "data.until",
			Detail: "data.until is the first month after the period: take one later than data.from",
		}
	}
	return nil
}

package event

import "math/bits"

// Field is one field of [Data]. The number is its protobuf field number in the log: never
// reorder, never reuse. The frequent ones are below 16, where a tag takes one byte.
type Field uint8

// The fields. Where one name means different things in different types ("from" is a day of an
// enrolment and a month of funding), each meaning is a field of its own.
const (
	FieldEnrolment        Field = 1
	FieldWorker           Field = 2
	FieldRegion           Field = 3
	FieldSegment          Field = 4
	FieldCategory         Field = 5
	FieldProgrammes       Field = 6
	FieldPayer            Field = 7
	FieldFrom             Field = 8
	FieldUntil            Field = 9
	FieldReason           Field = 10
	FieldCommitment       Field = 11
	FieldFromMonth        Field = 12
	FieldUntilMonth       Field = 13
	FieldOn               Field = 14
	FieldAmount           Field = 15
	FieldFunder           Field = 16
	FieldFunding          Field = 17
	FieldFiscalYear       Field = 18
	FieldHeads            Field = 19
	FieldMonths           Field = 20
	FieldTariff           Field = 21
	FieldCeiling          Field = 22
	FieldBasis            Field = 23
	FieldPaidOn           Field = 24
	FieldPaidMonths       Field = 25
	FieldPaymentReference Field = 26
	FieldReasonText       Field = 27
	FieldSector           Field = 28
	FieldIndicator        Field = 29
	FieldCount            Field = 30
	FieldReference        Field = 31
	FieldPublication      Field = 32
	FieldPercent          Field = 33
	FieldRetractedSource  Field = 34
	FieldRetractedID      Field = 35
	FieldNIK              Field = 36 // at the edge only: never written
	FieldInto             Field = 37
	FieldIntoNIK          Field = 38 // at the edge only: never written

	// What a published figure says; see [Figure].
	FieldSize       Field = 39
	FieldRoot       Field = 40
	FieldRules      Field = 41
	FieldCovered    Field = 42
	FieldConfirmed  Field = 43
	FieldInGrace    Field = 44
	FieldEnrolments Field = 45
	FieldWorkforce  Field = 46
	FieldEvents     Field = 47
	FieldDigest     Field = 48
)

// FieldEnd is above every field. It has to stay at 64 or below, as many as a [FieldSet] has bits.
const FieldEnd = 49

// EdgeOnly are the fields that are never written: a worker takes the place of each, see
// [Data.NameWorkers]. Whatever writes events leaves them out, so that no NIK leaves the edge
// (contract, section 1).
const EdgeOnly = FieldSet(1<<FieldNIK | 1<<FieldIntoNIK)

// FieldKind says how [Data] holds a field, and so which of its accessors reaches it.
type FieldKind uint8

// The kinds of fields.
const (
	NoField       FieldKind = 0 // not a field
	TextField     FieldKind = 1 // [Data.Text]
	IntegerField  FieldKind = 2 // [Data.Integer]
	DateField     FieldKind = 3 // [Data.Date]
	MonthField    FieldKind = 4 // [Data.Month]
	CodeField     FieldKind = 5 // [Data.CodeNumber]: a code list or a region
	ProgrammeList FieldKind = 6 // Data.Programmes
	MonthList     FieldKind = 7 // Data.PaidMonths
)

// rule says what a value must be, beyond its kind. The kind says where a value is held, the rule
// which ones are taken. The numbers are not stored.
type rule uint8

const (
	anyText rule = iota
	idText
	nikText
	percentText
	sourceText
	eventIDText
	natural // an integer from 0 to [IntegerMax]
	year    // an integer from 1 to 9999
	code
	regionCode
	date
	month
	programmes
	months
)

// fieldInfo is what is known of a field wherever it stands; whether it must be there is the type's
// to say.
type fieldInfo struct {
	name string
	kind FieldKind
	rule rule
}

// fields is the table of fields by number. It is never written.
var fields = [FieldEnd]fieldInfo{
	FieldEnrolment:        {"enrolment", TextField, idText},
	FieldWorker:           {"worker", TextField, idText},
	FieldRegion:           {"region", CodeField, regionCode},
	FieldSegment:          {"segment", CodeField, code},
	FieldCategory:         {"category", CodeField, code},
	FieldProgrammes:       {"programmes", ProgrammeList, programmes},
	FieldPayer:            {"payer", CodeField, code},
	FieldFrom:             {"from", DateField, date},
	FieldUntil:            {"until", DateField, date},
	FieldReason:           {"reason", CodeField, code},
	FieldCommitment:       {"commitment", TextField, idText},
	FieldFromMonth:        {"from", MonthField, month},
	FieldUntilMonth:       {"until", MonthField, month},
	FieldOn:               {"on", DateField, date},
	FieldAmount:           {"amount", IntegerField, natural},
	FieldFunder:           {"funder", CodeField, regionCode},
	FieldFunding:          {"funding", CodeField, code},
	FieldFiscalYear:       {"fiscalYear", IntegerField, year},
	FieldHeads:            {"heads", IntegerField, natural},
	FieldMonths:           {"months", IntegerField, natural},
	FieldTariff:           {"tariff", IntegerField, natural},
	FieldCeiling:          {"ceiling", IntegerField, natural},
	FieldBasis:            {"basis", TextField, anyText},
	FieldPaidOn:           {"paidOn", DateField, date},
	FieldPaidMonths:       {"months", MonthList, months},
	FieldPaymentReference: {"reference", TextField, anyText},
	FieldReasonText:       {"reason", TextField, anyText},
	FieldSector:           {"sector", CodeField, code},
	FieldIndicator:        {"indicator", CodeField, code},
	FieldCount:            {"count", IntegerField, natural},
	FieldReference:        {"reference", DateField, date},
	FieldPublication:      {"publication", TextField, anyText},
	FieldPercent:          {"percent", TextField, percentText},
	FieldRetractedSource:  {"source", TextField, sourceText},
	FieldRetractedID:      {"id", TextField, eventIDText},
	FieldNIK:              {"nik", TextField, nikText},
	FieldInto:             {"into", TextField, idText},
	FieldIntoNIK:          {"intoNik", TextField, nikText},
	FieldSize:             {"size", IntegerField, natural},
	FieldRoot:             {"root", TextField, anyText},
	FieldRules:            {"rules", TextField, anyText},
	FieldCovered:          {"covered", IntegerField, natural},
	FieldConfirmed:        {"confirmed", IntegerField, natural},
	FieldInGrace:          {"inGrace", IntegerField, natural},
	FieldEnrolments:       {"enrolments", IntegerField, natural},
	FieldWorkforce:        {"workforce", IntegerField, natural},
	FieldEvents:           {"events", IntegerField, natural},
	FieldDigest:           {"digest", TextField, anyText},
}

// Name returns the field's name in the data of an event, "fiscalYear". Fields of different
// meaning may share one.
func (f Field) Name() string {
	if f >= FieldEnd {
		return ""
	}
	return fields[f].name
}

// Kind returns how [Data] holds the field, [NoField] for a number that no field has.
func (f Field) Kind() FieldKind {
	if f >= FieldEnd {
		return NoField
	}
	return fields[f].kind
}

// FieldSet is a set of fields. Bit f stands for field f. The zero value is the empty set.
type FieldSet uint64

// Has tells whether f is in the set.
func (s FieldSet) Has(f Field) bool { return s>>f&1 != 0 }

// With returns the set with f in it.
func (s FieldSet) With(f Field) FieldSet { return s | 1<<f }

// Without returns the set without f.
func (s FieldSet) Without(f Field) FieldSet { return s &^ (1 << f) }

// Next returns the lowest field of a set, and the set without it. The set must not be empty.
func (s FieldSet) Next() (Field, FieldSet) {
	return Field(bits.TrailingZeros64(uint64(s))), s & (s - 1)
}

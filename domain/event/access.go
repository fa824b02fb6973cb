package event

import (
	"cakupan/domain/region"
	"cakupan/domain/temporal"
)

// The accessors reach a field of [Data] by its number, for code that treats all fields alike:
// reading, rendering and the codec. Each returns nil, 0 or false for a field of another kind.
//
// Where a field of a [Figure] is asked for, there is one from then on: whoever only reads asks
// [Data.Has] first.

// Text returns where d holds a [TextField].
func (d *Data) Text(f Field) *string {
	switch f {
	case FieldEnrolment:
		return &d.Enrolment
	case FieldWorker:
		return &d.Worker
	case FieldNIK:
		return &d.NIK
	case FieldInto:
		return &d.Into
	case FieldIntoNIK:
		return &d.IntoNIK
	case FieldCommitment:
		return &d.Commitment
	case FieldBasis:
		return &d.Basis
	case FieldPaymentReference:
		return &d.PaymentReference
	case FieldReasonText:
		return &d.ReasonText
	case FieldPublication:
		return &d.Publication
	case FieldPercent:
		return &d.Percent
	case FieldRetractedSource:
		return &d.RetractedSource
	case FieldRetractedID:
		return &d.RetractedID
	case FieldRoot:
		return &d.figure().Root
	case FieldRules:
		return &d.figure().Rules
	case FieldDigest:
		return &d.figure().Digest
	}
	return nil
}

// Integer returns where d holds an [IntegerField].
func (d *Data) Integer(f Field) *int64 {
	switch f {
	case FieldAmount:
		return &d.Amount
	case FieldFiscalYear:
		return &d.FiscalYear
	case FieldHeads:
		return &d.Heads
	case FieldMonths:
		return &d.Months
	case FieldTariff:
		return &d.Tariff
	case FieldCeiling:
		return &d.Ceiling
	case FieldCount:
		return &d.Count
	case FieldSize:
		return &d.figure().Size
	case FieldCovered:
		return &d.figure().Covered
	case FieldConfirmed:
		return &d.figure().Confirmed
	case FieldInGrace:
		return &d.figure().InGrace
	case FieldEnrolments:
		return &d.figure().Enrolments
	case FieldWorkforce:
		return &d.figure().Workforce
	case FieldEvents:
		return &d.figure().Events
	}
	return nil
}

// Date returns where d holds a [DateField].
func (d *Data) Date(f Field) *temporal.Date {
	switch f {
	case FieldFrom:
		return &d.From
	case FieldUntil:
		return &d.Until
	case FieldOn:
		return &d.On
	case FieldPaidOn:
		return &d.PaidOn
	case FieldReference:
		return &d.Reference
	}
	return nil
}

// Month returns where d holds a [MonthField].
func (d *Data) Month(f Field) *temporal.Month {
	switch f {
	case FieldFromMonth:
		return &d.FromMonth
	case FieldUntilMonth:
		return &d.UntilMonth
	}
	return nil
}

// CodeNumber returns the number of a [CodeField]: of the code list, or the region's. Zero is both
// the nation's and that of no code: [Data.Has] tells whether there is one.
func (d *Data) CodeNumber(f Field) uint64 {
	switch f {
	case FieldRegion:
		return uint64(d.Region)
	case FieldFunder:
		return uint64(d.Funder)
	case FieldSegment:
		return uint64(d.Segment)
	case FieldCategory:
		return uint64(d.Category)
	case FieldPayer:
		return uint64(d.Payer)
	case FieldReason:
		return uint64(d.Reason)
	case FieldFunding:
		return uint64(d.Funding)
	case FieldSector:
		return uint64(d.Sector)
	case FieldIndicator:
		return uint64(d.Indicator)
	}
	return 0
}

// SetCodeNumber sets a [CodeField] to a number of its list or register. It returns false, and
// sets nothing, when the list has no such number. What a log or a file has stored comes in by it,
// so that no number becomes a code that the lists do not have.
func (d *Data) SetCodeNumber(f Field, number uint64) (ok bool) {
	switch f {
	case FieldRegion:
		return setRegion(&d.Region, number)
	case FieldFunder:
		return setRegion(&d.Funder, number)
	case FieldSegment:
		return setCode(&d.Segment, number, PMI)
	case FieldCategory:
		return setCode(&d.Category, number, OtherCategory)
	case FieldPayer:
		return setCode(&d.Payer, number, APBD)
	case FieldReason:
		return setCode(&d.Reason, number, OtherReason)
	case FieldFunding:
		return setCode(&d.Funding, number, FundingOther)
	case FieldSector:
		return setCode(&d.Sector, number, Informal)
	case FieldIndicator:
		return setCode(&d.Indicator, number, Eligible)
	}
	return false
}

// setCode sets a member of a list whose numbers go from 1 to last. Zero comes round to the highest
// number, and is refused with the others.
func setCode[C ~uint8](to *C, number uint64, last C) bool {
	if number-1 >= uint64(last) {
		return false
	}
	*to = C(number)
	return true
}

// setRegion sets a region of the register.
func setRegion(to *region.Code, number uint64) bool {
	code, ok := region.FromNumber(number)
	if ok {
		*to = code
	}
	return ok
}

// list returns the names of the code list of a field, nil for a field without one. They are by
// number; what has number 0 is nothing that can be reported. The lists are never written.
func list(f Field) []string {
	switch f {
	case FieldSegment:
		return segments[:]
	case FieldCategory:
		return categories[:]
	case FieldPayer:
		return payers[:]
	case FieldReason:
		return reasons[:]
	case FieldFunding:
		return fundings[:]
	case FieldSector:
		return sectors[:]
	case FieldIndicator:
		return indicators[:]
	}
	return nil
}

package event

import (
	"slices"
	"strconv"
	"strings"
)

// TypePrefix begins the name of every type. The part behind it has the version, so that a changed
// meaning is another type.
const TypePrefix = "id.cakupan."

// need says whether a type's event must carry a field.
type need uint8

const (
	required need = iota
	optional
	either     // worker or nik, exactly one of them
	amends     // one or more of these
	eitherInto // into or intoNik, exactly one of them
)

// spec is one field of a type. The order in an entry is that in which defects are found, and in
// which fields are shown.
type spec struct {
	field   Field
	need    need
	regency bool // a region must be a regency
}

// entry is one type of the catalogue. What is not in it is refused by name (contract, section 1),
// so that a typing error is not lost.
type entry struct {
	name   string // without the prefix
	fields []spec // in the contract's order
}

// catalogue holds the types by number. It is never written. Documents and templates are made from
// it too, so that they cannot differ from what is accepted.
var catalogue = [...]entry{
	EnrolmentOpened: {"enrolment.opened.v1", []spec{
		{field: FieldEnrolment},
		{field: FieldWorker, need: either},
		{field: FieldNIK, need: either},
		{field: FieldRegion, regency: true},
		{field: FieldSegment},
		{field: FieldCategory},
		{field: FieldProgrammes},
		{field: FieldPayer},
		{field: FieldFrom},
	}},
	EnrolmentAmended: {"enrolment.amended.v1", []spec{
		{field: FieldEnrolment},
		{field: FieldFrom},
		{field: FieldRegion, need: amends, regency: true},
		{field: FieldSegment, need: amends},
		{field: FieldCategory, need: amends},
		{field: FieldProgrammes, need: amends},
		{field: FieldPayer, need: amends},
	}},
	EnrolmentTerminated: {"enrolment.terminated.v1", []spec{
		{field: FieldEnrolment}, {field: FieldUntil}, {field: FieldReason},
	}},
	EnrolmentReinstated: {"enrolment.reinstated.v1", []spec{
		{field: FieldEnrolment}, {field: FieldFrom},
	}},
	WorkerDied: {"worker.died.v1", []spec{
		{field: FieldWorker, need: either}, {field: FieldNIK, need: either}, {field: FieldOn},
	}},
	WorkerMerged: {"worker.merged.v1", []spec{
		{field: FieldWorker, need: either},
		{field: FieldNIK, need: either},
		{field: FieldInto, need: eitherInto},
		{field: FieldIntoNIK, need: eitherInto},
	}},
	ContributionCredited: {"contribution.credited.v1", []spec{
		{field: FieldEnrolment},
		{field: FieldFromMonth},
		{field: FieldUntilMonth},
		{field: FieldPaidOn, need: optional},
		{field: FieldAmount, need: optional},
		{field: FieldPaymentReference, need: optional},
	}},
	FundingCommitted: {"funding.committed.v1", []spec{
		{field: FieldCommitment},
		{field: FieldFunder},
		{field: FieldFunding},
		{field: FieldFiscalYear},
		{field: FieldHeads},
		{field: FieldMonths},
		{field: FieldTariff},
		{field: FieldCeiling},
		{field: FieldFromMonth},
		{field: FieldUntilMonth},
		{field: FieldBasis, need: optional},
	}},
	FundingAmended: {"funding.amended.v1", []spec{
		{field: FieldCommitment},
		{field: FieldHeads, need: amends},
		{field: FieldMonths, need: amends},
		{field: FieldTariff, need: amends},
		{field: FieldCeiling, need: amends},
		{field: FieldUntilMonth, need: amends},
	}},
	FundingGranted: {"funding.granted.v1", []spec{
		{field: FieldCommitment},
		{field: FieldEnrolment},
		{field: FieldFromMonth},
		{field: FieldUntilMonth},
	}},
	FundingRevoked: {"funding.revoked.v1", []spec{
		{field: FieldCommitment}, {field: FieldEnrolment}, {field: FieldFromMonth},
	}},
	FundingDisbursed: {"funding.disbursed.v1", []spec{
		{field: FieldCommitment},
		{field: FieldAmount},
		{field: FieldPaidOn},
		{field: FieldPaidMonths},
		{field: FieldPaymentReference},
	}},
	FundingClosed: {"funding.closed.v1", []spec{
		{field: FieldCommitment}, {field: FieldFromMonth}, {field: FieldReasonText},
	}},
	WorkforcePublished: {"workforce.published.v1", []spec{
		{field: FieldRegion},
		{field: FieldSector},
		{field: FieldIndicator},
		{field: FieldCount},
		{field: FieldReference},
		{field: FieldPublication},
	}},
	TargetSet: {"target.set.v1", []spec{
		{field: FieldRegion},
		{field: FieldSector},
		{field: FieldPercent},
		{field: FieldFrom},
		{field: FieldBasis, need: optional},
	}},
	EventRetracted: {"event.retracted.v1", []spec{
		{field: FieldRetractedSource}, {field: FieldRetractedID}, {field: FieldReasonText},
	}},
	FigurePublished: {"figure.published.v1", []spec{
		{field: FieldRegion},
		{field: FieldOn},
		{field: FieldSize},
		{field: FieldRoot},
		{field: FieldRules},
		{field: FieldEvents},
		{field: FieldDigest},
		{field: FieldIndicator},
		{field: FieldCovered},
		{field: FieldConfirmed},
		{field: FieldInGrace},
		{field: FieldEnrolments},
		{field: FieldWorkforce, need: optional},
		{field: FieldPercent, need: optional},
	}},
}

// Types returns all types that are reported, in the contract's order. The slice is the caller's.
func Types() []Type {
	return []Type{
		EnrolmentOpened, EnrolmentAmended, EnrolmentTerminated, EnrolmentReinstated,
		WorkerDied, WorkerMerged, ContributionCredited,
		FundingCommitted, FundingAmended, FundingGranted, FundingRevoked, FundingDisbursed,
		FundingClosed, WorkforcePublished, TargetSet, EventRetracted,
	}
}

// Known tells whether the catalogue has t. Zero is known to nobody.
func (t Type) Known() bool {
	return t != 0 && int(t) < len(catalogue)
}

// OfLedger tells whether events of the type are the ledger's own: no publisher may report them, and
// what whoever runs the ledger imports of them is another ledger's history.
func (t Type) OfLedger() bool { return t == FigurePublished }

// Name returns the full name of the type, "id.cakupan.enrolment.opened.v1".
func (t Type) Name() string {
	if !t.Known() {
		return "type " + strconv.Itoa(int(t))
	}
	return TypePrefix + catalogue[t].name
}

// String returns the full name, as [Type.Name].
func (t Type) String() string { return t.Name() }

// ParseType reads the full name of a type. It is read exactly as written there, the version with
// it. The list is short enough to be gone through.
func ParseType(name string) (Type, bool) {
	short, ok := strings.CutPrefix(name, TypePrefix)
	if !ok {
		return 0, false
	}
	for t := EnrolmentOpened; t.Known(); t++ {
		if catalogue[t].name == short {
			return t, true
		}
	}
	return 0, false
}

// Fields returns the fields an event of the type may carry, in the contract's order. The slice
// is the caller's.
func (t Type) Fields() []Field {
	if !t.Known() {
		return nil
	}
	var all []Field
	for _, s := range catalogue[t].fields {
		all = append(all, s.field)
	}
	return all
}

// field returns the field of the type with a name, 0 when it has none. The type must be known. No
// type has two fields of one name.
func (t Type) field(name string) Field {
	for _, s := range catalogue[t].fields {
		if fields[s.field].name == name {
			return s.field
		}
	}
	return 0
}

// fieldNames returns the names of the type's fields for a message.
func (t Type) fieldNames() string {
	var names []string
	for _, f := range t.Fields() {
		names = append(names, f.Name())
	}
	return strings.Join(slices.Compact(names), ", ")
}

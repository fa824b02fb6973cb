package findings

import "slices"

// Code says what is wrong. The numbers are stored: never reorder, never reuse. Zero is no code.
type Code uint8

// The codes, in the order of the contract's table.
const (
	DoubleFunded           Code = 1
	PaidAfterDeath         Code = 2
	GrantUnknownEnrolment  Code = 3
	GrantUnknownCommitment Code = 4
	GrantNotAPBD           Code = 5
	GrantBeyondHeads       Code = 6
	GrantBeyondPeriod      Code = 7
	GrantAfterRevocation   Code = 8
	DisbursedAboveCeiling  Code = 9
	DisbursedShort         Code = 10
	MoneyShort             Code = 11
	FunderOutside          Code = 12
	ASNFunded              Code = 13
	TwoOpen                Code = 14
	EndUnknown             Code = 15
	AmendmentUnknown       Code = 16
	CreditUnknown          Code = 17
	OpenedTwice            Code = 18
	EndedTwice             Code = 19
	NeverFunded            Code = 20
	ContributionsStopped   Code = 21
	ReportedLate           Code = 22
	FarFuture              Code = 23
	ForeignChange          Code = 24
	CoverageAbove100       Code = 25
	Jump                   Code = 26
	FundingEnds            Code = 27
)

// codeNames are the codes as the contract writes them, by number from 1.
var codeNames = [...]string{
	"DOUBLE_FUNDED", "PAID_AFTER_DEATH", "GRANT_UNKNOWN_ENROLMENT", "GRANT_UNKNOWN_COMMITMENT",
	"GRANT_NOT_APBD", "GRANT_BEYOND_HEADS", "GRANT_BEYOND_PERIOD", "GRANT_AFTER_REVOCATION",
	"DISBURSED_ABOVE_CEILING", "DISBURSED_SHORT", "MONEY_SHORT", "FUNDER_OUTSIDE", "ASN_FUNDED",
	"TWO_OPEN", "END_UNKNOWN", "AMENDMENT_UNKNOWN", "CREDIT_UNKNOWN", "OPENED_TWICE",
	"ENDED_TWICE", "NEVER_FUNDED", "CONTRIBUTIONS_STOPPED", "REPORTED_LATE", "FAR_FUTURE",
	"FOREIGN_CHANGE", "COVERAGE_ABOVE_100", "JUMP", "FUNDING_ENDS",
}

// CodeNames returns the names of all codes, in the order of the contract's table.
func CodeNames() []string { return slices.Clone(codeNames[:]) }

// ParseCode returns the code of that name. False means that there is none: the user has to be told
// the names.
func ParseCode(name string) (Code, bool) {
	i := slices.Index(codeNames[:], name)
	return Code(i + 1), i >= 0
}

// String returns the name of the code.
func (c Code) String() string {
	if c == 0 || int(c) > len(codeNames) {
		return ""
	}
	return codeNames[c-1]
}

// dated reports whether a finding of the code is about one event and its date. They are judged when
// the event comes, and never looked at again; all other codes follow from rules.
func (c Code) dated() bool { return c == ReportedLate || c == FarFuture }

// kind says what the owner of a finding is. The numbers are stored.
type kind uint8

const (
	ofEnrolment  kind = 1
	ofWorker     kind = 2 // a person, by the number of the least of the ids
	ofCommitment kind = 3
	ofRegion     kind = 4
)

// owner is what a finding is about: its number in the state; of a region its code, and the month.
// It can be compared and be the key of a map. Only of a region has it a month: of others that is 0.
type owner struct {
	kind   kind
	number uint32
	month  int32 // of a region
}

package event

// The code lists of the contract. The numbers are stored in the log: never reorder, never reuse.

// Type is an event type with its version. Zero is no type.
type Type uint8

// The event types. [Types] has them in the contract's order.
const (
	EnrolmentOpened     Type = 1
	EnrolmentAmended    Type = 2
	EnrolmentTerminated Type = 3
	EnrolmentReinstated Type = 4
	WorkerDied          Type = 5
	FundingCommitted    Type = 6
	FundingAmended      Type = 7
	FundingGranted      Type = 8
	FundingRevoked      Type = 9
	FundingDisbursed    Type = 10
	FundingClosed       Type = 11
	WorkforcePublished  Type = 12
	TargetSet           Type = 13
	EventRetracted      Type = 14

	WorkerMerged         Type = 15
	ContributionCredited Type = 16

	// FigurePublished is the ledger's own: see [Type.OfLedger].
	FigurePublished Type = 17
)

// TypeEnd is above every type. Tables by type have so many places; it moves with each new type.
const TypeEnd Type = 18

// Segment is a membership segment of the programme.
type Segment uint8

// PU and JAKON are formal, BPU and PMI informal work.
const (
	PU    Segment = 1
	BPU   Segment = 2
	JAKON Segment = 3
	PMI   Segment = 4
)

// Category is the kind of worker enrolled.
type Category uint8

// The categories of workers.
const (
	ASN             Category = 1
	NonASN          Category = 2
	VillageOfficial Category = 3
	Private         Category = 4
	SelfEmployed    Category = 5
	Vulnerable      Category = 6
	OtherCategory   Category = 7
)

// Programme is one of the five programmes of employment social security.
type Programme uint8

// The programmes.
const (
	JKK Programme = 1
	JKM Programme = 2
	JHT Programme = 3
	JP  Programme = 4
	JKP Programme = 5
)

// ProgrammeSet has bit p set for each programme p in it. Bit 0 is never set: whoever stores a set
// may leave it out.
type ProgrammeSet uint8

// Payer is who pays the contributions of an enrolment.
type Payer uint8

// The payers.
const (
	Employer Payer = 1
	Self     Payer = 2
	APBD     Payer = 3
)

// Funding is the source of the money of a commitment.
type Funding uint8

// The sources of money. UnknownFunding is never accepted from outside: it stands for the
// source of a grant whose commitment the ledger does not know.
const (
	UnknownFunding  Funding = 0
	FundingAPBD     Funding = 1
	FundingAPBDP    Funding = 2
	FundingAPBDes   Funding = 3
	FundingDBHSawit Funding = 4
	FundingDBHCHT   Funding = 5
	FundingPokir    Funding = 6
	FundingOther    Funding = 7
)

// Reason is why an enrolment was terminated.
type Reason uint8

// The reasons of a termination.
const (
	Retirement  Reason = 1
	Resignation Reason = 2
	Layoff      Reason = 3
	ContractEnd Reason = 4
	Arrears     Reason = 5
	Moved       Reason = 6
	BecameASN   Reason = 7
	Emigrated   Reason = 8
	Disability  Reason = 9
	ProjectEnd  Reason = 10
	ErrorReason Reason = 11
	OtherReason Reason = 12
)

// Sector divides work into formal and informal.
type Sector uint8

// AllSectors is the whole workforce; the two others follow from the segment.
const (
	AllSectors Sector = 1
	Formal     Sector = 2
	Informal   Sector = 3
)

// Indicator says what a workforce publication counts.
type Indicator uint8

// The indicators.
const (
	LabourForce Indicator = 1
	Employed    Indicator = 2
	Eligible    Indicator = 3
)

// Sector returns the sector the segment belongs to. Only segments decide it (contract, section 1),
// never the category.
func (s Segment) Sector() Sector {
	if s == PU || s == JAKON {
		return Formal
	}
	return Informal
}

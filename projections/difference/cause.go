package difference

// Cause is why a worker is covered in one figure and not in the other. Its numbers are an order and
// are not stored.
type Cause uint8

// The causes, as if forward. Of several that apply, the one that comes first here is named; the
// table in docs/auditors.md says the same in words.
const (
	// Of the step of knowledge: what was retracted is taken away first, then what was recorded
	// meanwhile is added.
	Retracted    Cause = iota // the retractions alone make the difference
	Merged                    // ids that were several workers are one
	ReportedLate              // what else was recorded meanwhile

	// Of the step of time, who joined.
	Enrolled           // an enrolment was opened
	Reinstated         // one that was closed was reopened
	MovedIn            // one that was open lay outside the region
	TermsChangedIn     // one had another payer
	FundingBegan       // a grant pays
	ContributionsBegan // contributions are booked

	// Of the step of time, who left.
	Died
	Terminated           // the enrolment is not open any more, or not for this worker
	MovedOut             // it lies outside the region
	TermsChangedOut      // it has another payer
	FundingRevoked       // a grant that paid was revoked
	FundingClosed        // the commitment of one was closed
	FundingLapsed        // the months of the grants are over
	ContributionsStopped // no contributions are booked any more, or none in spite of others

	// causeCount is how many there are; it stands too for no cause yet, behind all.
	causeCount
)

var causeNames = [causeCount]string{
	"RETRACTED", "MERGED", "REPORTED_LATE", "ENROLLED", "REINSTATED", "MOVED_IN", "TERMS_CHANGED",
	"FUNDING_BEGAN", "CONTRIBUTIONS_BEGAN", "DIED", "TERMINATED", "MOVED_OUT", "TERMS_CHANGED",
	"FUNDING_REVOKED", "FUNDING_CLOSED", "FUNDING_LAPSED", "CONTRIBUTIONS_STOPPED",
}

// String returns the name of the cause in answers. It must be one of them.
func (c Cause) String() string { return causeNames[c] }

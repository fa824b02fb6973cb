package event

import (
	"cakupan/domain/region"
	"cakupan/domain/temporal"
)

// Key identifies an event for ever: no two recorded events share one.
type Key struct {
	Source string // URI reference, 1–256 code points
	ID     string // 1–128 code points
}

// Event is one reported fact: the CloudEvents envelope and the data of its type.
//
// Time, Subject, DataContentType and DataSchema are kept as sent. None of them may be empty, so
// an empty string means absent.
type Event struct {
	Key
	Type            Type
	Time            string
	Subject         string
	DataContentType string
	DataSchema      string
	Extensions      []Extension // in the order sent
	Publisher       string      // see [PublisherAttribute]
	Data            Data
}

// Extension is an envelope attribute the ledger keeps and never interprets.
// Value is a string, a boolean or a number; see [Value].
type Extension struct {
	Name  string
	Value Value
}

// Data is the union of the fields of all event types. Has tells which of them the event
// carries; a field that Has does not name holds its zero value.
type Data struct {
	Has FieldSet

	Enrolment  string
	Worker     string
	NIK        string // at the edge only: replaced by Worker before anything is stored
	Commitment string

	Region     region.Code
	Funder     region.Code
	Segment    Segment
	Category   Category
	Programmes []Programme // as sent: order and repetition kept
	Payer      Payer

	From      temporal.Date // opened, amended, reinstated, target: first day
	Until     temporal.Date // terminated: first day no longer covered
	On        temporal.Date // died: last day of life
	PaidOn    temporal.Date
	Reference temporal.Date // workforce: the day the count speaks of

	FromMonth  temporal.Month // funding.*: "from"
	UntilMonth temporal.Month // funding.*: "until"

	Reason     Reason // terminated
	ReasonText string // closed, retracted: "reason"

	Funding    Funding
	FiscalYear int64
	Heads      int64
	Months     int64 // committed, amended: how many months
	Tariff     int64 // rupiah per head and month
	Ceiling    int64 // rupiah
	Basis      string

	Amount           int64            // rupiah
	PaidMonths       []temporal.Month // disbursed: "months", as sent
	PaymentReference string           // disbursed: "reference"

	Sector      Sector
	Indicator   Indicator
	Count       int64
	Publication string
	Percent     string // as sent, "60" or "52.15"

	RetractedSource string // retracted: "source"
	RetractedID     string // retracted: "id"
}

// SetWorker puts the worker that the identity vault holds for the event's NIK in its place. From
// then on the event equals one that was sent with the worker.
func (d *Data) SetWorker(worker string) {
	d.Worker, d.NIK = worker, ""
	d.Has = d.Has.With(FieldWorker).Without(FieldNIK)
}

// ProgrammeSet returns the programmes as a set: named twice counts once.
func (d *Data) ProgrammeSet() ProgrammeSet {
	var set ProgrammeSet
	for _, p := range d.Programmes {
		set |= 1 << p
	}
	return set
}

package event

import (
	"cakupan/domain/region"
	"cakupan/domain/temporal"
)

// Key identifies an event for ever: no two recorded events share one. Both are compared byte by
// byte: sources that differ in case are two sources.
type Key struct {
	Source string // URI reference, 1–256 code points
	ID     string // 1–128 code points
}

// Event is one reported fact: the CloudEvents envelope and the data of its type.
//
// Time, Subject, DataContentType and DataSchema are kept as sent. None of them may be empty, so
// an empty string means absent. Publisher is the ledger's word, never the sender's. An Event is a
// value without locks: it may be read by several, and is changed by whoever accepted it alone.
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
// carries; a field that Has does not name holds its zero value. Integers are from 0 to
// [IntegerMax], money in whole rupiah; days and months are without a zone. What is a list is kept
// as sent.
type Data struct {
	Has FieldSet

	Enrolment  string
	Worker     string
	NIK        string // at the edge only: replaced by Worker before anything is stored
	Into       string // merged: who is the same person
	IntoNIK    string // at the edge only: replaced by Into before anything is stored
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

	FromMonth  temporal.Month // funding.*, credited: "from"
	UntilMonth temporal.Month // funding.*, credited: "until"

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
	PaymentReference string           // disbursed, credited: "reference"

	Sector      Sector
	Indicator   Indicator
	Count       int64
	Publication string
	Percent     string // as sent, "60" or "52.15"

	RetractedSource string // retracted: "source"
	RetractedID     string // retracted: "id"

	Figure *Figure // published figure; nil: the event has none of it
}

// Figure is what a ledger has published: the region, day and indicator are those of [Data], what
// was known is the log up to the event Size, whose tree has the root. Numbers are those of the
// answer at that place. Which of its fields the event carries, the set of the data says, Workforce
// among them.
type Figure struct {
	Size       int64
	Root       string // hexadecimal
	Rules      string // version of the rules
	Events     int64  // how many events of the log are of the region
	Digest     string // of those events, hexadecimal
	Covered    int64
	Confirmed  int64
	InGrace    int64
	Enrolments int64
	Workforce  int64
}

// figure returns the figure to be filled. It makes one, also for who only reads: ask [Data.Has]
// first.
func (d *Data) figure() *Figure {
	if d.Figure == nil {
		d.Figure = new(Figure)
	}
	return d.Figure
}

// NameWorkers puts the worker that the identity vault holds for each NIK of the event in its place.
// From then on the event equals one that was sent with the worker. It refuses a merge of somebody
// into himself, which shows only now where he was named in two ways; an error is the vault's. It
// has to come before events are compared and before anything is stored (contract, section 1). After
// an error the data is half done, and of no use.
func (d *Data) NameWorkers(worker func(nik string) (string, error)) (*Refusal, error) {
	into := FieldInto
	if d.Has.Has(FieldIntoNIK) {
		into = FieldIntoNIK
	}
	for _, person := range [...]struct {
		nik, id Field
	}{{FieldNIK, FieldWorker}, {FieldIntoNIK, FieldInto}} {
		if !d.Has.Has(person.nik) {
			continue
		}
		id, err := worker(*d.Text(person.nik))
		if err != nil {
			return nil, err
		}
		*d.Text(person.id), *d.Text(person.nik) = id, ""
		d.Has = d.Has.With(person.id).Without(person.nik)
	}
	if d.Has.Has(FieldInto) && d.Into == d.Worker {
		return mergedIntoHimself(into), nil
	}
	return nil, nil
}

// mergedIntoHimself refuses a merge, for the field by which he was named the second time: that is
// the one to be corrected.
func mergedIntoHimself(into Field) *Refusal {
	name := "data." + into.Name()
	return &Refusal{
		Code: FieldInvalid, Field: name,
		Detail: name + " is the worker himself: name the other id of the same person",
	}
}

// ProgrammeSet returns the programmes as a set: named twice counts once. So the contract has it
// (section 1), also when two events are compared.
func (d *Data) ProgrammeSet() ProgrammeSet {
	var set ProgrammeSet
	for _, p := range d.Programmes {
		set |= 1 << p
	}
	return set
}

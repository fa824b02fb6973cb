package event

// Code is the contract's name for why an event was refused. Publishers build on them: none is
// renamed or used for something else.
type Code string

// The refusals of contract section 1, and the one of a ledger that knows its publishers.
const (
	Malformed       Code = "event.malformed"
	TypeUnknown     Code = "event.type_unknown"
	TooLarge        Code = "event.too_large"
	Conflict        Code = "event.conflict"
	FieldMissing    Code = "field.missing"
	FieldUnknown    Code = "field.unknown"
	FieldInvalid    Code = "field.invalid"
	RegionUnknown   Code = "region.unknown"
	PeriodInverted  Code = "period.inverted"
	WorkerAmbiguous Code = "worker.ambiguous"
	NIKInvalid      Code = "nik.invalid"
	NIKMisplaced    Code = "nik.misplaced"
	RecordedOrder   Code = "recorded.order"
	Forbidden       Code = "publisher.forbidden"
)

// Refusal says why an event was refused, and what the publisher can do. It never holds a NIK. It is
// the publisher's to correct; where the ledger itself has failed there is an error and no refusal.
type Refusal struct {
	Code   Code
	Field  string // "data.from", "id"; empty when the event as a whole is meant
	Detail string // a sentence a person can act on
}

// Error makes a refusal an error: its code, the field where there is one, and the sentence.
func (r *Refusal) Error() string {
	if r.Field == "" {
		return string(r.Code) + ": " + r.Detail
	}
	return string(r.Code) + " (" + r.Field + "): " + r.Detail
}

// defects gathers what is wrong with an event, in the contract's order: the first is the one that
// it is refused for, the others are told with it, so that an event need not come back for each.
type defects []*Refusal

// defectsMax is how many are told. All that a type's fields and the envelope can have at once fit
// in it; only fields that no type has can be more.
const defectsMax = 24

// add takes in a refusal, nil: nothing. One word about a field is enough. It must be called in the
// contract's order.
func (d *defects) add(r *Refusal) {
	if r == nil || len(*d) >= defectsMax {
		return
	}
	for _, before := range *d {
		if before.Field == r.Field {
			return
		}
	}
	*d = append(*d, r)
}

// refusal returns the first, with words about all; nil when there is none. Code and field are those
// of the first alone: by them machines go.
func (d defects) refusal() *Refusal {
	if len(d) < 2 {
		if len(d) == 0 {
			return nil
		}
		return d[0]
	}
	first := *d[0]
	for i, other := range d[1:] {
		if i == 0 {
			first.Detail += "; also: " + other.Detail
		} else {
			first.Detail += "; " + other.Detail
		}
	}
	return &first
}

// Status is what became of a submitted event.
type Status string

// The three outcomes of a submission. A duplicate is a success: the event is in the log, for ever
// (contract, section 1).
const (
	Appended  Status = "appended"
	Duplicate Status = "duplicate"
	Refused   Status = "refused"
)

// Receipt answers one submitted event. Sequence is set for Appended and Duplicate,
// Refusal for Refused unless the event was not at fault. Key may be empty when the event was
// unreadable.
type Receipt struct {
	Key
	Status   Status
	Sequence uint64
	Refusal  *Refusal
	// Notice is what whoever sent an event that was appended should know of it; mostly nothing.
	Notice string
}

// Why returns why the event was refused; also of one that was not appended only because another
// event of its batch was refused. Of any other it is zero. It is told apart by having no code.
func (r *Receipt) Why() Refusal {
	switch {
	case r.Refusal != nil:
		return *r.Refusal
	case r.Status == Refused:
		return Refusal{
			Detail: "not at fault: nothing was appended because of another event of the batch",
		}
	}
	return Refusal{}
}

package coverage

import (
	"sync/atomic"

	"cakupan/domain/event"
	"cakupan/projections/facts"
)

// Weight is what an event has to do with the cost of events: it makes that of others higher, it
// changes many enrolments itself, or neither. It holds no text of the event. It may outlive the
// event.
type Weight struct {
	adds, changes weighed
	tags          [2]facts.Tag // of the commitment; of the worker; merged: of both
	times         int          // how often each of the enrolments is looked at
}

// weighed says what of there may be many.
type weighed uint8

const (
	nothing    weighed = iota
	grants             // of a commitment
	enrolments         // of a worker
)

// WeightOf returns the weight of an event. The retraction of one that changes many changes as many,
// and is counted with it: there can be but one. An event that has not been accepted yet will do, if
// it is valid.
func WeightOf(e *event.Event) Weight {
	d := &e.Data
	switch e.Type {
	case event.FundingGranted:
		return Weight{adds: grants, tags: tagsOf(d.Commitment, d.Commitment)}
	case event.EnrolmentOpened:
		return Weight{adds: enrolments, tags: tagsOf(d.Worker, d.Worker)}
	case event.FundingCommitted, event.FundingClosed:
		return Weight{changes: grants, tags: tagsOf(d.Commitment, d.Commitment), times: 2}
	case event.FundingDisbursed:
		of := tagsOf(d.Commitment, d.Commitment)
		return Weight{changes: grants, tags: of, times: 2 * rows(d.PaidMonths)}
	case event.WorkerDied:
		return Weight{changes: enrolments, tags: tagsOf(d.Worker, d.Worker), times: 2}
	case event.WorkerMerged: // the smaller of the two moves
		return Weight{changes: enrolments, tags: tagsOf(d.Worker, d.Into), times: 2}
	default:
		return Weight{}
	}
}

func tagsOf(a, b string) [2]facts.Tag { return [...]facts.Tag{facts.TagOf(a), facts.TagOf(b)} }

// Adds reports whether the event makes others cost more.
func (w *Weight) Adds() bool { return w.adds != nothing }

// IsDear reports whether the event may change many enrolments.
func (w *Weight) IsDear() bool { return w.changes != nothing }

// Changes returns about how many enrolments an event will change, together with its retraction,
// once what is expected is folded too. It may be called at any time. A merge changes what the
// smaller of the two persons has.
func (p *Projection) Changes(w Weight, expected ...*Expected) int {
	least := 0
	for i, tag := range w.tags {
		many := 0
		switch w.changes {
		case grants:
			many = counted(p.costs.grants, tag)
		case enrolments:
			many = counted(p.costs.enrolments, tag)
		default:
			return 0
		}
		for _, x := range expected {
			many += x.counted(w.changes, tag)
		}
		if i == 0 || many < least {
			least = many
		}
	}
	return w.times * least
}

// Expected counts events that make others cost more, from when they are on their way to the log
// until they are folded. It is an estimate from above like that of what is folded. The zero value
// expects nothing. All methods may be called at the same time.
type Expected struct {
	grants, enrolments [2][expectedPlaces]atomic.Int32
}

// expectedPlaces is how many places there are in each row: as many as keep a name from sharing all
// of its places with others, while a million events wait.
const expectedPlaces = 1 << 16

// Clear makes x expect nothing.
func (x *Expected) Clear() {
	for _, rows := range [...]*[2][expectedPlaces]atomic.Int32{&x.grants, &x.enrolments} {
		for row := range rows {
			for at := range rows[row] {
				rows[row][at].Store(0)
			}
		}
	}
}

// Add adds the weight of an event so many times, -1 to take it away again. What was added must be
// taken away as it was, or cleared with all else.
func (x *Expected) Add(w Weight, times int32) {
	if w.adds == nothing {
		return
	}
	rows := x.rows(w.adds)
	for row, at := range expectedPlacesOf(w.tags[0]) {
		rows[row][at].Add(times)
	}
}

// rows returns those that count what there may be many of.
func (x *Expected) rows(of weighed) *[2][expectedPlaces]atomic.Int32 {
	if of == grants {
		return &x.grants
	}
	return &x.enrolments
}

// counted returns how many are expected. A worker's enrolments are none until they are many: those
// who enrol and die must not wait for each other.
func (x *Expected) counted(of weighed, t facts.Tag) int {
	rows, at := x.rows(of), expectedPlacesOf(t)
	n := int(min(rows[0][at[0]].Load(), rows[1][at[1]].Load()))
	if of == enrolments && n < fullLimits().enrolments {
		return 0
	}
	return n
}

// expectedPlacesOf returns where a name is counted.
func expectedPlacesOf(t facts.Tag) [2]int {
	return [...]int{int(t) % expectedPlaces, int(t>>16) % expectedPlaces}
}

package findings

// told is what is told of an enrolment or a person, in all findings of whom it is the same.
type told struct {
	worker uint32
	named  bool    // worker is one
	region string  // "": none is known
	found  []found // in order; not there where only dates are told
}

// tolds are those of whom there are many facts, as known at the event that a question is about.
// Each of thousands of grants of one enrolment may be a finding: looked at anew for each of them,
// the enrolment would cost the square of its facts. What is known there stays so while the fold
// goes on.
//
// It lasts for one question, as its memory is bounded. The zero value keeps none yet.
type tolds struct {
	of    map[toldOf]told
	found int // how many findings are kept
}

// toldOf says of whom, and whether only dates are told.
type toldOf struct {
	kind   kind
	number uint32
	dated  bool
}

// foundKept is how many findings are kept, of all together.
const foundKept = 1 << 16

// keep returns what is told of the owner of a record, as tell works it out or has done before.
func (d *teller) keep(r *record, tell func(*record) told) told {
	of := toldOf{r.kind, r.number, r.code.dated()}
	if d.view.k != d.known { // a finding that was resolved: of each one it is another knowledge
		return tell(r)
	}
	if t, is := d.kept.of[of]; is {
		return t
	}
	before := d.view.looked
	t := tell(r)
	if d.view.looked-before <= d.f.brief || len(t.found) >= foundKept {
		return t
	}
	if d.kept.found += 1 + len(t.found); d.kept.of == nil || d.kept.found > foundKept {
		d.kept.of, d.kept.found = map[toldOf]told{}, 1+len(t.found)
	}
	d.kept.of[of] = t
	return t
}

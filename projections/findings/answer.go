package findings

import (
	"context"
	"runtime"
	"slices"

	"cakupan/domain/region"
	"cakupan/eventstore"
	"cakupan/projections/facts"
)

// findingsTogether is how many findings are worked out while the fold waits. Each may read hundreds
// of events, so that the locks are held for a millisecond or so.
const findingsTogether = 32

// recordsTogether is how many are looked at, when few of them are asked for. It bounds how long the
// locks are held where nothing is found.
const recordsTogether = 4096

// looksTogether is how many facts are looked at together, or those of one finding: an enrolment may
// have thousands, and a person thousands of enrolments.
const looksTogether = 4096

// asked is a question in work. It belongs to the goroutine that asks. What the state says is read
// under the locks, into lines; names and words are added after that, because names have a lock of
// their own and yield may be slow.
type asked struct {
	Query
	p *Projection

	worker, enrolment, commitment *uint32 // numbers of the names asked for; nil: of all
	ids                           []uint32

	lines  []line // worked out, but for names and words
	kept   tolds
	looked int // at how many facts, so far
}

// line is a finding in work. It refers to nothing of the state.
type line struct {
	Finding
	said                          said
	worker, enrolment, commitment uint32
	has                           names
}

// names says which names a line has.
type names uint8

const (
	hasWorker names = 1 << iota
	hasEnrolment
	hasCommitment
)

// Each calls yield with the findings that are asked for, in the order in which they were raised:
// each as known then, or as it was before it was resolved. The state is read in slices, so that the
// fold goes on meanwhile, and memory does not grow.
//
// A name that nobody has, has no findings, and that is no error. What was raised after Known is not
// told. An error of yield ends it and is returned, as that of the context is; one that says
// [ErrFile] means that the file is damaged: what was yielded before was right.
func (p *Projection) Each(ctx context.Context, q Query, yield func(*Finding) error) error {
	if err := p.load(); err != nil {
		return err
	}
	a := &asked{Query: q, p: p}
	if known, err := a.find(); err != nil || !known {
		return err
	}
	for at, more := 0, true; more; {
		if err := ctx.Err(); err != nil {
			return err
		}
		at, more = a.slice(at)
		runtime.Gosched() // others have their turn at the processor
		if err := a.flush(yield); err != nil {
			return err
		}
	}
	return nil
}

// find finds the numbers of the names asked for; false when there is one that nobody has. Names are
// numbered before their event is applied: a number may be beyond the state.
func (a *asked) find() (known bool, err error) {
	for _, one := range [...]struct {
		name   string
		find   func(string) (uint32, bool, error)
		number **uint32
	}{
		{a.Worker, a.p.names.FindWorker, &a.worker},
		{a.Enrolment, a.p.names.FindEnrolment, &a.enrolment},
		{a.Commitment, a.p.names.FindCommitment, &a.commitment},
	} {
		if one.name == "" {
			continue
		}
		number, found, err := one.find(one.name)
		if err != nil || !found {
			return false, err
		}
		*one.number = &number
	}
	return true, nil
}

// slice works out some findings, from the record at an index on, and returns the next one. What is
// known at Known stays so while the fold goes on, so that slices of several moments make one
// answer. The ids of the worker are found once, as known then.
func (a *asked) slice(at int) (next int, more bool) {
	defer a.p.read()()
	f := a.p.fold
	if a.worker != nil && a.ids == nil {
		a.ids = []uint32{*a.worker}
		if int(*a.worker) < f.s.WorkerCount() {
			v := view{s: f.s, l: f.l, k: a.Known}
			a.ids = v.ids(*a.worker)
		}
	}
	t := f.shown.records.table
	end := min(t.Len(), at+recordsTogether)
	d := teller{f: f, known: a.Known, kept: &a.kept}
	defer func() { a.looked += d.view.looked }()
	for ; at < end && len(a.lines) < findingsTogether && d.view.looked < looksTogether; at++ {
		r := t.At(at)
		if r.since > a.Known {
			return at, false
		}
		if a.may(f, r) {
			if l := d.tell(r); a.takes(&l) {
				a.lines = append(a.lines, l)
			}
		}
	}
	return at, at < t.Len()
}

// may reports whether a finding may be asked for, as far as can be said without working it out. It
// is a filter: what it lets through, takes looks at again.
func (a *asked) may(f *fold, r *record) bool {
	switch {
	case a.Code != 0 && r.code != a.Code, a.Open && !r.openAt(a.Known):
		return false
	case a.enrolment != nil && (r.kind != ofEnrolment || r.number != *a.enrolment):
		return false
	case a.worker != nil && r.kind == ofWorker:
		return slices.Contains(a.ids, r.number)
	case a.worker != nil:
		return r.kind == ofEnrolment && opensFor(f.s, r.number, a.ids)
	case a.commitment != nil && r.kind == ofCommitment:
		return r.number == *a.commitment
	case a.commitment != nil:
		return r.kind == ofEnrolment && !r.code.dated() && r.code.paired() &&
			r.second == *a.commitment
	}
	return true
}

// opensFor reports whether an enrolment was ever opened for one of the ids.
func opensFor(s *facts.State, e uint32, ids []uint32) (opens bool) {
	if int(e) < s.EnrolmentCount() {
		s.Openers(e, func(w uint32) { opens = opens || slices.Contains(ids, w) })
	}
	return opens
}

// takes reports whether a finding is asked for. The region is that of the finding as worked out:
// the one of an enrolment may change.
func (a *asked) takes(l *line) bool {
	if a.Region != region.Nation {
		code, known := region.Parse(l.Region)
		if !known || !lies(code, a.Region) {
			return false
		}
	}
	if a.worker != nil && (l.has&hasWorker == 0 || !slices.Contains(a.ids, l.worker)) {
		return false
	}
	if a.To == 0 {
		return true
	}
	touches := func(seq eventstore.Sequence) bool { return a.From <= seq && seq <= a.To }
	return touches(l.Since) || slices.ContainsFunc(l.Events, touches)
}

// flush names and words the lines, and calls yield with them. It holds no lock of the projection.
func (a *asked) flush(yield func(*Finding) error) error {
	for i := range a.lines {
		l := &a.lines[i]
		if err := a.p.nameLine(l); err != nil {
			return err
		}
		l.Text = l.words(a.Language)
		if err := yield(&l.Finding); err != nil {
			return err
		}
	}
	a.lines = a.lines[:0]
	return nil
}

// nameLine looks the names of a line up.
func (p *Projection) nameLine(l *line) error {
	for _, one := range [...]struct {
		has    names
		append func([]string, ...uint32) ([]string, error)
		number uint32
		to     *string
	}{
		{hasWorker, p.names.AppendWorkers, l.worker, &l.Worker},
		{hasEnrolment, p.names.AppendEnrolments, l.enrolment, &l.Enrolment},
		{hasCommitment, p.names.AppendCommitments, l.commitment, &l.Commitment},
	} {
		if l.has&one.has == 0 {
			continue
		}
		texts, err := one.append(nil, one.number)
		if err != nil {
			return err
		}
		*one.to = texts[0]
	}
	return nil
}

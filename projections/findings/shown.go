package findings

import (
	"cakupan/domain/region"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
)

// shown is what Show makes of the steps that the fold leaves: what is found, and how many are
// covered where. The fold, which is some frames ahead, reads none of it.
//
// It belongs to the goroutine of Show, and is changed only while that holds showing. What is stored
// of it are the records and, in the ledger, the publications.
type shown struct {
	l       *ledger // of which only Show changes the publications
	records *records
	regions *regions
	last    eventstore.Sequence // the event whose steps were done last

	// Derived: by person, where they are covered; none or one stay of nearly everybody. Of others
	// there is the code [several], and more has them.
	stays []stay
	more  map[uint32][]stay

	marks []mark // memory, as the next
	are   []stay
	named []uint32
}

// several is no region's code.
const several region.Code = 1<<16 - 1

func newShown(l *ledger, r *records) *shown {
	return &shown{l: l, records: r, regions: newRegions(), more: map[uint32][]stay{}}
}

// Show does what the fold has left of the part that was applied. Readers are let in between some
// events and the next: they see a part up to the end of an event.
func (p *Projection) Show(b *Batch) {
	defer p.unshown.Done()
	s := p.fold.shown // nobody changes which fold it is between Apply and Show
	for steps := b.steps; len(steps) > 0; {
		steps = p.showSome(s, steps)
	}
}

// showSome does the steps of some events and returns the others.
func (p *Projection) showSome(s *shown, steps []step) []step {
	p.showing.Lock()
	defer p.showing.Unlock()
	return s.some(steps)
}

// showPart shows what the fold has left so far, in the middle of an event: the batch cannot hold
// more. It belongs to Apply, which waits for Show, and shows the rest of the event too before
// readers are let in again.
//
// Show waits for nobody but readers in turn, and these cannot wait for it here: they take reading
// first, which Apply holds.
func (p *Projection) showPart() {
	if !p.begun {
		p.unshown.Wait()
		p.showing.Lock()
		p.begun = true
	}
	p.fold.shown.run(p.fold)
}

// showRest shows the rest of an event that showPart has begun with.
func (p *Projection) showRest() {
	if p.begun {
		p.fold.shown.run(p.fold)
		p.begun = false
		p.showing.Unlock()
	}
}

// some does the steps of some events and returns the others. An event is shown as a whole, however
// many steps it has.
func (s *shown) some(steps []step) []step {
	const some = 512
	for n := 0; len(steps) > 0 && (n < some || steps[0].do != begin); n++ {
		if n%some == 0 {
			s.prefetch(steps[:min(len(steps), some)])
		}
		parts := s.do(steps)
		steps = steps[1+parts:]
	}
	return steps
}

// prefetch has brought into the cache what the steps look at.
func (s *shown) prefetch(steps []step) {
	s.named = s.named[:0]
	for i := range steps {
		if steps[i].do == note && steps[i].kind == ofEnrolment {
			s.named = append(s.named, steps[i].number)
		}
	}
	s.records.prefetch(s.named)
}

// do does the first step, and returns how many parts it has.
func (s *shown) do(steps []step) (parts int) {
	is := &steps[0]
	switch is.do {
	case begin:
		s.last = is.sequence()
	case endMonths:
		s.regions.end(s.l, temporal.Month(is.from))
	case note:
		s.note(is.owner(), steps[1:1+is.n])
		return int(is.n)
	case arises:
		s.records.arise(is.owner(), is.mark(), s.last)
	case ceases:
		s.records.cease(is.owner(), is.mark(), s.last)
	case stand:
		s.stand(is.number, steps[1:1+is.n])
		return int(is.n)
	case forget:
		s.keep(is.number, nil)
	case weigh:
		s.regions.count(region.Code(is.code), is.span(), is.n)
	case publish:
		s.publish(is)
	case unpublish:
		if p, found := s.l.retractPublication(is.sequence(), s.last); found {
			s.regions.published(s.l, p.region, p.reference)
		}
	case raise:
		s.records.raise(Code(is.code), is.owner(), temporal.Date(is.from), s.last)
	case resolve:
		s.records.resolve(is.sequence(), s.last)
	case check:
		s.regions.check(func(o owner, is wrong) { s.records.settle(o, is.marks(), s.last) })
	case part: // of a step that has taken it
	}
	return 0
}

// note brings the records of an owner up to what was found.
func (s *shown) note(o owner, parts []step) {
	s.marks = s.marks[:0]
	for i := range parts {
		s.marks = append(s.marks, mark{Code(parts[i].code), parts[i].number})
	}
	s.records.settle(o, s.marks, s.last)
}

// publish keeps a workforce, and looks at the months that it may be of.
func (s *shown) publish(is *step) {
	p := publication{
		sequence: s.last, count: is.n, reference: temporal.Date(is.from),
		region: region.Code(is.code),
	}
	s.l.addPublication(p)
	s.regions.published(s.l, p.region, p.reference)
}

// stand counts where a person is covered now, and no longer. What it was told last, it keeps
// itself: the fold has the next state already.
func (s *shown) stand(person uint32, parts []step) {
	s.are = s.are[:0]
	for i := range parts {
		p := &parts[i]
		s.are = append(s.are, stay{region.Code(p.code), p.span()})
	}
	s.regions.compare(s.staysOf(person), s.are)
	s.keep(person, s.are)
}

// staysOf returns where a person was covered when that was last told. It is memory that keep
// changes.
func (s *shown) staysOf(person uint32) []stay {
	if int(person) >= len(s.stays) {
		return nil
	}
	switch is := &s.stays[person]; {
	case is.code == several:
		return s.more[person]
	case is.From == is.Until:
		return nil
	default:
		return s.stays[person : person+1]
	}
}

// keep notes where a person is covered. It copies what is more than one.
func (s *shown) keep(person uint32, are []stay) {
	for int(person) >= len(s.stays) {
		s.stays = append(s.stays, stay{})
	}
	one := &s.stays[person]
	if one.code == several {
		delete(s.more, person)
	}
	switch len(are) {
	case 0:
		*one = stay{}
	case 1:
		*one = are[0]
	default:
		*one = stay{code: several}
		s.more[person] = append([]stay(nil), are...)
	}
}

// derive counts what the fold, which was loaded, has left, and the publications. Records are there
// already: what is found wrong with regions is what they say, so that it is noted in the cells and
// raised nowhere. A person's key is that of one of the ids: each is told once.
func (s *shown) derive(f *fold) {
	s.last = f.s.Events()
	s.run(f)
	for w := range f.s.WorkerCount() {
		if f.s.Person(uint32(w)) == uint32(w) {
			f.in(uint32(w))
			s.run(f)
		}
	}
	for i := range s.l.publications.Len() {
		if p := s.l.publications.At(i); p.retracted == 0 {
			s.regions.published(s.l, p.region, p.reference)
		}
	}
	s.regions.check(func(owner, wrong) {})
}

// run does what the fold has left.
func (s *shown) run(f *fold) {
	for steps := f.steps; len(steps) > 0; {
		steps = s.some(steps)
	}
	f.steps = f.steps[:0]
}

package rights

import (
	"cakupan/domain/event"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/projections/facts"
)

// grantsMost is how many grants of a commitment that nobody has committed are looked at. One with
// more of them is his who sent the newest. It bounds what one event can cost while others wait; a
// commitment that is known by then needs none of it.
const grantsMost = 1_024

// doubt is what a publisher has no right over by its regions: only who sent the event has, or, of a
// commitment, whoever has the right over its funder. The place is that of the event in its batch;
// origin is the event whose sender has the right; field is what the refusal names.
type doubt struct {
	place  int
	origin eventstore.Sequence
	field  string
}

// claim is what an event makes known that others may have spoken of before. Number is that of the
// name in the facts, which is not persisted outside of them.
type claim struct {
	place  int // of the event in its batch
	by     int // the place of the opening that gives the right; the same, or one before
	kind   subjectKind
	number uint32
}

// judge looks for doubts and claims. It is used once. It is of one goroutine, and its slices marked
// as memory are used again for each event.
type judge struct {
	names *facts.Names
	scope *event.Scope
	free  bool // it may say everything
	dry   bool // nothing is appended
	here  *here

	// What was found, in no order that matters.
	doubts []doubt
	claims []claim
	lived  []life // deaths and merges, unless everything may be said
	loose  bool   // something is said of what is not known
	// persons are the workers that were looked at and are one with others, with those.
	persons []uint32

	places  []facts.Place // memory
	ids     []uint32      // memory
	granted map[uint32]*grantedOf
}

// grantedOf is what is known of a commitment that nobody has committed, for all events of a batch.
type grantedOf struct {
	guarded bool // some of its grants are of enrolments that are known
	doubts  []doubt
}

// look notes the doubts and claims of events, of which the first has a place in its batch. Those
// before must have been looked at: what they make known counts for the later ones. It reads the
// facts only and may not keep anything of the state.
func (j *judge) look(s *facts.State, events []event.Event, first int) error {
	for i := range events {
		e, place := &events[i], first+i
		if err := j.one(s, e, place); err != nil {
			return err
		}
		j.here.note(e, place)
	}
	return nil
}

// one notes the doubts and claims of an event. First the enrolment, since a grant of one that is
// known makes its commitment known.
func (j *judge) one(s *facts.State, e *event.Event, place int) error {
	opener := -1 // the place of what has the right over the enrolment; -1: it is not known
	if e.Data.Enrolment != "" {
		var err error
		if opener, err = j.enrolment(s, e, place); err != nil {
			return err
		}
	}
	if e.Data.Commitment != "" {
		if err := j.commitment(s, e, place, opener); err != nil {
			return err
		}
	}
	switch e.Type {
	case event.EnrolmentOpened:
		if j.dry && !j.free {
			if err := j.lookAt(s, e, place); err != nil {
				return err
			}
		}
		return j.openedFor(s, e, place)
	case event.WorkerDied, event.WorkerMerged:
		return j.lives(s, e, place)
	default:
		return nil
	}
}

// enrolment notes the doubt about the enrolment of an event, and that an opening makes it known. It
// returns the place of the opening in the batch when there is one there, the event's own place when
// it is known from the log, else -1. A name that the facts have but no opening of is not known:
// others may have spoken of it.
func (j *judge) enrolment(s *facts.State, e *event.Event, place int) (opener int, err error) {
	number, named, err := j.names.FindEnrolment(e.Data.Enrolment)
	if err != nil {
		return -1, err
	}
	named = named && int(number) < s.EnrolmentCount()
	if named && j.placed(s, number, StartOf(e), doubt{place: place, field: "data.enrolment"}) {
		return place, nil
	}
	// It is of the same publisher, as all of a batch are, and so no doubt.
	if at, opened := j.here.enrolments[e.Data.Enrolment]; opened {
		return at, nil
	}
	j.loose = true
	if e.Type != event.EnrolmentOpened {
		return -1, nil
	}
	if named {
		j.claims = append(j.claims, claim{place, place, ofEnrolment, number})
	}
	for _, commitment := range j.here.grants[e.Data.Enrolment] {
		if err := j.grantKnown(s, commitment, place, place); err != nil {
			return -1, err
		}
	}
	return place, nil
}

// commitment notes the doubts about the commitment of an event, and that it becomes known: by being
// committed, or by a grant of an enrolment that is known. While nobody has committed it, those of
// its grants whose enrolments are known stand for it: who has no right over one of these enrolments
// has none over the commitment.
func (j *judge) commitment(s *facts.State, e *event.Event, place, opener int) error {
	number, named, err := j.names.FindCommitment(e.Data.Commitment)
	if err != nil {
		return err
	}
	if !named || int(number) >= s.CommitmentCount() {
		j.loose = true
		j.here.grant(e, opener)
		return nil
	}
	// First the log: what the batch commits may be refused.
	if origin := s.CommittedBy(number); origin != 0 {
		if !j.free {
			j.doubts = append(j.doubts, doubt{place, origin, "data.commitment"})
		}
		return nil
	}
	g := j.grantedOf(s, number)
	for _, d := range g.doubts {
		d.place = place
		j.doubts = append(j.doubts, d)
	}
	if g.guarded || j.here.commitments[e.Data.Commitment] {
		return nil
	}
	j.loose = true
	switch {
	case e.Type == event.FundingCommitted:
		j.claims = append(j.claims, claim{place, place, ofCommitment, number})
	case e.Type == event.FundingGranted && opener >= 0:
		return j.grantKnown(s, e.Data.Commitment, place, opener)
	default:
		j.here.grant(e, opener)
	}
	return nil
}

// grantKnown notes that a grant of an enrolment that is known makes a commitment known. Of one that
// is committed, or known by other grants, nothing is noted.
func (j *judge) grantKnown(s *facts.State, commitment string, place, opener int) error {
	number, named, err := j.names.FindCommitment(commitment)
	if err != nil || !named || int(number) >= s.CommitmentCount() || s.CommittedBy(number) != 0 {
		return err
	}
	if g := j.grantedOf(s, number); !g.guarded {
		g.guarded = true // from here on, and by this publisher
		j.claims = append(j.claims, claim{place, opener, ofCommitment, number})
	}
	return nil
}

// grantedOf looks at the grants of a commitment that nobody has committed. Its result is kept for
// the batch, so that many events of one commitment cost one look. Doubts in it have no place yet:
// who uses them sets it.
func (j *judge) grantedOf(s *facts.State, number uint32) *grantedOf {
	if g := j.granted[number]; g != nil {
		return g
	}
	g, before := &grantedOf{}, len(j.doubts)
	beyond := s.NewestGrants(number, grantsMost, func(e uint32) bool {
		if j.placed(s, e, Always, doubt{field: "data.commitment"}) {
			g.guarded = true
		}
		return len(j.doubts) == before // one is enough: who has granted it is not asked
	})
	// placed has put them among those of the batch; here they are taken out again.
	if len(j.doubts) > before {
		g.doubts = append(g.doubts, j.doubts[before])
		j.doubts = j.doubts[:before]
	} else if beyond != 0 {
		g.guarded = true
		if !j.free {
			g.doubts = append(g.doubts, doubt{origin: beyond, field: "data.commitment"})
		}
	}
	if j.granted == nil {
		j.granted = map[uint32]*grantedOf{}
	}
	j.granted[number] = g
	return g
}

// openedFor notes that an opening makes a person known of whom others have said something. Where
// somebody has opened an enrolment for the person before, in the log or in the batch, deaths and
// merges were judged by that one.
func (j *judge) openedFor(s *facts.State, e *event.Event, place int) error {
	number, named, err := j.names.FindWorker(e.Data.Worker)
	if err != nil || !named || int(number) >= s.WorkerCount() || !s.HasLives(number) {
		return err
	}
	if _, opened := j.here.workers[e.Data.Worker]; !opened && !j.person(s, number, Always, nil) {
		j.claims = append(j.claims, claim{place, place, ofWorker, number})
	}
	return nil
}

// lives notes whom a death or a merge is about, and that a merge makes the one of
// them known who was not. Of a death only the first side is there.
func (j *judge) lives(s *facts.State, e *event.Event, place int) error {
	type side struct {
		number       uint32
		named, known bool
		opener       int
	}
	var sides [2]side
	one := life{place: place}
	for i, id := range [...]string{e.Data.Worker, e.Data.Into} {
		if id == "" {
			continue
		}
		is, noted := &sides[i], &one.sides[i]
		number, named, err := j.names.FindWorker(id)
		if err != nil {
			return err
		}
		noted.there, noted.opened = true, -1
		is.number, is.named, is.opener = number, named && int(number) < s.WorkerCount(), place
		is.known = is.named && j.person(s, number, StartOf(e), noted)
		if at, opened := j.here.workers[id]; opened {
			if !j.dry {
				noted.opened = at
			}
			if !is.known {
				is.known, is.opener = true, at
			}
		}
	}
	if !j.free {
		j.noteLife(s, &one)
	}
	a, b := &sides[0], &sides[1]
	j.loose = j.loose || !a.known && !b.known
	if e.Type != event.WorkerMerged || a.known == b.known {
		return nil
	}
	if b.known {
		a, b = b, a
	}
	if b.named && s.HasLives(b.number) {
		j.claims = append(j.claims, claim{place, a.opener, ofWorker, b.number})
	}
	return nil
}

// person tells whether enrolments of a person are known, and notes in the side, if it is given one,
// who has a right over them from a day on. The person is all worker ids that merges join (contract,
// section 3). Without a side it ends at the first enrolment.
func (j *judge) person(s *facts.State, number uint32, from temporal.Date, side *lifeSide,
) bool {
	known := false
	if j.ids = s.IDs(j.ids[:0], number); len(j.ids) > 1 {
		j.persons = append(j.persons, j.ids...)
	}
	for _, w := range j.ids {
		for e := range s.Enrolments(w, facts.NoEnrolment) {
			j.places = s.AppendPlaces(j.places[:0], e)
			if !opensFor(j.places, w) {
				continue
			}
			if known = true; side == nil {
				return true
			}
			j.lifeOf(from, side)
		}
	}
	return known
}

// opensFor tells whether one of the places is that of an opening for a worker.
func opensFor(places []facts.Place, w uint32) bool {
	for i := range places {
		if places[i].Opens && places[i].Worker == w {
			return true
		}
	}
	return false
}

// placed tells whether an enrolment is known, and notes the doubt about it when something is said
// of it from a day on. The place and field of d are the caller's, the origin is set here.
func (j *judge) placed(s *facts.State, e uint32, from temporal.Date, d doubt) bool {
	j.places = s.AppendPlaces(j.places[:0], e)
	return j.doubt(from, d)
}

// doubt does that for an enrolment of which the places are known.
func (j *judge) doubt(from temporal.Date, d doubt) bool {
	if d.origin = originOf(j.places); d.origin == 0 {
		return false
	}
	if !j.free && foreign(j.scope, j.places, from) {
		j.doubts = append(j.doubts, d)
	}
	return true
}

// originOf returns the first event that opened an enrolment, 0 when nobody knows it. The first one
// counts also where it was opened twice: who came later took over nothing.
func originOf(places []facts.Place) (origin eventstore.Sequence) {
	for i := range places {
		if p := &places[i]; p.Opens && (origin == 0 || p.Sequence < origin) {
			origin = p.Sequence
		}
	}
	return origin
}

// foreign tells whether an enrolment is, on a day or later, in a region of others. Where it was
// before that day does not matter: the event changes nothing there.
func foreign(scope *event.Scope, places []facts.Place, from temporal.Date) bool {
	var now *facts.Place // where it is on that day
	for i := range places {
		p := &places[i]
		switch {
		case p.On > from:
			if !scope.HasRegion(p.Region) {
				return true
			}
		case now == nil || p.On > now.On || p.On == now.On && p.Sequence > now.Sequence:
			now = p
		}
	}
	return now != nil && !scope.HasRegion(now.Region)
}

package coverage

import (
	"cmp"
	"runtime"
	"slices"

	"cakupan/domain/enrolment"
	"cakupan/domain/event"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/projections/counts"
	"cakupan/projections/facts"
	"cakupan/projections/timeline"
)

// What is heavy is not worked out anew for each event: an enrolment with many facts has a timeline,
// a person with many enrolments a tally. Both are derived from the state when they are first
// needed, and must say the same as it; they go when they become too many. They trade memory for
// work and change no answer.
type limits struct {
	facts, enrolments int // from how many on an enrolment, a person is heavy
	months            int // and from how many spans of months with money on an enrolment
	dear              int // from how many facts on whatever they are about is dear: see laden

	// How many facts are kept in timelines, of about 100 bytes each, and spells in tallies, of
	// about 600 each.
	factsKept, spellsKept int

	later int // how much of a part is left to Show at most: see later.reset
}

// fullLimits: what has less is worked out anew in some microseconds.
func fullLimits() limits {
	return limits{
		facts: 64, enrolments: 16, months: 256, dear: 1_000,
		factsKept: 1_000_000, spellsKept: 250_000,
		later: 1 << 15, // a megabyte at most
	}
}

// shared returns the limits of one of so many folds that go on beside each other. Nothing is left
// to Show, which would do it for all of them.
func (l limits) shared(folds int) limits {
	l.factsKept, l.spellsKept, l.later = l.factsKept/folds, l.spellsKept/folds, 0
	return l
}

// heavy is what is kept of heavy enrolments and persons. It is never stored. Both maps are cleared
// as a whole when they hold too much: what is needed again is made again, and which one was used
// last need not be known.
type heavy struct {
	limits
	lines   map[uint32]*timeline.Timeline // by enrolment
	held    int                           // facts of all lines, about
	tallies map[uint32]*tally             // by person; see facts.State.Person
	spells  int                           // of all tallies, about

	difference timeline.Difference // of the enrolment that an event is about
}

// drop forgets the tally of a person. It is needed when a merge comes or goes: another key is that
// person's then, or the key another person's.
func (h *heavy) drop(key uint32) {
	if t := h.tallies[key]; t != nil {
		h.spells -= t.spells
		delete(h.tallies, key)
	}
}

// keep keeps the tally of a person. A tally that grew after it was kept is counted by what it had.
func (h *heavy) keep(key uint32, t *tally) {
	if h.spells += t.spells; h.tallies == nil || h.spells > h.spellsKept {
		h.tallies, h.spells = map[uint32]*tally{}, t.spells
	}
	h.tallies[key] = t
}

// line returns the timeline of an enrolment with many facts; of one with few it returns nil and has
// gathered its facts.
//
// Its timeline, once there is one, must be told of every fact of the enrolment: until it is dropped
// it stands for the state.
func (f *fold) line(e uint32) *timeline.Timeline {
	if line := f.heavy.lines[e]; line != nil {
		return line
	}
	f.state.Gather(&f.own.facts, e)
	if f.own.facts.Len() < f.heavy.facts {
		return nil
	}
	return f.newLine(&f.own.facts, e, f.state.Purses())
}

// lineOfMonths returns the timeline of an enrolment with few facts that have money in many spans of
// months, nil when there are few. Its own facts are gathered, and followed.
func (f *fold) lineOfMonths(e uint32) *timeline.Timeline {
	months := len(f.own.before.Money.Months)
	if months < f.heavy.months {
		return nil
	}
	f.heavy.held += months
	return f.newLine(&f.own.facts, e, f.state.Purses())
}

// newLine makes the timeline of gathered facts. The purses must be those that its next change goes
// on from.
func (f *fold) newLine(g *facts.Gathered, e uint32, purses facts.Purses) *timeline.Timeline {
	h := &f.heavy
	if h.held += g.Len(); h.lines == nil || h.held > h.factsKept {
		h.lines, h.held = map[uint32]*timeline.Timeline{}, g.Len()
	}
	line := timeline.New(g.Changes(), oldestFirst(g.Grants()), oldestFirst(g.Revokes()),
		oldestFirst(g.Credits()), func(c uint32) *enrolment.Purse { return purses.Of(c, e) })
	h.lines[e] = line
	return line
}

// oldestFirst turns grants, which are gathered the newest first, into the order that a timeline
// asks for.
func oldestFirst(grants []facts.Grant) []timeline.Grant {
	ordered := make([]timeline.Grant, 0, len(grants))
	for i := range slices.Backward(grants) {
		ordered = append(ordered, lineGrant(&grants[i]))
	}
	return ordered
}

func lineGrant(g *facts.Grant) timeline.Grant {
	return timeline.Grant{
		Sequence: uint64(g.Sequence), Commitment: g.Commitment, From: g.From, Until: g.Until,
	}
}

// addTo adds an event to a timeline. What differs is left in heavy.difference, for compareLine.
func (f *fold) addTo(line *timeline.Timeline, e *facts.Event) {
	f.heavy.held++
	g, d, died := e.Grant(), &f.heavy.difference, f.state.DiedOn
	of := func() *enrolment.Purse {
		purse := f.state.Purse(e.Commitment)
		return &purse
	}
	switch e.Kind {
	case event.FundingGranted:
		line.Grant(lineGrant(&g), of(), died, d)
	case event.FundingRevoked:
		line.Revoke(lineGrant(&g), of(), died, d)
	case event.ContributionCredited:
		line.Credit(g.From, g.Until, died, d)
	default:
		line.Change(e.Change(), died, d)
	}
}

// takeFrom removes a fact in force from a timeline. It must still be in the state.
func (f *fold) takeFrom(line *timeline.Timeline, fact eventstore.Sequence) {
	r, found := f.state.FactAt(fact)
	if !found {
		f.heavy.difference.Clear()
		return // damaged: what is stored says otherwise
	}
	g, d, died := r.Grant(), &f.heavy.difference, f.state.DiedOn
	of := func() *enrolment.Purse {
		purse := f.state.Purse(r.Commitment)
		return &purse
	}
	switch r.Kind {
	case event.FundingGranted:
		line.Ungrant(lineGrant(&g), of(), died, d)
	case event.FundingRevoked:
		line.Unrevoke(lineGrant(&g), of(), died, d)
	case event.ContributionCredited:
		line.Uncredit(g.From, g.Until, died, d)
	default:
		line.Unchange(r.On, uint64(r.Sequence), died, d)
	}
}

// compareLine appends what differs for the persons of an enrolment after a change of its timeline.
// It takes all that was left in heavy.difference, person by person.
func (f *fold) compareLine(line *timeline.Timeline, e uint32, purses facts.Purses,
	edges []counts.Change,
) []counts.Change {
	d, days := &f.heavy.difference, &f.days
	f.byPerson(d.Were)
	f.byPerson(d.Are)
	were, are := d.Were, d.Are
	for len(were) > 0 || len(are) > 0 {
		w := f.firstWorker(were, are)
		days.were, were = f.ofPerson(days.were[:0], were, w)
		days.are, are = f.ofPerson(days.are[:0], are, w)
		edges = f.differ(person{w, e, purses, line}, edges)
	}
	d.Were, d.Are = d.Were[:0], d.Are[:0]
	return edges
}

// byPerson brings the spells of each person together, in the order that they have. Nearly always
// they are one person's; but an enrolment may have been opened for tens of thousands.
func (f *fold) byPerson(spells []enrolment.Spell) {
	one := func(s enrolment.Spell) bool { return s.Worker != spells[0].Worker }
	if len(spells) < 2 || !slices.ContainsFunc(spells[1:], one) {
		return
	}
	slices.SortStableFunc(spells, func(a, b enrolment.Spell) int {
		return cmp.Compare(f.state.Person(a.Worker), f.state.Person(b.Worker))
	})
}

// firstWorker returns a worker of the person who comes first among spells by person.
func (f *fold) firstWorker(were, are []enrolment.Spell) uint32 {
	if len(are) == 0 || len(were) > 0 &&
		f.state.Person(were[0].Worker) <= f.state.Person(are[0].Worker) {
		return were[0].Worker
	}
	return are[0].Worker
}

// ofPerson moves the spells of the person that a worker is to dst, if they come first among spells
// by person, and returns the others.
func (f *fold) ofPerson(dst, spells []enrolment.Spell, w uint32) (moved, others []enrolment.Spell) {
	key, n := f.state.Person(w), 0
	for n < len(spells) && f.state.Person(spells[n].Worker) == key {
		n++
	}
	return append(dst, spells[:n]...), spells[n:]
}

// part moves those of the spells that are asked for to dst, and returns the others.
func part(dst, spells []enrolment.Spell, asked func(enrolment.Spell) bool,
) (moved, others []enrolment.Spell) {
	others = spells[:0]
	for _, s := range spells {
		if asked(s) {
			dst = append(dst, s)
		} else {
			others = append(others, s)
		}
	}
	return dst, others
}

// tally returns the tally of the person that a worker is, made from the state if there is none; nil
// when there are few enrolments. It must be asked for while the state is as the tally should be.
func (f *fold) tally(w uint32) *tally {
	if t, heavy := f.hasTally(w); t != nil || !heavy {
		return t
	}
	spells := f.spellsOfPerson(nil, w, facts.NoEnrolment, facts.AllDays(), f.state.Purses())
	return f.newTally(f.state.Person(w), spells)
}

// hasTally returns the tally of the person that a worker is, if there is one, and whether the
// person must have one. The count of openings never falls, so that one who has a tally keeps
// needing one.
func (f *fold) hasTally(w uint32) (t *tally, heavy bool) {
	h := &f.heavy
	if t := h.tallies[f.state.Person(w)]; t != nil {
		return t, true
	}
	return nil, f.state.Several(w) && f.state.Opened(w, h.enrolments) == h.enrolments
}

// tallyBefore returns the tally of a person as it was before one of the enrolments changed, of
// which the spells that differ are given.
//
// Its caller exchanges the spells then. With a timeline, which is ahead of the state, the spells of
// after are taken back first.
func (f *fold) tallyBefore(p person, were, are []enrolment.Spell) *tally {
	t, heavy := f.hasTally(p.worker)
	if t != nil || !heavy {
		return t
	}
	key := f.state.Person(p.worker)
	if p.line == nil {
		return f.newTally(key, f.spellsOfPerson(nil, p.worker, facts.NoEnrolment, facts.AllDays(),
			p.purses))
	}
	spells := f.spellsOfPerson(nil, p.worker, p.enrolment, facts.AllDays(), p.purses)
	first := len(spells)
	spells = p.line.AppendSpells(spells, -enrolment.Never, enrolment.Never, f.state.DiedOn,
		&f.days.difference)
	_, own := part(nil, spells[first:], func(s enrolment.Spell) bool {
		return f.state.Person(s.Worker) != key
	})
	t = f.newTally(key, spells[:first+len(own)])
	_ = t.exchange(nil, are, were)
	return t
}

// newTally makes the tally of spells.
func (f *fold) newTally(key uint32, spells []enrolment.Spell) *tally {
	t := &tally{}
	for i := range spells {
		_ = t.add(nil, &spells[i])
	}
	f.heavy.keep(key, t)
	return t
}

// spellsOfPerson appends the spells of all enrolments of the person that a worker is, all but one,
// on the days.
func (f *fold) spellsOfPerson(spells []enrolment.Spell, w, except uint32, days facts.Days,
	purses facts.Purses,
) []enrolment.Spell {
	died := f.state.DiedOn(w)
	for _, id := range f.state.Homes(nil, w) {
		spells = f.spellsOfID(spells, lived{id, died}, except, days, purses)
	}
	return spells
}

// lived is an id, and the last day of life of the person that it is.
type lived struct {
	id   uint32
	died temporal.Date
}

// spellsOfID appends the spells of all enrolments of one id, all but one, on the days. It lets
// readers in once there are many: a person may have thousands. Timelines of heavy ones are made on
// the way.
func (f *fold) spellsOfID(spells []enrolment.Spell, of lived, except uint32, days facts.Days,
	purses facts.Purses,
) []enrolment.Spell {
	other, months, looked := &f.days.other, monthsOf(days), 0
	for e := range f.state.Enrolments(of.id, except) {
		if looked++; looked == facts.Together {
			defer f.letIn()()
		}
		if looked%facts.Together == 0 {
			runtime.Gosched()
		}
		line := f.heavy.lines[e]
		if line == nil && (f.longWay ||
			!f.state.GatherSince(&other.facts, e, months.From, f.heavy.facts-1)) {
			f.state.Gather(&other.facts, e)
			if other.facts.Len() >= f.heavy.facts {
				line = f.newLine(&other.facts, e, purses)
			}
		}
		if line == nil {
			other.before.FollowDuring(&other.facts, purses, months)
			spells = other.before.AppendSpells(spells, of.id, of.died, days)
			continue
		}
		first := len(spells)
		died := func(uint32) temporal.Date { return of.died }
		spells = line.AppendSpells(spells, days.From, days.Until, died, &f.days.difference)
		_, others := part(nil, spells[first:], func(s enrolment.Spell) bool {
			return s.Worker != of.id
		})
		spells = spells[:first+len(others)]
	}
	return spells
}

// monthsOf returns the months whose money counts on some of the days. It is three more before them,
// as grace and due count on.
func monthsOf(days facts.Days) enrolment.Span {
	months := facts.AllMonths()
	if days.From > -enrolment.Never {
		months.From = days.From.Month() - moneyCounts
	}
	if days.Until < enrolment.Never {
		months.Until = days.Until.Month() + 1
	}
	return months
}

package rights

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"cakupan/cmd/internal/excerpt"
	"cakupan/cmd/internal/intake"
	"cakupan/domain/event"
	"cakupan/eventstore"
	"cakupan/eventstore/writer"
	"cakupan/projections/facts"
	"cakupan/projections/standing"
)

// taker takes back what was said of an enrolment, a person or a commitment before it was known, by
// publishers who have no right over it: as if it had been known first, and they had been refused.
// The ledger says so itself, by retractions in front of the event that makes it known. So the same
// log has the same figures for everybody, and its history tells what was taken back and why.
//
// If we crash after the retractions are in the log and before the event is, it is sent again, and
// finds nothing more to be taken back. It is used once, by one goroutine, while the subjects of the
// batch are held.
type taker struct {
	court  *Court
	intake *intake.Intake
	batch  *intake.Batch
	events []event.Event
	reader standing.Source
	quiet  *quiet

	// Claims are worked off in order, and may bring about others; taken has each event once,
	// however many claims reach it; before has the retractions by the place in front of which they
	// stand.
	claims  []claim
	amended amendments // of the commitments that are claimed
	taken   map[eventstore.Sequence]bool
	before  map[int][]writer.Entry
	also    []subject                            // whom the claims are about
	said    map[eventstore.Sequence]*event.Event // memory of read
	scopes  map[string]*event.Scope
}

func newTaker(c *Court, r *ruling, p standing.Source) *taker {
	return &taker{
		court: c, intake: r.in, batch: r.batch, events: r.events, reader: p, quiet: r.quiet,
		taken: map[eventstore.Sequence]bool{}, before: map[int][]writer.Entry{},
		scopes: map[string]*event.Scope{}, said: map[eventstore.Sequence]*event.Event{},
		amended: amendments{},
	}
}

// precede has the batch appended with what is taken back. It is called once, when nothing else can
// make the batch be judged again: until then nothing stands in front of any event.
func (t *taker) precede() {
	for place, entry := range t.quiet.said {
		t.batch.Speak(place, entry)
	}
	for place, entries := range t.before {
		t.batch.Precede(place, entries)
	}
}

// right is what gives a right over something: places where it is, or who opened or committed it.
// Places are in no order. Whoever the source of the opener is of has the right too, wherever the
// places are.
type right struct {
	places []facts.Place
	origin eventstore.Sequence // of the event that opened it; 0: opener
	opener *event.Event
}

// takeAll finds out what the claims take back. An event that will not be appended, as it is refused
// or a duplicate, makes nothing known, so its claims take nothing back.
func (t *taker) takeAll(ctx context.Context, claims []claim) error {
	t.claims = claims
	if err := t.readAhead(ctx); err != nil {
		return err
	}
	for len(t.claims) > 0 {
		c := t.claims[0]
		t.claims = t.claims[1:]
		if t.quiet.void[c.place] {
			continue // it makes nobody known
		}
		// Both the event that makes it known and the opening on which its right rests must come
		// into the log.
		appends, err := t.intake.Appends(ctx, t.batch, c.place)
		if err == nil && appends && c.by != c.place {
			appends, err = t.intake.Appends(ctx, t.batch, c.by)
		}
		if err == nil && appends {
			err = t.take(ctx, c)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// readAhead reads what was said of all that is claimed at once: each read of its own costs as much.
// What claims bring about later is read then.
func (t *taker) readAhead(ctx context.Context) error {
	var all []eventstore.Sequence
	err := t.reader.Read(func(s *facts.State) error {
		for i := range t.claims {
			c := &t.claims[i]
			all = append(all, sequencesOf(about(s, c))...)
			if by := &t.events[c.by]; by.Type == event.FundingGranted ||
				by.Type == event.WorkerMerged {
				rights, err := t.known(s, by)
				if err != nil {
					return err
				}
				for n := range rights {
					all = append(all, rights[n].origin)
				}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := t.read(ctx, all); err != nil {
		return err
	}
	var commitments []uint32
	for i := range t.claims {
		if c := &t.claims[i]; c.kind == ofCommitment {
			commitments = append(commitments, c.number)
		}
	}
	return t.readAmendments(ctx, commitments)
}

// about returns what is in force of what is claimed, in order of the log. Of a commitment grants of
// enrolments that are known are left out: they were judged by those. Numbers of names are those of
// the state that was asked.
func about(s *facts.State, c *claim) (records []facts.Record) {
	switch c.kind {
	case ofEnrolment:
		records = s.AppendEnrolment(nil, c.number)
	case ofWorker:
		records = s.AppendLives(nil, c.number)
	case ofCommitment:
		records = s.AppendCommitment(nil, c.number)
	}
	return slices.DeleteFunc(records, func(r facts.Record) bool {
		return r.Retracted != 0 || c.kind == ofCommitment && r.Kind == event.FundingGranted &&
			originOf(s.AppendPlaces(nil, r.Enrolment)) != 0
	})
}

// about returns what is in force of what is claimed, and has read who said it.
func (t *taker) about(ctx context.Context, c claim) (records []facts.Record, err error) {
	err = t.reader.Read(func(s *facts.State) error {
		records = about(s, &c)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return records, t.read(ctx, sequencesOf(records))
}

// take finds out what one claim takes back. A claim that rests on no right takes nothing back: then
// it is not known whose the subject is.
func (t *taker) take(ctx context.Context, c claim) error {
	rights, err := t.rights(ctx, c)
	if err != nil || len(rights) == 0 {
		return err
	}
	switch c.kind {
	case ofEnrolment:
		return t.ofEnrolment(ctx, c, rights)
	case ofWorker:
		return t.ofWorker(ctx, c, rights)
	default:
		return t.ofCommitment(ctx, c, rights)
	}
}

// rights returns what a claim rests on. An opening or commitment of the batch is not in the log
// yet, so its right is made of the event itself; a grant and a merge give the rights over what they
// name.
func (t *taker) rights(ctx context.Context, c claim) (all []right, err error) {
	by := &t.events[c.by]
	switch by.Type {
	case event.FundingCommitted:
		return []right{{opener: by}}, nil
	case event.EnrolmentOpened:
		place := facts.Place{
			// It comes after all events of the log.
			Region: by.Data.Region, On: by.Data.From, Sequence: math.MaxInt64, Opens: true,
		}
		return []right{{places: []facts.Place{place}, opener: by}}, nil
	default:
	}
	err = t.reader.Read(func(s *facts.State) error {
		all, err = t.known(s, by)
		return err
	})
	if err != nil {
		return nil, err
	}
	var origins []eventstore.Sequence
	for i := range all {
		origins = append(origins, all[i].origin)
	}
	err = t.read(ctx, origins)
	for i := range all {
		all[i].opener = t.said[all[i].origin]
	}
	return all, err
}

// known returns the rights over the enrolments that a grant or a merge names and the log knows.
// Names that the facts have, but nobody has opened, give none.
func (t *taker) known(s *facts.State, by *event.Event) (all []right, err error) {
	add := func(e uint32) {
		places := s.AppendPlaces(nil, e)
		if origin := originOf(places); origin != 0 {
			all = append(all, right{places: places, origin: origin})
		}
	}
	names := t.reader.Names()
	if by.Type == event.FundingGranted {
		e, named, err := names.FindEnrolment(by.Data.Enrolment)
		if err == nil && named && int(e) < s.EnrolmentCount() {
			add(e)
		}
		return all, err
	}
	for _, id := range [...]string{by.Data.Worker, by.Data.Into} {
		number, named, err := names.FindWorker(id)
		if err != nil {
			return nil, err
		}
		if !named || int(number) >= s.WorkerCount() {
			continue
		}
		for _, w := range s.IDs(nil, number) {
			for e := range s.Enrolments(w, facts.NoEnrolment) {
				if opensFor(s.AppendPlaces(nil, e), w) {
					add(e)
				}
			}
		}
	}
	return all, nil
}

// ofEnrolment takes back what was said of an enrolment. What stays may say where it is, and names
// commitments that become known too. They are looked at in the order of the log, so that an
// amendment which stays moves the place for those after it.
func (t *taker) ofEnrolment(ctx context.Context, c claim, rights []right) error {
	records, err := t.about(ctx, c)
	if err != nil {
		return err
	}
	for i := range records {
		r := &records[i]
		e := t.said[r.Sequence]
		has, err := t.has(e, rights)
		if err != nil {
			return err
		}
		switch {
		case !has:
			err = t.takeBack(c.place, r.Sequence)
		case e.Data.Has.Has(event.FieldRegion):
			rights[0].places = append(rights[0].places, facts.Place{
				Region: e.Data.Region, On: e.Data.From, Sequence: r.Sequence,
			})
		case r.Kind == event.FundingGranted:
			err = t.claimCommitment(ctx, c, r.Commitment)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// claimCommitment claims a commitment that nobody has committed. The claim is worked off after
// those that are there; the commitment is held from the next round on.
func (t *taker) claimCommitment(ctx context.Context, c claim, number uint32) error {
	committed := false
	err := t.reader.Read(func(s *facts.State) error {
		committed = s.CommittedBy(number) != 0
		return nil
	})
	if err != nil || committed {
		return err
	}
	names, err := t.reader.Names().AppendCommitments(nil, number)
	if err != nil {
		return err
	}
	t.also = append(t.also, t.court.subjects.one(ofCommitment, names[0]))
	t.claims = append(t.claims, claim{c.place, c.by, ofCommitment, number})
	if t.amended[number] != nil {
		return nil
	}
	return t.readAmendments(ctx, []uint32{number})
}

// ofWorker takes back the deaths and merges of a person. Whoever is one with him by a merge that
// stays is the same person. So the walk goes on over merges that stay, and ends at those that are
// taken back.
func (t *taker) ofWorker(ctx context.Context, c claim, rights []right) error {
	// It grows while it is walked.
	persons := []uint32{c.number}
	for i := 0; i < len(persons); i++ {
		c.number = persons[i]
		records, err := t.about(ctx, c)
		if err != nil {
			return err
		}
		for n := range records {
			r := &records[n]
			has, err := t.has(t.said[r.Sequence], rights)
			if err == nil && !has {
				err = t.takeBack(c.place, r.Sequence)
			}
			if err != nil {
				return err
			}
			if has && r.Kind == event.WorkerMerged {
				persons = addNew(persons, r.Worker, r.Into)
			}
		}
	}
	names, err := t.reader.Names().AppendWorkers(nil, persons...)
	for _, name := range names {
		t.also = append(t.also, t.court.subjects.one(ofWorker, name))
	}
	return err
}

// addNew appends those that are not there yet. There are few: a linear search is enough.
func addNew(all []uint32, some ...uint32) []uint32 {
	for _, one := range some {
		if !slices.Contains(all, one) {
			all = append(all, one)
		}
	}
	return all
}

// ofCommitment takes back what was said of a commitment. Amendments are no facts, and come from
// elsewhere.
func (t *taker) ofCommitment(ctx context.Context, c claim, rights []right) error {
	records, err := t.about(ctx, c)
	if err != nil {
		return err
	}
	for i := range records {
		at := records[i].Sequence
		has, err := t.has(t.said[at], rights)
		if err == nil && !has {
			err = t.takeBack(c.place, at)
		}
		if err != nil {
			return err
		}
	}
	return t.takeAmendments(ctx, c, rights)
}

// has tells whether who sent an event has all the rights, or is who sends the batch. What was sent
// under a source of the batch's own publisher stays, whoever's name it bears. An event of nobody's
// name is of whoever runs the ledger, and stays.
func (t *taker) has(e *event.Event, rights []right) (bool, error) {
	scope, err := t.scopeOf(e.Publisher)
	if err != nil || everywhere(scope) {
		return true, err
	}
	if own := t.batch.Scope(); own != nil && own.Owns(&event.Event{Key: e.Key}) {
		return true, nil
	}
	for i := range rights {
		r := &rights[i]
		// His own: neither places nor days matter.
		if scope.Owns(r.opener) {
			continue
		}
		if len(r.places) == 0 || foreign(scope, r.places, StartOf(e)) {
			return false, nil
		}
	}
	return true, nil
}

// scopeOf returns what a publisher may report; of one who was revoked, what he might have at last.
// Of one whom the register does not know it is nothing. Nil is everything. It is looked up once for
// each publisher and taker: who is changed meanwhile is judged as he was.
func (t *taker) scopeOf(name string) (*event.Scope, error) {
	own := t.batch.Scope()
	switch {
	case name == "":
		return nil, nil
	case own != nil && own.Publisher == name:
		return own, nil
	}
	if scope := t.scopes[name]; scope != nil {
		return scope, nil
	}
	scope, err := t.court.about.LastScope(name)
	if err != nil {
		return nil, err
	}
	if scope == nil {
		scope = &event.Scope{Publisher: name}
	}
	t.scopes[name] = scope
	return scope, nil
}

// takeBack has an event taken back in front of one of the batch. Its id is made of the sequence, so
// that the same event is taken back once, by whichever batch. It is recorded when the batch is,
// hence no time of its own.
func (t *taker) takeBack(place int, at eventstore.Sequence) error {
	if t.taken[at] {
		return nil
	}
	t.taken[at] = true
	e := t.said[at]
	d := event.Data{
		RetractedSource: e.Source, RetractedID: e.ID,
		ReasonText: e.Publisher + " reported it before the ledger knew what it is about, and has" +
			" no right over that",
	}
	entry, err := t.court.retractionBy(fmt.Sprintf("no-right-%d", at), &d)
	t.before[place] = append(t.before[place], entry)
	return err
}

// retractionBy returns a retraction that the ledger itself says, recorded when its batch is.
func (c *Court) retractionBy(id string, d *event.Data) (writer.Entry, error) {
	for _, use := range event.EventRetracted.Uses() {
		if use.Need == event.Required {
			d.Has = d.Has.With(use.Field)
		}
	}
	return intake.EntryOf(&event.Event{
		Key: event.Key{Source: c.source, ID: id}, Type: event.EventRetracted, Data: *d,
	}, 0)
}

// read reads what is needed of events in the log, unless it is read already. It keeps what judging
// needs and no more: there may be many. A sequence of 0 must not be among them.
func (t *taker) read(ctx context.Context, sequences []eventstore.Sequence) error {
	sequences = slices.DeleteFunc(sequences, func(at eventstore.Sequence) bool {
		return t.said[at] != nil
	})
	slices.Sort(sequences)
	s := &excerpt.Selection{Each: func(record eventstore.Record, e *event.Event) error {
		d := &e.Data
		t.said[record.Sequence] = &event.Event{ // not the texts of the frame
			Key:  event.Key{Source: strings.Clone(e.Source), ID: strings.Clone(e.ID)},
			Type: e.Type, Publisher: strings.Clone(e.Publisher),
			Data: event.Data{
				Has: d.Has, Region: d.Region, Funder: d.Funder,
				From: d.From, Until: d.Until, On: d.On, FromMonth: d.FromMonth,
			},
		}
		return nil
	}}
	return t.court.reader.Some(ctx, slices.Compact(sequences), s)
}

// sequencesOf returns where facts are in the log, in their order.
func sequencesOf(records []facts.Record) (all []eventstore.Sequence) {
	for i := range records {
		all = append(all, records[i].Sequence)
	}
	return all
}

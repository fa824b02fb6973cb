package rights

import (
	"context"
	"crypto/sha256"
	"math/rand/v2"

	"cakupan/domain/event"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/eventstore/writer"
	"cakupan/projections/facts"
)

// A death or a merge names a person, and whoever asks by way of one whether the ledger knows
// somebody must not be told. So what is said of people over whom the publisher has no right at all
// is taken in, as it is of people whom nobody knows, and the ledger's own retraction stands in
// front of it: it never has an effect. The answer, its sequence and the work are the same for both:
// in front of what is said of a person whom nobody knows, the ledger says that it takes nothing
// back. The log tells auditors which it was.
//
// Who has a right over a part of the person's enrolments knows the person, and is refused.

// life is a death or a merge of a publisher who may not report everything, and whom it is about. Of
// a death the first side is all there is. In a dry run it is an opening, too: somebody of whom the
// publisher has reported nothing is nobody to it there, whatever others have.
type life struct {
	opens bool
	place int // of the event in its batch
	sides [2]lifeSide
	any   eventstore.Sequence // of any event of the log: see lifeOrigins
}

// lifeSide is one of the people of a life.
type lifeSide struct {
	there  bool                  // the event has this side
	mine   bool                  // the publisher's regions give a right over some enrolment
	opened int                   // the place in the batch of an opening for the person; -1: none is
	others []eventstore.Sequence // what opened the enrolments over which they give none
}

// quiet is what must not be told of the lives of a batch, by their places.
type quiet struct {
	void map[int]bool    // they have no effect
	told map[int]bool    // they are answered as if nobody were known by them
	hide map[int][2]bool // the sides of whom nothing may be told
	said map[int]writer.Entry
}

func newQuiet() *quiet {
	return &quiet{
		void: map[int]bool{}, told: map[int]bool{}, hide: map[int][2]bool{},
		said: map[int]writer.Entry{},
	}
}

// noteLife notes what a death or a merge is about, to be resolved when all of the batch is looked
// at.
func (j *judge) noteLife(s *facts.State, one *life) {
	if events := s.Events(); events > 0 {
		one.any = 1 + eventstore.Sequence(rand.Uint64N(uint64(events)))
	}
	j.lived = append(j.lived, *one)
}

// lifeOf notes in a side what gives a right over an enrolment of which the places are known.
func (j *judge) lifeOf(from temporal.Date, side *lifeSide) {
	switch origin := originOf(j.places); {
	case j.free || !foreign(j.scope, j.places, from):
		side.mine = true
	case origin != 0:
		side.others = append(side.others, origin)
	}
}

// lookAt notes whom an opening of a dry run is for.
func (j *judge) lookAt(s *facts.State, e *event.Event, place int) error {
	one := life{opens: true, place: place}
	one.sides[0] = lifeSide{there: true, opened: -1}
	number, named, err := j.names.FindWorker(e.Data.Worker)
	if err == nil && named && int(number) < s.WorkerCount() {
		j.person(s, number, Always, &one.sides[0])
	}
	j.noteLife(s, &one)
	return err
}

// readsMost bounds the events that are read for no other reason than to take as long: one is told
// nothing by what many people take together.
const readsMost = 64

// lifeOrigins returns what must be read to resolve the lives: for each of somebody who may be
// nobody one event at least, so that to judge somebody who is known takes no longer.
func (r *ruling) lifeOrigins() (all []eventstore.Sequence) {
	reads := 0
	for i := range r.lived {
		a, b := &r.lived[i].sides[0], &r.lived[i].sides[1]
		all = append(append(all, a.others...), b.others...)
		unknown := a.there && !a.mine || b.there && !b.mine
		if len(a.others)+len(b.others) == 0 && unknown && reads < readsMost && r.lived[i].any != 0 {
			all, reads = append(all, r.lived[i].any), reads+1
		}
	}
	return all
}

// resolveLives finds out what becomes of the lives: own tells what the publisher itself has opened.
// It returns those that are refused. Other events of the batch must have been refused before.
func (c *Court) resolveLives(ctx context.Context, r *ruling, own map[eventstore.Sequence]bool,
) (map[int]*event.Refusal, error) {
	refusals, notes := map[int]*event.Refusal{}, map[int]string{}
	for i := range r.lived {
		one := &r.lived[i]
		var hide [2]bool
		void, unknown := false, false
		for n := range one.sides {
			side := &one.sides[n]
			if !side.there {
				continue
			}
			mine, others, err := r.rightsOver(ctx, side, own)
			switch {
			case err != nil:
				return nil, err
			case one.opens:
				r.quiet.hide[one.place] = [2]bool{!mine}
			case mine && others:
				refusals[one.place] = r.scope.ForbidAbout("data.worker")
			case others:
				void, hide[n] = true, true
			case !mine:
				unknown, hide[n] = true, true
			}
		}
		if !one.opens && refusals[one.place] == nil && (void || unknown) {
			r.quiet.told[one.place], r.quiet.hide[one.place] = true, hide
			notes[one.place] = nobodyKnown
			if void {
				r.quiet.void[one.place] = true
			}
		}
	}
	r.batch.Notes(notes)
	return refusals, nil
}

// rightsOver tells whether a publisher has a right over an enrolment of somebody, and whether there
// is one over which others have. An opening of the batch counts if it comes into the log.
func (r *ruling) rightsOver(ctx context.Context, side *lifeSide, own map[eventstore.Sequence]bool,
) (mine, others bool, err error) {
	mine = side.mine
	for _, origin := range side.others {
		if own[origin] {
			mine = true
		} else {
			others = true
		}
	}
	if side.opened >= 0 && !mine {
		mine, err = r.in.Appends(ctx, r.batch, side.opened)
	}
	return mine, others, err
}

// speak makes what the ledger says in front of the lives that are told nothing: the same amount
// whether they have an effect or not.
func (c *Court) speak(ctx context.Context, r *ruling) error {
	for place := range r.quiet.told {
		if appends, err := r.in.Appends(ctx, r.batch, place); err != nil || !appends {
			if err != nil {
				return err
			}
			continue
		}
		e := &r.events[place]
		name := lettersOf(e.Key)
		d := event.Data{RetractedSource: e.Source, RetractedID: e.ID}
		id := "no-right-" + name
		if r.quiet.void[place] {
			d.ReasonText = r.scope.Publisher +
				" has no right over whom it is about: it has no effect"
		} else {
			// Names nothing that is or will be. It must not have the id of the other kind: after a
			// crash between the two events, what is said of the same event may be the other thing.
			d.RetractedSource, d.RetractedID = c.source, "nothing-"+name
			d.ReasonText = r.scope.Publisher + " may mean somebody whom the ledger does not know" +
				": nothing is taken back"
			id = "no-person-" + name
		}
		entry, err := c.retractionBy(id, &d)
		if err != nil {
			return err
		}
		r.quiet.said[place] = entry
	}
	return nil
}

// lettersOf returns a name for an event, of letters alone: a run of digits could be taken for a
// NIK where a log is imported.
func lettersOf(key event.Key) string {
	sum := sha256.Sum256([]byte(key.Source + "\x00" + key.ID))
	text := make([]byte, 0, 2*len(sum))
	for _, b := range sum[:16] {
		text = append(text, 'a'+b>>4, 'a'+b&15)
	}
	return string(text)
}

// hideFrom returns an event as one who may be told nothing of its people may hear of it: they have
// names that no log has.
func (q *quiet) hideFrom(place int, e event.Event) event.Event {
	hide := q.hide[place]
	if hide[0] {
		e.Data.Worker = "?" + e.Data.Worker
	}
	if hide[1] {
		e.Data.Into = "?" + e.Data.Into
	}
	return e
}

// nobodyKnown is what the receipt of a life says that is told nothing, in both languages: whoever
// reads it has not said which.
const nobodyKnown = "nobody of your regions is known by this; it has no effect on people of" +
	" others / tidak seorang pun di wilayah Anda dikenal dengan ini; tidak berpengaruh pada" +
	" peserta lain"

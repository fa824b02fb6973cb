package rights

import (
	"context"
	"math"
	"slices"

	"cakupan/cmd/internal/excerpt"
	"cakupan/cmd/internal/intake"
	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/projections/facts"
)

// Verdict is what was found out about the rights of a batch. It is the batch's from the judging to
// after its frame.
type Verdict struct {
	release func()    // what the batch is about is free again; nil: nothing was held
	held    []subject // what that is
	loose   bool      // it says something of what is not known
	quiet   *quiet    // nil: nothing was judged
}

// Release frees what the batch is about. Each verdict must be released, also after an error; it may
// be released again.
func (v *Verdict) Release() {
	if v.release != nil {
		v.release()
	}
}

// Loose tells whether the batch says something of what is not known: when that becomes known, it is
// judged again.
func (v *Verdict) Loose() bool { return v.loose }

// Void tells whether what is said at a place of the batch has no effect, which its publisher must
// not be told.
func (v *Verdict) Void(place int) bool { return v.quiet != nil && v.quiet.void[place] }

// Told tells whether what is said at a place of the batch is answered as if nobody were known by
// it, whether somebody is or not.
func (v *Verdict) Told(place int) bool { return v.quiet != nil && v.quiet.told[place] }

// HideFrom returns an event of the batch as its publisher may hear of it: people of whom he may be
// told nothing have names that no log has.
func (v *Verdict) HideFrom(place int, e event.Event) event.Event {
	if v.quiet == nil {
		return e
	}
	return v.quiet.hideFrom(place, e)
}

// Gives tells whether an event of the type may change who has a right over what. What such an event
// was about is noted, so that the next batch about the same waits until it is folded.
func Gives(t event.Type) bool {
	switch t {
	case event.EnrolmentOpened, event.EnrolmentAmended, event.FundingCommitted,
		event.WorkerMerged, event.EventRetracted:
		return true
	default:
		return false
	}
}

// reveals tells whether an event of the type may make something known.
func reveals(t event.Type) bool {
	switch t {
	case event.EnrolmentOpened, event.FundingCommitted, event.FundingGranted, event.WorkerMerged:
		return true
	default:
		return false
	}
}

// everywhere tells whether a publisher has a right over everything there is.
func everywhere(s *event.Scope) bool {
	return s == nil || slices.Contains(s.Regions, region.Nation)
}

// Judge refuses what a batch says of others' enrolments, commitments and people, and has what
// others said of those that it makes known taken back. What the batch is about is held until the
// verdict is released, also after an error. A publisher waits here for others that are about the
// same, and for the coverage to have folded what gave rights over it, waitMax at most.
func (c *Court) Judge(ctx context.Context, in *intake.Intake, b *intake.Batch,
) (v Verdict, err error) {
	scope := b.Scope()
	if scope == nil && !c.about.Guarded() {
		return v, nil // there are no publishers
	}
	events, err := b.Events()
	if err != nil {
		return v, err
	}
	free := everywhere(scope)
	judged := slices.ContainsFunc(events, func(e event.Event) bool {
		return reveals(e.Type) || !free && isAbout(&e)
	})
	if !judged && !slices.ContainsFunc(events, func(e event.Event) bool { return Gives(e.Type) }) {
		return v, nil
	}
	if v.held, err = c.concerns(ctx, events); err != nil {
		return v, err
	}
	// Each round holds more than the one before, since nothing is let out of held; so it comes to
	// an end.
	for {
		if v.release, err = c.hold(ctx, b, v.held); err != nil || !judged {
			return v, err
		}
		j := &judge{scope: scope, free: free, dry: b.DryRun(), here: newHere(events)}
		r := &ruling{
			judge: j, in: in, batch: b, events: events, held: v.held, quiet: newQuiet(),
		}
		err = c.rule(ctx, r)
		v.loose, v.quiet = j.loose, r.quiet
		if err != nil || v.release == nil {
			return v, err
		}
		held := withNew(v.held, r.also)
		if len(held) == len(v.held) {
			r.taker.precede()
			return v, nil
		}
		v.release()
		v.held = held
	}
}

// withNew returns subjects with those of some others that are not among them. Without any the slice
// itself is returned; else it is a new one, and held stays as it was.
func withNew(held, also []subject) []subject {
	if len(also) == 0 {
		return held
	}
	known := make(map[subject]bool, len(held))
	for _, one := range held {
		known[one] = true
	}
	all := slices.Clip(held)
	for _, one := range also {
		if !known[one] {
			known[one] = true
			all = append(all, one)
		}
	}
	return all
}

// isAbout tells whether an event is about what somebody may have a right over.
func isAbout(e *event.Event) bool {
	return e.Data.Enrolment != "" || e.Data.Commitment != "" || e.Data.Worker != ""
}

// hold holds subjects for a batch that is to be appended. A dry run appends nothing and holds
// nobody up: it gets no release.
func (c *Court) hold(ctx context.Context, b *intake.Batch, held []subject) (func(), error) {
	if b.DryRun() {
		return nil, nil
	}
	return c.subjects.hold(ctx, held)
}

// ruling is a batch whose subjects are held while it is judged. There is a new one for each round.
type ruling struct {
	*judge
	in     *intake.Intake
	batch  *intake.Batch
	events []event.Event
	held   []subject
	quiet  *quiet

	taker *taker    // of what is to be taken back
	also  []subject // what it turned out to be about beside those that are held
}

// rule judges a batch. When it is about more than is held, it is to be judged again. It refuses in
// the batch, which keeps that over rounds; retractions are put in front only when a round is the
// last.
func (c *Court) rule(ctx context.Context, r *ruling) error {
	if err := c.given.sure(ctx, c.reader.Log); err != nil {
		return err
	}
	p, err := c.about.Facts(ctx, c.given.since(r.held))
	if err != nil {
		return err
	}
	r.names = p.Names()
	for first := 0; first < len(r.events); first += facts.Together {
		some := r.events[first:min(first+facts.Together, len(r.events))]
		if err := p.Read(func(s *facts.State) error { return r.look(s, some, first) }); err != nil {
			return err
		}
	}
	if r.also, err = c.joined(p.Names(), r.persons); err != nil {
		return err
	}
	if !r.batch.DryRun() && len(withNew(r.held, r.also)) > len(r.held) {
		return nil // it is no use to go on: they may have changed meanwhile
	}
	if err := c.resolve(ctx, r); err != nil {
		return err
	}
	r.taker = newTaker(c, r, p)
	if r.batch.DryRun() {
		return nil
	}
	if err := c.speak(ctx, r); err != nil || len(r.claims) == 0 {
		return err
	}
	err = r.taker.takeAll(ctx, r.claims)
	r.also = append(r.also, r.taker.also...)
	return err
}

// joined returns what stands for the workers that are one person with those of a batch.
func (c *Court) joined(names *facts.Names, persons []uint32) (all []subject, err error) {
	slices.Sort(persons)
	texts, err := names.AppendWorkers(nil, slices.Compact(persons)...)
	for _, name := range texts {
		all = append(all, c.subjects.one(ofWorker, name))
	}
	return all, err
}

// Note notes that events are in the log which may have changed who has a right over what. Of
// duplicates and refused events nothing is: they changed nothing now.
func (c *Court) Note(v *Verdict, receipts []event.Receipt) {
	last := eventstore.Sequence(0)
	for i := range receipts {
		if receipts[i].Status == event.Appended {
			last = max(last, eventstore.Sequence(receipts[i].Sequence))
		}
	}
	shown, answers := c.about.Shown()
	switch {
	case last == 0:
	case !answers || v.release == nil:
		c.given.toAll(last)
	default:
		c.given.to(v.held, last, shown)
	}
}

// resolve refuses what the doubts are of, unless the publisher itself said what they rest on. The
// first doubt of an event that stays is the one that is told. Each origin is read once, however
// many doubts rest on it. What is said of people comes last, as it may rest on an opening of the
// batch.
func (c *Court) resolve(ctx context.Context, r *ruling) error {
	origins := r.lifeOrigins()
	for i := range r.doubts {
		origins = append(origins, r.doubts[i].origin)
	}
	own := map[eventstore.Sequence]bool{}
	s := &excerpt.Selection{}
	s.Each = func(record eventstore.Record, e *event.Event) error {
		own[record.Sequence] = r.scope.Owns(e)
		return nil
	}
	slices.Sort(origins)
	if err := c.reader.Some(ctx, slices.Compact(origins), s); err != nil {
		return err
	}
	refusals := map[int]*event.Refusal{}
	for _, d := range r.doubts {
		if !own[d.origin] && refusals[d.place] == nil {
			refusals[d.place] = r.scope.ForbidAbout(d.field)
		}
	}
	if err := r.in.Refuse(ctx, r.batch, refusals); err != nil || len(r.lived) == 0 {
		return err
	}
	refusals, err := c.resolveLives(ctx, r, own)
	if err != nil {
		return err
	}
	return r.in.Refuse(ctx, r.batch, refusals)
}

// Always is before every day: something is said for all of them.
const Always temporal.Date = math.MinInt32

// StartOf returns the first day that an event may change.
func StartOf(e *event.Event) temporal.Date {
	d := &e.Data
	switch e.Type {
	case event.EnrolmentTerminated:
		return d.Until
	case event.WorkerDied:
		return d.On
	case event.WorkerMerged:
		return Always
	case event.FundingGranted, event.FundingRevoked, event.ContributionCredited:
		return d.FromMonth.First()
	default:
		return d.From
	}
}

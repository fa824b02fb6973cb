package facts

import (
	"cmp"
	"slices"

	"cakupan/domain/enrolment"
	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
)

// Record is one event about an enrolment, a worker or a commitment, with the span of knowledge in
// which it is in force. It is a copy, and stays as it is while the state goes on. Numbers and terms
// that an event of its kind does not name are 0, and say nothing.
type Record struct {
	Kind      event.Type
	Sequence  eventstore.Sequence
	Retracted eventstore.Sequence // of the retraction; 0: none; before Sequence: never in force

	Enrolment  uint32 // of the four enrolment events, granted, revoked and credited
	Worker     uint32 // opened, died, merged
	Into       uint32 // merged
	Commitment uint32 // granted, revoked, committed, closed, disbursed

	On    temporal.Date // effective day: opened, amended, terminated, reinstated, died
	Terms enrolment.Terms
	Named enrolment.Named // of the terms, which of them: opened, amended
	// Granted, credited; revoked and closed have no until. A disbursed event is a record for each
	// row of months that follow one another.
	From, Until temporal.Month
	Funding     event.Funding // committed
}

// InForce reports whether the event is in force as known at k. Which of the two came first does not
// matter (contract, section 2): where the retraction did, no k is one at which it is in force.
func (r *Record) InForce(k eventstore.Sequence) bool {
	return r.Sequence <= k && (r.Retracted == 0 || r.Retracted > k)
}

// AsOf removes the records that are not in force as known at k. It works in place: what it returns
// has the memory of records.
func AsOf(records []Record, k eventstore.Sequence) []Record {
	return slices.DeleteFunc(records, func(r Record) bool { return !r.InForce(k) })
}

// FactAt returns the fact about an enrolment that is in force and has the sequence. Others about
// the same enrolment are not looked at.
func (s *State) FactAt(seq eventstore.Sequence) (r Record, found bool) {
	i, found := s.factAt(seq)
	if !found || s.facts.At(i).kind == 0 {
		return r, false
	}
	return s.facts.At(i).record(s.OwnerOf(seq).Index()), true
}

// AppendEnrolment appends all that was ever said about an enrolment, in order of the log. Whoever
// asks for what was known before leaves out what came later: see [AsOf]. Of a number that nobody
// has admitted there is nothing.
func (s *State) AppendEnrolment(dst []Record, e uint32) []Record {
	first := len(dst)
	if int(e) < s.enrolments.Len() {
		for at := s.enrolments.At(int(e)).newest; at != 0; {
			f := s.facts.At(int(at - 1))
			if at = f.next; f.kind != 0 {
				dst = append(dst, f.record(e))
			}
		}
	}
	return inOrder(s.appendFormer(dst, newOwner(OfEnrolment, e)), first)
}

// AppendWorker appends the deaths and merges of a worker and the openings of enrolments for the
// worker, all there ever were, in order of the log. Those of other ids of the person are not among
// them.
func (s *State) AppendWorker(dst []Record, w uint32) []Record {
	first := len(dst)
	dst = s.appendLives(dst, w)
	if int(w) < s.workers.Len() {
		links := s.workers.At(int(w))
		if links.first != 0 {
			dst = s.appendOpenings(dst, links.first-1, w)
		}
		for at := links.more; at != 0; {
			m := s.memberships.At(int(at - 1))
			dst, at = s.appendOpenings(dst, m.enrolment, w), m.next
		}
	}
	owner := newOwner(OfWorker, w)
	return inOrder(s.appendAbout(s.appendFormer(dst, owner), owner), first)
}

// appendLives appends the deaths and merges of a worker that are in force. They are not in order of
// each other.
func (s *State) appendLives(dst []Record, w uint32) []Record {
	for _, i := range s.deathsOf[w] {
		d := s.deaths.At(int(i))
		dst = append(dst, Record{
			Kind: event.WorkerDied, Sequence: d.sequence(), Worker: w, On: d.on,
		})
	}
	for _, i := range s.mergesOf[w] {
		m := s.merges.At(int(i))
		dst = append(dst, Record{
			Kind: event.WorkerMerged, Sequence: m.sequence(), Worker: m.worker, Into: m.into,
		})
	}
	return dst
}

// AppendLives appends the deaths and merges of a worker, all there ever were, in order of the log.
// It costs nothing for a worker who has neither, however many the enrolments.
func (s *State) AppendLives(dst []Record, w uint32) []Record {
	first := len(dst)
	owner := newOwner(OfWorker, w)
	dst = s.appendAbout(s.appendFormer(s.appendLives(dst, w), owner), owner)
	if len(dst) == first {
		return dst
	}
	opens := func(r Record) bool { return r.Kind == event.EnrolmentOpened }
	return inOrder(dst[:first+len(slices.DeleteFunc(dst[first:], opens))], first)
}

// EnrolmentCount returns of how many enrolments there is anything to say: their numbers are less.
func (s *State) EnrolmentCount() int { return s.enrolments.Len() }

// WorkerCount returns of how many workers there is anything to say: their numbers are less.
func (s *State) WorkerCount() int { return s.workers.Len() }

// CommitmentCount returns of how many commitments there is anything to say: their numbers are less.
func (s *State) CommitmentCount() int { return len(s.purses) }

// Placed calls yield with all that ever was said of where the worker of an enrolment lives:
// openings and amendments with a region, in force or not, in no order. The number must be less than
// EnrolmentCount. What is retracted and still linked names nothing here: it is among the former
// ones.
func (s *State) Placed(e uint32, yield func(r region.Code)) {
	for at := s.enrolments.At(int(e)).newest; at != 0; {
		f := s.facts.At(int(at - 1))
		f.placed(yield)
		at = f.next
	}
	if len(s.formers.ofOwner) == 0 {
		return
	}
	for at := s.formers.ofOwner[newOwner(OfEnrolment, e)]; at != 0; {
		f := s.former.At(int(at - 1))
		f.placed(yield)
		at = f.next
	}
}

// placed calls yield with the region that a fact names.
func (f *fact) placed(yield func(r region.Code)) {
	switch event.Type(f.kind) {
	case event.EnrolmentOpened, event.EnrolmentAmended:
		if terms, named := PackedTerms(f.detail).Unpack(); named&enrolment.NamesRegion != 0 {
			yield(terms.Region)
		}
	default:
	}
}

// Openers calls yield with the workers for whom an enrolment was ever opened, some more than once.
// Those whose opening is not in force any more are among them.
func (s *State) Openers(e uint32, yield func(w uint32)) {
	for at := s.enrolments.At(int(e)).newest; at != 0; {
		f := s.facts.At(int(at - 1))
		if at = f.next; f.opens() {
			yield(f.subject)
		}
	}
	for at := s.formers.ofOwner[newOwner(OfEnrolment, e)]; at != 0; {
		f := s.former.At(int(at - 1))
		if at = f.next; f.opens() {
			yield(f.subject)
		}
	}
}

// appendOpenings appends the openings of an enrolment for the worker that are in force.
func (s *State) appendOpenings(dst []Record, e, w uint32) []Record {
	for at := s.enrolments.At(int(e)).newest; at != 0; {
		f := s.facts.At(int(at - 1))
		if at = f.next; f.opens() && f.subject == w {
			dst = append(dst, f.record(e))
		}
	}
	return dst
}

// AppendMoney appends the committed, closed and disbursed events of a commitment, all there ever
// were, in order of the log. A disbursed event may be several records with one sequence, which
// follow one another.
func (s *State) AppendMoney(dst []Record, c uint32) []Record {
	first := len(dst)
	s.EachMoney(c, func(r *Record) { dst = append(dst, *r) })
	return inOrder(dst, first)
}

// moneyAt returns the record of a money fact in force.
func (s *State) moneyAt(i uint32) Record {
	m := s.money.At(int(i))
	r := moneyRecord(event.Type(m.kind), m.commitment, m.from, uint32(m.detail))
	r.Sequence = m.sequence()
	return r
}

// moneyRecord returns the record of a money fact, but for its sequence. Detail is what the fact
// has: how many months were paid for, or the source of money.
func moneyRecord(kind event.Type, c uint32, from temporal.Month, detail uint32) Record {
	r := Record{Kind: kind, Commitment: c, From: from}
	if kind == event.FundingDisbursed {
		r.Until = from + temporal.Month(detail)
	} else {
		r.Funding = event.Funding(detail)
	}
	return r
}

// AppendCommitment appends the committed, closed and disbursed events of a commitment and its
// grants, all there ever were, in order of the log. Revocations are not among them: only enrolments
// link to those.
func (s *State) AppendCommitment(dst []Record, c uint32) []Record {
	first := len(dst)
	return inOrder(s.AppendGrants(s.AppendMoney(dst, c), c), first)
}

// AppendGrants appends the grants of a commitment, all there ever were, in order of the log. One
// that is retracted still leads to the next, and is told by the former facts.
func (s *State) AppendGrants(dst []Record, c uint32) []Record {
	first := len(dst)
	if int(c) < s.grantsOf.Len() {
		for at := *s.grantsOf.At(int(c)); at != 0; {
			f := s.facts.At(int(at - 1))
			if at = f.detail; f.kind != 0 {
				dst = append(dst, f.record(s.OwnerOf(f.sequence()).Index()))
			}
		}
	}
	return inOrder(s.appendAbout(dst, newOwner(OfCommitment, c)), first)
}

// appendFormer appends what was said about the owner and is not in force any more. It is in no
// order: the newest comes first.
func (s *State) appendFormer(dst []Record, owner Owner) []Record {
	s.eachFormer(owner, func(r *Record) { dst = append(dst, *r) })
	return dst
}

// eachFormer calls yield with each of them, in the same order.
func (s *State) eachFormer(owner Owner, yield func(r *Record)) {
	for at := s.formers.ofOwner[owner]; at != 0; {
		f := s.former.At(int(at - 1))
		at = f.next
		r := f.record()
		yield(&r)
	}
}

// appendAbout appends what was said of enrolments about a worker or a commitment, and is not in
// force any more.
func (s *State) appendAbout(dst []Record, subject Owner) []Record {
	for at := s.formers.ofSubject[subject]; at != 0; {
		f := s.former.At(int(at - 1))
		dst, at = append(dst, f.record()), f.nextAbout
	}
	return dst
}

func (f *former) record() Record {
	// record returns what was said, with who took it away.
	var r Record
	switch kind := event.Type(f.kind); kind {
	case event.WorkerDied:
		r = Record{Kind: kind, Sequence: f.sequence(), Worker: f.subject, On: temporal.Date(f.from)}
	case event.WorkerMerged:
		r = Record{Kind: kind, Sequence: f.sequence(), Worker: f.subject, Into: f.detail}
	case event.FundingCommitted, event.FundingClosed, event.FundingDisbursed:
		r = moneyRecord(kind, f.subject, temporal.Month(f.from), f.detail)
		r.Sequence = f.sequence()
	default:
		r = f.fact.record(f.owner.Index())
	}
	r.Retracted = f.takenBy()
	return r
}

// record returns a fact about an enrolment. Whether it is retracted the fact does not know: what is
// linked is in force, what is not has another record.
func (f *fact) record(e uint32) Record {
	r := Record{Kind: event.Type(f.kind), Sequence: f.sequence(), Enrolment: e}
	switch r.Kind {
	case event.FundingGranted, event.FundingRevoked:
		r.Commitment = f.subject
		fallthrough
	case event.ContributionCredited:
		r.From, r.Until = temporal.Month(f.from), temporal.Month(f.until)
		return r
	case event.EnrolmentOpened:
		r.Worker = f.subject
	default:
	}
	if r.On = temporal.Date(f.from); f.detail != 0 {
		r.Terms, r.Named = PackedTerms(f.detail).Unpack()
		if r.Named&enrolment.NamesSegment == 0 {
			r.Terms.Segment = 0 // the packed form has no room for none
		}
	}
	return r
}

// inOrder sorts the records from the first one on. The sort need not be stable: records of one
// sequence are parts of one event.
func inOrder(records []Record, first int) []Record {
	slices.SortFunc(records[first:], func(a, b Record) int {
		return cmp.Compare(a.Sequence, b.Sequence)
	})
	return records
}

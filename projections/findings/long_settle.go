package findings

import (
	"cmp"
	"math/bits"
	"slices"

	"cakupan/domain/enrolment"
	"cakupan/domain/temporal"
	"cakupan/projections/spans"
)

// codes are some codes, as bits.
type codes uint32

func (c *codes) set(code Code, is bool) {
	if is {
		*c |= 1 << code
	}
}

func (c codes) count() int { return bits.OnesCount32(uint32(c)) }

// each calls yield with the codes in order.
func (c codes) each(yield func(Code)) {
	for ; c != 0; c &= c - 1 {
		yield(Code(bits.TrailingZeros32(uint32(c))))
	}
}

// found returns what is wrong with the enrolment itself. It says what enrolmentRules say.
func (l *long) found() (is codes) {
	unopened := len(l.workers) == 0
	is.set(EndUnknown, unopened && l.stops > 0)
	is.set(AmendmentUnknown, unopened && l.amendments > 0)
	is.set(CreditUnknown, unopened && l.credits > 0)
	is.set(OpenedTwice, l.opened.Len() > 1)
	is.set(EndedTwice, l.twice > 0)
	is.set(ForeignChange, l.foreign(l.f))
	_, unfunded := without(l.unfunded.around(l.f.month), l.f.month)
	is.set(NeverFunded, unfunded)
	_, stopped := without(l.stopped(), l.f.month)
	is.set(ContributionsStopped, stopped)
	return is
}

// stopped returns the rows around this month in which contributions have stopped: none before the
// first credit, as course.findStopped has it.
func (l *long) stopped() months {
	if l.credited.set.Empty() {
		return nil
	}
	return l.idle.around(l.f.month)
}

// foundOf returns what is wrong with a pair. It says what grantRules say.
func (l *long) foundOf(p *payer) (is codes) {
	if len(p.grants) == 0 {
		return 0
	}
	b := l.f.budget(p.commitment)
	is.set(GrantUnknownEnrolment, len(l.workers) == 0)
	is.set(GrantUnknownCommitment, !b.known)
	is.set(GrantNotAPBD, p.unbudgeted > 0)
	is.set(GrantAfterRevocation, p.again > 0)
	is.set(ASNFunded, p.asn > 0)
	is.set(FunderOutside, p.abroad > 0)
	if first, pays := p.paid.set.First(); pays && b.known {
		last, _ := p.paid.set.Last()
		is.set(GrantBeyondPeriod, first < int32(b.from) || last > int32(b.until))
	}
	return is
}

// settleLong looks at an enrolment whose course is long, and notes by what that differs from what
// was noted last.
func (f *fold) settleLong(l *long) {
	l.refresh()
	is := l.found()
	come, cease := markAll(nil, is&^l.wrong, 0), markAll(nil, l.wrong&^is, 0)
	l.wrong = is
	for _, p := range l.looked {
		l.fund(p)
		is := l.foundOf(p)
		come = markAll(come, is&^p.wrong, p.commitment)
		cease = markAll(cease, p.wrong&^is, p.commitment)
		p.wrong = is
	}
	l.noteLosing()
	for _, p := range l.looked {
		p.looked = false
	}
	l.looked = l.looked[:0]
	l.marks += len(come) - len(cease)
	f.noted[ofEnrolment].set(l.e, l.marks > 0)
	f.noteChanges(owner{kind: ofEnrolment, number: l.e}, come, cease)
	f.wait(l.e, min(nextTurn(l.unfunded.around(f.month), f.month), nextTurn(l.stopped(), f.month)))
	if money := l.line.Len() - l.sent; money*len(l.workers) > moneyKept {
		f.shorten(l)
	}
}

func markAll(all []mark, is codes, second uint32) []mark {
	is.each(func(code Code) { all = append(all, mark{code, second}) })
	return all
}

// noteChanges leaves what has come to be wrong with an owner and what is so no more. What comes is
// in order, as in sink.sorted: it is the order of the records.
func (f *fold) noteChanges(o owner, come, cease []mark) {
	slices.SortFunc(come, func(a, b mark) int {
		return cmp.Or(cmp.Compare(a.code, b.code), cmp.Compare(a.second, b.second))
	})
	f.course.looked += len(come) + len(cease)
	is := step{kind: o.kind, number: o.number}
	for _, m := range cease {
		is.do, is.code, is.n = ceases, uint16(m.code), int64(m.second)
		f.do(is)
	}
	for _, m := range come {
		is.do, is.code, is.n = arises, uint16(m.code), int64(m.second)
		f.do(is)
	}
}

// ending is what an enrolment whose course is long has to do with the ends of commitments that are
// near: for each of the months in which such an end may lie, whether who pays up to it loses cover.
type ending struct {
	from  temporal.Month
	known [endsIn]bool
	loses [endsIn]bool
}

// endsIn is in how many months from this one on the end of a commitment can lie that is near.
const endsIn = endsSoon/28 + 2

// noteLosing notes of which commitments the enrolment loses cover at their end, where that is near:
// see course.losesCover. Of those that pay up to a month all are looked at only when that month's
// end means something else than before.
func (l *long) noteLosing() {
	for _, p := range l.looked {
		if l.f.watched.has(p.commitment) {
			fund := l.f.fundOf(p.commitment)
			l.f.lose(l.e, fund, p.commitment, l.losesCover(p.commitment, fund.end))
		}
	}
	e := &l.ends
	if e.from != l.f.month {
		*e = ending{from: l.f.month}
	}
	for i := range e.known {
		month := e.from + temporal.Month(i)
		loses := l.losesAt(month)
		if e.known[i] && e.loses[i] == loses {
			continue
		}
		e.known[i], e.loses[i] = true, loses
		l.pieces.Over(int32(month-1), int32(month), func(piece spans.Span) {
			l.f.course.looked++
			p := l.payers[piece.ID]
			if !l.f.watched.has(p.commitment) {
				return
			}
			if fund := l.f.fundOf(p.commitment); fund.end == month {
				l.f.lose(l.e, fund, p.commitment, loses)
			}
		})
	}
}

// losesAt reports whether it is covered on the last day before a month, and nobody pays a later
// month.
func (l *long) losesAt(month temporal.Month) bool {
	if last, pays := l.paid.set.Last(); pays && last > int32(month) {
		return false
	}
	count, _ := l.covered.days.At(int32(month.First() - 1))
	return count > 0
}

// losesCover is that of the course.
func (l *long) losesCover(commitment uint32, end temporal.Month) bool {
	p := l.payerOf[commitment]
	if p == nil || end >= enrolment.NeverMonth || !l.losesAt(end) {
		return false
	}
	count, _ := p.paid.set.At(int32(end - 1))
	return count > 0
}

// losesCover reports whether an enrolment loses cover at the end of a commitment.
func (f *fold) losesCover(e, commitment uint32, end temporal.Month) bool {
	if l := f.longOf(e); l != nil {
		return l.losesCover(commitment, end)
	}
	return f.courseOf(e).losesCover(commitment, end)
}

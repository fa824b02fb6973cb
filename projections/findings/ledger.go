package findings

import (
	"cmp"
	"encoding/binary"
	"slices"
	"sort"

	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/projections/facts"
	"cakupan/projections/pages"
)

// latest is beyond every sequence: what is known at it is all there is.
const latest = eventstore.Sequence(1<<63 - 1)

// money is an event about a commitment's terms, or a disbursement of it.
//
// Each is stored as it lies in memory: order and widths are the file's format. An amendment has
// only what it names, the rest is 0 and says nothing. Amounts are whole rupiah; tariff is for a
// head and a month. A revocation and a closing are here for their publisher.
type money struct {
	sequence, retracted   eventstore.Sequence // 0: not retracted
	heads, months, tariff int64
	ceiling               int64 // disbursed: the amount
	commitment            uint32
	from, until           temporal.Month
	funder                region.Code
	kind, named           uint8 // an event.Type; amended: see the bits
	publisher             uint32
}

// The terms that an amendment can name, as bits of money.named.
const (
	namesHeads uint8 = 1 << iota
	namesMonths
	namesTariff
	namesCeiling
	namesUntil
)

// publication is of a workforce of a region, of sector ALL and indicator EMPLOYED: no other one
// makes a percent here. Only Show adds and retracts them: percents are its own.
type publication struct {
	sequence, retracted eventstore.Sequence
	count               int64
	reference           temporal.Date
	region              region.Code
	_                   uint16
}

// dayMark is the first event that was recorded on a day. Days on which nothing was recorded have
// none. The day is that of Makassar (contract, section 8).
type dayMark struct {
	sequence eventstore.Sequence
	day      temporal.Date
	_        uint32
}

// ledger is what findings need of the log and package facts does not keep.
//
// The tables are stored; accounts, countsOf, nameOf and numberOf are derived. Apply changes all but
// the publications, which Show does, both under their locks. A publisher is a number here, so that
// two can be compared, which rules do for every change of an enrolment.
type ledger struct {
	money        *pages.Table[money]
	publications *pages.Table[publication]
	days         *pages.Table[dayMark]
	publishers   *pages.Table[uint32] // by sequence: one of names plus one; 0: nobody asks
	chain        *pages.History       // a hash over each event and all before it, 8 bytes
	names        facts.Lines          // of publishers

	accounts []*books // derived: by commitment; nil: nothing was said of it
	countsOf map[region.Code][]int
	counts   map[region.Code][]int // of countsOf those in force now, by reference and then the log
	nameOf   []string              // derived from names
	numberOf map[string]uint32

	ofSender []uint32 // by number of [senders]: that of names; 0: it was not seen yet

	head uint64 // the last of chain
}

// name is a line of names. Its number is the place of the line, from 1.
type name struct{ Name string }

// chainShift makes pages of 4,096 hashes, of 32 KiB: what a digest as known at any k reads.
const chainShift = 12

func newLedger() *ledger {
	return &ledger{
		money:        pages.NewTable[money](6),
		publications: pages.NewTable[publication](6),
		days:         pages.NewTable[dayMark](8),
		publishers:   pages.NewTable[uint32](12),
		chain:        pages.NewHistory(8, chainShift),
		names:        facts.NewLines(),
		countsOf:     map[region.Code][]int{},
		counts:       map[region.Code][]int{},
		numberOf:     map[string]uint32{},
	}
}

// addMoney notes an event about a commitment. The events must come in order of the log.
func (l *ledger) addMoney(m money) {
	index := l.money.Append(m)
	l.note(index, +1)
	books := l.booksOf(m.commitment)
	*books.list(m.kind) = append(*books.list(m.kind), index)
	if books.states(m.kind) {
		books.budget.state(&m)
		if books.standing != nil {
			books.standing.add(index, &m)
		}
	}
}

// addPublication notes a publication, in order of the log as those before it.
func (l *ledger) addPublication(p publication) {
	i := l.publications.Append(p)
	l.countsOf[p.region] = append(l.countsOf[p.region], i)
	l.count(i)
}

// count notes that a publication is in force.
func (l *ledger) count(i int) {
	p := l.publications.At(i)
	at, _ := l.findCount(p.region, p.reference, i)
	l.counts[p.region] = slices.Insert(l.counts[p.region], at, i)
}

// findCount returns where among those in force a publication of a region is, or belongs.
func (l *ledger) findCount(r region.Code, reference temporal.Date, i int) (int, bool) {
	return slices.BinarySearchFunc(l.counts[r], i, func(other, i int) int {
		return cmp.Or(cmp.Compare(l.publications.At(other).reference, reference),
			cmp.Compare(other, i))
	})
}

// addEvent notes who sent an event and when it was recorded. Every event must be noted, also one
// that means nothing here: publishers and chain are by sequence.
func (l *ledger) addEvent(seq eventstore.Sequence, day temporal.Date, x *extra) {
	if n := l.days.Len(); n == 0 || l.days.At(n-1).day < day {
		l.days.Append(dayMark{sequence: seq, day: day})
	}
	l.publishers.Append(l.publisher(x))
	l.head = chained(l.head, x.hash)
	binary.LittleEndian.PutUint64(l.chain.Append(), l.head)
}

// publisher returns the number of an event's publisher plus one, 0 for none. The text is looked up
// once for each: whoever prepares has told them apart.
func (l *ledger) publisher(x *extra) uint32 {
	if x.sender == 0 {
		return 0
	}
	for int(x.sender) >= len(l.ofSender) {
		l.ofSender = append(l.ofSender, 0)
	}
	number := &l.ofSender[x.sender]
	if *number == 0 {
		*number = l.publisherNamed(x.publisher)
	}
	return *number
}

func (l *ledger) publisherNamed(text string) uint32 {
	number, known := l.numberOf[text]
	if !known {
		l.names.Add(name{text})
		number = l.addName(text)
	}
	return number
}

// addName numbers the next name: in the order in which they came, which the file keeps.
func (l *ledger) addName(text string) uint32 {
	l.nameOf = append(l.nameOf, text)
	number := uint32(len(l.nameOf))
	l.numberOf[text] = number
	return number
}

// day returns the day on which an event was recorded. It must be in the log. One before the first
// event has the first day there is.
func (l *ledger) day(seq eventstore.Sequence) temporal.Date {
	i := sort.Search(l.days.Len(), func(i int) bool { return l.days.At(i).sequence > seq })
	if i == 0 {
		return temporal.MinDate
	}
	return l.days.At(i - 1).day
}

// publisherOf returns the number of who sent an event. 0 is that of an event that cannot be
// foreign, which nobody asks about. The event must be in the log.
func (l *ledger) publisherOf(seq eventstore.Sequence) uint32 {
	return *l.publishers.At(int(seq - 1))
}

// moneyAt returns an event about a commitment; nil when the event is none, or is retracted.
func (l *ledger) moneyAt(seq eventstore.Sequence) *money {
	i := sort.Search(l.money.Len(), func(i int) bool { return l.money.At(i).sequence >= seq })
	if i == l.money.Len() || l.money.At(i).sequence != seq || l.money.At(i).retracted != 0 {
		return nil
	}
	return l.money.At(i)
}

// retractMoney takes an event about a commitment out of force, which is in force. It must be one
// that moneyAt returns.
func (l *ledger) retractMoney(target, by eventstore.Sequence) {
	i := sort.Search(l.money.Len(), func(i int) bool { return l.money.At(i).sequence >= target })
	l.note(i, -1)
	m := l.money.Edit(i)
	m.retracted = by
	if books := l.booksOf(m.commitment); books.states(m.kind) {
		books.budget = l.standingOf(books).budget(l.money)
	}
}

// standingOf returns the statements of a commitment that are in force. Few commitments have any
// retracted: those are gathered when the first is.
func (l *ledger) standingOf(b *books) *statements {
	if b.standing == nil {
		b.standing = &statements{}
		for _, i := range b.terms {
			if m := l.money.At(i); m.retracted == 0 {
				b.standing.add(i, m)
			}
		}
	}
	return b.standing
}

// publicationAt returns a publication in force; nil when the event is none.
func (l *ledger) publicationAt(seq eventstore.Sequence) *publication {
	t := l.publications
	i := sort.Search(t.Len(), func(i int) bool { return t.At(i).sequence >= seq })
	if i == t.Len() || t.At(i).sequence != seq || t.At(i).retracted != 0 {
		return nil
	}
	return t.At(i)
}

// retractPublication takes a publication out of force; false when the event is none, or is
// retracted already.
func (l *ledger) retractPublication(target, by eventstore.Sequence) (*publication, bool) {
	t := l.publications
	i := sort.Search(t.Len(), func(i int) bool { return t.At(i).sequence >= target })
	if i == t.Len() || t.At(i).sequence != target || t.At(i).retracted != 0 {
		return nil, false
	}
	p := t.Edit(i)
	p.retracted = by
	if at, found := l.findCount(p.region, p.reference, i); found {
		l.counts[p.region] = slices.Delete(l.counts[p.region], at, at+1)
	}
	return p, true
}

// inForce reports whether an event is in force as known at k.
func inForce(sequence, retracted, k eventstore.Sequence) bool {
	return sequence <= k && (retracted == 0 || retracted > k)
}

// workforceAsOf returns the publication that counts for a region on a day, as known at k; nil:
// none.
//
// It is the latest by reference, of equal ones the last of the log (contract, section 3). Of those
// in force now it is found by a search, as each month since a publication asks; as known before,
// all are looked at.
func (l *ledger) workforceAsOf(r region.Code, on temporal.Date, k eventstore.Sequence,
) (best *publication) {
	if k == latest {
		if at, _ := l.findCount(r, on+1, -1); at > 0 {
			return l.publications.At(l.counts[r][at-1])
		}
		return nil
	}
	for _, i := range l.countsOf[r] {
		p := l.publications.At(i)
		if p.reference <= on && inForce(p.sequence, p.retracted, k) &&
			(best == nil || p.reference >= best.reference) {
			best = p
		}
	}
	return best
}

// derive makes what is kept beside the tables. The tables must be loaded, and names be added,
// before that.
func (l *ledger) derive() {
	for i := range l.money.Len() {
		m := l.money.At(i)
		list := l.booksOf(m.commitment).list(m.kind)
		*list = append(*list, i)
		if m.retracted == 0 {
			l.note(i, +1)
		}
	}
	// Budgets come last: a commitment's events lie among those of others.
	for c, books := range l.accounts {
		if books != nil {
			books.budget = l.budgetAsOf(uint32(c), latest)
		}
	}
	for i := range l.publications.Len() {
		r := l.publications.At(i).region
		l.countsOf[r] = append(l.countsOf[r], i)
		if l.publications.At(i).retracted == 0 {
			l.count(i)
		}
	}
}

// moneyFrom returns what is kept of a decoded event about a commitment. Rupiah and months are as
// sent: the contract bounds them.
func moneyFrom(seq eventstore.Sequence, commitment uint32, e *event.Event) money {
	d := &e.Data
	m := money{
		sequence: seq, kind: uint8(e.Type), commitment: commitment, heads: d.Heads,
		months: d.Months, tariff: d.Tariff, ceiling: d.Ceiling, from: d.FromMonth,
		until: d.UntilMonth, funder: d.Funder,
	}
	if e.Type == event.FundingDisbursed {
		m.ceiling = d.Amount
	}
	for bit, f := range [...]event.Field{
		event.FieldHeads, event.FieldMonths, event.FieldTariff, event.FieldCeiling,
		event.FieldUntilMonth,
	} {
		if d.Has.Has(f) {
			m.named |= 1 << bit
		}
	}
	return m
}

package findings

import (
	"cmp"
	"slices"
	"sort"

	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/projections/pages"
)

// record is a finding: from which event on it is there, until which. All else is worked out when
// somebody asks.
//
// It is stored as it lies in memory, so that order, widths and the padding are the file's format: a
// change of any needs another version. Number and second are those of the state and last as long as
// the file does, which numbers names in the order of the log; they are never shown.
//
// Once raised, a record never changes but for until, which is set once. What is wrong again later
// is a new record (contract, section 8).
type record struct {
	since, until eventstore.Sequence // until 0: open
	number       uint32              // of the owner
	second       uint32              // the commitment of a pair; of a dated event its date
	month        int32               // of a region
	code         Code
	kind         kind
	_            uint16
}

func (r *record) owner() owner { return owner{r.kind, r.number, r.month} }

// openAt reports whether the finding was raised by then, and is not resolved as known then: a
// resolution after k says nothing about k.
func (r *record) openAt(k eventstore.Sequence) bool {
	return r.since <= k && (r.until == 0 || r.until > k)
}

// records are all findings there ever were, in the order in which they were raised. Those that are
// open, but for the dated ones, are linked by owner, so that whoever has none costs a look.
//
// The table belongs to Show, which adds and edits; readers look at it while they hold showing.
// heads has a link for each number, but of regions: these are by month too, and few have any open.
// Links are not stored: they are made again from what has no end, in one pass.
//
// Dated findings are not linked: nothing that happens to their owner resolves them, but only the
// retraction of the event itself, by whose sequence they are found.
type records struct {
	table *pages.Table[record]
	// Derived, as the next: by kind and number the last one that is open; of regions in months.
	heads  [ofRegion][]link
	months map[owner]link
	next   []link // by index: another one that is open of the same owner

	// Of owners of whom it is told one by one what comes and goes: theirs are linked to nothing.
	many map[owner]map[mark]link

	ahead  []uint32     // memory of prefetch
	places map[mark]int // memory of marks
}

// link is the index of a record plus one; 0: none. Indexes never move, because records are never
// removed.
type link uint32

// newRecords returns those of an empty log, in pages of 256: a commit writes each page of which a
// record got its until, and these lie all over the table.
func newRecords() *records {
	return &records{
		table: pages.NewTable[record](8), months: map[owner]link{}, places: map[mark]int{},
		many: map[owner]map[mark]link{},
	}
}

// head returns the first link of an owner. Owners that nobody has noted anything of have none, and
// no memory either.
func (r *records) head(o owner) link {
	if o.kind == ofRegion {
		return r.months[o]
	}
	if heads := r.heads[o.kind]; int(o.number) < len(heads) {
		return heads[o.number]
	}
	return 0
}

// prefetch has brought into the cache what is open of enrolments. A frame after an import touches
// enrolments at random: the misses then overlap instead of following one another.
func (r *records) prefetch(enrolments []uint32) {
	r.ahead = r.ahead[:0]
	for _, e := range enrolments {
		if at := r.head(owner{kind: ofEnrolment, number: e}); at != 0 {
			r.ahead = append(r.ahead, uint32(at-1))
		}
	}
	r.table.Prefetch(r.ahead)
}

// setHead notes which one is first now. A region's month of which nothing is open is dropped: there
// would be one for every month and region since the first event.
func (r *records) setHead(o owner, to link) {
	if o.kind == ofRegion {
		if to == 0 {
			delete(r.months, o)
		} else {
			r.months[o] = to
		}
		return
	}
	heads := &r.heads[o.kind]
	if n := int(o.number) + 1; n > len(*heads) {
		*heads = append(*heads, make([]link, n-len(*heads))...)
	}
	(*heads)[o.number] = to
}

// appendOpen appends the indexes of the findings that are open of an owner.
func (r *records) appendOpen(all []uint32, o owner) []uint32 {
	for at := r.head(o); at != 0; at = r.next[at-1] {
		all = append(all, uint32(at-1))
	}
	first := len(all)
	for _, at := range r.many[o] {
		all = append(all, uint32(at-1))
	}
	slices.Sort(all[first:])
	return all
}

// append appends a record that is linked to nothing, and returns the link to it. Records must come
// in order of since: from searches by it.
func (r *records) append(is record) link {
	r.next = append(r.next, 0)
	return link(r.table.Append(is) + 1)
}

// settle makes what is wrong with an owner all that is open of it, from an event on.
//
// What is open and wrong still stays as it is, with its since: a finding that grows is the same
// one. What is not wrong any more ends with the event; what is new begins with it. Some of all is
// moved about: it is the caller's memory, and of no use to him after that. An owner must not have
// the same mark twice.
func (r *records) settle(o owner, all []mark, seq eventstore.Sequence) {
	r.gather(o)
	was := r.head(o)
	if was == 0 && len(all) == 0 {
		return
	}
	head, left := link(0), newMarks(all, r.places)
	for at := was; at != 0; {
		next, is := r.next[at-1], r.table.At(int(at-1))
		if left.take(mark{is.code, is.second}) {
			r.next[at-1], head = head, at
		} else {
			r.table.Edit(int(at - 1)).until = seq
		}
		at = next
	}
	all = left.rest()
	for i := range all {
		at := r.append(record{
			since: seq, number: o.number, second: all[i].second, month: o.month,
			code: all[i].code, kind: o.kind,
		})
		r.next[at-1], head = head, at
	}
	r.setHead(o, head)
}

// arise notes that something is wrong with an owner that was not so, from an event on; cease that
// something is so no more. They cost the same however much is open of the owner. Only the first one
// of an owner looks at all of it.
func (r *records) arise(o owner, m mark, seq eventstore.Sequence) {
	r.scatter(o)[m] = r.append(record{
		since: seq, number: o.number, second: m.second, month: o.month, code: m.code, kind: o.kind,
	})
}

func (r *records) cease(o owner, m mark, seq eventstore.Sequence) {
	open := r.scatter(o)
	if at := open[m]; at != 0 {
		r.table.Edit(int(at - 1)).until = seq
		delete(open, m)
	}
}

// scatter returns what is open of an owner by what is wrong, and links it no more.
func (r *records) scatter(o owner) map[mark]link {
	open := r.many[o]
	if open == nil {
		open = map[mark]link{}
		for at := r.head(o); at != 0; at = r.next[at-1] {
			is := r.table.At(int(at - 1))
			open[mark{is.code, is.second}] = at
		}
		r.setHead(o, 0)
		r.many[o] = open
	}
	return open
}

// gather links what is open of an owner again.
func (r *records) gather(o owner) {
	if len(r.many) == 0 { // nearly always
		return
	}
	open := r.many[o]
	if open == nil {
		return
	}
	delete(r.many, o)
	head := link(0)
	for _, at := range open { // the order within an owner's links says nothing
		r.next[at-1], head = head, at
	}
	r.setHead(o, head)
}

// marks are what is wrong with an owner, of which some are taken out. Of few each is looked at; of
// many it is noted where they are: an enrolment that thousands of commitments were granted to has
// as many.
type marks struct {
	all    []mark
	places map[mark]int // of those that are left; nil: they are few
}

// fewMarks is up to how many are few.
const fewMarks = 16

// newMarks returns those in the caller's memory, some of which is moved about. The places are
// memory too, and empty.
func newMarks(all []mark, places map[mark]int) marks {
	if len(all) <= fewMarks {
		return marks{all: all}
	}
	for i := range all {
		places[all[i]] = i
	}
	return marks{all, places}
}

// take takes one out, and returns whether it was there.
func (m *marks) take(one mark) bool {
	if m.places == nil {
		i := slices.Index(m.all, one)
		if i >= 0 {
			m.all = slices.Delete(m.all, i, i+1)
		}
		return i >= 0
	}
	_, is := m.places[one]
	delete(m.places, one)
	return is
}

// rest returns those that are left, in their order.
func (m *marks) rest() []mark {
	if m.places == nil {
		return m.all
	}
	rest := slices.DeleteFunc(m.all, func(one mark) bool {
		_, is := m.places[one]
		return !is
	})
	clear(m.places)
	return rest
}

// raise adds a finding about an event and its date. Its since is the event's own sequence, always:
// that is how resolve finds it.
func (r *records) raise(code Code, o owner, date temporal.Date, seq eventstore.Sequence) {
	r.append(record{
		since: seq, number: o.number, second: uint32(int32(date)), code: code, kind: o.kind,
	})
}

// resolve ends what is dated of an event that is not in force any more. Others that the event has
// raised end by their rules, when what it says is not in force. An event that raised none, and one
// that is not in the log, change nothing.
func (r *records) resolve(target, seq eventstore.Sequence) {
	for i := r.from(target); i < r.table.Len() && r.table.At(i).since == target; i++ {
		if is := r.table.At(i); is.code.dated() && is.until == 0 {
			r.table.Edit(i).until = seq
		}
	}
}

// from returns the index of the first finding that was raised by an event or a later one. It is the
// number of records when there is none.
func (r *records) from(seq eventstore.Sequence) int {
	return sort.Search(r.table.Len(), func(i int) bool { return r.table.At(i).since >= seq })
}

// derive links what is open. The order within an owner's links is not the one that the fold had
// left: nothing depends on it.
func (r *records) derive() {
	r.next = make([]link, r.table.Len())
	for i := range r.table.Len() {
		if is := r.table.At(i); is.until == 0 && !is.code.dated() {
			r.next[i] = r.head(is.owner())
			r.setHead(is.owner(), link(i+1))
		}
	}
}

// sortedNumbers returns numbers in order, each once. It works in place, in the caller's memory.
func sortedNumbers[T cmp.Ordered](all []T) []T {
	slices.Sort(all)
	return slices.Compact(all)
}

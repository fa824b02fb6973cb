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

// knownAt reports whether the finding was raised by then, and is not resolved: see Until.
func (r *record) openAt(k eventstore.Sequence) bool {
	return r.since <= k && (r.until == 0 || r.until > k)
}

// records are all findings there ever were, in the order in which they were raised.
type records struct {
	table *pages.Table[record]
	open  map[owner][]uint32 // derived: but for the dated ones
	had   map[kind][]uint64  // derived: a bit for each owner that may be in open; spares look-ups
}

func newRecords() *records {
	return &records{pages.NewTable[record](8), map[owner][]uint32{}, map[kind][]uint64{}}
}

// mayHave reports whether an owner may be in open.
func (r *records) mayHave(o owner) bool {
	bits, word := r.had[o.kind], int(o.number>>6)
	return word < len(bits) && bits[word]>>(o.number&63)&1 != 0
}

// note notes that an owner is in open.
func (r *records) note(o owner) {
	bits, word := r.had[o.kind], int(o.number>>6)
	for word >= len(bits) {
		bits = append(bits, 0)
	}
	bits[word] |= 1 << (o.number & 63)
	r.had[o.kind] = bits
}

// settle makes what was found about an owner all that is open of it, from an event on.
func (r *records) settle(o owner, all []found, seq eventstore.Sequence) {
	if len(all) == 0 && !r.mayHave(o) {
		return
	}
	kept := r.open[o][:0]
	for _, at := range r.open[o] {
		is := r.table.At(int(at))
		i := indexOf(all, is)
		if i < 0 {
			r.table.Edit(int(at)).until = seq
			continue
		}
		kept = append(kept, at)
		all = slices.Delete(all, i, i+1)
	}
	for i := range all {
		kept = append(kept, uint32(r.table.Append(record{
			since: seq, number: o.number, second: all[i].second, month: o.month,
			code: all[i].code, kind: o.kind,
		})))
	}
	if len(kept) == 0 {
		delete(r.open, o)
		return
	}
	r.open[o] = kept
	r.note(o)
}

// indexOf returns which of what was found a record is of, -1 when none is.
func indexOf(all []found, r *record) int {
	for i := range all {
		if all[i].code == r.code && all[i].second == r.second {
			return i
		}
	}
	return -1
}

// raise adds a finding about an event and its date.
func (r *records) raise(code Code, o owner, date temporal.Date, seq eventstore.Sequence) {
	r.table.Append(record{
		since: seq, number: o.number, second: uint32(int32(date)), code: code, kind: o.kind,
	})
}

// resolve ends what is dated of an event that is not in force any more.
func (r *records) resolve(target, seq eventstore.Sequence) {
	for i := r.from(target); i < r.table.Len() && r.table.At(i).since == target; i++ {
		if is := r.table.At(i); is.code.dated() && is.until == 0 {
			r.table.Edit(i).until = seq
		}
	}
}

// from returns the index of the first finding that was raised by an event or a later one.
func (r *records) from(seq eventstore.Sequence) int {
	return sort.Search(r.table.Len(), func(i int) bool { return r.table.At(i).since >= seq })
}

// derive finds what is open.
func (r *records) derive() {
	for i := range r.table.Len() {
		if is := r.table.At(i); is.until == 0 && !is.code.dated() {
			r.open[is.owner()] = append(r.open[is.owner()], uint32(i))
			r.note(is.owner())
		}
	}
}

// sortedNumbers returns numbers in order, each once.
func sortedNumbers[T cmp.Ordered](all []T) []T {
	slices.Sort(all)
	return slices.Compact(all)
}

package findings

import (
	"cakupan/domain/enrolment"
	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
)

// step is something that the fold leaves for Show to do. Those of an event follow one another, from
// its begin on; what a step needs more of follows it as parts.
//
// They are how Apply and Show run at the same time: a step has all that Show needs, and nothing
// that the fold may change meanwhile. A batch holds tens of thousands of them, which is why a step
// is 24 bytes for all actions. It is never stored.
type step struct {
	do     action
	kind   kind   // of the owner
	code   uint16 // a Code, or that of a region
	number uint32 // of the owner; of a part of a note: the second
	from   int32  // a month or a day, as the next
	until  int32
	n      int64 // a sequence, a weight, a count; how many parts follow
}

// action is what a step does. The order says nothing; part is 0, so that a part need not say what
// it is.
type action uint8

const (
	part      action = iota // of the step before it
	begin                   // the next event: n
	endMonths               // the months before one have ended
	note                    // what is wrong with an owner, in parts
	arises                  // one more thing that is: a code, and in n the second
	ceases                  // one that is no more
	stand                   // where a person is covered, in parts
	forget                  // where a person was covered: others count that
	weigh                   // one of a crowd's months in a region
	publish                 // a workforce
	unpublish               // that of an event, if it is one
	raise                   // something wrong with an event's date
	resolve                 // what is wrong with the date of an event
	check                   // what is wrong with regions now
)

// mark is something that is wrong, without its details.
type mark struct {
	code   Code
	second uint32 // the commitment, where the finding is about a pair; else 0
}

// stepsMost is how many steps a batch holds, but for the parts of the last one: of an event that
// changes hundreds of thousands of enrolments there are millions.
const stepsMost = 1 << 15

// do leaves a step, in the order in which Show must do them. A step goes where its parts go: those
// that a batch cannot hold are shown before it.
func (f *fold) do(s step) {
	if f.spill != nil && len(f.steps) >= f.most && s.do != part {
		f.spill()
	}
	f.steps = append(f.steps, s)
	f.left++
}

// note leaves what was found about an owner, if anything was or is open of it. Nearly always
// nothing was wrong and nothing is: then Show need not hear of it.
func (f *fold) note(o owner, all []found) {
	if !f.noted[o.kind].set(o.number, len(all) > 0) && len(all) == 0 {
		return
	}
	f.do(step{do: note, kind: o.kind, number: o.number, n: int64(len(all))})
	for i := range all {
		f.do(step{code: uint16(all[i].code), number: all[i].second})
	}
}

// stand leaves where a person is covered. Show compares that with what it was told last.
func (f *fold) stand(person uint32, stays []stay) {
	f.do(step{do: stand, number: person, n: int64(len(stays))})
	for _, s := range stays {
		f.do(step{code: uint16(s.code), from: int32(s.From), until: int32(s.Until)})
	}
}

// weigh leaves months in a region in which one of a crowd is covered, or no more. Of crowds only
// what changes is told: their stays are too many to compare each time.
func (f *fold) weigh(code region.Code, s enrolment.Span, weight int64) {
	f.do(step{
		do: weigh, code: uint16(code), from: int32(s.From), until: int32(s.Until), n: weight,
	})
}

// publish leaves a workforce that makes percents. Others are of no use here: no rule compares with
// them.
func (f *fold) publish(d *event.Data) {
	if d.Sector == event.AllSectors && d.Indicator == event.Employed {
		f.do(step{
			do: publish, code: uint16(d.Region), from: int32(d.Reference), n: d.Count,
		})
	}
}

// raise leaves something wrong with the date of the event.
func (f *fold) raise(code Code, o owner, date temporal.Date) {
	f.do(step{do: raise, kind: o.kind, code: uint16(code), number: o.number, from: int32(date)})
}

func (s *step) owner() owner                  { return owner{kind: s.kind, number: s.number} }
func (s *step) span() enrolment.Span          { return spanOf(s.from, s.until) }
func (s *step) mark() mark                    { return mark{Code(s.code), uint32(s.n)} }
func (s *step) sequence() eventstore.Sequence { return eventstore.Sequence(s.n) }

// bitset has a bit a number. It grows with the numbers, all bits 0.
type bitset []uint64

// has reports whether a bit is set.
func (b bitset) has(number uint32) bool {
	return int(number>>6) < len(b) && b[number>>6]&(1<<(number&63)) != 0
}

// set sets a bit, and returns what it was.
func (b *bitset) set(number uint32, to bool) (was bool) {
	for int(number>>6) >= len(*b) {
		*b = append(*b, 0)
	}
	word, bit := &(*b)[number>>6], uint64(1)<<(number&63)
	was = *word&bit != 0
	if *word &^= bit; to {
		*word |= bit
	}
	return was
}

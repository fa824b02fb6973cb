// Package cost is what events cost the ledger, and who must wait for having sent dear ones: those
// that change many enrolments each, or are about an enrolment of very many facts. It estimates, and
// no answer is made of it.
package cost

import (
	"fmt"
	"math"
	"sync"
	"time"

	"cakupan/cmd/internal/problem"
	"cakupan/domain/event"
)

// What a publisher may change by events that change many enrolments each, and by their retractions.
// Others cost nothing here, so that a list of people is never held up, however long it is.
//
// The coverage looks at about three million changes a second. At a twelfth of that many publishers
// can be at it, and what one sends at once is shown within the five seconds that a reader waits: 15
// million are all months of a year, disbursed one by one, for a commitment of 600,000 grants; or
// 15,000 facts about one enrolment.
const (
	ChangesPerSecond = 250_000
	ChangesAtOnce    = 15_000_000
)

// debtorsMax bounds the publishers that are remembered. At some hundred bytes each that is a
// megabyte or two.
const debtorsMax = 8_192

// Throttle slows down publishers whose events are dear. Who has some of the budget left may send
// what costs more: nothing is too dear for ever. All methods may be called at the same time. It is
// of this process and not persisted: a restart gives everybody a whole budget.
type Throttle struct {
	perSecond, atOnce float64 // changes

	mu      sync.Mutex
	debtors map[string]*budget // whose budget is not whole
}

// Dear is an event that changes much. Changes are enrolments that the projections have to look at,
// or what takes as long.
type Dear struct {
	place     int    // in its batch
	publisher string // whoever has logged in, else the source of the event
	kind      event.Type
	Changes   int
}

// budget is what a publisher had left at a moment; below 0 it waits. Changes, not events. It is
// refilled when somebody looks at it, so that it costs nothing meanwhile.
type budget struct {
	left float64
	at   time.Time
}

// NewThrottle returns one by which every publisher has a whole budget of atOnce.
func NewThrottle(perSecond, atOnce float64) *Throttle {
	return &Throttle{perSecond: perSecond, atOnce: atOnce, debtors: map[string]*budget{}}
}

// refill adds what has come in since the last time. A clock that was set back adds nothing.
func (t *Throttle) refill(b *budget, now time.Time) {
	b.left = min(t.atOnce, b.left+max(0, now.Sub(b.at).Seconds())*t.perSecond)
	b.at = now
}

// Take takes what events cost off the budgets of their publishers. When one of them has none left,
// nothing is taken, and the error says when to send them again. A single event may take more than
// is left, down to below 0, and is paid for by the waiting of those after it.
func (t *Throttle) Take(dear []Dear, now time.Time) error {
	if len(dear) == 0 {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	least, dearest := 0.0, &dear[0]
	for i := range dear {
		left := t.of(dear[i].publisher, now).left
		switch {
		case left < least:
			least, dearest = left, &dear[i]
		case left == least && dear[i].Changes > dearest.Changes:
			dearest = &dear[i]
		}
	}
	if least < 0 {
		return t.tooDear(dearest, -least/t.perSecond)
	}
	if err := t.fitTogether(dear, now); err != nil {
		return err
	}
	for i := range dear {
		t.of(dear[i].publisher, now).left -= float64(dear[i].Changes)
	}
	t.forget(now)
	return nil
}

// Together is the error for events that are too dear all at once: fewer of them may not be. It is
// told from other errors by its type, and is shown as the one inside.
type Together struct{ why *problem.Error }

// Error says it as the one inside does, which Unwrap returns.
func (t Together) Error() string { return t.why.Error() }

// Unwrap returns the error inside.
func (t Together) Unwrap() error { return t.why }

// fitTogether refuses several events of one publisher that cost more than he has left: only one
// alone may, or what is sent at once would be folded for minutes.
func (t *Throttle) fitTogether(dear []Dear, now time.Time) error {
	type sum struct{ count, changes int }
	sums := map[string]sum{}
	for i := range dear {
		d := &dear[i]
		s := sum{sums[d.publisher].count + 1, sums[d.publisher].changes + d.Changes}
		sums[d.publisher] = s
		left := t.of(d.publisher, now).left
		if s.count > 1 && float64(s.changes) > left {
			wait := min(float64(s.changes), t.atOnce) - left
			return Together{t.tooDear(d, wait/t.perSecond)}
		}
	}
	return nil
}

// GiveBack gives back what was taken for events that were not appended: those that were there, and
// those that were refused. Receipts are by place in the batch.
func (t *Throttle) GiveBack(dear []Dear, receipts []event.Receipt, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range dear {
		if d := &dear[i]; receipts[d.place].Status != event.Appended {
			b := t.of(d.publisher, now)
			b.left = min(t.atOnce, b.left+float64(d.Changes))
		}
	}
}

// of returns the budget of a publisher as of now. mu is held; the budget is valid for as long.
func (t *Throttle) of(publisher string, now time.Time) *budget {
	b := t.debtors[publisher]
	if b == nil {
		b = &budget{left: t.atOnce, at: now}
		t.debtors[publisher] = b
	}
	t.refill(b, now)
	return b
}

// forget forgets the budgets that are whole again when there are too many, and if that does not
// help, those that wait for nothing. Who is forgotten has a whole budget: nobody is worse off.
func (t *Throttle) forget(now time.Time) {
	for _, enough := range [...]float64{t.atOnce, 0} {
		if len(t.debtors) <= debtorsMax {
			return
		}
		for name, b := range t.debtors {
			if t.refill(b, now); b.left >= enough {
				delete(t.debtors, name)
			}
		}
	}
}

// tooDear is the error for events of a publisher who must wait so many seconds.
func (t *Throttle) tooDear(d *Dear, wait float64) *problem.Error {
	after := max(int(math.Ceil(wait)), 1)
	return &problem.Error{Code: problem.EventsDear, Retry: after, Detail: fmt.Sprintf(
		"nothing of these was taken: of one publisher, events that change %.0f enrolments a second"+
			" are, or that are about one of as many facts, and those before these changed more."+
			" Send these again in %d s; the dearest is a %s that changes about %d",
		t.perSecond, after, d.kind, d.Changes)}
}

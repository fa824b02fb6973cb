package whole

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
)

// Errors of a plan. The caller puts them into words: no language is known here.
var (
	// ErrSources is returned for a list id that several sources use.
	ErrSources = errors.New("several sources have a list of that id")
	// ErrNoEnd is returned where rows that are gone are to be ended, and are of a kind that knows
	// no end.
	ErrNoEnd = errors.New("rows of this kind cannot be ended")
	// ErrUnsaid is returned where what was taken back cannot be said again, as the ledger is of a
	// version that does not say which events are not in force.
	ErrUnsaid = errors.New("the ledger does not say what was taken back")
	// ErrNothing is returned where there is nothing to undo.
	ErrNothing = errors.New("there is nothing to undo")
)

// Gone says what becomes of rows that are gone from a list. The zero Gone keeps them as they are,
// which is a choice too. End is a date, YYYY-MM-DD; of a grant its month counts.
type Gone struct {
	Retract bool
	End     string // the first day that is not covered any more, or month that is not paid
}

// Kind says what a change does.
type Kind uint8

// The kinds of changes.
const (
	Added    Kind = iota + 1
	Changed       // what was said is taken back, and said anew
	Returned      // a row that was ended is on the list again
	Removed       // a row that is gone is taken back
	Ended         // a row that is gone is ended
	Undone        // what the last step has said is taken back
	Restored      // what it has taken back is said again
)

// Change is what belongs together: its events are never parted. A change in the log by half would
// be a row that is taken back and not said anew.
type Change struct {
	Kind   Kind
	Row    int   // of the list; 0: it has none
	Was    *Item // what the ledger had
	events []*draft
}

// draft is an event that is not numbered yet. It is made into an event once the step has its number
// and size, which all its events carry.
type draft struct {
	id, kind string
	data     json.RawMessage // nil: those of event
	event    []byte
	row      int
	ends     string
	key      string
}

// Plan is a step of a list. It is made once and not changed. It holds for the history it was made
// of: when events come to the list meanwhile, another one must be made.
type Plan struct {
	Unchanged int
	Gone      []*Item // rows that are gone, whatever becomes of them
	Changes   []Change

	h        *History
	step     int
	size     int
	undoes   uint64
	resuming bool
	again    map[string]int // how often a base is said in this plan
	parts    int            // see Parts; 0: not counted
}

// Len returns how many events the plan has.
func (p *Plan) Len() (n int) {
	for i := range p.Changes {
		n += len(p.Changes[i].events)
	}
	return n
}

// Corrects tells whether the plan does more than add rows.
func (p *Plan) Corrects() bool {
	for i := range p.Changes {
		if p.Changes[i].Kind != Added {
			return true
		}
	}
	return false
}

// Seen returns how far the history went that the plan was made of: it holds only while the list has
// no later event.
func (p *Plan) Seen() uint64 { return p.h.Seen() }

// Step returns the number of the step, and whether it goes on with one that was broken off. Steps
// count from 1.
func (p *Plan) Step() (step int, resuming bool) { return p.step, p.resuming }

// Comparison compares the rows of a list with what the ledger has of it. Rows of which it has the
// very event leave nothing behind but their number.
type Comparison struct {
	h         *History
	fresh     map[string]bool // bases of rows that the ledger has not
	order     []*Item         // those rows, in order of the file
	returned  []returned
	unchanged int
}

// returned is a row of the file, and the one in the ledger that was ended.
type returned struct {
	row int
	was *Item
}

// Compare begins a comparison. Only the last one that was begun is good.
func (h *History) Compare() *Comparison {
	h.compared++
	return &Comparison{h: h, fresh: map[string]bool{}}
}

// Row takes in the next row, as an event in JSON, which belongs to the comparison from then on
// unless the ledger has the very event: then same is true. A row that is there twice counts once.
// number is that of the row in the file. It fails for a row that is no event.
func (c *Comparison) Row(event []byte, number int) (same bool, err error) {
	var l line
	if err := json.Unmarshal(event, &l); err != nil {
		return false, fmt.Errorf("read row %d: %w", number, err)
	}
	row := l.item(c.h.texts)
	row.Row, row.rare = number, &rare{key: l.Key, event: event}
	base := row.base()
	switch was := c.h.inForce(base); {
	case was == nil:
		if !c.fresh[base] {
			c.fresh[base] = true
			c.order = append(c.order, row)
		}
	case was.mark == c.h.compared: // a row before has said it
	case c.h.ended[base] != nil:
		was.mark = c.h.compared
		c.returned = append(c.returned, returned{number, was})
	default:
		was.mark = c.h.compared
		c.unchanged++
		return was.ID == row.ID, nil
	}
	return false, nil
}

// Plan returns what makes the ledger say what the rows say. gone says what becomes of rows that are
// not among them; nil: they are found and kept. The same rows and history always give the same
// plan, in the order: rows that return, changed ones in order of the log, new ones in order of the
// file, and those that are gone. It fails with ErrNoEnd. Nothing is done by it.
func (c *Comparison) Plan(gone *Gone) (*Plan, error) {
	p := &Plan{h: c.h, again: map[string]int{}, Unchanged: c.unchanged}
	for _, r := range c.returned {
		p.back(Change{Kind: Returned, Row: r.row, Was: r.was}, c.h.ended[r.was.base()], nil)
	}
	lacking := map[person][]*Item{}
	for _, row := range c.order {
		lacking[row.who] = append(lacking[row.who], row)
	}
	rows := c.h.Rows()
	present := c.present(rows)
	for _, was := range rows {
		if was.mark == c.h.compared {
			continue
		}
		switch next := lacking[was.who]; {
		// Rows of one person that were changed are matched in order: which of two became which
		// cannot be told, and does not matter to what is in force.
		case len(next) > 0:
			lacking[was.who] = next[1:]
			p.back(Change{Kind: Changed, Row: next[0].Row, Was: was}, was, next[0])
		case present[was.who]: // another row says otherwise by now
			p.back(Change{Kind: Changed, Was: was}, was, nil)
		case c.h.ended[was.base()] == nil:
			p.Gone = append(p.Gone, was)
		}
	}
	for _, row := range c.order {
		if next := lacking[row.who]; len(next) > 0 && next[0] == row {
			lacking[row.who] = next[1:]
			p.add(Change{Kind: Added, Row: row.Row}, p.say(row))
		}
	}
	if gone != nil {
		if err := p.dealWith(gone); err != nil {
			return nil, err
		}
	}
	p.number(0)
	return p, nil
}

// present returns who is on the list, of those of whom a row of the ledger is not, in lists with
// one row for each. Grants and credits are left out: a person may have many of them, so that one
// more or less says nothing of the others.
func (c *Comparison) present(rows []*Item) map[person]bool {
	present := map[person]bool{}
	for _, was := range rows {
		if was.mark != c.h.compared {
			present[was.who] = false
		}
	}
	note := func(row *Item) {
		if _, asked := present[row.who]; asked && row.Type != granted && row.Type != credited {
			present[row.who] = true
		}
	}
	for _, was := range rows {
		if was.mark == c.h.compared {
			note(was)
		}
	}
	for _, row := range c.order {
		note(row)
	}
	return present
}

// dealWith does with rows that are gone what was chosen.
func (p *Plan) dealWith(gone *Gone) error {
	for _, was := range p.Gone {
		switch {
		case gone.Retract:
			p.back(Change{Kind: Removed, Was: was}, was, nil)
		case gone.End != "":
			end, err := p.end(was, gone.End)
			if err != nil {
				return err
			}
			p.add(Change{Kind: Ended, Was: was}, end)
		}
	}
	return nil
}

// end returns the event that ends a row. A termination says until when, a revocation from which
// month on: both name the first that is out. Values are ids and dates, for which strconv.Quote
// makes JSON.
func (p *Plan) end(was *Item, on string) (*draft, error) {
	text := func(s string) string { return strconv.Quote(s) }
	d := &draft{ends: was.base()}
	const monthLength = len("2006-01")
	switch {
	case was.Type == opened:
		d.kind = terminated
		d.data = json.RawMessage(`{"enrolment":` + text(was.who.enrolment) + `,"until":` +
			text(on) + `,"reason":"OTHER"}`)
	case was.Type == granted && len(on) >= monthLength:
		d.kind = revoked
		d.data = json.RawMessage(`{"commitment":` + text(was.who.commitment) + `,"enrolment":` +
			text(was.who.enrolment) + `,"from":` + text(on[:monthLength]) + `}`)
	default:
		return nil, ErrNoEnd
	}
	d.id = p.next("end-" + was.base() + "-" + on)
	return d, nil
}

// say returns a row as an event.
func (p *Plan) say(row *Item) *draft {
	return &draft{
		id: p.next(row.base()), kind: row.Type, data: row.rare.data, event: row.rare.event,
		row: row.Row, key: row.rare.key,
	}
}

// next returns an id that was never used for what is said under a base. It follows from the log
// alone, so that a step that was broken off makes the same ids again.
func (p *Plan) next(base string) string {
	n := p.h.said(base) + p.again[base]
	p.again[base]++
	if n == 0 {
		return base
	}
	return base + "." + strconv.Itoa(n)
}

// reason says why an event is taken back, and what is said in its place. It follows from the change
// alone: two corrections at once that replace an event by different ones would have one retraction
// that says two things, and the ledger refuses the second, with all of its part.
func reason(k Kind, next *Item) string {
	switch {
	case next != nil:
		return "corrected list: now " + next.base()
	case k == Removed:
		return "corrected list: gone"
	case k == Undone:
		return "corrected list: undone"
	}
	return "corrected list"
}

// back adds a change that takes an event back, and says another one in its place, if there is one.
// An event is retracted once at most, as a retraction cannot be retracted: so its id is free, or
// the ledger takes it for a duplicate.
func (p *Plan) back(c Change, was, next *Item) {
	d := &draft{id: "retract-" + was.ID, kind: retracted, row: c.Row}
	d.data = json.RawMessage(`{"source":` + strconv.Quote(p.h.Source) + `,"id":` +
		strconv.Quote(was.ID) + `,"reason":` + strconv.Quote(reason(c.Kind, next)) + `}`)
	if next == nil {
		p.add(c, d)
		return
	}
	p.add(c, d, p.say(next))
}

// add adds a change with its events, in the order in which they are to be appended.
func (p *Plan) add(c Change, events ...*draft) {
	c.events = events
	p.Changes = append(p.Changes, c)
}

// number finds which step of the list this is: the one that was broken off, if what is left is what
// it lacks. Sizes are compared, and what the step undoes: after a crash between two parts the same
// command makes the same plan less what is in the log. A file that was changed meanwhile is a new
// step.
func (p *Plan) number(undoes uint64) {
	last, have, size, was := 0, 0, 0, uint64(0)
	for _, i := range p.h.Items {
		switch step := int(i.step); {
		case step > last:
			last, have, size, was = step, 1, int(i.size), i.rare.undoes
		case step == last && last > 0:
			have++
		}
	}
	p.step, p.size, p.undoes = last+1, p.Len(), undoes
	if have < size && have+p.size == size && was == undoes {
		p.step, p.size, p.resuming = last, size, true
	}
}

// Undo returns the plan that undoes the last step, or what came row by row since: what it has said
// is taken back, what it has taken back is said again. An undoing that was broken off is gone on
// with; one that is done is itself a step that can be undone.
func (h *History) Undo() (*Plan, error) {
	items := h.lastItems()
	if len(items) == 0 {
		return nil, ErrNothing
	}
	p := &Plan{h: h, again: map[string]int{}}
	// Backwards: what the step did last is undone first.
	for at := len(items) - 1; at >= 0; at-- {
		i := items[at]
		switch {
		case i.Type == retracted:
			if was := h.byID[i.rare.target]; was != nil && h.inForce(was.base()) == nil &&
				p.again[was.base()] == 0 {
				if was.rare.data == nil {
					return nil, ErrUnsaid
				}
				d := p.say(was)
				d.ends = was.rare.ends
				p.add(Change{Kind: Restored, Row: was.Row, Was: was}, d)
			}
		case i.InForce():
			p.back(Change{Kind: Undone, Row: i.Row, Was: i}, i, nil)
		}
	}
	if len(p.Changes) == 0 {
		return nil, ErrNothing
	}
	p.number(items[0].Sequence)
	return p, nil
}

// lastItems returns the events that are to be undone: those of the last step, or what came row by
// row since. Of an undoing that was broken off, it is what that was undoing: it is gone on with,
// also when rows came behind it.
func (h *History) lastItems() []*Item {
	steps := h.Steps()
	if len(steps) == 0 {
		return nil
	}
	last := &steps[len(steps)-1]
	newest := last
	for i := range steps {
		if steps[i].Number > newest.Number {
			newest = &steps[i]
		}
	}
	if newest.Broken() && newest.Undoes != 0 {
		for i := range steps {
			if steps[i].First == newest.Undoes {
				last = &steps[i]
			}
		}
	}
	return h.itemsOf(last)
}

// itemsOf returns the events of a step; of one in parts all, whoever sent rows between them.
func (h *History) itemsOf(s *Step) (items []*Item) {
	for _, i := range h.Items {
		within := s.Number != 0 || i.Sequence >= s.First && i.Sequence <= s.Last
		if int(i.step) == s.Number && within {
			items = append(items, i)
		}
	}
	return items
}

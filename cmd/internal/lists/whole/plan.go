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
	data     json.RawMessage
	row      int
	ends     string
	key      string
}

// Plan is a step of a list. It is made once and not changed. It holds for the history it was made
// of: when events come to the list meanwhile, another one must be made.
type Plan struct {
	Unchanged int
	Same      []int   // rows, by their places, of which the ledger has the very event
	Gone      []*Item // rows that are gone, whatever becomes of them
	Changes   []Change

	h        *History
	step     int
	size     int
	undoes   uint64
	resuming bool
	again    map[string]int // how often a base is said in this plan
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

// Step returns the number of the step, and whether it goes on with one that was broken off. Steps
// count from 1.
func (p *Plan) Step() (step int, resuming bool) { return p.step, p.resuming }

// Plan compares all rows of a list, as events in JSON, with what the ledger has. gone says what
// becomes of rows that are not among them; nil: they are found and kept. numbers are those of the
// rows in the file. The same rows and history always give the same plan, in the order: rows that
// return, changed ones in order of the log, new ones in order of the file, and those that are gone.
// It fails with ErrNoEnd, or for a row that is no event. Nothing is done by it.
func (h *History) Plan(rows [][]byte, numbers []int, gone *Gone) (*Plan, error) {
	p := &Plan{h: h, again: map[string]int{}}
	wanted, order, places, err := readRows(rows, numbers)
	if err != nil {
		return nil, err
	}
	// Grants and credits are left out: a person may have many of them, so that one more or less
	// says nothing of the others.
	present := map[string]bool{} // who is on the list, of lists with one row for each
	lacking := map[string][]*Item{}
	for at, row := range order {
		if row.Type != granted && row.Type != credited {
			present[row.whose()] = true
		}
		switch was := h.inForce[row.base()]; {
		case was == nil:
			lacking[row.whose()] = append(lacking[row.whose()], row)
		case h.ended[row.base()] != nil:
			p.back(Change{Kind: Returned, Row: row.Row, Was: was}, h.ended[row.base()], nil)
		default:
			if p.Unchanged++; was.ID == row.ID {
				p.Same = append(p.Same, places[at])
			}
		}
	}
	for _, was := range h.Rows() {
		if wanted[was.base()] != nil {
			continue
		}
		who := was.whose()
		switch next := lacking[who]; {
		// Rows of one person that were changed are matched in order: which of two became which
		// cannot be told, and does not matter to what is in force.
		case len(next) > 0:
			lacking[who] = next[1:]
			p.back(Change{Kind: Changed, Row: next[0].Row, Was: was}, was, next[0])
		case present[who]: // another row says otherwise by now
			p.back(Change{Kind: Changed, Was: was}, was, nil)
		case h.ended[was.base()] == nil:
			p.Gone = append(p.Gone, was)
		}
	}
	for _, row := range order {
		if next := lacking[row.whose()]; len(next) > 0 && next[0] == row {
			lacking[row.whose()] = next[1:]
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

// readRows reads the events of rows; one that is there twice counts once. places are the indexes in
// rows of those that count.
func readRows(rows [][]byte, numbers []int,
) (wanted map[string]*Item, order []*Item, places []int, err error) {
	wanted = map[string]*Item{}
	for at, raw := range rows {
		row := &Item{}
		if err := json.Unmarshal(raw, row); err != nil {
			return nil, nil, nil, fmt.Errorf("read row %d: %w", numbers[at], err)
		}
		if err := json.Unmarshal(row.Data, &row.data); err != nil {
			return nil, nil, nil, fmt.Errorf("read data of row %d: %w", numbers[at], err)
		}
		row.Row = numbers[at]
		if wanted[row.base()] == nil {
			wanted[row.base()] = row
			order, places = append(order, row), append(places, at)
		}
	}
	return wanted, order, places, nil
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
		d.data = json.RawMessage(`{"enrolment":` + text(was.data.Enrolment) + `,"until":` +
			text(on) + `,"reason":"OTHER"}`)
	case was.Type == granted && len(on) >= monthLength:
		d.kind = revoked
		d.data = json.RawMessage(`{"commitment":` + text(was.data.Commitment) + `,"enrolment":` +
			text(was.data.Enrolment) + `,"from":` + text(on[:monthLength]) + `}`)
	default:
		return nil, ErrNoEnd
	}
	d.id = p.next("end-" + was.base() + "-" + on)
	return d, nil
}

// say returns a row as an event.
func (p *Plan) say(row *Item) *draft {
	return &draft{
		id: p.next(row.base()), kind: row.Type, data: row.Data, row: row.Row, key: row.Key,
	}
}

// next returns an id that was never used for what is said under a base. It follows from the log
// alone, so that a step that was broken off makes the same ids again.
func (p *Plan) next(base string) string {
	n := p.h.said[base] + p.again[base]
	p.again[base]++
	if n == 0 {
		return base
	}
	return base + "." + strconv.Itoa(n)
}

// back adds a change that takes an event back, and says another one in its place, if there is one.
// An event is retracted once at most, as a retraction cannot be retracted: so its id is free, or
// the ledger takes it for a duplicate.
func (p *Plan) back(c Change, was, next *Item) {
	d := &draft{id: "retract-" + was.ID, kind: retracted, row: c.Row}
	d.data = json.RawMessage(`{"source":` + strconv.Quote(was.Source) + `,"id":` +
		strconv.Quote(was.ID) + `,"reason":"corrected list"}`)
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
		switch {
		case i.Step > last:
			last, have, size, was = i.Step, 1, i.Size, i.Undoes
		case i.Step == last && last > 0:
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
			if was := h.byID[i.data.ID]; was != nil && h.inForce[was.base()] == nil &&
				p.again[was.base()] == 0 {
				d := p.say(was)
				d.ends = was.Ends
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

// lastItems returns the events that are to be undone.
func (h *History) lastItems() (items []*Item) {
	groups := h.Groups()
	if len(groups) == 0 {
		return nil
	}
	last := groups[len(groups)-1]
	// Of an undoing that was broken off, what is to be undone is what it was undoing.
	if last.Broken() && last.Items[0].Undoes != 0 {
		for _, g := range groups {
			if g.Items[0].Sequence == last.Items[0].Undoes {
				last = g
			}
		}
	}
	if last.Step == 0 {
		return last.Items
	}
	for _, i := range h.Items { // others may have sent rows between its parts
		if i.Step == last.Step {
			items = append(items, i)
		}
	}
	return items
}

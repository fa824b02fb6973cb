package whole

import "encoding/json"

// Step is what came in one step of a list, or row by row between two steps. Where others sent rows
// between the parts of a step, there are several of one number.
type Step struct {
	Number int // 0: row by row
	Size   int // how many events the step is to have; 0 for what came row by row
	First  uint64
	Last   uint64
	// RecordedAt and Publisher are of the last event, as a step in parts is done with that one. A
	// [History] does not know them.
	RecordedAt string
	Publisher  string
	Undoes     uint64 // the first event of what it undoes; 0: it undoes nothing

	// What its events do; together they are all of it.
	Said, TakenBack, Ended int

	whole int // how many events all of that number have, as far as is known
}

// Broken tells whether a step was broken off, counting what came of it at other places too.
func (s *Step) Broken() bool { return s.whole < s.Size }

// Steps collects the steps of a list, of which it holds numbers alone. The zero Steps has none.
type Steps struct {
	All    []Step
	counts map[int]int // events by number of the step
	source string
	texts  texts
}

// Add adds the next event, as [History.Add] does.
func (s *Steps) Add(event []byte) error {
	var l line
	if err := json.Unmarshal(event, &l); err != nil {
		return err
	}
	if s.source == "" {
		s.source = l.Source
	}
	if l.Source != s.source {
		return ErrSources
	}
	if s.texts == nil {
		s.texts = texts{}
	}
	s.add(l.item(s.texts))
	to := &s.All[len(s.All)-1]
	to.RecordedAt, to.Publisher = l.RecordedAt, l.Publisher
	return nil
}

// add adds an item.
func (s *Steps) add(i *Item) {
	last := len(s.All) - 1
	if last < 0 || s.All[last].Number != int(i.step) {
		s.All = append(s.All, Step{
			Number: int(i.step), Size: int(i.size), First: i.Sequence, Undoes: i.rare.undoes,
		})
		last++
	}
	to := &s.All[last]
	to.Last = i.Sequence
	switch {
	case i.Retracts():
		to.TakenBack++
	case i.rare.ends != "":
		to.Ended++ // it ends a row that is gone, and is none itself
	default:
		to.Said++
	}
	if s.counts == nil {
		s.counts = map[int]int{}
	}
	s.counts[int(i.step)]++
}

// Done returns the steps, when all events were added.
func (s *Steps) Done() []Step {
	for i := range s.All {
		s.All[i].whole = s.counts[s.All[i].Number]
	}
	return s.All
}

// Steps returns the steps of the list, in order.
func (h *History) Steps() []Step {
	var s Steps
	for _, i := range h.Items {
		s.add(i)
	}
	return s.Done()
}

// Rows finds the rows of a list that are in force, of which it holds none: the list's events are
// given twice, first to Look, then to Row. What is held is what was taken back or ended.
type Rows struct {
	Source string          // of the list; the first event gives it where it is not known
	taken  map[string]bool // ids that the list itself takes back
	ends   map[string]end  // by base of the row
	texts  texts
}

// end ends a row: an event, and the first day or month that does not count any more.
type end struct{ id, from string }

// NewRows returns what finds the rows of a list.
func NewRows(source string) *Rows {
	return &Rows{
		Source: source, taken: map[string]bool{}, ends: map[string]end{}, texts: texts{},
	}
}

// Look takes in an event, the first time. It fails as [History.Add] does.
func (r *Rows) Look(event []byte) error {
	var l line
	if err := json.Unmarshal(event, &l); err != nil {
		return err
	}
	if r.Source == "" {
		r.Source = l.Source
	}
	if l.Source != r.Source {
		return ErrSources
	}
	switch {
	case l.Type == retracted:
		r.taken[l.Data.ID] = true
	case l.Ends != "" && l.RetractedBy == 0:
		r.ends[l.Ends] = end{l.ID, l.item(r.texts).from}
	}
	return nil
}

// Row returns the row that an event is, with the first day or month that does not count any more,
// "" where it has not ended. Of an event that is no row, or is not in force, it returns nil.
func (r *Rows) Row(event []byte) (row *Item, ended string, err error) {
	var l line
	if err := json.Unmarshal(event, &l); err != nil {
		return nil, "", err
	}
	i := l.item(r.texts)
	if !i.isRow() || i.taken || r.taken[i.ID] {
		return nil, "", nil
	}
	if by, found := r.ends[i.base()]; found && !r.taken[by.id] {
		ended = by.from
	}
	return i, ended, nil
}

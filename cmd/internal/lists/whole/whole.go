// Package whole compares a whole list with what the ledger has of it, and says which events make
// the ledger say what the list says: rows that were changed are taken back and said anew, rows that
// are gone are kept, taken back or ended, and the last step can be undone.
//
// Everything is worked out from the list's own events, which carry attributes that say so. The ids
// of events follow from what they say, so that a step that was broken off is found again and gone
// on with, and one that is done adds nothing.
//
// It knows lists only as events in JSON: rows come from package lists, the list's own events from
// the log, and the importer appends what is planned. Nothing beside the log is kept between two
// steps.
package whole

import (
	"encoding/json"
	"fmt"
	"strings"
)

// The types of events that a list's steps have beside those of its rows.
const (
	opened     = "id.cakupan.enrolment.opened.v1"
	terminated = "id.cakupan.enrolment.terminated.v1"
	granted    = "id.cakupan.funding.granted.v1"
	revoked    = "id.cakupan.funding.revoked.v1"
	credited   = "id.cakupan.contribution.credited.v1"
	retracted  = "id.cakupan.event.retracted.v1"
)

// Item is one event of a list. It is read from the log, or from a row that is not in it yet and so
// has no sequence. The list's own attributes are extension attributes of the envelope, which the
// ledger keeps and returns.
type Item struct {
	ID         string          `json:"id"`
	Source     string          `json:"source"`
	Type       string          `json:"type"`
	Data       json.RawMessage `json:"data"`
	Sequence   uint64          `json:"sequence"`
	RecordedAt string          `json:"recordedat"`
	Publisher  string          `json:"publishedby"`

	Row  int    `json:"listrow"`  // of the list, as it was when it was said
	Step int    `json:"liststep"` // 0: it came with others, row by row
	Size int    `json:"listsize"` // how many events the step has
	Ends string `json:"listends"` // base of the row that it ends
	// Undoes is the first event of what the step undoes; 0: it undoes nothing.
	Undoes uint64 `json:"listundoes"`
	Key    string `json:"listkey"` // of a person whom no enrolment names

	data data
	back *Item // takes it back; nil: it is in force
}

// data is what is looked at of the data of an event. What the type of the event has not stays "".
type data struct {
	Enrolment  string `json:"enrolment"`
	Commitment string `json:"commitment"`
	Worker     string `json:"worker"`
	From       string `json:"from"`
	Until      string `json:"until"`
	On         string `json:"on"`
	ID         string `json:"id"` // of a retraction
}

// InForce tells whether nothing has taken the event back.
func (i *Item) InForce() bool { return i.back == nil }

// Retracts tells whether the event takes another one back.
func (i *Item) Retracts() bool { return i.Type == retracted }

// isRow tells whether the event is a row of the list. Terminations that a list of terminations
// reports are rows; those that end a row that is gone are not.
func (i *Item) isRow() bool { return i.Type != retracted && i.Ends == "" }

// base is what the ids of a row have in common, however often it was said. A row that is said anew
// after it was taken back has the same base, a dot and a number: an id may not be used again for
// ever, and hashes have no dot.
func (i *Item) base() string {
	base, _, _ := strings.Cut(i.ID, ".")
	return base
}

// whose names whom a row is about. It is what a changed row still has in common with what it was: a
// NIK itself is not in the log. A grant is of a person under one commitment.
func (i *Item) whose() string {
	switch {
	case i.data.Enrolment != "":
		return i.data.Commitment + "\x00" + i.data.Enrolment
	case i.Key != "":
		return i.Key
	}
	return i.data.Worker
}

// Name is what people are shown of a row.
func (i *Item) Name() string {
	for _, name := range []string{i.data.Enrolment, i.Key, i.data.Worker} {
		if name != "" {
			return name
		}
	}
	return i.ID
}

// From is the day or month from which a row counts.
func (i *Item) From() string {
	for _, day := range []string{i.data.From, i.data.On, i.data.Until} {
		if day != "" {
			return day
		}
	}
	return ""
}

// History is all that the ledger has of a list, in order of the log. It belongs to one goroutine.
type History struct {
	List, Source string
	Items        []*Item
	byID         map[string]*Item
	said         map[string]int   // how often a base was said
	inForce      map[string]*Item // by base
	waiting      map[string]*Item // retractions of what did not come yet
	ended        map[string]*Item // by base of the row: what ends it, in force
}

// NewHistory returns that of a list of which nothing is known. With no source the first event gives
// it.
func NewHistory(list, source string) *History {
	return &History{
		List: list, Source: source, byID: map[string]*Item{}, said: map[string]int{},
		inForce: map[string]*Item{}, waiting: map[string]*Item{}, ended: map[string]*Item{},
	}
}

// Add adds the next event of the list, as the log gives it. Events must come in the order of their
// sequences, each once. ErrSources says that the list id alone does not name one list. After an
// error the history is not to be used.
func (h *History) Add(line []byte) error {
	i := &Item{}
	if err := json.Unmarshal(line, i); err != nil {
		return fmt.Errorf("read event of the list: %w", err)
	}
	if err := json.Unmarshal(i.Data, &i.data); err != nil {
		return fmt.Errorf("read data of event %d: %w", i.Sequence, err)
	}
	if h.Source == "" {
		h.Source = i.Source
	}
	if i.Source != h.Source {
		return fmt.Errorf("%w: %s and %s", ErrSources, h.Source, i.Source)
	}
	h.Items = append(h.Items, i)
	h.byID[i.ID] = i
	if i.Type == retracted {
		if target := h.byID[i.data.ID]; target != nil {
			h.takeBack(target, i)
		} else {
			// A retraction may be in the log before what it names: contract, section 2.
			h.waiting[i.data.ID] = i
		}
		return nil
	}
	h.said[i.base()]++
	if by := h.waiting[i.ID]; by != nil {
		i.back = by
		return nil
	}
	h.inForce[i.base()] = i
	if i.Ends != "" {
		h.ended[i.Ends] = i
	}
	return nil
}

// takeBack notes that an event is not in force any more, and forgets what rested on it.
func (h *History) takeBack(target, by *Item) {
	// The first retraction counts. Another one of the same event changes nothing.
	if target.back != nil {
		return
	}
	target.back = by
	if h.inForce[target.base()] == target {
		delete(h.inForce, target.base())
	}
	if h.ended[target.Ends] == target {
		delete(h.ended, target.Ends)
	}
}

// Rows returns the rows in force, in order of the log, ended ones too: see EndOf.
func (h *History) Rows() (rows []*Item) {
	for _, i := range h.Items {
		if i.isRow() && i.InForce() {
			rows = append(rows, i)
		}
	}
	return rows
}

// EndOf returns what ends a row that is gone from its list, nil for others.
func (h *History) EndOf(row *Item) *Item { return h.ended[row.base()] }

// Group is what came in one step, or row by row between two steps. Where others sent rows between
// the parts of a step, the step is several groups.
type Group struct {
	Step  int // 0: row by row
	Size  int // how many events the step is to have; 0 for what came row by row
	Items []*Item
}

// Broken tells whether a step was broken off.
func (g *Group) Broken() bool { return len(g.Items) < g.Size }

// Groups returns the steps of the list, in order.
func (h *History) Groups() (groups []*Group) {
	for _, i := range h.Items {
		last := len(groups) - 1
		if last < 0 || groups[last].Step != i.Step {
			groups = append(groups, &Group{Step: i.Step, Size: i.Size})
			last++
		}
		groups[last].Items = append(groups[last].Items, i)
	}
	return groups
}

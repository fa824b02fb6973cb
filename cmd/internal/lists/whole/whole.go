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
	"cmp"
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
// ledger keeps and returns. It holds little: a list may have hundreds of thousands.
type Item struct {
	ID       string
	Type     string
	Sequence uint64
	Row      int // of the list, as it was when it was said

	who   person
	from  string // the day or month from which it counts
	step  int32  // 0: it came with others, row by row
	size  int32  // how many events the step has
	mark  int32  // the comparison that has found it among its rows
	taken bool   // something takes it back
	rare  *rare  // never nil, and never written: events share an empty one
}

// rare is what few items have.
type rare struct {
	ends string // base of the row that it ends
	// The first event of what the step undoes; 0: it undoes nothing.
	undoes uint64
	key    string // of a person whom no enrolment names
	target string // of a retraction: the id of what it names
	// What it says; of an event of the log it is kept only where something takes that back, as it
	// is said again then if the step is undone. Nil: not kept, or still to be read from event.
	data  json.RawMessage
	event []byte // of a row that is not in the log: all of it
}

// nothing is of items that have nothing rare. It is never written.
var nothing = &rare{}

// person names whom a row is about. It is what a changed row still has in common with what it was:
// a NIK itself is not in the log. A grant is of a person under one commitment.
type person struct {
	commitment string // of rows about an enrolment
	enrolment  string
	other      string // a key or a worker, where no enrolment is named
}

// line is an event of a list as JSON has it.
type line struct {
	ID          string `json:"id"`
	Source      string `json:"source"`
	Type        string `json:"type"`
	Data        data   `json:"data"`
	Sequence    uint64 `json:"sequence"`
	RecordedAt  string `json:"recordedat"`
	Publisher   string `json:"publishedby"`
	RetractedBy uint64 `json:"retractedby"` // the ledger's word; 0: in force, or nobody has said

	Row    int    `json:"listrow"`
	Step   int32  `json:"liststep"`
	Size   int32  `json:"listsize"`
	Ends   string `json:"listends"`
	Undoes uint64 `json:"listundoes"`
	Key    string `json:"listkey"`
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

// texts holds each text once that many events have in common: types, times, days.
type texts map[string]string

// one returns the text as it was first seen.
func (t texts) one(text string) string {
	if known, found := t[text]; found {
		return known
	}
	t[text] = text
	return text
}

// item returns a line as an item.
func (l *line) item(t texts) *Item {
	i := &Item{
		ID: l.ID, Type: t.one(l.Type), Sequence: l.Sequence, Row: l.Row, step: l.Step, size: l.Size,
		from:  t.one(cmp.Or(l.Data.From, l.Data.On, l.Data.Until)),
		taken: l.RetractedBy != 0, rare: nothing,
	}
	if l.Type == retracted || l.Ends != "" || l.Undoes != 0 || l.Key != "" {
		i.rare = &rare{ends: l.Ends, undoes: l.Undoes, key: l.Key}
	}
	if l.Type == retracted {
		i.rare.target = l.Data.ID
	}
	if l.Data.Enrolment != "" {
		i.who = person{commitment: t.one(l.Data.Commitment), enrolment: l.Data.Enrolment}
	} else {
		i.who.other = cmp.Or(l.Key, l.Data.Worker)
	}
	return i
}

// dataOf returns the data of an event in JSON, which are the caller's.
func dataOf(event []byte) (json.RawMessage, error) {
	var e struct {
		Data json.RawMessage `json:"data"`
	}
	err := json.Unmarshal(event, &e)
	return e.Data, err
}

// InForce tells whether nothing has taken the event back.
func (i *Item) InForce() bool { return !i.taken }

// Retracts tells whether the event takes another one back.
func (i *Item) Retracts() bool { return i.Type == retracted }

// isRow tells whether the event is a row of the list. Terminations that a list of terminations
// reports are rows; those that end a row that is gone are not.
func (i *Item) isRow() bool { return i.Type != retracted && i.rare.ends == "" }

// base is what the ids of a row have in common, however often it was said. A row that is said anew
// after it was taken back has the same base, a dot and a number: an id may not be used again for
// ever, and hashes have no dot.
func (i *Item) base() string {
	base, _, _ := strings.Cut(i.ID, ".")
	return base
}

// Name is what people are shown of a row.
func (i *Item) Name() string { return cmp.Or(i.who.enrolment, i.who.other, i.ID) }

// From is the day or month from which a row counts.
func (i *Item) From() string { return i.from }

// History is all that the ledger has of a list, in order of the log. It belongs to one goroutine.
type History struct {
	List, Source string
	Items        []*Item
	byID         map[string]*Item
	more         map[string]int   // by base: how often it was said under other ids than the base
	again        map[string]*Item // by base: in force, under another id than the base
	waiting      map[string]bool  // ids that were taken back before they came
	ended        map[string]*Item // by base of the row: what ends it, in force
	texts        texts
	compared     int32 // how many comparisons were begun
}

// NewHistory returns that of a list of which nothing is known. With no source the first event gives
// it.
func NewHistory(list, source string) *History {
	return &History{
		List: list, Source: source, byID: map[string]*Item{}, more: map[string]int{},
		again: map[string]*Item{}, waiting: map[string]bool{}, ended: map[string]*Item{},
		texts: texts{},
	}
}

// Add adds the next event of the list, as the log gives it. Events must come in the order of their
// sequences, each once. Which of them are not in force the ledger says, who knows of retractions
// that are of no list; those of the list itself are believed too. ErrSources says that the list id
// alone does not name one list. After an error the history is not to be used.
func (h *History) Add(event []byte) error {
	var l line
	if err := json.Unmarshal(event, &l); err != nil {
		return fmt.Errorf("read event of the list: %w", err)
	}
	if h.Source == "" {
		h.Source = l.Source
	}
	if l.Source != h.Source {
		return fmt.Errorf("%w: %s and %s", ErrSources, h.Source, l.Source)
	}
	i := l.item(h.texts)
	h.Items = append(h.Items, i)
	h.byID[i.ID] = i
	if i.Type == retracted {
		if target := h.byID[i.rare.target]; target != nil {
			h.takeBack(target)
		} else {
			// A retraction may be in the log before what it names: contract, section 2.
			h.waiting[i.rare.target] = true
		}
		return nil
	}
	base := i.base()
	if base != i.ID {
		h.more[base]++
	}
	i.taken = i.taken || h.waiting[i.ID]
	if i.taken {
		said := *i.rare
		var err error
		said.data, err = dataOf(event)
		i.rare = &said
		return err
	}
	if base != i.ID {
		h.again[base] = i
	}
	if i.rare.ends != "" {
		h.ended[i.rare.ends] = i
	}
	return nil
}

// takeBack notes that an event is not in force any more, and forgets what rested on it.
func (h *History) takeBack(target *Item) {
	// The first retraction counts. Another one of the same event changes nothing.
	if target.taken {
		return
	}
	target.taken = true
	if h.again[target.base()] == target {
		delete(h.again, target.base())
	}
	if h.ended[target.rare.ends] == target {
		delete(h.ended, target.rare.ends)
	}
}

// Seen returns the sequence of the last event of the list, 0 for none.
func (h *History) Seen() uint64 {
	if len(h.Items) == 0 {
		return 0
	}
	return h.Items[len(h.Items)-1].Sequence
}

// inForce returns what is in force of all that was said under a base, nil when nothing is.
func (h *History) inForce(base string) *Item {
	if i := h.again[base]; i != nil {
		return i
	}
	if i := h.byID[base]; i != nil && i.InForce() && !i.Retracts() {
		return i
	}
	return nil
}

// said returns how often a base was said, as ids are never used again.
func (h *History) said(base string) int {
	if h.byID[base] != nil {
		return h.more[base] + 1
	}
	return h.more[base]
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

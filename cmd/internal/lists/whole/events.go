package whole

import (
	"encoding/json"
	"iter"
)

const (
	// StepEvents is how many events are appended as a whole: what fits one frame of the log. A
	// crash between two appends leaves a step that is shorter than its size: that is how it is
	// found.
	StepEvents = 1_000
	// groupBytes bounds them as they are sent, which is more than they take in the log.
	groupBytes = 768 << 10
)

// Append is some events that are appended as a whole or not at all, and the changes that they are.
type Append struct {
	Events  [][]byte
	Changes []*Change // of each event
}

// Appends yields the events of the plan, in parts that are each appended as a whole. There is more
// than one only where a frame of the log is too small for all; no change is ever parted. They are
// appended in this order. Each time the same bytes are yielded, and one part at a time is in
// memory. An error ends it.
func (p *Plan) Appends() iter.Seq2[*Append, error] {
	return func(yield func(*Append, error) bool) {
		part, size := &Append{}, 0
		for i := range p.Changes {
			c := &p.Changes[i]
			var events [][]byte
			bytes := 0
			for _, d := range c.events {
				raw, err := p.render(d)
				if err != nil {
					yield(nil, err)
					return
				}
				events, bytes = append(events, raw), bytes+len(raw)
			}
			if len(part.Events) > 0 &&
				(len(part.Events)+len(events) > StepEvents || size+bytes > groupBytes) {
				if !yield(part, nil) {
					return
				}
				part, size = &Append{}, 0
			}
			part.Events, size = append(part.Events, events...), size+bytes
			for range events {
				part.Changes = append(part.Changes, c)
			}
		}
		if len(part.Events) > 0 {
			yield(part, nil)
		}
	}
}

// Parts returns how many parts there are.
func (p *Plan) Parts() (n int, err error) {
	if p.parts > 0 {
		return p.parts, nil
	}
	for _, err := range p.Appends() {
		if err != nil {
			return 0, err
		}
		p.parts++
	}
	return p.parts, nil
}

// render writes an event. Zero attributes are left out: an attribute is absent or says something.
func (p *Plan) render(d *draft) (_ []byte, err error) {
	said := d.data
	if said == nil {
		if said, err = dataOf(d.event); err != nil {
			return nil, err
		}
	}
	return json.Marshal(struct {
		SpecVersion string          `json:"specversion"`
		ID          string          `json:"id"`
		Source      string          `json:"source"`
		Type        string          `json:"type"`
		List        string          `json:"list"`
		Row         int             `json:"listrow,omitempty"`
		Step        int             `json:"liststep"`
		Size        int             `json:"listsize"`
		Ends        string          `json:"listends,omitempty"`
		Undoes      uint64          `json:"listundoes,omitempty"`
		Key         string          `json:"listkey,omitempty"`
		Data        json.RawMessage `json:"data"`
	}{
		"1.0", d.id, p.h.Source, d.kind, p.h.List, d.row, p.step, p.size, d.ends,
		p.undoes, d.key, said,
	})
}

// Row returns the row that an event is about: of the file, or of the one that had it. i is a place
// in Events. 0 says that neither has one.
func (a *Append) Row(i int) int {
	if c := a.Changes[i]; c.Row > 0 || c.Was == nil {
		return c.Row
	}
	return a.Changes[i].Was.Row
}

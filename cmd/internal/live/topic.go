package live

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"cakupan/cmd/internal/small"
	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/projections/coverage"
)

// framesKept is how many changes a topic keeps for those who have not taken them yet: some seconds
// of a ledger in which everything moves.
const framesKept = 64

// topic is a [Topic] with what was told of it. Its fields but for those of the Topic are guarded
// by the hub, and changed by its own goroutine alone.
type topic struct {
	Topic
	watchers int

	answers  []told
	sequence eventstore.Sequence // up to which events are in the answers
	frames   []Frame             // the last changes
	first    int                 // number of the first of them, counted from 0
	ready    bool                // there are answers
}

// told is the answer about a region that was told last.
type told struct {
	region  region.Code
	figures []byte // the answer without what it rests on, which differs at every event
	answer  []byte
}

func (t Topic) key() string {
	return fmt.Sprintf("%v %v %v %d %t %t", t.Regions, t.Also, t.By, t.On, t.Fixed, t.Hidden)
}

// day returns which day's answers are told.
func (t *topic) day(today temporal.Date) temporal.Date {
	if t.Fixed {
		return t.On
	}
	return today
}

// regions returns whose answers are told. One that was told stays: that it has nothing any more is
// a change too.
func (t *topic) regions(view *coverage.View) []region.Code {
	if t.Regions != nil {
		return t.Regions
	}
	codes := view.Regions(coverage.Everything)
	for _, code := range t.Also {
		if !slices.Contains(codes, code) {
			codes = append(codes, code)
		}
	}
	for i := range t.answers {
		if code := t.answers[i].region; !slices.Contains(codes, code) {
			codes = append(codes, code)
		}
	}
	return codes
}

// refresh answers anew, and appends a frame if anything differs. It answers without the hub's lock:
// only the hub's goroutine writes what is read here.
func (t *topic) refresh(h *Hub, view *coverage.View, today temporal.Date) error {
	answers := make([]told, 0, len(t.answers))
	var changed [][]byte
	before := map[region.Code]told{}
	for _, a := range t.answers {
		before[a.region] = a
	}
	for _, code := range t.regions(view) {
		answer, err := t.answer(view, code, t.day(today), coverage.Everything)
		if err != nil {
			return err
		}
		if was, found := before[code]; found && bytes.Equal(was.figures, answer.figures) {
			answers = append(answers, was)
			continue
		}
		answers, changed = append(answers, answer), append(changed, answer.answer)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	first := !t.ready
	t.answers, t.sequence, t.ready = answers, view.Known(), true
	if len(changed) > 0 && !first {
		t.frames = append(t.frames, Frame{Change, view.Known(), array(changed)})
		if n := len(t.frames) - framesKept; n > 0 {
			t.frames, t.first = slices.Clone(t.frames[n:]), t.first+n
		}
	}
	if first || len(changed) > 0 {
		h.tell()
	}
	return nil
}

// answer returns the answer about a region as known at k.
func (t *topic) answer(view *coverage.View, code region.Code, on temporal.Date,
	k eventstore.Sequence,
) (told, error) {
	answer, err := view.Answer(coverage.Query{
		Region: code, On: on, Known: k, Indicator: event.Employed, By: t.By,
	})
	if err != nil {
		return told{}, err
	}
	whole, err := t.encode(answer)
	if err != nil {
		return told{}, err
	}
	answer.Known = coverage.Known{}
	figures, err := t.encode(answer)
	return told{code, figures, whole}, err
}

func (t *topic) encode(answer coverage.Answer) ([]byte, error) {
	if t.Hidden {
		return json.Marshal(small.HideAnswer(answer))
	}
	return json.Marshal(&answer)
}

// array returns a JSON array of values.
func array(values [][]byte) []byte {
	return slices.Concat([]byte("["), bytes.Join(values, []byte(",")), []byte("]"))
}

// snapshot returns all answers. The caller holds the hub's lock.
func (t *topic) snapshot() Frame {
	values := make([][]byte, len(t.answers))
	for i := range t.answers {
		values[i] = t.answers[i].answer
	}
	return Frame{Snapshot, t.sequence, array(values)}
}

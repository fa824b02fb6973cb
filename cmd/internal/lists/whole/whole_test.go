package whole

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// log is a ledger in little: it keeps events by id, and takes each once.
type log struct {
	t      *testing.T
	events []map[string]any
	byID   map[string]string // what was said, without the step
}

func (l *log) append(raw []byte) {
	l.t.Helper()
	var e map[string]any
	if err := json.Unmarshal(raw, &e); err != nil {
		l.t.Fatal(err)
	}
	said, _ := json.Marshal([]any{e["type"], e["data"]})
	id := e["id"].(string)
	if before, known := l.byID[id]; known {
		if before != string(said) {
			l.t.Fatalf("%s says %s, and said %s", id, said, before)
		}
		return
	}
	l.byID[id] = string(said)
	e["sequence"] = len(l.events) + 1
	l.events = append(l.events, e)
}

// lines are the events of the list as the ledger gives them, with what takes each back.
func (l *log) lines() (lines [][]byte) {
	by := map[string]any{}
	for _, e := range l.events {
		if e["type"] == retracted {
			of := e["data"].(map[string]any)["id"].(string)
			if by[of] == nil {
				by[of] = e["sequence"]
			}
		}
	}
	for _, e := range l.events {
		e = maps.Clone(e)
		if of := e["id"].(string); by[of] != nil {
			e["retractedby"] = by[of]
		}
		if e["list"] == nil {
			continue // somebody else's
		}
		line, _ := json.Marshal(e)
		lines = append(lines, line)
	}
	return lines
}

func (l *log) history() *History {
	l.t.Helper()
	h := NewHistory("L", "urn:l")
	for _, line := range l.lines() {
		if err := h.Add(line); err != nil {
			l.t.Fatal(err)
		}
	}
	return h
}

// plan compares rows with what the log has.
func (l *log) plan(raw [][]byte, numbers []int, gone *Gone) (*Plan, error) {
	l.t.Helper()
	c := l.history().Compare()
	for i := range raw {
		if _, err := c.Row(raw[i], numbers[i]); err != nil {
			l.t.Fatal(err)
		}
	}
	return c.Plan(gone)
}

// counts returns what is in force, by a slow way: what is said and not taken back.
func (l *log) counts() map[string]int {
	gone := map[string]bool{}
	for _, e := range l.events {
		if e["type"] == retracted {
			gone[e["data"].(map[string]any)["id"].(string)] = true
		}
	}
	all := map[string]int{}
	for _, e := range l.events {
		if e["type"] != retracted && !gone[e["id"].(string)] {
			said, _ := json.Marshal([]any{e["type"], e["data"]})
			all[string(said)]++
		}
	}
	return all
}

// appendPlan appends the first so many parts of a plan, all with less than 0.
func (l *log) appendPlan(p *Plan, most int) int {
	l.t.Helper()
	parts, err := p.Parts()
	for part, failed := range p.Appends() {
		if err = errors.Join(err, failed); err != nil || most == 0 {
			break
		}
		most--
		for _, raw := range part.Events {
			l.append(raw)
		}
	}
	if err != nil {
		l.t.Fatal(err)
	}
	return parts
}

// list makes the rows of a list: for each person a day.
func list(people map[string]int) (raw [][]byte, numbers []int) {
	for i, who := range slices.Sorted(maps.Keys(people)) {
		id := fmt.Sprintf("row-%s-%d", who, people[who])
		raw = append(raw, fmt.Appendf(nil, `{"specversion":"1.0","id":%q,"source":"urn:l","type":%q,`+
			`"list":"L","listrow":%d,"data":{"enrolment":%q,"from":"2021-01-%02d"}}`,
			id, opened, i+3, who, people[who]))
		numbers = append(numbers, i+3)
	}
	return raw, numbers
}

// said is what the rows of a list say, as counts has it.
func said(people map[string]int) map[string]int {
	all := map[string]int{}
	for who, day := range people {
		text, _ := json.Marshal([]any{opened, map[string]any{
			"enrolment": who, "from": fmt.Sprintf("2021-01-%02d", day),
		}})
		all[string(text)] = 1
	}
	return all
}

func someone(r *rand.Rand, people map[string]int) map[string]int {
	next := maps.Clone(people)
	for range 1 + r.IntN(4) {
		who := fmt.Sprintf("p%d", r.IntN(8))
		if r.IntN(3) == 0 {
			delete(next, who)
		} else {
			next[who] = 1 + r.IntN(5)
		}
	}
	return next
}

// TestWholeListsAgainstModel sends whole lists one after the other, rows between them, and undoes
// steps: what is in force is what the last list says, an undoing brings back what was before, and
// to send the same again does nothing.
func TestWholeListsAgainstModel(t *testing.T) {
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 1))
		l := &log{t: t, byID: map[string]string{}}
		people := map[string]int{}
		for range 12 {
			before := l.counts()
			people = someone(r, people)
			raw, numbers := list(people)
			if r.IntN(4) == 0 { // row by row: nothing is taken back
				for _, one := range raw {
					l.append(one)
				}
				continue
			}
			plan, err := l.plan(raw, numbers, &Gone{Retract: true})
			if err != nil {
				t.Fatal(err)
			}
			l.appendPlan(plan, -1)
			if got, want := l.counts(), said(people); !maps.Equal(got, want) {
				t.Fatalf("seed %d: in force %v, the list says %v", seed, got, want)
			}
			again, err := l.plan(raw, numbers, &Gone{Retract: true})
			if err != nil || again.Len() != 0 || len(again.Gone) != 0 {
				t.Fatalf("seed %d: sent again: %d events, %v", seed, again.Len(), err)
			}
			if plan.Len() > 0 && r.IntN(3) == 0 {
				undo, err := l.history().Undo()
				if err != nil {
					t.Fatal(err)
				}
				l.appendPlan(undo, -1)
				if got := l.counts(); !maps.Equal(got, before) {
					t.Fatalf("seed %d: undone: %v, before it %v", seed, got, before)
				}
			}
		}
	}
}

// TestEndedRowsComeBack ends rows that are gone, once, and lets them come back.
func TestEndedRowsComeBack(t *testing.T) {
	l := &log{t: t, byID: map[string]string{}}
	both := map[string]int{"a": 1, "b": 1}
	one := map[string]int{"a": 1}
	step := func(people map[string]int, gone *Gone, events int) *Plan {
		t.Helper()
		raw, numbers := list(people)
		plan, err := l.plan(raw, numbers, gone)
		if err != nil || plan.Len() != events {
			t.Fatalf("%v: %d events instead of %d, %v", people, plan.Len(), events, err)
		}
		l.appendPlan(plan, -1)
		return plan
	}
	end := &Gone{End: "2021-06-01"}
	step(both, end, 2)
	if plan := step(one, nil, 0); len(plan.Gone) != 1 {
		t.Errorf("gone: %v", plan.Gone)
	}
	step(one, end, 1)
	if plan := step(one, end, 0); len(plan.Gone) != 0 {
		t.Errorf("gone again: %v", plan.Gone)
	}
	if rows := l.history().Rows(); len(rows) != 2 || l.history().EndOf(rows[1]) == nil {
		t.Errorf("rows %v", rows)
	}
	step(both, end, 1) // the end is taken back
	if got := l.counts(); !maps.Equal(got, said(both)) {
		t.Errorf("in force: %v", got)
	}
	step(one, end, 1) // and said again, as another event
	if got := l.counts(); len(got) != 3 {
		t.Errorf("in force: %v", got)
	}
}

// corrected returns what a list says before and after a correction that takes several parts.
func corrected() (before, after map[string]int) {
	before, after = map[string]int{}, map[string]int{}
	for i := range 700 {
		who := fmt.Sprintf("p%04d", i)
		before[who], after[who] = 1, 2
	}
	return before, after
}

// TestBrokenStepsAreGoneOnWith breaks a step off after each of its parts: the same list goes on with
// it, as the same step, and undoing undoes all of it.
func TestBrokenStepsAreGoneOnWith(t *testing.T) {
	before, after := corrected()
	raw, numbers := list(after)
	for broken := 1; ; broken++ {
		l := &log{t: t, byID: map[string]string{}}
		first, _ := list(before)
		for _, one := range first {
			l.append(one)
		}
		plan, err := l.plan(raw, numbers, nil)
		if err != nil {
			t.Fatal(err)
		}
		if parts := l.appendPlan(plan, broken); broken == parts {
			return
		}
		rest, err := l.plan(raw, numbers, nil)
		if err != nil {
			t.Fatal(err)
		}
		if step, resuming := rest.Step(); step != 1 || !resuming {
			t.Errorf("broken after %d: step %d, gone on with: %t", broken, step, resuming)
		}
		l.appendPlan(rest, -1)
		if got := l.counts(); !maps.Equal(got, said(after)) {
			t.Fatalf("broken after %d: %d in force", broken, len(got))
		}
		undo, err := l.history().Undo()
		if err != nil {
			t.Fatal(err)
		}
		l.appendPlan(undo, 1)
		undo, err = l.history().Undo()
		if err != nil {
			t.Fatal(err)
		}
		if step, resuming := undo.Step(); step != 2 || !resuming {
			t.Errorf("undoing broken off: step %d, gone on with: %t", step, resuming)
		}
		l.appendPlan(undo, -1)
		if got := l.counts(); !maps.Equal(got, said(before)) {
			t.Fatalf("undone after %d: %d in force", broken, len(got))
		}
	}
}

// TestRowsBetweenPartsOfAnUndoing has somebody send a row between two parts of an undoing, which is
// done all the same: to undo again takes that back, and does not go on with what is done.
func TestRowsBetweenPartsOfAnUndoing(t *testing.T) {
	before, after := corrected()
	l := &log{t: t, byID: map[string]string{}}
	first, _ := list(before)
	for _, one := range first {
		l.append(one)
	}
	raw, numbers := list(after)
	plan, err := l.plan(raw, numbers, nil)
	if err != nil {
		t.Fatal(err)
	}
	l.appendPlan(plan, -1)
	undo, err := l.history().Undo()
	if err != nil {
		t.Fatal(err)
	}
	if parts := l.appendPlan(undo, 1); parts < 2 {
		t.Fatalf("%d part: nothing comes between", parts)
	}
	alone, _ := list(map[string]int{"alone": 1})
	l.append(alone[0])
	l.appendPlan(undo, -1)
	for _, s := range l.history().Steps() {
		if s.Broken() {
			t.Errorf("step %d of %d events is told to be broken off", s.Number, s.Size)
		}
	}
	again, err := l.history().Undo()
	if err != nil {
		t.Fatal(err)
	}
	if step, resuming := again.Step(); step != 3 || resuming {
		t.Errorf("step %d, gone on with: %t", step, resuming)
	}
	l.appendPlan(again, -1)
	after["alone"] = 1
	if got := l.counts(); !maps.Equal(got, said(after)) {
		t.Errorf("%d in force", len(got))
	}
}

// TestNoEnd refuses to end what knows no end, and two sources of one id.
func TestNoEnd(t *testing.T) {
	l := &log{t: t, byID: map[string]string{}}
	raw, _ := list(map[string]int{"a": 1})
	l.append([]byte(strings.Replace(string(raw[0]), opened, terminated, 1)))
	if _, err := l.plan(nil, nil, &Gone{End: "2021-06-01"}); !errors.Is(err, ErrNoEnd) {
		t.Error(err)
	}
	if _, err := NewHistory("L", "urn:l").Undo(); !errors.Is(err, ErrNothing) {
		t.Error(err)
	}
	h := l.history()
	other := strings.Replace(string(raw[0]), "urn:l", "urn:m", 1)
	if err := h.Add([]byte(other)); !errors.Is(err, ErrSources) {
		t.Error(err)
	}
}

// TestOthersTakeBack has somebody else take a row back, in an event that is of no list: the row is
// lacking, and said anew by the same list.
func TestOthersTakeBack(t *testing.T) {
	l := &log{t: t, byID: map[string]string{}}
	people := map[string]int{"a": 1, "b": 1}
	raw, numbers := list(people)
	for _, one := range raw {
		l.append(one)
	}
	l.append([]byte(`{"id":"x","source":"urn:owner","type":"` + retracted +
		`","data":{"source":"urn:l","id":"row-a-1","reason":""}}`))
	plan, err := l.plan(raw, numbers, nil)
	if err != nil || plan.Len() != 1 || plan.Unchanged != 1 {
		t.Fatalf("%d events, %d unchanged, %v", plan.Len(), plan.Unchanged, err)
	}
	l.appendPlan(plan, -1)
	if got, want := l.counts(), said(people); !maps.Equal(got, want) {
		t.Errorf("in force %v, the list says %v", got, want)
	}
}

// TestRowsAgainstHistory gives the events of lists twice, as a stream, and compares with what the
// whole history says.
func TestRowsAgainstHistory(t *testing.T) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 2))
		l := &log{t: t, byID: map[string]string{}}
		people := map[string]int{}
		for range 6 {
			people = someone(r, people)
			raw, numbers := list(people)
			gone := []*Gone{nil, {Retract: true}, {End: "2021-06-01"}}[r.IntN(3)]
			plan, err := l.plan(raw, numbers, gone)
			if err != nil {
				t.Fatal(err)
			}
			l.appendPlan(plan, -1)
		}
		h, rows := l.history(), NewRows("")
		var want, got []string
		for _, row := range h.Rows() {
			ended := ""
			if end := h.EndOf(row); end != nil {
				ended = end.From()
			}
			want = append(want, fmt.Sprint(row.Row, row.Name(), row.From(), row.Sequence, ended))
		}
		for _, line := range l.lines() {
			if err := rows.Look(line); err != nil {
				t.Fatal(err)
			}
		}
		for _, line := range l.lines() {
			row, ended, err := rows.Row(line)
			if err != nil {
				t.Fatal(err)
			}
			if row != nil {
				got = append(got, fmt.Sprint(row.Row, row.Name(), row.From(), row.Sequence, ended))
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("seed %d: %v, want %v", seed, got, want)
		}
	}
}

// TestUndoingInParts has rows of others between the two parts of an undoing. Broken off, it is gone
// on with all the same; done, it is a step as any other, which can be undone.
func TestUndoingInParts(t *testing.T) {
	before, after := map[string]int{}, map[string]int{}
	for i := range 700 {
		before[fmt.Sprintf("p%04d", i)], after[fmt.Sprintf("p%04d", i)] = 1, 2
	}
	l := &log{t: t, byID: map[string]string{}}
	step := func(people map[string]int) {
		t.Helper()
		raw, numbers := list(people)
		plan, err := l.plan(raw, numbers, nil)
		if err != nil {
			t.Fatal(err)
		}
		l.appendPlan(plan, -1)
	}
	undo := func(most, number int, goesOn bool) {
		t.Helper()
		plan, err := l.history().Undo()
		if err != nil {
			t.Fatal(err)
		}
		if step, resuming := plan.Step(); step != number || resuming != goesOn {
			t.Fatalf("step %d, goes on %t, want %d, %t", step, resuming, number, goesOn)
		}
		l.appendPlan(plan, most)
	}
	inForce := func(people map[string]int) {
		t.Helper()
		if got := l.counts(); !maps.Equal(got, said(people)) {
			t.Fatalf("%d in force", len(got))
		}
	}
	step(before)
	step(after)
	undo(1, 3, false)
	other, _ := list(map[string]int{"z": 1})
	l.append(other[0])
	before["z"], after["z"] = 1, 1
	undo(-1, 3, true)
	inForce(before)
	for _, s := range l.history().Steps() {
		if s.Broken() {
			t.Errorf("step %d from %d to %d is shown as broken off", s.Number, s.First, s.Last)
		}
	}
	undo(-1, 4, false)
	inForce(after)
	undo(-1, 5, false)
	inForce(before)
}

// TestTwoAtOnce plans two corrections of one list, and two undoings, on the same history. Where both
// take a row back for another one in its place, their retractions are of one id and say two things,
// which the ledger refuses; where they do the same, the second adds nothing.
func TestTwoAtOnce(t *testing.T) {
	l := &log{t: t, byID: map[string]string{}}
	raw, numbers := list(map[string]int{"a": 1, "b": 1})
	first, err := l.plan(raw, numbers, nil)
	if err != nil {
		t.Fatal(err)
	}
	l.appendPlan(first, -1)
	retractions := func(people map[string]int, gone *Gone) map[string]string {
		t.Helper()
		raw, numbers := list(people)
		plan, err := l.plan(raw, numbers, gone)
		if err != nil {
			t.Fatal(err)
		}
		said := map[string]string{}
		for part, err := range plan.Appends() {
			if err != nil {
				t.Fatal(err)
			}
			for _, raw := range part.Events {
				var i line
				if err := json.Unmarshal(raw, &i); err != nil {
					t.Fatal(err)
				}
				if data, _ := dataOf(raw); i.Type == retracted {
					said[i.ID] = string(data)
				}
			}
		}
		return said
	}
	one := retractions(map[string]int{"a": 2, "b": 1}, nil)
	same := retractions(map[string]int{"a": 2, "b": 3}, nil)
	other := retractions(map[string]int{"a": 3, "b": 1}, nil)
	gone := retractions(map[string]int{"b": 1}, &Gone{Retract: true})
	const id = "retract-row-a-1"
	if one[id] == "" || one[id] != same[id] {
		t.Errorf("the same is said as %s and as %s", one[id], same[id])
	}
	if one[id] == other[id] || one[id] == gone[id] || gone[id] == "" {
		t.Errorf("different corrections say %s, %s and %s", one[id], other[id], gone[id])
	}
}

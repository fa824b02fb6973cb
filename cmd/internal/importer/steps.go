package importer

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"cakupan/cmd/internal/lists"
	"cakupan/cmd/internal/lists/whole"
	"cakupan/cmd/internal/problem"
)

// summaryOf returns what a plan comes to. It says what the plan would do, whether or not that is
// done. Where rows that are gone have no answer yet, they are in Gone, and neither removed nor
// ended.
func summaryOf(plan *whole.Plan) *WholeSummary {
	s := &WholeSummary{Unchanged: plan.Unchanged, Gone: []GoneRow{}, Seen: plan.Seen()}
	s.Step, _ = plan.Step()
	for _, was := range plan.Gone {
		s.Gone = append(s.Gone, GoneRow{was.Row, was.Name(), was.From()})
	}
	for i := range plan.Changes {
		switch plan.Changes[i].Kind {
		// Restored is what an undo brings back: new to the list as it stood.
		case whole.Added, whole.Restored:
			s.Added++
		case whole.Changed:
			s.Changed++
		case whole.Returned:
			s.Returned++
		case whole.Removed, whole.Undone:
			s.Removed++
		case whole.Ended:
			s.Ended++
		}
	}
	// A plan that cannot be appended has no parts; whoever carries it out meets the error.
	s.Parts, _ = plan.Parts()
	return s
}

// tellPlan tells what a step would do, and names the rows that are gone. It comes before anything
// is appended, and in a dry run instead of it, so that a wrong file is seen while it costs nothing.
// What would be long is cut: a changed row beyond the first ten changes is not named, nor one that
// is gone beyond twenty.
func (t *Tally) tellPlan(plan *whole.Plan, lang lists.Language) {
	s := t.Lists[len(t.Lists)-1].Whole
	t.say(fmt.Sprintf(lang.Pick("seluruh daftar: %d baris tetap, %d baru, %d berubah, %d hilang",
		"the whole list: %d rows as they were, %d new, %d changed, %d gone"),
		s.Unchanged, s.Added+s.Returned, s.Changed, len(s.Gone)))
	for i := range plan.Changes {
		c := &plan.Changes[i]
		if c.Kind == whole.Changed && c.Row > 0 && i < ShownMax {
			t.say(fmt.Sprintf(lang.Pick("baris %d: yang dilaporkan sebelumnya (baris %d%s)"+
				" ditarik kembali, dan dilaporkan lagi sebagaimana tertulis sekarang",
				"row %d: what was reported before (row %d%s) is taken back, and"+
					" said anew as it stands now"),
				c.Row, c.Was.Row, andDay(c.Was.From())))
		}
	}
	for i, was := range plan.Gone {
		if i == regionsShown {
			t.say("… " + strconv.Itoa(len(plan.Gone)-i))
			break
		}
		t.say(fmt.Sprintf(lang.Pick("hilang dari daftar: baris %d dulu, %s%s",
			"gone from the list: row %d then, %s%s"), was.Row, was.Name(), andDay(was.From())))
	}
	if step, resuming := plan.Step(); resuming {
		t.say(fmt.Sprintf(lang.Pick("langkah %d terputus di tengah jalan: dilanjutkan",
			"step %d was broken off: it is gone on with"), step))
	}
	if s.Parts > 1 {
		t.say(fmt.Sprintf(lang.Pick("terlalu besar untuk satu langkah yang utuh: dicatat dalam %d"+
			" bagian, masing-masing utuh (pembetulan hanya dengan --parts); bila terputus, ulangi"+
			" perintah yang sama",
			"too large to be recorded as a whole: it is recorded in %d parts, each as a whole"+
				" (corrections only with --parts); if it breaks off, give the same command again"),
			s.Parts))
	}
}

// History returns what the ledger has of a list. source may be empty where only one source has such
// a list. It reads all events of the list, however old; a list that nobody knows is an error, since
// an id is easily mistyped.
func (l *Import) History(ctx context.Context, list, source string) (*whole.History, error) {
	h := whole.NewHistory(list, source)
	err := l.eventsOf(ctx, list, source, h.Add)
	return h, err
}

// Steps returns the steps of a list. It fails as History does, and holds no events.
func (l *Import) Steps(ctx context.Context, list, source string) ([]whole.Step, error) {
	var s whole.Steps
	err := l.eventsOf(ctx, list, source, s.Add)
	return s.Done(), err
}

// Rows calls yield with each row of a list that is in force, in order of the log, and the first day
// or month that it does not count any more, "" where it has not ended. It returns the source. It
// fails as History does, and holds no rows: the ledger is asked twice, as what ends a row or takes
// it back comes after it. What comes in between is shown as it is then.
func (l *Import) Rows(ctx context.Context, list, source string,
	yield func(row *whole.Item, ended string) error,
) (string, error) {
	rows := whole.NewRows(source)
	if err := l.eventsOf(ctx, list, source, rows.Look); err != nil {
		return "", err
	}
	return rows.Source, l.eventsOf(ctx, list, rows.Source, func(line []byte) error {
		row, ended, err := rows.Row(line)
		if err == nil && row != nil {
			err = yield(row, ended)
		}
		return err
	})
}

// eventsOf calls add with each event of a list.
func (l *Import) eventsOf(ctx context.Context, list, source string, add func([]byte) error) error {
	none := true
	err := l.From.ListEvents(ctx, list, source, func(line []byte) error {
		none = false
		return add(line)
	})
	switch {
	case errors.Is(err, whole.ErrSources):
		return usage("several sources have a list " + list + ": name one with --source" +
			" (beberapa sumber punya daftar dengan kode itu: sebut salah satu dengan --source)")
	case err == nil && none:
		return problem.New(problem.NotFound, "no list "+list+" is known: lists are known by the id"+
			" that stands above their columns, or that --list gave (tidak ada daftar dengan kode"+
			" itu: kodenya tertulis di atas kolom, atau diberi dengan --list)")
	}
	return err
}

// Undo undoes the last step of a list. What it takes back stays in the log: it appends retractions
// and what was before, as a step of its own, which can be undone in its turn. Everything is judged
// before anything is appended; with one event refused, nothing is.
func (l *Import) Undo(ctx context.Context, list, source string, lang lists.Language) (
	*WholeSummary, error,
) {
	h, err := l.History(ctx, list, source)
	if err != nil {
		return nil, err
	}
	plan, err := h.Undo()
	if errors.Is(err, whole.ErrNothing) {
		return nil, problem.New(problem.NotFound, lang.Pick("tidak ada langkah daftar "+list+
			" yang dapat dibatalkan", "there is nothing of the list "+list+" to undo"))
	}
	if err != nil {
		return nil, err
	}
	l.Tally.Lists = append(l.Tally.Lists, ListSummary{
		List: list, Source: h.Source, Whole: summaryOf(plan), Ignored: []string{},
	})
	if err := l.checkParts(plan, lang); err != nil {
		return nil, err
	}
	refused, err := l.rehearse(ctx, plan)
	// The summary is told either way: it says what was, or would have been, done.
	if err == nil && len(refused) == 0 && !l.Options.DryRun {
		refused, err = l.appendParts(ctx, plan)
	}
	if err == nil {
		err = overtaken(refused, lang)
	}
	for _, row := range slices.Sorted(maps.Keys(refused)) {
		if err == nil {
			err = l.Tally.refusedRow(refused[row], row, input{})
		}
	}
	return summaryOf(plan), err
}

// andDay is the day or month of a row behind a comma; nothing of a row that has none, as that of
// two numbers of one person.
func andDay(from string) string {
	if from == "" {
		return ""
	}
	return ", " + from
}

package importer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"

	"cakupan/cmd/internal/lists"
	"cakupan/cmd/internal/lists/whole"
	"cakupan/domain/event"
)

// Whole is what is said of a file that is the whole of a list.
type Whole struct {
	// Gone says what becomes of rows that are not in the file; nil: nobody has said it yet. To end
	// them, to take them back, or to leave them; there is no default, since each would be wrong for
	// many.
	Gone *whole.Gone
	// Ask asks it, where somebody is there to answer; nil: there is not. It may return nil. words
	// are a question in the language of the list. An error ends the import before anything is
	// appended.
	Ask func(words string) (*whole.Gone, error)
}

// WholeSummary is what --json says of a whole list. Rows are counted, not events: a changed row is
// two or more events.
type WholeSummary struct {
	Step      int `json:"step"` // of the list, from 1
	Unchanged int `json:"unchanged"`
	Added     int `json:"added"`
	Changed   int `json:"changed"`
	Returned  int `json:"returned"` // rows that had ended, and are on the list again
	// Empty, not null, where none is gone.
	Gone    []GoneRow `json:"gone"`
	Removed int       `json:"removed"` // of those, taken back
	Ended   int       `json:"ended"`   // of those
	Parts   int       `json:"parts"`   // each appended as a whole
}

// GoneRow is a row that the file does not have any more. Name is what people are shown of it, an id
// where there is nothing else; From the day or month from which it counted.
type GoneRow struct {
	Row  int    `json:"row"` // of the file that had it
	Name string `json:"name"`
	From string `json:"from"`
}

// wholeRowsMax bounds a whole list, which is held in memory. Rows that are taken in one by one have
// no such bound.
const wholeRowsMax = 500_000

// Whole takes in a file that is the whole of its list: what the ledger has of the list and the file
// does not say is corrected. With one row refused the file is not the whole, and nothing is done.
// It first reads all rows, then all that the ledger has of the list, compares them, and has the
// ledger judge the step; only then it appends. Up to there any error leaves everything as it was. A
// refused row is no error: the tally has it.
func (l *Import) Whole(ctx context.Context, path string, w Whole) (err error) {
	t := l.Tally
	t.file = path
	list, err := openList(path, l.open, l.Lists)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, list.Close()) }()
	info := list.Info()
	t.list(path, info)
	defer func() { t.reading = nil }()
	if t.rejects != nil {
		if err := t.rejects.begin(list.List); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, t.rejects.begin(nil)) }()
	}
	rows, err := l.readWhole(ctx, list)
	if err != nil {
		return inFile(path, err)
	}
	t.notices(list.Notices())
	if t.Refused > 0 {
		t.say(info.Lang.Pick("ada baris yang ditolak, sehingga ini bukan seluruh daftarnya: tidak"+
			" ada yang diubah. Perbaiki barisnya, lalu kirim lagi", "rows are refused, so this is"+
			" not the whole list: nothing was changed. Correct them, and send it again"))
		return nil
	}
	h := whole.NewHistory(info.ID, info.Source)
	if err := l.From.ListEvents(ctx, info.ID, info.Source, h.Add); err != nil {
		return err
	}
	plan, err := l.plan(h, rows, info.Lang, w)
	if err != nil {
		return err
	}
	return l.carryOut(ctx, list.List, plan, rows)
}

// readWhole reads all rows of a list. With one of them refused, all of them are given back where
// rows are: what comes back is the whole list again, to be corrected and sent as such. They are
// held in memory, with their NIKs as they stand in the file, until the step is done. Counted are
// all rows, told those that are refused. It appends nothing.
func (l *Import) readWhole(ctx context.Context, list *listFile) (rows []lists.Record, err error) {
	key, err := l.From.ListKey(ctx)
	if err != nil {
		return nil, err
	}
	for in := list.Events(key); ; {
		row, err := in.Next()
		switch {
		case errors.Is(err, io.EOF):
			return l.keepSound(rows)
		case err == nil:
			err = ctx.Err()
		}
		switch {
		case err != nil:
			return nil, err
		case len(rows) == wholeRowsMax:
			most := strconv.Itoa(wholeRowsMax)
			return nil, usage(list.Info().Lang.Pick("seluruh daftar paling banyak "+most+
				" baris: bagi menjadi beberapa daftar", "a whole list has at most "+most+
				" rows: divide it into several lists"))
		}
		l.Tally.Read++
		if row.Refusal != nil {
			l.Tally.Refused++
		}
		rows = append(rows, row)
	}
}

// keepSound returns the rows of a whole list that are not refused. Those that are, are told.
// Without refusals they are all, as they are. An error is one of writing rejects.
func (l *Import) keepSound(rows []lists.Record) (sound []lists.Record, err error) {
	t := l.Tally
	if t.Refused == 0 {
		return rows, nil
	}
	t.Refused = 0 // they are told as they are counted
	for i := range rows {
		row := &rows[i]
		if row.Refusal == nil {
			sound = append(sound, *row)
			err = t.rejects.addNote(row, "")
		} else {
			t.Refused++
			refused := event.Receipt{Status: event.Refused, Refusal: row.Refusal}
			err = t.refuse(&refused, row.Row, input{row: *row})
		}
		if err != nil {
			return nil, err
		}
	}
	return sound, nil
}

// plan compares the rows with what the ledger has, and finds out what becomes of those that are
// gone. It is made twice where somebody was asked, as the answer changes it. A dry run without an
// answer shows what is gone and leaves it: it asks nobody, as it does nothing.
func (l *Import) plan(h *whole.History, rows []lists.Record, lang lists.Language, w Whole,
) (*whole.Plan, error) {
	raw, numbers := make([][]byte, len(rows)), make([]int, len(rows))
	for i := range rows {
		raw[i], numbers[i] = rows[i].Event, rows[i].Row
	}
	plan, err := h.Plan(raw, numbers, w.Gone)
	if err != nil {
		return nil, goneProblem(err, lang)
	}
	l.Tally.Lists[len(l.Tally.Lists)-1].Whole = summaryOf(plan)
	l.Tally.tellPlan(plan, lang)
	if len(plan.Gone) == 0 || w.Gone != nil || l.Options.DryRun {
		return plan, nil
	}
	words := lang.Pick(strconv.Itoa(len(plan.Gone))+" baris hilang dari daftar; apa yang terjadi"+
		" dengan mereka?", strconv.Itoa(len(plan.Gone))+" rows are gone from the list; what"+
		" becomes of them?")
	if w.Ask != nil {
		if w.Gone, err = w.Ask(words); err != nil {
			return nil, err
		}
	}
	if w.Gone == nil {
		return nil, usage(words + " " + goneWords(lang))
	}
	if plan, err = h.Plan(raw, numbers, w.Gone); err != nil {
		return nil, goneProblem(err, lang)
	}
	l.Tally.Lists[len(l.Tally.Lists)-1].Whole = summaryOf(plan)
	return plan, nil
}

// goneWords say how to choose.
func goneWords(lang lists.Language) string {
	return lang.Pick("Pilih --gone keep (biarkan), --gone retract (tarik kembali: seharusnya"+
		" tidak pernah dilaporkan) atau --gone end:TANGGAL (berakhir pada hari itu)",
		"Choose --gone keep, --gone retract (they should never have been reported) or --gone"+
			" end:DATE (they end on that day)")
}

// goneProblem says what to do where rows cannot be ended. Any other error is passed on as it is.
func goneProblem(err error, lang lists.Language) error {
	if errors.Is(err, whole.ErrNoEnd) {
		return usage(lang.Pick("hanya baris kepesertaan dan pendanaan yang dapat berakhir: pilih"+
			" --gone keep atau --gone retract", "only rows of enrolments and of funding can end:"+
			" choose --gone keep or --gone retract"))
	}
	return err
}

// carryOut judges a step as a whole, and appends it unless it is a dry run. Each part is appended
// as a whole; where it breaks off between two, the same command goes on with it. An interrupt
// between two parts leaves the log with a step that is begun, which the next sending finds there
// and goes on with; nothing beside the log remembers it. In a dry run the summary counts what would
// have been appended.
func (l *Import) carryOut(ctx context.Context, list *lists.List, plan *whole.Plan,
	rows []lists.Record,
) error {
	parts, err := plan.Appends()
	if err != nil {
		return err
	}
	if err := l.checkParts(plan, len(parts), list.Info().Lang); err != nil {
		return err
	}
	t := l.Tally
	byRow := map[int]lists.Record{}
	for i := range rows {
		byRow[rows[i].Row] = rows[i]
	}
	// Unchanged rows are in the log already, and are not sent.
	t.Duplicates += uint64(plan.Unchanged)
	if err := l.rehearse(ctx, parts, rows, byRow); err != nil || t.Refused > 0 {
		return err
	}
	if !l.Options.DryRun {
		if err := l.appendParts(ctx, parts, byRow); err != nil {
			return err
		}
	}
	t.taken = l.rowsOf(plan, parts, rows, byRow)
	defer func() { t.taken = nil }()
	if l.Options.DryRun {
		t.Appended = uint64(plan.Len())
	} else if t.First != nil {
		t.taken.first = *t.First
	}
	return l.effect(ctx, list)
}

// checkParts refuses a correction that is too large for one step, unless it was said that it may be
// recorded in parts. What only adds rows, and what goes on with a step that was broken off, may.
// Between two parts of a correction, readers would see people taken back and not yet reported anew:
// that must be wanted.
func (l *Import) checkParts(plan *whole.Plan, parts int, lang lists.Language) error {
	if _, resuming := plan.Step(); parts < 2 || l.Parts || l.Options.DryRun || resuming ||
		!plan.Corrects() {
		return nil
	}
	return usage(fmt.Sprintf(lang.Pick("pembetulan ini %d laporan, sedangkan satu langkah yang"+
		" utuh paling banyak %d: tidak ada yang diubah. Kirim lagi dengan --parts (%d bagian,"+
		" masing-masing utuh; bila terputus, ulangi perintah yang sama), atau bagi daftarnya",
		"the correction has %d events, and one step that is recorded as a whole at most %d:"+
			" nothing was changed. Send it again with --parts (%d parts, each as a whole; if it"+
			" breaks off, give the same command again), or divide the list"),
		plan.Len(), whole.StepEvents, parts))
}

// rehearse asks the ledger what it would say of a step, before any of it is done. With a row
// refused all of them are given back where rows are, as those are that are refused before. It is a
// dry run of each part by the ledger, which judges it as it stands now; what others append before
// the real one may still change that, and each part is whole all the same. Without a refusal it
// changes nothing; otherwise the tally has the refusals, by rows of the file and in their order. A
// nil byRow, as of an undo, has no rows to give back.
func (l *Import) rehearse(ctx context.Context, parts []whole.Append, rows []lists.Record,
	byRow map[int]lists.Record,
) error {
	t := l.Tally
	refused := map[int]*event.Receipt{} // the first of each row of the file
	for _, part := range parts {
		got, err := l.From.Append(ctx, part.Events, true)
		if err != nil {
			return err
		}
		for i := range got {
			r, row := &got[i], part.Row(i)
			if r.Status != event.Refused || r.Refusal == nil || r.Refusal.Code == "" ||
				refused[row] != nil {
				continue // or it is not at fault
			}
			t.Refused++
			if _, inFile := byRow[row]; inFile && part.Changes[i].Row > 0 {
				refused[row] = r
			} else if err := t.refuse(r, row, input{}); err != nil { // of a row that is gone
				return err
			}
		}
	}
	if len(refused) == 0 {
		return nil
	}
	t.Refused -= uint64(len(refused)) // they are told as they are counted
	for i := range rows {
		row := rows[i].Row
		r, found := refused[row]
		var err error
		if found {
			t.Refused++
			err = t.refuse(r, row, input{row: byRow[row]})
		} else {
			err = t.rejects.addNote(&rows[i], "")
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// appendParts appends the events of a step. It stops at the first part that cannot be appended;
// those before it are in the log. Each returns when it is durable.
func (l *Import) appendParts(ctx context.Context, parts []whole.Append,
	byRow map[int]lists.Record,
) error {
	for _, part := range parts {
		got, err := l.From.Append(ctx, part.Events, false)
		if err != nil {
			return err
		}
		if err := l.Tally.countPart(&part, got, byRow); err != nil {
			return err
		}
	}
	return nil
}

// countPart counts what became of a part. A part that was refused has refusals of those at fault;
// the others of it are as little in the log. An event that was there already counts for nothing.
func (t *Tally) countPart(part *whole.Append, got []event.Receipt, byRow map[int]lists.Record,
) error {
	for i := range got {
		switch r := &got[i]; {
		case r.Status == event.Refused && r.Refusal != nil:
			t.Refused++
			row := part.Row(i)
			if err := t.refuse(r, row, input{row: byRow[row]}); err != nil {
				return err
			}
		case r.Status == event.Appended:
			t.Appended++
			t.appended(r.Sequence)
		}
	}
	t.tell.At(t.Appended, -1)
	return nil
}

// rowsOf returns what is asked about when it is told what a step has done: the rows that it leaves
// as they are, and its events. Where they are too many, all that is said is that they are.
func (l *Import) rowsOf(plan *whole.Plan, parts []whole.Append, rows []lists.Record,
	byRow map[int]lists.Record,
) *taken {
	k := &taken{more: plan.Len() > effectRowsMax}
	if k.more {
		k.rows = rows
		return k
	}
	if plan.Len()+len(plan.Same) <= effectRowsMax { // else what has changed is told alone
		for _, i := range plan.Same {
			k.rows = append(k.rows, rows[i])
		}
	}
	for _, part := range parts {
		for i := range part.Events {
			row := byRow[part.Row(i)]
			// Of a row that is gone the file has nothing, and it is known by its old number.
			row.Row, row.Event = part.Row(i), part.Events[i]
			k.rows = append(k.rows, row)
		}
	}
	return k
}

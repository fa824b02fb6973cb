package importer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"

	"cakupan/cmd/internal/lists"
	"cakupan/cmd/internal/lists/whole"
	"cakupan/cmd/internal/problem"
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
	// Seen is what the summary of a check before has said: the list must still be as it was then.
	// nil: there was none.
	Seen *uint64
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
	// Sequence of the last event of the list that the ledger had, 0 for none: the step is appended
	// only while that is so.
	Seen uint64 `json:"seen"`
}

// GoneRow is a row that the file does not have any more. Name is what people are shown of it, an id
// where there is nothing else; From the day or month from which it counted.
type GoneRow struct {
	Row  int    `json:"row"` // of the file that had it
	Name string `json:"name"`
	From string `json:"from"`
}

// wholeRowsMax bounds a whole list: what it has that the ledger has not is held in memory. Rows
// that are taken in one by one have no such bound.
const wholeRowsMax = 500_000

// Whole takes in a file that is the whole of its list: what the ledger has of the list and the file
// does not say is corrected. With one row refused the file is not the whole, and nothing is done.
// It first reads all that the ledger has of the list, then all rows, compares them, and has the
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
	key, err := l.keyOf(ctx, list)
	if err != nil {
		return err
	}
	h := whole.NewHistory(info.ID, info.Source)
	if err := l.From.ListEvents(ctx, info.ID, info.Source, h.Add); err != nil {
		return err
	}
	if w.Seen != nil && *w.Seen != h.Seen() {
		return problem.New(problem.ListChanged, info.Lang.Pick("daftar ini berubah sejak"+
			" diperiksa: tidak ada yang dicatat. Periksa lagi", "the list has changed since it"+
			" was checked: nothing was appended. Check it again"))
	}
	t.taken = &taken{}
	defer func() { t.taken = nil }()
	c, again := h.Compare(), l.again(ctx, path, l.Lists, key)
	sound, err := l.readWhole(ctx, list, key.rows(ctx, list), c)
	if err == nil && !sound {
		err = l.giveBack(again, nil)
	}
	if err != nil {
		return inFile(path, err)
	}
	t.notices(list.Notices())
	if !sound {
		t.say(info.Lang.Pick("ada baris yang ditolak, sehingga ini bukan seluruh daftarnya: tidak"+
			" ada yang diubah. Perbaiki barisnya, lalu kirim lagi", "rows are refused, so this is"+
			" not the whole list: nothing was changed. Correct them, and send it again"))
		return nil
	}
	plan, err := l.plan(c, info.Lang, w)
	if err != nil {
		return err
	}
	return l.carryOut(ctx, plan, info.Lang, again)
}

// readWhole reads all rows of a list and compares them with what the ledger has. Rows of which it
// has the very event are kept packed, to be told what they have done. It counts all rows, appends
// nothing, and returns whether none is refused.
func (l *Import) readWhole(ctx context.Context, list *listFile, in lists.Rows,
	c *whole.Comparison,
) (sound bool, err error) {
	sound = true
	for rows := 0; ; rows++ {
		row, err := in.Next()
		switch {
		case errors.Is(err, io.EOF):
			return sound, nil
		case err == nil:
			err = ctx.Err()
		}
		switch {
		case err != nil:
			return false, err
		case rows == wholeRowsMax:
			most := strconv.Itoa(wholeRowsMax)
			return false, usage(list.Info().Lang.Pick("seluruh daftar paling banyak "+most+
				" baris: bagi menjadi beberapa daftar", "a whole list has at most "+most+
				" rows: divide it into several lists"))
		}
		l.Tally.Read++
		if sound = sound && row.Refusal == nil; !sound {
			continue
		}
		same, err := c.Row(row.Event, row.Row)
		if err != nil {
			return false, err
		}
		if same {
			l.Tally.taken.add(row.Row, personOf(row.Event), row.Event)
		}
	}
}

// giveBack gives all rows of a list back where rows are: what comes back is the whole list again,
// to be corrected and sent as such. Those that the reader of the list refuses, and those that are
// in refused, by their rows, are counted and told. An error is one of reading or of writing
// rejects.
func (l *Import) giveBack(again rereader, refused map[int]*event.Receipt) error {
	t := l.Tally
	return again(func(row *lists.Record) error {
		r := refused[row.Row]
		if row.Refusal != nil {
			r = &event.Receipt{Status: event.Refused, Refusal: row.Refusal}
		}
		if r == nil {
			return t.rejects.addNote(row, "")
		}
		delete(refused, row.Row)
		return t.refusedRow(r, row.Row, input{row: *row})
	})
}

// refusedRow counts a refusal and tells of it.
func (t *Tally) refusedRow(r *event.Receipt, row int, in input) error {
	t.Refused++
	return t.refuse(r, row, in)
}

// plan finds out what becomes of rows that are gone. It is made twice where somebody was asked, as
// the answer changes it. A dry run without an answer shows what is gone and leaves it: it asks
// nobody, as it does nothing.
func (l *Import) plan(c *whole.Comparison, lang lists.Language, w Whole) (*whole.Plan, error) {
	plan, err := c.Plan(w.Gone)
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
	if plan, err = c.Plan(w.Gone); err != nil {
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
// have been appended. With a row refused all of them are given back where rows are, as those are
// that are refused before.
func (l *Import) carryOut(ctx context.Context, plan *whole.Plan, lang lists.Language,
	again rereader,
) error {
	if err := l.checkParts(plan, lang); err != nil {
		return err
	}
	t := l.Tally
	// Unchanged rows are in the log already, and are not sent.
	t.Duplicates += uint64(plan.Unchanged)
	refused, err := l.rehearse(ctx, plan)
	if err == nil && len(refused) == 0 && !l.Options.DryRun {
		refused, err = l.appendParts(ctx, plan)
	}
	if err == nil {
		err = overtaken(refused, lang)
	}
	if err == nil && len(refused) > 0 {
		return l.giveBackRefused(again, refused)
	}
	if err != nil {
		return err
	}
	for part, err := range plan.Appends() {
		if err != nil {
			return err
		}
		for i := range part.Events {
			// Both events of a change are about one person, whom the last one names.
			last := i
			for last+1 < len(part.Events) && part.Changes[last+1] == part.Changes[i] {
				last++
			}
			t.taken.add(part.Row(i), personOf(part.Events[last]), part.Events[i])
		}
	}
	if l.Options.DryRun {
		t.Appended = uint64(plan.Len())
	} else if t.First != nil {
		t.taken.first = *t.First
	}
	return l.effect(ctx, lang, again)
}

// overtaken is the error of a step that somebody else's step has overtaken: both take the same
// event back, and say another one in its place. No row is at fault. Ids follow from what is said,
// so that nothing else makes two events of one id.
func overtaken(refused map[int]*event.Receipt, lang lists.Language) error {
	for _, r := range refused {
		if r.Refusal.Code == event.Conflict {
			return problem.New(problem.Code(event.Conflict), lang.Pick("daftar ini baru saja"+
				" dibetulkan oleh orang lain: bagian ini tidak dicatat. Lihat cakupan list"+
				" history, lalu kirim lagi", "the list was corrected by somebody else just now:"+
				" nothing of this part was appended. See cakupan list history, and send it again"))
		}
	}
	return nil
}

// giveBackRefused gives the whole list back of which the ledger has refused rows. Rows that are
// gone are not in the file: of those it is told alone.
func (l *Import) giveBackRefused(again rereader, refused map[int]*event.Receipt) error {
	if err := l.giveBack(again, refused); err != nil {
		return err
	}
	for _, row := range slices.Sorted(maps.Keys(refused)) {
		if err := l.Tally.refusedRow(refused[row], row, input{}); err != nil {
			return err
		}
	}
	return nil
}

// checkParts refuses a correction that is too large for one step, unless it was said that it may be
// recorded in parts. What only adds rows, and what goes on with a step that was broken off, may.
// Between two parts of a correction, readers would see people taken back and not yet reported anew:
// that must be wanted.
func (l *Import) checkParts(plan *whole.Plan, lang lists.Language) error {
	parts, err := plan.Parts()
	if err != nil {
		return err
	}
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

// rehearse asks the ledger what it would say of a step, before any of it is done. It is a dry run
// of each part by the ledger, which judges it as it stands now; what others append before the real
// one may still change that, and each part is whole all the same. It changes nothing, and returns
// the first refusal of each row.
func (l *Import) rehearse(ctx context.Context, plan *whole.Plan,
) (refused map[int]*event.Receipt, err error) {
	refused = map[int]*event.Receipt{}
	for part, err := range plan.Appends() {
		if err != nil {
			return nil, err
		}
		got, err := l.From.Append(ctx, part.Events, plan.Seen(), true)
		if err != nil {
			return nil, err
		}
		noteRefused(refused, part, got)
	}
	return refused, nil
}

// noteRefused notes the first refusal of each row. Of a part in which one is refused, the others
// are as little in the log, and are not at fault.
func noteRefused(refused map[int]*event.Receipt, part *whole.Append, got []event.Receipt) {
	for i := range got {
		r, row := &got[i], part.Row(i)
		if r.Status == event.Refused && r.Refusal != nil && r.Refusal.Code != "" &&
			refused[row] == nil {
			refused[row] = r
		}
	}
}

// appendParts appends the events of a step. It stops at the first part that is refused or cannot be
// appended; those before it are in the log. Each returns when it is durable. An event that was
// there already counts for nothing.
func (l *Import) appendParts(ctx context.Context, plan *whole.Plan,
) (refused map[int]*event.Receipt, err error) {
	t := l.Tally
	refused = map[int]*event.Receipt{}
	seen := plan.Seen()
	for part, err := range plan.Appends() {
		if err != nil {
			return nil, err
		}
		got, err := l.From.Append(ctx, part.Events, seen, false)
		if err != nil {
			return nil, err
		}
		if noteRefused(refused, part, got); len(refused) > 0 {
			return refused, nil
		}
		for i := range got {
			r := &got[i]
			seen = max(seen, r.Sequence) // the next part follows what this one has made of the list
			if r.Status == event.Appended {
				t.Appended++
				t.appended(r.Sequence)
			}
		}
		t.tell.At(t.Appended, -1)
	}
	return nil, nil
}

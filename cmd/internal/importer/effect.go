package importer

import (
	"context"
	"strconv"
	"strings"

	"cakupan/cmd/internal/lists"
	"cakupan/domain/event"
	"cakupan/eventstore"
	"cakupan/projections/effect"
)

// effectRowsMax is for how many rows it is told what they have done: what fits one batch. The
// ledger answers for all of them in one request, and rows are held until then.
const effectRowsMax = 10_000

// taken are the rows of a list that were taken in, or had been. It is kept while one list is read,
// since the ledger is asked what they have done when all are in.
type taken struct {
	// Where there are more than effectRowsMax, nothing is asked of them.
	rows []lists.Record
	// From it on the ledger compares: before it, the list had done nothing.
	first uint64 // sequence of the first that is new; 0: none
	more  bool   // there are more than are kept
}

// add notes a row. A duplicate counts too: a list that is sent again is told what it has done,
// though not by this sending.
func (k *taken) add(row lists.Record, r *event.Receipt) {
	if r.Status == event.Appended && k.first == 0 {
		k.first = r.Sequence
	}
	if k.more = k.more || len(k.rows) == effectRowsMax; !k.more {
		k.rows = append(k.rows, row)
	}
}

// Effect is what --json says a list has done. It is missing where the rows were too many, or where
// the ledger could not tell.
type Effect struct {
	// The day whose coverage is compared, YYYY-MM-DD.
	On string `json:"on,omitempty"`
	// Empty, not null, where nothing has changed.
	Regions []EffectRegion  `json:"regions"`
	Notices []EffectNotices `json:"notices"`
}

// EffectRegion is how many are covered in a region. Before and After are workers covered on that
// day without and with what the list has brought.
type EffectRegion struct {
	Region string `json:"region"`
	Name   string `json:"name"`
	Before int64  `json:"before"`
	After  int64  `json:"after"`
}

// EffectNotices is what is to be known of some rows. Rows are numbers as in the file, from 1, for
// whoever has it open; Text is in the language of the list.
type EffectNotices struct {
	Code string `json:"code"`
	Rows []int  `json:"rows"`
	Text string `json:"text"`
}

// effect tells what a list has done, or in a dry run would do. The rows are in whatever comes of
// it, so only the end of ctx and a file of rejects that cannot be written are errors.
func (l *Import) effect(ctx context.Context, list *lists.List) error {
	t, k := l.Tally, l.Tally.taken
	lang := list.Info().Lang
	switch {
	case len(k.rows) == 0:
		return nil
	case k.more:
		most := strconv.Itoa(effectRowsMax)
		t.say(lang.Pick("daftar ini lebih dari "+most+" baris, sehingga akibatnya tidak disebut"+
			" baris demi baris: lihat cakupan findings --open, atau bagi daftarnya",
			"the list has more than "+most+" rows, so that it is not said row by row what it has"+
				" done: see cakupan findings --open, or divide the list"))
		return nil
	}
	raw := make([][]byte, len(k.rows))
	for i := range k.rows {
		raw[i] = k.rows[i].Event
	}
	report, err := l.From.Effect(ctx, raw, eventstore.Sequence(k.first))
	if err != nil {
		if ctx.Err() != nil {
			return err
		}
		// The rows are in, whatever this is; but nobody may take silence for good news.
		t.say(lang.Pick("akibat daftar ini tidak dapat diketahui sekarang: ",
			"what the list has done cannot be told now: ") + err.Error())
		return nil
	}
	t.tellEffect(&report, lang)
	return t.noteRows(&report, lang)
}

// say tells a line about the file that is read, below what was shown of progress.
func (t *Tally) say(words string) {
	t.tell.End()
	t.tell.Note("%s: %s", t.file, words)
}

// regionsShown is of how many regions it is told to people. Enough for a province with its
// regencies; --json has all of them.
const regionsShown = 20

// tellEffect tells people, and notes it for the summary.
func (t *Tally) tellEffect(report *effect.Report, lang lists.Language) {
	told := &Effect{On: report.On, Regions: []EffectRegion{}, Notices: []EffectNotices{}}
	for i := range report.Regions {
		r := &report.Regions[i]
		// The report has before and after of those whom the rows name alone; people are told of
		// all.
		before := r.Total - (r.After - r.Before)
		told.Regions = append(told.Regions, EffectRegion{r.Region, r.Name, before, r.Total})
		if i < regionsShown {
			t.say(lists.CoveredWords(lang, r.Region+" "+r.Name, report.On, before, r.Total))
		}
	}
	for i := range report.Notices {
		e := t.effectOf(&report.Notices[i])
		words := e.Words(lang)
		told.Notices = append(told.Notices, EffectNotices{e.Code, e.Rows, words})
		t.say(words)
	}
	// The last list is the one that is read.
	t.Lists[len(t.Lists)-1].Effect = told
}

// effectOf returns a notice by the numbers of its rows. In the report they count from 0 among the
// events that were asked about.
func (t *Tally) effectOf(n *effect.Notice) lists.Effect {
	e := lists.Effect{Code: n.Code, Date: n.Date, Name: n.Name}
	for _, at := range n.Rows {
		e.Rows = append(e.Rows, t.taken.rows[at].Row)
	}
	return e
}

// noteRows gives the rows back of which something is to be known. They were taken in, and are no
// rejects: they stand there with a remark, so that whoever sent the list sees at its row what the
// ledger made of it. A row with several remarks comes once.
func (t *Tally) noteRows(report *effect.Report, lang lists.Language) error {
	words := make([][]string, len(t.taken.rows))
	for i := range report.Notices {
		e := t.effectOf(&report.Notices[i])
		for _, at := range report.Notices[i].Rows {
			words[at] = append(words[at], e.Remark(lang))
		}
	}
	for at := range words {
		if len(words[at]) == 0 {
			continue
		}
		err := t.rejects.addNote(&t.taken.rows[at], strings.Join(words[at], "; "))
		if err != nil {
			return err
		}
	}
	return nil
}

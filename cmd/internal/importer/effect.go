package importer

import (
	"cmp"
	"context"
	"strconv"
	"strings"

	"cakupan/cmd/internal/lists"
	"cakupan/domain/event"
)

// effectRowsMax is how many rows are asked about at once at most: what fits one batch. Of a longer
// list the ledger is asked in parts.
const effectRowsMax = 10_000

// effectPart is how many rows such a part has: few, as what the ledger looks up for it is in memory
// meanwhile, here or there.
const effectPart = 2_000

// taken are the rows of a list that were taken in, or had been. They are kept, packed, while one
// list is read, since the ledger is asked what they have done when all are in.
type taken struct {
	rows spool
	days map[string]bool // on which something changes
	// From it on the ledger compares: before it, the list had done nothing.
	first uint64 // sequence of the first that is new; 0: none
}

// add notes an event and its row. A duplicate counts too: a list that is sent again is told what it
// has done, though not by this sending.
func (k *taken) add(row int, person uint64, event []byte) {
	k.rows.add(row, person, event)
	if day := dayOf(event); day != "" && !k.days[day] {
		if k.days == nil {
			k.days = map[string]bool{}
		}
		k.days[day] = true
	}
}

// took notes a row that was taken in by itself.
func (k *taken) took(row *lists.Record, r *event.Receipt) {
	if r.Status == event.Appended && k.first == 0 {
		k.first = r.Sequence
	}
	k.add(row.Row, personOf(row.Event), row.Event)
}

// day returns the day on which the rows are counted, as package effect chooses it of rows that it
// sees together: the last one, not after today, on which one of them takes effect; where all are to
// come, the first. "" where none has a day.
func (k *taken) day(today string) (on string) {
	first := ""
	for day := range k.days {
		if day <= today {
			on = max(on, day)
		} else if first == "" || day < first {
			first = day
		}
	}
	return cmp.Or(on, first)
}

// Effect is what --json says a list has done. It is missing where the ledger could not tell.
type Effect struct {
	// The day whose coverage is compared, YYYY-MM-DD.
	On string `json:"on,omitempty"`
	// Empty, not null, where nothing has changed.
	Regions []EffectRegion  `json:"regions"`
	Notices []EffectNotices `json:"notices"`
}

// EffectRegion is how many are covered in a region and, of them, confirmed.
type EffectRegion struct {
	Region string `json:"region"`
	Name   string `json:"name"`
	EffectCounts
	Confirmed EffectCounts `json:"confirmed"`
}

// EffectCounts are workers on that day without and with what the list has brought.
type EffectCounts struct {
	Before int64 `json:"before"`
	After  int64 `json:"after"`
}

// EffectNotices is what is to be known of some rows. Rows are numbers as in the file, from 1, for
// whoever has it open; Text is in the language of the list. Of very many, Rows has the first, and
// what differs in a name alone is one of them; Count is how many rows there are.
type EffectNotices struct {
	Code  string `json:"code"`
	Rows  []int  `json:"rows"`
	Count int    `json:"count"`
	Text  string `json:"text"`
}

// effect tells what a list has done, or in a dry run would do. The rows are in whatever comes of
// it, so only the end of ctx and a file of rejects that cannot be written are errors. again reads
// the list once more: rows of which something is to be known are given back with it.
func (l *Import) effect(ctx context.Context, lang lists.Language, again rereader) error {
	t, k := l.Tally, l.Tally.taken
	if k.rows.count == 0 {
		return nil
	}
	asked := l.now()
	done, err := l.askEffect(ctx, k)
	t.Asking += l.now().Sub(asked)
	if err != nil {
		if ctx.Err() != nil {
			return err
		}
		// The rows are in, whatever this is; but nobody may take silence for good news.
		t.say(lang.Pick("akibat daftar ini tidak dapat diketahui sekarang: ",
			"what the list has done cannot be told now: ") + err.Error())
		return nil
	}
	t.tellEffect(done, lang)
	return l.noteRows(done, lang, again)
}

// say tells a line about the file that is read, below what was shown of progress.
func (t *Tally) say(words string) {
	t.tell.End()
	t.tell.Note("%s: %s", t.file, words)
}

// regionsShown is of how many regions it is told to people. Enough for a province with its
// regencies; --json has all of them.
const regionsShown = 20

// noticesShown is how many notices of one code people are told of. Those that differ in a name may
// be as many as the rows; the rows that are given back have all of them.
const noticesShown = 10

// tellEffect tells people, and notes it for the summary.
func (t *Tally) tellEffect(done *outcome, lang lists.Language) {
	told := &Effect{On: done.on, Regions: done.regions(), Notices: []EffectNotices{}}
	for i, r := range told.Regions {
		if i == regionsShown {
			more := strconv.Itoa(len(told.Regions) - i)
			t.say(lang.Pick("… dan "+more+" wilayah lagi", "… and "+more+" more regions"))
			break
		}
		t.say(lists.CoveredWords(lang, r.Region+" "+r.Name, done.on,
			lists.Change(r.EffectCounts), lists.Change(r.Confirmed)))
	}
	for _, some := range done.byCode() {
		for i, n := range some {
			if i == noticesShown && len(some) > i+1 {
				t.say(restWords(lang, some[i:]))
				break
			}
			e := n.effect()
			t.say(e.Words(lang))
		}
		told.Notices = append(told.Notices, summarized(some, lang)...)
	}
	// The last list is the one that is read.
	t.Lists[len(t.Lists)-1].Effect = told
}

// restWords says how many more rows have a notice of the same code, which is told of others before.
func restWords(lang lists.Language, rest []*outcomeNotice) string {
	rows := 0
	for _, n := range rest {
		rows += len(n.rows)
	}
	count := strconv.Itoa(rows)
	return lang.Pick("… dan "+count+" baris lagi dengan catatan serupa",
		"… and "+count+" more rows with notices like these")
}

const (
	// noticesNamed is how many notices of one code the summary has, and rowsNamed how many rows of
	// each are named there. A list of as many rows as one question has all of its rows named.
	noticesNamed = 1_000
	rowsNamed    = effectRowsMax
)

// summarized returns the notices of one code as the summary has them. Those that are too many are
// one at the end, which says how many rows there are.
func summarized(some []*outcomeNotice, lang lists.Language) (all []EffectNotices) {
	for i, n := range some {
		if i == noticesNamed {
			rest := EffectNotices{
				Code: n.code, Rows: []int{}, Text: restWords(lang, some[i:]),
			}
			for _, n := range some[i:] {
				rest.Count += len(n.rows)
			}
			return append(all, rest)
		}
		e := n.effect()
		all = append(all, EffectNotices{
			Code: n.code, Rows: e.Rows[:min(len(e.Rows), rowsNamed)], Count: len(n.rows),
			Text: e.Words(lang),
		})
	}
	return all
}

// rereader reads a list once more and calls do with each row, in order. It is asked for rows that
// were taken in long before, which are not kept.
type rereader func(do func(*lists.Record) error) error

// noteRows gives the rows back of which something is to be known. They were taken in, and are no
// rejects: they stand there with a remark, so that whoever sent the list sees at its row what the
// ledger made of it. A row with several remarks comes once.
func (l *Import) noteRows(done *outcome, lang lists.Language, again rereader) error {
	t := l.Tally
	if len(done.notices) == 0 || t.rejects == nil || t.rejects.back == nil {
		return nil
	}
	var said []string
	of := map[int][]int{} // by row, the places in said
	for _, some := range done.byCode() {
		for _, n := range some {
			e := n.effect()
			said = append(said, e.Remark(lang))
			for _, row := range n.rows {
				of[int(row)] = append(of[int(row)], len(said)-1)
			}
		}
	}
	return again(func(row *lists.Record) error {
		at := of[row.Row]
		if len(at) == 0 || row.Refusal != nil {
			return nil
		}
		words := make([]string, len(at))
		for i := range at {
			words[i] = said[at[i]]
		}
		return t.rejects.addNote(row, strings.Join(words, "; "))
	})
}

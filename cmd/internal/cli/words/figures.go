package words

import (
	"fmt"
	"strings"
	"time"

	"cakupan/cmd/internal/lists"
	"cakupan/domain/event"
	"cakupan/eventstore"
	"cakupan/projections/coverage"
	"cakupan/projections/story"
)

// Known says what an answer rests on. At sequence 0 nothing was known: there is no event and no
// time.
func Known(k coverage.Known) string { return KnownIn(k, lists.English) }

// KnownWords says it in the languages of auditors.
func KnownWords(k coverage.Known) story.Words {
	return story.Words{EN: Known(k), ID: KnownIn(k, lists.Indonesian)}
}

// KnownIn says it in a language.
func KnownIn(k coverage.Known, l lists.Language) string {
	if k.Sequence == 0 || k.RecordedAt == nil {
		return l.Pick("sebagaimana diketahui sebelum peristiwa pertama",
			"as known before the first event")
	}
	return fmt.Sprintf(l.Pick("sebagaimana diketahui pada peristiwa %s, dicatat %s",
		"as known at event %s, recorded %s"), Numeral(l, k.Sequence), LocalTime(*k.RecordedAt))
}

// LocalTime shows a time of the ledger, which is kept in UTC, as the clocks of Gorontalo did, to
// the second. The zone is written out: it has no summer time, and a machine need not have a table
// of zones. What is no time is shown as it is.
func LocalTime(text string) string {
	// Seconds east of UTC.
	const makassar = 8 * 60 * 60
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return text
	}
	return at.In(time.FixedZone("WITA", makassar)).Format("2006-01-02 15:04:05 MST")
}

// Workforce shows how many people there are to be covered. None published is a dash, never 0
// (contract, section 3); so with the others below.
func Workforce(w *coverage.Workforce) string {
	if w == nil {
		return "–"
	}
	return Thousands(w.Count)
}

// Percent shows a percentage, which was rounded where it was counted and is not touched here.
func Percent(percent *string) string {
	if percent == nil {
		return "–"
	}
	return *percent + " %"
}

// Target shows the percentage above which a region is to be; a dash where no target holds.
func Target(t *coverage.Target) string {
	if t == nil {
		return "–"
	}
	return t.Percent + " %"
}

// Met marks whether a target is met. Without a workforce nobody knows: no mark.
func Met(t *coverage.Target) string {
	switch {
	case t == nil || t.Met == nil:
		return ""
	case *t.Met:
		return "✓"
	}
	return "✗"
}

// Shortfall shows how many more covered workers would meet the target: 0 where it is met, a
// dash where nobody knows.
func Shortfall(t *coverage.Target) string {
	if t == nil || t.Shortfall == nil {
		return "–"
	}
	return Thousands(*t.Shortfall)
}

// Sequences writes sequences without separators of thousands, as cakupan log takes them.
func Sequences(sequences []eventstore.Sequence, separator string) string {
	texts := make([]string, len(sequences))
	for i, seq := range sequences {
		texts[i] = seq.String()
	}
	return strings.Join(texts, separator)
}

// Code returns why something was refused, with the field where there is one.
func Code(code event.Code, field string) string {
	if field == "" {
		return string(code)
	}
	return string(code) + " (" + field + ")"
}

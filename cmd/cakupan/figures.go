package main

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

// knownText says what an answer rests on. At sequence 0 nothing was known: there is no event and no
// time.
func knownText(k coverage.Known) string { return knownIn(k, lists.English) }

// knownWords says it in the languages of auditors.
func knownWords(k coverage.Known) story.Words {
	return story.Words{EN: knownText(k), ID: knownIn(k, lists.Indonesian)}
}

// knownIn says it in a language.
func knownIn(k coverage.Known, l lists.Language) string {
	if k.Sequence == 0 || k.RecordedAt == nil {
		return l.Pick("sebagaimana diketahui sebelum peristiwa pertama",
			"as known before the first event")
	}
	return fmt.Sprintf(l.Pick("sebagaimana diketahui pada peristiwa %s, dicatat %s",
		"as known at event %s, recorded %s"), numeral(l, k.Sequence), localTime(*k.RecordedAt))
}

// localTime shows a time of the ledger, which is kept in UTC, as the clocks of Gorontalo did, to
// the second. The zone is written out: it has no summer time, and a machine need not have a table
// of zones. What is no time is shown as it is.
func localTime(text string) string {
	// Seconds east of UTC.
	const makassar = 8 * 60 * 60
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return text
	}
	return at.In(time.FixedZone("WITA", makassar)).Format("2006-01-02 15:04:05 MST")
}

// workforceText shows how many people there are to be covered. None published is a dash, never 0
// (contract, section 3); so with the others below.
func workforceText(w *coverage.Workforce) string {
	if w == nil {
		return "–"
	}
	return thousands(w.Count)
}

// percentText shows a percentage, which was rounded where it was counted and is not touched here.
func percentText(percent *string) string {
	if percent == nil {
		return "–"
	}
	return *percent + " %"
}

// targetText shows the percentage above which a region is to be; a dash where no target holds.
func targetText(t *coverage.Target) string {
	if t == nil {
		return "–"
	}
	return t.Percent + " %"
}

// metText marks whether a target is met. Without a workforce nobody knows: no mark.
func metText(t *coverage.Target) string {
	switch {
	case t == nil || t.Met == nil:
		return ""
	case *t.Met:
		return "✓"
	}
	return "✗"
}

// shortfallText shows how many more covered workers would meet the target: 0 where it is met, a
// dash where nobody knows.
func shortfallText(t *coverage.Target) string {
	if t == nil || t.Shortfall == nil {
		return "–"
	}
	return thousands(*t.Shortfall)
}

// sequencesText writes sequences without separators of thousands, as cakupan log takes them.
func sequencesText(sequences []eventstore.Sequence, separator string) string {
	texts := make([]string, len(sequences))
	for i, seq := range sequences {
		texts[i] = seq.String()
	}
	return strings.Join(texts, separator)
}

// codeText returns why something was refused, with the field where there is one.
func codeText(code event.Code, field string) string {
	if field == "" {
		return string(code)
	}
	return string(code) + " (" + field + ")"
}

package indonesian

import (
	"strings"
	"testing"
)

// TestSentences puts each sentence into Indonesian with all that differs in its place, and leaves
// none in both languages.
func TestSentences(t *testing.T) {
	for _, s := range sentences {
		en, n := s.en, 0
		var values []string
		for strings.Contains(en, "{") {
			value := "W" + string(rune('a'+n))
			at := strings.Index(en, "{")
			end := at + strings.Index(en[at:], "}") + 1
			en, n = en[:at]+value+en[end:], n+1
			values = append(values, value)
		}
		id := Sentence(en)
		if id == en || strings.ContainsAny(id, "{}") {
			t.Errorf("%s: %s", en, id)
		}
		for i, value := range values {
			// Where numbers say which are told, the others are left out.
			if !strings.Contains(id, value) && !strings.Contains(s.id, "{1}") && i < strings.Count(s.id, "{") {
				t.Errorf("%s: %s is lost: %s", en, value, id)
			}
		}
	}
}

// TestSentence reads sentences as commands say them.
func TestSentence(t *testing.T) {
	for en, want := range map[string]string{
		"indicator must be LABOUR_FORCE, EMPLOYED or ELIGIBLE": "indicator harus LABOUR_FORCE, EMPLOYED" +
			" atau ELIGIBLE",
		"on is no date: a date is YYYY-MM-DD and a day of the calendar, such as 2020-12-31": "on bukan" +
			" tanggal: tulis tahun-bulan-tanggal yang ada di kalender, misalnya 2020-12-31",
		"--csv and --json exclude each other": "--csv dan --json tidak dapat dipakai bersama",
		"the ledger in x (y) is used by process 7, a cakupan serve: use --server :7070 instead of --data": "" +
			"the ledger in x (y) is used by process 7, a cakupan serve: use --server :7070 instead of --data",
		"the ledger in x is used by process 7, a cakupan serve: use --server 127.0.0.1:7070 instead of" +
			" --data": "folder sedang dipakai cakupan serve: pakai --server 127.0.0.1:7070 sebagai ganti --data",
		"http://a does not answer: is `cakupan serve` running there? (dial: refused)": "http://a tidak" +
			" menjawab: apakah `cakupan serve` berjalan di sana? (dial: refused)",
		"none of http://a, http://b answers: is `cakupan serve` running there? (dial: refused)": "tidak" +
			" satu pun dari http://a, http://b menjawab: apakah `cakupan serve` berjalan di sana?" +
			" (dial: refused)",
		// What says it in both languages, and what is not known, stays.
		"--gone must be keep or retract (tulis keep atau retract)": "--gone must be keep or retract" +
			" (tulis keep atau retract)",
		"something else": "something else",
		"":               "",
	} {
		if got := Sentence(en); got != want {
			t.Errorf("%s: %s, want %s", en, got, want)
		}
	}
}

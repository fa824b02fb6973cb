package lists

import (
	"strings"
	"testing"

	"cakupan/projections/effect"
)

// TestEffectWords has words in both languages for whatever the projection notes of a row.
func TestEffectWords(t *testing.T) {
	for _, code := range effect.Codes() {
		e := Effect{Code: code, Date: "2021-03-01", Name: "17", Rows: []int{4, 7, 8, 9}}
		id, en := e.Words(Indonesian), e.Words(English)
		if !strings.HasPrefix(id, "baris 4, 7-9: ") || !strings.HasPrefix(en, "rows 4, 7-9: ") ||
			len(id) < 40 || len(en) < 40 || strings.ContainsAny(id+en, "{}") {
			t.Errorf("%s: %q, %q", code, id, en)
		}
	}
	if len(effectWords) != len(effect.Codes()) {
		t.Errorf("there are words for %d codes of %d", len(effectWords), len(effect.Codes()))
	}
	one := Effect{Code: "NOT_FUNDED", Rows: []int{4}}
	if text := one.Remark(English); !strings.HasPrefix(text, "one person is ") {
		t.Errorf("of one person: %q", text)
	}
}

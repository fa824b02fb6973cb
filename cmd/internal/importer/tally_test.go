package importer

import (
	"fmt"
	"strings"
	"testing"

	"cakupan/cmd/internal/lists"
	"cakupan/domain/event"
)

// TestSourceOfAListIsTold tells once a file which source a list has that its sender may not give.
func TestSourceOfAListIsTold(t *testing.T) {
	t.Parallel()
	var diagnostics strings.Builder
	tally := NewTally(Teller{
		Note: func(format string, args ...any) { fmt.Fprintf(&diagnostics, format+"\n", args...) },
		End:  func() {},
	}, nil)
	refused := &event.Receipt{Refusal: &event.Refusal{
		Code: event.Forbidden, Field: "source", Detail: "not yours",
	}}
	for _, path := range []string{"a.csv", "b.csv"} {
		tally.file = path
		tally.list(path, lists.Info{ID: "BB-1", Source: "urn:cakupan:list:BB-1", Lang: lists.Indonesian})
		for row := range 3 {
			if err := tally.refuse(refused, row+2, input{}); err != nil {
				t.Fatal(err)
			}
		}
		want := path + `: sumber daftar ini urn:cakupan:list:BB-1: kirim dengan --source URI,` +
			` atau tulis "Sumber" dan URI-nya di atas kolom` + "\n"
		if strings.Count(diagnostics.String(), want) != 1 {
			t.Errorf("%s", diagnostics.String())
		}
	}
	tally.reading, tally.told = nil, false
	diagnostics.Reset()
	if err := tally.refuse(refused, 1, input{}); err != nil || strings.Contains(diagnostics.String(), "Sumber") {
		t.Errorf("%v: of events: %s", err, diagnostics.String())
	}
}

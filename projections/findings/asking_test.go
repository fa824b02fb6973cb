package findings_test

import (
	"slices"
	"testing"

	"cakupan/eventstore"
	"cakupan/projections"
	"cakupan/projections/findings"
	"cakupan/projections/projtest"
)

// TestAskingMeanwhile asks while events are folded and shown: what is answered as known at an event
// that readers see is what is answered when all is quiet.
func TestAskingMeanwhile(t *testing.T) {
	const n, step = 400, 5
	kept, err := smallKind().Open(t.Context(),
		projections.NewFeed(projtest.Log(t, history(7, n, 24), 1, 10)),
		projections.File{Path: t.TempDir() + "/findings.db"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = kept.Close() }()
	p, ok := projections.Answers[*findings.Projection](kept)
	if !ok {
		t.Fatal("another kind")
	}
	folded := make(chan error, 1)
	seen := make(chan eventstore.Sequence) // each frame is folded once somebody has asked meanwhile
	go func() {
		defer close(seen)
		folded <- kept.CatchUp(t.Context(), n, func(at eventstore.Sequence) { seen <- at })
	}()
	answers := map[eventstore.Sequence][]string{}
	frames := 0
	for range seen {
		known, _ := kept.Applied()
		if frames++; known == 0 || frames%step != 0 {
			continue
		}
		answers[known] = ask(t, p, findings.Query{Known: known})
		if _, err := p.Of(known, findings.Indonesian); err != nil {
			t.Error(err)
		}
	}
	if err := <-folded; err != nil {
		t.Fatal(err)
	}
	if len(answers) == 0 {
		t.Fatal("nobody asked meanwhile")
	}
	for known, got := range answers {
		if want := ask(t, p, findings.Query{Known: known}); !slices.Equal(got, want) {
			t.Errorf("at %d:\n%s", known, differ(got, want))
		}
	}
}

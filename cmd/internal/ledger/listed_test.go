package ledger_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"cakupan/cmd/internal/excerpt"
	"cakupan/cmd/internal/intake"
	"cakupan/cmd/internal/ledger"
	"cakupan/domain/event"
)

// listed is what is looked at of an event of a list.
type listed struct {
	ID          string `json:"id"`
	Sequence    uint64 `json:"sequence"`
	RetractedBy uint64 `json:"retractedby"`
}

// TestListEvents sends rows of lists, other events, and retractions with and without a list, before
// and after what they name: a list has all that says it is of it, in order, and each event that is
// not in force says by which one.
func TestListEvents(t *testing.T) {
	l, err := ledger.Open(t.Context(), ledger.Options{Dir: t.TempDir(), Create: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}()
	type sent struct{ id, source, list, takes string }
	var all []sent
	r := rand.New(rand.NewPCG(3, 3))
	for round := range 6 {
		var raw [][]byte
		for range 40 {
			e := sent{id: fmt.Sprint("e", len(all)), source: fmt.Sprint("urn:", r.IntN(2))}
			if r.IntN(4) > 0 {
				e.list = fmt.Sprint("L", r.IntN(3))
			}
			kind, data := "worker.died", fmt.Sprintf(`{"worker":"w%d","on":"2021-01-01"}`, r.IntN(9))
			if r.IntN(4) == 0 { // some of what comes later, or of another retraction
				n := r.IntN(len(all) + 20)
				e.takes = fmt.Sprint("urn:", n%2, " e", n)
				kind = "event.retracted"
				data = fmt.Sprintf(`{"source":"urn:%d","id":"e%d","reason":""}`, n%2, n)
			}
			attributes := `,"retractedby":99` // the sender's word is not the ledger's
			if e.list != "" {
				attributes += fmt.Sprintf(`,"list":%q`, e.list)
			}
			raw = append(raw, fmt.Appendf(nil, `{"specversion":"1.0","id":%q,"source":%q,"type":`+
				`"id.cakupan.%s.v1"%s,"data":%s}`, e.id, e.source, kind, attributes, data))
			all = append(all, e)
		}
		got, err := l.Submit(t.Context(), raw, intake.Options{})
		if err != nil || slices.ContainsFunc(got, func(r event.Receipt) bool {
			return r.Status != event.Appended
		}) {
			t.Fatalf("round %d: %v, %v", round, got, err)
		}
		for _, f := range []excerpt.List{
			{List: "L0"}, {List: "L1", Source: "urn:1"}, {List: "L2", Publisher: "urn:0"}, {List: "L"},
		} {
			var want, told []listed
			for i, e := range all {
				if e.list != f.List || f.Source != "" && e.source != f.Source ||
					f.Publisher != "" && e.source != f.Publisher {
					continue
				}
				one := listed{ID: e.id, Sequence: uint64(i + 1)}
				by := slices.IndexFunc(all, func(by sent) bool { return by.takes == e.source+" "+e.id })
				if by >= 0 && e.takes == "" {
					one.RetractedBy = uint64(by + 1)
				}
				want = append(want, one)
			}
			err := l.ListEvents(t.Context(), f, func(line []byte) error {
				var one listed
				err := json.Unmarshal(line, &one)
				told = append(told, one)
				return err
			})
			if err != nil || !slices.Equal(told, want) {
				t.Fatalf("%+v: %v, %v, want %v", f, told, err, want)
			}
		}
	}
}

package ledger_test

import (
	"fmt"
	"testing"

	"cakupan/cmd/internal/intake"
	"cakupan/cmd/internal/ledger"
	"cakupan/cmd/internal/ledgertest"
)

// BenchmarkRights measures what the check of rights costs an event, in batches as they come by
// HTTP, on a ledger with 100,000 people.
func BenchmarkRights(b *testing.B) {
	const people, batch = 100_000, 1_000
	l, err := ledger.Open(b.Context(), ledger.Options{Dir: b.TempDir(), Create: true})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	scope := ledgertest.Publisher(b, "bone", "75.03")
	raw := func(from int, kind string, data func(i int) string) (lines [][]byte) {
		for i := from; i < from+batch; i++ {
			lines = append(lines, fmt.Appendf(nil, `{"specversion":"1.0","id":"%s-%d",`+
				`"source":"urn:bone","type":"id.cakupan.%s.v1","data":{%s}}`, kind, i, kind, data(i)))
		}
		return lines
	}
	open := func(i int) string {
		return ledgertest.Opening(fmt.Sprintf("75030000-%d", i), fmt.Sprintf("%032x", i), "75.03")
	}
	for from := 0; from < people; from += batch {
		opts := intake.Options{Scope: scope}
		if _, err := l.Submit(b.Context(), raw(from, "enrolment.opened", open), opts); err != nil {
			b.Fatal(err)
		}
	}
	for _, c := range []struct {
		kind string
		from int
		data func(i int) string
	}{
		{"enrolment.opened", people, open},
		{"enrolment.terminated", 5_000, func(i int) string {
			return fmt.Sprintf(`"enrolment":"75030000-%d","until":"2021-06-01","reason":"OTHER"`, i)
		}},
		{"funding.granted", 5_000, func(i int) string {
			return fmt.Sprintf(`"commitment":"c","enrolment":"75030000-%d","from":"2021-01",`+
				`"until":"2022-01"`, i)
		}},
		{"worker.died", 5_000, func(i int) string {
			return fmt.Sprintf(`"worker":"%032x","on":"2021-06-01"`, i)
		}},
	} {
		b.Run(c.kind, func(b *testing.B) {
			prepared, err := l.Prepare(b.Context(), raw(c.from, c.kind, c.data),
				intake.Options{Scope: scope})
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if err := l.JudgeRights(b.Context(), prepared); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*batch), "ns/event")
		})
	}
}

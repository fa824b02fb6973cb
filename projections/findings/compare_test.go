package findings_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"cakupan/eventstore"
	"cakupan/projections"
	"cakupan/projections/findings"
	"cakupan/projections/projtest"
)

// open returns the projection of events, in frames of up to most.
func open(t *testing.T, kind projections.Kind, events []projections.Event, most int,
) *findings.Projection {
	t.Helper()
	kept, err := kind.Open(t.Context(), projections.NewFeed(projtest.Log(t, events, 1, most)),
		projections.File{Path: t.TempDir() + "/findings.db"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = kept.Close() })
	if err := kept.CatchUp(t.Context(), eventstore.Sequence(len(events)), nil); err != nil {
		t.Fatal(err)
	}
	p, ok := projections.Answers[*findings.Projection](kept)
	if !ok {
		t.Fatal("another kind")
	}
	return p
}

// told is a finding as a line, which tells it from all others.
func told(f *findings.Finding) (subject, detail string) {
	var names []string
	add := func(kind, name string) {
		if name != "" {
			names = append(names, kind+"="+name)
		}
	}
	switch f.Code {
	case "REPORTED_LATE", "FAR_FUTURE":
		add("s", f.Since.String())
	case "COVERAGE_ABOVE_100", "JUMP":
		add("r", f.Region)
		add("m", f.Months.List[0])
	case "DOUBLE_FUNDED", "PAID_AFTER_DEATH", "TWO_OPEN":
		add("w", f.Worker)
	default:
		add("e", f.Enrolment)
		add("c", f.Commitment)
	}
	rupiah, months := int64(-1), f.Months.List
	if f.Rupiah != nil {
		rupiah = *f.Rupiah
	}
	if f.Months.Buys != "" {
		months = []string{f.Months.Buys}
	}
	detail = details(months, rupiah)
	if f.Code == "TWO_OPEN" {
		detail = "" // the model does not tell the months
	}
	return f.Code + " " + strings.Join(names, " "), detail
}

// ask returns all findings as known at k, as lines.
func ask(t *testing.T, p *findings.Projection, q findings.Query) (lines []string) {
	t.Helper()
	last := eventstore.Sequence(0)
	err := p.Each(t.Context(), q, func(f *findings.Finding) error {
		if f.Since < last || f.Until != nil && *f.Until <= f.Since {
			t.Errorf("finding %+v after one of event %d", f, last)
		}
		last = f.Since
		until := "open"
		if f.Until != nil {
			until = f.Until.String()
		}
		subject, detail := told(f)
		if len(f.Events) == 0 || !slices.IsSorted(f.Events) {
			t.Errorf("%s at %d rests on %v", subject, q.Known, f.Events)
		}
		if strings.ContainsAny(f.Text, "{}") || f.Text == "" {
			t.Errorf("%s: %q", subject, f.Text)
		}
		lines = append(lines, fmt.Sprintf("%s %d-%s %s", subject, f.Since, until, detail))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(lines)
	return lines
}

// TestIntervals compares with the definitions at every event: what is found, since when, until
// when.
func TestIntervals(t *testing.T) {
	if testing.Short() {
		t.Skip("long in one goroutine")
	}
	seeds := uint64(4)
	if os.Getenv(projtest.LongEnv) != "" {
		seeds = 40
	}
	reached := map[string]int{}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			events := history(seed, 130, 160)
			p := open(t, []projections.Kind{
				theKind(), smallKind(), longKind(0), longKind(3),
			}[seed%4], events, 20)
			since, detail := map[string]int{}, map[string]string{}
			var past []string
			for k := 1; k <= len(events); k++ {
				found := newModel(events, k).all()
				for subject, since := range since {
					if _, still := found[subject]; !still {
						past = append(past, fmt.Sprintf("%s %d-%d %s", subject, since, k,
							detail[subject]))
					}
				}
				for subject := range detail {
					if _, still := found[subject]; !still {
						delete(since, subject)
						delete(detail, subject)
					}
				}
				for subject, is := range found {
					if _, was := since[subject]; !was {
						since[subject] = k
					}
					detail[subject] = is
					reached[strings.Fields(subject)[0]]++
				}
				want := slices.Clone(past)
				for subject, since := range since {
					want = append(want, fmt.Sprintf("%s %d-open %s", subject, since,
						detail[subject]))
				}
				slices.Sort(want)
				got := ask(t, p, findings.Query{Known: eventstore.Sequence(k)})
				if !slices.Equal(got, want) {
					t.Fatalf("at %d (%s):\n%s", k, events[k-1].Type, differ(got, want))
				}
			}
		})
	}
	t.Log(reached)
	for _, code := range findings.CodeNames() {
		if reached[code] == 0 {
			t.Errorf("no history reaches %s", code)
		}
	}
}

// differ shows what only one of two sorted lists has.
func differ(got, want []string) string {
	var text []string
	for _, line := range got {
		if _, found := slices.BinarySearch(want, line); !found {
			text = append(text, "  got  "+line)
		}
	}
	for _, line := range want {
		if _, found := slices.BinarySearch(got, line); !found {
			text = append(text, "  want "+line)
		}
	}
	return strings.Join(text, "\n")
}

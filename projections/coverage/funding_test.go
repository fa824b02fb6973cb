package coverage_test

import (
	"context"
	"fmt"
	"math/big"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cakupan/domain/event"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/projections/coverage"
	"cakupan/projections/funding"
	"cakupan/projections/history"
)

// told is a history as the log tells it.
type told []Recorded

func (h told) Reported(_ context.Context, about history.Subject, known eventstore.Sequence,
	want func([]eventstore.Sequence) ([]eventstore.Sequence, error),
	yield func(*history.Reported) error,
) error {
	for i := range h {
		e := &h[i]
		seq := eventstore.Sequence(e.Sequence)
		if seq > known || e.Data.Commitment != about.Name {
			continue
		}
		if want != nil {
			wanted, err := want([]eventstore.Sequence{seq})
			if err != nil {
				return err
			}
			if len(wanted) == 0 {
				continue
			}
		}
		reported := history.Reported{Sequence: seq, RecordedAt: e.RecordedAt, Event: &e.Event}
		for _, r := range h {
			if r.Type == event.EventRetracted && r.Data.RetractedSource == e.Source &&
				r.Data.RetractedID == e.ID {
				reported.Retractions = append(reported.Retractions, eventstore.Sequence(r.Sequence))
			}
		}
		if err := yield(&reported); err != nil {
			return err
		}
	}
	return nil
}

// fundingMonths are months of which each fact holds for one at least if it holds for any: all from
// the first to the last that the generator makes, and the ends of time.
func fundingMonths() (months []temporal.Month) {
	months = append(months, must(parseMonth("0001-01")), must(parseMonth("0001-02")))
	for m := must(parseMonth("2019-09")); m < must(parseMonth("2021-07")); m++ {
		months = append(months, m)
	}
	return append(months, must(parseMonth("5000-01")), must(parseMonth("9999-11")))
}

// fundingModel writes down what is paid and covered of a commitment in each month, head by head,
// day by day.
func fundingModel(history []Recorded, known uint64, commitment string) (lines []string) {
	events := inForce(history, known)
	granted, covered := set{}, set{}
	var months []string
	for _, month := range fundingMonths() {
		paying, covering, disbursed := 0, 0, false
		for _, e := range events {
			disbursed = disbursed || e.Type == event.FundingDisbursed &&
				e.Data.Commitment == commitment && slices.Contains(e.Data.PaidMonths, month)
		}
		for name, facts := range byEnrolment(events) {
			if !paysFor(facts, commitment, month) {
				continue
			}
			paying++
			granted[name] = true
			for day := firstOf(month); monthOf(day) == month; day++ {
				if s := facts.standingOn(day); s.covered && s.payer == event.APBD {
					covering++
					covered[name] = true
					break
				}
			}
		}
		months = append(months, fmt.Sprintf("%s %d %d %t", month, paying, covering, disbursed))
	}
	return append(months, fmt.Sprintf("granted %d covered %d", len(granted), len(covered)),
		fundingTerms(events, commitment))
}

func paysFor(facts bearing, commitment string, month temporal.Month) bool {
	return slices.ContainsFunc(facts.payments(month), func(e *Recorded) bool {
		return e.Data.Commitment == commitment
	})
}

// fundingTerms writes down what the events about the commitment's money come to.
func fundingTerms(events []*Recorded, commitment string) string {
	text, paid := "never committed", int64(0)
	var terms event.Data
	for _, e := range events {
		d := &e.Data
		if d.Commitment != commitment {
			continue
		}
		switch e.Type {
		case event.FundingCommitted:
			terms, text = *d, "committed"
		case event.FundingAmended: // the generator amends these two
			terms.Heads, terms.UntilMonth = d.Heads, d.UntilMonth
		case event.FundingDisbursed:
			paid += d.Amount
		default: // of heads
		}
	}
	if text == "never committed" {
		return fmt.Sprintln(text, paid)
	}
	return fmt.Sprintln(text, regionText(terms.Funder), terms.Heads, terms.Months, terms.Tariff,
		terms.Ceiling, terms.FromMonth, terms.UntilMonth, paid)
}

// fundingText writes down the same of a line.
func fundingText(l *funding.Line) (lines []string) {
	for _, month := range fundingMonths() {
		text := fmt.Sprintf("%s 0 0 false", month)
		for _, m := range l.Months {
			if m.From <= month.String() && month.String() < m.Until {
				text = fmt.Sprintf("%s %d %d %t", month, m.Granted, m.Covered, m.Disbursed)
			}
		}
		lines = append(lines, text)
	}
	lines = append(lines,
		fmt.Sprintf("granted %d covered %d", l.Granted.Heads, l.Covered.Heads))
	if l.Committed == nil {
		return append(lines, fmt.Sprintln("never committed", l.Disbursed.Rupiah))
	}
	c := l.Committed
	return append(lines, fmt.Sprintln("committed", *l.Funder, c.Heads, c.Months, c.Tariff,
		c.Ceiling, *l.From, *l.Until, l.Disbursed.Rupiah))
}

// TestFundingAgrees compares the lines with the model, and what they add up to with their months.
func TestFundingAgrees(t *testing.T) {
	if testing.Short() {
		t.Skip("long in one goroutine")
	}
	t.Parallel()
	sizes, reached := []int{40, 80, 120, 160, 200}, map[string]bool{}
	if os.Getenv("CAKUPAN_LONG") != "" {
		sizes = append(sizes, 400, 600, 900)
	}
	for i, size := range sizes {
		seed := uint64(i)
		events := Generate(seed+1_300, size)
		s, err := newProduction(t.TempDir(), coverage.NewSmall)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.play(events, rand.New(rand.NewPCG(seed, 17))); err != nil {
			t.Fatal(err)
		}
		for _, q := range Queries(seed, events, 6) {
			known, seen := min(q.Known, uint64(size)), set{}
			err := funding.Each(t.Context(), s.p, told(events), funding.Query{
				Known: eventstore.Sequence(known),
			}, func(l *funding.Line) error {
				want := fundingModel(events, known, l.Commitment)
				if diff := cmp.Diff(want, fundingText(l)); diff != "" {
					t.Fatalf("seed %d, %s at %d (-model +told):\n%s", seed, l.Commitment, known, diff)
				}
				checkSums(t, l)
				seen[l.Commitment] = true
				reached["covered"] = reached["covered"] || l.Covered.Heads > 0
				reached["short"] = reached["short"] || l.MoneyEnds.Granted != nil
				reached["unknown"] = reached["unknown"] || l.Committed == nil
				reached["lost"] = reached["lost"] || l.Missing.HeadMonths.Sign() > 0
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range inForce(events, known) {
				if isMoney(e.Type) && !seen[e.Data.Commitment] {
					t.Fatalf("seed %d at %d: %s is not told", seed, known, e.Data.Commitment)
				}
			}
		}
		if err := s.db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for _, what := range []string{"covered", "short", "unknown", "lost"} {
		if !reached[what] {
			t.Errorf("no commitment is %s: the histories are too poor", what)
		}
	}
}

// isMoney reports whether an event makes its commitment worth telling of itself.
func isMoney(kind event.Type) bool {
	return kind == event.FundingCommitted || kind == event.FundingAmended ||
		kind == event.FundingDisbursed || kind == event.FundingClosed
}

// checkSums adds up the months of a line one by one, and pays for them one by one.
func checkSums(t *testing.T, l *funding.Line) {
	t.Helper()
	granted, covered, most := int64(0), int64(0), int64(0)
	var heads []string // a month a head
	for _, m := range l.Months {
		until := must(parseMonth(m.Until))
		for month := must(parseMonth(m.From)); month < until; month++ {
			granted, covered, most = granted+m.Granted, covered+m.Covered, max(most, m.Granted)
			heads = append(heads, strings.Repeat(month.String()+" ", int(m.Granted)))
		}
	}
	if l.Granted.HeadMonths.Cmp(big.NewInt(granted)) != 0 || l.Granted.Most != most ||
		l.Covered.HeadMonths.Cmp(big.NewInt(covered)) != 0 ||
		l.Missing.HeadMonths.Cmp(big.NewInt(granted-covered)) != 0 {
		t.Fatalf("%+v does not add up to %d granted, %d covered, %d at most", l, granted, covered,
			most)
	}
	if l.Committed == nil {
		return
	}
	for _, purse := range []struct {
		money *big.Int
		ends  *string
	}{
		{big.NewInt(l.Committed.Ceiling), l.MoneyEnds.Granted},
		{l.Disbursed.Rupiah, l.MoneyEnds.Disbursed},
	} {
		if want := moneyEnd(heads, purse.money.Int64(), l.Committed.Tariff); want != textOf(purse.ends) {
			t.Fatalf("%+v: the money ends in %s, not in %s", l, want, textOf(purse.ends))
		}
	}
}

// moneyEnd pays a head and a month after the other, and returns the month in which nothing is left.
func moneyEnd(months []string, money, tariff int64) string {
	for _, month := range months {
		for _, head := range strings.Fields(month) {
			if money -= tariff; money < 0 {
				return head
			}
		}
	}
	return ""
}

func textOf(month *string) string {
	if month == nil {
		return ""
	}
	return *month
}

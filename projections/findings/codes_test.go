package findings_test

import (
	"fmt"
	"slices"
	"testing"

	"cakupan/domain/event"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/projections/findings"
	"cakupan/projections/projtest"
	"cakupan/projections/standingtest"
)

// reported is an event and the day on which it is recorded; 0: that of the one before.
type reported struct {
	day temporal.Date
	event.Event
}

// codeExample is a short history, and all findings of a code after it.
type codeExample struct {
	code    string
	name    string
	history []reported
	want    []string
}

// recorded returns events that are recorded on a day.
func recorded(year, month, day int, events ...event.Event) (all []reported) {
	for _, e := range events {
		all = append(all, reported{date(year, month, day), e})
	}
	return all
}

// published makes a workforce of a regency.
func published(count int64, reference temporal.Date) event.Event {
	e := event.Event{Type: event.WorkforcePublished, Data: event.Data{
		Region: 7503, Sector: event.AllSectors, Indicator: event.Employed, Count: count,
		Reference: reference, Publication: "publication",
	}}
	for _, field := range e.Type.Fields() {
		e.Data.Has = e.Data.Has.With(field)
	}
	return e
}

// by makes it an event of a publisher.
func by(publisher string, e event.Event) event.Event {
	e.Publisher = publisher
	return e
}

// The terms that nearly all examples are about.
var (
	paidBySelf   = standingtest.Terms(7503, event.Self)
	paidByBudget = standingtest.Terms(7503, event.APBD)
)

func opens(enrolment, worker string, terms event.Data) event.Event {
	return standingtest.Opened(enrolment, worker, terms, date(2021, 1, 1))
}

func commits(commitment string) event.Event {
	return standingtest.Committed(commitment, event.FundingAPBD, date(2021, 1, 1).Month(),
		date(2022, 1, 1).Month())
}

// grants grants months of 2021, until is the last one; beyond 12 those of 2022.
func grants(commitment, enrolment string, from, last int) event.Event {
	first := date(2021, 1, 1).Month() - 1
	return standingtest.Granted(commitment, enrolment, first+temporal.Month(from),
		first+temporal.Month(last)+1)
}

func credits(enrolment string, from, last int) event.Event {
	first := date(2021, 1, 1).Month() - 1
	return standingtest.Credited(enrolment, first+temporal.Month(from),
		first+temporal.Month(last)+1)
}

func workerExamples() []codeExample {
	return []codeExample{
		{
			"DOUBLE_FUNDED", "two commitments, one month", recorded(2021, 7, 15, commits("c"),
				commits("d"), opens("e", "w", paidByBudget), grants("c", "e", 1, 6),
				grants("d", "e", 6, 8)),
			[]string{"w: 5-open [4 5] [2021-06] 16800"},
		},
		{
			"DOUBLE_FUNDED", "resolved by a revocation", recorded(2021, 7, 15, commits("c"),
				commits("d"), opens("e", "w", paidByBudget), grants("c", "e", 1, 6),
				grants("d", "e", 6, 8),
				standingtest.Revoked("d", "e", date(2021, 6, 1).Month())),
			[]string{"w: 5-6 [4 5] [2021-06] 16800"},
		},
		{
			"PAID_AFTER_DEATH", "the month of the death itself is owed", recorded(2021, 7, 15,
				opens("e", "w", paidBySelf), credits("e", 1, 6),
				standingtest.Died("w", date(2021, 4, 10))),
			[]string{"w: 3-open [2 3] [2021-05 2021-06] -"},
		},
		{
			"TWO_OPEN", "two of one segment, until one has ended", recorded(2021, 7, 15,
				opens("e", "w", paidBySelf), opens("f", "w", paidBySelf),
				standingtest.Terminated("e", date(2021, 1, 1))),
			[]string{"w: 2-3 [1 2] [2021-01 2021-02 2021-03 2021-04 2021-05 2021-06 2021-07] -"},
		},
	}
}

func grantExamples() []codeExample {
	asn := paidByBudget
	asn.Category = event.ASN
	return []codeExample{
		{
			"GRANT_UNKNOWN_ENROLMENT", "until it is opened", recorded(2021, 7, 15, commits("c"),
				grants("c", "e", 1, 2), opens("e", "w", paidByBudget)),
			[]string{"e c: 2-3 [2] [2021-01 2021-02] 33600"},
		},
		{
			"GRANT_UNKNOWN_COMMITMENT", "until it is committed", recorded(2021, 7, 15,
				opens("e", "w", paidByBudget), grants("c", "e", 1, 2), commits("c")),
			[]string{"e c: 2-3 [2] [2021-01 2021-02] -"},
		},
		{
			"GRANT_NOT_APBD", "who pays himself", recorded(2021, 7, 15, commits("c"),
				opens("e", "w", paidBySelf), grants("c", "e", 1, 2)),
			[]string{"e c: 3-open [3] [2021-01 2021-02] 33600"},
		},
		{
			"GRANT_NOT_APBD", "it closed between a revocation and the first grant",
			recorded(2021, 7, 15, commits("c"), opens("e", "w", paidBySelf),
				standingtest.Revoked("c", "e", date(2021, 3, 1).Month()),
				standingtest.Closed("c", date(2021, 1, 1).Month()), grants("c", "e", 1, 2)),
			nil,
		},
		{
			"GRANT_BEYOND_PERIOD", "into the next year", recorded(2021, 7, 15, commits("c"),
				opens("e", "w", paidByBudget), grants("c", "e", 12, 14)),
			[]string{"e c: 3-open [1 3] [2022-01 2022-02] 33600"},
		},
		{
			"GRANT_AFTER_REVOCATION", "given anew", recorded(2021, 7, 15, commits("c"),
				opens("e", "w", paidByBudget), grants("c", "e", 1, 6),
				standingtest.Revoked("c", "e", date(2021, 3, 1).Month()),
				grants("c", "e", 1, 4)),
			[]string{"e c: 5-open [4 5] [2021-03 2021-04] 33600"},
		},
		{
			"FUNDER_OUTSIDE", "another regency's", recorded(2021, 7, 15, commits("c"),
				opens("e", "w", standingtest.Terms(7571, event.APBD)), grants("c", "e", 1, 1)),
			[]string{"e c: 3-open [1 2 3] [2021-01] 16800"},
		},
		{
			"ASN_FUNDED", "a servant of the state", recorded(2021, 7, 15, commits("c"),
				opens("e", "w", asn), grants("c", "e", 1, 1)),
			[]string{"e c: 3-open [2 3] [2021-01] 16800"},
		},
	}
}

func commitmentExamples() []codeExample {
	fewer := standingtest.AmendedFunding("c", event.Data{Heads: 1})
	short := standingtest.AmendedFunding("c", event.Data{Ceiling: 10 * 6 * 16_800})
	year := make([]temporal.Month, 12)
	for i := range year {
		year[i] = date(2021, 1, 1).Month() + temporal.Month(i)
	}
	return []codeExample{
		{
			"GRANT_BEYOND_HEADS", "one head, two enrolments", recorded(2021, 7, 15, commits("c"), fewer,
				opens("e", "w", paidByBudget), opens("f", "x", paidByBudget),
				grants("c", "e", 1, 3), grants("c", "f", 3, 4)),
			[]string{"c: 6-open [1 2 5 6] [2021-03] 16800"},
		},
		{
			"DISBURSED_ABOVE_CEILING", "by five rupiah", recorded(2021, 7, 15, commits("c"),
				standingtest.Disbursed("c", 10*12*16_800+5, year[0])),
			[]string{"c: 2-open [1 2] [] 5"},
		},
		{
			"DISBURSED_SHORT", "a month that nobody paid, once the year is over", slices.Concat(
				recorded(2021, 12, 31, commits("c"), standingtest.Disbursed("c", 1, year[:11]...)),
				recorded(2022, 1, 1, opens("e", "w", paidBySelf))),
			[]string{"c: 3-open [1] [2021-12] 168000"},
		},
		{
			"DISBURSED_SHORT", "resolved once it is paid", slices.Concat(
				recorded(2021, 12, 31, commits("c"), standingtest.Disbursed("c", 1, year[:11]...)),
				recorded(2022, 1, 1, standingtest.Disbursed("c", 1, year[11]))),
			nil,
		},
		{
			"MONEY_SHORT", "half a year's money for a year", recorded(2021, 7, 15, commits("c"), short),
			[]string{"c: 2-open [1 2] 6.00 1008000"},
		},
		{
			"FUNDING_ENDS", "within ninety days, until the end has passed", slices.Concat(
				recorded(2021, 10, 1, commits("c"), opens("e", "w", paidByBudget),
					grants("c", "e", 1, 12)),
				recorded(2021, 10, 2, credits("x", 1, 1)), recorded(2022, 1, 1, credits("x", 2, 2))),
			[]string{"c: 4-5 [1 3] [2022-01] 16800"},
		},
		{
			"FUNDING_ENDS", "as long as anybody loses cover", slices.Concat(
				recorded(2021, 10, 1, commits("c"), opens("e", "w", paidByBudget),
					opens("f", "x", paidByBudget), grants("c", "e", 1, 12), grants("c", "f", 1, 12)),
				recorded(2021, 10, 2, standingtest.Committed("d", event.FundingAPBD,
					date(2022, 1, 1).Month(), date(2023, 1, 1).Month())),
				recorded(2021, 10, 3, grants("d", "e", 13, 24), grants("d", "f", 13, 24))),
			[]string{"c: 6-8 [1 5] [2022-01] 16800"},
		},
	}
}

func enrolmentExamples() []codeExample {
	reopens := standingtest.Reinstated("e", date(2021, 4, 1))
	return []codeExample{
		{
			"END_UNKNOWN", "until it is opened", recorded(2021, 7, 15,
				standingtest.Terminated("e", date(2021, 7, 1)), opens("e", "w", paidBySelf)),
			[]string{"e: 1-2 [1] [] -"},
		},
		{
			"AMENDMENT_UNKNOWN", "until it is opened", recorded(2021, 7, 15,
				standingtest.Amended("e", event.Data{Payer: event.Self}, date(2021, 7, 1)),
				opens("e", "w", paidBySelf)),
			[]string{"e: 1-2 [1] [] -"},
		},
		{
			"CREDIT_UNKNOWN", "until it is opened", recorded(2021, 7, 15, credits("e", 1, 2),
				opens("e", "w", paidBySelf)),
			[]string{"e: 1-2 [1] [2021-01 2021-02] -"},
		},
		{
			"OPENED_TWICE", "until one is taken back", recorded(2021, 7, 15,
				opens("e", "w", paidBySelf), opens("e", "w", paidBySelf),
				standingtest.Retracted(2)),
			[]string{"e: 2-3 [1 2] [] -"},
		},
		{
			"ENDED_TWICE", "until it is known to have been open in between", recorded(2021, 7, 15,
				opens("e", "w", paidBySelf), standingtest.Terminated("e", date(2021, 3, 1)),
				standingtest.Terminated("e", date(2021, 5, 1)), reopens),
			[]string{"e: 3-4 [2 3] [] -"},
		},
		{
			"NEVER_FUNDED", "four whole months, until money comes", slices.Concat(
				recorded(2021, 4, 30, opens("e", "w", paidByBudget)),
				recorded(2021, 5, 1, credits("x", 1, 1)), recorded(2021, 5, 2, credits("e", 4, 4))),
			[]string{"e: 2-3 [1] [2021-01 2021-02 2021-03 2021-04] -"},
		},
		{
			"FOREIGN_CHANGE", "by another publisher", recorded(2021, 7, 15,
				by("dinas", opens("e", "w", paidBySelf)),
				by("dinas", standingtest.Amended("e", event.Data{Payer: event.APBD}, date(2021, 7, 1))),
				by("other", standingtest.Terminated("e", date(2021, 7, 2)))),
			[]string{"e: 3-open [1 3] [] -"},
		},
	}
}

// Of contributions that stop. Before the first credit payments are presumed, whenever that credit
// is reported: the months before it are no part of what is found.
func stoppedExamples() []codeExample {
	employer := standingtest.Terms(7503, event.Employer)
	return []codeExample{
		{
			"CONTRIBUTIONS_STOPPED", "never credited: presumed", slices.Concat(
				recorded(2021, 1, 2, opens("e", "w", paidBySelf)), recorded(2021, 12, 1, credits("x", 1, 1))),
			nil,
		},
		{
			"CONTRIBUTIONS_STOPPED", "the fifth month after the last credited one", slices.Concat(
				recorded(2021, 1, 2, opens("e", "w", paidBySelf), credits("e", 1, 2)),
				recorded(2021, 6, 30, credits("x", 1, 1)), recorded(2021, 7, 1, credits("x", 2, 2))),
			[]string{"e: 4-open [1 2] [2021-03 2021-04 2021-05 2021-06] -"},
		},
		{
			"CONTRIBUTIONS_STOPPED", "a late first credit ends what was presumed", slices.Concat(
				recorded(2021, 1, 2, opens("e", "w", paidBySelf)),
				recorded(2021, 9, 1, credits("x", 1, 1), credits("e", 4, 4))),
			[]string{"e: 3-open [1 3] [2021-05 2021-06 2021-07 2021-08] -"},
		},
		{
			"CONTRIBUTIONS_STOPPED", "a late first credit of a month ago: too early to tell",
			slices.Concat(recorded(2021, 1, 2, opens("e", "w", paidBySelf)),
				recorded(2021, 9, 1, credits("e", 5, 5)), recorded(2021, 9, 30, credits("x", 1, 1)),
				recorded(2021, 10, 1, credits("x", 1, 1))),
			[]string{"e: 4-open [1 2] [2021-06 2021-07 2021-08 2021-09] -"},
		},
		{
			"CONTRIBUTIONS_STOPPED", "an earlier credit, reported later still, changes nothing",
			slices.Concat(recorded(2021, 1, 2, opens("e", "w", paidBySelf)),
				recorded(2021, 9, 1, credits("e", 4, 4), credits("e", 2, 2))),
			[]string{"e: 2-open [1 2] [2021-05 2021-06 2021-07 2021-08] -"},
		},
		{
			"CONTRIBUTIONS_STOPPED", "taken back, the late credit leaves it presumed again",
			slices.Concat(recorded(2021, 1, 2, opens("e", "w", paidBySelf)),
				recorded(2021, 9, 1, credits("e", 4, 4), standingtest.Retracted(2))),
			[]string{"e: 2-3 [1 2] [2021-05 2021-06 2021-07 2021-08] -"},
		},
		{
			"CONTRIBUTIONS_STOPPED", "employers have three months more", slices.Concat(
				recorded(2021, 1, 2, opens("e", "w", employer)),
				recorded(2021, 9, 1, credits("e", 1, 1)), recorded(2021, 9, 2, credits("e", 2, 2))),
			[]string{"e: 2-3 [1 2] [2021-05 2021-06 2021-07 2021-08] -"},
		},
	}
}

func datedExamples() []codeExample {
	return []codeExample{
		{
			"REPORTED_LATE", "the thirty-first day is not late, the thirty-second is",
			slices.Concat(recorded(2021, 2, 1, opens("e", "w", paidBySelf)),
				recorded(2021, 2, 2, opens("f", "w", paidBySelf))),
			[]string{"f: 2-open [2] [] -"},
		},
		{
			"FAR_FUTURE", "a year is not far, a day more is, until it is taken back",
			recorded(2021, 7, 15, standingtest.Opened("e", "w", paidBySelf, date(2022, 7, 15)),
				standingtest.Opened("f", "w", paidBySelf, date(2022, 7, 16)),
				standingtest.Retracted(2)),
			[]string{"f: 2-3 [2] [] -"},
		},
		{
			"COVERAGE_ABOVE_100", "two of a workforce of one, once the month has ended",
			slices.Concat(recorded(2021, 1, 31, published(1, date(2021, 1, 1)),
				opens("e", "w", paidBySelf), opens("f", "x", paidBySelf)),
				recorded(2021, 2, 1, credits("x", 1, 1)), recorded(2021, 2, 2, published(2, date(2021, 1, 1)))),
			[]string{"75.03: 4-5 [1] [2021-01] -"},
		},
		{
			"JUMP", "by half of a workforce from one month to the next", slices.Concat(
				recorded(2021, 2, 28, published(2, date(2020, 12, 1)), opens("e", "w", paidBySelf)),
				recorded(2021, 3, 1, credits("x", 1, 1)), recorded(2021, 3, 2, standingtest.Retracted(2))),
			[]string{"75.03: 2-4 [1] [2021-01] -"},
		},
	}
}

// TestEachCode: each code is raised where the contract says so, and only there; with the events
// that contradict each other, the months and the rupiah.
func TestEachCode(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range slices.Concat(workerExamples(), grantExamples(), commitmentExamples(),
		enrolmentExamples(), stoppedExamples(), datedExamples()) {
		seen[c.code] = true
		t.Run(c.code+" "+c.name, func(t *testing.T) {
			for _, brief := range []int{100, 1, 0} {
				if got := findingsOf(t, c.code, c.history, brief); !slices.Equal(got, c.want) {
					t.Errorf("%q, want %q; more than %d facts are many", got, c.want, brief)
				}
			}
		})
	}
	for _, code := range findings.CodeNames() {
		if !seen[code] {
			t.Errorf("%s has no example", code)
		}
	}
}

// findingsOf returns the findings of a code after a history, when enrolments of more than so many
// facts have many.
func findingsOf(t *testing.T, name string, history []reported, brief int) (all []string) {
	t.Helper()
	plain := make([]event.Event, len(history))
	for i := range history {
		plain[i] = history[i].Event
	}
	events := standingtest.Logged(plain)
	for i := range events {
		events[i].RecordedAt = temporal.EndOfDay(history[i].day)
		events[i].Publisher = history[i].Publisher
	}
	var batch findings.Batch
	p := longIn(t, brief)
	if err := p.Prepare(projtest.FrameOf(t, events), &batch); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Apply(&batch, 1<<30); err != nil {
		t.Fatal(err)
	}
	p.Show(&batch)
	code, known := findings.ParseCode(name)
	if !known {
		t.Fatal(name)
	}
	err := p.Each(t.Context(), findings.Query{Known: eventstore.Sequence(len(events)), Code: code},
		func(f *findings.Finding) error {
			all = append(all, lineOf(f))
			return nil
		})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// lineOf tells all of a finding but the words. A workforce of the nation or the province is none of
// the examples'.
func lineOf(f *findings.Finding) string {
	who := f.Enrolment
	switch {
	case who != "" && f.Commitment != "":
		who += " " + f.Commitment
	case who == "":
		who = f.Commitment + f.Worker
	}
	if who == "" {
		who = f.Region
	}
	until, rupiah, months := "open", "-", fmt.Sprint(f.Months.List)
	if f.Until != nil {
		until = f.Until.String()
	}
	if f.Rupiah != nil {
		rupiah = fmt.Sprint(*f.Rupiah)
	}
	if f.Months.Buys != "" {
		months = f.Months.Buys
	}
	return fmt.Sprintf("%s: %d-%s %v %s %s", who, f.Since, until, f.Events, months, rupiah)
}

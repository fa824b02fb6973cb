package ledgertest

import (
	"context"
	"fmt"
	"testing"

	"cakupan/cmd/internal/intake"
	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/domain/temporal"
	"cakupan/projections/coverage"
)

// Submitter takes events in: a world, or a ledger.
type Submitter interface {
	Submit(ctx context.Context, raw [][]byte, opts intake.Options) ([]event.Receipt, error)
}

// Publisher returns what a publisher of one region may report: everything of its source.
func Publisher(t testing.TB, name, code string) *event.Scope {
	t.Helper()
	c, known := region.Parse(code)
	if !known {
		t.Fatal(code)
	}
	return &event.Scope{
		Publisher: name, Sources: []string{"urn:" + name}, Regions: []region.Code{c},
		Types: event.Types(),
	}
}

// Raw returns an event of a source urn:NAME, given its type and what stands between the braces of
// its data.
func Raw(id, name, kind, data string) []byte {
	return fmt.Appendf(nil, `{"specversion":"1.0","id":%q,"source":"urn:%s",`+
		`"type":"id.cakupan.%s.v1","data":{%s}}`, id, name, kind, data)
}

// Opening returns the data of an opening that is paid from public money.
func Opening(enrolment, worker, code string) string {
	return fmt.Sprintf(`"enrolment":%q,"worker":%q,"region":%q,"segment":"BPU",`+
		`"category":"VULNERABLE","programmes":["JKK"],"payer":"APBD","from":"2021-01-01"`,
		enrolment, worker, code)
}

// Committing returns the data of a commitment for a year.
func Committing(commitment, funder string) string {
	return fmt.Sprintf(`"commitment":%q,"funder":%q,"funding":"APBD",`+
		`"fiscalYear":2021,"heads":10,"months":12,"tariff":16800,"ceiling":2016000,`+
		`"from":"2021-01","until":"2022-01"`, commitment, funder)
}

// Figures are what is counted of a region on some days: covered, confirmed, in grace, enrolments.
type Figures [len(figureDays)][4]int64

var figureDays = [...]string{"2020-12-31", "2021-02-15", "2021-05-31", "2021-08-31", "2022-03-31"}

// FiguresOf returns them, as a view shows them.
func FiguresOf(t testing.TB, view *coverage.View, code region.Code) (all Figures) {
	t.Helper()
	for i, text := range figureDays {
		on, err := temporal.ParseDate(text)
		if err != nil {
			t.Fatal(err)
		}
		a, err := view.Answer(coverage.Query{
			Region: code, On: on, Known: view.Known(), Indicator: event.Employed,
		})
		if err != nil {
			t.Fatal(err)
		}
		all[i] = [4]int64{a.Covered, a.Confirmed, a.InGrace, a.Enrolments}
	}
	return all
}

// Saying is what somebody says to a ledger, with ids that count.
type Saying struct {
	T  testing.TB
	To Submitter
	N  int // the id of the last
}

// Say sends an event of a publisher, and returns the status of its receipt, or the code of its
// refusal.
func (s *Saying) Say(scope *event.Scope, kind, data string) string {
	s.T.Helper()
	s.N++
	return s.Send(scope, intake.Options{}, fmt.Sprintf("%d", s.N), kind, data)
}

// Send does that with an id and options.
func (s *Saying) Send(scope *event.Scope, opts intake.Options, id, kind, data string) string {
	s.T.Helper()
	opts.Scope = scope
	raw := [][]byte{Raw(id, scope.Publisher, kind, data)}
	receipts, err := s.To.Submit(s.T.Context(), raw, opts)
	if err != nil {
		s.T.Fatal(err)
	}
	if r := receipts[0].Refusal; r != nil {
		return string(r.Code)
	}
	return string(receipts[0].Status)
}

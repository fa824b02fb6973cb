package httpapi

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"cakupan/cmd/internal/excerpt"
	"cakupan/cmd/internal/problem"
	"cakupan/domain/event"
	"cakupan/domain/temporal"
	"cakupan/projections/coverage"
)

func date(t *testing.T, text string) temporal.Date {
	t.Helper()
	d, err := temporal.ParseDate(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestParseCoverage(t *testing.T) {
	today := date(t, "2026-11-22")
	q, err := parseCoverage("region=75.03&on=2020-12-31&known=4711&indicator=ELIGIBLE"+
		"&by=evidence&by=sector&by=evidence&count=enrolments&min_seq=9", today)
	if err != nil {
		t.Fatal(err)
	}
	if len(q.regions) != 1 || q.regions[0].String() != "75.03" || q.on.String() != "2020-12-31" ||
		q.known.sequence != 4711 || q.known.timed || q.indicator != event.Eligible ||
		q.minSeq != 9 || q.count != coverage.Enrolments ||
		!slices.Equal(q.by, []coverage.Dimension{coverage.BySector, coverage.ByEvidence}) {
		t.Errorf("%+v", q)
	}
	if q, err = parseCoverage("", today); err != nil || q.regions != nil || q.on != today ||
		q.known.sequence != coverage.Everything || q.indicator != event.Employed ||
		q.count != coverage.Workers {
		t.Errorf("%+v, %v", q, err)
	}
}

func TestParseKnown(t *testing.T) {
	for text, want := range map[string]string{
		"2020-12-31":                   "2020-12-31T15:59:59.999999999Z",
		"2020-12-31T23:59:59+08:00":    "2020-12-31T15:59:59.000000000Z",
		"2020-12-31T23:59:59%2B08:00":  "2020-12-31T15:59:59.000000000Z",
		"2020-12-31T15:59:59.5Z":       "2020-12-31T15:59:59.500000000Z",
		"2020-12-31T10:59:59.25-05:00": "2020-12-31T15:59:59.250000000Z",
	} {
		q, err := parseCoverage("known="+text, 0)
		if err != nil || !q.known.timed || q.known.at.String() != want {
			t.Errorf("%s: %s, %v, want %s", text, q.known.at, err, want)
		}
	}
	q, err := parseCoverage("known=99999999999999999999999", 0)
	if err != nil || q.known.timed || q.known.sequence != coverage.Everything {
		t.Errorf("%+v, %v", q, err)
	}
}

func TestParseSeries(t *testing.T) {
	for _, c := range []struct{ query, want string }{
		{"from=2020-01-31&until=2020-02-02&step=day", "2020-01-31 2020-02-01 2020-02-02"},
		{"from=2020-02-01&until=2020-02-01&step=day", "2020-02-01"},
		{"from=2019-12-31&until=2020-03-30&step=month", "2019-12-31 2020-01-31 2020-02-29"},
		{"from=2020-02-01&until=2020-02-28", ""},
		{"until=2020-02-29&from=2020-02-29", "2020-02-29"},
		{"from=9999-11-30&until=9999-12-31&step=month", "9999-11-30 9999-12-31"},
	} {
		q, err := parseSeries(c.query, 0)
		if err != nil {
			t.Errorf("%s: %v", c.query, err)
			continue
		}
		var days []string
		for _, day := range q.days {
			days = append(days, day.String())
		}
		if got := strings.Join(days, " "); got != c.want {
			t.Errorf("%s: %s, want %s", c.query, got, c.want)
		}
	}
	q, err := parseSeries("", date(t, "2026-11-22"))
	if err != nil || q.region.String() != "ID" || len(q.days) != 12 ||
		q.days[0].String() != "2025-11-30" {
		t.Errorf("%+v, %v", q, err)
	}
}

func TestParseEvents(t *testing.T) {
	f, err := parseEvents("from=2&to=5&type=worker.died.v1&worker=w-1&enrolment=e-1" +
		"&commitment=c-1&limit=3")
	want := excerpt.Filter{
		From: 2, To: 5, Type: event.WorkerDied, Worker: "w-1", Enrolment: "e-1",
		Commitment: "c-1", Limit: 3,
	}
	if err != nil || f != want {
		t.Errorf("%+v, %v", f, err)
	}
	f, err = parseEvents("type=" + event.FundingGranted.Name())
	if err != nil || f != (excerpt.Filter{From: 1, To: coverage.Everything, Type: event.FundingGranted}) {
		t.Errorf("%+v, %v", f, err)
	}
}

func TestQueriesRefused(t *testing.T) {
	parse := map[string]func(string) error{
		"coverage": func(raw string) error { _, err := parseCoverage(raw, 0); return err },
		"series":   func(raw string) error { _, err := parseSeries(raw, 0); return err },
		"events":   func(raw string) error { _, err := parseEvents(raw); return err },
		"submit":   func(raw string) error { _, err := parseSubmit(raw); return err },
		"replay":   func(raw string) error { _, err := parseReplay(raw); return err },
	}
	for _, c := range []struct{ route, query, code, field, detail string }{
		{"coverage", "region=7503", "region.unknown", "region", "did you mean 75.03"},
		{"coverage", "region=", "region.unknown", "region", ""},
		{"coverage", "on=2020-02-30", "query.invalid", "on", "no date"},
		{"coverage", "on=", "query.invalid", "on", ""},
		{"coverage", "known=yesterday", "query.invalid", "known", "4711"},
		{"coverage", "known=-1", "query.invalid", "known", ""},
		{"coverage", "known=", "query.invalid", "known", ""},
		{"coverage", "indicator=WORKERS", "query.invalid", "indicator", "LABOUR_FORCE"},
		{"coverage", "by=region", "query.invalid", "by", "funding, evidence"},
		{"coverage", "count=people", "query.invalid", "count", "workers, enrolments"},
		{"coverage", "count=workers&count=workers", "query.invalid", "count", "once"},
		{"series", "count=workers", "query.invalid", "count", "there are region"},
		{"coverage", "min_seq=1.5", "query.invalid", "min_seq", ""},
		{"coverage", "on=2020-01-01&on=2020-01-02", "query.invalid", "on", "once"},
		{"coverage", "regio=75", "query.invalid", "regio", "there are region"},
		{"coverage", "on=%zz", "query.invalid", "", "%"},
		{"coverage", "on=1;x=2", "query.invalid", "", ""},
		{"series", "from=2020-02-02&until=2020-02-01", "query.invalid", "until", "before"},
		{"series", "from=1000-01-01&until=2020-02-01&step=day", "query.invalid", "until", "40000"},
		{"series", "from=0001-01-01&until=9999-12-31&step=month", "query.invalid", "until", ""},
		{"series", "step=week", "query.invalid", "step", "day or month"},
		{"series", "on=2020-01-01", "query.invalid", "on", ""},
		{"events", "worker=a&worker=a", "query.invalid", "worker", "once"},
		{"events", "7503010101909999=1", "query.invalid", "750301**********", "NIK"},
		{"events", "from=1&x", "query.invalid", "x", "no such parameter"},
		{"submit", "atomic=true&atomic=true", "query.invalid", "atomic", "once"},
		{"events", "from=5&to=4", "query.invalid", "to", ""},
		{"events", "limit=0", "query.invalid", "limit", ""},
		{"events", "type=enrolment.opened.v2", "query.invalid", "type", "id.cakupan."},
		{"events", "worker=", "query.invalid", "worker", ""},
		{"submit", "atomic=1", "query.invalid", "atomic", "true or false"},
		{"submit", "list_seen=1", "query.invalid", "list_seen", "atomic=true"},
		{"submit", "atomic=true&list_seen=x", "query.invalid", "list_seen", ""},
		{"replay", "to=x", "query.invalid", "to", ""},
	} {
		e := problem.From(parse[c.route](c.query))
		if e == nil || string(e.Code) != c.code || e.Field != c.field ||
			!strings.Contains(e.Detail, c.detail) {
			t.Errorf("%s?%s: %v, want %s (%s) …%s…", c.route, c.query, e, c.code, c.field, c.detail)
		}
	}
}

// TestQueriesHoldNoNIK makes sure that a NIK is refused and not repeated.
func TestQueriesHoldNoNIK(t *testing.T) {
	const nik = "7503010101909999"
	for _, query := range []string{"worker=" + nik, nik + "=1", "enrolment=x" + nik + "y"} {
		_, err := parseEvents(query)
		if err == nil || strings.Contains(err.Error(), nik) {
			t.Errorf("%s: %v", query, err)
		}
	}
}

// FuzzQuery makes sure that no query crashes a parser or makes it answer without bounds, and
// that what is refused is so with a code.
func FuzzQuery(f *testing.F) {
	for _, seed := range []string{
		"", "region=75.03&on=2020-12-31&known=4711&by=sector", "known=2020-12-31T23:59:59 08:00",
		"from=0001-01-01&until=9999-12-31&step=day", "from=1&to=2&type=worker.died.v1&limit=1",
		"atomic=true&dry_run=false", "%", "a=%00", "region=7503&region=75",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		check := func(err error) {
			if e := problem.From(err); e != nil && (e.Code == problem.Internal || e.Detail == "") {
				t.Errorf("%q: %v", raw, err)
			}
		}
		_, err := parseCoverage(raw, 0)
		check(err)
		s, err := parseSeries(raw, 0)
		check(err)
		if len(s.days) > pointsMax || !slices.IsSorted(s.days) {
			t.Errorf("%q: %d days", raw, len(s.days))
		}
		e, err := parseEvents(raw)
		check(err)
		if err == nil && (e.From < 1 || e.To < e.From) {
			t.Errorf("%q: %+v", raw, e)
		}
		_, err = parseSubmit(raw)
		check(err)
		_, err = parseReplay(raw)
		check(err)
		// A query that was understood is still understood when it is written anew.
		if values, parseErr := url.ParseQuery(raw); parseErr == nil && err == nil {
			_, err := parseReplay(values.Encode())
			check(err)
		}
	})
}

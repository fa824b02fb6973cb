package event_test

import (
	"errors"
	"strings"
	"testing"

	"cakupan/domain/event"
)

func TestEveryTypeIsAccepted(t *testing.T) {
	if len(data) != len(event.Types()) {
		t.Errorf("%d samples for %d types", len(data), len(event.Types()))
	}
	for _, kind := range event.Types() {
		a := accepted(t, send(kind, data[kind]))
		if a.Type != kind {
			t.Errorf("%s was read as %s", kind, a.Type)
		}
		for _, f := range kind.Fields() {
			if !event.EdgeOnly.Has(f) && !a.Data.Has.Has(f) {
				t.Errorf("%s: %s was not read", kind, f.Name())
			}
		}
		if got, ok := event.ParseType(kind.Name()); !ok || got != kind {
			t.Errorf("ParseType(%s) = %s", kind, got)
		}
	}
}

// TestMissingFields leaves out each field of each type in turn.
func TestMissingFields(t *testing.T) {
	optional := map[event.Type]string{
		event.FundingCommitted: "basis", event.TargetSet: "basis",
		event.ContributionCredited: "paidOn amount reference",
	}
	for _, kind := range event.Types() {
		amendment := kind == event.EnrolmentAmended || kind == event.FundingAmended
		for _, f := range kind.Fields() {
			switch name := f.Name(); {
			case event.EdgeOnly.Has(f):
			case f == event.FieldWorker:
				refused(t, send(kind, with(t, kind, name, "")), "worker.ambiguous", "data.worker")
			case f == event.FieldInto:
				refused(t, send(kind, with(t, kind, name, "")), "worker.ambiguous", "data.into")
			case strings.Contains(optional[kind], name) || amendment && f != event.FieldEnrolment &&
				f != event.FieldCommitment && f != event.FieldFrom:
				accepted(t, send(kind, with(t, kind, name, "")))
			default:
				refused(t, send(kind, with(t, kind, name, "")), "field.missing", "data."+name)
			}
		}
	}
	refused(t, send(event.EnrolmentAmended, `"enrolment":"e","from":"2020-01-01"`), "field.missing", "data")
	refused(t, send(event.FundingAmended, `"commitment":"c"`), "field.missing", "data")
	// Several are missing: the first of the table.
	refused(t, send(event.EnrolmentAmended, ``), "field.missing", "data.enrolment")
	refused(t, send(event.EnrolmentAmended, `"enrolment":"e"`), "field.missing", "data.from")
	refused(t, send(event.EnrolmentOpened, `"payer":"SELF","enrolment":"e"`), "field.missing", "data.region")
}

func TestUnknownFields(t *testing.T) {
	for _, kind := range event.Types() {
		for _, name := range []string{"x", "From", "ENROLMENT", "programs", "", "data.from", " from"} {
			refused(t, send(kind, data[kind]+","+quote(name)+`:1`), "field.unknown", "data."+name)
		}
	}
	// A field of another type is unknown, null or not.
	refused(t, send(event.EnrolmentReinstated, data[event.EnrolmentReinstated]+`,"until":null`),
		"field.unknown", "data.until")
	refused(t, send(event.FundingGranted, data[event.FundingGranted]+`,"nik":"`+nik+`"`),
		"field.unknown", "data.nik")
	refused(t, send(event.FundingGranted, data[event.FundingGranted]+`,"b":1,"a":1`), "field.unknown", "data.b")
}

// TestInvalidValues gives each field what it cannot be.
func TestInvalidValues(t *testing.T) {
	texts := []string{`7`, `true`, `[]`, `{}`, `["x"]`}
	codes := append([]string{`""`, `"x"`, `"pu"`, `" PU"`, `"UNKNOWN"`, `"1"`}, texts...)
	ids := append([]string{`""`, `"a b"`, `"a/b"`, `"é"`, `"a\n"`, quote(strings.Repeat("e", 65))}, texts...)
	numbers := []string{
		`-1`, `1.0`, `1.5`, `1e3`, `"1"`, `true`, `[]`, `{}`, `9007199254740992`, `9223372036854775808`, `-9223372036854775809`,
		`99999999999999999999999`,
	}
	days := append([]string{
		`""`, `"2020-2-3"`, `"2021-02-29"`, `"2020-01"`, `"2020-01-01T00:00:00Z"`, `" 2020-01-01"`,
		`"0000-01-01"`, `"20200101"`, `"2020-13-01"`, `"01-01-2020"`,
	}, texts...)
	months := append([]string{`""`, `"2020-13"`, `"2020-00"`, `"2020-1"`, `"2020-01-01"`, `"202001"`}, texts...)
	invalid := map[event.Field][]string{
		event.FieldProgrammes: {`[]`, `"JKK"`, `["jkk"]`, `["JKK","X"]`, `["JKK",1]`, `[null]`, `{}`, `1`, `[["JKK"]]`},
		event.FieldPaidMonths: {`[]`, `"2020-01"`, `["2020-13"]`, `["2020-01",1]`, `[null]`, `{}`, `1`, `["2020-01-01"]`},
		event.FieldPercent: append([]string{
			`""`, `"x"`, `"-1"`, `"+1"`, `"1."`, `".5"`, `"1.234"`, `"1,5"`, `" 1"`, `"1e1"`, `"60%"`, `"99999999999999999999"`,
		}, texts...),
		event.FieldRetractedSource: append([]string{`""`, `"a b"`, quote(strings.Repeat("s", 257))}, texts...),
		event.FieldRetractedID:     append([]string{`""`, quote(strings.Repeat("s", 129))}, texts...),
		event.FieldFiscalYear:      append([]string{`0`, `10000`, `20.20`}, numbers...),
	}
	for _, kind := range event.Types() {
		for _, f := range kind.Fields() {
			bad := invalid[f]
			switch {
			case f == event.FieldRegion || f == event.FieldFunder || event.EdgeOnly.Has(f):
				continue
			case bad != nil:
			case f.Kind() == event.IntegerField:
				bad = numbers
			case f.Kind() == event.DateField:
				bad = days
			case f.Kind() == event.MonthField:
				bad = months
			case f.Kind() == event.CodeField:
				bad = codes
			case strings.Contains("enrolment worker commitment into", f.Name()):
				bad = ids
			default:
				bad = texts
			}
			for _, literal := range append(bad, "null") {
				refused(t, send(kind, with(t, kind, f.Name(), literal)), "field.invalid", "data."+f.Name())
			}
		}
	}
}

func TestValidValues(t *testing.T) {
	for _, tc := range []struct {
		kind event.Type
		name string
		good []string
	}{
		{event.EnrolmentOpened, "enrolment", []string{quote(strings.Repeat("e", 64)), `"A-Za-z0.9_:-"`, `"-"`}},
		{event.EnrolmentOpened, "programmes", []string{`["JKK","JKM","JHT","JP","JKP","JKK"]`}},
		{event.EnrolmentOpened, "from", []string{`"0001-01-01"`, `"9999-12-31"`, `"2020-02-29"`}},
		{event.FundingCommitted, "heads", []string{`0`, `-0`, `9007199254740991`}},
		{event.FundingCommitted, "fiscalYear", []string{`1`, `9999`}},
		{event.FundingCommitted, "basis", []string{`""`, `"№5 – é\n\u0000"`}},
		{event.FundingCommitted, "funder", []string{`"ID"`, `"75"`, `"75.03"`}},
		{event.FundingDisbursed, "months", []string{`["2020-02","2020-01","2020-02"]`}},
		{event.FundingDisbursed, "reference", []string{`""`}},
		{event.TargetSet, "percent", []string{`"0"`, `"60"`, `"60.5"`, `"60.50"`, `"110.00"`, `"100000"`, `"0.01"`}},
		{event.EventRetracted, "source", []string{quote("/" + strings.Repeat("é", 255))}},
		{event.EventRetracted, "id", []string{quote(strings.Repeat("é", 128))}},
	} {
		for _, literal := range tc.good {
			accepted(t, send(tc.kind, with(t, tc.kind, tc.name, literal)))
		}
	}
	a := accepted(t, send(event.EnrolmentOpened,
		with(t, event.EnrolmentOpened, "programmes", `["JKM","JKK","JKM"]`)))
	if len(a.Data.Programmes) != 3 || a.Data.Programmes[0] != event.JKM {
		t.Errorf("programmes %v", a.Data.Programmes)
	}
	if a.Data.ProgrammeSet() != 1<<event.JKK|1<<event.JKM {
		t.Errorf("programme set %b", a.Data.ProgrammeSet())
	}
}

func TestRegions(t *testing.T) {
	any := []string{`"7503"`, `"75.3"`, `" 75.03"`, `"75.99"`, `"99"`, `"id"`, `""`, `"75.03 "`, `"Gorontalo"`, `75.03`, `7503`, `75`, `[]`, `true`, `{}`, `null`}
	for _, kind := range event.Types() {
		for _, f := range kind.Fields() {
			if f != event.FieldRegion && f != event.FieldFunder {
				continue
			}
			for _, literal := range any {
				refused(t, send(kind, with(t, kind, f.Name(), literal)), "region.unknown", "data."+f.Name())
			}
			for _, literal := range []string{`"ID"`, `"75"`} {
				if kind == event.EnrolmentOpened || kind == event.EnrolmentAmended {
					refused(t, send(kind, with(t, kind, "region", literal)), "region.unknown", "data.region")
				} else {
					accepted(t, send(kind, with(t, kind, f.Name(), literal)))
				}
			}
		}
	}
	_, refusal := event.Accept(document(t, send(event.TargetSet,
		with(t, event.TargetSet, "region", `"7503"`))), event.Options{})
	const want = "did you mean 75.03 Kabupaten Bone Bolango? BPS uses 7503 for Pohuwato"
	if refusal == nil || !strings.Contains(refusal.Detail, want) {
		t.Errorf("%v does not explain", refusal)
	}
}

func TestPeriod(t *testing.T) {
	for _, kind := range []event.Type{
		event.FundingCommitted, event.FundingGranted, event.ContributionCredited,
	} {
		for _, until := range []string{"2020-01", "2019-12", "0001-01"} {
			refused(t, send(kind, with(t, kind, "until", quote(until))), "period.inverted", "data.until")
		}
		accepted(t, send(kind, with(t, kind, "until", `"2020-02"`)))
	}
	accepted(t, send(event.FundingAmended, `"commitment":"c","until":"0001-01"`))
}

func TestWorkerOrNIK(t *testing.T) {
	for _, kind := range []event.Type{event.EnrolmentOpened, event.WorkerDied} {
		rest := with(t, kind, "worker", "")
		for _, person := range []string{
			``, `,"worker":"w","nik":"` + nik + `"`, `,"worker":"","nik":""`, `,"worker":null,"nik":null`,
			`,"worker":"w","nik":null`,
		} {
			refused(t, send(kind, rest+person), "worker.ambiguous", "data.worker")
		}
		refused(t, send(kind, rest+`,"worker":null`), "field.invalid", "data.worker")
		a := accepted(t, send(kind, rest+`,"nik":"`+nik+`"`))
		if a.Data.NIK != nik || !a.Data.Has.Has(event.FieldNIK) || a.Data.Has.Has(event.FieldWorker) {
			t.Errorf("%s: %+v", kind, a.Data)
		}
		resolve(t, &a.Data)
		b := accepted(t, send(kind, rest+`,"worker":"w-of-010190"`))
		if a.Data.Has != b.Data.Has || a.Data.Worker != b.Data.Worker || a.Data.NIK != "" {
			t.Errorf("%s: with NIK %+v, with worker %+v", kind, a.Data, b.Data)
		}
		for _, literal := range []string{`null`, nik, `true`, `[]`, `{}`, `""`, `"x"`, quote(nik + "1"), quote(" " + nik)} {
			refused(t, send(kind, rest+`,"nik":`+literal), "nik.invalid", "data.nik")
		}
	}
}

// TestMerge: who is merged and into whom are named once each, and are two.
func TestMerge(t *testing.T) {
	kind := event.WorkerMerged
	for _, text := range []string{
		`"worker":"a"`, `"worker":"a","into":"b","intoNik":"` + nik + `"`, `"nik":"` + nik + `"`,
		`"worker":"a","into":null,"intoNik":null`,
	} {
		refused(t, send(kind, text), "worker.ambiguous", "data.into")
	}
	refused(t, send(kind, `"into":"b"`), "worker.ambiguous", "data.worker")
	refused(t, send(kind, `"worker":"a","into":"a"`), "field.invalid", "data.into")
	refused(t, send(kind, `"nik":"`+nik+`","intoNik":"`+nik+`"`), "field.invalid", "data.intoNik")
	refused(t, send(kind, `"nik":"`+nik+`","into":"`+nikWoman+`"`), "nik.misplaced", "data.into")
	refused(t, send(kind, `"worker":"a","into":""`), "field.invalid", "data.into")
	refused(t, send(kind, `"worker":"`+nik+`","into":""`), "nik.misplaced", "data.worker")
	refused(t, send(kind, `"nik":"x","intoNik":"x"`), "nik.invalid", "data.nik")
	for _, literal := range []string{`null`, nik, `true`, `[]`, `""`, `"x"`, quote(nik + "1")} {
		refused(t, send(kind, `"worker":"a","intoNik":`+literal), "nik.invalid", "data.intoNik")
	}
	known := map[string]string{nik: "w-1", nikWoman: "w-2"}
	lookUp := func(nik string) (string, error) { return known[nik], nil }
	for text, want := range map[string]string{
		`"nik":"` + nik + `","intoNik":"` + nikWoman + `"`: "w-1 w-2 ",
		`"nik":"` + nik + `","into":"w-2"`:                 "w-1 w-2 ",
		`"worker":"w-1","intoNik":"` + nikWoman + `"`:      "w-1 w-2 ",
		`"worker":"w-1","into":"w-2"`:                      "w-1 w-2 ",
		`"nik":"` + nik + `","into":"w-1"`:                 "w-1 w-1 field.invalid data.into",
		`"worker":"w-2","intoNik":"` + nikWoman + `"`:      "w-2 w-2 field.invalid data.intoNik",
	} {
		d := accepted(t, send(kind, text)).Data
		refusal, err := d.NameWorkers(lookUp)
		got := d.Worker + " " + d.Into + " "
		if refusal != nil {
			got += string(refusal.Code) + " " + refusal.Field
		}
		if err != nil || got != want || d.Has&event.EdgeOnly != 0 || d.NIK+d.IntoNIK != "" {
			t.Errorf("%s: %s, %v, want %s", text, got, err, want)
		}
	}
	lost := errors.New("lost")
	d := accepted(t, send(kind, `"worker":"w-1","intoNik":"`+nik+`"`)).Data
	if _, err := d.NameWorkers(func(string) (string, error) { return "", lost }); !errors.Is(err, lost) {
		t.Errorf("%v", err)
	}
}

// TestOrderOfDefects puts two defects of neighbouring stages together; the first is reported.
func TestOrderOfDefects(t *testing.T) {
	opened := event.EnrolmentOpened
	all := map[string]string{
		`"time":1`:                        "event.malformed time",
		`"note":[]`:                       "event.malformed note",
		`"subject":"` + nik + `"`:         "nik.misplaced subject",
		`"subject":"` + nik + `","z":[]`:  "event.malformed z",
		`"subject":"` + nik + `","Z":"x"`: "nik.misplaced subject",
		`"note":"` + nik + `","subject":"` + nik + `","dataschema":"` + nik + `"`: "nik.misplaced subject",
		`"b":"` + nik + `","a":"` + nik + `","dataschema":"` + nik + `"`:          "nik.misplaced dataschema",
		`"b":"` + nik + `","a":"` + nik + `"`:                                     "nik.misplaced b",
		`"time":"","note":"` + nik + `"`:                                          "nik.misplaced note",
		`"subject":"","time":""`:                                                  "event.malformed time",
		`"dataschema":"","time":"","a":1`:                                         "event.malformed time",
	}
	for more, want := range all { // envelope before type, fields, values
		text := send(opened, `"x":1,"region":"x"`, more)
		refusedWith(t, text, want, event.Options{})
		refusedWith(t, strings.Replace(text, ".v1", ".v9", 1), want, event.Options{})
	}
	// type before unknown fields
	refused(t, strings.Replace(send(opened, `"x":1`), ".v1", ".v9", 1), "event.type_unknown", "type")
	// unknown before missing, also when it comes last
	refused(t, send(opened, `"enrolment":1,"x":1`), "field.unknown", "data.x")
	// missing before worker
	refused(t, send(opened, with(t, opened, "from", "")+`,"nik":"x"`), "field.missing", "data.from")
	refused(t, send(event.WorkerDied, ``), "field.missing", "data.on")
	// the person before whom he is merged into
	refused(t, send(event.WorkerMerged, ``), "worker.ambiguous", "data.worker")
	refused(t, send(event.WorkerMerged, `"nik":1,"into":"i","intoNik":"x"`), "worker.ambiguous", "data.into")
	// worker before values
	refused(t, send(opened, with(t, opened, "enrolment", "1")+`,"nik":"x"`), "worker.ambiguous", "data.worker")
	// an amendment of nothing before values
	refused(t, send(event.FundingAmended, `"commitment":1`), "field.missing", "data")
	// values in the table's order, whatever the order sent
	refused(t, send(opened, `"from":1,"payer":1,"programmes":1,"category":1,"segment":1,"region":1,"worker":1,"enrolment":1`),
		"field.invalid", "data.enrolment")
	refused(t, send(opened, `"from":1,"payer":1,"programmes":1,"category":1,"segment":1,"region":1,"worker":1,"enrolment":"e"`),
		"field.invalid", "data.worker")
	refused(t, send(opened, `"from":1,"payer":1,"programmes":1,"category":1,"segment":1,"region":1,"nik":1,"enrolment":"e"`),
		"nik.invalid", "data.nik")
	refused(t, send(opened, `"from":1,"payer":1,"programmes":1,"category":1,"segment":1,"region":1,"worker":"w","enrolment":"e"`),
		"region.unknown", "data.region")
	// values before period
	refused(t, send(event.FundingCommitted, with(t, event.FundingCommitted, "until", `"2019-01"`)+``),
		"period.inverted", "data.until")
	refused(t, send(event.FundingCommitted, strings.Replace(
		with(t, event.FundingCommitted, "until", `"2019-01"`), `"the budget"`, `1`, 1)),
		"field.invalid", "data.basis")
}

package event_test

import (
	"strings"
	"testing"

	"cakupan/domain/event"
	"cakupan/domain/temporal"
)

// replaced returns a valid event whose envelope has one attribute changed to a literal, "": left out.
func replaced(t *testing.T, name, literal string) string {
	t.Helper()
	text := send(event.WorkerDied, data[event.WorkerDied])
	var members []string
	for _, m := range document(t, text).Members {
		value := literalOf(m.Value)
		if m.Name == "data" {
			value = "{" + data[event.WorkerDied] + "}"
		}
		if m.Name == name {
			value = literal
		}
		if value != "" {
			members = append(members, quote(m.Name)+":"+value)
		}
	}
	return "{" + strings.Join(members, ",") + "}"
}

func TestEnvelopeRequired(t *testing.T) {
	const malformed = "event.malformed"
	for _, text := range []string{`[]`, `"x"`, `1`, `null`, `true`, `[{}]`} {
		refused(t, text, malformed, "")
	}
	refused(t, `{}`, malformed, "specversion")
	for _, name := range []string{"specversion", "id", "source", "type", "data"} {
		for _, literal := range []string{"", "null", "7", "true", "[]", `["x"]`} {
			refused(t, replaced(t, name, literal), malformed, name)
		}
	}
	for name, literals := range map[string][]string{
		"specversion": {`"1"`, `"1.0.0"`, `""`, `"0.3"`, `1.0`, `{}`},
		"id":          {`""`, quote(strings.Repeat("é", 129)), `{}`},
		"source":      {`""`, quote(strings.Repeat("é", 257)), `"a b"`, `" "`, `"<x>"`, `"x%2"`, `":x"`, `"1:x"`, `"\n"`},
		"data":        {`"x"`, `"{}"`, `7`},
	} {
		for _, literal := range literals {
			refused(t, replaced(t, name, literal), malformed, name)
		}
	}
	for name, literals := range map[string][]string{
		"id":     {`"x"`, quote(strings.Repeat("é", 128)), `" x"`, `" "`, `"\t\u00a0"`, `"\u0000"`, quote(strings.Repeat("😀", 128))},
		"source": {quote("/" + strings.Repeat("é", 255)), `"/a"`, `"a"`, `"//h/p?q=1#f"`, `"urn:x:y"`, `"https://h/75?x=1"`, `"#"`, `"?"`, `"mailto:a@b"`, `"a/b:c"`, `"%41"`},
	} {
		for _, literal := range literals {
			accepted(t, replaced(t, name, literal))
		}
	}
}

func TestEnvelopeType(t *testing.T) {
	for _, name := range []string{
		"", "x", "enrolment.opened.v1", "id.cakupan.", "id.cakupan.enrolment.opened",
		"id.cakupan.enrolment.opened.v2", "id.cakupan.Enrolment.opened.v1", "ID.cakupan.worker.died.v1",
		"id.cakupan.worker.died.v1 ", nik,
	} {
		refused(t, replaced(t, "type", quote(name)), "event.type_unknown", "type")
	}
}

func TestEnvelopeOptional(t *testing.T) {
	for name, cases := range map[string]struct{ good, bad []string }{
		"time": {
			[]string{`null`, `"2021-01-04T10:11:09+08:00"`, `"2021-01-04t10:11:09.123456789123z"`},
			[]string{`""`, `"2021-01-04"`, `"2021-01-04 10:11:09Z"`, `1`, `"2021-02-29T00:00:00Z"`, `[]`, `{}`, `true`},
		},
		"subject": {[]string{`null`, `"s"`, `" "`}, []string{`""`, `1`, `[]`, `{}`, `false`}},
		"datacontenttype": {
			[]string{`null`, `"application/json"`, `"Application/JSON"`, `"application/json; charset=utf-8"`, `"application/json ;x=y"`},
			[]string{`""`, `"text/plain"`, `"application/xml"`, `"application/jsonx"`, `1`, `[]`},
		},
		"dataschema": {[]string{`null`, `"https://x/y"`, `"urn:x"`}, []string{`""`, `"a b"`, `1`, `{}`}},
	} {
		for _, literal := range cases.good {
			accepted(t, send(event.WorkerDied, data[event.WorkerDied], quote(name)+":"+literal))
		}
		for _, literal := range cases.bad {
			refused(t, send(event.WorkerDied, data[event.WorkerDied], quote(name)+":"+literal),
				"event.malformed", name)
		}
	}
}

func TestExtensions(t *testing.T) {
	a := accepted(t, send(event.WorkerDied, data[event.WorkerDied],
		`"b":"text","a":-7,"c1":true,"gone":null,"Gone":null,"sequence":{"any":"thing"},"empty":"",`+
			`"recordedat":["dropped"],"long":12345678901234567890,"averyveryverylongnameindeed":"x"`))
	var got []string
	for _, x := range a.Extensions {
		got = append(got, x.Name+"="+x.Value.Text)
	}
	const want = "b=text a=-7 c1=true empty= long=12345678901234567890 averyveryverylongnameindeed=x"
	if strings.Join(got, " ") != want {
		t.Errorf("extensions %v, want %s", got, want)
	}
	if a.HasRecorded {
		t.Error("a record time was kept that nobody asked for")
	}
	for _, literal := range []string{`1.5`, `1e3`, `[]`, `{}`, `["x"]`} {
		refused(t, send(event.WorkerDied, data[event.WorkerDied], `"note":`+literal),
			"event.malformed", "note")
	}
	for _, name := range []string{"", "Note", "no_te", "no-te", "nöte", "data_base64", "no te"} {
		refused(t, send(event.WorkerDied, data[event.WorkerDied], quote(name)+`:"x"`),
			"event.malformed", name)
	}
}

func TestRecordedAt(t *testing.T) {
	keep := event.Options{KeepRecorded: true}
	text := func(literal string) string {
		return send(event.WorkerDied, data[event.WorkerDied], `"recordedat":`+literal)
	}
	for _, literal := range []string{`"yesterday"`, `""`, `1`, `[]`, `{}`, `"2021-01-04"`, `true`} {
		refusedWith(t, text(literal), "event.malformed recordedat", keep)
		accepted(t, text(literal))
	}
	at, err := temporal.ParseInstant("2021-01-04T02:11:09Z")
	if err != nil {
		t.Fatal(err)
	}
	a, refusal := event.Accept(document(t, text(`"2021-01-04T10:11:09+08:00"`)), keep)
	if refusal != nil || !a.HasRecorded || a.RecordedAt != at {
		t.Errorf("%v %t %v", a.RecordedAt, a.HasRecorded, refusal)
	}
	a, refusal = event.Accept(document(t, text(`null`)), keep)
	if refusal != nil || a.HasRecorded || len(a.Extensions) > 0 {
		t.Errorf("null: %t %v", a.HasRecorded, refusal)
	}
}

// TestEnvelopeKeepsWhatWasSent: nothing optional is changed or made up.
func TestEnvelopeKeepsWhatWasSent(t *testing.T) {
	a := accepted(t, send(event.WorkerDied, data[event.WorkerDied],
		`"time":"2021-01-04t10:11:09.10z","subject":"é","dataschema":"urn:x:#"`))
	if a.Time != "2021-01-04t10:11:09.10z" || a.Subject != "é" || a.DataSchema != "urn:x:#" ||
		a.DataContentType != "" || a.ID != "i-1" || a.Source != "urn:test" {
		t.Errorf("%+v", a.Event)
	}
}

// TestMisplacedNIK plants a NIK everywhere a text can stand.
func TestMisplacedNIK(t *testing.T) {
	const misplaced = "nik.misplaced"
	for _, text := range []string{nik, nikWoman, "x" + nik + "y", "urn:nik:" + nik, nik + "-" + nik, nik + "é"} {
		q := quote(text)
		refused(t, replaced(t, "id", q), misplaced, "id")
		refused(t, replaced(t, "source", quote("urn:"+text)), misplaced, "source")
		for _, name := range []string{"subject", "note", "dataschema"} {
			refused(t, send(event.WorkerDied, data[event.WorkerDied], quote(name)+":"+q), misplaced, name)
		}
	}
	refused(t, send(event.WorkerDied, data[event.WorkerDied], `"note":`+nik), misplaced, "note")
	refused(t, send(event.WorkerDied, data[event.WorkerDied], `"note":-`+nik), misplaced, "note")
	refused(t, send(event.WorkerDied, data[event.WorkerDied], `"x`+nik+`":"a"`), misplaced,
		"x759999**********")
	refused(t, send(event.WorkerDied, data[event.WorkerDied], `"time":"2021-01-04T00:00:00.`+nik+`Z"`),
		misplaced, "time")
	for kind, fields := range map[event.Type][]string{
		event.EnrolmentOpened:      {"enrolment", "worker"},
		event.FundingCommitted:     {"commitment", "basis"},
		event.FundingGranted:       {"commitment", "enrolment"},
		event.WorkerMerged:         {"worker", "into"},
		event.ContributionCredited: {"enrolment", "reference"},
		event.FundingDisbursed:     {"reference"},
		event.FundingClosed:        {"reason"},
		event.WorkforcePublished:   {"publication"},
		event.TargetSet:            {"basis", "percent"},
		event.EventRetracted:       {"source", "id", "reason"},
	} {
		for _, name := range fields {
			for _, text := range []string{nik, "a." + nik + ":b", nik + " " + nik} {
				refused(t, send(kind, with(t, kind, name, quote(text))), misplaced, "data."+name)
			}
		}
	}
	// A number in the place of an id is the number all the same.
	refused(t, send(event.WorkerDied, with(t, event.WorkerDied, "worker", nik)), misplaced, "data.worker")
	// Not a NIK: part of a longer run, a number that breaks the rule, digits apart.
	for _, text := range []string{"1" + nik, nik + "1", "7599990101900000", "0099990101909999", nik[:15], "7599 9901  0190 9999", "7599,9901,0190,9999"} {
		accepted(t, replaced(t, "id", quote(text)))
		accepted(t, send(event.WorkerDied, data[event.WorkerDied], `"note":`+quote(text)))
		accepted(t, send(event.FundingClosed, with(t, event.FundingClosed, "reason", quote(text))))
	}
	// The names of unknown fields are repeated, without the number.
	refused(t, send(event.WorkerDied, data[event.WorkerDied]+`,"`+nik+`":1`), "field.unknown",
		"data.759999**********")
	refused(t, send(event.WorkerDied, with(t, event.WorkerDied, "on", quote(nik))), "field.invalid", "data.on")
	refused(t, send(event.TargetSet, with(t, event.TargetSet, "region", quote(nik))), "region.unknown", "data.region")
}

// TestAllDefects tells everything that is wrong with an event at once; the first in the contract's
// order is the one that it is refused for.
func TestAllDefects(t *testing.T) {
	refused := func(text string, code event.Code, field string, words ...string) {
		t.Helper()
		_, refusal := event.Accept(document(t, text), event.Options{})
		if refusal == nil || refusal.Code != code || refusal.Field != field {
			t.Errorf("%s: %v", text, refusal)
			return
		}
		at := 0
		for _, word := range words {
			i := strings.Index(refusal.Detail[at:], word)
			if i < 0 {
				t.Errorf("%s: %q is not behind the rest in %s", text, word, refusal.Detail)
				return
			}
			at += i
		}
	}
	refused(`{"specversion":"2","source":"urn:x","type":"id.cakupan.worker.died.v1","data":{"worker":"w"}}`,
		event.Malformed, "specversion", "specversion", "id is required", "data.on is required")
	refused(send(event.WorkerDied, `"extra":1,"on":"2021-02-30","nik":"1"`),
		event.FieldUnknown, "data.extra", "extra", "data.nik is no NIK", "data.on must be a day")
	refused(send(event.WorkerDied, data[event.WorkerDied], `"data_base64":"e30="`),
		event.Malformed, "data_base64", "send the data as JSON")
	refused(`{"specversion":"1.0","id":"1","source":"urn:x","type":"nothing","data":{}}`,
		event.TypeUnknown, "type", "id.cakupan.enrolment.opened.v1", "id.cakupan.event.retracted.v1")
}

// TestLeapSecond takes the second that a day of UTC may have more, and no other.
func TestLeapSecond(t *testing.T) {
	for _, at := range []string{"2016-12-31T23:59:60Z", "2017-01-01T07:59:60.5+08:00"} {
		accepted(t, send(event.WorkerDied, data[event.WorkerDied], `"time":"`+at+`"`))
	}
	for _, at := range []string{"2016-12-31T22:59:60Z", "2016-12-31T23:59:61Z", "2016-12-31T23:58:60Z"} {
		_, refusal := event.Accept(document(t, send(event.WorkerDied, data[event.WorkerDied],
			`"time":"`+at+`"`)), event.Options{})
		if refusal == nil || refusal.Field != "time" {
			t.Errorf("%s: %v", at, refusal)
		}
	}
}

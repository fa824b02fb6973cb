package event_test

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"

	"cakupan/domain/event"
)

// document reads JSON into a document, order kept. The edge has a strict reader of its own.
func document(t testing.TB, text string) event.Value {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	value, err := readValue(decoder)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return value
}

func readValue(decoder *json.Decoder) (event.Value, error) {
	token, err := decoder.Token()
	if err != nil {
		return event.Value{}, err
	}
	switch token := token.(type) {
	case nil:
		return event.Value{}, nil
	case string:
		return event.Value{Kind: event.String, Text: token}, nil
	case json.Number:
		return event.Value{Kind: event.Number, Text: token.String()}, nil
	case bool:
		if token {
			return event.Value{Kind: event.Bool, Text: "true"}, nil
		}
		return event.Value{Kind: event.Bool, Text: "false"}, nil
	case json.Delim:
		return readNested(decoder, token)
	}
	return event.Value{}, io.ErrUnexpectedEOF
}

func readNested(decoder *json.Decoder, open json.Delim) (v event.Value, err error) {
	v.Kind = event.List
	if open == '{' {
		v.Kind = event.Object
	}
	for decoder.More() {
		var name json.Token
		if open == '{' {
			if name, err = decoder.Token(); err != nil {
				return v, err
			}
		}
		item, err := readValue(decoder)
		if err != nil {
			return v, err
		}
		if open == '{' {
			v.Members = append(v.Members, event.Member{Name: name.(string), Value: item})
		} else {
			v.Items = append(v.Items, item)
		}
	}
	_, err = decoder.Token()
	return v, err
}

// The NIKs of the tests are nobody's: there is no district 99, and no serial 9999.
const (
	nik      = "7599990101909999"
	nikWoman = "7599994101909999"
)

// data holds valid data of each type, with every optional field.
var data = map[event.Type]string{
	event.EnrolmentOpened: `"enrolment":"e-1","worker":"w-1","region":"75.03","segment":"PU",` +
		`"category":"PRIVATE","programmes":["JKK","JKM"],"payer":"EMPLOYER","from":"2020-01-01"`,
	event.EnrolmentAmended: `"enrolment":"e-1","from":"2020-01-01","region":"75.71",` +
		`"segment":"BPU","category":"OTHER","programmes":["JHT"],"payer":"SELF"`,
	event.EnrolmentTerminated:  `"enrolment":"e-1","until":"2020-01-01","reason":"LAYOFF"`,
	event.EnrolmentReinstated:  `"enrolment":"e-1","from":"2020-01-01"`,
	event.WorkerDied:           `"worker":"w-1","on":"2020-01-01"`,
	event.WorkerMerged:         `"worker":"w-1","into":"w-2"`,
	event.ContributionCredited: `"enrolment":"e-1","from":"2020-01","until":"2020-03","paidOn":"2020-02-10","amount":33600,"reference":"r"`,
	event.FundingCommitted: `"commitment":"c-1","funder":"75","funding":"APBD","fiscalYear":2020,` +
		`"heads":4,"months":12,"tariff":16800,"ceiling":806400,"from":"2020-01",` +
		`"until":"2021-01","basis":"the budget"`,
	event.FundingAmended: `"commitment":"c-1","heads":4,"months":12,"tariff":16800,` +
		`"ceiling":806400,"until":"2021-01"`,
	event.FundingGranted:   `"commitment":"c-1","enrolment":"e-1","from":"2020-01","until":"2020-02"`,
	event.FundingRevoked:   `"commitment":"c-1","enrolment":"e-1","from":"2020-01"`,
	event.FundingDisbursed: `"commitment":"c-1","amount":1,"paidOn":"2020-01-01","months":["2020-01"],"reference":"r"`,
	event.FundingClosed:    `"commitment":"c-1","from":"2020-01","reason":"why"`,
	event.WorkforcePublished: `"region":"ID","sector":"ALL","indicator":"EMPLOYED","count":10,` +
		`"reference":"2019-08-31","publication":"p"`,
	event.TargetSet:      `"region":"75","sector":"FORMAL","percent":"52.15","from":"2020-01-01","basis":"b"`,
	event.EventRetracted: `"source":"urn:x","id":"i","reason":"why"`,
}

// send returns an event of a type with the data given, and more members of the envelope.
func send(t event.Type, data string, more ...string) string {
	return `{"specversion":"1.0","id":"i-1","source":"urn:test","type":"` + t.Name() +
		`","data":{` + data + `}` + strings.Join(append([]string{""}, more...), ",") + `}`
}

// with returns the type's valid data with one member changed to a literal; "" leaves it out.
func with(t testing.TB, kind event.Type, name, literal string) string {
	t.Helper()
	var members []string
	found := false
	for _, m := range document(t, "{"+data[kind]+"}").Members {
		text := quote(m.Name) + ":" + literalOf(m.Value)
		if m.Name == name {
			found = true
			if text = ""; literal != "" {
				text = quote(name) + ":" + literal
			}
		}
		if text != "" {
			members = append(members, text)
		}
	}
	if !found && literal != "" {
		members = append(members, quote(name)+":"+literal)
	}
	return strings.Join(members, ",")
}

func literalOf(v event.Value) string {
	switch v.Kind {
	case event.String:
		return quote(v.Text)
	case event.List:
		var items []string
		for _, item := range v.Items {
			items = append(items, literalOf(item))
		}
		return "[" + strings.Join(items, ",") + "]"
	}
	return v.Text
}

func quote(text string) string {
	quoted, err := json.Marshal(text)
	if err != nil {
		return `""`
	}
	return string(quoted)
}

// refused expects a refusal with a code and a field.
func refused(t *testing.T, text, code, field string) {
	t.Helper()
	refusedWith(t, text, code+" "+field, event.Options{})
}

func refusedWith(t *testing.T, text, want string, opts event.Options) {
	t.Helper()
	accepted, refusal := event.Accept(document(t, text), opts)
	got := ""
	if refusal != nil {
		got = string(refusal.Code) + " " + refusal.Field
		if event.HasNIK(refusal.Error()) || event.HasNIK(accepted.ID+" "+accepted.Source) {
			t.Errorf("%.300s: a NIK is shown", text)
		}
		if len(refusal.Detail) < 10 {
			t.Errorf("%.300s: detail %q says nothing", text, refusal.Detail)
		}
	}
	if got != want {
		t.Errorf("%.300s:\n got %s\nwant %s", text, got, want)
	}
}

// resolve puts a worker in the place of each NIK.
func resolve(t interface{ Fatalf(string, ...any) }, d *event.Data) {
	refusal, err := d.NameWorkers(func(nik string) (string, error) { return "w-of-" + nik[6:12], nil })
	if refusal != nil || err != nil {
		t.Fatalf("Resolve: %v, %v", refusal, err)
	}
}

func accepted(t *testing.T, text string) event.Accepted {
	t.Helper()
	a, refusal := event.Accept(document(t, text), event.Options{})
	if refusal != nil {
		t.Errorf("%.300s: %v", text, refusal)
	}
	return a
}

// TestNoNIKIsWritten renders events as an edge has them, before a NIK became a worker id: neither
// of the two fields that only an edge may see stands in the document, whichever type has them.
func TestNoNIKIsWritten(t *testing.T) {
	for _, text := range []string{
		`{"specversion":"1.0","id":"a","source":"urn:x","type":"id.cakupan.worker.died.v1",
			"data":{"nik":"7503014101900001","on":"2020-01-01"}}`,
		`{"specversion":"1.0","id":"b","source":"urn:x","type":"id.cakupan.worker.merged.v1",
			"data":{"nik":"7503014101900001","intoNik":"7503014101900002"}}`,
		`{"specversion":"1.0","id":"c","source":"urn:x","type":"id.cakupan.worker.merged.v1",
			"data":{"worker":"w-1","intoNik":"7503014101900002"}}`,
	} {
		a, refusal := event.Accept(document(t, text), event.Options{})
		if refusal != nil {
			t.Fatal(refusal)
		}
		if a.Data.Has&event.EdgeOnly == 0 {
			t.Fatalf("%s has no NIK: nothing is tested", text)
		}
		if written := fmt.Sprint(a.Document()); strings.Contains(written, "750301410190000") {
			t.Errorf("%s is written as %s", text, written)
		}
	}
}

package main

import (
	"bytes"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"pgregory.net/rapid"

	"cakupan/domain/event"
	"cakupan/eventstore/cloudevents"
)

// good are values that fields of a form may have.
func good(f event.Field) []string {
	switch f.Form() {
	case event.TextForm:
		return []string{`""`, `"words"`, `"750301010190999"`, `"é 12345678901234567"`}
	case event.KeyForm:
		return []string{`"a"`, `"A.b_c:d-9"`, `"` + strings.Repeat("x", 64) + `"`, `"750301010190999"`}
	case event.NIKForm:
		return []string{`"7503014107909999"`, `"1101016902960001"`, `"7503013112999999"`}
	case event.PercentForm:
		return []string{`"0"`, `"60"`, `"52.15"`, `"7.5"`, `"110.00"`, `"000"`}
	case event.SourceForm:
		return []string{`"urn:a"`, `"/office"`, `"é"`}
	case event.IDForm:
		return []string{`"1"`, `"` + strings.Repeat("é", 128) + `"`}
	case event.NaturalForm:
		return []string{"0", "-0", "17", "9007199254740991"}
	case event.YearForm:
		return []string{"1", "2020", "9999"}
	case event.RegionForm:
		return []string{`"75.03"`, `"11.01"`, `"96.71"`}
	case event.DateForm:
		return []string{`"2020-02-29"`, `"0001-01-01"`, `"9999-12-31"`}
	case event.MonthForm:
		return []string{`"2020-01"`, `"0001-12"`, `"9999-12"`}
	case event.MonthsForm:
		return []string{`["2020-01"]`, `["2020-01","2020-01"]`}
	case event.ProgrammesForm:
		return []string{`["JKK"]`, `["JKK","JKM","JKK"]`}
	}
	var codes []string
	for _, code := range f.Codes() {
		codes = append(codes, `"`+code+`"`)
	}
	return codes
}

// bad are values of all kinds; many are wrong nearly everywhere.
var bad = []string{
	"null", "true", "{}", "[]", "-1", "1.5", "9007199254740992", "9223372036854775808", "10000", `"7503"`, `"ID"`, `"75"`, `"99"`,
	`"75.99"`, `""`, `" "`, `"x y"`, `"7503014107909999"`, `"id 7503014107909999."`, `"7503014107900000"`,
	`"7503013202909999"`, `"7599013102909999"`, `7503014107909999`, `"2020-02-30"`, `"2020-13-01"`,
	`"2020-13"`, `"2020-1"`, `"0000-01"`, `"20-01-01"`, `"pu"`, `"UNKNOWN"`, `["JKK",1]`, `["2020-00"]`, `[null]`,
	`"60%"`, `"60."`, `"-1"`, `"1e2"`, `"52.155"`, `"a\n"`, `"` + strings.Repeat("x", 65) + `"`,
	`"` + strings.Repeat("é", 129) + `"`, `"a b"`, `"2021-01-04T10:11:09+08:00"`, `"2021-01-04 10:11"`,
}

// loose are values about which a schema and the ledger differ, each for the reason that is given
// for it. There are no other rules that a schema does not express, but for the order of a period.
var loose = map[string]string{
	`1.0`:                    "JSON Schema takes a fraction of zero for an integer",
	`1e2`:                    "JSON Schema takes an exponent for an integer",
	`"2021-02-29"`:           "days that do not exist, where formats are not looked at",
	`"92233720368547758.08"`: "a percentage beyond 64 bits",
	`"2016-12-31T23:59:60Z"`: "leap seconds",
}

// seldom is true once in so many times. What rapid draws is small more often than not; that is
// undone here.
func seldom(t *rapid.T, label string, times uint64) bool {
	return rapid.Uint64().Draw(t, label)*0x9e3779b97f4a7c15>>32%times == times/2
}

// drawEvent makes an event that may be wrong in a few places.
func drawEvent(t *rapid.T) string {
	typ := rapid.SampledFrom(event.Types()).Draw(t, "type")
	value := func(label string, right []string) string {
		switch {
		case seldom(t, label+" is bad", 30):
			return rapid.SampledFrom(bad).Draw(t, label)
		case seldom(t, label+" is loose", 50):
			return rapid.SampledFrom(slices.Sorted(maps.Keys(loose))).Draw(t, label)
		}
		return rapid.SampledFrom(right).Draw(t, label)
	}
	chance := func(label string, of uint64) bool { return seldom(t, label, of) }
	var data []string
	for _, use := range typ.Uses() {
		name := use.Field.Name()
		leave := chance("without "+name, 25)
		if use.Need != event.Required {
			leave = rapid.Bool().Draw(t, "without "+name)
		}
		if !leave {
			data = append(data, `"`+name+`":`+value(name, good(use.Field)))
		}
	}
	if chance("unknown", 25) {
		data = append(data, `"From":1`)
	}
	members := []string{
		`"specversion":` + value("specversion", []string{`"1.0"`}),
		`"id":` + value("id", good(event.FieldRetractedID)),
		`"source":` + value("source", good(event.FieldRetractedSource)),
		`"type":` + value("type name", []string{`"` + typ.Name() + `"`}),
		`"data":{` + strings.Join(data, ",") + `}`,
	}
	if chance("left out", 25) {
		members = members[1:]
	}
	for _, more := range []struct {
		name  string
		right []string
	}{
		{"time", []string{`"2021-01-04T10:11:09.5+08:00"`, `"2021-01-04t02:11:09z"`}},
		{"subject", []string{`"x"`}},
		{"datacontenttype", []string{`"application/json"`, `" Application/JSON; charset=utf-8"`}},
		{"dataschema", []string{`"urn:x"`}},
		{"office", []string{`"x"`, "true", "7", `""`}},
	} {
		if chance(more.name, 5) {
			members = append(members, `"`+more.name+`":`+value(more.name, more.right))
		}
	}
	if chance("attribute", 25) {
		members = append(members, rapid.SampledFrom([]string{`"Office":1`, `"7503014107909999":1`}).Draw(t, "attribute"))
	}
	return "{" + strings.Join(members, ",") + "}"
}

// TestSchemaSaysWhatTheLedgerSays draws events and has both judge them: what is valid is accepted,
// and what is accepted is valid, but for the listed rules that a schema cannot express.
func TestSchemaSaysWhatTheLedgerSays(t *testing.T) {
	schemas := byType(t)
	var both, neither int
	judge := func(rt *rapid.T) {
		text := drawEvent(rt)
		doc, refusal := cloudevents.ParseJSON([]byte(text))
		if refusal == nil {
			_, refusal = event.Accept(doc, event.Options{})
		}
		err := schemas.validate(t, []byte(text))
		switch {
		case err == nil && refusal == nil:
			both++
		case err != nil && refusal != nil:
			neither++
		case refusal != nil && refusal.Code == event.PeriodInverted:
		case refusal != nil && strings.Contains(refusal.Detail, "himself"): // a merge
		case hasLoose(text):
		case refusal == nil && strings.Contains(text, ":null"):
			// The ledger takes an optional attribute that is null for one that is not there.
		default:
			rt.Fatalf("%s\nledger: %+v\nschema: %v", text, refusal, err)
		}
	}
	for range 20 {
		rapid.Check(t, judge)
	}
	t.Logf("%d accepted and valid, %d refused and invalid", both, neither)
	if both < 10 || neither < 10 {
		t.Error("too few to tell")
	}
}

// TestURIPattern compares the patterns of a source and of a dataschema with what the ledger takes.
func TestURIPattern(t *testing.T) {
	schema := compile(t, "schemas/id.cakupan.worker.died.v1.json", "")
	part := rapid.OneOf(
		rapid.SampledFrom([]string{
			"urn:", "1x:", ":", "/", "//", "?", "#", "%41", "%4", "%zz", "é", "[", "a", "Z", "+", "-",
			"3", " ", "\t", "\x00", "\x7f", "\u00a0", "<", "\"", "{", "|", "\\", "^", "`", "@", "~",
		}),
		rapid.String(),
	)
	taken := 0
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(part, 1, 4).Draw(t, "parts"), "")
		for _, attribute := range []string{"source", "dataschema"} {
			sent := exampleEvent(event.WorkerDied).replace("source", "urn:x").with("dataschema", "urn:x").
				replace(attribute, text)
			raw, err := compact(sent)
			if err != nil {
				t.Fatal(err)
			}
			doc, refusal := cloudevents.ParseJSON(raw)
			if refusal == nil {
				_, refusal = event.Accept(doc, event.Options{})
			}
			value, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
			if err != nil {
				t.Fatal(err)
			}
			if err = schema.Validate(value); (err == nil) != (refusal == nil) {
				t.Fatalf("%s %q\nledger: %+v\nschema: %v", attribute, text, refusal, err)
			} else if err == nil {
				taken++
			}
		}
	})
	if taken == 0 {
		t.Error("nothing was taken")
	}
}

func hasLoose(text string) bool {
	for value := range loose {
		if strings.Contains(text, value) {
			return true
		}
	}
	return false
}

// TestNIKPattern compares the pattern of the schemas with the rule of the ledger.
func TestNIKPattern(t *testing.T) {
	pattern := regexp.MustCompile("^(?:" + nikPattern() + ")$")
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(
			rapid.StringMatching(`(?:11|75|97|20)[0-9]{4}[0-7][0-9](?:0[0-9]|1[0-3])[0-9]{2}0{0,3}[0-9]{1,4}`),
			rapid.StringMatching(`7503[0-9]{2}[26][89]02[0-9]{6}`),
			rapid.StringMatching(`[0-9]{15,17}`),
		).Draw(t, "text")
		if got, want := pattern.MatchString(text), event.CheckNIK(text) == ""; got != want {
			t.Fatalf("%s: %t, want %t", text, got, want)
		}
	})
}

// TestGroupedNIKPattern compares the pattern of a text that holds a NIK with what the ledger finds,
// for what is written in ASCII and shows.
func TestGroupedNIKPattern(t *testing.T) {
	pattern := regexp.MustCompile("(?:^|[^0-9])(?:" + anyNIKPattern() + ")(?:$|[^0-9])")
	piece := rapid.OneOf(
		rapid.SampledFrom([]string{"75", "03", "01", "7503", "0101", "9000", "750301", "010190", "0001", "9999"}),
		rapid.SampledFrom([]string{" ", ".", "-", "/", "--", "x", ","}),
	)
	found := 0
	rapid.Check(t, func(t *rapid.T) {
		shape := rapid.SampledFrom([]string{
			"750301-010190-0001", "7503.0101/4190 0001", "75 03-01 410190-0001", "7503010101900001", "",
		}).Draw(t, "shape")
		text := strings.Join(rapid.SliceOfN(piece, 0, 3).Draw(t, "before"), "") + shape +
			strings.Join(rapid.SliceOfN(piece, 0, 3).Draw(t, "after"), "")
		if got, want := pattern.MatchString(text), event.HasNIK(text); got != want {
			t.Fatalf("%s: %t, want %t", text, got, want)
		} else if got {
			found++
		}
	})
	if found == 0 { // most shapes are one; with -short few are drawn
		t.Error("none held one")
	}
}

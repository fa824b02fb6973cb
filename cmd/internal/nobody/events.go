package nobody

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// acceptable returns an acceptable event of each type, with all that may stand in it.
func acceptable() []string {
	data := map[string]string{
		"enrolment.opened.v1": `"enrolment":"E-1","nik":"","region":"75.03","segment":"PU",` +
			`"category":"PRIVATE","programmes":["JKK","JKM"],"payer":"EMPLOYER",` +
			`"from":"2020-01-01"`,
		"enrolment.amended.v1": `"enrolment":"E-1","from":"2020-01-01","region":"75.03",` +
			`"segment":"PU","category":"PRIVATE","programmes":["JKK"],"payer":"SELF"`,
		"enrolment.terminated.v1": `"enrolment":"E-1","until":"2020-01-01","reason":"LAYOFF"`,
		"enrolment.reinstated.v1": `"enrolment":"E-1","from":"2020-01-01"`,
		"worker.died.v1":          `"worker":"W-1","on":"2020-01-01"`,
		"worker.merged.v1":        `"nik":"","intoNik":""`,
		"contribution.credited.v1": `"enrolment":"E-1","from":"2020-01","until":"2020-02",` +
			`"paidOn":"2020-01-01","amount":1,"reference":"r"`,
		"funding.committed.v1": `"commitment":"C-1","funder":"75","funding":"APBD",` +
			`"fiscalYear":2020,"heads":1,"months":1,"tariff":1,"ceiling":1,"from":"2020-01",` +
			`"until":"2020-02","basis":"b"`,
		"funding.amended.v1": `"commitment":"C-1","heads":1,"months":1,"tariff":1,"ceiling":1,` +
			`"until":"2020-02"`,
		"funding.granted.v1": `"commitment":"C-1","enrolment":"E-1","from":"2020-01",` +
			`"until":"2020-02"`,
		"funding.revoked.v1": `"commitment":"C-1","enrolment":"E-1","from":"2020-01"`,
		"funding.disbursed.v1": `"commitment":"C-1","amount":1,"paidOn":"2020-01-01",` +
			`"months":["2020-01"],"reference":"r"`,
		"funding.closed.v1": `"commitment":"C-1","from":"2020-01","reason":"r"`,
		"workforce.published.v1": `"region":"75","sector":"ALL","indicator":"EMPLOYED","count":1,` +
			`"reference":"2020-01-01","publication":"p"`,
		"target.set.v1": `"region":"75","sector":"ALL","percent":"60","from":"2020-01-01",` +
			`"basis":"b"`,
		"event.retracted.v1": `"source":"urn:test","id":"i","reason":"r"`,
	}
	var types []string
	for name, fields := range data {
		types = append(types, `{"specversion":"1.0","id":"I","source":"urn:test",`+
			`"type":"id.cakupan.`+name+`","time":"2020-01-01T00:00:00Z","subject":"s",`+
			`"datacontenttype":"application/json","dataschema":"urn:schema","traceparent":"t",`+
			`"recordedat":"2020-01-01T00:00:00Z","data":{`+fields+`}}`)
	}
	slices.Sort(types)
	return types
}

// Events returns events with a number in every place: as a text, in one, as a number, in a
// list, as a name; and the same where it belongs, right and wrong.
func (n *Numbers) Events(t *testing.T) (lines [][]byte) {
	t.Helper()
	for i, text := range acceptable() {
		var doc map[string]any
		if err := json.Unmarshal([]byte(text), &doc); err != nil {
			t.Fatal(err)
		}
		data := doc["data"].(map[string]any)
		add := func(how string) {
			for _, person := range []string{"nik", "intoNik"} {
				if _, found := data[person]; found && data[person] == "" {
					data[person] = n.Next(person + " of an event with a number in " + how)
					defer func() { data[person] = "" }()
				}
			}
			line, err := json.Marshal(doc)
			if err != nil {
				t.Fatal(err)
			}
			lines = append(lines, line)
		}
		name := strings.TrimPrefix(doc["type"].(string), "id.cakupan.")
		id := 0
		n.everywhere(doc, name, func(how string) {
			id++
			if doc["id"] == "I" { // not the place that is tried
				doc["id"] = fmt.Sprintf("I-%d-%d", i, id)
				defer func() { doc["id"] = "I" }()
			}
			add(how)
		})
	}
	return append(lines, n.wrongTexts()...)
}

// everywhere changes one place of an object after the other, and all below it, calls use, and
// changes it back.
func (n *Numbers) everywhere(object map[string]any, path string, use func(how string)) {
	for _, name := range slices.Sorted(maps.Keys(object)) {
		value := object[name]
		if inner, isObject := value.(map[string]any); isObject {
			n.everywhere(inner, path+" "+name, use)
		}
		how := path + " " + name
		wrong := []any{
			n.Next(how), "x" + n.Next(how) + "y", "a " + n.Next(how) + " b",
			json.Number("-" + n.Next(how)), json.Number(n.Next(how) + ".0"),
			[]any{n.Next(how)},
			map[string]any{n.Next(how): n.Next(how)},
			n.Next(how) + strings.Repeat("x", 300), n.Next(how) + "-01-01", n.Next(how) + "\u0000",
		}
		for _, text := range InGroups(n.Next(how)) {
			wrong = append(wrong, text, "a "+text+" b")
		}
		if _, counts := value.(float64); !counts {
			// Else it is a great number of something.
			wrong = append(wrong, json.Number(n.Next(how)))
		}
		for _, wrong := range wrong {
			object[name] = wrong
			use(how)
		}
		delete(object, name)
		for _, renamed := range []string{n.Next(how), InGroups(n.Next(how))[0]} {
			object[renamed] = value
			use(how)
			delete(object, renamed)
		}
		object[name] = value
	}
}

// wrongTexts returns what is no acceptable event for other reasons, with numbers in it, and
// numbers where they belong with a mistake in them.
func (n *Numbers) wrongTexts() (lines [][]byte) {
	add := func(format string, args ...any) {
		lines = append(lines, fmt.Appendf(nil, format, args...))
	}
	opened := func(id, worker string) string {
		return `{"specversion":"1.0","id":"` + id + `","source":"urn:test","type":` +
			`"id.cakupan.enrolment.opened.v1","data":{"enrolment":"E-2",` + worker + `,` +
			`"region":"75.03","segment":"PU","category":"PRIVATE","programmes":["JKK"],` +
			`"payer":"EMPLOYER","from":"2020-01-01"}}`
	}
	add("%s", n.Next("bare number"))
	add("%q", n.Next("bare text"))
	add("[%s]", n.Next("list"))
	add(`{"nik":"%s"`, n.Next("half an object"))
	add(`{"nik":"%s","nik":"%s"}`, n.Next("name twice"), n.Next("name twice"))
	add(`{"%[1]s":1,"%[1]s":2}`, n.Next("number as a name, twice"))
	add("{\"nik\":\"%s\xff\"}", n.Next("invalid UTF-8"))
	add(`%s`, opened("w-1", `"nik":"`+n.Broken("broken nik")+`"`))
	add(`%s`, opened("w-2", `"nik":`+n.Next("nik as a number")))
	add(`%s`, opened("w-3", `"nik":"`+n.Next("nik with a space")+` "`))
	add(`%s`, opened("w-4", `"nik":"1`+n.Next("nik of 17 digits")+`"`))
	add(`%s`, opened("w-5", `"nik":"`+n.Next("nik and worker")+`","worker":"W-1"`))
	add(`%s`, opened("w-6", `"worker":"`+n.Next("nik as worker")+`"`))
	add(`%s`, opened("w-7", `"nik":["`+n.Next("nik in a list")+`"]`))
	same, other := n.Next("nik twice"), n.Next("conflict")
	add(`%s`, opened("w-8", `"nik":"`+same+`"`))
	add(`%s`, opened("w-8", `"nik":"`+same+`"`))
	add(`%s`, opened("w-8", `"nik":"`+other+`"`))
	escaped := n.Next("escaped digits")
	add(`%s`, opened("w-9", `"worker":"\u003`+escaped[:1]+escaped[1:]+`"`))
	add(`%s`, opened("w-10", `"nik":"\u003`+escaped[:1]+escaped[1:]+`"`))
	add(`%s`, opened("w-11", `"nik":"`+n.Next("too large")+
		`","x":"`+strings.Repeat("x", 70_000)+`"`))
	return lines
}

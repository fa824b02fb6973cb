package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"cakupan/cmd/internal/apidoc"
	"cakupan/domain/event"
	"cakupan/eventstore/cloudevents"
)

const vectors = "../../../../projections/coverage/testdata/vectors"

// parse reads JSON as the validator wants it.
func parse(t testing.TB, text []byte) any {
	t.Helper()
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// compilers holds a compiler for each document that was used: to read one takes longer than all
// the rest.
var compilers = map[string]*jsonschema.Compiler{}

// compile makes a validator of a part of a document.
func compile(t testing.TB, document, at string) *jsonschema.Schema {
	t.Helper()
	url := "https://test/" + document
	compiler := compilers[document]
	if compiler == nil {
		text, found := apidoc.Document(document)
		if !found {
			t.Fatalf("there is no %s", document)
		}
		compiler = jsonschema.NewCompiler()
		compiler.DefaultDraft(jsonschema.Draft2020)
		compiler.AssertFormat()
		if err := compiler.AddResource(url, parse(t, text)); err != nil {
			t.Fatal(err)
		}
		compilers[document] = compiler
	}
	schema, err := compiler.Compile(url + "#" + at)
	if err != nil {
		t.Fatalf("%s: %v", at, err)
	}
	return schema
}

// TestWords makes sure that everything is described, and has an example.
func TestWords(t *testing.T) {
	for _, typ := range event.Types() {
		if aboutTypes[typ] == "" || exampleData[typ] == nil {
			t.Errorf("%s has no words or no example", typ)
		}
		for _, use := range typ.Uses() {
			if aboutFields[use.Field] == "" {
				t.Errorf("%s of %s has no words", use.Field.Name(), typ)
			}
			form := use.Field.Form()
			known := map[event.Form]bool{
				event.CodeForm: true, event.RegionForm: true, event.ProgrammesForm: true, event.MonthsForm: true,
			}
			if formNames[form] == "" && !known[form] {
				t.Errorf("%s of %s has a form that nothing describes", use.Field.Name(), typ)
			}
		}
	}
}

// TestExampleEvents makes sure that the examples are events: by their schemas, each of which
// stands alone, and by the ledger's own rules.
func TestExampleEvents(t *testing.T) {
	whole := compile(t, "schemas/event.json", "")
	for _, typ := range event.Types() {
		text, err := json.Marshal(exampleEvent(typ))
		if err != nil {
			t.Fatal(err)
		}
		doc, refusal := cloudevents.ParseJSON(text)
		if refusal == nil {
			_, refusal = event.Accept(doc, event.Options{})
		}
		if refusal != nil {
			t.Errorf("%s: %+v", typ, refusal)
		}
		for _, schema := range []*jsonschema.Schema{
			compile(t, "schemas/"+typ.Name()+".json", ""), whole,
		} {
			if err := schema.Validate(parse(t, text)); err != nil {
				t.Errorf("%s: %v", typ, err)
			}
		}
		data, err := json.Marshal(exampleData[typ])
		if err != nil {
			t.Fatal(err)
		}
		if err := compile(t, "schemas/"+typ.Name()+".data.json", "").Validate(parse(t, data)); err != nil {
			t.Errorf("%s: %v", typ, err)
		}
	}
}

// beyond lists the codes of refusals that no schema of one event can express.
var beyond = map[string]bool{
	string(event.TooLarge): true, string(event.Conflict): true, string(event.PeriodInverted): true,
	string(event.RecordedOrder): true,
}

// TestVectors checks each event of the vectors by its schema: what the ledger accepts is valid,
// and what it refuses is not, but for what a schema cannot express.
func TestVectors(t *testing.T) {
	schemas := byType(t)
	var valid, invalid, past int
	for _, name := range []string{
		"bone-bolango", "random-1", "random-2", "random-3", "evidence", "random-4", "random-5",
	} {
		refused := codesOf(t, name)
		file, err := os.Open(filepath.Join(vectors, name, "events.ndjson"))
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(file)
		lines.Buffer(nil, 1<<20)
		for n := 1; lines.Scan(); n++ {
			code, isRefused := refused[n]
			doc, unreadable := cloudevents.ParseJSON(lines.Bytes())
			if unreadable != nil {
				continue // no schema looks at what is no JSON, or has a name twice
			}
			err := schemas.validate(t, lines.Bytes())
			switch {
			case !isRefused && err != nil:
				t.Errorf("%s:%d: accepted, but %v", name, n, err)
			case !isRefused:
				valid++
			case beyond[code], isLoose(doc, lines.Text()):
				past++
			case err == nil:
				t.Errorf("%s:%d: %s, but valid: %s", name, n, code, event.MaskNIK(lines.Text()))
			default:
				invalid++
			}
		}
		if err := file.Close(); err != nil {
			t.Error(err)
		}
	}
	t.Logf("%d valid, %d invalid, %d beyond a schema", valid, invalid, past)
	if valid < 12_000 || invalid < 100 {
		t.Error("too few to tell")
	}
}

// isLoose tells whether a refused event is one about which a schema and the ledger differ.
func isLoose(doc event.Value, text string) bool {
	_, refusal := event.Accept(doc, event.Options{})
	if refusal == nil {
		return false
	}
	himself := strings.Contains(refusal.Detail, "himself") // merged into himself
	fraction := strings.Contains(refusal.Detail, "fraction") && strings.Contains(text, ".0,")
	return himself || fraction
}

// typed holds a schema for each type, and under "" that of any: choosing by the type is faster than
// trying all.
type typed map[string]*jsonschema.Schema

func byType(t testing.TB) typed {
	t.Helper()
	all := typed{"": compile(t, "schemas/event.json", "")}
	for _, typ := range event.Types() {
		all[typ.Name()] = compile(t, "schemas/"+typ.Name()+".json", "")
	}
	return all
}

func (s typed) validate(t testing.TB, text []byte) error {
	t.Helper()
	value := parse(t, text)
	object, _ := value.(map[string]any)
	name, _ := object["type"].(string)
	if schema := s[name]; schema != nil {
		return schema.Validate(value)
	}
	return s[""].Validate(value)
}

// codesOf returns the code of each refused line.
func codesOf(t *testing.T, name string) map[int]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(vectors, name, "refused.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	codes := map[int]string{}
	for line := range strings.Lines(string(text)) {
		var n int
		var code string
		if _, err := fmt.Sscanf(line, "%d\t%s", &n, &code); err == nil {
			codes[n] = code
		}
	}
	return codes
}

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"cakupan/cmd/internal/apidoc"
	"cakupan/cmd/internal/problem"
)

// decode reads a document.
func decode(t *testing.T, name string) map[string]any {
	t.Helper()
	text, found := apidoc.Document(name)
	if !found {
		t.Fatalf("there is no %s", name)
	}
	var value map[string]any
	if err := json.Unmarshal(text, &value); err != nil {
		t.Fatal(err)
	}
	return value
}

// walk calls visit with every object of a document and the pointer to it.
func walk(value any, at string, visit func(at string, object map[string]any)) {
	switch value := value.(type) {
	case map[string]any:
		visit(at, value)
		for name, inner := range value {
			name = strings.ReplaceAll(strings.ReplaceAll(name, "~", "~0"), "/", "~1")
			walk(inner, at+"/"+name, visit)
		}
	case []any:
		for i, inner := range value {
			walk(inner, fmt.Sprintf("%s/%d", at, i), visit)
		}
	}
}

// lookUp follows a pointer into a document.
func lookUp(document any, pointer string) any {
	for part := range strings.SplitSeq(strings.TrimPrefix(pointer, "#/"), "/") {
		object, _ := document.(map[string]any)
		document = object[strings.ReplaceAll(strings.ReplaceAll(part, "~1", "/"), "~0", "~")]
	}
	return document
}

// TestReferences makes sure that every reference leads somewhere, and that everything that is
// defined is referred to.
func TestReferences(t *testing.T) {
	names := []string{"openapi.json", "asyncapi.json"}
	for _, name := range apidoc.Schemas() {
		names = append(names, schemas+"/"+name)
	}
	for _, name := range names {
		document := decode(t, name)
		referred := map[string]bool{}
		walk(document, "#", func(at string, object map[string]any) {
			if to, ok := object["$ref"].(string); ok {
				referred[to] = true
				if lookUp(document, to) == nil {
					t.Errorf("%s: %s leads nowhere: %s", name, at, to)
				}
			}
		})
		for _, of := range []string{"#/components/schemas", "#/components/messages", "#/$defs"} {
			defined, _ := lookUp(document, of).(map[string]any)
			for defined := range defined {
				if !referred[of+"/"+defined] {
					t.Errorf("%s: nothing refers to %s/%s", name, of, defined)
				}
			}
		}
	}
}

// TestOpenAPI checks the document by the OpenAPI Initiative's own schema, and compiles each
// schema in it.
func TestOpenAPI(t *testing.T) {
	official, err := os.ReadFile("testdata/openapi-3.1.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	const url = "https://spec.openapis.org/oas/3.1/schema/2022-10-07"
	if err := compiler.AddResource(url, parse(t, official)); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile(url)
	if err != nil {
		t.Fatal(err)
	}
	text, _ := apidoc.Document("openapi.json")
	if err := schema.Validate(parse(t, text)); err != nil {
		t.Error(err)
	}
	broken := bytes.Replace(text, []byte(`"operationId"`), []byte(`"operationid"`), 1)
	if schema.Validate(parse(t, broken)) == nil {
		t.Error("a broken document is valid")
	}
	document := decode(t, "openapi.json")
	defined, _ := lookUp(document, "#/components/schemas").(map[string]any)
	for name := range defined {
		compile(t, "openapi.json", "/components/schemas/"+name)
	}
	ids := map[string]bool{}
	walk(document["paths"], "/paths", func(at string, object map[string]any) {
		if _, found := object["schema"].(map[string]any); found {
			compile(t, "openapi.json", at+"/schema")
		}
		if id, ok := object["operationId"].(string); ok && ids[id] {
			t.Errorf("%s: %s is there twice", at, id)
		} else if ok {
			ids[id] = true
		}
	})
}

// TestExamplesOfOpenAPI checks each example of a body, an answer or a parameter by the schema
// beside it.
func TestExamplesOfOpenAPI(t *testing.T) {
	checked := 0
	walk(decode(t, "openapi.json"), "", func(at string, object map[string]any) {
		if _, found := object["schema"]; !found {
			return
		}
		var given []any
		if example, found := object["example"]; found {
			given = append(given, example)
		}
		all, _ := object["examples"].(map[string]any)
		for _, example := range all {
			given = append(given, example.(map[string]any)["value"])
		}
		if len(given) == 0 {
			return
		}
		schema := compile(t, "openapi.json", at+"/schema")
		for _, example := range given {
			text, err := json.Marshal(example)
			if err != nil {
				t.Fatal(err)
			}
			if err := schema.Validate(parse(t, text)); err != nil {
				t.Errorf("%s: %v", at, err)
			}
			checked++
		}
	})
	if checked < 30 {
		t.Errorf("only %d examples", checked)
	}
}

// TestExamplesOfAsyncAPI checks the example of each message, and that each operation has its
// messages. That it is an AsyncAPI document was checked with @asyncapi/parser 3.6.3.
func TestExamplesOfAsyncAPI(t *testing.T) {
	document := decode(t, "asyncapi.json")
	messages, _ := lookUp(document, "#/components/messages").(map[string]any)
	for name, message := range messages {
		examples, _ := message.(map[string]any)["examples"].([]any)
		if len(examples) == 0 {
			t.Errorf("%s has no example", name)
		}
		for i, example := range examples {
			for _, part := range []string{"payload", "headers"} {
				value, found := example.(map[string]any)[part]
				if !found {
					continue
				}
				text, err := json.Marshal(value)
				if err != nil {
					t.Fatal(err)
				}
				schema := compile(t, "asyncapi.json", "/components/messages/"+name+"/"+part)
				if err := schema.Validate(parse(t, text)); err != nil {
					t.Errorf("%s, example %d: %v", name, i, err)
				}
			}
		}
	}
	operations, _ := document["operations"].(map[string]any)
	if len(operations) != 5 {
		t.Errorf("%d operations", len(operations))
	}
	for _, address := range []string{"intake", "request", "receipts"} {
		if got := lookUp(document, "#/channels/"+address+"/address"); got != "cakupan."+address+".{publisher}" {
			t.Errorf("%s has the address %v", address, got)
		}
	}
}

// TestCodes makes sure that the document knows each code of the table, and each of a refusal.
func TestCodes(t *testing.T) {
	document := decode(t, "openapi.json")
	known := fmt.Sprint(lookUp(document, "#/components/schemas/Problem/properties/code"))
	text := fmt.Sprint(lookUp(document, "#/paths/~1v1~1events/post/responses"))
	for _, code := range problem.Codes() {
		if !strings.Contains(known, string(code)) {
			t.Errorf("%s is not in the document", code)
		}
		if code.OfEvent() && !strings.Contains(text, "`"+string(code)+"`") {
			t.Errorf("an event may be refused with %s, which its answers do not tell", code)
		}
	}
}

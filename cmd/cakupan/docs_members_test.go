package main

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"cakupan/cmd/internal/apidoc"
	"cakupan/cmd/internal/httpapi"
	"cakupan/cmd/internal/intake"
	"cakupan/cmd/internal/ledger"
	"cakupan/cmd/internal/small"
	"cakupan/projections/difference"
	"cakupan/projections/explain"
	"cakupan/projections/findings"
)

// TestDocsHaveTheMembers compares the members of answers with those of their schemas: what an
// answer has only now and then, no question of a test may have brought about.
func TestDocsHaveTheMembers(t *testing.T) {
	text, _ := apidoc.Document("openapi.json")
	var document struct {
		Components struct{ Schemas map[string]map[string]any }
	}
	if err := json.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	c := memberCheck{t: t, schemas: document.Components.Schemas}
	for name, answer := range map[string]any{
		"Coverage": small.Answer{}, "SeriesPoint": small.Point{}, "RefusedMessage": intake.Refused{},
		"Health": ledger.Health{}, "Readiness": ledger.Readiness{}, "Status": ledger.Status{},
		"ReplayResult": ledger.ReplayResult{}, "VerifyReport": ledger.VerifyReport{},
		"Reconciled": httpapi.Reconciled{}, "Difference": httpapi.Difference{},
		"DifferenceWorker": difference.Worker{}, "ExplainedWorker": explain.Worker{},
		"Finding": findings.Finding{}, "FindingsSummary": httpapi.FindingsSummary{},
		"ListKey": httpapi.ListKey{},
	} {
		c.compare(name, document.Components.Schemas[name], reflect.TypeOf(answer))
	}
	if c.compared < 100 {
		t.Errorf("only %d members", c.compared)
	}
}

// memberCheck compares types with schemas.
type memberCheck struct {
	t        *testing.T
	schemas  map[string]map[string]any
	compared int
}

// compare looks at the members of an object, and goes into those that are objects themselves. What
// a schema leaves open, or a type writes by itself, is passed over.
func (c *memberCheck) compare(at string, schema map[string]any, of reflect.Type) {
	for of.Kind() == reflect.Pointer || of.Kind() == reflect.Slice {
		of = of.Elem()
	}
	schema = c.resolve(schema)
	properties, _ := schema["properties"].(map[string]any)
	if of.Kind() != reflect.Struct || properties == nil ||
		of.Implements(reflect.TypeFor[json.Marshaler]()) {
		return
	}
	members := map[string]bool{} // and whether they may be left out
	for _, f := range reflect.VisibleFields(of) {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" || name == "-" || !f.IsExported() {
			continue
		}
		members[name] = strings.Contains(options, "omit")
		if inner, found := properties[name].(map[string]any); found {
			c.compare(at+"."+name, inner, f.Type)
		}
	}
	required, _ := schema["required"].([]any)
	for name, sometimes := range members {
		c.compared++
		if properties[name] == nil {
			c.t.Errorf("%s.%s is in no schema", at, name)
		} else if always := slices.Contains(required, any(name)); always == sometimes {
			c.t.Errorf("%s.%s: required %t, and left out at times %t", at, name, always, sometimes)
		}
	}
	for _, name := range required {
		if _, found := members[name.(string)]; !found {
			c.t.Errorf("%s.%s is required, and in no answer", at, name)
		}
	}
}

// resolve follows references, goes past null, and into the items of a list.
func (c *memberCheck) resolve(schema map[string]any) map[string]any {
	for {
		next, found := schema["items"].(map[string]any)
		if name, is := schema["$ref"].(string); is {
			next, found = c.schemas[strings.TrimPrefix(name, "#/components/schemas/")], true
		}
		for _, kind := range []string{"oneOf", "anyOf", "allOf"} {
			some, _ := schema[kind].([]any)
			for _, one := range some {
				if one, is := one.(map[string]any); is && one["type"] != "null" && len(some) <= 2 {
					next, found = one, true
				}
			}
		}
		if !found || schema["properties"] != nil {
			return schema
		}
		schema = next
	}
}

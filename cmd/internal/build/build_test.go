package build_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"cakupan/cmd/internal/build"
)

const schemas = "http://cyclonedx.org/schema/"

// bomSchema returns the schema of CycloneDX, as it is published.
func bomSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	compiler := jsonschema.NewCompiler()
	for _, name := range []string{
		"bom-1.5.schema.json", "spdx.schema.json", "jsf-0.82.schema.json",
	} {
		text, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		document, err := jsonschema.UnmarshalJSON(strings.NewReader(string(text)))
		if err != nil {
			t.Fatal(err)
		}
		if err := compiler.AddResource(schemas+name, document); err != nil {
			t.Fatal(err)
		}
	}
	schema, err := compiler.Compile(schemas + "bom-1.5.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// valid checks a bill of materials by the published schema.
func valid(t *testing.T, schema *jsonschema.Schema, bom build.BOM) error {
	t.Helper()
	text, err := json.Marshal(bom)
	if err != nil {
		t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	return schema.Validate(value)
}

// info is of a build with all that Go notes.
func info() *debug.BuildInfo {
	return &debug.BuildInfo{
		GoVersion: "go1.26.8", Main: debug.Module{Path: "cakupan", Version: "v1.2.3"},
		Deps: []*debug.Module{
			{Path: "example.org/a", Version: "v1.0.0+incompatible", Sum: "h1:abc="},
			{Path: "example.org/b", Version: "v1.0.0", Replace: &debug.Module{
				Path: "example.org/c", Version: "v1.0.1", Sum: "h1:def=",
			}},
		},
		Settings: []debug.BuildSetting{
			{Key: "GOOS", Value: "linux"},
			{Key: "GOARCH", Value: "arm64"},
			{Key: "vcs.revision", Value: "0123456789abcdef"},
			{Key: "vcs.time", Value: "2026-11-29T04:45:00Z"},
			{Key: "vcs.modified", Value: "true"},
		},
	}
}

func TestOf(t *testing.T) {
	b := build.Of(info())
	if b.Version != "v1.2.3" || b.Revision != "0123456789abcdef" || !b.Modified ||
		b.Target != "linux/arm64" || b.Date() != "2026-11-29" {
		t.Errorf("read %+v", b)
	}
	want := []build.Module{
		{"example.org/a", "v1.0.0+incompatible", "h1:abc="}, {"example.org/c", "v1.0.1", "h1:def="},
	}
	if !slices.Equal(b.Modules, want) {
		t.Errorf("modules %v, want %v", b.Modules, want)
	}
}

// TestBOM: the bill is CycloneDX by its schema, with everything noted, with nothing, and of this
// program; and what is no bill is refused, so that the schema is known to look.
func TestBOM(t *testing.T) {
	schema := bomSchema(t)
	full, empty, current := build.Of(info()), build.Of(&debug.BuildInfo{}), build.Current()
	for name, b := range map[string]*build.Build{
		"full": &full, "empty": &empty, "current": &current,
	} {
		if err := valid(t, schema, b.BOM()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	bom := full.BOM()
	if len(bom.Components) != 3 || len(bom.Dependencies[0].DependsOn) != 3 {
		t.Errorf("%+v", bom)
	}
	if purl := bom.Components[1].PURL; purl != "pkg:golang/example.org/a@v1.0.0%2Bincompatible" {
		t.Errorf("purl %s", purl)
	}
	bom.Components[1].Type = "toy"
	if valid(t, schema, bom) == nil {
		t.Error("a component of no known type is valid")
	}
}

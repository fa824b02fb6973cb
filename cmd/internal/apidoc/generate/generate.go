// Command generate writes the documents of the interfaces: an OpenAPI document of the HTTP routes,
// an AsyncAPI document of the NATS subjects, and a JSON Schema of every event, all made of the
// domain's own definitions. The ledger serves what was written, and holds nothing of this.
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"cakupan/domain/event"
)

const (
	// schemas is the folder of schemas among the documents.
	schemas = "schemas"
	// anyEvent is the name of the schema of an event of any type.
	anyEvent = "event"
	// schemaURN begins the id of a schema; the name of its file without ".json" follows.
	schemaURN = "urn:cakupan:schema:"
	draft     = "https://json-schema.org/draft/2020-12/schema"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

// run writes all documents into the folder that the arguments name. Schemas of types that there
// are no more go; a run that fails half-way is repeated.
func run(args []string) error {
	if len(args) != 1 {
		return errors.New("name one folder to write to")
	}
	documents, err := build()
	if err != nil {
		return err
	}
	if err := os.RemoveAll(filepath.Join(args[0], schemas)); err != nil {
		return err
	}
	for _, d := range documents {
		at := filepath.Join(args[0], filepath.FromSlash(d.name))
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(at, d.text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// document is a document and its name, "openapi.json" or "schemas/event.json".
type document struct {
	name string
	text []byte
}

// build makes all documents.
func build() ([]document, error) {
	documents := []struct {
		name string
		made object
	}{
		{"openapi.json", openAPI()},
		{"asyncapi.json", asyncAPI()},
		{schemas + "/" + anyEvent + ".json", schema(anyEvent, "Event")},
	}
	for _, t := range event.Types() {
		documents = append(documents, struct {
			name string
			made object
		}{schemas + "/" + t.Name() + ".json", schema(t.Name(), typeName(t))}, struct {
			name string
			made object
		}{schemas + "/" + t.Name() + ".data.json", schema(t.Name()+".data", typeName(t)+"Data")})
	}
	var built []document
	for _, d := range documents {
		text, err := pretty(d.made)
		if err != nil {
			return nil, fmt.Errorf("write %s: %w", d.name, err)
		}
		built = append(built, document{d.name, text})
	}
	return built, nil
}

// schema makes a schema that stands alone.
func schema(name, definition string) object {
	l := newLibrary("#/$defs/")
	made := l.definition(definition)
	return o("$schema", draft).with("$id", schemaURN+name).join(made).with("$defs", l.all)
}

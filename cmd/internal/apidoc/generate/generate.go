// Command generate writes the documents of the interfaces: an OpenAPI document of the HTTP routes,
// an AsyncAPI document of the NATS subjects, and a JSON Schema of every event, all made of the
// domain's own definitions. The ledger serves what was written, and holds nothing of this.
//
// What the documents say comes from three places: kinds of events, codes and bounds from the domain
// and the table of problems, which cannot be out of date; words and examples from tables here; and
// the shapes of answers by hand, because the ledger's types do not say which members are always
// there. Tests compare all of it with what the ledger does: the routes with the server's, answers
// and examples with the schemas, events with the domain's own judgement.
//
// It reads no clock, no network and no file, and its output is in one order: the same source makes
// the same bytes, so a difference in what is checked in is a difference in the interface.
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"cakupan/domain/event"
)

// The names here are of files and of definitions; package apidoc serves the files by the same.
const (
	// schemas is the folder of schemas among the documents.
	schemas = "schemas"
	// anyEvent is the name of the schema of an event of any type.
	anyEvent = "event"
	// schemaURN begins the id of a schema; the name of its file without ".json" follows.
	schemaURN = "urn:cakupan:schema:"
	draft     = "https://json-schema.org/draft/2020-12/schema"
)

// It ends with 1 and one line when something cannot be written.
func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

// run writes all documents into the folder that the arguments name. Schemas of types that there are
// no more go; a run that fails half-way is repeated. The documents are all made before the first is
// written, so an error of making them changes nothing. What lies in the folder beside them and its
// folder of schemas is left alone. It is run by a person, whose checkout has the old documents:
// nothing here need be durable.
func run(args []string) error {
	if len(args) != 1 {
		return errors.New("name one folder to write to")
	}
	documents, err := build()
	if err != nil {
		return err
	}
	// Only this folder may hold a document that is not written again.
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

// document is a document and its name, "openapi.json" or "schemas/event.json". The name is relative
// to the folder of documents, with slashes on every system; the text ends with a line end.
type document struct {
	name string
	text []byte
}

// build makes all documents. The tests compare its result with what is checked in. There are two
// schemas a type, since in binary mode a body is the data alone.
func build() ([]document, error) {
	documents := []struct {
		name string
		made object
	}{
		{"openapi.json", openAPI()},
		{"asyncapi.json", asyncAPI()},
		{schemas + "/" + anyEvent + ".json", schema(anyEvent, "Event")},
	}
	// The ledger's own type has no document of its own, because nobody is to send one.
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
		if names := d.made.undefined(); names != nil {
			return nil, fmt.Errorf("write %s: nobody has defined %v", d.name, names)
		}
		if names := d.made.repeated(); names != nil {
			return nil, fmt.Errorf("write %s: %v are there twice in one object", d.name, names)
		}
		text, err := pretty(d.made)
		if err != nil {
			return nil, fmt.Errorf("write %s: %w", d.name, err)
		}
		built = append(built, document{d.name, text})
	}
	return built, nil
}

// schema makes a schema that stands alone. Its definitions are inside of it, so that it can be used
// without a network; the id is a URN and no address, because a ledger has no address of its own.
func schema(name, definition string) object {
	l := newLibrary("#/$defs/")
	made := l.definition(definition)
	return o("$schema", draft).with("$id", schemaURN+name).join(made).with("$defs", l.all)
}

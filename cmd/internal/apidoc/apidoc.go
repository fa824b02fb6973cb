// Package apidoc describes the ledger to programs: an OpenAPI document of its HTTP routes, an
// AsyncAPI document of its NATS subjects, and a JSON Schema of every event.
//
// The documents are made of the domain's own definitions by [Build], and checked in beside this
// file; what is served is what is checked in. A test fails when the two differ, and
// `go generate` writes them anew. Schemas have URNs as their ids, because a ledger has no address
// of its own; each stands under /schemas/ of every server.
package apidoc

//go:generate go test -run TestDocuments -update .

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"

	"cakupan/cmd/internal/problem"
	"cakupan/domain/event"
)

//go:embed document
var files embed.FS

const (
	// folder holds the documents.
	folder = "document"
	// schemas is the folder of schemas in it.
	schemas = "schemas"
	// schemaURN begins the id of a schema; the name of its file without ".json" follows.
	schemaURN = "urn:cakupan:schema:"
	draft     = "https://json-schema.org/draft/2020-12/schema"
)

// File is a document and its name, "openapi.json" or "schemas/event.json".
type File struct {
	Name string
	Text []byte
}

// Build makes all documents.
func Build() ([]File, error) {
	documents := []struct {
		name string
		made object
	}{
		{"openapi.json", openAPI()},
		{"asyncapi.json", asyncAPI()},
		{schemas + "/" + AnyEvent + ".json", schema(AnyEvent, "Event")},
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
	var built []File
	for _, d := range documents {
		text, err := pretty(d.made)
		if err != nil {
			return nil, fmt.Errorf("write %s: %w", d.name, err)
		}
		built = append(built, File{d.name, text})
	}
	return built, nil
}

// schema makes a schema that stands alone.
func schema(name, definition string) object {
	l := newLibrary("#/$defs/")
	made := l.definition(definition)
	return o("$schema", draft).with("$id", schemaURN+name).join(made).with("$defs", l.all)
}

// Document returns a document by its name, as of [File]; false for one that there is not.
func Document(name string) ([]byte, bool) {
	text, err := files.ReadFile(path.Join(folder, name))
	return text, err == nil
}

// Schemas returns the names of the schemas, sorted: "event.json".
func Schemas() []string {
	entries, err := fs.ReadDir(files, path.Join(folder, schemas))
	if err != nil {
		return nil // the folder is embedded above
	}
	names := make([]string, len(entries))
	for i := range entries {
		names[i] = entries[i].Name()
	}
	return names
}

// Handler answers GET /openapi.json, /asyncapi.json, /schemas/ and /schemas/NAME.
func Handler() http.Handler {
	served := map[string]page{}
	add := func(at, media string, text []byte) {
		sum := sha256.Sum256(text)
		served[at] = page{text, media, `"` + hex.EncodeToString(sum[:12]) + `"`}
	}
	for _, name := range []string{"openapi.json", "asyncapi.json"} {
		text, _ := Document(name) // it is embedded above
		add("/"+name, mediaJSON, text)
	}
	index := list{}
	for _, name := range Schemas() {
		text, _ := Document(schemas + "/" + name)
		add("/"+schemas+"/"+name, mediaSchema, text)
		index = append(index, "/"+schemas+"/"+name)
	}
	if text, err := pretty(index); err == nil { // texts always encode
		add("/"+schemas+"/", mediaJSON, text)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		page, found := served[r.URL.Path]
		if !found {
			problem.Write(w, r, problem.New(problem.NotFound,
				"there is no such document; the names of all schemas are at /schemas/"), nil)
			return
		}
		page.serve(w, r)
	})
}

// page is a document as it is served.
type page struct {
	text        []byte
	media, etag string
}

// serve answers with the document, or that the client has it already. Documents change with the
// program alone, and then they should be seen soon.
func (p page) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", p.media)
	h.Set("Cache-Control", "public, max-age=300")
	h.Set("ETag", p.etag)
	h.Set("Access-Control-Allow-Origin", "*") // tools in browsers read them, and nothing is secret
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(p.text))
}

// AnyEvent is the name of the schema of an event of any type.
const AnyEvent = "event"

// Schema returns the name of the document with the schema of an event type ("enrolment.opened.v1",
// with "id.cakupan." before it or without), or of its data; false when there is none.
func Schema(name string, data bool) (document string, found bool) {
	if name != AnyEvent {
		name = typePrefix + strings.TrimPrefix(name, typePrefix)
	}
	if data {
		name += ".data"
	}
	document = schemas + "/" + name + ".json"
	_, found = Document(document)
	return document, found
}

// Package apidoc describes the ledger to programs: an OpenAPI document of its HTTP routes, an
// AsyncAPI document of its NATS subjects, and a JSON Schema of every event.
//
// The documents are checked in beside this file, and what is served is what is checked in. The
// program in the folder generate makes them of the domain's own definitions; it is no part of the
// ledger's. Schemas have URNs as their ids, because a ledger has no address of its own; each
// stands under /schemas/ of every server.
package apidoc

//go:generate go run ./generate document

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"

	"cakupan/cmd/internal/problem"
)

//go:embed document
var files embed.FS

const (
	// folder holds the documents.
	folder = "document"
	// schemas is the folder of schemas in it.
	schemas = "schemas"

	mediaJSON   = "application/json"
	mediaSchema = "application/schema+json"

	// typePrefix begins the names of all types.
	typePrefix = "id.cakupan."
)

// Document returns a document by its name, as of [File]; false for one that there is not. It is
// embedded: callers must not change it.
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

// Handler answers GET /openapi.json, /asyncapi.json, /schemas/ and /schemas/NAME. ETags are made
// once, of the bytes: the same program gives the same ones on every machine.
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
	index := []string{}
	for _, name := range Schemas() {
		text, _ := Document(schemas + "/" + name)
		add("/"+schemas+"/"+name, mediaSchema, text)
		index = append(index, "/"+schemas+"/"+name)
	}
	if text, err := json.MarshalIndent(index, "", "  "); err == nil { // texts always encode
		add("/"+schemas+"/", mediaJSON, append(text, '\n'))
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

package apidoc

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestHandler(t *testing.T) {
	handler := Handler()
	ask := func(method, path, etag string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, path, nil)
		if etag != "" {
			r.Header.Set("If-None-Match", etag)
		}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		return w
	}
	for path, media := range map[string]string{
		"/openapi.json": mediaJSON, "/asyncapi.json": mediaJSON, "/schemas/": mediaJSON,
		"/schemas/event.json": mediaSchema, "/schemas/id.cakupan.worker.died.v1.data.json": mediaSchema,
	} {
		got := ask("GET", path, "")
		etag := got.Header().Get("ETag")
		if got.Code != 200 || got.Header().Get("Content-Type") != media || len(etag) < 10 ||
			!json.Valid(got.Body.Bytes()) || got.Header().Get("Cache-Control") == "" {
			t.Errorf("%s: %d %v", path, got.Code, got.Header())
		}
		if again := ask("GET", path, etag); again.Code != 304 || again.Body.Len() != 0 {
			t.Errorf("%s again: %d, %d bytes", path, again.Code, again.Body.Len())
		}
		if head := ask("HEAD", path, ""); head.Code != 200 || head.Body.Len() != 0 {
			t.Errorf("HEAD %s: %d, %d bytes", path, head.Code, head.Body.Len())
		}
	}
	for _, path := range []string{"/", "/schemas/none.json", "/schemas/../openapi.json", "/schemas"} {
		if got := ask("GET", path, ""); got.Code != http.StatusNotFound {
			t.Errorf("%s: %d", path, got.Code)
		}
	}
	var index []string
	if err := json.Unmarshal(ask("GET", "/schemas/", "").Body.Bytes(), &index); err != nil || len(index) != 33 {
		t.Errorf("%d schemas, %v", len(index), err)
	}
}

func TestSchemaNames(t *testing.T) {
	for _, c := range []struct {
		name  string
		data  bool
		want  string
		found bool
	}{
		{"worker.died.v1", false, "schemas/id.cakupan.worker.died.v1.json", true},
		{"id.cakupan.worker.died.v1", true, "schemas/id.cakupan.worker.died.v1.data.json", true},
		{AnyEvent, false, "schemas/event.json", true},
		{AnyEvent, true, "", false},
		{"worker.died.v2", false, "", false},
		{"../openapi", false, "", false},
	} {
		if got, found := Schema(c.name, c.data); found != c.found || found && got != c.want {
			t.Errorf("%s: %s, %t", c.name, got, found)
		}
	}
}

package problem

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"cakupan/domain/event"
	"cakupan/eventstore"
)

func TestFrom(t *testing.T) {
	for _, c := range []struct {
		err    error
		code   Code
		status int
		exit   int
	}{
		{&event.Refusal{Code: event.FieldMissing}, "field.missing", 422, 3},
		{&event.Refusal{Code: event.Malformed}, "event.malformed", 422, 3},
		{&event.Refusal{Code: event.TooLarge}, "event.too_large", 413, 3},
		{&event.Refusal{Code: event.Conflict}, "event.conflict", 409, 3},
		{&event.Refusal{Code: event.RegionUnknown}, "region.unknown", 422, 3},
		{New(RegionUnknown, "asked for"), "region.unknown", 404, 4},
		{New(Malformed, "whole body"), "event.malformed", 400, 3},
		{Query("on", "no date"), "query.invalid", 400, 2},
		{eventstore.ErrFull, "log.full", 507, 1},
		{fmt.Errorf("append: %w", eventstore.ErrUnknownOutcome), "log.unavailable", 503, 1},
		{eventstore.ErrFenced, "log.unavailable", 503, 1},
		{&eventstore.DamageError{From: 3, To: 4, Reason: "gone"}, "log.damaged", 503, 5},
		{eventstore.ErrNewerFormat, "folder.newer_format", 503, 1},
		{eventstore.ErrNoLog, "folder.missing", 503, 4},
		{errors.New("boom"), "internal", 500, 1},
		{context.Canceled, "internal", 500, 1},
		{&Error{Code: "no.such"}, "no.such", 500, 1},
	} {
		e := From(c.err)
		if e.Code != c.code || e.Status() != c.status || Exit(c.err) != c.exit {
			t.Errorf("%v: %s, %d, exit %d; want %s, %d, exit %d",
				c.err, e.Code, e.Status(), Exit(c.err), c.code, c.status, c.exit)
		}
		if !errors.Is(e, c.err) && e.Err != nil {
			t.Errorf("%v: the cause is lost", c.err)
		}
	}
	if From(nil) != nil || Exit(nil) != 0 {
		t.Error("nil is an error")
	}
}

// TestRefusalsHaveRows makes sure that no refusal of the domain is an "internal error" outside.
func TestRefusalsHaveRows(t *testing.T) {
	for _, code := range []event.Code{
		event.Malformed, event.TypeUnknown, event.TooLarge, event.Conflict, event.FieldMissing,
		event.FieldUnknown, event.FieldInvalid, event.RegionUnknown, event.PeriodInverted,
		event.WorkerAmbiguous, event.NIKInvalid, event.NIKMisplaced, event.RecordedOrder,
	} {
		if table[Code(code)].refused == 0 {
			t.Errorf("%s has no status of its own", code)
		}
	}
	for code, row := range table {
		if row.status < 400 || row.title == "" || row.judul == "" {
			t.Errorf("%s: incomplete row %+v", code, row)
		}
	}
}

func TestWrite(t *testing.T) {
	r := httptest.NewRequest("GET", "/", nil)
	w := httptest.NewRecorder()
	e := Query("on", `no <date>`)
	Write(w, r, e, []byte(`{"receipts":[]}`))
	var got map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if w.Code != 400 || w.Header().Get("Content-Type") != ContentType ||
		w.Header().Get("Retry-After") != "" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	for name, want := range map[string]any{
		"type": "urn:cakupan:problem:query.invalid", "title": "Invalid parameter",
		"status": 400.0, "code": "query.invalid", "field": "on", "detail": "no <date>",
	} {
		if got[name] != want {
			t.Errorf("%s is %v, want %v", name, got[name], want)
		}
	}
	if got["receipts"] == nil {
		t.Error("extra members are lost")
	}
	back := Parse(w.Code, w.Body.Bytes(), false)
	if back.Code != QueryInvalid || back.Field != "on" || back.Exit() != ExitUsage {
		t.Errorf("parsed back: %+v", back)
	}
}

func TestWriteRetry(t *testing.T) {
	w := httptest.NewRecorder()
	Write(w, httptest.NewRequest("GET", "/", nil), eventstore.ErrFull, nil)
	if w.Header().Get("Retry-After") != "30" || w.Code != 507 {
		t.Errorf("%d %v", w.Code, w.Header())
	}
}

func TestWriteInternal(t *testing.T) {
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Accept-Language", "id-ID,id;q=0.9")
	w := httptest.NewRecorder()
	Write(w, r, errors.New("secret path /root"), nil)
	if body := w.Body.String(); strings.Contains(body, "secret") ||
		!strings.Contains(body, `"title":"Kesalahan internal"`) || w.Code != 500 {
		t.Errorf("%d %s", w.Code, body)
	}
}

func TestParseStranger(t *testing.T) {
	if e := Parse(502, []byte("<html>"), false); e.Code != ServerUnreachable || e.Exit() != 1 {
		t.Errorf("%+v", e)
	}
}

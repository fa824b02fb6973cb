package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"cakupan/domain/event"
	"cakupan/eventstore/cloudevents"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve starts a real server over the ledger and stops it with the test.
func serve(t *testing.T, ledger Ledger, config Config) *Server {
	t.Helper()
	if config.Log == nil {
		config.Log = slog.New(slog.NewTextHandler(t.Output(), nil))
	}
	server, err := Listen(t.Context(), "127.0.0.1:0", New(ledger, config))
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve() }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		http.DefaultClient.CloseIdleConnections()
		if err := server.Shutdown(ctx); err != nil {
			t.Error(err)
		}
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return server
}

// call sends a request and returns the answer with its whole body.
func call(t *testing.T, method, url, contentType, body string) (*http.Response, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	return do(t, request)
}

func do(t *testing.T, request *http.Request) (*http.Response, string) {
	t.Helper()
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	got, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(got)
}

// problemOf reads an answer that must be a problem.
func problemOf(t *testing.T, response *http.Response, body string) (p struct {
	Status              int
	Code, Field, Detail string
	Receipts            []struct{ Status event.Status }
},
) {
	t.Helper()
	if got := response.Header.Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("content type %s, body %s", got, body)
	}
	if err := json.Unmarshal([]byte(body), &p); err != nil {
		t.Errorf("%s: %v", body, err)
	}
	if p.Status != response.StatusCode {
		t.Errorf("status %d in the body, %d outside", p.Status, response.StatusCode)
	}
	return p
}

// opened is an enrolment that covers a worker in Bone Bolango from 2020 on.
func opened(id string) string {
	return fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":"urn:test","type":`+
		`"id.cakupan.enrolment.opened.v1","data":{"enrolment":"e-%s","worker":"w-%s",`+
		`"region":"75.03","segment":"PU","category":"PRIVATE","programmes":["JKK","JKM"],`+
		`"payer":"EMPLOYER","from":"2020-01-01"}}`, id, id, id)
}

const workforce = `{"specversion":"1.0","id":"bps","source":"urn:test","type":` +
	`"id.cakupan.workforce.published.v1","data":{"region":"75.03","sector":"ALL",` +
	`"indicator":"EMPLOYED","count":3,"reference":"2019-08-31","publication":"A & B"}}`

// credited says that money was booked for January to December 2020 of the enrolment of opened.
func credited(id string) string {
	return fmt.Sprintf(`{"specversion":"1.0","id":"c-%s","source":"urn:test","type":`+
		`"id.cakupan.contribution.credited.v1","data":{"enrolment":"e-%s","from":"2020-01",`+
		`"until":"2021-01"}}`, id, id)
}

func TestReadRoutes(t *testing.T) {
	ledger := newMemory(t)
	url := serve(t, ledger, Config{
		Notice: func(context.Context) string { return "SYNTHETIC SAMPLE" },
	}).URL()
	post := func(body string) {
		if response, got := call(t, "POST", url+"/v1/events", eventType, body); response.StatusCode != 200 {
			t.Fatal(got)
		}
	}
	post(opened("1"))
	post(opened("2"))
	post(workforce)
	post(credited("1"))

	response, body := call(t, "GET", url+"/v1/coverage?region=75.03&on=2020-12-31&by=sector&min_seq=4", "", "")
	want := `[{"region":"75.03","name":"Kabupaten Bone Bolango","on":"2020-12-31",` +
		`"known":{"sequence":4,"recordedAt":"2021-01-04T05:11:09.123456789Z"},` +
		`"covered":2,"confirmed":1,"inGrace":0,"enrolments":2,"workforce":{"count":3,"indicator":"EMPLOYED",` +
		`"reference":"2019-08-31","publication":"A & B","sequence":3},"percent":"66.67","target":null,` +
		`"sectors":{"FORMAL":{"covered":2,"workforce":null,"percent":null,"target":null},` +
		`"INFORMAL":{"covered":0,"workforce":null,"percent":null,"target":null}},` +
		`"by":{"sector":{"FORMAL":2}}}]` + "\n"
	if response.StatusCode != 200 || body != want ||
		response.Header.Get("Content-Type") != "application/json" ||
		response.Header.Get("Cakupan-Notice") != "SYNTHETIC SAMPLE" {
		t.Errorf("%d %v\n%s\nwant\n%s", response.StatusCode, response.Header, body, want)
	}
	_, body = call(t, "GET", url+"/v1/coverage?on=2020-12-31&known=1", "", "")
	var all []struct {
		Region  string
		Known   struct{ Sequence int }
		Covered int
	}
	if err := json.Unmarshal([]byte(body), &all); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(all); got != "[{ID {1} 1} {75 {1} 1} {75.03 {1} 1}]" {
		t.Error(got)
	}
	for query, want := range map[string]int{
		"known=2021-01-04T02:11:09.123456788Z":          0,
		"known=2021-01-04T10:11:09.123456789+08:00":     1,
		"known=2021-01-04T10%3A11%3A09.123456789+08:00": 1,
		"known=2021-01-03":                              0,
		"known=2021-01-04":                              4,
		"known=2":                                       2,
		"known=99":                                      4,
	} {
		_, body := call(t, "GET", url+"/v1/coverage?region=ID&"+query, "", "")
		if !strings.Contains(body, fmt.Sprintf(`"known":{"sequence":%d,`, want)) {
			t.Errorf("%s: %s", query, body)
		}
	}
	_, body = call(t, "GET", url+"/v1/series?region=75.03&from=2019-12-31&until=2020-01-01&step=day", "", "")
	if want := `[{"on":"2019-12-31","covered":0,"confirmed":0,"inGrace":0,"percent":"0.00"},` + "\n" +
		`{"on":"2020-01-01","covered":2,"confirmed":1,"inGrace":0,"percent":"66.67"}]` + "\n"; body != want {
		t.Errorf("%s", body)
	}
	response, body = call(t, "GET", url+"/v1/explain?region=75.03&on=2020-12-31&of=confirmed", "", "")
	lines := strings.Split(body, "\n")
	if len(lines) != 4 || !strings.HasPrefix(lines[0], `{"answer":{"region":"75.03",`) ||
		!strings.HasPrefix(lines[1], `{"worker":"`) || lines[2] != `{"workers":1}` ||
		!strings.Contains(lines[1], `"status":"COVERED","evidence":["CREDITED"],"events":[`) ||
		response.Header.Get("Content-Type") != streamType {
		t.Errorf("%s", body)
	}
	response, body = call(t, "GET",
		url+"/v1/difference?region=75.03&on=2019-12-31&to_on=2020-12-31", "", "")
	if !strings.Contains(body, `"steps":[{"step":"knowledge","joined":{},"left":{}},`+
		`{"step":"time","joined":{"ENROLLED":2},"left":{}}],`+
		`"percent":{"numerator":"66.6667","denominator":"0.0000"}}`+"\n") ||
		response.Header.Get("Content-Type") != "application/json" {
		t.Errorf("%s", body)
	}
	_, body = call(t, "GET",
		url+"/v1/difference?region=75.03&on=2020-12-31&known=1&to_known=99&workers=true", "", "")
	if lines := strings.Split(body, "\n"); len(lines) != 3 ||
		!strings.HasPrefix(lines[1], `{"step":"knowledge","worker":"`) ||
		!strings.Contains(lines[1], `"change":"joined","cause":"REPORTED_LATE","events":[`) {
		t.Errorf("%s", body)
	}
	response, body = call(t, "GET", url+"/v1/events?from=2&limit=1", "", "")
	if !strings.Contains(body, `"sequence":2,"recordedat":"2021-01-04T03:11:09.123456789Z"}`+"\n") ||
		strings.Count(body, "\n") != 1 || response.Header.Get("Content-Type") != streamType {
		t.Errorf("%s", body)
	}
	response, body = call(t, "GET", url+"/healthz", "", "")
	if body != `{"status":"ok","head":4,"projections":{"coverage":{"sequence":4}},`+
		`"role":"writer"}`+"\n" || response.StatusCode != 200 {
		t.Errorf("%s", body)
	}
	_, body = call(t, "GET", url+"/v1/coverage?region=75&on=2020-12-31&known=0", "", "")
	if !strings.Contains(body, `"known":{"sequence":0,"recordedAt":null}`) {
		t.Errorf("%s", body)
	}
}

// TestWrongRequests asks what cannot be answered; each answer says why by its code.
func TestWrongRequests(t *testing.T) {
	ledger := newMemory(t)
	url := serve(t, ledger, Config{}).URL()
	for _, c := range []struct {
		method, path, contentType, body string
		status                          int
		code, field                     string
	}{
		{"GET", "/nowhere", "", "", 404, "not_found", ""},
		{"GET", "/", "", "", 404, "not_found", ""},
		{"DELETE", "/v1/events", "", "", 405, "method.not_allowed", ""},
		{"POST", "/v1/coverage", "", "", 405, "method.not_allowed", ""},
		{"GET", "/v1/coverage?region=7503", "", "", 404, "region.unknown", "region"},
		{"GET", "/v1/coverage?min_seq=1", "", "", 503, "projection.behind", ""},
		{"GET", "/v1/series?step=week", "", "", 400, "query.invalid", "step"},
		{"GET", "/v1/explain?of=everybody", "", "", 400, "query.invalid", "of"},
		{"GET", "/v1/explain?region=7503", "", "", 404, "region.unknown", "region"},
		{"GET", "/v1/difference", "", "", 400, "query.invalid", "to_on"},
		{"GET", "/v1/difference?to_known=soon", "", "", 400, "query.invalid", "to_known"},
		{"GET", "/v1/events?last=0", "", "", 400, "query.invalid", "last"},
		{"GET", "/v1/events?last=5&limit=5", "", "", 400, "query.invalid", "last"},
		{"GET", "/v1/events?source=", "", "", 400, "query.invalid", "source"},
		{"GET", "/v1/events?follow=yes", "", "", 400, "query.invalid", "follow"},
		{"GET", "/v1/events?limit=x", "", "", 400, "query.invalid", "limit"},
		{"POST", "/v1/events?atomic=yes", batchType, "[]", 400, "query.invalid", "atomic"},
		{"POST", "/v1/events?atomic=true", streamType, "", 400, "query.invalid", "atomic"},
		{"POST", "/v1/events", "", "{}", 415, "media_type.unsupported", ""},
		{"POST", "/v1/events", "text/plain", "{}", 415, "media_type.unsupported", ""},
		{"POST", "/v1/events", "application/json", "{}", 415, "media_type.unsupported", ""},
		{"POST", "/v1/events", eventType + "; charset=latin1", "{}", 415, "media_type.unsupported", ""},
		{"POST", "/v1/events", eventType + "; charset=UTF-8", "{}", 422, "event.malformed", "specversion"},
		{"POST", "/v1/events", eventType, "", 422, "event.malformed", ""},
		{"POST", "/v1/events", eventType, `{"id":1,"id":2}`, 422, "event.malformed", ""},
		{"POST", "/v1/events", eventType, strings.Repeat(" ", 65537), 413, "event.too_large", ""},
		{"POST", "/v1/events", batchType, "{}", 400, "event.malformed", ""},
		{"POST", "/v1/events", batchType, "[{}", 400, "event.malformed", ""},
		{"POST", "/v1/events", batchType, "[{} {}]", 400, "event.malformed", ""},
		{"POST", "/v1/events", batchType, "", 400, "event.malformed", ""},
		{"POST", "/v1/events", batchType, "[" + strings.Repeat("1,", 10_000) + "1]", 413, "body.too_large", ""},
		{"POST", "/v1/events", batchType, strings.Repeat(" ", 16<<20+1), 413, "body.too_large", ""},
	} {
		response, body := call(t, c.method, url+c.path, c.contentType, c.body)
		p := problemOf(t, response, body)
		if response.StatusCode != c.status || p.Code != c.code || p.Field != c.field || p.Detail == "" {
			t.Errorf("%s %s: %d %s, want %d %s (%s)",
				c.method, c.path, response.StatusCode, body, c.status, c.code, c.field)
		}
	}
	if n := len(ledger.records); n != 0 {
		t.Errorf("%d events were appended", n)
	}
}

func TestPostBatch(t *testing.T) {
	ledger := newMemory(t)
	url := serve(t, ledger, Config{}).URL()
	body := "[" + opened("1") + ",\n " + opened("2") + "," + opened("1") + `,{"a":}, ` +
		strings.Replace(opened("2"), "PU", "BPU", 1) + ",[" + strings.Repeat(" ", 65536) + "]]"
	response, got := call(t, "POST", url+"/v1/events", batchType, body)
	var all cloudevents.Receipts
	if err := json.Unmarshal([]byte(got), &all); err != nil || response.StatusCode != 200 {
		t.Fatalf("%d %s", response.StatusCode, got)
	}
	if !strings.HasPrefix(got, `{"appended":2,"duplicates":1,"refused":3,`) || len(all) != 6 {
		t.Errorf("%s", got)
	}
	for i, want := range []string{
		"urn:test 1 appended 1 ", "urn:test 2 appended 2 ", "urn:test 1 duplicate 1 ",
		"event.malformed", "event.conflict", "event.too_large",
	} {
		r := &all[i]
		if text := fmt.Sprint(r.Source, " ", r.ID, " ", r.Status, " ", r.Sequence, " ", r.Why()); !strings.Contains(text, want) {
			t.Errorf("receipt %d: %s, want %s", i, text, want)
		}
	}
	if response, got = call(t, "POST", url+"/v1/events", batchType, " [] "); response.StatusCode != 200 ||
		got != `{"appended":0,"duplicates":0,"refused":0,"receipts":[]}`+"\n" {
		t.Errorf("%d %s", response.StatusCode, got)
	}
}

// nextReceipt reads a line of a stream's answer.
func nextReceipt(lines *json.Decoder) (event.Receipt, error) {
	var line json.RawMessage
	if err := lines.Decode(&line); err != nil {
		return event.Receipt{}, err
	}
	return cloudevents.ParseReceipt(line)
}

func TestPostAtomic(t *testing.T) {
	ledger := newMemory(t)
	url := serve(t, ledger, Config{}).URL()
	bad := strings.Replace(opened("2"), `"75.03"`, `"7503"`, 1)
	response, body := call(t, "POST", url+"/v1/events?atomic=true", batchType, "["+opened("1")+","+bad+"]")
	p := problemOf(t, response, body)
	if p.Status != 422 || p.Code != "region.unknown" || p.Field != "data.region" ||
		!strings.Contains(p.Detail, "event 2 of the batch") || len(p.Receipts) != 2 ||
		len(ledger.records) != 0 {
		t.Errorf("%s", body)
	}
	response, _ = call(t, "POST", url+"/v1/events?atomic=true", batchType, "["+opened("1")+"]")
	if response.StatusCode != 200 || len(ledger.records) != 1 {
		t.Errorf("%d, %d events", response.StatusCode, len(ledger.records))
	}
	response, body = call(t, "POST", url+"/v1/events?atomic=true", batchType,
		"["+strings.Replace(opened("1"), "PU", "BPU", 1)+"]")
	if p := problemOf(t, response, body); p.Status != 422 || p.Code != "event.conflict" {
		t.Errorf("%s", body)
	}
}

func TestPostOne(t *testing.T) {
	url := serve(t, newMemory(t), Config{}).URL()
	for _, c := range []struct {
		body   string
		status int
		want   string
	}{
		{opened("1") + "\n", 200, `{"appended":1,"duplicates":0,"refused":0,"receipts":[` +
			`{"source":"urn:test","id":"1","status":"appended","sequence":1}]}` + "\n"},
		{opened("1"), 200, `{"appended":0,"duplicates":1,"refused":0,"receipts":[` +
			`{"source":"urn:test","id":"1","status":"duplicate","sequence":1}]}` + "\n"},
		{strings.Replace(opened("1"), "PU", "BPU", 1), 409, `"code":"event.conflict"`},
		{strings.Replace(opened("2"), "PU", "XX", 1), 422, `"code":"field.invalid","field":"data.segment"`},
		{opened("2") + strings.Repeat(" ", 65536), 413, `"code":"event.too_large"`},
	} {
		response, body := call(t, "POST", url+"/v1/events", eventType, c.body)
		if response.StatusCode != c.status || !strings.Contains(body, c.want) {
			t.Errorf("%d %s, want %d %s", response.StatusCode, body, c.status, c.want)
		}
	}
}

func TestPostBinary(t *testing.T) {
	ledger := newMemory(t)
	url := serve(t, ledger, Config{}).URL()
	send := func(data string, header map[string]string) (*http.Response, string) {
		request, err := http.NewRequestWithContext(t.Context(), "POST", url+"/v1/events", strings.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/json; charset=utf-8")
		for name, value := range header {
			request.Header.Add(name, value)
		}
		return do(t, request)
	}
	envelope := map[string]string{
		"ce-specversion": "1.0", "ce-id": "caf%C3%A9 1", "ce-source": `"urn:test"`,
		"ce-type": "id.cakupan.enrolment.reinstated.v1", "ce-office": `"say \"yes\""`,
	}
	data := ` {"enrolment":"e-1","from":"2020-01-01"} `
	if response, body := send(data, envelope); response.StatusCode != 200 {
		t.Fatal(body)
	}
	_, line := call(t, "GET", url+"/v1/events", "", "")
	for _, want := range []string{
		`"id":"café 1"`, `"source":"urn:test"`, `"office":"say \"yes\""`,
		`"datacontenttype":"application/json; charset=utf-8"`,
		`"data":{"enrolment":"e-1","from":"2020-01-01"}`,
	} {
		if !strings.Contains(line, want) {
			t.Errorf("%s is not in %s", want, line)
		}
	}
	for _, c := range []struct{ name, value, data, code, field string }{
		{"ce-id", "%zz", data, "event.malformed", "id"},
		{"ce-data", "x", data, "event.malformed", ""},
		{"ce-specversion", "0.3", data, "event.malformed", "specversion"},
		{"ce-note", "7503010101909999", data, "nik.misplaced", "note"},
		{"ce-x", "1", `{"enrolment":"e-1"}`, "field.missing", "data.from"},
		{"ce-x", "1", `{"enrolment":"e-1"}}`, "event.malformed", ""},
		{"ce-x", "1", `{},"data":{}`, "event.malformed", ""},
		{"ce-x", "1", `{"enrolment":"e-1","from":"2020-01-01"},"note":"n"`, "event.malformed", ""},
		{"ce-x", "1", strings.Repeat(" ", 65500), "event.too_large", ""},
	} {
		header := map[string]string{
			"ce-specversion": "1.0", "ce-id": "2", "ce-source": "urn:test",
			"ce-type": "id.cakupan.enrolment.reinstated.v1",
		}
		header[c.name] = c.value
		response, body := send(c.data, header)
		if p := problemOf(t, response, body); p.Code != c.code || p.Field != c.field {
			t.Errorf("%s: %s: %s, want %s (%s)", c.name, c.value, body, c.code, c.field)
		}
	}
}

// TestPostStream sends lines one by one and waits for each receipt: receipts come as they go.
func TestPostStream(t *testing.T) {
	url := serve(t, newMemory(t), Config{}).URL()
	reader, writer := io.Pipe()
	request, err := http.NewRequestWithContext(t.Context(), "POST", url+"/v1/events", reader)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", streamType)
	go fmt.Fprintln(writer, opened("1")) //nolint:errcheck // the test fails otherwise
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	receipts := json.NewDecoder(response.Body)
	for i := 1; i <= 5; i++ {
		got, err := nextReceipt(receipts)
		if err != nil || got.Sequence != uint64(i) || got.Status != "appended" {
			t.Fatalf("%d: %+v, %v", i, got, err)
		}
		if _, err := fmt.Fprintf(writer, "\n%s\r\n", opened(fmt.Sprint(i+1))); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := io.WriteString(writer, "broken\n"+opened("7")); err != nil {
		t.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	rest, err := io.ReadAll(io.MultiReader(receipts.Buffered(), response.Body))
	if err != nil || strings.Count(string(rest), "\n") < 3 ||
		!strings.Contains(string(rest), `"code":"event.malformed"`) ||
		!strings.HasSuffix(string(rest), `"id":"7","status":"appended","sequence":7}`+"\n") {
		t.Errorf("%s, %v", rest, err)
	}
}

// TestStreamInBulk sends much at once: it is taken in in few submissions, and in order.
func TestStreamInBulk(t *testing.T) {
	ledger := newMemory(t)
	url := serve(t, ledger, Config{}).URL()
	var lines bytes.Buffer
	const events = 3000
	for i := range events {
		fmt.Fprintln(&lines, opened(fmt.Sprint(i+1)))
	}
	_, body := call(t, "POST", url+"/v1/events", streamType, lines.String())
	scanner := json.NewDecoder(strings.NewReader(body))
	for i := range events {
		got, err := nextReceipt(scanner)
		if err != nil || got.Sequence != uint64(i+1) {
			t.Fatalf("%d: %+v, %v", i, got, err)
		}
	}
	sizes := ledger.sizes()
	for _, size := range sizes {
		if size > streamEventsMax {
			t.Errorf("%d events in one submission", size)
		}
	}
	if len(sizes) > events/2 {
		t.Errorf("%d submissions", len(sizes))
	}
}

package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
)

// TestDearFacts reports about one enrolment until its sender is told to wait, by HTTP and by NATS,
// each with when to send again; others are taken in meanwhile.
func TestDearFacts(t *testing.T) {
	g := serveGuarded(t, filepath.Join(t.TempDir(), "data"), "--nats-listen", "127.0.0.1:0")
	conn, err := nats.Connect(g.natsURL(t))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	post := func(contentType string, body []byte) *http.Response {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost,
			g.url+"/v1/events", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", contentType)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = response.Body.Close() }()
		if _, err := io.Copy(io.Discard, response.Body); err != nil {
			t.Fatal(err)
		}
		return response
	}
	// Once it is asked its projection is open: until then events cost nothing.
	e2eDo(t, http.MethodGet, g.url+"/v1/coverage?region=75.03&min_seq=0", "", nil)
	facts := 0
	credits := func(n int) []byte {
		var batch bytes.Buffer
		for range n {
			facts++
			fmt.Fprintf(&batch, `,{"specversion":"1.0","id":"%d","source":"urn:dear","type":`+
				`"id.cakupan.contribution.credited.v1","data":{"enrolment":"long",`+
				`"from":"2020-01","until":"2020-02"}}`, facts)
		}
		return append(append([]byte{'['}, batch.Bytes()[1:]...), ']')
	}
	const batchType, most = "application/cloudevents-batch+json", 30_000
	told := func(way, retry string) {
		t.Helper()
		if seconds, err := strconv.Atoi(retry); err != nil || seconds < 1 || facts > most {
			t.Fatalf("%s: after %d facts Retry-After is %q", way, facts, retry)
		}
	}
	for {
		response := post(batchType, credits(1_000))
		if response.StatusCode == http.StatusOK && facts < most {
			continue
		}
		if response.StatusCode != http.StatusTooManyRequests {
			t.Fatalf("after %d facts: %s", facts, response.Status)
		}
		told("HTTP", response.Header.Get("Retry-After"))
		break
	}
	if facts <= 2_000 {
		t.Errorf("%d facts are dear already", facts)
	}
	if r := post("application/cloudevents+json", opening("urn:dear", 1, "75.03")); r.StatusCode != http.StatusOK {
		t.Errorf("about another enrolment: %s", r.Status)
	}
	for {
		m := nats.NewMsg("cakupan.request.anybody")
		m.Data = credits(1_000)
		m.Header.Set("Content-Type", batchType)
		reply, err := conn.RequestMsg(m, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(reply.Data, []byte(`"code":"events.dear"`)) {
			told("NATS", reply.Header.Get("Retry-After"))
			break
		}
		if !bytes.Contains(reply.Data, []byte(`"appended":1000`)) || facts > most {
			t.Fatalf("after %d facts by NATS: %.300s", facts, reply.Data)
		}
	}
}

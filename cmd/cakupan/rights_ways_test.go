package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/nats-io/nats.go"

	"cakupan/cmd/internal/nobody"
	"cakupan/domain/event"
	"cakupan/eventstore/pubsub"
)

const noHash = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

// others are events that a publisher of Kota Gorontalo sends about people of Bone Bolango.
var others = map[string]string{
	"enrolment.terminated":  `"enrolment":"ea","until":"2021-06-01","reason":"OTHER"`,
	"worker.died":           `"worker":"wa","on":"2021-03-01"`,
	"worker.merged":         `"worker":"wb","into":"wa"`,
	"contribution.credited": `"enrolment":"ea","from":"2020-01","until":"2020-02"`,
	"funding.revoked":       `"commitment":"ca","enrolment":"ea","from":"2021-01"`,
	"funding.closed":        `"commitment":"ca","from":"2021-01","reason":""`,
	"figure.published": `"region":"75.03","on":"2021-01-31","size":1,"root":"` + noHash +
		`","rules":"2","events":1,"digest":"` + noHash + `","indicator":"EMPLOYED","covered":1,` +
		`"confirmed":1,"inGrace":0,"enrolments":1`,
}

// TestRightsByEachWay has a publisher speak of another's people by each way in there is: he is
// refused, or, of a person whom he must not be told of, answered as of nobody; and they are as they
// were.
func TestRightsByEachWay(t *testing.T) {
	dir := t.TempDir()
	secrets := map[string]string{}
	for name, code := range map[string]string{"bone": "75.03", "kota": "75.71"} {
		secrets[name] = member(t, dir, "publisher", "add", name, "--source", "urn:"+name,
			"--regions", code, "--types", "all")
	}
	auditor := member(t, dir, "reader", "add", "auditor", "--role", "auditor")
	g := serveGuarded(t, dir, "--nats-listen", "127.0.0.1:0")
	w := &rightsWays{t: t, g: g, secrets: secrets}
	w.prepare()
	before := w.figure(auditor)
	if !strings.Contains(before, `"covered":2,`) {
		t.Fatal(before)
	}
	conn, err := nats.Connect(g.natsURL(t), nats.UserInfo("kota", secrets["kota"]))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	receipts, err := conn.SubscribeSync("cakupan.receipts.kota")
	if err != nil {
		t.Fatal(err)
	}
	for kind, data := range others {
		raw := func(way string) []byte { return w.event("kota", way+"-"+kind, kind, data) }
		w.forbidden("HTTP", kind, w.post("kota", oneEvent, raw("one")))
		w.forbidden("HTTP batch", kind, w.post("kota", manyEvents, []byte("["+string(raw("many"))+"]")))
		w.forbidden("HTTP stream", kind, w.post("kota", lineEvents, raw("line")))
		if answer, err := conn.Request("cakupan.request.kota", raw("request"), time.Minute); err != nil {
			t.Error(err)
		} else {
			w.forbidden("NATS request", kind, string(answer.Data))
		}
		if err := conn.Publish("cakupan.intake.kota", raw("intake")); err != nil {
			t.Error(err)
		}
		if m, err := receipts.NextMsg(time.Minute); err != nil {
			t.Error(err)
		} else {
			w.forbidden("NATS", kind, string(m.Data))
		}
		publisher := pubsub.NewPublisher(pubsub.OverNATS(conn, "kota"), pubsub.PublisherConfig{})
		err := publisher.Publish(pubsub.TopicEvents, message.NewMessage(kind, raw("watermill")))
		var refused *pubsub.RefusedError
		switch {
		case strings.HasPrefix(kind, "worker.") && err == nil:
		case !errors.As(err, &refused) || refused.Refusals[0].Code != event.Forbidden:
			t.Errorf("Watermill: %s: %v", kind, err)
		}
	}
	w.lists()
	if after := w.figure(auditor); after != before {
		t.Errorf("it was %s, it is %s", before, after)
	}
}

// rightsWays is two publishers before a running server.
type rightsWays struct {
	t       *testing.T
	g       *guarded
	secrets map[string]string
}

func (w *rightsWays) event(publisher, id, kind, data string) []byte {
	return fmt.Appendf(nil, `{"specversion":"1.0","id":%q,"source":"urn:%s",`+
		`"type":"id.cakupan.%s.v1","data":{%s}}`, id, publisher, kind, data)
}

func (w *rightsWays) post(publisher, contentType string, body []byte) string {
	_, text := asked{
		method: "POST", url: w.g.url + "/v1/events", contentType: contentType, body: string(body),
		authorization: "Bearer " + w.secrets[publisher],
	}.ask(w.t)
	return text
}

func (w *rightsWays) forbidden(way, kind, answer string) {
	w.t.Helper()
	want := string(event.Forbidden)
	if strings.HasPrefix(kind, "worker.") {
		want = "nobody of your regions is known by this"
	}
	if !strings.Contains(answer, want) {
		w.t.Errorf("%s: %s: %s", way, kind, answer)
	}
}

// figure is that of Bone Bolango, without how much is known.
func (w *rightsWays) figure(auditor string) string {
	w.t.Helper()
	_, body := asked{
		method: "GET", url: w.g.url + "/v1/coverage?region=75.03&on=2021-08-31&by=evidence",
		authorization: "Bearer " + auditor,
	}.ask(w.t)
	_, rest, known := strings.Cut(body, `"covered"`)
	if !known {
		w.t.Fatal(body)
	}
	return `"covered"` + rest
}

// list imports a list of a publisher and returns what the program says of it.
func (w *rightsWays) list(publisher, kind, header, row string) (summary struct {
	Appended, Refused int
},
) {
	w.t.Helper()
	path := filepath.Join(w.t.TempDir(), kind+".csv")
	text := "List,1\r\nKind," + kind + "\r\nSource,urn:" + publisher + "\r\n" + header + "\r\n" + row +
		"\r\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
	w.t.Setenv("CAKUPAN_SECRET", w.secrets[publisher])
	rejects := filepath.Join(w.t.TempDir(), "rejects.csv")
	code, stdout, stderr := runCommand(w.t, "import", path, "--json", "--server", w.g.url,
		"--rejects", rejects)
	if err := json.Unmarshal([]byte(stdout), &summary); err != nil {
		w.t.Fatalf("%s: exit %d: %s%s", kind, code, stdout, stderr)
	}
	if summary.Refused > 0 {
		why, err := os.ReadFile(rejects)
		if err != nil {
			w.t.Fatal(err)
		}
		if !strings.Contains(string(why), publisher+" may not report about") {
			w.t.Errorf("list of %s: %s", kind, why)
		}
	}
	return summary
}

// prepare has each publisher report who is his.
func (w *rightsWays) prepare() {
	w.t.Helper()
	for _, one := range []struct{ publisher, enrolment, worker, code, commitment string }{
		{"bone", "ea", "wa", "75.03", "ca"}, {"kota", "eb", "wb", "75.71", "cb"},
	} {
		var lines []byte
		for i, e := range [][2]string{
			{"enrolment.opened", fmt.Sprintf(`"enrolment":%q,"worker":%q,"region":%q,"segment":"BPU",`+
				`"category":"VULNERABLE","programmes":["JKK"],"payer":"APBD","from":"2021-01-01"`,
				one.enrolment, one.worker, one.code)},
			{"funding.committed", fmt.Sprintf(`"commitment":%q,"funder":%q,"funding":"APBD",`+
				`"fiscalYear":2021,"heads":10,"months":12,"tariff":16800,"ceiling":2016000,`+
				`"from":"2021-01","until":"2022-01"`, one.commitment, one.code)},
			{"funding.granted", fmt.Sprintf(`"commitment":%q,"enrolment":%q,"from":"2021-01",`+
				`"until":"2022-01"`, one.commitment, one.enrolment)},
		} {
			lines = append(append(lines, w.event(one.publisher, fmt.Sprint(i), e[0], e[1])...), '\n')
		}
		if text := w.post(one.publisher, lineEvents, lines); strings.Count(text, "appended") != 3 {
			w.t.Fatal(text)
		}
	}
	got := w.list("bone", "enrolment",
		"NIK,KPJ,Region Code,Segment,Category,Programmes,Payer,Start Date",
		nobody.NIK(1)+`,21012345678,75.03,BPU,VULNERABLE,"JKK, JKM",SELF,2021-01-01`)
	if got.Appended != 1 {
		w.t.Fatalf("%+v", got)
	}
}

// lists has a publisher send lists that name another's people, by card number and by NIK.
func (w *rightsWays) lists() {
	w.t.Helper()
	for kind, rows := range map[string][2]string{
		"termination":  {"NIK,KPJ,First Day Not Covered,Reason", ",21012345678,2021-06-01,OTHER"},
		"death":        {"NIK,Worker ID,Date of Death", nobody.NIK(1) + ",,2021-03-01"},
		"contribution": {"NIK,KPJ,First Month,Last Month,Amount,Paid On,Reference", ",21012345678,2020-11,2020-12,,,"},
		"funding":      {"Commitment,NIK,KPJ,First Month,Last Month", "cb,,21012345678,2021-01,2021-12"},
	} {
		want := 0
		if kind == "death" { // taken in, without effect
			want = 1
		}
		if got := w.list("kota", kind, rows[0], rows[1]); got.Appended != want || got.Refused != 1-want {
			w.t.Errorf("list of %s: %+v", kind, got)
		}
	}
}

package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"cakupan/cmd/internal/takeback"
	"cakupan/eventstore"
)

// retracting is a server with members, and what they have reported.
type retracting struct {
	*guarded

	secrets map[string]string
	last    eventstore.Sequence // that a step had: what is asked then shows it
}

// serveRetracting has dinas open enrolments in two regencies and end one of kota's.
func serveRetracting(t *testing.T) *retracting {
	t.Helper()
	dir := t.TempDir()
	s := &retracting{secrets: map[string]string{
		"dinas":  addPublisher(t, dir, "dinas"),
		"kota":   addPublisher(t, dir, "kota"),
		"mute":   member(t, dir, "publisher", "add", "mute", "--source", "urn:mute", "--regions", "75", "--types", "enrolment"),
		"bpk":    member(t, dir, "reader", "add", "bpk", "--role", "auditor"),
		"layar":  member(t, dir, "reader", "add", "layar", "--role", "dashboard"),
		"pusat":  member(t, dir, "steward", "add", "pusat"),
		"daerah": member(t, dir, "steward", "add", "daerah", "--regions", "75.71"),
	}}
	s.guarded = serveGuarded(t, dir)
	var lines []string
	for i := range 4 {
		line := openedBy("urn:dinas", fmt.Sprint("d", i))
		if i == 3 {
			line = strings.Replace(line, "75.03", "75.71", 1)
		}
		lines = append(lines, line)
	}
	s.last = 6
	s.post(t, "kota", "/v1/events", manyEvents, "["+openedBy("urn:kota", "k")+"]", 200)
	s.post(t, "dinas", "/v1/events", manyEvents, "["+strings.Join(append(lines, `{"specversion":"1.0","id":"end",`+
		`"source":"urn:dinas","type":"id.cakupan.enrolment.terminated.v1","data":{"enrolment":"e-k",`+
		`"until":"2020-02-01","reason":"ERROR"}}`), ",")+"]", 200)
	return s
}

// post sends a body as a member, whose secret it is, and wants a status.
func (s *retracting) post(t *testing.T, who, path, contentType, body string, want int) string {
	t.Helper()
	response, got := asked{
		method: "POST", url: s.url + path, contentType: contentType, body: body,
		authorization: "Bearer " + s.secrets[who],
	}.ask(t)
	if response.StatusCode != want {
		t.Errorf("%s: POST %s %s: %d, want %d: %s", who, path, body, response.StatusCode, want, got)
	}
	return got
}

// retract asks to take back, and returns what was done, or the code of the problem.
func (s *retracting) retract(t *testing.T, who, body string, want int) (done takeback.Retraction, code string) {
	t.Helper()
	got := s.post(t, who, "/v1/retract", "application/json", body, want)
	var failed struct{ Code string }
	if json.Unmarshal([]byte(got), &done) != nil || json.Unmarshal([]byte(got), &failed) != nil {
		t.Errorf("no JSON: %s", got)
	}
	s.last = max(s.last, done.Last)
	return done, failed.Code
}

// covered counts who is covered in a regency.
func (s *retracting) covered(t *testing.T, code string) int64 {
	t.Helper()
	response, got := asked{
		method: "GET", authorization: "Bearer " + s.secrets["bpk"],
		url: fmt.Sprintf("%s/v1/coverage?region=%s&on=2021-01-01&min_seq=%d", s.url, code, s.last),
	}.ask(t)
	var answers []struct{ Covered int64 }
	if err := json.Unmarshal([]byte(got), &answers); err != nil || len(answers) != 1 || response.StatusCode != 200 {
		t.Fatalf("%v: %s", err, got)
	}
	return answers[0].Covered
}

// TestRetractOverHTTP has each role take back what it may, and undo it, on a real server.
func TestRetractOverHTTP(t *testing.T) {
	t.Parallel()
	s := serveRetracting(t)
	all := `{"source":"urn:dinas","reason":"wrong file"}`
	for who, want := range map[string]int{"bpk": 403, "layar": 403} {
		if _, code := s.retract(t, who, all, want); code != "forbidden" {
			t.Errorf("%s: %s", who, code)
		}
	}
	for _, c := range []struct {
		body  string
		want  int
		field string
	}{
		{`{"reason":"x"}`, 400, "publisher"},
		{`{"source":"urn:dinas"}`, 400, "reason"},
		{`{"source":"urn:dinas","reason":" \u200b\t"}`, 400, "reason"},
		{`{"source":"urn:dinas","reason":"` + strings.Repeat("x", 301) + `"}`, 400, "reason"},
		{`{"source":"urn:dinas","reason":"of 7503014101900001"}`, 400, "reason"},
		{`{"worker":"7503014101900001","reason":"x"}`, 400, "worker"},
		{`{"type":"event.retracted.v1","reason":"x"}`, 400, "type"},
		{`{"type":"none","reason":"x"}`, 400, "type"},
		{`{"region":"7503","reason":"x"}`, 404, "region"},
		{`{"since":"yesterday","reason":"x"}`, 400, "since"},
		{`{"since":"2026-01-02","until":"2026-01-02","reason":"x"}`, 400, "until"},
		{`{"from":"5","to":"4","reason":"x"}`, 400, "to"},
		{`{"undo":"0","reason":"x"}`, 400, "undo"},
		{`{"source":"urn:dinas","reason":"x","request":"a/b"}`, 400, "request"},
		{`{"source":"urn:dinas","reason":"x","more":"y"}`, 400, ""},
		{`{"source":"urn:none","reason":"x"}`, 404, ""},
	} {
		body := s.post(t, "pusat", "/v1/retract", "application/json", c.body, c.want)
		var p struct{ Field, Detail string }
		if err := json.Unmarshal([]byte(body), &p); err != nil || p.Field != c.field || p.Detail == "" ||
			strings.Contains(p.Detail, "7503014101900001") {
			t.Errorf("%s: %s", c.body, body)
		}
	}
	dry, _ := s.retract(t, "daerah", `{"publisher":"dinas","dryRun":true}`, 200)
	if dry.Events != 1 || dry.Outside != 4 || !dry.DryRun || s.covered(t, "75.71") != 1 {
		t.Errorf("a bound steward's dry run: %+v", dry)
	}
	if _, code := s.retract(t, "daerah", `{"publisher":"dinas","region":"75.03","reason":"x"}`, 403); code != "forbidden" {
		t.Errorf("of another region: %s", code)
	}
	if _, code := s.retract(t, "kota", `{"publisher":"dinas","reason":"x"}`, 403); code != "forbidden" {
		t.Errorf("of another publisher: %s", code)
	}
	s.retract(t, "kota", `{"source":"urn:dinas","reason":"x"}`, 404)
	s.post(t, "mute", "/v1/events", oneEvent, openedBy("urn:mute", "m"), 200)
	if _, code := s.retract(t, "mute", `{"source":"urn:mute","reason":"x"}`, 403); code != "publisher.forbidden" {
		t.Errorf("without the right to retractions: %s", code)
	}
	s.undone(t)
}

// undone takes back as a steward, asks again, and undoes it.
func (s *retracting) undone(t *testing.T) {
	t.Helper()
	if got := s.covered(t, "75.03"); got != 4 {
		t.Fatalf("covered: %d", got)
	}
	ask := `{"publisher":"dinas","reason":"wrong file","request":"march","since":"2020-01-01","on":"2021-01-01"}`
	done, _ := s.retract(t, "pusat", ask, 200)
	if done.Events != 5 || done.First != 8 || done.Last != 12 || done.Before || s.covered(t, "75.03") != 2 {
		t.Fatalf("%+v; covered %d", done, s.covered(t, "75.03"))
	}
	again, _ := s.retract(t, "pusat", ask, 200)
	if !again.Before || again.First != 8 || again.Last != 12 || len(again.What) != 5 {
		t.Errorf("asked again: %+v", again)
	}
	if _, code := s.retract(t, "pusat", strings.Replace(ask, "2020-01-01", "2020-01-02", 1), 409); code != "event.conflict" {
		t.Errorf("something else under the same request: %s", code)
	}
	// What a steward reports under, nobody else does.
	forged := strings.Replace(openedBy("urn:cakupan:steward:pusat", "x"), `"id":"x"`, `"id":"march/9"`, 1)
	if body := s.post(t, "dinas", "/v1/events", oneEvent, forged, 403); !strings.Contains(body, "source") {
		t.Error(body)
	}
	if _, code := s.retract(t, "dinas", `{"undo":"8","reason":"x"}`, 403); code != "forbidden" {
		t.Errorf("a publisher undoes a steward: %s", code)
	}
	undo, _ := s.retract(t, "pusat", `{"undo":"8","reason":"they were right","on":"2021-01-01"}`, 200)
	if undo.Events != 5 || undo.Undoes != 8 || undo.First != 13 || s.covered(t, "75.03") != 4 {
		t.Errorf("undone: %+v; covered %d", undo, s.covered(t, "75.03"))
	}
	_, log := asked{method: "GET", url: s.url + "/v1/events?publisher=pusat", authorization: "Bearer " + s.secrets["bpk"]}.ask(t)
	lines := strings.Split(strings.TrimSpace(log), "\n")
	if len(lines) != 10 || strings.Count(log, `"reason":"wrong file"`) != 5 ||
		strings.Count(log, `"reason":"they were right"`) != 5 || strings.Count(log, `"restates":`) != 5 {
		t.Errorf("recorded of the steward: %s", log)
	}
	own, _ := s.retract(t, "dinas", `{"type":"enrolment.opened.v1","reason":"ours"}`, 200)
	if own.Events != 4 || s.covered(t, "75.03") != 1 || slices.ContainsFunc(own.What, func(e takeback.TakenEvent) bool {
		return e.Source != "urn:dinas"
	}) {
		t.Errorf("his own: %+v; covered %d", own, s.covered(t, "75.03"))
	}
}

// TestRetractTooManyOverHTTP answers with the number of events that are meant, and takes a part.
func TestRetractTooManyOverHTTP(t *testing.T) {
	t.Parallel()
	s := serveRetracting(t)
	var lines []string
	for i := range 1_001 {
		lines = append(lines, openedBy("urn:kota", fmt.Sprint("m", i)))
	}
	s.post(t, "kota", "/v1/events", manyEvents, "["+strings.Join(lines, ",")+"]", http.StatusOK)
	body := s.post(t, "pusat", "/v1/retract", "application/json", `{"publisher":"kota","reason":"x"}`, 413)
	if !strings.Contains(body, `"batch.too_large"`) || !strings.Contains(body, "1002 events are meant") ||
		!strings.Contains(body, "to=1005") {
		t.Errorf("too many: %s", body)
	}
	done, _ := s.retract(t, "pusat", `{"publisher":"kota","to":"1005","reason":"x"}`, 200)
	rest, _ := s.retract(t, "pusat", `{"publisher":"kota","reason":"x"}`, 200)
	if done.Events != 1_000 || rest.Events != 2 {
		t.Errorf("taken back: %d, then %d", done.Events, rest.Events)
	}
}

// TestRetractCommand takes back by the command, of a server and of a folder.
func TestRetractCommand(t *testing.T) {
	t.Parallel()
	s := serveRetracting(t)
	secret := t.TempDir() + "/secret"
	writeText(t, secret, s.secrets["pusat"])
	online := []string{"--server", s.url, "--secret-file", secret}
	ask := []string{"retract", "--publisher", "dinas", "--type", "enrolment.opened.v1", "--on", "2021-01-01"}
	code, out, errs := runCommand(t, slices.Concat(ask, online, []string{"--dry-run"})...)
	for _, want := range []string{
		"4 events would be taken back", "enrolment.opened.v1", "75.03", "75.71", "covered on 2021-01-01",
	} {
		if code != 0 || !strings.Contains(out, want) {
			t.Errorf("exit %d, no %q: %s%s", code, want, out, errs)
		}
	}
	if code, _, errs = runCommand(t, slices.Concat(ask, online)...); code != 2 || !strings.Contains(errs, "reason") {
		t.Errorf("without a reason: exit %d: %s", code, errs)
	}
	ask = append(ask, "--reason", "wrong file", "--request", "r1")
	for _, want := range []string{"4 events are taken back, by events 7 to 10", "4 events were before taken back"} {
		code, out, errs = runCommand(t, slices.Concat(ask, online)...)
		if code != 0 || !strings.Contains(out, want) || !strings.Contains(out, "cakupan retract --undo 7") {
			t.Errorf("exit %d, no %q: %s%s", code, want, out, errs)
		}
	}
	s.stop()
	code, out, errs = runCommand(t, "retract", "--undo", "7", "--reason", "right", "--data", s.dir)
	if code != 0 || !strings.Contains(out, "4 events are said again, by events 11 to 14") {
		t.Errorf("exit %d: %s%s", code, out, errs)
	}
	code, out, errs = runCommand(t, "retract", "--source", "urn:dinas", "--reason", "all", "--data", s.dir, "--json")
	if code != 0 || !strings.Contains(out, `"events": 5`) && !strings.Contains(out, `"events":5`) ||
		!strings.Contains(errs, "--request") {
		t.Errorf("exit %d: %s%s", code, out, errs)
	}
	code, out, _ = runCommand(t, "log", "--source", "urn:cakupan:operator", "--data", s.dir)
	if code != 0 || strings.Count(out, "event.retracted.v1") != 5 {
		t.Errorf("exit %d: %s", code, out)
	}
}

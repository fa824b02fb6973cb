package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"cakupan/eventstore/lookups"
)

// get asks as a member, whose secret it is, and wants a status.
func (s *retracting) get(t *testing.T, who, path string, want int) string {
	t.Helper()
	response, got := asked{method: "GET", url: s.url + path, authorization: "Bearer " + s.secrets[who]}.ask(t)
	if response.StatusCode != want {
		t.Errorf("%s: GET %s: %d, want %d: %s", who, path, response.StatusCode, want, got)
	}
	return got
}

// reads returns what is recorded, without when.
func readsOf(t *testing.T, lines string) (all []lookups.Read) {
	t.Helper()
	for line := range strings.Lines(lines) {
		var r lookups.Read
		if err := json.Unmarshal([]byte(line), &r); err != nil || r.At == "" || r.Number != uint64(len(all)+1) {
			t.Errorf("%s: %v", line, err)
		}
		r.At, r.Number = "", 0
		all = append(all, r)
	}
	return all
}

// TestReadsAreRecorded reads about people in each way: each is recorded with who and what, once,
// never with the NIK; what is about nobody is not.
func TestReadsAreRecorded(t *testing.T) {
	t.Parallel()
	s := serveRetracting(t)
	const nik = "7503014101900001"
	want := []lookups.Read{
		{Who: "bpk", What: lookups.History, Of: "worker w-d1", Worker: "w-d1"},
		{Who: "pusat", What: lookups.History, Of: "enrolment e-k"},
		{Who: "bpk", What: lookups.Explained, Of: "75.03 on 2021-01-01, known 6"},
		{Who: "bpk", What: lookups.Compared, Of: "ID on 2020-01-31, known 6; ID on 2021-01-01, known 6"},
		{Who: "bpk", What: lookups.Findings, Of: "enrolment e-k"},
		{Who: "daerah", What: lookups.Events, Of: "worker w-d1", Worker: "w-d1"},
		{Who: "bpk", What: lookups.Events, Of: "enrolment e-d2"},
		{Who: "bpk", What: lookups.Bundled, Of: "75.03 on 2021-01-01, known 6"},
		{Who: "bpk", What: lookups.ByNIK},
	}
	s.get(t, "bpk", "/v1/coverage?region=75.03&min_seq=6", 200) // of nobody
	for _, ask := range []string{
		"bpk /v1/history?worker=w-d1", "pusat /v1/history?enrolment=e-k",
		"bpk /v1/explain?region=75.03&on=2021-01-01",
		"bpk /v1/difference?on=2020-01-31&to_on=2021-01-01&workers=true",
		"bpk /v1/findings?enrolment=e-k", "daerah /v1/events?worker=w-d1", "bpk /v1/events?enrolment=e-d2",
		"bpk /v1/bundle?region=75.03&on=2021-01-01",
	} {
		who, path, _ := strings.Cut(ask, " ")
		s.get(t, who, path, 200)
	}
	s.post(t, "bpk", "/v1/lookups", "application/json", `{"nik":"`+nik+`"}`, 404)
	s.get(t, "bpk", "/v1/events?to=2", 200)
	s.get(t, "bpk", "/v1/findings", 200)
	s.get(t, "bpk", "/v1/difference?on=2020-01-31&to_on=2021-01-01", 200)
	s.get(t, "layar", "/v1/history?worker=w-d1", 403)
	s.get(t, "layar", "/v1/reads", 403)
	s.get(t, "bpk", "/v1/reads?what=none", 400)
	all := s.get(t, "bpk", "/v1/reads", 200)
	if got := readsOf(t, all); !slices.Equal(got, want) || strings.Contains(all, nik) {
		t.Errorf("recorded:\n%+v, want\n%+v", got, want)
	}
	if some := s.get(t, "bpk", "/v1/reads?worker=w-d1&who=daerah", 200); strings.Count(some, "\n") != 1 {
		t.Errorf("of one worker: %s", some)
	}
	if found := s.get(t, "bpk", "/v1/lookups", 200); strings.Count(found, "\n") != 1 || strings.Contains(found, "what") {
		t.Errorf("look-ups: %s", found)
	}
	s.stop()
	for range 2 { // by the command too, of a folder
		if code, _, errs := runCommand(t, "history", "--worker", "w-d1", "--data", s.dir); code != 0 {
			t.Fatal(errs)
		}
	}
	code, out, errs := runCommand(t, "reads", "--data", s.dir)
	if code != 0 || strings.Count(out, "somebody at the machine: history worker w-d1") != 2 ||
		!strings.Contains(out, "bpk: lookup nobody") || !strings.Contains(out, "11 reads about people") {
		t.Errorf("exit %d: %s%s", code, out, errs)
	}
	if code, out, _ = runCommand(t, "lookups", "--data", s.dir); code != 0 || !strings.Contains(out, "1 look-up by NIK") {
		t.Errorf("look-ups: exit %d: %s", code, out)
	}
}

// TestStewardSettlesRefusals has stewards retry and drop what was refused by NATS, from elsewhere than
// the machine's operator: with a reason, within their regions, and recorded.
func TestStewardSettlesRefusals(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := &retracting{secrets: map[string]string{
		"dinas": addPublisher(t, dir, "dinas"), "bpk": member(t, dir, "reader", "add", "bpk", "--role", "auditor"),
		"pusat":  member(t, dir, "steward", "add", "pusat"),
		"daerah": member(t, dir, "steward", "add", "daerah", "--regions", "75"),
		"kota":   member(t, dir, "steward", "add", "kota", "--regions", "75.71"),
		"loket": member(t, dir, "publisher", "add", "loket", "--source", "urn:loket", "--regions", "75.71", "--types",
			"enrolment"),
	}}
	address, err := freeAddress()
	if err != nil {
		t.Fatal(err)
	}
	s.guarded = serveGuarded(t, dir, "--nats-listen", address)
	s.sendRefused(t, address, "dinas", 3)
	s.sendRefused(t, address, "loket", 1)
	for name, sees := range map[string]bool{"bpk": false, "kota": false, "daerah": true} {
		if one := s.get(t, name, "/v1/refused/1", 200); strings.Contains(one, "XX") != sees {
			t.Errorf("%s is shown %s", name, one)
		}
	}
	s.post(t, "pusat", "/v1/refused/1/retry", "", "", 400) // no reason
	s.post(t, "kota", "/v1/refused/1/retry?reason=x", "", "", 403)
	s.post(t, "dinas", "/v1/refused/1/retry?reason=x", "", "", 403)
	s.post(t, "pusat", "/v1/refused/99/retry?reason=x", "", "", 404)
	body := s.post(t, "daerah", "/v1/refused/1/retry?reason=segment+mended", "", "", 200)
	if !strings.Contains(body, `"refused":1`) {
		t.Errorf("retried: %s", body)
	}
	secret := t.TempDir() + "/secret"
	// What others have sent before keeps nobody from his own.
	writeText(t, secret, s.secrets["kota"])
	code, out, errs := runCommand(t, "refused", "drop", "--code", "field.invalid", "--reason", "test data", "--server", s.url, "--secret-file", secret)
	if code != 0 || out != "4: dropped\n" || !strings.Contains(errs, "3 more are of publishers of others' regions") {
		t.Errorf("exit %d: %s%s", code, out, errs)
	}
	code, out, errs = runCommand(t, "refused", "drop", "--all", "--reason", "x", "--server", s.url, "--secret-file", secret)
	if code == 0 || out != "" || !strings.Contains(errs, "regions that are not yours") {
		t.Errorf("all of others: exit %d: %s%s", code, out, errs)
	}
	writeText(t, secret, s.secrets["pusat"])
	code, out, errs = runCommand(t, "refused", "drop", "--publisher", "dinas", "--code", "field.invalid", "--reason", "test data",
		"--server", s.url, "--secret-file", secret)
	if code != 0 || strings.Count(out, "dropped") != 3 {
		t.Errorf("exit %d: %s%s", code, out, errs)
	}
	want := []lookups.Read{
		{Who: "daerah", What: lookups.Retried, Of: "1 of dinas", Why: "segment mended"},
		{Who: "kota", What: lookups.Dropped, Of: "4 of loket", Why: "test data"},
		{Who: "pusat", What: lookups.Dropped, Of: "1 of dinas", Why: "test data"},
		{Who: "pusat", What: lookups.Dropped, Of: "2 of dinas", Why: "test data"},
		{Who: "pusat", What: lookups.Dropped, Of: "3 of dinas", Why: "test data"},
	}
	got := readsOf(t, s.get(t, "bpk", "/v1/reads", 200))
	looked, settled := got[:min(3, len(got))], got[min(3, len(got)):]
	for _, name := range []string{"bpk", "kota", "daerah"} {
		if !slices.Contains(looked, lookups.Read{Who: name, What: lookups.Original, Of: "1 of dinas"}) {
			t.Errorf("it is not recorded that %s looked: %+v", name, looked)
		}
	}
	if !slices.Equal(settled, want) {
		t.Errorf("recorded:\n%+v, want\n%+v", settled, want)
	}
}

// sendRefused has a publisher send events by NATS that are refused, and waits until they are.
func (s *retracting) sendRefused(t *testing.T, address, name string, count int) {
	t.Helper()
	conn, err := nats.Connect("nats://"+address, nats.UserInfo(name, s.secrets[name]), nats.Timeout(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for i := range count {
		bad := strings.Replace(openedBy("urn:"+name, fmt.Sprint(i)), `"PU"`, `"XX"`, 1)
		if _, err := conn.Request("cakupan.intake."+name, []byte(bad), time.Minute); err != nil {
			t.Fatal(err)
		}
	}
	for began := time.Now(); strings.Count(s.get(t, "bpk", "/v1/refused?publisher="+name, 200), "\n") != count; time.Sleep(20 * time.Millisecond) {
		if time.Since(began) > 2*time.Minute {
			t.Fatal("nothing is refused")
		}
	}
}

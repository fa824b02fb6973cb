package httpapi

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"cakupan/cmd/internal/problem"
)

const (
	grantOfNobody = `{"specversion":"1.0","id":"g1","source":"urn:t",` +
		`"type":"id.cakupan.funding.granted.v1","data":{"commitment":"none","enrolment":"e1",` +
		`"from":"2021-01","until":"2021-02"}}`
	openingOfMay = `{"specversion":"1.0","id":"o1","source":"urn:t",` +
		`"type":"id.cakupan.enrolment.opened.v1","data":{"enrolment":"e1","worker":"w1",` +
		`"region":"75.03","segment":"BPU","category":"VULNERABLE","programmes":["JKK"],` +
		`"payer":"APBD","from":"2021-01-01"}}`
)

// codesOf returns the codes of the findings of a receipt.
func codesOf(t *testing.T, receipt string) string {
	t.Helper()
	var r ReceiptFindings
	if err := json.Unmarshal([]byte(receipt), &r); err != nil {
		t.Fatalf("%s: %v", receipt, err)
	}
	var codes []string
	for i := range r.Findings {
		codes = append(codes, r.Findings[i].Code)
	}
	return strings.Join(codes, " ")
}

// TestReceiptsTellFindings: whoever sends an event and asks is told what it contradicts, in every
// form of receipts; a receipt counts whether that is known or not.
func TestReceiptsTellFindings(t *testing.T) {
	m := newMemory(t)
	url := serve(t, m, Config{}).URL()
	_, body := call(t, http.MethodPost, url+"/v1/events?findings=true&lang=en", eventType,
		grantOfNobody)
	var one struct {
		Receipts []json.RawMessage `json:"receipts"`
	}
	if err := json.Unmarshal([]byte(body), &one); err != nil || len(one.Receipts) != 1 {
		t.Fatalf("%s: %v", body, err)
	}
	const unknown = "GRANT_UNKNOWN_ENROLMENT GRANT_UNKNOWN_COMMITMENT GRANT_NOT_APBD"
	if codes := codesOf(t, string(one.Receipts[0])); codes != unknown {
		t.Errorf("findings of the grant: %q", codes)
	}
	// The opening resolves two of them.
	_, body = call(t, http.MethodPost, url+"/v1/events?findings=true", streamType,
		openingOfMay+"\n"+grantOfNobody+"\n")
	lines := strings.Split(strings.TrimSpace(body), "\n")
	if len(lines) != 2 || codesOf(t, lines[0]) != "" ||
		codesOf(t, lines[1]) != "GRANT_UNKNOWN_COMMITMENT" {
		t.Errorf("receipts: %s", body)
	}
	_, body = call(t, http.MethodPost, url+"/v1/events", eventType, grantOfNobody)
	if strings.Contains(body, "findings") {
		t.Errorf("nobody asked: %s", body)
	}
	m.viewErr = problem.New(problem.ProjectionBehind, "it is being built")
	response, body := call(t, http.MethodPost, url+"/v1/events?findings=true", eventType,
		grantOfNobody)
	if response.StatusCode != http.StatusOK || !strings.Contains(body, `"findings":null`) {
		t.Errorf("while they are not known: %d %s", response.StatusCode, body)
	}
}

func TestFindingsAreAsked(t *testing.T) {
	m := newMemory(t)
	url := serve(t, m, Config{}).URL()
	call(t, http.MethodPost, url+"/v1/events", streamType, grantOfNobody+"\n"+openingOfMay+"\n")
	for query, want := range map[string]string{
		"":                                     `"code":"GRANT_UNKNOWN_COMMITMENT"`,
		"known=1&code=GRANT_UNKNOWN_ENROLMENT": `"since":1,"until":null`,
		"code=GRANT_UNKNOWN_ENROLMENT":         `"since":1,"until":2`,
		"summary=true&lang=en":                 `{"code":"GRANT_NOT_APBD",`,
		"commitment=none&enrolment=e1&lang=en": "which was never committed",
		"from=2&to=2":                          "",
		"from=1&to=1":                          `"until":2`,
	} {
		response, body := call(t, http.MethodGet, url+"/v1/findings?"+query, "", "")
		if response.StatusCode != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("%s: %d %s", query, response.StatusCode, body)
		}
	}
	for query, field := range map[string]string{
		"code=none": "code", "lang=fr": "lang", "from=3&to=2": "to", "open=perhaps": "open",
		"sector=ALL": "sector",
	} {
		response, body := call(t, http.MethodGet, url+"/v1/findings?"+query, "", "")
		if response.StatusCode != http.StatusBadRequest ||
			!strings.Contains(body, `"field":"`+field+`"`) {
			t.Errorf("%s: %d %s", query, response.StatusCode, body)
		}
	}
}

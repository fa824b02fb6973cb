package httpapi

import (
	"testing"

	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/projections/findings"
)

// TestTold: with his receipts a publisher is told of findings about what he may report, and of none
// about people or other regions; who may report everything is told all of them.
func TestTold(t *testing.T) {
	code, _ := region.Parse("75.71")
	own := &event.Scope{Publisher: "kota", Regions: []region.Code{code}}
	nation := &event.Scope{Publisher: "sipil", Regions: []region.Code{region.Nation}}
	for name, c := range map[string]struct {
		finding findings.Finding
		want    bool
	}{
		"late death":         {findings.Finding{Code: findings.ReportedLate.String(), Worker: "w"}, false},
		"two open elsewhere": {findings.Finding{Code: findings.TwoOpen.String(), Worker: "w", Region: "75.71"}, false},
		"own enrolment": {
			findings.Finding{Code: findings.OpenedTwice.String(), Worker: "w", Enrolment: "e", Region: "75.71"}, true,
		},
		"enrolment elsewhere": {findings.Finding{Worker: "w", Enrolment: "e", Region: "75.03"}, false},
		"its province":        {findings.Finding{Commitment: "c", Region: "75"}, false},
		"unknown enrolment":   {findings.Finding{Code: findings.EndUnknown.String(), Enrolment: "e"}, true},
		"own commitment":      {findings.Finding{Commitment: "c", Region: "75.71"}, true},
		"own figure":          {findings.Finding{Code: findings.Jump.String(), Region: "75.71"}, true},
	} {
		if got := isTold(&c.finding, own); got != c.want {
			t.Errorf("%s: told %v", name, got)
		}
		if !isTold(&c.finding, nation) || !isTold(&c.finding, nil) {
			t.Errorf("%s: who may report everything is not told", name)
		}
	}
}

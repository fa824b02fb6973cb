package proving

import (
	"fmt"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"cakupan/cmd/internal/ledger"
	"cakupan/projections/coverage"
)

// TestAttestedRoot says the root of a published figure as prove says it: what stands in the event
// in base64 cannot be compared by eye.
func TestAttestedRoot(t *testing.T) {
	root := tlog.Hash{0xAB, 0xCD, 31: 0x01}
	var text strings.Builder
	err := printAttested(&text, &ledger.Attested{
		Sequence: 1_235, Size: 1_234, Root: root.String(), Rules: "coverage/2",
		Answer: coverage.Answer{Region: "75.03", Name: "Kabupaten Bone Bolango", On: "2020-12-31"},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"event 1235", "1,234 events", fmt.Sprintf("%x", root[:]), "--from 1234 --to 1235",
	} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("%q is not in %q", want, text.String())
		}
	}
	if strings.Contains(text.String(), root.String()) {
		t.Errorf("the root is in base64: %q", text.String())
	}
}

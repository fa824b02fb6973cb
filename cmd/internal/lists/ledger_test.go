package lists

import (
	"testing"

	"cakupan/domain/event"
)

// TestOfLedger says to a clerk what the ledger has said, by column and in the list's language.
func TestOfLedger(t *testing.T) {
	scope := &event.Scope{Publisher: "dinas", Sources: []string{"urn:a"}}
	forbidden := scope.ForbidAbout("data.enrolment")
	for _, c := range []struct {
		why  event.Refusal
		l    Language
		want event.Refusal
	}{
		{
			event.Refusal{Code: event.Forbidden, Field: "data.region", Detail: "dinas may not report" +
				" of this region; it may: 75.03, 75.71 and 2 more. Ask whoever runs the ledger"},
			Indonesian,
			event.Refusal{Code: event.Forbidden, Field: "Kode Wilayah", Detail: "Anda tidak berhak" +
				" melaporkan ini; yang boleh: 75.03, 75.71 dan 2 lagi. Tanyakan pengelola buku besar"},
		},
		{
			*forbidden, English,
			event.Refusal{Code: event.Forbidden, Field: "KPJ", Detail: forbidden.Detail},
		},
		{
			event.Refusal{Code: event.FieldInvalid, Field: "data.into", Detail: "data.into is the" +
				" worker himself: name the other id of the same person"},
			English,
			event.Refusal{Code: event.FieldInvalid, Field: "Merged into Worker ID", Detail: "it is" +
				" the worker himself: name the other id of the same person"},
		},
		{ // the reader's own
			event.Refusal{Code: event.FieldInvalid, Field: "Program", Detail: "x"},
			Indonesian,
			event.Refusal{Code: event.FieldInvalid, Field: "Program", Detail: "x"},
		},
	} {
		if got := c.l.OfLedger(c.why); got != c.want {
			t.Errorf("%+v: %+v", c.why, got)
		}
	}
}

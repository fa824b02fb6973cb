package intake

import (
	"testing"
	"time"

	"cakupan/domain/temporal"
)

// TestMeans chooses of the list by what it says; all that is asked for must be so.
func TestMeans(t *testing.T) {
	at := temporal.Instant(time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC).UnixNano())
	one := Refused{Publisher: "dinas", Code: "region.unknown", ReceivedAt: Time(at)}
	for _, c := range []struct {
		query RefusedQuery
		want  bool
	}{
		{RefusedQuery{}, true},
		{RefusedQuery{Publisher: "dinas"}, true},
		{RefusedQuery{Publisher: "dina"}, false},
		{RefusedQuery{Code: "region.unknown"}, true},
		{RefusedQuery{Code: "region"}, false},
		{RefusedQuery{Before: at}, false},
		{RefusedQuery{Before: at + 1}, true},
		{RefusedQuery{Publisher: "dinas", Code: "region.unknown", Before: at + 1}, true},
		{RefusedQuery{Publisher: "dinas", Code: "nik.invalid", Before: at + 1}, false},
	} {
		if got := c.query.Means(&one); got != c.want {
			t.Errorf("%+v: %t", c.query, got)
		}
	}
}

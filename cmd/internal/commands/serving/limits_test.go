package serving

import (
	"strconv"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"cakupan/cmd/internal/httpapi"
)

// TestShareLimits: what would keep everybody out is refused, each bound by the name of its flag,
// and what is set is what the routes get.
func TestShareLimits(t *testing.T) {
	good := shareLimits{
		Requests: 16, Streams: 4, MiB: 160, Connections: 64, Strangers: 1, Refusals: 2, Floor: 3,
	}
	if err := good.check(); err != nil {
		t.Error(err)
	}
	want := httpapi.Limits{
		Requests: 16, Streams: 4, Memory: 160 << 20, Conns: 64, Strangers: 1, Refusals: 2, Floor: 3,
	}
	if got := good.limits(); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	for _, w := range []struct {
		flag  string
		spoil func(*shareLimits, int)
	}{
		{"requests", func(s *shareLimits, by int) { s.Requests = by }},
		{"streams", func(s *shareLimits, by int) { s.Streams = by }},
		{"mib", func(s *shareLimits, by int) { s.MiB = by }},
		{"connections", func(s *shareLimits, by int) { s.Connections = by }},
		{"strangers", func(s *shareLimits, by int) { s.Strangers = by }},
		{"refusals", func(s *shareLimits, by int) { s.Refusals = by }},
		{"floor", func(s *shareLimits, by int) { s.Floor = by }},
	} {
		for _, by := range []int{-1, 0, shareMax + 1} {
			bad := good
			w.spoil(&bad, by)
			if err := bad.check(); err == nil ||
				!strings.Contains(err.Error(), "--share-"+w.flag+" is from ") {
				t.Errorf("%s %d: %v", w.flag, by, err)
			}
			// The same by the flag, as serve has it.
			var line struct {
				Share shareLimits `embed:"" prefix:"share-"`
			}
			parser, err := kong.New(&line, ShareTexts())
			if err != nil {
				t.Fatal(err)
			}
			_, err = parser.Parse([]string{"--share-" + w.flag + "=" + strconv.Itoa(by)})
			if err != nil || line.Share.check() == nil {
				t.Errorf("--share-%s=%d: %v, %+v", w.flag, by, err, line.Share)
			}
		}
	}
}

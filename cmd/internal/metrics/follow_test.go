package metrics

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"cakupan/cmd/internal/access"
	"cakupan/cmd/internal/ledger"
	"cakupan/cmd/internal/lifetime"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/projections/coverage"
)

// told is a ledger and a register that say what they are told to.
type told struct {
	health   ledger.Health
	ready    ledger.Readiness
	failures access.Failures
	err      error
	status   ledger.Status
	measures ledger.Measures
	view     *coverage.View
}

func (t *told) Health(context.Context) ledger.Health                     { return t.health }
func (t *told) Ready(context.Context, temporal.Instant) ledger.Readiness { return t.ready }
func (t *told) Failures() access.Failures                                { return t.failures }
func (t *told) Status(context.Context) ledger.Status                     { return t.status }
func (t *told) Measures() ledger.Measures                                { return t.measures }
func (t *told) View(context.Context, eventstore.Sequence) (*coverage.View, error) {
	if t.view == nil {
		return nil, errors.New("there is none")
	}
	return t.view, nil
}
func (t *told) Err() error { return t.err }

// TestFollow asks anew at each reading, and says that all is well only when it is.
func TestFollow(t *testing.T) {
	of := &told{}
	m := New()
	m.Follow(of, of, time.Now)
	for _, c := range []struct {
		status  string
		err     error
		healthy int
	}{
		{ledger.HealthOK, nil, 1},
		{ledger.HealthOK, errors.New("the register is damaged"), 0},
		{"failed", nil, 0},
		{"", nil, 0},
		{ledger.HealthOK, nil, 1}, // healed
	} {
		of.health = ledger.Health{Status: c.status, Head: of.health.Head + 10}
		of.health.Projections = map[string]ledger.ProjectionHealth{
			"coverage": {Sequence: of.health.Head - 1}, "history": {Sequence: of.health.Head - 2},
		}
		of.health.Verified = map[string]ledger.Verified{
			"log": {Sequence: uint64(of.health.Head), At: time.Unix(1_700_000_000, 0)},
		}
		of.ready.Status = c.status
		of.failures.Unknown, of.failures.Wrong = of.failures.Unknown+1, 7
		of.failures.Throttled, of.failures.Revoked, of.failures.Unavailable = 3, 4, 5
		of.err = c.err
		got := read(t, m)
		for _, want := range []string{
			fmt.Sprintf("cakupan_healthy %d\n", c.healthy),
			fmt.Sprintf("cakupan_ready %d\n", map[bool]int{true: 1}[c.status == ledger.HealthOK]),
			fmt.Sprintf("cakupan_log_head_sequence %d\n", of.health.Head),
			fmt.Sprintf(`cakupan_projection_sequence{projection="coverage"} %d`, of.health.Head-1),
			fmt.Sprintf(`cakupan_projection_sequence{projection="history"} %d`, of.health.Head-2),
			fmt.Sprintf(`cakupan_failed_logins_total{reason="unknown"} %d`, of.failures.Unknown),
			fmt.Sprintf(`cakupan_verified_sequence{part="log"} %d`, of.health.Head),
			`cakupan_verified_timestamp_seconds{part="log"} 1.7e+09`,
			`cakupan_failed_logins_total{reason="wrong_secret"} 7`,
			`cakupan_failed_logins_total{reason="throttled"} 3`,
			`cakupan_failed_logins_total{reason="revoked"} 4`,
			`cakupan_failed_logins_total{reason="register_unavailable"} 5`,
			"# TYPE cakupan_failed_logins_total counter", "# TYPE cakupan_healthy gauge",
		} {
			if !strings.Contains(got, want) {
				t.Errorf("%+v: %q is missing", c, want)
			}
		}
	}
}

// TestFollowBeside tells of streams and of what is beside the log; what there is not is no 0.
func TestFollowBeside(t *testing.T) {
	free := uint64(4096)
	of := &told{
		status: ledger.Status{
			Intake:  ledger.IntakeStatus{Waiting: 3, Refused: 2, Removed: ledger.RemovedStatus{ForRoom: 8, ForAge: 9}},
			Streams: []ledger.StreamStatus{{Name: "CAKUPAN", Replicas: 3, Current: 2, Lacking: 1, Bytes: 77}},
		},
		measures: ledger.Measures{
			Vault: 11, Register: 12, FreeBytes: &free, LostKeys: 2,
			Certificates: []lifetime.Certificate{
				{Of: "https", Until: time.Unix(1_700_000_000, 0)},
				{Of: "n1:4222", Until: time.Unix(1_800_000_000, 0)},
			},
		},
	}
	m := New()
	m.Follow(of, of, time.Now)
	m.Stored(1_000, time.Second)
	leave := m.Watch()
	m.Watch()
	leave()
	m.Watched(9)
	m.Watched(5)
	got := read(t, m)
	for _, want := range []string{
		`cakupan_refused_removed_total{reason="room"} 8`,
		`cakupan_refused_removed_total{reason="age"} 9`,
		`cakupan_intake_packs{state="waiting"} 3`, `cakupan_intake_packs{state="refused"} 2`,
		`cakupan_stream_replicas{stream="CAKUPAN"} 3`, `cakupan_stream_bytes{stream="CAKUPAN"} 77`,
		`cakupan_stream_replicas_current{stream="CAKUPAN"} 2`,
		`cakupan_stream_copies_lacking{stream="CAKUPAN"} 1`,
		`cakupan_certificate_end_timestamp_seconds{of="https"} 1.7e+09`,
		`cakupan_certificate_end_timestamp_seconds{of="n1:4222"} 1.8e+09`,
		"cakupan_vault_records 11\n", "cakupan_register_records 12\n",
		"cakupan_disk_free_bytes 4096\n", "cakupan_keys_lost 2\n", `cakupan_watchers{by="events"} 1`, `cakupan_watchers{by="bucket"} 5`,
		"cakupan_frame_seconds_sum 1\n", `cakupan_frame_bytes_bucket{le="1024"} 1`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing", want)
		}
	}
	if strings.Contains(got, "cakupan_coverage_covered{") {
		t.Error("there are figures of a coverage that does not answer")
	}
	of.measures.FreeBytes = nil
	if strings.Contains(read(t, m), "cakupan_disk_free_bytes ") {
		t.Error("a cluster's ledger tells of a disk")
	}
}

// TestClasses gives every status a class of a fixed list: no status that a handler thinks up makes
// a label of its own.
func TestClasses(t *testing.T) {
	m := New()
	for status := -1; status < 1000; status++ {
		m.Begin()
		m.End("route", status)
	}
	got := read(t, m)
	if n := strings.Count(got, "cakupan_http_requests_total{"); n != 6 {
		t.Errorf("%d classes:\n%s", n, got)
	}
	for class, count := range map[string]int{
		"none": 501, "1xx": 100, "2xx": 100, "3xx": 100, "4xx": 100, "5xx": 100,
	} {
		want := fmt.Sprintf(`cakupan_http_requests_total{class=%q,route="route"} %d`, class, count)
		if !strings.Contains(got, want) {
			t.Errorf("%s is missing", want)
		}
	}
	if !strings.Contains(got, "cakupan_http_requests_in_work 0\n") {
		t.Error("a request is still in work")
	}
}

// TestFiguresAreApart: two ledgers in one process count each for itself.
func TestFiguresAreApart(t *testing.T) {
	one, two := New(), New()
	one.End("route", 200)
	if got := read(t, two); strings.Contains(got, `route="route"`) {
		t.Error("one ledger's requests are the other's")
	}
}

package members

import (
	"strings"
	"testing"
	"time"

	"cakupan/cmd/internal/access"
	"cakupan/cmd/internal/access/register"
	"cakupan/cmd/internal/cli"
	"cakupan/cmd/internal/problem"
	"cakupan/domain/event"
)

// at returns a moment of 2026.
func at(day int) time.Time { return time.Date(2026, 11, day, 4, 0, 0, 0, time.UTC) }

// TestExpires: a date ends with its last moment in Makassar, a time is cut to the second, and what
// is neither is refused.
func TestExpires(t *testing.T) {
	for text, want := range map[string]time.Time{
		"":                               {},
		"2027-12-31":                     time.Date(2027, 12, 31, 16, 0, 0, 0, time.UTC),
		"2027-12-31T12:00:00+08:00":      time.Date(2027, 12, 31, 4, 0, 0, 0, time.UTC),
		"2027-12-31T04:00:00.999999999Z": time.Date(2027, 12, 31, 4, 0, 0, 0, time.UTC),
	} {
		if got, err := (expiryFlag{text}).moment(); err != nil || !got.Equal(want) {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	for _, wrong := range []string{"never", "2027-13-01", "2027-12-31 12:00", "31-12-2027"} {
		if got, err := (expiryFlag{wrong}).moment(); problem.From(err).Code != problem.UsageWrong {
			t.Errorf("%q: %v, %v", wrong, got, err)
		}
	}
}

// TestState says the worst that is so of a member, and dashes for what has not happened.
func TestState(t *testing.T) {
	for want, m := range map[string]register.Member{
		"active":                                {},
		"active until 2026-11-20 12:00:00 WITA": {ExpiresAt: at(20)},
		"expired 2026-11-05 12:00:00 WITA":      {ExpiresAt: at(5)},
		"revoked 2026-11-07 12:00:00 WITA":      {ExpiresAt: at(5), RevokedAt: at(7)},
	} {
		line := lineOf(&m, at(10))
		if got := line.state(); got != want || line.lastUse() != "–" {
			t.Errorf("%q, want %q; %q", got, want, line.lastUse())
		}
	}
	old := lineOf(&register.Member{CreatedAt: at(1), UsedAt: at(2)}, at(10))
	young := lineOf(&register.Member{CreatedAt: at(1), RotatedAt: at(3)}, at(10))
	if old.secretSince() != "2026-11-01T04:00:00Z" || young.secretSince() != "2026-11-03T04:00:00Z" ||
		old.lastUse() != "2026-11-02" {
		t.Errorf("%q, %q, %q", old.secretSince(), young.secretSince(), old.lastUse())
	}
}

// TestHistoryLines: a change of several members is a line each, of others none; a change without
// members is of the one it names, and what it gave is said.
func TestHistoryLines(t *testing.T) {
	of := []register.Member{{Name: "a", Role: register.Publisher}, {Name: "b", Role: register.Publisher}}
	both := linesOf(&access.Entry{Number: 7, Change: register.Change{
		At: at(1), By: "root", Kind: register.Added, Members: []register.Member{
			{Name: "a", Sources: []string{"urn:a"}, Types: []event.Type{event.TargetSet}, ExpiresAt: at(5)},
			{Name: "reader"},
			{Name: "b"},
		},
	}}, of)
	if len(both) != 2 || both[0].Name != "a" || both[1].Name != "b" || both[0].Number != 7 ||
		both[0].Role != register.Publisher {
		t.Fatalf("%+v", both)
	}
	for _, want := range []string{"sources urn:a", "types ", "secret until 2026-11-05"} {
		if !strings.Contains(both[0].what, want) {
			t.Errorf("%q is not in %q", want, both[0].what)
		}
	}
	gone := linesOf(&access.Entry{Change: register.Change{Kind: register.Revoked, Name: "b"}}, of)
	if len(gone) != 1 || gone[0].what != "nothing" {
		t.Errorf("%+v", gone)
	}
	if none := linesOf(&access.Entry{Change: register.Change{Kind: register.Revoked, Name: "c"}}, of); none != nil {
		t.Errorf("%+v", none)
	}
}

// TestUsage: nobody is registered over the network, and a change of nothing is refused; no folder
// is made for either.
func TestUsage(t *testing.T) {
	server := &cli.Where{Server: "http://127.0.0.1:1"}
	folder := &cli.Where{Data: t.TempDir() + "/none"}
	out := &cli.Console{Stdout: &strings.Builder{}, Stderr: &strings.Builder{}, Now: time.Now}
	add := &publisherAdd{
		Name: "a", Source: []string{"urn:a"}, Regions: []string{"75"}, Types: []string{"all"},
	}
	for i, err := range []error{
		add.Run(t.Context(), server, out),
		(&readerAdd{Name: "a", Role: "auditor"}).Run(t.Context(), server, out),
		(&stewardAdd{Name: "a", Regions: []string{"ID"}}).Run(t.Context(), server, out),
		(&publisherList{}).Run(t.Context(), server, out),
		(&publisherChange{}).Run(t.Context(), folder, out),
		(&readerAdd{expiryFlag: expiryFlag{"soon"}}).Run(t.Context(), folder, out),
	} {
		if problem.From(err).Code != problem.UsageWrong {
			t.Errorf("%d: %v", i, err)
		}
	}
	if err := (&readerList{}).Run(t.Context(), folder, out); problem.Exit(err) != problem.ExitNotFound {
		t.Errorf("a folder that is not there: %v", err)
	}
}

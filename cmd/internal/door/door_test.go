package door

import (
	"errors"
	"log/slog"
	"strings"
	"testing"

	"cakupan/cmd/internal/access"
	"cakupan/cmd/internal/access/register"
	"cakupan/cmd/internal/httpapi"
	"cakupan/cmd/internal/ledger"
	"cakupan/cmd/internal/problem"
	"cakupan/domain/event"
	"cakupan/domain/region"
)

// registered returns the register of a ledger with these members, and their secrets.
func registered(t *testing.T, members ...register.Member) (Guard, []string) {
	t.Helper()
	l, err := ledger.Open(t.Context(), ledger.Options{Dir: t.TempDir(), Create: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	r := l.Register()
	var secrets []string
	for _, m := range members {
		secret, err := r.Add(t.Context(), "root", m)
		if err != nil {
			t.Fatal(err)
		}
		secrets = append(secrets, secret)
	}
	return Guard{r}, secrets
}

// office is a publisher.
var office = register.Member{
	Name: "office", Role: register.Publisher, Sources: []string{"urn:office"},
	Regions: []region.Code{75}, Types: []event.Type{event.EnrolmentOpened},
}

// TestIsLoopback: whatever is not certainly this machine alone is open to strangers.
func TestIsLoopback(t *testing.T) {
	for address, want := range map[string]bool{
		"127.0.0.1:7070": true, "127.8.8.8:1": true, "[::1]:7070": true, "localhost:7070": true,
		"[::ffff:127.0.0.1]:1": true, "127.0.0.1:": true,
		":7070": false, "0.0.0.0:7070": false, "[::]:7070": false, "10.0.0.1:1": false,
		"localhost.example:1": false, "LOCALHOST.:1": false, "127.0.0.1": false, "::1": false,
		"": false, "[::1%lo]:1": true,
	} {
		if got := IsLoopback(address); got != want {
			t.Errorf("%q: %t, want %t", address, got, want)
		}
	}
}

// TestCheck goes through all doors there are: who may come, whether anybody is registered, and who
// does TLS.
func TestCheck(t *testing.T) {
	empty, _ := registered(t)
	guarded, _ := registered(t, office)
	files := newFiles(t)
	withTLS, err := ServerTLS(files.cert, files.key, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	for _, address := range []string{"127.0.0.1:1", ":1"} {
		for _, guard := range []Guard{empty, guarded} {
			for _, door := range []Door{
				{Address: address, Guard: guard},
				{Address: address, Guard: guard, Behind: true},
				{Address: address, Guard: guard, TLS: withTLS},
			} {
				want := ""
				switch {
				case address == "127.0.0.1:1":
				case !guard.Guarded():
					want = "register who may"
				case door.TLS == nil && !door.Behind:
					want = "secrets could be overheard"
				}
				err := door.Check()
				if (err == nil) != (want == "") ||
					err != nil && !strings.Contains(err.Error(), want) {
					t.Errorf("%s, guarded %t, TLS %t, behind %t: %v, want %q", address,
						guard.Guarded(), door.TLS != nil, door.Behind, err, want)
				}
				if err != nil && problem.From(err).Code != problem.UsageWrong {
					t.Errorf("%v", err)
				}
				if said := door.Words() != ""; said == guard.Guarded() {
					t.Errorf("says %q, guarded %t", door.Words(), guard.Guarded())
				}
			}
		}
	}
}

// TestLogin gives every role of the register its role at the routes, and ends with the member.
func TestLogin(t *testing.T) {
	roles := map[register.Role]httpapi.Role{
		register.Publisher: httpapi.Publisher, register.Auditor: httpapi.Auditor,
		register.Dashboard: httpapi.Dashboard, register.Steward: httpapi.Steward,
		register.Operator: httpapi.Operator,
	}
	for role, want := range roles {
		e := office
		if role != register.Publisher {
			e = register.Member{Name: "office", Role: role}
		}
		if role == register.Steward {
			e.Regions = office.Regions
		}
		guard, secrets := registered(t, e)
		m, err := guard.Login("office", secrets[0], "192.0.2.1:9")
		if err != nil || m.Name != "office" || m.Role != want || !m.Current() ||
			(m.Scope != nil) != (role == register.Publisher) {
			t.Errorf("%s: %+v, %v", role, m, err)
		}
		if nobody, err := guard.Login("office", secrets[0]+"x", ""); err == nil ||
			!errors.Is(err, access.ErrUnknown) || nobody.Name != "" || nobody.Role != 0 {
			t.Errorf("%s with a wrong secret: %+v, %v", role, nobody, err)
		}
		if err := guard.Revoke(t.Context(), "root", "office", role); err != nil {
			t.Fatal(err)
		}
		if m.Current() {
			t.Errorf("%s: a revoked member is still current", role)
		}
	}
}

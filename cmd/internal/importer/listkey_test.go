package importer

import (
	"bytes"
	"context"
	"fmt"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"cakupan/cmd/internal/access/register"
	"cakupan/cmd/internal/client"
	"cakupan/cmd/internal/excerpt"
	"cakupan/cmd/internal/httpapi"
	"cakupan/cmd/internal/intake"
	"cakupan/cmd/internal/ledger"
	"cakupan/cmd/internal/lists"
	"cakupan/cmd/internal/lists/named"
	"cakupan/cmd/internal/nobody"
	"cakupan/domain/event"
	"cakupan/domain/region"
)

// office is the source of the lists.
const office = "urn:office:7503"

// member is a publisher or auditor of the register, who asks a server.
func member(t *testing.T, l *ledger.Ledger, name, source string) *client.Client {
	t.Helper()
	_, err := l.Register().Add(t.Context(), "test", publisher(name, source))
	if err != nil {
		t.Fatal(err)
	}
	return login(t, l, name)
}

func publisher(name, source string) register.Member {
	nation := region.Nation
	return register.Member{
		Name: name, Role: register.Publisher, Sources: []string{source},
		Regions: []region.Code{nation}, Types: event.Types(),
	}
}

// trusting lets one publisher in, whoever asks: how he logs in is tested elsewhere.
type trusting struct {
	httpapi.Access
	l    *ledger.Ledger
	name string
}

func (a trusting) Guarded() bool { return true }

func (a trusting) Login(string, string, string) (httpapi.Member, error) {
	scope, err := a.l.Register().Scope(a.name)
	return httpapi.Member{
		Name: a.name, Role: httpapi.Publisher, Scope: scope, Current: func() bool { return true },
	}, err
}

func login(t *testing.T, l *ledger.Ledger, name string) *client.Client {
	t.Helper()
	api := httpapi.New(l, httpapi.Config{Access: trusting{l: l, name: name}})
	server := httptest.NewServer(api)
	t.Cleanup(server.Close)
	return client.Within(api, "Bearer x")
}

// listOf is a list of people who have no numbers of enrolments.
func listOf(from, until int) string {
	var b strings.Builder
	b.WriteString("List;L-1\n\nNIK;Region;Segment;Category;Programmes;Payer;From\n")
	for i := from; i < until; i++ {
		fmt.Fprintf(&b, "%s;75.03;BPU;VULNERABLE;JKK, JKM;Worker;2021-01-01\n", nobody.NIK(i))
	}
	return b.String()
}

// send imports a list under the office's source.
func send(t *testing.T, to *client.Client, list string, dry bool) Summary {
	t.Helper()
	l := &Import{
		From: to, Options: intake.Options{DryRun: dry}, Tally: NewTally((&told{}).teller(), nil),
		Lists: lists.Options{Source: office},
	}
	if err := l.Files(t.Context(), []string{file(t, "a.csv", list)}); err != nil {
		t.Fatal(err)
	}
	return l.Tally.Summary
}

// expectSent compares how many rows were new and known.
func expectSent(t *testing.T, what string, s Summary, appended, known uint64) {
	t.Helper()
	if s.Appended != appended || s.Duplicates != known || s.Refused != 0 {
		t.Errorf("%s: %d new, %d known, %d refused; want %d, %d", what, s.Appended, s.Duplicates,
			s.Refused, appended, known)
	}
}

// keyOf is the key of lists of somebody.
func keyOf(t *testing.T, c *client.Client, source string) named.Key {
	t.Helper()
	key, _, err := c.ListKey(t.Context(), source, false)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// TestKeysOfMembers sends the same lists before anybody was registered, by a publisher, after his
// secret was changed, and by who comes after him: what was there is known as long as he is there,
// by every way, and to nobody after he was revoked.
func TestKeysOfMembers(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	open := func() *ledger.Ledger {
		l, err := ledger.Open(t.Context(), ledger.Options{Dir: dir, Create: true})
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	l := open()
	near := client.Open(l, httpapi.Config{})
	expectSent(t, "before", send(t, near, listOf(1, 20), false), 19, 0)
	own := keyOf(t, near, office)

	one := member(t, l, "one", office)
	expectSent(t, "a dry run", send(t, one, listOf(1, 25), true), 5, 19)
	expectSent(t, "registered", send(t, one, listOf(1, 30), false), 10, 19)
	expectSent(t, "by the operator", send(t, near, listOf(1, 30), false), 0, 29)
	ends := "List;L-2\n\nNIK;Last Day;Reason\n" + nobody.NIK(3) + ";2021-06-30;RESIGNED\n" +
		nobody.NIK(25) + ";2021-06-30;RESIGNED\n"
	expectSent(t, "ends", send(t, one, ends, false), 2, 0)
	first := keyOf(t, one, office)
	other := member(t, l, "other", "urn:office:7504")
	if k := keyOf(t, other, "urn:office:7504"); k == first || k == own || first == own {
		t.Error("two have the same key of lists")
	}
	if _, _, err := other.ListKey(t.Context(), office, false); err == nil {
		t.Error("another's key of lists is told")
	}
	if _, _, err := one.ListKey(t.Context(), "", false); err == nil {
		t.Error("a program that knows one key only gets one")
	}

	_, err := l.Register().Rotate(t.Context(), "test", "one", time.Time{}, register.Publisher)
	if err != nil {
		t.Fatal(err)
	}
	if keyOf(t, one, office) == first {
		t.Error("the key of lists is not rotated with the secret")
	}
	expectSent(t, "rotated", send(t, one, listOf(1, 40), false), 10, 29)
	expectSent(t, "rotated, ends", send(t, one, ends, false), 0, 2)
	// It is all there after a start, too.
	if err := near.Close(); err != nil {
		t.Fatal(err)
	}
	l = open()
	near, one = client.Open(l, httpapi.Config{}), login(t, l, "one")
	expectSent(t, "opened again", send(t, one, listOf(1, 40), false), 0, 39)

	if err := l.Register().Revoke(t.Context(), "test", "one", register.Publisher); err != nil {
		t.Fatal(err)
	}
	if err := l.EndListKeys(t.Context()); err != nil {
		t.Fatal(err)
	}
	two := member(t, l, "two", office)
	// What was made with the ledger's own key is still known, what was made with his is not.
	expectSent(t, "another one", send(t, two, listOf(1, 40), false), 20, 19)
	expectSent(t, "again", send(t, two, listOf(1, 40), false), 0, 39)
	if err := near.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestOthersPeople asks by a publisher's own key about everybody: he is told of his own source
// alone, also of people whom somebody else has reported by the ledger's key.
func TestOthersPeople(t *testing.T) {
	l, err := ledger.Open(t.Context(), ledger.Options{
		Dir: filepath.Join(t.TempDir(), "data"), Create: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	near := client.Open(l, httpapi.Config{})
	defer near.Close()
	expectSent(t, "before", send(t, near, listOf(1, 5), false), 4, 0)
	other := member(t, l, "other", "urn:office:7504")
	list := strings.Replace(listOf(1, 5), "L-1", "L-1\nSource;urn:office:7504", 1)
	n := &Import{From: other, Tally: NewTally((&told{}).teller(), nil)}
	if err := n.Files(t.Context(), []string{file(t, "a.csv", list)}); err != nil {
		t.Fatal(err)
	}
	expectSent(t, "another's", n.Tally.Summary, 4, 0)
	var names []string
	err = l.Events(context.Background(), excerpt.Filter{From: 1}, func(line []byte) error {
		_, rest, _ := bytes.Cut(line, []byte(`"enrolment":"`))
		name, _, _ := bytes.Cut(rest, []byte(`"`))
		names = append(names, string(name))
		return nil
	})
	if err != nil || len(names) != 8 {
		t.Fatalf("%v, %v", names, err)
	}
	for i := range 4 {
		if names[i] == names[i+4] || !strings.HasPrefix(names[i+4], "nik-") {
			t.Errorf("the same name for both: %s", names[i])
		}
	}
}

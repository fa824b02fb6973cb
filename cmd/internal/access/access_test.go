package access

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"go.uber.org/goleak"

	"cakupan/cmd/internal/access/register"
	"cakupan/cmd/internal/nobody"
	"cakupan/cmd/internal/problem"
	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/eventstore"
	"cakupan/eventstore/natsd"
	"cakupan/eventstore/packs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	here = "127.0.0.1:4711"
	by   = "root"
)

// home is where a register is kept: a server of its own, and a folder.
type home struct {
	t        *testing.T
	dir      string
	server   *natsd.Server
	conn     *nats.Conn
	identity eventstore.Identity
	began    time.Time
	ahead    atomic.Int64 // how far the clock is after it: it stands unless a test moves it
	log      nobody.Buffer
	out      atomic.Bool // the stream cannot be reached
}

// newHome makes a home for a new register.
func newHome(t *testing.T) *home {
	t.Helper()
	h := &home{t: t, dir: t.TempDir(), began: time.Now(), identity: eventstore.Identity{
		Ledger: strings.Repeat("ab", 16), Created: 7,
	}}
	h.start()
	t.Cleanup(h.stop)
	return h
}

func (h *home) start() {
	h.t.Helper()
	server, err := natsd.Start(natsd.Options{StoreDir: filepath.Join(h.dir, "nats")})
	if err != nil {
		h.t.Fatal(err)
	}
	if h.conn, err = server.Connect(); err != nil {
		h.t.Fatal(err)
	}
	h.server = server
}

func (h *home) stop() {
	if h.server == nil {
		return
	}
	h.conn.Close()
	if err := h.server.Shutdown(); err != nil {
		h.t.Error(err)
	}
	h.server = nil
}

func (h *home) now() time.Time { return h.began.Add(time.Duration(h.ahead.Load())) }

func (h *home) path(name string) string { return filepath.Join(h.dir, name) }

// options are those of a ledger that keeps its notes in the folder of a name.
func (h *home) options(name string) Options {
	stream := packs.Options{Stream: "REGISTER", Subject: "register"}
	return Options{
		Stream: func(ctx context.Context, create bool) (*packs.Stream, error) {
			if h.out.Load() {
				return nil, eventstore.ErrClosed
			}
			s, err := packs.Open(ctx, h.conn, stream)
			if errors.Is(err, packs.ErrNoStream) && !create {
				return nil, nil
			}
			if errors.Is(err, packs.ErrNoStream) {
				s, err = packs.Create(ctx, h.conn, stream, h.identity)
			}
			if errors.Is(err, eventstore.ErrExists) {
				s, err = packs.Open(ctx, h.conn, stream)
			}
			return s, err
		},
		Seen: h.path(name + ".json"), Ledger: h.identity.Ledger, Now: h.now,
		Log: slog.New(slog.NewTextHandler(&h.log, nil)),
	}
}

// open opens the register as a ledger of a name.
func (h *home) open(name string) *Registry {
	h.t.Helper()
	r, err := Open(h.t.Context(), h.options(name))
	if err != nil {
		h.t.Fatal(err)
	}
	return r
}

// follow has a register follow its stream until the test ends.
func (h *home) follow(r *Registry) {
	ctx, stop := context.WithCancel(h.t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		r.Follow(ctx)
	}()
	h.t.Cleanup(func() { stop(); <-ended })
}

// await waits until something is so.
func await(t *testing.T, what string, is func() bool) {
	t.Helper()
	for range 6000 { // a minute
		if is() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("not within a minute: %s", what)
}

// newRegister returns an empty register in a home of its own.
func newRegister(t *testing.T) *Registry {
	t.Helper()
	return newHome(t).open("a")
}

func office(name string) register.Member {
	return register.Member{
		Name: name, Role: register.Publisher, Sources: []string{"urn:" + name},
		Regions: []region.Code{75}, Types: []event.Type{event.TargetSet, event.EnrolmentOpened},
	}
}

func mustAdd(t *testing.T, r *Registry, m register.Member) (secret string) {
	t.Helper()
	secret, err := r.Add(t.Context(), by, m)
	if err != nil {
		t.Fatal(err)
	}
	return secret
}

// login fails the test unless a login ends with the error.
func login(t *testing.T, r *Registry, name, secret string, want error) Member {
	t.Helper()
	m, err := r.Authenticate(name, secret, here)
	if !errors.Is(err, want) || want == nil && err != nil {
		t.Errorf("login of %q: %v, want %v", name, err, want)
	}
	return m
}

func wantCode(t *testing.T, err error, want problem.Code) {
	t.Helper()
	if got := problem.From(err); got == nil || got.Code != want || got.Detail == "" {
		t.Errorf("%v, want %s", err, want)
	}
}

// TestLife follows a publisher from its registration to its end, in the register that made it, in
// another ledger's that follows, and in one opened later.
func TestLife(t *testing.T) {
	h := newHome(t)
	r, other := h.open("a"), h.open("b")
	h.follow(other)
	same := func() { await(t, "the other ledger knows", func() bool { return other.Number() == r.Number() }) }
	if r.Guarded() || other.Guarded() {
		t.Error("an empty register guards")
	}
	first := mustAdd(t, r, office("dinas"))
	auditor := mustAdd(t, other, register.Member{Name: "bpk", Role: register.Auditor})
	if _, err := r.Add(t.Context(), by, office("bpk")); err == nil { // it catches up before it decides
		t.Error("a name is given twice")
	}
	same()
	for _, r := range []*Registry{r, other, h.open("c")} {
		if !r.Guarded() {
			t.Error("a register with members does not guard")
		}
		m := login(t, r, "dinas", first, nil)
		if m.Name != "dinas" || m.Role != register.Publisher || !r.Current(m) ||
			fmt.Sprint(*m.Scope) != "{dinas [urn:dinas] [75] [id.cakupan.enrolment.opened.v1 id.cakupan.target.set.v1]}" {
			t.Errorf("%+v %+v", m, m.Scope)
		}
		if m := login(t, r, "", first, nil); m.Name != "dinas" {
			t.Errorf("%+v", m)
		}
		if m := login(t, r, "bpk", auditor, nil); m.Role != register.Auditor || m.Scope != nil {
			t.Errorf("%+v", m)
		}
		login(t, r, "bpk", first, ErrUnknown) // another's secret
		login(t, r, "dinas", "", ErrUnknown)
		login(t, r, "", "", ErrUnknown)
		login(t, r, "dinas", strings.ToUpper(first), ErrUnknown)
	}
	old := login(t, other, "dinas", first, nil)
	second, err := r.Rotate(t.Context(), by, "dinas", time.Time{}, register.Publisher)
	if err != nil || second == first {
		t.Fatal(err)
	}
	login(t, r, "", first, ErrUnknown)
	same()
	login(t, other, "", first, ErrUnknown)
	now := login(t, other, "", second, nil)
	if other.Current(old) || !other.Current(now) {
		t.Error("a rotated secret counts")
	}
	if err := r.Change(t.Context(), by, "dinas", NewScope{Regions: []region.Code{7503}}, register.Publisher); err != nil {
		t.Fatal(err)
	}
	same()
	narrow := login(t, other, "", second, nil)
	if other.Current(now) || !other.Current(narrow) || narrow.Scope.Regions[0] != 7503 || len(narrow.Scope.Types) != 2 {
		t.Errorf("the scope of before counts: %+v", narrow.Scope)
	}
	if err := r.Revoke(t.Context(), by, "dinas", register.Publisher); err != nil {
		t.Fatal(err)
	}
	login(t, r, "dinas", second, ErrUnknown) // at once
	same()
	login(t, other, "", second, ErrUnknown)
	if other.Current(narrow) {
		t.Error("a revoked member counts")
	}
	if f := other.Failures(); f.Revoked != 1 || f.Wrong == 0 || f.Unknown == 0 || f.Throttled != 0 {
		t.Errorf("%+v", f)
	}
	if err := r.Revoke(t.Context(), by, "bpk", register.Auditor, register.Dashboard); err != nil || !r.Guarded() || !h.open("d").Guarded() {
		t.Errorf("revoking the last member opens the ledger: %v", err)
	}
	history, err := r.History(t.Context())
	var kinds []string
	for _, e := range history {
		kinds = append(kinds, fmt.Sprintf("%d %s by %s", e.Number, e.Kind, e.By))
	}
	want := "[1 added by root 2 added by root 3 rotated by root 4 changed by root 5 revoked by root 6 revoked by root]"
	if err != nil || fmt.Sprint(kinds) != want {
		t.Errorf("%v, %v", kinds, err)
	}
	if log := string(h.log.Bytes()); strings.Count(log, `msg="register was changed" change=revoked name=dinas by=root number=5`) != 2 ||
		!strings.Contains(log, "msg=login name=dinas role=publisher network=127.0.0.1/32") || strings.Contains(log, second[4:]) {
		t.Errorf("the operator's log: %s", log)
	}
}

// TestRefusedChanges asks for what cannot be; the register stays as it was.
func TestRefusedChanges(t *testing.T) {
	r := newRegister(t)
	mustAdd(t, r, office("dinas"))
	mustAdd(t, r, office("gone"))
	if err := r.Revoke(t.Context(), by, "gone", register.Publisher); err != nil {
		t.Fatal(err)
	}
	with := func(change func(*register.Member)) register.Member {
		e := office("new")
		change(&e)
		return e
	}
	sources := func(all ...string) register.Member { return with(func(m *register.Member) { m.Sources = all }) }
	for _, c := range []struct {
		member register.Member
		words  string
	}{
		{office("dinas"), "rotate it"},
		{office("gone"), "events keep the name"},
		{office("Upper"), "a-z"},
		{office("-x"), "a-z"},
		{office(""), "1 to 32"},
		{office("7503010101909999"), "NIK"},
		{with(func(e *register.Member) { e.Role = "admin" }), "a role is"},
		{with(func(e *register.Member) { e.Role = register.Auditor }), "only a publisher"},
		{with(func(e *register.Member) { e.Role = register.Steward }), "a steward has regions"},
		{register.Member{Name: "s", Role: register.Steward}, "a steward has regions"},
		{with(func(e *register.Member) { e.Sources = nil }), "one or more"},
		{with(func(e *register.Member) { e.Regions = nil }), "one or more"},
		{with(func(e *register.Member) { e.Types = nil }), "one or more"},
		{with(func(e *register.Member) { e.ExpiresAt = time.Unix(1, 0).UTC() }), "worth nothing now"},
		{sources(""), "beginning of a URI"},
		{sources("urn:a b"), "beginning of a URI"},
		{sources("urn:a", "urn:a"), "twice"},
		{sources("urn:7503010101909999"), "NIK"},
		{sources(make([]string, 65)...), "twice"},
		{sources("urn:x", "urn:dinas:75"), "overlaps with urn:dinas, which is dinas's"},
		{sources("urn:"), "overlaps with urn:dinas"},
		{sources("URN:dinas"), "overlaps with urn:dinas"},
		{sources("URN:DINAS:a"), "overlaps with urn:dinas"},
		{sources("https://a.id/x/../y"), ". or .."},
		{sources("https://a.id:443/x"), "port"},
		{sources("urn:Cakupan:ledger:x"), "for the ledger itself"},
	} {
		_, err := r.Add(t.Context(), by, c.member)
		wantCode(t, err, problem.UsageWrong)
		if err == nil || !strings.Contains(err.Error(), c.words) || strings.Contains(err.Error(), "7503010101909999") {
			t.Errorf("%+v: %v, want %q", c.member, err, c.words)
		}
	}
	_, err := r.Rotate(t.Context(), by, "nobody", time.Time{}, register.Publisher)
	wantCode(t, err, problem.NotFound)
	_, err = r.Rotate(t.Context(), by, "dinas", time.Time{}, register.Auditor)
	wantCode(t, err, problem.NotFound)
	wantCode(t, r.Revoke(t.Context(), by, "gone", register.Publisher), problem.UsageWrong)
	wantCode(t, r.Change(t.Context(), by, "dinas", NewScope{Sources: []string{"x y"}}, register.Publisher), problem.UsageWrong)
	if r.Number() != 3 {
		t.Errorf("the register has changed: %d", r.Number())
	}
	// What a revoked publisher had, and what is beside another's, is free.
	for i, source := range []string{"urn:gone:75", "urn:dinas-75", "https://a.id", "https://a.id:8443/"} {
		m := office(fmt.Sprintf("free-%d", i))
		m.Sources = []string{source}
		mustAdd(t, r, m)
	}
}

// TestConcurrentChanges changes the register from two ledgers and many at once: none loses another's
// change, and who reads meanwhile never sees half of one.
func TestConcurrentChanges(t *testing.T) {
	h := newHome(t)
	const writers, each = 4, 4
	ledgers := []*Registry{h.open("a"), h.open("b")}
	reader := h.open("c")
	h.follow(reader)
	secrets := make([][]string, writers)
	var writing sync.WaitGroup
	for w := range writers {
		writing.Go(func() {
			r := ledgers[w%2]
			for i := range each {
				name := fmt.Sprintf("p-%d-%d", w, i)
				_, err := r.Add(t.Context(), by, office(name))
				secret, err2 := r.Rotate(t.Context(), by, name, time.Time{}, register.Publisher)
				if err := errors.Join(err, err2); err != nil {
					t.Error(err)
				}
				secrets[w] = append(secrets[w], secret)
			}
		})
	}
	writing.Wait()
	await(t, "the reader has all", func() bool { return reader.Number() == 2*writers*each })
	if err := reader.Err(); err != nil {
		t.Error(err)
	}
	for w := range writers {
		for i := range each {
			if m := login(t, reader, "", secrets[w][i], nil); m.Name != fmt.Sprintf("p-%d-%d", w, i) {
				t.Errorf("%d %d: %+v", w, i, m)
			}
		}
	}
}

// TestExpiry lets a secret expire: it counts until then, and whoever holds a connection is told.
func TestExpiry(t *testing.T) {
	h := newHome(t)
	r := h.open("a")
	m := office("dinas")
	m.ExpiresAt = h.now().Add(time.Hour).UTC().Truncate(time.Second)
	secret := mustAdd(t, r, m)
	ctx, stop := context.WithCancel(t.Context())
	told, ended := make(chan struct{}, 9), make(chan struct{})
	go func() {
		defer close(ended)
		r.Watch(ctx, func() { told <- struct{}{} })
	}()
	in := login(t, r, "dinas", secret, nil)
	h.ahead.Store(int64(time.Hour + time.Second))
	login(t, r, "dinas", secret, ErrUnknown)
	if r.Current(in) || r.Failures().Expired != 1 || !r.Guarded() {
		t.Errorf("an expired secret counts: %+v", r.Failures())
	}
	// Watch may take its first look only after a change: it is told of a later one.
	second := ""
	for waited := 0; len(told) == 0; waited++ {
		if waited%100 == 0 {
			var err error
			until := h.now().Add(time.Hour).UTC().Truncate(time.Second)
			if second, err = r.Rotate(t.Context(), by, "dinas", until, register.Publisher); err != nil || waited > 6000 {
				t.Fatal("nobody was told for a minute", err)
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
	in = login(t, r, "", second, nil)
	h.ahead.Store(int64(3 * time.Hour))
	if r.Current(in) {
		t.Error("it is current")
	}
	before := r.glance()
	await(t, "that it has expired", func() bool {
		for len(told) > 0 {
			<-told
			if g := r.glance(); g == before && g.expired == 1 {
				return true
			}
		}
		return false
	})
	stop()
	<-ended
}

// TestUses notes who has logged in: once a day, in the stream, where another ledger finds it.
func TestUses(t *testing.T) {
	h := newHome(t)
	r := h.open("a")
	secret := mustAdd(t, r, office("dinas"))
	mustAdd(t, r, office("silent"))
	used := func(r *Registry, name string) time.Time {
		members, err := r.Members()
		if err != nil {
			t.Fatal(err)
		}
		at := slices.IndexFunc(members, func(m register.Member) bool { return m.Name == name })
		return members[at].UsedAt
	}
	for range 3 {
		login(t, r, "", secret, nil)
	}
	if used(r, "dinas").IsZero() || !used(r, "silent").IsZero() {
		t.Error("a login is not seen before it is noted")
	}
	r.NoteUses(t.Context())
	login(t, r, "", secret, nil)
	r.NoteUses(t.Context())
	if r.Number() != 3 {
		t.Errorf("%d changes: noted more than once", r.Number())
	}
	first := used(h.open("b"), "dinas")
	if first.IsZero() || !used(h.open("b"), "silent").IsZero() {
		t.Error("it is not in the stream")
	}
	h.ahead.Store(int64(25 * time.Hour))
	login(t, r, "", secret, nil)
	r.NoteUses(t.Context())
	if later := used(h.open("b"), "dinas"); !later.After(first) || r.Number() != 4 {
		t.Errorf("%v after %v, %d changes", later, first, r.Number())
	}
	if history, err := r.History(t.Context()); err != nil || len(history) != 2 {
		t.Errorf("%d in the history, %v", len(history), err)
	}
}

// TestOlder puts back an older register: its number and what was seen of it tell, by name; and the
// log tells where that is missing too.
func TestOlder(t *testing.T) {
	h := newHome(t)
	r := h.open("a")
	secret := mustAdd(t, r, office("dinas"))
	h.stop()
	copied := h.path("copy")
	if err := os.CopyFS(copied, os.DirFS(h.path("nats"))); err != nil {
		t.Fatal(err)
	}
	h.start()
	r = h.open("a")
	if err := r.Revoke(t.Context(), by, "dinas", register.Publisher); err != nil {
		t.Fatal(err)
	}
	if err := r.CheckReaches(2); err != nil {
		t.Error(err)
	}
	h.stop()
	if err := errors.Join(os.RemoveAll(h.path("nats")), os.Rename(copied, h.path("nats"))); err != nil {
		t.Fatal(err)
	}
	h.start()
	_, err := Open(t.Context(), h.options("a"))
	wantCode(t, err, problem.RegisterLost)
	if err == nil || !strings.Contains(err.Error(), "ends at change 1") || !strings.Contains(err.Error(), "2 changes") ||
		!strings.Contains(err.Error(), "delete that file") {
		t.Errorf("not by name: %v", err)
	}
	if err := os.Remove(h.path("a.json")); err != nil {
		t.Fatal(err)
	}
	r = h.open("a") // the older one is meant
	login(t, r, "", secret, nil)
	err = r.CheckReaches(2)
	wantCode(t, err, problem.RegisterLost)
	if err == nil || !strings.Contains(err.Error(), "ends at change 1, and the log was written with 2") {
		t.Errorf("not by name: %v", err)
	}
	// Another history of the same length, and a note that is of no use.
	mustAdd(t, r, office("kota"))
	note := r.opts.Seen
	whole, err := os.ReadFile(note)
	if err != nil {
		t.Fatal(err)
	}
	for text, refused := range map[string]bool{
		strings.Replace(string(whole), "sha256:", "sha256:0", 1):      true,
		strings.Replace(string(whole), `"number":2`, `"number":3`, 1): true,
		strings.Replace(string(whole), "abab", "acac", 1):             false, // another ledger's
		string(whole[:len(whole)/2]):                                  false,
		"":                                                            false,
	} {
		if err := os.WriteFile(note, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Open(t.Context(), h.options("a"))
		if (err != nil) != refused {
			t.Errorf("%s: %v", text, err)
		}
		if now, _ := os.ReadFile(note); !refused && !bytes.Equal(now, whole) {
			t.Errorf("%q was not written anew: %q", text, now)
		}
	}
}

// TestDamaged stores what is no change, and what cannot be one: nobody is let in, who starts is told,
// and who follows is told once.
func TestDamaged(t *testing.T) {
	for name, change := range map[string]register.Change{
		"revoked twice": {Kind: register.Revoked, At: time.Unix(0, 0).UTC(), By: by, Name: "gone"},
		"no bytes":      {},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHome(t)
			r := h.open("a")
			secret := mustAdd(t, r, office("dinas"))
			h.follow(r)
			stream, err := h.options("").Stream(t.Context(), false)
			if err != nil {
				t.Fatal(err)
			}
			end, err := stream.Last(t.Context())
			raw := []byte(`{"format":1}`)
			if change.Kind != "" {
				raw, err = change.Encode()
			}
			if err == nil {
				_, err = stream.Append(t.Context(), raw, end)
			}
			if err != nil {
				t.Fatal(err)
			}
			await(t, "nobody is let in", func() bool {
				_, err := r.Authenticate("", secret, here)
				return errors.Is(err, ErrUnavailable)
			})
			if !r.Guarded() {
				t.Error("it is open")
			}
			wantCode(t, r.Err(), problem.RegisterLost)
			_, err = Open(t.Context(), h.options("b"))
			wantCode(t, err, problem.RegisterLost)
			_, err = r.Add(t.Context(), by, office("more"))
			wantCode(t, err, problem.RegisterLost)
			if got := strings.Count(string(h.log.Bytes()), "register cannot be followed"); got != 1 {
				t.Errorf("told %d times", got)
			}
		})
	}
}

// TestUnreachable takes the stream away from who follows: logins go on for a while, then nobody is
// let in, and all is well once it is back.
func TestUnreachable(t *testing.T) {
	h := newHome(t)
	r := h.open("a")
	secret := mustAdd(t, r, office("dinas"))
	r.mu.Lock()
	r.fail(eventstore.ErrClosed)
	r.mu.Unlock()
	m := login(t, r, "", secret, nil)
	h.ahead.Store(int64(grace + time.Second))
	login(t, r, "", secret, ErrUnavailable)
	if r.Current(m) || r.Err() == nil || !r.Guarded() {
		t.Error("somebody is in")
	}
	r.opts.Alone = true // nobody else could revoke anybody
	login(t, r, "", secret, nil)
	r.opts.Alone = false
	h.follow(r)
	await(t, "it is followed again", func() bool { return r.Err() == nil })
	login(t, r, "", secret, nil)
	if !r.Current(m) {
		t.Error("who was in must log in again")
	}
}

// TestUnreachableOpen takes the stream away from a ledger that is open: there is none yet. It is
// guarded after a while, for a register may have been begun meanwhile, and open again once it is
// known that none was.
func TestUnreachableOpen(t *testing.T) {
	h := newHome(t)
	r := h.open("a")
	h.out.Store(true)
	h.follow(r)
	await(t, "it is told", func() bool {
		return bytes.Contains(h.log.Bytes(), []byte("register cannot be followed"))
	})
	h.ahead.Store(int64(grace + time.Second))
	if !r.Guarded() || r.Err() == nil {
		t.Error("it is open, and nobody knows whether it may be")
	}
	h.out.Store(false)
	await(t, "it is open again", func() bool { return !r.Guarded() && r.Err() == nil })
}

// TestLostIsNotShown has a register that ends before what was seen of it be read again and again: it
// is refused all the time.
func TestLostIsNotShown(t *testing.T) {
	h := newHome(t)
	r := h.open("a")
	secret := mustAdd(t, r, office("dinas"))
	raw := fmt.Appendf(nil, `{"format":1,"ledger":"%s","number":9,"chain":""}`, h.identity.Ledger)
	if err := os.WriteFile(h.path("a.json"), raw, 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		r.followOnce(t.Context())
		wantCode(t, r.Err(), problem.RegisterLost)
		login(t, r, "", secret, ErrUnavailable)
	}
	if strings.Contains(string(h.log.Bytes()), "can be read again") {
		t.Errorf("it was shown in between: %s", h.log.Bytes())
	}
}

// fileOf is an access.json as it was written.
func fileOf(t *testing.T, count int, revoked string) []byte {
	t.Helper()
	type row map[string]any
	var rows []row
	for i := range count {
		name := fmt.Sprintf("p-%05d", i)
		secret := register.DigestOf(fmt.Append(nil, i))
		one := row{
			"name": name, "role": "publisher", "secret": secret.String(),
			"sources": []string{"urn:" + name}, "regions": []string{"75"},
			"types": []string{event.EnrolmentOpened.Name()}, "createdAt": "2026-01-01T08:00:00Z",
		}
		if name == revoked {
			one["revokedAt"] = "2026-01-02T08:00:00Z"
		}
		rows = append(rows, one)
	}
	raw, err := json.Marshal(row{"format": 1, "members": rows})
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// put writes an access.json with its lock.
func (h *home) put(raw []byte) string {
	h.t.Helper()
	err := errors.Join(os.WriteFile(h.path("access.json"), raw, 0o600), os.WriteFile(h.path("access.lock"), []byte("x"), 0o600))
	if err != nil {
		h.t.Fatal(err)
	}
	return h.path("access.json")
}

func (h *home) lies(name string) bool {
	_, err := os.Stat(h.path(name))
	return err == nil
}

// errKilled is what ends a take-over in the middle.
var errKilled = errors.New("killed")

// takeOverKilled takes over until a point is passed for the nth time.
func takeOverKilled(r *Registry, path string, nth int) (err error) {
	defer func() {
		if why := recover(); why != nil {
			err = errKilled
		}
	}()
	return r.TakeOver(context.Background(), path, func(string) {
		if nth--; nth == 0 {
			panic(errKilled)
		}
	})
}

// TestTakeOver brings an access.json over, killed at each point of it and started again: each member
// is there once, nobody is let in before all are, and a file that is put back later changes nothing.
func TestTakeOver(t *testing.T) {
	if testing.Short() {
		t.Skip("long in one goroutine")
	}
	raw := fileOf(t, 2500, "p-02499")
	for nth := 1; ; nth++ {
		h := newHome(t)
		path := h.put(raw)
		r := h.open("a")
		err := takeOverKilled(r, path, nth)
		if err == nil {
			if nth < 4 {
				t.Fatalf("only %d points", nth)
			}
			break
		}
		if !errors.Is(err, errKilled) || !h.lies("access.json") {
			t.Fatalf("point %d: %v", nth, err)
		}
		r = h.open("b")
		if r.Number() > 0 && !r.Guarded() {
			t.Error("a half register is open")
		}
		if nth == 2 { // half is there, and the rest is gone, or another
			if err := os.Rename(path, path+".away"); err != nil {
				t.Fatal(err)
			}
			wantCode(t, h.open("b").TakeOver(t.Context(), path, nil), problem.RegisterUnavailable)
			_, err := r.Add(t.Context(), by, office("early"))
			wantCode(t, err, problem.RegisterUnavailable)
			h.put(fileOf(t, 2, ""))
			wantCode(t, h.open("b").TakeOver(t.Context(), path, nil), problem.RegisterUnavailable)
			if err := os.Rename(path+".away", path); err != nil {
				t.Fatal(err)
			}
		}
		if err := r.TakeOver(t.Context(), path, nil); err != nil {
			t.Fatal(err)
		}
		members, err := r.Members()
		if err != nil || len(members) != 2500 || members[2499].RevokedAt.IsZero() || h.lies("access.json") || h.lies("access.lock") {
			t.Errorf("point %d: %d members, %v", nth, len(members), err)
		}
		number := r.Number()
		for _, later := range [][]byte{fileOf(t, 2500, ""), {}, raw} { // nobody is revoked in the first
			path := h.put(later)
			if len(later) == 0 {
				if err := os.Chmod(path, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			again := h.open("b")
			if err := again.TakeOver(t.Context(), path, nil); err != nil {
				t.Fatal(err)
			}
			if now, _ := again.Members(); again.Number() != number || len(now) != 2500 || now[2499].RevokedAt.IsZero() {
				t.Error("a file that was put back counts")
			}
			if same := bytes.Equal(later, raw); h.lies("access.json") == same {
				t.Errorf("same %v, lies there %v", same, h.lies("access.json"))
			}
			_ = os.Remove(path) // the next one has rights of its own
		}
		log := string(h.log.Bytes())
		for _, words := range []string{"access.json changes nothing", "access.json cannot be read, and is of no use", "access.json was taken over"} {
			if !strings.Contains(log, words) {
				t.Errorf("nobody says %q: %s", words, log)
			}
		}
		h.stop()
	}
}

// TestTakeOverRefused finds an access.json that cannot be the register: nothing is taken over.
func TestTakeOverRefused(t *testing.T) {
	h := newHome(t)
	r := h.open("a")
	whole := fileOf(t, 2, "")
	for name, c := range map[string]struct {
		raw  []byte
		mode os.FileMode
		code problem.Code
	}{
		"half":  {whole[:len(whole)/2], 0o600, problem.RegisterLost},
		"newer": {[]byte(`{"format":2}`), 0o600, problem.FolderNewer},
		"group": {whole, 0o640, problem.RegisterUnavailable},
		"world": {whole, 0o604, problem.RegisterUnavailable},
	} {
		path := h.put(c.raw)
		if err := os.Chmod(path, c.mode); err != nil {
			t.Fatal(err)
		}
		wantCode(t, r.TakeOver(t.Context(), path, nil), c.code)
		if r.Number() != 0 || !h.lies("access.json") {
			t.Errorf("%s: taken over", name)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		wantCode(t, r.TakeOver(t.Context(), path, nil), problem.RegisterLost) // it is gone
	}
	if err := os.Remove(h.path("access.lock")); err != nil {
		t.Fatal(err)
	}
	if err := r.TakeOver(t.Context(), h.path("access.json"), nil); err != nil || r.Guarded() {
		t.Errorf("to begin anew is not possible: %v", err)
	}
}

func TestTypes(t *testing.T) {
	for _, c := range []struct{ texts, want string }{
		{"all", "all"},
		{"enrolment", "enrolment"},
		{"funding,worker.died.v1,id.cakupan.target.set.v1", "worker.died funding target"},
		{"enrolment.opened, enrolment.opened.v1", "enrolment.opened"},
		{"enrolment.opened,enrolment.amended,enrolment.terminated,enrolment.reinstated", "enrolment"},
		{"event.retracted", "event"},
		{"worker.merged,worker.died", "worker"},
		{"contribution", "contribution"},
	} {
		types, err := ParseTypes(strings.Split(c.texts, ","))
		if got := strings.Join(TypeNames(types), " "); err != nil || got != c.want {
			t.Errorf("%s: %s, %v", c.texts, got, err)
		}
		again, err := ParseTypes(TypeNames(types))
		if err != nil || !slices.Equal(again, types) {
			t.Errorf("%s: %v, %v", c.texts, again, err)
		}
	}
	for _, text := range []string{"", "enrol", "enrolment.opened.v2", "opened", "7503010101909999"} {
		_, err := ParseTypes([]string{text})
		wantCode(t, err, problem.UsageWrong)
		if err == nil || strings.Contains(err.Error(), "7503010101909999") {
			t.Errorf("%s: %v", text, err)
		}
	}
	codes, err := ParseRegions([]string{"75", " 75.03", "75", "ID"})
	if err != nil || fmt.Sprint(codes) != "[75 75.03 ID]" {
		t.Errorf("%v, %v", codes, err)
	}
	_, err = ParseRegions([]string{"7503"})
	wantCode(t, err, problem.UsageWrong)
}

// TestThrottle fails to log in until it is told to wait. Whoever has a right secret is not.
func TestThrottle(t *testing.T) {
	r := newRegister(t)
	now := time.Now()
	r.now = func() time.Time { return now }
	secret := mustAdd(t, r, office("dinas"))
	fail := func(name, remote string) error {
		_, err := r.Authenticate(name, "ckp_wrong", remote)
		return err
	}
	for i := range failuresBurst {
		if err := fail("", here); !errors.Is(err, ErrUnknown) {
			t.Fatalf("%d: %v", i, err)
		}
	}
	for _, remote := range []string{here, "127.0.0.1:1", "127.0.0.1", "[::ffff:127.0.0.1]:1"} {
		if err := fail("", remote); !errors.Is(err, ErrThrottled) {
			t.Errorf("%s: %v", remote, err)
		}
	}
	login(t, r, "", secret, nil)
	if err := fail("", "127.0.0.2:1"); !errors.Is(err, ErrUnknown) {
		t.Error(err)
	}
	now = now.Add(failuresEvery)
	if err := errors.Join(fail("", here)); !errors.Is(err, ErrUnknown) {
		t.Error(err)
	}
	if err := fail("", here); !errors.Is(err, ErrThrottled) {
		t.Error(err)
	}
	// One network of IPv6 is one machine; a name is limited from wherever it is tried.
	throttled := 0
	for i := range 4 * failuresBurst {
		if errors.Is(fail("dinas", fmt.Sprintf("[2001:db8::%x]:9", i)), ErrThrottled) {
			throttled++
		}
	}
	if throttled != 3*failuresBurst {
		t.Errorf("%d throttled in one network", throttled)
	}
	if err := fail("dinas", "192.0.2.1:9"); !errors.Is(err, ErrThrottled) {
		t.Errorf("the name from elsewhere: %v", err)
	}
	login(t, r, "dinas", secret, nil)
	if got := r.Failures().Throttled; got != uint64(4+1+throttled+1) {
		t.Errorf("%d counted", got)
	}
	for i := range 3 * bucketsMax {
		_ = fail(fmt.Sprintf("n-%d", i), fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255))
	}
	for _, b := range []*buckets{&r.throttle.addresses, &r.throttle.names} {
		if got := len(b.young) + len(b.old); got > bucketsMax {
			t.Errorf("%d are remembered", got)
		}
	}
}

// TestFailuresInLog looks at what the operator is told: who, if known, and why; never a secret nor
// a name that somebody else has made up; and not without end.
func TestFailuresInLog(t *testing.T) {
	r := newRegister(t)
	secret := mustAdd(t, r, office("dinas"))
	var log bytes.Buffer
	r.log = slog.New(slog.NewTextHandler(&log, nil))
	_, _ = r.Authenticate("dinas", "ckp_wrong", "192.0.2.7:1")
	_, _ = r.Authenticate(secret, "dinas", "[2001:db8::7]:1")
	_, _ = r.Authenticate("7503010101909999", secret, "somewhere")
	want := []string{
		`msg="login failed" reason="wrong secret" name=dinas network=192.0.2.7/32`,
		`msg="login failed" reason=unknown name="" network=2001:db8::/64`,
		`msg="login failed" reason=unknown name="" network=""`,
	}
	for i, line := range strings.Split(strings.TrimSpace(log.String()), "\n") {
		if !strings.HasSuffix(line, want[i]) {
			t.Errorf("%s, want %s", line, want[i])
		}
	}
	for i := range 1000 {
		_, _ = r.Authenticate("", "x", fmt.Sprintf("10.0.%d.%d", i>>8, i&255))
	}
	if lines := strings.Count(log.String(), "\n"); lines > 40 {
		t.Errorf("%d lines", lines)
	}
}

// FuzzAuthenticate gives any credentials to a register that knows one publisher.
func FuzzAuthenticate(f *testing.F) {
	r := &Registry{now: time.Now, log: slog.New(slog.DiscardHandler), throttle: newThrottle()}
	r.state.Store(&state{})
	secret, digest := newSecret()
	m := office("dinas")
	m.Secret, m.CreatedAt = digest, time.Unix(0, 0).UTC()
	slices.Sort(m.Types)
	change := register.Change{Kind: register.Added, At: m.CreatedAt, By: by, Members: []register.Member{m}}
	if err := r.folded.Enter(&change); err != nil {
		f.Fatal(err)
	}
	r.publish()
	for _, c := range [][3]string{
		{"dinas", "x", here}, {"", "", ""}, {"dinas", secretPrefix + strings.Repeat("A", 43), "[::1%eth0]:1"},
	} {
		f.Add(c[0], c[1], c[2])
	}
	f.Fuzz(func(t *testing.T, name, text, remote string) {
		if m, err := r.Authenticate(name, text, remote); err == nil && text != secret {
			t.Errorf("%q let %+v in", text, m)
		}
		if _, err := r.Authenticate("dinas", secret, remote); err != nil {
			t.Errorf("the publisher is not let in: %v", err)
		}
	})
}

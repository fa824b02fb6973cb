package access

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"cakupan/cmd/internal/problem"
	"cakupan/domain/event"
	"cakupan/domain/region"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const here = "127.0.0.1:4711"

// newRegister returns an empty register in a folder of its own.
func newRegister(t *testing.T) *Registry {
	t.Helper()
	return reopen(t, filepath.Join(t.TempDir(), "access.json"))
}

func reopen(t *testing.T, path string) *Registry {
	t.Helper()
	r, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func publisher(name string) Entry {
	return Entry{
		Name: name, Role: Publisher, Sources: []string{"urn:" + name},
		Regions: []region.Code{75}, Types: []event.Type{event.TargetSet, event.EnrolmentOpened},
	}
}

func mustAdd(t *testing.T, r *Registry, e Entry) (secret string) {
	t.Helper()
	secret, err := r.Add(e)
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
// one that was open before, and in one opened later.
func TestLife(t *testing.T) {
	r := newRegister(t)
	before := reopen(t, r.path)
	if r.Guarded() || before.Guarded() {
		t.Error("an empty register guards")
	}
	first := mustAdd(t, r, publisher("dinas"))
	auditor := mustAdd(t, before, Entry{Name: "bpk", Role: Auditor})
	for _, r := range []*Registry{r, before, reopen(t, r.path)} {
		if !r.Guarded() {
			t.Error("a register with members does not guard")
		}
		m := login(t, r, "dinas", first, nil)
		if m.Name != "dinas" || m.Role != Publisher || !r.Current(m) ||
			fmt.Sprint(*m.Scope) != "{dinas [urn:dinas] [75] [id.cakupan.enrolment.opened.v1 id.cakupan.target.set.v1]}" {
			t.Errorf("%+v %+v", m, m.Scope)
		}
		if m := login(t, r, "", first, nil); m.Name != "dinas" {
			t.Errorf("%+v", m)
		}
		if m := login(t, r, "bpk", auditor, nil); m.Role != Auditor || m.Scope != nil {
			t.Errorf("%+v", m)
		}
		login(t, r, "bpk", first, ErrUnknown) // another's secret
		login(t, r, "dinas", "", ErrUnknown)
		login(t, r, "", "", ErrUnknown)
		login(t, r, "dinas", strings.ToUpper(first), ErrUnknown)
	}
	old := login(t, before, "dinas", first, nil)
	second, err := r.Rotate("dinas", Publisher)
	if err != nil || second == first {
		t.Fatal(err)
	}
	login(t, before, "", first, ErrUnknown)
	now := login(t, before, "", second, nil)
	if before.Current(old) || !before.Current(now) {
		t.Error("a rotated secret counts")
	}
	if err := r.Revoke("dinas", Publisher); err != nil {
		t.Fatal(err)
	}
	login(t, before, "", second, ErrUnknown)
	login(t, before, "dinas", second, ErrUnknown)
	if before.Current(now) {
		t.Error("a revoked member counts")
	}
	if f := before.Failures(); f.Revoked != 2 || f.Wrong == 0 || f.Unknown == 0 || f.Throttled != 0 {
		t.Errorf("%+v", f)
	}
	if err := r.Revoke("bpk", Auditor, Dashboard); err != nil || !before.Guarded() || !reopen(t, r.path).Guarded() {
		t.Errorf("revoking the last member opens the ledger: %v", err)
	}
	entries, err := before.Entries()
	if err != nil || len(entries) != 2 || entries[1].Name != "dinas" || entries[1].RevokedAt.IsZero() ||
		entries[1].RotatedAt.IsZero() || entries[1].CreatedAt.IsZero() {
		t.Errorf("%+v, %v", entries, err)
	}
}

// TestRefusedChanges asks for what cannot be; the register stays as it was.
func TestRefusedChanges(t *testing.T) {
	r := newRegister(t)
	mustAdd(t, r, publisher("dinas"))
	mustAdd(t, r, publisher("gone"))
	if err := r.Revoke("gone", Publisher); err != nil {
		t.Fatal(err)
	}
	text, _ := os.ReadFile(r.path)
	with := func(change func(*Entry)) Entry {
		e := publisher("new")
		change(&e)
		return e
	}
	for _, c := range []struct {
		entry Entry
		words string
	}{
		{publisher("dinas"), "rotate it"},
		{publisher("gone"), "events keep the name"},
		{publisher("Upper"), "a-z"},
		{publisher("-x"), "a-z"},
		{publisher(""), "1 to 32"},
		{publisher("7503010101909999"), "NIK"},
		{with(func(e *Entry) { e.Role = "admin" }), "a role is"},
		{with(func(e *Entry) { e.Role = Auditor }), "only a publisher"},
		{with(func(e *Entry) { e.Sources = nil }), "one or more"},
		{with(func(e *Entry) { e.Regions = nil }), "one or more"},
		{with(func(e *Entry) { e.Types = nil }), "one or more"},
		{with(func(e *Entry) { e.Sources = []string{""} }), "beginning of a URI"},
		{with(func(e *Entry) { e.Sources = []string{"urn:a b"} }), "beginning of a URI"},
		{with(func(e *Entry) { e.Sources = []string{"urn:a", "urn:a"} }), "twice"},
		{with(func(e *Entry) { e.Sources = []string{"urn:7503010101909999"} }), "NIK"},
		{with(func(e *Entry) { e.Sources = make([]string, 65) }), "at most 64"},
	} {
		_, err := r.Add(c.entry)
		wantCode(t, err, problem.UsageWrong)
		if err == nil || !strings.Contains(err.Error(), c.words) || strings.Contains(err.Error(), "7503010101909999") {
			t.Errorf("%+v: %v, want %q", c.entry, err, c.words)
		}
	}
	_, err := r.Rotate("nobody", Publisher)
	wantCode(t, err, problem.NotFound)
	_, err = r.Rotate("dinas", Auditor)
	wantCode(t, err, problem.NotFound)
	wantCode(t, r.Revoke("gone", Publisher), problem.UsageWrong)
	if after, _ := os.ReadFile(r.path); !bytes.Equal(text, after) {
		t.Error("the register has changed")
	}
}

// TestConcurrentChanges changes the register from many at once: none loses another's change, and
// who reads meanwhile never sees half of one.
func TestConcurrentChanges(t *testing.T) {
	path := newRegister(t).path
	const writers, each = 6, 5
	ctx, stop := context.WithCancel(t.Context())
	var reading, writing sync.WaitGroup
	reading.Go(func() {
		r := reopen(t, path)
		for ctx.Err() == nil {
			if err := r.Err(); err != nil {
				t.Error(err)
			}
			runtime.Gosched()
		}
	})
	secrets := make([][]string, writers)
	for w := range writers {
		writing.Go(func() {
			r := reopen(t, path)
			for i := range each {
				name := fmt.Sprintf("p-%d-%d", w, i)
				_, err := r.Add(publisher(name))
				secret, err2 := r.Rotate(name, Publisher)
				if err := errors.Join(err, err2); err != nil {
					t.Error(err)
				}
				secrets[w] = append(secrets[w], secret)
			}
		})
	}
	writing.Wait()
	stop()
	reading.Wait()
	r := reopen(t, path)
	for w := range writers {
		for i := range each {
			if m := login(t, r, "", secrets[w][i], nil); m.Name != fmt.Sprintf("p-%d-%d", w, i) {
				t.Errorf("%d %d: %+v", w, i, m)
			}
		}
	}
	if entries, _ := r.Entries(); len(entries) != writers*each {
		t.Errorf("%d members", len(entries))
	}
}

// TestSameStamp changes the register twice so fast that the file system's clock does not tick, and
// the second file gets the number of the first: nothing but its bytes tells them apart.
func TestSameStamp(t *testing.T) {
	r := newRegister(t)
	mustAdd(t, r, publisher("dinas"))
	if r.refresh(); !r.state.Load().unsure {
		t.Skip("too slow here")
	}
	secret, err := reopen(t, r.path).Rotate("dinas", Publisher)
	if err != nil {
		t.Fatal(err)
	}
	same := *r.state.Load()
	same.stamp = stampOf(r.path)
	r.state.Store(&same)
	login(t, r, "dinas", secret, nil)
	time.Sleep(2 * sameStampTime)
	login(t, r, "dinas", secret, nil)
	if r.state.Load().unsure {
		t.Error("a file that can be told by its stamp is read at each login")
	}
}

// TestCrash leaves behind what a crash in the middle of a change does: a temporary file, half
// written or whole. The register is the old one, and can be changed again.
func TestCrash(t *testing.T) {
	r := newRegister(t)
	secret := mustAdd(t, r, publisher("dinas"))
	whole, err := os.ReadFile(r.path)
	if err != nil {
		t.Fatal(err)
	}
	lost := bytes.ReplaceAll(whole, []byte("dinas"), []byte("other"))
	for _, left := range [][]byte{nil, lost[:len(lost)/2], lost} {
		if err := os.WriteFile(r.path+".tmp", left, 0o644); err != nil {
			t.Fatal(err)
		}
		after := reopen(t, r.path)
		login(t, after, "dinas", secret, nil)
		if secret, err = after.Rotate("dinas", Publisher); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(r.path)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%v %v", info.Mode(), err)
		}
		login(t, r, "dinas", secret, nil)
		if entries, _ := r.Entries(); len(entries) != 1 {
			t.Errorf("%+v", entries)
		}
	}
}

// TestUnreadable breaks the register under those who use it: nobody is let in until it is whole
// again, and the operator is told once.
func TestUnreadable(t *testing.T) {
	sound := newRegister(t)
	secret := mustAdd(t, sound, publisher("dinas"))
	whole, err := os.ReadFile(sound.path)
	if err != nil {
		t.Fatal(err)
	}
	replace := func(a, b string) string { return strings.Replace(string(whole), a, b, 1) }
	for name, c := range map[string]struct {
		content string
		mode    os.FileMode
		code    problem.Code
	}{
		"empty":         {"", 0o600, problem.RegisterUnavailable},
		"half":          {string(whole[:len(whole)/2]), 0o600, problem.RegisterUnavailable},
		"twice":         {string(whole) + string(whole), 0o600, problem.RegisterUnavailable},
		"newer":         {replace(`"format": 1`, `"format": 2, "x": {}`), 0o600, problem.FolderNewer},
		"no format":     {replace(`"format": 1,`, ``), 0o600, problem.RegisterUnavailable},
		"unknown field": {replace(`"name"`, `"more": 1, "name"`), 0o600, problem.RegisterUnavailable},
		"no region":     {replace(`"75"`, `"7503"`), 0o600, problem.RegisterUnavailable},
		"no type":       {replace(`target.set`, `target.sett`), 0o600, problem.RegisterUnavailable},
		"no source":     {replace(`"urn:dinas"`, `""`), 0o600, problem.RegisterUnavailable},
		"no hash":       {replace(`sha256:`, `sha256:0`), 0o600, problem.RegisterUnavailable},
		"no role":       {replace(`"publisher"`, `"operator"`), 0o600, problem.RegisterUnavailable},
		"too long":      {strings.Repeat(" ", fileBytesMax+1), 0o600, problem.RegisterUnavailable},
		"group":         {string(whole), 0o640, problem.RegisterUnavailable},
		"world":         {string(whole), 0o604, problem.RegisterUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRegister(t)
			put := func(content string, mode os.FileMode) {
				if err := errors.Join(os.WriteFile(r.path, []byte(content), 0o600), os.Chmod(r.path, mode)); err != nil {
					t.Fatal(err)
				}
			}
			var log bytes.Buffer
			put(string(whole), 0o600)
			r.LogTo(slog.New(slog.NewTextHandler(&log, nil)))
			m := login(t, r, "", secret, nil)
			put(c.content, c.mode)
			for range 3 {
				login(t, r, "", secret, ErrUnavailable)
			}
			wantCode(t, r.Err(), c.code)
			if !r.Guarded() || r.Current(m) || r.Failures().Unavailable != 3 {
				t.Error("the ledger is open, or somebody is in it")
			}
			if got := strings.Count(log.String(), "\n"); got != 1 || !strings.Contains(log.String(), "level=ERROR") {
				t.Errorf("%d lines: %s", got, log.String())
			}
			_, err := r.Add(publisher("more"))
			wantCode(t, err, c.code)
			if _, err := Open(r.path); err == nil {
				t.Error("it can be opened")
			}
			put(string(whole), 0o600)
			login(t, r, "", secret, nil)
		})
	}
}

// TestGone takes the file away from those who use it, and from those who start without it: as a
// copy of the folder does that lacks the file.
func TestGone(t *testing.T) {
	r := newRegister(t)
	secret := mustAdd(t, r, publisher("dinas"))
	login(t, r, "", secret, nil)
	if err := os.Rename(r.path, r.path+".bak"); err != nil {
		t.Fatal(err)
	}
	login(t, r, "", secret, ErrUnavailable)
	late, err := Open(r.path)
	wantCode(t, err, problem.RegisterUnavailable)
	for _, r := range []*Registry{r, late} {
		if !r.Guarded() || r.Err() == nil || !strings.Contains(r.Err().Error(), "delete access.lock") {
			t.Errorf("the ledger is open, or nobody says how to go on: %v", r.Err())
		}
	}
	_, err = late.Add(publisher("new"))
	wantCode(t, err, problem.RegisterUnavailable)
	if err := os.Rename(r.path+".bak", r.path); err != nil {
		t.Fatal(err)
	}
	login(t, r, "", secret, nil)
	if err := errors.Join(os.Remove(r.path), os.Mkdir(r.path, 0o700)); err != nil {
		t.Fatal(err)
	}
	login(t, r, "", secret, ErrUnavailable)
	if err := errors.Join(os.Remove(r.path), os.Remove(r.lockPath())); err != nil {
		t.Fatal(err)
	}
	if reopen(t, r.path).Guarded() {
		t.Error("to begin anew is not possible")
	}
}

// TestNeverThere asks for a register, and fails to change it, before there is one: the ledger
// stays open, also where the first change ended after it had made the lock.
func TestNeverThere(t *testing.T) {
	r := newRegister(t)
	if _, err := r.Entries(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(r.lockPath()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("reading made the lock: %v", err)
	}
	wantCode(t, r.Revoke("nobody", Publisher), problem.NotFound)
	if _, err := os.Stat(r.lockPath()); err != nil {
		t.Error(err)
	}
	if again := reopen(t, r.path); again.Guarded() {
		t.Error("a lock alone guards")
	}
	mustAdd(t, r, publisher("dinas"))
}

// TestScopeChanges narrows what a publisher may report by hand: who logged in before is not
// current any more.
func TestScopeChanges(t *testing.T) {
	r := newRegister(t)
	secret := mustAdd(t, r, publisher("dinas"))
	before := login(t, r, "", secret, nil)
	mustAdd(t, r, publisher("other"))
	if !r.Current(before) {
		t.Error("another's registration ends a login")
	}
	for _, change := range [][2]string{
		{`"urn:dinas"`, `"urn:dinas:kota"`}, {`"75"`, `"75.03"`}, {`enrolment.opened.v1`, `enrolment.amended.v1`},
	} {
		m := login(t, r, "", secret, nil)
		whole, err := os.ReadFile(r.path)
		if err != nil {
			t.Fatal(err)
		}
		narrower := strings.Replace(string(whole), change[0], change[1], 1)
		if err := os.WriteFile(r.path, []byte(narrower), 0o600); err != nil {
			t.Fatal(err)
		}
		if now := login(t, r, "", secret, nil); r.Current(m) || !r.Current(now) {
			t.Errorf("%s: the scope of before counts", change[0])
		}
	}
}

// TestThrottle fails to log in until it is told to wait. Whoever has a right secret is not.
func TestThrottle(t *testing.T) {
	r := newRegister(t)
	now := time.Now()
	r.now = func() time.Time { return now }
	secret := mustAdd(t, r, publisher("dinas"))
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
	var log bytes.Buffer
	r.LogTo(slog.New(slog.NewTextHandler(&log, nil)))
	secret := mustAdd(t, r, publisher("dinas"))
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

// TestWatch is told of each change that another makes.
func TestWatch(t *testing.T) {
	r := newRegister(t)
	ctx, stop := context.WithCancel(t.Context())
	changed, ended := make(chan struct{}, 1), make(chan struct{})
	watched, other := reopen(t, r.path), reopen(t, r.path)
	before := watched.state.Load().version
	mustAdd(t, other, publisher("early"))
	go func() {
		defer close(ended)
		watched.Watch(ctx, func() { changed <- struct{}{} })
	}()
	for watched.state.Load().version == before { // nobody but Watch has it look
		time.Sleep(time.Millisecond)
	}
	await := func(what string) {
		t.Helper()
		select {
		case <-changed:
		case <-time.After(time.Minute):
			t.Errorf("nobody was told that %s", what)
		}
	}
	mustAdd(t, other, publisher("dinas"))
	await("a publisher was added")
	if _, err := other.Rotate("dinas", Publisher); err != nil {
		t.Fatal(err)
	}
	await("a secret was rotated")
	if err := os.Chmod(r.path, 0o644); err != nil {
		t.Fatal(err)
	}
	await("the register cannot be read")
	if err := os.Chmod(r.path, 0o600); err != nil {
		t.Fatal(err)
	}
	await("the register can be read")
	time.Sleep(2 * watchInterval)
	select {
	case <-changed:
		t.Error("a change was told that was none")
	default:
	}
	stop()
	<-ended
}

// TestOnlyHashes looks for the secrets in all that the register leaves behind.
func TestOnlyHashes(t *testing.T) {
	r := newRegister(t)
	first := mustAdd(t, r, publisher("dinas"))
	second, err := r.Rotate("dinas", Publisher)
	if err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(filepath.Dir(r.path))
	if err != nil || len(files) != 2 {
		t.Fatalf("%v %v", files, err)
	}
	for _, f := range files {
		text, err := os.ReadFile(filepath.Join(filepath.Dir(r.path), f.Name()))
		info, err2 := f.Info()
		if err := errors.Join(err, err2); err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{first, second} {
			if bytes.Contains(text, []byte(secret[len(secretPrefix):])) {
				t.Errorf("%s holds a secret", f.Name())
			}
		}
		if info.Mode().Perm() != privateFile {
			t.Errorf("%s: %v", f.Name(), info.Mode())
		}
	}
	text, err := os.ReadFile(r.path)
	if sum := sha256.Sum256([]byte(second)); err != nil || !bytes.Contains(text, []byte(hex.EncodeToString(sum[:]))) {
		t.Errorf("the register does not hold the SHA-256 of the secret: %s, %v", text, err)
	}
	if len(first) != secretText || !strings.HasPrefix(first, secretPrefix) {
		t.Errorf("secret %q", first)
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

// FuzzParse reads any bytes as a register: what is taken is written again as the same.
func FuzzParse(f *testing.F) {
	r, err := Open(filepath.Join(f.TempDir(), "access.json"))
	if err != nil {
		f.Fatal(err)
	}
	for _, e := range []Entry{publisher("dinas"), {Name: "bpk", Role: Auditor}, {Name: "tv", Role: Dashboard}} {
		if _, err := r.Add(e); err != nil {
			f.Fatal(err)
		}
	}
	if err := r.Revoke("tv", Dashboard); err != nil {
		f.Fatal(err)
	}
	whole, err := os.ReadFile(r.path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	for _, text := range []string{
		``, `{}`, `null`, `[]`, `{"format":1}`, `{"format":2}`, `{"format":1,"members":[null]}`,
		`{"format":1,"members":[{"name":"a","role":"auditor","secret":"sha256:"}]}`, `{"format":1} {`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		entries, err := parse(raw)
		if err != nil {
			if event.HasNIK(err.Error()) && problem.From(err).Detail != "" && event.HasNIK(problem.From(err).Detail) {
				t.Errorf("%v", err)
			}
			return
		}
		path := filepath.Join(t.TempDir(), "access.json")
		r := reopen(t, path)
		if err := r.write(entries); err != nil {
			t.Fatal(err)
		}
		again, err := r.Entries()
		if err != nil || len(again) != len(entries) {
			t.Fatalf("%d of %d members, %v", len(again), len(entries), err)
		}
		for i := range again {
			if again[i].key != entries[i].key || again[i].Name != entries[i].Name {
				t.Errorf("%+v, want %+v", again[i], entries[i])
			}
			if again[i].Role == Publisher {
				scope := r.refresh().byName[again[i].Name].member.Scope
				_ = scope.Check(&event.Event{Key: event.Key{Source: "urn:a"}, Type: event.TargetSet})
			}
		}
	})
}

// FuzzAuthenticate gives any credentials to a register that knows one publisher.
func FuzzAuthenticate(f *testing.F) {
	r, err := Open(filepath.Join(f.TempDir(), "access.json"))
	if err != nil {
		f.Fatal(err)
	}
	secret, err := r.Add(publisher("dinas"))
	if err != nil {
		f.Fatal(err)
	}
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

func BenchmarkAuthenticate(b *testing.B) {
	r, err := Open(filepath.Join(b.TempDir(), "access.json"))
	if err != nil {
		b.Fatal(err)
	}
	secret, err := r.Add(publisher("dinas"))
	if err != nil {
		b.Fatal(err)
	}
	time.Sleep(2 * sameStampTime)
	for _, c := range []struct{ name, secret string }{{"dinas", secret}, {"dinas", newSecret()}, {"nobody", newSecret()}} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				_, _ = r.Authenticate(c.name, c.secret, here)
			}
		})
	}
}

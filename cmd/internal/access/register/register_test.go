package register

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"cakupan/domain/event"
	"cakupan/domain/region"
)

func second(n int) time.Time { return time.Date(2026, 1, 1, 0, 0, n, 0, time.UTC) }

func secretOf(n int) Digest { return sha256.Sum256(fmt.Append(nil, n)) }

func publisher(name string, at, secret int) Member {
	return Member{
		Name: name, Role: Publisher, Sources: []string{"urn:" + name},
		Regions: []region.Code{75}, Types: event.Types()[:2],
		CreatedAt: second(at), Secret: secretOf(secret),
	}
}

// maker makes random changes, most of them possible.
type maker struct {
	*rand.Rand
	names, made int
}

func (m *maker) change(at int) Change {
	c := Change{At: second(at), By: "root"}
	name := fmt.Sprintf("p-%d", m.IntN(m.names))
	secret := m.made
	if m.IntN(10) > 0 {
		m.made++
	} else if secret > 0 {
		secret = m.IntN(m.made)
	}
	switch m.IntN(8) {
	case 0, 1, 2:
		c.Kind, c.Members = Added, []Member{publisher(name, at, secret)}
		if m.IntN(2) == 0 {
			c.Members[0].ExpiresAt = second(at + m.IntN(50))
		}
	case 3, 4:
		c.Kind, c.Name, c.Secret = Rotated, name, secretOf(secret)
		if m.IntN(2) == 0 {
			c.ExpiresAt = second(at + m.IntN(50))
		}
	case 5:
		c.Kind, c.Name, c.Members = Changed, name, []Member{publisher(name, at, m.IntN(m.made+1))}
		c.Members[0].Regions = []region.Code{7503}
	case 6:
		c.Kind, c.Name = Revoked, name
	default:
		c.Kind, c.Names = Used, []string{name}
	}
	return c
}

// slow answers about one name by going through the whole history, as a person would.
func slow(history []Change, name string) (m Member, known bool) {
	for i := range history {
		switch c := &history[i]; {
		case (c.Kind == Added || c.Kind == TakenOver) && slices.ContainsFunc(c.Members, func(m Member) bool { return m.Name == name }):
			for _, one := range c.Members {
				if one.Name == name {
					m, known = one, true
				}
			}
		case c.Kind == Used && slices.Contains(c.Names, name):
			if m.UsedAt.Before(c.At) {
				m.UsedAt = c.At
			}
		case c.Name != name:
		case c.Kind == Rotated:
			m.Secret, m.RotatedAt, m.ExpiresAt = c.Secret, c.At, c.ExpiresAt
		case c.Kind == Changed:
			m.Sources, m.Regions, m.Types = c.Members[0].Sources, c.Members[0].Regions, c.Members[0].Types
		case c.Kind == Revoked:
			m.RevokedAt = c.At
		}
	}
	return m, known
}

// possible tells whether a change may follow a history.
func possible(history []Change, c *Change) bool {
	was := func(secret Digest) bool {
		return slices.ContainsFunc(history, func(h Change) bool {
			return h.Secret == secret || h.Kind != Changed && slices.ContainsFunc(h.Members, func(m Member) bool { return m.Secret == secret })
		})
	}
	switch c.Kind {
	case Added:
		_, known := slow(history, c.Members[0].Name)
		return !known && !was(c.Members[0].Secret)
	case Used:
		_, known := slow(history, c.Names[0])
		return known
	}
	m, known := slow(history, c.Name)
	switch {
	case !known || !m.RevokedAt.IsZero():
		return false
	case c.Kind == Rotated:
		return !was(c.Secret)
	case c.Kind == Changed:
		return c.Members[0].Secret == m.Secret
	}
	return true
}

// TestHistories folds random histories and compares each with what the slow model makes of it; what
// cannot be is refused and changes nothing.
func TestHistories(t *testing.T) {
	rounds := 200
	if os.Getenv("CAKUPAN_LONG") != "" {
		rounds = 5000
	}
	for seed := range rounds {
		m := maker{Rand: rand.New(rand.NewPCG(uint64(seed), 1)), names: 2 + seed%7}
		var r Register
		var history []Change
		if seed%3 == 0 {
			taken := Change{
				Kind: TakenOver, At: second(0), By: "root", File: &File{secretOf(-1), 1, 1},
				Members: []Member{publisher("p-0", 0, 1000), publisher("p-1", 0, 1001)},
			}
			if err := r.Enter(&taken); err != nil {
				t.Fatal(err)
			}
			history = append(history, taken)
		}
		for at := range 60 {
			c := m.change(at)
			raw, err := c.Encode()
			if err != nil {
				t.Fatalf("seed %d: %+v: %v", seed, c, err)
			}
			if c, err = Decode(raw); err != nil {
				t.Fatal(err)
			}
			before, shown := r.Number(), r.Members()
			copied := slices.Clone(shown)
			err = r.Enter(&c)
			if may := possible(history, &c); may != (err == nil) || err != nil && !errors.Is(err, ErrDamaged) {
				t.Fatalf("seed %d, change %d %+v: %v, but possible: %v", seed, at, c, err, may)
			}
			if err == nil {
				history = append(history, c)
			} else if r.Number() != before {
				t.Fatal("a refused change counts")
			}
			if !reflect.DeepEqual(shown, copied) {
				t.Fatal("members that were shown have changed")
			}
		}
		if r.Number() != uint64(len(history)) {
			t.Errorf("seed %d: %d changes, want %d", seed, r.Number(), len(history))
		}
		for i := range m.names {
			name := fmt.Sprintf("p-%d", i)
			got, known := r.Find(name)
			if want, there := slow(history, name); known != there || !reflect.DeepEqual(got, want) {
				t.Errorf("seed %d, %s:\n%+v\n%+v", seed, name, got, want)
			}
		}
		if !slices.IsSortedFunc(r.Members(), func(a, b Member) int { return strings.Compare(a.Name, b.Name) }) {
			t.Errorf("seed %d: out of order", seed)
		}
	}
}

// TestTakeOver takes a file over whose members fill several changes: nothing else may come between
// them, and their order and number is fixed.
func TestTakeOver(t *testing.T) {
	raw := fileOf(t, 3000)
	changes, err := TakeOver(raw, second(1), "root")
	if err != nil || len(changes) < 3 {
		t.Fatalf("%d changes, %v", len(changes), err)
	}
	var r Register
	for i := range changes {
		if raw, err := changes[i].Encode(); err != nil || len(raw) > changeBytesMax {
			t.Fatal(len(raw), err)
		}
		between := Change{Kind: Added, At: second(2), By: "root", Members: []Member{publisher("x", 2, -5)}}
		for _, wrong := range []int{i - 1, i + 1, len(changes) - 1} {
			if wrong < 0 || wrong == i || wrong >= len(changes) {
				continue
			}
			if err := r.Enter(&changes[wrong]); !errors.Is(err, ErrDamaged) {
				t.Errorf("part %d instead of %d: %v", wrong, i, err)
			}
		}
		if i > 0 {
			if err := r.Enter(&between); !errors.Is(err, ErrDamaged) {
				t.Errorf("a change before part %d: %v", i, err)
			}
			if r.Taking() == nil {
				t.Error("it is complete")
			}
		}
		if err := r.Enter(&changes[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Enter(&changes[0]); !errors.Is(err, ErrDamaged) {
		t.Errorf("taken over twice: %v", err)
	}
	file, at := r.Taken()
	want, err := ParseFile(raw)
	if err != nil || r.Taking() != nil || file.Digest != DigestOf(raw) || !at.Equal(second(1)) || !reflect.DeepEqual(r.Members(), want) {
		t.Errorf("%v %v %v, %d members", err, file, at, len(r.Members()))
	}
	for _, empty := range []string{`{"format":1,"members":[]}`, `{"format":1}`} {
		changes, err := TakeOver([]byte(empty), second(1), "root")
		if err != nil || len(changes) != 1 || len(changes[0].Members) != 0 {
			t.Errorf("%s: %+v, %v", empty, changes, err)
		}
		if _, err := changes[0].Encode(); err != nil {
			t.Error(err)
		}
	}
}

// fileOf returns an access.json of many members.
func fileOf(t testing.TB, count int) []byte {
	t.Helper()
	var rows []row
	for i := range count {
		m := publisher(fmt.Sprintf("p-%06d", i), 1, i)
		m.Sources = append(m.Sources, fmt.Sprintf("https://a.example/%d?a&b", i))
		rows = append(rows, rowOf(&m))
	}
	raw, err := json.Marshal(map[string]any{"format": 1, "members": rows})
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// goldenChanges is one change of each kind.
func goldenChanges() []Change {
	member := publisher("bone-2", 2, 1)
	member.ExpiresAt = second(9)
	narrower := member
	narrower.Regions, narrower.ExpiresAt = []region.Code{7503}, time.Time{}
	old := publisher("alt", 0, 7)
	old.RevokedAt, old.RotatedAt = second(1), second(0)
	return []Change{
		{Kind: TakenOver, At: second(1), By: "root", File: &File{secretOf(4), 1, 1}, Members: []Member{old}},
		{Kind: Added, At: second(2), By: "uid-1000", Members: []Member{member}},
		{Kind: Changed, At: second(3), By: "root", Name: "bone-2", Members: []Member{narrower}},
		{Kind: Rotated, At: second(4), By: "root", Name: "bone-2", Secret: secretOf(2), ExpiresAt: second(30)},
		{Kind: Used, At: second(5), By: "cakupan", Names: []string{"alt", "bone-2"}},
		{Kind: Revoked, At: second(6), By: "root", Name: "bone-2"},
	}
}

// TestGolden writes each kind of change as ever, byte for byte, and folds what another day's program
// wrote. No bit of it can be another one unseen.
func TestGolden(t *testing.T) {
	want, err := os.ReadFile("testdata/changes-v1.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	var written bytes.Buffer
	var r Register
	for _, c := range goldenChanges() {
		raw, err := c.Encode()
		if err != nil {
			t.Fatal(err)
		}
		written.Write(append(raw, '\n'))
		again, err := Decode(raw)
		if err != nil || !reflect.DeepEqual(again, c) {
			t.Errorf("%+v, want %+v, %v", again, c, err)
		}
		if err := r.Enter(&again); err != nil {
			t.Error(err)
		}
		for at := range raw {
			if _, err := Decode(raw[:at]); !errors.Is(err, ErrDamaged) {
				t.Fatalf("cut at %d: %v", at, err)
			}
		}
	}
	if !bytes.Equal(written.Bytes(), want) {
		t.Errorf("written:\n%s\nwant:\n%s", written.Bytes(), want)
	}
}

// TestRefused decodes what no program of this version writes.
func TestRefused(t *testing.T) {
	revoked := `{"format":1,"kind":"revoked","at":"2026-01-01T00:00:00Z","by":"root","name":"a"}`
	if _, err := Decode([]byte(revoked)); err != nil {
		t.Fatal(err)
	}
	for from, to := range map[string]string{
		`"format":1`:                `"format":0`,
		`{`:                         `{ `,
		`}`:                         `} `,
		`"kind"`:                    `"Kind"`,
		`"revoked"`:                 `"rotated"`,
		`"name":"a"`:                `"name":"a","name":"b"`,
		`"by":"root"`:               `"by":""`,
		`"root"`:                    `"7503010101909999"`,
		`00Z`:                       `00.5Z`,
		`00:00:00Z`:                 `07:00:00+07:00`,
		`"name":"a"}`:               `"name":"a","x":1}`,
		`"kind":"revoked","at"`:     `"kind":"revoked","expiresAt":"2026-01-01T00:00:00Z","at"`,
		`"revoked","at":"2026-01-0`: `"revoked","at":"2026-01-00`,
	} {
		text := strings.Replace(revoked, from, to, 1)
		if _, err := Decode([]byte(text)); text == revoked || !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v", text, err)
		}
	}
	if _, err := Decode([]byte(`{"format":2,"what":"ever"}`)); !errors.Is(err, ErrNewerFormat) {
		t.Error(err)
	}
}

// FuzzDecode reads any bytes as a change: what is taken is written again as the same, and never
// holds an identity number.
func FuzzDecode(f *testing.F) {
	for _, c := range goldenChanges() {
		raw, err := c.Encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		c, err := Decode(raw)
		if err != nil {
			return
		}
		again, err := c.Encode()
		if err != nil || !bytes.Equal(again, raw) {
			t.Errorf("%s, want %s, %v", again, raw, err)
		}
		var r Register
		_ = r.Enter(&c)
	})
}

// FuzzParseFile reads any bytes as an access.json, and takes over what it is.
func FuzzParseFile(f *testing.F) {
	f.Add(fileOf(f, 2))
	for _, text := range []string{``, `{}`, `null`, `{"format":1,"members":[null]}`, `{"format":1} {`, `{"format":2}`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		changes, err := TakeOver(raw, second(1), "root")
		if err != nil {
			return
		}
		var r Register
		for i := range changes {
			_, err := changes[i].Encode()
			if err := errors.Join(err, r.Enter(&changes[i])); err != nil {
				t.Error(err)
			}
		}
		if r.Taking() != nil {
			t.Error("it is not complete")
		}
	})
}

func TestCleanAccount(t *testing.T) {
	for name, want := range map[string]string{
		"root": "root", "a b\n": "a_b_", "ü": "_", strings.Repeat("x", 99): strings.Repeat("x", 64),
	} {
		if got := CleanAccount(name); got != want || CleanAccount(got) != got {
			t.Errorf("%q is %q", name, got)
		}
	}
	if got := CleanAccount("7503010101909999"); event.HasNIK(got) {
		t.Error(got)
	}
}

package vault_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"sync"
	"testing"

	"cakupan/eventstore/packs"
	"cakupan/eventstore/vault"
)

type listKey = [vault.ListKeySize]byte

// listKeys returns the keys of a member, as made for a secret.
func listKeys(t testing.TB, v *vault.Vault, member, secret string, create bool) vault.ListKeys {
	t.Helper()
	keys, err := v.ListKeysOf(t.Context(), member, secret, create)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// endKeys ends the keys of a member.
func endKeys(t testing.TB, v *vault.Vault, member string) (n int) {
	t.Helper()
	n, err := v.EndListKeys(t.Context(), func(of string) bool { return of == member })
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestListKeysOfMembers makes keys by chance for members and secrets, ends them, changes the
// vault's key and opens it again, with its cache and without: a key is the same for as long as the
// secret is, then it is an older one, and no two are alike.
func TestListKeysOfMembers(t *testing.T) {
	w, v := openNew(t, t.TempDir())
	r := rand.New(rand.NewPCG(1, 2))
	secrets, want := map[string]int{}, map[string][]listKey{} // the newest first
	known := map[listKey]bool{v.ListKey(): true}
	for range 60 {
		member := fmt.Sprint("member-", r.IntN(3))
		secret := func() string { return fmt.Sprint(secrets[member]) }
		switch r.IntN(12) {
		case 0:
			if n := endKeys(t, v, member); n != len(want[member]) {
				t.Errorf("%d keys of %d are ended", n, len(want[member]))
			}
			delete(want, member)
		case 1, 2, 3:
			secrets[member]++
			keys := listKeys(t, v, member, secret(), false)
			if keys.Now != nil || len(keys.Older) != len(want[member]) {
				t.Errorf("with another secret: %d, %v", len(keys.Older), keys.Now)
			}
		case 4:
			if err := v.Rotate(t.Context()); err != nil {
				t.Fatal(err)
			}
		case 5:
			w, v = w.again()
		case 6:
			w.stop()
			if err := os.Remove(filepath.Join(w.dir, "vault", "lookup.state")); err != nil {
				t.Fatal(err)
			}
			w, v = openNew(t, w.dir)
		default:
			now := listKeys(t, v, member, secret(), true).Now
			if have := want[member]; len(have) == 0 || have[0] != *now {
				if known[*now] {
					t.Fatal("a key came back")
				}
				known[*now] = true
				want[member] = append([]listKey{*now}, have...)
			}
			keys := listKeys(t, v, member, secret(), true)
			if got := append([]listKey{*keys.Now}, keys.Older...); !reflect.DeepEqual(got, want[member]) {
				t.Fatalf("%s has %d keys, want %d", member, len(got), len(want[member]))
			}
		}
		for member := range secrets {
			keys := listKeys(t, v, member, "none of it", false)
			if len(keys.Older) != len(want[member]) ||
				len(keys.Older) > 0 && !reflect.DeepEqual(keys.Older, want[member]) {
				t.Fatalf("%s has %d keys, want %d", member, len(keys.Older), len(want[member]))
			}
		}
	}
	if err := v.Audit(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestListKeysCutShort crashes after a key is made and after each that is ended: the next start
// finds what there was, and ends the rest.
func TestListKeysCutShort(t *testing.T) {
	w := newWorld(t, t.TempDir())
	var at func(string)
	v := w.open(func(o *vault.Options) {
		o.Fault = func(point string) {
			if at != nil {
				at(point)
			}
		}
	})
	other := listKeys(t, v, "other", "a", true)
	var keys vault.ListKeys
	made := crashes(w, func(fault func(string)) {
		at = fault
		listKeys(t, v, "one", "a", true)
		keys = listKeys(t, v, "one", "b", true)
	})
	ended := crashes(w, func(fault func(string)) {
		at = fault
		endKeys(t, v, "one")
	})
	if len(made) != 2 || len(ended) != 2 {
		t.Errorf("%d and %d crash points", len(made), len(ended))
	}
	for point, dir := range made {
		_, v := openNew(t, dir)
		got := listKeys(t, v, "one", "a", true)
		if len(got.Older) == 0 && *got.Now != keys.Older[0] ||
			len(got.Older) > 0 && (got.Older[0] != *keys.Now || *got.Now != keys.Older[0]) {
			t.Errorf("%s: other keys", point)
		}
	}
	for point, dir := range ended {
		_, v := openNew(t, dir)
		endKeys(t, v, "one")
		if got := listKeys(t, v, "one", "b", false); got.Now != nil || len(got.Older) > 0 {
			t.Errorf("%s: a key is left", point)
		}
		if got := listKeys(t, v, "other", "a", false); !reflect.DeepEqual(got, other) {
			t.Errorf("%s: another's key is gone", point)
		}
	}
}

// TestListKeysEndedForEver looks for the records of ended keys in the stream: they are overwritten,
// and each has one without a key in its place.
func TestListKeysEndedForEver(t *testing.T) {
	w, v := openNew(t, t.TempDir())
	listKeys(t, v, "one", "a", true)
	number := v.Position()
	endKeys(t, v, "one")
	stream, err := packs.Open(t.Context(), w.conn, vault.StreamOptions())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Get(t.Context(), number); !errors.Is(err, packs.ErrNoRecord) {
		t.Errorf("the record with the key: %v", err)
	}
	if now := listKeys(t, v, "one", "a", true); now.Now == nil || len(now.Older) > 0 {
		t.Error("an ended key is known")
	}
}

// TestListKeysOfTwoLedgers has two ledgers of one cluster ask at the same time: both get the same
// key, and an end that one of them made counts for the other.
func TestListKeysOfTwoLedgers(t *testing.T) {
	w, one := openNew(t, t.TempDir())
	dir := t.TempDir()
	key, err := os.ReadFile(filepath.Join(w.dir, "vault", "vault.key"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "vault.key"), key)
	two := w.open(func(o *vault.Options) { o.Dir = dir })
	for round := range 5 {
		secret := fmt.Sprint(round)
		var got [2]vault.ListKeys
		var done sync.WaitGroup
		for i, v := range []*vault.Vault{one, two} {
			done.Go(func() { got[i] = listKeys(t, v, "m", secret, true) })
		}
		done.Wait()
		if !reflect.DeepEqual(got[0], got[1]) || len(got[0].Older) != round {
			t.Fatalf("round %d: the two know other keys", round)
		}
	}
	if n := endKeys(t, one, "m"); n != 5 {
		t.Errorf("%d keys ended", n)
	}
	if got := listKeys(t, two, "m", "4", false); got.Now != nil || len(got.Older) > 0 {
		t.Error("the other one has a key that was ended")
	}
}

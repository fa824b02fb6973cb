package access

import (
	"errors"
	"path/filepath"
	"slices"
	"testing"

	"cakupan/eventstore/durable"
	"cakupan/eventstore/durable/durabletest"
)

// registered returns who is in the register of a path, read anew.
func registered(t *testing.T, path string) (names []string) {
	t.Helper()
	entries, err := reopen(t, path).Entries()
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name)
	}
	return names
}

// TestPowerCut cuts the power while somebody is added: the register is the old one or the new one,
// and takes the next change.
func TestPowerCut(t *testing.T) {
	for _, cut := range durabletest.Cuts() {
		t.Run(cut.Name, func(t *testing.T) {
			r := newRegister(t)
			mustAdd(t, r, publisher("first"))
			if !cut.Run(t, filepath.Dir(r.path), func() { _, _ = r.Add(publisher("second")) }) {
				t.Fatal("was not cut")
			}
			want := []string{"first"}
			if cut.Step == durable.Done || cut.Step == durable.BeforeFolder && !cut.Lost {
				want = append(want, "second")
			}
			if got := registered(t, r.path); !slices.Equal(got, want) {
				t.Errorf("in the register: %v, want %v", got, want)
			}
			again := reopen(t, r.path)
			mustAdd(t, again, publisher("third"))
			if got := registered(t, r.path); !slices.Equal(got, append(want, "third")) {
				t.Errorf("after the next change: %v", got)
			}
		})
	}
}

// TestStepFails fails each step of a change: who made it hears of it, and the register says what
// the file says.
func TestStepFails(t *testing.T) {
	for _, step := range durable.Steps() {
		t.Run(string(step), func(t *testing.T) {
			r := newRegister(t)
			mustAdd(t, r, publisher("first"))
			heal := durabletest.Fail(t, filepath.Dir(r.path), step)
			_, err := r.Add(publisher("second"))
			if heal() == 0 || !errors.Is(err, durabletest.ErrInjected) {
				t.Fatalf("failed with %v", err)
			}
			want := []string{"first"}
			if errors.Is(err, durable.ErrUnsynced) {
				want = append(want, "second")
			}
			entries, err := r.Entries()
			if err != nil || len(entries) != len(want) {
				t.Errorf("%d entries (%v), want %v", len(entries), err, want)
			}
			if got := registered(t, r.path); !slices.Equal(got, want) {
				t.Errorf("in the file: %v, want %v", got, want)
			}
		})
	}
}

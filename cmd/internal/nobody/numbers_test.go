package nobody

import (
	"testing"

	"cakupan/domain/event"
)

// TestNIK makes sure that the numbers are what a person could have, each of another one.
func TestNIK(t *testing.T) {
	seen := map[string]bool{}
	for i := range 2_000 {
		nik := NIK(i)
		if broken := event.CheckNIK(nik); broken != "" || seen[nik] {
			t.Fatalf("person %d: %s, seen %t", i, broken, seen[nik])
		}
		seen[nik] = true
	}
}

// TestInGroups makes sure that a number is recognised in every form, and found again.
func TestInGroups(t *testing.T) {
	n := New()
	number := n.Next("a test")
	for _, text := range InGroups(number) {
		if !event.HasNIK(text) || len(n.Find([]byte(Plain("a "+text+"b")))) != 1 {
			t.Errorf("%q is not found", text)
		}
	}
}

// TestFind makes sure that a number is found wherever it stands.
func TestFind(t *testing.T) {
	n := New()
	number := n.Next("a test")
	for _, c := range []struct {
		text string
		want int
	}{
		{number, 1},
		{"x" + number + "y" + number, 2},
		{"\x00123" + number + "4", 1},
		{number[1:], 0},
		{number[:8] + " " + number[8:], 0},
	} {
		if got := n.Find([]byte(c.text)); len(got) != c.want {
			t.Errorf("%q: found %d times, want %d", c.text, len(got), c.want)
		}
	}
}

// TestShaped makes sure that a number is recognised in every shape, and found again.
func TestShaped(t *testing.T) {
	r := Random(t)
	n := New()
	for range 20_000 {
		text := Shaped(r, n.Next("a test"))
		if !event.HasNIK("x "+text) || len(n.Find([]byte(Plain("a "+text+"b")))) != 1 {
			t.Fatalf("%q is not found", text)
		}
	}
}

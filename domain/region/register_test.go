package region_test

import (
	"fmt"
	"strings"
	"testing"

	"cakupan/domain/region"
)

// TestEveryNumber tries every text that looks like a code: those of the register are codes and
// nothing else, each says what it is, and explains itself to who writes it another way.
func TestEveryNumber(t *testing.T) {
	known := map[string]bool{}
	for _, code := range region.All() {
		known[code.String()] = true
	}
	for n := range 10_000 {
		dotted := fmt.Sprintf("%02d.%02d", n/100, n%100)
		code, ok := region.Parse(dotted)
		if ok != known[dotted] || ok && code.String() != dotted {
			t.Fatalf("%s: %v, %t", dotted, code, ok)
		}
		bare := strings.ReplaceAll(dotted, ".", "")
		if _, ok := region.Parse(bare); ok {
			t.Fatalf("%s, without its dot, is guessed", bare)
		}
		if explained := region.Explain(bare); known[dotted] != strings.Contains(explained, dotted) {
			t.Fatalf("%s: %s", bare, explained)
		}
		comma := strings.ReplaceAll(dotted, ".", ",")
		if _, ok := region.Parse(comma); ok || region.Explain(comma) == "" {
			t.Fatalf("%s is guessed, or not explained", comma)
		}
	}
	for n := range 100 {
		text := fmt.Sprintf("%02d", n)
		if _, ok := region.Parse(text); ok != known[text] {
			t.Fatalf("%s: %t", text, ok)
		}
	}
}

// TestTree: every region but the nation lies in one of the level above, whose code its own begins
// with, and going up ends at the nation.
func TestTree(t *testing.T) {
	nation, ok := region.Parse("ID")
	if !ok {
		t.Fatal("ID is no region")
	}
	for _, code := range region.All() {
		if !code.Known() || code.Name() == "" {
			t.Errorf("%s: known %t, %q", code, code.Known(), code.Name())
		}
		steps := 0
		for up := code; up != nation; up = up.Parent() {
			if steps++; steps > 2 {
				t.Fatalf("%s does not lie in the nation", code)
			}
			if above := up.Parent(); above != nation &&
				!strings.HasPrefix(up.String(), above.String()+".") {
				t.Errorf("%s lies in %s", up, above)
			}
		}
		want := map[int]region.Level{
			0: nation.Level(), 1: region.ProvinceLevel, 2: region.RegencyLevel,
		}[steps]
		if code.Level() != want {
			t.Errorf("%s is %s, %d steps below the nation", code, code.Level(), steps)
		}
	}
}

// TestExplainIsSafe: whatever somebody typed, an answer repeats no more of it than a few digits.
func TestExplainIsSafe(t *testing.T) {
	const nik = "7503011501900001"
	for _, text := range []string{
		nik, " " + nik, nik[:8], "Bone Bolangoo", "75.03.01.2001", strings.Repeat("7", 1000), "\x00",
		"75.03\n", "", ".", "75.", ".03", "id", "Id", " ID ", "75.3", "075.03",
	} {
		explained := region.Explain(text)
		if explained == "" || len(explained) > 300 || len(text) > 5 && text != " ID " &&
			strings.Contains(explained, text) {
			t.Errorf("%q: %s", text, explained)
		}
	}
}

// TestExplainNames: a name is answered with each region that is called so, and none is taken.
func TestExplainNames(t *testing.T) {
	const instead = "write the code and not the name: did you mean "
	for name, want := range map[string]string{
		"Bone Bolango":           instead + "75.03 Kabupaten Bone Bolango?",
		" kab. bone bolango":     instead + "75.03 Kabupaten Bone Bolango?",
		"Kabupaten Gorontalo":    instead + "75.01 Kabupaten Gorontalo?",
		"Gorontalo":              instead + "75 Gorontalo, 75.01 Kabupaten Gorontalo or 75.71 Kota Gorontalo?",
		"Bekasi":                 instead + "32.16 Kabupaten Bekasi or 32.75 Kota Bekasi?",
		"Tengah":                 region.Explain(""), // of no region, but a part of the names of several
		"Nusa Tenggara Barat":    instead + "52 Nusa Tenggara Barat?",
		"Kabupaten Bone-Bolango": region.Explain(""),
	} {
		if got := region.Explain(name); got != want {
			t.Errorf("%q: %s, want %s", name, got, want)
		}
	}
}

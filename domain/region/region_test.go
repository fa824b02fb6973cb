package region

import (
	"encoding/csv"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// TestRegisterEqualsTable compares the generated Go tables with the data file.
func TestRegisterEqualsTable(t *testing.T) {
	file, err := os.Open("regions.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	rows = rows[1:]
	all := All()
	if len(all) != len(rows) {
		t.Fatalf("register has %d regions, table %d", len(all), len(rows))
	}
	for i, row := range rows {
		code, ok := Parse(row[0])
		if !ok || code != all[i] || code.String() != row[0] || code.Name() != row[1] {
			t.Errorf("row %d %v: Parse = %v %t %q", i, row, code, ok, code.Name())
		}
	}
	var known int
	for c := range 1 << 16 {
		if Code(c).Known() {
			known++
		}
	}
	if known != len(rows) {
		t.Errorf("%d codes are known, want %d", known, len(rows))
	}
}

func TestRegisterIsWhole(t *testing.T) {
	count := map[Level]int{}
	for i, code := range All() {
		count[code.Level()]++
		if !code.Parent().Known() {
			t.Errorf("%s: parent %s is not in the register", code, code.Parent())
		}
		if code.Level() > NationLevel && code.Parent().Level() != code.Level()-1 {
			t.Errorf("%s: parent %s is a %s", code, code.Parent(), code.Parent().Level())
		}
		name := code.Name()
		if code.Level() == RegencyLevel && !strings.HasPrefix(name, "Kabupaten ") &&
			!strings.HasPrefix(name, "Kota ") {
			t.Errorf("%s: name %q", code, name)
		}
		if i > 1 && All()[i-1].String() >= code.String() {
			t.Errorf("%s is out of order", code)
		}
	}
	if count[NationLevel] != 1 || count[ProvinceLevel] != 38 || count[RegencyLevel] != 514 {
		t.Errorf("levels: %v, want 1, 38 and 514", count)
	}
	for text, want := range map[string]string{
		"ID": "Indonesia", "75": "Gorontalo", "75.01": "Kabupaten Gorontalo",
		"75.03": "Kabupaten Bone Bolango", "75.71": "Kota Gorontalo", "96": "Papua Barat Daya",
	} {
		if code, ok := Parse(text); !ok || code.Name() != want {
			t.Errorf("%s is %q, want %q", text, code.Name(), want)
		}
	}
}

// TestParseIsExact tries every text of up to five characters of a small alphabet.
func TestParseIsExact(t *testing.T) {
	register := map[string]bool{}
	for _, code := range All() {
		register[code.String()] = true
	}
	var try func(prefix string)
	try = func(prefix string) {
		if _, ok := Parse(prefix); ok != register[prefix] {
			t.Fatalf("Parse(%q) = %t", prefix, ok)
		}
		if len(prefix) < 5 {
			for _, c := range "01379.ID /" {
				try(prefix + string(c))
			}
		}
	}
	try("")
	for _, text := range []string{"75.030", "075.03", "７５", "75٫03", "75.0३", "Id", "id"} {
		if code, ok := Parse(text); ok {
			t.Errorf("Parse(%q) = %s", text, code)
		}
	}
}

func TestFromNumber(t *testing.T) {
	for _, code := range All() {
		if got, ok := FromNumber(uint64(code)); !ok || got != code {
			t.Errorf("FromNumber(%d) = %s, %t", code, got, ok)
		}
	}
	for _, number := range []uint64{1, 99, 7599, 9999, 10_000, 65536 + 75, 1 << 40} {
		if got, ok := FromNumber(number); ok {
			t.Errorf("FromNumber(%d) = %s", number, got)
		}
	}
}

func TestExplain(t *testing.T) {
	for text, want := range map[string]string{
		"7501":             "did you mean 75.01 Kabupaten Gorontalo? BPS uses 7501 for Boalemo",
		"7502":             "did you mean 75.02 Kabupaten Boalemo? BPS uses 7502 for Kabupaten Gorontalo",
		"7503":             "did you mean 75.03 Kabupaten Bone Bolango? BPS uses 7503 for Pohuwato",
		"7504":             "did you mean 75.04 Kabupaten Pohuwato? BPS uses 7504 for Bone Bolango",
		"7505":             "did you mean 75.05 Kabupaten Gorontalo Utara? BPS uses 7505 for it too, but not so for its neighbours",
		"7171":             "did you mean 71.71 Kota Manado? BPS may use 7171 for another region",
		" 75.03":           "did you mean 75.03 Kabupaten Bone Bolango? A code has no spaces around it",
		"75.3":             "a number loses its zeros: " + shape,
		"75,03":            "write the code with a dot: " + shape,
		"75.99":            "no region in force has the Kemendagri code 75.99",
		"97":               "no region in force has the Kemendagri code 97",
		"9999":             "no region in force has these digits; " + shape,
		"id":               `did you mean "ID", the nation? It is written in capitals`,
		"":                 shape,
		"7501992401690005": shape,
	} {
		if got := Explain(text); got != want {
			t.Errorf("Explain(%q)\n got %s\nwant %s", text, got, want)
		}
	}
}

func TestAllIsTheCallers(t *testing.T) {
	all := All()
	clear(all)
	if slices.Equal(all, All()) {
		t.Error("clearing the slice changed the register")
	}
}

func FuzzParse(f *testing.F) {
	f.Add("75.03")
	f.Fuzz(func(t *testing.T, text string) {
		code, ok := Parse(text)
		if ok && code.String() != text {
			t.Fatalf("Parse(%q) = %s", text, code)
		}
		if !ok && Explain(text) == "" {
			t.Fatalf("Explain(%q) is empty", text)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	for b.Loop() {
		if _, ok := Parse("75.03"); !ok {
			b.Fatal("unknown")
		}
	}
}

func ExampleExplain() {
	fmt.Println(Explain("7503"))
	// Output: did you mean 75.03 Kabupaten Bone Bolango? BPS uses 7503 for Pohuwato
}

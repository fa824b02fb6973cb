package figures_test

import (
	"math"
	"math/big"
	"regexp"
	"testing"

	"pgregory.net/rapid"

	"cakupan/domain/figures"
)

func TestPercent(t *testing.T) {
	for _, c := range []struct {
		covered, workforce int64
		want               string
	}{
		{0, 10, "0.00"},
		{3, 10, "30.00"},
		{1, 3, "33.33"},
		{2, 3, "66.67"},
		{20512, 33600, "61.05"},
		{1, 20000, "0.01"}, // 0.005: half goes up
		{1, 20001, "0.00"},
		{1, 800, "0.13"},
		{19999, 20000, "100.00"}, // 99.995
		{199999, 200000, "100.00"},
		{199989, 200000, "99.99"},
		{7, 1, "700.00"},
		{39999, 20000, "200.00"},
		{20001, 20000, "100.01"},
		{math.MaxInt64, 1, "922337203685477580700.00"},
		{math.MaxInt64, math.MaxInt64, "100.00"},
		{math.MaxInt64 - 1, math.MaxInt64, "100.00"},
		{5, 0, ""},
		{0, 0, ""},
	} {
		if got := figures.Percent(c.covered, c.workforce); got != c.want {
			t.Errorf("Percent(%d, %d) = %q, want %q", c.covered, c.workforce, got, c.want)
		}
	}
}

func TestParsePercent(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "0.0": 0, "0.01": 1, "7.5": 750, "60": 6000, "52.15": 5215, "110.00": 11000,
		"250.5": 25050, "060": 6000, "92233720368547758.07": math.MaxInt64,
	} {
		if got, ok := figures.ParsePercent(text); !ok || got != want {
			t.Errorf("ParsePercent(%q) = %d, %t, want %d, true", text, got, ok, want)
		}
	}
	for _, text := range []string{
		"", ".", "60.", ".5", "52.155", "-1", "+1", "-0", "1e2", " 60", "60 ", "60,5", "1.2.3",
		"60%", "6_0", "٦٠", "NaN", "Inf", "0x10", "92233720368547758.08", "99999999999999999999",
	} {
		if got, ok := figures.ParsePercent(text); ok {
			t.Errorf("ParsePercent(%q) = %d, true, want not ok", text, got)
		}
	}
}

// number draws mostly small counts, where ties and halves are, and some at the end of int64.
func number() *rapid.Generator[int64] {
	return rapid.OneOf(
		rapid.Int64Range(0, 40),
		rapid.Int64Range(0, 40000),
		rapid.Int64Range(0, math.MaxInt64),
		rapid.Int64Range(math.MaxInt64-40, math.MaxInt64),
	)
}

// target draws percentages people set, and absurd ones.
func target() *rapid.Generator[int64] {
	return rapid.OneOf(
		rapid.Int64Range(0, 30000),
		rapid.SampledFrom([]int64{0, 1, 5000, 6000, 9999, 10000, 10001}),
		number(),
	)
}

func TestPercentIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		covered := number().Draw(t, "covered")
		workforce := max(1, number().Draw(t, "workforce"))
		// floor(covered × 10000 / workforce + ½) in big integers
		twice := new(big.Int).Mul(big.NewInt(covered), big.NewInt(20000))
		twice.Add(twice, big.NewInt(workforce))
		twice.Div(twice, new(big.Int).Mul(big.NewInt(workforce), big.NewInt(2)))
		want := new(big.Rat).SetFrac(twice, big.NewInt(100)).FloatString(2)
		if got := figures.Percent(covered, workforce); got != want {
			t.Fatalf("Percent(%d, %d) = %q, want %q", covered, workforce, got, want)
		}
	})
}

func TestParsePercentUndoesFormat(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		hundredths := number().Draw(t, "hundredths")
		text := figures.FormatPercent(hundredths)
		if got, ok := figures.ParsePercent(text); !ok || got != hundredths {
			t.Fatalf("ParsePercent(%q) = %d, %t, want %d", text, got, ok, hundredths)
		}
	})
}

// meets is the definition: covered / workforce strictly above target / 10000.
func meets(covered *big.Int, workforce, target int64) bool {
	have := new(big.Int).Mul(covered, big.NewInt(10000))
	need := new(big.Int).Mul(big.NewInt(workforce), big.NewInt(target))
	return have.Cmp(need) > 0
}

func TestMetAndShortfallAreExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		covered := number().Draw(t, "covered")
		workforce := max(1, number().Draw(t, "workforce"))
		percent := target().Draw(t, "target")

		met := figures.Met(covered, workforce, percent)
		if want := meets(big.NewInt(covered), workforce, percent); met != want {
			t.Fatalf("Met(%d, %d, %d) = %t, want %t", covered, workforce, percent, met, want)
		}
		missing := figures.Shortfall(covered, workforce, percent)
		if met != (missing == 0) {
			t.Fatalf("met is %t and %d are missing", met, missing)
		}
		enough := new(big.Int).Add(big.NewInt(covered), big.NewInt(missing))
		fewer := new(big.Int).Sub(enough, big.NewInt(1))
		if !met && missing < math.MaxInt64 && !meets(enough, workforce, percent) {
			t.Fatalf("%d more do not meet the target", missing)
		}
		if !met && meets(fewer, workforce, percent) {
			t.Fatalf("fewer than %d more meet the target", missing)
		}
	})
}

var percentText = regexp.MustCompile(`^[0-9]+(\.[0-9]{1,2})?$`)

func FuzzParsePercent(f *testing.F) {
	for _, seed := range []string{"60", "52.15", "52.155", "", ".", "1.", "-1", "1e9"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, ok := figures.ParsePercent(text)
		want, exact := new(big.Rat), false
		if percentText.MatchString(text) {
			want.SetString(text)
			want.Mul(want, big.NewRat(100, 1))
			exact = want.Num().IsInt64()
		}
		if ok != exact || ok && want.Cmp(big.NewRat(got, 1)) != 0 {
			t.Fatalf("ParsePercent(%q) = %d, %t, want %v, %t", text, got, ok, want, exact)
		}
	})
}

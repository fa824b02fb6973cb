package reconcile

import (
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestPercent takes a percentage as it is written, and says no to what might be meant otherwise.
func TestPercent(t *testing.T) {
	for text, want := range map[string]string{
		"30": "30/1", "30.5": "61/2", "61.05": "1221/20", "61,05": "1221/20", " 30 % ": "30/1",
		"30%": "30/1", "0": "0/1", "0.00": "0/1", "007": "7/1", "999999": "999999/1",
	} {
		f, err := Percent(text)
		if err != nil || f.value.String() != want || f.count {
			t.Errorf("%q: %v, %v, want %s", text, f.value, err, want)
		}
	}
	for _, text := range []string{
		"", "%", ".5", "5.", "-1", "+1", "1e3", "30.123", "1.234,5", "30,5,1", "0x1e", "1/3", "30 %%",
		"30.5.1", "thirty", "٣٠", "1_000", "1234567", "1 000",
	} {
		if f, err := Percent(text); !errors.Is(err, ErrFigure) {
			t.Errorf("%q is taken as %v, %v", text, f.value, err)
		}
	}
}

// TestGiven compares what gives a figure with the plain rule in whole numbers: n of d is p when it
// is rounded, half up, to as many decimals as p has.
func TestGiven(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		decimals := rapid.IntRange(0, 2).Draw(t, "decimals")
		scale := []int64{1, 10, 100}[decimals]
		d := rapid.Int64Range(1, 5_000).Draw(t, "d")
		n := rapid.Int64Range(0, 2*d).Draw(t, "n")
		// Half up: floor(100·n·scale/d + ½), in the whole.
		want := (200*n*scale + d) / (2 * d)
		published := max(0, want+rapid.Int64Range(-1, 1).Draw(t, "beside"))
		text := fmt.Sprint(published / scale)
		if decimals > 0 {
			text += fmt.Sprintf(".%0*d", decimals, published%scale)
		}
		f, err := Percent(text)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		value := new(big.Rat).Mul(big.NewRat(100, 1), big.NewRat(n, d))
		if got := f.isGivenBy(value); got != (published == want) {
			t.Fatalf("%d of %d gives %s: %v; it is %d/%d", n, d, text, got, want, scale)
		}
		// What is told is the value to two decimals, and how far it is off adds up to it.
		told, _ := new(big.Rat).SetString(f.text(value))
		off, _ := new(big.Rat).SetString(f.off(value))
		if new(big.Rat).Add(f.value, off).Cmp(told) != 0 {
			t.Fatalf("%s off by %s is not %s", text, f.off(value), f.text(value))
		}
		if decimals == 2 && f.isGivenBy(value) != (off.Sign() == 0) {
			t.Fatalf("%s is given: %v, and off by %s", text, f.isGivenBy(value), f.off(value))
		}
	})
}

// TestCount: a count is given by itself alone, and told as a whole number.
func TestCount(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Range(0, 1<<40).Draw(t, "n")
		by := rapid.Int64Range(-3, 3).Draw(t, "by")
		f, value := Count(n), new(big.Rat).SetInt64(n+by)
		if f.isGivenBy(value) != (by == 0) {
			t.Fatalf("%d is given by %d", n, n+by)
		}
		if f.text(value) != fmt.Sprint(n+by) || f.off(value) != fmt.Sprint(by) {
			t.Fatalf("%d by %d: %s, off %s", n, n+by, f.text(value), f.off(value))
		}
	})
}

// TestGrouped groups by thousands, from the right.
func TestGrouped(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Range(0, 1<<62).Draw(t, "n")
		groups := strings.Split(grouped(n), ",")
		for i, group := range groups {
			if len(group) > 3 || i > 0 && len(group) != 3 || group == "" {
				t.Fatalf("%d: %v", n, groups)
			}
		}
		if strings.Join(groups, "") != fmt.Sprint(n) {
			t.Fatalf("%d: %v", n, groups)
		}
	})
}

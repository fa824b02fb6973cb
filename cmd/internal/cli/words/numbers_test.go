package words

import (
	"math"
	"math/big"
	"testing"
)

// TestThousands writes numbers of all sizes, the least of each type too.
func TestThousands(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0", 7: "7", -7: "-7", 999: "999", 1000: "1,000", -1000: "-1,000", 1234567: "1,234,567",
		math.MaxInt64: "9,223,372,036,854,775,807", math.MinInt64: "-9,223,372,036,854,775,808",
	} {
		if got := Thousands(n); got != want {
			t.Errorf("%d is %s", n, got)
		}
	}
	if got := Thousands(uint64(math.MaxUint64)); got != "18,446,744,073,709,551,615" {
		t.Error(got)
	}
}

// TestLarge writes what no word holds, and a dash for nothing.
func TestLarge(t *testing.T) {
	n, _ := new(big.Int).SetString("123456789012345678901", 10)
	for want, n := range map[string]*big.Int{
		"–": nil, "0": new(big.Int), "-1,234": big.NewInt(-1234),
		"123,456,789,012,345,678,901": n,
	} {
		if got := Large(n); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

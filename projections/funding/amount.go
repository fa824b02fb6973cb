package funding

import "math/big"

// amount is rupiah, or heads times months, without a bound: three numbers of 2^53 are multiplied.
// The zero value is 0. It never changes once it is made, so that it may be copied.
type amount struct{ n *big.Int }

func amountOf(n int64) amount { return amount{big.NewInt(n)} }

// big returns the number, to be read only: it may be that of another amount too.
func (a amount) big() *big.Int {
	if a.n == nil {
		return new(big.Int)
	}
	return a.n
}

func (a amount) plus(b amount) amount { return amount{new(big.Int).Add(a.big(), b.big())} }

func (a amount) minus(b amount) amount { return amount{new(big.Int).Sub(a.big(), b.big())} }

func (a amount) times(b amount) amount { return amount{new(big.Int).Mul(a.big(), b.big())} }

func (a amount) compare(b amount) int { return a.big().Cmp(b.big()) }

// over returns how often b, which is above 0, goes into a. What is left over is cut off.
func (a amount) over(b amount) amount { return amount{new(big.Int).Quo(a.big(), b.big())} }

// hundredths returns a/b with two decimals, rounded half up; both are 0 or more, b above 0. It is
// exact however large the numbers are, and has the same rounding as the contract's percentages.
func (a amount) hundredths(b amount) string {
	twice := new(big.Int).Mul(a.big(), big.NewInt(200))
	twice.Add(twice, b.big())
	n := twice.Quo(twice, new(big.Int).Mul(b.big(), big.NewInt(2)))
	whole, part := new(big.Int).QuoRem(n, big.NewInt(100), new(big.Int))
	text := part.String()
	if len(text) == 1 {
		text = "0" + text
	}
	return whole.String() + "." + text
}

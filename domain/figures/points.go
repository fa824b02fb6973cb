package figures

import "math/big"

// Share is a number of covered workers and the workforce that it is a share of.
type Share struct{ Covered, Workforce int64 }

// Points says how many percentage points of the difference between two percentages are due to the
// numerator, which is by how much covered changes over the first workforce, and how many to the
// denominator, which are the rest. They have four decimals, rounded half away from zero; both
// workforces must be positive.
func Points(from, to Share) (numerator, denominator string) {
	const whole = 100
	share := func(covered, workforce int64) *big.Rat {
		r := big.NewRat(covered, workforce)
		return r.Mul(r, big.NewRat(whole, 1))
	}
	first := share(from.Covered, from.Workforce)
	changed := share(to.Covered, from.Workforce)
	last := share(to.Covered, to.Workforce)
	return fourDecimals(new(big.Rat).Sub(changed, first)),
		fourDecimals(new(big.Rat).Sub(last, changed))
}

// fourDecimals writes a number, never "-0.0000".
func fourDecimals(r *big.Rat) string {
	const zero = "0.0000"
	if text := r.FloatString(4); text != "-"+zero {
		return text
	}
	return zero
}

package temporal_test

import (
	"fmt"

	"cakupan/domain/temporal"
)

// Days and months are plain integers: what lies between two of them is a subtraction.
func ExampleParseDate() {
	from, _ := temporal.ParseDate("2020-02-28")
	until, _ := temporal.ParseDate("2020-03-01")
	fmt.Println(int(until-from), from.AddDays(1), until.Month())
	_, err := temporal.ParseDate("2021-02-29")
	fmt.Println(err != nil)
	// Output:
	// 2 2020-02-29 2020-03
	// true
}

// A bare date, as what was known, means the end of that day in Asia/Makassar: eight hours before
// it ends in UTC.
func ExampleEndOfDay() {
	day, _ := temporal.ParseDate("2020-12-31")
	fmt.Println(temporal.EndOfDay(day))
	// Output:
	// 2020-12-31T15:59:59.999999999Z
}

// Package temporal holds the ledger's two time axes: civil dates and months, which say when a
// fact is true in the world (effective), and instants, which say when the log took it (recorded).
//
// Everything is a plain integer, and conversions are integer arithmetic: a replay converts
// millions of dates a second. The package reads no clock and knows one place only: the day of the
// contract ends in Asia/Makassar, which has kept UTC+8 without change since 1944.
package temporal

// Date is a civil day: days since 1970-01-01 in the proleptic Gregorian calendar, no zone.
type Date int32

// Month is a civil month: months since January 1970.
type Month int32

// Instant is a moment of recording: nanoseconds since 1970-01-01T00:00:00Z.
type Instant int64

// The range of dates that have a text, years 1 to 9999. [ParseDate] returns no others; a result
// of [Date.AddDays] beyond it is still a day, but its text does not parse.
const (
	MinDate Date = -719162 // 0001-01-01
	MaxDate Date = 2932896 // 9999-12-31
)

// The range of instants, years 1677 to 2262. An earlier or later moment is read as the nearer one.
const (
	MinInstant Instant = -1 << 63
	MaxInstant Instant = 1<<63 - 1
)

// Units of an [Instant], in nanoseconds.
const (
	second = 1_000_000_000
	day    = 86_400 * second

	makassar = 8 * 3600 * second // Asia/Makassar is this far ahead of UTC
)

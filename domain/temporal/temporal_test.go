package temporal

import (
	"math"
	"math/big"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestCalendarAgainstTime compares every day of years 1 to 9999 with package time.
func TestCalendarAgainstTime(t *testing.T) {
	want := time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)
	for d := MinDate; d <= MaxDate; d++ {
		year, month, dayOfMonth := d.civil()
		y, m, dom := want.Date()
		if year != y || month != int(m) || dayOfMonth != dom {
			t.Fatalf("civil(%d) = %d-%d-%d, want %s", d, year, month, dayOfMonth, want)
		}
		if got, ok := NewDate(y, int(m), dom); !ok || got != d {
			t.Fatalf("NewDate(%s) = %d, %t, want %d", want, got, ok, d)
		}
		if got := d.Month(); got != Month((y-1970)*12+int(m)-1) {
			t.Fatalf("%s.Month() = %d", want, got)
		}
		want = want.AddDate(0, 0, 1)
	}
	if want.Year() != 10000 {
		t.Errorf("MaxDate is not the last day of 9999: next is %s", want)
	}
}

func TestMonthsAgainstTime(t *testing.T) {
	for year := 1; year <= 9999; year++ {
		for month := 1; month <= 12; month++ {
			first := time.Date(year, time.Month(month), 1, 0, 0, 0, 0, time.UTC)
			m := Month((year-1970)*12 + month - 1)
			if got, want := m.First(), Date(first.Unix()/86400); got != want {
				t.Fatalf("First(%s) = %d, want %d", first, got, want)
			}
			last := first.AddDate(0, 1, -1)
			if got, want := m.Last(), Date(last.Unix()/86400); got != want {
				t.Fatalf("Last(%s) = %d, want %d", first, got, want)
			}
			if m.First().Month() != m || m.Last().Month() != m {
				t.Fatalf("%s: first or last day lies in another month", m)
			}
		}
	}
}

func TestDatesBeyondTheirTexts(t *testing.T) {
	for _, tc := range []struct {
		date Date
		want string
	}{
		{MinDate, "0001-01-01"},
		{MaxDate, "9999-12-31"},
		{MinDate.AddDays(-1), "0000-12-31"},
		{MinDate.AddDays(-367), "-0001-12-31"},
		{MaxDate.AddDays(1), "10000-01-01"},
		{0, "1970-01-01"},
		{Date(-1), "1969-12-31"},
	} {
		if got := tc.date.String(); got != tc.want {
			t.Errorf("Date(%d).String() = %s, want %s", tc.date, got, tc.want)
		}
	}
}

func TestParseDate(t *testing.T) {
	for _, text := range []string{
		"0001-01-01", "1899-12-31", "1970-01-01", "2000-02-29", "2020-02-29", "9999-12-31",
	} {
		date, err := ParseDate(text)
		if err != nil || date.String() != text {
			t.Errorf("ParseDate(%q) = %s, %v", text, date, err)
		}
	}
	for _, text := range []string{
		"", "2020", "2020-01", "2020-1-01", "2020-01-1", "0000-01-01", "2021-02-29", "1900-02-29",
		"2020-13-01", "2020-00-01", "2020-01-00", "2020-01-32", "2020-04-31", " 2020-01-01",
		"2020-01-01 ", "2020-01-01T00:00:00Z", "2020/01/01", "20200101", "+020-01-01",
		"-020-01-01", "2020-0١-01", "２０20-01-01", "10000-01-01", "2020-01-0a", "2020-W01-1",
	} {
		if date, err := ParseDate(text); err == nil {
			t.Errorf("ParseDate(%q) = %s, want an error", text, date)
		}
	}
}

func TestParseMonth(t *testing.T) {
	for _, text := range []string{"0001-01", "1969-12", "1970-01", "2020-02", "9999-12"} {
		month, err := ParseMonth(text)
		if err != nil || month.String() != text {
			t.Errorf("ParseMonth(%q) = %s, %v", text, month, err)
		}
	}
	for _, text := range []string{
		"", "2020", "2020-1", "2020-00", "2020-13", "0000-01", "2020-01-01", "2020/01", " 2020-01",
		"2020-01 ", "202001", "+020-01", "10000-01",
	} {
		if month, err := ParseMonth(text); err == nil {
			t.Errorf("ParseMonth(%q) = %s, want an error", text, month)
		}
	}
}

func TestParseInstant(t *testing.T) {
	for text, want := range map[string]string{
		"1970-01-01T00:00:00Z":                     "1970-01-01T00:00:00.000000000Z",
		"2021-01-04T02:11:09.123456789Z":           "2021-01-04T02:11:09.123456789Z",
		"2021-01-04t02:11:09.1z":                   "2021-01-04T02:11:09.100000000Z",
		"2021-01-04T10:11:09+08:00":                "2021-01-04T02:11:09.000000000Z",
		"2021-01-04T00:00:00-00:00":                "2021-01-04T00:00:00.000000000Z",
		"2021-01-04T00:00:00-23:59":                "2021-01-04T23:59:00.000000000Z",
		"2021-01-01T00:00:00+23:59":                "2020-12-31T00:01:00.000000000Z",
		"1969-12-31T23:59:59.999999999Z":           "1969-12-31T23:59:59.999999999Z",
		"2021-01-04T02:11:09.1234567899Z":          "2021-01-04T02:11:09.123456789Z",
		"2021-01-04T02:11:09.0000000000000000001Z": "2021-01-04T02:11:09.000000000Z",
		"0000-02-29T00:00:00Z":                     MinInstant.String(),
		"9999-12-31T23:59:59Z":                     MaxInstant.String(),
		"2262-04-11T23:47:16.854775807Z":           "2262-04-11T23:47:16.854775807Z",
		"2262-04-11T23:47:16.854775808Z":           "2262-04-11T23:47:16.854775807Z",
		"1677-09-21T00:12:43.145224192Z":           "1677-09-21T00:12:43.145224192Z",
		"1677-09-21T00:12:43.145224191Z":           "1677-09-21T00:12:43.145224192Z",
	} {
		got, err := ParseInstant(text)
		if err != nil || got.String() != want {
			t.Errorf("ParseInstant(%q) = %s, %v, want %s", text, got, err, want)
		}
	}
}

func TestParseInstantRefuses(t *testing.T) {
	for _, text := range []string{
		"", "2021-01-04", "2021-01-04T02:11:09", "2021-01-04T02:11Z", "2021-01-04 02:11:09Z",
		"2021-01-04T2:11:09Z", "2021-01-04T02:11:09,5Z", "2021-01-04T02:11:09.Z",
		"2021-01-04T24:00:00Z", "2021-01-04T23:60:00Z", "2016-12-31T23:59:60Z",
		"2021-02-29T00:00:00Z", "2021-01-04T02:11:09+0800", "2021-01-04T02:11:09+08",
		"2021-01-04T02:11:09+24:00", "2021-01-04T02:11:09+08:60", "2021-01-04T02:11:09Z ",
		"2021-01-04T02:11:09ZZ", "2021-01-04T02:11:09*08:00", "2021-01-04T02:11:0aZ",
		"-021-01-04T02:11:09Z", "2021-13-04T02:11:09Z", "2021-01-04T02:11:09.5", "2021-01-04T02:11:09:",
		"2021-01-04T02:11:09.5\x1a", "2021-01-04\x1402:11:09Z", "10021-01-04T02:11:09Z",
	} {
		if got, err := ParseInstant(text); err == nil {
			t.Errorf("ParseInstant(%q) = %s, want an error", text, got)
		}
	}
}

// TestInstantText compares random instants and offsets with package time.
func TestInstantText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		i := Instant(rapid.Int64().Draw(t, "instant"))
		want := time.Unix(0, int64(i)).UTC()
		if got := i.String(); got != want.Format("2006-01-02T15:04:05.000000000Z") {
			t.Fatalf("Instant(%d) = %s, want %s", i, got, want)
		}
		minutes := rapid.IntRange(-23*60-59, 23*60+59).Draw(t, "offset")
		text := want.In(time.FixedZone("", minutes*60)).Format(time.RFC3339Nano)
		if back, err := ParseInstant(text); err != nil || back != i {
			t.Fatalf("ParseInstant(%s) = %d, %v, want %d", text, back, err, i)
		}
	})
}

// TestInstantSaturation compares seconds and nanoseconds near the ends of the range with integers
// that cannot overflow.
func TestInstantSaturation(t *testing.T) {
	lowest, highest := big.NewInt(math.MinInt64), big.NewInt(math.MaxInt64)
	for _, end := range []int64{math.MinInt64 / second, math.MaxInt64 / second} {
		for unix := end - 3; unix <= end+3; unix++ {
			for _, nanos := range []int{0, 1, 145224191, 145224192, 854775807, 854775808, second - 1} {
				want := new(big.Int).Mul(big.NewInt(unix), big.NewInt(second))
				want.Add(want, big.NewInt(int64(nanos)))
				if want.Cmp(lowest) < 0 {
					want = lowest
				}
				if want.Cmp(highest) > 0 {
					want = highest
				}
				if got := instant(unix, nanos); int64(got) != want.Int64() {
					t.Errorf("instant(%d, %d) = %d, want %s", unix, nanos, got, want)
				}
			}
		}
	}
}

func TestEndOfDay(t *testing.T) {
	zone := time.FixedZone("Asia/Makassar", 8*3600)
	for d := Date(-106752); d <= 106751; d += 17 {
		next := time.Unix(int64(d+1)*86400, 0).UTC()
		want := time.Date(next.Year(), next.Month(), next.Day(), 0, 0, 0, 0, zone).Add(-1)
		if got := EndOfDay(d); int64(got) != want.UnixNano() {
			t.Fatalf("EndOfDay(%s) = %s, want %s", d, got, want)
		}
		if got := EndOfDay(d); got.Date() != d || got < MaxInstant && (got+1).Date() != d+1 {
			t.Fatalf("EndOfDay(%s) = %s lies on %s", d, got, got.Date())
		}
	}
	if EndOfDay(MinDate) != MinInstant || EndOfDay(-106753) != MinInstant {
		t.Error("a day before the range must end at MinInstant")
	}
	if EndOfDay(MaxDate) != MaxInstant || EndOfDay(106752) != MaxInstant {
		t.Error("a day after the range must end at MaxInstant")
	}
	if got := EndOfDay(106751).String(); got != "2262-04-11T15:59:59.999999999Z" {
		t.Errorf("last day of the range ends at %s", got)
	}
}

// FuzzParseInstant: what we accept, package time accepts and reads alike, but for the few forms
// that RFC 3339 allows and package time does not.
func FuzzParseInstant(f *testing.F) {
	for _, text := range []string{
		"2021-01-04T02:11:09.123456789Z", "2021-01-04t02:11:09z", "1600-02-29T23:59:59-23:59",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := ParseInstant(text)
		if err != nil {
			return
		}
		want, err := time.Parse(time.RFC3339Nano, strings.ToUpper(text))
		if err != nil {
			t.Fatalf("ParseInstant(%q) = %s, package time: %v", text, got, err)
		}
		if year := want.UTC().Year(); year > 1678 && year < 2262 && int64(got) != want.UnixNano() {
			t.Fatalf("ParseInstant(%q) = %s, want %s", text, got, want)
		}
	})
}

func BenchmarkDateMonth(b *testing.B) {
	var sum Month
	d := Date(18000)
	for b.Loop() {
		sum += d.Month()
		d ^= 1023
	}
	_ = sum
}

func BenchmarkMonthLast(b *testing.B) {
	var sum Date
	m := Month(600)
	for b.Loop() {
		sum += m.Last()
		m ^= 127
	}
	_ = sum
}

func BenchmarkParseDate(b *testing.B) {
	for b.Loop() {
		if _, err := ParseDate("2020-12-31"); err != nil {
			b.Fatal(err)
		}
	}
}

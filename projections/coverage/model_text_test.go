package coverage_test

import (
	"cmp"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"cakupan/domain/region"
	"cakupan/domain/temporal"
)

// The model's own words for codes, days and moments. The place in a list is the number of the
// code; place 0 is no code.
var (
	segmentNames  = [...]string{"", "PU", "BPU", "JAKON", "PMI"}
	categoryNames = [...]string{
		"", "ASN", "NON_ASN", "VILLAGE_OFFICIAL", "PRIVATE", "SELF_EMPLOYED", "VULNERABLE", "OTHER",
	}
	programmeNames = [...]string{"", "JKK", "JKM", "JHT", "JP", "JKP"}
	payerNames     = [...]string{"", "EMPLOYER", "SELF", "APBD"}
	fundingNames   = [...]string{
		"UNKNOWN", "APBD", "APBD_P", "APBDES", "DBH_SAWIT", "DBH_CHT", "POKIR", "OTHER",
	}
	sectorNames    = [...]string{"", "ALL", "FORMAL", "INFORMAL"}
	indicatorNames = [...]string{"", "LABOUR_FORCE", "EMPLOYED", "ELIGIBLE"}
	typeNames      = [...]string{
		"", "enrolment.opened.v1", "enrolment.amended.v1", "enrolment.terminated.v1",
		"enrolment.reinstated.v1", "worker.died.v1", "funding.committed.v1",
		"funding.amended.v1", "funding.granted.v1", "funding.revoked.v1",
		"funding.disbursed.v1", "funding.closed.v1", "workforce.published.v1",
		"target.set.v1", "event.retracted.v1", "worker.merged.v1", "contribution.credited.v1",
	}
	dimensionNames = [...]string{
		"sector", "segment", "category", "programme", "funding", "evidence",
	}
)

// makassar is UTC+8 without daylight saving, for ever.
var makassar = time.FixedZone("Asia/Makassar", 8*60*60)

const daySeconds = 24 * 60 * 60

// parseDate reads YYYY-MM-DD.
func parseDate(text string) (temporal.Date, error) {
	t, err := time.Parse(time.DateOnly, text)
	return temporal.Date(t.Unix() / daySeconds), err
}

func timeOf(d temporal.Date) time.Time { return time.Unix(int64(d)*daySeconds, 0).UTC() }

func dateText(d temporal.Date) string { return timeOf(d).Format(time.DateOnly) }

// parseMonth reads YYYY-MM.
func parseMonth(text string) (temporal.Month, error) {
	t, err := time.Parse("2006-01", text)
	return month(t), err
}

func month(t time.Time) temporal.Month {
	return temporal.Month((t.Year()-1970)*12 + int(t.Month()) - 1)
}

func monthOf(d temporal.Date) temporal.Month { return month(timeOf(d)) }

// monthText writes YYYY-MM.
func monthText(m temporal.Month) string {
	return time.Date(1970, time.January+time.Month(m), 1, 0, 0, 0, 0, time.UTC).Format("2006-01")
}

// parseInstant reads RFC 3339. A moment outside int64 nanoseconds becomes the nearest inside.
func parseInstant(text string) (temporal.Instant, error) {
	t, err := time.Parse(time.RFC3339Nano, text)
	return instant(t), err
}

func instant(t time.Time) temporal.Instant {
	switch {
	case t.Before(time.Unix(0, math.MinInt64)):
		return math.MinInt64
	case t.After(time.Unix(0, math.MaxInt64)):
		return math.MaxInt64
	default:
		return temporal.Instant(t.UnixNano())
	}
}

func instantText(i temporal.Instant) string {
	return time.Unix(0, int64(i)).UTC().Format("2006-01-02T15:04:05.000000000Z")
}

// endOfDay returns the last nanosecond of the day in Makassar.
func endOfDay(d temporal.Date) temporal.Instant {
	t := timeOf(d)
	return instant(time.Date(t.Year(), t.Month(), t.Day()+1, 0, 0, 0, -1, makassar))
}

// knownAt returns the sequence of the last event recorded at or before the moment.
func knownAt(history []Recorded, at temporal.Instant) uint64 {
	known := uint64(0)
	for _, e := range history {
		if e.RecordedAt <= at {
			known = e.Sequence
		}
	}
	return known
}

// regionOf reads "ID", "75" or "75.03".
func regionOf(text string) (region.Code, error) {
	if text == "ID" {
		return region.Nation, nil
	}
	if len(text) != len("75") && (len(text) != len("75.03") || text[2] != '.') {
		return 0, fmt.Errorf("region %q has the shape of no code", text)
	}
	number, err := strconv.ParseUint(strings.Replace(text, ".", "", 1), 10, 16)
	return region.Code(number), err
}

func regionText(c region.Code) string {
	switch {
	case c == region.Nation:
		return "ID"
	case c < 100:
		return fmt.Sprintf("%02d", c)
	default:
		return fmt.Sprintf("%02d.%02d", c/100, c%100)
	}
}

// parent returns the province of a regency and the nation of a province.
func parent(c region.Code) region.Code { return c / 100 }

// contains reports whether c is outer or lies in it.
func contains(outer, c region.Code) bool {
	return outer == region.Nation || outer == c || outer == parent(c)
}

// compareRegions sorts the nation first, then by text.
func compareRegions(a, b region.Code) int {
	if a == region.Nation || b == region.Nation {
		return cmp.Compare(a, b)
	}
	return cmp.Compare(regionText(a), regionText(b))
}

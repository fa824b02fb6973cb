package httpapi

import (
	"strconv"

	"cakupan/domain/temporal"
)

// days returns the days of a series from one to another, both in: each day, or the last day of each
// month that lies between them. The number of points is judged before any is made. Of a month that
// until cuts there is no point, because its last day is beyond. With an error it returns none.
func (p *parameters) days(from, until temporal.Date) (days []temporal.Date) {
	step := p.values.Get("step")
	if step == "" && !p.has("step") {
		step = "month"
	}
	switch {
	case step != "day" && step != "month":
		p.fail("step", "must be day or month")
	case until < from:
		p.fail("until", "is before from")
	case step == "day" && until-from >= pointsMax ||
		step == "month" && until.Month()-from.Month() >= pointsMax:
		p.fail("until", "is too far from from: a series has at most "+
			strconv.Itoa(pointsMax)+" points")
	case step == "day":
		for day := from; day <= until; day++ {
			days = append(days, day)
		}
	default:
		for month := from.Month(); month.Last() <= until; month++ {
			days = append(days, month.Last())
		}
	}
	return days
}

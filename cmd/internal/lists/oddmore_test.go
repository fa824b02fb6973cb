package lists

import (
	"fmt"
	"strconv"

	"cakupan/domain/region"
	"cakupan/domain/temporal"
)

// contradict makes the people of a list as its form wants them: days that all may be two, where
// another column shows how they are written; somebody whose region has the name of another one.
func (o *oddList) contradict() {
	if o.dateForm == "beside" {
		for _, p := range o.people {
			year, month, day := partsOf(p.from)
			p.from, _ = temporal.NewDate(year, month, 1+day%12)
		}
	}
	if o.names == "code and wrong name" {
		o.people[o.random.IntN(len(o.people))].refused = true
	}
}

// partsOf returns year, month and day.
func partsOf(at temporal.Date) (year, month, day int) {
	_, _ = fmt.Sscanf(at.String(), "%d-%d-%d", &year, &month, &day)
	return year, month, day
}

// head names the columns as the list does: with notes, and with columns beside those that every
// list has.
func (o *oddList) head(names []string) []string {
	if o.pick("names", "names", "notes") == "notes" {
		for i, name := range names {
			switch name {
			case "KPJ":
				names[i] += o.one(" (11 digit)", " (opsional)", " *")
			case "Tanggal Mulai":
				names[i] += o.one(" (wajib diisi)", " (dd/mm/yyyy)", " (mm/dd/yyyy)")
			case "Segmen":
				names[i] += " (PU/BPU)"
			}
		}
	}
	if o.dateForm == "beside" {
		names = append(names, "Tanggal Lahir")
	}
	if o.names != "code" {
		names = append(names, "Nama Kab/Kota")
	}
	return names
}

// beside are the values of the columns that [oddList.head] has added.
func (o *oddList) beside(p *truth) (values []string) {
	if o.dateForm == "beside" {
		day := 1 + o.random.IntN(28)
		if p == o.people[0] {
			day = 13 + o.random.IntN(15)
		}
		values = append(values, fmt.Sprintf("%d/%d/19%d", 1+o.random.IntN(12), day, 60+o.random.IntN(39)))
	}
	if o.names == "code" {
		return values
	}
	code := p.region
	for p.refused && code == p.region {
		code = o.one(oddRegions...)
	}
	parsed, _ := region.Parse(code)
	return append(values, parsed.Name())
}

// day writes the day of a person in the forms that need to know more than the day.
func (o *oddList) day(p *truth) string {
	year, month, day := partsOf(p.from)
	switch o.dateForm {
	case "beside":
		return fmt.Sprintf("%d/%d/%d", month, day, year)
	case "day before month":
		return fmt.Sprintf("%d-%02d-%02d", year, day, month)
	case "count lost":
		if p == o.people[2] { // who started on 5 March
			return fmt.Sprintf("%d%02d%02d", day, month, year%100)
		}
		return strconv.Itoa(int(p.from) - serialZero)
	case "counts":
		return strconv.Itoa(int(p.from) - serialZero)
	case "zone hours":
		return fmt.Sprintf("%s 00:00:00+%02d", p.from, zoneOf(`"`+p.region+`"`))
	}
	return o.dayText(p.from)
}

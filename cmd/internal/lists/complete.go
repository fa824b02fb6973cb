package lists

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"cakupan/cmd/internal/lists/grid"
	"cakupan/domain/event"
	"cakupan/domain/temporal"
)

// complete finds what the row must have and has not, and what follows from what it has. What one
// column says is read by then; here are the rules about several. Days and regions come first, as
// those below need them. The order of the refusals is that of what people should mend first.
func (r *Reader) complete() {
	r.clarifyRegions()
	r.clarifyDays()
	for _, n := range r.list.needs {
		found := false
		for _, f := range n.fields {
			found = found || r.has(f)
		}
		if found {
			continue
		}
		r.refuse(r.nameOf(n.fields), missing(n.fields[0]))
		if n.fields[0] == fieldNIK {
			return // then the rest does not matter
		}
	}
	if len(r.faults) > 0 {
		return
	}
	v := &r.values
	// The contract counts the first day that is out: section 1, periods are half-open.
	if last := &v[fieldLastDay]; last.json != "" {
		v[fieldUntil].json = `"` + last.date.AddDays(1).String() + `"`
	}
	// A month of inactivity is the first one that is out.
	if month := &v[fieldInactive]; month.json != "" {
		v[fieldUntil].json = `"` + month.month.First().String() + `"`
	}
	// Only rows without a defect so far come here: what is told of two cells would confuse where
	// one of them is wrong by itself.
	switch r.list.info.Kind {
	case Funding, Contribution:
		r.period()
	case Death, Merge:
		r.persons()
	default: // nothing in such a row speaks of two cells at once
	}
}

// persons makes sure that each person is named once, and that two who are one are two numbers. The
// ledger would refuse both too (worker.ambiguous, field.invalid), in words about fields that the
// clerk has never seen.
func (r *Reader) persons() {
	v := &r.values
	for _, one := range [...][]field{{fieldNIK, fieldWorker}, {fieldIntoNIK, fieldInto}} {
		if r.has(one[0]) && r.has(one[1]) {
			r.refuse(r.nameOf(one), &fault{
				event.WorkerAmbiguous, "sebut orangnya sekali saja: NIK atau ID pekerja",
				"name the person once: by NIK or by worker id",
			})
		}
	}
	himself := noField
	switch {
	case len(r.into) > 0 && bytes.Equal(r.nik, r.into):
		himself = fieldIntoNIK
	case v[fieldInto].json != "" && v[fieldInto].json == v[fieldWorker].json:
		himself = fieldInto
	}
	if himself != noField {
		r.refuse(r.nameOf([]field{himself}), &fault{
			event.FieldInvalid, "sama dengan nomor yang digabungkan: tulis nomor yang lain",
			"is the number that is merged: write the other one",
		})
	}
}

// period finds the months that are paid. The first of them comes from a column of first months, or
// of the one month that is paid; without any end that month alone is meant. Both ends stand in the
// event, the last as the first month that is out.
func (r *Reader) period() {
	v := &r.values
	from := v[fieldFromMonth].month
	if r.has(fieldMonth) {
		from = v[fieldMonth].month
	}
	var until temporal.Month
	var ending field
	switch {
	case r.has(fieldLastMonth):
		until, ending = v[fieldLastMonth].month+1, fieldLastMonth
	case r.has(fieldUntilMonth):
		until, ending = v[fieldUntilMonth].month, fieldUntilMonth
	case r.has(fieldMonths):
		until, ending = from+temporal.Month(v[fieldMonths].count), fieldMonths
	default:
		until = from + 1
	}
	if until <= from {
		r.refuse(r.nameOf([]field{ending}), &fault{
			event.PeriodInverted, "harus sesudah bulan mulai", "must be after the first month",
		})
		return
	}
	v[fieldFromMonth].json = `"` + from.String() + `"`
	v[fieldUntilMonth].json = `"` + until.String() + `"`
}

// nameOf returns the name of the first column that has one of some fields, and the first one's
// title when the list has none. It is what a refusal calls the place where the clerk must look.
func (r *Reader) nameOf(fields []field) string {
	for _, f := range fields {
		for i := range r.list.columns {
			if r.list.columns[i].field == f {
				return r.list.columns[i].name
			}
		}
	}
	return fields[0].title(r.list.info.Lang)
}

// nameOfNumber returns the name of the column by whose number the row is known.
func (r *Reader) nameOfNumber() string {
	if r.values[fieldEnrolment].json != "" {
		return r.nameOf([]field{fieldEnrolment})
	}
	return r.nameOf([]field{fieldNIK, fieldWorker})
}

// missing says that a row has no value where it must.
func missing(f field) *fault {
	if f == fieldNIK {
		return &fault{
			event.FieldMissing,
			"baris ini tidak menyebut siapa orangnya; bila ini jumlah atau tanda tangan, hapus",
			"the row does not say who is meant; if it is a total or a signature, delete it",
		}
	}
	return &fault{
		event.FieldMissing,
		"belum diisi (bila selnya digabung, hanya baris pertama yang terisi)",
		"is empty (merged cells fill only the first of their rows)",
	}
}

// saidOtherwise says that an earlier row says something else of the same person or number. earlier
// is as [Across.at] has it. Which of the two rows is right nobody can tell, so the later one is
// refused.
func (r *Reader) saidOtherwise(earlier uint32) *fault {
	number, where := r.across.words(r.list.info.Sheet, earlier, r.list.info.Lang)
	row := strconv.FormatUint(uint64(number), 10) + where
	switch {
	case r.list.info.Kind == Death:
		return &fault{
			event.FieldInvalid,
			"orang ini sudah ada di baris " + row + " dengan tanggal lain: hapus salah satu baris",
			"the person is in row " + row + " already, with another day: delete one of the rows",
		}
	case r.list.info.Kind == Merge:
		return &fault{
			event.FieldInvalid,
			"nomor ini sudah ada di baris " + row + ", digabung ke nomor lain: hapus salah satu" +
				" baris, atau tukar kedua nomor di baris ini bila semuanya satu orang",
			"the number is in row " + row + " already, merged into another one: delete one of the" +
				" rows, or exchange both numbers of this one if all are one person",
		}
	case r.list.info.Kind == Termination:
		return &fault{
			event.FieldInvalid,
			"kepesertaan ini sudah berhenti di baris " + row + " dengan tanggal atau alasan lain:" +
				" hapus salah satu baris",
			"the enrolment ends in row " + row + " already, with another day or reason: delete" +
				" one of the rows",
		}
	case r.values[fieldEnrolment].json != "":
		return &fault{
			event.FieldInvalid,
			saidKPJ(r.kpj(), Indonesian) + "sudah ada di baris " + row + " dengan orang atau isi" +
				" yang lain: satu KPJ untuk satu kepesertaan; perbaiki KPJ-nya atau hapus salah" +
				" satu baris",
			saidKPJ(r.kpj(), English) + "is in row " + row + " already, with another person or" +
				" other values: a KPJ is of one enrolment; correct it or delete one of the rows",
		}
	}
	return &fault{
		event.FieldInvalid,
		"orang ini sudah ada di baris " + row + " dengan isi yang lain: hapus salah satu baris," +
			" atau beri KPJ bila memang dua kepesertaan",
		"the person is in row " + row + " already, with other values: delete one of the rows, or" +
			" give each its KPJ if there are two enrolments indeed",
	}
}

// saidOfOther is the fault of a row whose KPJ stands beside another NIK in an earlier one.
func (r *Reader) saidOfOther(earlier uint32) *fault {
	number, where := r.across.words(r.list.info.Sheet, earlier, r.list.info.Lang)
	row := strconv.FormatUint(uint64(number), 10) + where
	return &fault{
		event.FieldInvalid,
		saidKPJ(r.kpj(), Indonesian) + "sudah ada di baris " + row + " dengan NIK lain: satu KPJ" +
			" untuk satu orang; perbaiki KPJ atau NIK-nya",
		saidKPJ(r.kpj(), English) + "is in row " + row + " already, beside another NIK: a KPJ is" +
			" of one person; correct the KPJ or the NIK",
	}
}

// kpj returns the number of the enrolment that the row names, "" where it has none.
func (r *Reader) kpj() string { return strings.Trim(r.values[fieldEnrolment].json, `"`) }

// What the words about a number begin with that another row has too.
const kpjID, kpjEN = "KPJ ini (", "the KPJ ("

// saidKPJ begins what is said of such a number. By it a row that comes back is known to have
// another number now.
func saidKPJ(kpj string, l Language) string { return l.Pick(kpjID, kpjEN) + kpj + ") " }

// regionSaid is what one of several columns of regions says. The value may be one that is refused:
// its fault then counts if no other column helps.
type regionSaid struct {
	column string
	value  value
}

// clarifyRegions makes one region of what several columns say, such as a code and a name. A name
// that may mean several, or that is none of a regency, says nothing against a code. r.places has
// what they say, in order of the columns, and is empty where there is one column.
func (r *Reader) clarifyRegions() {
	var chosen *regionSaid
	for i := range r.places {
		said := &r.places[i]
		switch {
		case said.value.fault != nil:
		case chosen == nil:
			chosen = said
		case chosen.value.json != said.value.json:
			r.refuse(said.column, differ(chosen))
			r.values[fieldRegion].fault = differ(chosen)
			return
		}
	}
	for i := range r.places {
		said := &r.places[i]
		against := said.value.fault != nil && (chosen == nil || said.value.coded ||
			len(said.value.places) > 0 && !slices.Contains(said.value.places, chosen.value.json))
		if against {
			r.refuse(said.column, said.value.fault)
			r.values[fieldRegion] = said.value
			return
		}
	}
	if chosen != nil {
		r.values[fieldRegion] = chosen.value
	}
}

// differ is the fault of a column that names another region than the one that was chosen. chosen
// has a region.
func differ(chosen *regionSaid) *fault {
	code := strings.Trim(chosen.value.json, `"`)
	return &fault{
		event.RegionUnknown,
		"berbeda dari kolom " + quote(chosen.column) + " (" + code + "): perbaiki salah satunya",
		"differs from the column " + quote(chosen.column) + " (" + code + "): correct one of them",
	}
}

// The zones of Indonesia, in hours from UTC.
const (
	zoneWest, zoneCentral, zoneEast = 7, 8, 9
	hourSeconds                     = 60 * 60
)

// zoneOf returns the zone of a region, by the digits of its province: western, central or eastern.
// region is as the data of an event has it, in quotes. Zones follow provinces, of which no regency
// is an exception.
func zoneOf(region string) int64 {
	if len(region) < 3 {
		return zoneCentral
	}
	switch province := region[1:3]; {
	case province < "40", province == "61", province == "62":
		return zoneWest
	case province >= "80":
		return zoneEast
	}
	return zoneCentral
}

// clarifyDays finds the days of moments that were written with their zone: the day it was where the
// person lives, and in Central Indonesia where nobody says that. A moment that is midnight in
// another zone of Indonesia, and another day there, may mean either. Programs write midnight of
// their own zone where people meant a day.
func (r *Reader) clarifyDays() {
	for f := range r.values {
		v := &r.values[f]
		if !v.zoned || v.fault != nil {
			continue
		}
		dayIn := func(zone int64) temporal.Date {
			return temporal.Date(0).AddDays(int(floorDiv(v.moment+zone*hourSeconds, daySeconds)))
		}
		// A region that is missing or was refused leaves the zone in the middle.
		v.date = dayIn(zoneOf(r.values[fieldRegion].json))
		for zone := int64(zoneWest); zone <= zoneEast; zone++ {
			midnight := floorDiv(v.moment+zone*hourSeconds, daySeconds)*daySeconds ==
				v.moment+zone*hourSeconds
			if midnight && dayIn(zone) != v.date {
				v.fault = zoneFault
				r.refuse(r.nameOf([]field{field(f)}), zoneFault)
			}
		}
		if v.month != 0 || isMonthField(field(f)) {
			v.month = v.date.Month()
			v.json = `"` + v.month.String() + `"`
		} else {
			v.json = `"` + v.date.String() + `"`
		}
	}
}

// isMonthField tells whether the events have a month where a list has this field. It is parsed as
// one.
func isMonthField(f field) bool {
	switch f {
	case fieldFromMonth, fieldLastMonth, fieldUntilMonth, fieldInactive, fieldMonth:
		return true
	}
	return false
}

// floorDiv divides and rounds down, below zero too, as moments before 1970 are. b is above 0.
func floorDiv(a, b int64) int64 {
	if a < 0 {
		return -((-a + b - 1) / b)
	}
	return a / b
}

// zoneFault is never written.
var zoneFault = &fault{
	event.FieldInvalid,
	"jamnya tengah malam di zona waktu Indonesia yang lain, sehingga harinya dapat berarti dua:" +
		" tulis tanggalnya saja, misalnya 2021-01-31",
	"is midnight in another zone of Indonesia, so that two days may be meant: write the day" +
		" alone, such as 2021-01-31",
}

// shortNumber refuses a number that is one digit shorter than that of a card, and one that is two
// shorter where the column has whole ones: it has lost the zeros that it began with. What it
// returns takes the place of v. Numbers of other lengths may be an office's own.
func (r *Reader) shortNumber(c *column, cell grid.Cell, v value) value {
	if v.fault != nil || cell.Kind == grid.Empty {
		return v
	}
	least := kpjDigits - 1
	if c.index < len(r.list.survey.columns) && r.list.survey.columns[c.index].long > 0 {
		least--
	}
	digits := strings.Trim(v.json, `"`)
	if len(digits) < kpjDigits && len(digits) >= least && allDigits(digits, kpjDigits) {
		return lostZeros(kpjDigits - len(digits))
	}
	return v
}

package reconcile

import (
	"fmt"
	"math/big"
	"strings"

	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/projections/coverage"
)

// way is one choice of a reading. The contract's own has no name and no words. Clients go by the
// name: it is never used for another way.
type way struct {
	name string
	Words
}

// cost returns 1 of a way that departs from the contract's. The zero value departs from nothing.
func (w *way) cost() int {
	if w.name == "" {
		return 0
	}
	return 1
}

// dayWay is a day, and how it is called. Words are said of it alone, so that a reading can join
// those of several.
type dayWay struct {
	way
	on temporal.Date
}

// days returns the day and its neighbours. The day asked for comes first: a neighbour that is the
// same day is left out, not it. Days outside the calendar are left out too.
func days(on temporal.Date) (all []dayWay) {
	seen := map[temporal.Date]bool{}
	add := func(name, en, id string, day temporal.Date) {
		if day < temporal.MinDate || day > temporal.MaxDate || seen[day] {
			return
		}
		seen[day] = true
		w := dayWay{on: day}
		if name != "" {
			w.way = way{name, Words{
				fmt.Sprintf("%s, %s", en, day), fmt.Sprintf("%s, %s", id, day),
			}}
		}
		all = append(all, w)
	}
	month := on.Month()
	add("", "", "", on)
	add("DAY_BEFORE", "the day before", "sehari sebelumnya", on-1)
	add("DAY_AFTER", "the day after", "sehari sesudahnya", on+1)
	add("MONTH_FIRST", "the first day of the month", "hari pertama bulan itu", month.First())
	add("MONTH_LAST", "the last day of the month", "hari terakhir bulan itu", month.Last())
	add("MONTH_BEFORE", "the end of the month before", "akhir bulan sebelumnya", (month - 1).Last())
	add("MONTH_AFTER", "the end of the month after", "akhir bulan sesudahnya", (month + 1).Last())
	add("YEAR_BEFORE", "the same month a year before", "bulan yang sama setahun sebelumnya",
		(month - 12).Last())
	return all
}

// knownWay is a knowledge, and how it is called. Several sequences may have been the last on some
// day: those that are the same are one.
type knownWay struct {
	way
	sequence eventstore.Sequence
}

// knowledge returns what was asked for, and what was known on the day and some months after it.
// Figures are published some months after the day they are about, as lists come in late; hence the
// ends of months after it. What was asked for comes first.
func (s *search) knowledge() ([]knownWay, error) {
	all := []knownWay{{sequence: min(s.query.Known, s.source.Known())}}
	seen := map[eventstore.Sequence]bool{all[0].sequence: true}
	ends := []temporal.Date{s.query.On}
	for _, later := range []temporal.Month{1, 2, 3, 6, 12} {
		ends = append(ends, (s.query.On.Month() + later).Last())
	}
	for _, end := range ends {
		if end > temporal.MaxDate {
			continue
		}
		known, err := s.source.KnownAt(temporal.EndOfDay(end))
		if err != nil {
			return nil, err
		}
		if known == 0 || known > all[0].sequence || seen[known] {
			continue // nobody can have known more than is asked about
		}
		seen[known] = true
		all = append(all, knownWay{way{"KNOWN_THEN", Words{
			fmt.Sprintf("as known on %s", end), fmt.Sprintf("menurut yang diketahui %s", end),
		}}, known})
	}
	return all, nil
}

// who is what is counted. The way is the contract's for covered workers alone.
type who struct {
	way
	count  func(a *coverage.Answer) int64
	sector event.Sector // whose workforce it is measured by
}

// counts returns all that may be counted. Two of them are measured by the workforce of their own
// sector, as the contract has it (section 3); the others by that of all.
func counts() []who {
	return []who{
		{way{}, func(a *coverage.Answer) int64 { return a.Covered }, event.AllSectors},
		{
			way{"CONFIRMED", Words{
				"workers confirmed by money booked or paid out",
				"pekerja yang dibuktikan oleh uang yang dibukukan atau dicairkan",
			}},
			func(a *coverage.Answer) int64 { return a.Confirmed }, event.AllSectors,
		},
		{
			way{"ENROLMENTS", Words{"memberships, not people", "kepesertaan, bukan orang"}},
			func(a *coverage.Answer) int64 { return a.Enrolments }, event.AllSectors,
		},
		{
			way{"WITH_GRACE", Words{
				"with those in grace", "termasuk yang dalam masa tenggang",
			}},
			func(a *coverage.Answer) int64 { return a.Covered + a.InGrace }, event.AllSectors,
		},
		{
			way{"FORMAL", Words{"formal work alone", "hanya pekerja formal"}},
			func(a *coverage.Answer) int64 { return a.Sectors.Formal.Covered }, event.Formal,
		},
		{
			way{"INFORMAL", Words{"informal work alone", "hanya pekerja informal"}},
			func(a *coverage.Answer) int64 { return a.Sectors.Informal.Covered }, event.Informal,
		},
	}
}

// base is the workforce that a percentage is of. The one of the indicator EMPLOYED that is in force
// is the contract's, as section 6 has it by default.
type base struct {
	way
	indicator event.Indicator
	older     int // publications before the latest one
}

// olderMax is how many older publications are tried. With twice a year, as the labour force survey
// comes out, it goes back for more than a year.
const olderMax = 3

// bases returns all that a percentage may be of.
func bases() (all []base) {
	for _, indicator := range []event.Indicator{event.Employed, event.LabourForce, event.Eligible} {
		for older := range olderMax + 1 {
			all = append(all, base{indicator: indicator, older: older})
		}
	}
	return all
}

// named says what the base is, once its publication is known. The contract's own keeps to be
// without a name.
func (b base) named(w *coverage.Workforce) base {
	if b.indicator == event.Employed && b.older == 0 {
		return b
	}
	month, err := temporal.ParseDate(w.Reference)
	if err != nil { // must not happen: it is a date of the ledger's
		month = 0
	}
	what := indicatorWords(b.indicator)
	name := b.indicator.String()
	if b.older > 0 {
		name += "_OLDER"
	}
	b.way = way{name, Words{
		fmt.Sprintf("%s of %s", what.EN, monthWords(month).EN),
		fmt.Sprintf("%s %s", what.ID, monthWords(month).ID),
	}}
	return b
}

// indicatorWords says what an indicator counts.
func indicatorWords(i event.Indicator) Words {
	switch i {
	case event.LabourForce:
		return Words{"labour force", "angkatan kerja"}
	case event.Eligible:
		return Words{"eligible workers", "pekerja yang memenuhi syarat"}
	default:
		return Words{"employed", "penduduk bekerja"}
	}
}

// english and indonesian are the months by number, from 0. They are never written.
var (
	english = strings.Fields("January February March April May June July August September" +
		" October November December")
	indonesian = strings.Fields("Januari Februari Maret April Mei Juni Juli Agustus September" +
		" Oktober November Desember")
)

// monthWords names the month of a day. It reads the digits of the text: a day has four of the year
// and two of the month always.
func monthWords(day temporal.Date) Words {
	text := day.String()
	number := int(text[5]-'0')*10 + int(text[6]-'0') - 1
	return Words{english[number] + " " + text[:4], indonesian[number] + " " + text[:4]}
}

// shareOf returns part of whole in percent. The whole must not be 0.
func shareOf(part, whole int64) *big.Rat {
	return new(big.Rat).Mul(big.NewRat(part, whole), big.NewRat(100, 1))
}

// numbers in words, up to what a province has of regencies mostly.
var (
	few = strings.Fields("no one two three four five six seven eight nine ten")
	dua = strings.Fields("nol satu dua tiga empat lima enam tujuh delapan sembilan sepuluh")
)

// belowWords says of how many regions below a region something is made. The nation is made of
// provinces, a province of regencies; others have none below.
func belowWords(of region.Code, n int) Words {
	what := Words{"regencies'", "kabupaten/kota"}
	if of == region.Nation {
		what = Words{"provinces'", "provinsi"}
	}
	number := Words{grouped(int64(n)), grouped(int64(n))}
	if n < len(few) {
		number = Words{few[n], dua[n]}
	}
	return Words{number.EN + " " + what.EN, number.ID + " " + what.ID}
}

package sample

import (
	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/domain/temporal"
)

// synthetic marks what nobody published.
const synthetic = "synthetic, made for this sample"

// tariff is the least contribution for work accident and death of an own-account worker, rupiah
// per head and month; tariffRelief is what PP 49/2020 left of it from August 2020 to January 2021.
const (
	tariff       = 16_800
	tariffRelief = 168
)

// record is what was published, and the money: all that is not about one worker. known of each is
// when the ledger took it, which is never before it was published. Acts name an entry by its place
// in its slice. Nothing of it is written once it is made.
type record struct {
	figures     []figure
	targets     []target
	commitments []commitment
	payments    []payment
	amendments  []amendment
	closings    []closing
}

// figure is a workforce that was published.
type figure struct {
	known       temporal.Date // when the ledger took it
	region      region.Code
	sector      event.Sector
	indicator   event.Indicator
	count       int64
	reference   temporal.Date
	publication string
}

// target is a goal that was set for all sectors.
type target struct {
	known  temporal.Date
	region region.Code
	// As it stands in the event: percent with at most two decimals.
	percent string
	from    temporal.Date
	basis   string
}

// commitment is a budget line, and the months that its grants pay. Money is in rupiah. The tariff
// is the same for all, and is not kept here.
type commitment struct {
	known   temporal.Date
	id      string
	funder  region.Code
	funding event.Funding
	heads   int64
	// What the budget line says, which from and until need not agree with.
	months      int64
	ceiling     int64
	from, until temporal.Month
	paidUntil   temporal.Month // the first month that no grant pays
	basis       string
}

// payment is a disbursement of a commitment.
type payment struct {
	known      temporal.Date // paid the same day
	commitment place
	// Rupiah.
	amount int64
	months []temporal.Month
}

// amendment is a change of a commitment's end.
type amendment struct {
	known      temporal.Date
	commitment place
	months     int64
	until      temporal.Month
}

// closing is the end of a commitment before its time.
type closing struct {
	known      temporal.Date
	commitment place
	from       temporal.Month
	reason     string
}

// place is where a commitment stands in record.commitments. The constants below stand in the order
// of granted.
type place int32

const (
	boneBolango2019 place = iota
	boneBolango2020
	boneBolangoRelief
	city2020
	boneBolango2021
	boneBolango2023
	province2023
)

// published returns the record. What nobody published says so in the event itself. The order of
// each slice is part of the ids of its events.
func published() record {
	return record{
		figures:     append(madeUp(), withSources()...),
		targets:     targets(),
		commitments: append(granted(), ungranted()...),
		payments:    payments(),
		amendments:  []amendment{{day(2023, 11, 20), boneBolango2023, 11, month(2023, 12)}},
		closings: []closing{{
			day(2020, 10, 12), city2020, month(2020, 11),
			"budget moved to the pandemic (" + synthetic + ")",
		}},
	}
}

// madeUp returns the figures that the story needs and nobody published: employed people in August
// of four years, by regency and, for the province, by sector. With them a percent can be told for
// the years that the story is about; each event has synthetic as its publication.
func madeUp() (figures []figure) {
	rows := []struct {
		region region.Code
		sector event.Sector
		counts [4]int64 // 2018 to 2021; 0: a published one stands in withSources
	}{
		{gorontalo, event.AllSectors, [4]int64{554_800, 560_000, 560_445, 565_200}},
		{gorontalo, event.Formal, [4]int64{202_800, 205_000, 196_445, 203_200}},
		{gorontalo, event.Informal, [4]int64{352_000, 355_000, 364_000, 362_000}},
		{kabGorontalo, event.AllSectors, [4]int64{181_500, 183_000, 182_400, 184_100}},
		{boalemo, event.AllSectors, [4]int64{70_300, 71_000, 71_400, 71_900}},
		{boneBolango, event.AllSectors, [4]int64{77_200, 78_000, 78_600, 79_000}},
		{pohuwato, event.AllSectors, [4]int64{73_200, 74_000, 74_300, 74_900}},
		{gorontaloUt, event.AllSectors, [4]int64{51_700, 52_100, 52_300, 52_700}},
		{kotaGtlo, event.AllSectors, [4]int64{100_900, 101_900, 0, 102_600}},
	}
	// A statistics office publishes August in November; that of 2018 is there when the ledger
	// begins.
	known := [4]temporal.Date{day(2019, 1, 7), day(2019, 11, 5), day(2020, 11, 5), day(2021, 11, 5)}
	for _, row := range rows {
		for i, count := range row.counts {
			if count != 0 {
				figures = append(figures, figure{
					known[i], row.region, row.sector, event.Employed, count,
					day(2018+i, 8, 31), synthetic,
				})
			}
		}
	}
	return figures
}

// withSources returns the figures that were published, with their sources. Where a source says no
// reference date, the day of its report stands for it, and the event says so.
func withSources() []figure {
	const (
		all, employed, force = event.AllSectors, event.Employed, event.LabourForce

		city         = "BPS Kota Gorontalo, Sakernas August (searchengine.web.bps.go.id, mfd=7571)"
		feb23, aug23 = "BPS Gorontalo, Sakernas February 2023 (gopos 101561)",
			"BPS Gorontalo, BRS 60/11/75, Sakernas August 2023 (antaranews 232404)"
		feb24, aug24 = "BPS Gorontalo, Sakernas February 2024 (antaranews 242382)",
			"BPS Gorontalo, Sakernas August 2024 (antaranews 278661, 281785)"
		undated = "; reference date not published, the day of the report stands for it"
	)
	return []figure{
		{
			day(2020, 2, 28), kotaGtlo, all, force, 108_504, day(2019, 8, 31),
			city + " 2019; unemployed 6,580, restated since",
		},
		{day(2021, 3, 1), kotaGtlo, all, force, 108_522, day(2020, 8, 31), city + " 2020"},
		{day(2021, 3, 1), kotaGtlo, all, employed, 101_445, day(2020, 8, 31), city + " 2020"},

		{day(2023, 5, 8), gorontalo, all, force, 642_671, day(2023, 2, 28), feb23},
		{day(2023, 5, 8), gorontalo, all, employed, 622_929, day(2023, 2, 28), feb23},
		{day(2023, 11, 6), gorontalo, all, force, 651_425, day(2023, 8, 31), aug23},
		{day(2023, 11, 6), gorontalo, all, employed, 631_521, day(2023, 8, 31), aug23},
		{day(2024, 5, 6), gorontalo, all, force, 653_381, day(2024, 2, 29), feb24},
		{day(2024, 5, 6), gorontalo, all, employed, 633_463, day(2024, 2, 29), feb24},
		{day(2024, 11, 5), gorontalo, all, force, 652_588, day(2024, 8, 31), aug24},
		{day(2024, 11, 5), gorontalo, all, employed, 632_184, day(2024, 8, 31), aug24},
		{day(2024, 11, 5), gorontalo, event.Formal, employed, 243_725, day(2024, 8, 31), aug24},
		{day(2024, 11, 5), gorontalo, event.Informal, employed, 388_459, day(2024, 8, 31), aug24},

		{
			day(2024, 9, 3), gorontalo, all, event.Eligible, 466_368, day(2024, 9, 3),
			"workers aimed at, of whom 254,675 covered (gopos, read.id 2024-09-03)" + undated,
		},
		{
			day(2025, 9, 3), boalemo, all, employed, 78_154, day(2025, 9, 3),
			"workers of Boalemo (blinkiss, poskotasumatera 2025-09-03)" + undated,
		},
		{
			day(2025, 9, 3), boalemo, event.Formal, employed, 27_610, day(2025, 9, 3),
			"formal workers of Boalemo (blinkiss, poskotasumatera 2025-09-03)" + undated,
		},
		{
			day(2025, 9, 29), boneBolango, all, force, 102_316, day(2025, 9, 29),
			"labour force of Bone Bolango (redaksisulut 2025-09-29)" + undated,
		},
		{
			day(2025, 12, 16), gorontalo, all, event.Eligible, 582_000, day(2025, 12, 16),
			"about 582 thousand, of whom 267,790 not covered (narasi21 2025-12-16)" + undated,
		},
	}
}

// targets returns the goals that were published, with their sources. They are of all sectors;
// regencies inherit the province's, contract, section 3.
func targets() []target {
	return []target{
		{
			day(2019, 12, 20), gorontalo, "60", day(2020, 1, 1),
			"the goal of 2019: more than 60 percent in 2020 (gopos ?p=19692)",
		},
		{
			day(2023, 3, 7), gorontalo, "80", day(2023, 1, 1),
			"the province's goal for 2023 (read.id 2023-03-07)",
		},
		{
			day(2025, 5, 2), region.Nation, "32.15", day(2025, 1, 1),
			"RPJMN, 2025 (ayonusa); the 52.15 of UCJ belongs to another family of targets",
		},
	}
}

package sample

import (
	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/domain/temporal"
)

// granted returns the commitments whose lists by name are in the sample, in the order of place. The
// last months of some are granted beyond what was paid, or not granted though committed: each shows
// a rule of the contract. paidUntil is the end of what their grants pay.
func granted() []commitment {
	return []commitment{
		{
			day(2019, 1, 14), "bb-2019", boneBolango, event.FundingAPBD, 20_000, 12,
			20_000 * 12 * tariff, month(2019, 1), month(2020, 1), month(2020, 1),
			"about 20,000 workers from 2018 to early 2021 (pojok6); money and list " + synthetic,
		},
		{
			day(2019, 12, 30), "bb-2020", boneBolango, event.FundingAPBD, 20_000, 12,
			20_000 * 12 * tariff, month(2020, 1), month(2021, 1), month(2021, 1),
			"about 20,000 workers from 2018 to early 2021 (pojok6); money and list " + synthetic,
		},
		{
			day(2020, 9, 7), "bb-2020-p", boneBolango, event.FundingAPBDP, 10_000, 6,
			10_000 * 6 * tariff, month(2020, 7), month(2021, 1), month(2021, 1),
			"10,000 more workers for six months of 2020, out of what PP 49/2020 saved " +
				"(antaranews 130682); money, months and list " + synthetic,
		},
		{
			day(2020, 2, 24), "kota-2020", kotaGtlo, event.FundingAPBD, 2_000, 10,
			2_000 * 10 * tariff, month(2020, 3), month(2021, 1), month(2021, 1),
			"Perwako Kota Gorontalo 13/2019; people, money and list " + synthetic,
		},
		{
			day(2021, 4, 12), "bb-2021", boneBolango, event.FundingAPBD, 20_000, 12,
			20_000 * 12 * tariff, month(2021, 1), month(2022, 1), month(2022, 1),
			"about 20,000 workers from 2018 to early 2021 (pojok6); money and list " + synthetic,
		},
		{
			// 12 months would cost 5,443,200,000: the ceiling pays 11.02 of them.
			day(2023, 1, 16), "bb-2023", boneBolango, event.FundingAPBD, 27_000, 12,
			5_000_000_000, month(2023, 1), month(2024, 1), month(2023, 12),
			"27,000 workers, Rp5 billion (dwipanews, antaranews 219924); of the list, 6,000 " +
				"are in this sample, and they are " + synthetic,
		},
		{
			day(2023, 2, 20), "prov-2023", gorontalo, event.FundingAPBD, 3_966, 12,
			3_966 * 12 * tariff, month(2023, 1), month(2024, 1), month(2024, 1),
			"the province pays for 3,966 workers, 937 of them in Bone Bolango (regional press); " +
				"money, months and the 60 of the list that are in this sample " + synthetic,
		},
	}
}

// ungranted returns commitments that were reported, whose lists are not in the sample. They are
// what a reader of the budgets sees and nobody is covered by: the list by name was never published.
// fiscalYear follows from the first month.
func ungranted() []commitment {
	const months = "; months and ceiling " + synthetic
	line := func(known temporal.Date, id string, funder region.Code, funding event.Funding,
		heads int64,
	) commitment {
		// Known in the year whose months it pays.
		year := 1970 + int(known.Month())/12
		return commitment{
			known: known, id: id, funder: funder, funding: funding, heads: heads, months: 12,
			ceiling: heads * 12 * tariff, from: month(year, 1), until: month(year+1, 1),
		}
	}
	with := func(c commitment, basis string) commitment {
		c.basis = basis
		return c
	}
	pohuwato2025 := line(day(2025, 9, 23), "pohuwato-2025", pohuwato, event.FundingAPBD, 17_000)
	// The published sum of money, instead of heads × months × tariff.
	pohuwato2025.ceiling = 3_500_000_000
	return []commitment{
		with(line(day(2023, 1, 30), "kota-2023", kotaGtlo, event.FundingAPBD, 17_188),
			"17,188 = 2,650 + 500 + 672 + 3,366 + 10,000 (tribun 2023-01-30)"+months),
		with(line(day(2023, 9, 7), "kota-2023-p", kotaGtlo, event.FundingAPBDP, 10_000),
			"10,000 more in the revised budget, 27,188 in all (dulohupa 2023-09-07)"+months),
		with(line(day(2023, 11, 17), "bb-desa-2023", boneBolango, event.FundingAPBDes, 9_401),
			"131 of 160 villages (antaranews 219924, bonebolangokab)"+months),
		with(line(day(2024, 10, 14), "gorut-2024-p", gorontaloUt, event.FundingAPBDP, 5_000),
			"5,000 in the revised budget (sinata 7790)"+months),
		with(line(day(2025, 9, 3), "boalemo-2025", boalemo, event.FundingAPBD, 5_000),
			"5,000 vulnerable workers from 2025 (sinata 13575)"+months),
		with(pohuwato2025,
			"17,000 workers for 12 months, about Rp3.5 billion (inipohuwato 2025-09-23)"),
	}
}

// payments returns what was disbursed: for two of the budgets eleven of the twelve months that
// their grants promise, so that the last one is covered by a promise alone. The amounts follow the
// tariff of the months paid for, with the relief of PP 49/2020 from August 2020 to January 2021.
// Each pays for all heads of its commitment, whether or not they are all in the sample.
func payments() []payment {
	half := func(known temporal.Date, c place, heads int64, from, until temporal.Month) payment {
		p := payment{known: known, commitment: c}
		for m := from; m < until; m++ {
			p.months = append(p.months, m)
			p.amount += heads * tariffIn(m)
		}
		return p
	}
	return []payment{
		half(day(2019, 2, 18), boneBolango2019, 20_000, month(2019, 1), month(2019, 7)),
		half(day(2019, 8, 12), boneBolango2019, 20_000, month(2019, 7), month(2020, 1)),
		half(day(2020, 2, 17), boneBolango2020, 20_000, month(2020, 1), month(2020, 7)),
		half(day(2020, 8, 10), boneBolango2020, 20_000, month(2020, 7), month(2021, 1)),
		half(day(2020, 3, 23), city2020, 2_000, month(2020, 3), month(2020, 11)),
		half(day(2020, 9, 21), boneBolangoRelief, 10_000, month(2020, 7), month(2021, 1)),
		half(day(2021, 4, 26), boneBolango2021, 20_000, month(2021, 1), month(2021, 7)),
		half(day(2021, 8, 16), boneBolango2021, 20_000, month(2021, 7), month(2021, 12)),
		half(day(2023, 3, 13), boneBolango2023, 27_000, month(2023, 1), month(2023, 7)),
		half(day(2023, 8, 14), boneBolango2023, 27_000, month(2023, 7), month(2023, 12)),
		half(day(2023, 4, 17), province2023, 3_966, month(2023, 1), month(2023, 12)),
	}
}

// tariffIn returns rupiah per head for a month. It is the least one, of work accident and death;
// months are those that are paid for, not those in which they are paid.
func tariffIn(m temporal.Month) int64 {
	if m >= month(2020, 8) && m <= month(2021, 1) {
		return tariffRelief
	}
	return tariff
}

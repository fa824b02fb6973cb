package auditing

import (
	"bufio"
	"strings"
	"testing"

	"cakupan/cmd/internal/cli/answers"
	"cakupan/cmd/internal/lists"
)

// printedIn are answers, line by line, and the words in which people are told of them: those at the
// same place mean the same.
type printedIn struct {
	name   string
	lines  []string
	print  func(p *answers.Printing, l lists.Language) answers.Printer
	id, en []string
}

const knownThere = `{"sequence":12345,"recordedAt":"2021-01-04T00:00:00Z"}`

func figureOn(day, covered string) string {
	return `{"region":"75.03","name":"Bone Bolango","on":"` + day + `","known":` + knownThere +
		`,"covered":` + covered + `,"workforce":{"count":80000},"percent":"61.25"}`
}

func allPrinted() []printedIn {
	return []printedIn{
		{
			"explain",
			[]string{
				`{"answer":` + figureOn("2020-12-31", "1234") + `}`,
				`{"worker":"w","enrolments":[{"enrolment":"e","events":[1,2]}]}`,
				`{"workers":1234}`,
			},
			func(p *answers.Printing, l lists.Language) answers.Printer {
				return &explanation{Printing: p, l: l}
			},
			[]string{
				" pada 2020-12-31, ", "peristiwa 12.345", "terlindungi 1.234", "terkonfirmasi 0",
				"masa tenggang 0", "peristiwa 1, 2", "1.234 pekerja",
			},
			[]string{
				" on 2020-12-31, ", "event 12,345", "covered 1,234", "confirmed 0", "in grace 0",
				"events 1, 2", "1,234 workers",
			},
		},
		{
			"difference",
			[]string{
				`{"from":` + figureOn("2020-12-31", "50000") + `,"to":` +
					figureOn("2021-01-01", "49000") + `,"steps":[{"step":"knowledge",` +
					`"joined":{"REPORTED_LATE":1000},"left":{}},{"step":"time","joined":{},` +
					`"left":{"DIED":2000}}],"percent":{"numerator":"-1.2500","denominator":"0.0000"}}`,
				`{"step":"time","worker":"w","change":"left","cause":"DIED","events":[7]}`,
			},
			func(p *answers.Printing, l lists.Language) answers.Printer {
				return &differencePrinter{Printing: p, l: l}
			},
			[]string{
				"Terlindungi", "Pekerja ", "Persen", "dari 2020-12-31", "ke 2021-01-01",
				"pengetahuan", "waktu", "masuk   REPORTED_LATE", "keluar  DIED", "+1.000",
				"61,25 %", "-1,2500 poin karena", "peristiwa 7",
			},
			[]string{
				"Covered", "Workforce", "Percent", "from 2020-12-31", "to 2021-01-01",
				"knowledge", "time", "joined  REPORTED_LATE", "left    DIED", "+1,000",
				"61.25 %", "-1.2500 points are due", "events 7",
			},
		},
		{
			"difference without a workforce",
			[]string{
				`{"from":{},"to":{},"steps":[{"step":"knowledge"},{"step":"time"}],"percent":null}`,
			},
			func(p *answers.Printing, l lists.Language) answers.Printer {
				return &differencePrinter{Printing: p, l: l}
			},
			[]string{"Tidak ada persen"},
			[]string{"No percentages"},
		},
		{
			"funding",
			[]string{
				`{"known":` + knownThere + `}`,
				`{"commitment":"c","funder":"75.03","funding":"APBD","fiscalYear":2021,` +
					`"from":"2021-01","until":"2022-01","closed":"2021-06","committed":{"heads":10,` +
					`"months":12,"headMonths":120,"tariff":16800,"rupiah":2016000,"ceiling":1008000,` +
					`"buys":"6.25"},"granted":{"heads":1000,"most":2000,"headMonths":1200,"rupiah":1},` +
					`"disbursed":{"months":[{"from":"2021-01","until":"2021-04"}],"rupiah":5},` +
					`"covered":{"heads":3,"most":3,"headMonths":3,"rupiah":3},"missing":{"heads":-5,` +
					`"headMonths":7,"months":[{"from":"2021-05","until":"2021-06"}],"rupiah":8,` +
					`"ceiling":1008000},"moneyEnds":{"last":"2021-12","committed":"2021-06",` +
					`"granted":"2021-07","disbursed":"2021-08"}}`,
				`{"commitment":"d","funding":"UNKNOWN","missing":{"heads":5,"headMonths":0}}`,
				`{"commitments":2}`,
			},
			func(p *answers.Printing, l lists.Language) answers.Printer {
				return &fundingPrinter{Printing: p, l: l}
			},
			[]string{
				"Pendanaan, ", "75.03 membayar dari APBD, tahun anggaran 2021, 2021-01 sampai 2021-12",
				"Orang  Bulan orang", "dianggarkan", "12 bulan, iuran 16.800; pagu 1.008.000",
				"diberikan", "paling banyak 2.000 dalam sebulan", "dicairkan", "terlindungi",
				"ditutup sejak 2021-06", "terlalu banyak: 5 orang", "kurang: 7 bulan orang",
				"tidak ada pencairan untuk 2021-05", "kurang: 8 rupiah diberikan",
				"pagu cukup untuk 6,25 bulan", "bulan terakhir yang diberikan: 2021-12",
				"uang habis pada 2021-06: pagu tidak cukup untuk orang yang dianggarkan",
				"pagu tidak cukup untuk orang yang diberi ", "yang dicairkan tidak cukup",
				"tidak pernah dianggarkan", "kurang: 5 orang dianggarkan", "2 komitmen",
			},
			[]string{
				"Funding, ", "75.03 pays from APBD, fiscal year 2021, 2021-01 to 2021-12",
				"Heads  Head-months", "committed", "12 months at 16,800; ceiling 1,008,000",
				"granted", "at most 2,000 in a month", "disbursed", "covered",
				"closed from 2021-06 on", "too many: 5 heads", "missing: 7 head-months",
				"no disbursement names 2021-05", "missing: 8 rupiah granted",
				"the ceiling buys 6.25 months", "the last month granted is 2021-12",
				"the money ends in 2021-06: the ceiling does not pay the committed heads",
				"the ceiling does not pay the granted heads ", "what was disbursed does not",
				"never committed", "missing: 5 heads committed", "2 commitments",
			},
		},
		{
			"findings",
			[]string{
				`{"code":"TWO_OPEN","since":1200,"until":3000,"events":[1,2],"text":"…"}`,
			},
			func(p *answers.Printing, l lists.Language) answers.Printer {
				return &findingsPrinter{answers.NewFindings(p.W, false, l), false}
			},
			[]string{"sejak peristiwa 1.200 sampai 3.000", "peristiwa 1, 2", "1 temuan "},
			[]string{"since event 1,200 until 3,000", "events 1, 2", "1 finding "},
		},
		{
			"findings, counted",
			[]string{
				`{"known":` + knownThere + `,"counts":[{"code":"TWO_OPEN","open":1200}]}`,
			},
			func(p *answers.Printing, l lists.Language) answers.Printer {
				return &findingsPrinter{answers.NewFindings(p.W, false, l), true}
			},
			[]string{"Temuan, ", "Kode", "Wilayah", "Terbuka", "Selesai", "Bulan", "1.200"},
			[]string{"Findings, ", "Code", "Region", "Open", "Resolved", "Months", "1,200"},
		},
	}
}

// findingsPrinter has findings printed as other answers are.
type findingsPrinter struct {
	*answers.Findings

	summary bool
}

func (p *findingsPrinter) Print(line []byte) error {
	if p.summary {
		return p.Summary(line)
	}
	return p.Findings.Print(line)
}

func (p *findingsPrinter) End() error { return p.Findings.End(p.summary) }

// TestEachLanguage: what people are told is all in the language that they have asked for.
func TestEachLanguage(t *testing.T) {
	for _, c := range allPrinted() {
		for l, words := range map[lists.Language][2][]string{
			lists.Indonesian: {c.id, c.en}, lists.English: {c.en, c.id},
		} {
			var out strings.Builder
			p := &answers.Printing{W: bufio.NewWriter(&out)}
			printer := c.print(p, l)
			for _, line := range c.lines {
				if err := printer.Print([]byte(line)); err != nil {
					t.Fatal(c.name, err)
				}
			}
			if err := printer.End(); err != nil {
				t.Fatal(c.name, err)
			}
			if err := p.Flush(); err != nil {
				t.Fatal(c.name, err)
			}
			text := out.String() + " "
			for i := range words[0] {
				if !strings.Contains(strings.ReplaceAll(text, "\n", " \n"), words[0][i]) {
					t.Errorf("%s: not said is %q in\n%s", c.name, words[0][i], text)
				}
				if strings.Contains(text, words[1][i]) {
					t.Errorf("%s: said in the other language is %q in\n%s", c.name, words[1][i], text)
				}
			}
		}
	}
}

package story

import (
	"strings"
	"testing"

	"cakupan/domain/event"
	"cakupan/projections/standingtest"
)

// TestWords says events of all types in both languages, with what they name.
func TestWords(t *testing.T) {
	day, month := standingtest.Day, standingtest.Month
	terms := standingtest.Terms(7503, event.Self)
	for _, c := range []struct {
		event  event.Event
		en, id string
	}{
		{
			standingtest.Opened("e", "w", terms, day(2021, 3, 1)),
			"opens enrolment e of worker w from 2021-03-01: 75.03 Kabupaten Bone Bolango, BPU," +
				" VULNERABLE, JKK+JKM, SELF",
			"membuka kepesertaan e untuk pekerja w mulai 2021-03-01: 75.03 Kabupaten Bone Bolango," +
				" BPU, VULNERABLE, JKK+JKM, SELF",
		},
		{
			standingtest.Amended("e", event.Data{Payer: event.APBD}, day(2021, 3, 1)),
			"amends enrolment e from 2021-03-01: APBD", "mengubah kepesertaan e mulai 2021-03-01: APBD",
		},
		{
			standingtest.Terminated("e", day(2021, 3, 1)),
			"ends enrolment e; 2021-03-01 is the first day without (LAYOFF)",
			"mengakhiri kepesertaan e; 2021-03-01 hari pertama tanpa perlindungan (LAYOFF)",
		},
		{
			standingtest.Reinstated("e", day(2021, 3, 1)), "reinstates enrolment e from 2021-03-01",
			"mengaktifkan kembali kepesertaan e mulai 2021-03-01",
		},
		{
			standingtest.Died("w", day(2021, 3, 1)), "worker w died on 2021-03-01",
			"pekerja w meninggal pada 2021-03-01",
		},
		{
			standingtest.Merged("w", "v"), "worker w and worker v are one person",
			"pekerja w dan pekerja v adalah satu orang",
		},
		{
			standingtest.Credited("e", month(2021, 3), month(2021, 4)),
			"contributions of e are booked for 2021-03", "iuran e dibukukan untuk 2021-03",
		},
		{
			standingtest.Credited("e", month(2021, 3), month(2021, 6)),
			"contributions of e are booked for 2021-03–2021-05", "iuran e dibukukan untuk 2021-03–2021-05",
		},
		{
			standingtest.Committed("c", event.FundingAPBD, month(2021, 1), month(2022, 1)),
			"75.03 commits c: 10 heads, 12 months at 16800 rupiah, ceiling 2016000," +
				" 2021-01–2021-12, from APBD",
			"75.03 menganggarkan c: 10 orang, 12 bulan, iuran 16800 rupiah, pagu 2016000," +
				" 2021-01–2021-12, dari APBD",
		},
		{
			standingtest.AmendedFunding("c", event.Data{Heads: 7, UntilMonth: month(2021, 9)}),
			"amends commitment c: heads 7, until 2021-09", "mengubah anggaran c: heads 7, until 2021-09",
		},
		{
			standingtest.Granted("c", "e", month(2021, 1), month(2021, 2)),
			"commitment c is to pay e for 2021-01", "anggaran c membayari e untuk 2021-01",
		},
		{
			standingtest.Revoked("c", "e", month(2021, 1)),
			"commitment c no longer pays e from 2021-01 on",
			"anggaran c tidak lagi membayari e mulai 2021-01",
		},
		{
			standingtest.Disbursed("c", 500, month(2021, 1), month(2021, 3)),
			"commitment c pays out 500 rupiah on 2021-01-01 for 2021-01, 2021-03",
			"anggaran c mencairkan 500 rupiah pada 2021-01-01 untuk 2021-01, 2021-03",
		},
		{
			standingtest.Closed("c", month(2021, 1)), "commitment c pays nothing from 2021-01 on: no money",
			"anggaran c ditutup mulai 2021-01: no money",
		},
		{
			standingtest.Retracted(9), "takes back event event-9 of urn:test: mistake",
			"menarik kembali peristiwa event-9 dari urn:test: mistake",
		},
	} {
		if got := wordsOf(&c.event); got != (Words{c.en, c.id}) {
			t.Errorf("%+v\nwant %+v", got, Words{c.en, c.id})
		}
	}
}

// TestEveryType: no type is without words, nor with such as are not filled in.
func TestEveryType(t *testing.T) {
	for _, kind := range event.Types() {
		words := wordsOf(&event.Event{Type: kind})
		for _, text := range []string{words.EN, words.ID} {
			if text == "" || strings.Contains(text, "%!") {
				t.Errorf("%s: %q", kind.Name(), text)
			}
		}
	}
}

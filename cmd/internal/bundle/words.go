package bundle

import (
	"fmt"
	"strings"

	"cakupan/projections/coverage"
)

// Words says what was checked, in plain words: what is proved, what is not, and who is to be
// trusted for the rest.
func Words(r *Result, indonesian bool) string {
	a := &r.Signed.Answer
	var witnesses []string
	for _, w := range r.Witnesses {
		witnesses = append(witnesses, w.Witness+" ("+w.At.Format("2006-01-02 15:04 UTC")+")")
	}
	of := said{
		answer: a, statement: &r.Signed, result: r, witnesses: strings.Join(witnesses, ", "),
	}
	if indonesian {
		return of.indonesian()
	}
	return of.english()
}

// said is what the words are about.
type said struct {
	answer    *coverage.Answer
	statement *Statement
	result    *Result
	witnesses string
}

func (s *said) percent(none string) string {
	if s.answer.Percent == nil {
		return none
	}
	return *s.answer.Percent + " %"
}

func (s *said) recorded() string {
	if s.answer.Known.RecordedAt == nil {
		return "–"
	}
	return *s.answer.Known.RecordedAt
}

func (s *said) english() string {
	a, r := s.answer, s.result
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("%s %s on %s, as known at event %d (recorded %s):", a.Region, a.Name, a.On,
		a.Known.Sequence, s.recorded())
	line("covered %d, confirmed %d, in grace %d, enrolments %d; %s of %s", a.Covered, a.Confirmed,
		a.InGrace, a.Enrolments, s.percent("no percentage, for want of a workforce"),
		s.statement.Indicator)
	line("")
	line("PROVED")
	line("✓ The figure follows from the events in this file. It was counted anew here, by rules"+
		" %s.",
		s.statement.Rules)
	line("✓ These %d events are the log's: bytes, order and record times. They and what the file"+
		" hides give the root of all %d events that were known.", s.statement.Extent.Events,
		s.statement.Size)
	line("✓ That log is the beginning of the one of %d events that the ledger has signed.", r.Size)
	line("✓ No event is missing or added against what the ledger has signed for this region: it"+
		" has"+
		" committed to exactly these %d.", s.statement.Extent.Events)
	line("✓ Each of them is of the region or of somebody who was enrolled there: %d enrolments, %d"+
		" worker ids, nobody of other regions.", r.Enrolments, r.Workers)
	line("")
	line("NOT PROVED")
	line("– That what was reported is true. The log keeps who said what, not whether it was so.")
	line("– That none of the hidden events is of the region. The ledger has signed that; whoever" +
		" has" +
		" the whole log can show it, or the opposite: cakupan bundle gives the same events again.")
	line("– When an event was recorded: record times are by the ledger's clock.")
	line("")
	line("WHO IS TO BE TRUSTED FOR THAT")
	line("· Those who reported, for what they reported.")
	line("· Whoever holds the key %s, for the two points above; it must have come to you by"+
		" another"+
		" way than this file.", r.Key)
	if s.witnesses != "" {
		line("· Nobody, for there being one past: %s cosigned this head.", s.witnesses)
	} else {
		line("· The same, that it has not signed another past for others: no witness was checked." +
			" Name one with --witness, or compare with the running ledger (--ledger).")
	}
	if len(r.Others) > 0 {
		line("  Signatures that were not checked: %s.", strings.Join(r.Others, ", "))
	}
	return b.String()
}

func (s *said) indonesian() string {
	a, r := s.answer, s.result
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("%s %s per %s, menurut yang diketahui pada peristiwa %d (dicatat %s):", a.Region, a.Name,
		a.On, a.Known.Sequence, s.recorded())
	line("terlindungi %d, terkonfirmasi %d, masa tenggang %d, kepesertaan %d; %s dari"+
		" %s", a.Covered,
		a.Confirmed, a.InGrace, a.Enrolments, s.percent("tanpa persentase karena tidak ada"+
			" angkatan"+
			" kerja"), s.statement.Indicator)
	line("")
	line("TERBUKTI")
	line("✓ Angka ini mengikuti dari peristiwa dalam berkas ini. Di sini dihitung ulang dengan"+
		" aturan"+
		" %s.", s.statement.Rules)
	line("✓ %d peristiwa ini milik log: isi, urutan dan waktu pencatatannya. Bersama yang"+
		" disembunyikan berkas ini, semuanya menghasilkan akar dari seluruh %d peristiwa yang"+
		" diketahui.", s.statement.Extent.Events, s.statement.Size)
	line("✓ Log itu adalah awal dari log %d peristiwa yang ditandatangani ledger.", r.Size)
	line("✓ Tidak ada peristiwa yang kurang atau lebih dibanding yang ditandatangani ledger untuk"+
		" wilayah ini: ledger terikat pada tepat %d peristiwa ini.", s.statement.Extent.Events)
	line("✓ Setiap peristiwa menyangkut wilayah ini atau orang yang pernah terdaftar di sana: %d"+
		" kepesertaan, %d id pekerja, tidak seorang pun dari wilayah"+
		" lain.", r.Enrolments, r.Workers)
	line("")
	line("TIDAK TERBUKTI")
	line("– Bahwa yang dilaporkan itu benar. Log menyimpan siapa mengatakan apa, bukan benar" +
		" tidaknya.")
	line("– Bahwa di antara peristiwa yang disembunyikan tidak ada yang menyangkut wilayah ini." +
		" Itu" +
		" ditandatangani ledger; siapa pun yang memegang seluruh log dapat menunjukkannya, atau" +
		" sebaliknya: cakupan bundle menghasilkan peristiwa yang sama lagi.")
	line("– Kapan suatu peristiwa dicatat: waktu pencatatan menurut jam ledger.")
	line("")
	line("SIAPA YANG HARUS DIPERCAYA UNTUK ITU")
	line("· Para pelapor, atas apa yang mereka laporkan.")
	line("· Pemegang kunci %s, atas dua hal di atas; kunci itu harus sampai kepada Anda lewat"+
		" jalan"+
		" lain daripada berkas ini.", r.Key)
	if s.witnesses != "" {
		line("· Tidak seorang pun, bahwa hanya ada satu masa lalu: %s ikut menandatangani.",
			s.witnesses)
	} else {
		line("· Pemegang kunci yang sama, bahwa ia tidak menandatangani masa lalu yang lain untuk" +
			" orang lain: tidak ada saksi yang diperiksa. Sebutkan saksi dengan --witness, atau" +
			" bandingkan dengan ledger yang berjalan (--ledger).")
	}
	if len(r.Others) > 0 {
		line("  Tanda tangan yang tidak diperiksa: %s.", strings.Join(r.Others, ", "))
	}
	return b.String()
}

// ComparedWords says that a running ledger goes on from the bundle.
func ComparedWords(indonesian bool) string {
	if indonesian {
		return "✓ Ledger yang berjalan masih memuat seluruh masa lalu ini."
	}
	return "✓ The running ledger still has all of this past."
}

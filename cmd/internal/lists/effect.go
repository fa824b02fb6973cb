package lists

import (
	"strconv"
	"strings"
)

// Effect is what rows of a list have in common that have no effect, or another one than meant. It
// is made by the importer of what the projection of effects says; here are the words alone. What a
// code does not speak of is "".
type Effect struct {
	Code string // one that effectWords has
	Date string // of the earlier start or end, of the death
	Name string // commitment, other enrolment, who pays, number of the other event
	Rows []int  // their numbers
}

// effectWords say it to the clerk whose list it is. {date}, {name} and {n} stand for what the
// effect has. None of these is a refusal: the rows are in the log (contract, section 1: a fact that
// contradicts others is accepted). It is never written.
var effectWords = map[string]notice{
	"TAKEN_BACK": {
		"pernah dilaporkan lalu ditarik kembali, dan tidak berlaku: kirim seluruh daftar dengan" +
			" --complete untuk melaporkannya lagi",
		"was reported and taken back, and does not count: send the whole list with --complete to" +
			" report it again",
	},
	"ENDS_NOBODY": {
		"tidak menghentikan siapa pun: kepesertaan dengan NIK atau KPJ itu tidak pernah" +
			" dilaporkan, atau baru mulai sesudahnya; periksa nomor dan tanggalnya",
		"ends nobody: no enrolment of that NIK or KPJ was ever reported, or it begins later;" +
			" check number and day",
	},
	"ENDED_BEFORE": {
		"sudah berhenti sejak {date}: tidak ada yang berubah",
		"had ended already, from {date} on: nothing changes",
	},
	"OTHER_PERSON": {
		"KPJ ini sudah dilaporkan untuk orang lain, mulai {date} (peristiwa {name}), dan kini" +
			" berpindah ke orang di baris ini: periksa KPJ dan NIK; bila baris ini keliru," +
			" betulkan selnya dan kirim seluruh daftar dengan --complete",
		"the KPJ was reported for somebody else, to start on {date} (event {name}), and now goes" +
			" to the person of this row: check KPJ and NIK; if the row is wrong, correct the cell" +
			" and send the whole list with --complete",
	},
	"START_STANDS": {
		"sudah dilaporkan mulai {date}, dan mulai yang lebih awal itu tetap berlaku: bila keliru," +
			" betulkan selnya dan kirim seluruh daftar dengan --complete",
		"was reported to start on {date}, and that earlier start stands: if it is wrong, correct" +
			" the cell and send the whole list with --complete",
	},
	"OPENED_BEFORE": {
		"sudah pernah dilaporkan, mulai {date}: kedua laporan berlaku, masing-masing sejak harinya",
		"was reported before, to start on {date}: both reports count, each from its day on",
	},
	"NOT_FUNDED": {
		"{n} orang dibayar APBD dan belum terlindungi sampai sebuah daftar pendanaan menyebut" +
			" mereka",
		"{n} people are paid by APBD and not covered until a funding list names them",
	},
	"GRANT_UNKNOWN_COMMITMENT": {
		"komitmen {name} tidak pernah dilaporkan: periksa kodenya, atau minta yang berwenang" +
			" melaporkannya",
		"nobody has reported the commitment {name}: check its code, or ask whoever is in charge" +
			" to report it",
	},
	"UNKNOWN_ENROLMENT": {
		"kepesertaan itu tidak pernah dilaporkan, sehingga uang ini tidak melindungi siapa pun:" +
			" kirim daftar kepesertaannya, atau periksa NIK dan KPJ",
		"that enrolment was never reported, so that this money covers nobody: send the list of" +
			" enrolments, or check NIK and KPJ",
	},
	"GRANT_NOT_APBD": {
		"kepesertaan itu dibayar {name}, bukan APBD: pendanaan ini tidak mengubah apa pun",
		"that enrolment is paid by {name}, not by APBD: this funding changes nothing",
	},
	"DOUBLE_FUNDED": {
		"bulan yang sama juga dibayar komitmen lain (kepesertaan {name})",
		"another commitment pays the same month too (enrolment {name})",
	},
	"DEAD": {
		"dilaporkan meninggal pada {date}, dan sesudahnya tidak terlindungi",
		"was reported to have died on {date}, and is not covered after it",
	},
	"COVERED_TWICE": {
		"punya kepesertaan lain di segmen yang sama ({name}): orangnya dihitung satu kali",
		"has another enrolment of the same segment ({name}): the person counts once",
	},
	"FAR_FUTURE": {
		"tanggal {date} masih lebih dari setahun lagi: periksa tahunnya",
		"the day {date} is more than a year away: check the year",
	},
	"NEVER_ENROLLED": {
		"orang ini tidak punya kepesertaan yang dilaporkan, sehingga laporan kematiannya tidak" +
			" mengubah apa pun: periksa NIK-nya",
		"no enrolment of that person was reported, so that the report of the death changes" +
			" nothing: check the NIK",
	},
	"NOBODY_KNOWN": {
		"tidak seorang pun di wilayah Anda dikenal dengan ini; tidak berpengaruh pada peserta" +
			" wilayah lain: periksa nomornya",
		"nobody of your regions is known by this; it has no effect on people of others: check the" +
			" number",
	},
}

// Words says it of the rows: "rows 5, 7-9: …". Rows must be ascending.
func (e *Effect) Words(l Language) string {
	var rows ranges
	for _, row := range e.Rows {
		rows.add(row)
	}
	where := "row "
	switch {
	case l == Indonesian:
		where = "baris "
	case len(e.Rows) > 1:
		where = "rows "
	}
	return where + rows.in(l) + ": " + e.said(l, len(e.Rows))
}

// Remark says it of one row, in the row.
func (e *Effect) Remark(l Language) string { return e.said(l, 1) }

// said puts the effect into words for n rows. A code without words gives "".
func (e *Effect) said(l Language, n int) string {
	words := effectWords[e.Code]
	text := words.id
	if l == English {
		text = words.en
	}
	// It is the only sentence whose verb depends on the number.
	if n == 1 {
		text = strings.Replace(text, "{n} people are", "one person is", 1)
	}
	return strings.NewReplacer("{date}", e.Date, "{name}", e.Name, "{n}", strconv.Itoa(n)).
		Replace(text)
}

// Change is a count without a list and with it.
type Change struct{ Before, After int64 }

func (c Change) String() string {
	return strconv.FormatInt(c.Before, 10) + " → " + strconv.FormatInt(c.After, 10)
}

// CoveredWords says how many are covered in a region and, of them, confirmed. on is a date,
// YYYY-MM-DD; region is named as people know it.
func CoveredWords(l Language, region, on string, covered, confirmed Change) string {
	return l.Pick("terlindungi di "+region+" pada "+on+": "+covered.String()+
		", terkonfirmasi: "+confirmed.String(),
		"covered in "+region+" on "+on+": "+covered.String()+
			", confirmed: "+confirmed.String())
}

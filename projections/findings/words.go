package findings

import (
	"strconv"
	"strings"

	"cakupan/domain/region"
	"cakupan/domain/temporal"
)

// words are a sentence on what is wrong and one on what resolves it. In braces stand what a finding
// shows, and {count}, {days}, {date} and {day}. The contract says that there is a text, not which
// one: words may change without another version.
type words struct{ id, en string }

// texts has the words of each code. It is by number; a code without words would have an empty text.
var texts = [...]words{
	DoubleFunded: {
		"Pekerja {worker} dibayari {count} komitmen untuk bulan yang sama: {months}; {rupiah} " +
			"dibayar dua kali. Selesai bila hibah yang berlebih dicabut (funding.revoked).",
		"Worker {worker} is paid for by {count} commitments in the same months: {months}; " +
			"{rupiah} is paid twice. Resolved by revoking the surplus grants (funding.revoked).",
	},
	PaidAfterDeath: {
		"Pekerja {worker} telah meninggal, tetapi bulan sesudahnya masih dibayar: {months}; " +
			"{rupiah} dari komitmen. Selesai bila hibah dicabut atau pembayaran ditarik kembali; " +
			"bila kabar kematian keliru, tarik kembali kabar itu.",
		"Worker {worker} has died, and months after that are paid all the same: {months}; " +
			"{rupiah} of it by commitments. Resolved by revoking the grants or retracting the " +
			"payments, or the death if that report is wrong.",
	},
	GrantUnknownEnrolment: {
		"Komitmen {commitment} membayari kepesertaan {enrolment} yang tidak pernah dibuka. " +
			"Selesai bila pembukaannya dilaporkan, atau hibah dengan nomor keliru ditarik kembali.",
		"Commitment {commitment} is granted to enrolment {enrolment}, which was never opened. " +
			"Resolved by reporting its opening, or retracting a grant with a wrong id.",
	},
	GrantUnknownCommitment: {
		"Kepesertaan {enrolment} dibayari komitmen {commitment} yang tidak pernah dilaporkan. " +
			"Selesai bila komitmennya dilaporkan (funding.committed), atau hibah ditarik kembali.",
		"Enrolment {enrolment} is granted commitment {commitment}, which was never committed. " +
			"Resolved by reporting it (funding.committed), or retracting the grant.",
	},
	GrantNotAPBD: {
		"Komitmen {commitment} membayari kepesertaan {enrolment} pada bulan ketika " +
			"kepesertaan itu tidak aktif dengan pembayar APBD: {months}; {rupiah}. Selesai bila " +
			"hibah dicabut, atau pembayarnya dibetulkan (enrolment.amended).",
		"Commitment {commitment} pays enrolment {enrolment} in months in which that is not " +
			"open with payer APBD: {months}; {rupiah}. Resolved by revoking the grant, or " +
			"correcting the payer (enrolment.amended).",
	},
	GrantBeyondHeads: {
		"Komitmen {commitment} membayari lebih banyak kepesertaan daripada jumlah orangnya: " +
			"{months}; kelebihan {count} orang-bulan, {rupiah}. Selesai bila jumlah orang " +
			"dinaikkan (funding.amended) atau hibah yang berlebih dicabut.",
		"Commitment {commitment} pays more enrolments than it has heads: {months}; {count} " +
			"months of a head too many, {rupiah}. Resolved by raising its heads " +
			"(funding.amended), or revoking the surplus grants.",
	},
	GrantBeyondPeriod: {
		"Komitmen {commitment} membayari kepesertaan {enrolment} di luar masa berlakunya: " +
			"{months}; {rupiah}. Selesai bila masanya diperpanjang (funding.amended) atau hibah " +
			"diperpendek.",
		"Commitment {commitment} pays enrolment {enrolment} outside of its period: {months}; " +
			"{rupiah}. Resolved by extending it (funding.amended), or shortening the grant.",
	},
	GrantAfterRevocation: {
		"Hibah komitmen {commitment} untuk kepesertaan {enrolment} dicabut, lalu diberikan " +
			"lagi: {months}; {rupiah}. Selesai bila hibah baru atau pencabutannya ditarik kembali.",
		"The grant of commitment {commitment} to enrolment {enrolment} was revoked, and then " +
			"given again: {months}; {rupiah}. Resolved by retracting the new grant or the " +
			"revocation.",
	},
	DisbursedAboveCeiling: {
		"Pencairan komitmen {commitment} melebihi pagunya sebesar {rupiah}. Selesai bila pagu " +
			"dinaikkan (funding.amended) atau pencairan yang keliru ditarik kembali.",
		"What commitment {commitment} has disbursed exceeds its ceiling by {rupiah}. Resolved " +
			"by raising the ceiling (funding.amended), or retracting a wrong disbursement.",
	},
	DisbursedShort: {
		"Masa komitmen {commitment} sudah lewat, dan tidak ada pencairan untuk: {months}; " +
			"{rupiah} menurut komitmen. Selesai bila pencairannya dilaporkan " +
			"(funding.disbursed), atau masanya dibetulkan.",
		"The period of commitment {commitment} is over, and no disbursement names: {months}; " +
			"{rupiah} as committed. Resolved by reporting the disbursement " +
			"(funding.disbursed), or correcting the period.",
	},
	MoneyShort: {
		"Pagu komitmen {commitment} hanya cukup untuk {buys} bulan; kurang {rupiah}. Selesai " +
			"bila pagu dinaikkan, atau jumlah orang, bulan atau iuran dibetulkan " +
			"(funding.amended).",
		"The ceiling of commitment {commitment} buys {buys} months only; {rupiah} are " +
			"missing. Resolved by raising it, or correcting heads, months or tariff " +
			"(funding.amended).",
	},
	FunderOutside: {
		"Komitmen {commitment} membayari kepesertaan {enrolment}, yang tinggal di luar daerah " +
			"penyandang dana: {months}; {rupiah}. Selesai bila hibah dicabut atau daerah " +
			"dibetulkan (enrolment.amended).",
		"Commitment {commitment} pays enrolment {enrolment}, whose region does not lie in the " +
			"funder's: {months}; {rupiah}. Resolved by revoking the grant, or correcting the " +
			"region (enrolment.amended).",
	},
	ASNFunded: {
		"Komitmen {commitment} membayari kepesertaan {enrolment} ketika pekerjanya ASN: " +
			"{months}; {rupiah}. ASN dijamin Taspen. Selesai bila hibah dicabut atau kategori " +
			"dibetulkan (enrolment.amended).",
		"Commitment {commitment} pays enrolment {enrolment} while the worker is a civil " +
			"servant (ASN): {months}; {rupiah}. Those are insured by Taspen. Resolved by " +
			"revoking the grant, or correcting the category (enrolment.amended).",
	},
	TwoOpen: {
		"Pekerja {worker} punya dua kepesertaan sesegmen yang terbuka pada hari yang sama: " +
			"{months}. Selesai bila salah satunya diakhiri (enrolment.terminated) atau ditarik " +
			"kembali.",
		"Worker {worker} has two enrolments of one segment open on the same day: {months}. " +
			"Resolved by terminating one of them (enrolment.terminated), or retracting it.",
	},
	EndUnknown: {
		"Kepesertaan {enrolment} diakhiri atau dibuka kembali, tetapi tidak pernah dibuka. " +
			"Selesai bila pembukaannya dilaporkan, atau laporan itu ditarik kembali.",
		"Enrolment {enrolment} was terminated or reinstated, and never opened. Resolved by " +
			"reporting its opening, or retracting that report.",
	},
	AmendmentUnknown: {
		"Kepesertaan {enrolment} diubah, tetapi tidak pernah dibuka. Selesai bila " +
			"pembukaannya dilaporkan, atau perubahan itu ditarik kembali.",
		"Enrolment {enrolment} was amended, and never opened. Resolved by reporting its " +
			"opening, or retracting the amendment.",
	},
	CreditUnknown: {
		"Iuran dibukukan untuk kepesertaan {enrolment} yang tidak pernah dibuka: {months}. " +
			"Selesai bila pembukaannya dilaporkan, atau pembukuan itu ditarik kembali.",
		"Contributions are credited to enrolment {enrolment}, which was never opened: " +
			"{months}. Resolved by reporting its opening, or retracting the credit.",
	},
	OpenedTwice: {
		"Kepesertaan {enrolment} dibuka lebih dari sekali. Selesai bila pembukaan yang keliru " +
			"ditarik kembali; perubahan dilaporkan dengan enrolment.amended.",
		"Enrolment {enrolment} was opened more than once. Resolved by retracting the wrong " +
			"opening; changes are reported by enrolment.amended.",
	},
	EndedTwice: {
		"Kepesertaan {enrolment} diakhiri dua kali tanpa dibuka kembali di antaranya; yang " +
			"kedua tidak mengubah apa pun. Selesai bila salah satunya ditarik kembali.",
		"Enrolment {enrolment} was terminated twice, and not opened again between; the later " +
			"one changes nothing. Resolved by retracting one of them.",
	},
	NeverFunded: {
		"Kepesertaan {enrolment} terbuka dengan pembayar APBD, tetapi tidak ada yang membayar: " +
			"{months}. Selesai bila hibah atau iurannya dilaporkan, atau kepesertaan diakhiri.",
		"Enrolment {enrolment} is open with payer APBD, and nobody pays: {months}. Resolved " +
			"by reporting a grant or a credit, or terminating the enrolment.",
	},
	ContributionsStopped: {
		"Iuran kepesertaan {enrolment} berhenti: tidak terlindungi pada {months}. Selesai bila " +
			"iurannya dibukukan (contribution.credited), atau kepesertaan diakhiri.",
		"The contributions of enrolment {enrolment} have stopped: it is not covered in " +
			"{months}. Resolved by crediting them (contribution.credited), or terminating it.",
	},
	ReportedLate: {
		"Kejadian {since}, {what}, berlaku {date} tetapi baru tercatat {day}: terlambat " +
			"{days} hari. Hanya selesai bila tanggalnya keliru dan laporan ditarik kembali.",
		"Event {since}, {what}, took effect on {date} and was recorded on {day}: {days} days " +
			"late. Resolved only if the date is wrong and the report is retracted.",
	},
	FarFuture: {
		"Kejadian {since}, {what}, bertanggal {date}, lebih dari setahun sesudah tercatat " +
			"({day}). Selesai bila tanggalnya keliru dan laporan ditarik kembali.",
		"Event {since}, {what}, is dated {date}, more than a year after it was recorded " +
			"({day}). Resolved if the date is wrong and the report is retracted.",
	},
	ForeignChange: {
		"{What} diubah oleh pihak lain daripada yang melaporkannya pertama kali. Selesai bila " +
			"perubahan yang keliru ditarik kembali.",
		"{What} was changed by another publisher than the one that reported it first. Resolved " +
			"by retracting a change that is wrong.",
	},
	CoverageAbove100: {
		"Pada akhir {months} lebih dari 100 % tenaga kerja {region} {name} terlindungi. Selesai " +
			"bila angka tenaga kerja atau kepesertaan ganda dibetulkan.",
		"At the end of {months} more than 100 % of the workforce of {region} {name} is " +
			"covered. Resolved by correcting the workforce, or enrolments that are doubled.",
	},
	Jump: {
		"Pada akhir {months} persentase {region} {name} berbeda lebih dari 10 poin dari bulan " +
			"sebelumnya. Lihat sebabnya dengan cakupan difference; selesai bila data dibetulkan.",
		"At the end of {months} the percent of {region} {name} differs by more than 10 points " +
			"from the month before. cakupan difference tells why; resolved by correcting data.",
	},
	FundingEnds: {
		"Uang komitmen {commitment} berakhir: {count} kepesertaan tidak lagi dibayar sejak " +
			"{months}; {rupiah} sebulan. Selesai bila bulan berikutnya dibayar (funding.granted).",
		"The money of commitment {commitment} ends: {count} enrolments lose cover from " +
			"{months} on; {rupiah} a month. Resolved by grants of later months (funding.granted).",
	},
}

// words returns the words of a finding. A name of a worker that looks like a brace is not replaced
// again.
func (l *line) words(in Language) string {
	w := texts[l.said.code]
	text := w.id
	if in == English {
		text = w.en
	}
	code, _ := region.Parse(l.Region)
	return strings.NewReplacer(
		"{worker}", l.Worker, "{enrolment}", l.Enrolment, "{commitment}", l.Commitment,
		"{region}", l.Region, "{name}", code.Name(), "{months}", l.said.months.words(in),
		"{buys}", l.Months.Buys, "{count}", thousands(l.said.count, in),
		"{rupiah}", l.rupiah(in), "{since}", l.Since.String(),
		"{date}", l.said.date.String(), "{day}", l.said.day.String(),
		"{days}", strconv.Itoa(int(l.said.day-l.said.date)), "{what}", l.what(in, false),
		"{What}", l.what(in, true),
	).Replace(text)
}

// rupiah names what is at stake. Where nobody knows the tariff that is said, too.
func (l *line) rupiah(in Language) string {
	switch {
	case l.Rupiah != nil:
		return "Rp" + thousands(*l.Rupiah, in)
	case l.said.code == PaidAfterDeath: // credited alone
		return "Rp0"
	case in == English:
		return "an unknown amount"
	default:
		return "jumlah yang tidak diketahui"
	}
}

// what names what a finding is about. First says that it begins a sentence.
func (l *line) what(in Language, first bool) string {
	kinds, name := [2]string{"kepesertaan", "enrolment"}, l.Enrolment
	switch l.said.kind {
	case ofWorker:
		kinds, name = [2]string{"pekerja", "worker"}, l.Worker
	case ofCommitment:
		kinds, name = [2]string{"komitmen", "commitment"}, l.Commitment
	case ofRegion:
		kinds, name = [2]string{"daerah", "region"}, l.Region
	default:
	}
	word := kinds[in]
	if first {
		word = strings.ToUpper(word[:1]) + word[1:]
	}
	return word + " " + name
}

// monthsNamed is how many spans of months words name. More would hide what the sentence says: the
// list of months has all of them.
const monthsNamed = 4

// words names months.
func (m months) words(in Language) string {
	to, more := " s.d. ", " …"
	if in == English {
		to = " to "
	}
	var texts []string
	for i, s := range m {
		if i == monthsNamed {
			return strings.Join(texts, ", ") + more
		}
		text := s.From.String()
		if last := min(s.Until-1, temporal.MaxDate.Month()); last > s.From {
			text += to + last.String()
		}
		texts = append(texts, text)
	}
	return strings.Join(texts, ", ")
}

// thousands writes a number with its digits in threes. The separator is that of the language. It
// must not be negative.
func thousands(n int64, in Language) string {
	separator := "."
	if in == English {
		separator = ","
	}
	digits := strconv.FormatInt(n, 10)
	for at := len(digits) - 3; at > 0; at -= 3 {
		digits = digits[:at] + separator + digits[at:]
	}
	return digits
}

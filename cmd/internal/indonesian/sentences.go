package indonesian

import (
	"regexp"
	"strings"
)

// sentence is what went wrong in both languages. The mark {} stands for what differs, and has no
// brackets, in which the same often stands in Indonesian already; {*} may have some. The first in
// English is the first in Indonesian, and so on.
type sentence struct{ en, id string }

// sentences are those that somebody meets who asks for figures or sends lists. More specific ones
// stand before others. It is never written. One whose English has changed stays English: see the
// script indonesian.txtar.
var sentences = []sentence{
	{
		"there is no ledger in {*}: name another folder with --data, or make one with `cakupan" +
			" import` or `cakupan serve`",
		"tidak ada buku besar di {}: sebut folder lain dengan --data, atau buat dengan `cakupan" +
			" import` atau `cakupan serve`",
	},
	{
		"{} does not answer: is `cakupan serve` running there?{*}",
		"{} tidak menjawab: apakah `cakupan serve` berjalan di sana?{}",
	},
	{
		"none of {} answers: is `cakupan serve` running there?{*}",
		"tidak satu pun dari {} menjawab: apakah `cakupan serve` berjalan di sana?{}",
	},
	{
		"{}, a cakupan serve: use --server {} instead of --data",
		"folder sedang dipakai cakupan serve: pakai --server {1} sebagai ganti --data",
	},
	{
		"region: no region in force has the Kemendagri code {}",
		"region: tidak ada wilayah yang berlaku dengan kode Kemendagri {}",
	},
	{
		"{} is no date: a date is YYYY-MM-DD and a day of the calendar, such as {}",
		"{} bukan tanggal: tulis tahun-bulan-tanggal yang ada di kalender, misalnya {}",
	},
	{"region: did you mean {}? BPS uses {} for {}", "region: maksudnya {}? Kode BPS {} adalah {}"},
	{"region: did you mean {}?", "region: maksudnya {}?"},
	{"code is no code of a finding: there are {}", "code bukan kode temuan; yang ada: {}"},
	{
		"no event names {}, as known at event {}",
		"tidak ada peristiwa yang menyebut {}, sejauh diketahui pada peristiwa {}",
	},
	{
		"enrolment is missing: name an enrolment, a worker or a commitment; {}",
		"sebut kepesertaan, pekerja atau komitmen dengan --enrolment, --worker atau --commitment;" +
			" yang hanya punya NIK memakai --nik",
	},
	{"{} is before {}", "{} sebelum {}"},
	{"{} exclude each other", "{} tidak dapat dipakai bersama"},
	{"{} must be true or false", "{} harus true atau false"},
	{"{} must be a whole number, 0 or more", "{} harus bilangan bulat, 0 atau lebih"},
	{"{} must be one of {}", "{} harus salah satu dari {}"},
	{"{} must be {} or {}", "{} harus {} atau {}"},
	{"interrupted", "dihentikan"},
	{"watch shows a ledger that runs: name it with --server", "watch menampilkan buku besar yang" +
		" berjalan: sebut dengan --server"},
	{
		"nobody has this name and secret: it may be mistyped, or rotated, revoked or expired" +
			" meanwhile. Ask whoever runs the ledger",
		"nama dan rahasia ini tidak dikenal: mungkin salah ketik, atau sudah diganti, dicabut" +
			" atau kedaluwarsa. Tanyakan pengelola buku besar",
	},
	{
		"too many failed logins from this address or for this name: wait, and look at the secret",
		"terlalu banyak percobaan masuk yang gagal dari alamat ini atau untuk nama ini: tunggu," +
			" lalu periksa rahasianya",
	},
	{
		"there is no room left for the log; nothing was appended: free some and send again",
		"tidak ada ruang lagi untuk log; tidak ada yang dicatat: kosongkan sebagian, lalu kirim" +
			" lagi",
	},
	{
		"the disk is full: free some room and try again{*}",
		"disk penuh: kosongkan sebagian, lalu coba lagi{}",
	},
	{
		"the log is closed or cannot be reached: send again later{*}",
		"log tertutup atau tidak dapat dicapai: kirim lagi nanti{}",
	},
	{
		"the log did not say whether it took the events: send the same ones again, what is there" +
			" already will be a duplicate{*}",
		"log tidak memastikan apakah laporannya tercatat: kirim lagi yang sama, yang sudah ada" +
			" tidak dicatat dua kali{}",
	},
	{
		"the program may not read or write there: check owner and rights of the folder{*}",
		"program tidak boleh membaca atau menulis di sana: periksa pemilik dan hak folder itu{}",
	},
	{
		"a newer version of cakupan wrote this ledger: use that version or a later one",
		"buku besar ini ditulis cakupan versi yang lebih baru: pakai versi itu atau sesudahnya",
	},
}

// patterns are the English sentences, as they are found. It is never written.
var patterns = func() []*regexp.Regexp {
	all := make([]*regexp.Regexp, len(sentences))
	for i, s := range sentences {
		text := strings.NewReplacer(`\{\}`, `([^()]*?)`, `\{\*\}`, `(.*?)`).
			Replace(regexp.QuoteMeta(s.en))
		all[i] = regexp.MustCompile(`(?s)\A` + text + `\z`)
	}
	return all
}()

// Sentence says in Indonesian what went wrong. One that it does not know stays as it is, as do
// those that say it in both languages.
func Sentence(words string) string {
	for i, pattern := range patterns {
		found := pattern.FindStringSubmatch(words)
		if found == nil {
			continue
		}
		text := sentences[i].id
		for n, differs := range found[1:] {
			differs = strings.NewReplacer(" and ", " dan ", " or ", " atau ").Replace(differs)
			mark := "{}"
			// One that stands at another place than in English says which it is.
			if numbered := "{" + string(rune('0'+n)) + "}"; strings.Contains(text, numbered) {
				mark = numbered
			}
			text = strings.Replace(text, mark, differs, 1)
		}
		return text
	}
	return words
}

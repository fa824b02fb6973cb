package upload

import (
	"fmt"
	"strings"

	"cakupan/cmd/internal/importer"
	"cakupan/cmd/internal/lists"
)

// refusedShown is how many refused rows the page shows; the file that is given back has all.
const refusedShown = 200

// view is what the page shows.
type view struct {
	Words   *words
	Error   string
	Checked bool // the list was checked, and waits to be confirmed
	Done    bool // it was taken in

	Token   string
	Back    bool // rows can be taken back
	Name    string
	Read    string // how many rows, and what becomes of them
	Notes   []string
	Refused []refusedRow
	More    uint64 // refused rows that are not shown
	Gone    []importer.GoneRow
	Ready   bool // there is something that may be confirmed

	checking bool // nothing is recorded
}

// refusedRow is a row that is refused.
type refusedRow struct {
	Row           int
	Column, Words string
}

// note is what the command would print.
func (v *view) note(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	_, after, found := strings.Cut(text, ": ") // the name of the file is said once
	if found {
		text = after
	}
	v.Notes = append(v.Notes, text)
}

func (v *view) refuse(row int, column, words string) {
	if len(v.Refused) == refusedShown {
		v.More++
		return
	}
	v.Refused = append(v.Refused, refusedRow{row, column, words})
}

// tell says what a list came to.
func (v *view) tell(s *sent, t *importer.Tally) {
	v.Name, v.Back = s.name, s.back != nil
	read := v.Words.Read
	if v.checking {
		read = v.Words.WouldRead
	}
	v.Read = fmt.Sprintf(read, t.Read, t.Appended, t.Duplicates, t.Refused)
	v.Ready = t.Appended > 0
	for i := range t.Lists {
		if w := t.Lists[i].Whole; w != nil {
			v.Gone = append(v.Gone, w.Gone...)
			v.Ready = t.Refused == 0 && (v.Ready || len(w.Gone) > 0)
		}
	}
}

// words are those of the page in one language.
type words struct {
	language                                               lists.Language
	Lang, Other, OtherName                                 string
	Title, Lead, File, Whole, More, List, Source, Sheet    string
	Check, Send, Back, Templates, Again                    string
	Checked, Done, Read, Refused, Row, Column, What, Notes string
	Gone, GoneChoice, Keep, Retract, End                   string
	Nothing, MoreRows, Busy, Expired, Broken, Progress     string
	WouldRead                                              string
	Kinds                                                  []kindName
}

type kindName struct{ Kind, Name string }

// wordsOf returns the words of a language; Indonesian unless English is asked for.
func wordsOf(lang string) *words {
	if lang == "en" {
		return &english
	}
	return &indonesian
}

var indonesian = words{
	language: lists.Indonesian,
	Lang:     "id", Other: "en", OtherName: "English",
	Title: "Kirim daftar",
	Lead: "Pilih berkas Excel atau CSV. Daftar diperiksa dahulu; belum ada yang dicatat sampai" +
		" Anda menekan Kirim.",
	File:  "Berkas daftar",
	Whole: "Ini seluruh isi daftarnya sekarang: yang berubah dibetulkan, yang hilang ditanyakan",
	More:  "Pilihan lain", List: "ID daftar (bila tidak tertulis di berkas)",
	Source: "Sumber (bila tidak tertulis di berkas)",
	Sheet:  "Nama lembar (bila ada beberapa)",
	Check:  "Periksa", Send: "Kirim", Back: "Ambil baris yang perlu dilihat",
	Templates: "Daftar kosong untuk diisi", Again: "Kirim daftar lain",
	Checked: "Hasil pemeriksaan: belum ada yang dicatat", Done: "Sudah dicatat",
	Read:      "dibaca %d baris: %d laporan dicatat, %d sudah ada, %d ditolak",
	WouldRead: "dibaca %d baris: %d laporan akan dicatat, %d sudah ada, %d ditolak",
	Refused:   "Ditolak", Row: "Baris", Column: "Kolom", What: "Yang harus diperbaiki",
	Notes: "Yang perlu diketahui", Gone: "Hilang dari daftar",
	GoneChoice: "Apa yang terjadi dengan baris yang hilang?", Keep: "biarkan",
	Retract: "tarik kembali: seharusnya tidak pernah dilaporkan",
	End:     "berakhir; hari pertama yang tidak lagi terlindungi:",
	Nothing: "Tidak ada yang akan dicatat.", MoreRows: "… dan %d baris lagi",
	Busy:     "Server sedang memeriksa daftar lain. Coba lagi sebentar lagi.",
	Expired:  "Daftar ini sudah tidak disimpan. Pilih berkasnya lagi.",
	Broken:   "Terjadi kesalahan di server. Mengirim daftar yang sama lagi aman.",
	Progress: "Mengirim berkas …",
	Kinds: []kindName{
		{"enrolment", "kepesertaan"},
		{"termination", "pemberhentian"},
		{"funding", "pendanaan"},
		{"contribution", "iuran"},
		{"death", "kematian"},
		{"merge", "penggabungan"},
	},
}

var english = words{
	language: lists.English,
	Lang:     "en", Other: "id", OtherName: "Bahasa Indonesia",
	Title: "Send a list",
	Lead: "Choose an Excel or CSV file. The list is checked first; nothing is recorded until you" +
		" press Send.",
	File: "File of the list",
	Whole: "This is the whole of the list now: what has changed is corrected, what is gone is" +
		" asked for",
	More: "Other choices", List: "Id of the list (if the file does not say it)",
	Source: "Source (if the file does not say it)",
	Sheet:  "Name of the sheet (if there are several)",
	Check:  "Check", Send: "Send", Back: "Take the rows that need a look",
	Templates: "Empty lists to fill in", Again: "Send another list",
	Checked: "What the check has found: nothing is recorded yet", Done: "Recorded",
	Read:      "%d rows read: %d reports recorded, %d already there, %d refused",
	WouldRead: "%d rows read: %d reports would be recorded, %d already there, %d refused",
	Refused:   "Refused", Row: "Row", Column: "Column", What: "What to correct",
	Notes: "What to know", Gone: "Gone from the list",
	GoneChoice: "What becomes of the rows that are gone?", Keep: "leave them",
	Retract: "take them back: they should never have been reported",
	End:     "they end; the first day that is not covered any more:",
	Nothing: "Nothing would be recorded.", MoreRows: "… and %d more rows",
	Busy:     "The server is checking another list. Try again in a moment.",
	Expired:  "This list is not kept any more. Choose the file again.",
	Broken:   "Something went wrong in the server. To send the same list again is safe.",
	Progress: "Sending the file …",
	Kinds: []kindName{
		{"enrolment", "enrolment"},
		{"termination", "termination"},
		{"funding", "funding"},
		{"contribution", "contribution"},
		{"death", "death"},
		{"merge", "merge"},
	},
}

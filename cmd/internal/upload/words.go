package upload

import "cakupan/cmd/internal/lists"

// said is one thing that the page says, in both languages.
type said struct{ id, en string }

// words are all that the page says of itself. What it says of a list are the words of the command.
// It is never written. A key is used by the template or by the code; a test looks that each has
// both texts.
var words = map[string]said{
	"title": {"Kirim daftar", "Send a list"},
	"lead": {
		"Pilih berkas Excel atau CSV. Daftar diperiksa dahulu; belum ada yang dicatat sampai Anda" +
			" menekan Kirim.",
		"Choose an Excel or CSV file. The list is checked first; nothing is recorded until you" +
			" press Send.",
	},
	"file": {"Berkas daftar", "File of the list"},
	"whole": {
		"Ini seluruh isi daftarnya sekarang: yang berubah dibetulkan, yang hilang ditanyakan",
		"This is the whole of the list now: what has changed is corrected, what is gone is asked" +
			" for",
	},
	"more": {"Pilihan lain", "Other choices"},
	"list": {
		"ID daftar (bila tidak tertulis di berkas)",
		"Id of the list (if the file does not say it)",
	},
	"source": {
		"Sumber (bila tidak tertulis di berkas)",
		"Source (if the file does not say it)",
	},
	"sheet": {
		"Nama lembar (bila ada beberapa)",
		"Name of the sheet (if there are several)",
	},
	"check":     {"Periksa", "Check"},
	"send":      {"Kirim", "Send"},
	"back":      {"Ambil baris yang perlu dilihat", "Take the rows that need a look"},
	"templates": {"Daftar kosong untuk diisi", "Empty lists to fill in"},
	"again":     {"Kirim daftar lain", "Send another list"},
	"checked": {
		"Hasil pemeriksaan: belum ada yang dicatat",
		"What the check has found: nothing is recorded yet",
	},
	"done": {"Sudah dicatat", "Recorded"},
	"read": {
		"dibaca %d baris: %d laporan dicatat, %d sudah ada, %d ditolak",
		"%d rows read: %d reports recorded, %d already there, %d refused",
	},
	"wouldRead": {
		"dibaca %d baris: %d laporan akan dicatat, %d sudah ada, %d ditolak",
		"%d rows read: %d reports would be recorded, %d already there, %d refused",
	},
	"refused": {"Ditolak", "Refused"},
	"row":     {"Baris", "Row"},
	"column":  {"Kolom", "Column"},
	"what":    {"Yang harus diperbaiki", "What to correct"},
	"notes":   {"Yang perlu diketahui", "What to know"},
	"gone": {
		"Apa yang terjadi dengan baris yang hilang?",
		"What becomes of the rows that are gone?",
	},
	"keep": {"biarkan", "leave them"},
	"retract": {
		"tarik kembali: seharusnya tidak pernah dilaporkan",
		"take them back: they should never have been reported",
	},
	"end": {"berakhir", "they end"},
	"endDay": {
		"Hari pertama yang tidak lagi terlindungi (bila berakhir)",
		"The first day that is not covered any more (if they end)",
	},
	"nothing":  {"Tidak ada yang akan dicatat.", "Nothing would be recorded."},
	"moreRows": {"… dan %d baris lagi", "… and %d more rows"},
	"busy": {
		"Server sedang memeriksa daftar lain. Coba lagi sebentar lagi.",
		"The server is checking another list. Try again in a moment.",
	},
	"expired": {
		"Daftar ini sudah tidak disimpan. Pilih berkasnya lagi.",
		"This list is not kept any more. Choose the file again.",
	},
	"broken": {
		"Terjadi kesalahan di server. Mengirim daftar yang sama lagi aman.",
		"Something went wrong in the server. To send the same list again is safe.",
	},
	"progress":  {"Mengirim berkas …", "Sending the file …"},
	"recording": {"Mencatat …", "Recording …"},
	"noFile":    {"Pilih berkas daftarnya dahulu.", "Choose the file of the list first."},
	"noList": {
		"%s bukan daftar: nama berkasnya harus berakhir dengan .csv, .tsv, .txt, .xlsx, .xlsm" +
			" atau .ods. Dari Excel lama (.xls), simpan sebagai .xlsx.",
		"%s is no list: the name of its file must end with .csv, .tsv, .txt, .xlsx, .xlsm or" +
			" .ods. Of an old Excel (.xls), save it as .xlsx.",
	},
	"noForm": {"Kirim formulir halaman ini.", "Send the form of this page."},
	"endedTooEarly": {
		"Berkas terputus di tengah jalan dan belum ada yang dicatat: kirim lagi.",
		"The file was cut off on its way, and nothing is recorded: send it again.",
	},
	"tooLarge": {
		"Paling banyak %d MB sekaligus: bagi daftarnya, atau pakai perintah cakupan import.",
		"At most %d MB at once: save the list in parts, or use the command cakupan import.",
	},
	"noDay": {
		"Tulis harinya, misalnya 2021-03-31.",
		"Write the day, such as 2021-03-31.",
	},
	"options": {
		"Yang disebut --list, --source dan --sheet diisi di bawah, di Pilihan lain.",
		"What is called --list, --source and --sheet is given below, under Other choices.",
	},
	"chooseGone": {
		"Pilih dahulu apa yang terjadi dengan baris yang hilang.",
		"Choose first what becomes of the rows that are gone.",
	},
}

// Lang returns the code of the language of the page.
func (v *view) Lang() string {
	if v.language == lists.English {
		return "en"
	}
	return "id"
}

// Other returns the code of the other language.
func (v *view) Other() string {
	if v.language == lists.English {
		return "id"
	}
	return "en"
}

// OtherName returns the name of the other language in that language.
func (v *view) OtherName() string {
	if v.language == lists.English {
		return "Bahasa Indonesia"
	}
	return "English"
}

// Say returns words of the page in its language. A key that there is not gives nothing.
func (v *view) Say(key string) string {
	if v.language == lists.English {
		return words[key].en
	}
	return words[key].id
}

// languageOf returns the language that is asked for: Indonesian unless it is English.
func languageOf(lang string) lists.Language {
	if lang == "en" {
		return lists.English
	}
	return lists.Indonesian
}

package indonesian

import "maps"

// places are what stands for a value, by what it is in English. It is never written.
var places = map[string]string{
	"FILE": "BERKAS", "NAME": "NAMA", "KIND": "JENIS", "COLUMN=VALUE": "KOLOM=NILAI", "WHAT": "APA",
	"CODE": "KODE", "DATE": "TANGGAL", "WHEN": "SAAT", "DIMENSION": "DIMENSI",
	"N": "N", "STEP": "LANGKAH", "COLUMNS": "KOLOM", "LINES": "BARIS",
}

const exitCodes = `

Angka yang dikembalikan:

	0  selesai
	1  gagal
	2  perintahnya salah
	3  sebagian isi ditolak, sisanya sudah dicatat
	4  tidak ditemukan
	5  pemeriksaan gagal: berkas atau catatan rusak
`

const (
	source     = "Sumber laporan daftar itu, bila kode yang sama dipakai beberapa sumber."
	language   = "Bahasa yang dicetak: id atau en."
	dimensions = "Bagi lagi: sector, segment, category, programme, funding, evidence;" +
		" boleh beberapa, dipisahkan koma."
	parts = "Pembetulan di atas 1.000 laporan boleh dicatat dalam beberapa bagian," +
		" masing-masing utuh."
)

// program is the help of the program itself. It is never written.
var program = page{
	help: `Buku besar kepesertaan jaminan sosial ketenagakerjaan: laporan masuk, angka keluar,
untuk hari mana pun, sebagaimana diketahui pada saat mana pun.

Untuk petugas yang mengirim daftar: "cakupan template" membuat daftar kosong, "cakupan import"
mengirimnya, "cakupan list" menunjukkan dan membatalkannya, "cakupan coverage", "watch" dan "plot"
menunjukkan berapa yang terlindungi; bantuannya dalam bahasa Indonesia, juga yang dari "status".
Perintah lain untuk pengelola, bantuannya dalam bahasa Inggris.` + exitCodes,
	flags: map[string]string{
		"help": "Tampilkan bantuan ini.",
		"data": "Folder buku besar (bila tidak ditulis: ./cakupan-data).",
		"server": "Alamat buku besar yang sedang berjalan, sebagai ganti folder; bila ada" +
			" beberapa, semuanya, dipisahkan koma.",
		"json": "Jawab dalam JSON, untuk program.",
		"secret-file": "Berkas berisi sandi Anda untuk server; bila tidak ditulis:" +
			" CAKUPAN_SECRET dari lingkungan.",
	},
}

// pages returns the help of commands by their paths. The kinds of lists are told as they are
// called.
func pages(kinds string) map[string]page {
	list := map[string]string{"list": "Kode daftar, seperti tertulis di atas kolomnya."}
	ofList := map[string]string{"source": source, "lang": language}
	undo := maps.Clone(ofList)
	undo["dry-run"] = "Katakan apa yang akan terjadi, tanpa melakukannya."
	undo["parts"] = parts
	return map[string]page{
		"import":   importPage(kinds),
		"template": templatePage(kinds),
		"coverage": coveragePage(),
		"watch":    watchPage(),
		"plot":     plotPage(),
		"status":   statusPage(),
		"list":     {help: "Lihat atau batalkan daftar yang sudah dikirim."},
		"list show": {
			help: "Tampilkan baris daftar yang berlaku sekarang.",
			detail: `Nomor baris adalah nomornya di berkas yang melaporkannya. Baris yang sudah
berakhir karena hilang dari berkas berikutnya ditandai.

Contoh:

	cakupan list show BB-2021-03
	cakupan list show BB-2021-03 --server 127.0.0.1:7070` + exitCodes,
			args: list, flags: ofList,
		},
		"list history": {
			help: "Tampilkan apa yang terjadi dengan daftar, langkah demi langkah.",
			detail: `Baris yang dikirim tanpa --complete tidak punya langkah: semuanya ditampilkan
bersama.

Contoh:

	cakupan list history BB-2021-03` + exitCodes,
			args: list, flags: ofList,
		},
		"list undo": {
			help: "Batalkan langkah terakhir sebuah daftar.",
			detail: `Yang dilaporkan langkah itu ditarik kembali, dan yang ditariknya dilaporkan
lagi. Pembatalan juga sebuah langkah: bila dibatalkan lagi, seolah-olah tidak pernah terjadi.

Contoh:

	cakupan list undo BB-2021-03 --dry-run
	cakupan list undo BB-2021-03` + exitCodes,
			args: list, flags: undo,
		},
	}
}

func coveragePage() page {
	return page{
		help: "Tampilkan berapa pekerja yang terlindungi, di setiap wilayah.",
		detail: `Terkonfirmasi adalah yang bulannya sudah dibukukan atau dibayar. Masa tenggang:
iurannya berhenti, perlindungannya belum.

Contoh:

	cakupan coverage
	cakupan coverage --region 75.03 --on 2020-12-31
	cakupan coverage --on 2020-12-31 --by segment,funding` + exitCodes,
		flags: map[string]string{
			"region": "Kode wilayah, misalnya 75.03 (bila tidak ditulis: semua yang ada isinya).",
			"on":     "Pada tanggal, misalnya 2020-12-31 (bila tidak ditulis: hari ini).",
			"known": "Sebagaimana diketahui pada tanggal, waktu atau nomor peristiwa (bila tidak" +
				" ditulis: sekarang).",
			"indicator": "Pembagi persennya: LABOUR_FORCE, EMPLOYED atau ELIGIBLE.",
			"by":        dimensions,
			"count": "Yang dihitung pada pembagian itu: workers (orang) atau enrolments" +
				" (kepesertaan).",
			"csv":  "Jawab dalam CSV, untuk lembar kerja.",
			"lang": language,
		},
	}
}

func templatePage(kinds string) page {
	return page{
		help: "Buat daftar kosong untuk diisi.",
		detail: `Buku kerja Excel-nya berisi pilihan di setiap kolom dan lembar Petunjuk. Setelah
diisi, kirim dengan "cakupan import".

Contoh:

	cakupan template kepesertaan -o daftar.xlsx
	cakupan template penghentian -o berhenti.xlsx
	cakupan template pendanaan --format csv > pendanaan.csv` + exitCodes,
		args: map[string]string{
			"kind": "Yang dilaporkan daftar itu: " + kinds + ".",
		},
		flags: map[string]string{
			"format": "csv atau xlsx (bila tidak ditulis: xlsx).",
			"lang":   "Bahasa daftar: id atau en (bila tidak ditulis: id).",
			"output": "Berkas yang dibuat (bila tidak ditulis: keluaran standar).",
		},
	}
}

func importPage(kinds string) page {
	return page{
		help: "Kirim daftar orang, atau laporan dari berkas.",
		detail: `Daftar (.xlsx, .xlsm, .ods, .csv, .tsv, .txt) punya satu baris judul
kolom, dalam bahasa Indonesia atau Inggris, urutannya bebas; lihat "cakupan template". Di
atasnya, atau dengan --list,
--source dan --default, tertulis apa yang berlaku untuk semua baris. Daftar dikenal dari kodenya:
daftar yang sama dikirim lagi tidak menambah apa-apa, daftar yang dibetulkan menambah
pembetulannya. Nama, alamat dan kolom lain yang tidak disimpan diabaikan, dan itu diberitahukan.
Yang dapat berarti dua hal ditolak, dengan baris dan kolomnya.

Dengan --rejects perbaiki.xlsx baris yang ditolak dikembalikan sebagaimana adanya, dengan kolom yang
menjelaskan apa yang harus diperbaiki. Perbaiki di sana, lalu kirim berkas itu.

Dengan --complete berkas itu adalah seluruh daftarnya sekarang: baris yang berubah ditarik kembali
dan dilaporkan lagi; baris yang hilang ditunjukkan, lalu dibiarkan, ditarik kembali atau diakhiri,
menurut --gone atau jawaban Anda. Semuanya satu langkah; "cakupan list undo" membatalkannya. Bila
satu baris saja ditolak, tidak ada yang diubah, dan --rejects mengembalikan seluruh daftar.

Dengan --dry-run semuanya ditunjukkan lebih dulu, dan tidak ada yang dicatat.

Contoh:

	cakupan import daftar.xlsx --dry-run
	cakupan import daftar.xlsx --rejects perbaiki.xlsx
	cakupan import perbaiki.xlsx
	cakupan import daftar.xlsx --complete --gone retract
	cakupan import daftar.xlsx --complete --gone end:2021-04-01
	cakupan import --list BB-2021-03 --default pembayar=APBD daftar.csv
	cakupan import --server https://cakupan.contoh.go.id --secret-file sandi.txt daftar.xlsx` +
			exitCodes,
		args: map[string]string{
			"file": "Berkas menurut akhiran namanya: .xlsx, .xlsm, .ods, .csv, .tsv dan" +
				" .txt (daftar orang), .ndjson, .jsonl dan .json (laporan); - satu laporan setiap" +
				" baris dari masukan standar.",
		},
		flags: map[string]string{
			"dry-run":       "Periksa saja, jangan catat apa-apa.",
			"rejects":       "Kembalikan yang ditolak ke berkas ini, dengan alasannya.",
			"keep-recorded": "Pakai recordedat setiap laporan sebagai waktu pencatatannya.",
			"any-clock":     "Teruskan walau jam mesin tampak salah.",
			"findings":      "Tampilkan apa yang bertentangan; lihat cakupan findings.",
			"lang":          "Bahasa temuan: id atau en.",
			"complete":      "Berkas ini seluruh daftarnya sekarang: betulkan yang dulu.",
			"gone": "Bersama --complete, untuk baris yang hilang: keep (biarkan), retract (tarik" +
				" kembali) atau end:TANGGAL, hari pertama yang tidak lagi terlindungi; bila tidak" +
				" ditulis, ditanyakan.",
			"parts":  parts,
			"list":   "Kode daftar (bila tidak ditulis: yang tertulis di berkas).",
			"source": "Sumber laporannya (bila tidak ditulis: urn:cakupan:list:KODE).",
			"kind": "Jenis daftar: " + kinds + " (bila tidak ditulis:" +
				" menurut kolomnya).",
			"sheet": "Bila ada beberapa lembar: yang mana, atau all untuk semuanya.",
			"default": "Nilai untuk semua baris, misalnya Segmen=BPU; boleh ditulis beberapa" +
				" kali.",
		},
	}
}

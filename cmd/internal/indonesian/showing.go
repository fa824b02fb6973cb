package indonesian

// The help of the commands that show how many are covered as it changes and over time, and how the
// ledger is.

func watchPage() page {
	return page{
		help: "Tampilkan cakupan selagi berubah.",
		detail: `Menampilkan cakupan buku besar yang sedang berjalan selagi berubah: di terminal
sebuah tabel yang digambar ulang, selain itu sebaris untuk setiap wilayah yang berubah. Dengan
--json setiap pesan sebagaimana datangnya. Bila buku besarnya tidak ada, ditunggu.

Contoh:

	cakupan watch --server http://127.0.0.1:7070 --region 75
	cakupan watch --server http://127.0.0.1:7070 --json` + exitCodes,
		flags: map[string]string{
			"region": "Kode wilayah, misalnya 75.03; boleh ditulis beberapa kali (bila tidak" +
				" ditulis: semua).",
			"on": "Pada tanggal (bila tidak ditulis: hari ini, berganti tengah malam).",
			"by": dimensions,
			"times": "Berhenti setelah N tabel atau perubahan (bila tidak ditulis: tidak" +
				" berhenti).",
			"lang": language,
		},
	}
}

func plotPage() page {
	return page{
		help: "Gambar cakupan dari waktu ke waktu, dengan huruf.",
		detail: `Menggambar persennya, atau jumlah yang terlindungi bila tidak ada persen, dan
target hari terakhir. Dengan --known lebih dari sekali, satu garis untuk setiap saat: yang diketahui
waktu itu, dan yang diketahui sekarang.

Contoh:

	cakupan plot --region 75.03 --from 2019-01-01 --until 2023-12-31
	cakupan plot --region 75.03 --from 2020-06-01 --until 2021-06-30 --known 2021-01-04,4711` +
			exitCodes,
		flags: map[string]string{
			"region": "Kode wilayah, misalnya 75.03 (bila tidak ditulis: ID).",
			"from":   "Hari pertama (bila tidak ditulis: setahun sebelum hari terakhir).",
			"until":  "Hari terakhir, termasuk (bila tidak ditulis: hari ini di Makassar).",
			"step":   "day (hari), atau month: hari terakhir setiap bulan (bila tidak ditulis).",
			"known": "Sebagaimana diketahui pada tanggal, waktu atau nomor peristiwa; satu garis" +
				" untuk setiap saat, paling banyak lima.",
			"indicator": "Pembagi persennya: LABOUR_FORCE, EMPLOYED atau ELIGIBLE.",
			"width":     "Lebarnya (bila tidak ditulis: 100, atau selebar terminal).",
			"height":    "Tingginya (bila tidak ditulis: 16).",
			"lang":      language,
		},
	}
}

func statusPage() page {
	return page{
		help: "Tampilkan keadaan buku besar.",
		detail: `Menunjukkan apakah buku besar ini menulis atau siaga, yang mana yang menulis,
sampai mana catatan dan ringkasannya, apa yang menunggu di masukan, dan berapa server yang menyimpan
setiap aliran. Mengembalikan 0 bila semuanya baik, 1 bila tidak. Untuk auditor, dan di mesinnya
sendiri.

Contoh:

	cakupan status --server http://127.0.0.1:7070
	cakupan status --server http://127.0.0.1:7070,http://127.0.0.1:7071 --json` + exitCodes,
		flags: map[string]string{"lang": language},
	}
}

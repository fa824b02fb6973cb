package sample

import (
	"cakupan/domain/region"
	"cakupan/domain/temporal"
)

// Chapter is a moment of the story worth a look: ask for the coverage of Region on the day On, as
// known at the end of the day Known, or with everything recorded where Known is 0. The words say
// what is to be seen there, the same in both languages.
type Chapter struct {
	Region     region.Code
	On         temporal.Date
	Known      temporal.Date
	English    string
	Indonesian string
}

// Story returns the chapters in the order in which they are told. Where two of them differ in Known
// alone, their difference is what was reported in between. They hold for [Seed]. The slice is the
// caller's.
func Story() []Chapter {
	return append(append(goal(), mistakes()...), cliff()...)
}

// goal: 2019 and what was wanted for 2020.
func goal() []Chapter {
	endOf2019 := day(2019, 12, 31)
	return []Chapter{
		{
			gorontalo, endOf2019, 0,
			"End of 2019: the province is near 30 %.",
			"Akhir 2019: provinsi sekitar 30 %.",
		},
		{
			boneBolango, endOf2019, 0,
			"Bone Bolango, whose budget pays for 20,000 workers, is above 60 %.",
			"Bone Bolango, yang APBD-nya membiayai 20.000 pekerja, di atas 60 %.",
		},
		{
			kotaGtlo, endOf2019, 0,
			"The city, without such a list, is near the province's average.",
			"Kota Gorontalo, tanpa daftar seperti itu, mendekati rata-rata provinsi.",
		},
		{
			gorontalo, endOf2019, endOf2019,
			"As known then: as many are covered, but hardly any money is reported yet.",
			"Sebagaimana diketahui saat itu: sama banyaknya, tetapi iuran hampir belum dilaporkan.",
		},
		{
			gorontalo, day(2020, 12, 31), 0,
			"End of 2020: 10,000 more in Bone Bolango; for the province 60 % stays far.",
			"Akhir 2020: 10.000 tambahan di Bone Bolango; target 60 % provinsi masih jauh.",
		},
	}
}

// mistakes: what was reported wrong or late.
func mistakes() []Chapter {
	return []Chapter{
		{
			kotaGtlo, day(2020, 6, 15), day(2020, 6, 23),
			"June 2020: a list of 1,000 dismissals takes a point off the city …",
			"Juni 2020: daftar 1.000 PHK menurunkan angka kota satu poin …",
		},
		{
			kotaGtlo, day(2020, 6, 15), day(2020, 6, 24),
			"… and two weeks later it is taken back: it was another company's.",
			"… dan dua minggu kemudian ditarik kembali: daftar itu milik perusahaan lain.",
		},
		{
			boneBolango, day(2020, 8, 31), day(2020, 8, 31),
			"August 2020 as known then: the list of the revised budget is not there yet …",
			"Agustus 2020 sebagaimana diketahui saat itu: daftar APBD-P belum ada …",
		},
		{
			boneBolango, day(2020, 8, 31), day(2020, 9, 30),
			"… and as known a month later: 10,000 workers, paid from July on.",
			"… dan sebagaimana diketahui sebulan kemudian: 10.000 pekerja, dibayar sejak Juli.",
		},
		{
			boneBolango, day(2020, 12, 31), day(2021, 3, 9),
			"End of 2020, before the list was checked …",
			"Akhir 2020, sebelum daftar diperiksa …",
		},
		{
			boneBolango, day(2020, 12, 31), day(2021, 3, 10),
			"… and after: 180 of those paid for had died, some in 2019.",
			"… dan sesudahnya: 180 orang yang dibiayai telah meninggal, sebagian sejak 2019.",
		},
		{
			kotaGtlo, day(2020, 12, 31), day(2021, 3, 16),
			"The city, with a clerk and a driver whom two offices had enrolled …",
			"Kota Gorontalo, dengan seorang pegawai dan seorang pengemudi dari dua kantor …",
		},
		{
			kotaGtlo, day(2020, 12, 31), day(2021, 3, 17),
			"… who are one person under two ids: counted once.",
			"… yang ternyata satu orang dengan dua nomor: dihitung satu kali.",
		},
	}
}

// cliff: what happens when the year of a budget ends.
func cliff() []Chapter {
	return []Chapter{
		{
			boneBolango, day(2021, 1, 1), day(2021, 1, 4),
			"New Year 2021: the money ended on 31 December. 30,000 lose cover and are in grace.",
			"Tahun Baru 2021: dana berakhir 31 Desember; 30.000 orang dalam masa tenggang.",
		},
		{
			boneBolango, day(2021, 4, 1), day(2021, 4, 1),
			"1 April 2021: three months are over, and so is the grace of the list.",
			"1 April 2021: tiga bulan lewat, masa tenggang daftar itu habis.",
		},
		{
			boneBolango, day(2021, 1, 1), day(2021, 4, 30),
			"End of April 2021 the late money arrives: New Year looks different from here.",
			"Akhir April 2021 dana terlambat tiba: Tahun Baru kini tampak berbeda.",
		},
		{
			boneBolango, day(2021, 11, 30), 0,
			"November 2021: the list is paid for; what is covered is mostly confirmed …",
			"November 2021: daftar itu dibayar; sebagian besar terbukti dengan uang masuk …",
		},
		{
			boneBolango, day(2021, 12, 31), 0,
			"… the twelfth month was promised, and no money booked for it: covered all the same.",
			"… bulan kedua belas dijanjikan tanpa uang masuk: tetap terhitung terlindungi.",
		},
		{
			boneBolango, day(2023, 11, 30), 0,
			"2023: 27,000 workers and Rp5 billion, which pay 11.02 months (6,000 of them shown).",
			"2023: 27.000 pekerja dan Rp5 miliar, cukup untuk 11,02 bulan (6.000 ditampilkan).",
		},
		{
			boneBolango, day(2023, 12, 1), 0,
			"1 December 2023: the twelfth month is not paid.",
			"1 Desember 2023: bulan kedua belas tidak terbayar.",
		},
		{
			gorontalo, day(2025, 12, 31), 0,
			"End of 2025: lists have ended, people have left or stopped paying.",
			"Akhir 2025: daftar berakhir, peserta keluar atau berhenti membayar.",
		},
		{
			gorontalo, day(2026, 12, 31), 0,
			"A year without reports later, those are left whose payments nobody ever reported.",
			"Setahun tanpa laporan: tersisa mereka yang iurannya tidak pernah dilaporkan.",
		},
	}
}

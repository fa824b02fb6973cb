package lists

import (
	"strings"

	"cakupan/domain/event"
)

// choice is one value of a code list: the contract's name, what templates call it in both
// languages, and other words that people use. A code is as in the contract, section 1.
type choice struct {
	code, id, en string
	other        []string
}

// choices lists the values of the fields that have few. It is never written. Words of one field
// must not mean two of its values. Those of two fields may be the same: MANDIRI is a category as
// well as a payer.
var choices = [fieldEnd][]choice{
	fieldSegment: {
		{"PU", "Penerima Upah", "Wage Earner", []string{
			"Pekerja Penerima Upah", "Pekerja PU", "PPU",
		}},
		{"BPU", "Bukan Penerima Upah", "Non Wage Earner", []string{
			"Pekerja Bukan Penerima Upah", "Pekerja BPU", "PBPU", "Own Account",
		}},
		{"JAKON", "Jasa Konstruksi", "Construction", []string{
			"Jasakon", "Konstruksi", "Pekerja Jasa Konstruksi", "Construction Services",
		}},
		{"PMI", "Pekerja Migran Indonesia", "Migrant Worker", []string{
			"Pekerja Migran", "TKI", "Migrant",
		}},
	},
	fieldCategory: {
		{"ASN", "ASN", "Civil Servant", []string{"PNS", "Aparatur Sipil Negara", "PPPK", "P3K"}},
		{"NON_ASN", "Non ASN", "Non Civil Servant", []string{
			"Pegawai Non ASN", "Honorer", "Tenaga Honorer", "PTT", "GTT", "THL",
			"Pegawai Tidak Tetap", "Guru Tidak Tetap",
		}},
		{"VILLAGE_OFFICIAL", "Perangkat Desa", "Village Official", []string{
			"Aparat Desa", "Aparatur Desa", "Aparatur Pemerintah Desa",
		}},
		{"PRIVATE", "Swasta", "Private Sector", []string{
			"Karyawan Swasta", "Pegawai Swasta", "Pekerja Swasta",
		}},
		{"SELF_EMPLOYED", "Pekerja Mandiri", "Self Employed", []string{
			"Mandiri", "Wiraswasta", "Wirausaha", "Usaha Sendiri",
		}},
		{"VULNERABLE", "Pekerja Rentan", "Vulnerable Worker", []string{"Rentan"}},
		{"OTHER", "Lainnya", "Other", []string{"Lain-lain", "Lain"}},
	},
	fieldProgrammes: {
		{"JKK", "JKK", "JKK", []string{
			"Jaminan Kecelakaan Kerja", "Kecelakaan Kerja", "Employment Injury", "Work Accident",
		}},
		{"JKM", "JKM", "JKM", []string{"Jaminan Kematian", "JK", "JKm", "Kematian", "Death"}},
		{"JHT", "JHT", "JHT", []string{"Jaminan Hari Tua", "Hari Tua", "Old Age"}},
		{"JP", "JP", "JP", []string{"Jaminan Pensiun", "Pensiun", "Pension"}},
		{"JKP", "JKP", "JKP", []string{
			"Jaminan Kehilangan Pekerjaan", "Kehilangan Pekerjaan", "Job Loss",
		}},
	},
	fieldPayer: {
		{"EMPLOYER", "Pemberi Kerja", "Employer", []string{"Perusahaan", "Majikan"}},
		{"SELF", "Peserta Sendiri", "Worker", []string{
			"Sendiri", "Peserta", "Pekerja", "Mandiri", "Bayar Sendiri", "Iuran Sendiri",
		}},
		{"APBD", "APBD", "Local Government", []string{
			"Pemerintah Daerah", "Pemda", "Pemkab", "Pemkot", "Pemprov", "APBD Kabupaten",
			"APBD Kota", "APBD Provinsi", "Local Budget",
		}},
	},
	fieldReason: {
		{"RETIREMENT", "Pensiun", "Retirement", []string{"Retired", "Usia Pensiun"}},
		{"RESIGNATION", "Mengundurkan Diri", "Resignation", []string{
			"Mundur", "Undur Diri", "Resign", "Resigned",
		}},
		{"LAYOFF", "PHK", "Layoff", []string{"Pemutusan Hubungan Kerja", "Laid Off"}},
		{"CONTRACT_END", "Kontrak Berakhir", "Contract End", []string{
			"Habis Kontrak", "Kontrak Habis", "Akhir Kontrak", "Contract Ended", "End of Contract",
		}},
		{"ARREARS", "Menunggak Iuran", "Arrears", []string{
			"Menunggak", "Tunggakan", "Tunggakan Iuran",
		}},
		{"MOVED", "Pindah Daerah", "Moved", []string{
			"Pindah", "Pindah Domisili", "Pindah Wilayah",
		}},
		{"BECAME_ASN", "Menjadi ASN", "Became Civil Servant", []string{
			"Jadi ASN", "Diangkat ASN", "Menjadi PNS", "Diangkat PNS", "Menjadi PPPK",
			"Diangkat PPPK",
		}},
		{"EMIGRATED", "Pindah ke Luar Negeri", "Emigrated", []string{
			"Ke Luar Negeri", "Emigrasi", "Meninggalkan Indonesia",
		}},
		{"DISABILITY", "Cacat Total Tetap", "Disability", []string{"Cacat", "Disabilitas"}},
		{"PROJECT_END", "Proyek Selesai", "Project End", []string{
			"Proyek Berakhir", "Akhir Proyek", "Project Ended",
		}},
		{"ERROR", "Salah Data", "Error", []string{
			"Kesalahan Data", "Kesalahan", "Salah Input", "Mistake",
		}},
		{"OTHER", "Lainnya", "Other Reason", []string{"Lain-lain", "Lain"}},
	},
}

// codes maps the values of a field, made plain, to the contract's names. It is never written. It is
// made once, as cells ask it for each row.
var codes = func() (all [fieldEnd]map[string]string) {
	for f := range choices {
		if choices[f] == nil {
			continue
		}
		all[f] = map[string]string{}
		for _, c := range choices[f] {
			for _, text := range append([]string{c.code, c.id, c.en}, c.other...) {
				all[f][plain(text)] = c.code
			}
		}
	}
	return all
}()

// word returns what templates call a value.
func (c *choice) word(l Language) string {
	if l == Indonesian {
		return c.id
	}
	return c.en
}

// wordsOf lists the values of a field as templates call them. The order is that of the contract.
func wordsOf(f field, l Language) string {
	texts := make([]string, len(choices[f]))
	for i := range texts {
		texts[i] = choices[f][i].word(l)
	}
	return strings.Join(texts, ", ")
}

// parseCode reads one value of a code list. Who writes that somebody died is told where a death
// belongs: a termination can be reinstated, a death cannot. Case, spaces and punctuation do not
// matter. A word that is not known is refused with those that are; one that is nearly known is not
// guessed.
func parseCode(f field, text string) value {
	key := plain(text)
	if code, ok := codes[f][key]; ok {
		return value{json: `"` + code + `"`}
	}
	if f == fieldReason {
		switch key {
		case "meninggal", "meninggaldunia", "wafat", "mati", "died", "death", "dead", "deceased":
			return invalid(event.FieldInvalid,
				"kematian tidak dilaporkan dalam daftar ini: hapus baris ini dan laporkan NIK"+
					" serta tanggal meninggal dengan daftar kematian (cakupan template death)",
				"a death is not reported in this list: delete the row, and report the NIK and"+
					" the day of death with a list of deaths (cakupan template death)")
		}
	}
	return invalid(event.FieldInvalid,
		quote(text)+" tidak dikenal; pilih: "+wordsOf(f, Indonesian),
		quote(text)+" is not known; choose one of "+wordsOf(f, English))
}

// parseProgrammes reads one or more programmes. Their order does not matter. What it returns is in
// the order of the code list: the same set always makes the same event, and so the same id. One
// that is not known refuses the whole cell: the others alone would be other terms.
func parseProgrammes(text string) value {
	// All that people put between programmes; a space alone is judged later, as names of programmes
	// have spaces.
	text = strings.NewReplacer("\n", ",", "\r", ",", ";", ",", "+", ",", "/", ",", "&", ",",
		"|", ",", "\u00a0", " ").Replace(text)
	// By place in the code list, of which a value has one bit.
	var found [8]bool
	for part := range strings.SplitSeq(text, ",") {
		if plain(part) == "" {
			continue
		}
		if !markProgramme(&found, part) && !markWords(&found, part) {
			// It is refused there, with the programmes that there are.
			return parseCode(fieldProgrammes, strings.TrimSpace(part))
		}
	}
	// Bits are in the order of the code list, whatever order the cell has.
	set := uint8(0)
	for i := range choices[fieldProgrammes] {
		if found[i] {
			set |= 1 << i
		}
	}
	if set == 0 {
		return parseCode(fieldProgrammes, text)
	}
	return value{json: programmesOf(set), set: set}
}

// programmesOf returns a set of programmes as the data of an event has it, in the order of the code
// list. set is not 0. Bit i is for programme i of the code list.
func programmesOf(set uint8) string {
	json := ""
	for i, c := range choices[fieldProgrammes] {
		if set>>i&1 != 0 {
			json += `,"` + c.code + `"`
		}
	}
	return "[" + json[1:] + "]"
}

// asSet makes a set of the value of one programme. What is no value of one programme stays as it
// is.
func (v value) asSet() value {
	for i, c := range choices[fieldProgrammes] {
		if v.json == `"`+c.code+`"` {
			v.set = 1 << i
			v.json = programmesOf(v.set)
		}
	}
	return v
}

// markWords reads programmes that only a space or an "and" divides: "JKK JKM", "JKK dan JKM". What
// it has marked before it meets a word that is none does not matter: the cell is refused.
func markWords(found *[8]bool, text string) bool {
	for word := range strings.FieldsSeq(text) {
		switch plain(word) {
		case "dan", "and", "serta", "":
			continue
		}
		if !markProgramme(found, word) {
			return false
		}
	}
	return true
}

// markProgramme marks one programme as found; false for a word that is none.
func markProgramme(found *[8]bool, text string) bool {
	code, ok := codes[fieldProgrammes][plain(text)]
	for i, c := range choices[fieldProgrammes] {
		if ok && c.code == code {
			found[i] = true
		}
	}
	return ok
}

package lists

import "strings"

// meaningOf returns what the name of a column stands for. A note in brackets behind it is passed
// over where it says how values are written, as in "Tanggal Mulai (dd/mm/yyyy)" or "KPJ (11
// digit)". Any other note makes another name of it: "NIK (Ibu)" is nobody's on the list.
func meaningOf(text string) meaning {
	if m := meanings[plain(text)]; m.field != noField {
		return m
	}
	name, note, found := strings.Cut(strings.TrimRight(text, " )*"), "(")
	m := meanings[plain(name)]
	if found && (saysHow(m.field, note) || m.field != noField && meanings[plain(note)] == m) {
		return m
	}
	return meaningOfBoth(text)
}

// meaningOfBoth returns what two names stand for, or more, that mean the same, as in "Tanggal Mulai
// / TMT"; the zero meaning where one of them is something else.
func meaningOfBoth(text string) (both meaning) {
	parts := strings.FieldsFunc(text, func(r rune) bool { return r == '/' || r == '|' || r == '=' })
	if len(parts) < 2 {
		return meaning{}
	}
	for i, part := range parts {
		m := meanings[plain(part)]
		if m.field == noField || i > 0 && m.field != both.field {
			return meaning{}
		}
		if i == 0 {
			both = m
		}
	}
	return both
}

// saysHow tells whether a note says how values of a field are written, or which there are.
func saysHow(f field, note string) bool {
	switch {
	case f == noField:
		return false
	case valueNotes[plain(note)] || f.isDay() && (dayNotes[plain(note)] || isMonthFirstNote(note)):
		return true
	case f == fieldProgrammes:
		return parseProgrammes(note).fault == nil
	case codes[f] == nil:
		return false
	}
	parts := strings.FieldsFunc(note, func(r rune) bool { return strings.ContainsRune("/,|;", r) })
	for _, part := range parts {
		if codes[f][plain(part)] == "" {
			return false
		}
	}
	return len(parts) > 0
}

// isMonthFirstNote tells whether a note, or the name with it, says that a column of days has its
// months first.
func isMonthFirstNote(text string) bool {
	key := plain(text)
	for _, note := range [...]string{
		"mmddyyyy", "blntgl" + yearShort, "bulantanggaltahun", "bbhhtttt",
	} {
		if strings.HasSuffix(key, note) {
			return true
		}
	}
	return false
}

// valueNotes are such notes of columns of any kind, made plain, and dayNotes those of days. They
// are never written.
var (
	valueNotes = notesOf("wajib", "wajib diisi", "harus diisi", "opsional", "boleh kosong",
		"bila ada", "jika ada", "required", "optional", "if any", "16 digit", "11 digit",
		"16 angka", "11 angka", "16 digits", "11 digits", "teks", "text", "kemendagri",
		"kode kemendagri", "kode", "code", "rp")
	dayNotes = notesOf("dd/mm/yyyy", "d/m/yyyy", "hh/bb/tttt", "tanggal/bulan/tahun",
		"yyyy-mm-dd", "tttt-bb-hh", "tahun-bulan-tanggal", "mm/yyyy", "bb/tttt", "bulan/tahun",
		"yyyy-mm", "tgl/bln/"+yearShort, yearShort+"-bln-tgl", "bln/"+yearShort)
)

// yearShort is how Indonesian shortens tahun, year.
const yearShort = "thn" //nolint:misspell // it is no English

func notesOf(texts ...string) map[string]bool {
	all := map[string]bool{}
	for _, text := range texts {
		all[plain(text)] = true
	}
	return all
}

package lists

import (
	"io"

	"cakupan/cmd/internal/lists/csv"
	"cakupan/cmd/internal/lists/grid"
	"cakupan/domain/region"
)

// Template is an empty list to be filled in: what stands where, and what people must know. It is
// made anew each time, and is the caller's.
type Template struct {
	Sheet   string      // its title
	Lines   [][2]string // above the columns: a name, and its value where it is known
	Columns []TemplateColumn
	Advice  []string // sentences for whoever fills it in
}

// TemplateColumn is a column of a template. Title is read back as the name of its column. Choices
// are words that are read, but not all of them.
type TemplateColumn struct {
	Title, Help, Example string
	Choices              []string // what may stand in it; nil: anything
	Date                 bool     // holds days
}

// advice is what is said about a field, and an example.
type advice struct{ id, en, exampleID, exampleEN string }

// helps says what people must know of the fields of templates. It is never written. Those of NIKs
// are valid ones, as people copy their form.
var helps = [fieldEnd]advice{
	fieldNIK: {
		"16 angka, sebagai Teks. Bila tampil seperti 7,5031E+15, angkanya sudah hilang:" +
			" tempelkan lagi dari sumbernya.",
		"16 digits, as Text. Where it looks like 7.5031E+15, digits are lost: paste it again" +
			" from where it came.",
		"7503011501900001", "7503011501900001",
	},
	fieldEnrolment: {
		"Nomor kartu peserta. Boleh kosong; maka kepesertaan dikenali dari NIK.",
		"Number of the membership card. May be empty: the enrolment is then known by the NIK.",
		"21012345678", "21012345678",
	},
	fieldRegion: {
		"Kabupaten atau kota domisili: kode Kemendagri dengan titik, atau namanya.",
		"Regency or city of domicile: the Kemendagri code with its dot, or the name.",
		"75.03 Kabupaten Bone Bolango", "75.03 Kabupaten Bone Bolango",
	},
	fieldSegment: {"Pilih dari daftar.", "Choose from the list.", "Penerima Upah", "Wage Earner"},
	fieldCategory: {
		"Pilih dari daftar.", "Choose from the list.", "Pekerja Rentan", "Vulnerable Worker",
	},
	fieldProgrammes: {
		"Satu atau lebih, dipisah koma.", "One or more, with commas between them.",
		"JKK, JKM", "JKK, JKM",
	},
	fieldPayer: {
		"Siapa yang membayar iuran.", "Who pays the contributions.", "APBD", "Local Government",
	},
	fieldFrom: {
		"Hari pertama tercakup: 2021-01-31 atau 31/01/2021, tahun empat angka.",
		"The first day covered: 2021-01-31 or 31/01/2021, year of four digits.",
		"2021-01-01", "2021-01-01",
	},
	fieldUntil: {
		"Hari pertama TIDAK tercakup lagi. Bila yang diketahui hari terakhir tercakup, ganti nama" +
			" kolom menjadi Hari Terakhir.",
		"The first day NOT covered any more. If what you know is the last day covered, rename" +
			" the column to Last Day.",
		"2021-07-01", "2021-07-01",
	},
	fieldReason: {
		"Pilih dari daftar.", "Choose from the list.", "Mengundurkan Diri", "Resignation",
	},
	fieldCommitment: {
		"Kode komitmen anggaran yang membayar; kodenya harus sudah dilaporkan" +
			" (funding.committed): tanyakan kepada pengelola.",
		"The id of the budget commitment that pays; it must have been reported" +
			" (funding.committed): ask whoever runs Cakupan.",
		"BB-APBD-2021", "BB-APBD-2021",
	},
	fieldFromMonth: {
		"Bulan pertama yang dibayar: 2021-01 atau Januari 2021.",
		"The first month that is paid: 2021-01 or January 2021.", "2021-01", "2021-01",
	},
	fieldLastMonth: {
		"Bulan terakhir yang dibayar, termasuk bulan itu.",
		"The last month that is paid, that month included.", "2021-12", "2021-12",
	},
	fieldMonth: {
		"Bulan iurannya: 2021-01 atau Januari 2021.",
		"The month of the contribution: 2021-01 or January 2021.", "2021-01", "2021-01",
	},
	fieldAmount: {
		"Iuran yang dibukukan, rupiah bulat. Boleh kosong.",
		"The contribution that was booked, in whole rupiah. May be empty.", "50400", "50400",
	},
	fieldPaidOn: {
		"Hari pembayaran: 2021-01-31 atau 31/01/2021. Boleh kosong.",
		"The day of the payment: 2021-01-31 or 31/01/2021. May be empty.",
		"2021-02-03", "2021-02-03",
	},
	fieldReference: {
		"Nomor atau kode pembayaran, tanpa NIK. Boleh kosong.",
		"Number or code of the payment, without NIK. May be empty.", "210203-0417", "210203-0417",
	},
	fieldDied: {
		"Hari terakhir hidup: 2021-01-31 atau 31/01/2021.",
		"The last day of life: 2021-01-31 or 31/01/2021.", "2021-03-14", "2021-03-14",
	},
	fieldWorker: {
		"Nomor pekerja di Cakupan, sebagai pengganti NIK; salah satu saja.",
		"The worker's id in Cakupan, in place of the NIK; one of the two.",
		"w-5c1f0b7e", "w-5c1f0b7e",
	},
	fieldIntoNIK: {
		"NIK lain dari orang yang sama. Mana yang digabung ke mana tidak berpengaruh.",
		"The other NIK of the same person. Which is merged into which says nothing.",
		"7503011501900002", "7503011501900002",
	},
	fieldInto: {
		"Nomor pekerja lain dari orang yang sama, sebagai pengganti NIK-nya.",
		"The other worker id of the same person, in place of the NIK.",
		"w-0d94aa31", "w-0d94aa31",
	},
}

// columnsOf returns the columns of a template in order. Not all of them are needed: see Kind.needs.
// UnknownKind gives those of an enrolment.
func columnsOf(k Kind) []field {
	switch k {
	case Termination:
		return []field{fieldNIK, fieldEnrolment, fieldUntil, fieldReason}
	case Funding:
		return []field{fieldCommitment, fieldNIK, fieldEnrolment, fieldFromMonth, fieldLastMonth}
	case Contribution:
		return []field{
			fieldNIK, fieldEnrolment, fieldFromMonth, fieldLastMonth, fieldAmount, fieldPaidOn,
			fieldReference,
		}
	case Death:
		return []field{fieldNIK, fieldWorker, fieldDied}
	case Merge:
		return []field{fieldNIK, fieldWorker, fieldIntoNIK, fieldInto}
	default:
		return []field{
			fieldNIK, fieldEnrolment, fieldRegion, fieldSegment, fieldCategory, fieldProgrammes,
			fieldPayer, fieldFrom,
		}
	}
}

// NewTemplate returns the template of a kind. The first line is for the list's id, which is left to
// whoever fills it in.
func NewTemplate(k Kind, l Language) Template {
	t := Template{
		Sheet: fieldList.title(l),
		Lines: [][2]string{
			{fieldList.title(l), ""}, {fieldKind.title(l), k.Title(l)}, {fieldSource.title(l), ""},
		},
	}
	for _, f := range columnsOf(k) {
		help := helps[f]
		c := TemplateColumn{
			Title: f.title(l), Help: help.en, Example: help.exampleEN,
			Date: f == fieldFrom || f == fieldUntil || f == fieldPaidOn || f == fieldDied,
		}
		if l == Indonesian {
			c.Help, c.Example = help.id, help.exampleID
		}
		switch f {
		// All of them, as nothing says which regency the template is for.
		case fieldRegion:
			c.Choices = regencies()
		// A cell takes one choice, so the usual sets are choices; others may be typed.
		case fieldProgrammes:
			c.Choices = []string{
				"JKK, JKM", "JKK, JKM, JHT", "JKK, JKM, JHT, JP", "JKK, JKM, JHT, JP, JKP",
			}
		default:
			for i := range choices[f] {
				c.Choices = append(c.Choices, choices[f][i].word(l))
			}
		}
		t.Columns = append(t.Columns, c)
	}
	t.Advice = advices(k, l)
	return t
}

// regencies returns what may be chosen as a domicile: the code stands first, so that a list sorts
// by province and a person who knows the code can type it. They are in order of the register, each
// as parseRegion reads it.
func regencies() (labels []string) {
	for _, code := range region.All() {
		if code.Level() == region.RegencyLevel {
			labels = append(labels, regionLabel(code))
		}
	}
	return labels
}

// WriteCSV writes the template as CSV: with semicolons in Indonesian, as Excel there writes and
// expects, and with commas in English. The choices and advice do not fit into CSV: they are in the
// workbook alone. out is not closed. An error is that of writing.
func (t *Template) WriteCSV(out io.Writer, l Language) error {
	separator := byte(',')
	if l == Indonesian {
		separator = ';'
	}
	w := csv.NewWriter(out, separator)
	for _, line := range t.Lines {
		if err := w.Row([]grid.Cell{textCell(line[0]), textCell(line[1])}); err != nil {
			return err
		}
	}
	titles := make([]grid.Cell, len(t.Columns))
	for i := range t.Columns {
		titles[i] = textCell(t.Columns[i].Title)
	}
	return w.Row(titles)
}

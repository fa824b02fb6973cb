package lists

// field is what a column means. The order matters: what is below fieldList may be a column that is
// kept, what is from there on and below fieldOrdinal a declaration, and the rest is kept as another
// field or not at all. Arrays of values are indexed by it.
type field uint8

const (
	noField field = iota
	fieldNIK
	fieldEnrolment
	fieldRegion
	fieldSegment
	fieldCategory
	fieldProgrammes
	fieldPayer
	fieldFrom
	fieldUntil    // the first day not covered
	fieldLastDay  // the last day covered
	fieldInactive // the first month not covered
	fieldReason
	fieldCommitment
	fieldFromMonth
	fieldLastMonth  // the last month paid
	fieldUntilMonth // the first month not paid
	fieldMonths     // how many are paid
	fieldMonth      // the one that is paid, or the first
	fieldAmount
	fieldPaidOn
	fieldReference
	fieldDied // the last day of life
	fieldWorker
	fieldInto // the same person's other id
	fieldIntoNIK
	fieldWrongNIK // of a merge: the NIK that is merged

	// Declarations above the columns, never columns.
	fieldList
	fieldSource
	fieldKind

	// Columns that are not kept.
	fieldOrdinal  // the number of the row
	fieldRemark   // what a file of refused rows says
	fieldPersonal // the ledger has no business keeping it
	fieldUnclear  // may mean two days or months
	fieldMark     // a mark in it stands for the programme that it is called after

	fieldEnd
)

// name is what a field is called: titles as templates have them, and other names that people use.
// Case, spaces and punctuation do not matter. A title is what is written into templates, refusals
// and lists that are given back, and so must be read again as that field.
type name struct {
	id, en           string // titles
	idOther, enOther []string
}

// names lists what each field is called. It is never written. A name that is missing here costs a
// clerk one refusal with the right name in it; one that is wrong here costs wrong facts. So a name
// is only here if it can mean one thing alone. Names of what is not kept are known too, so that a
// row of names is recognised by them, and they are no typing errors.
var names = [fieldEnd]name{
	fieldNIK: {"NIK", "NIK", []string{
		"No KTP", "Nomor KTP", "KTP", "No NIK", "Nomor NIK", "Nomor Induk Kependudukan",
		"No Induk Kependudukan", "NIK KTP", "No KTP/NIK", "NIK/No KTP", "NIK / KTP",
		"NIK (16 digit)", "Nomor Identitas", "No Identitas", "NIK Pekerja", "NIK Peserta",
		"NIK Tenaga Kerja", "No. Induk Kependudukan (NIK)", "Nomor Induk Kependudukan (NIK)",
	}, []string{
		"National ID", "National ID Number", "National Identity Number", "Identity Number",
	}},
	fieldEnrolment: {"KPJ", "KPJ", []string{
		"No KPJ", "Nomor KPJ", "No Kartu Peserta", "Nomor Kartu Peserta", "No Peserta",
		"Nomor Peserta", "Kartu Peserta", "No Kartu Peserta Jamsostek", "Kartu Peserta Jamsostek",
		"Nomor Kartu Peserta Jamsostek", "No Kepesertaan", "Nomor Kepesertaan", "KPJ Peserta",
		"No Jamsostek", "Nomor Jamsostek", "No BPJSTK", "Nomor BPJSTK",
		"No BPJS Ketenagakerjaan", "Nomor BPJS Ketenagakerjaan", "No Kartu BPJS Ketenagakerjaan",
	}, []string{
		"Enrolment", "Enrollment", "Enrolment Number", "Enrollment Number", "Enrolment No",
		"Membership Number", "Member Number", "Member No", "Participant Number", "Card Number",
	}},
	fieldRegion: {"Kode Wilayah", "Region Code", []string{
		"Wilayah", "Kode Kab/Kota", "Kab/Kota", "Kabupaten/Kota", "Kabupaten", "Kode Kabupaten",
		"Kode Kabupaten/Kota", "Kabupaten atau Kota", "Kode Kemendagri", "Domisili",
		"Kabupaten Domisili", "Kab/Kota Domisili", "Kabupaten/Kota Domisili", "Wilayah Domisili",
		"Kode Wilayah Kemendagri", "Kode Daerah", "Nama Kab/Kota", "Nama Kabupaten/Kota",
		"Nama Kabupaten", "Nama Wilayah", "Nama Daerah",
	}, []string{
		"Region", "Regency", "Regency/City", "Regency or City", "Regency Code", "Domicile",
		"Region Name", "Regency Name", "Name of Regency",
	}},
	fieldSegment: {"Segmen", "Segment", []string{
		"Segmentasi", "Segmen Kepesertaan", "Segmen Peserta", "Jenis Kepesertaan", "Jenis Peserta",
	}, []string{"Membership Segment"}},
	fieldCategory: {"Kategori", "Category", []string{
		"Kategori Pekerja", "Kategori Peserta", "Kategori Tenaga Kerja", "Jenis Pekerja",
		"Jenis Tenaga Kerja", "Kelompok Pekerja",
	}, []string{"Worker Category", "Category of Worker", "Kind of Worker"}},
	fieldProgrammes: {"Program", "Programmes", []string{
		"Program Diikuti", "Program yang Diikuti", "Program Jamsostek", "Jenis Program",
		"Program BPJS", "Program BPJS Ketenagakerjaan", "Program Perlindungan",
	}, []string{"Programme", "Programs"}},
	fieldPayer: {"Penanggung Iuran", "Payer", []string{
		"Penanggung", "Pembayar", "Pembayar Iuran", "Iuran Dibayar Oleh", "Dibayar Oleh",
		"Iuran Ditanggung Oleh", "Ditanggung Oleh",
	}, []string{"Paid By", "Contribution Payer", "Contributions Paid By", "Who Pays"}},
	fieldFrom: {"Tanggal Mulai", "Start Date", []string{
		"Tgl Mulai", "TMT", "Mulai", "Mulai Tanggal", "Terhitung Mulai Tanggal", "Tanggal Efektif",
		"Tgl Efektif", "Berlaku Sejak", "Berlaku Mulai", "Tanggal Kepesertaan", "Tgl Kepesertaan",
		"TMT Kepesertaan", "Tanggal Mulai Kepesertaan", "Tgl Mulai Kepesertaan",
		"Mulai Kepesertaan", "Tanggal Aktif", "Tgl Aktif", "Tanggal Mulai Perlindungan",
		"Tgl Mulai Perlindungan", "Tanggal Mulai Terlindungi",
	}, []string{
		"From", "Start", "Since", "From Date", "Date Started", "Effective From", "Effective Since",
		"Effective Date", "Covered From", "Covered Since",
	}},
	fieldUntil: {"Berhenti Mulai Tanggal", "First Day Not Covered", []string{
		"Tanggal Berhenti", "Tgl Berhenti", "TMT Berhenti", "Berhenti Sejak", "Berhenti Per",
		"Tanggal Keluar", "Tgl Keluar", "TMT Keluar", "Tanggal Nonaktif", "Tgl Nonaktif",
		"TMT Nonaktif", "Nonaktif Sejak", "Tidak Aktif Sejak", "Tidak Tercakup Sejak",
		"Tidak Terlindungi Sejak", "Tanggal Tidak Aktif",
	}, []string{
		"Termination Date", "Date of Termination", "Terminated From", "Not Covered From",
		"Not Covered Since", "Uncovered From", "Ended From",
	}},
	fieldLastDay: {"Hari Terakhir", "Last Day", []string{
		"Tanggal Terakhir", "Tgl Terakhir", "Hari Terakhir Tercakup", "Hari Terakhir Terlindungi",
		"Hari Kerja Terakhir", "Hari Terakhir Kerja", "Hari Terakhir Bekerja",
		"Tanggal Terakhir Bekerja", "Tanggal Terakhir Kerja",
	}, []string{"Last Day Covered", "Last Day of Cover", "Last Working Day", "Last Date"}},
	fieldInactive: {"BLTH NA", "First Month Not Covered", []string{
		"BLTH Nonaktif", "BLTH Non Aktif", "Bulan Nonaktif", "Bulan Non Aktif",
	}, []string{"Inactive Month", "Inactive From Month"}},
	fieldReason: {"Alasan", "Reason", []string{
		"Alasan Berhenti", "Alasan Keluar", "Alasan Nonaktif", "Sebab", "Sebab Berhenti",
		"Sebab Keluar", "Sebab Nonaktif", "Penyebab",
	}, []string{"Termination Reason", "Reason of Termination", "Reason for Termination"}},
	fieldCommitment: {"Komitmen", "Commitment", []string{
		"Kode Komitmen", "No Komitmen", "Nomor Komitmen", "ID Komitmen",
	}, []string{"Commitment ID", "Commitment Code", "Commitment Number"}},
	fieldFromMonth: {"Bulan Mulai", "First Month", []string{
		"Mulai Bulan", "Bulan Awal", "Bulan Pertama", "Dari Bulan", "BLTH Awal", "BLTH Mulai",
		"Periode Mulai", "Periode Awal", "Bulan Pertama Dibayar",
	}, []string{"Start Month", "From Month", "First Month Paid"}},
	fieldLastMonth: {"Bulan Terakhir", "Last Month", []string{
		"Bulan Selesai", "Bulan Akhir", "Sampai Bulan", "s.d. Bulan", "Sampai dengan Bulan",
		"BLTH Akhir", "BLTH Selesai", "Periode Selesai", "Periode Akhir", "Bulan Terakhir Dibayar",
	}, []string{"End Month", "To Month", "Last Month Paid", "Through Month"}},
	fieldUntilMonth: {"Bulan Pertama Tidak Dibayar", "First Month Not Paid", []string{
		"Berhenti Mulai Bulan", "Tidak Dibayar Sejak",
	}, []string{"Not Paid From", "Unpaid From"}},
	fieldMonths: {"Jumlah Bulan", "Number of Months", []string{
		"Banyak Bulan", "Banyaknya Bulan", "Lama (Bulan)", "Jml Bulan",
	}, []string{"Months", "Months Paid", "No of Months"}},

	fieldMonth: {"BLTH", "Month", []string{
		"Bulan", "Bulan Iuran", "BLTH Iuran", "Periode Iuran", "Bulan Tahun", "Iuran Bulan",
		"Untuk Bulan",
	}, []string{"Month Paid", "Contribution Month", "Paid Month"}},
	fieldAmount: {"Nominal", "Amount", []string{
		"Nominal Iuran", "Jumlah Iuran", "Besar Iuran", "Besaran Iuran", "Total Iuran", "Iuran",
		"Nilai Iuran", "Jumlah Bayar", "Jumlah Dibayar", "Jumlah Pembayaran", "Nominal (Rp)",
		"Iuran (Rp)", "Jumlah (Rp)",
	}, []string{"Contribution", "Contribution Amount", "Amount Paid", "Amount (IDR)", "Rupiah"}},
	fieldPaidOn: {"Tanggal Bayar", "Paid On", []string{
		"Tgl Bayar", "Tanggal Pembayaran", "Tgl Pembayaran", "Tanggal Dibayar", "Tanggal Setor",
		"Tgl Setor", "Tanggal Lunas", "Tgl Lunas", "Dibayar Tanggal",
	}, []string{"Payment Date", "Date Paid", "Paid Date", "Date of Payment"}},
	fieldReference: {"Referensi", "Reference", []string{
		"No Referensi", "Nomor Referensi", "Kode Iuran", "Kode Billing", "Kode Pembayaran",
		"No Bukti", "Nomor Bukti", "No Bukti Bayar", "Nomor Bukti Bayar", "No Transaksi",
		"Nomor Transaksi", "NTPN",
	}, []string{
		"Reference Number", "Reference No", "Payment Reference", "Receipt Number",
		"Transaction Number",
	}},
	fieldDied: {"Tanggal Meninggal", "Date of Death", []string{
		"Tgl Meninggal", "Tanggal Meninggal Dunia", "Tanggal Wafat", "Tgl Wafat",
		"Tanggal Kematian", "Tgl Kematian", "Meninggal Tanggal", "Hari Meninggal",
	}, []string{"Death Date", "Day of Death", "Died On", "Deceased On", "Last Day of Life"}},
	fieldWorker: {"ID Pekerja", "Worker ID", []string{
		"ID Tenaga Kerja", "ID Pekerja Cakupan",
	}, []string{"ID of Worker"}},
	fieldInto: {"Digabung ke ID Pekerja", "Merged into Worker ID", []string{
		"Gabung ke ID Pekerja", "ID Pekerja Benar", "ID Pekerja yang Benar", "ID Pekerja Tujuan",
	}, []string{"Into Worker ID", "Correct Worker ID"}},
	fieldIntoNIK: {"Digabung ke NIK", "Merged into NIK", []string{
		"Gabung ke NIK", "NIK Benar", "NIK yang Benar", "NIK Tujuan", "NIK Baru",
		"NIK Sebenarnya", "NIK Seharusnya",
	}, []string{"Into NIK", "Correct NIK", "New NIK"}},
	fieldWrongNIK: {"NIK Salah", "Wrong NIK", []string{
		"NIK yang Salah", "NIK Lama", "NIK Sebelumnya", "NIK Asal",
	}, []string{"Old NIK", "Former NIK"}},

	fieldList: {"Daftar", "List", []string{
		"ID Daftar", "Kode Daftar", "Nomor Daftar", "No Daftar",
	}, []string{"List ID", "List Code", "List Number", "List No"}},
	fieldSource: {"Sumber", "Source", []string{"Sumber Data"}, []string{"Data Source"}},
	fieldKind:   {"Jenis Daftar", "Kind", []string{"Jenis"}, []string{"Kind of List", "List Kind"}},

	fieldOrdinal: {"No", "No", []string{
		"Nomor", "No Urut", "Nomor Urut", "Urut", "Baris",
	}, []string{"Nr", "Row", "Row Number", "Serial No"}},
	fieldRemark: {"Yang Harus Diperbaiki", "What to Correct", nil, nil},
	// What the ledger has no field for, and no business with.
	fieldPersonal: {"Nama", "Name", []string{
		"Nama Lengkap", "Nama Pekerja", "Nama Peserta", "Nama Tenaga Kerja", "Nama Sesuai KTP",
		"Nama KTP", "Nama Karyawan", "Nama Pegawai", "Alamat", "Alamat Domisili", "Alamat Lengkap",
		"Alamat Rumah", "Alamat KTP", "Alamat Tinggal", "No HP", "Nomor HP", "HP", "Handphone",
		"No Handphone", "No Telepon", "Nomor Telepon", "Telepon", "No Telp", "Telp", "No WA",
		"WhatsApp", "Nomor WhatsApp", "No HP/WA", "Surel", "Alamat Email", "Tanggal Lahir",
		"Tgl Lahir", "Tempat Lahir", "Tempat Tanggal Lahir", "Tempat/Tgl Lahir",
		"Tempat, Tgl Lahir", "TTL", "Umur", "Usia", "Jenis Kelamin", "Kelamin", "JK", "L/P",
		"Nama Ibu Kandung", "Nama Gadis Ibu Kandung", "Ibu Kandung", "Nama Ibu", "Agama",
		"Status Kawin", "Status Perkawinan", "Status Nikah", "Golongan Darah", "Pekerjaan",
		"Jenis Pekerjaan", "Profesi", "Jabatan", "Lokasi Pekerjaan", "Lokasi Kerja", "Jam Kerja",
		"Upah", "Gaji", "Penghasilan", "Upah Sebulan", "No Rekening", "Nomor Rekening",
		"Rekening", "Nama Bank", "NPWP", "No NPWP", "No KK", "Nomor KK", "KK",
		"No Kartu Keluarga", "Nomor Kartu Keluarga", "Desa", "Kelurahan", "Desa/Kelurahan",
		"Kelurahan/Desa", "Kecamatan", "Dusun", "RT", "RW", "RT/RW", "Kode Pos", "Provinsi",
		"Ahli Waris", "Nama Ahli Waris", "NPP", "Nama Perusahaan", "Perusahaan", "Instansi",
		"Nama Instansi", "Unit Kerja", "Kode Unit", "Nama Unit", "OPD", "SKPD", "NIP",
		"Nomor Pegawai", "No Pegawai", "Nomor Induk Karyawan", "Keterangan", "Ket", "Catatan",
	}, []string{
		"Full Name", "Worker Name", "Name of Worker", "Address", "Home Address", "Phone",
		"Phone Number", "Phone No", "Mobile", "Mobile Number", "Telephone", "Email",
		"Email Address", "Birth Date", "Date of Birth", "Birthday", "Birth Place",
		"Place of Birth", "Age", "Gender", "Sex", "Mother's Name", "Mother's Maiden Name",
		"Religion", "Marital Status", "Occupation", "Job", "Job Title", "Position", "Wage",
		"Wages", "Salary", "Income", "Bank", "Bank Account", "Account Number", "Tax Number",
		"Family Card", "Family Card Number", "Village", "District", "Postal Code", "Province",
		"Employer Name", "Employer Number", "Company", "Unit", "Department", "Employee Number",
		"Remark", "Remarks", "Note", "Notes", "Comment", "Comments",
	}},
	// A last day or the first one after it: see header.unclear.
	fieldUnclear: {"Tanggal Akhir", "Until", []string{
		"Tanggal Selesai", "Tgl Selesai", "Tgl Akhir", "Sampai", "Sampai Dengan", "s.d.",
		"Sampai Tanggal", "Berakhir", "Tanggal Berakhir", "Selesai", "Akhir",
	}, []string{"End Date", "End", "To", "To Date", "Until Date", "Until Month", "Ends"}},
}

// isPersonal tells whether a field is of one person, and so never given for all rows. A list is
// known by having such a column, and a row by having a value in it.
func (f field) isPersonal() bool {
	switch f {
	case fieldNIK, fieldEnrolment, fieldWorker, fieldInto, fieldIntoNIK, fieldWrongNIK:
		return true
	}
	return false
}

// title returns what templates call a field. Every field that people can meet has one in both
// languages.
func (f field) title(l Language) string {
	if l == Indonesian {
		return names[f].id
	}
	return names[f].en
}

// meaning is what the name of a column or declaration stands for. The zero meaning is that of a
// name that nobody knows.
type meaning struct {
	field    field
	language int // above 0: Indonesian, below: English
}

// meanings maps names, made plain, to what they mean. It is never written. It is made once, as
// every cell above the rows asks it. A name of both languages says nothing about the list's
// language.
var meanings = func() map[string]meaning {
	all := map[string]meaning{}
	add := func(f field, language int, texts ...string) {
		for _, text := range texts {
			key := plain(text)
			if before, found := all[key]; found && before.field == f {
				language = 0 // the same in both languages
			}
			all[key] = meaning{f, language}
		}
	}
	for f := noField + 1; f < fieldEnd; f++ {
		n := &names[f]
		add(f, 1, n.idOther...)
		add(f, 1, n.id)
		add(f, -1, n.enOther...)
		add(f, -1, n.en)
	}
	return all
}()

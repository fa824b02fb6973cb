package lists

// advices returns what people must know of a list of the kind. Whether the list may have columns of
// its own comes from the kind; how to send it is the same for all.
func advices(k Kind, l Language) []string {
	said := func(id, en string) string {
		if l == Indonesian {
			return id
		}
		return en
	}
	all := []string{
		said("Isi kode daftar di samping kata Daftar, misalnya BB-RENTAN-2021-03. Daftar yang"+
			" diperbaiki memakai kode yang sama; daftar baru memakai kode baru.",
			"Write the id of the list beside the word List, such as BB-VULNERABLE-2021-03. A list"+
				" that was corrected keeps its id; a new list has a new one."),
		said("Sumber boleh kosong; isi URI-nya hanya bila pengelola memberikannya kepada Anda.",
			"Source may be empty; write its URI only if whoever runs Cakupan gave you one."),
	}
	// Each value in a list of people is of one of them.
	if !k.ofPersons() {
		all = append(all, said("Nilai yang sama untuk semua baris boleh ditulis sekali di atas"+
			" kolom, misalnya "+commonValue(k, l)+" di kolom B; kolomnya boleh dihapus.",
			"A value that is the same in all rows may be written once above the columns, such as "+
				commonValue(k, l)+" in column B; its column may then be deleted."))
	}
	kept := keptAdvices[k]
	all = append(all, said(kept.id, kept.en))
	return append(all,
		said("Kolom lain (nama, alamat, telepon) boleh ada: diabaikan dan tidak disimpan.",
			"Other columns (name, address, phone) may be there: they are ignored and not kept."),
		said("Kirim dengan: cakupan import NAMA-BERKAS. Coba dahulu dengan --dry-run.",
			"Send it with: cakupan import NAME-OF-FILE. Try first with --dry-run."),
		said("Baris yang ditolak dapat dikembalikan dengan --rejects perbaiki.xlsx.",
			"Rows that are refused can be given back with --rejects correct.xlsx."),
	)
}

// commonValue is an example of a value that is the same in all rows of a list. k is not a kind of
// lists about people, which have none.
func commonValue(k Kind, l Language) string {
	f := fieldSegment
	switch k {
	case Termination:
		f = fieldReason
	case Funding:
		f = fieldCommitment
	case Contribution:
		f = fieldPaidOn
	default: // all rows of the others have a segment
	}
	value, in := helps[f].exampleEN, " in column A and "
	if l == Indonesian {
		value, in = helps[f].exampleID, " di kolom A dan "
	}
	return f.title(l) + in + value
}

// keptAdvices say what stays reported though its row is deleted. It is never written. A list only
// adds, unless it is sent as a whole: what was reported stays in force until somebody takes it back
// (contract, section 2). People who delete a row believe that they have done so.
var keptAdvices = map[Kind]advice{
	Enrolment: {
		id: "Orang yang dihapus dari daftar tetap tercakup: laporkan berhentinya dengan daftar" +
			" pemberhentian. Bila barisnya keliru, betulkan atau hapus barisnya lalu " + againID,
		en: "A person whom you delete from the list stays covered: report the end with a list of" +
			" terminations. If a row was wrong, correct or delete it and " + againEN,
	},
	Termination: {
		id: "Baris yang dihapus tetap berlaku: bila ternyata tidak berhenti, hapus lalu " +
			againID,
		en: "A row that you delete stays reported: if the person did not leave, delete it and " +
			againEN,
	},
	Funding: {
		id: "Baris yang dihapus tetap berlaku: bila bulannya ternyata tidak dibayar, hapus lalu " +
			againID,
		en: "A row that you delete stays reported: if its months are not paid, delete it and " +
			againEN,
	},
	Contribution: {
		id: "Satu baris satu pembayaran. Baris yang dihapus tetap berlaku: bila salah, hapus" +
			" lalu " + againID,
		en: "One row a payment. A row that you delete stays reported: if it is wrong, delete it" +
			" and " + againEN,
	},
	Death: {
		id: "Baris yang dihapus tetap berlaku: bila orangnya masih hidup, hapus lalu " + againID,
		en: "A row that you delete stays reported: if the person lives, delete it and " + againEN,
	},
	Merge: {
		id: "Kedua nomor lalu dihitung sebagai satu orang. Baris yang dihapus tetap berlaku: bila" +
			" ternyata dua orang, hapus lalu " + againID,
		en: "Both numbers then count as one person. A row that you delete stays reported: if they" +
			" are two people, delete it and " + againEN,
	},
}

// How a list takes back what it has said.
const (
	againID = "kirim seluruh daftar dengan: cakupan import --complete NAMA-BERKAS."
	againEN = "send the whole list with: cakupan import --complete NAME-OF-FILE."
)

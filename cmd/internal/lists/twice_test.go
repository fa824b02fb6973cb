package lists

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// TestPersonTwice refuses a row that says something else of a person than a row before it, where
// no KPJ tells the two enrolments apart; what says the same stays a duplicate.
func TestPersonTwice(t *testing.T) {
	const head = "Daftar;X-1\nProgram;JKK\nSegmen;PU\nKategori;Swasta\n" +
		"No. KTP;KPJ;Kode Wilayah;Penanggung Iuran;TMT\n"
	const first, same = "7503011501900001;;75.03;APBD;2021-01-01\n",
		"7503 0115 0190 0001;;Bone Bolango;Pemda;01/01/2021\n"
	const other = "7503011501900001;;75.71;APBD;2021-01-01\n"
	const numbered = "7503011501900001;21012345678;75.71;APBD;2021-01-01\n"
	const wrong = "7503011501900001;;75.99;APBD;2021-01-01\n"
	_, lines := mustRead(t, []byte(head+first+same+other+numbered+wrong+first), Options{})
	if len(lines) != 6 {
		t.Fatalf("%v", lines)
	}
	for i, refused := range []bool{false, false, true, false, true, false} {
		if (lines[i].fault != nil) != refused {
			t.Errorf("row %d: %v", lines[i].row, lines[i].fault)
		}
	}
	if lines[0].id != lines[1].id || lines[0].id != lines[5].id {
		t.Error("rows that say the same are no duplicates")
	}
	const want = "orang ini sudah ada di baris 6 dengan isi yang lain: hapus salah satu baris," +
		" atau beri KPJ bila memang dua kepesertaan"
	if f := lines[2].fault; f == nil || f.Code != "field.invalid" || f.Field != "No. KTP" ||
		f.Detail != want {
		t.Errorf("%v", f)
	}
	english := strings.NewReplacer("Daftar", "List", "Penanggung Iuran", "Payer", "TMT", "From",
		"Kode Wilayah", "Region", "Kategori", "Category", "Segmen", "Segment", "Program",
		"Programmes", "No. KTP", "NIK").Replace(head)
	_, lines = mustRead(t, []byte(english+first+other), Options{KeepRows: true})
	if f := lines[1].fault; f == nil || !strings.Contains(f.Detail, "is in row 6 already") ||
		string(lines[1].cells[2].Text) != "75.71" {
		t.Errorf("%+v", lines[1])
	}
	for _, list := range []string{
		"Daftar;Y\nNIK;Alasan;Hari Terakhir\n7503011501900001;PHK;2021-01-31\n" +
			"7503011501900001;PHK;31/01/2021\n",
		"Daftar;Z\nNIK;Komitmen;Bulan Mulai;Jumlah Bulan\n7503011501900001;A;2021-01;1\n" +
			"7503011501900001;A;2021-02;2\n",
	} {
		if _, lines = mustRead(t, []byte(list), Options{}); lines[1].fault != nil {
			t.Errorf("%v", lines[1].fault)
		}
	}
}

// TestTwoOwners refuses a row whose KPJ stands beside another NIK in a row before it, in each kind of
// list that names enrolments by their KPJ; the same person any number of times is none.
func TestTwoOwners(t *testing.T) {
	const one, other, kpj = "7503011501900001", "7503011501900002", "21012345678"
	for _, list := range []struct{ head, row, want string }{
		{"Daftar;X\nNIK;KPJ;Alasan;Hari Terakhir\n", "PHK;2021-01-31", "sudah ada di baris 3 dengan NIK lain"},
		{
			"Daftar;X\nNIK;KPJ;Komitmen;Bulan Mulai;Jumlah Bulan\n", "A;2021-01;1",
			"sudah ada di baris 3 dengan NIK lain",
		},
		{
			"List;X\nNIK;KPJ;BLTH;Amount;Paid On\n", "2021-01;16800;2021-02-01",
			"is in row 3 already, beside another NIK",
		},
	} {
		text := list.head
		for _, who := range []string{
			one + ";" + kpj, other + ";" + kpj, ";" + kpj, one[:4] + " " + one[4:] + ";" + kpj,
			other + ";21012345679",
		} {
			text += who + ";" + list.row + "\n"
		}
		_, lines := mustRead(t, []byte(text), Options{})
		for i, l := range lines {
			switch {
			case i != 1 && l.fault != nil:
				t.Errorf("row %d: %v", l.row, l.fault)
			case i == 1 && (l.fault == nil || !strings.Contains(l.fault.Detail, list.want)):
				t.Errorf("row %d: %v, want %s", l.row, l.fault, list.want)
			}
		}
	}
}

// TestMergedTwice refuses to merge somebody into two people: all three would be one. Where they are
// it is said the other way round, as by the last row.
func TestMergedTwice(t *testing.T) {
	const first, second, third = "7503011501900001", "7503011501900002", "7503011501900003"
	for _, list := range []struct{ text, want string }{
		{
			"Daftar;X\nNIK Lama;NIK Baru\n" + first + ";" + second + "\n" + first + ";" + third + "\n" +
				third + ";" + second + "\n", "nomor ini sudah ada di baris 3, digabung ke nomor lain: hapus" +
				" salah satu baris, atau tukar kedua nomor di baris ini",
		},
		{
			"List;X\nWorker ID;Into Worker ID\nw1;w2\nw1;w3\nw3;w2\n",
			"the number is in row 3 already, merged into another one",
		},
	} {
		_, lines := mustRead(t, []byte(list.text), Options{})
		if len(lines) != 3 || lines[0].fault != nil || lines[2].fault != nil || lines[1].fault == nil ||
			!strings.HasPrefix(lines[1].fault.Detail, list.want) {
			t.Errorf("%s: %+v", list.want, lines)
		}
	}
}

// TestSeen compares the table with a map, and makes sure that it stays small.
func TestSeen(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same in each run
	want := map[uint64]seenRow{}
	var s seen
	for row := uint32(1); row < 50_000; row++ {
		who, what := random.Uint64N(20_000)*0x1_0000_0001, random.Uint32N(2)
		before, found := want[who]
		expected := uint32(0)
		if found && before.what != what {
			expected = before.row
		} else if !found {
			want[who] = seenRow{who, what, row}
		}
		if got := s.add(who, what, row); got != expected {
			t.Fatalf("row %d: %d, want %d", row, got, expected)
		}
	}
	if s.count != len(want) || len(s.slots) > 4*s.count {
		t.Errorf("%d of %d in %d slots", s.count, len(want), len(s.slots))
	}
	full := seen{slots: make([]seenRow, seenMax)}
	for who := uint64(1); who <= seenMax; who++ {
		full.add(who, 0, uint32(who))
	}
	if len(full.slots) != seenMax || full.count != seenMax/4*3 || full.add(5, 1, 6) != 5 ||
		full.add(seenMax, 1, 6) != 0 {
		t.Errorf("%d in %d slots", full.count, len(full.slots))
	}
}

// TestPlacesOfRows remembers where rows stand: in sheets of a workbook, and in a file without
// sheets, which may have more rows than a sheet.
func TestPlacesOfRows(t *testing.T) {
	t.Parallel()
	for _, names := range [][]string{{""}, {"a"}, {"a", "b", "c"}} {
		a := NewAcross(names)
		for i, name := range names {
			rows := []int{1, 1 << 20}
			if len(names) == 1 {
				rows = append(rows, 1<<21-1, 1<<21, 3_000_000_000)
			}
			for _, row := range rows {
				at := a.at(name, row)
				got, where := a.words(name, at, Indonesian)
				if got != uint32(row) || where != "" {
					t.Errorf("%q row %d is told as %d%s", name, row, got, where)
				}
				if i == 0 {
					continue
				}
				if got, where := a.words(names[0], at, Indonesian); got != uint32(row) ||
					where != " lembar "+quote(name) {
					t.Errorf("%q row %d is told as %d%s", name, row, got, where)
				}
			}
		}
	}
}

package lists

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"

	"cakupan/cmd/internal/lists/named"
	"cakupan/domain/temporal"
)

// truth is a person as whoever made an odd list knew her.
type truth struct {
	nik, kpj   string
	region     string
	programmes []string
	from       temporal.Date
	row        int  // where she stands
	refused    bool // the list contradicts itself about her
}

// oddList is a list as nobody should make one, and the people who are in it.
type oddList struct {
	random   *rand.Rand
	people   []*truth
	what     []string   // how it was made
	rows     [][]string // as texts, before they are written
	header   int        // rows above the first person
	dateForm string
	kpjForm  string
	marks    bool   // programmes stand in columns of their own
	date     int    // the column of days
	names    string // what stands beside the codes of regions
}

// pick returns one of some texts and takes note of it.
func (o *oddList) pick(of ...string) string {
	one := of[o.random.IntN(len(of))]
	o.what = append(o.what, one)
	return one
}

func (o *oddList) one(of ...string) string { return of[o.random.IntN(len(of))] }

var oddRegions = []string{"75.03", "75.71", "73.71", "31.71", "91.03"}

// newOdd makes the people of a list. One of them started on a day above 12 and one on 5 March, so
// that what has changed places can be known: where nothing shows it, nobody can tell.
func newOdd(seed uint64) *oddList {
	o := &oddList{random: rand.New(rand.NewPCG(seed, 7))} //nolint:gosec // the same in each run
	programmes := []string{"JKK", "JKM", "JHT"}
	for i := range 3 + o.random.IntN(9) {
		day := 1 + o.random.IntN(28)
		if i == 1 {
			day = 13 + o.random.IntN(15)
		}
		month := 1 + o.random.IntN(12)
		switch i {
		case 1:
			month = 1 + o.random.IntN(9)
		case 2:
			day, month = 5, 3
		}
		from, _ := temporal.NewDate(2020+o.random.IntN(3), month, day)
		p := &truth{
			nik:        fmt.Sprintf("7503%02d%02d%02d%02d%04d", 1+o.random.IntN(18), 1+o.random.IntN(28), 1+o.random.IntN(12), 60+o.random.IntN(39), 101+i),
			region:     oddRegions[o.random.IntN(len(oddRegions))],
			programmes: programmes[:1+o.random.IntN(3)],
			from:       from,
		}
		switch o.random.IntN(3) {
		case 0:
			p.kpj = fmt.Sprintf("0%010d", 8_000_000_000+o.random.Int64N(1e7)*100+int64(i))
		case 1:
			p.kpj = fmt.Sprintf("2%010d", o.random.Int64N(1e8)*100+int64(i))
		}
		if i == 1 {
			p.kpj = fmt.Sprintf("2%010d", o.random.Int64N(1e8)*100+int64(i))
		}
		o.people = append(o.people, p)
	}
	o.dateForm = o.pick("iso", "padded", "loose", "words", "month first", "half iso", "half loose", "utc", "am pm", "roman",
		"beside", "counts", "count lost", "day before month", "zone hours")
	o.kpjForm = o.pick("kpj", "kpj .0", "kpj dots", "kpj lost", "kpj words",
		"kpj spaces", "kpj two", "kpj error", "kpj digits")
	o.marks = o.pick("programmes", "marks", "spread") == "marks"
	o.names = o.pick("code", "code", "code and name", "code and wrong name")
	o.contradict()
	o.layout()
	return o
}

// dayText writes a day as the list does.
func (o *oddList) dayText(at temporal.Date) string {
	var year, month, day int
	_, _ = fmt.Sscanf(at.String(), "%d-%d-%d", &year, &month, &day)
	months := strings.Fields("Januari Februari Maret April Mei Juni Juli Agustus September Oktober November Desember")
	romans := strings.Fields("I II III IV V VI VII VIII IX X XI XII")
	switch o.dateForm {
	case "padded":
		return fmt.Sprintf("%02d/%02d/%d", day, month, year)
	case "loose":
		return fmt.Sprintf("%d-%d-%d", day, month, year)
	case "words":
		return fmt.Sprintf("%s%d %s %d", o.one("", "Senin, "), day, months[month-1], year)
	case "roman":
		return fmt.Sprintf("%d/%s/%d", day, romans[month-1], year)
	case "month first":
		return fmt.Sprintf("%d/%d/%d", month, day, year)
	case "am pm":
		return fmt.Sprintf("%d/%d/%d 12:00:00 AM", month, day, year)
	case "half iso", "half loose":
		if day > 12 {
			return fmt.Sprintf("%02d/%02d/%d", day, month, year)
		}
		if o.dateForm == "half iso" {
			return fmt.Sprintf("%d-%02d-%02d", year, day, month)
		}
		return fmt.Sprintf("%d/%d/%d", month, day, year)
	case "utc":
		return at.AddDays(-1).String() + "T16:00:00.000Z" // midnight in Central Indonesia
	}
	return at.String()
}

// number writes the number of a card as the list does.
func (o *oddList) number(kpj string) string {
	if kpj == "" {
		if o.kpjForm == "kpj digits" {
			return o.one("belum 2021", "Kosong1", "tidak ada 0", "proses 17", "")
		}
		if o.kpjForm == "kpj words" {
			return o.one("NULL", "nan", "Tidak ada", "belum", "-", "00000000000", "11111111111", "N/A", "")
		}
		return ""
	}
	switch o.kpjForm {
	case "kpj .0":
		return kpj + ".0"
	case "kpj dots":
		return kpj[:2] + "." + kpj[2:5] + "." + kpj[5:8] + "." + kpj[8:]
	case "kpj lost":
		return strings.TrimLeft(kpj, "0")
	case "kpj two":
		if o.random.IntN(3) == 0 {
			return o.one("20999999999 ", "20999999999/", "20999999999-", "20999999999\u00a0") + kpj
		}
	case "kpj error":
		if o.random.IntN(3) == 0 {
			return o.one("#N/A", "#REF!", "Err:511", "#NULL!", "###")
		}
	case "kpj spaces":
		return kpj[:4] + " " + kpj[4:] + "\u00a0"
	}
	return kpj
}

func (o *oddList) nikText(nik string) string {
	switch o.random.IntN(8) {
	case 0:
		return nik[:4] + "." + nik[4:8] + "." + nik[8:12] + "." + nik[12:]
	case 1:
		return "'" + nik
	case 2:
		return nik[:6] + "-" + nik[6:12] + "-" + nik[12:]
	case 3:
		return "NIK " + nik
	}
	return nik
}

// layout puts the people into rows, with what people put above, between and below them.
func (o *oddList) layout() {
	o.rows = append(o.rows, []string{"Daftar", "ODD"})
	if o.random.IntN(3) == 0 {
		o.rows = append(o.rows, []string{"Program", ": Perlindungan Sosial"}, []string{"Sumber", ": Dinas Tenaga Kerja"})
		o.what = append(o.what, "letterhead")
	}
	names := []string{"No", "Nama", "NIK", "KPJ", "Kode Wilayah", "Segmen", "Kategori", "Program", "Penanggung Iuran", "Tanggal Mulai", "Alamat"}
	names = o.head(names)
	spread := slices.Contains(o.what, "spread")
	switch {
	case o.marks && o.random.IntN(2) == 0:
		names = slices.Replace(names, 7, 8, "JKK", "JKM", "JHT")
		o.rows = append(o.rows, names)
	case o.marks:
		names = slices.Replace(names, 7, 8, "Program", "", "")
		under := make([]string, len(names))
		under[7], under[8], under[9] = "JKK", "JKM", "JHT"
		o.rows = append(o.rows, names, under)
	case spread:
		names = slices.Replace(names, 7, 8, "Program", "", "")
		o.rows = append(o.rows, names)
	default:
		o.rows = append(o.rows, names)
	}
	o.header = len(o.rows)
	o.date = slices.IndexFunc(names, func(name string) bool { return strings.HasPrefix(name, "Tanggal Mulai") })
	again := o.random.IntN(5) == 0
	sums := o.random.IntN(6) == 0
	if sums {
		o.what = append(o.what, "sums")
	}
	for i, p := range o.people {
		if again && i == 2 {
			o.rows = append(o.rows, nil, o.rows[o.header-1])
			if len(o.rows[o.header-1]) > 7 && o.rows[o.header-1][0] == "" {
				o.rows[len(o.rows)-1] = names
				o.rows = append(o.rows, o.rows[o.header-1])
			}
			o.what = append(o.what, "headings again")
		}
		said := []string{strings.Join(p.programmes, ", ")}
		if o.marks || spread {
			said = []string{"", "", ""}
			for j, programme := range p.programmes {
				said[j] = programme
				if o.marks {
					said[j] = o.one("v", "✓", programme, "ya")
				}
			}
		}
		row := []string{strconv.Itoa(i + 1), "Orang " + strconv.Itoa(i), o.nikText(p.nik), o.number(p.kpj), p.region, "BPU", "Rentan"}
		row = append(append(row, said...), "SELF", o.day(p), "Desa "+o.one("A", "B", "C"))
		row = append(row, o.beside(p)...)
		o.rows = append(o.rows, row)
		p.row = len(o.rows)
		if sums && i%3 == 2 {
			o.rows = append(o.rows, []string{o.one("Jumlah", "Sub Total", "TOTAL"), "", o.one("3", "")})
		}
	}
	if o.random.IntN(3) == 0 {
		o.rows = append(o.rows, []string{"Jumlah", "", "", "", "", "", "", strconv.Itoa(len(o.people))}, nil,
			[]string{"", "", "", "", "", "Suwawa, 5 Januari 2021"}, []string{"", "", "", "", "", "Kepala Desa"})
		o.what = append(o.what, "signature")
	}
}

// text writes the list as CSV, damaged.
func (o *oddList) text() []byte {
	separator := o.pick(";", ",", "\t", "|")
	damage := o.pick("whole", "whole", "stray quote", "extra separator", "missing separator", "open end")
	at := o.people[o.random.IntN(len(o.people))].row
	var out strings.Builder
	for i, row := range o.rows {
		cells := make([]string, len(row))
		for j, cell := range row {
			// A quoted sum would end the quote of the row above: spreadsheets count from there on
			// one row less, too.
			if strings.Contains(cell, separator) || o.random.IntN(9) == 0 && len(row) > 3 {
				cell = `"` + cell + `"`
			}
			cells[j] = cell
		}
		if i+1 == at {
			switch damage {
			case "stray quote":
				cells[1] = `"` + strings.Trim(cells[1], `"`)
			case "open end":
				cells[len(cells)-1] = `"` + strings.Trim(cells[len(cells)-1], `"`)
			case "extra separator":
				cells[1] += separator + "S.Pd"
			case "missing separator":
				cells = slices.Delete(cells, 3, 4)
			}
		}
		out.WriteString(strings.Join(cells, separator) + o.one("\r\n", "\n"))
	}
	text := out.String()
	switch o.pick("utf-8", "bom", "utf-16", "utf-16 without mark") {
	case "bom":
		return []byte("\ufeff" + text)
	case "utf-16":
		return wide("\ufeff" + text)
	case "utf-16 without mark":
		return wide(text)
	}
	return []byte(text)
}

func wide(text string) (b []byte) {
	for _, unit := range utf16.Encode([]rune(text)) {
		b = binary.LittleEndian.AppendUint16(b, unit)
	}
	return b
}

func (o *oddList) one2(a, b int) int {
	if o.random.IntN(2) == 0 {
		return a
	}
	return b
}

func slashed(at temporal.Date) string {
	text := at.String()
	return text[8:] + "/" + text[5:7] + "/" + text[:4]
}

var rowNumbers = regexp.MustCompile(`[0-9]+(?:-[0-9]+)?`)

// namesRow tells whether a notice names a row.
func namesRow(notice string, row int) bool {
	for _, span := range rowNumbers.FindAllString(notice, -1) {
		first, last, found := strings.Cut(span, "-")
		from, _ := strconv.Atoi(first)
		to, _ := strconv.Atoi(last)
		if from == row || found && from <= row && row <= to {
			return true
		}
	}
	return false
}

// check compares what was read of a list with who is in it.
func (o *oddList) check(lines []line, notices []string) (wrong []string) {
	byNIK := map[string]*truth{}
	told := map[int]bool{}
	for _, p := range o.people {
		byNIK[p.nik] = p
	}
	for _, l := range lines {
		if l.fault != nil {
			told[l.row] = true
			continue
		}
		p := byNIK[fmt.Sprint(l.data["nik"])]
		if p == nil {
			wrong = append(wrong, fmt.Sprintf("row %d is somebody who is not there: %v", l.row, l.data))
			continue
		}
		told[p.row] = true
		if p.refused {
			wrong = append(wrong, fmt.Sprintf("row %d is taken, though two cells contradict each other", l.row))
		}
		enrolment := fmt.Sprint(l.data["enrolment"])
		if p.kpj == "" && !strings.HasPrefix(enrolment, named.Prefix) || p.kpj != "" && enrolment != p.kpj ||
			l.data["region"] != p.region || l.data["from"] != p.from.String() ||
			fmt.Sprint(l.data["programmes"]) != fmt.Sprint(p.programmes) {
			wrong = append(wrong, fmt.Sprintf("row %d: %v, but the truth is %+v", l.row, l.data, *p))
		}
	}
	for _, p := range o.people {
		named := told[p.row]
		for _, notice := range notices {
			named = named || namesRow(notice, p.row)
		}
		if !named {
			wrong = append(wrong, fmt.Sprintf("row %d is lost", p.row))
		}
	}
	return wrong
}

// listsEnv names the seeds of odd lists to be made, such as 5001-90000.
const listsEnv = "CAKUPAN_LISTS"

// oddSeeds returns the first and the last seed to be played.
func oddSeeds(t *testing.T) (first, last uint64) {
	t.Helper()
	if named := os.Getenv(listsEnv); named != "" {
		if _, err := fmt.Sscanf(named, "%d-%d", &first, &last); err != nil {
			t.Fatalf("%s=%s names no seeds such as 5001-90000", listsEnv, named)
		}
		return first, last
	}
	if os.Getenv("CAKUPAN_LONG") != "" {
		return 0, 5_999
	}
	return 0, 299
}

// TestOddLists makes lists as producers, locales and accidents make them, with the people who are in
// them, and reads them: no row becomes another person, day, region or programme, and none is lost,
// without a word that names it. With CAKUPAN_LONG there are 6,000; CAKUPAN_LISTS names others.
func TestOddLists(t *testing.T) {
	if testing.Short() {
		t.Skip("long in one goroutine")
	}
	first, last := oddSeeds(t)
	read := uint64(0)
	for seed := first; seed <= last; seed++ {
		o := newOdd(seed)
		var content []byte
		if o.random.IntN(3) == 0 {
			content = o.book(t)
		} else {
			content = o.text()
		}
		_, lines, notices, err := readNoted(content, Options{})
		if err != nil {
			t.Errorf("seed %d, %q: %v", seed, o.what, err)
			continue
		}
		for _, wrong := range o.check(lines, notices) {
			t.Errorf("seed %d, %q: %s", seed, o.what, wrong)
		}
		for _, l := range lines {
			if l.fault == nil {
				read++
			}
		}
	}
	if count := last - first + 1; read < count {
		t.Errorf("of %d lists only %d rows are read", count, read)
	}
}

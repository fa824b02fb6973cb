package importer

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/xuri/excelize/v2"

	"cakupan/cmd/internal/client"
	"cakupan/cmd/internal/excerpt"
	"cakupan/cmd/internal/httpapi"
	"cakupan/cmd/internal/intake"
	"cakupan/cmd/internal/ledger"
	"cakupan/cmd/internal/nobody"
)

// shapeLists are the columns of a list of each kind, and a row that is acceptable. The row's NIK is
// put where it says NIK.
var shapeLists = map[string][2][]string{
	"enrolment": {
		{"NIK", "KPJ", "Kode Wilayah", "Segmen", "Kategori", "Program", "Penanggung Iuran", "Tanggal Mulai", "Catatan"},
		{"NIK", "", "75.03", "PU", "Swasta", "JKK, JKM", "APBD", "2021-01-31", "-"},
	},
	"termination":  {{"NIK", "KPJ", "Berhenti Mulai Tanggal", "Alasan"}, {"NIK", "", "2021-07-01", "PHK"}},
	"funding":      {{"Komitmen", "NIK", "Bulan Mulai", "Bulan Terakhir"}, {"BB-1", "NIK", "2021-01", "2021-12"}},
	"contribution": {{"NIK", "KPJ", "BLTH", "Nominal", "Tanggal Bayar", "Referensi"}, {"NIK", "", "2021-01", "50400", "2021-02-03", "r-1"}},
	"death":        {{"NIK", "ID Pekerja", "Tanggal Meninggal"}, {"NIK", "", "2021-03-14"}},
	"merge":        {{"NIK", "ID Pekerja", "Digabung ke ID Pekerja"}, {"NIK", "", "w-1"}},
}

// shapesLedger is a ledger of lists with numbers in them, and what it keeps and says.
type shapesLedger struct {
	t      *testing.T
	r      *rand.Rand
	n      *nobody.Numbers
	log    nobody.Buffer
	dir    string
	ledger *ledger.Ledger
	to     *client.Client
}

// TestShapesOfNIK imports lists with numbers in random shapes in any cell, in the names of columns
// and of the list, its source and its sheet: none is found in what the ledger keeps or says. Rows
// that are refused come back as they were, to who sent them; what is said of them shows none.
// CAKUPAN_LONG: 6,000 rows in each format.
func TestShapesOfNIK(t *testing.T) {
	if testing.Short() {
		t.Skip("long in one goroutine")
	}
	rows := 30
	if os.Getenv("CAKUPAN_LONG") != "" {
		rows = 1_000
	}
	s := &shapesLedger{t: t, r: nobody.Random(t), n: nobody.New(), dir: filepath.Join(t.TempDir(), "data")}
	logger := slog.New(slog.NewTextHandler(&s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	var err error
	s.ledger, err = ledger.Open(t.Context(), ledger.Options{Dir: s.dir, Create: true, Log: logger})
	if err != nil {
		t.Fatal(err)
	}
	s.to = client.Open(s.ledger, httpapi.Config{Log: logger})
	appended, refused := uint64(0), uint64(0)
	for _, kind := range []string{"enrolment", "termination", "funding", "contribution", "death", "merge"} {
		for _, format := range []string{".csv", ".xlsx"} {
			got := s.send(format, "Sheet1", s.head(kind, "L-"+kind, "urn:test"), s.rows(kind, rows))
			appended, refused = appended+got.Appended, refused+got.Refused
			if got.Read != uint64(rows) {
				t.Errorf("%s%s: %+v", kind, format, got)
			}
			s.odd(kind, format)
		}
	}
	t.Logf("%d rows taken, %d refused, of %d numbers", appended, refused, s.n.Count())
	if appended == 0 || refused == 0 {
		t.Error("too few of either to tell")
	}
	if err := s.ledger.Events(t.Context(), excerpt.Filter{From: 1, To: 1 << 62}, func(line []byte) error {
		s.n.Search(t, "the log", line)
		return nil
	}); err != nil {
		t.Error(err)
	}
	if err := s.to.Close(); err != nil {
		t.Error(err)
	}
	s.n.Search(t, "the operator's log", s.log.Bytes())
	s.n.SearchFolder(t, s.dir)
}

func (s *shapesLedger) shaped(how string) string { return nobody.Shaped(s.r, s.n.Next(how)) }

// head returns the lines above the rows of a list.
func (s *shapesLedger) head(kind, id, source string) [][]string {
	return [][]string{{"Daftar", id}, {"Sumber", source}, {"Jenis Daftar", kind}, shapeLists[kind][0]}
}

// rows returns rows of a list, most of them with a number in some cell.
func (s *shapesLedger) rows(kind string, count int) (all [][]string) {
	columns := shapeLists[kind]
	for range count {
		row := slices.Clone(columns[1])
		row[slices.Index(row, "NIK")] = s.n.Next("a person of " + kind)
		at := s.r.IntN(len(row) + 1)
		if at < len(row) {
			text := s.shaped(kind + " " + columns[0][at])
			row[at] = []string{text, "a " + text, text + " b", "ORG:" + text}[s.r.IntN(4)]
		}
		all = append(all, row)
	}
	return all
}

// odd sends lists with a number in what is said of all rows. They may be refused as a whole.
func (s *shapesLedger) odd(kind, format string) {
	s.t.Helper()
	for _, at := range []string{"list", "source", "column", "another column", "above", "sheet"} {
		shaped, sheet := s.shaped(kind+" "+at), "Sheet1"
		head := s.head(kind, "L-2", "urn:test")
		switch at {
		case "list":
			head[0][1] = shaped
		case "source":
			head[1][1] = "urn:" + shaped
		case "column":
			head[3] = slices.Clone(head[3])
			head[3][s.r.IntN(len(head[3]))] = shaped
		case "another column":
			head[3] = append(slices.Clone(head[3]), shaped)
		case "sheet":
			if sheet = strings.ReplaceAll(shaped, "/", "-"); len(utf16.Encode([]rune(sheet))) > 31 {
				sheet = s.n.Next("name of a sheet") // Excel has no longer ones
			}
		case "above":
			head = slices.Insert(head, 2, []string{"x " + shaped}, []string{"Kepala " + shaped, shaped})
		}
		s.send(format, sheet, head, s.rows(kind, 2))
	}
}

// send imports a list and looks at what is said of it, and for what reasons rows come back.
func (s *shapesLedger) send(format, sheet string, head, rows [][]string) Summary {
	t := s.t
	t.Helper()
	path := filepath.Join(t.TempDir(), "list"+format)
	all := slices.Concat(head, rows)
	if format == ".csv" {
		var text bytes.Buffer
		w := csv.NewWriter(&text)
		w.Comma = ';'
		if err := errors.Join(w.WriteAll(all), os.WriteFile(path, text.Bytes(), 0o600)); err != nil {
			t.Fatal(err)
		}
	} else {
		f := excelize.NewFile()
		err := f.SetSheetName("Sheet1", sheet)
		for i, row := range all {
			err = errors.Join(err, f.SetSheetRow(sheet, fmt.Sprintf("A%d", i+1), &row))
		}
		if err := errors.Join(err, f.SaveAs(path), f.Close()); err != nil {
			t.Fatal(err)
		}
	}
	rejects, err := NewRejects(path+".ndjson", false, t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	tally, n, failed := imported(t, s.to, intake.Options{}, rejects, path)
	s.n.Search(t, "the error of an import", fmt.Append(nil, failed))
	s.n.Search(t, "what an import tells", []byte(strings.Join(n.notes, "\n")))
	summary, err := json.Marshal(tally.Summary)
	if err := errors.Join(err, rejects.Close(nil)); err != nil {
		t.Fatal(err)
	}
	s.n.Search(t, "the summary of an import", summary)
	lines, err := os.ReadFile(path + ".ndjson")
	if err != nil {
		t.Fatal(err)
	}
	s.n.Search(t, "lines of what was refused", lines)
	return tally.Summary
}

package importer

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cakupan/cmd/internal/client"
	"cakupan/cmd/internal/intake"
	"cakupan/cmd/internal/lists"
	"cakupan/cmd/internal/lists/whole"
	"cakupan/cmd/internal/nobody"
)

// done is what an import says that a list has done, and the rows that it gives back.
type done struct {
	Effect *Effect
	Notes  []string
	Back   string
}

// importedInParts imports a list, or only judges it, and asks what it has done in parts of so many
// rows; 0: at once.
func importedInParts(t *testing.T, to *client.Client, path string, most int, dryRun, complete bool,
) done {
	t.Helper()
	var back bytes.Buffer
	rejects := NewReturned(&back, false)
	n := &told{}
	l := &Import{
		From: to, Options: intake.Options{DryRun: dryRun}, Tally: NewTally(n.teller(), rejects),
		Lists: lists.Options{KeepRows: true}, rowsMax: most, Parts: true,
	}
	var err error
	if complete {
		err = l.Whole(t.Context(), path, Whole{Gone: &whole.Gone{Retract: true}})
	} else {
		err = l.Files(t.Context(), []string{path})
	}
	if err == nil {
		err = rejects.Close(nil)
	}
	if err != nil || l.Tally.Refused > 0 {
		t.Fatalf("%v, %d refused: %v", err, l.Tally.Refused, n.notes)
	}
	return done{l.Tally.Lists[0].Effect, n.notes, back.String()}
}

// someRows makes rows of people, some of whom have several enrolments.
func someRows(r *rand.Rand, people int) string {
	var b strings.Builder
	for i := range people {
		for k := range 1 + r.IntN(5)/3 {
			fmt.Fprintf(&b, "%s;%011d;75.0%d;%s;Rentan;JKK;%s;2021-0%d-01\n", nobody.NIK(i+1),
				21_000_000_000+10*i+k, 1+r.IntN(3), []string{"BPU", "PU"}[r.IntN(2)],
				[]string{"APBD", "SELF", "Pemberi Kerja"}[r.IntN(3)], 1+r.IntN(9))
		}
	}
	return b.String()
}

// TestEffectInParts takes in lists of people with several enrolments, and asks what they would do
// and have done: in parts it is what it is at once, for each region, each notice, and each row that
// is given back.
func TestEffectInParts(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(5, 5))
	to := newLedger(t, "folder")
	const head = "NIK;KPJ;Kode Wilayah;Segmen;Kategori;Program;Pembayar;Tanggal Mulai\n"
	ended := "Daftar;B\nKPJ;Alasan;Hari Terakhir\n"
	for i := range 60 {
		if r.IntN(2) == 0 {
			ended += fmt.Sprintf("%011d;PHK;2021-0%d-15\n", 21_000_000_000+10*(i/2)+i%2, 1+r.IntN(9))
		}
	}
	changed := false
	for _, list := range []struct {
		text     string
		complete bool
	}{
		{"Daftar;A\n" + head + someRows(r, 30), false},
		{ended, false},
		{"Daftar;A\n" + head + someRows(r, 28), true},
		{"Daftar;C\n" + head + someRows(r, 33), false},
	} {
		path := file(t, "list.csv", list.text)
		want := importedInParts(t, to, path, 0, true, list.complete)
		for _, one := range []struct {
			most   int
			dryRun bool
		}{{8, true}, {17, true}, {8, false}} {
			got := importedInParts(t, to, path, one.most, one.dryRun, list.complete)
			if diff := cmp.Diff(got, want); diff != "" {
				t.Fatalf("%+v of\n%s\nin parts and at once: %s", one, list.text, diff)
			}
		}
		changed = changed || len(want.Effect.Regions) > 0 &&
			want.Effect.Regions[0].Before != want.Effect.Regions[0].After
	}
	if !changed {
		t.Error("no list changed anything: too few to tell")
	}
}

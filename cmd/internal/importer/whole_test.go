package importer

import (
	"bufio"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cakupan/cmd/internal/client"
	"cakupan/cmd/internal/intake"
	"cakupan/cmd/internal/lists"
	"cakupan/cmd/internal/lists/whole"
	"cakupan/cmd/internal/nobody"
	"cakupan/cmd/internal/problem"
)

// workerOf returns the id of the only worker whom the log names.
func workerOf(t *testing.T, from *client.Client) string {
	t.Helper()
	response, err := from.Get(t.Context(), "/v1/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(response.Body).ReadBytes('\n')
	var e struct {
		Data struct {
			Worker string `json:"worker"`
		} `json:"data"`
	}
	if err := errors.Join(err, response.Body.Close(), json.Unmarshal(line, &e)); err != nil {
		t.Fatal(err)
	}
	return e.Data.Worker
}

// TestWholeRefusedByTheLedger sends a whole list of which a row looks right and is refused by the
// ledger alone: it says that somebody is merged into himself, which only the vault knows. The whole
// list comes back, as it would if the reader had refused the row: with the row alone in it, the
// others would be gone from the list that is sent next.
func TestWholeRefusedByTheLedger(t *testing.T) {
	to := newLedger(t, "folder")
	known := file(t, "known.csv", "Daftar;L-1\nNIK;Tanggal Meninggal\n"+nobody.NIK(1)+";2021-01-31\n")
	if _, _, err := imported(t, to, intake.Options{}, nil, known); err != nil {
		t.Fatal(err)
	}
	path := file(t, "merges.csv", "Daftar;L-2\nNIK;Digabung ke NIK;Digabung ke ID Pekerja\n"+
		nobody.NIK(2)+";"+nobody.NIK(3)+";\n"+
		nobody.NIK(1)+";;"+workerOf(t, to)+"\n"+
		nobody.NIK(4)+";"+nobody.NIK(5)+";\n")
	back := filepath.Join(t.TempDir(), "back.csv")
	rejects, err := NewRejects(back, false, t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	in := Import{From: to, Lists: lists.Options{KeepRows: true}, Tally: NewTally((&told{}).teller(), rejects)}
	err = in.Whole(t.Context(), path, Whole{Gone: &whole.Gone{}})
	if err := errors.Join(err, rejects.Close(err)); err != nil {
		t.Fatal(err)
	}
	if got := in.Tally.Summary; got.Read != 3 || got.Refused != 1 || got.Appended != 0 {
		t.Errorf("%+v", got)
	}
	text, err := os.ReadFile(back)
	if err != nil {
		t.Fatal(err)
	}
	var rows []string
	for _, line := range strings.Split(string(text), "\n") {
		if strings.HasPrefix(line, nobody.NIK(1)[:6]) {
			rows = append(rows, line)
		}
	}
	if len(rows) != 3 || !strings.Contains(rows[1], "orangnya sama dengan") ||
		strings.Contains(rows[0]+rows[2], ":") {
		t.Errorf("back comes:\n%s", text)
	}
}

// TestWholeOvertaken has somebody else change a list between the preview of a correction and its
// appending, while a terminal is asked: by another correction that only adds somebody, by rows that
// come by themselves, and by undoing. The correction is refused with nothing appended, and goes in
// when it is sent again.
func TestWholeOvertaken(t *testing.T) {
	to := newLedger(t, "folder")
	people := func(name string, of ...int) string {
		text := "Daftar;L-1\nNIK;Tanggal Meninggal\n"
		for _, n := range of {
			text += nobody.NIK(n) + ";2021-01-31\n"
		}
		return file(t, name, text)
	}
	do := func(job func(*Import) error) (Summary, error) {
		in := Import{From: to, Tally: NewTally((&told{}).teller(), nil)}
		err := job(&in)
		return in.Tally.Summary, err
	}
	correct := func(path string, meanwhile func()) (Summary, error) {
		return do(func(in *Import) error {
			return in.Whole(t.Context(), path, Whole{Ask: func(string) (*whole.Gone, error) {
				if meanwhile != nil {
					meanwhile()
				}
				return &whole.Gone{}, nil
			}})
		})
	}
	if _, err := correct(people("first.csv", 1, 2, 3), nil); err != nil {
		t.Fatal(err)
	}
	others := map[string]func() (Summary, error){
		"correction": func() (Summary, error) { return correct(people("other.csv", 1, 2, 3, 4), nil) },
		"rows": func() (Summary, error) {
			return do(func(in *Import) error {
				return in.Files(t.Context(), []string{people("rows.csv", 5)})
			})
		},
		"undo": func() (Summary, error) {
			return do(func(in *Import) error {
				_, err := in.Undo(t.Context(), "L-1", "", lists.Indonesian)
				return err
			})
		},
	}
	for i, what := range []string{"correction", "rows", "undo"} {
		path := people("mine.csv", 1, 2, 10+i) // 3 is gone: it is asked
		got, err := correct(path, func() {
			if did, err := others[what](); err != nil || did.Appended == 0 {
				t.Errorf("%s: %+v, %v", what, did, err)
			}
		})
		if problem.From(err).Code != problem.ListChanged || got.Appended != 0 {
			t.Errorf("%s meanwhile: %+v, %v", what, got, err)
		}
		if got, err := correct(path, nil); err != nil || got.Appended != 1 {
			t.Errorf("sent again after %s: %+v, %v", what, got, err)
		}
	}
	// What was checked is what is confirmed.
	checked := Whole{Gone: &whole.Gone{}, Seen: new(uint64)}
	_, err := do(func(in *Import) error {
		return in.Whole(t.Context(), people("late.csv", 20), checked)
	})
	if problem.From(err).Code != problem.ListChanged {
		t.Errorf("a list that was checked when there was nothing of it: %v", err)
	}
}

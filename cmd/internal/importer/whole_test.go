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

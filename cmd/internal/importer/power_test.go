package importer

import (
	"os"
	"path/filepath"
	"testing"

	"cakupan/eventstore/durable"
	"cakupan/eventstore/durable/durabletest"
)

// TestPowerCutAtRejects cuts the power while the file of refusals gets its name: an older one, or
// the new one, whole.
func TestPowerCutAtRejects(t *testing.T) {
	const older = `{"line":1}` + "\n"
	for _, cut := range durabletest.Cuts() {
		if cut.Step == durable.BeforeWrite {
			continue // it is written by the import
		}
		t.Run(cut.Name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "rejects.ndjson")
			if err := os.WriteFile(path, []byte(older), 0o600); err != nil {
				t.Fatal(err)
			}
			r, err := NewRejects(path, false, t.Logf)
			if err != nil {
				t.Fatal(err)
			}
			if !cut.Run(t, filepath.Dir(path), func() { _ = r.Close(nil) }) {
				t.Fatal("was not cut")
			}
			want := older
			if cut.Step == durable.Done || cut.Step == durable.BeforeFolder && !cut.Lost {
				want = "" // nothing was refused
			}
			if got, err := os.ReadFile(path); err != nil || string(got) != want {
				t.Errorf("the file holds %q (%v), want %q", got, err, want)
			}
		})
	}
}

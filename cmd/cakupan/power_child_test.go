package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"cakupan/eventstore/durable"
)

const powerChildEnv = "CAKUPAN_TEST_POWER"

// powerOrders say what a child imports, and at which of its durable steps it dies.
type powerOrders struct {
	Dir, File string
	Hit       int
}

// TestPowerChild is no test of its own: it is the program, which dies at a durable step.
func TestPowerChild(t *testing.T) {
	text, found := os.LookupEnv(powerChildEnv)
	if !found {
		t.Skip("is started by TestKilledAtDurableSteps, in a process of its own")
	}
	var orders powerOrders
	if err := json.Unmarshal([]byte(text), &orders); err != nil {
		t.Fatal(err)
	}
	steps := make(chan int, 1) // files are also written behind
	steps <- 0
	defer durable.Inject(orders.Dir, func(step durable.Step, path string) error {
		n := 1 + <-steps
		if n == orders.Hit {
			fmt.Printf("dies at %s of %s\n", step, filepath.Base(path))
			return syscall.Kill(os.Getpid(), syscall.SIGKILL) // and no other step goes on
		}
		steps <- n
		return nil
	})()
	_, diagnostics, code := e2eRun(t.Context(), t, nil, "import", "--data", orders.Dir, orders.File)
	if code != 0 {
		t.Fatalf("exit %d: %s", code, diagnostics)
	}
}

// powerEvents are events about people, each known by the NIK and by nothing else.
func powerEvents(people int) []byte {
	var text bytes.Buffer
	for n := range people {
		fmt.Fprintf(&text, `{"specversion":"1.0","id":"%d","source":"urn:example","type":`+
			`"id.cakupan.enrolment.opened.v1","data":{"enrolment":"e-%d","nik":"750301010190%04d",`+
			`"region":"75.03","segment":"PU","category":"PRIVATE","programmes":["JKK"],`+
			`"payer":"EMPLOYER","from":"2021-01-01"}}`+"\n", n, n, 1+n/2)
	}
	return text.Bytes()
}

// TestKilledAtDurableSteps kills the first import of a new ledger at one durable step after the
// other, of whichever file comes: identity, keys, journal. The next import must need no help, and
// come to the same: every event once, and one worker id for each NIK.
func TestKilledAtDurableSteps(t *testing.T) {
	t.Parallel()
	const people = 40
	every := 4
	if os.Getenv("CAKUPAN_LONG") != "" {
		every = 1
	}
	file := filepath.Join(t.TempDir(), "events.ndjson")
	writeText(t, file, string(powerEvents(people)))
	for hit := 1; ; hit += every {
		dir := filepath.Join(t.TempDir(), "data")
		died, output := runPowerChild(t, powerOrders{dir, file, hit})
		_, diagnostics, code := e2eRun(t.Context(), t, nil, "import", "--data", dir, file)
		if code != 0 {
			t.Fatalf("hit %d (%s): import ends with %d: %s", hit, output, code, diagnostics)
		}
		checkPeople(t, dir, people, output)
		t.Log(output)
		if !died {
			if hit < 20 {
				t.Errorf("only %d durable steps: do files go past durable?", hit-1)
			}
			return
		}
	}
}

// runPowerChild runs the child, and tells whether it died and what it said.
func runPowerChild(t *testing.T, orders powerOrders) (died bool, output string) {
	t.Helper()
	text, err := json.Marshal(orders)
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestPowerChild$")
	command.Env = append(os.Environ(), powerChildEnv+"="+string(text), "TMPDIR="+t.TempDir())
	said, err := command.CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) && !exit.Exited() {
		return true, strings.TrimSpace(string(said))
	}
	if err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	return false, "not killed"
}

// checkPeople checks that the log has every event once, and two enrolments of each worker.
func checkPeople(t *testing.T, dir string, people int, output string) {
	t.Helper()
	lines, diagnostics, code := e2eRun(t.Context(), t, nil, "log", "--json", "--data", dir)
	if code != 0 {
		t.Fatalf("%s: log ends with %d: %s", output, code, diagnostics)
	}
	seen, enrolments := map[string]bool{}, map[string]int{}
	for line := range strings.Lines(lines) {
		var event struct {
			ID   string
			Data struct{ Worker string }
		}
		if err := json.Unmarshal([]byte(line), &event); err != nil {
			t.Fatal(err)
		}
		if seen[event.ID] {
			t.Errorf("%s: event %s is there twice", output, event.ID)
		}
		seen[event.ID] = true
		enrolments[event.Data.Worker]++
	}
	if len(seen) != people || len(enrolments) != people/2 {
		t.Errorf("%s: %s events of %s workers, want %d of %d", output,
			strconv.Itoa(len(seen)), strconv.Itoa(len(enrolments)), people, people/2)
	}
}

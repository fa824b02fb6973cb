package faults

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	seedsEnv = "CAKUPAN_FAULTS"         // which seeds to play
	inEnv    = "CAKUPAN_FAULTS_SEED"    // which seed the process plays
	atEnv    = "CAKUPAN_FAULTS_FOLDER"  // where it finds and leaves things
	binEnv   = "CAKUPAN_FAULTS_PROGRAM" // instead of one built from the source
)

// TestFaults plays the seeds that CAKUPAN_FAULTS names.
func TestFaults(t *testing.T) {
	named := os.Getenv(seedsEnv)
	if named == "" {
		t.Skip("set " + seedsEnv + "=1-300 to play these seeds")
	}
	seeds, err := seedsOf(named)
	if err != nil {
		t.Fatal(err)
	}
	if why := missing(); why != "" {
		t.Skipf("faults: %d seeds skipped: %s", len(seeds), why)
	}
	program := os.Getenv(binEnv)
	if program == "" {
		program = filepath.Join(t.TempDir(), "cakupan")
		build := exec.Command("go", "build", "-tags", "faults", "-o", program,
			"cakupan/cmd/cakupan")
		if output, err := build.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, output)
		}
	}
	var reports []report
	for _, seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			reports = append(reports, playApart(t, program, seed))
		})
	}
	t.Log(summary(reports))
}

// playApart plays a seed in a process in namespaces of its own.
func playApart(t *testing.T, program string, seed uint64) (r report) {
	folder := t.ArtifactDir()
	if absolute, err := filepath.Abs(folder); err == nil {
		folder = absolute
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	since := time.Now()
	child := exec.Command(self, "-test.run=^TestSeed$", "-test.count=1", "-test.timeout=30m")
	child.Env = append(os.Environ(), fmt.Sprintf("%s=%d", inEnv, seed), atEnv+"="+folder,
		binEnv+"="+program)
	child.SysProcAttr = apart()
	output, err := child.CombinedOutput()
	text, readErr := os.ReadFile(filepath.Join(folder, "report.json"))
	if readErr == nil {
		readErr = json.Unmarshal(text, &r)
	}
	r.Seed = seed
	if err := errors.Join(err, readErr); err != nil || r.failed() {
		r.Wrong = append(r.Wrong, "failed")
		t.Errorf("seed %d failed: %v %s\n%s\nlogs: %s\nplay it again: "+
			"%s=%d go test -count=1 -v -run '^TestFaults$' ./cmd/internal/faults",
			seed, err, output, text, folder, seedsEnv, seed)
		for _, name := range logsOf(folder) {
			t.Log(name)
		}
		return r
	}
	t.Logf("seed %d, %v: %d acknowledged %v; %s", seed, time.Since(since).Round(time.Second),
		r.Acked, r.Ways, r.faults())
	return r
}

// logsOf returns the last words of each part.
func logsOf(folder string) (texts []string) {
	names, _ := filepath.Glob(filepath.Join(folder, "*.log"))
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			continue
		}
		text = text[max(0, len(text)-3_000):]
		texts = append(texts, fmt.Sprintf("%s said:\n%s", filepath.Base(name), text))
	}
	return texts
}

// TestSeed plays one seed, in the process that TestFaults starts for it.
func TestSeed(t *testing.T) {
	named, folder := os.Getenv(inEnv), os.Getenv(atEnv)
	if named == "" {
		t.Skip("it is started by TestFaults")
	}
	seeds, err := seedsOf(named)
	if err != nil {
		t.Fatal(err)
	}
	d := &driver{
		plan: planOf(seeds[0]), program: os.Getenv(binEnv), logs: folder,
		load: &load{program: os.Getenv(binEnv), scratch: "/run/scratch"},
	}
	if err := errors.Join(makeSpace(), os.MkdirAll(d.load.scratch, 0o700)); err != nil {
		t.Fatal(err)
	}
	d.report.Seed = d.plan.seed
	d.powerDisks()
	if err := d.seed(); err != nil {
		d.report.Stranded = append(d.report.Stranded, err.Error())
		d.tell()
	}
	for _, p := range slices.Concat(d.nodes, d.ledgers) {
		d.report.Restarted = append(d.report.Restarted, p.restarts()...)
	}
	text, err := json.MarshalIndent(d.report, "", "\t")
	if err == nil {
		err = os.WriteFile(filepath.Join(folder, "report.json"), text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// powerDisks looks which file system, with a journal, the disks may have if power is to be cut: ext4
// and xfs in turns where the machine has both.
func (d *driver) powerDisks() {
	if !d.plan.power {
		return
	}
	systems := []string{"ext4", "xfs"}
	for turn := range systems {
		system := systems[(int(d.plan.seed/10)+turn)%len(systems)]
		err := mountDisk("probe", system)
		if err == nil {
			disk := filepath.Join(disksAt, "probe")
			err = errors.Join(cutPower(disk), tool("umount", disk))
		}
		_ = os.Remove(filepath.Join(disksAt, "probe.img")) // the other system makes its own
		if err == nil {
			d.system = system
			return
		}
		d.noPower = err.Error()
	}
}

// seed plays all of the plan.
func (d *driver) seed() error {
	if err := d.launch(); err != nil {
		return fmt.Errorf("start: %w", err)
	}
	for _, s := range d.plan.steps {
		p, err := d.play(s)
		if errors.Is(err, errSkipped) {
			d.report.Skipped = append(d.report.Skipped, err.Error())
			continue
		}
		if err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
		d.report.Played = append(d.report.Played, p)
	}
	return errors.Join(d.check(), d.stop())
}

// tell ends all parts with what each of their goroutines waits for at the end of their logs. One
// that has ended already says nothing.
func (d *driver) tell() {
	for _, p := range slices.Concat(d.ledgers, d.nodes) {
		_ = p.stop(syscall.SIGQUIT)
	}
}

// faults returns what was played, in words.
func (r *report) faults() string {
	var words []string
	for _, p := range r.Played {
		words = append(words, fmt.Sprintf("%s: writes stopped %v, well after %v, whole after %v",
			p.Kind, p.Stopped.Round(time.Millisecond), p.Well.Round(time.Millisecond),
			p.Whole.Round(time.Millisecond)))
	}
	words = append(words, fmt.Sprintf("nothing waited after %v", r.Ended.Round(time.Millisecond)))
	words = append(append(words, r.Skipped...), r.Restarted...)
	return strings.Join(words, "; ")
}

// summary returns the counts of all seeds, and the medians of each fault.
func summary(reports []report) string {
	var failed, lost, twice, holes, stranded, restarts, liesTold, acked, skipped int
	stopped, well := map[kind][]time.Duration{}, map[kind][]time.Duration{}
	for i := range reports {
		r := &reports[i]
		if r.failed() {
			failed++
		}
		lost, twice, holes = lost+r.Log.Lost+r.Log.Moved, twice+r.Log.Twice, holes+r.Log.Holes
		stranded, restarts = stranded+len(r.Stranded), restarts+len(r.Restarted)
		liesTold, acked, skipped = liesTold+r.Lies, acked+r.Acked, skipped+len(r.Skipped)
		for _, p := range r.Played {
			stopped[p.Kind] = append(stopped[p.Kind], p.Stopped)
			well[p.Kind] = append(well[p.Kind], p.Well)
		}
	}
	text := fmt.Sprintf("faults: %d seeds, %d failed; %d events acknowledged, %d lost, %d twice, "+
		"%d holes, %d stranded, %d ended by themselves, %d times well said and not so; "+
		"%d faults skipped", len(reports), failed, acked, lost, twice, holes, stranded, restarts,
		liesTold, skipped)
	for _, k := range slices.Concat(kinds, powerKinds) {
		if n := len(stopped[k]); n > 0 {
			text += fmt.Sprintf("\n%-26s %3d times, writes stopped %8v (most %8v), well after %8v",
				k, n, median(stopped[k]), slices.Max(stopped[k]).Round(time.Millisecond),
				median(well[k]))
		}
	}
	return text
}

func median(of []time.Duration) time.Duration {
	of = slices.Sorted(slices.Values(of))
	return of[len(of)/2].Round(time.Millisecond)
}

// TestFailed has each thing that must not be make a seed fail.
func TestFailed(t *testing.T) {
	t.Parallel()
	well := report{Restarted: []string{"its supervisor may"}, Skipped: []string{"so be it"}}
	if well.failed() {
		t.Error("a seed that was stood has failed")
	}
	for name, r := range map[string]report{
		"lost": {Log: tally{Lost: 1}}, "twice": {Log: tally{Twice: 1}},
		"hole": {Log: tally{Holes: 1}}, "moved": {Log: tally{Moved: 1}}, "lie": {Lies: 1},
		"different": {Different: 1}, "stranded": {Stranded: []string{"x"}},
		"wrong": {Wrong: []string{"x"}},
	} {
		if !r.failed() {
			t.Errorf("a seed with %s has not failed", name)
		}
	}
}

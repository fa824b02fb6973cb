package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"cakupan/cmd/internal/cli"
	"cakupan/cmd/internal/commands/publishing"
	"cakupan/cmd/internal/commands/serving"
	"cakupan/cmd/internal/problem"
)

// commands returns the words of every command of the grammar.
func commands(t *testing.T) (all [][]string) {
	t.Helper()
	for _, leaf := range model(t).Leaves(true) {
		all = append(all, strings.Fields(leaf.Path()))
	}
	if len(all) < 28 {
		t.Fatalf("%d commands", len(all))
	}
	return all
}

// model returns the grammar as it is parsed.
func model(t *testing.T) *kong.Application {
	t.Helper()
	parser, err := kong.New(&grammar{},
		cli.HelpTexts(texts(), clusterTexts(), memberTexts(), proofTexts(), serving.ShareTexts()),
		kong.NamedMapper("folder", publishing.FolderOrEvent(new(publishing.EventData))),
		kong.NamedMapper("login", kong.MapperFunc(cli.LoginOrFile)))
	if err != nil {
		t.Fatal(err)
	}
	return parser.Model
}

// TestEveryCommandHelps: every command says what it does, its flags with their words, and what its
// exit code says; `help COMMAND` is the same.
func TestEveryCommandHelps(t *testing.T) {
	if testing.Short() {
		t.Skip("long in one goroutine")
	}
	for _, command := range commands(t) {
		name := strings.Join(command, " ")
		code, stdout, stderr := runCommand(t, append(slices.Clone(command), "--help")...)
		if code != 0 || stderr != "" {
			t.Errorf("%s --help: exit %d: %s", name, code, stderr)
		}
		if !strings.HasPrefix(stdout, "Usage: cakupan "+name) || strings.Contains(stdout, "${") {
			t.Errorf("%s --help: %s", name, stdout)
		}
		if !strings.Contains(stdout, "5  a check failed") && name != "version" {
			t.Errorf("%s --help does not list the exit codes", name)
		}
		for line := range strings.Lines(stdout) {
			if columns := len([]rune(strings.TrimRight(line, "\n"))); columns > 96 {
				t.Errorf("%s --help has a line of %d columns: %s", name, columns, line)
			}
		}
		_, same, _ := runCommand(t, append([]string{"help"}, command...)...)
		if same != stdout {
			t.Errorf("help %s says another thing than %s --help", name, name)
		}
	}
}

// TestEveryCommandRefuses what it does not understand: exit code 2, a sentence that names it, with
// --json a problem, nothing on standard output, and no folder is made.
func TestEveryCommandRefuses(t *testing.T) {
	if testing.Short() {
		t.Skip("long in one goroutine")
	}
	t.Chdir(t.TempDir())
	for _, command := range commands(t) {
		name := strings.Join(command, " ")
		for wrong, args := range map[string][]string{
			"--no-such-flag": {"--no-such-flag"},
			"--json=maybe":   {"--json=maybe"},
			"--data":         {"--data"},
		} {
			code, stdout, stderr := runCommand(t, append(slices.Clone(command), args...)...)
			if code != problem.ExitUsage || stdout != "" || !strings.HasPrefix(stderr, "cakupan: ") ||
				!strings.Contains(stderr, strings.TrimLeft(wrong, "-")[:4]) {
				t.Errorf("%s %s: exit %d: %s%s", name, wrong, code, stdout, stderr)
			}
		}
		code, stdout, stderr := runCommand(t, slices.Concat([]string{"--json"}, command,
			[]string{"--no-such-flag"})...)
		var told struct {
			Code   problem.Code
			Detail string
		}
		if err := json.Unmarshal([]byte(stderr), &told); err != nil || code != problem.ExitUsage ||
			told.Code != problem.UsageWrong || !strings.Contains(told.Detail, "no-such-flag") ||
			stdout != "" {
			t.Errorf("--json %s: exit %d, %v: %s%s", name, code, err, stdout, stderr)
		}
	}
	if left, err := os.ReadDir("."); err != nil || len(left) > 0 {
		t.Errorf("%v was made, %v", left, err)
	}
}

// TestEveryFlagRefuses an empty value, which most often is a variable that a script has not set, and
// a second one where one counts: neither is taken for a flag that was left out.
func TestEveryFlagRefuses(t *testing.T) {
	t.Chdir(t.TempDir())
	empty, twice := 0, 0
	for _, leaf := range model(t).Leaves(true) {
		command, flags := strings.Fields(leaf.Path()), slices.Concat(leaf.AllFlags(false)...)
		for _, p := range leaf.Positional {
			if p.Required {
				command = append(command, some(p))
			}
		}
		for _, f := range flags {
			if f.Required {
				command = append(command, "--"+f.Name+"="+some(f.Value))
			}
		}
		for _, f := range flags {
			if f.IsBool() || f.IsCounter() {
				continue
			}
			lines := [][]string{{"--" + f.Name + "="}}
			if f.Target.Kind() == reflect.String && f.Enum == "" && f.Tag.Type == "" &&
				f.Name != "server" && f.Name != "secret-file" {
				lines = append(lines, []string{"--" + f.Name + "=1", "--" + f.Name + "=2"})
				twice++
			}
			for _, args := range lines {
				code, stdout, stderr := runCommand(t, append(slices.Clone(command), args...)...)
				if code != problem.ExitUsage || stdout != "" || !strings.Contains(stderr, "--"+f.Name) {
					t.Errorf("%v %v: exit %d: %s%s", command, args, code, stdout, stderr)
				}
			}
			empty++
		}
	}
	if empty < 200 || twice < 100 {
		t.Errorf("%d flags, %d twice", empty, twice)
	}
	if left, err := os.ReadDir("."); err != nil || len(left) > 0 {
		t.Errorf("%v was made, %v", left, err)
	}
}

// some returns what may stand in an argument or behind a flag.
func some(v *kong.Value) string {
	if v.Enum != "" {
		return v.EnumSlice()[0]
	}
	return "1"
}

// TestNoLedger asks a folder with no ledger everything that only reads: exit code 4, and the folder
// is not made.
func TestNoLedger(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "none")
	for _, args := range [][]string{
		{"coverage"}, {"series"}, {"log"}, {"replay"}, {"verify"}, {"inspect"},
	} {
		code, stdout, stderr := runCommand(t, append(args, "--data", dir)...)
		if code != problem.ExitNotFound || stdout != "" || !strings.Contains(stderr, dir) {
			t.Errorf("%v: exit %d: %s%s", args, code, stdout, stderr)
		}
		code, _, stderr = runCommand(t, append(args, "--data", dir, "--json")...)
		if code != problem.ExitNotFound || !json.Valid([]byte(stderr)) {
			t.Errorf("%v --json: exit %d: %s", args, code, stderr)
		}
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("the folder was made: %v", err)
	}
}

// TestNoServer asks a server that is not there: exit code 1, the address, and what to look at.
func TestNoServer(t *testing.T) {
	address, err := freeAddress()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "a.ndjson")
	writeText(t, file, "{}\n")
	for _, args := range [][]string{
		{"coverage"},
		{"series"},
		{"log"},
		{"replay"},
		{"verify"},
		{"health"},
		{"refused", "list"},
		{"refused", "show", "1"},
		{"refused", "retry", "1"},
		{"refused", "drop", "1"},
		{"import", file},
		{"publish", "--type", "target.set.v1", "--source", "urn:x", "--data", "{}"},
	} {
		code, stdout, stderr := runCommand(t, append(args, "--server", address)...)
		if code != problem.ExitFailed || !strings.Contains(stderr, address) ||
			!strings.Contains(stderr, "does not answer") && args[0] != "refused" {
			t.Errorf("%v: exit %d: %s%s", args, code, stdout, stderr)
		}
	}
}

// TestNoNIKInUsage: who types a number where a command or a name belongs does not find it in the
// error, which is often pasted into a chat.
func TestNoNIKInUsage(t *testing.T) {
	const nik = "7503011501900001"
	for _, args := range [][]string{
		{nik},
		{"coverage", nik},
		{"log", "--from", nik, "x" + nik},
		{"publisher", "revoke", nik},
		{"coverage", "--region", nik, "--data", "x", "--server", nik},
		{"docs", "schema", nik},
	} {
		code, stdout, stderr := runCommand(t, append(args, "--data", t.TempDir())...)
		if code == 0 || strings.Contains(stdout+stderr, nik) {
			t.Errorf("%v: exit %d: %s%s", args, code, stdout, stderr)
		}
	}
}

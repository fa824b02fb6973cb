// The house rules, as a test: go test ./cmd/internal/tidy.

package tidy

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const (
	root   = "../../.."
	module = "cakupan/"

	functionLinesMax = 70 // signature and braces included
	fileLinesMax     = 500
	columnsMax       = 100 // a tab counts 4
	paramsMax        = 5
)

// mayImport lists what the non-test code of a folder may import from this module. Folders are
// written as the go command writes them: "x" is the folder x, "x/..." is x and all below it.
// The most specific line decides, and what it does not list is forbidden, but for a package's
// own parts below it.
//
// The rooms: cmd → projections → eventstore → domain. An arrow may skip a room; none points back.
var mayImport = map[string][]string{
	"domain/...": {"domain/..."},

	// The log knows bytes and moments, not what an enrolment is.
	"eventstore":             {"domain/temporal", "eventstore/merkle"},
	"eventstore/...":         {"eventstore/...", "domain/..."},
	"eventstore/merkle/...":  {},
	"eventstore/durable/...": {"eventstore/durable"},
	"eventstore/keyfile/...": {"eventstore/durable"},
	"eventstore/inspect/...": {},
	"eventstore/vault/...": {
		"domain/temporal", "eventstore", "eventstore/durable", "eventstore/index",
		"eventstore/inspect", "eventstore/keyfile", "eventstore/merkle", "eventstore/packs",
		"eventstore/seal", "eventstore/vault/older",
	},
	"eventstore/vault/vaulttest/...": {
		"eventstore", "eventstore/natsd", "eventstore/packs", "eventstore/vault",
	},
	"eventstore/natsd/...": {
		"eventstore", "eventstore/durable", "eventstore/inspect", "eventstore/packs",
	},
	// For tests, as vaulttest.
	"eventstore/natsd/clustertest/...": {"eventstore/natsd"},
	"eventstore/jetstream/...":         {"eventstore", "eventstore/merkle", "domain/temporal"},
	"eventstore/packs/...": {
		"eventstore", "eventstore/jetstream", "eventstore/jetstream/copies", "eventstore/inspect",
	},
	"eventstore/lookups/...":     {"eventstore", "eventstore/packs", "domain/temporal"},
	"eventstore/memlog/...":      {"eventstore", "eventstore/merkle", "domain/temporal"},
	"eventstore/logtest/...":     {"eventstore", "eventstore/merkle", "domain/temporal"},
	"eventstore/jetstream/lease": {"eventstore/jetstream"},

	// Each model answers one question, knows no other model, and could be deleted alone. They all
	// stand on the same floor: checked files, pages; what facts come to, by steps, spans, persons, timeline; counts.
	"projections/...": {
		"projections", "projections/checked", "projections/pages", "projections/steps",
		"projections/spans", "projections/persons", "projections/groups",
		"projections/timeline", "projections/facts", "projections/counts", "eventstore",
		"eventstore/codec", "eventstore/durable", "eventstore/inspect", "eventstore/merkle",
		"domain/...",
	},
	"projections/checked/...":  {"eventstore/inspect"},
	"projections/pages/...":    {"projections/checked"},
	"projections/steps/...":    {},
	"projections/spans/...":    {},
	"projections/persons/...":  {},
	"projections/groups/...":   {"projections/pages"},
	"projections/timeline/...": {"projections/steps", "domain/..."},
	"projections/counts/...": {
		"projections/checked", "projections/pages", "eventstore", "domain/temporal",
	},
	"projections/facts/...": {
		"projections/checked", "projections/pages", "projections/steps", "projections/persons",
		"eventstore", "eventstore/codec", "domain/...",
	},
	"projections/projtest/...": {
		"projections", "projections/checked", "eventstore/...", "domain/...",
	},
	"projections/standing/...": {"projections/facts", "eventstore", "domain/..."},
	"projections/standingtest/...": {
		"projections", "projections/checked", "projections/coverage", "projections/projtest",
		"eventstore", "domain/...",
	},
	// They count nothing and keep nothing: they ask the facts of another model.
	"projections/explain/...":    {"projections/standing", "projections/facts", "eventstore", "domain/..."},
	"projections/difference/...": {"projections/standing", "projections/facts", "eventstore", "domain/..."},
	"projections/reconcile/...":  {"projections/coverage", "eventstore", "domain/..."},
	"projections/story/...": {
		"projections/standing", "projections/facts", "projections/history", "eventstore",
		"eventstore/cloudevents", "domain/...",
	},
	"projections/funding/...": {
		"projections/standing", "projections/facts", "projections/history", "eventstore",
		"domain/...",
	},
	"projections/effect/...": {"projections/standing", "projections/facts", "eventstore", "domain/..."},

	// The parts of the program do not know each other; only the program wires them.
	// They speak the words of the gate, and cut what they read into events in one way.
	"cmd/internal/...": {
		"cmd/internal/problem", "cmd/internal/intake", "cmd/internal/split",
		"projections/...", "eventstore/...", "domain/...",
	},
	"cmd/internal/intake/...":  {"eventstore/...", "domain/..."},
	"cmd/internal/split/...":   {"domain/..."},
	"cmd/internal/problem/...": {"projections/checked", "eventstore/...", "domain/..."},
	// The ledger stands on its gates, and what shows it stands on the ledger.
	"cmd/internal/ledger/...": {
		"cmd/internal/access/...", "cmd/internal/backups", "cmd/internal/bundle",
		"cmd/internal/clock", "cmd/internal/cluster", "cmd/internal/cost",
		"cmd/internal/datafolder", "cmd/internal/excerpt", "cmd/internal/folder",
		"cmd/internal/intake", "cmd/internal/lifetime", "cmd/internal/lists/matched",
		"cmd/internal/natsin", "cmd/internal/problem", "cmd/internal/prover", "cmd/internal/rights", "cmd/internal/shares",
		"cmd/internal/takeback", "projections/...", "eventstore/...", "domain/...",
	},
	// Its rooms know nothing of it: what they ask of it stands in an interface of their own.
	"cmd/internal/excerpt/...": {"projections/history", "eventstore/...", "domain/..."},
	"cmd/internal/folder/...": {
		"cmd/internal/natsin", "cmd/internal/problem", "projections", "eventstore/...",
		"domain/temporal",
	},
	"cmd/internal/clock/...": {"cmd/internal/problem", "domain/temporal"},
	"cmd/internal/ledgertest/...": { // for their tests
		"cmd/internal/excerpt", "cmd/internal/intake", "cmd/internal/rights",
		"cmd/internal/takeback", "projections/...", "eventstore/...", "domain/...",
	},
	"cmd/internal/cost/...": {
		"cmd/internal/problem", "projections/coverage", "eventstore", "domain/event",
	},
	"cmd/internal/cluster/...": {
		"cmd/internal/intake", "cmd/internal/lifetime", "cmd/internal/problem", "eventstore/...",
		"domain/event",
	},
	"cmd/internal/lifetime/...": {},
	"cmd/internal/backups/...": {
		"cmd/internal/access", "cmd/internal/cluster", "cmd/internal/folder",
		"cmd/internal/natsin", "cmd/internal/problem", "eventstore/...", "domain/...",
	},
	"cmd/internal/prover/...": {
		"cmd/internal/bundle", "cmd/internal/folder", "cmd/internal/problem", "eventstore/...",
	},
	"cmd/internal/rights/...": {
		"cmd/internal/excerpt", "cmd/internal/intake", "projections/facts", "projections/history",
		"projections/standing", "eventstore/...", "domain/...",
	},
	"cmd/internal/takeback/...": {
		"cmd/internal/excerpt", "cmd/internal/intake", "cmd/internal/problem",
		"cmd/internal/rights", "projections/...", "eventstore/...", "domain/...",
	},
	"cmd/internal/live/...": {
		"cmd/internal/cluster", "cmd/internal/ledger", "cmd/internal/problem",
		"cmd/internal/small", "projections/...", "eventstore/...", "domain/...",
	},
	"cmd/internal/bucket/...": {
		"cmd/internal/live", "cmd/internal/small", "projections/...", "eventstore/...", "domain/...",
	},
	"cmd/internal/httpapi/...": {
		"cmd/internal/backups", "cmd/internal/excerpt", "cmd/internal/gzipped",
		"cmd/internal/intake", "cmd/internal/ledger", "cmd/internal/lists/matched", "cmd/internal/live", "cmd/internal/problem",
		"cmd/internal/shares", "cmd/internal/small", "cmd/internal/split",
		"cmd/internal/takeback", "projections/...", "eventstore/...", "domain/...",
	},
	"cmd/internal/small/...":     {"projections/coverage"},
	"cmd/internal/dashboard/...": {"cmd/internal/gzipped", "domain/..."},
	"cmd/internal/release/...":   {"cmd/internal/build"},
	"cmd/internal/shares/...":    {},
	"cmd/internal/bench/...": {
		"cmd/internal/httpapi", "cmd/internal/intake", "cmd/internal/ledger",
		"cmd/internal/natsin", "cmd/internal/sample", "projections/...", "eventstore/...",
		"domain/...",
	},
	"cmd/internal/client/...": {
		"cmd/internal/cluster", "cmd/internal/door", "cmd/internal/httpapi",
		"cmd/internal/ledger", "cmd/internal/lists", "cmd/internal/lists/matched",
		"cmd/internal/lists/named",
		"cmd/internal/problem", "projections/effect", "eventstore", "eventstore/cloudevents",
		"domain/...",
	},
	"cmd/internal/importer/...": {
		"cmd/internal/client", "cmd/internal/intake", "cmd/internal/ledger",
		"cmd/internal/lists/...", "cmd/internal/problem", "cmd/internal/split",
		"projections/effect", "eventstore", "eventstore/cloudevents", "eventstore/durable",
		"domain/...",
	},
	"cmd/internal/upload/...": {
		"cmd/internal/client", "cmd/internal/httpapi", "cmd/internal/importer",
		"cmd/internal/intake", "cmd/internal/lists/...", "cmd/internal/problem", "domain/...",
	},
	"cmd/internal/door/...": {
		"cmd/internal/access/...", "cmd/internal/httpapi", "cmd/internal/lifetime",
		"cmd/internal/problem", "domain/...",
	},
	"cmd/internal/witness/...": {"cmd/internal/problem", "eventstore/..."},
	// Commands do through it what a running ledger does for its owner alone.
	"cmd/internal/control/...": {
		"cmd/internal/access/...", "cmd/internal/ledger", "cmd/internal/problem",
		"eventstore/vault", "domain/temporal",
	},
	"cmd/internal/metrics/...": {
		"cmd/internal/access", "cmd/internal/cluster", "cmd/internal/ledger",
		"cmd/internal/small", "projections/coverage",
		"eventstore", "domain/...",
	},
	"cmd/internal/traces/...": {"cmd/internal/build", "cmd/internal/problem"},
	"cmd/internal/memory/...": {},
	"cmd/internal/nobody/...": {}, // for tests
	"cmd/internal/sample/...": {"domain/..."},
	// It knows every file, also the register.
	"cmd/internal/datafolder/...": {
		"cmd/internal/access/...", "cmd/internal/problem", "projections/...", "eventstore/...",
		"domain/event",
	},
	// A list is a list of people in a file: it knows its own parts and the domain, not the ledger.
	"cmd/internal/lists/...": {"cmd/internal/lists/...", "cmd/internal/problem", "domain/..."},
	// Commands stand on the command line, and not on each other; how it shows things knows less the
	// further down: answers, tables, words.
	"cmd/internal/cli/...": {
		"cmd/internal/cli/words", "cmd/internal/client", "cmd/internal/httpapi",
		"cmd/internal/ledger", "cmd/internal/problem", "eventstore", "eventstore/durable",
	},
	"cmd/internal/cli/words/...":   {"cmd/internal/lists", "projections/...", "eventstore", "domain/..."},
	"cmd/internal/cli/table/...":   {"cmd/internal/cli/words", "cmd/internal/lists/csv"},
	"cmd/internal/cli/picture/...": {"cmd/internal/cli/words", "projections/story", "domain/temporal"},
	"cmd/internal/cli/answers/...": {
		"cmd/internal/cli", "cmd/internal/cli/table", "cmd/internal/cli/words",
		"cmd/internal/client", "cmd/internal/httpapi", "cmd/internal/lists",
		"cmd/internal/problem", "projections/...",
	},
	"cmd/internal/commands/...": {
		"cmd/internal/access/...", "cmd/internal/apidoc", "cmd/internal/backups",
		"cmd/internal/bench", "cmd/internal/bucket", "cmd/internal/build",
		"cmd/internal/bundle", "cmd/internal/cli/...", "cmd/internal/client",
		"cmd/internal/cluster", "cmd/internal/control", "cmd/internal/dashboard",
		"cmd/internal/datafolder", "cmd/internal/door", "cmd/internal/excerpt",
		"cmd/internal/folder", "cmd/internal/httpapi",
		"cmd/internal/importer", "cmd/internal/indonesian", "cmd/internal/intake",
		"cmd/internal/ledger/...", "cmd/internal/lists/...", "cmd/internal/live",
		"cmd/internal/manual", "cmd/internal/memory", "cmd/internal/metrics", "cmd/internal/natsin",
		"cmd/internal/problem", "cmd/internal/release", "cmd/internal/sample",
		"cmd/internal/setup", "cmd/internal/shares", "cmd/internal/shell",
		"cmd/internal/takeback", "cmd/internal/traces", "cmd/internal/upload", "cmd/internal/witness",
		"projections/...", "eventstore/...", "domain/...",
	},
	"cmd/cakupan/...": {
		"cmd/internal/...", "projections/...", "eventstore/...", "domain/...",
	},
}

// atHome lists modules of others that only some folders' non-test code may import.
var atHome = map[string][]string{
	"github.com/nats-io/nats-server/v2": {"eventstore/natsd/..."},
	"github.com/nats-io/nats.go": {
		"eventstore/jetstream/...", "eventstore/packs/...", "eventstore/natsd/...",
		"eventstore/pubsub/...", "eventstore/lookups/...", "cmd/...",
	},
	// Watermill is for other programs; bench measures what a way through it costs.
	"github.com/ThreeDotsLabs": {"eventstore/pubsub/...", "cmd/internal/bench/..."},
	"go.etcd.io/bbolt":         {"eventstore/vault/...", "projections/checked/..."},
	// The server that natsd runs takes WebSockets by it.
	"net/http": {"cmd/...", "eventstore/natsd"},
	// Who knows of flags: the table of commands, what they stand on, and what tells of them.
	"github.com/alecthomas/kong": {
		"cmd/cakupan", "cmd/internal/cli", "cmd/internal/commands/...", "cmd/internal/indonesian",
		"cmd/internal/manual", "cmd/internal/shell",
	},
}

// impure lists packages of the standard library, with all below them, that decide nothing: they
// read or write the world, wait, or differ from one run to the next. Neither domain nor the
// mathematics of the Merkle tree may import them.
var impure = []string{
	"crypto/rand", "database", "io/ioutil", "log", "math/rand", "net", "os", "plugin", "runtime",
	"sync", "syscall", "testing", "time", "unsafe",
}

// bannedCalls lists selectors that a folder must not mention, and why.
var bannedCalls = map[string]map[string]string{
	"projections/...": {
		"time.Now":   "a replay must not depend on when it runs",
		"time.Since": "a replay must not depend on when it runs",
	},
}

// lasting lists selectors that only eventstore/durable may mention, and why: elsewhere the folder
// would be forgotten again, and no test could cut the power there.
var lasting = map[string]string{
	"os.Rename":      "call durable.Rename or durable.Commit",
	"os.Link":        "call durable.Create",
	"file.Sync":      "call durable.Sync",
	"durable.Inject": "faults are for tests",
}

// noRoom lists package names that do not say what is inside.
var noRoom = []string{
	"base", "common", "helper", "helpers", "misc", "shared", "types", "util", "utils",
}

// topFolders lists the folders of code; there is no other.
var topFolders = []string{"cmd", "domain", "eventstore", "projections"}

func TestTidy(t *testing.T) {
	documented := map[string]bool{} // folder => has a package comment
	for _, path := range sources(t) {
		src, err := os.ReadFile(filepath.Join(root, path))
		if err != nil {
			t.Fatal(err)
		}
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, path, src, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		folder := filepath.ToSlash(filepath.Dir(path))
		checkLines(t, path, string(src), ast.IsGenerated(file))
		checkBodies(t, folder, fset, file)
		if strings.HasPrefix(string(src), "//go:build ignore") {
			continue // a program that makes a file of the folder, not a part of its package
		}
		documented[folder] = documented[folder] || file.Doc != nil
		checkPlace(t, folder, path, file)
		checkImports(t, folder, path, file)
	}
	for _, folder := range slices.Sorted(maps.Keys(documented)) {
		if !documented[folder] {
			t.Errorf("%s: no package comment: say in one sentence what lives here", folder)
		}
	}
}

// TestRules shows that the rules bite: each line breaks one.
func TestRules(t *testing.T) {
	for _, c := range []struct {
		folder, target string
		want           bool
	}{
		{"domain/event", "cakupan/domain/region", true},
		{"domain/event", "cakupan/eventstore", false},
		{"domain/event", "strings", true},
		{"domain/event", "os", false},
		{"domain/event", "net/url", false},
		{"domain/event", "math/rand/v2", false},
		{"domain/event", "github.com/google/go-cmp/cmp", false},
		{"eventstore", "cakupan/domain/temporal", true},
		{"eventstore", "cakupan/domain/event", false},
		{"eventstore", "cakupan/eventstore/writer", false},
		{"eventstore/writer", "cakupan/eventstore/merkle", true},
		{"eventstore/writer", "cakupan/projections", false},
		{"eventstore/writer", "github.com/nats-io/nats.go", false},
		{"eventstore/merkle", "cakupan/eventstore", false},
		{"eventstore/merkle", "golang.org/x/mod/sumdb/tlog", true},
		{"eventstore/merkle", "os", false},
		{"eventstore/vault", "cakupan/domain/event", false},
		{"eventstore/vault", "go.etcd.io/bbolt", true},
		{"eventstore/jetstream", "cakupan/eventstore", true},
		{"eventstore/jetstream", "cakupan/eventstore/natsd", false},
		{"eventstore/jetstream", "github.com/nats-io/nats.go/jetstream", true},
		{"eventstore/jetstream", "github.com/nats-io/nats-server/v2/server", false},
		{"eventstore/memlog", "cakupan/eventstore/jetstream", false},
		{"eventstore/natsd", "cakupan/eventstore/memlog", false},
		{"eventstore/natsd", "github.com/nats-io/nats-server/v2/server", true},
		{"projections", "cakupan/projections/coverage", false},
		{"projections/coverage", "cakupan/projections/coverage/digest", true},
		{"projections/coverage", "cakupan/projections", true},
		{"projections/coverage", "cakupan/projections/history", false},
		{"projections/coverage", "cakupan/projections/counts", true},
		{"projections/coverage", "cakupan/projections/facts", true},
		{"projections/facts", "cakupan/projections/counts", false},
		{"projections/facts", "cakupan/projections/coverage", false},
		{"projections/counts", "cakupan/domain/enrolment", false},
		{"projections/coverage", "cakupan/projections/timeline", true},
		{"projections/timeline", "cakupan/projections/steps", true},
		{"projections/timeline", "cakupan/projections/facts", false},
		{"projections/persons", "cakupan/domain/enrolment", false},
		{"projections/coverage", "cakupan/eventstore/jetstream", false},
		{"projections/coverage", "github.com/nats-io/nats.go", false},
		{"projections/coverage", "cakupan/cmd/internal/intake", false},
		{"projections/coverage", "net/http", false},
		{"cmd/internal/httpapi", "cakupan/cmd/internal/problem", true},
		{"cmd/internal/httpapi", "cakupan/cmd/internal/ledger", true},
		{"cmd/internal/httpapi", "cakupan/cmd/internal/natsin", false},
		{"cmd/internal/ledger", "cakupan/cmd/internal/httpapi", false},
		{"cmd/internal/intake", "cakupan/cmd/internal/ledger", false},
		{"cmd/internal/httpapi", "cakupan/cmd/internal/intake", true},
		{"cmd/internal/httpapi", "cakupan/cmd/internal/natsin", false},
		{"cmd/internal/intake", "cakupan/cmd/internal/httpapi", false},
		{"cmd/internal/split", "cakupan/cmd/internal/intake", false},
		{"cmd/internal/problem", "cakupan/cmd/internal/httpapi", false},
		{"cmd/internal/natsin", "github.com/ThreeDotsLabs/watermill/message", false},
		{"eventstore/pubsub", "github.com/ThreeDotsLabs/watermill/message", true},
		{"cmd/internal/commands/auditing", "cakupan/cmd/internal/cli/answers", true},
		{"cmd/internal/commands/auditing", "cakupan/cmd/internal/commands/showing", false},
		{"cmd/internal/cli/answers", "cakupan/cmd/internal/cli", true},
		{"cmd/internal/cli/table", "cakupan/cmd/internal/cli", false},
		{"cmd/internal/cli", "cakupan/cmd/internal/commands/showing", false},
		{"cmd/internal/ledger", "cakupan/cmd/internal/cli", false},
		{"cmd/internal/cli", "github.com/alecthomas/kong", true},
		{"cmd/internal/httpapi", "github.com/alecthomas/kong", false},
		{"cmd/cakupan", "cakupan/cmd/internal/intake", true},
		{"cmd/cakupan", "github.com/nats-io/nats-server/v2/server", false},
	} {
		if got := importAllowed(c.folder, c.target); got != c.want {
			t.Errorf("may %s import %s? %t, want %t", c.folder, c.target, got, c.want)
		}
	}
}

// sources returns the paths, relative to root, of the Go files that are not tests.
func sources(t *testing.T) (paths []string) {
	t.Helper()
	err := fs.WalkDir(os.DirFS(root), ".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != "." && (d.Name() == "testdata" || d.Name()[0] == '.'):
			return fs.SkipDir
		case strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go"):
			paths = append(paths, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

func checkPlace(t *testing.T, folder, path string, file *ast.File) {
	t.Helper()
	if top, _, _ := strings.Cut(folder, "/"); !slices.Contains(topFolders, top) {
		t.Errorf("%s: code lives in %s", path, strings.Join(topFolders, ", "))
	}
	if slices.Contains(noRoom, file.Name.Name) {
		t.Errorf("%s: package name %q does not say what is inside", path, file.Name.Name)
	}
}

// checkLines checks the lengths of a file and its lines; a generated file may be long.
func checkLines(t *testing.T, path, src string, generated bool) {
	t.Helper()
	lines := strings.Split(strings.ReplaceAll(src, "\t", "    "), "\n")
	if count := len(lines) - 1; count > fileLinesMax && !generated {
		t.Errorf("%s: %d lines, at most %d", path, count, fileLinesMax)
	}
	for i, line := range lines {
		// A struct tag cannot be broken, and the command line's help stands in them.
		tagged := strings.HasSuffix(strings.TrimSpace(line), "`")
		if n := len([]rune(line)); n > columnsMax && !generated && !tagged {
			t.Errorf("%s:%d: %d columns, at most %d", path, i+1, n, columnsMax)
		}
	}
}

func checkImports(t *testing.T, folder, path string, file *ast.File) {
	t.Helper()
	for _, spec := range file.Imports {
		if target := strings.Trim(spec.Path.Value, `"`); !importAllowed(folder, target) {
			t.Errorf("%s: %s must not import %s", path, folder, target)
		}
	}
}

// importAllowed tells whether the non-test code of a folder may import the package of a path.
func importAllowed(folder, target string) bool {
	if local, ours := strings.CutPrefix(target, module); ours {
		if strings.Contains(folder, "/") && matches(folder+"/...", local) {
			return true // its own parts; but a room's root knows none of its packages by right
		}
		allowed := mayImport[mostSpecific(maps.Keys(mayImport), folder)]
		return mostSpecific(slices.Values(allowed), local) != ""
	}
	for guarded, homes := range atHome {
		if matches(guarded+"/...", target) && mostSpecific(slices.Values(homes), folder) == "" {
			return false
		}
	}
	first, _, _ := strings.Cut(target, "/")
	standard := !strings.Contains(first, ".")
	switch {
	case matches("domain/...", folder):
		return standard && !isImpure(target)
	case matches("eventstore/merkle/...", folder):
		return standard && !isImpure(target) || target == "golang.org/x/mod/sumdb/tlog"
	}
	return true
}

func isImpure(target string) bool {
	return slices.ContainsFunc(impure, func(folder string) bool {
		return matches(folder+"/...", target)
	})
}

func checkBodies(t *testing.T, folder string, fset *token.FileSet, file *ast.File) {
	t.Helper()
	banned := bannedCalls[mostSpecific(maps.Keys(bannedCalls), folder)]
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			pos := fset.Position(n.Pos())
			if lines := fset.Position(n.End()).Line - pos.Line + 1; lines > functionLinesMax {
				t.Errorf("%s: %s has %d lines, at most %d", pos, n.Name, lines, functionLinesMax)
			}
			if params := n.Type.Params.NumFields(); params > paramsMax {
				t.Errorf("%s: %s has %d parameters, at most %d", pos, n.Name, params, paramsMax)
			}
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok && banned[x.Name+"."+n.Sel.Name] != "" {
				name := x.Name + "." + n.Sel.Name
				t.Errorf("%s: %s: %s", fset.Position(n.Pos()), name, banned[name])
			}
			checkLasting(t, folder, fset.Position(n.Pos()), n)
		}
		return true
	})
}

// checkLasting checks that files are made to last in one place.
func checkLasting(t *testing.T, folder string, pos token.Position, n *ast.SelectorExpr) {
	t.Helper()
	if why := notLasting(n); why != "" && !matches("eventstore/durable/...", folder) {
		t.Errorf("%s: %s", pos, why)
	}
}

// notLasting returns what to do instead of what a selector mentions, "" where that may stand.
func notLasting(n *ast.SelectorExpr) string {
	of := ""
	switch x := n.X.(type) {
	case *ast.Ident:
		of = x.Name
	case *ast.SelectorExpr:
		of = x.Sel.Name
	}
	if n.Sel.Name == "Sync" && of != "durable" && of != "db" { // a database syncs itself
		of = "file"
	}
	return lasting[of+"."+n.Sel.Name]
}

// TestLastingBites shows that the rule finds what it is for.
func TestLastingBites(t *testing.T) {
	for expression, want := range map[string]bool{
		"os.Rename": true, "os.Link": true, "w.file.Sync": true, "tmp.Sync": true,
		"durable.Inject": true, "durable.Sync": false, "r.db.Sync": false, "os.Remove": false,
	} {
		n, err := parser.ParseExpr(expression)
		if err != nil {
			t.Fatal(err)
		}
		if got := notLasting(n.(*ast.SelectorExpr)) != ""; got != want {
			t.Errorf("%s: found %t, want %t", expression, got, want)
		}
	}
}

// mostSpecific returns the pattern that says most about path, or "" when none matches it:
// "x" before "x/..." before "...".
func mostSpecific(patterns iter.Seq[string], path string) (best string) {
	for pattern := range patterns {
		if matches(pattern, path) && specificity(pattern) > specificity(best) {
			best = pattern
		}
	}
	return best
}

// specificity orders patterns that match the same path: by length of the folder, then exact ones.
func specificity(pattern string) int {
	folder, subtree := strings.CutSuffix(pattern, "/...")
	if subtree {
		return 2 * len(folder)
	}
	return 2*len(folder) + 1
}

func matches(pattern, path string) bool {
	folder, subtree := strings.CutSuffix(pattern, "/...")
	return path == folder || subtree && strings.HasPrefix(path, folder+"/")
}

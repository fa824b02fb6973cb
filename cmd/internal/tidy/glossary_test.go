package tidy

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"
)

// glossaryRow is a row of a table of docs/glossary.md: its cells, without the marks of code.
type glossaryRow []string

// glossaryTables returns the tables under each heading, without their heads.
func glossaryTables(text string) map[string][]glossaryRow {
	tables, heading := map[string][]glossaryRow{}, ""
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if title, found := strings.CutPrefix(line, "## "); found {
			heading = title
		}
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| word |") ||
			strings.HasPrefix(line, "| verb |") {
			continue
		}
		var row glossaryRow
		for cell := range strings.SplitSeq(strings.Trim(line, "|"), "|") {
			row = append(row, strings.Trim(strings.TrimSpace(cell), "`"))
		}
		tables[heading] = append(tables[heading], row)
	}
	return tables
}

// names are what the source declares: names of packages and of their types' methods by folder.
type names struct {
	declared  map[string][]string // folder => names
	functions map[string][]string // folder => names of functions and methods
}

func sourceNames(t *testing.T) names {
	t.Helper()
	n := names{map[string][]string{}, map[string][]string{}}
	for _, file := range sources(t) {
		parsed, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, file), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		folder := path.Dir(filepath.ToSlash(file))
		for _, declaration := range parsed.Decls {
			n.add(folder, declaration)
		}
	}
	return n
}

func (n names) add(folder string, declaration ast.Decl) {
	switch d := declaration.(type) {
	case *ast.FuncDecl:
		n.declared[folder] = append(n.declared[folder], d.Name.Name)
		n.functions[folder] = append(n.functions[folder], d.Name.Name)
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch s := spec.(type) {
			case *ast.TypeSpec:
				n.declared[folder] = append(n.declared[folder], s.Name.Name)
			case *ast.ValueSpec:
				for _, name := range s.Names {
					n.declared[folder] = append(n.declared[folder], name.Name)
				}
			}
		}
	}
}

// has tells whether a folder ("x", or "x/..." for all below it too) declares a name. Below a room
// the case of the first letter says nothing: a name that a package takes for itself stays a word.
func (n names) has(where, name string) bool {
	for folder, declared := range n.declared {
		if matches(where, folder) && (slices.Contains(declared, name) ||
			strings.HasSuffix(where, "/...") && slices.ContainsFunc(declared,
				func(d string) bool { return strings.EqualFold(d, name) })) {
			return true
		}
	}
	return false
}

// strays returns the functions that are named by a verb away from its home.
func (n names) strays(verb, home string) (found []string) {
	for folder, functions := range n.functions {
		for _, name := range functions {
			if isVerb(name, verb) && !matches(home+"/...", folder) {
				found = append(found, folder+": "+name)
			}
		}
	}
	slices.Sort(found)
	return found
}

// isVerb tells whether a function's name is a verb, begins with it, or is its participle: "settle",
// "SettleAll", "Settled".
func isVerb(name, verb string) bool {
	if len(name) < len(verb) || !strings.EqualFold(name[:len(verb)], verb) {
		return false
	}
	rest := name[len(verb):]
	return rest == "" || rest == "d" || rest == "ed" || unicode.IsUpper(rune(rest[0]))
}

// TestGlossary holds docs/glossary.md against the source: see what its first lines promise.
func TestGlossary(t *testing.T) {
	source := sourceNames(t)
	tables := glossaryTables(readText(t, docs+"/glossary.md"))
	if len(tables) != 3 {
		t.Fatalf("docs/glossary.md has %d tables, want 3", len(tables))
	}
	for heading, rows := range tables {
		verbs, last := strings.Contains(heading, "does"), ""
		for _, row := range rows {
			if want := 4; len(row) != want && !verbs || len(row) != 3 && verbs {
				t.Errorf("%s: %v is not a row of this table", heading, row)
				continue
			}
			if row[0] <= last {
				t.Errorf("%q comes after %q", row[0], last)
			}
			last = row[0]
			switch {
			case !verbs && row[2] != "" && !source.has(row[3], row[2]):
				t.Errorf("%q: there is no %s in %s", row[0], row[2], row[3])
			case verbs && row[2] != "":
				for _, stray := range source.strays(row[0], row[2]) {
					t.Errorf("%q is at home in %s and not in %s", row[0], row[2], stray)
				}
			}
		}
	}
}

// TestGlossaryBites shows what the test of the glossary finds.
func TestGlossaryBites(t *testing.T) {
	n := names{
		declared: map[string][]string{"projections/facts": {"Purse"}, "domain": {"Date"}},
		functions: map[string][]string{
			"projections": {"settle"}, "cmd/x": {"SettleAll", "settler", "Settled"},
		},
	}
	for name, c := range map[string]struct{ got, want bool }{
		"below a room":      {n.has("projections/...", "purse"), true},
		"in another room":   {n.has("eventstore/...", "purse"), false},
		"in a folder":       {n.has("domain", "Date"), true},
		"by another letter": {n.has("domain", "date"), false},
	} {
		if c.got != c.want {
			t.Errorf("%s: %t, want %t", name, c.got, c.want)
		}
	}
	if got := strings.Join(n.strays("settle", "projections"), ", "); got != "cmd/x: SettleAll, cmd/x: Settled" {
		t.Errorf("strays: %s", got)
	}
}

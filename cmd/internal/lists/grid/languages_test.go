package grid_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// TestErrorsAreSaidInBothLanguages makes sure that whoever makes an error of a file says it in both
// languages: its reader may know but one.
func TestErrorsAreSaidInBothLanguages(t *testing.T) {
	t.Parallel()
	count := 0
	err := filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			made, ok := n.(*ast.CompositeLit)
			if !ok || !isError(made.Type) {
				return true
			}
			count++
			said := map[string]bool{}
			for _, e := range made.Elts {
				if pair, ok := e.(*ast.KeyValueExpr); ok {
					said[pair.Key.(*ast.Ident).Name] = true
				}
			}
			if !said["Detail"] || !said["ID"] {
				t.Errorf("%s says it in one language", set.Position(made.Pos()))
			}
			return true
		})
		return nil
	})
	if err != nil || count < 10 {
		t.Errorf("%d errors are made: %v", count, err)
	}
}

// isError tells whether a type is grid.Error.
func isError(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.SelectorExpr:
		in, ok := e.X.(*ast.Ident)
		return ok && in.Name == "grid" && e.Sel.Name == "Error"
	case *ast.Ident:
		return e.Name == "Error"
	}
	return false
}

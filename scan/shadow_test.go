package scan_test

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// unshadowed are the packages in which no local has the name of something that
// the package declares: a reader who meets the name knows what it means.
var unshadowed = []string{"cmd/webshellscan", "internal/utf8text", "internal/work", "report", "report/draw", "report/html", "report/phrase", "report/text", "rules", "scan/binxml", "scan/event", "scan/evtx", "scan/exhibit", "scan/export", "scan/finding", "scan/story", "scan/weblog"}

// TestShadows: locals do not shadow package-level names of their package.
func TestShadows(t *testing.T) {
	for _, name := range unshadowed {
		for _, at := range shadows(t, filepath.Join("..", name)) {
			t.Errorf("%s shadows a name of its package", at)
		}
	}
}

// noImports makes every import fail: which names a package declares, and which
// its functions do, can be told without the packages that it uses.
type noImports struct{}

func (noImports) Import(string) (*types.Package, error) { return nil, errors.New("not imported") }

// shadows returns the places in a folder's package, tests left out, where a local
// has the name of something at package level.
func shadows(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	fset := token.NewFileSet()
	var files []*ast.File
	for _, entry := range entries {
		if !strings.HasSuffix(entry.Name(), ".go") || strings.HasSuffix(entry.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(fset, filepath.Join(dir, entry.Name()), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	if len(files) == 0 {
		t.Fatalf("no Go files in %s", dir)
	}
	info := &types.Info{Defs: make(map[*ast.Ident]types.Object)}
	config := types.Config{Importer: noImports{}, Error: func(error) {}}
	pkg, _ := config.Check(dir, fset, files, info) // its errors are those of the imports
	var found []string
	for ident, object := range info.Defs {
		if v, ok := object.(*types.Var); ok && v.IsField() {
			continue
		}
		if object != nil && object.Parent() != nil && object.Parent() != pkg.Scope() && pkg.Scope().Lookup(ident.Name) != nil {
			found = append(found, fset.Position(ident.Pos()).String()+": "+ident.Name)
		}
	}
	slices.Sort(found)
	return found
}

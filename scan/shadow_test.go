package scan_test

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestShadows: no local has the name of something that its package declares, so
// that a reader who meets the name knows what it means.
func TestShadows(t *testing.T) {
	for _, dir := range packages(t) {
		for _, at := range shadows(t, dir) {
			t.Errorf("%s shadows a name of its package", at)
		}
	}
}

// packages returns the folders of the module that hold Go files other than
// tests.
func packages(t *testing.T) []string {
	t.Helper()
	found := make(map[string]bool)
	err := filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		switch name := entry.Name(); {
		case err != nil:
			return err
		case entry.IsDir() && (name == "testdata" || name != ".." && strings.HasPrefix(name, ".")):
			return fs.SkipDir
		case strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go"):
			found[filepath.Dir(path)] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return slices.Sorted(maps.Keys(found))
}

// noImports makes every import fail: which names a package declares, and which
// its functions do, can be told without the packages that it uses.
type noImports struct{}

func (noImports) Import(string) (*types.Package, error) { return nil, errors.New("not imported") }

// shadows returns the places in a folder's package, tests left out, where a
// local has the name of something at package level.
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

package scan_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

// TestDocNames: the comment of a function or a type begins with its name, as it is
// spelt.
func TestDocNames(t *testing.T) {
	for name := range allowed {
		files, err := filepath.Glob(filepath.Join("..", name, "*.go"))
		if err != nil || len(files) == 0 {
			t.Errorf("%s: %d files, %v", name, len(files), err)
		}
		for _, file := range files {
			if !strings.HasSuffix(file, "_test.go") {
				docNames(t, file)
			}
		}
	}
}

// docNames tells what in a file has a comment that begins otherwise.
func docNames(t *testing.T, path string) {
	t.Helper()
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, path, nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	check := func(name *ast.Ident, doc *ast.CommentGroup) {
		if doc != nil && !strings.HasPrefix(doc.Text(), name.Name) {
			t.Errorf("%s: the comment of %s begins with something else", fset.Position(name.Pos()), name.Name)
		}
	}
	for _, decl := range file.Decls {
		switch decl := decl.(type) {
		case *ast.FuncDecl:
			check(decl.Name, decl.Doc)
		case *ast.GenDecl:
			for _, spec := range decl.Specs {
				if of, ok := spec.(*ast.TypeSpec); ok {
					check(of.Name, decl.Doc)
				}
			}
		}
	}
}

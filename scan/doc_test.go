package scan_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// TestDocNames: the comment of a function or a type begins with its name, as it
// is spelt.
func TestDocNames(t *testing.T) {
	eachDecl(t, func(decl ast.Decl, report func(name *ast.Ident, what string)) {
		check := func(name *ast.Ident, doc *ast.CommentGroup) {
			if doc != nil && !strings.HasPrefix(doc.Text(), name.Name) {
				report(name, "has a comment that begins with something else")
			}
		}
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
	})
}

// TestExportedDocs: every exported name has a comment: of its own, or that of
// the group of constants, variables or types that it stands in.
func TestExportedDocs(t *testing.T) {
	eachDecl(t, func(decl ast.Decl, report func(name *ast.Ident, what string)) {
		check := func(name *ast.Ident, docs ...*ast.CommentGroup) {
			if name.IsExported() && !slices.ContainsFunc(docs, func(doc *ast.CommentGroup) bool { return doc != nil }) {
				report(name, "has no comment")
			}
		}
		switch decl := decl.(type) {
		case *ast.FuncDecl:
			check(decl.Name, decl.Doc)
		case *ast.GenDecl:
			for _, spec := range decl.Specs {
				switch spec := spec.(type) {
				case *ast.TypeSpec:
					check(spec.Name, decl.Doc, spec.Doc, spec.Comment)
				case *ast.ValueSpec:
					for _, name := range spec.Names {
						check(name, decl.Doc, spec.Doc, spec.Comment)
					}
				}
			}
		}
	})
}

// TestContextsArePassed: no structure keeps a context, which is one call's.
func TestContextsArePassed(t *testing.T) {
	eachDecl(t, func(decl ast.Decl, report func(name *ast.Ident, what string)) {
		ast.Inspect(decl, func(n ast.Node) bool {
			structure, ok := n.(*ast.StructType)
			if !ok {
				return true
			}
			for _, f := range structure.Fields.List {
				if of, ok := f.Type.(*ast.SelectorExpr); ok && of.Sel.Name == "Context" {
					name := of.Sel
					if len(f.Names) > 0 {
						name = f.Names[0]
					}
					report(name, "is a context that a structure keeps")
				}
			}
			return true
		})
	})
}

// TestFunctionSizes: half of the functions have ten lines at most, nine of ten
// fewer than thirty, and none has more than seventy.
func TestFunctionSizes(t *testing.T) {
	fset := token.NewFileSet()
	var sizes []int
	for _, path := range files(t) {
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(fset, filepath.Join("..", path), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range file.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok {
				begin := fset.Position(f.Pos())
				size := fset.Position(f.End()).Line - begin.Line + 1
				sizes = append(sizes, size)
				if size > 70 {
					t.Errorf("%s: %s has %d lines", begin, f.Name.Name, size)
				}
			}
		}
	}
	slices.Sort(sizes)
	if median, most := sizes[len(sizes)/2], sizes[len(sizes)*9/10]; median > 10 || most >= 30 {
		t.Errorf("half of the functions have up to %d lines, nine of ten up to %d", median, most)
	}
}

// eachDecl calls do for each declaration of the packages, with what reports a
// name in it.
func eachDecl(t *testing.T, do func(decl ast.Decl, report func(name *ast.Ident, what string))) {
	t.Helper()
	fset := token.NewFileSet()
	for name := range allowed {
		files, err := filepath.Glob(filepath.Join("..", name, "*.go"))
		if err != nil || len(files) == 0 {
			t.Errorf("%s: %d files, %v", name, len(files), err)
		}
		for _, path := range files {
			if strings.HasSuffix(path, "_test.go") {
				continue
			}
			file, err := parser.ParseFile(fset, path, nil, parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			for _, decl := range file.Decls {
				do(decl, func(name *ast.Ident, what string) { t.Errorf("%s: %s %s", fset.Position(name.Pos()), name.Name, what) })
			}
		}
	}
}

// namedFile is a file or a folder of the module as documents for developers
// name it.
var namedFile = regexp.MustCompile("`((?:[A-Za-z0-9_-]+/)*[A-Za-z0-9_-]+\\.(?:go|yml|md|tsv|csv|txt)|(?:cmd|integrations|internal|report|rules|scan)(?:/[A-Za-z0-9_.-]+)+)`")

// TestNamedFiles: the files that documents for developers name are there, by
// their whole path or the end of it.
func TestNamedFiles(t *testing.T) {
	there := make(map[string]bool) // by each end of each path
	for _, path := range files(t) {
		for path != "" {
			there[path] = true
			_, path, _ = strings.Cut(path, "/")
		}
	}
	for _, name := range []string{"ARCHITECTURE", "CONTRIBUTING", "FORMAT", "GLOSSARY", "PERFORMANCE", "ROBUSTNESS"} {
		text, err := os.ReadFile(filepath.Join("..", "docs", name+".md"))
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range namedFile.FindAllSubmatch(text, -1) {
			if path := string(match[1]); !there[path] {
				t.Errorf("docs/%s.md: there is no %s", name, path)
			}
		}
	}
}

// TestPackagesAreListed: the table of docs/ARCHITECTURE.md has every package,
// by its path or, behind that of another, the last part of it.
func TestPackagesAreListed(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "docs", "ARCHITECTURE.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "| --- |")
	table, _, _ = strings.Cut(table, "\n\n")
	for name := range allowed {
		if !strings.Contains(table, "`"+name+"`") && !strings.Contains(table, ", `"+path.Base(name)+"`") {
			t.Errorf("docs/ARCHITECTURE.md lists no package %s", name)
		}
	}
}

// files returns the files and folders of the module, with slashes and from its
// top.
func files(t *testing.T) []string {
	t.Helper()
	var list []string
	err := filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() && path != ".." && strings.HasPrefix(entry.Name(), ".") {
			return fs.SkipDir
		}
		list = append(list, strings.TrimPrefix(filepath.ToSlash(path), "../"))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// TestCommentWidth: a comment on lines of its own has at most 80 columns, with
// tabs of eight. One word, the address of a link and what an example prints may
// have more.
func TestCommentWidth(t *testing.T) {
	for _, path := range files(t) {
		if !strings.HasSuffix(path, ".go") {
			continue
		}
		text, err := os.ReadFile(filepath.Join("..", path))
		if err != nil {
			t.Fatal(err)
		}
		n, output := 0, false
		for line := range strings.Lines(string(text)) {
			n++
			line = strings.TrimRight(line, "\r\n")
			comment := strings.TrimLeft(line, "\t")
			output = strings.HasPrefix(comment, "//") && (output || comment == "// Output:")
			width := utf8.RuneCountInString(line) + 7*(len(line)-len(comment))
			if words, ok := strings.CutPrefix(comment, "// "); ok && width > 80 && !output && strings.Contains(words, " ") && !strings.Contains(words, "]: https://") {
				t.Errorf("%s:%d: %d columns", path, n, width)
			}
		}
	}
}

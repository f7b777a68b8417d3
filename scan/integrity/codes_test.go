package integrity_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"webshellscan/scan/evtx"
	"webshellscan/scan/integrity"
)

// TestCodesAreDocumented: docs/OUTPUT.md lists each code of the findings once,
// and says of faults what the findings say.
func TestCodesAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/OUTPUT.md")
	if err != nil {
		t.Fatal(err)
	}
	var documented []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z-]+)` \\| ((?:notice|warning|alarm)[a-z, ]*) \\| (.+) \\|$").FindAllStringSubmatch(string(page), -1) {
		documented = append(documented, m[1])
		level, text, ok := integrity.FaultMeaning(evtx.Class(m[1]))
		if ok && m[3] != text {
			t.Errorf("%s is %q on the page and %q in findings", m[1], m[3], text)
		}
		if ok && !regexp.MustCompile(`\b`+level+`\b`).MatchString(m[2]) {
			t.Errorf("%s is %q on the page, and findings are %s", m[1], m[2], level)
		}
	}
	codes := slices.Concat(constantsOf(t, ".", "Kind"), constantsOf(t, "../evtx", "Class"))
	slices.Sort(codes)
	slices.Sort(documented)
	if diff := cmp.Diff(codes, documented); diff != "" {
		t.Errorf("codes (-source +page):\n%s", diff)
	}
}

// constantsOf returns the values of the constants of a type of strings in a
// package.
func constantsOf(t *testing.T, dir, name string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	values := make(map[string]bool)
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok {
				return true
			}
			if typ, ok := spec.Type.(*ast.Ident); !ok || typ.Name != name || len(spec.Values) == 0 {
				return false
			}
			value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			values[value] = true
			return false
		})
	}
	if len(values) == 0 {
		t.Fatalf("no constant of type %s in %s", name, dir)
	}
	return slices.Collect(maps.Keys(values))
}

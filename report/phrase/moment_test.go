package phrase

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"testing"

	"webshellscan/scan/story"
)

// TestEveryCategoryWeighs: a new category of events is not left out of stories
// because nobody thought of what it weighs.
func TestEveryCategoryWeighs(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "../../scan/story/kind.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	known := 0
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 {
			return true
		}
		if kind, ok := spec.Type.(*ast.Ident); ok && kind.Name == "Category" {
			text, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			if _, ok := effectWeights[story.Category(text)]; !ok {
				t.Errorf("effectWeights has no %s", text)
			}
			known++
		}
		return true
	})
	if known != len(effectWeights) {
		t.Errorf("%d categories, %d weights", known, len(effectWeights))
	}
}

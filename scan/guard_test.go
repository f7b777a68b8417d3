package scan_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strings"
	"testing"
)

// TestStepsAreGuarded: what a scan does from the rules on runs behind the guard
// of crashLog, but for what only puts values together, and for what is told to
// guard its own work.
func TestStepsAreGuarded(t *testing.T) {
	free := []string{
		"crashes.guard", "crashes.merge", "options.Progress.Enter", "newServerMap", "newDetection", "options.goroutines", "options.only",
		"webrequest.New", "res.findServers", "reading.hashContainers", "res.Summary.addCrashes", "res.Interrupt", "context.Cause", "make",
	}
	file, err := parser.ParseFile(token.NewFileSet(), "scanner.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	seen := make(map[string]bool)
	for _, decl := range file.Decls {
		f, ok := decl.(*ast.FuncDecl)
		rules := ok && f.Name.Name == "findServers" // which Scan calls behind the rules
		if !rules && (!ok || f.Name.Name != "Scan") {
			continue
		}
		ast.Inspect(f.Body, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			name := nameOf(call.Fun)
			if name == "options.Progress.Enter" && nameOf(call.Args[0]) == "PhaseRules" {
				rules = true
			}
			if rules && !slices.Contains(free, name) {
				t.Errorf("%s runs without the guard", name)
			}
			seen[name] = true
			return name != "crashes.guard"
		})
	}
	for _, name := range free {
		if !seen[name] {
			t.Errorf("Scan does not call %s", name)
		}
	}
}

// nameOf returns a name with those that it is selected from.
func nameOf(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return strings.TrimPrefix(nameOf(e.X)+"."+e.Sel.Name, ".")
	}
	return ""
}

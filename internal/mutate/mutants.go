package main

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// mutant is one change of one file.
type mutant struct {
	file       string // from the top of the module, with slashes
	line       int
	start, end int // in bytes of the file, of what is replaced
	text       string
	what       string // in words
	source     string // the line that is changed, without space around it
	nth        int    // of the mutants with the same key, from 0
}

// String implements fmt.Stringer.
func (m mutant) String() string {
	return fmt.Sprintf("%s:%d: %s: %s", m.file, m.line, m.what, m.source)
}

// key names the mutant wherever its line stands in the file.
func (m mutant) key() string { return m.file + ": " + m.what + ": " + m.source }

// id names it among those with the same key.
func (m mutant) id() string { return fmt.Sprintf("%s #%d", m.key(), m.nth) }

// apply returns the file with the change.
func (m mutant) apply(source []byte) []byte {
	return slices.Concat(source[:m.start], []byte(m.text), source[m.end:])
}

// collect returns the mutants of the files at the paths, which are files or
// folders of packages.
func collect(paths []string) ([]mutant, error) {
	var all []mutant
	for _, path := range paths {
		files := []string{path}
		if !strings.HasSuffix(path, ".go") {
			files, _ = filepath.Glob(filepath.Join(path, "*.go")) // the pattern is sound
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			source, err := os.ReadFile(file)
			if err != nil {
				return nil, err
			}
			list, err := mutantsOf(filepath.ToSlash(filepath.Clean(file)), source)
			if err != nil {
				return nil, err
			}
			all = append(all, list...)
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("nothing to change in %q", paths)
	}
	return all, nil
}

// choose returns the mutants in an order that depends on the seed and on what
// each of them is, so that a change elsewhere does not give another sample.
func choose(all []mutant, seed uint64) []mutant {
	list := slices.SortedFunc(slices.Values(all), func(a, b mutant) int {
		return cmp.Or(cmp.Compare(a.file, b.file), cmp.Compare(a.start, b.start), cmp.Compare(a.text, b.text))
	})
	same := make(map[string]int)
	place := make(map[string][sha256.Size]byte)
	for i, m := range list {
		list[i].nth = same[m.key()]
		same[m.key()]++
		id := list[i].id()
		place[id] = sha256.Sum256(fmt.Appendf(nil, "%d %s", seed, id))
	}
	slices.SortFunc(list, func(a, b mutant) int {
		first, second := place[a.id()], place[b.id()]
		return bytes.Compare(first[:], second[:])
	})
	return list
}

// finder gathers the mutants of one file.
type finder struct {
	name   string
	source []byte
	file   *token.File
	found  []mutant
}

// mutantsOf returns the mutants of a file: of its functions only.
func mutantsOf(name string, source []byte) ([]mutant, error) {
	set := token.NewFileSet()
	tree, err := parser.ParseFile(set, name, source, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	f := &finder{name: name, source: source, file: set.File(tree.Pos())}
	for _, decl := range tree.Decls {
		if function, ok := decl.(*ast.FuncDecl); ok && function.Body != nil {
			f.function(function.Body)
		}
	}
	return f.found, nil
}

// function finds the mutants of a function's body. Its last statement is never
// deleted.
func (f *finder) function(body *ast.BlockStmt) {
	var last ast.Stmt
	if n := len(body.List); n > 0 {
		last = body.List[n-1]
	}
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.IfStmt:
			f.negate(n.Cond)
		case *ast.BinaryExpr:
			f.operator(n)
		case *ast.BasicLit:
			f.constant(n)
		case *ast.ReturnStmt:
			if n != last {
				f.statement(n)
			}
			return !isVoid(n)
		case ast.Stmt:
			f.statement(n)
		}
		return true
	})
}

// isVoid reports whether a statement returns constants that callers ignore:
// beside false, or behind nil.
func isVoid(s *ast.ReturnStmt) bool {
	void := false
	for i, e := range s.Results {
		switch e := e.(type) {
		case *ast.BasicLit:
		case *ast.Ident:
			void = void || e.Name == "false" || e.Name == "nil" && i == 0 && len(s.Results) > 1
		default:
			return false
		}
	}
	return void
}

// add adds a mutant that replaces the source between two positions by a text.
func (f *finder) add(from, to token.Pos, text, what string) {
	start, end := f.file.Offset(from), f.file.Offset(to)
	line := f.file.Line(from)
	source := f.source[f.file.Offset(f.file.LineStart(line)):]
	shown, _, _ := strings.Cut(string(source), "\n")
	f.found = append(f.found, mutant{
		file: f.name, line: line, start: start, end: end, text: text, what: what, source: strings.TrimSpace(shown),
	})
}

// negate turns a condition round.
func (f *finder) negate(e ast.Expr) {
	text := f.source[f.file.Offset(e.Pos()):f.file.Offset(e.End())]
	f.add(e.Pos(), e.End(), "!("+string(text)+")", "condition negated")
}

// others are what stands in place of an operator.
var others = map[token.Token]token.Token{
	token.LSS: token.LEQ, token.LEQ: token.LSS, token.GTR: token.GEQ, token.GEQ: token.GTR,
	token.EQL: token.NEQ, token.NEQ: token.EQL, token.LAND: token.LOR, token.LOR: token.LAND,
	token.ADD: token.SUB, token.SUB: token.ADD, token.MUL: token.QUO, token.QUO: token.MUL,
	token.SHL: token.SHR, token.SHR: token.SHL, token.AND: token.OR, token.OR: token.AND,
}

func (f *finder) operator(e *ast.BinaryExpr) {
	if other, ok := others[e.Op]; ok {
		old := e.Op.String()
		f.add(e.OpPos, e.OpPos+token.Pos(len(old)), other.String(), old+" to "+other.String())
	}
}

// constant makes a number one more and one less.
func (f *finder) constant(e *ast.BasicLit) {
	n, err := strconv.ParseInt(e.Value, 0, 64)
	if e.Kind != token.INT || err != nil {
		return
	}
	for _, changed := range []int64{n - 1, n + 1} {
		text := strconv.FormatInt(changed, 10)
		if changed >= 0 {
			f.add(e.Pos(), e.End(), text, e.Value+" to "+text)
		}
	}
}

// statement deletes one that can be left out.
func (f *finder) statement(s ast.Stmt) {
	what := ""
	switch s := s.(type) {
	case *ast.AssignStmt:
		if s.Tok != token.DEFINE {
			what = "assignment deleted"
		}
	case *ast.IncDecStmt:
		what = s.Tok.String() + " deleted"
	case *ast.ExprStmt:
		what = "call deleted"
	case *ast.BranchStmt:
		if s.Tok == token.BREAK || s.Tok == token.CONTINUE {
			what = s.Tok.String() + " deleted"
		}
	case *ast.ReturnStmt:
		what = "return deleted"
	}
	if what != "" {
		f.add(s.Pos(), s.End(), "", what)
	}
}

package main

import (
	"bytes"
	"context"
	"go/format"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const sample = `package sample

func count(list []int, most int) (n int) {
	for _, x := range list {
		if x < 2 && x != most {
			continue
		}
		n++
		n = n + x
	}
	println(n)
	if n > most {
		return most
	}
	return n
}

func first(list []int) (int, bool) {
	if len(list) == 0 {
		return 0, false
	}
	return list[0], true
}
`

// TestMutants: each kind of change is found where it can be made, and the last
// return of a function is left alone.
func TestMutants(t *testing.T) {
	list, err := mutantsOf("sample.go", []byte(sample))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range list {
		got = append(got, m.String())
		if _, err := format.Source(m.apply([]byte(sample))); err != nil {
			t.Errorf("%s: %v", m, err)
		}
	}
	want := []string{
		"sample.go:5: condition negated: if x < 2 && x != most {",
		"sample.go:5: && to ||: if x < 2 && x != most {",
		"sample.go:5: < to <=: if x < 2 && x != most {",
		"sample.go:5: 2 to 1: if x < 2 && x != most {",
		"sample.go:5: 2 to 3: if x < 2 && x != most {",
		"sample.go:5: != to ==: if x < 2 && x != most {",
		"sample.go:6: continue deleted: continue",
		"sample.go:8: ++ deleted: n++",
		"sample.go:9: assignment deleted: n = n + x",
		"sample.go:9: + to -: n = n + x",
		"sample.go:11: call deleted: println(n)",
		"sample.go:12: condition negated: if n > most {",
		"sample.go:12: > to >=: if n > most {",
		"sample.go:13: return deleted: return most",
		"sample.go:19: condition negated: if len(list) == 0 {",
		"sample.go:19: == to !=: if len(list) == 0 {",
		"sample.go:19: 0 to 1: if len(list) == 0 {",
		"sample.go:20: return deleted: return 0, false",
		"sample.go:22: 0 to 1: return list[0], true",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("mutants (-want +got):\n%s", diff)
	}
}

// TestChoose: one seed gives one order, whatever the order of the files, and a
// change elsewhere leaves it as it is.
func TestChoose(t *testing.T) {
	list, err := mutantsOf("sample.go", []byte(sample))
	if err != nil {
		t.Fatal(err)
	}
	backwards := slices.Clone(list)
	slices.Reverse(backwards)
	first := choose(list, 1)
	if diff := cmp.Diff(first, choose(backwards, 1), cmp.AllowUnexported(mutant{})); diff != "" {
		t.Errorf("the order matters:\n%s", diff)
	}
	if slices.Equal(first, choose(list, 2)) {
		t.Error("two seeds give one order")
	}
	longer, err := mutantsOf("sample.go", []byte(strings.Replace(sample, "\tprintln(n)\n", "\tn <<= 3\n\tprintln(n)\n", 1)))
	if err != nil {
		t.Fatal(err)
	}
	var ids, left []string
	for _, m := range first {
		ids = append(ids, m.id())
	}
	for _, m := range choose(longer, 1) {
		if m.source != "n <<= 3" {
			left = append(left, m.id())
		}
	}
	if diff := cmp.Diff(ids, left); diff != "" {
		t.Errorf("a new line changes the order of the others:\n%s", diff)
	}
}

// TestLog: a run goes on where the last one was. What was killed or does not
// compile is not tried again; what survived is.
func TestLog(t *testing.T) {
	list, err := mutantsOf("sample.go", []byte(sample))
	if err != nil {
		t.Fatal(err)
	}
	list = choose(list, 1)
	name := filepath.Join(t.TempDir(), "log")
	log, err := openLog(name)
	if err != nil {
		t.Fatal(err)
	}
	q := &queue{list: list, wanted: 3, log: log}
	for _, result := range []outcome{killed, survived, invalid, killed} {
		m, ok := q.next()
		if !ok {
			t.Fatal("nothing left to try")
		}
		q.done(m, result, "a")
	}
	if _, ok := q.next(); ok {
		t.Error("more was tried than was wanted")
	}
	log.close()
	if log, err = openLog(name); err != nil {
		t.Fatal(err)
	}
	defer log.close()
	again := &queue{list: list, wanted: 3, log: log}
	m, ok := again.next()
	if !ok || m.id() != list[1].id() {
		t.Errorf("tried again: %v", m)
	}
	if _, ok := again.next(); ok || again.sum.killed != 2 || again.sum.invalid != 1 {
		t.Errorf("taken from the log: %+v", again.sum)
	}
}

func TestParseTests(t *testing.T) {
	list := "m/a fmt\nm/a.test testing m/a m/b\nm/b.test m/b\n\n"
	want := []testBinary{{"a", []string{"a", "b"}}, {"b", []string{"b"}}}
	got := parseTests(list, "m")
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(testBinary{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	tests := tester{tests: got}
	if diff := cmp.Diff([]string{"b", "a"}, tests.of("b")); diff != "" {
		t.Errorf("tests of b (-want +got):\n%s", diff)
	}
}

func TestEquivalents(t *testing.T) {
	got, err := parseEquivalents("# about\n\na.go: x: y\nit is\nso\n\nb.go: x: y\nso too\n")
	if diff := cmp.Diff(map[string]string{"a.go: x: y": "it is\nso", "b.go: x: y": "so too"}, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if _, err := parseEquivalents("a.go: x: y\n"); err == nil {
		t.Error("no reason is asked for")
	}
}

// TestEquivalentsExist: what is said to be equivalent is still there.
func TestEquivalentsExist(t *testing.T) {
	known, err := parseEquivalents(equivalents)
	if err != nil {
		t.Fatal(err)
	}
	for key := range known {
		name, _, _ := strings.Cut(key, ":")
		source, err := os.ReadFile(filepath.Join("..", "..", filepath.FromSlash(name)))
		if err != nil {
			t.Error(err)
			continue
		}
		list, err := mutantsOf(name, source)
		if err != nil || !slices.ContainsFunc(list, func(m mutant) bool { return m.key() == key }) {
			t.Errorf("no mutant %q: %v", key, err)
		}
	}
}

// TestTry: of a module with one function, changes that its test sees are
// killed, one that it does not see survives, one that never ends is killed by
// its CPU time, and the file stays as it is.
func TestTry(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a test binary for each mutant")
	}
	if _, err := os.Stat("/bin/sh"); err != nil {
		t.Skip("no shell: tests cannot be held to their CPU time")
	}
	root := t.TempDir()
	code := "package a\n\nfunc F(n int) (sum int) {\n\tfor i := 0; i < n; i++ {\n\t\tif i > 2 {\n\t\t\tsum++\n\t\t}\n\t}\n\treturn sum\n}\n"
	test := "package a\n\nimport \"testing\"\n\nfunc TestF(t *testing.T) {\n\tif F(2) != 0 || F(5) != 2 {\n\t\tt.Fatal()\n\t}\n}\n"
	for name, text := range map[string]string{"go.mod": "module m\n", "a/a.go": code, "a/a_test.go": test} {
		path := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(root)
	all, err := collect([]string{"a"})
	if err != nil {
		t.Fatal(err)
	}
	tests, err := newTester(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer tests.close()
	tests.floor = time.Second
	want := map[string]outcome{"0 to 1": survived, "> to >=": killed, "++ deleted": killed, "condition negated": killed}
	for _, m := range all {
		result, by, err := tests.try(context.Background(), m, tests.of("a"), t.TempDir())
		if expected, ok := want[m.what]; err != nil || ok && result != expected {
			t.Errorf("%s: %v by %q, %v", m, result, by, err)
		}
	}
	if now, err := os.ReadFile("a/a.go"); err != nil || !bytes.Equal(now, []byte(code)) {
		t.Errorf("the file was changed: %v\n%s", err, now)
	}
}

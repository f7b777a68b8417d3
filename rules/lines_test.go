package rules_test

import (
	"os"
	"path/filepath"
	"testing"

	"webshellscan/rules"
	"webshellscan/rules/builtin"
)

// readAllTwice reads the documents of files in both ways.
func readAllTwice(t *testing.T, files []string) (documents, byLines int) {
	t.Helper()
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		n, m, difference := rules.ReadTwice(data)
		if difference != "" {
			t.Errorf("%s: %s", file, difference)
		}
		documents, byLines = documents+n, byLines+m
	}
	return documents, byLines
}

// TestReadLines: built-in rules are read by lines, but for the few that name
// lists, and SigmaHQ's nearly all; they are what the YAML reader makes of them.
func TestReadLines(t *testing.T) {
	files, err := filepath.Glob("builtin/*.yml")
	if err != nil || len(files) == 0 {
		t.Fatal("no built-in rules", err)
	}
	if documents, byLines := readAllTwice(t, files); byLines < documents-5 {
		t.Errorf("%d of %d built-in rules read by lines", byLines, documents)
	}
	needCorpus(t)
	if documents, byLines := readAllTwice(t, rules.Load(t.Context(), []string{corpus + "/sigma-rules"}, 0).Files); byLines < documents*9/10 {
		t.Errorf("%d of %d rules of SigmaHQ read by lines", byLines, documents)
	}
}

// lineForms are documents with what is written in several ways.
var lineForms = []string{
	"a: b\n", "a:\n- b\n- c\nd: 1\n", "a:\n  - b: c\n    d: 'e''f'\n  - \"g\\\\h\\\"\" # i\n", "a: b\n  c\n   d\ne: f\n", "a: b # c\n  d\n",
	"a: |\n  b\n\n   c\n\nd: >-\n  e\n  f\n# g\nh: >\n  i\n", "a: |-\n  b\n c: d\n", "a: |\n\n  b\n", "---\n# a\nb: c\n\n", "--- # a\nb: c\n",
	"a: true\nb: null\nc: no\nd: 0x1F\ne: 12\nf: 012\ng: 1e3\nh: 2020-01-02\ni: 1-2-3-4\nj: .5\nk: -1\n", "a: '\n  b'\n", "a: 'b': c\n", "a: b: c\n", "a: b:\n",
	"a: &b c\nd: *b\n", "a: [b, c]\n", "a:\nb: c\n", "a: b\na: c\n", "a:\n    b: c\n  d: e\n", "a:\n  -\n    b: c\n  - - d\n", "- a\n", "a: b\n...\n", "%YAML 1.2\n---\na: b\n",
	"a: -b\nc: http://d\ne: f#g\n", "é: à\n", "a: \u00a0b\u2028c\n", "a:\tb\n", "a: b\r\n", "<<: {a: b}\n", "a: |+\n  b\n\n", "a: >\n  b\n\n  c\n   d\n", "a b: c\na : d\n", "a: b\n   # c\n  d\n",
	"a: |2\n   b\n", "a: ''\nb: \"\"\n", "a:\n  b\n  c\n", "a: b\n  - c\n", "a: |\n  b\n   \n  c\n    \n", "a: |\n  b", "a: b\n ---\n", "true: a\nnull: b\n", "a: >-\n  b \n  c  \n",
}

// FuzzReadLines compares reading by lines with the YAML reader.
func FuzzReadLines(f *testing.F) {
	for _, s := range lineForms {
		f.Add([]byte(s))
	}
	for _, c := range badRules {
		f.Add([]byte(c.text))
	}
	list, err := builtin.Rules()
	if err != nil || len(list) == 0 {
		f.Fatal("no built-in rules", err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, _, difference := rules.ReadTwice(data); difference != "" {
			t.Error(difference)
		}
	})
}

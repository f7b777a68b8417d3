package rules_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// TestSigmaSourcesExist: each rule of SigmaHQ that a built-in rule or a row
// names as its source is there.
func TestSigmaSourcesExist(t *testing.T) {
	const corpus = "../../shared/corpus/sigma-rules"
	if _, err := os.Stat(corpus); err != nil {
		t.Skip("no corpus of Sigma rules:", err)
	}
	link := regexp.MustCompile(`github\.com/SigmaHQ/sigma/blob/master/([\w./-]+\.yml)`)
	named := 0
	for _, pattern := range []string{"builtin/*.yml", "testdata/*.tsv", "testdata/*.csv"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v", pattern, err)
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range link.FindAllSubmatch(data, -1) {
				named++
				if _, err := os.Stat(filepath.Join(corpus, string(m[1]))); err != nil {
					t.Errorf("%s names %s, which is not there", file, m[1])
				}
			}
		}
	}
	if named < 100 {
		t.Errorf("%d sources", named)
	}
}

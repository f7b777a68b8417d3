package rules_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"webshellscan/rules"
)

func TestLoadPlaceholders(t *testing.T) {
	load := func(text string) (map[string][]string, error) {
		t.Helper()
		path := filepath.Join(t.TempDir(), "values.yml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return rules.LoadPlaceholders(path)
	}
	got, err := load("# ours\nadmins:\n    - adm-*\n    - 'root'\nport: 8080\n")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string][]string{"admins": {"adm-*", "root"}, "port": {"8080"}}, got); diff != "" {
		t.Error(diff)
	}
	for _, c := range []struct {
		text, position string
		is             error
	}{
		{"- a\n", ":1:1: a placeholder file is one map", rules.ErrType},
		{"", ":1:1: a placeholder file is one map", rules.ErrType},
		{"a: x\n---\nb: y\n", ":1:1: a placeholder file is one map", rules.ErrType},
		{"a: [x\n", ": not valid YAML", rules.ErrYAML},
		{"a:\n  - x\n  - {b: c}\n", ":3:5: the value of placeholder \"a\" must be a string, not a map", rules.ErrType},
		{"a: null\n", ":1:4: the value of placeholder \"a\" must be a string, not null", rules.ErrType},
		{"a: []\n", ":1:4: placeholder \"a\" has no value", rules.ErrValue},
		{"a b: x\n", ":1:1: \"a b\" is no name of a placeholder", rules.ErrValue},
		{"a: &a [x]\na: y\n", ":2:1: key \"a\" given twice", rules.ErrYAML},
	} {
		_, err := load(c.text)
		if err == nil || !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.position) {
			t.Errorf("%q: %v, want %s", c.text, err, c.position)
		}
	}
	if _, err := rules.LoadPlaceholders(filepath.Join(t.TempDir(), "nowhere.yml")); !errors.Is(err, rules.ErrRead) {
		t.Errorf("missing file: %v", err)
	}
}

// TestLoadCountsFailures: each document with errors counts once, and so does a
// folder without rule files.
func TestLoadCountsFailures(t *testing.T) {
	dir := t.TempDir()
	empty := filepath.Join(dir, "empty")
	if err := os.Mkdir(empty, 0o700); err != nil {
		t.Fatal(err)
	}
	good := ruleText(field("", "x"))
	bad := "title: x\nlevel: hgih\ntags: {a: b}\n"
	if err := os.WriteFile(filepath.Join(dir, "a.yml"), []byte(good+"---\n"+bad+"---\n"+bad), 0o600); err != nil {
		t.Fatal(err)
	}
	loaded := rules.Load(t.Context(), []string{dir, dir, empty, filepath.Join(dir, "nowhere")}, 1)
	if len(loaded.Rules) != 1 || len(loaded.Files) != 1 || loaded.Failed != 4 {
		t.Errorf("%d rules in %d files, %d failed: %v", len(loaded.Rules), len(loaded.Files), loaded.Failed, loaded.Errors)
	}
	set, errs := rules.Compile(mustParse(t, ruleText(field("|expand", "'%nobody%'"))+"---\n"+good), rules.Options{})
	if len(errs) != 1 || len(set.Failed()) != 1 || len(set.Rules()) != 1 {
		t.Errorf("%d rules, %d failed, %v", len(set.Rules()), len(set.Failed()), errs)
	}
}

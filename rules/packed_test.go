package rules_test

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"webshellscan/rules"
)

// checkPacked holds that packed rules are the rules of the YAML.
func checkPacked(t *testing.T, data, packed []byte) {
	t.Helper()
	want, wantErrs := rules.Parse("a.yml", data)
	got, errs := rules.ParsePacked("a.yml", packed)
	if !reflect.DeepEqual(got, want) || !reflect.DeepEqual(errs, wantErrs) {
		t.Errorf("%d rules, %v, of the YAML %d, %v", len(got), errs, len(want), wantErrs)
	}
}

func TestPack(t *testing.T) {
	files, err := filepath.Glob("builtin/*.yml")
	if err != nil || len(files) == 0 {
		t.Fatal(len(files), "files,", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		packed, err := rules.Pack(file, data)
		if err != nil {
			t.Fatal(err)
		}
		checkPacked(t, data, packed)
	}
	for _, text := range []string{
		"title: a\nlogsource: {}\ndetection:\n  s: {}\n  condition: other\n", // an error that is no fault of the YAML
		"action: global\ntitle: a\n---\nx: &a [1, null, 2.5, yes]\ny: *a\n",
		"[]",
		"",
	} {
		packed, err := rules.Pack("a.yml", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		checkPacked(t, []byte(text), packed)
	}
}

// TestPackOfBadYAML holds that no rule is lost in silence.
func TestPackOfBadYAML(t *testing.T) {
	for _, text := range []string{"a: [", "\xff", "a: 1\n---\na: 'b"} {
		if _, err := rules.Pack("a.yml", []byte(text)); err == nil {
			t.Errorf("%q was packed", text)
		}
	}
}

// TestParseOfBadPacked cuts packed rules off, and changes each byte.
func TestParseOfBadPacked(t *testing.T) {
	packed, err := rules.Pack("a.yml", []byte("title: a\nlogsource: {product: windows}\ndetection:\n  s: {Image|endswith: [a, b]}\n  condition: s\n"))
	if err != nil {
		t.Fatal(err)
	}
	for n := range packed {
		if list, errs := rules.ParsePacked("a.yml", packed[:n]); len(list) > 0 || len(errs) == 0 {
			t.Errorf("%d bytes of %d: %d rules, %v", n, len(packed), len(list), errs)
		}
		for _, value := range []byte{0, 1, 2, 3, 0x7F, 0xFF} {
			changed := append([]byte(nil), packed...)
			changed[n] = value
			_, _ = rules.ParsePacked("a.yml", changed) // whatever comes of it, no panic
		}
	}
}

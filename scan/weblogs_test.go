package scan_test

import (
	"testing"

	"webshellscan/scan"
)

func TestGivenHost(t *testing.T) {
	given := map[string]string{"logs/a": "A", "logs/a/b/": "B", `win\c`: "C", "case.zip": "Z", "case.zip!x": "X", "/abs/d.log": "D"}
	tests := []struct{ file, want string }{
		{"logs/a/u.log", "A"},
		{"./logs/a/u.log", "A"},
		{"logs/a/b/u.log", "B"},
		{"logs/ab/u.log", ""},
		{"logs/u.log", ""},
		{"win/c/u.log", "C"},
		{"case.zip!y/u.log", "Z"},
		{"case.zip!x/u.log", "X"},
		{"case.zipper/u.log", ""},
		{"/abs/d.log", "D"},
	}
	for _, tt := range tests {
		if got, ok := scan.GivenHost(tt.file, given); got != tt.want || ok != (tt.want != "") {
			t.Errorf("givenHost(%q) = %q, %v, want %q", tt.file, got, ok, tt.want)
		}
	}
}

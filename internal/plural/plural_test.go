package plural_test

import (
	"testing"

	"webshellscan/internal/plural"
)

func TestCount(t *testing.T) {
	for _, c := range [][2]string{
		{plural.Count(0, "record"), "0 records"},
		{plural.Count(1, "record"), "1 record"},
		{plural.Count(1, "process", "processes"), "1 process"},
		{plural.Count(2, "process", "processes"), "2 processes"},
	} {
		if c[0] != c[1] {
			t.Errorf("%q, want %q", c[0], c[1])
		}
	}
}

package exhibit

import (
	"fmt"
	"testing"
)

// TestTake: a name that is taken gets the first number that is free.
func TestTake(t *testing.T) {
	m := make(names)
	for _, tt := range []struct{ folder, base, ending, want string }{
		{"a", "1", ".xml", "1.xml"},
		{"a", "1", ".record", "1.record"},
		{"b", "1", ".xml", "1.xml"},
		{"a", "1-3", ".xml", "1-3.xml"},
		{"a", "1", ".xml", "1-2.xml"},
		{"a", "1", ".XML", "1-4.XML"},
		{"a", "1-3", ".xml", "1-3-2.xml"},
		{"", "WEB", "", "WEB"},
		{"", "web", "", "web-2"},
	} {
		if got := m.reserve(tt.folder, tt.base, tt.ending); got != tt.want {
			t.Errorf("%s in %q is called %s, want %s", tt.base+tt.ending, tt.folder, got, tt.want)
		}
	}
}

// TestTakeOften: a name that is asked for very often takes no time that grows
// with how often it was: a log that counts from 1 again and again has one ID
// for all.
func TestTakeOften(t *testing.T) {
	const n = 200_000
	m := make(names)
	for i := range n {
		want := "1.xml"
		if i > 0 {
			want = fmt.Sprintf("1-%d.xml", i+1)
		}
		if got := m.reserve("records", "1", ".xml"); got != want {
			t.Fatalf("it is called %s, want %s", got, want)
		}
	}
}

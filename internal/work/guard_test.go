package work_test

import (
	"errors"
	"strings"
	"testing"

	"webshellscan/internal/work"
)

func TestGuard(t *testing.T) {
	if err := work.Guard(func() {}); err != nil {
		t.Errorf("no panic, and %v", err)
	}
	var list []int
	tests := []struct {
		name string
		do   func()
		want string
	}{
		{"called", func() { panic("by hand") }, "by hand (guard_test.go:"},
		{"by the runtime", func() { list[3] = 1 }, "index out of range [3] with length 0 (guard_test.go:"},
		{"of a memory access", func() { var p *struct{ n int }; p.n = 1 }, "nil pointer dereference (guard_test.go:"},
	}
	for _, test := range tests {
		err := work.Guard(test.do)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q in it", test.name, err, test.want)
		}
		if again := work.Guard(func() { panic(err) }); !errors.Is(again, err) {
			t.Errorf("%s: passed on, it came back as %v", test.name, again)
		}
	}
}

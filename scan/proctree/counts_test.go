package proctree_test

import (
	"reflect"
	"testing"

	"webshellscan/scan/proctree"
)

// TestCountsAdd: each count is added, and the most fields of a Sysmon record
// are those of either.
func TestCountsAdd(t *testing.T) {
	var sum, other proctree.Counts
	fields := reflect.ValueOf(&other).Elem()
	for i := range fields.NumField() {
		fields.Field(i).SetInt(int64(i + 1))
	}
	sum.Add(other)
	sum.Add(other)
	got := reflect.ValueOf(sum)
	for i := range got.NumField() {
		name, want := got.Type().Field(i).Name, int64(2*(i+1))
		if name == "SysmonFields" {
			want = int64(i + 1)
		}
		if got.Field(i).Int() != want {
			t.Errorf("%s: %d, want %d", name, got.Field(i).Int(), want)
		}
	}
}

// TestBlind: a host is blind if nothing says what ran on it: Windows starting,
// and records that cannot be used, say nothing; a recovered creation does.
func TestBlind(t *testing.T) {
	for _, tt := range []struct {
		counts proctree.Counts
		want   bool
	}{
		{proctree.Counts{}, true},
		{proctree.Counts{SysmonEnd: 9, SecurityEnd: 9}, true},
		{proctree.Counts{SecurityCreate: 12, Booting: 12}, true},
		{proctree.Counts{SysmonCreate: 3, UnusableCreate: 3}, true},
		{proctree.Counts{SysmonCreate: 3, SecurityCreate: 12, Booting: 12, UnusableCreate: 3}, true},
		{proctree.Counts{SecurityCreate: 13, Booting: 12}, false},
		{proctree.Counts{SysmonCreate: 1}, false},
		{proctree.Counts{Recovered: 1}, false},
	} {
		if got := tt.counts.Blind(); got != tt.want {
			t.Errorf("%+v: %v", tt.counts, got)
		}
	}
}

package integrity_test

import (
	"bytes"
	"slices"
	"testing"

	"webshellscan/internal/wire"
	"webshellscan/scan/integrity"
)

// TestEachKindIsKept: a Watcher has room for each kind of event, the last one
// too, partial results hold it, and it has a text of its own.
func TestEachKindIsKept(t *testing.T) {
	w, about := integrity.OfEachKind()
	slices.Sort(about)
	if about[0] == "" || len(slices.Compact(slices.Clone(about))) != len(about) {
		t.Errorf("kinds are about %q", about)
	}
	written := wire.NewWriter()
	integrity.Code(written, []*integrity.Watcher{w}, nil)
	read, again := integrity.NewWatcher(nil), wire.NewWriter()
	c := wire.NewReader(written.Data())
	if integrity.Code(c, []*integrity.Watcher{read}, []uint32{0}); c.End() != nil {
		t.Fatal(c.Err())
	}
	if integrity.Code(again, []*integrity.Watcher{read}, nil); !bytes.Equal(again.Data(), written.Data()) {
		t.Errorf("written %x, read and written again %x", written.Data(), again.Data())
	}
}

// TestEachKindIsDescribed: there is a finding of each kind of event that is
// watched for itself.
func TestEachKindIsDescribed(t *testing.T) {
	if list := integrity.Undescribed(); len(list) > 0 {
		t.Errorf("no finding is made of: %q", list)
	}
}

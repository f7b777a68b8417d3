package pieces_test

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"webshellscan/scan/source/pieces"
)

// folder opens files by their names.
type folder map[string]string

func (f folder) open(name string) (pieces.File, error) {
	if text, ok := f[name]; ok {
		return strings.NewReader(text), nil
	}
	return nil, fs.ErrNotExist
}

// TestJoin: pieces are joined by the numbers and letters in their names; one
// that is missing is told, and what follows it stays in its place.
func TestJoin(t *testing.T) {
	tests := []struct {
		names   string // of the pieces, the first one first; one behind a dash is missing
		missing string
	}{
		{"d.raw.001 d.raw.002 d.raw.003", ""},
		{"d.000 d.001 d.002", ""},
		{"d.0001 d.0002", ""},
		{"a.7z.01 a.7z.02", ""},
		{"t.aa t.ab", ""},
		{"t.az t.ba", ""},
		{"t.aaa t.aab", ""},
		{"d.999 d.1000", ""},
		{"d.001 -d.002 d.003", "d.002"},
		{"d.001 -d.002", ""},
		{"t.aa -t.ab -t.ac t.ad", "t.ab t.ac"},
	}
	for _, tt := range tests {
		f := make(folder)
		var want, first string
		var missing []string
		for i, name := range strings.Fields(tt.names) {
			content := fmt.Sprintf("%04d", i)
			rest, gone := strings.CutPrefix(name, "-")
			switch {
			case i == 0:
				first = name
				fallthrough
			case !gone:
				f[name] = content
			default:
				missing = append(missing, rest)
			}
			want += content
		}
		n, ok := pieces.NameOf(first)
		if !ok {
			t.Errorf("%s is no name of a piece", first)
			continue
		}
		j := pieces.Join(strings.NewReader(f[first]), n, f.open)
		if got := strings.Join(j.Missing, " "); got != tt.missing {
			t.Errorf("%s: %q are missing", tt.names, got)
		}
		if len(missing) > 0 && tt.missing == "" {
			want = want[:4] // nothing shows that there is more
		}
		if j.Size() != int64(len(want)) {
			t.Errorf("%s: %d bytes", tt.names, j.Size())
		}
		for off := range len(want) {
			b := make([]byte, 2)
			n, err := j.ReadAt(b, int64(off))
			inGap := slices.ContainsFunc([]int{off, off + 1}, func(at int) bool {
				return at < len(want) && slices.Contains(strings.Fields(tt.names), "-"+strings.Fields(strings.ReplaceAll(tt.names, "-", ""))[at/4])
			})
			switch {
			case inGap:
				if !errors.Is(err, pieces.ErrMissing) {
					t.Errorf("%s: %d: %v", tt.names, off, err)
				}
			case off == len(want)-1:
				if n != 1 || !errors.Is(err, io.EOF) {
					t.Errorf("%s: the end: %d, %v", tt.names, n, err)
				}
			case err != nil || string(b) != want[off:off+2]:
				t.Errorf("%s: %d: %q, %v", tt.names, off, b, err)
			}
		}
	}
}

// TestNameOf: what is called as no piece is none, and each knows the first.
func TestNameOf(t *testing.T) {
	for _, name := range []string{"", "a", "a.b", "a.evtx", "a.E01", "a.z01", ".001", "a.1", "a.000001", "a.zz9", "a.99999"} {
		if n, ok := pieces.NameOf(name); ok {
			t.Errorf("%q: %+v", name, n)
		}
	}
	for name, want := range map[string]string{"d.raw.002": "d.raw.000 d.raw.001", "t.ab": "t.aa", "x.01": "x.00 x.01"} {
		n, ok := pieces.NameOf(name)
		if got := strings.Join(n.Firsts(), " "); !ok || got != want {
			t.Errorf("%s: %q", name, got)
		}
		if n.IsFirst() != strings.Contains(want, name) {
			t.Errorf("%s: first: %t", name, n.IsFirst())
		}
	}
}

package archive

import (
	"context"
	"encoding/binary"
	"fmt"

	"webshellscan/internal/plural"
)

// hidden is where an archive may have members that its directory does not
// name: those of another archive before it, or of one that was changed.
type hidden struct {
	gaps  []gap
	known map[int64]bool // where the data of the others begin
}

// gap is a stretch of an archive that no member of its directory takes.
type gap struct{ from, to int64 }

// walk visits the members that the directory does not name, and returns an
// error that names them.
func (h *hidden) walk(ctx context.Context, f File, o Options, visit func(*Member) error) error {
	const most = 4096 // headers that are looked at
	n, tries := 0, 0
	for _, g := range h.gaps {
		for at := g.from; at < g.to && tries < most; tries++ {
			if err := context.Cause(ctx); err != nil {
				return err
			}
			m, next, ok := cutMember(f, at, g.to, o)
			if !ok || m.Err != nil || m.Size == 0 || m.Packed == 0 || m.Packed > g.to-at || h.known[localData(f, at)] {
				if at = find(f, at+1, g.to, ZipSignature, nil); at == 0 {
					break
				}
				continue
			}
			if err := visit(m); err != nil {
				return err
			}
			n++
			if next <= at {
				break
			}
			at = next
		}
	}
	if n > 0 {
		return fmt.Errorf("%w: its directory does not name %s, read by their own headers", ErrDamaged, plural.Count(n, "member"))
	}
	return nil
}

// localData returns where the data begin of the member whose header is at an
// offset.
func localData(f File, at int64) int64 {
	h := make([]byte, localHeaderSize)
	if n, _ := f.ReadAt(h, at); n < len(h) {
		return 0
	}
	return at + localHeaderSize + int64(binary.LittleEndian.Uint16(h[26:])) + int64(binary.LittleEndian.Uint16(h[28:]))
}

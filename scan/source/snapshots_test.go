package source_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"webshellscan/internal/cputime"
	"webshellscan/scan/source"
	"webshellscan/scan/source/ntfs/ntfstest"
)

// snapshotBlock is the size of a block of the store of a shadow copy.
const snapshotBlock = 16 << 10

// withSnapshots adds shadow copies to a volume: each has saved the first block
// of one log before it was written to. The rest is as on the volume, and was
// not saved.
func withSnapshots(volume []byte, count int) []byte {
	const identifier = "\x6B\x87\x08\x38\x76\xC1\x48\x4E\xB7\xAE\x04\x04\x6E\x6C\xC7\x52"
	le := binary.LittleEndian
	out := append(volume, make([]byte, -len(volume)&(snapshotBlock-1))...)
	log := bytes.LastIndex(volume, []byte("ElfFile"))
	saved := log / snapshotBlock * snapshotBlock
	add := func(kind uint32) (at int, body []byte) {
		at = len(out)
		out = append(out, make([]byte, snapshotBlock)...)
		b := out[at:]
		copy(b, identifier)
		le.PutUint32(b[16:], 2)
		le.PutUint32(b[20:], kind)
		le.PutUint64(b[32:], uint64(at))
		return at, b[128:]
	}
	const perCatalog = 63
	catalog, last := 0, 0
	for i := range count {
		list, _ := add(3)
		header, _ := add(4)
		data := len(out)
		out = append(out, volume[saved:saved+snapshotBlock]...)
		out[data+log-saved+16] = byte(100 + i)
		le.PutUint64(out[list+128:], uint64(saved))
		le.PutUint64(out[list+128+16:], uint64(data))
		if i%perCatalog == 0 {
			at, _ := add(2)
			if last > 0 {
				le.PutUint64(out[last+40:], uint64(at))
			} else {
				catalog = at
			}
			last = at
		}
		entry := out[last+128+256*(i%perCatalog):]
		le.PutUint64(entry, 2)
		entry[16] = byte(i + 1)
		le.PutUint64(entry[48:], uint64(i+1)*864_000_000_000) // a day
		le.PutUint64(entry[128:], 3)
		le.PutUint64(entry[128+8:], uint64(list))
		entry[128+16] = byte(i + 1)
		le.PutUint64(entry[128+32:], uint64(header))
	}
	head := out[0x1E00:]
	copy(head, identifier)
	le.PutUint64(head[48:], uint64(catalog))
	le.PutUint64(out[40:], uint64(len(out)/512))
	return out
}

// snapshotVolume writes a volume with so many small logs and shadow copies, and
// returns its path.
func snapshotVolume(t testing.TB, logs, count int) string {
	t.Helper()
	files := []ntfstest.File{{Path: "Windows/System32/winevt/Logs/Security.evtx", Data: []byte(largeLog(4096 + 64<<10))}}
	for i := range logs {
		files = append(files, ntfstest.File{Path: fmt.Sprintf("Windows/System32/winevt/Logs/%d.evtx", i), Data: []byte("ElfFile\x00"), Resident: true})
	}
	path := filepath.Join(t.TempDir(), "snapshots.raw")
	if err := os.WriteFile(path, withSnapshots(ntfstest.Volume(400+logs/2, files...), count), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestManySnapshots: of each of 64 shadow copies the log is read that was
// changed since, and no other.
func TestManySnapshots(t *testing.T) {
	const logs, count = 300, 64
	found, err := source.Find(t.Context(), []string{snapshotVolume(t, logs, count)}, source.Options{})
	if err != nil || len(found.Skipped) > 0 {
		t.Fatalf("%v, skipped %v", err, found.Skipped)
	}
	changed := 0
	for _, in := range found.Inputs {
		if in.Origin.Snapshot != 0 && strings.HasSuffix(in.Path, "/Security.evtx") {
			changed++
		}
	}
	if changed != count || len(found.Inputs) != 1+logs+count {
		t.Errorf("%d logs of shadow copies, %d in all", changed, len(found.Inputs))
	}
}

// BenchmarkSnapshots opens an image with 64 shadow copies and finds its logs.
// It is to take less than a second.
func BenchmarkSnapshots(b *testing.B) {
	path := snapshotVolume(b, 1000, 64)
	b.ReportAllocs()
	before := cputime.Used()
	for b.Loop() {
		found, err := source.Find(b.Context(), []string{path}, source.Options{})
		if err != nil || len(found.Inputs) != 1+1000+64 {
			b.Fatalf("%d inputs, %v", len(found.Inputs), err)
		}
	}
	b.ReportMetric(float64(cputime.Used()-before)/float64(b.N)/float64(time.Second), "cpu-s/image")
}

package binxml_test

import (
	"encoding/binary"
	"testing"

	"webshellscan/scan/binxml"
)

// TestManyNames: a record whose references all name the same long text is
// refused before they are worth more than a few chunks.
func TestManyNames(t *testing.T) {
	const long = 0x8000 // where the name node is
	for targets, sound := range map[int]bool{4: true, 3000: false} {
		chunk := make([]byte, 1<<16)
		binary.LittleEndian.PutUint16(chunk[long+6:], 15_000) // UTF-16 units
		record := append(chunk[:0:0], 0x0F, 1, 1, 0)
		for range targets {
			record = append(record, 0x0A, 0, 0, 0, 0) // the target of a processing instruction
			binary.LittleEndian.PutUint32(record[len(record)-4:], long)
			record = append(record, 0x0B, 0, 0) // no data
		}
		record = append(record, 0)
		copy(chunk[512:long], record)
		_, err := binxml.Parse(chunk, 512, 512+len(record))
		if (err == nil) != sound {
			t.Errorf("%d targets: %v", targets, err)
		}
	}
}

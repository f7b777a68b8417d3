package source_test

import (
	"encoding/binary"
	"strings"
	"testing"

	"webshellscan/scan/source"
	"webshellscan/scan/source/ntfs/ntfstest"
)

// TestUnreadPartitions: beside a volume that is read, each partition that is
// not is named, unless it is of a type that serves the machine.
func TestUnreadPartitions(t *testing.T) {
	volume := ntfstest.Volume(100, ntfstest.File{Path: "a.evtx", Data: []byte(largeLog(4096 + 64<<10))})
	const start, sector = 63, 512
	second := start + len(volume)/sector
	at := func(offset int, text string) []byte { return padded(64<<10, offset, text) }
	for _, tt := range []struct {
		name    string
		kind    byte // of the partition
		content []byte
		want    string
	}{
		{"zeros", 0x07, at(0, ""), "a partition that begins as no file system"},
		{"random", 0x07, random(64 << 10), "a partition that begins as no file system"},
		{"cut off", 0x07, nil, "a partition that the image ends before"},
		{"exFAT", 0x07, at(3, "EXFAT   "), "an exFAT volume"},
		{"FAT", 0x0C, at(82, "FAT32   "), "a FAT volume"},
		{"ext", 0x83, at(1080, "\x53\xEF"), "an ext volume"},
		{"BitLocker", 0x07, at(3, "-FVE-FS-"), "a BitLocker volume"},
		{"UEFI", 0xEF, at(82, "FAT32   "), ""},
		{"recovery", 0x27, at(0, ""), ""},
		{"swap", 0x82, at(0, ""), ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			disk := make([]byte, start*sector)
			for i, p := range [][2]int{{start, len(volume) / sector}, {second, 128}} {
				entry := disk[446+16*i:]
				entry[4] = []byte{0x07, tt.kind}[i]
				binary.LittleEndian.PutUint32(entry[8:], uint32(p[0]))
				binary.LittleEndian.PutUint32(entry[12:], uint32(p[1]))
			}
			disk[510], disk[511] = 0x55, 0xAA
			found := findIn(t, "x.raw", append(append(disk, volume...), tt.content...), source.Options{})
			got := said(found)
			if len(found.Inputs) != 1 || len(got) > 1 || !hasPrefixAt(got, "x.raw!p2", tt.want) {
				t.Errorf("%d inputs, not read: %q", len(found.Inputs), got)
			}
		})
	}
}

// hasPrefixAt reports whether what is said of a place begins so; nothing is
// said of it if that is "".
func hasPrefixAt(said map[string]string, place, prefix string) bool {
	text, ok := said[place]
	return ok == (prefix != "") && strings.HasPrefix(text, prefix)
}

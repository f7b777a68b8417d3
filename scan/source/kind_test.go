package source_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"webshellscan/scan/source"
)

// random returns bytes that look random, always the same.
func random(n int) []byte {
	var b []byte
	for sum := sha256.Sum256(nil); len(b) < n; sum = sha256.Sum256(sum[:]) {
		b = append(b, sum[:]...)
	}
	return b[:n]
}

// padded returns a file of zeros with a text at an offset.
func padded(size, offset int, text string) []byte {
	b := make([]byte, size)
	copy(b[offset:], text)
	return b
}

func inUTF16(text string) []byte {
	b := []byte{0xFF, 0xFE}
	for _, u := range utf16.Encode([]rune(text)) {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return b
}

func partitionTable() []byte {
	b := padded(1<<16, 446, "\x80\x20\x21\x00\x07\xFE\xFF\xFF\x00\x08\x00\x00\x00\x00\x10\x00")
	copy(b[510:], "\x55\xAA")
	return b
}

// v7Tar returns an archive without the signature of later ones.
func v7Tar(t *testing.T) []byte {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	if err := w.WriteHeader(&tar.Header{Name: "Security.evtx", Mode: 0o644, Format: tar.FormatUSTAR}); err != nil {
		t.Fatal(err)
	}
	_ = w.Close()
	data := b.Bytes()
	clear(data[257:512])
	sum := 8 * 32
	for i, c := range data[:512] {
		if i < 148 || i >= 156 {
			sum += int(c)
		}
	}
	copy(data[148:156], []byte{byte('0' + sum>>12&7), byte('0' + sum>>9&7), byte('0' + sum>>6&7), byte('0' + sum>>3&7), byte('0' + sum&7), 0, ' ', 0})
	return data
}

func TestKindOf(t *testing.T) {
	zipped := func(data []byte) []byte {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		_, _ = w.Write(data)
		_ = w.Close()
		return b.Bytes()
	}
	const xmlns = `http://schemas.microsoft.com/win/2004/08/events/event`
	tests := []struct {
		name  string
		data  []byte
		want  string // in the name
		class source.Class
	}{
		{"EVTX", padded(5000, 0, "ElfFile\x00"), "event log", source.ClassLog},
		{"chunk", padded(5000, 0, "ElfChnk\x00"), "chunk", source.ClassLog},
		{"EVT", padded(5000, 0, "\x30\x00\x00\x00LfLe"), "Windows XP", source.ClassExport},
		{"gzip", zipped([]byte("ElfFile\x00")), "gzip", source.ClassArchive},
		{"gzip of much", zipped(random(1 << 16)), "gzip", source.ClassArchive},
		{"gzip of text", zipped(bytes.Repeat([]byte("GET /\n"), 5000)), "gzip archive of text", source.ClassPackage},
		{"gzip of an export", zipped([]byte(`<Event xmlns="` + xmlns + `">`)), "gzip", source.ClassArchive},
		{"zip", []byte("PK\x03\x04" + strings.Repeat("\x00", 26) + "logs/Security.evtx"), "zip", source.ClassArchive},
		{"document", []byte("PK\x03\x04" + strings.Repeat("\x00", 26) + "[Content_Types].xml"), "office", source.ClassPackage},
		{"lzip", padded(600, 0, "LZIP\x01"), "lzip", source.ClassArchive},
		{"lzop", padded(600, 0, "\x89LZO\x00\r\n\x1A\n"), "lzop", source.ClassArchive},
		{"compress", append([]byte("\x1F\x9D\x90"), random(600)...), "compress", source.ClassArchive},
		{"LZMA", slices.Concat([]byte("\x5D\x00\x00\x80\x00\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x00"), random(4000)), "LZMA", source.ClassArchive},
		{"no LZMA", slices.Concat([]byte("\x5D\x00\x00\x83\x07"), random(4000)), "encrypted", source.ClassOther},
		{"Parallels", padded(600, 0, "WithouFreSpacExt"), "Parallels", source.ClassImage},
		{"QED", padded(600, 0, "QED\x00"), "QED", source.ClassImage},
		{"old tar", v7Tar(t), "tar", source.ClassArchive},
		{"VHD by its footer", padded(4096, 4096-512, "conectix"), "VHD", source.ClassImage},
		{"VHD by an old footer", padded(4095, 4095-511, "conectix"), "VHD", source.ClassImage},
		{"VMDK descriptor", []byte("\n#  disk descriptorfile \r\nversion=1\n"), "VMDK", source.ClassImage},
		{"NTFS before partitions", append(padded(510, 3, "NTFS    "), 0x55, 0xAA), "NTFS", source.ClassImage},
		{"partition table", partitionTable(), "partition table", source.ClassImage},
		{"no partition table", append(random(510), 0x55, 0xAA), "unknown kind", source.ClassOther},
		{"GPT of large sectors", padded(1<<16, 4096, "EFI PART"), "GPT", source.ClassImage},
		{"ISO", padded(1<<16, 32769, "CD001"), "ISO", source.ClassImage},
		{"XML export", []byte(`<?xml version="1.0"?><Events><Event xmlns="` + xmlns + `">`), "XML", source.ClassExport},
		{"XML export in UTF-16", inUTF16("<Event xmlns='" + xmlns + "'><System>"), "XML", source.ClassExport},
		{"JSON export", []byte(` [{"Event":{"System":{}}}]`), "JSON", source.ClassExport},
		{"XML", []byte("\xEF\xBB\xBF<?xml version='1.0'?><project/>"), "XML", source.ClassOther},
		{"PDF", []byte("%PDF-1.7\n"), "PDF", source.ClassArtifact},
		{"text", []byte("no log\n"), "text", source.ClassOther},
		{"report", []byte(`{"kind":"manifest","version":"v1","event_id":1}`), "a report of webshellscan", source.ClassOther},
		{"JSON of a kind", []byte(`{"kind":"record","event_id":1}`), "text", source.ClassOther},
		{"IIS log", []byte("#Software: Microsoft Internet Information Services 10.0\r\n"), "web server log", source.ClassArtifact},
		{"empty", nil, "empty", source.ClassOther},
		{"zeros", make([]byte, 69632), "zeroed: nothing but zeros in 69632 bytes", source.ClassOther},
		{"encrypted", random(69632), "encrypted", source.ClassOther},
		{"a little of it", random(1024), "encrypted", source.ClassOther},
		{"encrypted behind zeros", append(make([]byte, 8192), random(8192)...), "after 8192 bytes of zeros", source.ClassOther},
		{"overwritten", bytes.Repeat([]byte{0xFF}, 69632), "overwritten: nothing but the byte 0xFF", source.ClassOther},
		{"no UTF-8", bytes.Repeat([]byte("\xD5\xE2\xB2"), 500), "unknown kind", source.ClassOther},
		{"no text, not random", bytes.Repeat([]byte("\x00\x01\x02abc"), 500), "unknown kind", source.ClassOther},
	}
	for _, tt := range tests {
		got, err := source.KindOf(bytes.NewReader(tt.data), int64(len(tt.data)))
		if err != nil || !strings.Contains(got.Name, tt.want) || got.Class != tt.class {
			t.Errorf("%s: %+v, %v", tt.name, got, err)
		}
	}
}

// FuzzKindOf: no bytes end in a panic, and a file has one kind.
func FuzzKindOf(f *testing.F) {
	f.Add(partitionTable())
	f.Add([]byte("PK\x03\x04"))
	f.Add([]byte("#Disk DescriptorFile"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if k, err := source.KindOf(bytes.NewReader(data), int64(len(data))); err != nil || k.Name == "" {
			t.Errorf("%+v, %v", k, err)
		}
	})
}

func TestIsLogName(t *testing.T) {
	for name, want := range map[string]bool{
		"Security.evtx": true, "a/SECURITY.EVTX": true, "Security.evtx.locked": true, "Security.evtx_data": true, "SecEvent.Evt": true, "Security.evtx~": true,
		"evtx": false, "report.csv": false, "x.evtx/report.csv": false, "events.json": false, "a.evtools": false,
	} {
		if source.IsLogName(name) != want {
			t.Errorf("%s: %v", name, !want)
		}
	}
}

func TestIsContainerName(t *testing.T) {
	for name, want := range map[string]bool{
		"case.zip": true, "a/DISK.E01": true, "case.tar.gz": true, "srv.vhdx": true, "part.001": true, "logs.tar.lz": true,
		"zip": false, "case.zip.txt": false, "x.zip/report.csv": false, "disk.E01.md5": false,
	} {
		if source.IsContainerName(name) != want {
			t.Errorf("%s: %v", name, !want)
		}
	}
}

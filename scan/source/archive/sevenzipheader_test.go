package archive_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"strings"
	"testing"
	"unicode/utf16"

	"webshellscan/scan/source/archive"
)

// sevenZip writes a 7z archive with one member, which is not compressed. Its
// numbers may lie.
type sevenZip struct {
	content    string
	members    uint64
	folders    uint64
	streams    uint64
	coders     []byte // of the folder
	attributes uint32
	named      bool
	packed     bool   // the header is stored as a member is
	unpacked   string // what a packed content is of, "" if the content is not packed
}

// soundSevenZip is an archive in which nothing lies.
func soundSevenZip() sevenZip {
	return sevenZip{content: contents["a/Security.evtx"], members: 1, folders: 1, streams: 1, coders: []byte{1, 1, 0}, named: true}
}

// number7z writes a number as 7z does: the leading ones of the first byte say
// how many follow.
func number7z(v uint64) []byte {
	more := 0
	for more < 8 && v >= 1<<(7*(more+1)) {
		more++
	}
	b := []byte{^byte(0xFF >> more)}
	if more < 7 {
		b[0] |= byte(v >> (8 * more))
	}
	for i := range more {
		b = append(b, byte(v>>(8*i)))
	}
	return b
}

func (z *sevenZip) streamsInfo(at, size uint64, crc uint32) []byte {
	return bytes.Join([][]byte{
		{0x06},
		number7z(at), number7z(z.streams),
		{0x09},
		number7z(size),
		{0},
		{0x07, 0x0B},
		number7z(z.folders),
		{0},
		z.coders,
		{0x0C},
		number7z(cmp.Or(uint64(len(z.unpacked)), size)),
		{0x0A, 1},
		binary.LittleEndian.AppendUint32(nil, crc),
		{0, 0},
	}, nil)
}

func (z *sevenZip) header() []byte {
	b := append([]byte{1, 4}, z.streamsInfo(0, uint64(len(z.content)), crc32.ChecksumIEEE([]byte(cmp.Or(z.unpacked, z.content))))...)
	b = append(append(b, 5), number7z(z.members)...)
	if z.named {
		name := []byte{0}
		for _, unit := range utf16.Encode([]rune("a/Security.evtx\x00")) {
			name = binary.LittleEndian.AppendUint16(name, unit)
		}
		b = append(append(append(b, 0x11), number7z(uint64(len(name)))...), name...)
	}
	if z.attributes != 0 {
		b = append(b, 0x15, 6, 1, 0)
		b = binary.LittleEndian.AppendUint32(b, z.attributes)
	}
	return append(b, 0, 0)
}

func (z *sevenZip) bytes() []byte {
	body, header := []byte(z.content), z.header()
	if z.packed {
		whole := soundSevenZip()
		body = append(body, header...)
		header = append([]byte{0x17}, whole.streamsInfo(uint64(len(z.content)), uint64(len(header)), crc32.ChecksumIEEE(header))...)
	}
	return sevenZipOf(body, header)
}

// sevenZipOf returns an archive of packed streams and a header.
func sevenZipOf(body, header []byte) []byte {
	place := binary.LittleEndian.AppendUint64(nil, uint64(len(body)))
	place = binary.LittleEndian.AppendUint64(place, uint64(len(header)))
	place = binary.LittleEndian.AppendUint32(place, crc32.ChecksumIEEE(header))
	start := binary.LittleEndian.AppendUint32([]byte("7z\xBC\xAF\x27\x1C\x00\x04"), crc32.ChecksumIEEE(place))
	return bytes.Join([][]byte{start, place, body, header}, nil)
}

// TestSevenZipHeader: no count of a header is believed that its own size does
// not allow, whether the header is packed or not.
func TestSevenZipHeader(t *testing.T) {
	tests := []struct {
		name string
		lie  func(*sevenZip)
		want error
	}{
		{"sound", func(*sevenZip) {}, nil},
		{"no name", func(z *sevenZip) { z.named = false }, nil},
		{"members", func(z *sevenZip) { z.members = 1 << 31 }, archive.ErrDamaged},
		{"members without names", func(z *sevenZip) { z.members, z.named = 30_000_000, false }, archive.ErrDamaged},
		{"two members of which one is there", func(z *sevenZip) { z.members, z.named = 2, false }, archive.ErrDamaged},
		{"folders", func(z *sevenZip) { z.folders = math.MaxUint32 }, archive.ErrDamaged},
		{"packed streams", func(z *sevenZip) { z.streams = 1 << 31 }, archive.ErrDamaged},
		{"coders", func(z *sevenZip) { z.coders = append(number7z(1<<31), 1, 0) }, archive.ErrDamaged},
		{"streams of a coder", func(z *sevenZip) { z.coders = bytes.Join([][]byte{{1, 0x11, 0}, number7z(1 << 31), {1}}, nil) }, archive.ErrDamaged},
		{"bytes of a coder", func(z *sevenZip) { z.coders = append([]byte{1, 0x21, 0}, number7z(1<<31)...) }, archive.ErrDamaged},
		{"connection", func(z *sevenZip) { z.coders = []byte{2, 1, 0, 1, 0, 9, 9} }, archive.ErrDamaged},
	}
	for _, tt := range tests {
		for _, packed := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, packed %t", tt.name, packed), func(t *testing.T) {
				z := soundSevenZip()
				z.packed = packed
				tt.lie(&z)
				data := z.bytes()
				got, err := unpack(data, archive.Options{})
				if tt.want != nil {
					if !errors.Is(err, tt.want) || len(got) > 0 {
						t.Errorf("%d members, %v", len(got), err)
					}
					return
				}
				name := "a/Security.evtx"
				if !z.named {
					name = ""
				}
				if err != nil || len(got) != 1 || got[name] != z.content {
					t.Errorf("%d members, %v", len(got), err)
				}
			})
		}
	}
}

// TestSevenZipDictionary: a member whose dictionary would take all memory is
// named with the reason.
func TestSevenZipDictionary(t *testing.T) {
	z := soundSevenZip()
	z.coders = []byte{1, 0x23, 3, 1, 1, 5, 0x5D, 0, 0, 0, 0x40}
	got, err := unpack(z.bytes(), archive.Options{})
	if text := got["a/Security.evtx"]; err != nil || !strings.Contains(text, "dictionary") {
		t.Errorf("%.60q, %v", text, err)
	}
}

// TestSevenZipZstd: members that are packed by zstd are read, unless their
// window would take all memory.
func TestSevenZipZstd(t *testing.T) {
	content := contents["a/Security.evtx"]
	for _, tt := range []struct {
		name, packed, want string
	}{
		{"sound", string(makeZstd([]byte(content))), content},
		{"a window of 512 MiB", "\x28\xB5\x2F\xFD\x00\x98\x19\x00\x00abc", "not supported: a zstd window"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			z := soundSevenZip()
			z.content, z.unpacked, z.coders = tt.packed, content, []byte("\x01\x04\x04\xF7\x11\x01")
			got, err := unpack(z.bytes(), archive.Options{})
			if text := got["a/Security.evtx"]; err != nil || !strings.Contains(text, tt.want) {
				t.Errorf("%.60q, %v", text, err)
			}
		})
	}
}

// TestSevenZipAttributes: a member with content is one, whatever its attributes
// say: a pipe that was packed from standard input, a folder, a link.
func TestSevenZipAttributes(t *testing.T) {
	for _, attributes := range []uint32{0x10, 0x1000_8000 | 0o644<<16, 0xA000_8000, 0x2000_8000} {
		z := soundSevenZip()
		z.attributes = attributes
		got, err := unpack(z.bytes(), archive.Options{})
		if err != nil || got["a/Security.evtx"] != z.content {
			t.Errorf("%#x: %d members, %v", attributes, len(got), err)
		}
	}
}

// FuzzSevenZipHeader: no header makes the walk fail or take memory for what is
// not there. Checksums are right, so that what is behind them is reached.
func FuzzSevenZipHeader(f *testing.F) {
	z := soundSevenZip()
	f.Add(z.header())
	z.attributes, z.coders = 0x20, []byte{2, 1, 0, 0x21, 0x21, 1, 24, 1, 0}
	f.Add(z.header())
	z.coders = []byte{1, 0x24, 6, 0xF1, 7, 1, 3, 0x13, 0, 1}
	f.Add(z.header())
	whole := soundSevenZip()
	f.Add(append([]byte{0x17}, whole.streamsInfo(0, 100, 1)...))
	f.Fuzz(func(_ *testing.T, header []byte) {
		data := sevenZipOf([]byte(contents["a/Security.evtx"]), header)
		_ = archive.Walk(context.Background(), bytes.NewReader(data), archive.Options{}, func(m *archive.Member) error {
			r, err := m.Open()
			if err != nil {
				return nil
			}
			_, _ = io.Copy(io.Discard, io.LimitReader(r, 1<<16))
			return r.Close()
		})
	})
}

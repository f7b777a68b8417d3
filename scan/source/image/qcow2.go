package image

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/klauspost/compress/zstd"

	"webshellscan/scan/source/inflate"
)

// QEMU docs/interop/qcow2.txt. All numbers are big-endian.
const (
	qcowOffset     = 0x00FFFFFFFFFFFE00 // of an L1 or L2 entry
	qcowCompressed = 1 << 62
	qcowZeros      = 1
	qcowDirty      = 1 << 0
	qcowCorrupt    = 1 << 1
	qcowDataFile   = 1 << 2
	qcowMethod     = 1 << 3
	qcowKnown      = qcowDirty | qcowCorrupt | qcowMethod
	qcowZstd       = 1
)

func isQCOW2(f File) bool { return begins(f, 0, QCOW2Signature) }

// qcow2 is an open QCOW2 image.
type qcow2 struct {
	file    File
	bits    uint // of a cluster
	cluster int64
	zeros   bool // entries may say that a cluster is zero: version 3
	zstd    bool
	l1      []byte
	above   *Image

	mu     sync.Mutex
	tables map[int64][]byte // L2 tables by offset
}

// maxL2Tables bounds the L2 tables that are kept.
const maxL2Tables = 512

func openQCOW2(f File, o Options) (*Image, error) {
	h := make([]byte, 112)
	if err := readFull(f, h[:min(112, f.Size())], 0); err != nil {
		return nil, err
	}
	version := binary.BigEndian.Uint32(h[4:])
	if version != 2 && version != 3 {
		return nil, fmt.Errorf("%w: version %d of QCOW", ErrUnsupported, version)
	}
	q := &qcow2{file: f, bits: uint(binary.BigEndian.Uint32(h[20:])), zeros: version == 3, tables: make(map[int64][]byte)}
	if q.bits < 9 || q.bits > 21 {
		return nil, fmt.Errorf("%w: clusters of 2^%d bytes", ErrDamaged, q.bits)
	}
	q.cluster = 1 << q.bits
	if binary.BigEndian.Uint32(h[32:]) != 0 {
		return nil, fmt.Errorf("%w: an encrypted QCOW2 image", ErrUnsupported)
	}
	m := &Image{Format: "QCOW2", size: int64(binary.BigEndian.Uint64(h[24:])), locate: q.locate}
	if m.size < 0 {
		return nil, fmt.Errorf("%w: a disk of %d bytes", ErrDamaged, uint64(m.size))
	}
	if version == 3 {
		if err := q.features(m, h); err != nil {
			return nil, err
		}
	}
	entries := int64(binary.BigEndian.Uint32(h[36:]))
	l1, err := readTable(f, int64(binary.BigEndian.Uint64(h[40:])), entries*8, maxTable)
	if err != nil {
		return nil, err
	}
	q.l1 = l1
	m.size = min(m.size, satMul(entries, q.cluster/8*q.cluster))
	m.cache = newBlockCache(q.cluster, q.unpack)
	if n := binary.BigEndian.Uint32(h[60:]); n > 0 {
		m.addNote("the image has %d internal snapshots, which are not read", n)
	}
	if at, n := int64(binary.BigEndian.Uint64(h[8:])), int64(binary.BigEndian.Uint32(h[16:])); at != 0 && n != 0 {
		name, err := readTable(f, at, n, 1023)
		if err != nil {
			return nil, err
		}
		base := backingName(string(name))
		if q.above, err = m.parent(o, base); err != nil {
			return nil, err
		}
		if base != string(name) {
			m.addNote("the backing file is %q; the file of that name beside the image was taken for it", name)
		}
	}
	return m, nil
}

// backingName returns the file name of a backing file, without its folder. One
// that is no file, but given by a protocol or by options, is returned as it is.
func backingName(name string) string {
	path := strings.TrimPrefix(name, "file:")
	if strings.HasPrefix(path, "json:") || strings.Contains(path, "://") {
		return name
	}
	return baseName(path)
}

// features reads what version 3 adds to the header.
func (q *qcow2) features(m *Image, h []byte) error {
	incompatible := binary.BigEndian.Uint64(h[72:])
	if incompatible&qcowDataFile != 0 {
		return fmt.Errorf("%w: a QCOW2 image whose data are in another file: %q; if that is a raw disk, read it instead", ErrUnsupported, q.dataFile(h))
	}
	if unknown := incompatible &^ qcowKnown; unknown != 0 {
		return fmt.Errorf("%w: a QCOW2 image with the incompatible features %#x", ErrUnsupported, unknown)
	}
	if incompatible&qcowCorrupt != 0 {
		m.addNote("the image is marked as corrupt")
	}
	if incompatible&qcowMethod != 0 && binary.BigEndian.Uint32(h[100:]) > 104 {
		switch method := h[104]; method {
		case 0:
		case qcowZstd:
			q.zstd = true
		default:
			return fmt.Errorf("%w: compression %d of QCOW2", ErrUnsupported, method)
		}
	}
	return nil
}

// dataFile returns the name of the file that has the data, which is in one of
// the extensions behind the header.
func (q *qcow2) dataFile(h []byte) string {
	const idDataFile, most = 0x44415441, 64
	at := int64(binary.BigEndian.Uint32(h[100:]))
	for range most {
		head, err := readTable(q.file, at, 8, 8)
		if err != nil {
			break
		}
		id, n := binary.BigEndian.Uint32(head), int64(binary.BigEndian.Uint32(head[4:]))
		if id == idDataFile {
			name, _ := readTable(q.file, at+8, n, 1023)
			return string(name)
		}
		if id == 0 {
			break
		}
		at += 8 + (n+7)/8*8
	}
	return ""
}

// satMul multiplies two numbers that are not negative, up to the largest one.
func satMul(a, b int64) int64 {
	const most = 1<<63 - 1
	if a != 0 && b > most/a {
		return most
	}
	return a * b
}

func (q *qcow2) locate(off int64) (extent, error) {
	in := off % q.cluster
	entry, err := q.entry(off / q.cluster)
	if err != nil {
		return extent{}, err
	}
	rest := q.cluster - in
	switch {
	case entry&qcowCompressed != 0:
		return extent{length: rest, packed: true, block: off / q.cluster, skip: in}, nil
	case q.zeros && entry&qcowZeros != 0:
		return extent{length: rest}, nil
	case entry&qcowOffset == 0:
		if q.above == nil && q.tableAt(off/q.cluster) == 0 { // the same for all clusters of the table
			span := q.cluster / 8 * q.cluster
			rest = span - off%span
		}
		return fromParent(q.above, off, rest)
	}
	return extent{length: rest, from: q.file, at: int64(entry&qcowOffset) + in}, nil
}

// entry returns the L2 entry of a cluster, 0 if there is none.
func (q *qcow2) entry(n int64) (uint64, error) {
	at := q.tableAt(n)
	if at == 0 {
		return 0, nil
	}
	table, err := q.table(at)
	if err != nil {
		return 0, err
	}
	return binary.BigEndian.Uint64(table[n%(q.cluster/8)*8:]), nil
}

// tableAt returns where the L2 table of a cluster lies, 0 if it has none.
func (q *qcow2) tableAt(n int64) int64 {
	i := n / (q.cluster / 8)
	if i*8+8 > int64(len(q.l1)) {
		return 0
	}
	return int64(binary.BigEndian.Uint64(q.l1[i*8:]) & qcowOffset)
}

// table returns the L2 table at an offset.
func (q *qcow2) table(at int64) ([]byte, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if t, ok := q.tables[at]; ok {
		return t, nil
	}
	t, err := readTable(q.file, at, q.cluster, q.cluster)
	if err != nil {
		return nil, err
	}
	if len(q.tables) >= maxL2Tables {
		clear(q.tables)
	}
	q.tables[at] = t
	return t, nil
}

// unpack inflates a compressed cluster.
func (q *qcow2) unpack(n int64, dst []byte) error {
	entry, err := q.entry(n)
	if err != nil {
		return err
	}
	low := 62 - (q.bits - 8)
	at := int64(entry & (1<<low - 1))
	sectors := int64(entry>>low&(1<<(q.bits-8)-1)) + 1
	size := min(sectors*512-at%512, q.file.Size()-at)
	return withPacked(q.file, at, size, 2*q.cluster+1024, func(packed []byte) error {
		if q.zstd {
			return unzstd(packed, dst)
		}
		// What lies behind the cluster in its last sector may follow
		// the stream.
		if n, err := inflate.Raw(dst, packed); n < len(dst) {
			return fmt.Errorf("%w: a compressed cluster at offset %d has %d bytes of %d: %w", ErrDamaged, at, n, len(dst), cmp.Or(err, io.ErrUnexpectedEOF))
		}
		return nil
	})
}

// unzstd unpacks one zstd frame that may be followed by slack.
func unzstd(packed, dst []byte) error {
	d, err := zstd.NewReader(bytes.NewReader(packed), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(64<<20))
	if err != nil {
		return err
	}
	defer d.Close()
	if _, err := io.ReadFull(d, dst); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: a compressed cluster: %w", ErrDamaged, err)
	}
	return nil
}

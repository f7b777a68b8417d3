package image

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"hash/adler32"
	"io"
)

// maxWithoutTable bounds what of a segment is searched for chunks, in bytes.
const maxWithoutTable = 4 << 30

// withoutTable adds the chunks of a sectors section whose table is damaged, or
// is missing because the segment was cut off: they lie one behind another, and
// each has a checksum. It reports whether all of the section was chunks.
func (e *ewf) withoutTable(f File, data *ewfSection) bool {
	at, end := data.at+ewfSectionSize, min(data.at+data.size, f.Size())
	first := at
	if e.chunk == 0 {
		return false
	}
	packed, disk := make([]byte, 2*e.chunk+4096), make([]byte, e.chunk+1)
	for at < end && at-first < maxWithoutTable && int64(len(e.chunks)) < maxTable/4 {
		n, _ := f.ReadAt(packed[:min(int64(len(packed)), end-at)], at) // what cannot be read is no chunk
		c := e.chunkAt(packed[:n], disk)
		if c.length == 0 {
			break
		}
		c.file, c.at = f, at
		e.chunks = append(e.chunks, c)
		at += c.length
	}
	e.image.addNote("the table of the sectors section at offset %d is missing or damaged; what they are was found out by their checksums, up to offset %d", data.at, at)
	return at == end && end == data.at+data.size
}

// chunkAt returns the chunk that some bytes begin with: without a length if
// they begin with none. disk is scratch space.
func (e *ewf) chunkAt(b, disk []byte) ewfChunk {
	r := bytes.NewReader(b) // of which no more is read than the chunk has
	if z, err := zlib.NewReader(r); err == nil {
		n, _ := io.ReadFull(z, disk)                                          // there is room for one byte too many
		if _, err := z.Read(disk[:1]); err == io.EOF && int64(n) <= e.chunk { // and its checksum is right
			return ewfChunk{length: int64(len(b) - r.Len()), packed: true}
		}
	}
	sizes := []int64{e.chunk, e.image.size - int64(len(e.chunks))*e.chunk} // the last one may be shorter
	for _, size := range sizes {
		if size > 0 && size <= e.chunk && int64(len(b)) >= size+4 && adler32.Checksum(b[:size]) == binary.LittleEndian.Uint32(b[size:]) {
			return ewfChunk{length: size + 4}
		}
	}
	return ewfChunk{}
}

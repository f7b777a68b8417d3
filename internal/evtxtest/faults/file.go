package faults

import (
	"bytes"
	"encoding/binary"
	"slices"

	"webshellscan/internal/evtxtest"
)

// Row is a row of the matrix: a fault and its variants.
type Row struct {
	// ID names the fault, with a letter for a variant; Name says what it
	// is.
	ID, Name string
	Make     func(l *Log)
	// Build makes the log where Make cannot, out of the base.
	Build func() *Log
}

// Log makes the damaged log.
func (r *Row) Log() *Log {
	if r.Build != nil {
		return r.Build()
	}
	l := base()
	r.Make(l)
	return l
}

// Rows returns the matrix.
func Rows() []Row {
	return slices.Concat(fileRows, chunkRows, recordRows, definitionRows, tamperRows, builtRows)
}

// fileRows are faults of the file and its header.
var fileRows = []Row{
	{ID: "F01", Name: "no bytes", Make: func(l *Log) { l.Data, l.Open, l.IDs = nil, "empty", nil }},
	{ID: "F02", Name: "100 bytes", Make: func(l *Log) { l.Data, l.Open, l.IDs = l.Data[:100], "truncated", nil }},
	{ID: "F03", Name: "header only", Make: func(l *Log) {
		l.Data, l.IDs = l.Data[:headerSize], nil
		put16(l.Data, 42, 1)
		evtxtest.FixFile(l.Data)
	}},
	{ID: "F04", Name: "file signature lost", Make: func(l *Log) {
		clear(l.Data[:8])
		l.expect("file-header-bad", 0)
	}},
	{ID: "F05", Name: "file header overwritten", Make: func(l *Log) {
		copy(l.Data[:headerSize], bytes.Repeat([]byte{0xDE, 0xAD, 0xBE, 0xEF}, headerSize/4))
		l.expect("file-header-bad", 0)
	}},
	{ID: "F06", Name: "dirty, chunk count stale", Make: func(l *Log) {
		put16(l.Data, 42, 1)
		put64(l.Data, 16, 0)
		put32(l.Data, 120, 1)
		evtxtest.FixFile(l.Data)
		l.expectHave("file-header-stale", 0, 1)
	}},
	{ID: "F07", Name: "chunk count too big", Make: func(l *Log) {
		put16(l.Data, 42, 0xFFFF)
		evtxtest.FixFile(l.Data)
		l.expectHave("chunks-missing", 0, 3)
	}},
	{ID: "F07b", Name: "dirty, chunk count too big", Make: func(l *Log) {
		put16(l.Data, 42, 0xFFFF)
		put32(l.Data, 120, 1)
		evtxtest.FixFile(l.Data)
		l.expectHave("file-header-stale", 0, 0xFFFF)
	}},
	{ID: "F08", Name: "header block size 0", Make: blockSize(0)},
	{ID: "F08b", Name: "header block size 65,535", Make: blockSize(0xFFFF)},
	{ID: "F08c", Name: "header block size 512", Make: blockSize(512)},
	{ID: "F09", Name: "version 4.9", Make: func(l *Log) {
		put16(l.Data, 36, 9)
		put16(l.Data, 38, 4)
		evtxtest.FixFile(l.Data)
		l.expectHave("file-version", 0, 4)
	}},
	{ID: "F09b", Name: "version 3.2", Make: func(l *Log) {
		put16(l.Data, 36, 2)
		evtxtest.FixFile(l.Data)
	}},
	{ID: "F10", Name: "chunk of zeros", Make: func(l *Log) {
		clear(l.chunk(1))
		l.lose(1, 0, 41)
		l.expectHave("chunks-missing", 0, 2)
		l.expectHave("id-gap", l.chunkAt(2), 42)
	}},
	{ID: "F12", Name: "cut behind the last record", Make: func(l *Log) {
		l.Data = l.Data[:l.chunkAt(2)+20000]
		l.expect("file-truncated", l.chunkAt(2))
	}},
	{ID: "F12b", Name: "cut in record 3 of the last chunk", Make: func(l *Log) {
		at := l.at(2, 3)
		l.Data = l.Data[:at+100]
		l.lose(2, 3, 5)
		l.expect("file-truncated", l.chunkAt(2))
		l.expect("chunk-data-crc", l.chunkAt(2))
		l.expectHave("file-truncated", at, 3)
		l.expectHave("records-missing", 0, 3)
	}},
	{ID: "F13", Name: "cut in a chunk header", Make: func(l *Log) {
		l.Data = l.Data[:l.chunkAt(2)+200]
		l.lose(2, 0, 5)
		l.expectHave("chunks-missing", 0, 2)
		l.expectHave("records-missing", 0, 6)
		l.expectHave("file-truncated", l.chunkAt(2), 200)
	}},
	{ID: "F14", Name: "512 bytes inserted before chunk 1", Make: func(l *Log) { l.insert(bytes.Repeat([]byte{0x55}, 512)) }},
	{ID: "F14b", Name: "1 byte inserted", Make: func(l *Log) { l.insert([]byte{0}) }},
	{ID: "F14c", Name: "1 byte cut out", Make: func(l *Log) {
		at := l.chunkAt(1) - 1
		l.Data = slices.Delete(l.Data, int(at), int(at)+1)
		l.expect("chunk-bad-magic", at)
	}},
	{ID: "F47", Name: "chunk 0 instead of chunk 2", Make: func(l *Log) {
		copy(l.chunk(2), l.chunk(0))
		l.lose(2, 0, 5)
		l.expectHave("chunk-duplicate", l.chunkAt(2), 39)
		l.expectHave("records-missing", 0, 6)
	}},
	{ID: "F48", Name: "ring, wrapped", Make: func(l *Log) {
		data, err := evtxtest.Rotate(l.Data, 1)
		if err != nil {
			panic(err)
		}
		l.Data = data
	}},
	{ID: "F69", Name: "1 MiB of junk before the file", Make: func(l *Log) { l.junk(1 << 20) }},
	{ID: "F69b", Name: "1,000,001 bytes of junk before the file", Make: func(l *Log) {
		l.junk(1000001)
		l.expect("file-header-bad", 1000001)
	}},
	{ID: "F69c", Name: "two files in one", Make: func(l *Log) {
		second := build(evtxtest.Options{FirstNumber: 1, Header: func(h *evtxtest.FileHeader) { h.NextRecordID = 1 }})
		l.expectHave("file-header-stale", 0, 3)
		l.expect("file-header-bad", int64(len(l.Data)))
		for i := range records {
			at := int64(len(l.Data)) + l.chunkAt(i)
			l.expectHave("chunk-duplicate", at, int64(records[i]))
		}
		l.Data = append(l.Data, second.Data...)
	}},
	{ID: "F69d", Name: "chunks without a file header", Make: func(l *Log) {
		l.Data = l.Data[headerSize:]
		l.expect("file-header-bad", 0)
		l.expect("chunk-bad-magic", 0)
	}},
	{ID: "F70", Name: "log of Windows XP", Make: func(l *Log) {
		clear(l.Data)
		copy(l.Data, []byte{0x30, 0, 0, 0, 'L', 'f', 'L', 'e'})
		l.Open, l.IDs = "not an EVTX file", nil
	}},
}

func blockSize(n uint16) func(l *Log) {
	return func(l *Log) {
		put16(l.Data, 40, n)
		evtxtest.FixFile(l.Data)
		l.expectHave("file-header-bad", 0, int64(n))
	}
}

// insert inserts bytes before chunk 1.
func (l *Log) insert(b []byte) {
	at := l.chunkAt(1)
	l.Data = slices.Insert(l.Data, int(at), b...)
	l.expect("chunk-bad-magic", at+int64(len(b)))
}

// junk inserts bytes before the file that look like nothing.
func (l *Log) junk(n int) {
	junk := make([]byte, 0, n+len(l.Data))
	for i := uint32(1); len(junk) < n; i++ {
		junk = binary.LittleEndian.AppendUint32(junk, i*2654435761)
	}
	l.Data = append(junk[:n], l.Data...)
	l.expect("file-header-bad", 0)
}

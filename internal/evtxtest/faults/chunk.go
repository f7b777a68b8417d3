package faults

import (
	"hash/crc32"
	"slices"
)

// chunkRows are faults of chunk headers and their tables.
var chunkRows = []Row{
	{ID: "F11", Name: "chunk signature lost", Make: func(l *Log) {
		copy(l.chunk(1), "XXXXXXXX")
		l.expect("chunk-bad-magic", l.chunkAt(1))
	}},
	{ID: "F11b", Name: "chunk header zeroed", Make: func(l *Log) {
		clear(l.chunk(1)[:chunkHead])
		l.expect("chunk-bad-magic", l.chunkAt(1))
	}},
	{ID: "F21", Name: "free space offset hides all records", Make: lies(func(c []byte) { put32(c, 48, chunkHead) })},
	{ID: "F22", Name: "free space offset 0xFFFFFFFF", Make: lies(func(c []byte) { put32(c, 48, 0xFFFFFFFF) })},
	{ID: "F23", Name: "last identifier is the first", Make: lies(func(c []byte) {
		put64(c, 16, get64(c, 8))
		put64(c, 32, get64(c, 24))
	})},
	{ID: "F24", Name: "first identifier behind the last", Make: lies(func(c []byte) {
		put64(c, 8, get64(c, 16)+5)
		put64(c, 24, get64(c, 32)+5)
	})},
	{ID: "F25", Name: "live chunk made empty", Make: func(l *Log) {
		c := l.chunk(1)
		put64(c, 8, 1)
		for _, at := range []int{16, 24, 32} {
			put64(c, at, 1<<64-1)
		}
		put32(c, 44, 0)
		put32(c, 48, chunkHead)
		clear(c[128:chunkHead])
		l.fix(1)
		for k := range records[1] {
			l.Recovered = append(l.Recovered, id(1, k))
		}
		l.expectHave("chunks-missing", 0, 2)
		l.expect("chunk-reset-with-data", l.chunkAt(1))
		l.expectHave("id-gap", l.chunkAt(2), 42)
	}},
	{ID: "F26", Name: "name leads to itself", Make: func(l *Log) {
		at := firstOf(l.chunk(1), 128, 384)
		put32(l.chunk(1), at, uint32(at))
		l.fix(1)
	}},
	{ID: "F27", Name: "two names lead to each other", Make: func(l *Log) {
		c := l.chunk(1)
		a := firstOf(c, 128, 384)
		b := int(l.file.Chunks[1].Names[3].Offset)
		put32(c, a, uint32(b))
		put32(c, b, uint32(a))
		l.fix(1)
	}},
	{ID: "F28", Name: "name bucket leads out of the chunk", Make: func(l *Log) {
		put32(l.chunk(1), firstAt(l.chunk(1), 128, 384), 0xFFFFFFF0)
		l.fix(1)
	}},
	{ID: "F29", Name: "definition leads to itself", Make: func(l *Log) {
		at := firstOf(l.chunk(1), 384, 512)
		put32(l.chunk(1), at, uint32(at))
		l.fix(1)
	}},
	{ID: "F29b", Name: "two definitions lead to each other", Make: func(l *Log) {
		c, list := l.chunk(1), l.file.Chunks[1].Definitions
		put32(c, int(list[0].Offset), list[1].Offset)
		put32(c, int(list[1].Offset), list[0].Offset)
		l.fix(1)
	}},
	{ID: "F29c", Name: "definition bucket leads out of the chunk", Make: func(l *Log) {
		put32(l.chunk(1), firstAt(l.chunk(1), 384, 512), 0xFFFFFFF0)
		l.fix(1)
	}},
	{ID: "F29d", Name: "both tables zeroed", Make: func(l *Log) {
		clear(l.chunk(1)[128:chunkHead])
		l.fix(1)
	}},
	{ID: "F50", Name: "bit of the header checksum flipped", Make: func(l *Log) {
		l.chunk(1)[124] ^= 1
		l.expect("chunk-header-crc", l.chunkAt(1))
	}},
	{ID: "F50b", Name: "bit of a record's time flipped", Make: func(l *Log) {
		l.record(1, 6)[16] ^= 1
		l.expect("chunk-data-crc", l.chunkAt(1))
	}},
	{ID: "F55", Name: "stale record behind the live ones", Make: func(l *Log) {
		l.stale(l.record(2, 4), func(b []byte) {})
		l.recovers(FirstID + 500)
	}},
	{ID: "F55b", Name: "stale record of an unknown template", Make: func(l *Log) {
		l.stale(l.record(2, 4), func(b []byte) { put32(b, instance+2, 0x12345678) })
		l.Recover = true
	}},
	{ID: "F55c", Name: "stale record whose definition was overwritten", Make: func(l *Log) {
		l.stale(l.record(2, 4), func(b []byte) { put32(b, instance+6, 0x8000) })
		l.recovers(FirstID + 500)
		l.Substituted = []uint64{FirstID + 500}
	}},
	{ID: "F55d", Name: "stale record, not asked for", Make: func(l *Log) { l.stale(l.record(2, 4), func([]byte) {}) }},
	{ID: "F55e", Name: "stale record of a far identifier where live ones end, data checksum wrong", Make: func(l *Log) {
		c := l.chunk(2)
		b := slices.Clone(l.record(1, 14))
		put64(b, 8, FirstID+1<<16+100)
		copy(c[l.file.Chunks[2].FreeSpace:], b)
		sum := get32(c, 52)
		l.fix(2)
		put32(c, 52, ^sum)
		put32(c, 124, crc32.Update(crc32.ChecksumIEEE(c[:120]), crc32.IEEETable, c[128:chunkHead]))
		l.expect("chunk-data-crc", l.chunkAt(2))
	}},
	{ID: "F55f", Name: "stale record that only an impossible header takes for a live one", Make: func(l *Log) {
		c := l.chunk(2)
		put64(c, 24, 1)
		put64(c, 32, 1<<40)
		b := slices.Clone(l.record(1, 14))
		put64(b, 8, FirstID/2)
		copy(c[l.file.Chunks[2].FreeSpace:], b)
		l.expect("chunk-header-crc", l.chunkAt(2))
	}},
	{ID: "F56", Name: "stale record of another channel and chunk", Make: func(l *Log) {
		l.stale(l.record(1, 14), func([]byte) {})
		l.recovers(FirstID + 500)
		l.Substituted = []uint64{FirstID + 500}
	}},
}

// lies returns a recipe that changes the header of chunk 1 and mends its
// checksums.
func lies(change func(c []byte)) func(l *Log) {
	return func(l *Log) {
		change(l.chunk(1))
		l.fix(1)
		l.expect("chunk-header-lies", l.chunkAt(1))
	}
}

// firstAt returns the place of the first bucket in [from, to) of a chunk's
// tables that is in use, firstOf what it leads to.
func firstAt(c []byte, from, to int) int {
	for at := from; at < to; at += 4 {
		if get32(c, at) != 0 {
			return at
		}
	}
	return from
}

func firstOf(c []byte, from, to int) int { return int(get32(c, firstAt(c, from, to))) }

// stale writes a changed copy of a record, with a new identifier and time, into
// the free space of chunk 2.
func (l *Log) stale(record []byte, change func(b []byte)) {
	b := slices.Clone(record)
	old := get64(b, 8)
	fresh := uint64(FirstID + 500)
	put64(b, 8, fresh)
	for i := instance; i+8 <= len(b); i++ { // EventRecordID stands among the values
		if get64(b, i) == old {
			put64(b, i, fresh)
			break
		}
	}
	change(b)
	at := l.file.Chunks[2].FreeSpace + 64
	copy(l.chunk(2)[at:], b)
}

// recovers adds a record that must be read although it is no live one.
func (l *Log) recovers(n uint64) {
	l.Recover = true
	l.Recovered = append(l.Recovered, n)
	l.Changed = append(l.Changed, n)
	l.IDs = append(l.IDs, n)
}

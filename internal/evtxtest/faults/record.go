package faults

import (
	"bytes"
	"slices"
)

// victim is the record of chunk 1 that most recipes damage: a Sysmon 1 whose
// definitions stand in records before it. The one behind it is a 4688.
const victim = 6

// recordRows are faults of record frames and values.
var recordRows = []Row{
	{ID: "F15", Name: "record size 0", Make: size(0)},
	{ID: "F16", Name: "record size 0xFFFFFFFF", Make: size(0xFFFFFFFF)},
	{ID: "F17", Name: "record size 24", Make: size(24)},
	{ID: "F18", Name: "record size beyond the chunk", Make: func(l *Log) {
		size(uint32(chunkSize) - l.place(1, victim).ChunkOffset + 64)(l)
	}},
	{ID: "F19", Name: "copy of a record's size wrong", Make: func(l *Log) {
		b := l.record(1, victim)
		put32(b, len(b)-4, 1694526976)
		l.expect("chunk-data-crc", l.chunkAt(1))
		l.expectHave("record-bad", l.at(1, victim), int64(len(b)))
	}},
	{ID: "F19b", Name: "end of a record and head of the next overwritten", Make: func(l *Log) {
		b, next := l.record(1, victim), l.record(1, victim+1)
		put32(b, len(b)-4, 1694526976)
		put64(next, 0, 1<<64-1)
		l.fix(1)
		l.lose(1, victim+1, victim+1)
		l.expectHave("record-bad", l.at(1, victim), int64(len(b)))
		l.expectHave("record-resync", l.at(1, victim+1), int64(len(next)))
		l.expectHave("id-gap", l.at(1, victim+2), 1)
	}},
	{ID: "F49b", Name: "identifier of a record overwritten", Make: func(l *Log) {
		put64(l.record(1, victim), 8, 1<<40)
		l.expect("chunk-data-crc", l.chunkAt(1))
	}},
	{ID: "F20", Name: "record signature broken", Make: func(l *Log) {
		b := l.record(1, victim)
		b[0] = 0x2B
		l.fix(1)
		l.expectHave("record-bad", l.at(1, victim), int64(len(b)))
	}},
	{ID: "F20b", Name: "three records zeroed", Make: func(l *Log) {
		at := l.at(1, victim)
		clear(l.Data[at:l.at(1, victim+3)])
		l.lose(1, victim, victim+2)
		l.expect("chunk-data-crc", l.chunkAt(1))
		l.expectHave("record-resync", at, l.at(1, victim+3)-at)
		l.expectHave("id-gap", l.at(1, victim+3), 3)
		for _, k := range []int{20, 32} { // the definition of Sysmon 5 was among them
			l.Substituted = append(l.Substituted, id(1, k))
			l.expect("template-substituted", l.at(1, k))
		}
	}},
	{ID: "F33", Name: "value count 0xFFFFFFFF", Make: value(func(b []byte, spec int) { put32(b, spec, 0xFFFFFFFF) }, "budget-exceeded")},
	{ID: "F33b", Name: "value count 40,000,000", Make: value(func(b []byte, spec int) { put32(b, spec, 40_000_000) }, "budget-exceeded")},
	{ID: "F34", Name: "all value sizes 0xFFFF", Make: value(func(b []byte, spec int) {
		for i := range int(get32(b, spec)) {
			put16(b, spec+4+4*i, 0xFFFF)
		}
	}, "record-bad")},
	{ID: "F36", Name: "unknown value type", Make: payload(func(b []byte, spec int) { b[spec+4+4*10+2] = 0x7F })},
	{ID: "F36b", Name: "SYSTEMTIME of 8 bytes", Make: payload(func(b []byte, spec int) { b[spec+4+4*3+2] = 0x12 })},
	{ID: "F36c", Name: "array of u64 of 4 bytes", Make: payload(func(b []byte, spec int) { b[spec+4+4*3+2] = 0x8A })},
	{ID: "F41", Name: "lone surrogate in Image", Make: func(l *Log) {
		put16(l.chunk(1), int(l.place(1, victim).Instances[1].Values[4]), 0xD83D)
		l.fix(1)
		l.Changed = []uint64{id(1, victim)}
		l.expect("field-damaged", l.at(1, victim))
	}},
	{ID: "F42", Name: "control characters in CommandLine", Make: func(l *Log) {
		at := int(l.place(1, victim).Instances[1].Values[10])
		for i, unit := range []uint16{0, '\r', '\n', 0x1B, 0x202E, '='} {
			put16(l.chunk(1), at+2*i, unit)
		}
		l.fix(1)
		l.Changed = []uint64{id(1, victim)}
	}},
	{ID: "F44", Name: "header time at its maximum", Make: func(l *Log) {
		put64(l.record(1, victim), 16, 1<<64-1)
		l.fix(1)
		l.expect("time-implausible", l.at(1, victim))
	}},
	{ID: "F44d", Name: "no header time", Make: func(l *Log) {
		put64(l.record(1, victim), 16, 0)
		l.fix(1)
		l.expect("time-implausible", l.at(1, victim))
	}},
	{ID: "F44b", Name: "both times in 1601", Make: func(l *Log) {
		put64(l.record(1, victim), 16, 1)
		put64(l.chunk(1), int(l.place(1, victim).Instances[0].Values[6]), 1)
		l.fix(1)
		l.Changed = []uint64{id(1, victim)}
		l.expect("time-implausible", l.at(1, victim))
	}},
	{ID: "F44c", Name: "time in the record in 9999", Make: func(l *Log) {
		put64(l.chunk(1), int(l.place(1, victim).Instances[0].Values[6]), 2650467743990000000)
		l.fix(1)
		l.Changed = nil // the header's time is the same
		l.expect("time-implausible", l.at(1, victim))
	}},
	{ID: "F57", Name: "first record of the file damaged", Make: func(l *Log) {
		b := l.record(0, 0)
		put32(b, 4, 0xFFFFFFFF)
		l.expect("chunk-data-crc", l.chunkAt(0))
		l.expectHave("record-bad", l.at(0, 0), 0xFFFFFFFF)
	}},
	{ID: "F57b", Name: "first record of the file overwritten", Make: func(l *Log) {
		b := l.record(0, 0)
		copy(b, bytes.Repeat([]byte{0x2A}, len(b)))
		l.lose(0, 0, 0)
		for k := 1; k < records[0]; k++ { // its definitions and names are those of others
			l.Substituted = append(l.Substituted, id(0, k))
		}
		l.expect("chunk-data-crc", l.chunkAt(0))
		l.expectHave("record-resync", l.at(0, 0), int64(len(b)))
		for _, n := range l.Substituted {
			l.expect("template-substituted", l.at(0, int(n-FirstID)))
		}
	}},
}

// size returns a recipe that gives the victim another size, which the copy
// contradicts.
func size(n uint32) func(l *Log) {
	return func(l *Log) {
		put32(l.record(1, victim), 4, n)
		l.fix(1)
		l.expectHave("record-bad", l.at(1, victim), int64(n))
	}
}

// value returns a recipe that damages the value spec of the victim, which costs
// the victim.
func value(change func(b []byte, spec int), class string) func(l *Log) {
	return func(l *Log) {
		change(l.chunk(1), int(l.place(1, victim).Instances[0].Spec))
		l.fix(1)
		l.lose(1, victim, victim)
		l.expect(class, l.at(1, victim))
	}
}

// payload returns a recipe that damages the value spec of the victim's payload,
// which costs a field.
func payload(change func(b []byte, spec int)) func(l *Log) {
	return func(l *Log) {
		change(l.chunk(1), int(l.place(1, victim).Instances[1].Spec))
		l.fix(1)
		l.Changed = []uint64{id(1, victim)}
		l.expect("field-damaged", l.at(1, victim))
	}
}

// definitionRows are faults of template definitions and names.
var definitionRows = []Row{
	{ID: "F30", Name: "definition offset out of the chunk", Make: func(l *Log) {
		put32(l.record(1, victim), instance+6, 0xFFFFFFF0)
		l.substitute(victim)
	}},
	{ID: "F31", Name: "definition offset leads to its own token", Make: func(l *Log) {
		put32(l.record(1, victim), instance+6, l.place(1, victim).ChunkOffset+instance)
		l.substitute(victim)
	}},
	{ID: "F32", Name: "definition length 0xFFFFFFFF", Make: func(l *Log) {
		put32(l.chunk(1), l.definition(0)+20, 0xFFFFFFFF)
		l.fix(1)
		l.expect("template-damaged", l.at(1, 0))
	}},
	{ID: "F32b", Name: "definition length 0", Make: func(l *Log) {
		put32(l.chunk(1), l.definition(0)+20, 0)
		l.fix(1)
		l.expect("template-damaged", l.at(1, 0))
	}},
	{ID: "F35", Name: "substitution index 0xFFFF in a definition", Make: func(l *Log) {
		c := l.chunk(1)
		at := l.definition(1) // the payload's of Sysmon 1
		for i := at; i < at+8000; i++ {
			if c[i] == 0x0E && get32(c, i+1)&0xFFFFFF == 4|1<<16 || c[i] == 0x0D && get32(c, i+1)&0xFFFFFF == 4|1<<16 { // value 4, a string: Image
				put16(c, i+1, 0xFFFF)
				break
			}
		}
		l.fix(1)
		for k := 0; k < records[1]; k += 3 {
			l.Changed = append(l.Changed, id(1, k))
			l.expect("field-damaged", l.at(1, k))
		}
	}},
	{ID: "F43", Name: "name length 0xFFFF", Make: func(l *Log) {
		c := l.chunk(1)
		at := int(l.file.Chunks[1].Names[0].Offset)
		put16(c, at+6, 0xFFFF)
		l.fix(1)
		l.substitutes(0, 1, 3, 4, 5, 2)
	}},
	{ID: "F43b", Name: "name overwritten", Make: func(l *Log) {
		c := l.chunk(1)
		for _, n := range l.file.Chunks[1].Names {
			if n.Name == "EventData" {
				put16(c, int(n.Offset)+8, 'X')
			}
		}
		l.fix(1)
		l.substitutes(0, 1, 2, 3, 4, 5)
	}},
	{ID: "F29e", Name: "template id of a definition overwritten", Make: func(l *Log) {
		put32(l.chunk(1), l.definition(0)+4, 0x12345678)
		l.fix(1)
		l.substitutes(0, 1, 3, 4, 5)
	}},
}

// definition returns the offset of a definition of chunk 1, in the order of the
// chunk: the outer one, that of Sysmon 1, and so on.
func (l *Log) definition(i int) int { return int(l.file.Chunks[1].Definitions[i].Offset) }

// substitute expects a record of chunk 1 to be read by a borrowed definition.
func (l *Log) substitute(k int) {
	l.fix(1)
	l.Substituted = append(l.Substituted, id(1, k))
	l.expect("template-substituted", l.at(1, k))
}

// substitutes expects it of the records of chunk 1 whose kind is among kinds.
func (l *Log) substitutes(kinds ...int) {
	for k := range records[1] {
		if slices.Contains(kinds, (records[0]+k)%6) {
			l.substitute(k)
		}
	}
}

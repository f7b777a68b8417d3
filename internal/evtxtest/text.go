package evtxtest

import (
	"encoding/binary"
	"encoding/hex"
	"math"
	"strconv"
	"time"
)

// valueText writes v as the text that a forwarded event holds: numbers in
// decimal, pointers and hexadecimal types as 0x..., GUIDs in braces, times in
// ISO 8601, bytes as hexadecimal digits. NULL and empty text are no token at
// all. An array is its items with ", " between them.
func (p plainWriter) valueText(v *Value) {
	switch {
	case v.kind == kindText:
		p.scratch = append(p.scratch[:0], v.text...)
		p.characterData(p.scratch)
	case v.kind == kindEmbed:
		v.embed(p.Builder)
	case v.Type == TypeString:
		p.units = v.appendPlain(p.units[:0])
		p.characterUnits(trimNUL(p.units))
	case v.Type == TypeNull:
	default:
		p.units = v.appendPlain(p.units[:0])
		p.scratch = p.appendValue(p.scratch[:0], v.Type, p.units)
		p.characterData(p.scratch)
	}
}

// trimNUL cuts the NUL that ends a string value.
func trimNUL(units []byte) []byte {
	if n := len(units); n >= 2 && units[n-1] == 0 && units[n-2] == 0 {
		return units[:n-2]
	}
	return units
}

// appendValue appends the text of raw, the bytes of a value of type t.
func (p plainWriter) appendValue(dst []byte, t ValueType, raw []byte) []byte {
	if t&TypeArray != 0 {
		return p.appendArray(dst, t&^TypeArray, raw)
	}
	if len(raw) < fixedSize(t) {
		return dst
	}
	switch t {
	case TypeANSI:
		for _, c := range raw {
			dst = append(dst, string(rune(c))...)
		}
		return dst
	case TypeGUID:
		return p.appendGUID(dst, GUID(raw))
	case TypeSID:
		return SID(raw).appendText(dst)
	case TypeSystemTime:
		return appendSystemTimeText(dst, raw)
	case TypeBinary:
		at := len(dst)
		dst = hex.AppendEncode(dst, raw)
		return changeCase(dst, at, 'a')
	}
	var b [8]byte
	copy(b[:], raw)
	return p.appendNumber(dst, t, binary.LittleEndian.Uint64(b[:]))
}

// appendNumber appends the text of a value of at most eight bytes.
func (p plainWriter) appendNumber(dst []byte, t ValueType, n uint64) []byte {
	switch t {
	case TypeInt8:
		return strconv.AppendInt(dst, int64(int8(n)), 10)
	case TypeInt16:
		return strconv.AppendInt(dst, int64(int16(n)), 10)
	case TypeInt32:
		return strconv.AppendInt(dst, int64(int32(n)), 10)
	case TypeInt64:
		return strconv.AppendInt(dst, int64(n), 10)
	case TypeFloat32:
		return strconv.AppendFloat(dst, float64(math.Float32frombits(uint32(n))), 'g', -1, 32)
	case TypeFloat64:
		return strconv.AppendFloat(dst, math.Float64frombits(n), 'g', -1, 64)
	case TypeBool:
		return strconv.AppendBool(dst, n != 0)
	case TypeFileTime:
		return p.appendTime(dst, FileTime(n))
	case TypeHex32, TypeHex64, TypeSizeT:
		return hexText(dst, n)
	default:
		return strconv.AppendUint(dst, n, 10)
	}
}

// appendArray appends the items of an array.
func (p plainWriter) appendArray(dst []byte, t ValueType, raw []byte) []byte {
	if t == TypeString {
		return appendStringArray(dst, raw)
	}
	size := fixedSize(t)
	if size == 0 {
		return p.appendValue(dst, TypeBinary, raw)
	}
	for i := 0; i+size <= len(raw); i += size {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		dst = p.appendValue(dst, t, raw[i:i+size])
	}
	return dst
}

// appendStringArray appends strings that end with a NUL each.
func appendStringArray(dst, raw []byte) []byte {
	for i := 0; i+1 < len(raw); i += 2 {
		switch c := rune(binary.LittleEndian.Uint16(raw[i:])); {
		case c != 0:
			dst = append(dst, string(c)...)
		case i+2 < len(raw):
			dst = append(dst, ", "...)
		}
	}
	return dst
}

// fixedSize returns the size in bytes of a value of type t, 0 if it varies.
func fixedSize(t ValueType) int {
	switch t {
	case TypeInt8, TypeUint8:
		return 1
	case TypeInt16, TypeUint16:
		return 2
	case TypeInt32, TypeUint32, TypeFloat32, TypeBool, TypeHex32:
		return 4
	case TypeInt64, TypeUint64, TypeFloat64, TypeFileTime, TypeHex64:
		return 8
	case TypeGUID, TypeSystemTime:
		return 16
	default:
		return 0
	}
}

func appendSystemTimeText(dst, raw []byte) []byte {
	n := func(i int) int { return int(binary.LittleEndian.Uint16(raw[2*i:])) }
	t := time.Date(n(0), time.Month(n(1)), n(3), n(4), n(5), n(6), n(7)*1e6, time.UTC)
	return t.AppendFormat(dst, "2006-01-02T15:04:05.000Z")
}

func (p plainWriter) appendGUID(dst []byte, g GUID) []byte {
	at := len(dst)
	dst = g.appendText(dst)
	if p.form == TextNew {
		return changeCase(dst, at, 'A')
	}
	return dst
}

func (p plainWriter) appendTime(dst []byte, t FileTime) []byte {
	if p.form == TextNew {
		return t.appendISO(dst, 7)
	}
	return t.appendISO(dst, 9)
}

// changeCase changes the case of those hexadecimal digits of dst[from:] that
// are of the case of first, which is 'a' or 'A'.
func changeCase(dst []byte, from int, first byte) []byte {
	for i := from; i < len(dst); i++ {
		if dst[i] >= first && dst[i] <= first+5 {
			dst[i] ^= 'a' ^ 'A'
		}
	}
	return dst
}

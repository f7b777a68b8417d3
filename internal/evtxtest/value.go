package evtxtest

import (
	"encoding/binary"
	"math"
	"time"
)

// ValueType is the type byte of a value or of a substitution token ([MS-EVEN6]
// 2.2.12, ValueType).
type ValueType uint8

// The value types as they lie on disk. TypeArray is added to a type to make an
// array of it.
const (
	TypeNull       ValueType = 0x00
	TypeString     ValueType = 0x01 // UTF-16LE, with or without a NUL at the end
	TypeANSI       ValueType = 0x02
	TypeInt8       ValueType = 0x03
	TypeUint8      ValueType = 0x04
	TypeInt16      ValueType = 0x05
	TypeUint16     ValueType = 0x06
	TypeInt32      ValueType = 0x07
	TypeUint32     ValueType = 0x08
	TypeInt64      ValueType = 0x09
	TypeUint64     ValueType = 0x0A
	TypeFloat32    ValueType = 0x0B
	TypeFloat64    ValueType = 0x0C
	TypeBool       ValueType = 0x0D // 4 bytes on disk, whatever [MS-EVEN6] says
	TypeBinary     ValueType = 0x0E
	TypeGUID       ValueType = 0x0F
	TypeSizeT      ValueType = 0x10 // in definitions; the value then is TypeHex32 or TypeHex64
	TypeFileTime   ValueType = 0x11
	TypeSystemTime ValueType = 0x12
	TypeSID        ValueType = 0x13
	TypeHex32      ValueType = 0x14
	TypeHex64      ValueType = 0x15
	TypeHandle     ValueType = 0x20
	TypeBinXML     ValueType = 0x21
	TypeXML        ValueType = 0x23
	TypeArray      ValueType = 0x80
)

// valueKind is which member of a Value holds its content.
type valueKind uint8

const (
	kindRaw     valueKind = iota // raw
	kindNumber                   // num, size bytes of it
	kindNull                     // num bytes of filler
	kindText                     // text
	kindUTCText                  // num, a FileTime, as Sysmon's text
	kindGUID                     // num and high, the GUID's bytes as two little-endian numbers
	kindEmbed                    // what embed writes
)

// Value is one value of a template instance's substitution array: a type and
// what its bytes are. The zero Value is NULL with size 0. Byte slices are kept,
// not copied.
type Value struct {
	// Type is the type in the value specification.
	Type ValueType
	// Declared is the type in the definition's substitution token; 0 means
	// that it is Type, as in most real definitions.
	Declared ValueType

	kind  valueKind
	size  uint8
	num   uint64
	high  uint64
	text  string
	raw   []byte
	embed func(*Builder)
}

// As returns v with another type in the definition's substitution token.
func (v Value) As(declared ValueType) Value {
	v.Declared = declared
	return v
}

// declared returns the type for the substitution token.
func (v *Value) declared() ValueType {
	if v.Declared != 0 {
		return v.Declared
	}
	return v.Type
}

// Null returns a NULL that occupies size bytes of filler. Live logs have such
// NULLs for Qualifiers (2 bytes) and ActivityID (16 bytes).
func Null(size int) Value { return Value{Type: TypeNull, kind: kindNull, num: uint64(size)} }

// Raw returns a value of any type with any bytes.
func Raw(t ValueType, data []byte) Value { return Value{Type: t, raw: data} }

// String returns s as UTF-16. Whether a NUL follows is for the writer to say
// (see [Style]).
func String(s string) Value { return Value{Type: TypeString, kind: kindText, text: s} }

// UTF16 returns a string value of exactly these UTF-16 units, for text that no
// Go string can hold, such as lone surrogates.
func UTF16(units ...uint16) Value {
	var raw []byte
	for _, u := range units {
		raw = binary.LittleEndian.AppendUint16(raw, u)
	}
	return Raw(TypeString, raw)
}

// UTCText returns t as the text of Sysmon's UtcTime fields, "2006-01-02
// 15:04:05.000".
func UTCText(t FileTime) Value {
	return Value{Type: TypeString, kind: kindUTCText, num: uint64(t)}
}

// Strings returns an array of strings: each one ends with a NUL.
func Strings(items ...string) Value {
	var raw []byte
	for _, s := range items {
		raw = append(appendUTF16(raw, s), 0, 0)
	}
	return Raw(TypeArray|TypeString, raw)
}

// ANSI returns bytes in the code page of the machine that wrote them.
func ANSI(s string) Value { return Raw(TypeANSI, []byte(s)) }

func number(t ValueType, size uint8, n uint64) Value {
	return Value{Type: t, kind: kindNumber, size: size, num: n}
}

// Int8 returns a signed byte.
func Int8(n int8) Value { return number(TypeInt8, 1, uint64(n)) }

// Uint8 returns a byte.
func Uint8(n uint8) Value { return number(TypeUint8, 1, uint64(n)) }

// Int16 returns a signed 16-bit number.
func Int16(n int16) Value { return number(TypeInt16, 2, uint64(n)) }

// Uint16 returns a 16-bit number.
func Uint16(n uint16) Value { return number(TypeUint16, 2, uint64(n)) }

// Int32 returns a signed 32-bit number.
func Int32(n int32) Value { return number(TypeInt32, 4, uint64(n)) }

// Uint32 returns a 32-bit number.
func Uint32(n uint32) Value { return number(TypeUint32, 4, uint64(n)) }

// Int64 returns a signed 64-bit number.
func Int64(n int64) Value { return number(TypeInt64, 8, uint64(n)) }

// Uint64 returns a 64-bit number.
func Uint64(n uint64) Value { return number(TypeUint64, 8, n) }

// Float32 returns a single-precision number.
func Float32(f float32) Value { return number(TypeFloat32, 4, uint64(math.Float32bits(f))) }

// Float64 returns a double-precision number.
func Float64(f float64) Value { return number(TypeFloat64, 8, math.Float64bits(f)) }

// Bool returns a truth value, 4 bytes wide as in all 5,966 sample values.
func Bool(b bool) Value {
	if b {
		return number(TypeBool, 4, 1)
	}
	return number(TypeBool, 4, 0)
}

// Hex32 returns a 32-bit number that renders in hexadecimal.
func Hex32(n uint32) Value { return number(TypeHex32, 4, uint64(n)) }

// Hex64 returns a 64-bit number that renders in hexadecimal.
func Hex64(n uint64) Value { return number(TypeHex64, 8, n) }

// Pointer32 returns a pointer of a 32-bit host: size_t in the definition, Hex32
// in the value.
func Pointer32(n uint32) Value { return Hex32(n).As(TypeSizeT) }

// Pointer64 returns a pointer of a 64-bit host: size_t in the definition, Hex64
// in the value.
func Pointer64(n uint64) Value { return Hex64(n).As(TypeSizeT) }

// Binary returns bytes.
func Binary(b []byte) Value { return Raw(TypeBinary, b) }

// GUIDValue returns a GUID.
func GUIDValue(g GUID) Value {
	return Value{
		Type: TypeGUID, kind: kindGUID,
		num: binary.LittleEndian.Uint64(g[:8]), high: binary.LittleEndian.Uint64(g[8:]),
	}
}

// SIDValue returns a SID.
func SIDValue(s SID) Value { return Raw(TypeSID, s) }

// Time returns a FILETIME.
func Time(t FileTime) Value { return number(TypeFileTime, 8, uint64(t)) }

// SystemTime returns t as a SYSTEMTIME: year, month, day of week, day, hour,
// minute, second, millisecond, each a u16, in UTC.
func SystemTime(t time.Time) Value { return Raw(TypeSystemTime, appendSystemTime(nil, t)) }

func appendSystemTime(dst []byte, t time.Time) []byte {
	t = t.UTC()
	for _, n := range [8]int{
		t.Year(), int(t.Month()), int(t.Weekday()), t.Day(),
		t.Hour(), t.Minute(), t.Second(), t.Nanosecond() / 1e6,
	} {
		dst = binary.LittleEndian.AppendUint16(dst, uint16(n))
	}
	return dst
}

// Array returns an array of type t whose items are the bytes of the given
// values, one behind the other. It is meant for items of fixed size; for text
// see [Strings].
func Array(t ValueType, items ...Value) Value {
	var raw []byte
	for i := range items {
		raw = items[i].appendPlain(raw)
	}
	return Raw(TypeArray|t, raw)
}

// BinXML returns a value of type 0x21 with what write puts into the builder.
// Nothing is added: write must end it with [Builder.EOF] if there is to be an
// end.
func BinXML(write func(*Builder)) Value {
	return Value{Type: TypeBinXML, kind: kindEmbed, embed: write}
}

// appendPlain appends the bytes of a value of any kind but kindEmbed and
// kindNull, which need a Builder.
func (v *Value) appendPlain(dst []byte) []byte {
	switch v.kind {
	case kindNumber:
		var b [8]byte
		binary.LittleEndian.PutUint64(b[:], v.num)
		return append(dst, b[:v.size]...)
	case kindGUID:
		dst = binary.LittleEndian.AppendUint64(dst, v.num)
		return binary.LittleEndian.AppendUint64(dst, v.high)
	case kindText:
		return appendUTF16(dst, v.text)
	case kindUTCText:
		var text [32]byte
		return appendUTF16(dst, FileTime(v.num).appendUTC(text[:0]))
	default:
		return append(dst, v.raw...)
	}
}

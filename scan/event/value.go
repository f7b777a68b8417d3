package event

import (
	"bytes"
	"encoding/binary"
	"math"
	"strconv"
)

// ValueType is a BinXML value type ([MS-EVEN6] 2.2.12, libevtx format
// documentation "Value types"): how the bytes of a Value are read.
type ValueType uint8

// The value types. TypeArray is or-ed to the type of an array's items.
const (
	TypeNull       ValueType = 0x00
	TypeString     ValueType = 0x01 // UTF-16LE, terminated or not
	TypeANSI       ValueType = 0x02 // bytes of an unknown code page
	TypeInt8       ValueType = 0x03
	TypeUint8      ValueType = 0x04
	TypeInt16      ValueType = 0x05
	TypeUint16     ValueType = 0x06
	TypeInt32      ValueType = 0x07
	TypeUint32     ValueType = 0x08
	TypeInt64      ValueType = 0x09
	TypeUint64     ValueType = 0x0A
	TypeFloat      ValueType = 0x0B
	TypeDouble     ValueType = 0x0C
	TypeBool       ValueType = 0x0D // 4 bytes
	TypeBinary     ValueType = 0x0E
	TypeGUID       ValueType = 0x0F
	TypeSize       ValueType = 0x10 // 4 or 8 bytes
	TypeFileTime   ValueType = 0x11
	TypeSystemTime ValueType = 0x12
	TypeSID        ValueType = 0x13
	TypeHexInt32   ValueType = 0x14
	TypeHexInt64   ValueType = 0x15
	TypeHandle     ValueType = 0x20 // undocumented
	TypeBinXML     ValueType = 0x21
	TypeXML        ValueType = 0x23 // undocumented
	TypeArray      ValueType = 0x80
)

// varies is the size of types whose values differ in size.
const varies = -1

// sizes holds the bytes of a value of each type that there is.
var sizes = [TypeArray]int8{
	TypeNull: varies, TypeString: varies, TypeANSI: varies, TypeBinary: varies, TypeSize: varies, TypeSID: varies,
	TypeHandle: varies, TypeBinXML: varies, TypeXML: varies,
	TypeInt8: 1, TypeUint8: 1, TypeInt16: 2, TypeUint16: 2, TypeInt32: 4, TypeUint32: 4,
	TypeInt64: 8, TypeUint64: 8, TypeFloat: 4, TypeDouble: 8, TypeBool: 4, TypeGUID: 16,
	TypeFileTime: 8, TypeSystemTime: 16, TypeHexInt32: 4, TypeHexInt64: 8,
}

// FixedSize returns the size in bytes of one value of type t, or 0 if values
// of t differ in size.
func (t ValueType) FixedSize() int {
	if t < TypeArray {
		return max(int(sizes[t]), 0)
	}
	return 0
}

// Value is one value as a log holds it: its type and its bytes in their disk
// form (little-endian). The bytes belong to whoever made the value. The zero
// Value is the absent one.
type Value struct {
	Type ValueType
	Data []byte
}

// IsNull reports whether v is absent or NULL.
func (v Value) IsNull() bool { return v.Type == TypeNull }

// Valid reports whether the bytes of v are what its type says. A value that is
// not valid renders as far as it can be read.
func (v Value) Valid() bool {
	size := v.Type.FixedSize()
	switch {
	case size != 0:
		return len(v.Data) == size
	case v.Type == TypeSID:
		return len(v.Data) >= 8 && len(v.Data) == 8+4*int(v.Data[1])
	case v.Type == TypeSize:
		return len(v.Data) == 4 || len(v.Data) == 8
	case v.Type&TypeArray != 0:
		item := (v.Type &^ TypeArray).FixedSize()
		return (v.Type&^TypeArray) <= TypeHexInt64 && (item == 0 || len(v.Data)%item == 0)
	case v.Type == TypeString:
		return len(v.Data)%2 == 0
	}
	return sizes[v.Type] != 0
}

// Uint returns the number in v, and whether there is one: a number of any
// integer type, or text in decimal or, after 0x, in hexadecimal digits, as
// forwarded events have it.
func (v Value) Uint() (uint64, bool) {
	switch v.Type {
	case TypeUint8, TypeUint16, TypeUint32, TypeUint64, TypeHexInt32, TypeHexInt64, TypeSize, TypeHandle,
		TypeInt8, TypeInt16, TypeInt32, TypeInt64, TypeBool:
		return littleEndian(v.Data)
	case TypeString:
		return parseUint16(v.Data)
	}
	return 0, false
}

// littleEndian returns the number in 1, 2, 4 or 8 bytes.
func littleEndian(b []byte) (uint64, bool) {
	switch len(b) {
	case 1:
		return uint64(b[0]), true
	case 2:
		return uint64(binary.LittleEndian.Uint16(b)), true
	case 4:
		return uint64(binary.LittleEndian.Uint32(b)), true
	case 8:
		return binary.LittleEndian.Uint64(b), true
	}
	return 0, false
}

// parseUint16 reads a number from UTF-16LE text.
func parseUint16(b []byte) (uint64, bool) {
	var ascii [20]byte // 18446744073709551615
	b = trimNUL16(b)
	if len(b)%2 != 0 || len(b)/2 > len(ascii) {
		return 0, false
	}
	for i := 0; i < len(b); i += 2 {
		if b[i+1] != 0 {
			return 0, false
		}
		ascii[i/2] = b[i]
	}
	text, base := ascii[:len(b)/2], 10
	if len(text) > 2 && text[0] == '0' && text[1]|0x20 == 'x' {
		text, base = text[2:], 16
	}
	n, err := strconv.ParseUint(string(text), base, 64)
	return n, err == nil
}

// GUID returns the GUID in v, and whether there is one: in its disk form or as
// text.
func (v Value) GUID() (GUID, bool) {
	switch v.Type {
	case TypeGUID:
		if len(v.Data) == 16 {
			return GUID(v.Data), true
		}
	case TypeString:
		var ascii [64]byte
		if len(v.Data) <= len(ascii)*2 {
			return ParseGUID(AppendUTF16(ascii[:0], v.Data))
		}
	}
	return GUID{}, false
}

// Time returns the instant in v, and whether there is one: a FILETIME, a
// SYSTEMTIME or text.
func (v Value) Time() (Time, bool) {
	switch v.Type {
	case TypeFileTime:
		if len(v.Data) == 8 {
			return Time(binary.LittleEndian.Uint64(v.Data)), true
		}
	case TypeSystemTime:
		return systemTime(v.Data)
	case TypeString:
		var ascii [64]byte
		if len(v.Data) <= len(ascii)*2 {
			return ParseTime(AppendUTF16(ascii[:0], v.Data))
		}
	}
	return 0, false
}

// systemTime reads a SYSTEMTIME ([MS-DTYP] 2.3.13): year, month, day of week,
// day, hour, minute, second, milliseconds as words.
func systemTime(b []byte) (Time, bool) {
	if len(b) != 16 {
		return 0, false
	}
	var w [8]int
	for i := range w {
		w[i] = int(binary.LittleEndian.Uint16(b[2*i:]))
	}
	year, month, day := w[0], w[1], w[3]
	if year < 1601 || month < 1 || month > 12 || day < 1 || day > daysIn(year, month) ||
		w[4] > 23 || w[5] > 59 || w[6] > 60 || w[7] > 999 {
		return 0, false
	}
	t := unixEpoch + Time(daysSinceEpoch(year, month, day))*Day
	return t + Time(w[4])*Hour + Time(w[5])*Minute + Time(w[6])*Second + Time(w[7])*Millisecond, true
}

// String returns v as AppendText writes it.
func (v Value) String() string { return string(v.AppendText(nil)) }

// AppendText appends v as UTF-8 text, rendered as Windows renders it in XML
// before escaping: GUIDs in braces with upper-case digits, hexadecimal numbers
// after 0x without padding, SIDs as S-1-…, times in UTC with seven digits of
// fraction, binary as upper-case digits. Trailing NULs of text are dropped and
// nothing else. The items of an array are parted by ", ". What cannot be read
// as v's type is written as binary.
func (v Value) AppendText(dst []byte) []byte {
	if v.Type == TypeString {
		return AppendUTF16(dst, v.Data)
	}
	if v.Type&TypeArray != 0 {
		return v.appendArray(dst)
	}
	if size := v.Type.FixedSize(); size != 0 && len(v.Data) != size {
		return appendHex(dst, v.Data)
	}
	switch v.Type {
	case TypeNull:
		return dst
	case TypeANSI:
		return appendANSI(dst, v.Data)
	case TypeGUID:
		return GUID(v.Data).AppendText(dst)
	case TypeSID:
		return appendSID(dst, v.Data)
	case TypeFileTime, TypeSystemTime:
		if t, ok := v.Time(); ok {
			return t.AppendText(dst)
		}
		return appendHex(dst, v.Data)
	case TypeXML:
		return AppendUTF16(dst, v.Data)
	case TypeBinary, TypeBinXML:
		return appendHex(dst, v.Data)
	}
	return v.appendNumber(dst)
}

// appendNumber appends a value of one of the number types.
func (v Value) appendNumber(dst []byte) []byte {
	n, ok := littleEndian(v.Data)
	if !ok {
		return appendHex(dst, v.Data)
	}
	switch v.Type {
	case TypeInt8:
		return strconv.AppendInt(dst, int64(int8(n)), 10)
	case TypeInt16:
		return strconv.AppendInt(dst, int64(int16(n)), 10)
	case TypeInt32:
		return strconv.AppendInt(dst, int64(int32(n)), 10)
	case TypeInt64:
		return strconv.AppendInt(dst, int64(n), 10)
	case TypeFloat:
		return strconv.AppendFloat(dst, float64(math.Float32frombits(uint32(n))), 'g', -1, 32)
	case TypeDouble:
		return strconv.AppendFloat(dst, math.Float64frombits(n), 'g', -1, 64)
	case TypeBool:
		return strconv.AppendBool(dst, n != 0)
	case TypeUint8, TypeUint16, TypeUint32, TypeUint64:
		return strconv.AppendUint(dst, n, 10)
	case TypeHexInt32, TypeHexInt64, TypeSize, TypeHandle:
		return strconv.AppendUint(append(dst, "0x"...), n, 16)
	}
	return appendHex(dst, v.Data)
}

// appendArray appends the items of an array.
func (v Value) appendArray(dst []byte) []byte {
	separator := ""
	for item := range v.Items() {
		dst = item.AppendText(append(dst, separator...))
		separator = ", "
	}
	return dst
}

// arrayItem returns the bytes of the first item of type t in data, 0 if data
// does not begin with one. Strings end with a NUL or with the data.
func arrayItem(t ValueType, data []byte) int {
	if size := t.FixedSize(); size != 0 {
		if len(data) < size {
			return 0
		}
		return size
	}
	switch t {
	case TypeString:
		for i := 0; i+1 < len(data); i += 2 {
			if data[i] == 0 && data[i+1] == 0 {
				return i + 2
			}
		}
		return len(data)
	case TypeANSI:
		if i := bytes.IndexByte(data, 0); i >= 0 {
			return i + 1
		}
		return len(data)
	case TypeSID:
		if len(data) >= 8 && len(data) >= 8+4*int(data[1]) {
			return 8 + 4*int(data[1])
		}
	}
	return 0
}

func appendHex(dst, b []byte) []byte {
	const hex = "0123456789ABCDEF"
	for _, c := range b {
		dst = append(dst, hex[c>>4], hex[c&15])
	}
	return dst
}

// appendSID appends a SID ([MS-DTYP] 2.4.2.1): an authority below 2^32 in
// decimal, else in hexadecimal.
func appendSID(dst, b []byte) []byte {
	if !(Value{TypeSID, b}).Valid() {
		return appendHex(dst, b)
	}
	dst = append(dst, "S-"...)
	dst = strconv.AppendUint(dst, uint64(b[0]), 10)
	dst = append(dst, '-')
	if authority := binary.BigEndian.Uint64(b) & (1<<48 - 1); authority < 1<<32 {
		dst = strconv.AppendUint(dst, authority, 10)
	} else {
		dst = append(dst, "0x"...)
		dst = strconv.AppendUint(dst, authority, 16)
	}
	for b = b[8:]; len(b) > 0; b = b[4:] {
		dst = append(dst, '-')
		dst = strconv.AppendUint(dst, uint64(binary.LittleEndian.Uint32(b)), 10)
	}
	return dst
}

package event

import "encoding/binary"

// GUID is a GUID in its disk form: the first three parts little-endian, the
// last eight bytes as written ([MS-DTYP] 2.3.4.2).
type GUID [16]byte

// IsZero reports whether g is all zeros, which Sysmon writes for a process
// that it does not know.
func (g GUID) IsZero() bool { return g == GUID{} }

// Part1 returns the first, Part2 the second and third parts of g as one dword,
// the second part in its high half. In a Sysmon process GUID they are the
// machine ID and the second of the process's start (docs/FORMAT.md,
// "Process GUIDs").
func (g GUID) Part1() uint32 { return binary.LittleEndian.Uint32(g[0:]) }

// Part2 is described at Part1.
func (g GUID) Part2() uint32 {
	return uint32(binary.LittleEndian.Uint16(g[4:])) | uint32(binary.LittleEndian.Uint16(g[6:]))<<16
}

// AppendText appends g in braces with upper-case digits, as Windows renders it.
func (g GUID) AppendText(dst []byte) []byte {
	const hex = "0123456789ABCDEF"
	order := [16]int{3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15}
	dst = append(dst, '{')
	for i, at := range order {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			dst = append(dst, '-')
		}
		dst = append(dst, hex[g[at]>>4], hex[g[at]&15])
	}
	return append(dst, '}')
}

// String returns g as AppendText writes it, or "" if g is all zeros.
func (g GUID) String() string {
	if g.IsZero() {
		return ""
	}
	return string(g.AppendText(make([]byte, 0, 38)))
}

// ParseGUID reads a GUID with or without braces and reports whether text is
// one.
func ParseGUID(text []byte) (GUID, bool) {
	if len(text) == 38 && text[0] == '{' && text[37] == '}' {
		text = text[1:37]
	}
	if len(text) != 36 || text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-' {
		return GUID{}, false
	}
	order := [16]int{6, 4, 2, 0, 11, 9, 16, 14, 19, 21, 24, 26, 28, 30, 32, 34}
	var g GUID
	for i, at := range order {
		hi, ok1 := hexDigit(text[at])
		lo, ok2 := hexDigit(text[at+1])
		if !ok1 || !ok2 {
			return GUID{}, false
		}
		g[i] = hi<<4 | lo
	}
	return g, true
}

func hexDigit(c byte) (byte, bool) {
	switch {
	case c >= '0' && c <= '9':
		return c - '0', true
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10, true
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}

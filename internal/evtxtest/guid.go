package evtxtest

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// GUID is a GUID as it lies on disk: a u32 and two u16 little-endian, then
// eight bytes in order. The zero GUID stands for "none" wherever a GUID is
// optional.
type GUID [16]byte

// ParseGUID returns the GUID that s spells, with or without braces, in any
// case.
func ParseGUID(s string) (GUID, error) {
	var g GUID
	t := strings.TrimSuffix(strings.TrimPrefix(s, "{"), "}")
	if len(t) != 36 || t[8] != '-' || t[13] != '-' || t[18] != '-' || t[23] != '-' {
		return g, fmt.Errorf("evtxtest: %q is not a GUID", s)
	}
	b, err := hex.DecodeString(strings.ReplaceAll(t, "-", ""))
	if err != nil || len(b) != 16 {
		return g, fmt.Errorf("evtxtest: %q is not a GUID", s)
	}
	binary.LittleEndian.PutUint32(g[0:], binary.BigEndian.Uint32(b[0:]))
	binary.LittleEndian.PutUint16(g[4:], binary.BigEndian.Uint16(b[4:]))
	binary.LittleEndian.PutUint16(g[6:], binary.BigEndian.Uint16(b[6:]))
	copy(g[8:], b[8:])
	return g, nil
}

// MustGUID is ParseGUID for constants in source code. It panics if s is not a
// GUID.
func MustGUID(s string) GUID {
	g, err := ParseGUID(s)
	if err != nil {
		panic(err)
	}
	return g
}

// IsZero reports whether g is the zero GUID.
func (g GUID) IsZero() bool { return g == GUID{} }

// String returns g in braces and upper case, as Windows renders GUID values.
func (g GUID) String() string { return string(g.appendText(nil)) }

func (g GUID) appendText(dst []byte) []byte {
	const digits = "0123456789ABCDEF"
	dst = append(dst, '{')
	for i, at := range [16]byte{3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15} {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			dst = append(dst, '-')
		}
		dst = append(dst, digits[g[at]>>4], digits[g[at]&15])
	}
	return append(dst, '}')
}

// id returns the template identifier that belongs to a template definition's
// GUID: its first dword (true of all 7,428 inline definitions of the sample
// logs).
func (g GUID) id() uint32 { return binary.LittleEndian.Uint32(g[:]) }

// bucket returns the index into the chunk header's template table: the name
// hash over the GUID's eight 16-bit words, mod 32. It fits all definitions of
// 878 of the 1,142 sample chunks that hold any; of 260 it fits none, so there
// is a Windows with another, unknown function.
func (g GUID) bucket() int {
	h := uint32(0)
	for i := 0; i < len(g); i += 2 {
		h = h*nameHashFactor + uint32(binary.LittleEndian.Uint16(g[i:]))
	}
	return int(h % templateBuckets)
}

// SID is a security identifier in its binary form; nil stands for "none".
type SID []byte

// ParseSID returns the SID that s spells, for example "S-1-5-18".
func ParseSID(s string) (SID, error) {
	parts := strings.Split(s, "-")
	if len(parts) < 3 || parts[0] != "S" {
		return nil, fmt.Errorf("evtxtest: %q is not a SID", s)
	}
	revision, err := strconv.ParseUint(parts[1], 10, 8)
	if err != nil {
		return nil, fmt.Errorf("evtxtest: revision of SID %q: %w", s, err)
	}
	authority, err := strconv.ParseUint(parts[2], 10, 48)
	if err != nil {
		return nil, fmt.Errorf("evtxtest: authority of SID %q: %w", s, err)
	}
	sid := SID{byte(revision), byte(len(parts) - 3)}
	sid = append(sid, byte(authority>>40), byte(authority>>32))
	sid = binary.BigEndian.AppendUint32(sid, uint32(authority))
	for _, p := range parts[3:] {
		n, err := strconv.ParseUint(p, 10, 32)
		if err != nil {
			return nil, fmt.Errorf("evtxtest: sub-authority of SID %q: %w", s, err)
		}
		sid = binary.LittleEndian.AppendUint32(sid, uint32(n))
	}
	return sid, nil
}

// MustSID is ParseSID for constants in source code. It panics if s is not a
// SID.
func MustSID(s string) SID {
	sid, err := ParseSID(s)
	if err != nil {
		panic(err)
	}
	return sid
}

// String returns s in the S-1-... form.
func (s SID) String() string { return string(s.appendText(nil)) }

func (s SID) appendText(dst []byte) []byte {
	if len(s) < 8 {
		return dst
	}
	dst = append(dst, 'S', '-')
	dst = strconv.AppendUint(dst, uint64(s[0]), 10)
	dst = append(dst, '-')
	authority := uint64(s[2])<<40 | uint64(s[3])<<32 | uint64(binary.BigEndian.Uint32(s[4:]))
	dst = strconv.AppendUint(dst, authority, 10)
	for rest := s[8:]; len(rest) >= 4; rest = rest[4:] {
		dst = append(dst, '-')
		dst = strconv.AppendUint(dst, uint64(binary.LittleEndian.Uint32(rest)), 10)
	}
	return dst
}

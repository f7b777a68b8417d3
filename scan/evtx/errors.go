package evtx

import (
	"errors"
	"fmt"
)

// What can be inside a FormatError.
var (
	// ErrNotEVTX: neither a file header nor a chunk is where one belongs.
	ErrNotEVTX = errors.New("evtx: not an EVTX file")
	// ErrEmpty: the file has no bytes.
	ErrEmpty = errors.New("evtx: file is empty")
	// ErrTruncated: bytes are missing at the end.
	ErrTruncated = errors.New("evtx: truncated")
	// ErrSignature: a signature is not what belongs there.
	ErrSignature = errors.New("evtx: wrong signature")
	// ErrChecksum: a CRC-32 does not fit the bytes that it covers.
	ErrChecksum = errors.New("evtx: checksum mismatch")
	// ErrSize: a size or count does not fit what is there.
	ErrSize = errors.New("evtx: impossible size")
	// ErrToken: the BinXML holds a byte that is no token, or none that may stand
	// there.
	ErrToken = errors.New("evtx: malformed BinXML")
	// ErrTemplate: a record's template definition is not where the record says.
	ErrTemplate = errors.New("evtx: template definition lost")
	// ErrBudget: a structure is larger or deeper than any real log needs.
	ErrBudget = errors.New("evtx: limit exceeded")
	// ErrHeader: a header's field contradicts what the file holds.
	ErrHeader = errors.New("evtx: header contradicts content")
	// ErrRead: the source failed; FormatError wraps the source's own error too.
	ErrRead = errors.New("evtx: read error")
)

// Class is the kind of a fault, as a stable code.
type Class string

// The classes of faults. The first group says that something may be lost, the
// second that everything was read though a header or checksum is wrong.
const (
	FileTruncated  Class = "file-truncated"
	ChunkLost      Class = "chunk-lost"
	RecordBad      Class = "record-bad"
	RecordResync   Class = "record-resync"
	TemplateLost   Class = "template-lost"
	FieldDamaged   Class = "field-damaged"
	BudgetExceeded Class = "budget-exceeded"
	ReadError      Class = "read-error"

	FileHeaderBad      Class = "file-header-bad"
	FileHeaderStale    Class = "file-header-stale"
	FileVersion        Class = "file-version"
	ChunkBadMagic      Class = "chunk-bad-magic"
	ChunkHeaderCRC     Class = "chunk-header-crc"
	ChunkDataCRC       Class = "chunk-data-crc"
	ChunkHeaderLies    Class = "chunk-header-lies"
	ChunkResetWithData Class = "chunk-reset-with-data"
	TimeImplausible    Class = "time-implausible"
)

// Loss reports whether a fault of this class may have cost a record or a
// field. The others are flaws of headers and checksums around sound content.
func (c Class) Loss() bool {
	switch c {
	case FileTruncated, ChunkLost, RecordBad, RecordResync, TemplateLost, FieldDamaged, BudgetExceeded, ReadError:
		return true
	}
	return false
}

// FormatError is one fault in a file: what is wrong, where, and how. It wraps
// one of the Err values of this package.
type FormatError struct {
	Class Class
	// What names the structure: "file header", "chunk header", "record", ….
	What string
	// Offset is where the structure begins, in bytes from the start of the file.
	Offset int64
	// RecordID is the identifier in the header of the record that the fault
	// lies in, 0 if it lies in none.
	RecordID uint64
	// Need and Have are the two numbers that should agree or fit, if there are
	// any: bytes needed and bytes there, or the number expected and the one
	// found.
	Need, Have int64
	Err        error
}

// Error returns one line that names place, structure and reason.
func (e *FormatError) Error() string {
	s := fmt.Sprintf("offset %d: %s", e.Offset, e.What)
	if e.RecordID != 0 {
		s += fmt.Sprintf(" (record %d)", e.RecordID)
	}
	s += fmt.Sprintf(": %v", e.Err)
	if e.Need != 0 || e.Have != 0 {
		s += fmt.Sprintf(" (need %d, have %d)", e.Need, e.Have)
	}
	return s
}

// Unwrap returns the reason.
func (e *FormatError) Unwrap() error { return e.Err }

package evtx

import (
	"errors"
	"fmt"

	"webshellscan/scan/event"
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
	// ErrToken: the BinXML holds a byte that is no token, or a token that
	// is not allowed there.
	ErrToken = errors.New("evtx: malformed BinXML")
	// ErrTemplate: a record's template definition is not where the record
	// says.
	ErrTemplate = errors.New("evtx: template definition lost")
	// ErrBudget: a structure is larger or deeper than any real log needs.
	ErrBudget = errors.New("evtx: limit exceeded")
	// ErrHeader: a header's field contradicts what the file holds.
	ErrHeader = errors.New("evtx: header contradicts content")
	// ErrHidden: there is more in a record than the record.
	ErrHidden = errors.New("evtx: hidden data")
	// ErrOrder: identifiers or times do not follow each other.
	ErrOrder = errors.New("evtx: out of order")
	// ErrRead: the source failed; FormatError wraps the source's own error
	// too.
	ErrRead = errors.New("evtx: read error")
)

// Class is the kind of a fault, as a stable code.
type Class string

// The classes of faults by which something may be lost.
const (
	FileTruncated  Class = "file-truncated"
	ChunkLost      Class = "chunk-lost"
	RecordBad      Class = "record-bad"
	RecordResync   Class = "record-resync"
	TemplateLost   Class = "template-lost"
	FieldDamaged   Class = "field-damaged"
	BudgetExceeded Class = "budget-exceeded"
	ReadError      Class = "read-error"
	// RecordsMissing: the file header counts records behind the last one,
	// RecordID to LastID. Have is how many.
	RecordsMissing Class = "records-missing"
	// ChunksMissing: the header of a log that was closed counts Need
	// chunks, and the file has Have.
	ChunksMissing Class = "chunks-missing"
)

// The classes of faults that cost nothing, though a header or a checksum is
// wrong or another definition was substituted.
const (
	// TemplateSubstituted: a record was read by a definition of the same
	// template id from elsewhere.
	TemplateSubstituted Class = "template-substituted"
	// TemplateDamaged: a template definition does not end where it says. It
	// was read to the end that its tokens have.
	TemplateDamaged Class = "template-damaged"

	FileHeaderBad           Class = "file-header-bad"
	FileHeaderStale         Class = "file-header-stale"
	FileVersion             Class = "file-version"
	ChunkBadMagic           Class = "chunk-bad-magic"
	ChunkHeaderCRC          Class = "chunk-header-crc"
	ChunkDataCRC            Class = "chunk-data-crc"
	ChunkHeaderInconsistent Class = "chunk-header-lies"
	ChunkResetWithData      Class = "chunk-reset-with-data"
	TimeImplausible         Class = "time-implausible"
)

// The classes of faults that suggest tampering with the log.
const (
	// RecordHidden: a record holds more than its event. RecordID is that of
	// the record found within it, or of the record that it lies in if
	// nothing of it is left (Err is then ErrTruncated too); Have is how
	// many bytes there are. From and To are the times of the records around
	// it.
	RecordHidden Class = "record-hidden"
	// ChunkDuplicate: a chunk has the records of another one. Have is how
	// many.
	ChunkDuplicate Class = "chunk-duplicate"
	// IDGap: record identifiers are missing, RecordID to LastID, between
	// the times From and To. Have is how many.
	IDGap Class = "id-gap"
	// TimeBackwards: record RecordID is later than the one before it by its
	// identifier and earlier by its time, To; From is the time before it.
	TimeBackwards Class = "time-backwards"
	// ExportGap: the records of an export leave out identifiers of the log
	// that they were in, between the times From and To. Have is how many.
	ExportGap Class = "export-gap"
	// ExportFingerprint: the file was written by an export and not by the
	// event log service. Have is how many records say so.
	ExportFingerprint Class = "export-fingerprint"
)

// Loss reports whether a fault of this class may have cost a record or a
// field. The others are flaws of headers and checksums around sound content.
func (c Class) Loss() bool {
	switch c {
	case FileTruncated, ChunkLost, RecordBad, RecordResync, TemplateLost, FieldDamaged, BudgetExceeded, ReadError, RecordsMissing, ChunksMissing:
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
	// Offset is where the structure begins, in bytes from the start of the
	// file.
	Offset int64
	// RecordID is the identifier in the header of the record that the fault
	// lies in, 0 if it lies in none.
	RecordID uint64
	// LastID is the last of several identifiers that begin with RecordID,
	// else 0.
	LastID uint64
	// From and To are times around the fault as its class says; 0 if not
	// known.
	From, To event.Time
	// Need and Have are the two numbers that should agree or fit, if there
	// are any: bytes needed and bytes there, or the number expected and the
	// one found.
	Need, Have int64
	Err        error
}

// Missing returns how many records or chunks a fault says are missing at the
// end of a file, 0 if it says nothing of the kind.
func (e *FormatError) Missing() int {
	switch e.Class {
	case RecordsMissing:
		return int(e.Have)
	case ChunksMissing:
		return int(e.Need - e.Have)
	}
	return 0
}

// Error returns one line that names place, structure and reason.
func (e *FormatError) Error() string {
	s := fmt.Sprintf("offset %d: %s", e.Offset, e.What)
	switch {
	case e.LastID > e.RecordID:
		s += fmt.Sprintf(" (records %d to %d)", e.RecordID, e.LastID)
	case e.RecordID != 0:
		s += fmt.Sprintf(" (record %d)", e.RecordID)
	}
	s += fmt.Sprintf(": %v", e.Err)
	if e.From != 0 && e.To != 0 {
		s += fmt.Sprintf(", between %s and %s", e.From, e.To)
	}
	if e.Need != e.Have {
		s += fmt.Sprintf(" (need %d, have %d)", e.Need, e.Have)
	}
	return s
}

// Unwrap returns the reason.
func (e *FormatError) Unwrap() error { return e.Err }

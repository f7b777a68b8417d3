package event

// Marks are the way in which a record was read, if not the usual one. The zero
// Marks stand for a live record that was read as it stands.
type Marks uint8

// The marks.
const (
	// MarkRecovered: the record is no live one. It lies where a chunk has
	// no records by its header, left over from an earlier use of the memory
	// or the disk.
	MarkRecovered Marks = 1 << iota
	// MarkSubstituted: the record's template definition is lost, and that
	// of another place with the same template id was taken.
	MarkSubstituted
	// MarkHidden: the record was hidden within another one.
	MarkHidden
	// MarkExported: the record is that of an export in another form than
	// EVTX, whose times may be rounded.
	MarkExported
)

// Has reports whether m has all marks of other.
func (m Marks) Has(other Marks) bool { return m&other == other }

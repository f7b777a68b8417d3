package event

// Gate decides by a few values of a record whether its event is wanted, so that
// the rest need not be decoded. It is a hint: a reader may give events that the
// Gate was not asked about. A Gate is for one goroutine, and may keep what it
// is asked about.
type Gate interface {
	// Look returns the fields to examine in events of an Event.Key of a
	// computer, spelled as the log spells it.
	Look(key int, computer string) Look
}

// Look is what a Gate asks of one kind of event.
type Look struct {
	// Fields are the names of values, as FieldList has them. They are
	// compared as FoldName has them.
	Fields []LookField
	// Admits reports whether an event is wanted. With nil all of them are.
	Admits func(*Preview) bool
}

// LookField names a value of System or of the payload.
type LookField struct {
	Name   string
	System bool
}

// Preview is the part of a record that a Gate sees. It is valid for the call
// only.
type Preview struct {
	// Offset is where the record begins, Chunk where its chunk does, in
	// bytes from the start of the file.
	Offset, Chunk int64
	Time          Time
	// Values are those of Look.Fields, in that order: the zero Value for
	// one that the record does not have.
	Values []Value
}

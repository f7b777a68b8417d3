package finding

import (
	"cmp"

	"webshellscan/scan/event"
	"webshellscan/scan/source"
)

// Evidence is one record of a log.
type Evidence struct {
	File     string     `json:"file"`
	Offset   int64      `json:"offset"` // of the record, in bytes from the start of the file
	RecordID uint64     `json:"record_id"`
	Time     event.Time `json:"time"` // System/TimeCreated
	Channel  string     `json:"channel"`
	EventID  uint16     `json:"event_id"`
	// Recovered, Substituted and Hidden are the marks of event.Marks.
	Recovered   bool `json:"recovered,omitempty"`
	Substituted bool `json:"template_substituted,omitempty"`
	Hidden      bool `json:"hidden,omitempty"`

	// Origin says where in a container the file lies, nil if it is one of
	// its own.
	*source.Origin

	// Place is where the record was read: of which input of the scan, and
	// in which chunk of it.
	Place event.Place `json:"-"`
}

// New returns the evidence of a record at a place of an input with a path and
// an origin, which is nil if the input is a file of its own.
func New(place event.Place, path string, origin *source.Origin, marks event.Marks) Evidence {
	return Evidence{
		File: path, Offset: place.Offset, Origin: origin, Place: place,
		Recovered:   marks.Has(event.MarkRecovered),
		Substituted: marks.Has(event.MarkSubstituted),
		Hidden:      marks.Has(event.MarkHidden),
	}
}

// Compare orders records by where they lie.
func Compare(a, b *Evidence) int {
	return cmp.Or(cmp.Compare(a.Place.File, b.Place.File), cmp.Compare(a.Offset, b.Offset))
}

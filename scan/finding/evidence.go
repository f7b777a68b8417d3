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

	// Origin is where in a container the file lies, nil if it lies in none.
	*source.Origin

	// Place is where the record was read: of which input of the scan, and
	// in which chunk of it.
	Place event.Place `json:"-"`
}

// Record is what is known of a record that is evidence.
type Record struct {
	Place    event.Place
	RecordID uint64
	Time     event.Time
	Channel  string
	EventID  uint16
	Marks    event.Marks
}

// New returns the evidence of a record of an input with a path and an origin,
// which is nil if the input is a file of its own.
func New(r Record, path string, origin *source.Origin) Evidence {
	return Evidence{
		File: path, Offset: r.Place.Offset, RecordID: r.RecordID, Time: r.Time, Channel: r.Channel, EventID: r.EventID,
		Recovered:   r.Marks.Has(event.MarkRecovered),
		Substituted: r.Marks.Has(event.MarkSubstituted),
		Hidden:      r.Marks.Has(event.MarkHidden),
		Origin:      origin, Place: r.Place,
	}
}

// Compare orders records by where they lie.
func Compare(a, b *Evidence) int {
	return cmp.Or(cmp.Compare(a.Place.File, b.Place.File), cmp.Compare(a.Offset, b.Offset))
}

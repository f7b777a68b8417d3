package finding

import (
	"webshellscan/scan/story"
)

// Event is an event of a session's story, or one that is a finding by itself.
type Event struct {
	*story.Event
	// Host is the host's name, Session the session that the event is tied
	// to, nil if there is none.
	Host    string
	Session *Session
	// Evidence names its records, the first one first.
	Evidence []Evidence
	// Correlated are the correlation rules among Rules with what met them
	// together, of the events that Evidence names.
	Correlated []*Correlation
}

package event

// Want is which events a reader is to yield, and what of them.
type Want struct {
	// Keys are kinds of event. The fields that have a FieldID are always
	// given.
	Keys []Key
	// Providers are those of which every event is wanted, whatever its ID,
	// and Channels those of which every event is, whoever wrote it. Names
	// are compared without case.
	Providers, Channels []string
	// AllFields requests Event.System and Event.Payload with all that a
	// record has. Fields requests them with the fields of these names only,
	// compared as FoldName has them.
	AllFields bool
	Fields    []string
	// Unlisted is how many of Keys, the first ones, are wanted without
	// them: what has a FieldID is enough. No Gate is asked about them.
	Unlisted int
	// Noted are kinds of event that are not wanted yet: a reader reports
	// for each chunk whether it may hold some.
	Noted []Key
	// Recovered also requests records of logs that are no longer live: what
	// lies behind the live records of a chunk, left from its last use or,
	// in exports, from other memory, and what lies in emptied chunks. Such
	// events have MarkRecovered, and come only if nothing about them is in
	// doubt. They may be copies of live ones.
	Recovered bool
}

// Lists reports whether fields are asked for by their own names.
func (w *Want) Lists() bool { return w.AllFields || len(w.Fields) > 0 }

// FirstProvider returns the Event.Key of Providers[0].
func (w *Want) FirstProvider() int { return len(w.Keys) }

// FirstChannel returns the Event.Key of Channels[0].
func (w *Want) FirstChannel() int { return len(w.Keys) + len(w.Providers) }

package evtxtest

// Style is what kind of log a file is. It settles identifiers and times in
// record headers and a few details of the records.
type Style uint8

const (
	// StyleLive is a log as it lies on a running system's disk: header
	// identifier and time are those of the event.
	StyleLive Style = iota
	// StyleExported is what "save as", wevtutil epl and EvtExportLog write:
	// header identifiers count from 1, and the header time of each record
	// is the TimeCreated of the next one, that of the last being 0.
	StyleExported
	// StyleForwarded is the log of a collector: plain records, header
	// identifiers of its own, header time when the event arrived
	// (HeaderTime, or else TimeCreated).
	StyleForwarded
	// StyleArchived is StyleLive with the free space of each chunk said to
	// begin at its end, as in some logs that were archived when full.
	StyleArchived
)

// Options are how a file is written. The zero Options give a live log of
// version 3.1.
type Options struct {
	Style Style
	// Shape is the shape of the records. ShapeAuto leaves it to the style
	// and the events; see MixedShapes.
	Shape Shape
	// MixedShapes makes forwarded logs keep the shape of events that name
	// one.
	MixedShapes bool
	// Minor is the minor version; 0 means 1.
	Minor uint16
	// FirstID is the first header identifier of exported and forwarded
	// logs; 0 means 1.
	FirstID uint64
	// FirstNumber is the number of the first record in the file; 0 means
	// its header identifier.
	FirstNumber uint64
	// RecordsPerChunk limits the records of a chunk; 0 means as many as
	// fit.
	RecordsPerChunk int
	// Filler is repeated in the filler behind records and in NULL values;
	// empty means zeros.
	Filler []byte
	// Entities is how plain records write & < > and quotes.
	Entities EntityForm
	// KeepSlack leaves in each chunk what lay behind its records in the
	// chunk before it, as Windows does when it reuses memory. Otherwise the
	// rest of a chunk is zero.
	KeepSlack bool
	// ZeroChunks is the number of preallocated chunks at the end, all zero.
	ZeroChunks int
	// Flags of the file header.
	Flags uint32
	// StaleHeader leaves the file header as it was when the log's first
	// chunk had been written.
	StaleHeader bool
	// Header, if not nil, may change the file header before its checksum is
	// made.
	Header func(*FileHeader)
	// Chunk, if not nil, may change the header of the chunk with number i
	// (from 0) before its checksums are made.
	Chunk func(i int, h *ChunkHeader)
}

// shapeOf returns the shape that ev is written in.
func (o *Options) shapeOf(ev *Event) Shape {
	switch {
	case o.Shape != ShapeAuto:
		return o.Shape
	case o.Style == StyleForwarded && !(o.MixedShapes && ev.Shape != ShapeAuto):
		return ShapePlain
	case ev.Shape != ShapeAuto:
		return ev.Shape
	case ev.Provider.GUID.IsZero():
		return ShapeProvider
	default:
		return ShapeManifest
	}
}

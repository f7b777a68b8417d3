// Package evtx reads Windows event logs (.evtx): bytes to events. It implements
// the format and depends on nothing that events mean.
//
// A file is a header block of 4,096 bytes and chunks of 65,536 bytes; a chunk
// holds records, and a record holds BinXML: as a rule one template instance,
// that is a reference to a template definition elsewhere in the chunk and the
// values that fill its substitutions.
//
// The reader trusts no statement that it can check for itself. Chunks are found
// by the file's size and by their signature, records by walking, definitions
// and names by their direct offsets; the header's counts, the bucket tables and
// the checksums are compared with what is there and reported where they differ.
// A damaged record or chunk costs only itself.
//
// It is quick because it skips: a template definition is compiled once, into
// the places of the few values that decide a record's kind. A record that was
// not selected costs one look-up and a few loads; only a selected one has its
// fields sliced out, as views into the chunk.
//
// A Decoder makes an event of a record. A Reader walks over the chunks of a
// stretch of a file and has its Decoder read their records:
//
//	file, err := evtx.Open(source, size)
//	for part := range file.Parts(evtx.DefaultPartSize) {
//		// On any number of goroutines, each with a Reader of its own:
//		reading := reader.Records(file, part)
//		for ev, err := range reading.Events(ctx) { … }
//		total.Add(&reading.Stats)
//	}
//
// A Reading also holds what one pass over the parts leaves open: stretches
// without chunks (Reader.Carve), and records whose template definition is lost,
// which another chunk or file may have (TemplatePool, Reader.Deferred).
// Reader.Chunks reads single chunks again, mostly with another selection.
//
// A selection names kinds of event, whole providers or whole channels. It gives
// the fields that have a FieldID; event.Want also asks for others by name, or
// for all that a record has.
//
// Sources: [MS-EVEN6] 2.2.12 (BinXML), libyal's "Windows XML Event Log (EVTX)
// format" (file, chunk and record layout), and measurements of real logs where
// both are silent.
package evtx

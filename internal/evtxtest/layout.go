package evtxtest

import (
	"errors"
	"io"
)

// File is an EVTX file in memory together with where everything in it lies.
// Data may be changed freely; the layout does not follow.
type File struct {
	Data   []byte
	Chunks []Chunk
}

// Chunk is where the parts of a chunk lie.
type Chunk struct {
	Offset      int64  // in the file
	FreeSpace   uint32 // offset in the chunk of the first byte behind the last record
	Records     []Record
	Names       []Name
	Definitions []Definition
}

// Record is where the parts of a record lie.
type Record struct {
	Offset        int64  // in the file
	ChunkOffset   uint32 // in the chunk
	Size          uint32
	ID            uint64 // identifier in the record's header
	EventRecordID uint64 // that of the event; 0 for raw records
	// Instances are the template instances in the order they were written:
	// for an event with a template its own first, then that of its payload.
	// Their offsets count from the start of the chunk.
	Instances []Instance
}

// Name is a name node.
type Name struct {
	Name   string
	Offset uint32 // in the chunk
}

// Definition is a template definition.
type Definition struct {
	GUID   GUID
	Offset uint32 // in the chunk
}

// Build returns a file with these events.
func Build(o Options, events []Event) (*File, error) {
	return BuildFunc(o, func(w *Writer) error {
		for i := range events {
			if err := w.Write(&events[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

// BuildFunc returns the file that write writes.
func BuildFunc(o Options, write func(*Writer) error) (*File, error) {
	f := &File{}
	var out memory
	w, err := NewWriter(&out, o)
	if err != nil {
		return nil, err
	}
	w.layout, w.b.record = &f.Chunks, true
	if err := write(w); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	f.Data = out.data
	return f, nil
}

// FixChunk recomputes both checksums of the chunk with this number; see
// [FixChunk].
func (f *File) FixChunk(i int) { FixChunk(f.ChunkData(i)) }

// FixHeader recomputes the checksum of the file header.
func (f *File) FixHeader() { FixFile(f.Data) }

// ChunkData returns the bytes of the chunk with this number, as a part of
// f.Data.
func (f *File) ChunkData(i int) []byte {
	at := fileHeaderSize + i*chunkSize
	return f.Data[at : at+chunkSize : at+chunkSize]
}

// RecordData returns the bytes of a record, as a part of f.Data.
func (f *File) RecordData(r *Record) []byte {
	return f.Data[r.Offset : r.Offset+int64(r.Size) : r.Offset+int64(r.Size)]
}

// Records returns the number of records.
func (f *File) Records() int {
	n := 0
	for i := range f.Chunks {
		n += len(f.Chunks[i].Records)
	}
	return n
}

// addChunk adds the current chunk, whose records end at free, to the layout.
func (w *Writer) addChunk(free uint32) {
	c := Chunk{Offset: w.chunkOffset(), FreeSpace: free, Records: w.records}
	for i := range w.b.nameLog {
		name := w.b.nameLog[i].name
		c.Names = append(c.Names, Name{name, w.b.names[name]})
	}
	for i := range w.b.defLog {
		c.Definitions = append(c.Definitions, Definition{w.b.defLog[i].guid, w.b.defLog[i].offset})
	}
	*w.layout = append(*w.layout, c)
	w.records = nil
}

// memory is an io.WriteSeeker over a growing slice.
type memory struct {
	data []byte
	at   int
}

var errSeek = errors.New("evtxtest: seek beyond the end")

// Write implements io.Writer.
func (m *memory) Write(p []byte) (int, error) {
	n := copy(m.data[m.at:], p)
	m.data = append(m.data, p[n:]...)
	m.at += len(p)
	return len(p), nil
}

// Seek implements io.Seeker.
func (m *memory) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += int64(m.at)
	case io.SeekEnd:
		offset += int64(len(m.data))
	}
	if offset < 0 || offset > int64(len(m.data)) {
		return 0, errSeek
	}
	m.at = int(offset)
	return offset, nil
}

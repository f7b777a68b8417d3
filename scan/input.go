package scan

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"webshellscan/scan/evtx"
	"webshellscan/scan/export"
	"webshellscan/scan/filehash"
	"webshellscan/scan/integrity"
	"webshellscan/scan/source"
)

// input is one file while it is scanned: opened when its first part is due,
// closed after its last one.
type input struct {
	source.Input
	index uint32

	once sync.Once
	file *source.File
	evtx *evtx.File
	err  error            // why it is not read
	kind source.Kind      // what it is if it is no log
	hash *filehash.SHA256 // nil if it is not wanted
	crc  *filehash.CRC32  // nil if no archive has a CRC-32 to compare

	mu       sync.Mutex
	left     int   // parts still to come
	cut      bool  // the reading of a part was interrupted
	changed  error // what happened to the file while it was read
	stats    evtx.Stats
	faults   integrity.FaultLog
	odd      []evtx.Part     // stretches to carve
	deferred []evtx.Deferred // records to read when the definitions of all files are known
	chunks   []evtx.Chunk
	missing  evtx.Missing        // what the file header knows of and the file lacks
	order    []*evtx.FormatError // what comparing the chunks shows
	crashes  []string            // panics that were caught: errors of this program

	form      export.Form   // of an export
	exported  export.Result // what it held
	exportErr error         // why the rest of it was not read

	lost   error // why something that was read could not be read again
	lostAt int64 // the first place where that was

	// restored is set if a partial result holds what its reading left
	// behind; held is what there is of its bytes. Then sum is its hash,
	// sumErr why it has none.
	restored bool
	held     *heldContent
	sum      string
	sumErr   error
}

// open opens the input if it is not open yet, and returns why it cannot be
// read.
func (in *input) open(ctx context.Context) error {
	in.once.Do(func() {
		if in.file, in.err = in.Open(); in.err != nil {
			return
		}
		if in.Size < 0 {
			in.Size = in.file.Size()
		}
		if in.file.HasCRC32() {
			in.crc = new(filehash.CRC32)
		}
		in.recordFault(in.file.Fault())
		size := min(in.Size, in.file.Size())
		head := in.source(evtx.Part{End: size})
		if in.Stretches != nil {
			in.evtx = evtx.Raw(in.file, size)
		} else if in.ClaimsLog() {
			in.evtx, in.err = evtx.Search(ctx, head, size)
		} else {
			in.evtx, in.err = evtx.Open(head, size)
		}
		if in.err != nil && in.isExport(size) {
			in.evtx, in.err = evtx.Raw(in.file, size), nil
		}
		if in.err != nil {
			in.identify(head, size)
			in.addFault(in.file)
			if part, ok := head.(*filehash.Part); ok && in.hash != nil && !in.ignored() {
				part.Rest(ctx)
			}
			in.close() // at once: a folder may hold more other files than a process may open
		}
	})
	return in.err
}

// source returns what to read one part of the open file from, by one goroutine.
func (in *input) source(part evtx.Part) io.ReaderAt {
	if in.hash == nil && in.crc == nil {
		return in.file
	}
	return filehash.NewPart(in.file, in.hash, in.crc, part.Start, part.End)
}

// carved reports whether the input is no file, but what no file of a volume
// has.
func (in *input) carved() bool {
	return in.Origin != nil && in.Origin.Carved && in.Origin.Member != ""
}

// hashRest hashes what no part of the open input held.
func (in *input) hashRest(ctx context.Context) {
	if in.hash != nil {
		in.hash.Rest(ctx, in.file, in.Size)
	}
}

// hashWhole reads an input for nothing but its hash. What changes while it is
// read has none.
func (in *input) hashWhole(ctx context.Context, hashes *filehash.Pass) {
	if in.Live || in.restored {
		return
	}
	in.hash = hashes.NewFile()
	if in.file, in.err = in.Open(); in.err != nil {
		return
	}
	defer in.close()
	in.hashRest(ctx)
}

// digest returns the hash of the input, or why it has none. There is neither if
// nobody wants it.
func (in *input) digest() (string, error) {
	if in.hash != nil {
		return in.hash.Result(in.Size)
	}
	return in.sum, in.sumErr
}

// compare adds the faults that show when the chunks of a log are compared with
// each other and with its header, and sorts them by their place.
func (in *input) compare() {
	if in.err != nil || in.evtx == nil {
		return
	}
	if in.isLog() { // else it has no chunks to compare, or all of it is damage
		in.compareChunks()
	}
	slices.SortFunc(in.chunks, func(a, b evtx.Chunk) int { return cmp.Compare(a.Offset, b.Offset) })
}

func (in *input) compareChunks() {
	if in.complete() { // else not all chunks are known
		in.missing = in.evtx.Header().Missing(in.chunks)
		in.order = in.evtx.Faults(in.chunks, &in.stats)
	}
	for _, fault := range evtx.CheckOrder(in.chunks) {
		if fault.Class != evtx.IDGap || in.complete() { // else what is missing may not have been read yet
			in.order = append(in.order, fault)
		}
	}
}

// complete reports whether all parts of the input were read to their ends.
func (in *input) complete() bool { return in.left <= 0 && !in.cut }

// damaged reports whether the input has faults by which something may be lost,
// or a header that does not say whether all is there.
func (in *input) damaged() bool {
	for class := range in.faults.Counts() {
		if class.Loss() || class == evtx.FileHeaderBad {
			return true
		}
	}
	return false
}

// isExport reports whether an input that is no log holds records in another
// form.
func (in *input) isExport(size int64) bool {
	if !errors.Is(in.err, evtx.ErrNotEVTX) {
		return false
	}
	in.form = exportForm(in.file, size)
	return in.form != export.None
}

// exportForm returns the form of an export by its first bytes.
func exportForm(file io.ReaderAt, size int64) export.Form {
	head := make([]byte, min(16<<10, size))
	if n, _ := file.ReadAt(head, 0); n < len(head) {
		return export.None
	}
	return formOf(head)
}

// formOf returns the form of the export that begins with prefix.
func formOf(prefix []byte) export.Form {
	if source.IsReport(prefix) {
		return export.None
	}
	return export.Detect(prefix)
}

// isLog reports whether what was read is a log, and not an export or what was
// searched for chunks.
func (in *input) isLog() bool { return in.form == export.None && in.Stretches == nil }

// log returns what was read of the input, once it was summarized. Of what was
// searched for chunks, all is damage.
func (in *input) log() *integrity.Log {
	log := &integrity.Log{
		Path: in.Path, Stats: &in.stats, Faults: new(integrity.FaultLog), Order: in.order,
		Form: in.form, Exported: in.exported, ExportErr: in.exportErr,
	}
	if in.err == nil && in.evtx != nil && in.Stretches == nil {
		log.Faults = &in.faults
	}
	return log
}

// identify finds out what an input is that is no log.
func (in *input) identify(file io.ReaderAt, size int64) {
	if !errors.Is(in.err, evtx.ErrNotEVTX) && !errors.Is(in.err, evtx.ErrEmpty) {
		return
	}
	kind, err := in.KindOf(file, size)
	if err != nil {
		in.err = errors.Join(in.err, err)
		return
	}
	in.kind = kind
	in.err = &otherKindError{in.promise(), in.kind, in.err}
}

// promise returns what an input should be by its name, or by having been named.
func (in *input) promise() string {
	switch {
	case isPartialName(in.Path):
		return "partial result"
	case !in.ClaimsLog() && claimsContainer(&in.Input, in.kind):
		return "archive or disk image"
	}
	return "event log (EVTX)"
}

// claimsContainer reports whether an input of a kind is called an archive or a
// disk image and is none.
func claimsContainer(in *source.Input, kind source.Kind) bool {
	return source.IsContainerName(in.Path) && kind.Class < source.ClassPackage
}

// otherKindError returns an error with what an input is that is not what its
// name promises.
type otherKindError struct {
	promise string
	kind    source.Kind
	err     error
}

// Error implements error.
func (e *otherKindError) Error() string {
	text := "no " + e.promise + ", but " + e.kind.Name
	if e.kind.MayHoldLogs() {
		text += ": what is in it was not read"
	}
	return text
}

// Unwrap returns the error that it wraps.
func (e *otherKindError) Unwrap() error { return e.err }

// add adds what one reading of the input met. After the last one the file is
// closed.
func (in *input) add(ctx context.Context, r *evtx.Reading, faults *integrity.FaultLog) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.stats.Add(&r.Stats)
	in.odd = append(in.odd, r.Irregular...)
	in.deferred = append(in.deferred, r.Deferred...)
	in.chunks = append(in.chunks, r.Chunks...)
	in.faults.Merge(faults)
	in.leave(ctx)
}

// finish records that a part needs no more reading.
func (in *input) finish(ctx context.Context) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.leave(ctx)
}

// leave ends a part, and with the last one the reading of the input.
func (in *input) leave(ctx context.Context) {
	in.left--
	if in.left == 0 {
		slices.SortFunc(in.odd, func(a, b evtx.Part) int { return cmp.Compare(a.Start, b.Start) })
		in.hashRest(ctx)
		if in.Sequential {
			in.recordFault(in.file.Fault())
		}
		if in.crc != nil {
			if sum, whole := in.crc.Result(in.file, in.Size); whole {
				in.recordFault(in.file.CompareCRC32(sum))
			}
		}
		in.changed = in.file.Changed(in.Input)
		in.close()
	}
}

// recordFault adds to the faults what is wrong with the content of a member of
// an archive. Of one that is unpacked as it is read, and of one that lies in it
// as it is, that is known when all was read.
func (in *input) recordFault(fault error) {
	what := integrity.CutMember
	if source.IsWhole(fault) {
		what = integrity.Member
	}
	if fault != nil {
		in.faults.Add(&evtx.FormatError{Class: evtx.ReadError, What: what, Offset: in.file.Size(), Err: errors.Join(evtx.ErrRead, fault)})
	}
}

// addFault adds to why an input holds nothing what is wrong with its content.
func (in *input) addFault(file *source.File) {
	if fault := file.Fault(); fault != nil {
		in.err = fmt.Errorf("%w; %w", in.err, fault)
	}
}

// interrupt records that a part was not read to its end.
func (in *input) interrupt() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.cut = true
}

// lose records that something at a place of the input was read, or was to be
// held, and cannot be read again.
func (in *input) lose(at int64, err error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.lost == nil || at < in.lostAt {
		in.lost, in.lostAt = fmt.Errorf("could not be read a second time: %w", err), at
	}
}

// unread is lose for what reading a file that could be opened met. What cannot
// be read of a file is reported by its first reading.
func (in *input) unread(at int64, err error) {
	if in.held != nil || in.faults.Counts()[evtx.ReadError] == 0 {
		in.lose(at, err)
	}
}

// unreadFault is unread for a fault of a log. Other faults than those of
// reading are reported by the first reading.
func (in *input) unreadFault(err error) {
	if fault, ok := errors.AsType[*evtx.FormatError](err); ok && fault.Class == evtx.ReadError {
		in.unread(fault.Offset, fault.Err)
	}
}

// crash records a panic, which is an error of this program.
func (in *input) crash(at evtx.Part, err error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.crashes = append(in.crashes, fmt.Sprintf("offset %d to %d: %v", at.Start, at.End, err))
}

// close closes the file. Its error means nothing: the file was only read.
func (in *input) close() {
	if in.file != nil {
		_ = in.file.Close()
		in.file = nil
	}
}

// ignored reports whether an input is left out without a word: its name does
// not promise a log, it was not named, and it is nothing that may hold one.
func (in *input) ignored() bool {
	_, other := errors.AsType[*otherKindError](in.err)
	return other && leavesOut(&in.Input, in.kind)
}

// leavesOut reports whether a file of a kind that is no log is left out without
// a word.
func leavesOut(in *source.Input, kind source.Kind) bool {
	return !in.ClaimsLog() && !claimsContainer(in, kind) && !isPartialName(in.Path) && !kind.MayHoldLogs()
}

// isExportText reports whether a text holds event log records, by its first
// bytes.
func isExportText(prefix []byte) bool { return formOf(prefix) != export.None }

// isNothing reports whether a file is found out to be nothing to a scan, as
// opening it as an input and input.ignored would.
func isNothing(in *source.Input, file io.ReaderAt) bool {
	if in.ClaimsLog() {
		return false
	}
	if _, err := evtx.Open(file, in.Size); !errors.Is(err, evtx.ErrNotEVTX) && !errors.Is(err, evtx.ErrEmpty) || exportForm(file, in.Size) != export.None {
		return false
	}
	kind, err := in.KindOf(file, in.Size)
	return err == nil && leavesOut(in, kind)
}

// checkRead reports an input that claims to be a log, or of which records are
// damaged, and of which nothing could be read.
func (in *input) checkRead() {
	in.checkBody()
	switch r := &in.exported; {
	case in.form == export.None || in.err != nil || !in.complete() || r.Records > 0:
	case cmp.Or(in.exportErr, r.FirstBad) != nil:
		in.err = fmt.Errorf("an export (%s) of which no record could be read: %w", in.form, cmp.Or(in.exportErr, r.FirstBad))
	case in.ClaimsLog():
		in.err = fmt.Errorf("an export (%s) that holds no record", in.form)
	}
}

// checkBody reports a log that has a header and not one chunk behind it: it
// holds nothing that could be read.
func (in *input) checkBody() {
	s := &in.stats
	if in.evtx == nil || !in.isLog() || !in.complete() || s.Chunks+s.EmptyChunks+s.Records+s.Recovered > 0 {
		return
	}
	file, err := in.Open()
	if err != nil {
		return // reported already
	}
	defer func() { _ = file.Close() }() // it was only read
	start := min(evtx.HeaderSize, in.evtx.Size())
	body := io.NewSectionReader(file, start, in.evtx.Size()-start)
	if next := in.evtx.Header().NextRecordID; body.Size() == 0 {
		if next > 1 { // else nothing was written yet
			in.err = fmt.Errorf("an event log that was cut off behind its header: its last record has the ID %d", next-1)
			in.addFault(file)
		}
		return
	}
	if kind, err := source.KindOf(body, body.Size()); err == nil {
		in.kind = kind
		in.err = fmt.Errorf("an event log without a chunk: behind its header is %s", kind.Name)
		in.addFault(file)
	}
}

package ntfs

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"webshellscan/scan/event"
)

// File is a stream of a file that may be an event log.
type File struct {
	// Path is the way from the volume's root, with slashes, and for an
	// alternate data stream a colon and its name. What has no root any more
	// begins with "$Orphan".
	Path string
	// Links are the other names of the file.
	Links []string
	// Deleted is set if the file was deleted. Overwritten is set if
	// clusters of a deleted file belong to another one now, or that is not
	// known.
	Deleted, Overwritten bool
	// Modified is when the content was last written: 100 ns since
	// 1601-01-01 UTC, from $STANDARD_INFORMATION.
	Modified uint64
	// Record is the number of the file's record.
	Record int64
	// Content is the stream.
	Content *Stream
	// Other is set of what Volume.Also asks for and is no log.
	Other bool
	// Elsewhere is why the content is not in the stream, "" if it is.
	Elsewhere string
}

// Also selects files that Walk yields besides logs: those whose name Name
// accepts, without the folder, and one of whose paths Path accepts. Alternate
// streams are never meant.
type Also struct{ Name, Path func(string) bool }

// Limits on the files that Also asks for.
const (
	maxOthers    = 1 << 18
	maxOtherSize = 64 << 30 // of one, in bytes
)

// rootRecord is the record of the root directory.
const rootRecord = 5

// maxPath bounds the parts of a path.
const maxPath = 128

// walk is one pass over the master file table.
type walk struct {
	volume      *Volume
	directories map[int64]directory
	files       []*record           // that may be logs
	root        []*record           // files of the root directory
	extras      map[int64][]*record // by base: records that go on a file's
	bases       map[int64]bool      // records with a list of those that go on them
	torn        int                 // records that cannot be parsed and are in use
	tornFree    int                 // and those that are not
	unread      int64               // bytes of the table
	faults      int                 // readings of the table that failed
	failing     int                 // of these, the last ones, with nothing read between them
	behind      int64               // where the last of them was given up
	others      int                 // of files: by name only
}

// directory is what paths need of a directory.
type directory struct {
	fileName
	sequence uint16
	inUse    bool
}

// maxLost bounds the notes about what was not read.
const maxLost = 1000

// maxExtras bounds the records that go on others.
const maxExtras = 1 << 20

// Walk reads the master file table once and returns the streams that may be
// logs: those whose name ends in .evtx, and those of the size of a log that
// begin as one; and what Also asks for. Files come in the order of their
// records. What could not be read is in Notes. If the context is cancelled,
// Walk returns its cause with what it has.
func (v *Volume) Walk(ctx context.Context) ([]*File, error) {
	w := &walk{volume: v, directories: make(map[int64]directory), extras: make(map[int64][]*record), bases: make(map[int64]bool)}
	v.catalog = 0
	err := w.read(ctx)
	w.orphans()
	w.reportLost()
	if w.others == maxOthers {
		v.addNote("more than %d files are named as text logs are; the others were not looked at", maxOthers)
	}
	v.root = v.root[:0]
	for _, r := range w.root {
		w.join(r)
		if s := r.stream(""); s != nil {
			s.volume = v
			s.trim()
			v.root = append(v.root, w.file(r, s, w.paths(r)))
		}
	}
	var files []*File
	for _, r := range w.files {
		w.join(r)
		files = append(files, w.logs(r)...)
		w.reportEmpty(r)
	}
	return files, err
}

// reportEmpty reports a file in use that has the name of a log and no data, not
// even an empty stream: the record that has them is lost.
func (w *walk) reportEmpty(r *record) {
	if !r.inUse || r.directory || r.stream("") != nil || !r.calledLog() {
		return
	}
	if v := w.volume; len(v.Lost) < maxLost {
		v.Lost = append(v.Lost, fmt.Sprintf("%s: the record with its content is missing", w.paths(r)[0]))
	}
}

// reportLost reports what of the master file table was not read.
func (w *walk) reportLost() {
	v := w.volume
	v.Lost = nil
	if w.torn > 0 {
		v.Lost = append(v.Lost, fmt.Sprintf("%d records of the master file table are damaged: files may be missing", w.torn))
	}
	if w.unread > 0 {
		v.Lost = append(v.Lost, fmt.Sprintf("%d records of the master file table cannot be read: files may be missing", max(1, w.unread/v.recordSize)))
	}
	if n := v.mft.Unread(); n > 0 {
		v.Lost = append(v.Lost, fmt.Sprintf("%d bytes of the master file table could not be read when the disk was acquired: files may be missing", n))
	}
	if w.tornFree > 0 {
		v.addNote("%d records of deleted files in the master file table are damaged", w.tornFree)
	}
}

// orphans adds records that extend one without an attribute list as files of
// their own, if they may be logs: their reference may be damaged.
func (w *walk) orphans() {
	for base, list := range w.extras {
		if w.bases[base] {
			continue
		}
		for _, r := range list {
			if r.inUse {
				w.torn++
			}
			if len(r.names) > 0 && r.mayBeLog() {
				w.files = append(w.files, r)
			}
		}
	}
	slices.SortFunc(w.files, func(a, b *record) int { return cmp.Compare(a.number, b.number) })
}

// join adds to a record the records that extend it, once.
func (w *walk) join(r *record) {
	for _, extra := range w.extras[r.number] {
		if !r.joined && (extra.baseSeq == r.sequence || !r.inUse) {
			r.merge(extra)
		}
	}
	r.joined = true
}

// Root returns the files of the root directory with these names, compared
// without case, as the last Walk found them.
func (v *Volume) Root(names []string) []*File {
	return slices.DeleteFunc(slices.Clone(v.root), func(f *File) bool {
		return !slices.ContainsFunc(names, func(name string) bool { return strings.EqualFold(f.Path, name) })
	})
}

// read reads the table in large pieces.
func (w *walk) read(ctx context.Context) error {
	const piece = 4 << 20
	v := w.volume
	buffer := make([]byte, piece)
	for off := int64(0); off < v.mft.size; {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		if end := v.mft.Hole(off); end > off {
			off = end / v.recordSize * v.recordSize
			if off < v.mft.size && end%v.recordSize == 0 {
				continue
			}
		}
		n, err := v.mft.ReadAt(buffer[:min(piece, v.mft.size-off)], off)
		for at := int64(0); at+v.recordSize <= int64(n); at += v.recordSize {
			w.addRecord(buffer[at:at+v.recordSize], (off+at)/v.recordSize)
		}
		off += int64(n) / v.recordSize * v.recordSize
		if err != nil && !errors.Is(err, io.EOF) {
			off += w.stepOver(off, err)
			continue
		}
		if int64(n) < v.recordSize {
			return nil
		}
	}
	return nil
}

// stepOver returns how many bytes of the table to leave out at an offset where
// it cannot be read: one record, but more and more if none behind it can be
// read either.
func (w *walk) stepOver(off int64, err error) int64 {
	const single, most, maxFaults = 64, 1 << 20, 1 << 12
	v := w.volume
	if w.faults == 0 {
		v.addNote("record %d of the master file table cannot be read: %v", off/v.recordSize, err)
	}
	w.faults++
	if off > w.behind {
		w.failing = 0
	}
	w.failing++
	step := v.recordSize
	if w.failing > single {
		step = min(v.recordSize<<min(w.failing-single, 20), most)
	}
	if w.faults > maxFaults {
		step = v.mft.size
	}
	step = min(step, v.mft.size-off)
	w.behind = off + step
	w.unread += step
	return step
}

// parse returns the record in b, nil if there is none. A damaged one is
// counted; what is sound of it is returned all the same.
func (w *walk) parse(b []byte, number int64) *record {
	const flags, inUse = 22, 1
	used := b[flags]&inUse != 0
	if binary.LittleEndian.Uint32(b) == 0 && !used {
		return nil // never used
	}
	var r *record
	err := w.volume.fixUp(b)
	if err == nil {
		r, err = parseRecord(b, number)
	}
	switch {
	case err == nil && !r.damaged:
	case used:
		w.torn++
	default:
		w.tornFree++
	}
	return r
}

// addRecord adds one record of the master file table.
func (w *walk) addRecord(b []byte, number int64) {
	r := w.parse(b, number)
	if r == nil {
		return
	}
	if (r.list != nil || r.listAt != nil) && len(w.bases) < maxExtras {
		w.bases[number] = true
	}
	switch {
	case r.base != 0:
		if len(w.extras) < maxExtras {
			w.extras[r.base] = append(w.extras[r.base], r)
		}
	case r.directory:
		if name, ok := r.name(); ok {
			w.directories[number] = directory{name, r.sequence, r.inUse}
		}
		if r.mayBeLog() { // a stream of a directory
			w.files = append(w.files, r)
		}
	default:
		if r.mayBeLog() || w.mayBeOther(r) {
			w.files = append(w.files, r)
		}
		if r.inUse && slices.ContainsFunc(r.names, func(n fileName) bool { return n.name == catalogName }) {
			w.volume.catalog = w.start(r)
		}
		if r.inUse && len(w.root) < maxRoot && slices.ContainsFunc(r.names, func(n fileName) bool { return n.parent == rootRecord }) {
			w.root = append(w.root, r)
		}
	}
}

// catalogName is the name of the file in "System Volume Information" that holds
// the catalog of the volume's shadow copies.
const catalogName = "{3808876b-c176-4e48-b7ae-04046e6cc752}"

// ShadowCatalog returns where on the volume, in bytes, the file of the catalog
// of its shadow copies begins, as the last Walk found it; 0 if there is no such
// file.
func (v *Volume) ShadowCatalog() int64 { return v.catalog }

// start returns where on the volume the content of a file begins, 0 if it has
// no clusters.
func (w *walk) start(r *record) int64 {
	s := r.stream("")
	if s == nil || len(s.runs) == 0 || s.runs[0].lcn <= 0 || s.runs[0].lcn >= w.volume.clusters {
		return 0
	}
	return s.runs[0].lcn * w.volume.cluster
}

// maxRoot bounds the files of the root directory that are remembered.
const maxRoot = 10_000

// name returns the name that reports show: not the short one of DOS if there is
// another.
func (r *record) name() (fileName, bool) {
	for _, n := range r.names {
		if !n.dos {
			return n, true
		}
	}
	if len(r.names) > 0 {
		return r.names[0], true
	}
	return fileName{}, false
}

// The sizes of a log: a header of 4 KiB and chunks of 64 KiB.
const (
	logHeader = 4096
	logChunk  = 65536
)

// mayBeLog reports whether a log may be in a file, as far as its first record
// shows.
func (r *record) mayBeLog() bool {
	if r.list != nil || r.listAt != nil {
		return true // its size may be in another record
	}
	return r.calledLog() || slices.ContainsFunc(r.streams, func(s *Stream) bool { return s.mayBeLog(false) })
}

// calledLog reports whether a file has the name of a log.
func (r *record) calledLog() bool {
	return slices.ContainsFunc(r.names, func(n fileName) bool { return isLogName(n.name) })
}

// mayBeOther reports whether Also may ask for a file, as far as its first
// record shows.
func (w *walk) mayBeOther(r *record) bool {
	also := w.volume.Also
	if also == nil || w.others == maxOthers || !slices.ContainsFunc(r.names, func(n fileName) bool { return also.Name(n.name) }) {
		return false
	}
	w.others++
	return true
}

// isOther reports whether Also asks for the content of a file.
func (w *walk) isOther(s *Stream, paths []string) bool {
	also := w.volume.Also
	return also != nil && s.name == "" && s.size > 0 && s.size <= maxOtherSize &&
		slices.ContainsFunc(paths, func(p string) bool { return also.Name(p[strings.LastIndexByte(p, '/')+1:]) && also.Path(p) })
}

// mayBeLog reports whether a stream has the size or the name of a log.
func (s *Stream) mayBeLog(named bool) bool {
	return named || isLogName(s.name) || s.size >= logHeader+logChunk && s.size%logChunk == logHeader
}

func isLogName(name string) bool {
	return len(name) >= 5 && strings.EqualFold(name[len(name)-5:], ".evtx")
}

// logs returns the streams of a file that are logs, or are called so, or that
// Also asks for.
func (w *walk) logs(r *record) []*File {
	paths := w.paths(r)
	named := r.calledLog()
	var names []string
	for _, s := range r.streams {
		if !slices.Contains(names, s.name) {
			names = append(names, s.name)
		}
	}
	var files []*File
	for _, name := range names {
		s := r.stream(name)
		claimed := isLogName(name) || named && name == ""
		other := !claimed && w.isOther(s, paths)
		if !s.mayBeLog(claimed) && !other {
			continue
		}
		s.volume = w.volume
		s.trim()
		if !claimed && s.BeginsAsLog() {
			other = false
		} else if !claimed && !other {
			continue
		}
		f := w.file(r, s, paths)
		f.Other = other
		files = append(files, f)
	}
	return files
}

// BeginsAsLog reports whether a stream begins as a log.
func (s *Stream) BeginsAsLog() bool {
	b := make([]byte, 8)
	n, _ := s.ReadAt(b, 0) // what cannot be read is none
	return event.IsLog(b[:n])
}

// file returns the File of a stream.
func (w *walk) file(r *record, s *Stream, paths []string) *File {
	f := &File{Path: paths[0], Links: slices.Clone(paths[1:]), Deleted: !r.inUse, Modified: r.modified, Record: r.number, Content: s}
	if s.name != "" {
		f.Path += ":" + s.name
		for i := range f.Links {
			f.Links[i] += ":" + s.name
		}
	}
	if f.Deleted {
		f.Overwritten = s.overwritten()
	}
	const wof, dedup = 0x80000017, 0x80000013
	switch {
	case s.Encrypted:
		f.Elsewhere = "encrypted by EFS"
	case r.reparse == wof:
		f.Elsewhere = "compressed by the Windows Overlay Filter"
	case r.reparse == dedup:
		f.Elsewhere = "moved away by data deduplication"
	}
	return f
}

// overwritten reports whether the volume uses clusters of a deleted stream for
// something else, or whether that is not known.
func (s *Stream) overwritten() bool {
	bitmap := s.volume.bitmap
	if s.resident != nil {
		return false
	}
	if bitmap == nil || s.torn {
		return true
	}
	buffer := make([]byte, 4096)
	for _, r := range s.runs {
		if r.lcn >= 0 && bitmap.anySet(r.lcn, r.n, buffer) {
			return true
		}
	}
	return false
}

// anySet reports whether one of n bits from a place on is set, or cannot be
// read.
func (s *Stream) anySet(first, n int64, buffer []byte) bool {
	for at := first; at < first+n; {
		base := at / 8
		b := buffer[:min(int64(len(buffer)), (first+n-1)/8-base+1)]
		if read, _ := s.ReadAt(b, base); read < len(b) {
			return true
		}
		for end := min(first+n, (base+int64(len(b)))*8); at < end; at++ {
			if b[at/8-base]>>(at%8)&1 != 0 {
				return true
			}
		}
	}
	return false
}

// paths returns the paths of a file, one for each name that is not a short one;
// the first is the first by name, so that it does not depend on the order on
// disk.
func (w *walk) paths(r *record) []string {
	var paths []string
	for _, n := range r.names {
		if n.dos && len(r.names) > 1 {
			continue
		}
		if p := w.path(n, r.inUse); !slices.Contains(paths, p) {
			paths = append(paths, p)
		}
	}
	if len(paths) == 0 {
		paths = []string{fmt.Sprintf("$Orphan/record-%d", r.number)}
	}
	slices.SortStableFunc(paths, func(a, b string) int {
		return cmp.Or(cmp.Compare(orphanRank(a), orphanRank(b)), cmp.Compare(a, b))
	})
	return paths
}

func orphanRank(path string) int {
	if strings.HasPrefix(path, "$Orphan/") {
		return 1
	}
	return 0
}

// path returns the path of a name: up to the root, or as far as directories are
// known and their records were not used for others since.
func (w *walk) path(n fileName, inUse bool) string {
	parts := []string{n.name}
	seen := make(map[int64]bool)
	for n.parent != rootRecord {
		d, ok := w.directories[n.parent]
		if !ok || seen[n.parent] || len(parts) == maxPath || !d.was(n.parentSeq, inUse) {
			parts = append(parts, "$Orphan")
			break
		}
		seen[n.parent] = true
		parts = append(parts, d.name)
		n, inUse = d.fileName, d.inUse
	}
	slices.Reverse(parts)
	return strings.Join(parts, "/")
}

// was reports whether a directory is the one that a reference with a sequence
// number means. A record's number rises when what it described is deleted.
func (d directory) was(sequence uint16, childInUse bool) bool {
	return d.sequence == sequence || !childInUse && !d.inUse && d.sequence == sequence+1
}

// Free calls each with the stretches of the volume that no file uses, in bytes,
// in their order. It returns an error if the volume does not show it.
func (v *Volume) Free(ctx context.Context, each func(start, end int64) error) error {
	if v.bitmap == nil {
		return fmt.Errorf("%w: the list of clusters in use cannot be read", ErrDamaged)
	}
	buffer := make([]byte, 64<<10)
	start := int64(-1)
	for at := int64(0); at < v.clusters; {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		n, err := v.bitmap.ReadAt(buffer[:min(int64(len(buffer)), (v.clusters-at+7)/8)], at/8)
		if n == 0 {
			return fmt.Errorf("the list of clusters in use: %w", err)
		}
		base := at / 8
		for end := min(v.clusters, at+int64(n)*8); at < end; at++ {
			used := buffer[at/8-base]>>(at%8)&1 != 0
			if used && start >= 0 {
				if err := each(start*v.cluster, at*v.cluster); err != nil {
					return err
				}
				start = -1
			} else if !used && start < 0 {
				start = at
			}
		}
	}
	if start >= 0 {
		return each(start*v.cluster, min(v.clusters*v.cluster, v.size))
	}
	return nil
}

// Package source finds the files that a scan reads, and opens them. It looks at
// regular files only, opens nothing for writing, and follows no link out of a
// folder.
package source

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"webshellscan/scan/source/archive"
)

// Input is one file that may hold a log.
type Input struct {
	// Path is how the file is named in reports: the argument it was found
	// under, cleaned, and the way from there.
	Path string
	// Size is the size in bytes when the file was found, -1 if it is known
	// only after unpacking. Modified is its time.
	Size     int64
	Modified time.Time
	// Named is set if the path itself was given, not a folder around it.
	Named bool
	// Origin is where in a container the input lies, nil if it is a file of
	// its own.
	Origin *Origin
	// Stretches are those of the input that are searched for chunks; nil if
	// it is a log.
	Stretches []Stretch
	// Kind is that of the Wanted that the input is, zero of one that may be
	// a log.
	Kind Kind
	// Sequential is set if seeking back is expensive: it is best read by
	// one goroutine from its start to its end.
	Sequential bool
	// Turn orders inputs that are packed as one stream: whoever opens them
	// in this order, those with the same turn in any, has it unpacked once.
	Turn int
	// Live is set if the input is a volume or a disk of the running system:
	// it changes while it is read, and its hash would be meaningless.
	Live bool

	open   func() (*File, error)         // nil of a file of its own
	stream func() (io.ReadCloser, error) // nil if open is as good
}

// Stretch is a part of an input, in bytes from its start.
type Stretch struct{ Start, End int64 }

// Options are how inputs are found.
type Options struct {
	// Passwords are tried in their order on encrypted archives, and then
	// "infected".
	Passwords []string
	// Memory is how many bytes of unpacked content are kept at once; 0
	// means a quarter of the machine's memory, and at most 2 GiB.
	Memory int64
	// Carve also searches for chunks outside of logs: in the unallocated
	// clusters of volumes, in page files, and in named files that are
	// neither logs nor containers.
	Carve bool
	// VerifyImages compares the hashes that images were stored with to
	// those of their disks, which are read whole for that.
	VerifyImages bool
	// Temp is a folder for temporary files with content that does not fit
	// into Memory, until Found is closed; "" means that none is written.
	Temp string
	// Stdin is what the path "-" stands for; nil means that there is none.
	Stdin io.Reader
	// Wanted are the kinds of files that are looked for besides event logs.
	// Looking for none costs nothing.
	Wanted []Wanted
	// Export reports whether a text holds event log records, by its first
	// bytes, up to PrefixSize of them: such members of archives are inputs.
	// Nil means that no text does.
	Export func(prefix []byte) bool
	// Nothing reports whether a file that is neither a container nor wanted
	// is of no interest to the caller: it is counted and left out of
	// Found.Inputs. Nil keeps all.
	Nothing func(in *Input, file io.ReaderAt) bool
	// Looking, if not nil, is told which container is being taken apart.
	Looking func(path string)
}

// Found is what Find found.
type Found struct {
	Inputs  []Input
	Skipped []Skipped
	// Others are the files that Options.Wanted asks for. They are not in
	// Inputs.
	Others []Input
	// Nothing counts the files that Options.Nothing left out.
	Nothing int
	// Containers are the archives and images that inputs lie in, with all
	// their files.
	Containers []Input
	// Notes are remarks about containers that were read.
	Notes []Note

	temps  *tempFiles // nil if nothing was looked for
	budget *budget    // nil if nothing was looked for
}

// KeepUnpacked says that what is read from now on is read twice: what is
// unpacked of images stays in memory as long as there is room for it. Until
// then only what Find itself read does. Goroutines may call it at once.
func (f *Found) KeepUnpacked() {
	if f.budget != nil {
		f.budget.blocks.Resume()
	}
}

// Close removes the temporary files, those too that were made for an input that
// is still open. Inputs must not be used any more.
func (f *Found) Close() error {
	if f.temps == nil {
		return nil
	}
	return f.temps.close()
}

// Skipped is something that did not become an input.
type Skipped struct {
	Path string
	// Err is why. It wraps ErrLink, ErrNotRegular, or the system's error.
	Err error
	// Unreadable is set if logs may have been missed.
	Unreadable bool
}

// Why something was skipped.
var (
	ErrLink       = errors.New("symbolic links are not followed")
	ErrNotRegular = errors.New("not a regular file")
)

// ErrChanged: a file is not what it was when it was found.
var ErrChanged = errors.New("changed while it was read")

// Find returns the inputs below paths, sorted by path, each file once however
// often it was named, and what was skipped. Archives and disk images are
// replaced by the logs in them. A pipe that is named, and "-", which is
// Options.Stdin, are read at once. A path that does not exist, or is anything
// else but a regular file, is an error; what cannot be read below a folder or
// in a container is skipped. If the context is cancelled, Find returns its
// cause.
func Find(ctx context.Context, paths []string, options Options) (Found, error) {
	f := finder{seen: make(map[identity]int)}
	// Shorter arguments first: the path of a file found twice is that of
	// the outermost folder, whatever the order of the arguments.
	paths = slices.Clone(paths)
	slices.SortFunc(paths, func(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) })
	for _, path := range paths {
		if err := f.add(ctx, path); err != nil {
			return Found{}, err
		}
	}
	f.skipLinks()
	slices.SortFunc(f.inputs, func(a, b Input) int { return ComparePaths(a.Path, b.Path) })
	if options.Memory <= 0 {
		options.Memory = defaultMemory()
	}
	options.Passwords = append(slices.Clone(options.Passwords), "infected")
	x := &expander{options: &options, budget: newBudget(options.Memory), paths: make(map[string]int), consumed: make(map[string]bool), expanded: make(map[string]bool), skipped: f.skipped, temps: &tempFiles{folder: options.Temp}}
	err := x.readPipes(ctx, f.pipes, options.Stdin)
	if err == nil {
		err = x.expandAll(ctx, f.inputs)
	}
	if err != nil {
		return Found{}, errors.Join(err, x.temps.close())
	}
	x.releaseUnpacked()
	slices.SortFunc(x.inputs, func(a, b Input) int { return ComparePaths(a.Path, b.Path) })
	slices.SortFunc(x.others, func(a, b Input) int { return ComparePaths(a.Path, b.Path) })
	slices.SortStableFunc(x.skipped, func(a, b Skipped) int { return ComparePaths(a.Path, b.Path) })
	slices.SortStableFunc(x.notes, func(a, b Note) int { return ComparePaths(a.Path, b.Path) })
	slices.SortFunc(x.containers, func(a, b Input) int { return ComparePaths(a.Path, b.Path) })
	x.budget.blocks.Pause()
	return Found{x.inputs, x.skipped, x.others, x.nothing, x.containers, x.notes, x.temps, x.budget}, nil
}

// Absolute returns a path in the form in which paths are compared: from the
// root on, with slashes.
func Absolute(path string) string {
	if whole, err := filepath.Abs(path); err == nil {
		path = whole
	}
	return strings.ReplaceAll(path, `\`, "/")
}

// ComparePaths orders paths in the same way on every system.
func ComparePaths(a, b string) int { return strings.Compare(filepath.ToSlash(a), filepath.ToSlash(b)) }

type finder struct {
	inputs  []Input
	skipped []Skipped
	seen    map[identity]int // index in inputs
	links   []link
	roots   []string // folders that are looked through, without links
	pipes   []string // named paths that are read once, from start to end
}

// link is a symbolic link that was met: as it is shown, and where it is.
type link struct{ shown, at string }

// add adds what one argument names. An argument that is a link is followed: the
// user named it.
func (f *finder) add(ctx context.Context, path string) error {
	if path == "" {
		return errors.New("an empty path names no file or folder")
	}
	if path == stdinPath {
		f.pipe(path)
		return nil
	}
	path = filepath.Clean(path)
	if hasDevices && isDevice(path) {
		return f.device(path)
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		if info.Mode()&fs.ModeNamedPipe != 0 {
			f.pipe(path)
			return nil
		}
		if !info.Mode().IsRegular() {
			return &fs.PathError{Op: "open", Path: path, Err: ErrNotRegular}
		}
		f.file(path, info, true)
		return nil
	}
	root, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	if full, err := RealPath(root); err == nil {
		f.roots = append(f.roots, full)
	}
	return filepath.WalkDir(root, func(at string, entry fs.DirEntry, err error) error {
		if cause := context.Cause(ctx); cause != nil {
			return cause
		}
		shown := at
		if rel, err := filepath.Rel(root, at); err == nil {
			shown = filepath.Join(path, rel)
		}
		return f.visit(shown, at, entry, err)
	})
}

// visit adds one entry of a folder.
func (f *finder) visit(shown, at string, entry fs.DirEntry, err error) error {
	switch {
	case err != nil:
		f.skipped = append(f.skipped, Skipped{shown, err, true})
		if entry != nil && entry.IsDir() {
			return fs.SkipDir
		}
		return nil
	case entry.IsDir():
		return nil
	case entry.Type()&fs.ModeSymlink != 0:
		f.links = append(f.links, link{shown, at})
		return nil
	case !entry.Type().IsRegular():
		f.skipped = append(f.skipped, Skipped{shown, ErrNotRegular, IsLogName(shown)})
		return nil
	}
	info, err := entry.Info()
	if err != nil {
		f.skipped = append(f.skipped, Skipped{shown, err, true})
		return nil
	}
	f.file(shown, info, false)
	return nil
}

// skipLinks skips the links. One that is named as logs are, or leads to what
// is, is a log that was missed, unless it leads to an input; and so is one to a
// folder, unless that is looked through.
func (f *finder) skipLinks() {
	for _, l := range f.links {
		target, _ := os.Readlink(l.at) // what cannot be read leads nowhere
		s := Skipped{l.shown, fmt.Errorf("%w (it leads to %s)", ErrLink, target), false}
		info, err := os.Stat(l.at)
		switch {
		case err == nil && info.IsDir():
			s.Unreadable = !f.walks(l.at)
		case IsLogName(l.at), IsLogName(target):
			s.Unreadable = err != nil || !f.has(l.at, info)
		}
		f.skipped = append(f.skipped, s)
	}
}

// walks reports whether the folder that a path leads to lies in one that is
// looked through.
func (f *finder) walks(path string) bool {
	folder, err := RealPath(path)
	return err == nil && slices.ContainsFunc(f.roots, func(root string) bool {
		rel, err := filepath.Rel(root, folder)
		return err == nil && filepath.IsLocal(rel)
	})
}

// RealPath returns the path of a file from the root, without links.
func RealPath(path string) (string, error) {
	full, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(full)
}

// has reports whether a file is an input.
func (f *finder) has(path string, info fs.FileInfo) bool {
	_, ok := f.seen[identify(path, info)]
	return ok
}

// file adds a file unless it is known already.
func (f *finder) file(path string, info fs.FileInfo, named bool) {
	id := identify(path, info)
	if i, ok := f.seen[id]; ok {
		f.inputs[i].Named = f.inputs[i].Named || named
		return
	}
	f.seen[id] = len(f.inputs)
	f.inputs = append(f.inputs, Input{Path: path, Size: info.Size(), Modified: info.ModTime(), Named: named})
}

// File is an open input. Goroutines may read it at once.
type File struct {
	reader io.ReaderAt
	size   int64
	fault  error
	late   func() error          // a fault that shows when it is read, nil if there is none such
	holes  func(off int64) int64 // nil if holes are not known
	close  func() error

	checked bool   // an archive has the CRC-32 of the content, which was not compared
	crc32   uint32 // which it is
}

// Open opens the input for reading.
func (in *Input) Open() (*File, error) {
	if in.open != nil {
		return in.open()
	}
	return Open(in.Path)
}

// Stream opens the input to be read once, from its start to its end. For
// content that is packed this takes no memory for the whole of it, which Open
// does, and its size need not be known.
func (in *Input) Stream() (io.ReadCloser, error) {
	if in.stream != nil {
		return in.stream()
	}
	f, err := in.Open()
	if err != nil {
		return nil, err
	}
	return &fileStream{f.Content()}, nil
}

// Content reads an open input from its start, and compares its checksum on the
// way. It is for one goroutine.
type Content struct {
	section *io.SectionReader
	file    *File
	sum     hash.Hash32 // nil if there is none to compare
	read    int64
}

// Content returns a reader of the content.
func (f *File) Content() *Content {
	c := &Content{section: io.NewSectionReader(f, 0, f.Size()), file: f}
	if f.checked {
		c.sum = crc32.NewIEEE()
	}
	return c
}

// Read implements io.Reader.
func (c *Content) Read(b []byte) (int, error) {
	n, err := c.section.Read(b)
	if c.read += int64(n); c.sum != nil {
		_, _ = c.sum.Write(b[:n]) // never fails
	}
	return n, err
}

// Fault returns File.Fault and, once everything has been read, an error if the
// CRC-32 is not the one that the archive states.
func (c *Content) Fault() error {
	if c.sum == nil || c.read < c.file.Size() {
		return c.file.Fault()
	}
	return errors.Join(c.file.Fault(), c.file.CompareCRC32(c.sum.Sum32()))
}

// fileStream reads a file from its start. What is wrong with it comes at its
// end.
type fileStream struct{ *Content }

// Read implements io.Reader.
func (s *fileStream) Read(b []byte) (int, error) {
	n, err := s.Content.Read(b)
	if errors.Is(err, io.EOF) {
		err = cmp.Or(s.Fault(), err)
	}
	return n, err
}

// Close implements io.Closer.
func (s *fileStream) Close() error { return s.file.Close() }

// Open opens a file for reading. It never blocks, even if the path is no longer
// that of a regular file: the error then wraps ErrNotRegular. On Windows it
// also opens volumes and disks by their names.
func Open(path string) (*File, error) {
	if hasDevices && isDevice(path) {
		return openDevice(path)
	}
	f, err := os.OpenFile(path, os.O_RDONLY|nonBlocking, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "open", Path: path, Err: ErrNotRegular}
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &File{reader: f, size: info.Size(), holes: holesOf(f, info.Size()), close: f.Close}, nil
}

// Size returns the size in bytes when the file was opened.
func (f *File) Size() int64 { return f.size }

// NextData returns the offset of the first byte from off on that takes room, or
// the size if there is none: what lies before it reads as zeros. It returns off
// where that is not known.
func (f *File) NextData(off int64) int64 {
	if f.holes == nil {
		return off
	}
	return f.holes(off)
}

// HasCRC32 reports whether an archive states the CRC-32 of the content, and
// nobody has compared it yet.
func (f *File) HasCRC32() bool { return f.checked }

// CompareCRC32 returns an error if sum, the CRC-32 of the whole content, is not
// the one that the archive states.
func (f *File) CompareCRC32(sum uint32) error {
	if !f.checked {
		return nil
	}
	return archive.CompareCRC32(sum, f.crc32)
}

// Fault returns why the content of a member of an archive is not whole, nil if
// it is as far as it was unpacked.
func (f *File) Fault() error {
	if f.late != nil {
		return f.late()
	}
	return f.fault
}

// IsWhole reports whether a Fault is no more than that a checksum is another
// one, so that all of the content is there.
func IsWhole(fault error) bool { return archive.IsWhole(fault) }

// ReadAt implements io.ReaderAt.
func (f *File) ReadAt(b []byte, off int64) (int, error) {
	n, err := f.reader.ReadAt(b, off)
	if err != nil && !errors.Is(err, io.EOF) {
		err = fmt.Errorf("offset %d: %w", off+int64(n), err)
	}
	return n, err
}

// Changed returns an error that wraps ErrChanged if the file is not what it was
// when it was found as in, else nil.
func (f *File) Changed(in Input) error {
	file, own := f.reader.(*os.File)
	if !own || in.open != nil {
		return nil // its container is another matter
	}
	now, err := file.Stat()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrChanged, err)
	}
	there, err := os.Stat(in.Path)
	switch {
	case now.Size() != in.Size:
		return fmt.Errorf("%w: %d bytes became %d", ErrChanged, in.Size, now.Size())
	case !now.ModTime().Equal(in.Modified):
		return fmt.Errorf("%w: it was written to", ErrChanged)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w: it is gone from its place", ErrChanged)
	case err == nil && !os.SameFile(now, there):
		return fmt.Errorf("%w: another file is in its place", ErrChanged)
	}
	return nil
}

// closedReader is what a closed file reads from: who still holds the file does
// not keep its content in memory.
type closedReader struct{}

// ReadAt implements io.ReaderAt.
func (closedReader) ReadAt([]byte, int64) (int, error) { return 0, fs.ErrClosed }

// Close closes the file.
func (f *File) Close() error {
	f.reader = closedReader{}
	if f.close == nil {
		return nil
	}
	return f.close()
}

// NewFile returns an open input of size bytes whose content is not a file's.
// fault is why it is not whole, nil if it is; closing it calls end, if that is
// not nil.
func NewFile(reader io.ReaderAt, size int64, fault error, end func() error) *File {
	return &File{reader: reader, size: size, fault: fault, close: end}
}

// From returns the input as one that open opens.
func (in Input) From(open func() (*File, error)) Input {
	in.open, in.stream = open, nil
	return in
}

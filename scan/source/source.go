// Package source finds the files that a scan reads, and opens them. It looks at
// regular files only, opens nothing for writing, and follows no link out of a
// folder.
package source

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Input is one file that may hold a log.
type Input struct {
	// Path is how the file is named in reports: the argument it was found under,
	// cleaned, and the way from there.
	Path string
	// Size is the size in bytes when the file was found.
	Size int64
	// Named says that the path itself was given, not a folder around it.
	Named bool
}

// Skipped is something that was not taken for an input.
type Skipped struct {
	Path string
	// Err says why. It wraps ErrLink, ErrNotRegular, or the system's error.
	Err error
	// Unreadable is set if logs may have been missed.
	Unreadable bool
}

// Why something was skipped.
var (
	ErrLink       = errors.New("symbolic links are not followed")
	ErrNotRegular = errors.New("not a regular file")
)

// Find returns the inputs below paths, sorted by path, each file once however
// often it was named, and what was skipped. A path that does not exist or is no
// regular file is an error; what cannot be read below a folder is skipped. If
// the context is cancelled, Find returns its cause.
func Find(ctx context.Context, paths []string) ([]Input, []Skipped, error) {
	f := finder{ctx: ctx, seen: make(map[identity]int)}
	// Shorter arguments first: the path of a file found twice is that of the
	// outermost folder, whatever the order of the arguments.
	paths = slices.Clone(paths)
	slices.SortFunc(paths, func(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) })
	for _, path := range paths {
		if err := f.add(path); err != nil {
			return nil, nil, err
		}
	}
	f.skipLinks()
	slices.SortFunc(f.inputs, func(a, b Input) int { return ComparePaths(a.Path, b.Path) })
	slices.SortFunc(f.skipped, func(a, b Skipped) int { return ComparePaths(a.Path, b.Path) })
	return f.inputs, f.skipped, nil
}

// ComparePaths orders paths in the same way on every system.
func ComparePaths(a, b string) int { return strings.Compare(filepath.ToSlash(a), filepath.ToSlash(b)) }

type finder struct {
	ctx     context.Context
	inputs  []Input
	skipped []Skipped
	seen    map[identity]int // index in inputs
	links   []link
}

// link is a symbolic link that was met: as it is shown, and where it is.
type link struct{ shown, at string }

// add adds what one argument names. An argument that is a link is followed: the
// user named it.
func (f *finder) add(path string) error {
	if path == "" {
		return errors.New("an empty path names no file or folder")
	}
	path = filepath.Clean(path)
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !info.IsDir() {
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
	return filepath.WalkDir(root, func(at string, entry fs.DirEntry, err error) error {
		if cause := context.Cause(f.ctx); cause != nil {
			return cause
		}
		shown := at
		if rel, err := filepath.Rel(root, at); err == nil {
			shown = filepath.Join(path, rel)
		}
		return f.visit(shown, at, entry, err)
	})
}

// visit takes one entry of a folder.
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

// skipLinks skips the links. One that is named as logs are, or leads to what is,
// is a log that was missed, unless it leads to an input.
func (f *finder) skipLinks() {
	for _, l := range f.links {
		target, _ := os.Readlink(l.at) // what cannot be read leads nowhere
		s := Skipped{l.shown, fmt.Errorf("%w (it leads to %s)", ErrLink, target), false}
		if IsLogName(l.at) || IsLogName(target) {
			info, err := os.Stat(l.at)
			s.Unreadable = err != nil || !f.knows(l.at, info)
		}
		f.skipped = append(f.skipped, s)
	}
}

// knows reports whether a file is an input.
func (f *finder) knows(path string, info fs.FileInfo) bool {
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
	f.inputs = append(f.inputs, Input{Path: path, Size: info.Size(), Named: named})
}

// File is an open input.
type File struct {
	file *os.File
	size int64
}

// Open opens an input for reading. It never blocks, even if the path has become
// something else than a file since it was found; that is an error which wraps
// ErrNotRegular.
func Open(path string) (*File, error) {
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
	return &File{f, info.Size()}, nil
}

// Size returns the size in bytes when the file was opened.
func (f *File) Size() int64 { return f.size }

// ReadAt implements io.ReaderAt. Goroutines may call it at once.
func (f *File) ReadAt(b []byte, off int64) (int, error) {
	n, err := f.file.ReadAt(b, off)
	if err != nil && !errors.Is(err, io.EOF) {
		err = fmt.Errorf("offset %d: %w", off+int64(n), err)
	}
	return n, err
}

// Close closes the file.
func (f *File) Close() error { return f.file.Close() }

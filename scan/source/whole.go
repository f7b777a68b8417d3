package source

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"webshellscan/scan/source/archive"
	"webshellscan/scan/source/image"
	"webshellscan/scan/source/pieces"
)

// besideFile returns how files in the folder of a file are opened: regular ones
// that lie there, or where the file itself lies if it is a link.
func besideFile(path string) func(name string) (image.File, error) {
	folders := make(map[string]bool)
	if own, err := filepath.EvalSymlinks(path); err == nil {
		folders[filepath.Dir(own)] = true
	}
	folder := filepath.Dir(path)
	if own, err := filepath.EvalSymlinks(folder); err == nil {
		folders[own] = true
	}
	return func(name string) (image.File, error) {
		at, err := filepath.EvalSymlinks(filepath.Join(folder, name))
		if err != nil {
			return nil, err
		}
		if !folders[filepath.Dir(at)] {
			return nil, fmt.Errorf("%w (it leads to %s)", ErrLink, at)
		}
		return Open(at)
	}
}

// besidePath returns the path of a file beside a container.
func (c *container) besidePath(name string) string {
	if c.depth == 0 {
		return filepath.Join(filepath.Dir(c.path), name)
	}
	return c.path[:strings.LastIndexAny(c.path, "/"+separator)+1] + name
}

// consume records that files beside a container are parts of it.
func (x *expander) consume(c *container, names ...string) {
	for _, name := range names {
		x.consumed[c.besidePath(name)] = true
	}
}

// wholeName returns the name of what a piece of a name is a part of.
func wholeName(name string) string {
	if n, ok := pieces.NameOf(name); ok && n.IsFirst() {
		return n.Stem
	}
	return name
}

// isFirstPiece reports whether a file is called as the first piece of what was
// split.
func isFirstPiece(name string) bool {
	n, ok := pieces.NameOf(name)
	return ok && n.IsFirst()
}

// join joins the files that follow each other of which a container is the
// first, or the last one of a zip archive.
func (x *expander) join(c *container) {
	if c.beside == nil {
		return
	}
	if n, ok := pieces.NameOf(c.name); ok && n.IsFirst() {
		j := pieces.Join(c.file, n, func(name string) (pieces.File, error) { return x.openPiece(c, name) })
		if len(j.Parts) > 0 {
			c.file = j
			x.consume(c, j.Parts...)
		}
		for _, name := range j.Missing {
			x.skip(c.path, fmt.Errorf("the piece %s is missing", name))
		}
		return
	}
	if names := archive.ZipParts(c.file, c.name); names != nil {
		x.joinZip(c, names)
	}
}

// openPiece opens a piece beside the first one. What begins as an archive of
// its own is none, though it is called so, and what is there and cannot be
// opened is reported.
func (x *expander) openPiece(c *container, name string) (pieces.File, error) {
	f, err := c.beside(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, err
	case err != nil:
		x.skip(c.besidePath(name), err)
		return nil, err
	}
	head := make([]byte, min(512, f.Size()))
	if n, _ := f.ReadAt(head, 0); archive.FormatOf(head[:n]) != archive.None {
		return nil, fs.ErrNotExist
	}
	return f, nil
}

// joinZip joins a zip archive of several files, of which a container is the
// last.
func (x *expander) joinZip(c *container, names []string) {
	const most = 10 // that are named
	files := make([]pieces.File, len(names))
	var missing []string
	last := len(names) - 1
	for i, name := range names[:last] {
		f, err := c.beside(name)
		if err != nil {
			missing = append(missing, name)
			continue
		}
		files[i] = f
		x.consume(c, name)
	}
	files[last] = c.file
	if len(missing) > 0 {
		x.skip(c.path, fmt.Errorf("a part of a zip archive in %d files, of which %d are missing: %s", len(names), len(missing), strings.Join(missing[:min(len(missing), most)], ", ")))
	}
	if len(missing) == last {
		return // what is in this file is read
	}
	whole, err := archive.JoinZip(files)
	if err != nil {
		x.skip(c.path, err)
		return
	}
	c.file = whole
}

// expandWhole expands what a named file is a piece of, and reports whether it
// is a piece of something whose first piece was not named.
func (x *expander) expandWhole(ctx context.Context, in Input) bool {
	name := filepath.Base(in.Path)
	var firsts []string
	if n, ok := pieces.NameOf(name); ok && !n.IsFirst() {
		firsts = n.Firsts()
	}
	if last, ok := archive.ZipOfPart(name); ok {
		firsts = append(firsts, last)
	}
	for _, first := range firsts {
		path := filepath.Join(filepath.Dir(in.Path), first)
		info, err := os.Lstat(path)
		if err != nil || !info.Mode().IsRegular() {
			continue
		}
		whole := Input{Path: path, Size: info.Size(), Modified: info.ModTime(), Named: true}
		if x.probe(&whole).container == manyContainer {
			x.expandFile(ctx, whole)
			return x.consumed[in.Path]
		}
	}
	return false
}

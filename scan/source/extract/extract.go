// Package extract writes files that lie in archives and disk images into a
// folder, with a manifest that says where each comes from.
//
// No name of the evidence becomes a path: a file is named by its number and
// what is harmless in its name. Nothing that is there already is written to.
package extract

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"

	"webshellscan/internal/outdir"
	"webshellscan/scan/source"
)

// ManifestName is the name of the manifest in the folder.
const ManifestName = outdir.ManifestName

// ErrSize is wrapped by errors about files that are not written because all of
// them would be larger than Options allow.
var ErrSize = errors.New("more than is to be written")

// Options are what is written, and where.
type Options struct {
	// Version is that of the program, for the manifest.
	Version string
	// MaxSize is how many bytes are written in all; 0 means 64 GiB.
	MaxSize int64
	// Hash requests the hashes of the containers, which are read whole for
	// that.
	Hash bool
}

// Manifest lists what was written. It is what ManifestName holds as JSON.
type Manifest struct {
	Version string `json:"version"`
	// Files are those written and those that could not be.
	Files []File `json:"files"`
	// Containers are the archives and images that were looked into.
	Containers []File `json:"containers"`
	// NotRead is what was not read, and why.
	NotRead []Remark `json:"not_read"`
	Notes   []Remark `json:"notes"`
	// Interrupted is set if the rest is missing.
	Interrupted bool `json:"interrupted"`
}

// File is a file of a manifest.
type File struct {
	// File is its name in the folder, "" of one that was not written.
	File string `json:"file,omitempty"`
	// Path is where it lies in the evidence, as reports name it.
	Path string `json:"path"`
	// Kind is what it is.
	Kind string `json:"kind,omitempty"`
	Size int64  `json:"size"` // in bytes
	// SHA256 is in hexadecimal digits, "" if the file was not read whole.
	SHA256 string `json:"sha256,omitempty"`
	// Error is why it was not written, or what is missing of it.
	Error string `json:"error,omitempty"`
	*source.Origin
}

// Remark is a remark about a path.
type Remark struct {
	Path string `json:"path"`
	Text string `json:"text"`
}

// Incomplete reports whether something was not read or not written.
func (m *Manifest) Incomplete() bool {
	bad := len(m.NotRead) > 0 || m.Interrupted
	for _, f := range m.Files {
		bad = bad || f.Error != ""
	}
	for _, f := range m.Containers {
		bad = bad || f.Error != ""
	}
	return bad
}

// Extract writes the files found that lie in containers into a folder, which it
// makes, and a manifest. It returns an error if the folder has a manifest
// already, or the manifest cannot be written. If the context is cancelled the
// manifest says so, and Extract returns its cause with it.
func Extract(ctx context.Context, found *source.Found, dir string, options Options) (*Manifest, error) {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer func() { _ = root.Close() }() // only a handle of the folder
	list, err := outdir.Create(root, ManifestName)
	if err != nil {
		return nil, err
	}
	if options.MaxSize == 0 {
		options.MaxSize = 64 << 30
	}
	e := &extraction{root: root, left: options.MaxSize, manifest: Manifest{
		Version: options.Version, Files: []File{}, Containers: []File{}, NotRead: []Remark{}, Notes: []Remark{},
	}}
	e.all(ctx, found, options.Hash)
	cause := context.Cause(ctx)
	e.manifest.Interrupted = cause != nil
	if err := outdir.WriteManifest(list, &e.manifest); err != nil {
		return &e.manifest, fmt.Errorf("%s: %w", ManifestName, err)
	}
	return &e.manifest, cause
}

// extraction is the writing of one folder.
type extraction struct {
	root     *os.Root
	left     int64 // bytes that may still be written
	manifest Manifest
}

// all writes all files, and hashes the containers.
func (e *extraction) all(ctx context.Context, found *source.Found, hash bool) {
	for _, list := range [][]source.Input{found.Inputs, found.Others} {
		for i := range list {
			switch in := &list[i]; {
			case in.Stretches != nil || ctx.Err() != nil:
			case in.Origin != nil:
				e.manifest.Files = append(e.manifest.Files, e.file(ctx, in))
			case in.ClaimsLog(), source.IsContainerName(in.Path):
				e.notRead(in.Path, checkLog(in))
			}
		}
	}
	for i := range found.Containers {
		if ctx.Err() == nil {
			e.manifest.Containers = append(e.manifest.Containers, container(ctx, &found.Containers[i], hash))
		}
	}
	for _, s := range found.Skipped {
		if s.Unreadable {
			e.notRead(s.Path, s.Err)
		}
	}
	for _, n := range found.Notes {
		e.manifest.Notes = append(e.manifest.Notes, Remark{n.Path, n.Text})
	}
}

// notRead records why a path was not read; a nil error is none.
func (e *extraction) notRead(path string, err error) {
	if err != nil {
		e.manifest.NotRead = append(e.manifest.NotRead, Remark{path, err.Error()})
	}
}

// checkLog returns an error if an input that claims to be a log or a container,
// and lies in no container, is none. Other evidence that was named lies there
// already.
func checkLog(in *source.Input) error {
	f, err := in.Open()
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // it was only read
	kind, err := source.KindOf(f, f.Size())
	switch {
	case err != nil:
		return err
	case kind.Class == source.ClassLog, kind.Class == source.ClassExport:
		return nil
	case source.IsLogName(in.Path), in.Named && (kind.MayHoldLogs() || !kind.Evidence()):
		return errors.New("no event log (EVTX), but " + kind.Name)
	case source.IsContainerName(in.Path) && kind.Class < source.ClassPackage:
		return errors.New("no archive or disk image, but " + kind.Name)
	}
	return nil
}

// file writes one file. What is wrong with it is in the result.
func (e *extraction) file(ctx context.Context, in *source.Input) File {
	f := File{Path: in.Path, Kind: in.Kind.Name, Origin: in.Origin}
	if f.Kind == "" {
		f.Kind = "an event log"
	}
	r, err := in.Stream()
	if err != nil {
		f.Error = err.Error()
		return f
	}
	defer func() { _ = r.Close() }() // it was only read
	name := safeName(len(e.manifest.Files)+1, in.Path)
	out, err := outdir.Create(e.root, name)
	if err != nil {
		f.Error = err.Error()
		return f
	}
	f.File = name
	sum := sha256.New()
	w := &sparseWriter{file: out}
	f.Size, err = copyUpTo(ctx, io.MultiWriter(sum, w), r, e.left)
	e.left -= f.Size
	whole := err == nil
	if err = errors.Join(err, w.close()); err != nil {
		f.Error = err.Error()
	}
	if whole {
		f.SHA256 = hex.EncodeToString(sum.Sum(nil))
	}
	if errors.Is(err, ErrSize) || ctx.Err() != nil {
		f.File, f.Error = "", errors.Join(err, e.root.Remove(name)).Error()
	}
	return f
}

// container returns what the manifest says of a container.
func container(ctx context.Context, in *source.Input, hash bool) File {
	f := File{Path: in.Path, Size: in.Size}
	if !hash || in.Live {
		return f
	}
	r, err := in.Stream()
	if err != nil {
		f.Error = err.Error()
		return f
	}
	defer func() { _ = r.Close() }() // it was only read
	sum := sha256.New()
	if _, err := copyUpTo(ctx, sum, r, in.Size+1); err != nil {
		f.Error = err.Error()
		return f
	}
	f.SHA256 = hex.EncodeToString(sum.Sum(nil))
	return f
}

// copyUpTo copies at most so many bytes, and no more when the context is
// cancelled.
func copyUpTo(ctx context.Context, w io.Writer, r io.Reader, most int64) (int64, error) {
	buffer := make([]byte, 1<<20)
	for copied := int64(0); ; {
		if err := context.Cause(ctx); err != nil {
			return copied, err
		}
		n, err := io.ReadFull(r, buffer)
		if int64(n) > most-copied {
			return copied, ErrSize
		}
		if _, err := w.Write(buffer[:n]); err != nil {
			return copied, err
		}
		copied += int64(n)
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return copied, nil
		case err != nil:
			return copied, err
		}
	}
}

// sparseWriter writes a file and leaves out blocks of zeros.
type sparseWriter struct {
	file *os.File
	at   int64
}

var zeros [64 << 10]byte

// Write implements io.Writer.
func (w *sparseWriter) Write(b []byte) (int, error) {
	written := len(b)
	for len(b) > 0 {
		n := min(len(b), len(zeros))
		if !bytes.Equal(b[:n], zeros[:n]) {
			if _, err := w.file.WriteAt(b[:n], w.at); err != nil {
				return written - len(b), err
			}
		}
		w.at += int64(n)
		b = b[n:]
	}
	return written, nil
}

// close sets the file's size and closes it.
func (w *sparseWriter) close() error {
	return errors.Join(w.file.Truncate(w.at), w.file.Close())
}

// safeName returns the name of the file of a number: with what of its own name
// is harmless on every system.
func safeName(number int, shown string) string {
	const longest = 100
	safe := outdir.Harmless(path.Base(strings.ReplaceAll(shown, `\`, "/")))
	if len(safe) > longest {
		safe = safe[len(safe)-longest:]
	}
	return fmt.Sprintf("%06d-%s", number, strings.TrimRight(safe, "."))
}

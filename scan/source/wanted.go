package source

import (
	"bytes"
	"context"
	"errors"
	"io"
	"path"
	"slices"
	"strings"

	"webshellscan/scan/source/archive"
	"webshellscan/scan/source/ntfs"
)

// Wanted is a kind of file that a caller looks for besides event logs.
type Wanted struct {
	// Kind is the Kind of the inputs found so.
	Kind Kind
	// Match reports whether a file is one, by its first bytes, up to
	// PrefixSize of them, and its path with slashes, as far as it is known:
	// from the argument, the archive or the volume on. Several goroutines
	// may call it at once.
	Match func(prefix []byte, path string) bool
	// Name and Path report whether a file of a volume may be one by its
	// name without the folder, and by its path with slashes, both in lower
	// case: a volume has too many files to look at the content of each. Of
	// a kind without them files of volumes are found only as others are
	// looked for.
	Name, Path func(string) bool
}

// PrefixSize is how many bytes of a file are looked at to see if it is wanted.
const PrefixSize = 8 << 10

// Kinds of files that may be wanted. Of web server logs only the caller knows
// the formats.
var (
	KindWebLog        = Kind{"a web server log", ClassArtifact}
	KindPartial       = Kind{"a partial result of webshellscan", ClassArtifact}
	KindAppHostConfig = Kind{"a configuration of IIS (applicationHost.config)", ClassArtifact}
)

// wantedKind returns which kind of file, of those asked for, one is.
func (x *expander) wantedKind(prefix []byte, name string) (Kind, bool) {
	for _, w := range x.options.Wanted {
		if w.Match(prefix, name) {
			return w.Kind, true
		}
	}
	return Kind{}, false
}

// wanted adds a member of an archive if it is wanted, or an export. Its first
// bytes are in head, and the others in r.
func (a *archiveWalk) wanted(ctx context.Context, m *archive.Member, shown string, head []byte, r io.Reader) {
	if len(a.options.Wanted) == 0 && a.options.Export == nil || !looksLikeText(head) {
		return
	}
	prefix := make([]byte, PrefixSize)
	n, _ := io.ReadFull(io.MultiReader(bytes.NewReader(head), r), prefix) // a damaged one is identified by its start
	prefix = prefix[:n]
	kind, ok := a.wantedKind(prefix, a.shownName(m.Name))
	if !ok {
		if a.options.Export != nil && a.options.Export(prefix) {
			a.log(ctx, m, shown, prefix, r)
		}
		return
	}
	in, ok := Input{Path: shown, Origin: a.inner(shown)}, true
	if m.Again && m.Size < 0 {
		in = a.streamed(ctx, in, a.container.file.Size(), m.Open)
	} else if in, ok = a.input(ctx, m, shown, prefix, r); ok && m.Again && in.Size == m.Size {
		in.stream = m.Open
	}
	if ok {
		in.Kind = kind
		a.addOther(in)
	}
}

// looksLikeText reports whether a file may be text, as far as its first bytes
// show: UTF-8, or UTF-16 with characters of ASCII at its start.
func looksLikeText(head []byte) bool {
	const enough = 16
	if n := min(len(head), enough); n == enough {
		var even, odd int // zeros at such places
		for i, c := range head[2:n] {
			if c == 0 {
				even, odd = even+1-i%2, odd+i%2
			}
		}
		if units := (n - 2) / 2; even+odd == units && even*odd == 0 {
			return true
		}
	}
	for _, c := range head[:min(len(head), enough)] {
		if c < ' ' && c != '\t' && c != '\r' && c != '\n' {
			return false
		}
	}
	return len(head) > 0
}

// addOther adds a file that is wanted and no log, under a path that no other
// has.
func (x *expander) addOther(in Input) { x.others = append(x.others, x.unique(in)) }

// ofVolumes returns which files of volumes are looked at for what is wanted,
// nil if none is.
func (o *Options) ofVolumes() *ntfs.Also {
	if len(o.Wanted) == 0 {
		return nil
	}
	var names, paths []func(string) bool
	for _, w := range o.Wanted {
		if w.Name != nil {
			names, paths = append(names, w.Name), append(paths, w.Path)
		}
	}
	return &ntfs.Also{Name: anyOf(names), Path: anyOf(paths)}
}

// anyOf returns whether one of some functions accepts a text in lower case.
func anyOf(list []func(string) bool) func(string) bool {
	return func(text string) bool {
		text = strings.ToLower(text)
		return slices.ContainsFunc(list, func(accepts func(string) bool) bool { return accepts(text) })
	}
}

// volumeFile adds a file of a volume that is no log if it is wanted: as it is,
// or packed by gzip.
func (x *expander) volumeFile(ctx context.Context, shown string, origin Origin, f *ntfs.File) {
	if f.Elsewhere != "" {
		x.skip(shown, errors.New("its content is "+f.Elsewhere))
		return
	}
	prefix, err := readSome(f.Content, 0, min(f.Content.Size(), PrefixSize))
	if err != nil {
		x.skip(shown, err)
		return
	}
	in := volumeInput(shown, origin, f)
	name := f.Path
	if archive.FormatOf(prefix) == archive.Gzip {
		in, name = x.unpacked(ctx, in, f), strings.TrimSuffix(name, path.Ext(name))
		prefix = in.prefix()
	}
	if kind, ok := x.wantedKind(prefix, name); ok {
		in.Kind = kind
		x.addOther(in)
	}
}

// unpacked returns the input that a file of a volume which is packed by gzip
// unpacks to.
func (x *expander) unpacked(ctx context.Context, in Input, f *ntfs.File) Input {
	inner := path.Base(f.Path)
	inner = separator + strings.TrimSuffix(inner, path.Ext(inner))
	origin := *in.Origin
	origin.Member += inner
	return x.streamed(ctx, Input{Path: in.Path + inner, Origin: &origin}, f.Content.Size(), func() (io.ReadCloser, error) {
		return archive.Unpack(f.Content, archive.Gzip)
	})
}

// streamed makes an input of a stream of unknown size, packed in so many bytes,
// that can be unpacked again.
func (x *expander) streamed(ctx context.Context, in Input, packed int64, open func() (io.ReadCloser, error)) Input {
	in.Size, in.stream = -1, open
	in.open = func() (*File, error) {
		r, err := open()
		if err != nil {
			return nil, err
		}
		defer func() { _ = r.Close() }() // it was only read
		data, err := x.keep(ctx, r, -1, mostSoFar(r, func() int64 { return mostOf(packed) }))
		if data.size == 0 && err != nil {
			x.forget(data)
			return nil, err
		}
		return &File{reader: data, size: data.size, fault: err, close: func() error {
			x.forget(data)
			return nil
		}}, nil
	}
	return in
}

// prefix returns the first bytes of an input, up to PrefixSize; none if it
// cannot be read.
func (in *Input) prefix() []byte {
	r, err := in.Stream()
	if err != nil {
		return nil
	}
	defer func() { _ = r.Close() }() // it was only read
	prefix := make([]byte, PrefixSize)
	n, _ := io.ReadFull(r, prefix) // a damaged one is identified by its start
	return prefix[:n]
}

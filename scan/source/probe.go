package source

import (
	"io"
	"path/filepath"
	"strings"

	"webshellscan/scan/event"
)

// probeResult is what the first bytes of a file decide. It is found with the
// file open once, since a folder may have a hundred thousand of them.
type probeResult struct {
	container containerKind
	wanted    *Kind // of a file that Options.Wanted asks for, else nil
	nothing   bool  // Options.Nothing says so
}

// probe reads the start of a file. The result of one that cannot be opened is
// empty: reading it later reports the error.
func (x *expander) probe(in *Input) (g probeResult) {
	f, err := in.Open()
	if err != nil {
		return g
	}
	defer func() { _ = f.Close() }() // it was only read
	file := x.begin(f)
	const smallest = 22 // of a zip without members
	if in.Size >= smallest {
		g.container = containerKindOf(file, filepath.Base(in.Path), in.Named)
	}
	if g.container != noContainer || event.IsLog(file.head) {
		return g
	}
	prefix := file.head[:min(len(file.head), PrefixSize)]
	if kind, ok := x.wantedKind(prefix, strings.ReplaceAll(in.Path, `\`, "/")); ok && !file.failed {
		g.wanted = &kind
		return g
	}
	g.nothing = x.options.Nothing != nil && x.options.Nothing(in, file)
	return g
}

// begun is a file whose beginning was read.
type begun struct {
	*File
	head   []byte
	failed bool // to be read
}

// headRead is how much of a file is read at once: whatever decides what it is
// mostly asks for no more.
const headRead = 16 << 10

// begin reads the beginning of a file. What it returns is good until the next
// call.
func (x *expander) begin(f *File) *begun {
	if x.head == nil {
		x.head = make([]byte, headRead)
	}
	n, err := f.ReadAt(x.head[:min(headRead, f.Size())], 0)
	x.begun = begun{f, x.head[:n], err != nil && err != io.EOF}
	return &x.begun
}

// ReadAt implements io.ReaderAt.
func (b *begun) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 || off+int64(len(p)) > int64(len(b.head)) && (b.failed || int64(len(b.head)) < b.Size()) {
		return b.File.ReadAt(p, off)
	}
	n := copy(p, b.head[min(off, int64(len(b.head))):])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

package source

import (
	"bytes"
	"errors"
	"io"
	"path"
	"regexp"
	"strings"

	"webshellscan/scan/source/archive"
	"webshellscan/scan/source/ntfs"
)

// Wanted is a kind of file that a caller looks for besides event logs.
type Wanted struct {
	// Kind is the Kind of the inputs found so.
	Kind Kind
	// Match reports whether a file is such a one, by its first bytes, up to
	// PrefixSize of them, and its path with slashes, as far as it is known:
	// from the argument, the archive or the volume on. Several goroutines
	// may call it at once.
	Match func(prefix []byte, path string) bool
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

// AppHostConfig asks for the configurations of IIS, older states of them too.
func AppHostConfig() Wanted { return Wanted{KindAppHostConfig, isAppHostConfig} }

// isAppHostConfig reports whether a file is called applicationHost.config and
// is XML with the root element of one.
func isAppHostConfig(prefix []byte, name string) bool {
	return strings.EqualFold(path.Base(name), "applicationHost.config") && bytes.Contains(prefix, []byte("<configuration"))
}

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
func (a *archiveWalk) wanted(m *archive.Member, shown string, head []byte, r io.Reader) {
	if len(a.options.Wanted) == 0 && a.options.Export == nil || !looksLikeText(head) {
		return
	}
	prefix := make([]byte, PrefixSize)
	n, _ := io.ReadFull(io.MultiReader(bytes.NewReader(head), r), prefix) // a damaged one is judged by its start
	prefix = prefix[:n]
	kind, ok := a.wantedKind(prefix, a.shownName(m.Name))
	if !ok {
		if a.options.Export != nil && a.options.Export(prefix) {
			a.log(m, shown, prefix, r)
		}
		return
	}
	in, ok := Input{Path: shown, Origin: a.inner(shown)}, true
	if m.Again && m.Size < 0 {
		in = a.streamed(in, a.container.file.Size(), m.Open)
	} else if in, ok = a.input(m, shown, prefix, r); ok && m.Again && in.Size == m.Size {
		in.stream = m.Open
	}
	if ok {
		in.Kind = kind
		a.addOther(in)
	}
}

// looksLikeText reports whether a file may be text, as far as its first bytes
// tell: UTF-8, or UTF-16 with characters of ASCII at its start.
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

// webLogName matches the names that web servers give their logs by themselves:
// IIS, HTTP.sys, Apache, nginx and Tomcat.
var webLogName = regexp.MustCompile(`^(u_(ex|in|nc|extend)\w*|(ex|in|nc|extend)\d+(_x)?|httperr\d*)\.log(\.gz)?$` +
	`|^([\w.-]*[._-])?(access|error)([._-].*)?$|^localhost_access_log.*$`)

// logFolders are the folders, in lower case, below which text files may be web
// server logs whatever they are called.
var logFolders = map[string]bool{
	"log": true, "logs": true, "logfiles": true, "logging": true, "httperr": true, "httpproxy": true, "weblogs": true,
	"failedreqlogfiles": true,
}

// mayBeWantedName reports whether a file of a volume may be wanted, as far as
// its name without the folder tells: few enough are that their paths can be
// looked at.
func mayBeWantedName(name string) bool {
	name = strings.ToLower(name)
	return isConfigName(name) || isTextLogName(name) || webLogName.MatchString(name)
}

// isConfigName reports whether a name in lower case is that of a configuration
// that may be wanted.
func isConfigName(name string) bool {
	_, ok := serverConfigs[name]
	return ok || name == "applicationhost.config"
}

// isTextLogName reports whether a name in lower case has an ending of logs that
// are text, packed and rotated ones too: .log, .txt, .log.1, .log.gz,
// .log-20260301.
func isTextLogName(name string) bool {
	name = strings.TrimSuffix(name, ".gz")
	return strings.HasSuffix(name, ".log") || strings.HasSuffix(name, ".txt") || strings.Contains(name, ".log.") || strings.Contains(name, ".log-")
}

// mayBeWantedPath reports whether a file of a volume is looked at: logs lie
// below certain folders, or are called as web servers call theirs. A volume has
// too many files to look at the content of each.
func mayBeWantedPath(name string) bool {
	parts := strings.Split(strings.ToLower(name), "/")
	base := parts[len(parts)-1]
	if isConfigName(base) || webLogName.MatchString(base) {
		return true
	}
	for _, p := range parts[:len(parts)-1] {
		if logFolders[p] || strings.HasPrefix(p, "w3svc") {
			return true
		}
	}
	return false
}

// volumeFile adds a file of a volume that is no log if it is wanted: as it is,
// or packed by gzip.
func (x *expander) volumeFile(shown string, origin Origin, f *ntfs.File) {
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
		in, name = x.unpacked(in, f), strings.TrimSuffix(name, path.Ext(name))
		prefix = in.prefix()
	}
	if kind, ok := x.wantedKind(prefix, name); ok {
		in.Kind = kind
		x.addOther(in)
	}
}

// unpacked returns the input that a file of a volume which is packed by gzip
// unpacks to.
func (x *expander) unpacked(in Input, f *ntfs.File) Input {
	inner := path.Base(f.Path)
	inner = separator + strings.TrimSuffix(inner, path.Ext(inner))
	origin := *in.Origin
	origin.Member += inner
	return x.streamed(Input{Path: in.Path + inner, Origin: &origin}, f.Content.Size(), func() (io.ReadCloser, error) {
		return archive.Unpack(f.Content, archive.Gzip)
	})
}

// streamed makes an input of a stream of unknown size, packed in so many bytes,
// that can be unpacked again.
func (x *expander) streamed(in Input, packed int64, open func() (io.ReadCloser, error)) Input {
	in.Size, in.stream = -1, open
	in.open = func() (*File, error) {
		r, err := open()
		if err != nil {
			return nil, err
		}
		defer func() { _ = r.Close() }() // it was only read
		data, err := x.keep(r, -1, mostSoFar(r, func() int64 { return mostOf(packed) }))
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
	n, _ := io.ReadFull(r, prefix) // a damaged one is judged by its start
	return prefix[:n]
}

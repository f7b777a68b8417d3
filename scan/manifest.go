package scan

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"slices"

	"webshellscan/rules"
	"webshellscan/scan/source"
)

// Manifest says what a report was made of, so that it can be filed as evidence
// and made again.
type Manifest struct {
	// Version is that of webshellscan, from the Options.
	Version string
	// Inputs are all files that were looked at as logs, and all that may hold logs
	// and were not read, in the order of their paths.
	Inputs []InputFile
	// Rules names the rules that were applied, by label.
	Rules []string
	// Only says which part of what there is was asked for (Options.Only).
	Only []string
	// Interrupted says that the scan was stopped before all was read.
	Interrupted bool
}

// InputFile is one input of a Manifest.
type InputFile struct {
	Path string
	// Size is in bytes, as it was when the file was found.
	Size int64
	// SHA256 is the hash of the whole file in hexadecimal digits, empty if Options
	// did not ask for it or the file could not be read whole.
	SHA256 string
	// Chunks, Records and Lost count what it holds.
	Chunks, Records, Lost int
	// Error is why it was not read, or not hashed, "" if it was.
	Error string
	// Origin says where in a container it lies, nil if it is a file of its own.
	Origin *Origin
	// Container says that it is an archive or a disk image, or a part of one, whose logs
	// are inputs of their own.
	Container bool
}

// newManifest returns the manifest of what was read. If hash is set, all files are
// read a second time, from start to end.
func newManifest(ctx context.Context, r *reading, set *rules.Set, options *Options) Manifest {
	m := Manifest{Version: options.Version, Interrupted: ctx.Err() != nil}
	for _, rule := range set.Rules() {
		m.Rules = append(m.Rules, rule.Label())
	}
	var inputs []*input // by index in m.Inputs
	for _, in := range r.inputs {
		if in.ignored() {
			continue
		}
		file := InputFile{Path: in.Path, Size: in.Size, Chunks: in.stats.Chunks, Records: in.stats.Records, Lost: in.stats.Lost, Origin: in.Origin}
		if in.err != nil {
			file.Error = FileError{in.Path, in.err}.Reason()
		}
		switch {
		case in.err != nil || !m.Interrupted || in.left <= 0:
		case in.evtx == nil:
			file.Error = "not read: interrupted"
		default:
			file.Error = "read in part: interrupted"
		}
		m.Inputs = append(m.Inputs, file)
		inputs = append(inputs, in)
	}
	for _, c := range r.containers {
		m.Inputs = append(m.Inputs, InputFile{Path: c.Path, Size: c.Size, Container: true})
		inputs = append(inputs, &input{Input: c})
	}
	if options.Hash && !m.Interrupted {
		m.hash(ctx, options, inputs)
	}
	m.addSkipped(r.skipped)
	return m
}

// addSkipped takes what may hold logs and could not be opened.
func (m *Manifest) addSkipped(skipped []source.Skipped) {
	for _, s := range skipped {
		if s.Unreadable {
			m.Inputs = append(m.Inputs, InputFile{Path: s.Path, Error: FileError{s.Path, s.Err}.Reason()})
		}
	}
	slices.SortStableFunc(m.Inputs, func(a, b InputFile) int { return source.ComparePaths(a.Path, b.Path) })
}

// hash takes the hash of each input. inputs are by index in m.Inputs.
func (m *Manifest) hash(ctx context.Context, options *Options, inputs []*input) {
	hashers := make([]*hasher, max(1, min(options.workers(), len(m.Inputs))))
	for i := range hashers {
		hashers[i] = &hasher{buffer: make([]byte, 1<<20)}
	}
	for _, f := range share(hashers, len(m.Inputs), func(h *hasher, i int) { h.file(ctx, &m.Inputs[i], inputs[i]) }) {
		m.Inputs[f.index].Error = "internal error: " + f.err.Error()
	}
}

// hasher hashes files, one after the other.
type hasher struct{ buffer []byte }

// file hashes one file, which may have been hashed by nobody yet.
func (h *hasher) file(ctx context.Context, in *InputFile, from *input) {
	if in.Origin != nil && in.Origin.Carved && in.Origin.Member != "" {
		return // it is no file
	}
	sum, err := h.sum(ctx, from)
	switch {
	case err == nil:
		in.SHA256 = sum
	case in.Error == "":
		in.Error = "not hashed: " + FileError{in.Path, err}.Reason()
	}
}

func (h *hasher) sum(ctx context.Context, from *input) (string, error) {
	file, err := from.Open()
	if err != nil {
		return "", err
	}
	defer file.Close()
	hash := sha256.New()
	for at := int64(0); ; {
		if err := context.Cause(ctx); err != nil {
			return "", err
		}
		n, err := file.ReadAt(h.buffer, at)
		hash.Write(h.buffer[:n])
		at += int64(n)
		if errors.Is(err, io.EOF) {
			return hex.EncodeToString(hash.Sum(nil)), nil
		}
		if err != nil {
			return "", err
		}
	}
}

package scan

import (
	"slices"

	"webshellscan/rules"
	"webshellscan/scan/source"
)

// Manifest is what a report was made of, so that it can be filed as evidence
// and made again.
type Manifest struct {
	// Version is that of webshellscan, from the Options.
	Version string
	// Inputs are all files that were looked at as logs, those of web
	// servers too, and all that may hold logs and were not read, in the
	// order of their paths.
	Inputs []InputFile
	// Rules names the rules that were applied, by label.
	Rules []string
	// Only describes which part of the logs was asked for: hosts, times,
	// levels.
	Only []string
	// Interrupted is set if the scan was stopped before its end.
	Interrupted bool
}

// InputFile is one input of a Manifest.
type InputFile struct {
	Path string
	// Size is in bytes, as it was when the file was found.
	Size int64
	// SHA256 is the hash of what was read, the whole file, in hexadecimal
	// digits; empty if Options did not ask for it or the file could not be
	// read whole.
	SHA256 string
	// Chunks and Records count what it holds, Lost the records that could
	// not be read or that its header counts and the file lacks, LostChunks
	// such chunks, of which nobody knows how many records they had.
	Chunks, Records, Lost, LostChunks int
	// Missing counts the record identifiers that are missing between
	// others: what they were is not known, nor whether it was lost.
	Missing int
	// Damaged is set if there are faults by which more may be lost, or that
	// hide whether there is more.
	Damaged bool
	// Error is why it was not read whole, or not hashed, "" if it was.
	Error string
	// Origin is where in a container it lies, nil if it is a file of its
	// own.
	Origin *Origin
	// Container is set if it is an archive or a disk image, or a part of
	// one, whose logs are inputs of their own.
	Container bool
	// WebLog describes a web log further; it is nil for any other input.
	WebLog *WebLogInput
}

// newManifest returns the manifest of what was read.
func newManifest(r *firstPass, set *rules.Set, options *Options) Manifest {
	m := Manifest{Version: options.Version}
	for _, rule := range set.Rules() {
		m.Rules = append(m.Rules, rule.Label())
	}
	for _, in := range r.inputs {
		if !in.ignored() {
			m.Inputs = append(m.Inputs, newInputFile(in, r.hash))
		}
	}
	for _, in := range r.containers {
		file := newInputFile(in, r.hash)
		file.Container = true
		m.Inputs = append(m.Inputs, file)
	}
	m.addSkipped(r.skipped)
	return m
}

// newInputFile returns an input as a manifest has it, with its hash if that is
// wanted.
func newInputFile(in *input, hash bool) InputFile {
	file := InputFile{Path: in.Path, Size: in.Size, Chunks: in.stats.Chunks, Records: in.stats.Records, Origin: in.Origin, LostChunks: in.missing.Chunks}
	file.Lost, file.Missing = in.recordsLost(), in.faults.Missing()
	file.Damaged = in.damaged()
	switch {
	case in.err != nil:
		file.Error = FileError{in.Path, in.err}.Reason()
	case in.complete() && in.changed != nil:
		file.Error = in.changed.Error()
	case in.complete() && in.lost != nil:
		file.Error = FileError{in.Path, in.lost}.Reason()
	case in.complete():
	case in.evtx == nil:
		file.Error = "not read: interrupted"
	default:
		file.Error = "read in part: interrupted"
	}
	if !hash {
		return file
	}
	var err error
	if file.SHA256, err = in.digest(); err != nil && file.Error == "" {
		file.Error = "not hashed: " + FileError{in.Path, err}.Reason()
	}
	return file
}

// recordsLost returns how many records of an input are known to be lost: those
// that could not be read, or that its header counts and the file lacks, whose
// numbers may be about the same ones.
func (in *input) recordsLost() int {
	return max(in.stats.Lost, int(min(in.missing.Records, 1<<31-1)))
}

// addSkipped adds what may hold logs and could not be opened, and of containers
// that were opened why not all was read.
func (m *Manifest) addSkipped(skipped []source.Skipped) {
	rows := make(map[string]int) // of containers
	for i, in := range m.Inputs {
		if in.Container {
			rows[in.Path] = i
		}
	}
	for _, s := range skipped {
		if !s.Unreadable {
			continue
		}
		reason := FileError{s.Path, s.Err}.Reason()
		if i, ok := rows[s.Path]; ok {
			m.Inputs[i].Error = joinReasons(m.Inputs[i].Error, reason)
			continue
		}
		m.Inputs = append(m.Inputs, InputFile{Path: s.Path, Error: reason})
	}
	m.sort()
}

// joinReasons adds a reason to others.
func joinReasons(reasons, reason string) string {
	if reasons == "" {
		return reason
	}
	return reasons + "; " + reason
}

// sort sorts the inputs by their paths.
func (m *Manifest) sort() {
	slices.SortStableFunc(m.Inputs, func(a, b InputFile) int { return source.ComparePaths(a.Path, b.Path) })
}

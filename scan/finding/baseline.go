package finding

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"webshellscan/rules"
)

// Baseline is what is known to run below web servers: the shapes of the
// findings in logs that are believed to be clean. It is immutable; goroutines
// may share it.
type Baseline struct {
	levels map[baselineKey]rules.Level
}

// baselineKey names a shape in a baseline. Images are compared whole and
// without case, the command line as FoldCommand gives it.
type baselineKey struct{ worker, parent, image, commandLine string }

// BaselineShape is one shape as the file has it. A finding is known if the
// first four fields are its own and its level is not higher than Level. The
// others are for whoever reviews the file.
type BaselineShape struct {
	WorkerImage string   `json:"worker_image"`
	ParentImage string   `json:"parent_image"`
	Image       string   `json:"image"`
	CommandLine string   `json:"command_line"`
	Level       string   `json:"level"`
	Rules       []string `json:"rules"`
	Count       int      `json:"count"`
	First       string   `json:"first"`
	Last        string   `json:"last"`
	Hosts       []string `json:"hosts"`
	Example     string   `json:"example"`
}

// baselineFile is the file: JSON, so that it can be reviewed, compared and
// edited.
type baselineFile struct {
	Kind    string          `json:"kind"`
	Version int             `json:"version"`
	Shapes  []BaselineShape `json:"shapes"`
}

const (
	baselineKind    = "webshellscan-baseline"
	baselineVersion = 1
	// maxBaselineSize bounds the file, in bytes.
	maxBaselineSize = 1 << 28
	// maxBaselineHosts bounds how many hosts a shape names: the first that
	// have it.
	maxBaselineHosts = 10
)

// ErrBaseline is wrapped by errors of a baseline that cannot be used.
var ErrBaseline = errors.New("not a baseline that can be used")

// ReadBaseline reads what WriteBaseline wrote. An error wraps ErrBaseline, or
// is that of r.
func ReadBaseline(r io.Reader) (*Baseline, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxBaselineSize+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxBaselineSize {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrBaseline, maxBaselineSize)
	}
	var file baselineFile
	dec := json.NewDecoder(strings.NewReader(string(data)))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&file); err != nil {
		return nil, fmt.Errorf("%w: %s", ErrBaseline, describeJSON(err, data))
	}
	if dec.More() {
		return nil, fmt.Errorf("%w: something follows its end, at line %d", ErrBaseline, lineOf(data, dec.InputOffset()))
	}
	switch {
	case file.Kind != baselineKind:
		return nil, fmt.Errorf("%w: its kind is %q, not %q", ErrBaseline, file.Kind, baselineKind)
	case file.Version != baselineVersion:
		return nil, fmt.Errorf("%w: its version is %d, this program knows %d", ErrBaseline, file.Version, baselineVersion)
	}
	b := &Baseline{levels: make(map[baselineKey]rules.Level, len(file.Shapes))}
	for i, s := range file.Shapes {
		level, ok := rules.ParseLevel(s.Level)
		if !ok || s.Image == "" {
			return nil, fmt.Errorf("%w: shape %d has no image, or the level %q", ErrBaseline, i+1, s.Level)
		}
		key := baselineKey{strings.ToLower(s.WorkerImage), strings.ToLower(s.ParentImage), strings.ToLower(s.Image), s.CommandLine}
		b.levels[key] = max(b.levels[key], level)
	}
	return b, nil
}

// describeJSON describes what is wrong with a file, and in which line.
func describeJSON(err error, data []byte) string {
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Sprintf("line %d: %s", lineOf(data, syntax.Offset), syntax)
	}
	if kind, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return fmt.Sprintf("line %d: %s is a %s", lineOf(data, kind.Offset), kind.Field, kind.Value)
	}
	return err.Error()
}

// lineOf returns the number of the line, from 1, of an offset.
func lineOf(data []byte, offset int64) int {
	return 1 + strings.Count(string(data[:min(max(offset, 0), int64(len(data)))]), "\n")
}

// Knows reports whether the baseline has a finding's shape, at its level or a
// higher one.
func (b *Baseline) Knows(f *Finding) bool {
	level, ok := b.levels[keyOf(f)]
	return ok && f.Level <= level
}

func keyOf(f *Finding) baselineKey {
	folded, _ := f.Fold()
	return baselineKey{
		valid(strings.ToLower(f.WorkerImage)), valid(strings.ToLower(f.ParentImage)), valid(strings.ToLower(f.Image)),
		valid(folded),
	}
}

// valid returns a text as JSON can hold it.
func valid(text string) string { return strings.ToValidUTF8(text, "\uFFFD") }

// Mark sets Known of each finding whose shape the baseline has.
func (b *Baseline) Mark(findings []*Finding) {
	if b == nil {
		return
	}
	for _, f := range findings {
		f.Known = b.Knows(f)
	}
}

// WriteBaseline writes the shapes of findings as a baseline, sorted by worker,
// parent, image and command line.
func WriteBaseline(w io.Writer, findings []*Finding) error {
	shapes := make(map[baselineKey]*BaselineShape)
	for _, f := range findings {
		key := keyOf(f)
		s := shapes[key]
		if s == nil {
			s = &BaselineShape{
				WorkerImage: key.worker, ParentImage: key.parent, Image: key.image, CommandLine: key.commandLine,
				First: f.Time.String(), Last: f.Time.String(), Rules: []string{}, Hosts: []string{}, Example: valid(f.CommandLine),
			}
			shapes[key] = s
		}
		s.add(f)
	}
	file := baselineFile{Kind: baselineKind, Version: baselineVersion, Shapes: []BaselineShape{}}
	for _, s := range shapes {
		slices.Sort(s.Rules)
		slices.Sort(s.Hosts)
		file.Shapes = append(file.Shapes, *s)
	}
	slices.SortFunc(file.Shapes, func(a, b BaselineShape) int {
		return cmp.Or(strings.Compare(a.WorkerImage, b.WorkerImage), strings.Compare(a.ParentImage, b.ParentImage),
			strings.Compare(a.Image, b.Image), strings.Compare(a.CommandLine, b.CommandLine))
	})
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(file)
}

// add counts a finding.
func (s *BaselineShape) add(f *Finding) {
	s.Count++
	s.First, s.Last = min(s.First, f.Time.String()), max(s.Last, f.Time.String())
	if level, _ := rules.ParseLevel(s.Level); f.Level > level {
		s.Level = f.Level.String()
	}
	for _, r := range f.Rules {
		if !slices.Contains(s.Rules, r.Label()) {
			s.Rules = append(s.Rules, r.Label())
		}
	}
	if len(s.Hosts) < maxBaselineHosts && !slices.Contains(s.Hosts, f.Host) {
		s.Hosts = append(s.Hosts, f.Host)
	}
	s.Example = min(s.Example, valid(f.CommandLine))
}

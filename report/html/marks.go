package html

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"webshellscan/report/text"
	"webshellscan/scan"
	"webshellscan/scan/finding"
)

// Marks are an analyst's notes on findings in the page of an earlier scan:
// which are seen or benign, and a text. They change nothing of what is found.
// The zero value has none.
type Marks struct{ list map[markKey]mark }

// markKey names a finding as the page does: its texts are visible, so that the
// page and this program have the same.
type markKey struct {
	Host      string `json:"host"`
	ProcessID uint32 `json:"process_id"`
	Time      string `json:"time"`
}

// mark is what is noted of one finding.
type mark struct {
	Mark string `json:"mark"` // seen, benign or ""
	Note string `json:"note"`
}

// markOf is a mark with its finding.
type markOf struct {
	markKey
	mark
}

// marksFile is the file that the page saves.
type marksFile struct {
	Kind    string   `json:"kind"`
	Version int      `json:"version"`
	Marks   []markOf `json:"marks"`
}

const (
	marksKind    = "webshellscan marks"
	marksVersion = 1
	maxMarksSize = 64 << 20 // bytes
	maxNote      = 4000     // characters
)

// ErrMarks is wrapped by errors that say that a file has no marks that can be
// used.
var ErrMarks = errors.New("not a file of marks that can be used")

// ReadMarks reads what a page saved. An error wraps ErrMarks, or is that of r.
func ReadMarks(r io.Reader) (Marks, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxMarksSize+1))
	if err != nil {
		return Marks{}, err
	}
	var file marksFile
	switch err := json.Unmarshal(data, &file); {
	case len(data) > maxMarksSize:
		return Marks{}, fmt.Errorf("%w: more than %s", ErrMarks, text.Bytes(maxMarksSize))
	case err != nil:
		return Marks{}, fmt.Errorf("%w: %w", ErrMarks, err)
	case file.Kind != marksKind:
		return Marks{}, fmt.Errorf("%w: its kind is %q, not %q", ErrMarks, text.Clip(file.Kind, maxShortText), marksKind)
	case file.Version != marksVersion:
		return Marks{}, fmt.Errorf("%w: its version is %d, this program knows %d", ErrMarks, file.Version, marksVersion)
	}
	m := Marks{make(map[markKey]mark, len(file.Marks))}
	for i, one := range file.Marks {
		if one.Mark != "" && one.Mark != "seen" && one.Mark != "benign" {
			return Marks{}, fmt.Errorf("%w: mark %d is %q: one of seen, benign", ErrMarks, i+1, text.Clip(one.Mark, maxShortText))
		}
		one.Note = text.Clip(one.Note, maxNote)
		m.list[one.markKey] = one.mark
	}
	return m, nil
}

// Unknown counts the marks that are of no finding of a result, and all of them.
func (m Marks) Unknown(res *scan.Result) (unknown, total int) {
	found := make(map[markKey]bool)
	for _, f := range res.Findings {
		if key := markKeyOf(f); m.list[key] != (mark{}) {
			found[key] = true
		}
	}
	return len(m.list) - len(found), len(m.list)
}

func markKeyOf(f *finding.Finding) markKey {
	return markKey{text.Visible(f.Host), f.ProcessID, f.Time.String()}
}

// markEntry is a mark for the script: the number of its finding, and what it
// says.
type markEntry [3]any

// entries returns the marks of findings, which have the numbers of their order.
func (m Marks) entries(findings []*finding.Finding) []markEntry {
	list := []markEntry{}
	if len(m.list) == 0 {
		return list
	}
	for i, f := range findings {
		if one, ok := m.list[markKeyOf(f)]; ok {
			list = append(list, markEntry{i, one.Mark, strings.Join(visibleLines(one.Note), "\n")})
		}
	}
	return list
}

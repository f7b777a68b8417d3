package scan

import (
	"cmp"
	"slices"

	"webshellscan/scan/finding"
	"webshellscan/scan/story"
)

// findWriters records which findings of a session run a program that a process
// of the session wrote, by its story.
func (r *Result) findWriters(s *finding.Session, st *story.Story) {
	for _, f := range s.Findings {
		if image, ok := st.WriterOf(f.Process); ok {
			r.writers[f] = cmp.Or(image, "?")
		}
	}
}

// weighWritten weighs the sessions again of which programs ran that they wrote:
// that is known only when the stories are read.
func (r *Result) weighWritten(by *grading, together *grouping, known *finding.Baseline) {
	wrote := make(map[string]bool)
	for f := range r.writers {
		wrote[f.Session] = true
	}
	var findings []*weighed
	for _, f := range r.weighed {
		if wrote[f.Session] {
			f.writer = r.writers[f.Finding]
			findings = append(findings, f)
		}
	}
	if len(findings) == 0 {
		return
	}
	by.weighAgain(findings)
	var again []*finding.Session
	for _, s := range r.Sessions {
		if wrote[s.Key] {
			again = append(again, s)
			known.Mark(s.Findings) // it has findings up to a level
		}
	}
	together.summarize(again)
	slices.SortFunc(r.Sessions, finding.CompareSessions)
}

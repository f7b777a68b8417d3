package scan

import (
	"cmp"
	"slices"

	"webshellscan/scan/story"
)

// tellWriters notes which findings of a session run a program that a process of the
// session wrote, as its story has it.
func (s *Session) tellWriters(st *story.Story) {
	for _, f := range s.Findings {
		if image, ok := st.WriterOf(f.Process); ok {
			f.writer, s.wrote = cmp.Or(image, "?"), true
		}
	}
}

// weighWritten weighs the sessions again of which programs ran that they wrote:
// that is known only when the stories are told.
func (d *detection) weighWritten(sessions []*Session) {
	var again []*Session
	var findings []*Finding
	for _, s := range sessions {
		if s.wrote {
			again, findings = append(again, s), append(findings, s.Findings...)
		}
	}
	if len(again) == 0 {
		return
	}
	d.weighAgain(findings)
	d.summarize(again)
	slices.SortFunc(sessions, compareSessions)
}

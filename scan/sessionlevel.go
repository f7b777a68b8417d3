package scan

import (
	"webshellscan/rules/builtin"
	"webshellscan/scan/finding"
)

// raise raises the level of a session by what all of it did. What a baseline
// has raises nothing.
func (by *summarizer) raise(s *finding.Session) {
	if s.UserRises != "" || s.IntegrityRises != "" {
		s.Known = false
	}
	if !s.Worker.Exists() {
		return
	}
	by.raiser.subject.session = s
	for _, i := range by.raiser.match(s.Worker) {
		r := by.raiser.set.Rules()[i]
		reason := finding.LevelReason{Effect: finding.LevelAtLeast, Level: r.Level, Rule: r, Why: by.raiser.subject.sentence(builtin.Why(r))}
		s.LevelReasons = append(s.LevelReasons, reason)
		s.Raised = append(s.Raised, reason.Why)
		s.Level = max(s.Level, r.Level)
	}
}

package phrase

import (
	"webshellscan/scan/finding"
	"webshellscan/scan/story"
)

// IndicatorGroup is the indicators of one kind.
type IndicatorGroup struct {
	Kind string // in the plural: "files"
	List []story.Indicator
}

// Indicators returns a session's indicators by kind, those kinds left out of
// which it has none.
func Indicators(s *finding.Session) []IndicatorGroup {
	in := &s.Indicators
	var groups []IndicatorGroup
	for _, g := range []IndicatorGroup{
		{"files", in.Files},
		{"hashes", in.Hashes},
		{"addresses", in.Addresses},
		{"domains", in.Domains},
		{"URLs", in.URLs},
		{"accounts", in.Accounts},
		{"services", in.Services},
		{"tasks", in.Tasks},
	} {
		if len(g.List) > 0 {
			groups = append(groups, g)
		}
	}
	return groups
}

// IndicatorParts names the first indicators of a session, each kind behind its
// name. Hashes are left out: they belong to files.
func IndicatorParts(s *finding.Session) []Part {
	var parts []Part
	for _, g := range Indicators(s) {
		if g.Kind == "hashes" {
			continue
		}
		word := g.Kind + " "
		if len(parts) > 0 {
			word = "; " + word
		}
		parts = append(parts, named(word, values(g.List))...)
	}
	return parts
}

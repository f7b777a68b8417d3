package rules

import (
	"cmp"
	"strings"
)

// Level is how critical a match is. Levels are ordered: a higher one is the
// more critical. Sigma rules specification, "Level".
type Level uint8

// The levels of the specification. LevelNone is that of a rule which names
// none.
const (
	LevelNone Level = iota
	LevelInformational
	LevelLow
	LevelMedium
	LevelHigh
	LevelCritical
)

var levelNames = [...]string{"", "informational", "low", "medium", "high", "critical"}

// String returns the level as rules spell it, "" for LevelNone.
func (l Level) String() string {
	if int(l) < len(levelNames) {
		return levelNames[l]
	}
	return ""
}

// Name returns the name of the level for people, of LevelNone too.
func (l Level) Name() string { return cmp.Or(l.String(), "no level") }

// ParseLevel returns the level of that name, compared without case, and whether
// there is one. "" is LevelNone.
func ParseLevel(name string) (Level, bool) {
	for i, n := range levelNames {
		if strings.EqualFold(n, name) {
			return Level(i), true
		}
	}
	return LevelNone, false
}

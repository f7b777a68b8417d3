package finding

import (
	"fmt"

	"webshellscan/rules"
)

// LevelReason is the effect of one rule on the level of a finding or a session.
type LevelReason struct {
	// Effect is what the rule does to the level.
	Effect LevelEffect
	Level  rules.Level
	// Rule is nil for what a session has from its findings.
	Rule *rules.Rule
	// Why is a sentence without a full stop.
	Why string
}

// BelowIt begins the Why of a level that a finding has from one below it.
const BelowIt = "below it, "

// LevelEffect is what a reason does to a level.
type LevelEffect string

// The effects. A finding's level is that of its gravest rule, at most that of
// the lowest rule that lowers it, and then at least that of the highest that
// raises it.
const (
	LevelStart    LevelEffect = "from"      // where the level starts
	LevelAtMost   LevelEffect = "at most"   // lowered
	LevelAtLeast  LevelEffect = "at least"  // raised
	LevelSetAside LevelEffect = "set aside" // matched, but does not count
)

// Text returns the reason as people read it: without the name of its rule.
func (r LevelReason) Text() string {
	return fmt.Sprintf("%s %s: %s", r.Effect, r.Level.Name(), r.Why)
}

// String returns the reason with the name of its rule.
func (r LevelReason) String() string {
	text := r.Text()
	if r.Rule != nil {
		text += " (" + r.Rule.Label() + ")"
	}
	return text
}

// SumLevel returns the level that follows from reasons. The level of a critical
// rule is never lowered.
func SumLevel(reasons []LevelReason) rules.Level {
	level := rules.LevelNone
	for _, r := range reasons {
		if r.Effect == LevelStart {
			level = max(level, r.Level)
		}
	}
	critical := level == rules.LevelCritical
	for _, r := range reasons {
		if r.Effect == LevelAtMost && !critical {
			level = min(level, r.Level)
		}
	}
	for _, r := range reasons {
		if r.Effect == LevelAtLeast {
			level = max(level, r.Level)
		}
	}
	return level
}

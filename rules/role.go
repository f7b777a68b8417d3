package rules

import (
	"slices"
	"strings"
)

// The roles of rules that give no findings by themselves but say how grave those of others are. Each has a level, and a sentence that
// says why (Rule.Why).
const (
	// RoleRaise is the role of rules that speak against what a finding's process did: its level is at least theirs.
	RoleRaise = "raise"
	// RoleLower is the role of rules that know what a finding's process did for a habit: its level is at most theirs.
	RoleLower = "lower"
	// RoleRaiseSession is the role of rules that are asked of the web server of a session: its level is at least theirs.
	RoleRaiseSession = "raise_session"
)

// WeighsFindings reports whether a rule says how grave the findings of others are.
func (r *Rule) WeighsFindings() bool {
	return r.Role == RoleRaise || r.Role == RoleLower || r.Role == RoleRaiseSession
}

// Why returns the custom attribute `why`: the sentence that a rule which weighs findings gives as its reason. A field's name in braces
// stands for its values.
func (r *Rule) Why() string { return r.Custom["why"] }

// Behaviour returns the custom attribute `behaviour` of a rule that raises: the kind of what the process did. A rule without one only
// says how unusual it is, which does not count against a habit.
func (r *Rule) Behaviour() string { return r.Custom["behaviour"] }

// Despite returns the custom attribute `despite` of a rule that lowers: the names or IDs, joined by commas, of rules that raise and are
// set aside where it matches.
func (r *Rule) Despite() []string { return commaList(r.Custom["despite"]) }

// Goes reports whether a name or ID, compared without case, is the rule's.
func (r *Rule) Goes(by string) bool {
	return by != "" && (strings.EqualFold(by, r.Name) || strings.EqualFold(by, r.ID))
}

// SetsAside reports whether a rule that lowers sets aside one that raises.
func (r *Rule) SetsAside(raise *Rule) bool { return slices.ContainsFunc(r.Despite(), raise.Goes) }

// SplitLevels returns the rules that raise or lower the level of findings, those that raise that of sessions, and the others.
func SplitLevels(list []*Rule) (levels, sessions, others []*Rule) {
	raise, others := SplitRole(list, RoleRaise)
	lower, others := SplitRole(others, RoleLower)
	sessions, others = SplitRole(others, RoleRaiseSession)
	return slices.Concat(raise, lower), sessions, others
}

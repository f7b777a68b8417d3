package rules

import (
	"slices"
	"strings"
)

// HasTag reports whether a rule has a tag, or one below it: a rule with
// attack.t1505.003 has attack.t1505. The tag that is asked for may lack the
// namespace and be spelled as its catalogue does: T1505.003, attack.T1505.003,
// CAR-2021-02-001, CVE-2021-44228. Sigma specification, "Tags". What Rule.Shows
// returns counts as tags do.
func (r *Rule) HasTag(wanted string) bool {
	wanted = plainTag(wanted)
	return slices.ContainsFunc(slices.Concat(r.Tags, r.Shows()), func(tag string) bool {
		tag = plainTag(tag)
		_, name, _ := strings.Cut(tag, ".")
		return isOrBelow(tag, wanted) || isOrBelow(name, wanted)
	})
}

// Shows returns the custom attribute `shows`: tags, joined by commas, of what
// some of the processes that a rule finds do. They choose the rule, and claim
// nothing of a process.
func (r *Rule) Shows() []string { return SplitList(r.Custom["shows"]) }

// SplitList returns the entries of a list that is joined by commas, as lists
// are written in custom attributes.
func SplitList(text string) []string {
	var list []string
	for entry := range strings.SplitSeq(text, ",") {
		if entry = strings.TrimSpace(entry); entry != "" {
			list = append(list, entry)
		}
	}
	return list
}

// isOrBelow reports whether a tag is the one that is wanted or one below it. An
// empty one is nobody's.
func isOrBelow(tag, wanted string) bool {
	rest, ok := strings.CutPrefix(tag, wanted)
	return ok && wanted != "" && (rest == "" || rest[0] == '.')
}

// plainTag returns a tag in the one spelling in which tags are compared: in
// lower case, with "-" between words and "." between the parts of a number.
// Older rules have attack.defense_evasion and cve.2021.44228 where newer ones
// have attack.defense-evasion and cve.2021-44228.
func plainTag(tag string) string {
	tag = strings.ReplaceAll(strings.ToLower(strings.TrimSpace(tag)), "_", "-")
	for _, namespace := range [...]string{"car", "cve"} {
		if rest, ok := strings.CutPrefix(tag, namespace); ok && len(rest) > 1 && (rest[0] == '.' || rest[0] == '-') {
			return namespace + "." + strings.ReplaceAll(rest[1:], "-", ".")
		}
	}
	return tag
}

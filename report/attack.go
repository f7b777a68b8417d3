package report

import (
	"slices"
	"strings"

	"webshellscan/rules"
)

// techniques holds the IDs of the MITRE ATT&CK techniques that rules are tagged
// with, such as T1505.003, each rule's sorted and each once. Sigma writes them as
// attack.t1505.003 (Sigma specification, appendix "Tags"). It fills as it is
// asked, and is for one goroutine.
type techniques map[*rules.Rule][]string

// of returns the techniques of one rule. The list is not to be changed.
func (t techniques) of(r *rules.Rule) []string {
	ids, ok := t[r]
	if !ok {
		for _, tag := range r.Tags {
			if id := techniqueID(tag); id != "" {
				ids = append(ids, id)
			}
		}
		slices.Sort(ids)
		ids = slices.Compact(ids)
		t[r] = ids
	}
	return ids
}

// ofAll returns the techniques of several rules, sorted, each once.
func (t techniques) ofAll(list []*rules.Rule) []string {
	var ids []string
	for _, r := range list {
		ids = append(ids, t.of(r)...)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// techniqueID returns the technique that a tag names, "" if it names none.
func techniqueID(tag string) string {
	const prefix = "attack.t"
	if len(tag) < len(prefix) || !strings.EqualFold(tag[:len(prefix)], prefix) {
		return ""
	}
	number, sub, isSub := strings.Cut(tag[len(prefix):], ".")
	if !isDigits(number, 4) || isSub && !isDigits(sub, 3) {
		return ""
	}
	return "T" + tag[len(prefix):]
}

func isDigits(text string, n int) bool {
	return len(text) == n && strings.Trim(text, "0123456789") == ""
}

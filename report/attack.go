package report

import (
	"slices"

	"webshellscan/report/phrase"
	"webshellscan/rules"
	"webshellscan/scan/finding"
)

// techniques holds the IDs of the MITRE ATT&CK techniques that rules are tagged
// with, such as T1505.003, each rule's sorted and each once. Sigma writes them
// as attack.t1505.003 (Sigma specification, appendix "Tags"). It fills as it is
// asked, and is for one goroutine.
type techniques map[*rules.Rule][]string

// of returns the techniques of one rule. The list is not to be changed.
func (t techniques) of(r *rules.Rule) []string {
	ids, ok := t[r]
	if !ok {
		for _, tag := range r.Tags {
			if id := phrase.TechniqueID(tag); id != "" {
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

// tagsOf returns what the tags of a finding's rules name, and those of the
// rules that map it to techniques: sorted, each once. id returns what a tag
// names.
func tagsOf(f *finding.Finding, id func(tag string) string) []string {
	ids := []string{}
	for _, list := range [...][]*rules.Rule{f.Rules, f.Techniques} {
		for _, r := range list {
			for _, tag := range r.Tags {
				if name := id(tag); name != "" {
					ids = append(ids, name)
				}
			}
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

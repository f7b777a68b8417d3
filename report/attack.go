package report

import (
	"slices"
	"strings"

	"webshellscan/rules"
	"webshellscan/scan"
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

// analyticID returns the analytic of MITRE CAR that a tag names, "" if it names
// none: car.2021-02-001 is CAR-2021-02-001.
func analyticID(tag string) string {
	if number, ok := strings.CutPrefix(strings.ToLower(tag), "car."); ok && number != "" {
		return "CAR-" + number
	}
	return ""
}

// countermeasureID returns the technique of MITRE D3FEND that a tag names, "" if
// it names none: d3fend.d3-psa is D3-PSA. Other tags of D3FEND name tactics.
func countermeasureID(tag string) string {
	id, ok := strings.CutPrefix(strings.ToUpper(tag), "D3FEND.")
	if ok && strings.HasPrefix(id, "D3-") {
		return id
	}
	return ""
}

// tagsOf returns what the tags of a finding's rules name, and those of the rules
// that map it to techniques: sorted, each once. id says what a tag names.
func tagsOf(f *scan.Finding, id func(tag string) string) []string {
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

func isDigits(s string, n int) bool {
	return len(s) == n && strings.Trim(s, "0123456789") == ""
}

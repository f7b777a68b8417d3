package finding

import (
	"cmp"
	"slices"
	"strings"

	"webshellscan/rules"
)

// MatchedRules returns the rules that findings matched, each once, in the order
// in which every report lists them: the gravest first, then by label, and those
// of one label by where they stand.
func MatchedRules(findings []*Finding) []*rules.Rule {
	seen := make(map[*rules.Rule]bool)
	var list []*rules.Rule
	for _, f := range findings {
		for _, r := range f.Rules {
			if !seen[r] {
				seen[r] = true
				list = append(list, r)
			}
		}
	}
	slices.SortStableFunc(list, func(a, b *rules.Rule) int {
		return cmp.Or(cmp.Compare(b.Level, a.Level), strings.Compare(a.Label(), b.Label()), strings.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
	})
	return list
}

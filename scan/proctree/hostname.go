package proctree

import (
	"path"
	"strings"
)

// MatchesHost reports whether a host with the given names is one of those that
// are wanted, by full or short name, compared without case. In a wanted name *
// stands for any characters and ? for one. No wanted names means all.
func MatchesHost(wanted, names []string) bool {
	if len(wanted) == 0 {
		return true
	}
	for _, want := range wanted {
		for _, name := range names {
			short, _, _ := strings.Cut(name, ".")
			if matchesName(want, name) || matchesName(want, short) {
				return true
			}
		}
	}
	return false
}

// hostWildcards keeps what path.Match would take for more than * and ?.
var hostWildcards = strings.NewReplacer(`\`, `\\`, `[`, `\[`)

// matchesName reports whether a name is of a pattern.
func matchesName(pattern, name string) bool {
	if !strings.ContainsAny(pattern, "*?") {
		return strings.EqualFold(pattern, name)
	}
	ok, err := path.Match(hostWildcards.Replace(strings.ToLower(pattern)), strings.ToLower(name))
	return ok && err == nil
}

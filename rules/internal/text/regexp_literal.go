package text

import (
	"math"
	"regexp/syntax"
	"slices"
	"unicode/utf8"
)

// Go's engine takes microseconds for a command line, so texts are kept from it:
// most by literals that an expression requires and that the literal index
// finds, and by the checks of RegexpFilter; nearly all others by an automaton.

// Limits on required literals.
const (
	maxLiterals       = 64 // alternatives
	maxLiteralExpands = 16 // characters of a class that are written out
)

// RequiredLiterals returns texts of which at least one is in every text that
// the expression matches, in the form of text.dashes; nil if none are known or
// those that are known are in nearly every text.
func RequiredLiterals(re *syntax.Regexp) []string {
	set := literalsOf(re)
	if !set.best() || worth(set.required) < 2 {
		return nil
	}
	return set.required
}

// literalSet is what is known of the texts that a part of an expression
// matches.
type literalSet struct {
	exact    []string // the part matches one of these and nothing else; nil if that is not known
	required []string // one of these is in whatever the part matches; nil if none are known
	ends     []string // if there are no exact ones: whatever the part matches begins and ends with one of these; nil if none are known
}

// best reports whether any literals are required, after the exact ones have
// been taken for required where they are better.
func (s *literalSet) best() bool {
	if worth(s.exact) > worth(s.required) {
		s.required = s.exact
	}
	return worth(s.required) > 0
}

// rareBytes are characters that few texts have.
const rareBytes = "!#$&'()*+,;<=>?@[]^`{|}~"

// byteWorth is what a byte of a literal is worth: a rare character as much as
// four others.
var byteWorth = func() (table [256]uint8) {
	for i := range table {
		table[i] = 1
	}
	for i := range len(rareBytes) {
		table[rareBytes[i]] = 4
	}
	return table
}()

// worth rates a set of literals by the worst one: a longer one is better, and
// so is one with rare characters.
func worth(set []string) int {
	if len(set) == 0 {
		return 0
	}
	least := math.MaxInt
	for _, s := range set {
		w := 0
		for i := range len(s) {
			w += int(byteWorth[s[i]])
		}
		least = min(least, w)
	}
	return least
}

// literalsOf analyses an expression from the leaves up.
func literalsOf(re *syntax.Regexp) literalSet {
	switch re.Op {
	case syntax.OpEmptyMatch, syntax.OpBeginLine, syntax.OpEndLine, syntax.OpBeginText, syntax.OpEndText,
		syntax.OpWordBoundary, syntax.OpNoWordBoundary:
		return literalSet{exact: []string{""}}
	case syntax.OpLiteral:
		if !isPlain(re.Rune) {
			return literalSet{}
		}
		return literalSet{exact: []string{Dashed(Fold(string(re.Rune)))}}
	case syntax.OpCharClass:
		return literalSet{exact: classLiterals(re.Rune)}
	case syntax.OpCapture:
		return literalsOf(re.Sub[0])
	case syntax.OpPlus:
		return repeated(literalsOf(re.Sub[0]))
	case syntax.OpRepeat:
		switch {
		case re.Min == 0:
			return literalSet{}
		case re.Min == 1 && re.Max == 1:
			return literalsOf(re.Sub[0])
		}
		return repeated(literalsOf(re.Sub[0]))
	case syntax.OpConcat:
		return concatLiterals(re.Sub)
	case syntax.OpAlternate:
		return alternateLiterals(re.Sub)
	}
	return literalSet{}
}

// repeated returns the set of a part that is repeated, at least once, given
// that of the part.
func repeated(s literalSet) literalSet {
	out := literalSet{ends: s.exact}
	if s.best() {
		out.required = s.required
	}
	return out
}

// isPlain reports whether a text that has these characters has just their
// UTF-8: U+FFFD also stands for bytes that are none, and no text has a
// surrogate.
func isPlain(list []rune) bool {
	return !slices.ContainsFunc(list, func(r rune) bool { return r == utf8.RuneError || !utf8.ValidRune(r) })
}

// classLiterals returns the characters of a small class, given as ranges.
func classLiterals(ranges []rune) []string {
	var out []string
	seen := make(map[string]bool)
	for i := 0; i+1 < len(ranges); i += 2 {
		if ranges[i+1]-ranges[i] >= maxLiteralExpands {
			return nil
		}
		for r := ranges[i]; r <= ranges[i+1]; r++ {
			s := Dashed(Fold(string(r)))
			if !isPlain([]rune{r}) || len(seen) >= maxLiteralExpands {
				return nil
			}
			if !seen[s] {
				seen[s] = true
				out = append(out, s)
			}
		}
	}
	return out
}

// concatLiterals joins the exact texts of neighbours as long as they stay few,
// and keeps the best that any stretch requires.
func concatLiterals(subs []*syntax.Regexp) literalSet {
	var result literalSet
	exact := []string{""}
	whole := true
	keep := func(set []string) {
		if worth(set) > worth(result.required) {
			result.required = set
		}
	}
	for _, sub := range subs {
		s := literalsOf(sub)
		keep(s.required)
		if s.exact == nil {
			if s.ends != nil && len(exact)*len(s.ends) <= maxLiterals {
				exact = crossProduct(exact, s.ends)
			}
			keep(exact)
			exact, whole = []string{""}, false
			if s.ends != nil {
				exact = s.ends
			}
			continue
		}
		if len(exact)*len(s.exact) > maxLiterals {
			keep(exact)
			exact, whole = s.exact, false
			continue
		}
		exact = crossProduct(exact, s.exact)
	}
	keep(exact)
	if whole {
		result.exact = exact
	}
	return result
}

// crossProduct returns each of the heads with each of the tails behind it.
func crossProduct(heads, tails []string) []string {
	switch {
	case len(heads) == 1 && heads[0] == "":
		return tails
	case len(tails) == 1 && tails[0] == "":
		return heads
	}
	out := make([]string, 0, len(heads)*len(tails))
	for _, h := range heads {
		for _, t := range tails {
			out = append(out, h+t)
		}
	}
	return out
}

// alternateLiterals joins alternatives: each must require something for the
// whole to do so.
func alternateLiterals(subs []*syntax.Regexp) literalSet {
	var result literalSet
	exact := true
	for _, sub := range subs {
		s := literalsOf(sub)
		exact = exact && s.exact != nil && len(result.exact)+len(s.exact) <= maxLiterals
		if exact {
			result.exact = append(result.exact, s.exact...)
		} else {
			result.exact = nil
		}
		if !s.best() || result.required == nil && sub != subs[0] || len(result.required)+len(s.required) > maxLiterals {
			result.required = nil
			if !exact {
				return literalSet{}
			}
			continue
		}
		result.required = append(result.required, s.required...)
	}
	return result
}

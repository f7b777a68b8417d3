package text

import (
	"bytes"
	"regexp/syntax"
	"unicode"
	"unicode/utf8"
)

// RegexpFilter answers cheaply what it can about whether an expression matches
// a text.
type RegexpFilter struct {
	least int      // bytes that a matching text must have
	run   *byteRun // bytes that it must have in a row, nil if there is no such thing
	glob  *Pattern // what the expression comes down to for a text of one line, nil if it does not
	line  int      // the expression matches a text if and only if one of its lines has so many characters; 0 if it is another
}

// byteRun is a condition on a text: to have so many bytes of a set in a row.
type byteRun struct {
	bytes  [256]bool
	length int
}

// NewRegexpFilter analyses an expression.
func NewRegexpFilter(re *syntax.Regexp) RegexpFilter {
	f := RegexpFilter{least: leastLength(re), run: requiredRun(re), glob: regexpGlob(re)}
	if re.Op == syntax.OpRepeat && re.Min > 0 && re.Sub[0].Op == syntax.OpAnyCharNotNL {
		f.line = re.Min
	}
	return f
}

// Decide reports whether the expression matches the text, if that is cheaply
// known.
func (f *RegexpFilter) Decide(t *Forms) (matches, known bool) {
	switch {
	case len(t.Raw) < f.least:
		return false, true
	case f.run != nil && !f.run.in(t.Raw):
		return false, true
	case f.line > 0:
		return longestLine(t.Raw) >= f.line, true
	case f.glob != nil && bytes.IndexByte(t.Folded, '\n') < 0:
		return f.glob.Match(t.Form(f.glob.Cased, false)), true
	}
	return false, false
}

// longestLine returns how many characters the longest line of a text has; bytes
// that are not UTF-8 count as one each.
func longestLine(s string) int {
	longest, n := 0, 0
	for _, r := range s {
		if n++; r == '\n' {
			n = 0
		}
		longest = max(longest, n)
	}
	return longest
}

// in reports whether the text has the run: it looks at every length-th byte
// and, where that is of the set, around it.
func (r *byteRun) in(s string) bool {
	n := r.length
	for at := n - 1; at < len(s); {
		if !r.bytes[s[at]] {
			at += n
			continue
		}
		start := at // the run around at
		for start > 0 && at-start+1 < n && r.bytes[s[start-1]] {
			start--
		}
		end := at + 1
		for end < len(s) && end-start < n && r.bytes[s[end]] {
			end++
		}
		if end-start >= n {
			return true
		}
		at = end + n // end is not of the set
	}
	return false
}

// leastRun is the shortest run that is worth looking for.
const leastRun = 4

// requiredRun returns the longest run of bytes that every matching text must
// have, as far as a repeated class requires it.
func requiredRun(re *syntax.Regexp) *byteRun {
	var best *byteRun
	switch re.Op {
	case syntax.OpRepeat:
		if re.Min >= leastRun {
			if set, ok := classBytes(re.Sub[0]); ok {
				return &byteRun{set, re.Min}
			}
		}
		if re.Min > 0 {
			return requiredRun(re.Sub[0])
		}
	case syntax.OpCapture, syntax.OpPlus:
		return requiredRun(re.Sub[0])
	case syntax.OpConcat:
		for _, sub := range re.Sub {
			if run := requiredRun(sub); run != nil && (best == nil || run.length > best.length) {
				best = run
			}
		}
	}
	return best
}

// classBytes returns the bytes that a class's characters are made of; those
// beyond ASCII, and bytes that are not UTF-8, count as any byte from 0x80.
func classBytes(re *syntax.Regexp) (set [256]bool, ok bool) {
	var ranges []rune
	switch re.Op {
	case syntax.OpCharClass:
		ranges = re.Rune
	case syntax.OpAnyChar:
		ranges = []rune{0, unicode.MaxRune}
	case syntax.OpAnyCharNotNL:
		ranges = []rune{0, '\n' - 1, '\n' + 1, unicode.MaxRune}
	default:
		return set, false
	}
	for i := 0; i+1 < len(ranges); i += 2 {
		for r := ranges[i]; r <= min(ranges[i+1], utf8.RuneSelf-1); r++ {
			set[r] = true
		}
		if ranges[i+1] >= utf8.RuneSelf {
			for b := utf8.RuneSelf; b < len(set); b++ {
				set[b] = true
			}
		}
	}
	return set, true
}

// regexpGlob returns the pattern that matches the same texts, as long as they
// have no line break, if the expression is made of literals and ".*" only.
func regexpGlob(re *syntax.Regexp) *Pattern {
	subs := []*syntax.Regexp{re}
	if re.Op == syntax.OpConcat {
		subs = re.Sub
	}
	parts := []Part{{Wild: '*'}} // what is searched for may stand anywhere
	literals, folded := 0, 0
	for _, sub := range subs {
		switch {
		case sub.Op == syntax.OpLiteral:
			if !isPlain(sub.Rune) {
				return nil
			}
			parts = append(parts, Part{Text: string(sub.Rune)})
			literals++
			if sub.Flags&syntax.FoldCase != 0 {
				folded++
			}
		case sub.Op == syntax.OpStar && sub.Sub[0].Op == syntax.OpAnyCharNotNL:
			parts = append(parts, Part{Wild: '*'})
		default:
			return nil
		}
	}
	if literals == 0 || folded != 0 && folded != literals {
		return nil
	}
	p := NewPattern(append(parts, Part{Wild: '*'}), folded == 0, false)
	return &p
}

// leastLength returns the length in characters of the shortest text that the
// expression matches.
func leastLength(re *syntax.Regexp) int {
	const limit = 1 << 30
	sum := 0
	switch re.Op {
	case syntax.OpLiteral:
		return len(re.Rune)
	case syntax.OpCharClass, syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return 1
	case syntax.OpCapture, syntax.OpPlus:
		return leastLength(re.Sub[0])
	case syntax.OpRepeat:
		return min(limit, re.Min*leastLength(re.Sub[0]))
	case syntax.OpConcat:
		for _, sub := range re.Sub {
			sum = min(limit, sum+leastLength(sub))
		}
	case syntax.OpAlternate:
		sum = limit
		for _, sub := range re.Sub {
			sum = min(sum, leastLength(sub))
		}
	}
	return sum
}

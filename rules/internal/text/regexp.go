package text

import (
	"errors"
	"fmt"
	"regexp/syntax"
	"strings"
)

// Limits on regular expressions. The largest of SigmaHQ's has a program of some
// 2,000 instructions.
const (
	maxRegexpLength = 16 << 10 // bytes
	maxRegexpSize   = 50_000   // instructions of one expression
)

// RegexpError is a sentence on why a regular expression is refused.
type RegexpError string

// Error returns the reason.
func (e RegexpError) Error() string { return string(e) }

// ParseRegexp parses the expression of a modifier re with its flags, which must
// stand at the start or at the end of a text or anywhere in it, and checks its
// size. The error is a RegexpError.
//
// Sigma modifiers appendix, "Regular Expression": the expression is searched
// for anywhere in the field, with case, unless it anchors itself. Its flavour
// is a part of PCRE that Go's RE2 has whole; what RE2 lacks of PCRE is not part
// of it.
func ParseRegexp(expr, flags string, atStart, atEnd bool) (source string, tree *syntax.Regexp, err error) {
	if len(expr) > maxRegexpLength {
		return "", nil, RegexpError(fmt.Sprintf("regular expression of %d bytes; it may have %d", len(expr), maxRegexpLength))
	}
	// Parsed alone first, so that an unbalanced bracket cannot close the
	// group put around it.
	if tree, err = syntax.Parse(expr, regexpFlags(flags)); err != nil {
		return "", nil, RegexpError(regexpReason(expr, err))
	}
	switch {
	case atStart:
		source = `\A(?:` + expr + `)`
	case atEnd:
		source = `(?:` + expr + `)\z`
	default:
		source = expr
	}
	if flags != "" {
		source = "(?" + flags + ")" + source
	}
	if atStart || atEnd {
		if tree, err = syntax.Parse(source, syntax.Perl); err != nil {
			return "", nil, RegexpError(regexpReason(expr, err))
		}
	}
	if size := RegexpSize(tree); size > maxRegexpSize {
		return "", nil, RegexpError(fmt.Sprintf("regular expression too large: %d steps; it may have %d", size, maxRegexpSize))
	}
	return source, tree, nil
}

// regexpFlags returns what an expression is parsed with that has the flags
// before it: any of i, m and s.
func regexpFlags(flags string) syntax.Flags {
	parsed := syntax.Perl
	for _, flag := range flags {
		switch flag {
		case 'i':
			parsed |= syntax.FoldCase
		case 'm':
			parsed &^= syntax.OneLine
		case 's':
			parsed |= syntax.DotNL
		}
	}
	return parsed
}

// regexpReason returns why an expression is refused, in the words of PCRE.
func regexpReason(expr string, err error) string {
	problem, ok := errors.AsType[*syntax.Error](err)
	if !ok {
		return "bad regular expression: " + err.Error()
	}
	for _, around := range [...]string{"(?=", "(?!", "(?<=", "(?<!"} {
		if strings.Contains(expr, around) {
			return "lookaround " + around + "...) is not part of Sigma's regular expressions, and Go's engine (RE2) has none"
		}
	}
	switch problem.Code {
	case syntax.ErrInvalidEscape:
		if len(problem.Expr) == 2 && '1' <= problem.Expr[1] && problem.Expr[1] <= '9' {
			return "back-reference " + problem.Expr + " is not part of Sigma's regular expressions, and Go's engine (RE2) has none"
		}
	case syntax.ErrInvalidPerlOp:
		return "group " + problem.Expr + " is not part of Sigma's regular expressions, and Go's engine (RE2) has none"
	case syntax.ErrInvalidRepeatOp:
		return "repetition " + problem.Expr + ": possessive quantifiers are not part of Sigma's regular expressions, and Go's engine (RE2) has none"
	case syntax.ErrInvalidRepeatSize, syntax.ErrLarge:
		return "regular expression too large: it repeats too often (" + Quote(problem.Expr) + ")"
	}
	return "bad regular expression: " + problem.Code.String() + ": " + Quote(problem.Expr)
}

// RegexpSize estimates the instructions of the compiled expression, repetitions
// written out, without compiling it.
func RegexpSize(re *syntax.Regexp) int {
	const limit = 1 << 30
	sum := 1
	for _, sub := range re.Sub {
		sum = min(limit, sum+RegexpSize(sub))
	}
	switch re.Op {
	case syntax.OpLiteral:
		sum += len(re.Rune)
	case syntax.OpCharClass:
		sum += len(re.Rune) / 8
	case syntax.OpRepeat:
		sum = min(limit, sum*max(1, re.Min, re.Max)+1)
	}
	return sum
}

package rules

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"sync"

	"webshellscan/rules/internal/text"
)

// matcherKind is how a matcher matches a text.
type matcherKind uint8

const (
	patternMatcher matcherKind = iota
	numberMatcher              // equality with a number
	compareMatcher             // a number or a part of a date against a bound
	cidrMatcher
	regexpMatcher
)

// valueMatcher matches one text against one value of a rule. It is immutable
// once the Set is built.
type valueMatcher struct {
	kind    matcherKind
	key     string        // equal for matchers that match alike
	pattern text.Pattern  // of patternMatcher
	bound   *numberBound  // of numberMatcher and compareMatcher
	network *netip.Prefix // of cidrMatcher
	regexp  *expression   // of regexpMatcher
	number  int           // of regexpMatcher: of the Set's expressions
}

// numberBound is what a number is compared with.
type numberBound struct {
	number   numericValue
	source   string // of numberMatcher: the number as written, folded
	relation string // of compareMatcher: lt, lte, gt, gte or "" for equality
	part     string // of compareMatcher: the part of a date, or ""
}

// expression is a regular expression. It is immutable, but for its compiled
// forms, which are made when first asked for: most expressions are never
// searched for, since a text lacks their literals. Goroutines may share it, and
// Sets do.
type expression struct {
	source   string
	size     int      // see text.RegexpSize
	literals []string // see text.RequiredLiterals
	filter   text.RegexpFilter

	compile sync.Once
	re      *regexp.Regexp

	assemble sync.Once
	prog     *syntax.Prog
}

// newExpression returns the expression of a value.
func newExpression(spec *modifierSet, s string) (*expression, error) {
	source, tree, err := text.ParseRegexp(s, spec.flags, spec.place == atStart, spec.place == atEnd)
	if err != nil {
		return nil, err
	}
	return &expression{source: source, size: text.RegexpSize(tree), literals: text.RequiredLiterals(tree), filter: text.NewRegexpFilter(tree)}, nil
}

// search reports whether Go's engine finds the expression in a text.
func (e *expression) search(s string) bool {
	e.compile.Do(func() { e.re = regexp.MustCompile(e.source) }) // it was parsed
	return e.re.MatchString(s)
}

// program returns the expression's program, nil if it cannot be had.
func (e *expression) program() *syntax.Prog {
	e.assemble.Do(func() {
		if tree, err := syntax.Parse(e.source, syntax.Perl); err == nil {
			e.prog, _ = syntax.Compile(tree.Simplify())
		}
	})
	return e.prog
}

// match reports whether the text fits.
func (m *valueMatcher) match(t *text.Forms) bool {
	switch m.kind {
	case numberMatcher:
		if string(t.Folded) == m.bound.source {
			return true
		}
		n, ok := parseFieldNumber(t.Raw)
		return ok && n.compareTo(m.bound.number) == 0
	case compareMatcher:
		var n numericValue
		var ok bool
		if m.bound.part != "" {
			n, ok = timePart(t.Raw, m.bound.part)
		} else {
			n, ok = parseFieldNumber(t.Raw)
		}
		return ok && n.satisfies(m.bound.relation, m.bound.number)
	case cidrMatcher:
		addr, err := netip.ParseAddr(t.Raw)
		return err == nil && m.network.Contains(addr.Unmap().WithZone(""))
	case regexpMatcher:
		if matches, known := m.regexp.filter.Decide(t); known {
			return matches
		}
		return m.regexp.search(t.Raw)
	}
	return m.pattern.Match(t.Form(m.pattern.Cased, m.pattern.Dashes))
}

// mayMatchNumber reports whether a text of nothing but decimal digits might
// fit: only a pattern that asks for something else rules that out.
func (m *valueMatcher) mayMatchNumber() bool {
	return m.kind != patternMatcher || !slices.ContainsFunc(m.pattern.Parts, func(p text.Part) bool {
		return strings.ContainsFunc(p.Text, func(r rune) bool { return r < '0' || r > '9' })
	})
}

// sentinelOf returns the sentinel for an error about a value.
func sentinelOf(err error) error {
	if _, ok := errors.AsType[text.RegexpError](err); ok {
		return ErrRegexp
	}
	if _, ok := errors.AsType[*placeholderError](err); ok {
		return ErrPlaceholder
	}
	return ErrValue
}

// newMatchers returns the matchers of which any has to fit for the value to
// fit. s is the value's text with placeholders replaced. Null, exists and
// fieldref have no matchers.
func newMatchers(item *Item, v *Value, s string) ([]*valueMatcher, error) {
	spec := &item.spec
	switch {
	case spec.re:
		e := v.expression
		if e == nil {
			var err error
			if e, err = newExpression(spec, s); err != nil {
				return nil, err
			}
		}
		return []*valueMatcher{{kind: regexpMatcher, key: "re:" + e.source, regexp: e}}, nil
	case spec.cidr:
		return newCIDRMatcher(s)
	case spec.compare != "" || spec.part != "":
		return newCompareMatcher(spec, s)
	case v.Kind == NumberValue && spec.isPlain() && item.Field != "":
		if n, ok := parseYAMLNumber(s); ok {
			source := text.Fold(s)
			return []*valueMatcher{{kind: numberMatcher, key: "number:" + source, bound: &numberBound{number: n, source: source}}}, nil
		}
	}
	return newPatternMatchers(item, s)
}

// isPlain reports whether a value is compared as it is with the whole
// field.
func (m *modifierSet) isPlain() bool {
	return m.place == wholeField && !m.cased && !m.windash && len(m.encodings) == 0
}

// newCIDRMatcher returns the matcher of a network or a single address. Sigma
// modifiers appendix, "IP Modifiers".
func newCIDRMatcher(s string) ([]*valueMatcher, error) {
	network, err := netip.ParsePrefix(s)
	if err != nil {
		addr, addrErr := netip.ParseAddr(s)
		if addrErr != nil || addr.Zone() != "" {
			return nil, fmt.Errorf("%s is not a network such as 10.0.0.0/8 or fe80::/10", text.Quote(s))
		}
		network = netip.PrefixFrom(addr, addr.BitLen())
	}
	if network.Addr().Is4In6() && network.Bits() >= 96 {
		network = netip.PrefixFrom(network.Addr().Unmap(), network.Bits()-96)
	}
	network = network.Masked()
	return []*valueMatcher{{kind: cidrMatcher, key: "cidr:" + network.String(), network: &network}}, nil
}

// newCompareMatcher returns the matcher of a numeric comparison or of a part of
// a date. Sigma modifiers appendix, "Numeric Modifiers" and "Time Modifiers";
// the latter give a number, so the former can be applied to them.
func newCompareMatcher(spec *modifierSet, s string) ([]*valueMatcher, error) {
	n, ok := parseYAMLNumber(s)
	if !ok {
		return nil, fmt.Errorf("%s is not a number", text.Quote(s))
	}
	if spec.part != "" {
		limits := timePartRange[spec.part]
		if !n.integer || n.negative || n.size < limits[0] || n.size > limits[1] {
			return nil, fmt.Errorf("%s is not a number from %d to %d", text.Quote(s), limits[0], limits[1])
		}
	}
	key := "compare:" + spec.part + ":" + spec.compare + ":" + s
	return []*valueMatcher{{kind: compareMatcher, key: key, bound: &numberBound{number: n, relation: spec.compare, part: spec.part}}}, nil
}

// newPatternMatchers returns the matchers of a string: one, or one for each
// variant that windash and the encodings make of it.
func newPatternMatchers(item *Item, s string) ([]*valueMatcher, error) {
	spec := &item.spec
	variants := [][]text.Part{text.ParsePattern(s)}
	dashes := spec.windash
	if len(spec.encodings) > 0 {
		var err error
		if variants, err = encodeVariants(variants[0], spec); err != nil {
			return nil, err
		}
		dashes = false
	}
	out := make([]*valueMatcher, 0, len(variants))
	for _, parts := range variants {
		p := text.NewPattern(placed(parts, spec.place, item.Field == ""), spec.cased, dashes)
		out = append(out, &valueMatcher{kind: patternMatcher, key: p.Key(), pattern: p})
	}
	return out, nil
}

// encodeVariants applies windash, written out, and the encodings to a value.
func encodeVariants(parts []text.Part, spec *modifierSet) ([][]text.Part, error) {
	variants := [][]text.Part{parts}
	if spec.windash {
		var err error
		if variants, err = text.DashVariants(parts); err != nil {
			return nil, err
		}
	}
	var out [][]text.Part
	for _, v := range variants {
		encodedVariants, err := text.EncodeParts(v, spec.encodings)
		if err != nil {
			return nil, err
		}
		out = append(out, encodedVariants...)
	}
	return out, nil
}

// placed adds to a value the stars that its placement stands for. A keyword is
// looked for anywhere unless it is placed otherwise. Sigma modifiers appendix,
// "Generic Modifiers"; Sigma rules specification, "Keywords search".
func placed(parts []text.Part, place placement, keyword bool) []text.Part {
	star := text.Part{Wild: '*'}
	if keyword && place == wholeField {
		place = anywhere
	}
	out := make([]text.Part, 0, len(parts)+2)
	if place == anywhere || place == atEnd {
		out = append(out, star)
	}
	out = append(out, parts...)
	if place == anywhere || place == atStart {
		out = append(out, star)
	}
	return out
}

// describeValue renders a value for people, in quotes.
func describeValue(v *Value) string {
	if v.Kind == StringValue {
		return "'" + strings.ReplaceAll(v.Text, "'", "''") + "'"
	}
	return v.Text
}

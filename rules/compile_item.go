package rules

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"webshellscan/rules/internal/text"
)

// maxRegexpsOfSet bounds the instructions of all regular expressions of a Set:
// some 80 MB with the programs of their automata.
const maxRegexpsOfSet = 1 << 20

// item returns what an item asks. The modifier neq negates it, so it also holds
// if the field is absent. Sigma modifiers appendix, "Generic Modifiers".
func (c *compiler) item(item *Item, sc *scope) *boolExpr {
	e := c.plainItem(item, sc)
	if item.spec.neq {
		return not(e)
	}
	return e
}

func (c *compiler) plainItem(item *Item, sc *scope) *boolExpr {
	if values, ok := sc.source.Known[item.Field]; ok && item.Field != "" {
		return c.knownItem(item, sc, values)
	}
	name := c.set.options.fieldName(item.Field, sc.source)
	field := c.field(name)
	switch {
	case item.Values[0].Kind == NullValue:
		return c.absent(field, item)
	case item.spec.exists:
		if item.wantsPresence() {
			return not(c.absent(field, item))
		}
		return c.absent(field, item)
	case item.spec.fieldref:
		return c.reference(field, item, sc)
	}
	groups, err := item.matchers(c.set.options.Placeholders)
	if err == nil {
		err = c.countRegexps(groups)
	}
	if err != nil {
		c.fail(sc.rule, item.Line, item.Column, sentinelOf(err), "%s: %s", itemName(item), err)
		return c.unknown()
	}
	e := c.values(field, item, groups)
	if also, ok := c.set.options.also(name); ok {
		return or(e, c.values(c.field(also), item, groups))
	}
	return e
}

// values returns the expression that the values of a field fit those of an
// item.
func (c *compiler) values(field int, item *Item, groups [][]*valueMatcher) *boolExpr {
	if item.spec.all && item.Field == "" {
		// Each keyword may stand in another field: they are predicates
		// of their own.
		args := make([]*boolExpr, len(groups))
		for i, group := range groups {
			args[i] = c.value(field, item, [][]*valueMatcher{group})
		}
		return and(args...)
	}
	return c.value(field, item, groups)
}

// also returns the second field that an item about a field is asked of.
func (o *Options) also(name string) (string, bool) {
	also, ok := o.Also[strings.ToLower(name)]
	return also, ok
}

// wantsPresence reports whether an item of the modifier exists asks for the
// field to be there. Sigma rules specification, "Field Existence".
func (item *Item) wantsPresence() bool { return strings.EqualFold(item.Values[0].Text, "true") }

// fieldName returns what the subject calls a rule's field.
func (o *Options) fieldName(name string, source *Source) string {
	if alias, ok := source.Aliases[name]; ok {
		name = alias
	}
	if alias, ok := o.Aliases[name]; ok {
		name = alias
	}
	return name
}

// matchers returns the matchers of an item in groups: all groups have to fit,
// in each any one matcher. Without the modifier all there is one group; an item
// whose placeholders have no values has one without matchers.
func (item *Item) matchers(placeholders map[string][]string) ([][]*valueMatcher, error) {
	var groups [][]*valueMatcher
	for i := range item.Values {
		v := &item.Values[i]
		texts := []string{v.Text}
		if item.spec.expand {
			render := func(s string) string { return s }
			if item.spec.re {
				render = patternRegexp
			}
			var err error
			if texts, err = expandPlaceholders(v.Text, placeholders, render); err != nil {
				return nil, err
			}
		}
		var group []*valueMatcher
		for _, s := range texts {
			list, err := newMatchers(item, v, s)
			if err != nil {
				return nil, err
			}
			group = append(group, list...)
		}
		if item.spec.all || len(groups) == 0 {
			groups = append(groups, group)
			continue
		}
		groups[0] = append(groups[0], group...)
	}
	return groups, nil
}

// countRegexps counts the instructions of the expressions among matchers. The
// error says that a Set may not have so many.
func (c *compiler) countRegexps(groups [][]*valueMatcher) error {
	for _, group := range groups {
		for _, m := range group {
			if m.kind != regexpMatcher {
				continue
			}
			if c.regexps += m.regexp.size; c.regexps > maxRegexpsOfSet {
				return text.RegexpError(fmt.Sprintf("the regular expressions of all rules together have more than %d steps", maxRegexpsOfSet))
			}
		}
	}
	return nil
}

// knownItem decides an item about a field whose values are known.
func (c *compiler) knownItem(item *Item, sc *scope, values []string) *boolExpr {
	switch {
	case item.Field == sc.denied:
		return exprFalse
	case item.Values[0].Kind == NullValue:
		return exprFalse
	case item.spec.exists:
		return constant(item.wantsPresence())
	case item.spec.fieldref:
		c.fail(sc.rule, item.Line, item.Column, ErrModifier, "%s: the field is the same for every event; there is nothing to compare", itemName(item))
		return c.unknown()
	}
	groups, err := item.matchers(c.set.options.Placeholders)
	if err == nil {
		err = c.countRegexps(groups)
	}
	if err != nil {
		c.fail(sc.rule, item.Line, item.Column, sentinelOf(err), "%s: %s", itemName(item), err)
		return c.unknown()
	}
	var t text.Forms
	for _, value := range values {
		t.Reset(value)
		if groupsFit(groups, &t) {
			return exprTrue
		}
	}
	return exprFalse
}

// groupsFit reports whether, of each group, a matcher fits.
func groupsFit(groups [][]*valueMatcher, t *text.Forms) bool {
	for _, group := range groups {
		if !slices.ContainsFunc(group, func(m *valueMatcher) bool { return m.match(t) }) {
			return false
		}
	}
	return true
}

// field returns the index of a field name.
func (c *compiler) field(name string) int {
	i, ok := c.set.fieldIDs[name]
	if !ok {
		i = len(c.set.fields)
		c.set.fieldIDs[name] = i
		c.set.fields = append(c.set.fields, name)
		c.builders = append(c.builders, newFieldIndexBuilder())
	}
	return i
}

// predicate returns the literal of the predicate with that key, and whether it
// is new.
func (c *compiler) predicate(key string, p fieldPredicate) (*boolExpr, bool) {
	n, ok := c.known[key]
	if !ok {
		n = len(c.set.predicates)
		c.known[key] = n
		c.set.predicates = append(c.set.predicates, p)
	}
	return &boolExpr{op: literalExpr, predicate: n}, !ok
}

// unknown stands for an item that cannot be compiled, so that what is left of
// the rule reports whether it applies at all.
func (c *compiler) unknown() *boolExpr {
	e, _ := c.predicate("unknown", fieldPredicate{})
	return e
}

// absent returns the expression that a field has no value. Sigma rules
// specification, "Special Field Values": null.
func (c *compiler) absent(field int, item *Item) *boolExpr {
	e, added := c.predicate(fmt.Sprintf("%d absent", field), fieldPredicate{field: field, kind: absentPredicate, item: item})
	if added {
		c.builders[field].index.absent = append(c.builders[field].index.absent, uint32(e.predicate))
	}
	return e
}

// value returns the expression that a value of the field fits: of each group
// any matcher.
func (c *compiler) value(field int, item *Item, groups [][]*valueMatcher) *boolExpr {
	keys := make([]string, 0, len(groups))
	for _, group := range groups {
		if len(group) == 0 {
			return exprFalse // a placeholder without values fits nothing
		}
		names := make([]string, len(group))
		for i, m := range group {
			names[i] = m.key
		}
		keys = append(keys, joinKeys(names))
	}
	key := strconv.Itoa(field) + " value " + joinKeys(keys)
	e, added := c.predicate(key, fieldPredicate{field: field, kind: valuePredicate, item: item})
	if added {
		c.builders[field].addPredicate(uint32(e.predicate), groups)
	}
	return e
}

// joinKeys returns one key for a set of keys, whatever their order: each with
// its length before it, so that no two sets share one.
func joinKeys(keys []string) string {
	slices.Sort(keys)
	var b strings.Builder
	for _, k := range slices.Compact(keys) {
		b.WriteString(strconv.Itoa(len(k)))
		b.WriteByte(':')
		b.WriteString(k)
	}
	return b.String()
}

// reference returns the expression that the field fits the fields that the item
// names. Sigma modifiers appendix, "fieldref".
func (c *compiler) reference(field int, item *Item, sc *scope) *boolExpr {
	args := make([]*boolExpr, len(item.Values))
	for i := range item.Values {
		p := fieldPredicate{field: field, kind: referencePredicate, item: item, place: item.spec.place, cased: item.spec.cased}
		p.other = c.field(c.set.options.fieldName(item.Values[i].Text, sc.source))
		args[i], _ = c.predicate(fmt.Sprintf("%d reference %d %d %t", field, p.other, p.place, p.cased), p)
	}
	if item.spec.all {
		return and(args...)
	}
	return or(args...)
}

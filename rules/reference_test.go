package rules_test

import (
	"slices"
	"strconv"
	"strings"

	"webshellscan/rules"
)

// This file is the slow, obvious twin of the matcher: it evaluates a parsed
// rule on one event, straight from the specification's words, one value at a
// time, with nothing prepared. It shares no code with the package.

// event is an event by field name. An absent key is a null field; several
// values are those of a multi-valued field.
type event map[string][]string

// evaluate reports whether a detection matches. Sigma rules specification,
// "Condition": several conditions are joined by OR.
func evaluate(d *rules.Detection, e event, placeholders map[string][]string) bool {
	var names []string
	for _, s := range d.Searches {
		names = append(names, s.Name)
	}
	search := func(name string) bool {
		return evaluateSearch(d.Searches[slices.Index(names, name)], e, placeholders)
	}
	for _, c := range d.Conditions {
		p := &slowCondition{words: slowWords(c.Text), names: names, search: search}
		if p.or() {
			return true
		}
	}
	return false
}

func slowWords(s string) []string {
	return strings.Fields(strings.NewReplacer("(", " ( ", ")", " ) ").Replace(s))
}

// slowCondition evaluates a condition while it reads it. It takes for granted
// that the condition is correct.
type slowCondition struct {
	words  []string
	names  []string
	search func(name string) bool
}

func (p *slowCondition) next() string {
	w := p.words[0]
	p.words = p.words[1:]
	return w
}

func (p *slowCondition) is(word string) bool {
	if len(p.words) > 0 && strings.EqualFold(p.words[0], word) {
		p.next()
		return true
	}
	return false
}

func (p *slowCondition) or() bool {
	result := p.and()
	for p.is("or") {
		right := p.and()
		result = result || right
	}
	return result
}

func (p *slowCondition) and() bool {
	result := p.not()
	for p.is("and") {
		right := p.not()
		result = result && right
	}
	return result
}

func (p *slowCondition) not() bool {
	if p.is("not") {
		return !p.not()
	}
	if p.is("(") {
		result := p.or()
		p.is(")")
		return result
	}
	word := p.next()
	if !p.is("of") {
		return p.search(word)
	}
	pattern := p.next()
	if pattern == "them" {
		pattern = "*"
	}
	meant, matched := 0, 0
	for _, name := range p.names {
		if strings.HasPrefix(name, "_") && !strings.HasPrefix(pattern, "_") || !slowGlob([]rune(pattern), []rune(name)) {
			continue
		}
		meant++
		if p.search(name) {
			matched++
		}
	}
	switch strings.ToLower(word) {
	case "all":
		return matched == meant
	case "any":
		return matched >= 1
	}
	n, _ := strconv.Atoi(word)
	return matched >= n
}

func slowGlob(pattern, s []rune) bool {
	if len(pattern) == 0 {
		return len(s) == 0
	}
	if pattern[0] == '*' {
		return slowGlob(pattern[1:], s) || len(s) > 0 && slowGlob(pattern, s[1:])
	}
	return len(s) > 0 && s[0] == pattern[0] && slowGlob(pattern[1:], s[1:])
}

func evaluateSearch(s *rules.Search, e event, placeholders map[string][]string) bool {
	for _, g := range s.Groups { // "Lists": OR
		all := true
		for _, item := range g.Items { // "Maps": AND
			all = evaluateItem(item, e, placeholders) && all
		}
		if all {
			return true
		}
	}
	return false
}

func evaluateItem(item *rules.Item, e event, placeholders map[string][]string) bool {
	has := func(m string) bool { return slices.Contains(item.Modifiers, m) }
	result := evaluatePlain(item, e, placeholders)
	return result != has("neq")
}

func evaluatePlain(item *rules.Item, e event, placeholders map[string][]string) bool {
	has := func(m string) bool { return slices.Contains(item.Modifiers, m) }
	contents := e[item.Field]
	if item.Field == "" { // "Keywords search": across the entire event
		for _, values := range e {
			contents = append(contents, values...)
		}
	}
	if item.Values[0].Kind == rules.NullValue {
		return len(contents) == 0
	}
	if has("exists") {
		return (len(contents) > 0) == strings.EqualFold(item.Values[0].Text, "true")
	}
	fits := func(v rules.Value, content string) bool {
		if has("fieldref") {
			return slices.ContainsFunc(e[v.Text], func(other string) bool { return slowReference(item, content, other) })
		}
		return slices.ContainsFunc(slowExpand(item, v.Text, placeholders), func(s string) bool {
			return slowValue(item, v, s, content)
		})
	}
	if !has("all") {
		return slices.ContainsFunc(contents, func(content string) bool {
			return slices.ContainsFunc(item.Values, func(v rules.Value) bool { return fits(v, content) })
		})
	}
	if item.Field == "" || has("fieldref") { // each of them somewhere
		return !slices.ContainsFunc(item.Values, func(v rules.Value) bool {
			return !slices.ContainsFunc(contents, func(content string) bool { return fits(v, content) })
		})
	}
	return slices.ContainsFunc(contents, func(content string) bool { // all of them in one content
		return !slices.ContainsFunc(item.Values, func(v rules.Value) bool { return !fits(v, content) })
	})
}

func slowReference(item *rules.Item, content, other string) bool {
	a, b := slowRunes(content), slowRunes(other)
	same := func(x, y []rune) bool {
		return len(x) == len(y) && slowEqual(x, y, slices.Contains(item.Modifiers, "cased"))
	}
	switch {
	case len(b) > len(a):
		return false
	case slices.Contains(item.Modifiers, "startswith"):
		return same(a[:len(b)], b)
	case slices.Contains(item.Modifiers, "endswith"):
		return same(a[len(a)-len(b):], b)
	case slices.Contains(item.Modifiers, "contains"):
		for i := 0; i+len(b) <= len(a); i++ {
			if same(a[i:i+len(b)], b) {
				return true
			}
		}
		return false
	}
	return same(a, b)
}

func slowEqual(a, b []rune, cased bool) bool {
	for i := range a {
		if a[i] < 0 && a[i] != b[i] || b[i] < 0 && a[i] != b[i] {
			return false
		}
		if a[i] != b[i] && (cased || !strings.EqualFold(string(a[i]), string(b[i]))) {
			return false
		}
	}
	return true
}

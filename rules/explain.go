package rules

import (
	"maps"
	"slices"

	"webshellscan/rules/internal/text"
)

// Explanation says how a rule matches a subject or fails to, part by part.
type Explanation struct {
	Rule    *Rule
	Matched bool
	Parts   []ExplainedPart // the rule's own detection, then those of the filters that tune it
}

// ExplainedPart says how one detection matches the subject or fails to.
type ExplainedPart struct {
	Rule       *Rule // the rule itself or a filter
	Conditions []ExplainedCondition
	Searches   []ExplainedSearch // those that a condition uses
}

// ExplainedCondition is a condition as written and whether it holds.
type ExplainedCondition struct {
	Text    string
	Matched bool
}

// ExplainedSearch is a search and whether it matches: it does if one of its
// groups does, and a group if all of its items do.
type ExplainedSearch struct {
	Name    string
	Matched bool
	Groups  []ExplainedGroup
}

// ExplainedGroup is one map of a search, or its keywords.
type ExplainedGroup struct {
	Matched bool
	Items   []ExplainedItem
}

// ExplainedItem is an item and whether it matches.
type ExplainedItem struct {
	Item    *Item
	Field   string // what the subject calls the field
	Matched bool

	// Known is set if the item was decided when the rule was compiled,
	// since its field has the same values in all events.
	Known bool

	// Values are the field's values, nil if it is absent. Of keywords, only
	// the values that fit are listed.
	Values []string

	// Hits lists, for each value in Values, the indices into Item.Values
	// that fit it.
	Hits [][]int
}

// Explain explains why a rule, given by its index in Set.Rules, matches the
// subject or does not. It is slow, caches nothing and agrees with Match.
func (m *Matcher) Explain(subject Subject, rule int) *Explanation {
	x := explainer{set: m.set, matcher: m, subject: subject, scope: m.set.compiled[rule].scope}
	r := m.set.rules[rule]
	out := &Explanation{Rule: r}
	part, matched := x.part(r, r.Detection)
	out.Parts = append(out.Parts, part)
	for _, f := range m.set.compiled[rule].filters {
		part, holds := x.part(f, f.Filter.Detection)
		out.Parts = append(out.Parts, part)
		matched = matched && holds == f.Filter.keepsOthers()
	}
	out.Matched = matched
	return out
}

// explainer evaluates one rule on one subject.
type explainer struct {
	set     *Set
	matcher *Matcher
	subject Subject
	scope   *scope
	text    text.Forms
}

// part evaluates a detection.
func (x *explainer) part(r *Rule, d *Detection) (ExplainedPart, bool) {
	part := ExplainedPart{Rule: r}
	explained := make(map[int]ExplainedSearch) // those that the conditions use
	search := func(i int) *boolExpr {
		if _, ok := explained[i]; !ok {
			explained[i] = x.search(d.Searches[i])
		}
		return constant(explained[i].Matched)
	}
	matched := false
	for _, c := range d.Conditions {
		holds := c.expr.over(search) == exprTrue
		part.Conditions = append(part.Conditions, ExplainedCondition{c.Text, holds})
		matched = matched || holds
	}
	for _, i := range slices.Sorted(maps.Keys(explained)) {
		part.Searches = append(part.Searches, explained[i])
	}
	return part, matched
}

func (x *explainer) search(s *Search) ExplainedSearch {
	out := ExplainedSearch{Name: s.Name}
	for _, g := range s.Groups {
		group := ExplainedGroup{Matched: true}
		for _, item := range g.Items {
			explained := x.item(item)
			group.Items = append(group.Items, explained)
			group.Matched = group.Matched && explained.Matched
		}
		out.Groups = append(out.Groups, group)
		out.Matched = out.Matched || group.Matched
	}
	return out
}

func (x *explainer) item(item *Item) ExplainedItem {
	out := ExplainedItem{Item: item, Field: x.set.options.fieldName(item.Field, x.scope.source)}
	var texts []string
	if known, ok := x.scope.source.Known[item.Field]; ok && item.Field != "" {
		out.Known, texts = true, known
	} else {
		texts = x.texts(x.set.fieldIDs[out.Field])
	}
	switch {
	case item.Values[0].Kind == NullValue:
		out.Values, out.Matched = texts, len(texts) == 0
	case item.spec.exists:
		out.Values, out.Matched = texts, (len(texts) > 0) == item.wantsPresence()
	case item.spec.fieldref:
		out.Values, out.Matched = texts, x.references(item)
	default:
		x.values(item, x.withAlso(out.Field, texts), &out)
	}
	if item.spec.neq {
		out.Matched = !out.Matched
	}
	return out
}

// withAlso adds the texts of the second field that an item about a field is
// asked of, each once.
func (x *explainer) withAlso(field string, texts []string) []string {
	if also, ok := x.set.options.also(field); ok {
		if index, asked := x.set.fieldIDs[also]; asked {
			for _, text := range x.texts(index) {
				if !slices.Contains(texts, text) {
					texts = append(texts, text)
				}
			}
		}
	}
	return texts
}

// texts returns the texts of a field's values, those of groups one by one and
// each once.
func (x *explainer) texts(field int) []string {
	var texts []string
	var members []ValueID
	for _, id := range x.subject.Values(nil, field) {
		grouper, ok := x.subject.(Grouper)
		if !ok || id&Unkept != 0 || id&Grouped == 0 {
			texts = append(texts, x.subject.Text(id))
			continue
		}
		members = grouper.Members(members[:0], id)
		for _, member := range members {
			if text := x.subject.Text(member); !slices.Contains(texts, text) {
				texts = append(texts, text)
			}
		}
	}
	return texts
}

// references evaluates an item of the modifier fieldref.
func (x *explainer) references(item *Item) bool {
	fits := func(v Value) bool {
		return x.matcher.refers(x.subject, &fieldPredicate{
			field: x.set.fieldIDs[x.set.options.fieldName(item.Field, x.scope.source)],
			other: x.set.fieldIDs[x.set.options.fieldName(v.Text, x.scope.source)],
			place: item.spec.place, cased: item.spec.cased,
		})
	}
	if item.spec.all {
		return !slices.ContainsFunc(item.Values, func(v Value) bool { return !fits(v) })
	}
	return slices.ContainsFunc(item.Values, fits)
}

// values evaluates an item on a field's values and lists what fits what.
func (x *explainer) values(item *Item, texts []string, out *ExplainedItem) {
	fitting := make([]bool, len(item.Values)) // on any of the field's values
	for _, s := range texts {
		hits := x.hits(item, s)
		for _, i := range hits {
			fitting[i] = true
		}
		if item.Field != "" || len(hits) > 0 {
			out.Values, out.Hits = append(out.Values, s), append(out.Hits, hits)
		}
		switch {
		case !item.spec.all:
			out.Matched = out.Matched || len(hits) > 0
		case item.Field != "":
			out.Matched = out.Matched || len(hits) == len(item.Values)
		}
	}
	if item.spec.all && item.Field == "" {
		out.Matched = !slices.Contains(fitting, false)
	}
}

// hits returns the indices of the item's values that fit a text.
func (x *explainer) hits(item *Item, s string) []int {
	var out []int
	x.text.Reset(s)
	for i := range item.Values {
		one := *item
		one.Values = item.Values[i : i+1]
		groups, err := one.matchers(x.set.options.Placeholders)
		if err != nil { // cannot be: the rule was compiled
			continue
		}
		for _, m := range groups[0] {
			if m.match(&x.text) {
				out = append(out, i)
				break
			}
		}
	}
	return out
}

package rules

import (
	"slices"
	"strings"
)

// Required returns texts of which a field has one in every event that the
// detection matches. ok is false if they are not known: a condition may hold
// without the field, or with a text that fits a pattern. The name of the field
// is compared without case.
func (d *Detection) Required(field string) (texts []string, ok bool) {
	all := conditionNode{op: orOp}
	for _, c := range d.Conditions {
		all.args = append(all.args, c.expr)
	}
	if texts, ok = d.required(&all, field); !ok {
		return nil, false
	}
	slices.Sort(texts)
	return slices.Compact(texts), true
}

// required is Required for a part of a condition.
func (d *Detection) required(n *conditionNode, field string) (texts []string, ok bool) {
	least := 1 // how many of the arguments hold, at least
	switch n.op {
	case notOp:
		return nil, false
	case refOp:
		return d.Searches[n.search].required(field)
	case andOp:
		least = len(n.args)
	case atLeastOp:
		least = n.n
	}
	free := 0 // arguments that hold whatever the field has
	for _, arg := range n.args {
		more, known := d.required(arg, field)
		switch {
		case !known:
			free++
		case n.op == andOp:
			return more, true
		}
		texts = append(texts, more...)
	}
	return texts, free < least
}

// required is Required for a search.
func (s *Search) required(field string) (texts []string, ok bool) {
	for _, g := range s.Groups {
		i := slices.IndexFunc(g.Items, func(item *Item) bool { return strings.EqualFold(item.Field, field) && item.isExact() })
		if i < 0 {
			return nil, false
		}
		for _, v := range g.Items[i].Values {
			texts = append(texts, v.Text)
		}
	}
	return texts, true
}

// isExact reports whether an item asks for whole texts and for nothing that has
// a meaning of its own.
func (item *Item) isExact() bool {
	return len(item.Modifiers) == 0 && !slices.ContainsFunc(item.Values, func(v Value) bool { return v.Kind == NullValue || strings.ContainsAny(v.Text, `*?\`) })
}

package rules

import (
	"strings"

	"webshellscan/rules/internal/text"
)

// detection reads a detection: its search identifiers and its conditions. name
// is what the part is called in messages. Sigma rules specification,
// "Detection".
func (d *document) detection(n *node, name string) *Detection {
	if n.kind != mapNode {
		d.fail(n, ErrType, "%s must be a map, not %s", name, n.what())
		return nil
	}
	det := &Detection{}
	var condition *node
	for i, key := range n.keys {
		value := n.items[i]
		switch key.text {
		case "condition":
			condition = value
		case "timeframe":
			// Belongs to the aggregations of old rules, which the
			// condition's parser refuses where they are used.
			d.warn(key, ErrCondition, "timeframe has no meaning without an aggregation; use a correlation rule")
		default:
			det.Searches = append(det.Searches, d.search(key, value))
		}
	}
	if condition == nil {
		d.fail(n, ErrMissing, "%s has no condition", name)
		return det
	}
	d.conditions(det, condition)
	return det
}

// conditions reads one condition or a list of them. Sigma rules specification,
// "Condition": a list is joined by OR.
func (d *document) conditions(det *Detection, n *node) {
	list := []*node{n}
	if n.kind == listNode {
		list = n.items
	}
	if len(list) == 0 {
		d.fail(n, ErrCondition, "the list of conditions is empty")
	}
	names := make([]string, len(det.Searches))
	for i, s := range det.Searches {
		names[i] = s.Name
	}
	for _, item := range list {
		if item.kind != scalarNode || item.isNull() {
			d.fail(item, ErrType, "a condition must be a string, not %s", item.what())
			continue
		}
		expr, err := parseCondition(item.text, names)
		if err != nil {
			d.failAt(item.line, item.column, ErrCondition, "condition: %s", err)
			continue
		}
		det.Conditions = append(det.Conditions, &Condition{Text: item.text, Line: item.line, Column: item.column, expr: expr})
	}
}

// search reads one search identifier. Sigma rules specification,
// "Search-Identifier", "Lists" and "Maps": a map is joined by AND; a list of
// maps by OR; a list of plain values are keywords. Lists that mix both are read
// as pySigma does, joined by OR.
func (d *document) search(key, value *node) *Search {
	s := &Search{Name: key.text, Line: key.line, Column: key.column}
	switch {
	case value.kind == mapNode:
		s.Groups = d.group(s.Groups, value)
	case value.kind == listNode:
		var keywords []*node
		for _, item := range value.items {
			switch item.kind {
			case mapNode:
				s.Groups = d.group(s.Groups, item)
			case scalarNode:
				keywords = append(keywords, item)
			default:
				d.fail(item, ErrType, "search %s: a list may hold maps and keywords, not lists", text.Quote(s.Name))
			}
		}
		if len(keywords) > 0 {
			s.Groups = append(s.Groups, &Group{Items: d.item(nil, key, "", keywords)})
		}
		if len(value.items) == 0 {
			d.fail(value, ErrValue, "search %s is an empty list", text.Quote(s.Name))
		}
	case value.isNull():
		d.fail(key, ErrType, "search %s is empty", text.Quote(s.Name))
	default:
		s.Groups = append(s.Groups, &Group{Items: d.item(nil, key, "", []*node{value})})
	}
	return s
}

// group appends the group that a map stands for.
func (d *document) group(groups []*Group, n *node) []*Group {
	if len(n.keys) == 0 {
		d.fail(n, ErrValue, "a search must not be an empty map")
		return groups
	}
	g := &Group{Items: make([]*Item, 0, len(n.keys))}
	for i, key := range n.keys {
		value := n.items[i]
		values := []*node{value}
		switch value.kind {
		case listNode:
			values = value.items
			if len(values) == 0 {
				d.fail(value, ErrValue, "%s has an empty list of values", text.Quote(key.text))
				continue
			}
		case mapNode:
			d.fail(value, ErrType, "the value of %s must not be a map", text.Quote(key.text))
			continue
		}
		g.Items = d.item(g.Items, key, key.text, values)
	}
	return append(groups, g)
}

// item appends the item of a field with its modifiers and values, unless they
// do not fit each other.
func (d *document) item(items []*Item, at *node, key string, values []*node) []*Item {
	field, rest, hasModifiers := strings.Cut(key, "|")
	item := &Item{Field: field, Line: at.line, Column: at.column, Values: make([]Value, 0, len(values))}
	if hasModifiers {
		item.Modifiers = strings.Split(rest, "|")
	}
	before := len(d.errs)
	for _, v := range values {
		if v.kind != scalarNode {
			d.fail(v, ErrType, "%s: a value must be a string, a number, a boolean or null, not %s", text.Quote(key), v.what())
			continue
		}
		item.Values = append(item.Values, Value{Kind: v.value, Text: v.text, Line: v.line, Column: v.column})
	}
	if len(d.errs) > before {
		return items
	}
	d.checkItem(item)
	return append(items, item)
}

// filter reads the filter part of a filter document. Sigma filters
// specification, "Global Filter".
func (d *document) filter(n *node) *Filter {
	if n.kind != mapNode {
		d.fail(n, ErrType, "filter must be a map, not %s", n.what())
		return nil
	}
	f := &Filter{Line: n.line, Column: n.column}
	rules := n.get("rules")
	switch {
	case rules == nil:
		d.fail(n, ErrMissing, "filter names no rules")
	case rules.kind == scalarNode && (rules.text == "any" || rules.text == "all"):
		// pySigma's way to name every rule of the log source; the
		// specification has only lists.
	default:
		f.Rules = d.stringsAt(rules, "filter rules")
		if len(f.Rules) == 0 {
			d.fail(rules, ErrMissing, "filter names no rules")
		}
	}
	f.Detection = d.detection(withoutKey(n, "rules"), "filter")
	if f.Detection != nil && len(f.Detection.Searches) == 0 {
		d.fail(n, ErrMissing, "filter has no selection")
	}
	return f
}

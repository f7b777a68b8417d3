package rules

import (
	"strconv"
	"strings"
	"time"

	"webshellscan/rules/internal/text"
)

// correlation reads the correlation part of a document. generate is the
// attribute of that name beside it, or nil. Sigma correlation rules
// specification, "Correlation section".
func (d *document) correlation(n, generate *node) *Correlation {
	if n.kind != mapNode {
		d.fail(n, ErrType, "correlation must be a map, not %s", n.what())
		return nil
	}
	c := &Correlation{Percentile: -1, Line: n.line, Column: n.column}
	var condition *node
	for i, key := range n.keys {
		value := n.items[i]
		switch key.text {
		case "type":
			c.Type = d.correlationType(value)
		case "rules":
			c.Rules = d.stringsAt(value, "correlation rules")
		case "group-by":
			c.GroupBy = d.stringsAt(value, "group-by")
		case "timespan", "timeframe":
			c.Timespan = d.timespan(value)
		case "aliases":
			c.Aliases = d.aliases(value)
		case "condition":
			condition = value
		case "generate":
			generate = value // where pySigma has it
		}
	}
	if condition != nil {
		d.correlationCondition(c, condition)
	}
	if generate != nil {
		if generate.kind != scalarNode || generate.value != BoolValue {
			d.fail(generate, ErrType, "generate must be true or false, not %s", generate.what())
		}
		c.Generate = strings.EqualFold(generate.text, "true")
	}
	d.checkCorrelation(c, n, condition != nil)
	return c
}

// checkCorrelation checks what each type requires. Sigma correlation rules
// specification, "Correlation Types"; the JSON schema does not ask for group-by
// in general, and events without one simply make one group.
func (d *document) checkCorrelation(c *Correlation, n *node, hasCondition bool) {
	const maxRules = 64
	switch {
	case n.get("type") == nil:
		d.fail(n, ErrMissing, "correlation has no type")
	case len(c.Rules) == 0:
		d.fail(n, ErrMissing, "correlation names no rules")
	case len(c.Rules) > maxRules:
		d.fail(n, ErrTooLarge, "correlation names %d rules; it may name %d", len(c.Rules), maxRules)
	case n.get("timespan") == nil && n.get("timeframe") == nil:
		d.fail(n, ErrMissing, "correlation has no timespan")
	}
	switch c.Type {
	case Temporal, TemporalOrdered:
	case EventCount:
		if !hasCondition {
			d.fail(n, ErrMissing, "correlation of type %s has no condition", c.Type)
		}
	default:
		if !hasCondition || len(c.Fields) == 0 {
			d.fail(n, ErrMissing, "correlation of type %s needs a condition with a field", c.Type)
		}
		if len(c.Fields) > 1 && c.Type != ValueCount {
			d.fail(n, ErrValue, "correlation of type %s takes one field", c.Type)
		}
	}
	if c.Percentile >= 0 && c.Type != ValuePercentile {
		d.fail(n, ErrValue, "only correlations of type %s have a percentile", ValuePercentile)
	}
}

func (d *document) correlationType(n *node) CorrelationType {
	name := d.stringAt(n, "correlation type")
	switch t := CorrelationType(name); t {
	case EventCount, ValueCount, Temporal, TemporalOrdered, ValueSum, ValueAvg, ValuePercentile, ValueMedian:
		return t
	}
	d.fail(n, ErrValue, "unknown correlation type %s", text.Quote(name))
	return ""
}

// timespan reads a number and a unit. Sigma correlation rules specification,
// "Time Selection": s, m, h, d. pySigma also has w, M and y, of which only the
// week has a fixed length.
func (d *document) timespan(n *node) time.Duration {
	span := d.stringAt(n, "timespan")
	units := map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour, "w": 7 * 24 * time.Hour}
	const longest = 10 * 366 * 24 * time.Hour
	if span != "" {
		unit, known := units[span[len(span)-1:]]
		count, err := strconv.ParseUint(span[:len(span)-1], 10, 32)
		if known && err == nil && count > 0 && time.Duration(count) <= longest/unit {
			return time.Duration(count) * unit
		}
	}
	d.fail(n, ErrValue, "timespan %s is not a number of at most ten years with a unit s, m, h, d or w", text.Quote(span))
	return 0
}

// aliases reads the field name aliases. Sigma correlation rules specification,
// "Field Name Aliases".
func (d *document) aliases(n *node) []Alias {
	if n.kind != mapNode {
		d.fail(n, ErrType, "aliases must be a map, not %s", n.what())
		return nil
	}
	out := make([]Alias, 0, len(n.keys))
	for i, key := range n.keys {
		value := n.items[i]
		if value.kind != mapNode {
			d.fail(value, ErrType, "alias %s must be a map of rules to fields, not %s", text.Quote(key.text), value.what())
			continue
		}
		alias := Alias{Name: key.text}
		for j, rule := range value.keys {
			alias.Fields = append(alias.Fields, AliasField{Rule: rule.text, Field: d.stringAt(value.items[j], "alias field")})
		}
		out = append(out, alias)
	}
	return out
}

// correlationCondition reads a correlation's condition. Sigma correlation rules
// specification, "Condition": one criterion, or several that must all hold.
func (d *document) correlationCondition(c *Correlation, n *node) {
	if n.kind != mapNode {
		d.fail(n, ErrType, "the condition of a correlation must be a map such as gte: 10, not %s", n.what())
		return
	}
	for i, key := range n.keys {
		value := n.items[i]
		switch key.text {
		case "gt", "gte", "lt", "lte", "eq", "neq":
			if number, ok := d.numberAt(value, key.text); ok {
				c.Bounds = append(c.Bounds, Bound{Op: key.text, Value: number})
			}
		case "field":
			if value.kind == listNode {
				c.Fields = d.stringsAt(value, "field")
			} else if field := d.stringAt(value, "field"); field != "" {
				c.Fields = []string{field}
			}
		case "percentile":
			if number, ok := d.numberAt(value, key.text); ok {
				c.Percentile = number
				if number < 0 || number > 100 {
					d.fail(value, ErrValue, "percentile %s is not between 0 and 100", text.Quote(value.text))
				}
			}
		default:
			d.fail(key, ErrValue, "unknown criterion %s: gt, gte, lt, lte, eq, neq, field or percentile", text.Quote(key.text))
		}
	}
	if len(c.Bounds) == 0 {
		d.fail(n, ErrMissing, "the condition of a correlation has no criterion")
	}
}

func (d *document) numberAt(n *node, name string) (float64, bool) {
	if n.kind == scalarNode && n.value == NumberValue {
		if number, ok := parseYAMLNumber(n.text); ok {
			return number.float, true
		}
	}
	d.fail(n, ErrType, "%s must be a number, not %s", name, n.what())
	return 0, false
}

// keepsBounds reports whether a value keeps all bounds.
func keepsBounds(bounds []Bound, value float64) bool {
	for _, b := range bounds {
		ok := false
		switch b.Op {
		case "gt":
			ok = value > b.Value
		case "gte":
			ok = value >= b.Value
		case "lt":
			ok = value < b.Value
		case "lte":
			ok = value <= b.Value
		case "eq":
			ok = value == b.Value
		case "neq":
			ok = value != b.Value
		}
		if !ok {
			return false
		}
	}
	return true
}

package rules

import (
	"fmt"
	"slices"
	"strings"

	"webshellscan/rules/internal/text"
)

// placement is where a value is expected in a field's content.
type placement uint8

const (
	wholeField placement = iota
	anywhere             // contains
	atStart              // startswith
	atEnd                // endswith
)

// modifierSet are the modifiers of an item, parsed. Sigma modifiers appendix.
type modifierSet struct {
	place     placement
	all       bool // values joined by AND
	cased     bool
	windash   bool
	neq       bool // the item is negated
	exists    bool
	expand    bool
	fieldref  bool
	cidr      bool
	re        bool
	flags     string   // of re: any of i, m, s
	encodings []string // utf16le, utf16be, utf16, base64, base64offset, in order
	compare   string   // lt, lte, gt, gte or ""
	part      string   // minute, hour, day, week, month, year or ""
}

// modifierClass is a kind of modifier, as a bit.
type modifierClass uint16

const (
	existsClass   modifierClass = 1 << iota
	regexpClass                 // re
	flagClass                   // i, m, s
	cidrClass                   // cidr
	compareClass                // lt, lte, gt, gte
	timeClass                   // minute to year
	fieldrefClass               // fieldref
	placeClass                  // contains, startswith, endswith
	windashClass                // windash
	encodingClass               // utf16 and its kin, base64, base64offset
	casedClass                  // cased
	linkClass                   // all, neq: they concern the item, not its values
	expandClass                 // expand
)

// classOf is the class of every modifier of the appendix.
var classOf = map[string]modifierClass{
	"exists": existsClass, "re": regexpClass, "i": flagClass, "m": flagClass, "s": flagClass, "cidr": cidrClass,
	"lt": compareClass, "lte": compareClass, "gt": compareClass, "gte": compareClass,
	"minute": timeClass, "hour": timeClass, "day": timeClass, "week": timeClass, "month": timeClass, "year": timeClass,
	"fieldref": fieldrefClass, "contains": placeClass, "startswith": placeClass, "endswith": placeClass, "windash": windashClass,
	"base64": encodingClass, "base64offset": encodingClass, "wide": encodingClass,
	"utf16": encodingClass, "utf16le": encodingClass, "utf16be": encodingClass,
	"cased": casedClass, "all": linkClass, "neq": linkClass, "expand": expandClass,
}

// companions are the classes that may stand beside a class. The specification
// has no table; this one follows from the type of value that each modifier
// takes and returns ("Modifier Types"), as in pySigma.
var companions = map[modifierClass]modifierClass{
	existsClass:   0,
	regexpClass:   flagClass | placeClass | linkClass | expandClass,
	flagClass:     regexpClass | flagClass | placeClass | linkClass | expandClass,
	cidrClass:     linkClass | expandClass,
	compareClass:  timeClass | linkClass | expandClass,
	timeClass:     compareClass | linkClass | expandClass,
	fieldrefClass: placeClass | linkClass | casedClass,
	placeClass:    regexpClass | flagClass | fieldrefClass | windashClass | encodingClass | casedClass | linkClass | expandClass,
	windashClass:  placeClass | encodingClass | casedClass | linkClass | expandClass,
	encodingClass: placeClass | windashClass | encodingClass | casedClass | linkClass | expandClass,
	casedClass:    placeClass | windashClass | encodingClass | fieldrefClass | linkClass | expandClass,
	linkClass:     ^existsClass,
	expandClass:   ^(existsClass | fieldrefClass),
}

// parseModifiers parses a chain of modifiers. Sigma modifiers appendix; Sigma
// rules specification, "Value Modifiers": they are applied in the given order,
// so an order in which one would undo or miss the other is an error.
func parseModifiers(names []string) (modifierSet, error) {
	var m modifierSet
	for i, name := range names {
		if classOf[name] == 0 {
			return m, fmt.Errorf("unknown modifier %s", text.Quote(name))
		}
		if slices.Contains(names[:i], name) {
			return m, fmt.Errorf("modifier %s given twice", name)
		}
		for _, before := range names[:i] {
			if err := checkPair(before, name); err != nil {
				return m, err
			}
		}
		m.set(name)
	}
	if m.flags != "" && !m.re {
		return m, fmt.Errorf("modifier %c belongs to re and must follow it", m.flags[0])
	}
	return m, nil
}

// checkPair refuses two modifiers that do not go together, or not in that
// order.
func checkPair(before, after string) error {
	first, second := classOf[before], classOf[after]
	switch {
	case companions[first]&second == 0:
		return fmt.Errorf("modifiers %s and %s cannot be combined", before, after)
	case first == flagClass && second == regexpClass:
		return fmt.Errorf("modifier %s belongs to re and must follow it", before)
	case first == placeClass && second&(encodingClass|regexpClass|flagClass) != 0, first == encodingClass && second == windashClass:
		return fmt.Errorf("modifier %s must come before %s", after, before)
	}
	return nil
}

// set records one modifier.
func (m *modifierSet) set(name string) {
	switch name {
	case "contains":
		m.place = anywhere
	case "startswith":
		m.place = atStart
	case "endswith":
		m.place = atEnd
	case "all":
		m.all = true
	case "cased":
		m.cased = true
	case "windash":
		m.windash = true
	case "neq":
		m.neq = true
	case "exists":
		m.exists = true
	case "expand":
		m.expand = true
	case "fieldref":
		m.fieldref = true
	case "cidr":
		m.cidr = true
	case "re":
		m.re = true
	case "i", "m", "s":
		m.flags += name
	case "wide":
		m.encodings = append(m.encodings, "utf16le")
	case "utf16", "utf16le", "utf16be", "base64", "base64offset":
		m.encodings = append(m.encodings, name)
	case "lt", "lte", "gt", "gte":
		m.compare = name
	default:
		m.part = name
	}
}

// checkItem parses an item's modifiers and checks them against the field and
// the values.
func (d *document) checkItem(item *Item) {
	at := &node{line: item.Line, column: item.Column}
	spec, err := parseModifiers(item.Modifiers)
	if err != nil {
		d.fail(at, ErrModifier, "%s: %s", itemName(item), err)
		return
	}
	item.spec = spec
	if item.Field == "" && (spec.exists || spec.fieldref || spec.cidr || spec.compare != "" || spec.part != "") {
		d.fail(at, ErrModifier, "%s: this modifier needs a field", itemName(item))
		return
	}
	if spec.all && len(item.Values) < 2 {
		// Sigma modifiers appendix, "Generic Modifiers": not allowed,
		// since some backends cannot do it. This one can.
		d.warn(at, ErrModifier, "%s: modifier all with a single value", itemName(item))
	}
	for i := range item.Values {
		if err := checkValue(item, &item.Values[i]); err != nil {
			v := &item.Values[i]
			d.failAt(v.Line, v.Column, sentinelOf(err), "%s: %s", itemName(item), err)
		}
	}
}

// itemName returns an item's field and modifiers as written.
func itemName(item *Item) string {
	if len(item.Modifiers) == 0 {
		if item.Field == "" {
			return "keywords"
		}
		return item.Field
	}
	return item.Field + "|" + strings.Join(item.Modifiers, "|")
}

// checkValue checks one value of an item. What placeholders stand for is
// checked when the rule is compiled.
func checkValue(item *Item, v *Value) error {
	spec := &item.spec
	switch {
	case v.Kind == NullValue && item.Field == "":
		return fmt.Errorf("a keyword must not be null")
	case v.Kind == NullValue && len(item.Values) > 1:
		// Sigma rules specification, "Special Field Values".
		return fmt.Errorf("null cannot be part of a list of values; give it a search of its own")
	case v.Kind == NullValue && (len(item.Modifiers) > 1 || len(item.Modifiers) == 1 && !spec.neq):
		return fmt.Errorf("modifiers cannot be applied to null")
	case v.Kind == NullValue:
		return nil
	case spec.exists && (v.Kind != BoolValue || len(item.Values) != 1):
		return fmt.Errorf("modifier exists takes true or false")
	case spec.exists:
		return nil
	case spec.fieldref:
		return checkFieldref(v)
	case spec.expand:
		return nil
	case (spec.compare != "" || spec.part != "") && v.Kind != NumberValue:
		return fmt.Errorf("%s is not a number", text.Quote(v.Text))
	case !spec.re && !spec.cidr && spec.compare == "" && spec.part == "" && len(spec.encodings) == 0:
		return nil // a plain pattern; every text is one
	}
	if spec.re {
		var err error
		v.expression, err = newExpression(spec, v.Text)
		return err
	}
	_, err := newMatchers(item, v, v.Text)
	return err
}

// checkFieldref checks the name of a field to compare with.
func checkFieldref(v *Value) error {
	if v.Kind != StringValue || v.Text == "" {
		return fmt.Errorf("modifier fieldref takes the name of a field")
	}
	if strings.ContainsAny(v.Text, "*?") {
		return fmt.Errorf("the name of a field must not have wildcards")
	}
	return nil
}

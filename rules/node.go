package rules

import (
	"fmt"
)

// nodeKind is the shape of a YAML node.
type nodeKind uint8

const (
	scalarNode nodeKind = iota
	mapNode
	listNode
)

// node is a YAML node with aliases resolved: all that the rest of the package
// sees of YAML.
type node struct {
	kind   nodeKind
	value  ValueKind // of a scalar
	text   string    // of a scalar
	line   int       // in the file, counted from 1
	column int       // counted from 1
	keys   []*node   // of a map, scalars
	items  []*node   // of a list; of a map, the values to keys
}

// get returns the value of a key, or nil.
func (n *node) get(key string) *node {
	for i, k := range n.keys {
		if k.text == key {
			return n.items[i]
		}
	}
	return nil
}

// weight returns the number of nodes at and below this one.
func (n *node) weight() int {
	sum := 1 + len(n.keys)
	for _, item := range n.items {
		sum += item.weight()
	}
	return sum
}

// isNull reports whether the node is an explicit or implicit null.
func (n *node) isNull() bool { return n.kind == scalarNode && n.value == NullValue }

// what names the node's type for messages.
func (n *node) what() string {
	switch {
	case n.kind == mapNode:
		return "a map"
	case n.kind == listNode:
		return "a list"
	case n.value == NullValue:
		return "null"
	case n.value == BoolValue:
		return "a boolean"
	case n.value == NumberValue:
		return "a number"
	}
	return "a string"
}

// document collects the errors about one YAML document while its nodes are
// read.
type document struct {
	file     string
	errs     []error
	warnings []*ParseError
}

// maxErrorsPerDocument bounds the errors about one document; past it more would
// not help.
const maxErrorsPerDocument = 50

// fail records an error at a node.
func (d *document) fail(at *node, err error, format string, args ...any) {
	d.failAt(at.line, at.column, err, format, args...)
}

// failAt records an error at a position.
func (d *document) failAt(line, column int, err error, format string, args ...any) {
	if len(d.errs) < maxErrorsPerDocument {
		d.errs = append(d.errs, &ParseError{d.file, line, column, fmt.Sprintf(format, args...), err})
	}
}

// warn records a departure from the specification that does not keep the rule
// from working.
func (d *document) warn(at *node, err error, format string, args ...any) {
	if len(d.warnings) < maxErrorsPerDocument {
		d.warnings = append(d.warnings, &ParseError{d.file, at.line, at.column, fmt.Sprintf(format, args...), err})
	}
}

// stringAt returns the text of a scalar attribute; null is "". Anything but a
// scalar is an error.
func (d *document) stringAt(n *node, name string) string {
	if n.kind != scalarNode {
		d.fail(n, ErrType, "%s must be a string, not %s", name, n.what())
		return ""
	}
	if n.isNull() {
		return ""
	}
	return n.text
}

// stringsAt returns the texts of a list attribute. A scalar stands for a list
// of one, with a warning unless it is null.
func (d *document) stringsAt(n *node, name string) []string {
	switch {
	case n.isNull():
		return nil
	case n.kind == scalarNode:
		d.warn(n, ErrType, "%s should be a list", name)
		return []string{n.text}
	case n.kind == mapNode:
		d.fail(n, ErrType, "%s must be a list, not a map", name)
		return nil
	}
	texts := make([]string, 0, len(n.items))
	for _, item := range n.items {
		if item.kind != scalarNode {
			d.fail(item, ErrType, "%s must be a list of strings; this is %s", name, item.what())
			continue
		}
		if !item.isNull() {
			texts = append(texts, item.text)
		}
	}
	return texts
}

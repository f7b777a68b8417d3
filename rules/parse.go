package rules

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"webshellscan/internal/work"
	"webshellscan/rules/internal/text"
)

// Limits on what a rule file may be. SigmaHQ's longest rule has 40 KB, its
// longest file with all rules in one 12 MB.
const (
	maxFileSize     = 16 << 20 // bytes
	maxDocumentSize = 1 << 20  // bytes; bounds the YAML reader's memory, which is up to 100 times that
	maxDocuments    = 20_000   // in a file
	maxNodes        = 200_000  // in a document, aliases resolved
	maxDepth        = 32       // of nested lists and maps
)

// Parse reads the YAML documents of one file and returns the rules in them, in
// order. file is only for messages and Rule.File.
//
// Every error is a *ParseError; a document with an error costs itself only, the
// others are returned. Several errors may concern one document. Calls are
// independent of each other and may run at the same time; data is not kept.
//
// Several documents, and the actions global, reset and repeat of old rule
// collections, are joined as pySigma does it.
func Parse(file string, data []byte) ([]*Rule, []error) {
	found, errs, _ := parse(file, data)
	return found, errs
}

// parse is Parse, and also returns how many documents have errors.
func parse(file string, data []byte) (found []*Rule, errs []error, failed int) {
	r := ruleReader{file: file}
	readDocuments(file, data, r.add)
	return r.end()
}

// ruleReader reads the rules of one file, document by document.
type ruleReader struct {
	file       string
	collection collection
	found      []*Rule
	errs       []error
	failed     int // documents with errors
}

// add reads the rules in what readDocuments gives.
func (r *ruleReader) add(nodes []*node, err error) {
	if err != nil {
		r.errs = append(r.errs, err)
		r.failed++
	}
	for _, n := range nodes {
		doc := &document{file: r.file}
		if n = r.collection.next(doc, n); n != nil {
			if rule := parseRule(doc, n); rule != nil {
				r.found = append(r.found, rule)
			}
		}
		if len(doc.errs) > 0 {
			r.errs = append(r.errs, doc.errs...)
			r.failed++
		}
	}
}

// end returns what parse does.
func (r *ruleReader) end() (found []*Rule, errs []error, failed int) {
	if len(r.found) == 0 && len(r.errs) == 0 && r.collection.global == nil {
		return nil, []error{&ParseError{r.file, 0, 0, "no Sigma document in this file", ErrNotRule}}, 1
	}
	return r.found, r.errs, r.failed
}

// readDocuments calls add for each part of a YAML stream, with its documents
// and why it could not be read further.
func readDocuments(file string, data []byte, add func([]*node, error)) {
	if len(data) > maxFileSize {
		add(nil, tooLarge(file, int64(len(data))))
		return
	}
	data = bytes.TrimPrefix(data, []byte("\xEF\xBB\xBF"))
	if line := invalidUTF8Line(data); line != 0 {
		add(nil, &ParseError{file, line, 0, "not UTF-8", ErrYAML})
		return
	}
	for _, part := range splitDocuments(data) {
		if part.number > maxDocuments {
			add(nil, &ParseError{file, part.line, 0, fmt.Sprintf("more than %d documents", maxDocuments), ErrTooLarge})
			return
		}
		add(readDocument(file, part))
	}
}

// tooLarge is the error for a file over the limit.
func tooLarge(file string, size int64) error {
	return &ParseError{file, 0, 0, fmt.Sprintf("%d bytes; a rule file may have %d", size, maxFileSize), ErrTooLarge}
}

// invalidUTF8Line returns the line of the first byte that is not UTF-8, or 0.
func invalidUTF8Line(data []byte) int {
	if utf8.Valid(data) {
		return 0
	}
	line := 1
	for len(data) > 0 {
		r, size := utf8.DecodeRune(data)
		if r == utf8.RuneError && size == 1 {
			return line
		}
		if r == '\n' {
			line++
		}
		data = data[size:]
	}
	return 0
}

// readDocument returns the nodes of one part of the stream: mostly one
// document, more if it holds explicit document ends ("..."). What was read
// before an error is returned with it.
func readDocument(file string, part documentPart) (nodes []*node, err error) {
	if len(part.data) > maxDocumentSize {
		reason := fmt.Sprintf("%d bytes in one document; it may have %d", len(part.data), maxDocumentSize)
		return nil, &ParseError{file, part.line, 0, reason, ErrTooLarge}
	}
	// The YAML reader reports its own faults by panicking. One bad document
	// must not take the others with it.
	fault := work.Guard(func() {
		err = decodeDocument(file, part, func(n *node) { nodes = append(nodes, n) })
	})
	if p, ok := errors.AsType[*work.Panic](fault); ok {
		err = &ParseError{file, part.line, 0, fmt.Sprintf("the YAML reader gave up: %v", p.Value), ErrYAML}
	}
	return nodes, err
}

// decodeDocument calls add for each node that readDocument returns.
func decodeDocument(file string, part documentPart, add func(*node)) error {
	dec := yaml.NewDecoder(bytes.NewReader(part.data))
	for {
		var root yaml.Node
		if err := dec.Decode(&root); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return yamlError(file, part, err)
		}
		if len(root.Content) == 0 {
			continue
		}
		c := converter{file: file, lines: part.line - 1, left: maxNodes}
		n, err := c.convert(root.Content[0], 0)
		if err != nil {
			return err
		}
		if n.isNull() {
			continue // an empty document, such as after a closing "---"
		}
		add(n)
	}
}

// yamlError turns an error of the YAML reader into one with a position in the
// file, that of the part if the reader names none.
func yamlError(file string, part documentPart, err error) error {
	at := &ParseError{file, part.line, 1, "not valid YAML: " + err.Error(), ErrYAML}
	if problem, ok := errors.AsType[*yaml.LoadError](err); ok {
		at.Reason = "not valid YAML: " + problem.Message
		if problem.Mark.Line > 0 {
			at.Line, at.Column = part.line-1+problem.Mark.Line, problem.Mark.Column
		}
		if begins := problem.ContextMark.Line; begins > 0 && begins < problem.Mark.Line {
			at.Reason += fmt.Sprintf(" (%s from line %d on)", problem.ContextMsg, part.line-1+begins)
		}
	}
	return at
}

// converter turns the YAML reader's nodes into the package's own: aliases and
// merge keys resolved, positions counted in the file, size and depth limited. A
// document that aliases itself or multiplies by aliases runs out of its limits.
type converter struct {
	file  string
	lines int // to add to line numbers
	left  int // nodes that may still be made
}

func (c *converter) fail(n *yaml.Node, err error, reason string) error {
	return &ParseError{c.file, n.Line + c.lines, n.Column, reason, err}
}

func (c *converter) convert(n *yaml.Node, depth int) (*node, error) {
	if c.left--; c.left < 0 {
		return nil, c.fail(n, ErrTooLarge, fmt.Sprintf("more than %d values with aliases resolved", maxNodes))
	}
	if depth > maxDepth {
		return nil, c.fail(n, ErrTooLarge, fmt.Sprintf("lists and maps nested more than %d deep", maxDepth))
	}
	switch n.Kind {
	case yaml.AliasNode:
		return c.convert(n.Alias, depth+1)
	case yaml.ScalarNode:
		return &node{kind: scalarNode, value: scalarKind(n), text: n.Value, line: n.Line + c.lines, column: n.Column}, nil
	case yaml.SequenceNode:
		list := &node{kind: listNode, line: n.Line + c.lines, column: n.Column, items: make([]*node, 0, len(n.Content))}
		for _, item := range n.Content {
			converted, err := c.convert(item, depth+1)
			if err != nil {
				return nil, err
			}
			list.items = append(list.items, converted)
		}
		return list, nil
	case yaml.MappingNode:
		return c.convertMap(n, depth)
	}
	return nil, c.fail(n, ErrYAML, "unexpected YAML node")
}

func (c *converter) convertMap(n *yaml.Node, depth int) (*node, error) {
	m := &node{kind: mapNode, line: n.Line + c.lines, column: n.Column}
	m.keys = make([]*node, 0, len(n.Content)/2)
	m.items = make([]*node, 0, len(n.Content)/2)
	seen := make(map[string]bool, len(n.Content)/2)
	var merges []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].ShortTag() == "!!merge" {
			merges = append(merges, n.Content[i+1])
			continue
		}
		key, err := c.convert(n.Content[i], depth+1)
		if err != nil {
			return nil, err
		}
		if key.kind != scalarNode {
			return nil, c.fail(n.Content[i], ErrYAML, "a key must be a string")
		}
		if seen[key.text] {
			return nil, c.fail(n.Content[i], ErrYAML, "key "+text.Quote(key.text)+" given twice")
		}
		seen[key.text] = true
		item, err := c.convert(n.Content[i+1], depth+1)
		if err != nil {
			return nil, err
		}
		m.keys, m.items = append(m.keys, key), append(m.items, item)
	}
	for _, from := range merges {
		if err := c.merge(m, seen, from, depth); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// merge adds the entries of a merge key's value, a map or a list of maps, that
// the map does not have yet.
func (c *converter) merge(into *node, seen map[string]bool, from *yaml.Node, depth int) error {
	converted, err := c.convert(from, depth+1)
	if err != nil {
		return err
	}
	maps := []*node{converted}
	if converted.kind == listNode {
		maps = converted.items
	}
	for _, m := range maps {
		if m.kind != mapNode {
			return c.fail(from, ErrYAML, "only maps can be merged")
		}
		for i, key := range m.keys {
			if !seen[key.text] {
				seen[key.text] = true
				into.keys, into.items = append(into.keys, key), append(into.items, m.items[i])
			}
		}
	}
	return nil
}

// scalarKind returns the type of a scalar by YAML 1.2's core schema as the YAML
// reader resolves it. Dates are strings.
func scalarKind(n *yaml.Node) ValueKind {
	switch n.ShortTag() {
	case "!!int", "!!float":
		return NumberValue
	case "!!bool":
		return BoolValue
	case "!!null":
		return NullValue
	}
	return StringValue
}

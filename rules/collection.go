package rules

import (
	"bytes"

	"webshellscan/rules/internal/text"
)

// documentPart is the text of one document of a YAML stream.
type documentPart struct {
	data   []byte
	number int // counted from 1
	line   int // the line of the file on which data begins, counted from 1
}

// splitDocuments cuts a YAML stream at its document markers, so that a document
// that cannot be read does not take those after it along. A line that begins
// with "---" or "..." ends a document wherever it stands, even within a scalar
// (YAML 1.2.2, 9.1.2 "Document Markers", rule c-forbidden). The former stays
// with the document that it begins, the latter with the one that it ends. Parts
// without content are left out.
func splitDocuments(data []byte) []documentPart {
	var parts []documentPart
	line := 1
	for len(data) > 0 {
		end := documentEnd(data)
		if hasContent(data[:end]) {
			parts = append(parts, documentPart{data: data[:end], number: len(parts) + 1, line: line})
		}
		line += bytes.Count(data[:end], []byte("\n"))
		data = data[end:]
	}
	return parts
}

// documentEnd returns where the document at the beginning of data ends: before
// a marker "---" at the beginning of a line other than the first one, after the
// line of a marker "...", or at the end of data.
func documentEnd(data []byte) int {
	at := 0
	for {
		i := bytes.IndexByte(data[at:], '\n')
		if i < 0 {
			return len(data)
		}
		at += i + 1
		rest := data[at:]
		if len(rest) < 3 || len(rest) > 3 && bytes.IndexByte([]byte(" \t\r\n"), rest[3]) < 0 {
			continue
		}
		switch string(rest[:3]) {
		case "---":
			return at
		case "...":
			if i := bytes.IndexByte(rest, '\n'); i >= 0 {
				return at + i + 1
			}
			return len(data)
		}
	}
}

// hasContent reports whether a part has more than blank lines, comments,
// directives and markers.
func hasContent(part []byte) bool {
	for len(part) > 0 {
		var line []byte
		line, part, _ = bytes.Cut(part, []byte("\n"))
		if len(line) > 0 && line[0] == '%' {
			continue
		}
		line = bytes.TrimSpace(line)
		if len(line) == 0 || line[0] == '#' || bytes.Equal(line, []byte("---")) || bytes.Equal(line, []byte("...")) {
			continue
		}
		return true
	}
	return false
}

// collection holds what the actions of a rule collection carry from one
// document to the next. Rule collections are a form older than the
// specification; they are joined as pySigma does it (sigma/collection.py):
// `action: global` is a template whose attributes are put over those of all
// documents that follow, `action: reset` drops it, and `action: repeat` puts
// its own attributes over those of the rule before it.
type collection struct {
	global   *node
	previous *node
	spent    int // nodes looked at for joining
}

// maxJoined bounds the nodes that the actions of one file may copy: a large
// template times many documents.
const maxJoined = 1_000_000

// next reads the next document and returns the rule to parse, or nil if there
// is none in it.
func (c *collection) next(doc *document, n *node) *node {
	if n.kind != mapNode {
		doc.fail(n, ErrNotRule, "a Sigma document is a map, this is %s", n.what())
		return nil
	}
	action := n.get("action")
	if action == nil {
		if c.global != nil {
			if n = c.join(doc, n, c.global); n == nil {
				return nil
			}
		}
		c.previous = n
		return n
	}
	switch action.text {
	case "global":
		c.global = withoutKey(n, "action")
		c.previous = c.global
		return nil
	case "reset":
		c.global, c.previous = nil, nil
		return nil
	case "repeat":
		if c.previous == nil {
			doc.fail(action, ErrReference, "action repeat without a rule before it")
			return nil
		}
		if joined := c.join(doc, c.previous, withoutKey(n, "action")); joined != nil {
			c.previous = joined
			return joined
		}
		return nil
	}
	doc.fail(action, ErrValue, "unknown action %s: global, reset or repeat", text.Quote(action.text))
	return nil
}

// join returns base with top put over it, or nil if the file's joins have
// become too many.
func (c *collection) join(doc *document, base, top *node) *node {
	if c.spent <= maxJoined {
		c.spent += base.weight() + top.weight()
	}
	if c.spent > maxJoined {
		doc.fail(base, ErrTooLarge, "the actions of this file copy more than %d values", maxJoined)
		return nil
	}
	return overlay(base, top)
}

// withoutKey returns a map withoutKey one key.
func withoutKey(n *node, key string) *node {
	out := &node{kind: mapNode, line: n.line, column: n.column}
	for i, k := range n.keys {
		if k.text != key {
			out.keys, out.items = append(out.keys, k), append(out.items, n.items[i])
		}
	}
	return out
}

// overlay returns base with the entries of top put over it; maps are joined,
// everything else is replaced.
func overlay(base, top *node) *node {
	out := &node{
		kind: mapNode, line: base.line, column: base.column,
		keys: append([]*node(nil), base.keys...), items: append([]*node(nil), base.items...),
	}
	at := make(map[string]int, len(out.keys))
	for i, k := range out.keys {
		at[k.text] = i
	}
	for i, k := range top.keys {
		item := top.items[i]
		j, ok := at[k.text]
		switch {
		case !ok:
			at[k.text] = len(out.keys)
			out.keys, out.items = append(out.keys, k), append(out.items, item)
		case item.kind == mapNode && out.items[j].kind == mapNode:
			out.items[j] = overlay(out.items[j], item)
		default:
			out.items[j] = item
		}
	}
	return out
}

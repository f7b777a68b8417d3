package rules

import (
	"errors"

	"webshellscan/rules/internal/text"
)

// LoadPlaceholders reads a file with the values of placeholders: a YAML map of
// names, without the percent signs, to a value or a list of values. An error is
// a *ParseError. Sigma rules specification, "Placeholders", leaves the form to
// the tool; this one is that of the variables in pySigma's processing
// pipelines.
func LoadPlaceholders(path string) (map[string][]string, error) {
	data, err := readFile(path)
	if err != nil {
		if problem, ok := errors.AsType[*ParseError](err); ok {
			return nil, problem
		}
		return nil, &ParseError{File: path, Reason: err.Error(), Err: ErrRead}
	}
	return parsePlaceholders(path, data)
}

// parsePlaceholders reads the contents of a file with the values of
// placeholders.
func parsePlaceholders(file string, data []byte) (map[string][]string, error) {
	nodes, err := readDocument(file, documentPart{data: data, line: 1})
	if err != nil {
		return nil, err
	}
	if len(nodes) != 1 || nodes[0].kind != mapNode {
		return nil, &ParseError{file, 1, 1, "a placeholder file is one map of names to lists of values", ErrType}
	}
	doc := &document{file: file}
	values := make(map[string][]string)
	for i, key := range nodes[0].keys {
		list := []*node{nodes[0].items[i]}
		if list[0].kind == listNode {
			list = list[0].items
		}
		if !isPlaceholderName(key.text) {
			doc.fail(key, ErrValue, "%s is no name of a placeholder: letters, digits and underscores", text.Quote(key.text))
		}
		if len(list) == 0 {
			doc.fail(nodes[0].items[i], ErrValue, "placeholder %s has no value", text.Quote(key.text))
		}
		for _, item := range list {
			if item.kind != scalarNode || item.isNull() {
				doc.fail(item, ErrType, "the value of placeholder %s must be a string, not %s", text.Quote(key.text), item.what())
				continue
			}
			values[key.text] = append(values[key.text], item.text)
		}
	}
	if len(doc.errs) > 0 {
		return nil, doc.errs[0]
	}
	return values, nil
}

func isPlaceholderName(s string) bool {
	for i := range len(s) {
		if !isWordByte(s[i]) {
			return false
		}
	}
	return s != ""
}

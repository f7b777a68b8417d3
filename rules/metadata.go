package rules

import (
	"strings"
	"time"

	"webshellscan/rules/internal/text"
)

// parseRule reads one document. It returns nil if the document has errors,
// which are then in doc.
func parseRule(doc *document, n *node) *Rule {
	r := &Rule{File: doc.file, Line: n.line}
	var detection, correlation, filter *node
	var generate *node
	for i, key := range n.keys {
		value := n.items[i]
		switch key.text {
		case "detection":
			detection = value
		case "correlation":
			correlation = value
		case "filter":
			filter = value
		case "logsource":
			r.LogSource = doc.logSource(value)
		case "generate":
			generate = value
		default:
			doc.attribute(r, key, value)
		}
	}
	switch {
	case countPresent(detection, correlation, filter) == 0:
		doc.fail(n, ErrNotRule, "not a Sigma document: it has neither detection, correlation nor filter")
		return nil
	case countPresent(detection, correlation, filter) > 1:
		doc.fail(n, ErrNotRule, "a document has one of detection, correlation and filter, this one has several")
		return nil
	case detection != nil:
		r.Detection = doc.detection(detection, "detection")
	case correlation != nil:
		r.Correlation = doc.correlation(correlation, generate)
	default:
		r.Filter = doc.filter(filter)
	}
	// Sigma rules specification, "Title" and "LogSource"; correlation rules
	// have no log source.
	if r.Title == "" {
		doc.fail(n, ErrMissing, "title is missing")
	}
	if correlation == nil && n.get("logsource") == nil {
		doc.fail(n, ErrMissing, "logsource is missing")
	}
	if len(doc.errs) > 0 {
		return nil
	}
	r.Warnings = doc.warnings
	return r
}

func countPresent(nodes ...*node) int {
	present := 0
	for _, n := range nodes {
		if n != nil {
			present++
		}
	}
	return present
}

// attribute reads one of the attributes that do not decide what a rule matches.
// The length is a table. Sigma rules specification, "Components".
func (d *document) attribute(r *Rule, key, value *node) {
	switch name := key.text; name {
	case "title":
		r.Title = d.stringAt(value, name)
	case "id":
		r.ID = d.stringAt(value, name)
	case "name":
		r.Name = d.stringAt(value, name)
	case "related":
		r.Related = d.related(value)
	case "taxonomy":
		r.Taxonomy = d.stringAt(value, name)
	case "status":
		r.Status = d.status(value)
	case "description":
		r.Description = d.stringAt(value, name)
	case "license":
		r.License = d.stringAt(value, name)
	case "author":
		r.Author = d.author(value)
	case "date":
		r.Date = d.date(value, name)
	case "modified":
		r.Modified = d.date(value, name)
	case "references", "reference":
		r.References = append(r.References, d.stringsAt(value, name)...)
	case "fields":
		r.Fields = d.stringsAt(value, name)
	case "falsepositives":
		r.FalsePositives = d.falsePositives(value)
	case "tags":
		r.Tags = d.stringsAt(value, name)
	case "scope":
		r.Scope = d.stringsAt(value, name)
	case "level":
		r.Level = d.level(value)
	case "role":
		r.Role = d.stringAt(value, name)
	default:
		// "[arbitrary custom fields]": Sigma rules specification, "File
		// Structure".
		if value.kind == scalarNode {
			if r.Custom == nil {
				r.Custom = make(map[string]string)
			}
			r.Custom[name] = value.text
		}
	}
}

// logSource reads a rule's log source. Sigma rules specification, "LogSource":
// values in lower case, at least one of the three.
func (d *document) logSource(n *node) LogSource {
	var source LogSource
	if n.kind != mapNode {
		d.fail(n, ErrType, "logsource must be a map, not %s", n.what())
		return source
	}
	for i, key := range n.keys {
		value := n.items[i]
		switch key.text {
		case "category":
			source.Category = strings.ToLower(d.stringAt(value, "logsource category"))
		case "product":
			source.Product = strings.ToLower(d.stringAt(value, "logsource product"))
		case "service":
			source.Service = strings.ToLower(d.stringAt(value, "logsource service"))
		case "definition":
			if value.kind == scalarNode {
				source.Definition = value.text
			}
		}
	}
	if source.Category == "" && source.Product == "" && source.Service == "" {
		d.fail(n, ErrMissing, "logsource names neither category, product nor service")
	}
	return source
}

// level reads a rule's level. An unknown one is an error, since it would decide
// whether the rule is selected.
func (d *document) level(n *node) Level {
	value := d.stringAt(n, "level")
	level, ok := ParseLevel(value)
	if !ok {
		d.fail(n, ErrValue, "unknown level %s: informational, low, medium, high or critical", text.Quote(value))
	}
	return level
}

// status reads a rule's status. Sigma rules specification, "Status".
func (d *document) status(n *node) string {
	value := d.stringAt(n, "status")
	switch value {
	case "stable", "test", "experimental", "deprecated", "unsupported", "":
	default:
		d.warn(n, ErrValue, "unknown status %s", text.Quote(value))
	}
	return value
}

// author reads a rule's author: by the specification a string, in the wild also
// a list.
func (d *document) author(n *node) string {
	if n.kind == listNode {
		return strings.Join(d.stringsAt(n, "author"), ", ")
	}
	return d.stringAt(n, "author")
}

// date reads a date. Sigma rules specification, "Date": YYYY-MM-DD; before
// version 2, YYYY/MM/DD, which many rules still have.
func (d *document) date(n *node, name string) string {
	value := d.stringAt(n, name)
	if _, err := time.Parse(time.DateOnly, strings.ReplaceAll(value, "/", "-")); err != nil && value != "" {
		d.warn(n, ErrValue, "%s %s is not of the form YYYY-MM-DD", name, text.Quote(value))
	}
	return value
}

// falsePositives reads a list, or the single string that the schema of
// correlation rules also allows.
func (d *document) falsePositives(n *node) []string {
	if n.kind == scalarNode && !n.isNull() {
		return []string{n.text}
	}
	return d.stringsAt(n, "falsepositives")
}

// related reads the links to other rules. Sigma rules specification,
// "Identification".
func (d *document) related(n *node) []Related {
	if n.isNull() {
		return nil
	}
	if n.kind != listNode {
		d.fail(n, ErrType, "related must be a list, not %s", n.what())
		return nil
	}
	links := make([]Related, 0, len(n.items))
	for _, item := range n.items {
		if item.kind != mapNode {
			d.fail(item, ErrType, "related must be a list of maps; this is %s", item.what())
			continue
		}
		var link Related
		for i, key := range item.keys {
			switch key.text {
			case "id":
				link.ID = d.stringAt(item.items[i], "related id")
			case "type":
				link.Type = d.stringAt(item.items[i], "related type")
			}
		}
		links = append(links, link)
	}
	return links
}

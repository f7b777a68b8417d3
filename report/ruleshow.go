package report

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"webshellscan/report/text"
	"webshellscan/rules"
	"webshellscan/scan"
)

// shownRule is a rule as it was parsed, and what it was simplified to.
type shownRule struct {
	ruleRow
	Description    string            `json:"description"`
	Author         string            `json:"author"`
	Date           string            `json:"date"`
	Modified       string            `json:"modified"`
	License        string            `json:"license"`
	References     []string          `json:"references"`
	FalsePositives []string          `json:"falsepositives"`
	Fields         []string          `json:"fields"`
	Related        []string          `json:"related"`
	Role           string            `json:"role"`
	Custom         map[string]string `json:"custom"`
	Detection      *shownDetection   `json:"detection,omitempty"`
	Filters        []string          `json:"filters"` // those that tune the rule
	Correlation    *shownCorrelation `json:"correlation,omitempty"`
	Tunes          []string          `json:"tunes,omitempty"` // of a filter: the rules that it names
	Simplified     string            `json:"simplified"`
}

type shownDetection struct {
	Searches   []shownSearch `json:"searches"`
	Conditions []string      `json:"conditions"`
}

type shownSearch struct {
	Name   string       `json:"name"`
	Groups [][]shownRow `json:"groups"`
}

type shownRow struct {
	Item   string   `json:"item"` // field and modifiers
	Values []string `json:"values"`
}

type shownCorrelation struct {
	Type      string   `json:"type"`
	Rules     []string `json:"rules"`
	GroupBy   []string `json:"group_by"`
	Timespan  string   `json:"timespan"`
	Condition string   `json:"condition"`
	Aliases   []string `json:"aliases"`
	Generate  bool     `json:"generate"`
}

// ShownRules are rules to be shown: as they were parsed, and what each was
// simplified to.
type ShownRules struct {
	Sets  *scan.RuleSets // that the rules are of
	Rules []*rules.Rule
}

func (s ShownRules) shown() []shownRule {
	uses := s.Sets.Uses()
	shown := make([]shownRule, len(s.Rules))
	for i, r := range s.Rules {
		shown[i] = show(r, s.Sets)
		shown[i].Use = string(uses[r])
	}
	return shown
}

func ruleShowJSON(w io.Writer, s ShownRules, _ Options) error { return writeIndented(w, s.shown()) }

func ruleShowText(w io.Writer, s ShownRules, o Options) error {
	p := printer{w: w, width: o.Width}
	for i, r := range s.shown() {
		if i > 0 {
			p.line("")
		}
		p.rule(&r)
	}
	return p.err
}

func show(r *rules.Rule, sets *scan.RuleSets) shownRule {
	s := shownRule{
		ruleRow:     newRuleRow(r, ""),
		Description: r.Description, Author: r.Author, Date: r.Date, Modified: r.Modified, License: r.License,
		References: append([]string{}, r.References...), FalsePositives: append([]string{}, r.FalsePositives...),
		Fields: append([]string{}, r.Fields...), Related: []string{}, Role: r.Role, Custom: r.Custom, Filters: []string{},
	}
	for _, link := range r.Related {
		s.Related = append(s.Related, link.Type+" "+link.ID)
	}
	switch {
	case r.Detection != nil:
		s.Detection = showDetection(r.Detection)
	case r.Correlation != nil:
		s.Correlation = showCorrelation(r.Correlation)
	default:
		s.Detection, s.Tunes = showDetection(r.Filter.Detection), append([]string{}, r.Filter.Rules...)
	}
	var filters []*rules.Rule
	s.Simplified, filters, _ = sets.Simplified(r)
	for _, f := range filters {
		s.Filters = append(s.Filters, fmt.Sprintf("%s (%s:%d)", f.Label(), f.File, f.Line))
	}
	return s
}

func showDetection(d *rules.Detection) *shownDetection {
	s := &shownDetection{}
	for _, search := range d.Searches {
		groups := make([][]shownRow, len(search.Groups))
		for i, g := range search.Groups {
			for _, item := range g.Items {
				groups[i] = append(groups[i], shownRow{itemText(item), itemValues(item)})
			}
		}
		s.Searches = append(s.Searches, shownSearch{search.Name, groups})
	}
	for _, c := range d.Conditions {
		s.Conditions = append(s.Conditions, c.Text)
	}
	return s
}

func showCorrelation(c *rules.Correlation) *shownCorrelation {
	s := &shownCorrelation{
		Type: string(c.Type), Rules: c.Rules, GroupBy: append([]string{}, c.GroupBy...), Timespan: c.Timespan.String(),
		Aliases: []string{}, Generate: c.Generate,
	}
	var parts []string
	for _, b := range c.Bounds {
		parts = append(parts, fmt.Sprintf("%s %g", b.Op, b.Value))
	}
	s.Condition = strings.Join(parts, " and ")
	if len(c.Fields) > 0 {
		s.Condition = strings.Join(c.Fields, ", ") + " " + s.Condition
	}
	for _, alias := range c.Aliases {
		for _, f := range alias.Fields {
			s.Aliases = append(s.Aliases, fmt.Sprintf("%s: %s of %s", alias.Name, f.Field, f.Rule))
		}
	}
	return s
}

// itemText returns an item's field and modifiers as rules write them.
func itemText(item *rules.Item) string {
	s := item.Field
	if len(item.Modifiers) > 0 {
		s += "|" + strings.Join(item.Modifiers, "|")
	}
	if s == "" {
		return "keywords"
	}
	return s
}

// itemValues returns an item's values, texts between quotation marks.
func itemValues(item *rules.Item) []string {
	list := make([]string, len(item.Values))
	for i, v := range item.Values {
		switch v.Kind {
		case rules.StringValue:
			list[i] = "'" + v.Text + "'"
		case rules.NullValue:
			list[i] = "null"
		default:
			list[i] = v.Text
		}
	}
	return list
}

// rule writes one rule for people.
func (p *printer) rule(r *shownRule) {
	for _, line := range [...]struct{ name, text string }{
		{"title", r.Title},
		{"name", r.Name},
		{"id", r.ID},
		{"file", fmt.Sprintf("%s:%d", r.File, r.Line)},
		{"use", r.Use},
		{"level", r.Level},
		{"status", r.Status},
		{"log source", r.LogSource},
		{"tags", strings.Join(r.Tags, ", ")},
		{"author", r.Author},
		{"date", r.Date},
		{"modified", r.Modified},
		{"license", r.License},
		{"related", strings.Join(r.Related, ", ")},
		{"fields", strings.Join(r.Fields, ", ")},
		{"role", r.Role},
		{"description", strings.TrimSpace(r.Description)},
	} {
		if line.text != "" {
			p.line("%-12s %s", line.name+":", text.Visible(line.text))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.Custom)) {
		p.line("%s %s", text.Visible(name)+":", text.Visible(r.Custom[name]))
	}
	p.texts("references", r.References)
	p.texts("false positives", r.FalsePositives)
	if d := r.Detection; d != nil {
		p.detection(d)
	}
	if c := r.Correlation; c != nil {
		p.texts("correlation", []string{
			"type: " + c.Type, "rules: " + strings.Join(c.Rules, ", "), "group-by: " + strings.Join(c.GroupBy, ", "),
			"timespan: " + c.Timespan, "condition: " + c.Condition, fmt.Sprintf("generate: %v", c.Generate),
		})
		p.texts("aliases", c.Aliases)
	}
	p.texts("tunes", r.Tunes)
	p.texts("tuned by", r.Filters)
	if r.Simplified != "" {
		p.texts("simplified to", []string{r.Simplified})
	}
}

func (p *printer) texts(title string, list []string) {
	if len(list) > 0 {
		p.line("%s:", title)
	}
	for _, s := range list {
		p.line("  %s", text.Visible(s))
	}
}

func (p *printer) detection(d *shownDetection) {
	p.line("detection:")
	for _, s := range d.Searches {
		p.line("  %s:", text.Visible(s.Name))
		for i, g := range s.Groups {
			if i > 0 {
				p.line("    or")
			}
			for _, item := range g {
				p.line("    %s: %s", text.Visible(item.Item), text.Visible(strings.Join(item.Values, ", ")))
			}
		}
	}
	for _, c := range d.Conditions {
		p.line("  condition: %s", text.Visible(c))
	}
}

package html

import (
	"fmt"
	"strconv"
	"strings"

	"webshellscan/report/phrase"
	"webshellscan/rules"
	"webshellscan/scan/finding"
)

// ruleView is a rule as the page shows it.
type ruleView struct {
	*rules.Rule
	Findings int
	Tags     []tagView
	Sources  []tagView
	Text     string // its detection
}

// tagView is a tag or a reference, with where it is explained; URL is "" if
// that is not known. Nothing is ever fetched from there.
type tagView struct{ Text, URL string }

// ruleViews returns what is shown of rules that findings matched.
func ruleViews(list []*rules.Rule, findings []*finding.Finding) []ruleView {
	counts := make(map[*rules.Rule]int)
	for _, f := range findings {
		for _, r := range f.Rules {
			counts[r]++
		}
	}
	views := make([]ruleView, len(list))
	for i, r := range list {
		views[i] = ruleView{Rule: r, Findings: counts[r]}
		if i >= maxRules {
			continue
		}
		for _, tag := range firstOf(r.Tags) {
			name, url := phrase.TagLink(tag)
			views[i].Tags = append(views[i].Tags, tagView{name, url})
		}
		for _, ref := range firstOf(r.References) {
			view := tagView{Text: ref}
			if strings.HasPrefix(ref, "https://") || strings.HasPrefix(ref, "http://") {
				view.URL = ref
			}
			views[i].Sources = append(views[i].Sources, view)
		}
		views[i].Text = ruleText(r)
	}
	return views
}

// maxRuleText bounds how much of a rule's detection is shown, in bytes.
const maxRuleText = 16 << 10

// ruleText returns what a rule looks for, as Sigma writes it.
func ruleText(r *rules.Rule) string {
	var b strings.Builder
	switch {
	case r.Detection != nil:
		writeLogSource(&b, r.LogSource)
		b.WriteString("detection:\n")
		for _, s := range r.Detection.Searches {
			writeSearch(&b, s)
		}
		for _, c := range r.Detection.Conditions {
			fmt.Fprintf(&b, "  condition: %s\n", c.Text)
		}
	case r.Correlation != nil:
		writeCorrelation(&b, r.Correlation)
	}
	line := strings.TrimSuffix(b.String(), "\n")
	if len(line) > maxRuleText {
		line = fmt.Sprintf("%s\n… (%d bytes more)", strings.ToValidUTF8(line[:maxRuleText], ""), len(line)-maxRuleText)
	}
	return line
}

func writeLogSource(b *strings.Builder, s rules.LogSource) {
	b.WriteString("logsource:\n")
	for _, line := range [][2]string{{"category", s.Category}, {"product", s.Product}, {"service", s.Service}} {
		if line[1] != "" {
			fmt.Fprintf(b, "  %s: %s\n", line[0], line[1])
		}
	}
}

// writeSearch writes one search identifier with its maps.
func writeSearch(b *strings.Builder, s *rules.Search) {
	fmt.Fprintf(b, "  %s:\n", s.Name)
	for _, g := range s.Groups {
		indent := "    "
		if len(s.Groups) > 1 {
			indent = "    - "
		}
		for _, item := range g.Items {
			key := strings.Join(append([]string{item.Field}, item.Modifiers...), "|")
			if len(item.Values) == 1 {
				fmt.Fprintf(b, "%s%s: %s\n", indent, key, valueText(item.Values[0]))
			} else {
				fmt.Fprintf(b, "%s%s:\n", indent, key)
				for _, v := range item.Values {
					fmt.Fprintf(b, "%s  - %s\n", strings.ReplaceAll(indent, "-", " "), valueText(v))
				}
			}
			indent = strings.ReplaceAll(indent, "-", " ")
		}
	}
}

// valueText writes a value as YAML does.
func valueText(v rules.Value) string {
	if v.Kind == rules.StringValue {
		return "'" + strings.ReplaceAll(v.Text, "'", "''") + "'"
	}
	return v.Text
}

func writeCorrelation(b *strings.Builder, c *rules.Correlation) {
	fmt.Fprintf(b, "correlation:\n  type: %s\n  rules: [%s]\n", c.Type, strings.Join(c.Rules, ", "))
	if len(c.GroupBy) > 0 {
		fmt.Fprintf(b, "  group-by: [%s]\n", strings.Join(c.GroupBy, ", "))
	}
	if c.Timespan > 0 {
		fmt.Fprintf(b, "  timespan: %s\n", c.Timespan)
	}
	for _, bound := range c.Bounds {
		fmt.Fprintf(b, "  condition: %s %s\n", bound.Op, strconv.FormatFloat(bound.Value, 'f', -1, 64))
	}
}

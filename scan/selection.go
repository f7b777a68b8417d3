package scan

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"webshellscan/internal/nearest"
	"webshellscan/rules"
)

// checkSelection fills in Unmatched and Selection. all are the rules that
// options may name. If some could not be read, what none of them has may be
// theirs: what is wrong with those is reported, and that is enough.
func (s *RuleSets) checkSelection(o *RuleOptions, all []*rules.Rule, unread bool) {
	var errs []error
	for _, ref := range o.Exclude {
		if !slices.ContainsFunc(all, func(r *rules.Rule) bool { return r.Called(ref) }) {
			s.Unmatched = append(s.Unmatched, ref)
			errs = append(errs, fmt.Errorf("no rule to exclude has the name, ID or title %q%s", ref, nearest.Part(ref, calledBy(all))))
		}
	}
	for _, tag := range o.Tags {
		if !slices.ContainsFunc(all, func(r *rules.Rule) bool { return r.HasTag(tag) }) {
			errs = append(errs, fmt.Errorf("no rule has the tag %q or one below it%s", tag, nearest.Question(tag, tagsOf(all))))
		}
	}
	if unread {
		errs = nil
	}
	if sum := s.Summary(); len(errs) == 0 && sum.Applied+sum.Events == 0 && sum.Failed == 0 {
		errs = append(errs, fmt.Errorf("no rule is left to give findings: %s", reasonsLeft(o, &sum)))
	}
	s.Selection = errors.Join(errs...)
}

// checkLevel adds to Selection that the level leaves no rule about processes of
// those that give findings, if another level would: then web shells could not
// be found, and rules about other events only hide it.
func (s *RuleSets) checkLevel(o *RuleOptions, detections []*rules.Rule) {
	if s.Selection != nil || o.MinLevel == 0 || len(s.Detections.Rules()) > 0 {
		return
	}
	lower := *o
	lower.MinLevel = 0
	if set, _ := rules.Compile(detections, lower.chosen()); len(set.Rules()) > 0 {
		s.Selection = fmt.Errorf("no rule about processes is left to give findings: none has the level %s or above (--level chooses by the level of what was found)", o.MinLevel)
	}
}

// reasonsLeft returns why rules are not applied.
func reasonsLeft(o *RuleOptions, sum *RuleSummary) string {
	var reasons []string
	if o.NoBuiltin {
		reasons = append(reasons, "without the built-in rules")
	}
	if sum.NotApplicable > 0 {
		reasons = append(reasons, fmt.Sprintf("%d of those given for other logs", sum.NotApplicable))
	}
	if sum.NotSelected > 0 {
		reasons = append(reasons, fmt.Sprintf("%d not selected (asked for: %s)", sum.NotSelected, strings.Join(o.choice(), ", ")))
	}
	return strings.Join(reasons, ", ")
}

// choice describes how options choose among the rules.
func (o *RuleOptions) choice() []string {
	var list []string
	add := func(what string, values ...string) {
		for _, v := range values {
			list = append(list, what+v)
		}
	}
	if o.MinLevel > 0 {
		add("rules of level ", o.MinLevel.String()+" or above")
	}
	add("rules of status ", o.Statuses...)
	add("rules with tag ", o.Tags...)
	add("without rule ", o.Exclude...)
	return list
}

// Unknown returns an error about a name that no rule of Loaded has. It suggests
// the nearest one.
func (s *RuleSets) Unknown(name string) error {
	return fmt.Errorf("no rule has the name, ID or title %q%s", name, nearest.Part(name, calledBy(s.Loaded)))
}

// calledBy returns all that rules are called by.
func calledBy(list []*rules.Rule) []string {
	var names []string
	for _, r := range list {
		for _, name := range []string{r.Name, r.Title, r.ID} {
			if name != "" {
				names = append(names, name)
			}
		}
	}
	return names
}

// tagsOf returns the tags of rules, and those above them.
func tagsOf(list []*rules.Rule) []string {
	var tags []string
	for _, r := range list {
		for _, tag := range r.Tags {
			for ; tag != ""; tag = tag[:max(strings.LastIndexByte(tag, '.'), 0)] {
				tags = append(tags, tag)
			}
		}
	}
	return tags
}

package scan

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"webshellscan/internal/work"
	"webshellscan/rules"
	"webshellscan/rules/builtin"
	"webshellscan/scan/finding"
	"webshellscan/scan/proctree"
)

// weigher sets the levels of findings, by rules that raise and lower. It is for
// one goroutine.
type weigher struct {
	evaluator *evaluator
	aside     [][]bool // by index of the rule that lowers: the rules that it sets aside
	matches   []int
}

func (g *grading) weighers(n int) []*weigher {
	list := make([]*weigher, n)
	aside := asideOf(g.set.Rules())
	for i, e := range g.evaluators(g.set, n) {
		list[i] = &weigher{evaluator: e, aside: aside}
	}
	return list
}

// asideOf returns which rules each rule sets aside.
func asideOf(list []*rules.Rule) [][]bool {
	aside := make([][]bool, len(list))
	for i, lower := range list {
		if len(builtin.Despite(lower)) == 0 {
			continue
		}
		aside[i] = make([]bool, len(list))
		for k, raise := range list {
			aside[i][k] = builtin.SetsAside(lower, raise)
		}
	}
	return aside
}

// weigh fills in why a finding's level is what it is, as far as its own process
// says. What runs below no web server has its rules' level: it is no habit of a
// web server, and no behaviour of one.
func (w *weigher) weigh(f *weighed) {
	f.LevelReasons = append(f.LevelReasons[:0], finding.LevelReason{Effect: finding.LevelStart, Level: f.Rules[0].Level, Rule: f.Rules[0], Why: f.Rules[0].Title})
	f.raises = nil
	if !f.Worker.Exists() {
		return
	}
	w.evaluator.subject.finding = f
	w.matches = append(w.matches[:0], w.evaluator.match(f.Process)...)
	list := w.evaluator.set.Rules()
	lowered := false
	for _, i := range w.matches {
		if r := list[i]; r.Role == builtin.RoleLower {
			lowered = true
			f.LevelReasons = append(f.LevelReasons, finding.LevelReason{Effect: finding.LevelAtMost, Level: r.Level, Rule: r, Why: w.why(r)})
		}
	}
	for _, i := range w.matches {
		r := list[i]
		if r.Role != builtin.RoleRaise {
			continue
		}
		effect, why := finding.LevelAtLeast, w.why(r)
		if w.isAside(i) || lowered && builtin.Behaviour(r) == "" {
			effect = finding.LevelSetAside
		} else if builtin.Behaviour(r) != "" {
			f.raises = append(f.raises, levelRaise{i, f.Process, why})
		}
		f.LevelReasons = append(f.LevelReasons, finding.LevelReason{Effect: effect, Level: r.Level, Rule: r, Why: why})
	}
}

// isAside reports whether a rule that matches sets another aside.
func (w *weigher) isAside(rule int) bool {
	return slices.ContainsFunc(w.matches, func(i int) bool { return w.aside[i] != nil && w.aside[i][rule] })
}

// placeholder is a field's name in the sentence of a rule.
var placeholder = regexp.MustCompile(`\{[A-Za-z]+\}`)

// why returns the sentence of a rule.
func (w *weigher) why(r *rules.Rule) string { return w.evaluator.subject.sentence(builtin.Why(r)) }

// maxWhy bounds the values of a field in a sentence, and the characters of
// each.
const (
	maxWhyValues = 16
	maxWhyText   = 400
)

// sentence returns a text with the values of fields for their names in braces.
func (s *subject) sentence(text string) string {
	if !strings.Contains(text, "{") {
		return text
	}
	return placeholder.ReplaceAllStringFunc(text, func(name string) string {
		var parts []string
		for i, id := range getterOf(name[1:len(name)-1])(s, nil) {
			if i == maxWhyValues {
				parts = append(parts, "...")
				break
			}
			parts = append(parts, clipText(s.Text(id), maxWhyText))
		}
		return cmp.Or(strings.Join(parts, ", "), "?")
	})
}

// clipText returns the beginning of a text that is longer than so many bytes.
func clipText(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "..."
}

// levelRaise is a rule that raises, by its index, with the process that it is
// about and its sentence.
type levelRaise struct {
	rule int
	by   proctree.Process
	why  string
}

// weighed is a finding with what its level comes from.
type weighed struct {
	*finding.Finding
	measures *measures
	// writer is the image of what wrote its program in its session, "" if
	// nothing did as far as is known, and "?" if it has no name.
	writer string
	raises []levelRaise // what it did, and what it started
}

// grading sets the levels of findings, by the rules that raise and lower.
type grading struct {
	evaluation
	set *rules.Set
}

// weigh sets the levels of findings. What a process does counts for those that
// started it, up to the web server: a shell is as grave as what it ran. It
// returns the findings with what that comes from.
func (g *grading) weigh(findings []*finding.Finding) []*weighed {
	all, list := make([]weighed, len(findings)), make([]*weighed, len(findings))
	for i, f := range findings {
		all[i].Finding, list[i] = f, &all[i]
	}
	g.measure(list)
	g.weighAgain(list)
	return list
}

// weighAgain sets the levels of findings that were measured before.
func (g *grading) weighAgain(findings []*weighed) {
	weighers := g.weighers(max(1, min(g.goroutines, len(findings)/batchFindings+1)))
	parts := slices.Collect(slices.Chunk(findings, batchFindings))
	panics := work.Each(len(weighers), len(parts), func(by, i int) {
		w := weighers[by]
		for _, f := range parts[i] {
			w.weigh(f)
		}
	})
	g.crashes.addPanics("levels", panics)
	g.hand(findings)
	for _, f := range findings {
		f.Level = finding.SumLevel(f.LevelReasons)
	}
}

// batchFindings is how many findings are weighed at a time.
const batchFindings = 256

// kinship finds the finding above each finding below a server.
type kinship struct {
	byProcess map[proctree.Process]*weighed
	nearest   map[proctree.Process]*weighed // by process without a finding
}

// hand passes what findings did to those above and below them. A habit of what
// hangs from something hostile is none; and what a process does counts for what
// started it.
func (g *grading) hand(findings []*weighed) {
	var below []*weighed
	k := &kinship{make(map[proctree.Process]*weighed), make(map[proctree.Process]*weighed)}
	for _, f := range findings {
		if f.Worker.Exists() {
			below = append(below, f)
			k.byProcess[f.Process] = f
		}
	}
	slices.SortStableFunc(below, func(a, b *weighed) int { return cmp.Compare(a.Depth, b.Depth) })
	hostile := make(map[*weighed]bool)
	for _, f := range below {
		if above := k.above(f); above != nil && hostile[above] {
			g.reinstate(f)
			hostile[f] = true
		}
		hostile[f] = hostile[f] || slices.ContainsFunc(f.raises, g.isGrave)
	}
	for _, f := range slices.Backward(below) {
		if above := k.above(f); above != nil && len(f.raises) > 0 {
			g.inherit(above, f.raises)
		}
	}
}

// isGrave reports whether a rule raises so far that nothing below is a habit.
func (g *grading) isGrave(r levelRaise) bool {
	return g.set.Rules()[r.rule].Level >= rules.LevelHigh
}

// reinstate sets aside what lowers a finding, and takes back what that set
// aside.
func (g *grading) reinstate(f *weighed) {
	if !slices.ContainsFunc(f.LevelReasons, func(r finding.LevelReason) bool { return r.Effect == finding.LevelAtMost }) {
		return
	}
	for i := range f.LevelReasons {
		switch r := &f.LevelReasons[i]; r.Effect {
		case finding.LevelAtMost:
			r.Effect, r.Why = finding.LevelSetAside, r.Why+"; but what started it is no habit"
		case finding.LevelSetAside:
			r.Effect = finding.LevelAtLeast
			if builtin.Behaviour(r.Rule) != "" {
				f.raises = append(f.raises, levelRaise{slices.Index(g.set.Rules(), r.Rule), f.Process, r.Why})
			}
		}
	}
}

// above returns the finding of the nearest ancestor that has one, nil if there
// is none up to the server. What is found out about the processes in between is
// kept.
func (k *kinship) above(f *weighed) *weighed {
	var path []proctree.Process
	var above *weighed
	for p := f.Process; p != f.Worker; {
		parent, _ := p.Parent()
		if !parent.Exists() {
			break
		}
		known, ok := k.byProcess[parent]
		if !ok {
			known, ok = k.nearest[parent]
		}
		if ok {
			above = known
			break
		}
		path = append(path, parent)
		p = parent
	}
	for _, p := range path {
		k.nearest[p] = above
	}
	return above
}

// inherit adds what a descendant did to a finding.
func (g *grading) inherit(f *weighed, raises []levelRaise) {
	for _, from := range raises {
		if slices.ContainsFunc(f.raises, func(own levelRaise) bool { return own.rule == from.rule }) {
			continue
		}
		f.raises = append(f.raises, from)
		r, texts := g.set.Rules()[from.rule], g.forest.Texts()
		name := fmt.Sprintf("%s (%d)", cmp.Or(clipText(proctree.BaseName(texts.Text(from.by.Image())), maxWhyText), "a process"), from.by.PID())
		f.LevelReasons = append(f.LevelReasons, finding.LevelReason{Effect: finding.LevelAtLeast, Level: r.Level, Rule: r, Why: finding.BelowIt + name + ": " + from.why})
	}
}

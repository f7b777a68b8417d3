package rules

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Options are which rules of a collection make up a Set and how they are read.
// The zero value selects all rules about process creation.
type Options struct {
	// Sources are the ways in which rules name the events that the Set is
	// matched against; nil means ProcessCreation().
	Sources []Source

	// Aliases maps field names of rules to those of the subject, beyond
	// what the sources map.
	Aliases map[string]string

	// Also maps a field of the subject, in lower case, to another field
	// that has the same content as another log, or another spelling, gives
	// it. An item about the one is evaluated for both: it holds if it holds
	// for either.
	Also map[string]string

	// Late names, in lower case, fields of the subject whose values hardly
	// repeat, or that take long to gather. They are read only where the
	// others leave a rule open; this changes only how long matching takes.
	Late map[string]bool

	// Placeholders are the values of placeholders, by name without the
	// percent signs. A rule that uses another is an error.
	Placeholders map[string][]string

	// MinLevel leaves out rules of a lower level; a rule without level is
	// lower than all. LevelNone selects all.
	MinLevel Level

	// Statuses selects only rules of these statuses, compared without case.
	// Tags selects only those with one of these tags or one below it: see
	// Rule.HasTag. Empty selects all.
	Statuses []string
	Tags     []string

	// Exclude leaves out rules by name, ID or title, compared without case.
	Exclude []string

	// CacheSize bounds how many verdicts each Matcher keeps about values
	// that the shared tables have no room for, rounded up to a power of
	// two, at 16 bytes each; 0 means 524,288, which is 8 MiB. Memory is
	// allocated as it is needed.
	CacheSize int
}

// Compile compiles the detection rules of a list into a Set, with the filters
// that tune them. Of correlation rules it takes what they ask of those: see
// Correlate. A rule that cannot be compiled is left out and costs itself only;
// each such error is a *ParseError. The rules are not changed, but kept; the
// Set may share them with others.
func Compile(list []*Rule, options Options) (*Set, []error) {
	if options.Sources == nil {
		options.Sources = ProcessCreation()
	}
	c := newCompiler(options)
	c.collect(list)
	selected := c.choose(list)
	for _, r := range list {
		if selected[r] && r.Detection != nil {
			c.rule(r)
		}
	}
	c.captureFields(list, selected)
	c.checkFilters()
	c.finish()
	c.set.failed = c.failed
	c.set.notSelected = slices.DeleteFunc(c.set.notSelected, func(r *Rule) bool { return r.Correlation != nil })
	slices.SortStableFunc(c.errs, compareErrors)
	return c.set, c.errs
}

func newCompiler(options Options) *compiler {
	return &compiler{
		set:        &Set{options: options, fieldIDs: make(map[string]int)},
		known:      make(map[string]int),
		byRef:      make(map[string][]*Rule),
		number:     make(map[*Rule]int),
		failed:     make(map[*Rule]bool),
		applicable: make(map[*Rule]*scope),
	}
}

// compareErrors orders errors by file and position.
func compareErrors(a, b error) int {
	x, y := a.(*ParseError), b.(*ParseError)
	return cmp.Or(strings.Compare(x.File, y.File), cmp.Compare(x.Line, y.Line), cmp.Compare(x.Column, y.Column))
}

// compiler builds a Set.
type compiler struct {
	set      *Set
	errs     []error
	builders []*fieldIndexBuilder // by field
	known    map[string]int       // key of a predicate to its number
	regexps  int                  // instructions of all expressions so far

	byRef      map[string][]*Rule // lower-case name or ID to detection and correlation rules
	filters    []*Rule
	number     map[*Rule]int    // compiled detection rules to their index
	failed     map[*Rule]bool   // with an error
	applicable map[*Rule]*scope // detection rules that apply
}

// scope is how one rule's items are read.
type scope struct {
	source *Source
	rule   *Rule
	denied string // a field whose known values are taken to fit nothing
}

// fail records that a rule cannot be compiled.
func (c *compiler) fail(r *Rule, line, column int, err error, format string, args ...any) {
	c.failed[r] = true
	c.errs = append(c.errs, &ParseError{r.File, line, column, fmt.Sprintf(format, args...), err})
}

// collect files the rules under their names and IDs.
func (c *compiler) collect(list []*Rule) {
	for _, r := range list {
		if r.Filter != nil {
			c.filters = append(c.filters, r)
			continue
		}
		refs := []string{strings.ToLower(r.Name), strings.ToLower(r.ID)}
		for i, ref := range refs {
			if ref != "" && (i == 0 || ref != refs[0]) {
				c.byRef[ref] = append(c.byRef[ref], r)
			}
		}
	}
}

// choose returns the rules that the options select and those that selected
// correlation rules need.
func (c *compiler) choose(list []*Rule) map[*Rule]bool {
	selected := make(map[*Rule]bool)
	var need func(r *Rule)
	need = func(r *Rule) {
		if selected[r] {
			return
		}
		selected[r] = true
		if r.Correlation == nil {
			return
		}
		for _, ref := range r.Correlation.Rules {
			for _, other := range c.byRef[strings.ToLower(ref)] {
				need(other)
			}
		}
	}
	for _, r := range list {
		switch {
		case r.Filter != nil:
		case c.set.options.selects(r):
			need(r)
		default:
			c.set.notSelected = append(c.set.notSelected, r)
		}
	}
	return selected
}

// selects reports whether the options take a rule.
func (o *Options) selects(r *Rule) bool {
	same := func(list []string, text string) bool {
		return slices.ContainsFunc(list, func(s string) bool { return strings.EqualFold(s, text) })
	}
	switch {
	case r.Level < o.MinLevel,
		len(o.Statuses) > 0 && !same(o.Statuses, r.Status),
		slices.ContainsFunc(o.Exclude, r.Called):
		return false
	case len(o.Tags) == 0:
		return true
	}
	return slices.ContainsFunc(o.Tags, r.HasTag)
}

// rule compiles a detection rule, if it applies.
func (c *compiler) rule(r *Rule) {
	condition, sc := c.applied(r)
	if c.failed[r] {
		return
	}
	if sc == nil {
		c.leave(r, c.whyNotApplicable(r))
		return
	}
	c.applicable[r] = sc
	compiled := compiledRule{scope: sc}
	for _, f := range c.filters {
		if !f.Tunes(r) {
			continue
		}
		if tuned := and(condition, c.filter(f, sc)); !c.failed[f] {
			compiled.filters, condition = append(compiled.filters, f), tuned
		}
	}
	if c.failed[r] {
		return
	}
	entry, err := c.set.program.compile(condition)
	if err != nil {
		c.fail(r, r.Detection.Conditions[0].Line, r.Detection.Conditions[0].Column, ErrCondition, "%s", err)
		return
	}
	compiled.entry, compiled.condition = entry, condition
	c.number[r] = len(c.set.rules)
	c.set.rules = append(c.set.rules, r)
	c.set.compiled = append(c.set.compiled, compiled)
}

// applied returns a rule's condition for the first source that it is about,
// with the scope that it was read in; no scope if it is about none.
func (c *compiler) applied(r *Rule) (*boolExpr, *scope) {
	for i := range c.set.options.Sources {
		source := &c.set.options.Sources[i]
		if !source.covers(r.LogSource) {
			continue
		}
		if source.Key != "" && !c.dependsOn(r, source) {
			continue
		}
		sc := &scope{source: source, rule: r}
		before := len(c.errs)
		condition := c.detection(r.Detection, sc)
		if condition == exprFalse && len(source.Known) > 0 {
			// It is about other events of the log, so its errors
			// do not matter either.
			c.errs = c.errs[:before]
			delete(c.failed, r)
			continue
		}
		return condition, sc
	}
	return nil, nil
}

// leave leaves a rule alone that is about nothing which the set is matched
// against.
func (c *compiler) leave(r *Rule, reason string) {
	if c.set.reasons == nil {
		c.set.reasons = make(map[*Rule]string)
	}
	c.set.notApplicable = append(c.set.notApplicable, r)
	c.set.reasons[r] = reason
}

// whyNotApplicable returns why a rule is about none of the sources.
func (c *compiler) whyNotApplicable(r *Rule) string {
	for i := range c.set.options.Sources {
		source := &c.set.options.Sources[i]
		if source.covers(r.LogSource) && source.Key != "" {
			return fmt.Sprintf("not applied: of its log source (%s) only events with %s %s are looked at, and the rule asks for others or for all",
				r.LogSource, source.Key, strings.Join(source.Known[source.Key], " or "))
		}
		if source.covers(r.LogSource) {
			return fmt.Sprintf("not applied: it asks for other events of its log source (%s) than are looked at", r.LogSource)
		}
	}
	return fmt.Sprintf("not applied: its log source is not looked at (%s)", cmp.Or(r.LogSource.String(), "none is given"))
}

// dependsOn reports whether a rule can match only by its items about the
// source's key. Only a rule that mentions the field is compiled to see; what
// that adds to the set is then used anyway, as the rule may depend on other
// fields than that.
func (c *compiler) dependsOn(r *Rule, source *Source) bool {
	mentions := false
	for item := range r.Detection.Items() {
		mentions = mentions || item.Field == source.Key
	}
	if !mentions {
		return false
	}
	probe := &compiler{
		set: &Set{options: c.set.options, fieldIDs: make(map[string]int)}, known: make(map[string]int), failed: make(map[*Rule]bool),
	}
	sc := &scope{source: source, rule: r}
	if probe.detection(r.Detection, sc) == exprFalse {
		return false
	}
	sc.denied = source.Key
	return probe.detection(r.Detection, sc) == exprFalse
}

// detection returns the condition of a detection over predicates. Sigma rules
// specification, "Condition": several are joined by OR.
func (c *compiler) detection(d *Detection, sc *scope) *boolExpr {
	searches := make([]*boolExpr, len(d.Searches))
	search := func(i int) *boolExpr {
		if searches[i] == nil {
			searches[i] = c.search(d.Searches[i], sc)
		}
		return searches[i]
	}
	conditions := make([]*boolExpr, len(d.Conditions))
	for i, condition := range d.Conditions {
		conditions[i] = condition.expr.over(search)
	}
	return or(conditions...)
}

// over returns the condition with every search replaced by what search returns
// for its index.
func (c *conditionNode) over(search func(i int) *boolExpr) *boolExpr {
	if c.op == refOp {
		return search(c.search)
	}
	args := make([]*boolExpr, len(c.args))
	for i, arg := range c.args {
		args[i] = arg.over(search)
	}
	switch c.op {
	case notOp:
		return not(args[0])
	case andOp:
		return and(args...)
	case orOp:
		return or(args...)
	}
	return atLeast(c.n, args)
}

// search returns what a search asks. Sigma rules specification, "Lists" and
// "Maps".
func (c *compiler) search(s *Search, sc *scope) *boolExpr {
	groups := make([]*boolExpr, len(s.Groups))
	for i, g := range s.Groups {
		items := make([]*boolExpr, len(g.Items))
		for j, item := range g.Items {
			items[j] = c.item(item, sc)
		}
		groups[i] = and(items...)
	}
	return or(groups...)
}

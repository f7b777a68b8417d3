package scan

import (
	"cmp"
	"slices"

	"webshellscan/rules"
	"webshellscan/rules/builtin"
	"webshellscan/scan/eventrule"
	"webshellscan/scan/finding"
	"webshellscan/scan/proctree"
)

// RuleUse is what a scan does with a rule.
type RuleUse string

// The uses.
const (
	UseFinding        RuleUse = "finding"         // gives findings
	UseCorrelation    RuleUse = "correlation"     // a correlation rule that gives findings
	UseCorrelated     RuleUse = "correlated"      // only feeds correlation rules
	UseWebServer      RuleUse = "web server"      // identifies web servers
	UseOtherServer    RuleUse = "other server"    // identifies servers of another kind
	UseUnknownServer  RuleUse = "unknown server"  // identifies what behaves as a server
	UseWebApplication RuleUse = "web application" // identifies what runs in them
	UseLevel          RuleUse = "level"           // raises or lowers levels
	UseTechnique      RuleUse = "technique"       // maps findings to techniques
	UseFilter         RuleUse = "filter"          // tunes other rules
	UseNotApplicable  RuleUse = "other logs"      // is about other logs, or tunes rules that are
	UseNotSelected    RuleUse = "not selected"
	UseFailed         RuleUse = "failed"
)

// serverUses are the uses of rules that identify servers, by role.
var serverUses = map[string]RuleUse{
	builtin.RoleWebServer: UseWebServer, builtin.RoleOtherServer: UseOtherServer, builtin.RoleUnknownServer: UseUnknownServer,
}

// sets returns all sets of rules about processes.
func (s *RuleSets) sets() []*rules.Set {
	return []*rules.Set{s.Servers, s.Applications, s.Techniques, s.Levels, s.SessionLevels, s.Detections}
}

// setsOfAll returns the sets of rules about processes and of those about other
// events.
func (s *RuleSets) setsOfAll() []*rules.Set {
	list := s.sets()
	for _, e := range slices.Concat(s.Events, s.Signs) {
		list = append(list, e.Set)
	}
	return list
}

// Uses returns the use of each rule of Loaded.
func (s *RuleSets) Uses() map[*rules.Rule]RuleUse {
	uses := make(map[*rules.Rule]RuleUse, len(s.Loaded))
	mark := func(list []*rules.Rule, use RuleUse) {
		for _, r := range list {
			uses[r] = use
		}
	}
	for _, set := range s.sets() {
		mark(set.NotApplicable(), UseNotApplicable)
		mark(set.NotSelected(), UseNotSelected)
	}
	for _, r := range slices.Concat(s.Servers.Rules(), eventrule.RulesOf(s.Signs)) {
		uses[r] = serverUses[r.Role]
	}
	mark(s.Applications.Rules(), UseWebApplication)
	mark(s.Levels.Rules(), UseLevel)
	mark(s.SessionLevels.Rules(), UseLevel)
	mark(s.Techniques.Rules(), UseTechnique)
	mark(s.Correlations.NotApplicable(), UseNotApplicable)
	mark(s.Correlations.NotSelected(), UseNotSelected)
	mark(s.Correlations.Rules(), UseCorrelation)
	for _, r := range slices.Concat(s.Detections.Rules(), eventrule.RulesOf(s.Events)) {
		uses[r] = UseFinding
		if !s.Correlations.Reported(r) {
			uses[r] = UseCorrelated
		}
	}
	for _, r := range s.Loaded {
		_, known := uses[r]
		switch {
		case known:
		case r.Filter == nil || s.hasError(r):
			uses[r] = UseFailed
		case s.tunes(r):
			uses[r] = UseFilter
		default:
			uses[r] = UseNotApplicable
		}
	}
	return uses
}

// NotApplicable returns the rules of Loaded that do not apply, each with the
// reason.
func (s *RuleSets) NotApplicable() map[*rules.Rule]string {
	reasons := make(map[*rules.Rule]string)
	for r, use := range s.Uses() {
		if use != UseNotApplicable {
			continue
		}
		reasons[r] = cmp.Or(s.Correlations.WhyNotApplicable(r), "not applied: it tunes no rule that is")
		for _, set := range s.sets() {
			reasons[r] = cmp.Or(set.WhyNotApplicable(r), reasons[r])
		}
	}
	return reasons
}

// tunes reports whether a filter, or a copy of it for some of the rules that it
// names, tunes a rule.
func (s *RuleSets) tunes(filter *rules.Rule) bool {
	return slices.ContainsFunc(s.setsOfAll(), func(set *rules.Set) bool { return slices.ContainsFunc(set.Filters(), filter.SamePlace) })
}

// hasError reports whether one of the errors lies in a filter's document.
func (s *RuleSets) hasError(filter *rules.Rule) bool {
	return slices.ContainsFunc(s.Errors, func(err *rules.ParseError) bool {
		return err.File == filter.File && err.Line == filter.Filter.Line
	})
}

// Find returns the rules of Loaded with a name, ID or title, compared without
// case.
func (s *RuleSets) Find(name string) []*rules.Rule {
	var list []*rules.Rule
	for _, r := range s.Loaded {
		if r.Called(name) {
			list = append(list, r)
		}
	}
	return list
}

// Simplified returns what a detection rule was compiled to, and the filters
// that tune it. ok is false for a rule that is not applied.
func (s *RuleSets) Simplified(r *rules.Rule) (text string, filters []*rules.Rule, ok bool) {
	for _, set := range s.setsOfAll() {
		if i := slices.Index(set.Rules(), r); i >= 0 {
			return set.Simplified(i), set.FiltersOf(i), true
		}
	}
	return "", nil, false
}

// Explain explains how rules apply to a process: first those that give
// findings, then those that raise and lower levels, if the process has a
// finding, its worker has a session or they are asked for by name, then those
// that map to techniques, and those that identify servers and what runs in
// them, each in the order of the rules. wanted are the rules to explain; nil
// means all.
func (r *Result) Explain(p proctree.Process, wanted func(*rules.Rule) bool) []*rules.Explanation {
	var list []*rules.Explanation
	finding, session := r.weighedOf(p), r.sessionOf(p)
	for _, by := range []struct {
		set     *rules.Set
		servers *serverMap
		asked   bool
	}{
		{r.Rules.Detections, r.servers, true},
		{r.Rules.Levels, r.servers, finding != nil || wanted != nil},
		{r.Rules.SessionLevels, r.servers, session != nil || wanted != nil},
		{r.Rules.Techniques, r.servers, true},
		{r.Rules.Servers, nil, true},
		{r.Rules.Applications, nil, true},
	} {
		if !by.asked {
			continue
		}
		s, m := newSubject(by.set, r.Forest, by.servers), by.set.NewMatcher()
		s.process, s.finding, s.session = p, finding, session
		for i, rule := range by.set.Rules() {
			if wanted == nil || wanted(rule) {
				list = append(list, m.Explain(s, i))
			}
		}
	}
	return list
}

// Level returns how grave what is known of a process is, and why: its finding,
// or the session of which it is the server. Without either there is no reason.
func (r *Result) Level(p proctree.Process) (rules.Level, []finding.LevelReason) {
	if f := r.findingOf(p); f != nil {
		return f.Level, f.LevelReasons
	}
	if s := r.sessionOf(p); s != nil {
		return s.Level, s.LevelReasons
	}
	return rules.LevelNone, nil
}

// weighedOf returns the finding of a process with what its level comes from,
// nil if it has none.
func (r *Result) weighedOf(p proctree.Process) *weighed {
	if i := slices.IndexFunc(r.weighed, func(f *weighed) bool { return f.Process == p }); i >= 0 {
		return r.weighed[i]
	}
	return nil
}

// findingOf returns the finding of a process, nil if it has none.
func (r *Result) findingOf(p proctree.Process) *finding.Finding {
	if i := slices.IndexFunc(r.Findings, func(f *finding.Finding) bool { return f.Process == p }); i >= 0 {
		return r.Findings[i]
	}
	return nil
}

// sessionOf returns the session of which a process is the server, nil if there
// is none.
func (r *Result) sessionOf(p proctree.Process) *finding.Session {
	if i := slices.IndexFunc(r.Sessions, func(s *finding.Session) bool { return s.Worker == p }); i >= 0 {
		return r.Sessions[i]
	}
	return nil
}

// WorkerOf returns the server that a process runs below, which kind of server
// it is, and how many links the process is below it; the zero Process if there
// is none.
func (r *Result) WorkerOf(p proctree.Process) (worker proctree.Process, role finding.ServerRole, depth int) {
	worker = r.servers.workerOf(p)
	if !worker.Exists() {
		return worker, finding.ServerNone, 0
	}
	return worker, r.servers.serverOf(worker).kind, r.servers.depth(p)
}

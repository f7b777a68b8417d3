package scan

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"webshellscan/rules"
	"webshellscan/rules/builtin"
	"webshellscan/scan/eventrule"
)

// RuleOptions are which rules a scan applies. The zero value selects the
// built-in ones.
type RuleOptions struct {
	// Paths are files and folders with Sigma rules, which are applied
	// beside the built-in ones. Those with the roles web_server,
	// other_server and unknown_server identify servers, those with the role
	// web_application what runs in them, those with the role technique
	// which techniques a finding shows.
	Paths []string
	// NoBuiltin leaves out the built-in rules that give findings. Those
	// that identify servers stay, since without them no process has a
	// worker.
	NoBuiltin bool
	// MinLevel leaves out rules of a lower level, Statuses selects only
	// rules of these statuses, Tags only those with one of these tags or a
	// part of one: see rules.Options. Rules that identify servers are
	// selected whatever they have.
	MinLevel       rules.Level
	Statuses, Tags []string
	// Exclude leaves out rules by name, ID or title, compared without case.
	Exclude []string
	// Placeholders are the values of placeholders, by name without percent
	// signs.
	Placeholders map[string][]string
}

// RuleSets are the rules of a scan, compiled.
type RuleSets struct {
	// Detections are the rules that give findings, Servers those that
	// identify servers, Applications those that identify what runs in them,
	// Techniques those that map what findings show to techniques.
	Detections, Servers, Applications, Techniques *rules.Set
	// Levels are the rules that raise or lower the level of findings,
	// SessionLevels those that raise that of sessions.
	Levels, SessionLevels *rules.Set
	// Events are the rules about other events than the creation of
	// processes, by log source; Signs those of them that identify servers.
	Events, Signs []eventrule.Set
	// Correlations are the correlation rules over the rules of Detections,
	// their set 0, and of Events, the sets after it.
	Correlations *rules.Correlations
	// Loaded are all rules that were read, the built-in ones first, whether
	// they apply or not; Builtin is how many of them are built in.
	Loaded  []*rules.Rule
	Builtin int
	// Files are the rule files that were read.
	Files []string
	// Errors are what is wrong with rules that are left out: first those of
	// reading them, then those of compiling them.
	Errors []*rules.ParseError
	// Failed counts the rules with errors.
	Failed int
	// failed are those of them that could not be compiled, of filters
	// copies.
	failed []*rules.Rule
	// Unmatched are the entries of Exclude that no rule goes by, though one
	// that could not be read might.
	Unmatched []string
	// Selection is what is wrong with the options that choose rules: one
	// names a rule or tag that does not exist, together they leave no rule
	// that gives findings, or the level leaves none about processes. It is
	// nil if nothing is.
	Selection error
}

// LoadRules reads and compiles rules, with several goroutines. What is wrong
// with one rule costs that rule only, and is in RuleSets.Errors; the error
// returned is one of this program.
func LoadRules(ctx context.Context, o RuleOptions, goroutines int) (*RuleSets, error) {
	shipped, err := builtin.Rules()
	if err != nil {
		return nil, err
	}
	known := shipped
	if o.NoBuiltin {
		shipped = slices.DeleteFunc(slices.Clone(shipped), func(r *rules.Rule) bool { return r.Role == "" || r.Role == builtin.RoleTrace })
	}
	s := &RuleSets{Loaded: shipped, Builtin: len(shipped)}
	given := rules.Load(ctx, o.Paths, goroutines)
	s.Loaded = append(s.Loaded, given.Rules...)
	s.Files, s.Failed = given.Files, given.Failed
	s.fail(given.Errors)

	// What the user says of a server goes before what is built in.
	roles, others := builtin.SplitServers(slices.Concat(given.Rules, shipped))
	applications, others := builtin.SplitRole(others, builtin.RoleWebApplication)
	techniques, others := builtin.SplitRole(others, builtin.RoleTechnique)
	levels, sessions, others := builtin.SplitLevels(others)
	roles, applications, techniques = s.checkRoles(roles), s.checkRoles(applications), s.checkRoles(techniques)
	levels, sessions = s.checkLevels(levels), s.checkLevels(sessions)
	for _, by := range []*[]*rules.Rule{&roles, &applications, &techniques, &levels, &sessions} {
		*by, others = shareFilters(*by, others)
	}
	s.Levels, s.SessionLevels = s.compile(levels, o.bare()), s.compile(sessions, o.bare())
	s.Servers, s.Applications = s.compile(roles, o.bare()), s.compile(applications, o.bare())
	s.Techniques = s.compile(techniques, o.bare())
	s.Detections = s.compile(others, o.chosen())
	s.Events = s.compileEvents(s.Detections, others, o.chosen())
	s.correlate(others, o.chosen())
	s.Signs = s.compileEvents(s.Servers, roles, o.bare())
	s.checkSelection(&o, slices.Concat(known, given.Rules), given.Failed > 0)
	s.checkLevel(&o, others)
	return s, nil
}

// bare returns the options of rules with a role: which rules are chosen does
// not touch them.
func (o *RuleOptions) bare() rules.Options {
	return rules.Options{Also: alsoFields, Late: lateFields, Exclude: o.Exclude, Placeholders: o.Placeholders}
}

// chosen returns the options of rules that give findings.
func (o *RuleOptions) chosen() rules.Options {
	options := o.bare()
	options.MinLevel, options.Statuses, options.Tags = o.MinLevel, o.Statuses, o.Tags
	return options
}

// compile compiles rules about processes, and keeps what is wrong with them.
func (s *RuleSets) compile(list []*rules.Rule, options rules.Options) *rules.Set {
	set, errs := rules.Compile(s.withoutFailed(list), options)
	s.leaveOut(set.Failed(), errs)
	return set
}

// withoutFailed returns the rules of a list without the filters that could not
// be compiled with others: each error is reported once.
func (s *RuleSets) withoutFailed(list []*rules.Rule) []*rules.Rule {
	return slices.DeleteFunc(slices.Clone(list), func(r *rules.Rule) bool {
		return r.Filter != nil && slices.ContainsFunc(s.failed, r.SamePlace)
	})
}

// leaveOut keeps which rules could not be compiled, and why.
func (s *RuleSets) leaveOut(failed []*rules.Rule, errs []error) {
	s.fail(errs)
	s.failed = append(s.failed, failed...)
	s.Failed += len(failed)
}

// compileEvents compiles those rules of a list that are about events and not
// about processes, by log source. set is what those about processes were
// compiled to.
func (s *RuleSets) compileEvents(set *rules.Set, list []*rules.Rule, options rules.Options) []eventrule.Set {
	others := slices.DeleteFunc(s.withoutFailed(list), func(r *rules.Rule) bool { return r.Detection != nil })
	sets, failed, errs := eventrule.Compile(slices.Concat(set.NotApplicable(), others), options)
	s.leaveOut(failed, errs)
	return sets
}

// correlate compiles the correlation rules of a list over the rules that give
// findings.
func (s *RuleSets) correlate(list []*rules.Rule, options rules.Options) {
	sets := []*rules.Set{s.Detections}
	for _, e := range s.Events {
		sets = append(sets, e.Set)
	}
	var errs []error
	s.Correlations, errs = rules.Correlate(list, options, sets...)
	s.fail(errs)
	s.Failed += s.Correlations.Failed()
}

func (s *RuleSets) fail(errs []error) {
	for _, err := range errs {
		if problem, ok := errors.AsType[*rules.ParseError](err); ok {
			s.Errors = append(s.Errors, problem)
		}
	}
}

// maxServerRules bounds the rules that identify servers: a process has the
// number of one in 16 bits.
const maxServerRules = 1<<16 - 2

// checkRoles returns the rules that can identify servers, or what runs in them.
func (s *RuleSets) checkRoles(roles []*rules.Rule) []*rules.Rule {
	var kept []*rules.Rule
	for _, r := range roles {
		reason := ""
		switch {
		case r.Detection == nil:
			reason = fmt.Sprintf("the role %s is for rules with a detection", r.Role)
		case len(kept) == maxServerRules:
			reason = fmt.Sprintf("more than %d rules have the role %s", maxServerRules, r.Role)
		case certaintyFault(r) != "":
			reason = certaintyFault(r)
		default:
			kept = append(kept, r)
			continue
		}
		s.Errors = append(s.Errors, &rules.ParseError{File: r.File, Line: r.Line, Reason: reason, Err: rules.ErrNotRule})
		s.Failed++
	}
	return kept
}

// checkLevels returns the rules that can raise or lower a level.
func (s *RuleSets) checkLevels(levels []*rules.Rule) []*rules.Rule {
	var kept []*rules.Rule
	for _, r := range s.checkRoles(levels) {
		if reason := levelFault(r, levels); reason != "" {
			s.Errors = append(s.Errors, &rules.ParseError{File: r.File, Line: r.Line, Reason: reason, Err: rules.ErrNotRule})
			s.Failed++
			continue
		}
		kept = append(kept, r)
	}
	return kept
}

// levelFault returns what a rule that is to raise or lower levels lacks, "" for
// nothing.
func levelFault(r *rules.Rule, levels []*rules.Rule) string {
	switch {
	case r.Level == rules.LevelNone:
		return fmt.Sprintf("the role %s needs a level", r.Role)
	case builtin.Why(r) == "":
		return fmt.Sprintf("the role %s needs the attribute why, a sentence that reports give as the reason", r.Role)
	case r.Role != builtin.RoleLower && len(builtin.Despite(r)) > 0:
		return "the attribute despite is for rules of the role " + builtin.RoleLower
	}
	for _, name := range builtin.Despite(r) {
		if !slices.ContainsFunc(levels, func(raise *rules.Rule) bool { return raise.Role == builtin.RoleRaise && raise.Goes(name) }) {
			return fmt.Sprintf("despite names %q, but no rule of the role %s goes by it", name, builtin.RoleRaise)
		}
	}
	return ""
}

// shareFilters adds each filter to the set of the rules that it names: those of
// one role, the others, or both. A filter that names none tunes those that give
// findings.
func shareFilters(roles, others []*rules.Rule) (withRoles, withOthers []*rules.Rule) {
	withRoles = slices.Clone(roles)
	isRole := func(ref string) bool {
		return slices.ContainsFunc(roles, func(role *rules.Rule) bool { return role.Goes(ref) })
	}
	for _, r := range others {
		if r.Filter == nil {
			withOthers = append(withOthers, r)
			continue
		}
		switch {
		case !slices.ContainsFunc(r.Filter.Rules, isRole):
			withOthers = append(withOthers, r)
		case !slices.ContainsFunc(r.Filter.Rules, func(ref string) bool { return !isRole(ref) }):
			withRoles = append(withRoles, r)
		default:
			withRoles = append(withRoles, r.FilterOf(isRole))
			withOthers = append(withOthers, r.FilterOf(func(ref string) bool { return !isRole(ref) }))
		}
	}
	return withRoles, withOthers
}

// RuleSummary counts the rules of a scan.
type RuleSummary struct {
	// Applied counts the rules that gave findings or would have,
	// correlation rules among them; Servers those that identify servers and
	// what runs in them; Levels those that raised or lowered levels;
	// Filters those that were given and tuned others.
	Applied, Servers, Levels, Filters int
	// Events counts the rules that were matched against other events than
	// the creation of processes.
	Events int
	// Correlated counts those of Applied and Events that give no findings
	// by themselves, since correlation rules ask for them.
	Correlated int
	// NotApplicable counts rules about other logs, NotSelected those that
	// Options left out, Failed those with errors.
	NotApplicable, NotSelected, Failed int
	// Errors are what is wrong with the rules that failed.
	Errors []*rules.ParseError
	// Unmatched are names and IDs to exclude that no rule goes by.
	Unmatched []string
	// Forgotten counts the matches that correlation rules forgot before
	// their timespan was over, to stay within bounds.
	Forgotten int
}

// givenFilters counts the filters that were given and tune a rule. Those built
// in belong to the rules that they tune.
func (s *RuleSets) givenFilters() int {
	n := 0
	for _, r := range s.Loaded[s.Builtin:] {
		if r.Filter != nil && s.tunes(r) {
			n++
		}
	}
	return n
}

// Summary counts the rules.
func (s *RuleSets) Summary() RuleSummary {
	sum := RuleSummary{
		Applied: len(s.Detections.Rules()) + len(s.Correlations.Rules()), Servers: len(s.Servers.Rules()) + len(s.Applications.Rules()) + len(eventrule.RulesOf(s.Signs)),
		Levels: len(s.Levels.Rules()) + len(s.SessionLevels.Rules()), Filters: s.givenFilters(),
		Failed: s.Failed, Errors: s.Errors, Unmatched: s.Unmatched,
	}
	for _, set := range s.sets() {
		sum.NotApplicable += len(set.NotApplicable())
		sum.NotSelected += len(set.NotSelected())
	}
	events := eventrule.RulesOf(s.Events)
	sum.Events = len(events)
	sum.NotApplicable += len(s.Correlations.NotApplicable()) - sum.Events - len(eventrule.RulesOf(s.Signs))
	sum.NotSelected += len(s.Correlations.NotSelected())
	for _, r := range slices.Concat(s.Detections.Rules(), events) {
		if !s.Correlations.Reported(r) {
			sum.Correlated++
		}
	}
	return sum
}

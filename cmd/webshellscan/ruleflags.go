package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"webshellscan/internal/nearest"
	"webshellscan/rules"
	"webshellscan/scan"
)

// ruleFlags are the flags that choose which rules are applied.
type ruleFlags struct {
	paths        []string
	noBuiltin    bool
	level        levelFlag
	statuses     statusFlag
	tags         []string
	exclude      []string
	placeholders string
}

var (
	levels   = []string{"informational", "low", "medium", "high", "critical"}
	statuses = []string{"stable", "test", "experimental", "deprecated", "unsupported"}
)

// levelFlag is a flag that names a level.
type levelFlag struct{ level rules.Level }

// add adds the flag to a verb.
func (l *levelFlag) add(cmd *cobra.Command, name, usage string) {
	cmd.Flags().Var(l, name, usage+strings.Join(levels, ", "))
	_ = cmd.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(levels, cobra.ShellCompDirectiveNoFileComp))
}

// String implements pflag.Value.
func (l *levelFlag) String() string { return l.level.String() }

// Set implements pflag.Value.
func (l *levelFlag) Set(text string) error {
	level, ok := rules.ParseLevel(text)
	if !ok || level == rules.LevelNone {
		return fmt.Errorf("not one of %s%s", strings.Join(levels, ", "), nearest.Part(text, levels))
	}
	l.level = level
	return nil
}

// Type implements pflag.Value.
func (l *levelFlag) Type() string { return "level" }

// statusFlag is a repeatable flag with statuses of rules.
type statusFlag []string

// String implements pflag.Value.
func (s *statusFlag) String() string { return strings.Join(*s, ",") }

// Set implements pflag.Value.
func (s *statusFlag) Set(text string) error {
	for status := range strings.SplitSeq(text, ",") {
		if !slices.Contains(statuses, strings.ToLower(status)) {
			return fmt.Errorf("not one of %s%s", strings.Join(statuses, ", "), nearest.Part(status, statuses))
		}
		*s = append(*s, strings.ToLower(status))
	}
	return nil
}

// Type implements pflag.Value.
func (s *statusFlag) Type() string { return "status" }

// addFlags adds the flags of all verbs that apply rules.
func (f *ruleFlags) addFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringArrayVar(&f.paths, "rules", nil, "Sigma rules to apply besides the built-in ones: a file or folder `path` (repeatable)")
	flags.BoolVar(&f.noBuiltin, "no-builtin", false, "leave out the built-in rules that give findings; those that identify servers stay")
	f.level.add(cmd, "rule-level", "only rules of this `level` or above: ")
	flags.Var(&f.statuses, "status", "only rules of this `status`: "+strings.Join(statuses, ", ")+" (repeatable)")
	flags.StringArrayVar(&f.tags, "tag", nil, "only rules with this `tag` or one below it, such as T1505 or attack.t1505 (repeatable)")
	flags.StringArrayVar(&f.exclude, "exclude", nil, "leave out the rule of this `name`, ID or title (repeatable)")
	flags.StringVar(&f.placeholders, "placeholders", "", "a YAML `file` with the values that placeholders in rules stand for")
	completeRules(cmd, "exclude", f)
	_ = cmd.RegisterFlagCompletionFunc("status", cobra.FixedCompletions(statuses, cobra.ShellCompDirectiveNoFileComp))
}

// inputs returns paths, and with them the files that the flags name: no report
// may overwrite any of them.
func (f *ruleFlags) inputs(paths []string) []string {
	all := slices.Concat(paths, f.paths)
	if f.placeholders != "" {
		all = append(all, f.placeholders)
	}
	return all
}

// finalize checks the flags and turns them into options.
func (f *ruleFlags) finalize() (scan.RuleOptions, error) {
	options := scan.RuleOptions{
		Paths: f.paths, NoBuiltin: f.noBuiltin, MinLevel: f.level.level, Statuses: f.statuses, Tags: f.tags, Exclude: f.exclude,
	}
	for _, path := range f.paths {
		if _, err := os.Stat(path); err != nil {
			return options, fmt.Errorf("rules %s: %w", path, errors.Unwrap(err))
		}
	}
	if f.noBuiltin && len(f.paths) == 0 {
		return options, errors.New("--no-builtin without --rules: no rule is left to give findings")
	}
	var err error
	if f.placeholders != "" {
		if options.Placeholders, err = rules.LoadPlaceholders(f.placeholders); err != nil {
			return options, fmt.Errorf("--placeholders %w", err)
		}
	}
	return options, nil
}

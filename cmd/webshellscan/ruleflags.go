package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"webshellscan/rules"
	"webshellscan/scan"
)

// ruleFlags are the flags that say which rules are applied.
type ruleFlags struct {
	paths        []string
	noBuiltin    bool
	level        string
	statuses     []string
	tags         []string
	exclude      []string
	placeholders string
}

var (
	levels   = []string{"informational", "low", "medium", "high", "critical"}
	statuses = []string{"stable", "test", "experimental", "deprecated", "unsupported"}
)

// addFlags adds the flags of all verbs that apply rules.
func (f *ruleFlags) addFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringArrayVar(&f.paths, "rules", nil, "Sigma rules to apply besides the built-in ones: a file or folder `path` (may be given again)")
	flags.BoolVar(&f.noBuiltin, "no-builtin", false, "leave out the built-in rules that give findings; those that tell servers stay")
	flags.StringVar(&f.level, "level", "", "only rules of this `level` or above: "+strings.Join(levels, ", "))
	flags.StringSliceVar(&f.statuses, "status", nil, "only rules of this `status`: "+strings.Join(statuses, ", ")+" (may be given again)")
	flags.StringArrayVar(&f.tags, "tag", nil, "only rules with this `tag` or one below it, such as attack.t1505 (may be given again)")
	flags.StringArrayVar(&f.exclude, "exclude", nil, "leave out the rule of this `name` or ID (may be given again)")
	flags.StringVar(&f.placeholders, "placeholders", "", "a YAML `file` with the values that placeholders in rules stand for")
	_ = cmd.RegisterFlagCompletionFunc("level", cobra.FixedCompletions(levels, cobra.ShellCompDirectiveNoFileComp))
	_ = cmd.RegisterFlagCompletionFunc("status", cobra.FixedCompletions(statuses, cobra.ShellCompDirectiveNoFileComp))
}

// inputs returns paths, and with them the files that the flags name: no report may
// overwrite any of them.
func (f *ruleFlags) inputs(paths []string) []string {
	all := slices.Concat(paths, f.paths)
	if f.placeholders != "" {
		all = append(all, f.placeholders)
	}
	return all
}

// finalize checks the flags and turns them into options.
func (f *ruleFlags) finalize() (scan.RuleOptions, error) {
	options := scan.RuleOptions{Paths: f.paths, NoBuiltin: f.noBuiltin, Statuses: f.statuses, Tags: f.tags, Exclude: f.exclude}
	var ok bool
	if options.MinLevel, ok = rules.ParseLevel(f.level); !ok {
		return options, fmt.Errorf("--level %q: not one of %s", f.level, strings.Join(levels, ", "))
	}
	for _, status := range f.statuses {
		if !slices.Contains(statuses, strings.ToLower(status)) {
			return options, fmt.Errorf("--status %q: not one of %s", status, strings.Join(statuses, ", "))
		}
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

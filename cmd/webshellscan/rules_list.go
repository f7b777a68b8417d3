package main

import (
	"errors"

	"github.com/spf13/cobra"

	"webshellscan/report"
)

func newRulesListCommand(g *globals) *cobra.Command {
	var flags ruleFlags
	var format string
	cmd := &cobra.Command{
		Use:   "list [flags]",
		Short: "List the rules, and what a scan with the same flags does with each",
		Long: `list names the built-in rules and those that --rules gives: name, title, ID,
level, log source and tags, and what a scan with the same flags does with each.

` + rulesExitHelp,
		Example: "  webshellscan rules list --rules ~/sigma/rules/windows --tag attack.t1505.003",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := report.RuleListFormats.Check(format); err != nil {
				return err
			}
			sets, err := g.loadRules(cmd, &flags)
			if err != nil {
				return err
			}
			if !g.quiet {
				_ = report.RuleSummary(g.stderr, sets) // without standard error there is nobody to tell
			}
			err = g.print(func(out *output, o report.Options) error { return report.RuleListFormats.Write(out, format, sets, o) })
			if ended := endedEarly(cmd); err == nil && ended != nil {
				return ended
			}
			return errors.Join(err, sets.Selection)
		},
	}
	flags.addFlags(cmd)
	g.addRuleVerbFlags(cmd, &format, report.RuleListFormats.Names())
	return cmd
}

package main

import (
	"errors"

	"github.com/spf13/cobra"

	"webshellscan/report"
)

func newRulesCheckCommand(g *globals) *cobra.Command {
	var flags ruleFlags
	var format string
	cmd := &cobra.Command{
		Use:   "check [flags] PATH...",
		Short: "Say what is wrong with rule files",
		Long: `check reads rule files and says all that is wrong with them: file, line, column
and reason, one line each. Warnings are departures from the Sigma specification
that leave no doubt about what was meant; notes name rules that are not applied,
since they are about other logs. Neither are errors.

Rules may refer to the built-in ones.

` + rulesExitHelp,
		Example: "  webshellscan rules check my-rules/",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return errors.New("no file or folder given: webshellscan rules check PATH... (see --help)")
			}
			if err := report.RuleCheckFormats.Check(format); err != nil {
				return err
			}
			flags.paths = args
			sets, err := g.loadRules(cmd, &flags)
			if err != nil {
				return err
			}
			problems := report.RuleProblems(sets)
			err = g.print(func(out *output, o report.Options) error {
				return report.RuleCheckFormats.Write(out, format, problems, o)
			})
			if err != nil {
				return err
			}
			if !g.quiet {
				_ = report.CheckSummary(g.stderr, sets, problems) // without standard error there is nobody to tell
			}
			if err := endedEarly(cmd); err != nil {
				return err
			}
			if len(sets.Errors) > 0 {
				return outcome(exitFindings)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&flags.placeholders, "placeholders", "", "a YAML `file` with the values that placeholders in rules stand for")
	g.addRuleVerbFlags(cmd, &format, report.RuleCheckFormats.Names())
	return cmd
}

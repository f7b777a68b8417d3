package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"webshellscan/report"
	"webshellscan/scan"
)

const rulesExitHelp = `Exit status:
  0    done; of check: no errors
  1    of check: there are errors
  2    wrong usage, or no such rule
  3    the output could not be written
  130  interrupted: not all rules were read
`

// endedEarly returns the outcome of a run that was interrupted, nil of others.
func endedEarly(cmd *cobra.Command) error {
	if cmd.Context().Err() != nil {
		return outcome(exitInterrupted)
	}
	return nil
}

// newRulesCommand returns the verb rules with those below it.
func newRulesCommand(g *globals) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "rules",
		Short: "List, check and show Sigma rules",
		Long: `rules is about the built-in rules and Sigma rules of your own.

` + rulesExitHelp,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return noSuchVerb(cmd, args[0])
			}
			return fmt.Errorf("no verb given: webshellscan rules list, check or show (see --help)")
		},
	}
	cmd.AddCommand(newRulesListCommand(g), newRulesCheckCommand(g), newRulesShowCommand(g))
	return cmd
}

// addRuleVerbFlags adds the flags of all verbs about rules.
func (g *globals) addRuleVerbFlags(cmd *cobra.Command, format *string, names []string) {
	g.addGoroutines(cmd.Flags())
	g.addWidth(cmd.Flags())
	cmd.Flags().StringVarP(format, "format", "f", names[0], "`format` of the output: "+strings.Join(names, ", "))
	_ = cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(names, cobra.ShellCompDirectiveNoFileComp))
}

// loadRules reads and compiles the rules that the flags choose.
func (g *globals) loadRules(cmd *cobra.Command, flags *ruleFlags) (*scan.RuleSets, error) {
	options, err := flags.finalize()
	if err != nil {
		return nil, err
	}
	return scan.LoadRules(cmd.Context(), options, g.goroutines)
}

// print writes to standard output with what writes it.
func (g *globals) print(write func(out *output, o report.Options) error) error {
	out := standardOutput(g.stdout)
	return out.commit(write(out, report.Options{Width: g.columns(out), Color: g.color(g.stdout)}))
}

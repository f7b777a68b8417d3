package main

import (
	"cmp"
	"fmt"

	"github.com/spf13/cobra"

	"webshellscan/report"
	"webshellscan/rules"
)

func newRulesShowCommand(g *globals) *cobra.Command {
	var flags ruleFlags
	var format string
	cmd := &cobra.Command{
		Use:   "show [flags] NAME...",
		Short: "Show a rule as it was parsed, and what it was simplified to",
		Long: `show writes all that is known of the rules with a name, ID or title: what the file
says, and the one condition over fields that it was simplified to.

` + rulesExitHelp,
		Example: "  webshellscan rules show shells_spawned_by_web_servers",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return fmt.Errorf("no rule named: webshellscan rules show NAME... (see --help)")
			}
			if err := report.RuleShowFormats.Check(format); err != nil {
				return err
			}
			sets, err := g.loadRules(cmd, &flags)
			if err != nil {
				return err
			}
			if err := cmp.Or(endedEarly(cmd), sets.Selection); err != nil {
				return err
			}
			var list []*rules.Rule
			for _, name := range args {
				found := sets.Find(name)
				if len(found) == 0 {
					return fmt.Errorf("%w; webshellscan rules list names all", sets.Unknown(name))
				}
				list = append(list, found...)
			}
			return g.print(func(out *output, o report.Options) error {
				return report.RuleShowFormats.Write(out, format, report.ShownRules{Sets: sets, Rules: list}, o)
			})
		},
	}
	flags.addFlags(cmd)
	cmd.ValidArgsFunction = namesOfRules(&flags)
	g.addRuleVerbFlags(cmd, &format, report.RuleShowFormats.Names())
	return cmd
}

package main

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"webshellscan/scan"
	"webshellscan/scan/proctree"
)

// completionTime is how long a completion may take that has to read logs. What
// was found up to then is offered.
const completionTime = 2 * time.Second

// completePaths lets the shell complete files and folders.
func completePaths(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveDefault
}

// completeFromLogs completes the value of a flag by what the logs have that are
// named on the command line.
func completeFromLogs(cmd *cobra.Command, flag string, values func(*scan.Result) []string) {
	complete := func(cmd *cobra.Command, paths []string, _ string) ([]string, cobra.ShellCompDirective) {
		ctx, stop := context.WithTimeout(context.WithoutCancel(cmd.Context()), completionTime)
		defer stop()
		if len(paths) == 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		res, err := scan.Scan(ctx, scan.Options{Paths: paths, Crosscheck: -1})
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return values(res), cobra.ShellCompDirectiveNoFileComp
	}
	_ = cmd.RegisterFlagCompletionFunc(flag, complete) // fails for none of our flags: a test completes each
}

// hostsOf returns the names of the hosts of logs.
func hostsOf(res *scan.Result) []string {
	var names []string
	for _, h := range res.Summary.Hosts {
		names = append(names, h.Name)
	}
	return names
}

// sessionsOf returns the keys of the sessions in logs.
func sessionsOf(res *scan.Result) []string {
	var keys []string
	for _, s := range res.Sessions {
		keys = append(keys, cobra.CompletionWithDesc(s.Key, s.Level.String()))
	}
	return keys
}

// processesOf returns the IDs of the processes in logs that are worth a
// question: those with findings, and the servers above them.
func processesOf(res *scan.Result) []string {
	var ids []string
	add := func(p proctree.Process) {
		ids = append(ids, cobra.CompletionWithDesc(strconv.FormatUint(uint64(p.PID()), 10), p.Forest().Texts().Text(p.Image())))
	}
	for _, s := range res.Sessions {
		add(s.Worker)
	}
	for _, f := range res.Findings {
		add(f.Process)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// completeRules completes the value of a flag by the names of rules, the
// built-in ones and those of --rules.
func completeRules(cmd *cobra.Command, flag string, rules *ruleFlags) {
	complete := func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		sets, err := scan.LoadRules(cmd.Context(), scan.RuleOptions{Paths: rules.paths}, 0)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var names []string
		for rule := range sets.Uses() {
			names = append(names, cobra.CompletionWithDesc(rule.Label(), rule.Title))
		}
		slices.Sort(names)
		return slices.Compact(names), cobra.ShellCompDirectiveNoFileComp
	}
	_ = cmd.RegisterFlagCompletionFunc(flag, complete)
}

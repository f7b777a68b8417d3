package main

import (
	"context"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"webshellscan/scan"
	"webshellscan/scan/proctree"
)

// completionTime is how long a completion may take that has to read logs. What
// was found up to then is offered.
const completionTime = 2 * time.Second

// completePaths has the shell complete files and folders.
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
// question: those with findings, and the servers above them. Each is listed by
// its file name, since zsh takes the backslashes of a path for its own.
func processesOf(res *scan.Result) []string {
	var ids []string
	add := func(p proctree.Process) {
		ids = append(ids, cobra.CompletionWithDesc(strconv.FormatUint(uint64(p.PID()), 10), proctree.BaseName(p.Forest().Texts().Text(p.Image()))))
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
	_ = cmd.RegisterFlagCompletionFunc(flag, namesOfRules(rules))
}

// namesOfRules returns a function that completes the names of rules, the
// built-in ones and those of --rules.
func namesOfRules(rules *ruleFlags) cobra.CompletionFunc {
	return func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
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
}

// fishWords is where cobra's script for fish takes the words before the cursor.
// It evaluates them without the quotes that they had, so that a folder with a
// blank in its name is two words. quotedFishWords are escaped but for what fish
// expands in a word.
const (
	fishWords       = "(commandline -opc)\n"
	quotedFishWords = `(string escape --no-quoted -- (commandline -opc) | string replace -ar '\\\\([~$*?{}])' '$1')` + "\n"
)

// addCompletionCommand adds the verb completion, with a script for fish that
// keeps words with blanks whole.
func addCompletionCommand(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	completion, _, _ := root.Find([]string{"completion"}) // cobra has it
	completion.Args, completion.RunE = cobra.ArbitraryArgs, func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return noSuchVerb(cmd, args[0])
		}
		return cmd.Help()
	}
	fish, _, _ := root.Find([]string{"completion", "fish"})
	fish.RunE = func(cmd *cobra.Command, _ []string) error {
		bare, _ := cmd.Flags().GetBool("no-descriptions") // of no other type
		var script strings.Builder
		if err := root.GenFishCompletion(&script, !bare); err != nil {
			return err
		}
		_, err := io.WriteString(cmd.OutOrStdout(), strings.Replace(script.String(), fishWords, quotedFishWords, 1))
		return err
	}
}

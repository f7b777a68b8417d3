package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// flagGroups are the headings of the flags in a help, with the flags below
// each.
var flagGroups = []struct {
	title string
	flags []string
}{
	{"What to read", []string{
		"recover", "carve", "shard", "label", "expect", "web-log", "password", "password-file", "temp", "memory", "verify-image",
	}},
	{"What to look for", []string{
		"host", "since", "until", "level", "pid", "session", "case-sensitive", "rule", "record", "request", "rules", "no-builtin", "rule-level", "status", "tag",
		"exclude", "placeholders", "baseline",
	}},
	{"What to write", []string{
		"format", "output", "force", "evidence", "flat", "sessions", "processes", "sort", "width", "ascii", "depth", "max", "all", "max-size", "csv-time", "csv-excel",
		"csv-raw", "title", "case", "author", "marks", "no-color",
	}},
}

// otherFlags is the heading of the flags that are in no group.
const otherFlags = "How"

// helpWidth is how many columns a help takes, on any terminal.
const helpWidth = 80

// writeHelp writes the help of a verb: how it is used by examples first.
func writeHelp(w io.Writer, cmd *cobra.Command) error {
	var b strings.Builder
	about, exit, _ := strings.Cut(cmd.Long, "Exit status:\n")
	if cmd.Long == "" {
		about = cmd.Short + "."
	}
	if cmd.Example != "" {
		fmt.Fprintf(&b, "%s.\n\nExamples:\n%s\n\n", cmd.Short, strings.TrimRight(cmd.Example, "\n"))
	}
	if cmd.Runnable() {
		fmt.Fprintf(&b, "Usage:\n  %s\n", cmd.UseLine())
	}
	if cmd.HasAvailableSubCommands() {
		fmt.Fprintf(&b, "  %s VERB --help\n", cmd.CommandPath())
	}
	fmt.Fprintf(&b, "\n%s\n", strings.TrimRight(about, "\n"))
	if cmd.HasAvailableSubCommands() {
		b.WriteString("\nVerbs:\n")
		for _, verb := range cmd.Commands() {
			if verb.IsAvailableCommand() {
				fmt.Fprintf(&b, "  %-11s %s\n", verb.Name(), verb.Short)
			}
		}
	}
	writeFlags(&b, cmd)
	if exit != "" {
		fmt.Fprintf(&b, "\nExit status:\n%s", exit)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// writeFlags writes the flags of a verb by group.
func writeFlags(b *strings.Builder, cmd *cobra.Command) {
	for _, group := range flagGroupsOf(cmd) {
		fmt.Fprintf(b, "\n%s:\n%s", group.title, group.flags.FlagUsagesWrapped(helpWidth))
	}
}

// flagGroup are flags with their heading.
type flagGroup struct {
	title string
	flags *pflag.FlagSet
}

// flagGroupsOf returns the flags of a verb by group, in the order of the
// groups. Those without a flag are left out.
func flagGroupsOf(cmd *cobra.Command) []flagGroup {
	cmd.InitDefaultHelpFlag()
	all, others := newFlagSet(), newFlagSet()
	all.AddFlagSet(cmd.LocalFlags())
	all.AddFlagSet(cmd.InheritedFlags())
	grouped := make(map[string]bool)
	var list []flagGroup
	for _, group := range flagGroups {
		set := newFlagSet()
		for _, name := range group.flags {
			if f := all.Lookup(name); f != nil {
				set.AddFlag(f)
				grouped[name] = true
			}
		}
		list = append(list, flagGroup{group.title, set})
	}
	all.SortFlags = true
	all.VisitAll(func(f *pflag.Flag) {
		if !grouped[f.Name] {
			others.AddFlag(f)
		}
	})
	list = append(list, flagGroup{otherFlags, others})
	return slices.DeleteFunc(list, func(g flagGroup) bool { return !g.flags.HasAvailableFlags() })
}

// newFlagSet returns a set of flags that stay in the order in which they come.
func newFlagSet() *pflag.FlagSet {
	set := pflag.NewFlagSet("", pflag.ContinueOnError)
	set.SortFlags = false
	return set
}

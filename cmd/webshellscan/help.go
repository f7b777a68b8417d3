package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// flagGroups are the headings of the flags in a help, with the flags below each.
var flagGroups = []struct {
	title string
	flags []string
}{
	{"What to read", []string{
		"recover", "carve", "web-log", "password", "password-file", "temp", "memory", "verify-image",
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

// writeFlags writes the flags of a verb by group, in the order of the groups.
func writeFlags(b *strings.Builder, cmd *cobra.Command) {
	cmd.InitDefaultHelpFlag()
	others := pflag.NewFlagSet("", pflag.ContinueOnError)
	others.SortFlags = false
	all := pflag.NewFlagSet("", pflag.ContinueOnError)
	all.AddFlagSet(cmd.LocalFlags())
	all.AddFlagSet(cmd.InheritedFlags())
	grouped := make(map[string]bool)
	write := func(title string, set *pflag.FlagSet) {
		if set.HasAvailableFlags() {
			fmt.Fprintf(b, "\n%s:\n%s", title, set.FlagUsagesWrapped(helpWidth))
		}
	}
	for _, group := range flagGroups {
		set := pflag.NewFlagSet("", pflag.ContinueOnError)
		set.SortFlags = false
		for _, name := range group.flags {
			if f := all.Lookup(name); f != nil {
				set.AddFlag(f)
				grouped[name] = true
			}
		}
		write(group.title, set)
	}
	all.VisitAll(func(f *pflag.Flag) {
		if !grouped[f.Name] {
			others.AddFlag(f)
		}
	})
	write(otherFlags, others)
}

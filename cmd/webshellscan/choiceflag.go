package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"webshellscan/internal/nearest"
)

// choiceFlag is a flag that has one of some values, by default the first.
type choiceFlag string

// add adds the flag to a verb.
func (c *choiceFlag) add(cmd *cobra.Command, name, usage string, values ...string) {
	*c = choiceFlag(values[0])
	cmd.Flags().Var(&choice{c, values}, name, usage+strings.Join(values, ", "))
	_ = cmd.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
}

// choice implements pflag.Value for a choiceFlag.
type choice struct {
	value  *choiceFlag
	values []string
}

// String implements pflag.Value.
func (c *choice) String() string {
	if c.value == nil {
		return "" // pflag asks the zero value
	}
	return string(*c.value)
}

// Set implements pflag.Value.
func (c *choice) Set(text string) error {
	if !slices.Contains(c.values, text) {
		return fmt.Errorf("not one of %s%s", strings.Join(c.values, ", "), nearest.Question(text, c.values))
	}
	*c.value = choiceFlag(text)
	return nil
}

// Type implements pflag.Value.
func (c *choice) Type() string { return strings.Join(c.values, "|") }

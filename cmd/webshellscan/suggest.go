package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"webshellscan/internal/nearest"
)

// checkVerb returns an error if the first argument is no path, but nearly a
// verb.
func checkVerb(cmd *cobra.Command, args []string) error {
	if len(args) == 0 || strings.ContainsAny(args[0], `/\.*`) {
		return nil
	}
	if _, err := os.Stat(args[0]); !errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if question := nearest.Question(args[0], verbsBelow(cmd.Root())); question != "" {
		return fmt.Errorf("%s: no such file or folder, and no verb%s", args[0], question)
	}
	return nil
}

// verbsBelow returns the names of the verbs of a command that help names.
func verbsBelow(cmd *cobra.Command) []string {
	var names []string
	for _, verb := range cmd.Commands() {
		if verb.IsAvailableCommand() {
			names = append(names, verb.Name())
		}
	}
	return names
}

// noSuchVerb returns an error about a name that is no verb of a command.
func noSuchVerb(cmd *cobra.Command, name string) error {
	return fmt.Errorf("%s: no such verb of %s%s", name, cmd.CommandPath(), nearest.Question(name, verbsBelow(cmd)))
}

// checkHelp makes the verb help answer names that are no verbs.
func checkHelp(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	help, _, _ := root.Find([]string{"help"}) // cobra has it
	help.Run, help.RunE = nil, func(_ *cobra.Command, args []string) error {
		verb, err := verbNamed(root, args)
		if err != nil {
			return err
		}
		return verb.Help()
	}
}

// verbNamed returns the verb of a name, such as rules list.
func verbNamed(root *cobra.Command, name []string) (*cobra.Command, error) {
	verb, rest, err := root.Find(name)
	if err == nil && len(rest) > 0 {
		err = noSuchVerb(verb, rest[0])
	}
	return verb, err
}

// flagError describes what is wrong with a flag in the words of all other
// errors.
func flagError(cmd *cobra.Command, err error) error {
	if unknown, ok := errors.AsType[*pflag.NotExistError](err); ok {
		var names []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
		return fmt.Errorf("%w%s", err, nearest.Flag(unknown.GetSpecifiedName(), names))
	}
	invalid, ok := errors.AsType[*pflag.InvalidValueError](err)
	if !ok {
		return err
	}
	flag, reason := invalid.GetFlag(), invalid.Unwrap()
	if flag.Value.Type() == "uint32" {
		reason = errors.New("not a whole number from 0 to 4294967295, such as 4242 or 0x1092")
	}
	return fmt.Errorf("--%s %q: %w", flag.Name, invalid.GetValue(), reason)
}

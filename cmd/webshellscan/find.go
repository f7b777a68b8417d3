package main

import (
	"errors"
	"fmt"
	"regexp"

	"github.com/spf13/cobra"

	"webshellscan/report"
	"webshellscan/scan"
)

// findOptions are the flags of the verb find.
type findOptions struct {
	*globals
	outputFlags
	scopeFlags
	csvRaw bool
	exact  bool
}

func newFindCommand(g *globals) *cobra.Command {
	o := &findOptions{globals: g}
	cmd := &cobra.Command{
		Use:   "find [flags] PATH... PATTERN",
		Short: "Search all processes, and what sessions did, for a pattern",
		Long: `find searches every process, below a web server or not, by its image, command
line (what PowerShell hides in Base64 too), account, hashes, current directory
and original file name, and the events and web requests of the sessions. It
shows each match with the processes above it.

PATTERN is a regular expression (RE2), compared without case.

Exit status:
  0    nothing matches
  1    something matches
  2    wrong usage
  3    incomplete: an input could not be read or the output not be written
  130  interrupted
`,
		Example: `  webshellscan find ./evidence 'whoami|certutil'
  webshellscan find case.zip --host WEB01 '198\.51\.100\.7' -o found.csv`,
		RunE: func(cmd *cobra.Command, args []string) error { return runFind(cmd, o, args) },
	}
	o.outputFlags.addFlags(cmd, report.FindFormats)
	o.scopeFlags.addFlags(cmd, "matches")
	o.inputFlags.addFlags(cmd.Flags())
	o.addGoroutines(cmd.Flags())
	o.addWidth(cmd.Flags())
	o.addWebLog(cmd.Flags())
	addCSVRaw(cmd.Flags(), &o.csvRaw)
	cmd.Flags().BoolVar(&o.exact, "case-sensitive", false, "compare with case")
	return cmd
}

// pattern returns the pattern that a text stands for.
func (o *findOptions) pattern(given string) (*regexp.Regexp, error) {
	if given == "" {
		return nil, errors.New("an empty pattern matches everything")
	}
	flags := "(?i)"
	if o.exact {
		flags = ""
	}
	pattern, err := regexp.Compile(flags + given)
	if err != nil {
		return nil, fmt.Errorf("pattern %q: %w", given, err)
	}
	return pattern, nil
}

// runFind is the verb find.
func runFind(cmd *cobra.Command, o *findOptions, args []string) error {
	if len(args) < 2 {
		return errors.New("a path and a pattern are wanted: webshellscan find PATH... PATTERN (see --help)")
	}
	paths, last := args[:len(args)-1], args[len(args)-1]
	pattern, err := o.pattern(last)
	if err != nil {
		return err
	}
	list, err := o.destinations(cmd, report.FindFormats)
	if err != nil {
		return err
	}
	options := scan.Options{Paths: paths, Goroutines: o.goroutines, Crosscheck: -1}
	if err := o.scopeFlags.finalize(&options); err != nil {
		return err
	}
	if options.WebLogs, err = o.hostsOfWebLogs(); err != nil {
		return err
	}
	outs, err := openOutputs(cmd.Context(), list, protection{o.given(paths), o.force}, o.stdout)
	if err != nil {
		return err
	}
	defer discardAll(outs)
	res, err := o.scanHosts(cmd.Context(), options, o.hosts)
	if err != nil {
		return err
	}
	found := report.Matches{Result: res, List: res.Find(pattern, &options)}
	return o.finish(cmd.Context(), outs, res, len(found.List) > 0, func(out *output) error {
		return report.FindFormats.Write(out, out.format, found, report.Options{Width: o.columns(out), Raw: o.csvRaw})
	})
}

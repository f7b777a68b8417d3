package main

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"webshellscan/report"
)

// globals is what all verbs share.
type globals struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	noColor        bool
	quiet          bool
	width          int
	goroutines     int
	inputFlags
	strict   bool     // of verbs that have the flag
	partial  []string // where reports are that an interruption cut short
	exitZero bool
}

// addFlags adds the flags of all verbs.
func (g *globals) addFlags(flags *pflag.FlagSet) {
	flags.BoolVar(&g.noColor, "no-color", false, "no colours (also if NO_COLOR is set, and if the output is no terminal)")
	flags.BoolVarP(&g.quiet, "quiet", "q", false, "no progress and no summary on standard error")
	flags.BoolVar(&g.exitZero, "exit-zero", false, "exit status 0 where it would be 1, for schedulers that treat findings as a failure")
}

// addGoroutines adds the flag --workers, of verbs that read logs or rules.
func (g *globals) addGoroutines(flags *pflag.FlagSet) {
	flags.Var(&number{&g.goroutines, 0, math.MaxInt, "a number of goroutines"}, "workers", "how many `goroutines` work at once (0: one for each CPU)")
}

// addWidth adds the flag --width, of verbs that write tables.
func (g *globals) addWidth(flags *pflag.FlagSet) {
	wanted := fmt.Sprintf("a number of columns from %d to %d", report.MinWidth, report.MaxWidth)
	flags.Var(&number{&g.width, report.MinWidth, report.MaxWidth, wanted}, "width", "how many `columns` a table may take, from 40 to 250 (default: as many as the terminal has, or COLUMNS says; 80 in a file)")
}

// addStrict adds the flag --strict.
func (g *globals) addStrict(flags *pflag.FlagSet) {
	flags.BoolVar(&g.strict, "strict", false, "exit status 3 if a host has no process creations: what ran there cannot be seen")
}

// color reports whether a writer gets colours.
func (g *globals) color(w io.Writer) bool {
	_, isTerminal := terminal(w)
	return isTerminal && !g.noColor && os.Getenv("NO_COLOR") == ""
}

// columns returns how many columns a report may take, 0 if that is not known.
// What the terminal is counts for standard output only: a file has the same
// bytes everywhere.
func (g *globals) columns(out *output) int {
	if g.width > 0 || out.path != "" {
		return g.width
	}
	if columns, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && columns > 0 {
		return columns
	}
	width, _ := terminal(g.stdout)
	return width
}

// newRootCommand returns the whole command line. Without a verb it scans.
func newRootCommand(g *globals) *cobra.Command {
	o := &scanOptions{globals: g}
	cmd := &cobra.Command{
		Use:   "webshellscan [flags] PATH...",
		Short: "Find what web servers started, in Windows event logs",
		Long: `webshellscan reads Windows event logs (.evtx) of one or many hosts, builds the
process trees that Sysmon 1/5 and Security 4688/4689 record, and reports shells
and enumeration programs below web servers, at any depth. It needs no network
and writes nothing but what it is asked for.

PATH is a log, a folder, an archive (zip, 7z, tar, ...), a disk image (raw,
E01, VHD, VHDX, VMDK, QCOW2, VDI), an export (event XML, JSON), or - for the
standard input. Files are recognized by their content, whatever their names.
Times are UTC.

The ending of a file named by -o chooses its format; -o FORMAT:FILE names it
outright, and without an ending it is a table:
` + endingsHelp(report.ScanFormats) + `
` + exitHelp,
		Example: `  webshellscan ./logs                               sessions, the gravest first
  webshellscan case.zip srv1.E01 -o report.html     a page to read and hand on
  webshellscan ./logs -o all.jsonl -o findings.csv  for programs, spreadsheets
  webshellscan ./logs --rules my.yml --level high   with your own Sigma rules
  webshellscan tree ./logs --host WEB01 --pid 4242  the tree around a process`,
		Version:       version(),
		Args:          cobra.ArbitraryArgs,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE:          func(cmd *cobra.Command, args []string) error { return runScan(cmd, o, args) },

		ValidArgsFunction: completePaths,
	}
	g.addFlags(cmd.PersistentFlags())
	o.addFlags(cmd)
	cmd.AddCommand(newTreeCommand(g), newVerifyCommand(g), newBaselineCommand(g), newExtractCommand(g), newCollectCommand(g), newMergeCommand(g), newRulesCommand(g), newExplainCommand(g), newVersionCommand(g), newFindCommand(g), newDiffCommand(g), newManCommand(g))
	addCompletionCommand(cmd)
	checkHelp(cmd)
	expandPatterns(cmd, runtime.GOOS)
	cmd.SetFlagErrorFunc(flagError)
	cmd.SetHelpFunc(func(cmd *cobra.Command, _ []string) { _ = writeHelp(cmd.OutOrStdout(), cmd) }) // a closed pipe wants no more
	cmd.SetVersionTemplate("webshellscan {{.Version}}\n")
	return cmd
}

// newVersionCommand returns the verb version, which prints what --version does.
func newVersionCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return g.print(func(out *output, _ report.Options) error {
				_, err := fmt.Fprintf(out, "webshellscan %s\n", version())
				return err
			})
		},
	}
}

// release is the version of a released binary, set when it is linked.
var release string

// version returns the version that the binary was built as.
func version() string {
	name, goVersion := release, runtime.Version()
	if info, ok := debug.ReadBuildInfo(); ok && name == "" {
		name = info.Main.Version
	}
	return fmt.Sprintf("%s %s %s/%s", cmp.Or(name, "(devel)"), goVersion, runtime.GOOS, runtime.GOARCH)
}

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"webshellscan/report"
	"webshellscan/scan"
	"webshellscan/scan/finding"
)

// baselineOptions are the flags of the verb baseline.
type baselineOptions struct {
	*globals
	scopeFlags
	rules  ruleFlags
	output string
	force  bool
}

func newBaselineCommand(g *globals) *cobra.Command {
	o := &baselineOptions{globals: g}
	cmd := &cobra.Command{
		Use:   "baseline [flags] PATH...",
		Short: "Write what runs below web servers in clean logs, for --baseline",
		Long: `baseline scans logs that are held to be clean and writes the shapes of what it
found as JSON, for the flag --baseline of a scan. A shape is a worker, a parent
and an image, and a command line without what changes from run to run: numbers,
GUIDs, temporary names. Review the file: each shape says how often, when and
where it was seen, and has an example. Delete what you do not recognize.

` + exitHelpAnyway,
		Example: `  webshellscan baseline ./clean-logs -o known.json
  webshellscan baseline ./logs --until 2026-02-28 -o before.json
  webshellscan ./logs --baseline known.json`,
		RunE: func(cmd *cobra.Command, args []string) error { return runBaseline(cmd, o, args) },
	}
	o.rules.addFlags(cmd)
	o.inputFlags.addFlags(cmd.Flags())
	o.scopeFlags.addFlags(cmd, "findings")
	o.addGoroutines(cmd.Flags())
	cmd.Flags().StringVarP(&o.output, "output", "o", "", "write to a `file`, whole or not at all, instead of standard output")
	addForce(cmd.Flags(), &o.force)
	return cmd
}

// runBaseline is the verb baseline.
func runBaseline(cmd *cobra.Command, o *baselineOptions, args []string) error {
	if len(args) == 0 {
		return errors.New("no file or folder given: webshellscan baseline PATH... (see --help)")
	}
	if ending := filepath.Ext(o.output); ending != "" && !strings.EqualFold(ending, ".json") {
		return fmt.Errorf("-o %s: a baseline has the ending .json", o.output)
	}
	options := scan.Options{Paths: args, Goroutines: o.goroutines, Crosscheck: -1}
	if err := o.scopeFlags.finalize(&options); err != nil {
		return err
	}
	var err error
	if options.Rules, err = o.rules.finalize(); err != nil {
		return err
	}
	out, err := openOutput(cmd.Context(), o.output, protection{o.given(o.rules.inputs(args)), o.force}, o.stdout)
	if err != nil {
		return err
	}
	defer out.discard()
	res, err := o.scanHosts(cmd.Context(), options, o.hosts)
	if err != nil {
		return err
	}
	if res.Summary.Interrupted != nil {
		_, _ = fmt.Fprintln(o.stderr, "INTERRUPTED: no baseline was written, since it would lack what was not read")
		return outcome(exitInterrupted)
	}
	out.protect = out.protect.andRead(res)
	err = finding.WriteBaseline(out, res.Findings)
	if err := out.commit(err); err != nil {
		return err
	}
	o.summarize(res)
	if o.quiet {
		_ = report.BlindHosts(o.stderr, &res.Summary) // nothing is known of what ran there
	} else {
		_ = report.Integrity(o.stderr, res.Integrity)
	}
	return o.status(res, false)
}

// readBaseline reads the file of the flag --baseline; none gives nil.
func readBaseline(path string) (*finding.Baseline, error) {
	if path == "" {
		return nil, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("--baseline: %w", err)
	}
	defer f.Close()
	b, err := finding.ReadBaseline(f)
	if err != nil {
		return nil, fmt.Errorf("--baseline %s: %w", path, err)
	}
	return b, nil
}

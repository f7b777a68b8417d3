package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"webshellscan/report"
	"webshellscan/report/text"
	"webshellscan/scan"
)

// diffOptions are the flags of the verb diff.
type diffOptions struct {
	*globals
	outputFlags
}

func newDiffCommand(g *globals) *cobra.Command {
	o := &diffOptions{globals: g}
	cmd := &cobra.Command{
		Use:   "diff [flags] OLD NEW",
		Short: "Say what is new, gone or changed between two reports",
		Long: `diff compares two reports that scans wrote as JSON or JSON Lines, such as those
of yesterday and today: their hosts, sessions, findings, events and log
integrity. Where a record lies makes no difference.

Exit status:
  0    no differences
  1    differences
  2    wrong usage, or a file is not such a report
  3    the output could not be written
`,
		Example: `  webshellscan ./logs -o today.json
  webshellscan diff yesterday.json today.json`,
		RunE: func(cmd *cobra.Command, args []string) error { return runDiff(cmd, o, args) },
	}
	o.outputFlags.addFlags(cmd, report.DiffFormats)
	o.addWidth(cmd.Flags())
	return cmd
}

// runDiff is the verb diff.
func runDiff(cmd *cobra.Command, o *diffOptions, args []string) error {
	if len(args) != 2 {
		return errors.New("two reports are wanted: webshellscan diff OLD NEW (see --help)")
	}
	list, err := o.destinations(cmd, report.DiffFormats)
	if err != nil {
		return err
	}
	var documents [2]*report.Document
	for i, path := range args {
		if documents[i], err = readReport(path); err != nil {
			return err
		}
	}
	outs, err := openOutputs(cmd.Context(), list, protection{args, o.force}, o.stdout)
	if err != nil {
		return err
	}
	defer discardAll(outs)
	differences := report.Differences(documents[0], documents[1])
	err = o.writeOutputs(cmd.Context(), outs, new(scan.Result), func(out *output) error {
		return report.DiffFormats.Write(out, out.format, differences, report.Options{Width: o.columns(out)})
	})
	for _, doubt := range report.Doubts(documents[0], documents[1]) {
		_, _ = fmt.Fprintf(o.stderr, "webshellscan: %s\n", text.Visible(doubt)) // without standard error there is nobody to tell
	}
	if err == nil && len(differences) > 0 {
		return outcome(exitFindings)
	}
	return err
}

// readReport reads one report.
func readReport(path string) (*report.Document, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // it was only read
	d, err := report.ReadDocument(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return d, nil
}

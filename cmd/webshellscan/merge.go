package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"webshellscan/report"
	"webshellscan/report/text"
	"webshellscan/scan"
	"webshellscan/scan/source"
)

// mergeOptions are the flags of the verb merge: those of a scan.
type mergeOptions struct {
	scanOptions
	refusedStatus error // the outcome if a partial result was refused
}

func newMergeCommand(g *globals) *cobra.Command {
	o := &mergeOptions{scanOptions: scanOptions{globals: g}}
	cmd := &cobra.Command{
		Use:   "merge [flags] PARTIAL...",
		Short: "Put partial results together and report as one scan",
		Long: `merge puts together partial results that webshellscan collect wrote, on any
machines and in any order, and reports as if one scan had read all of the logs:
it accepts every flag of a scan. The same partial result counts once, however
often it is given. One that was cut or changed, or is of another version of the
format, is refused and named, and the others are merged: exit status 3.

-o FILE` + scan.PartialEnding + ` writes the partial results as one, which can be merged with others.

The ending of a file named by -o chooses its format; -o FORMAT:FILE names it
outright, and without an ending it is a table:
` + endingsHelp(report.ScanFormats) + `
` + exitHelp,
		Example: `  webshellscan merge *.wsp -o report.html -o all.jsonl
  webshellscan merge ./results --expect hosts.txt
  webshellscan merge site-a/*.wsp -o site-a.wsp`,
		RunE: func(cmd *cobra.Command, args []string) error { return runMerge(cmd, o, args) },
	}
	o.scanOptions.addFlags(cmd)
	return cmd
}

// mergeGC is how many per cent of what is in use a merge lets lie about before
// it is collected. Of very many hosts nearly all stays in use: 5,000 take 325
// MB so, for a quarter more CPU time, and 403 MB with Go's 100.
const mergeGC = 30

// runMerge is the verb merge.
func runMerge(cmd *cobra.Command, o *mergeOptions, args []string) error {
	if len(args) == 0 {
		return errors.New("no partial result given: webshellscan merge PARTIAL... (see --help)")
	}
	if err := checkPartials(args); err != nil {
		return err
	}
	defer collectAt(mergeGC)()
	var partials []string
	o.outputs = slices.DeleteFunc(o.outputs, func(path string) bool {
		if !strings.HasSuffix(strings.ToLower(path), scan.PartialEnding) {
			return false
		}
		partials = append(partials, path)
		return true
	})
	for _, path := range partials {
		if err := o.writePartial(cmd.Context(), path, args); err != nil {
			return err
		}
	}
	if len(partials) > 0 && len(o.outputs) == 0 {
		return o.refusedStatus
	}
	return runScan(cmd, &o.scanOptions, args)
}

// checkPartials returns an error if a file that is named is no partial result.
// Damaged ones are reported when they are read.
func checkPartials(paths []string) error {
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		if !info.Mode().IsRegular() || strings.HasSuffix(strings.ToLower(path), scan.PartialEnding) {
			continue
		}
		if kind, _, err := source.KindOfFile(path); err == nil && kind != source.KindPartial {
			return fmt.Errorf("%s is no partial result, but %s: merge takes what webshellscan collect wrote", path, kind.Name)
		}
	}
	return nil
}

// writePartial writes the partial results as one, and notes those that are
// refused.
func (o *mergeOptions) writePartial(ctx context.Context, path string, args []string) error {
	out, err := openOutput(ctx, path, protection{args, o.force}, o.stdout)
	if err != nil {
		return err
	}
	defer out.discard()
	refused, err := scan.MergePartials(ctx, args, out)
	if err != nil {
		return err
	}
	for _, r := range refused {
		o.refusedStatus = outcome(exitIncomplete)
		_, _ = fmt.Fprintf(o.stderr, "NOT READ: %s: partial result refused: %s\n", text.Visible(r.Path), text.Visible(r.Reason()))
	}
	return out.commit(nil)
}

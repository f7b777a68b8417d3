package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"webshellscan/internal/nearest"
	"webshellscan/report"
	"webshellscan/report/text"
	"webshellscan/scan"
	"webshellscan/scan/source"
)

// outputFlags are in which formats a report is written, and where to.
type outputFlags struct {
	names   []string // of formats
	outputs []string
	force   bool
}

// formats are the formats that a verb can write, the first by default
// (report.Formats).
type formats interface {
	Names() []string
	Check(name string) error
	// OfPath returns the format that the ending of a path stands for, ""
	// for none.
	OfPath(path string) string
	// Endings returns the endings of the files of a format, the usual one
	// first.
	Endings(name string) []string
	// Uses returns the formats that have a use for a flag.
	Uses(flag string) []report.Use
}

func (o *outputFlags) addFlags(cmd *cobra.Command, f formats) {
	flags := cmd.Flags()
	flags.StringArrayVarP(&o.names, "format", "f", nil,
		"`format` of the report: "+strings.Join(f.Names(), ", ")+
			" (default: by the file's ending, else "+f.Names()[0]+"; repeatable, one for each -o)")
	flags.StringArrayVarP(&o.outputs, "output", "o", nil,
		"write to a `file`, whole or not at all, instead of standard output, in the format of its ending or as FORMAT:FILE; "+
			"- is standard output (repeatable: one scan, several reports)")
	addForce(flags, &o.force)
	_ = cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(f.Names(), cobra.ShellCompDirectiveNoFileComp))
}

// addForce adds the flag that lets a report replace a file.
func addForce(flags *pflag.FlagSet, force *bool) {
	flags.BoolVar(force, "force", false, "let -o replace a file that exists; never evidence: event logs, archives, images")
}

// addNoHash adds the flag that leaves out the hashes of inputs.
func addNoHash(flags *pflag.FlagSet, noHash *bool) {
	flags.BoolVar(noHash, "no-hash", false, "do not compute the SHA-256 of the inputs, which reports with a manifest name")
}

// addCSVRaw adds the flag that leaves CSV cells as they are.
func addCSVRaw(flags *pflag.FlagSet, raw *bool) {
	flags.BoolVar(raw, "csv-raw", false, "leave CSV cells as they are that a spreadsheet would read as formulas")
}

// endingsHelp lists the endings that choose a format.
func endingsHelp(f formats) string {
	var b strings.Builder
	for _, format := range f.Names() {
		fmt.Fprintf(&b, "  %-15s  %s\n", format, strings.Join(f.Endings(format), " "))
	}
	return b.String()
}

// choose returns the format that the ending of a path stands for; without an
// ending it is the first one.
func choose(f formats, path string) (string, error) {
	if format := f.OfPath(path); format != "" {
		return format, nil
	}
	ending := filepath.Ext(path)
	if ending == "" {
		return f.Names()[0], checkName(f, path)
	}
	var known []string
	for _, format := range f.Names() {
		known = append(known, f.Endings(format)...)
	}
	return "", fmt.Errorf("-o %s: no format has the ending %s%s; there are %s (or say it: -o FORMAT:FILE, --format)",
		path, ending, nearest.Question(ending, known), strings.Join(known, ", "))
}

// checkPrefix returns an error if what stands before a path is no format, but
// nearly one. One letter is a drive.
func checkPrefix(f formats, path string) error {
	format, _, ok := strings.Cut(path, ":")
	if !ok || len(format) < 2 || filepath.Base(format) != format || nearest.Name(format, f.Names()) == "" {
		return nil
	}
	return f.Check(format)
}

// checkName returns an error if a path without an ending is a format, or nearly
// one, and no path: other programs take one after -o. A path with a separator
// is one.
func checkName(f formats, path string) error {
	if filepath.Base(path) != path {
		return nil
	}
	name := nearest.Name(path, f.Names())
	if name == "" {
		return nil
	}
	return fmt.Errorf("-o %s names a file, not a format (did you mean --format %s?); for a file of that name: -o .%c%s",
		path, name, filepath.Separator, path)
}

// destination is where one report goes: its format and its path, "" for
// standard output.
type destination struct{ format, path string }

// destinations checks the flags of a verb and returns what they ask for.
func (o *outputFlags) destinations(cmd *cobra.Command, f formats) ([]destination, error) {
	list, err := o.chosen(f)
	if err != nil {
		return nil, err
	}
	return list, errors.Join(checkUse(cmd.Flags(), f, list), checkDistinct(list))
}

// chosen returns where reports go, each with its format.
func (o *outputFlags) chosen(f formats) ([]destination, error) {
	for _, format := range o.names {
		if err := f.Check(format); err != nil {
			return nil, err
		}
	}
	paths := o.outputs
	if len(paths) == 0 {
		paths = []string{"-"}
	}
	list := make([]destination, len(paths))
	var open []int // those without a format before the path
	for i, path := range paths {
		if err := checkPrefix(f, path); err != nil {
			return nil, err
		}
		if list[i] = parse(f, path); list[i].path == "" && path != "-" && !strings.HasSuffix(path, ":-") {
			return nil, fmt.Errorf("-o %q names no file", path)
		}
		if list[i].format == "" {
			open = append(open, i)
		}
	}
	switch {
	case len(o.names) == 0:
		for _, i := range open {
			var err error
			if list[i].format, err = choose(f, list[i].path); err != nil {
				return nil, err
			}
		}
	case len(o.names) == len(open):
		for n, i := range open {
			list[i].format = o.names[n]
		}
	default:
		return nil, fmt.Errorf("%d --format for %d reports: give one for each -o, or -o FORMAT:FILE, or none and let the endings choose",
			len(o.names), len(open))
	}
	return list, nil
}

// parse splits FORMAT: from a path, and accepts - for standard output.
func parse(f formats, path string) destination {
	var d destination
	if format, rest, ok := strings.Cut(path, ":"); ok && slices.Contains(f.Names(), format) {
		d.format, path = format, rest
	}
	if path != "-" {
		d.path = path
	}
	return d
}

// checkDistinct returns an error if two reports would go to one place.
func checkDistinct(list []destination) error {
	for i, d := range list {
		for _, other := range list[:i] {
			if samePath(d.path, other.path) {
				if d.path == "" {
					return errors.New("two reports for standard output: give all but one a file with -o")
				}
				return fmt.Errorf("two reports for one file: %s", d.path)
			}
		}
	}
	return nil
}

// samePath reports whether two paths name one file, which need not exist.
func samePath(a, b string) bool {
	if a == "" || b == "" {
		return a == b
	}
	infoA, errA := os.Stat(a)
	infoB, errB := os.Stat(b)
	if errA == nil && errB == nil {
		return os.SameFile(infoA, infoB)
	}
	a, b = placeOf(a), placeOf(b)
	if runtime.GOOS == "linux" {
		return a == b
	}
	return strings.EqualFold(a, b) // as the file systems of Windows and macOS have it
}

// placeOf returns a path without links in its folder, as far as it exists.
func placeOf(path string) string {
	folder, err := source.RealPath(filepath.Dir(path))
	if err != nil {
		return filepath.Clean(path)
	}
	return filepath.Join(folder, filepath.Base(path))
}

// openOutputs opens the places of all reports, or none.
func openOutputs(ctx context.Context, list []destination, protect protection, stdout io.Writer) ([]*output, error) {
	var outs []*output
	for _, d := range list {
		out, err := openOutput(ctx, d.path, protect, stdout)
		if err != nil {
			discardAll(outs)
			return nil, err
		}
		out.format = d.format
		outs = append(outs, out)
	}
	return outs, nil
}

func discardAll(outs []*output) {
	for _, out := range outs {
		out.discard()
	}
}

// writeOutputs writes all reports of a result. One that fails does not keep the
// others from being written; all failures come back as one errors.Join.
func (g *globals) writeOutputs(ctx context.Context, outs []*output, res *scan.Result, write func(*output) error) error {
	var errs []error
	for _, out := range outs {
		if err := g.writeOutput(ctx, out, res, write); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// finish writes the reports of a result and the summary, and returns the exit
// status as an error: found reports whether there is what the verb looks for.
func (g *globals) finish(ctx context.Context, outs []*output, res *scan.Result, found bool, write func(*output) error) error {
	failed := g.writeOutputs(ctx, outs, res, write)
	g.summarize(res)
	if failed != nil {
		return failed
	}
	return g.status(res, found)
}

// writeOutput writes one report, with a progress line on a terminal that the
// report does not go to.
func (g *globals) writeOutput(ctx context.Context, out *output, res *scan.Result, write func(*output) error) error {
	if width, ok := terminal(g.stderr); ok && !g.quiet && out.path != "" {
		line := startProgress(ctx, g.stderr, func(time.Time) string { return fitProgress("writing "+text.Visible(out.path), width) })
		defer line.finish()
	}
	err := out.report(ctx, res, write)
	if err == nil && out.partial {
		g.partial = append(g.partial, out.place)
	}
	return err
}

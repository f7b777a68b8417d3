package main

import (
	"errors"
	"slices"

	"github.com/spf13/cobra"

	"webshellscan/report"
	"webshellscan/scan"
	"webshellscan/scan/integrity"
	"webshellscan/scan/proctree"
)

// verifyOptions are the flags of the verb verify.
type verifyOptions struct {
	*globals
	outputFlags
	scopeFlags
	csvRaw bool
	noHash bool
}

func newVerifyCommand(g *globals) *cobra.Command {
	o := &verifyOptions{globals: g}
	cmd := &cobra.Command{
		Use:   "verify [flags] PATH...",
		Short: "Check the logs themselves: integrity, coverage, hashes",
		Long: `verify reports on the integrity of the logs: records that were hidden, logs that
were cleared, recording that was stopped or changed, files that are damaged. It
says what the logs of each host could have shown, and names every input with its
size and SHA-256.

Exit status:
  0    nothing graver than a notice
  1    warnings or alarms
  2    wrong usage
  3    incomplete: an input could not be read or the report not be written, or
       no event log record was found; with --strict also a host without
       process creations
  130  interrupted
`,
		Example: "  webshellscan verify ./logs --format csv -o evidence.csv",
		RunE:    func(cmd *cobra.Command, args []string) error { return runVerify(cmd, o, args) },
	}
	flags := cmd.Flags()
	o.addGoroutines(flags)
	o.addWidth(flags)
	o.inputFlags.addFlags(flags)
	o.scopeFlags.addFlags(cmd, "coverage and integrity")
	o.outputFlags.addFlags(cmd, report.VerifyFormats)
	addNoHash(flags, &o.noHash)
	o.addStrict(flags)
	addCSVRaw(flags, &o.csvRaw)
	return cmd
}

// runVerify is the verb verify.
func runVerify(cmd *cobra.Command, o *verifyOptions, args []string) error {
	if len(args) == 0 {
		return errors.New("no file or folder given: webshellscan verify PATH... (see --help)")
	}
	list, err := o.destinations(cmd, report.VerifyFormats)
	if err != nil {
		return err
	}
	options := scan.Options{Paths: args, Goroutines: o.goroutines, Hash: !o.noHash, Version: version(), Crosscheck: -1}
	if err := o.scopeFlags.finalize(&options); err != nil {
		return err
	}
	outs, err := openOutputs(cmd.Context(), list, protection{o.given(args), o.force}, o.stdout)
	if err != nil {
		return err
	}
	defer discardAll(outs)
	res, err := o.scanHosts(cmd.Context(), options, o.hosts)
	if err != nil {
		return err
	}
	o.keepScope(res, &options)
	graver := slices.ContainsFunc(res.Integrity, func(i *integrity.Finding) bool { return i.Level > integrity.Notice })
	return o.finish(cmd.Context(), outs, res, graver, func(out *output) error {
		return report.VerifyFormats.Write(out, out.format, res, report.Options{Width: o.columns(out), Raw: o.csvRaw})
	})
}

// keepScope leaves out what is not of the hosts and times that are asked for.
// What has no time of its own stays.
func (o *verifyOptions) keepScope(res *scan.Result, asked *scan.Options) {
	res.Coverage = slices.DeleteFunc(res.Coverage, func(c integrity.HostCoverage) bool {
		return !proctree.MatchesHost(o.hosts, []string{c.Host})
	})
	res.Integrity = slices.DeleteFunc(res.Integrity, func(i *integrity.Finding) bool {
		before := asked.Since != 0 && i.Last != 0 && i.Last < asked.Since
		return before || asked.Until != 0 && i.First >= asked.Until
	})
}

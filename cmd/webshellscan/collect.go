package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"webshellscan/report"
	"webshellscan/report/text"
	"webshellscan/scan"
)

// collectOptions are the flags of the verb collect.
type collectOptions struct {
	*globals
	rules  ruleFlags
	out    string
	label  string
	shard  string
	stale  bool
	noHash bool
}

func newCollectCommand(g *globals) *cobra.Command {
	o := &collectOptions{globals: g}
	cmd := &cobra.Command{
		Use:   "collect [flags] PATH... -o FILE" + scan.PartialEnding,
		Short: "Read logs anywhere and write a partial result for merge",
		Long: `collect reads logs as a scan does and writes a partial result: what was read,
and no findings. It is small compared with the logs. webshellscan merge puts any
number of them together and reports as if one scan had read all of the logs; the
other verbs that read logs accept them too.

With --shard, a run reads one of N shards of what lies below each PATH: the
folders and files there are dealt to the shards in turn. A run whose shard is
empty writes an empty partial result.

Rules make no difference to what is kept of processes. Other events are kept if
they may be of a web server session, or if rules match them: those built in, and
those given here.

Exit status:
  0    written
  2    wrong usage, or FILE` + scan.PartialEnding + ` exists
  3    written, but incomplete: an input could not be read, no event log
       record was found, or it could not be written
  130  interrupted; what was read up to then is in FILE` + scan.PartialEnding + `.partial
`,
		Example: `  webshellscan collect ./H0001 --label H0001 -o H0001.wsp
  webshellscan collect ./evidence --shard 3/16 -o 3.wsp
  webshellscan merge *.wsp -o report.html`,
		RunE: func(cmd *cobra.Command, args []string) error { return runCollect(cmd, o, args) },
	}
	o.rules.addFlags(cmd)
	flags := cmd.Flags()
	o.addGoroutines(flags)
	o.inputFlags.addFlags(flags)
	addNoHash(flags, &o.noHash)
	flags.StringVarP(&o.out, "output", "o", "", "the `file` to write, which must not exist")
	flags.StringVar(&o.label, "label", "", "a `name` that stands before the paths of the inputs in reports, as LABEL:PATH")
	flags.StringVar(&o.shard, "shard", "", "read only shard `I/N` of what lies below each PATH; env reads both numbers from the task of a Kubernetes, AWS Batch or Slurm array")
	_ = cmd.RegisterFlagCompletionFunc("shard", cobra.FixedCompletions([]string{"env"}, cobra.ShellCompDirectiveNoFileComp))
	_ = cmd.RegisterFlagCompletionFunc("label", cobra.NoFileCompletions)
	flags.BoolVar(&o.stale, "recover", false, "also read records that are no longer live, from the unused parts of logs, and mark them")
	return cmd
}

// finalize checks the flags and turns them into the options of a scan.
func (o *collectOptions) finalize(paths []string) (scan.Options, error) {
	options := scan.Options{Paths: paths, Version: version(), Goroutines: o.goroutines, Recover: o.stale, Hash: !o.noHash}
	switch {
	case len(paths) == 0:
		return options, errors.New("no file or folder given: webshellscan collect PATH... -o FILE" + scan.PartialEnding + " (see --help)")
	case o.out == "":
		return options, errors.New("no file given to write to: -o FILE" + scan.PartialEnding)
	case o.out != "-" && !slices.Contains([]string{"", scan.PartialEnding}, strings.ToLower(filepath.Ext(o.out))):
		return options, fmt.Errorf("-o %s: a partial result has the ending %s", o.out, scan.PartialEnding)
	}
	if err := scan.CheckLabel(o.label); err != nil {
		return options, fmt.Errorf("--label %q: %w", o.label, err)
	}
	var err error
	if options.Rules, err = o.rules.finalize(); err != nil {
		return options, err
	}
	if options.Sources, err = o.sourceOptions(paths); err != nil {
		return options, err
	}
	if o.shard != "" {
		s, err := parseShard(o.shard, os.Getenv)
		if err != nil {
			return options, err
		}
		if options.Paths, err = s.paths(paths); err != nil {
			return options, err
		}
	}
	return options, nil
}

// runCollect is the verb collect.
func runCollect(cmd *cobra.Command, o *collectOptions, args []string) error {
	options, err := o.finalize(args)
	if err != nil {
		return err
	}
	path := o.out
	if path == "-" {
		path = ""
	}
	out, err := openOutput(cmd.Context(), path, protection{o.given(o.rules.inputs(args)), false}, o.stdout)
	if err != nil {
		return err
	}
	defer out.discard()
	if width, ok := terminal(o.stderr); ok && !o.quiet {
		options.Progress = new(scan.Progress)
		line := startProgress(cmd.Context(), o.stderr, (&scanProgress{Progress: options.Progress, width: width}).text)
		defer line.finish()
	}
	done, err := scan.Collect(cmd.Context(), options, o.label, out)
	if err != nil {
		return err
	}
	var partial []string
	if done.Summary.Interrupted != nil && out.temp != nil {
		out.putBeside()
		partial = append(partial, out.place)
	}
	if err := out.commit(nil); err != nil {
		return err
	}
	return o.summarize(done, len(options.Paths) == 0, partial)
}

// summarize prints what was collected, and returns the outcome. empty is set if
// the share was empty; partial names the file that was written if the run was
// interrupted.
func (o *collectOptions) summarize(done *scan.Collected, empty bool, partial []string) error {
	s := &done.Summary
	if !o.quiet {
		_, _ = fmt.Fprintf(o.stderr, "collected: %d files, %d records, %d hosts\n", s.Files, s.Records, len(s.Hosts))
	}
	_ = report.Problems(o.stderr, s)
	for _, crash := range done.Crashes {
		_, _ = fmt.Fprintf(o.stderr, "webshellscan: internal error (please report): %s\n", text.Visible(crash))
	}
	switch {
	case s.Interrupted != nil:
		_, _ = fmt.Fprintf(o.stderr, "INTERRUPTED: the partial result holds what was read up to then%s\n", isIn(partial))
		return outcome(exitInterrupted)
	case len(done.Crashes) > 0, s.Incomplete() && !empty:
		return outcome(exitIncomplete)
	}
	return nil
}

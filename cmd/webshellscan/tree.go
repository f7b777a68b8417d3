package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"webshellscan/internal/nearest"
	"webshellscan/report"
	"webshellscan/report/draw"
	"webshellscan/scan"
	"webshellscan/scan/finding"
	"webshellscan/scan/proctree"
)

// treeOptions are the flags of the verb tree.
type treeOptions struct {
	*globals
	outputFlags
	scopeFlags
	pid     uint32
	rules   ruleFlags
	session string
	depth   int
	max     int
	ascii   bool
}

func newTreeCommand(g *globals) *cobra.Command {
	o := &treeOptions{globals: g}
	cmd := &cobra.Command{
		Use:   "tree [flags] PATH...",
		Short: "Draw the process tree of a host, of a session, or around a process",
		Long: `tree draws the processes of the logs as trees, with their command lines: those
of each host; with --pid, the line of ancestors of a process and everything
below it; with --session, a session as reports show it, or, with --max,
--depth, --since or --until, everything below its server process within these
limits. A note stands where something is left out.

The ending of a file named by -o chooses its format; -o FORMAT:FILE names it
outright, and without an ending it is text:
` + endingsHelp(report.TreeFormats) + `
` + exitHelpAnyway,
		Example: `  webshellscan tree ./logs --host WEB01 --pid 4242
  webshellscan tree ./logs --session KEY -o session.dot
  webshellscan tree ./logs --since '2026-03-02 08:30' --until '2026-03-02 09:00'`,
		RunE: func(cmd *cobra.Command, args []string) error { return runTree(cmd, o, args) },
	}
	o.outputFlags.addFlags(cmd, report.TreeFormats)
	o.rules.addFlags(cmd)
	o.inputFlags.addFlags(cmd.Flags())
	flags := cmd.Flags()
	o.addGoroutines(flags)
	o.addWidth(flags)
	o.scopeFlags.addFlags(cmd, "processes")
	flags.Uint32Var(&o.pid, "pid", 0, "only around processes with this process `ID`")
	flags.StringVar(&o.session, "session", "", "only around the server process of the session with this `key`, as reports have it")
	flags.IntVar(&o.depth, "depth", 0, "how many `links` below the first process to draw (0: all)")
	flags.IntVar(&o.max, "max", 0, "how many `processes` to draw at most, the gravest first (0: all, but 1000 in dot, 100 in mermaid; -1: all)")
	completeFromLogs(cmd, "pid", processesOf)
	completeFromLogs(cmd, "session", sessionsOf)
	flags.BoolVar(&o.ascii, "ascii", false, "draw text with ASCII characters (also on standard output when the locale is not UTF-8)")
	return cmd
}

// finalize checks the flags and turns them into the options of trees.
func (o *treeOptions) finalize(paths []string) (draw.Options, error) {
	options := draw.Options{Depth: o.depth, Max: o.max}
	switch {
	case len(paths) == 0:
		return options, errors.New("no file or folder given: webshellscan tree PATH... (see --help)")
	case o.depth < 0:
		return options, fmt.Errorf("--depth %d: not a number of links", o.depth)
	case o.pid != 0 && o.session != "":
		return options, errors.New("--pid or --session, not both")
	}
	var err error
	options.Since, options.Until, err = parseSpan(o.since, o.until)
	return options, err
}

// runTree is the verb tree.
func runTree(cmd *cobra.Command, o *treeOptions, args []string) error {
	options, err := o.finalize(args)
	if err != nil {
		return err
	}
	list, err := o.destinations(cmd, report.TreeFormats)
	if err != nil {
		return err
	}
	scanned := scan.Options{Paths: args, Goroutines: o.goroutines, Crosscheck: -1, Recover: o.stale}
	if scanned.Rules, err = o.rules.finalize(); err != nil {
		return err
	}
	outs, err := openOutputs(cmd.Context(), list, protection{o.given(o.rules.inputs(args)), o.force}, o.stdout)
	if err != nil {
		return err
	}
	defer discardAll(outs)
	res, err := o.scanHosts(cmd.Context(), scanned, o.hosts)
	if err != nil {
		return err
	}
	findings := make(map[proctree.Process]*finding.Finding)
	for _, f := range res.Findings {
		findings[f.Process] = f
	}
	options.Finding = func(p proctree.Process) *finding.Finding { return findings[p] }
	options.Evidence = res.Evidence
	tops := o.tops(res)
	if err := o.checkTops(res, tops); err != nil {
		return o.absent(res, err)
	}
	err = o.finish(cmd.Context(), outs, res, false, func(out *output) error {
		options.Interrupted, options.Blind = res.Summary.Interrupted != nil, o.blind(res)
		ascii := o.ascii || out.path == "" && wantsASCII()
		return report.TreeFormats.Write(out, out.format, &draw.Trees{Forest: res.Forest, Tops: tops, Options: options}, report.Options{Width: o.columns(out), ASCII: ascii})
	})
	if o.quiet {
		_ = report.BlindHosts(o.stderr, &res.Summary)
	}
	return err
}

// blind names the hosts that are asked for and of which nothing that ran can be
// seen, with the reason.
func (o *treeOptions) blind(res *scan.Result) []string {
	var list []string
	for _, b := range res.Summary.BlindHosts {
		if o.pid == 0 && o.session == "" && proctree.MatchesHost(o.hosts, []string{b.Host}) {
			list = append(list, b.Host+": "+b.Text)
		}
	}
	return list
}

// checkTops returns an error if the logs have not what is asked for. Those that
// were not read to their end may have it.
func (o *treeOptions) checkTops(res *scan.Result, tops []draw.Top) error {
	switch {
	case len(tops) > 0 || res.Summary.Interrupted != nil:
		return nil
	case o.pid != 0:
		return fmt.Errorf("no process %d in these logs", o.pid)
	case o.session != "":
		var keys []string
		for _, s := range res.Sessions {
			keys = append(keys, s.Key)
		}
		return fmt.Errorf("no session %s in these logs%s; --format sessions-csv of a scan names all", o.session, nearest.Part(o.session, keys))
	}
	return nil
}

// limited reports whether the flags say how much of trees is drawn.
func (o *treeOptions) limited() bool {
	return o.since != "" || o.until != "" || o.depth != 0 || o.max != 0
}

// tops returns what trees are asked for.
func (o *treeOptions) tops(res *scan.Result) []draw.Top {
	var tops []draw.Top
	if o.session != "" {
		for _, s := range res.Sessions {
			if s.Key == o.session && proctree.MatchesHost(o.hosts, s.Worker.Host().Names) {
				top := draw.Top{Host: s.Worker.HostIndex(), Process: s.Worker}
				if !o.limited() {
					top.Session = s
				}
				tops = append(tops, top)
			}
		}
		return tops
	}
	for i, host := range res.Forest.Hosts() {
		if !proctree.MatchesHost(o.hosts, host.Names) || host.Processes == 0 {
			continue
		}
		if o.pid == 0 {
			tops = append(tops, draw.Top{Host: i})
			continue
		}
		for p := range res.Forest.Processes(i) {
			if p.PID() == o.pid {
				tops = append(tops, draw.Top{Host: i, Process: p})
			}
		}
	}
	return tops
}

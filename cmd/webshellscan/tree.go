package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"webshellscan/report"
	"webshellscan/scan"
	"webshellscan/scan/proctree"
)

// treeOptions are the flags of the verb tree.
type treeOptions struct {
	*globals
	hosts []string
	pid   uint32
	ascii bool
}

func newTreeCommand(g *globals) *cobra.Command {
	o := &treeOptions{globals: g}
	cmd := &cobra.Command{
		Use:   "tree [flags] PATH...",
		Short: "Draw the process tree of a host, or around a process",
		Long: `tree draws the processes of the logs as trees, with their command lines. With
--pid it draws each process that had the process ID: the line of its ancestors,
and everything below it.

` + exitHelp,
		Example: "  webshellscan tree ./logs --host WEB01 --pid 4242",
		RunE:    func(cmd *cobra.Command, args []string) error { return runTree(cmd, o, args) },
	}
	flags := cmd.Flags()
	flags.StringArrayVar(&o.hosts, "host", nil, "only this `host` (short or full name; may be given again)")
	flags.Uint32Var(&o.pid, "pid", 0, "only around processes with this process `ID`")
	flags.BoolVar(&o.ascii, "ascii", false, "draw with ASCII characters (also when the locale is not UTF-8)")
	return cmd
}

// runTree is the verb tree.
func runTree(cmd *cobra.Command, o *treeOptions, args []string) error {
	if len(args) == 0 {
		return errors.New("no file or folder given: webshellscan tree PATH... (see --help)")
	}
	res, err := runWithProgress(cmd.Context(), o.globals, scan.Options{Paths: args, Workers: o.workers})
	if err != nil {
		return err
	}
	out, err := openOutput("", nil, o.stdout)
	if err != nil {
		return err
	}
	drawn, err := o.draw(out, res)
	if err := out.commit(err); err != nil {
		return err
	}
	if drawn == 0 && o.pid != 0 {
		_, _ = fmt.Fprintf(o.stderr, "webshellscan: no process %d in these logs\n", o.pid)
	}
	o.tell(res)
	switch {
	case res.Summary.Interrupted != nil:
		return outcome(exitInterrupted)
	case res.Summary.Incomplete():
		return outcome(exitIncomplete)
	}
	return nil
}

// draw draws what was asked for and returns how many trees that were.
func (o *treeOptions) draw(out *output, res *scan.Result) (int, error) {
	marks := make(map[proctree.Process]string)
	for _, f := range res.Findings {
		names := make([]string, len(f.Rules))
		for i, r := range f.Rules {
			names[i] = r.Label()
		}
		marks[f.Process] = strings.Join(names, ", ")
	}
	options := report.TreeOptions{
		ASCII: o.ascii || wantsASCII(),
		Mark:  func(p proctree.Process) string { return marks[p] },
	}
	drawn := 0
	for i, host := range res.Forest.Hosts() {
		if !scan.MatchesHost(o.hosts, host.Names) || host.Processes == 0 {
			continue
		}
		if o.pid == 0 {
			if err := report.HostTree(out, res.Forest, i, options); err != nil {
				return drawn, err
			}
			drawn++
			continue
		}
		for p := range res.Forest.Processes(i) {
			if p.PID() == o.pid {
				if err := report.Tree(out, p, options); err != nil {
					return drawn, err
				}
				drawn++
			}
		}
	}
	return drawn, nil
}

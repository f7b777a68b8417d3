package main

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"webshellscan/report"
	"webshellscan/report/text"
	"webshellscan/rules"
	"webshellscan/scan"
	"webshellscan/scan/event"
	"webshellscan/scan/proctree"
	"webshellscan/scan/webrequest"
)

// explainOptions are the flags of the verb explain.
type explainOptions struct {
	*globals
	outputFlags
	scopeFlags
	rules    ruleFlags
	pid      uint32
	all      bool
	names    []string
	events   []string
	requests []string // FILE#LINE or FILE@OFFSET
}

func newExplainCommand(g *globals) *cobra.Command {
	o := &explainOptions{globals: g}
	cmd := &cobra.Command{
		Use:   "explain [flags] PATH...",
		Short: "Say why a process matched rules, or which conditions did not match",
		Long: `explain evaluates the rules for each process with the process ID on the host,
and says in ten lines what it is, how grave and why, and which rules matched.

With --all it shows each rule that matches search by search, field by field,
with the values that the process has and those that the rule wants; of the
others the searches are named. With --rule, that rule is shown in full.

With --record, it says instead to which session an event of another kind is
tied and by what, or why not. With --request, it says the same about a line of
a web server's log: which processes began while it ran, and whether its page is
an entry point.

Exit status:
  0    done
  2    wrong usage, no such process or no such rule
  3    incomplete: an input could not be read, or the output not be written
  130  interrupted
`,
		Example: "  webshellscan explain ./logs --host WEB01 --pid 4242\n" +
			"  webshellscan explain ./logs --host WEB01 --pid 4242 --all\n" +
			"  webshellscan explain ./logs --record ./logs/WEB01/System.evtx#81234\n" +
			"  webshellscan explain ./logs --request ./logs/WEB01/u_ex260302.log#118",
		RunE: func(cmd *cobra.Command, args []string) error { return runExplain(cmd, o, args) },
	}
	o.rules.addFlags(cmd)
	o.inputFlags.addFlags(cmd.Flags())
	flags := cmd.Flags()
	o.addGoroutines(flags)
	o.addWidth(flags)
	o.outputFlags.addFlags(cmd, report.ExplainFormats)
	o.scopeFlags.addFlags(cmd, "processes")
	flags.Uint32Var(&o.pid, "pid", 0, "the process `ID`")
	flags.BoolVar(&o.all, "all", false, "every rule, and those that match search by search")
	flags.StringArrayVar(&o.names, "rule", nil, "only the rule with this `name`, ID or title, and in full (repeatable)")
	flags.StringArrayVar(&o.requests, "request", nil, "`FILE#LINE`: why the web request at this line of this log is tied to a session, or not; FILE@OFFSET as reports have it, FILE#ID of one that IIS wrote as an event (repeatable)")
	flags.StringArrayVar(&o.events, "record", nil, "`FILE#ID`: why the event in this file with this record ID is tied to a session, or not (repeatable)")
	o.addWebLog(flags)
	completeFromLogs(cmd, "pid", processesOf)
	completeRules(cmd, "rule", &o.rules)
	return cmd
}

// runExplain is the verb explain.
func runExplain(cmd *cobra.Command, o *explainOptions, args []string) error {
	if err := o.check(args); err != nil {
		return err
	}
	destinations, err := o.destinations(cmd, report.ExplainFormats)
	if err != nil {
		return err
	}
	options, err := o.scanOptions(args)
	if err != nil {
		return err
	}
	since, until, err := parseSpan(o.since, o.until)
	if err != nil {
		return err
	}
	outs, err := openOutputs(cmd.Context(), destinations, protection{o.given(o.rules.inputs(args)), o.force}, o.stdout)
	if err != nil {
		return err
	}
	defer discardAll(outs)
	res, err := o.scanHosts(cmd.Context(), options, o.hosts)
	if err != nil {
		return err
	}
	if err := o.checkWebLogs(res, options.WebLogs); err != nil {
		return err
	}
	wanted, err := o.wanted(res)
	if err != nil {
		return err
	}
	list := o.explain(res, wanted, since, until)
	if err := o.checkGiven(res, &options, list); err != nil {
		return o.absent(res, err)
	}
	return o.finish(cmd.Context(), outs, res, false, func(out *output) error {
		options := report.Options{Width: o.columns(out), Color: out.path == "" && o.color(o.stdout)}
		return report.ExplainFormats.Write(out, out.format, report.Explanations{Result: res, Processes: list, All: o.all, Whole: len(o.names) > 0}, options)
	})
}

// check returns what is wrong with the flags as they stand together.
func (o *explainOptions) check(args []string) error {
	switch {
	case len(args) == 0:
		return errors.New("no file or folder given: webshellscan explain PATH... (see --help)")
	case o.pid == 0 && len(o.events)+len(o.requests) == 0:
		return errors.New("no process given: webshellscan explain PATH... --host HOST --pid PID (see --help)")
	case o.pid != 0 && len(o.events) > 0:
		return errors.New("--pid and --record exclude each other")
	case o.pid != 0 && len(o.requests) > 0:
		return errors.New("--pid and --request exclude each other")
	case len(o.events) > 0 && len(o.requests) > 0:
		return errors.New("--record and --request exclude each other")
	case o.pid == 0 && (o.all || len(o.names) > 0 || o.since != "" || o.until != ""):
		return errors.New("--all, --rule, --since and --until choose of processes: they go with --pid")
	}
	return nil
}

// scanOptions returns what the scan behind an explanation is asked for.
func (o *explainOptions) scanOptions(args []string) (scan.Options, error) {
	options := scan.Options{Paths: args, Goroutines: o.goroutines, Crosscheck: -1, Recover: o.stale}
	var err error
	if options.Rules, err = o.rules.finalize(); err != nil {
		return options, err
	}
	if options.WebLogs, err = o.hostsOfWebLogs(); err != nil {
		return options, err
	}
	if options.Explain, err = o.records(); err != nil {
		return options, err
	}
	options.ExplainRequests, err = o.requestRefs()
	return options, err
}

// checkGiven returns an error if the logs do not have what the flags name.
// Those that were not read to their end may have it.
func (o *explainOptions) checkGiven(res *scan.Result, options *scan.Options, list []report.Explained) error {
	if res.Summary.Interrupted != nil {
		return nil
	}
	if err := o.checkRecords(res, options.Explain); err != nil {
		return err
	}
	if o.pid != 0 && len(list) == 0 {
		return fmt.Errorf("no process %d on that host in these logs", o.pid)
	}
	return o.checkRequests(res, options.ExplainRequests)
}

// records returns the flags --record.
func (o *explainOptions) records() ([]scan.RecordRef, error) {
	var list []scan.RecordRef
	for _, given := range o.events {
		at := strings.LastIndexByte(given, '#')
		id, err := strconv.ParseUint(given[at+1:], 10, 64)
		if at <= 0 || err != nil {
			return nil, fmt.Errorf("--record %q: not FILE#ID", given)
		}
		list = append(list, scan.RecordRef{File: given[:at], RecordID: id})
	}
	return list, nil
}

// requestRefs returns the flags --request.
func (o *explainOptions) requestRefs() ([]webrequest.Ref, error) {
	var list []webrequest.Ref
	for _, given := range o.requests {
		at := strings.LastIndexAny(given, "#@")
		n, err := strconv.ParseInt(given[at+1:], 10, 64)
		switch {
		case at <= 0 || err != nil || n < 0 || given[at] == '#' && (n == 0 || n > math.MaxInt):
			return nil, fmt.Errorf("--request %q: neither FILE#LINE, FILE@OFFSET nor FILE#ID", given)
		case given[at] == '#':
			list = append(list, webrequest.Ref{File: given[:at], Line: int(n)})
		default:
			list = append(list, webrequest.Ref{File: given[:at], Offset: n})
		}
	}
	return list, nil
}

// checkRequests returns an error if a request that is asked for cannot be
// explained.
func (o *explainOptions) checkRequests(res *scan.Result, asked []webrequest.Ref) error {
	if len(asked) == 0 {
		return nil
	}
	if len(res.Sessions) == 0 {
		return errors.New("--request: there is no session of a web server in these logs that a request could be tied to")
	}
	for i, ref := range asked {
		at := slices.IndexFunc(res.ExplainedRequests, func(x webrequest.Explanation) bool { return x.Ref == ref })
		if at < 0 {
			return fmt.Errorf("--request %s: no such web log in these files", o.requests[i])
		}
		if !res.ExplainedRequests[at].Found {
			return fmt.Errorf("--request %s: no request begins there", o.requests[i])
		}
	}
	return nil
}

// checkRecords returns an error if a record that is asked for cannot be
// explained.
func (o *explainOptions) checkRecords(res *scan.Result, asked []scan.RecordRef) error {
	if len(asked) > 0 && len(res.Sessions) == 0 {
		return errors.New("--record: there is no session of a web server in these logs that an event could be tied to")
	}
	for _, ref := range asked {
		if !slices.ContainsFunc(res.Explained, func(x scan.RecordExplanation) bool { return x.RecordRef == ref }) {
			return fmt.Errorf("--record %s#%d: no such record in these logs, or none of a kind that stories are made of (of a process creation, ask by --pid; of a web request, by --request)", ref.File, ref.RecordID)
		}
	}
	return nil
}

// explain returns how the rules stand to each process asked for.
func (o *explainOptions) explain(res *scan.Result, wanted func(*rules.Rule) bool, since, until event.Time) []report.Explained {
	if o.pid == 0 {
		return nil
	}
	var list []report.Explained
	for i, host := range res.Forest.Hosts() {
		if !proctree.MatchesHost(o.hosts, host.Names) {
			continue
		}
		for p := range res.Forest.Processes(i) {
			if p.PID() != o.pid || p.Start() < since || until != 0 && p.Start() >= until {
				continue
			}
			e := report.Explained{Process: p, Rules: res.Explain(p, wanted)}
			for _, f := range res.Findings {
				if f.Process == p {
					e.Correlated = f.Correlated
				}
			}
			list = append(list, e)
		}
	}
	return list
}

// wanted returns which rules are asked for: those named, and of a correlation
// rule those that it refers to. Nil means all.
func (o *explainOptions) wanted(res *scan.Result) (func(*rules.Rule) bool, error) {
	if len(o.names) == 0 {
		return nil, nil
	}
	uses := res.Rules.Uses()
	var named []*rules.Rule
	var add func(list []*rules.Rule)
	add = func(list []*rules.Rule) {
		for _, r := range list {
			if slices.Contains(named, r) {
				continue
			}
			named = append(named, r)
			if r.Correlation != nil {
				for _, ref := range r.Correlation.Rules {
					add(res.Rules.Find(ref))
				}
			}
		}
	}
	for _, name := range o.names {
		found := res.Rules.Find(name)
		if len(found) == 0 {
			return nil, fmt.Errorf("%w; webshellscan rules list names all", res.Rules.Unknown(name))
		}
		for _, r := range found {
			switch use := uses[r]; use {
			case scan.UseFailed, scan.UseNotApplicable, scan.UseNotSelected, scan.UseFilter:
				_, _ = fmt.Fprintf(o.stderr, "webshellscan: rule %s is not evaluated by itself: %s\n", text.Visible(r.Label()), use)
			}
		}
		add(found)
	}
	return func(r *rules.Rule) bool { return slices.Contains(named, r) }, nil
}

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"webshellscan/internal/nearest"
	"webshellscan/report"
	"webshellscan/report/html"
	"webshellscan/report/text"
	"webshellscan/rules"
	"webshellscan/scan"
	"webshellscan/scan/finding"
)

// scanOptions are the flags of a scan as they are given.
type scanOptions struct {
	*globals
	rules ruleFlags
	outputFlags
	scopeFlags
	level  levelFlag
	failOn levelFlag
	csvRaw bool
	check  int
	known  string

	expect   string
	evidence string
	noHash   bool

	flat, sessions bool
	csvExcel       bool
	processes      bool
	csvTime, sort  choiceFlag
	page           html.Options
	marks          string
}

// The choices that are not the default.
const (
	excelTimes = "excel"
	sortByTime = "time"
)

func (o *scanOptions) addFlags(cmd *cobra.Command) {
	o.rules.addFlags(cmd)
	flags := cmd.Flags()
	o.addGoroutines(flags)
	o.addWidth(flags)
	o.outputFlags.addFlags(cmd, report.ScanFormats)
	o.level.add(cmd, "level", "only sessions of this `level` or above, with all their findings, and other findings of it: ")
	o.failOn.add(cmd, "fail-on", "exit status 1 only if something is of this `level` or above: ")
	o.scopeFlags.addFlags(cmd, "findings")
	o.addStrict(flags)
	addCSVRaw(flags, &o.csvRaw)
	flags.BoolVar(&o.csvExcel, "csv-excel", false, "begin a CSV with a byte order mark, so that Excel reads it as UTF-8 when it is opened by a double click")
	o.csvTime.add(cmd, "csv-time", "the form of times in a CSV: ", "iso", excelTimes)
	o.sort.add(cmd, "sort", "the order of findings in a CSV or flat table, by host and time or over all hosts: ", "host", sortByTime)
	flags.BoolVar(&o.flat, "flat", false, "one table of all findings instead of sessions with their trees")
	flags.BoolVar(&o.sessions, "sessions", false, "a CSV of sessions instead of findings")
	flags.BoolVar(&o.processes, "processes", false, "in a CSV, every process of a session, not only findings")
	flags.StringVar(&o.page.Title, "title", "", "the `title` of an HTML report")
	flags.StringVar(&o.page.Case, "case", "", "the `name` of the case, for the cover of an HTML report")
	flags.StringVar(&o.page.Author, "author", "", "the `name` of the author, for the cover of an HTML report")
	flags.StringVar(&o.marks, "marks", "", "a `file` of marks that the page of an earlier scan saved, for an HTML report")
	flags.IntVar(&o.check, "crosscheck", scan.DefaultCrosscheck,
		"how many `findings` to check by decoding their records with a second decoder (-1: all, 0: none)")
	o.inputFlags.addFlags(flags)
	o.addWebLog(flags)
	addNoHash(flags, &o.noHash)
	flags.StringVar(&o.evidence, "evidence", "", "a `folder` for the records that findings rest on, as XML and as event logs, with a manifest of hashes")
	_ = cmd.MarkFlagDirname("evidence")
	flags.StringVar(&o.expect, "expect", "", "a `file` with the names of hosts, one per line: those without logs are listed, with exit status 3")
	flags.StringVar(&o.known, "baseline", "", "a `file` of known findings, made by webshellscan baseline: they are still counted, but come last")
}

// finalize checks the flags and turns them into the options of a scan.
func (o *scanOptions) finalize(paths []string) (scan.Options, error) {
	options := scan.Options{Paths: paths, Version: version(), Goroutines: o.goroutines, MinLevel: o.level.level, Crosscheck: o.check}
	if len(paths) == 0 {
		return options, errors.New("no file or folder given: webshellscan PATH... (see --help)")
	}
	switch {
	case o.check < 0:
		options.Crosscheck = math.MaxInt
	case o.check == 0:
		options.Crosscheck = -1
	}
	var err error
	if options.Rules, err = o.rules.finalize(); err != nil {
		return options, err
	}
	if err := o.scopeFlags.finalize(&options); err != nil {
		return options, err
	}
	if options.WebLogs, err = o.hostsOfWebLogs(); err != nil {
		return options, err
	}
	if o.page.Marks, err = readMarks(o.marks); err != nil {
		return options, err
	}
	if options.Expect, err = readExpected(o.expect); err != nil {
		return options, err
	}
	options.Baseline, err = readBaseline(o.known)
	return options, err
}

// runScan is the command without a verb.
func runScan(cmd *cobra.Command, o *scanOptions, args []string) error {
	if err := checkVerb(cmd, args); err != nil {
		return err
	}
	options, err := o.finalize(args)
	if err != nil {
		return err
	}
	list, err := o.destinations(cmd, report.ScanFormats)
	if err != nil {
		return err
	}
	if o.processes && o.sessions {
		return errors.New("--processes and --sessions exclude each other")
	}
	for _, d := range list {
		needs := report.ScanFormats.Needs(d.format)
		options.RawEvents = max(options.RawEvents, needs.RawEvents)
		options.Hash = options.Hash || needs.Manifest && !o.noHash
	}
	inputs := o.given(o.rules.inputs(args))
	for _, path := range []string{o.known, o.marks, o.expect} {
		if path != "" {
			inputs = append(inputs, path)
		}
	}
	outs, err := openOutputs(cmd.Context(), list, protection{inputs, o.force}, o.stdout)
	if err != nil {
		return err
	}
	defer discardAll(outs)
	cut, err := o.openEvidence(&options, inputs)
	if err != nil {
		return err
	}
	defer cut.discard()
	res, err := o.scanHosts(cmd.Context(), options, o.hosts)
	if err != nil {
		return err
	}
	if err := o.checkWebLogs(res, options.WebLogs); err != nil {
		return err
	}
	o.warnOfMarks(res)
	failed := o.writeOutputs(cmd.Context(), outs, res, func(out *output) error {
		return report.ScanFormats.Write(out, out.format, res, o.reportOptions(out))
	})
	whole, err := cut.finish(o, res)
	o.summarize(res)
	if !o.quiet {
		_ = report.Integrity(o.stderr, res.Integrity)
	}
	if err := cmp.Or(failed, err); err != nil {
		return err
	}
	if !whole && res.Summary.Interrupted == nil {
		return outcome(exitIncomplete)
	}
	return o.status(res, o.found(res))
}

// readMarks reads the file of the flag --marks; none gives none.
func readMarks(path string) (html.Marks, error) {
	if path == "" {
		return html.Marks{}, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return html.Marks{}, fmt.Errorf("--marks: %w", err)
	}
	defer f.Close()
	marks, err := html.ReadMarks(f)
	if err != nil {
		return html.Marks{}, fmt.Errorf("--marks %s: %w", path, err)
	}
	return marks, nil
}

// warnOfMarks prints how many marks have no finding any more.
func (o *scanOptions) warnOfMarks(res *scan.Result) {
	if unknown, total := o.page.Marks.Unknown(res); unknown > 0 && !o.quiet {
		_, _ = fmt.Fprintf(o.stderr, "Note: --marks: %d of %d without a finding in this scan\n", unknown, total)
	}
}

// found reports whether there is something that the exit status shows:
// anything, or what is of the level of --fail-on or above.
func (o *scanOptions) found(res *scan.Result) bool {
	least := o.failOn.level
	if least == rules.LevelNone {
		return res.Found()
	}
	return slices.ContainsFunc(res.Sessions, func(s *finding.Session) bool { return s.Level >= least }) ||
		slices.ContainsFunc(res.Findings, func(f *finding.Finding) bool { return f.Session == "" && f.Level >= least }) ||
		slices.ContainsFunc(res.Events, func(e *finding.Event) bool { return len(e.Rules) > 0 && e.Level() >= least })
}

// reportOptions returns how a report is written. What the terminal and the
// locale are counts for standard output only: a file has the same bytes
// everywhere.
func (o *scanOptions) reportOptions(out *output) report.Options {
	options := report.Options{
		Width: o.columns(out), Flat: o.flat, Sessions: o.sessions, Processes: o.processes, Path: out.path,
		Raw: o.csvRaw, BOM: o.csvExcel, ExcelTimes: o.csvTime == excelTimes, ByTime: o.sort == sortByTime, Page: o.page,
	}
	if out.path == "" {
		options.Color, options.ASCII = o.color(o.stdout), wantsASCII()
		_, options.Screen = terminal(o.stdout)
	}
	return options
}

// scanHosts scans with a progress line, for what is asked of some hosts. It is
// an error if the logs have none of them.
func (g *globals) scanHosts(ctx context.Context, options scan.Options, hosts []string) (*scan.Result, error) {
	res, err := runWithProgress(ctx, g, options)
	if err != nil {
		return nil, err
	}
	return res, g.checkHosts(res, hosts)
}

// checkHosts returns an error if the logs have none of the hosts that are asked
// for: nothing found would mean nothing. It only warns of unknown hosts if
// others are known.
func (g *globals) checkHosts(res *scan.Result, hosts []string) error {
	unknown := res.UnknownHosts(hosts)
	if len(unknown) == 0 || res.Summary.Interrupted != nil {
		return nil
	}
	const most = 10
	var names []string
	for _, h := range res.Summary.Hosts[:min(len(res.Summary.Hosts), most)] {
		names = append(names, h.Name)
	}
	noun := "hosts"
	if len(res.Summary.Hosts) == 1 {
		noun = "host"
	}
	err := fmt.Errorf("--host %s: not in these logs%s, which have %d %s: %s", strings.Join(unknown, ", "), nearestHost(res, unknown[0]),
		len(res.Summary.Hosts), noun, strings.Join(names, ", "))
	if len(unknown) == len(hosts) {
		return err
	}
	_, _ = fmt.Fprintf(g.stderr, "webshellscan: %s\n", text.Visible(err.Error()))
	return nil
}

// nearestHost asks for the host that a mistyped name may stand for, by its
// short or full name.
func nearestHost(res *scan.Result, typed string) string {
	var names []string
	for _, h := range res.Summary.Hosts {
		for _, name := range h.Names {
			short, _, _ := strings.Cut(name, ".")
			names = append(names, short, name)
		}
	}
	return nearest.Question(typed, names)
}

// checkWebLogs returns an error if no flag --web-log means anything. It only
// warns of some that do not.
func (g *globals) checkWebLogs(res *scan.Result, given map[string]string) error {
	wrong := res.WrongWebLogs(given)
	if len(wrong) == 0 || res.Summary.Interrupted != nil {
		return nil
	}
	err := fmt.Errorf("--web-log %s", strings.Join(wrong, "; --web-log "))
	if len(wrong) == len(given) {
		return err
	}
	_, _ = fmt.Fprintf(g.stderr, "webshellscan: %s\n", text.Visible(err.Error()))
	return nil
}

// runWithProgress scans, with a progress line on a terminal.
func runWithProgress(ctx context.Context, g *globals, options scan.Options) (*scan.Result, error) {
	var err error
	if options.Sources, err = g.sourceOptions(options.Paths); err != nil {
		return nil, err
	}
	if width, ok := terminal(g.stderr); ok && !g.quiet {
		options.Progress = new(scan.Progress)
		line := startProgress(ctx, g.stderr, (&scanProgress{Progress: options.Progress, width: width}).text)
		defer line.finish()
	}
	return scan.Scan(ctx, options)
}

// summarize writes the summary to standard error. If the user wants none, it
// writes only what makes the scan incomplete. Errors are ignored: if standard
// error is gone, nobody can read them.
func (g *globals) summarize(res *scan.Result) {
	s := &res.Summary
	if !g.quiet {
		_ = report.Summary(g.stderr, s)
	} else if s.Incomplete() {
		_ = report.Problems(g.stderr, s)
	}
	if g.quiet && s.Records > 0 {
		_ = report.BlindScan(g.stderr, s)
	}
	if g.quiet && g.strict {
		_ = report.BlindHosts(g.stderr, s)
	}
	if s.Interrupted != nil {
		_, _ = fmt.Fprintf(g.stderr, "INTERRUPTED: the report holds what was found up to then%s\n", isIn(g.partial))
	}
}

// isIn describes in which files the report of an interrupted run is, "" for
// none.
func isIn(files []string) string {
	if len(files) == 0 {
		return ""
	}
	return ", and is in " + text.Visible(strings.Join(files, ", "))
}

// absent returns the outcome of a run whose logs lack what it was asked for.
// Those that were not all read may have it.
func (g *globals) absent(res *scan.Result, err error) error {
	g.summarize(res)
	if !res.Summary.Incomplete() {
		return err
	}
	_, _ = fmt.Fprintf(g.stderr, "webshellscan: %s, as far as they were read\n", text.Visible(err.Error()))
	return g.status(res, false)
}

// status returns the outcome of a run: that it was interrupted or is incomplete
// goes before what it found. If it is to be strict, a host of which nothing
// that ran can be seen makes it incomplete.
func (g *globals) status(res *scan.Result, found bool) error {
	switch {
	case res.Summary.Interrupted != nil:
		return outcome(exitInterrupted)
	case res.Summary.Incomplete(), g.strict && len(res.Summary.BlindHosts) > 0:
		return outcome(exitIncomplete)
	case found:
		return outcome(exitFindings)
	}
	return nil
}

// maxExpected bounds the file of hosts that are expected, in bytes.
const maxExpected = 64 << 20

// readExpected reads the names of hosts from a file, one per line. What begins
// with # is a remark.
func readExpected(path string) ([]string, error) {
	if path == "" {
		return nil, nil
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("--expect: %w", err)
	}
	defer func() { _ = file.Close() }() // it was only read
	data, err := io.ReadAll(io.LimitReader(file, maxExpected))
	if err != nil {
		return nil, fmt.Errorf("--expect: %w", err)
	}
	var hosts []string
	for line := range strings.Lines(string(data)) {
		if host := strings.TrimSpace(strings.TrimPrefix(line, "\uFEFF")); host != "" && host[0] != '#' {
			hosts = append(hosts, host)
		}
	}
	if len(hosts) == 0 {
		return nil, fmt.Errorf("--expect %s: names no host", path)
	}
	return hosts, nil
}

package scan

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"webshellscan/scan/event"
	"webshellscan/scan/evtx"
	"webshellscan/scan/integrity"
	"webshellscan/scan/proctree"
)

// Summary is what a scan read, what it could not read, and what the logs could
// not have shown.
type Summary struct {
	// Files counts the EVTX files that were read, OtherFiles the files of
	// folders that can hold no event log.
	Files, OtherFiles int
	Bytes             int64
	Chunks, Records   int
	// Events counts process events, Copies those among the creations that
	// were copies of others.
	Events proctree.Counts
	Copies int
	Hosts  []proctree.Host
	// MoreHosts is set if a log has records of more hosts than are kept;
	// those with process events are all among Hosts.
	MoreHosts bool
	// First and Last are the times of the earliest and latest record.
	First, Last event.Time
	// Lost counts the records that are known to be lost, as InputFile.Lost
	// does for each input.
	Lost int
	// Recovered counts the records of all kinds that are no longer live and
	// could be read, copies included; Events.Recovered those of process
	// creations without.
	Recovered int
	// Damage lists the files with faults.
	Damage []FileFaults
	// Unreadable lists what could not be read although it may hold logs,
	// Skipped what was left out on purpose.
	Unreadable, Skipped []FileError
	// Crashes lists errors of webshellscan itself.
	Crashes []FileError
	// Blind is what the logs could not have shown, BlindHosts are those of
	// the requested hosts for which they show nothing that ran.
	Blind, BlindHosts []Blind
	// WebLogs is what was read of the logs of web servers.
	WebLogs WebLogSummary
	// EventsLost counts events, other than those of processes, that matched
	// rules or may have been a session's, and that bounds left out.
	EventsLost int
	// Rules counts the rules.
	Rules RuleSummary
	// Only describes which part of the logs was asked for.
	Only []string
	// Interrupted is why the scan was stopped early, nil if it was not.
	Interrupted error
}

// FileError is an error about one input.
type FileError struct {
	Path string
	Err  error
}

// Reason returns the error's text without the path that stands before it.
func (e FileError) Reason() string {
	text := e.Err.Error()
	if _, after, ok := strings.Cut(text, e.Path+": "); ok {
		return after
	}
	return text
}

// FileFaults are the faults of one file.
type FileFaults struct {
	Path string
	// Counts counts the faults by class.
	Counts map[evtx.Class]int
	// Missing counts the record identifiers that are missing between
	// others.
	Missing int
	// First are the first faults of each class, in the order of the file.
	First []*evtx.FormatError
}

// Blind is one thing that the logs could not have shown.
type Blind struct {
	Host string // "" for all hosts
	Text string
}

// Incomplete reports whether something could not be read, or rules failed and
// none was left, so that findings may be missing: the exit status shows it too.
func (s *Summary) Incomplete() bool {
	return len(s.Unreadable) > 0 || len(s.Crashes) > 0 || s.Records == 0 || s.NoRules()
}

// NoRules reports whether rules failed and none was left to apply.
func (s *Summary) NoRules() bool { return s.Rules.Applied == 0 && s.Rules.Failed > 0 }

func summarize(r *firstPass, forest *proctree.Forest, sets *RuleSets) Summary {
	s := Summary{Hosts: forest.Hosts(), Copies: forest.Copies(), Rules: sets.Summary()}
	for _, sk := range r.skipped {
		if sk.Unreadable {
			s.Unreadable = append(s.Unreadable, FileError{sk.Path, sk.Err})
		} else {
			s.Skipped = append(s.Skipped, FileError{sk.Path, sk.Err})
		}
	}
	s.OtherFiles = r.otherFiles
	var total evtx.Stats
	for _, in := range r.inputs {
		s.addInput(in, &total)
	}
	s.unreadable()
	s.Bytes, s.Chunks, s.Records = total.Bytes, total.Chunks, total.Records
	s.Recovered = total.Recovered
	s.First, s.Last = total.First, total.Last
	for _, h := range s.Hosts {
		s.Events.Add(h.Events)
	}
	if s.Blind = blindSpots(&s, countCommandLines(forest)); !r.complete() {
		s.Blind = []Blind{{"", "not all was read: what these logs could not have shown is not known"}}
	}
	return s
}

// unreadable adds inputs that could not be read.
func (s *Summary) unreadable(more ...FileError) {
	s.Unreadable = append(s.Unreadable, more...)
	slices.SortStableFunc(s.Unreadable, func(a, b FileError) int { return strings.Compare(a.Path, b.Path) })
}

// addCrashes adds the panics that were recovered after the reading.
func (s *Summary) addCrashes(crashes []stepCrash, of *finder) {
	for _, h := range s.Hosts {
		if h.Crash != nil {
			s.Crashes = append(s.Crashes, FileError{h.Name, fmt.Errorf("internal error: process trees: %w", h.Crash)})
		}
	}
	for _, c := range crashes {
		if !c.process.Exists() {
			s.Crashes = append(s.Crashes, FileError{c.what, fmt.Errorf("internal error: %w", c.err)})
			continue
		}
		path, offset := c.process.Host().Name, int64(0)
		for r := range c.process.Records() {
			e := of.evidence(r)
			path, offset = e.File, e.Offset
			break
		}
		s.Crashes = append(s.Crashes, FileError{path, fmt.Errorf("internal error: offset %d: process %d: %w", offset, c.process.PID(), c.err)})
	}
	slices.SortStableFunc(s.Crashes, func(a, b FileError) int {
		return cmp.Or(strings.Compare(a.Path, b.Path), strings.Compare(a.Err.Error(), b.Err.Error()))
	})
}

// addInput adds one input to the summary.
func (s *Summary) addInput(in *input, total *evtx.Stats) {
	for _, text := range in.crashes {
		s.Crashes = append(s.Crashes, FileError{in.Path, fmt.Errorf("internal error: %s", text)})
	}
	if in.err != nil {
		if in.ignored() {
			s.OtherFiles++
		} else {
			s.Unreadable = append(s.Unreadable, FileError{in.Path, in.err})
		}
		return
	}
	if in.evtx == nil {
		return // interrupted before its turn
	}
	s.Files++
	total.Add(&in.stats)
	s.Lost += in.recordsLost()
	s.MoreHosts = s.MoreHosts || in.stats.MoreHosts
	total.Bytes += min(evtx.HeaderSize, in.evtx.Size())
	if in.changed != nil {
		s.Unreadable = append(s.Unreadable, FileError{in.Path, in.changed})
	}
	if in.lost != nil {
		s.Unreadable = append(s.Unreadable, FileError{in.Path, in.lost})
	}
	if in.exportErr != nil {
		s.Unreadable = append(s.Unreadable, FileError{in.Path, fmt.Errorf("not all of it could be read: %w", in.exportErr)})
	} else if err := in.faults.Unread(); err != nil {
		s.Unreadable = append(s.Unreadable, FileError{in.Path, err})
	}
	in.order = slices.DeleteFunc(in.order, func(f *evtx.FormatError) bool {
		return f.Class == evtx.ExportGap && (len(in.stats.Origins) != 1 || !in.complete()) // logs number their records each for itself
	})
	for _, fault := range in.order {
		if fault.Class != evtx.ExportFingerprint {
			in.faults.Add(fault)
		}
	}
	if counts := in.faults.Counts(); len(counts) > 0 {
		s.Damage = append(s.Damage, FileFaults{in.Path, counts, in.faults.Missing(), in.faults.Kept()})
	}
}

// setScope records which part of the logs was asked for, and that none of it is
// in them.
func (s *Summary) setScope(o *Options, only []string) {
	s.Only = only
	s.BlindHosts = blindHosts(s.Hosts, o.Hosts)
	for _, h := range s.Hosts {
		if !proctree.MatchesHost(o.Hosts, h.Names) {
			s.Blind = slices.DeleteFunc(s.Blind, func(b Blind) bool { return b.Host == h.Name })
		}
	}
	if s.Records > 0 && s.First != 0 && (o.Since > s.Last || o.Until != 0 && o.Until <= s.First) {
		s.Blind = append(s.Blind, Blind{"", "no record is of the time that was asked for"})
	}
}

// BlindScan returns why nothing could be found on any host, in words.
func (s *Summary) BlindScan() []string {
	var list []string
	for _, b := range s.Blind {
		if b.Host == "" {
			list = append(list, b.Text)
		}
	}
	return list
}

// blindHosts returns the hosts among the wanted ones of which nothing that ran
// can be seen.
func blindHosts(hosts []proctree.Host, wanted []string) []Blind {
	var list []Blind
	for _, h := range hosts {
		if h.Events.Blind() && proctree.MatchesHost(wanted, h.Names) {
			list = append(list, Blind{h.Name, integrity.NoCreations(h.Events)})
		}
	}
	return list
}

// blindSpots returns what the logs could not have shown: first for all hosts,
// then of the hosts of which nothing that ran can be seen, then of the others.
// lines are by host.
func blindSpots(s *Summary, lines []commandLines) []Blind {
	if s.Records == 0 {
		return []Blind{{"", "no event log record was read: what ran cannot be seen"}}
	}
	var list, others []Blind
	if s.Events.Total() == 0 {
		list = append(list, Blind{"", "no process events (Sysmon 1, Security 4688) in any log: what web servers started cannot be seen"})
	}
	switch {
	case s.Rules.Applied+s.Rules.Events == 0:
		list = append(list, Blind{"", "no rule was applied: nothing could be found"})
	case s.Rules.Applied == 0:
		list = append(list, Blind{"", "no rule about processes was applied: none of them could be a finding"})
	}
	for i, h := range s.Hosts {
		e := h.Events
		if e.Blind() {
			list = append(list, Blind{h.Name, integrity.NoCreations(e) + ": what ran here cannot be seen"})
		} else if text := lines[i].blind(e); text != "" {
			others = append(others, Blind{h.Name, text})
		}
		if e.Shifted > 0 {
			others = append(others, Blind{h.Name, fmt.Sprintf(
				"unusable: %d of %d Sysmon process events, whose fields are shifted as by the manifest of another version of Sysmon",
				e.Shifted, e.SysmonCreate+e.SysmonEnd)})
		}
		if left := e.Unusable - e.Shifted; left > 0 {
			others = append(others, Blind{h.Name, fmt.Sprintf(
				"unusable: %d of %d process events, without a process ID, or without image and parent", left, e.Total())})
		}
	}
	return append(list, others...)
}

// errMissing is the error of a host without logs of which there should be some.
var errMissing = errors.New("expected, but there are no logs of this host")

// expect reports the expected hosts of which there are no logs.
func (s *Summary) expect(hosts []string, parts []*mergePart) {
	for _, want := range hosts {
		come := slices.ContainsFunc(s.Hosts, func(h proctree.Host) bool { return proctree.MatchesHost([]string{want}, h.Names) }) ||
			slices.ContainsFunc(parts, func(p *mergePart) bool { return strings.EqualFold(p.meta.label, want) && len(p.meta.inputs) > 0 })
		if !come {
			s.Unreadable = append(s.Unreadable, FileError{want, errMissing})
		}
	}
}

package scan

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"webshellscan/scan/event"
	"webshellscan/scan/evtx"
	"webshellscan/scan/export"
	"webshellscan/scan/finding"
	"webshellscan/scan/proctree"
	"webshellscan/scan/webrequest"
)

// WebLogSummary says what was read of the logs that web servers write
// themselves.
type WebLogSummary struct {
	// Found counts the web logs of the evidence. Read counts those that
	// were read, which are those of hosts with sessions, and Lines what is
	// in them.
	Found, Read, Lines int
	// Notes say what may have cost requests of a log, or put them at wrong
	// times.
	Notes []FileError
}

// WebLogInput is what a Manifest says of a web log only.
type WebLogInput struct {
	// Host is whose log it is, "" if nothing says so.
	Host string
	// Lines counts its lines, Bad those that hold no request; both are 0 if
	// it was not read.
	Lines, Bad int
}

// Why a web log was not read.
var (
	errNoSession = errors.New("not read: its host has no session of a web server")
	errNoHost    = errors.New("not read: nothing says which host it is of")
	errNoFormat  = errors.New("not read: it is called a log of a web server, and its lines have no known form")
)

// eventLogs returns the event logs as webrequest has them. p reads them again;
// nil if that is not wanted yet.
func (res *Result) eventLogs(p *storyPass) []webrequest.EventLog {
	list := make([]webrequest.EventLog, len(res.inputs))
	for i, in := range res.inputs {
		forwarded := slices.ContainsFunc(in.chunks, func(c evtx.Chunk) bool { return c.Forwarded })
		list[i] = webrequest.EventLog{Path: in.Path, Origin: in.Origin, Stats: &in.stats, Own: in.form == export.None && !forwarded}
		if p != nil && in.err == nil {
			list[i].Read = func(ctx context.Context, want event.Want, do func(*event.Event)) { p.readAll(ctx, in, want, do) }
		}
	}
	return list
}

// findWebLogs looks at the files of web servers that were found.
func (res *Result) findWebLogs(others []*otherInput, given map[string]string) {
	if len(others) == 0 {
		return
	}
	files := make([]webrequest.File, len(others))
	for i, in := range others {
		files[i] = webrequest.File{Input: in.Input, Cut: in.cut}
	}
	res.web.AddEventLogs(res.eventLogs(nil))
	res.web.Add(files, given)
}

// addRequests finds the web requests of sessions, and explains those that are
// asked for.
func (res *Result) addRequests(ctx context.Context, p *storyPass, sites []map[string]bool, asked []webrequest.Ref) {
	q := webrequest.Query{
		IsServer: func(p proctree.Process) bool { return res.servers.serverOf(p).kind == finding.ServerWeb },
		Events:   res.eventLogs(p), Explain: asked,
	}
	for i, s := range res.Sessions {
		q.Sessions = append(q.Sessions, webrequest.Session{Session: s, Below: p.below[i], Sites: sites[i]})
	}
	res.Requests, res.ExplainedRequests = res.web.Find(ctx, &q)
}

// addWebLogs adds what was read of web logs to the summary and the manifest.
func (res *Result) addWebLogs(logs []webrequest.Report) {
	s := &res.Summary
	s.WebLogs.Found = len(logs)
	var nobodys []string
	for i := range logs {
		l := &logs[i]
		if l.Read {
			s.WebLogs.Read++
			s.WebLogs.Lines += l.Lines
		}
		for _, note := range l.Notes {
			s.WebLogs.Notes = append(s.WebLogs.Notes, FileError{l.Path, errors.New(note)})
		}
		switch {
		case l.Err != nil:
			s.Unreadable = append(s.Unreadable, FileError{l.Path, l.Err})
		case !l.Known:
			s.WebLogs.Notes = append(s.WebLogs.Notes, FileError{l.Path, errNoFormat})
		case l.Host == "":
			nobodys = append(nobodys, l.Path)
		}
		res.Manifest.Inputs = append(res.Manifest.Inputs, webLogInput(l))
	}
	if len(nobodys) > 0 {
		s.Blind = append(s.Blind, Blind{Text: unattributed(nobodys)})
	}
	for _, c := range res.web.Failed() {
		s.unreadable(FileError{c.Path, c.Err})
	}
	res.Manifest.sort()
}

// webLogInput returns a log as the manifest has it.
func webLogInput(l *webrequest.Report) InputFile {
	file := InputFile{
		Path: l.Path, Size: max(l.Size, 0), SHA256: l.SHA256, Origin: l.Origin, WebLog: &WebLogInput{Host: l.Host, Lines: l.Lines, Bad: l.Bad},
	}
	switch {
	case l.Err != nil:
		file.Error = FileError{l.Path, l.Err}.Reason()
	case !l.Known:
		file.Error = errNoFormat.Error()
	case l.Missed:
		file.Error = errNotHeld.Error()
	case l.Host == "":
		file.Error = errNoHost.Error()
	case !l.Read:
		file.Error = errNoSession.Error()
	}
	return file
}

// unattributed says of which web logs nothing tells whose they are.
func unattributed(paths []string) string {
	const why = "requests are tied to no session (--web-log HOST=PATH says whose they are)"
	if len(paths) == 1 {
		return "web log of an unknown host: " + paths[0] + ": its " + why
	}
	return fmt.Sprintf("%d web logs of unknown hosts, such as %s: their %s", len(paths), paths[0], why)
}

// WrongWebLogs returns a sentence for each entry of Options.WebLogs that has no
// effect: its host is not in the logs, or its path has no web log.
func (res *Result) WrongWebLogs(given map[string]string) []string { return res.web.Wrong(given) }

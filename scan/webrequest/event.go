package webrequest

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"webshellscan/scan/event"
	"webshellscan/scan/evtx"
	"webshellscan/scan/proctree"
	"webshellscan/scan/source"
	"webshellscan/scan/weblog"
)

// iisChannel is where IIS writes its requests as events, if a site's logging
// says so, and iisRequest the event of one (Microsoft, "ETW logging").
const (
	iisChannel = "Microsoft-IIS-Logging/Logs"
	iisRequest = 6200
)

// Key is the kind of event that is a request.
var Key = event.Key{Provider: "Microsoft-Windows-IIS-Logging", ID: iisRequest}

// requestEvents are the events of one log that are requests of one host.
type requestEvents struct {
	read     func(ctx context.Context, want event.Want, do func(*event.Event))
	computer string
}

// eventLogs returns the event logs with requests of IIS, as logs of their
// hosts.
func (w *Logs) eventLogs(events []EventLog) []*log {
	hosts := proctree.HostsByName(w.forest.Hosts())
	var list []*log
	for _, in := range events {
		order := func(a, b evtx.Origin) int { return cmp.Compare(a.Computer, b.Computer) }
		for _, origin := range slices.SortedFunc(maps.Keys(in.Stats.Origins), order) {
			stats := in.Stats.Origins[origin]
			host, known := hosts[origin.Computer]
			if in.Read == nil || !known || origin.Channel != iisChannel {
				continue
			}
			l := &log{
				Input: source.Input{Path: in.Path, Origin: in.Origin}, format: weblog.W3C, server: weblog.ServerIIS, host: w.owners.machine(host),
				events: &requestEvents{in.Read, origin.Computer},
			}
			l.stats.First, l.stats.Last = stats.Span()
			list = append(list, l)
		}
	}
	return list
}

// logged reports whether a request that is an event stands in a file too: sites
// may log to both.
func (w *Logs) logged(l *log, r *weblog.Request) bool {
	if l.events == nil {
		return false
	}
	site := weblog.SiteNumber(r.Site, w.sites[l.host])
	return slices.ContainsFunc(w.logs, func(f *log) bool {
		return f.host == l.host && f.format == weblog.W3C && f.read && f.stats.First <= r.Time && r.Time <= f.stats.Last &&
			(f.site == "" || site == "" || f.site == site)
	})
}

// requests reads the requests of some times.
func (e *requestEvents) requests(ctx context.Context, times weblog.Window, do func(*weblog.Request)) {
	e.all(ctx, func(_ uint64, r *weblog.Request) {
		if times.Meets(r.Span()) {
			do(r)
		}
	})
}

// find finds a request by the ID of its record, or by where that begins, and
// reports whether it is there.
func (e *requestEvents) find(ctx context.Context, ref Ref, r *weblog.Request) bool {
	found := false
	e.all(ctx, func(recordID uint64, q *weblog.Request) {
		if !found && (ref.Line != 0 && recordID == uint64(ref.Line) || ref.Line == 0 && q.Offset == ref.Offset) {
			*r, found = *q, true
		}
	})
	return found
}

// all reads all requests, each with the ID of its record.
func (e *requestEvents) all(ctx context.Context, do func(recordID uint64, r *weblog.Request)) {
	e.read(ctx, event.Want{Channels: []string{iisChannel}, AllFields: true}, func(ev *event.Event) {
		if ev.ID != iisRequest || ev.Computer.String() != e.computer {
			return
		}
		var fields [][2]string
		for _, f := range ev.Payload() {
			fields = append(fields, [2]string{f.Name, f.Value.String()})
		}
		if r, ok := weblog.FromFields(ev.Time, fields); ok {
			r.Offset = ev.Place.Offset
			do(ev.RecordID, &r)
		}
	})
}

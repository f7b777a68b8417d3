package scan

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"webshellscan/scan/event"
	"webshellscan/scan/evtx"
	"webshellscan/scan/export"
	"webshellscan/scan/source"
	"webshellscan/scan/weblog"
)

// iisChannel is where IIS writes its requests as events, if a site's logging
// says so, and iisRequest the event of one (Microsoft, "ETW logging").
const (
	iisChannel = "Microsoft-IIS-Logging/Logs"
	iisRequest = 6200
)

// requestKey is the kind of event that is a request.
var requestKey = event.Key{Provider: "Microsoft-Windows-IIS-Logging", ID: iisRequest}

// requestEvents are the events of one log that are requests of one host.
type requestEvents struct {
	pass     *storyPass
	in       *input
	computer string
}

// eventLogs returns the event logs with requests of IIS, as logs of their
// hosts.
func (w *webLogs) eventLogs(p *storyPass, hosts map[string]int) []*webLog {
	var list []*webLog
	for _, in := range p.reading.inputs {
		order := func(a, b evtx.Origin) int { return cmp.Compare(a.Computer, b.Computer) }
		for _, origin := range slices.SortedFunc(maps.Keys(in.stats.Origins), order) {
			stats := in.stats.Origins[origin]
			host, known := hosts[origin.Computer]
			if in.err != nil || !known || origin.Channel != iisChannel {
				continue
			}
			l := &webLog{
				Input: source.Input{Path: in.Path, Origin: in.Origin}, format: weblog.W3C, server: weblog.ServerIIS, host: lastName(w.renamed, host),
				events: &requestEvents{p, in, origin.Computer},
			}
			l.stats.First, l.stats.Last = stats.Span()
			list = append(list, l)
		}
	}
	return list
}

// logged reports whether a request that is an event stands in a file too: sites
// may log to both.
func (w *webLogs) logged(l *webLog, r *weblog.Request) bool {
	if l.events == nil {
		return false
	}
	site := weblog.SiteNumber(r.Site, w.sites[l.host])
	return slices.ContainsFunc(w.logs, func(f *webLog) bool {
		return f.host == l.host && f.format == weblog.W3C && f.read && f.stats.First <= r.Time && r.Time <= f.stats.Last &&
			(f.site == "" || site == "" || f.site == site)
	})
}

// read reads the requests of some times.
func (e *requestEvents) read(ctx context.Context, times weblog.Window, do func(*weblog.Request)) {
	want := event.Want{Channels: []string{iisChannel}, AllFields: true}
	take := func(ev *event.Event) {
		if ev.ID != iisRequest || ev.Computer.String() != e.computer {
			return
		}
		var fields [][2]string
		for _, f := range ev.Payload() {
			fields = append(fields, [2]string{f.Name, f.Value.String()})
		}
		if r, ok := weblog.FromFields(ev.Time, fields); ok && times.Meets(r.Span()) {
			r.Offset = ev.Place.Offset
			do(&r)
		}
	}
	if e.in.form != export.None {
		e.pass.readExport(ctx, e.in, want, take)
		return
	}
	e.pass.readChunks(ctx, e.in, e.in.chunks, evtx.NewReader(evtx.Select(want)), take)
}

package scan

import (
	"cmp"
	"io"
	"maps"
	"path"
	"slices"
	"strings"

	"webshellscan/scan/evtx"
	"webshellscan/scan/export"
	"webshellscan/scan/source"
	"webshellscan/scan/weblog"
)

// hostsByName returns the indices of the hosts of a full name or, if none has
// it, of those with the same short name.
func (res *Result) hostsByName(name string) []int {
	var full, short []int
	before, _, _ := strings.Cut(name, ".")
	for i, h := range res.Forest.Hosts() {
		if slices.ContainsFunc(h.Names, func(n string) bool { return strings.EqualFold(n, name) }) {
			full = append(full, i)
		}
		if MatchesHost([]string{name}, h.Names) || MatchesHost([]string{before}, h.Names) {
			short = append(short, i)
		}
	}
	if len(full) > 0 && strings.Contains(name, ".") {
		return full
	}
	return short
}

// readConfig reads a configuration of IIS.
func (w *webLogs) readConfig(in source.Input, host int) {
	file, err := in.Open()
	if err != nil {
		w.failed = append(w.failed, FileError{in.Path, err})
		return
	}
	config, _ := weblog.ReadConfig(io.NewSectionReader(file, 0, file.Size())) // what could be read is of use
	if err := file.Close(); err != nil {
		w.failed = append(w.failed, FileError{in.Path, err})
	}
	if w.sites[host] == nil {
		w.sites[host] = make(map[string]*weblog.Site)
	}
	for i := range config.Sites {
		w.sites[host][config.Sites[i].ID] = &config.Sites[i]
	}
}

// folderOwners says which host a file is of by the event logs that lie beside
// it: those of the nearest folder around it that holds any.
type folderOwners struct {
	hosts   map[string][]int // by folder
	renamed map[int]int      // the later name of hosts that got another one
}

// hostNumbers returns the hosts by all their names.
func (res *Result) hostNumbers() map[string]int {
	hosts := make(map[string]int)
	for host, about := range res.Forest.Hosts() {
		for _, name := range about.Names {
			hosts[name] = host
		}
	}
	return hosts
}

func newOwners(res *Result) *folderOwners {
	o := &folderOwners{make(map[string][]int), make(map[int]int)}
	hosts := res.hostNumbers()
	for _, in := range res.inputs {
		if in.form == export.None && !slices.ContainsFunc(in.chunks, func(c evtx.Chunk) bool { return c.Forwarded }) {
			o.learnNames(in.stats.Origins, hosts)
		}
	}
	for _, in := range res.inputs {
		for name := range in.stats.Hosts {
			host, known := hosts[name]
			if !known {
				continue
			}
			host = o.machine(host)
			for folder := path.Dir(slashed(in.Path)); ; folder = path.Dir(folder) {
				if !slices.Contains(o.hosts[folder], host) {
					o.hosts[folder] = append(o.hosts[folder], host)
				}
				if folder == "." || folder == "/" {
					break
				}
			}
		}
	}
	return o
}

// forwardedLog is the channel that records of other machines are put into.
const forwardedLog = "ForwardedEvents"

// learnNames learns by one log which hosts are one machine: a log of one
// channel that a machine writes itself has another name only after the machine
// got that. Names that come at the same time are of several machines. What a
// collector stores has the channel of where it comes from, and no template.
func (o *folderOwners) learnNames(origins map[evtx.Origin]evtx.OriginStats, hosts map[string]int) {
	spans, channel := make(map[int]weblog.Interval), ""
	for origin, stats := range origins {
		host, known := hosts[origin.Computer]
		if !known || origin.Channel == forwardedLog || channel != "" && origin.Channel != channel || len(stats.Periods) == 0 {
			return
		}
		channel = origin.Channel
		first, last := stats.Span()
		span, more := spans[host]
		if !more || first < span.From {
			span.From = first
		}
		span.To = max(span.To, last)
		spans[host] = span
	}
	order := slices.SortedFunc(maps.Keys(spans), func(a, b int) int {
		return cmp.Or(cmp.Compare(spans[a].From, spans[b].From), cmp.Compare(spans[a].To, spans[b].To), cmp.Compare(a, b))
	})
	for i := 1; i < len(order); i++ {
		if spans[order[i-1]].To > spans[order[i]].From {
			return
		}
	}
	for i := 1; i < len(order); i++ {
		if before, after := o.machine(order[i-1]), o.machine(order[i]); before != after {
			o.renamed[before] = after
		}
	}
}

// machine returns the last host that is the same machine as one.
func (o *folderOwners) machine(host int) int { return lastName(o.renamed, host) }

// lastName follows names to the last one.
func lastName(renamed map[int]int, host int) int {
	for range len(renamed) {
		later, ok := renamed[host]
		if !ok {
			break
		}
		host = later
	}
	return host
}

// machines is machine for several hosts, each machine once.
func (o *folderOwners) machines(hosts []int) []int {
	var list []int
	for _, host := range hosts {
		if m := o.machine(host); !slices.Contains(list, m) {
			list = append(list, m)
		}
	}
	return list
}

// of returns the host of a file, -1 if no one host has logs beside it.
func (o *folderOwners) of(file string) int {
	for folder := path.Dir(slashed(file)); ; folder = path.Dir(folder) {
		if hosts := o.hosts[folder]; len(hosts) > 0 {
			if len(hosts) == 1 {
				return hosts[0]
			}
			return -1
		}
		if folder == "." || folder == "/" {
			return -1
		}
	}
}

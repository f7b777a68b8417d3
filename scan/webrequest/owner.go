package webrequest

import (
	"cmp"
	"iter"
	"maps"
	"path"
	"slices"
	"strings"

	"webshellscan/scan/evtx"
	"webshellscan/scan/proctree"
	"webshellscan/scan/source"
	"webshellscan/scan/weblog"
)

// hostsByName returns the indices of the hosts of a full name or, if none has
// it, of those with the same short name.
func (w *Logs) hostsByName(name string) []int {
	var full, short []int
	before, _, _ := strings.Cut(name, ".")
	for i, h := range w.forest.Hosts() {
		if slices.ContainsFunc(h.Names, func(n string) bool { return strings.EqualFold(n, name) }) {
			full = append(full, i)
		}
		if proctree.MatchesHost([]string{name}, h.Names) || proctree.MatchesHost([]string{before}, h.Names) {
			short = append(short, i)
		}
	}
	if len(full) > 0 && strings.Contains(name, ".") {
		return full
	}
	return short
}

// folderOwners finds which host a file is of by the event logs that lie beside
// it: those of the nearest folder around it that holds any.
type folderOwners struct {
	hosts   map[string][]int // by folder
	renamed map[int]int      // the later name of hosts that got another one
}

func newOwners() *folderOwners {
	return &folderOwners{make(map[string][]int), make(map[int]int)}
}

// AddEventLogs notes which hosts are one machine by the event logs, and whose
// the files beside them are.
func (w *Logs) AddEventLogs(logs []EventLog) {
	o, hosts := w.owners, proctree.HostsByName(w.forest.Hosts())
	for _, l := range logs {
		if l.Own {
			o.addNames(l.Stats.Origins, hosts)
		}
	}
	for _, l := range logs {
		for name := range l.Stats.Hosts {
			if host, known := hosts[name]; known {
				o.addFolders(l.Path, o.machine(host))
			}
		}
	}
}

// addFolders records that a host has an event log at a path.
func (o *folderOwners) addFolders(file string, host int) {
	for folder := range foldersOf(file) {
		if !slices.Contains(o.hosts[folder], host) {
			o.hosts[folder] = append(o.hosts[folder], host)
		}
	}
}

// foldersOf returns the folders that a file is in, the innermost first.
func foldersOf(file string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for folder := path.Dir(slashed(file)); yield(folder) && folder != "." && folder != "/"; {
			folder = path.Dir(folder)
		}
	}
}

// forwardedLog is the channel that records of other machines are put into.
const forwardedLog = "ForwardedEvents"

// addNames finds out by one log which hosts are one machine: a log of one
// channel that a machine writes itself has another name only after the machine
// got that. Names that come at the same time are of several machines. What a
// collector stores has the channel of where it comes from, and no template.
func (o *folderOwners) addNames(origins map[evtx.Origin]evtx.OriginStats, hosts map[string]int) {
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
func (o *folderOwners) machine(host int) int {
	for range len(o.renamed) {
		later, ok := o.renamed[host]
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
	for folder := range foldersOf(file) {
		switch hosts := o.hosts[folder]; len(hosts) {
		case 0:
		case 1:
			return hosts[0]
		default:
			return -1
		}
	}
	return -1
}

// givenHost returns which host the user said a file is of: by the longest of
// the paths that hold it.
func givenHost(file string, given map[string]string) (host string, ok bool) {
	if len(given) == 0 {
		return "", false
	}
	file = source.Absolute(file)
	best := -1
	for at, name := range given {
		at = source.Absolute(at)
		inside := file == at || strings.HasPrefix(file, strings.TrimSuffix(at, "/")+"/") || strings.HasPrefix(file, at+"!")
		if inside && len(at) > best {
			best, host, ok = len(at), name, true
		}
	}
	return host, ok
}

func slashed(file string) string { return strings.ReplaceAll(file, `\`, "/") }

package proctree

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"webshellscan/scan/event"
)

// Host is one machine of the logs.
type Host struct {
	// Name is how most of the host's records spell it.
	Name string
	// Names are all its spellings, sorted.
	Names []string
	// Records counts the live records of the host, of all kinds.
	Records int
	// Events counts its process events.
	Events Counts
	// Machines counts the machines that the host's Sysmon process GUIDs are
	// of, 0 without any. Of more than one, each has its own processes.
	Machines int
	// Processes counts its processes, stubs included.
	Processes int
	// Boots are the times at which the system started, as far as the logs
	// show, ascending.
	Boots []event.Time
	// Crash is the panic that kept the host's trees from being built: an
	// error of this program. It is nil, or the host has no processes.
	Crash error
}

// hostName is what is known of one spelling of Computer.
type hostName struct {
	name     string
	records  int
	machines map[uint32]bool // machine IDs of its Sysmon process GUIDs
	// pairs counts the records that name the GUIDs of a process and of its
	// parent, mixed those of them in which the two are of different
	// machines.
	pairs, mixed int
	host         int
}

// groupHosts groups the spellings of each host and returns the hosts sorted by
// name. Names are compared without case. A short name and a fully qualified one
// are the same host unless something contradicts it: two domains for the same
// short name, or Sysmon machine IDs that have nothing in common. It sets the
// host of each spelling.
func groupHosts(names []*hostName) []Host {
	slices.SortFunc(names, func(a, b *hostName) int { return strings.Compare(a.name, b.name) })
	byShort := make(map[string][]*hostName)
	var shorts []string
	for _, n := range names {
		short := shortName(n.name)
		if byShort[short] == nil {
			shorts = append(shorts, short)
		}
		byShort[short] = append(byShort[short], n)
	}
	var groups [][]*hostName
	for _, short := range shorts {
		groups = append(groups, splitGroup(byShort[short])...)
	}
	hosts := make([]Host, len(groups))
	for i, g := range groups {
		hosts[i] = newHost(g)
	}
	order := make([]int, len(hosts))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		x, y := hosts[a], hosts[b]
		return cmp.Or(strings.Compare(strings.ToLower(x.Name), strings.ToLower(y.Name)), slices.Compare(x.Names, y.Names))
	})
	sorted := make([]Host, len(hosts))
	for i, from := range order {
		sorted[i] = hosts[from]
		for _, n := range groups[from] {
			n.host = i
		}
	}
	return sorted
}

// shortName returns a computer name in lower case up to its first dot; an IP
// address has no shorter form.
func shortName(name string) string {
	name = strings.ToLower(name)
	if _, err := netip.ParseAddr(name); err == nil {
		return name
	}
	short, _, _ := strings.Cut(name, ".")
	return short
}

// splitGroup divides names that share a short name into hosts.
func splitGroup(names []*hostName) [][]*hostName {
	byFull := make(map[string][]*hostName)
	var fulls []string
	for _, n := range names {
		full := strings.TrimSuffix(strings.ToLower(n.name), ".")
		if byFull[full] == nil {
			fulls = append(fulls, full)
		}
		byFull[full] = append(byFull[full], n)
	}
	slices.Sort(fulls)
	var domains [][]*hostName
	var bare []*hostName
	for _, full := range fulls {
		if strings.Contains(full, ".") {
			domains = append(domains, byFull[full])
		} else {
			bare = byFull[full]
		}
	}
	if bare == nil {
		return domains
	}
	if i := homeOf(bare, domains); i >= 0 {
		domains[i] = append(domains[i], bare...)
		return domains
	}
	return append(domains, bare)
}

// homeOf returns which of the fully qualified names the bare name belongs to,
// -1 for none.
func homeOf(bare []*hostName, domains [][]*hostName) int {
	if len(domains) == 1 {
		if shared, known := sharedMachines(bare, domains[0]); known && !shared {
			return -1
		}
		return 0
	}
	home := -1
	for i, d := range domains {
		if shared, _ := sharedMachines(bare, d); shared {
			if home >= 0 {
				return -1
			}
			home = i
		}
	}
	return home
}

// sharedMachines reports whether two groups of names have a machine ID in
// common, and whether both have any.
func sharedMachines(a, b []*hostName) (shared, known bool) {
	ids := make(map[uint32]bool)
	for _, n := range a {
		for id := range n.machines {
			ids[id] = true
		}
	}
	for _, n := range b {
		for id := range n.machines {
			known = known || len(ids) > 0
			shared = shared || ids[id]
		}
	}
	return shared, known
}

// maxMixed bounds the records in which a process and its parent are of
// different machines, as a part of all. It cannot be, but may be forged.
const maxMixed = 10

func newHost(names []*hostName) Host {
	slices.SortFunc(names, func(a, b *hostName) int {
		return cmp.Or(cmp.Compare(b.records, a.records), strings.Compare(a.name, b.name))
	})
	h := Host{Name: names[0].name}
	machines := make(map[uint32]bool)
	pairs, mixed := 0, 0
	for _, n := range names {
		maps.Copy(machines, n.machines)
		pairs, mixed = pairs+n.pairs, mixed+n.mixed
		h.Names = append(h.Names, n.name)
		h.Records += n.records
	}
	slices.Sort(h.Names)
	if h.Machines = len(machines); mixed > pairs/maxMixed {
		h.Machines = 1 // what stands for the machine is something else
	}
	return h
}

// HostsByName returns the index of the host of each spelling.
func HostsByName(hosts []Host) map[string]int {
	hostOf := make(map[string]int)
	for i, h := range hosts {
		for _, name := range h.Names {
			hostOf[name] = i
		}
	}
	return hostOf
}

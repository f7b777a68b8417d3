package scan

import (
	"slices"
)

// markApart marks the hosts with sessions whose logs were collected apart from
// the others, or are not held as they were to be, so that their stories may
// lack events and requests.
func (res *Result) markApart(r *firstPass) {
	if len(r.parts) == 0 {
		return
	}
	active := make(map[int]bool)
	for _, s := range res.Sessions {
		active[s.Worker.HostIndex()] = true
	}
	for host, about := range res.Forest.Hosts() {
		if !active[host] {
			continue
		}
		apart, lacks := r.apart(about.Names)
		apart = apart || res.web.Missed(host)
		why := "logs of this host were collected apart from each other"
		switch {
		case apart:
		case lacks:
			why = "a partial result does not hold all that was to be kept of this host's logs"
		default:
			continue
		}
		if host < len(res.Coverage) { // else working it out failed
			res.Coverage[host].Apart = true
		}
		res.Summary.Blind = append(res.Summary.Blind, Blind{about.Name, why + ": the stories of its sessions may lack events and requests"})
	}
}

// apart reports whether parts may hold too little for the stories of a host, by
// its names: each holds what may be of a session that it sees, and only one of
// them sees all processes. lacks is set if the one which does lacks something.
func (r *firstPass) apart(names []string) (apart, lacks bool) {
	seen := 0
	for _, p := range r.parts {
		sees := slices.ContainsFunc(p.index.seen, func(name string) bool { return slices.Contains(names, name) })
		if sees {
			seen++
		}
		if slices.ContainsFunc(p.index.lacking, func(n int) bool { return hasHost(p.meta.inputs[n], names) }) {
			apart, lacks = apart || !sees, lacks || sees
		}
	}
	direct := len(r.those(func(in *input) bool { return !in.restored && hasHost(in, names) })) > 0
	return apart || seen > 1 || seen == 1 && direct, lacks
}

// hasHost reports whether an input has records of a host, by its names.
func hasHost(in *input, names []string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return in.stats.Hosts[name] > 0 })
}

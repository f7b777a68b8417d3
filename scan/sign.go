package scan

import (
	"slices"

	"webshellscan/rules"
	"webshellscan/scan/eventrule"
	"webshellscan/scan/finding"
	"webshellscan/scan/proctree"
)

// addSigns marks servers by what events show of them. A server that is known
// by name stays what it is; what the way in which a process was started
// suggests gives way, since a process that serves is no guess.
func (m *serverMap) addSigns(set *rules.Set, signs []eventrule.Sign) {
	if len(signs) == 0 {
		return
	}
	slices.SortFunc(signs, eventrule.CompareSigns)
	byName := proctree.HostsByName(m.forest.Hosts())
	hosts := make([][]eventrule.Sign, len(m.hosts))
	for _, s := range signs {
		if host, ok := byName[s.Computer]; ok {
			hosts[host] = append(hosts[host], s)
		}
	}
	roles, numbers := eventrule.NewImageRoles(set), make(map[*rules.Rule]uint16)
	for host, of := range hosts {
		if len(of) == 0 {
			continue
		}
		shown := eventrule.NewShown(m.forest, host, of)
		for i := range of {
			if p := shown.Process(&of[i]); p.Exists() {
				m.addSign(p, &of[i], roles, numbers)
			}
		}
	}
}

// addSign marks a server by one sign; by its image, if only the event names it.
func (m *serverMap) addSign(p proctree.Process, s *eventrule.Sign, roles *eventrule.ImageRoles, numbers map[*rules.Rule]uint16) {
	server := &m.hosts[p.HostIndex()].server[p.Index()]
	if *server != 0 && m.servers[*server-1].kind != finding.ServerUnknown {
		return
	}
	if rule, ok := roles.Rule([]byte(s.Image)); ok && p.Image() == 0 && m.servers[rule].kind != finding.ServerUnknown {
		*server = uint16(rule + 1)
		return
	}
	if *server != 0 && m.servers[*server-1].rank > serverRank(s.By) {
		return
	}
	if numbers[s.By] == 0 {
		m.servers = append(m.servers, m.infoOf(s.By))
		numbers[s.By] = uint16(len(m.servers))
	}
	*server = numbers[s.By]
}

// Role implements eventrule.Servers.
func (m *serverMap) Role(p proctree.Process) string { return string(m.serverOf(p).kind) }

// Subject implements eventrule.Servers.
func (m *serverMap) Subject(set *rules.Set) eventrule.ProcessSubject {
	return newSubject(set, m.forest, m)
}

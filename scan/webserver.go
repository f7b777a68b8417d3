package scan

import (
	"cmp"
	"fmt"
	"slices"

	"webshellscan/internal/work"
	"webshellscan/rules"
	"webshellscan/rules/builtin"
	"webshellscan/scan/eventrule"
	"webshellscan/scan/finding"
	"webshellscan/scan/proctree"
)

// serverRank returns the rank of the servers that a rule identifies. What only
// supervises servers stands behind others of its role.
func serverRank(r *rules.Rule) int {
	rank := 2 * slices.Index([]finding.ServerRole{finding.ServerUnknown, finding.ServerOther, finding.ServerWeb}, finding.ServerRoleOf(r))
	if r.Custom["supervisor"] == "true" {
		rank--
	}
	return rank
}

// serverMap holds for each process which server it runs below: its worker.
// Where a server runs below another, such as PHP below IIS, the outermost one
// is the worker of all, so that one intrusion has one worker; but a web server
// goes before another server, one that is known before one that is not, and a
// server before what only supervises servers.
type serverMap struct {
	forest  *proctree.Forest
	servers []serverInfo // by index of the rule that identifies a server
	hosts   []hostServers
	crashes crashLog
	keys    map[proctree.Process]string // of servers that would share one
	// webRoot returns the folder that a site of a host shows around a file,
	// "" if there is none; nil while the servers are being found.
	webRoot func(host int, file string) string

	programs programs
	between  map[proctree.Process]bool // between a server and a finding; nil until findings are there
}

// serverInfo is what a rule states of the servers that it identifies.
type serverInfo struct {
	product, role, certainty proctree.TextID
	kind                     finding.ServerRole
	rank                     int
}

// hostServers holds, by Process.Index, for the processes of one host:
type hostServers struct {
	server []uint16 // 1 + index of the rule that identifies a server, 0 for none
	worker []uint32 // 1 + index of the worker, 0 for none
	// How many links a process is below its worker, and the least sure of
	// them.
	depth []uint32
	link  []proctree.Link
	// What runs in those workers of which a rule states it.
	application map[int]proctree.TextID
}

// newServerMap finds the servers of a forest by rules of those roles, about
// their processes and about events.
func newServerMap(forest *proctree.Forest, set *rules.Set, signs []eventrule.Sign, goroutines int) *serverMap {
	m := &serverMap{forest: forest, hosts: make([]hostServers, len(forest.Hosts())), keys: make(map[proctree.Process]string)}
	for i, h := range forest.Hosts() {
		m.hosts[i] = hostServers{
			server: make([]uint16, h.Processes), worker: make([]uint32, h.Processes), depth: make([]uint32, h.Processes),
			link: make([]proctree.Link, h.Processes), application: make(map[int]proctree.TextID),
		}
	}
	for _, r := range set.Rules() {
		m.servers = append(m.servers, m.infoOf(r))
	}
	evaluators := newEvaluators(set, newMatchers(set, goroutines), forest, nil)
	batches := batchesOf(forest)
	panics := work.Each(len(evaluators), len(batches), func(g, i int) {
		e := evaluators[g]
		e.each(batches[i], func(p proctree.Process) {
			if matches := e.match(p); len(matches) > 0 {
				m.hosts[p.HostIndex()].server[p.Index()] = uint16(matches[0] + 1)
			}
		})
	})
	m.crashes.merge(crashesOf(evaluators)...)
	m.crashes.addPanics("servers", panics)
	m.crashes.guard("signs of servers", func() { m.addSigns(set, signs) })
	for i := range m.hosts {
		m.crashes.guard("servers above processes", func() { m.inherit(i) })
		m.crashes.guard("keys of servers", func() { m.tellApart(i) })
	}
	return m
}

// infoOf returns what a rule states of the servers that it identifies.
func (m *serverMap) infoOf(r *rules.Rule) serverInfo {
	texts, kind := m.forest.Texts(), finding.ServerRoleOf(r)
	return serverInfo{
		texts.InternString(productName(r)), texts.InternString(string(kind)), texts.InternString(certaintyOf(r)), kind, serverRank(r),
	}
}

// How sure it is that a worker is a server.
const (
	certaintyNamed    = "named"    // a rule knows it by name
	certaintyLikely   = "likely"   // what it does shows that it serves
	certaintyPossible = "possible" // the way in which it runs suggests it
)

// certaintyOf returns how sure a rule is: as its attribute certainty says; else
// it knows the server by name, or only suspects one.
func certaintyOf(r *rules.Rule) string {
	certainty := certaintyNamed
	if r.Role == builtin.RoleUnknownServer {
		certainty = certaintyPossible
	}
	return cmp.Or(r.Custom["certainty"], certainty)
}

// certaintyFault returns what is wrong with a rule's attribute certainty, "" if
// nothing is.
func certaintyFault(r *rules.Rule) string {
	switch c := r.Custom["certainty"]; c {
	case "", certaintyNamed, certaintyLikely, certaintyPossible:
		return ""
	default:
		return fmt.Sprintf("certainty is %s, %s or %s, not %q", certaintyNamed, certaintyLikely, certaintyPossible, c)
	}
}

// productName returns what a rule calls the server, or what runs in it.
func productName(r *rules.Rule) string { return cmp.Or(r.Custom["product"], r.Title) }

// inherit sets the worker of each process of a host to that of its parent, or
// to its parent if that is a server. It goes through the processes in their
// order, in which nearly every parent comes before its children, and goes up
// first where not.
func (m *serverMap) inherit(host int) {
	h := &m.hosts[host]
	done := make([]bool, len(h.worker))
	var path []proctree.Process
	for i := range h.worker {
		for p := m.forest.Process(host, i); !done[p.Index()]; {
			parent, link := p.Parent()
			if parent.Exists() && !done[parent.Index()] {
				path = append(path, p)
				p = parent
				continue
			}
			if parent.Exists() {
				m.inheritFrom(h, p.Index(), parent.Index(), link)
			}
			done[p.Index()] = true
			if n := len(path); n > 0 {
				p, path = path[n-1], path[:n-1]
			}
		}
	}
}

// inheritFrom sets the worker of a process to that of its parent, or to its
// parent if that is a server.
func (m *serverMap) inheritFrom(h *hostServers, child, parent int, link proctree.Link) {
	above := h.worker[parent]
	switch {
	case h.server[parent] != 0 && (above == 0 || m.rank(h, parent) > m.rank(h, int(above-1))):
		h.worker[child], h.depth[child], h.link[child] = uint32(parent+1), 1, link
	case above != 0:
		h.worker[child], h.depth[child], h.link[child] = above, h.depth[parent]+1, max(link, h.link[parent])
	}
}

// rank returns that of a server's role.
func (m *serverMap) rank(h *hostServers, server int) int { return m.servers[h.server[server]-1].rank }

// findApplications finds by rules of that role what runs in the workers.
func (m *serverMap) findApplications(set *rules.Set, goroutines int) {
	var products []proctree.TextID
	for _, r := range set.Rules() {
		products = append(products, m.forest.Texts().InternString(productName(r)))
	}
	evaluators := newEvaluators(set, newMatchers(set, goroutines), m.forest, m)
	panics := work.Each(len(evaluators), len(m.hosts), func(g, i int) {
		e := evaluators[g]
		h := &m.hosts[i]
		asked := make([]bool, len(h.worker))
		for _, w := range h.worker {
			if w == 0 || asked[w-1] {
				continue
			}
			asked[w-1] = true
			if matches := e.match(m.forest.Process(i, int(w-1))); len(matches) > 0 {
				h.application[int(w-1)] = products[matches[0]]
			}
		}
	})
	m.crashes.addPanics("applications", panics)
}

// workerOf returns the server that a process runs below; the zero Process if
// there is none, and while servers are still being found.
func (m *serverMap) workerOf(p proctree.Process) proctree.Process {
	if m == nil {
		return proctree.Process{}
	}
	if w := m.hosts[p.HostIndex()].worker[p.Index()]; w != 0 {
		return m.forest.Process(p.HostIndex(), int(w-1))
	}
	return proctree.Process{}
}

// depth returns how many links a process is below its worker, 0 if it has none;
// link the least sure of them.
func (m *serverMap) depth(p proctree.Process) int {
	if m == nil {
		return 0
	}
	return int(m.hosts[p.HostIndex()].depth[p.Index()])
}

func (m *serverMap) link(p proctree.Process) proctree.Link {
	return m.hosts[p.HostIndex()].link[p.Index()]
}

// serverOf returns what the rules state of a server, the zero serverInfo of a
// process that is none.
func (m *serverMap) serverOf(server proctree.Process) serverInfo {
	if i := m.hosts[server.HostIndex()].server[server.Index()]; i != 0 {
		return m.servers[i-1]
	}
	return serverInfo{}
}

// application returns what runs in a worker by the rules, 0 if that is not
// known.
func (m *serverMap) application(worker proctree.Process) proctree.TextID {
	return m.hosts[worker.HostIndex()].application[worker.Index()]
}

// product returns what the rules call that which runs in a worker, or the
// worker.
func (m *serverMap) product(worker proctree.Process) string {
	return m.forest.Texts().Text(cmp.Or(m.application(worker), m.serverOf(worker).product))
}

// ofWebServer returns a getter of a field of the worker of the process in hand,
// if that is a web server or may be one.
func ofWebServer(of valueOf) getter {
	return func(s *subject, dst []rules.ValueID) []rules.ValueID {
		if w := s.webWorker(); w.Exists() {
			return appendText(dst, of(s, w))
		}
		return dst
	}
}

// workerImage appends the image of such a worker: an empty one where no log
// names it, so that a rule still finds that there is a worker.
func workerImage(s *subject, dst []rules.ValueID) []rules.ValueID {
	if w := s.webWorker(); w.Exists() {
		return append(dst, rules.ValueID(w.Image()))
	}
	return dst
}

// webWorker returns the worker of the process in hand, unless it is a server of
// another kind.
func (s *subject) webWorker() proctree.Process {
	w := s.servers.workerOf(s.process)
	if w.Exists() && s.servers.serverOf(w).kind == finding.ServerOther {
		return proctree.Process{}
	}
	return w
}

func workerPID(s *subject, dst []rules.ValueID) []rules.ValueID {
	if w := s.webWorker(); w.Exists() {
		return appendNumber(dst, uint64(w.PID()))
	}
	return dst
}

// workerRole appends which kind of server the worker is.
func workerRole(s *subject, dst []rules.ValueID) []rules.ValueID {
	if w := s.servers.workerOf(s.process); w.Exists() {
		return appendText(dst, s.servers.serverOf(w).role)
	}
	return dst
}

// workerCertainty appends how sure it is that the worker is a server.
func workerCertainty(s *subject, dst []rules.ValueID) []rules.ValueID {
	if w := s.servers.workerOf(s.process); w.Exists() {
		return appendText(dst, s.servers.serverOf(w).certainty)
	}
	return dst
}

// workerProduct appends what the rules call the worker, and what runs in it.
func workerProduct(s *subject, dst []rules.ValueID) []rules.ValueID {
	if w := s.servers.workerOf(s.process); w.Exists() {
		return appendText(appendText(dst, s.servers.serverOf(w).product), s.servers.application(w))
	}
	return dst
}

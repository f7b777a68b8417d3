package scan

import (
	"cmp"

	"webshellscan/rules"
	"webshellscan/scan/proctree"
)

// workerMap says for each process which web server it runs below: its worker.
// Where a web server runs below another, such as PHP below IIS, the outermost
// one is the worker of all, so that one intrusion has one worker.
type workerMap struct {
	forest   *proctree.Forest
	products []string // by index of the rule
	hosts    []hostWorkers
	crashes  []crash
}

// hostWorkers holds, by Process.Index, for the processes of one host:
type hostWorkers struct {
	server []uint16 // 1 + index of the rule that tells a web server, 0 for none
	worker []uint32 // 1 + index of the worker, 0 for none
	// How many links a process is below its worker, and the least sure of them.
	depth []uint32
	link  []proctree.Link
}

// newWorkerMap tells the web servers of a forest by rules of that role.
func newWorkerMap(forest *proctree.Forest, set *rules.Set, workers int) *workerMap {
	m := &workerMap{forest: forest, hosts: make([]hostWorkers, len(forest.Hosts()))}
	for i, h := range forest.Hosts() {
		m.hosts[i] = hostWorkers{
			make([]uint16, h.Processes), make([]uint32, h.Processes), make([]uint32, h.Processes), make([]proctree.Link, h.Processes),
		}
	}
	for _, r := range set.Rules() {
		m.products = append(m.products, productName(r))
	}
	judges := newJudges(set, newMatchers(set, workers), forest, nil)
	batches := batchesOf(forest)
	failures := share(judges, len(batches), func(j *judge, i int) {
		j.each(batches[i], func(p proctree.Process) {
			if matches := j.match(p); len(matches) > 0 {
				m.hosts[p.HostIndex()].server[p.Index()] = uint16(matches[0] + 1)
			}
		})
	})
	m.crashes = append(crashesOf(judges), crashesIn("web servers", failures)...)
	for i := range m.hosts {
		m.inherit(i)
	}
	return m
}

// productName returns what a rule calls the web server, or what runs in it.
func productName(r *rules.Rule) string { return cmp.Or(r.Custom["product"], r.Title) }

// inherit gives each process of a host the worker of its parent, or its parent
// if that is a web server. It goes through the processes in their order, in which
// nearly every parent comes before its children, and goes up first where not.
func (m *workerMap) inherit(host int) {
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
				h.adopt(p.Index(), parent.Index(), link)
			}
			done[p.Index()] = true
			if n := len(path); n > 0 {
				p, path = path[n-1], path[:n-1]
			}
		}
	}
}

// adopt gives a process the worker of its parent, or its parent if that is one.
func (h *hostWorkers) adopt(child, parent int, link proctree.Link) {
	switch {
	case h.worker[parent] != 0:
		h.worker[child], h.depth[child], h.link[child] = h.worker[parent], h.depth[parent]+1, max(link, h.link[parent])
	case h.server[parent] != 0:
		h.worker[child], h.depth[child], h.link[child] = uint32(parent+1), 1, link
	}
}

// workerOf returns the web server that a process runs below; the zero Process
// if there is none, and while web servers are still being told.
func (m *workerMap) workerOf(p proctree.Process) proctree.Process {
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
func (m *workerMap) depth(p proctree.Process) int {
	if m == nil {
		return 0
	}
	return int(m.hosts[p.HostIndex()].depth[p.Index()])
}

func (m *workerMap) link(p proctree.Process) proctree.Link {
	return m.hosts[p.HostIndex()].link[p.Index()]
}

// product returns what the rules call a web server.
func (m *workerMap) product(server proctree.Process) string {
	if i := m.hosts[server.HostIndex()].server[server.Index()]; i != 0 {
		return m.products[i-1]
	}
	return ""
}

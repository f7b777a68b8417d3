package scan

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"

	"webshellscan/scan/event"
	"webshellscan/scan/proctree"
)

// sessionKey returns the key by which reports name a web server process.
func (s *subject) sessionKey(worker proctree.Process) string {
	key, ok := s.sessions[worker]
	if !ok {
		key = cmp.Or(s.servers.keys[worker], newServerID(worker).key(worker))
		s.sessions[worker] = key
	}
	return key
}

// serverID is what the key of a server says of it beside its host: its process
// ID and its start, or, of a stub whose start is not known, the start of its
// first child.
type serverID struct {
	pid    uint32
	start  event.Time
	before bool // it started before that
}

func newServerID(server proctree.Process) serverID {
	id := serverID{pid: server.PID(), start: server.Start()}
	if child := server.FirstChild(); id.start == 0 && child.Exists() {
		id.start, id.before = child.Start(), true
	}
	return id
}

func (id serverID) key(server proctree.Process) string {
	before := ""
	if id.before {
		before = "before "
	}
	return fmt.Sprintf("%s/%d/%s%s", server.Host().Name, id.pid, before, id.start)
}

// tellApart gives servers of a host that would share a key one each.
func (m *serverMap) tellApart(host int) {
	worker := m.hosts[host].worker
	seen := make([]bool, len(worker))
	sharing := make(map[serverID][]proctree.Process)
	for _, w := range worker {
		if w != 0 && !seen[w-1] {
			seen[w-1] = true
			p := m.forest.Process(host, int(w-1))
			id := newServerID(p)
			sharing[id] = append(sharing[id], p)
		}
	}
	for id, servers := range sharing {
		if len(servers) > 1 {
			m.tellServersApart(servers, id)
		}
	}
}

// tellServersApart adds to the key that servers would share the machine that
// their process GUIDs are of, and a number to those which share that too.
func (m *serverMap) tellServersApart(servers []proctree.Process, id serverID) {
	slices.SortFunc(servers, m.compareServers)
	count := make(map[string]int)
	for _, p := range servers {
		key := id.key(p)
		if guid := p.GUID(); !guid.IsZero() {
			key = fmt.Sprintf("%s/%08X", key, guid.Part1())
		}
		if count[key]++; count[key] > 1 {
			key = fmt.Sprintf("%s/%d", key, count[key])
		}
		m.keys[p] = key
	}
}

// compareServers orders servers of one process ID and start by all that does
// not depend on how logs were read.
func (m *serverMap) compareServers(x, y proctree.Process) int {
	text := m.forest.Texts().Text
	a, b := x.GUID(), y.GUID()
	return cmp.Or(
		bytes.Compare(a[:], b[:]), strings.Compare(text(x.Image()), text(y.Image())),
		strings.Compare(text(x.CommandLine()), text(y.CommandLine())),
		cmp.Compare(x.FirstChild().Start(), y.FirstChild().Start()), cmp.Compare(x.Index(), y.Index()))
}

package scan

import (
	"strings"
	"sync"

	"webshellscan/rules"
	"webshellscan/scan/finding"
	"webshellscan/scan/proctree"
	"webshellscan/scan/story"
)

// imageName appends the file name of the image of the process in hand.
func imageName(s *subject, dst []rules.ValueID) []rules.ValueID {
	return appendText(dst, s.nameOf(s.process.Image()))
}

// nameOf returns the file name of an image, 0 of none.
func (s *subject) nameOf(image proctree.TextID) proctree.TextID {
	name, ok := s.names[image]
	if !ok && image != 0 {
		name = s.texts.InternString(fileName(s.texts.Text(image)))
		s.names[image] = name
	}
	return name
}

// fileName returns what follows the last separator of a path, as it is written.
func fileName(path string) string { return path[strings.LastIndexAny(path, `\/`)+1:] }

// elevated appends in which way the process in hand has more rights than its
// parent: as another user, at a higher integrity level.
func elevated(s *subject, dst []rules.ValueID) []rules.ValueID {
	parent, _ := s.process.Parent()
	if !parent.Exists() {
		return dst
	}
	rise := s.rights.Rise(s.process, parent)
	if rise.User {
		dst = appendText(dst, s.texts.InternString("user"))
	}
	if rise.Integrity {
		dst = appendText(dst, s.texts.InternString("integrity"))
	}
	return dst
}

// findingBelow appends true for a process between a server and a finding.
// Nothing is known of that until all processes were matched once.
func findingBelow(s *subject, dst []rules.ValueID) []rules.ValueID {
	if s.servers != nil && s.servers.between[s.process] {
		return appendText(dst, s.texts.InternString("true"))
	}
	return dst
}

// seenBelow appends below how many other server processes of the same product a
// program of the same name ran.
func seenBelow(s *subject, dst []rules.ValueID) []rules.ValueID {
	w := s.servers.workerOf(s.process)
	if !w.Exists() {
		return dst
	}
	key := [...]proctree.TextID{s.servers.serverOf(w).product, s.process.Image()}
	others, ok := s.seen[key]
	if !ok {
		others = s.servers.others(w, s.process)
		s.seen[key] = others
	}
	return appendNumber(dst, uint64(others))
}

// programs counts the server processes below which programs ran.
type programs struct {
	once  sync.Once
	names map[proctree.TextID]string // of images, in lower case
	count map[program]int
}

// program is the name of a program and the product below which it ran.
type program struct {
	product proctree.TextID
	name    string
}

// others returns below how many other servers of its product a program that
// runs below a worker ran too.
func (m *serverMap) others(worker, p proctree.Process) int {
	m.programs.once.Do(m.countPrograms)
	return m.programs.count[program{m.serverOf(worker).product, m.programs.names[p.Image()]}] - 1
}

// countPrograms counts them all.
func (m *serverMap) countPrograms() {
	texts := m.forest.Texts()
	c := &m.programs
	c.names, c.count = make(map[proctree.TextID]string), make(map[program]int)
	type run struct {
		worker proctree.Process
		name   string
	}
	seen := make(map[run]bool)
	for host := range m.hosts {
		for i, w := range m.hosts[host].worker {
			if w == 0 {
				continue
			}
			image := m.forest.Process(host, i).Image()
			name, ok := c.names[image]
			if !ok {
				name = strings.ToLower(fileName(texts.Text(image)))
				c.names[image] = name
			}
			worker := m.forest.Process(host, int(w-1))
			if !seen[run{worker, name}] {
				seen[run{worker, name}] = true
				c.count[program{m.serverOf(worker).product, name}]++
			}
		}
	}
}

// markBetween marks the processes between servers and findings.
func (m *serverMap) markBetween(findings []*finding.Finding) {
	m.between = make(map[proctree.Process]bool)
	for _, f := range findings {
		if !f.Worker.Exists() {
			continue
		}
		for p, _ := f.Process.Parent(); p.Exists() && p != f.Worker && !m.between[p]; p, _ = p.Parent() {
			m.between[p] = true
		}
	}
}

// poolField appends the application pool of the process in hand, for rules.
func poolField(s *subject, dst []rules.ValueID) []rules.ValueID {
	if pool := story.ApplicationPool(s.texts, s.process); pool != "" {
		return appendText(dst, s.texts.InternString(pool))
	}
	return dst
}

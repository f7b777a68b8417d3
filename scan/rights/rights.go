// Package rights determines as whom processes run, and where one has more
// rights than its parent: another user, or a higher integrity level. The same
// account has other names in every log and language; the package knows which
// are one.
//
// It knows trees and the accounts of Windows, and no rules: what a rise of
// rights means for a session's level, its caller decides.
package rights

import (
	"cmp"
	"fmt"

	"webshellscan/scan/event"
	"webshellscan/scan/finding"
	"webshellscan/scan/proctree"
)

// Comparer compares the rights of processes with those of their parents. It is
// for one goroutine.
type Comparer struct {
	forest *proctree.Forest
	fields *proctree.FieldReader
	todo   []proctree.Process
	names  map[int]map[string]finding.Principal // by host, of accounts in lower case
	known  [256]struct {                        // by logon
		logon    proctree.FacetID
		host     int
		identity identity
	}
	rises [256]struct { // by both logons
		key  riseKey
		rise Rise
	}
	asked, found proctree.Process // whose eldest child was looked for last, and it
}

// New returns a Comparer of the processes of a forest.
func New(forest *proctree.Forest) *Comparer {
	return &Comparer{forest: forest, fields: proctree.NewFieldReader(forest), names: make(map[int]map[string]finding.Principal)}
}

// Rise says in which ways a process has more rights than its parent: as another
// user, or at a higher integrity level.
type Rise struct{ User, Integrity bool }

// riseKey is all that a rise depends on.
type riseKey struct {
	own, above proctree.FacetID
	host       int
}

// Rise compares a process with its parent. Processes have a few logon sessions,
// so it is worked out once for all of two.
func (c *Comparer) Rise(p, parent proctree.Process) Rise {
	if p, parent = c.witnesses(p, parent); !p.Exists() {
		return Rise{}
	}
	key := riseKey{p.SharedFacet(proctree.FacetLogon), parent.SharedFacet(proctree.FacetLogon), parent.HostIndex()}
	if key.own == 0 || key.above == 0 {
		return c.compare(c.identity(p), c.identity(parent), parent.HostIndex())
	}
	slot := &c.rises[(key.own^key.own>>8^key.above<<3)%proctree.FacetID(len(c.rises))]
	if slot.key != key {
		slot.key, slot.rise = key, c.compare(c.identity(p), c.identity(parent), parent.HostIndex())
	}
	return slot.rise
}

// witnesses returns the processes whose events say as whom a process and its
// parent run; no own where none says so. Where an event names only its creator,
// that of the process tells of the parent, and that of a child tells of the
// process. A parent that has created others as somebody else before it has
// borrowed rights, which the process has.
func (c *Comparer) witnesses(p, parent proctree.Process) (own, above proctree.Process) {
	id := c.identity(p)
	if !id.creator {
		return p, parent
	}
	if c.asked != parent { // it may have many children
		c.asked, c.found = parent, c.eldest(parent)
	}
	if c.found.Exists() && c.identity(c.found).logon != id.logon {
		return p, c.found
	}
	return c.eldest(p), p
}

// eldest returns the first child of which only the creator's account is known;
// none if there is no such child.
func (c *Comparer) eldest(p proctree.Process) proctree.Process {
	child := p.FirstChild()
	for child.Exists() && !c.identity(child).creator {
		child = child.NextSibling()
	}
	return child
}

// compare compares whom a process runs as with whom its parent on that host
// does.
func (c *Comparer) compare(own, above identity, host int) Rise {
	rank := integrityRank(above.integrity)
	return Rise{
		User:      own.elevatedUser(above) && own.elevatedUser(c.withPrincipal(above, host)),
		Integrity: rank > 0 && integrityRank(own.integrity) > rank,
	}
}

// Summarize sets User, Processes, UserRises and IntegrityRises of a session: it
// goes through the processes below the worker, found or not. It does nothing if
// the worker is not known.
func (c *Comparer) Summarize(s *finding.Session) {
	if !s.Worker.Exists() {
		return
	}
	s.User = c.identity(s.Worker).user
	var users, levels elevations
	c.todo = append(c.todo[:0], s.Worker)
	for len(c.todo) > 0 {
		parent := c.todo[len(c.todo)-1]
		c.todo = c.todo[:len(c.todo)-1]
		for p := range parent.Children() {
			s.Processes++
			c.todo = append(c.todo, p)
			ofOwn, ofAbove := c.witnesses(p, parent)
			if !ofOwn.Exists() {
				continue
			}
			own, above := c.identity(ofOwn), c.identity(ofAbove)
			rise := c.compare(own, above, parent.HostIndex())
			if rise.User {
				users.add(p, fmt.Sprintf("%s runs as %s, its parent %s as %s", c.name(p), own.beside(above), c.name(parent), above.beside(own)))
			}
			if rise.Integrity {
				levels.add(p, fmt.Sprintf("%s runs at integrity level %s, its parent %s at %s",
					c.name(p), integrityName(own.integrity), c.name(parent), integrityName(above.integrity)))
			}
		}
	}
	s.UserRises, s.IntegrityRises = users.text(), levels.text()
}

// name is what a reason calls a process.
func (c *Comparer) name(p proctree.Process) string {
	return fmt.Sprintf("%s (%d)", cmp.Or(proctree.BaseName(c.forest.Texts().Text(p.Image())), "a process"), p.PID())
}

// elevations counts processes with more rights than their parents, and keeps a
// sentence about the first.
type elevations struct {
	count int
	at    event.Time
	first string
}

func (e *elevations) add(p proctree.Process, text string) {
	e.count++
	if e.count == 1 || p.Start() < e.at {
		e.at, e.first = p.Start(), text
	}
}

func (e *elevations) text() string {
	switch e.count {
	case 0, 1:
		return e.first
	case 2:
		return e.first + "; so does one more"
	}
	return fmt.Sprintf("%s; so do %d more", e.first, e.count-1)
}

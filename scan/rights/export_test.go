package rights

import (
	"fmt"

	"webshellscan/scan/proctree"
)

// Identities returns whom the processes of a forest run as, as it is remembered
// and as it is read.
func Identities(forest *proctree.Forest) (remembered, read []string) {
	c := New(forest)
	for host := range forest.Hosts() {
		for p := range forest.Processes(host) {
			remembered, read = append(remembered, fmt.Sprint(c.identity(p))), append(read, fmt.Sprint(c.readIdentity(p)))
		}
	}
	return remembered, read
}

// Rises returns how the processes of a forest compare with their parents, as it
// is remembered and as it is worked out.
func Rises(forest *proctree.Forest) (remembered, compared []Rise) {
	c := New(forest)
	for host := range forest.Hosts() {
		for p := range forest.Processes(host) {
			if parent, _ := p.Parent(); parent.Exists() {
				remembered = append(remembered, c.Rise(p, parent))
				own, above := c.witnesses(p, parent)
				rise := Rise{}
				if own.Exists() {
					rise = c.compare(c.readIdentity(own), c.readIdentity(above), host)
				}
				compared = append(compared, rise)
			}
		}
	}
	return remembered, compared
}

package eventrule

import "webshellscan/scan/event"

// MaxSamePID is maxSamePID.
const MaxSamePID = maxSamePID

// LookAt returns what decides early that no rule matches events of a kind.
func (p *Plan) LookAt(key event.Key) event.Look { return p.look(key) }

package scan

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	"webshellscan/rules"
	"webshellscan/scan/event"
	"webshellscan/scan/finding"
	"webshellscan/scan/proctree"
)

// sign is an event by which a rule takes its process for a server: one that
// listens or accepts on a web port, for instance. Several that say the same are
// one.
type sign struct {
	signKey
	by *rules.Rule
	at event.Time // the first
}

// signKey is what a sign says. hour, since the epoch, is 0 where the process
// has a GUID: process IDs come again.
type signKey struct {
	rule     string // its ID, or its file and name
	computer string
	guid     event.GUID
	pid      uint32
	image    string
	hour     int64
}

// pidFields are the fields in which events name their process by its ID.
var pidFields = []string{"ProcessId", "ProcessID"}

// Bounds of signs. An intruder may write millions of them, on any computer's
// behalf.
const (
	// maxSigns bounds those of one part of a file.
	maxSigns = 1 << 12
	// maxSignText bounds a computer's name and an image, in bytes.
	maxSignText = 1 << 10
)

// signLog keeps signs while logs are read. It is for one goroutine.
type signLog struct {
	list []sign
	part map[signKey]int // of the part at hand, by index in list
}

// begin begins a part of a file.
func (l *signLog) begin() { clear(l.part) }

// add takes an event that a rule matches.
func (l *signLog) add(r *rules.Rule, ev *event.Event) {
	key := signKey{rule: ruleKey(r), computer: ev.Computer.String(), image: imageOf(ev)}
	key.guid, _ = ev.Value(event.ProcessGUID).GUID()
	key.pid = pidOf(ev)
	if key.guid.IsZero() {
		key.hour = ev.Time.UnixSeconds() / 3600
	}
	if i, ok := l.part[key]; ok {
		l.list[i].at = min(l.list[i].at, ev.Time)
		return
	}
	named := !key.guid.IsZero() || key.pid != 0
	if !named || len(l.part) == maxSigns || max(len(key.computer), len(key.image)) > maxSignText {
		return
	}
	if l.part == nil {
		l.part = make(map[signKey]int)
	}
	l.part[key] = len(l.list)
	l.list = append(l.list, sign{key, r, ev.Time})
}

// ruleKey returns what tells a rule from others.
func ruleKey(r *rules.Rule) string { return cmp.Or(r.ID, r.File+"\x00"+r.Label()) }

// imageOf returns the image of an event's process, "" if it does not name it.
func imageOf(ev *event.Event) string {
	for _, name := range imageFields {
		if v := ev.Payload().Value(name); !v.IsNull() {
			return v.String()
		}
	}
	return ""
}

// pidOf returns the ID of an event's process, 0 if it does not name it. The
// Security log writes it as a number, or as text in either notation.
func pidOf(ev *event.Event) uint32 {
	for _, name := range pidFields {
		if n, ok := ev.Payload().Value(name).Uint(); ok && n <= 0xFFFFFFFF {
			return uint32(n)
		}
	}
	return 0
}

// compareSigns orders signs, those of one process by the time of the first.
func compareSigns(a, b sign) int {
	return cmp.Or(
		cmp.Compare(a.at, b.at), strings.Compare(a.computer, b.computer), strings.Compare(a.rule, b.rule),
		cmp.Compare(a.pid, b.pid), strings.Compare(a.image, b.image), bytes.Compare(a.guid[:], b.guid[:]),
	)
}

// takeSigns tells servers by what events show of them. A server that is known
// by name stays what it is; what the way in which a process was started
// suggests gives way, since a process that serves is no guess.
func (m *serverMap) takeSigns(set *rules.Set, signs []sign) {
	if len(signs) == 0 {
		return
	}
	slices.SortFunc(signs, compareSigns)
	byName := proctree.HostsByName(m.forest.Hosts())
	hosts := make([][]sign, len(m.hosts))
	for _, s := range signs {
		if host, ok := byName[s.computer]; ok {
			hosts[host] = append(hosts[host], s)
		}
	}
	roles, numbers := newImageRoles(set), make(map[*rules.Rule]uint16)
	for host, of := range hosts {
		if len(of) == 0 {
			continue
		}
		shown := newShown(m.forest, host, of)
		for i := range of {
			if p := shown.process(&of[i]); p.Exists() {
				m.takeSign(p, &of[i], roles, numbers)
			}
		}
	}
}

// takeSign tells a server by one sign; by its image, if only the event names
// it.
func (m *serverMap) takeSign(p proctree.Process, s *sign, roles *imageRoles, numbers map[*rules.Rule]uint16) {
	server := &m.hosts[p.HostIndex()].server[p.Index()]
	if *server != 0 && m.servers[*server-1].kind != finding.ServerUnknown {
		return
	}
	if rule, ok := roles.rule([]byte(s.image)); ok && p.Image() == 0 && m.servers[rule].kind != finding.ServerUnknown {
		*server = uint16(rule + 1)
		return
	}
	if *server != 0 && m.servers[*server-1].rank > serverRank(s.by) {
		return
	}
	if numbers[s.by] == 0 {
		m.servers = append(m.servers, m.infoOf(s.by))
		numbers[s.by] = uint16(len(m.servers))
	}
	*server = numbers[s.by]
}

// shownSigns finds the processes of one host that signs name.
type shownSigns struct {
	texts *proctree.Texts
	boots []event.Time
	guids map[event.GUID]proctree.Process
	pids  map[uint32][]proctree.Process // by start
	// unnamed says that an event that names no image may be of any.
	unnamed bool
}

// newShown returns the processes of a host that may be those of some signs, all
// of them if none is given.
func newShown(forest *proctree.Forest, host int, signs []sign) *shownSigns {
	f := &shownSigns{
		texts: forest.Texts(), boots: forest.Hosts()[host].Boots,
		guids: make(map[event.GUID]proctree.Process), pids: make(map[uint32][]proctree.Process), unnamed: signs == nil,
	}
	for _, s := range signs {
		f.guids[s.guid], f.pids[s.pid] = proctree.Process{}, nil
	}
	for p := range forest.Processes(host) {
		if _, ok := f.guids[p.GUID()]; ok || signs == nil {
			f.guids[p.GUID()] = p
		}
		if list, ok := f.pids[p.PID()]; ok || signs == nil {
			f.pids[p.PID()] = append(list, p)
		}
	}
	for _, list := range f.pids {
		slices.SortStableFunc(list, func(a, b proctree.Process) int { return cmp.Compare(a.Start(), b.Start()) })
	}
	return f
}

// maxSamePID is how many processes of one ID are looked at for a sign, from its
// time backwards: what began before so many others cannot run any more.
const maxSamePID = 256

// process returns the process of a sign: by its GUID, else the last one that
// had its ID and its image by then. The zero Process stands for none.
func (f *shownSigns) process(s *sign) proctree.Process {
	if p := f.guids[s.guid]; p.Exists() && !s.guid.IsZero() {
		return p
	}
	if s.pid == 0 {
		return proctree.Process{}
	}
	list := f.pids[s.pid]
	begun, _ := slices.BinarySearchFunc(list, s.at+signSlack+1, func(p proctree.Process, at event.Time) int { return cmp.Compare(p.Start(), at) })
	for _, p := range slices.Backward(list[max(0, begun-maxSamePID):begun]) {
		if f.lived(p, s.at) && f.named(p, s.image) {
			return p
		}
	}
	return proctree.Process{}
}

// lived reports whether a process may have run at a time. Of one that was
// started before the logs begin, its children say in which boot it ran.
func (f *shownSigns) lived(p proctree.Process, at event.Time) bool {
	from, to := p.Start(), p.End()
	next, _ := slices.BinarySearch(f.boots, max(from, firstChild(p))+1)
	if next > 0 {
		from = max(from, f.boots[next-1])
	}
	if to == 0 && next < len(f.boots) {
		to = f.boots[next]
	}
	return from <= at+signSlack && (to == 0 || at <= to+signSlack)
}

// signSlack is how far the clocks of two logs may lie apart.
const signSlack = event.Second

// firstChild returns when the first child of a process began, 0 if it has none.
func firstChild(p proctree.Process) event.Time {
	for child := range p.Children() {
		return child.Start()
	}
	return 0
}

// named reports whether a process may have an image. The Security log names
// volumes by device, so that only the files' names are compared.
func (f *shownSigns) named(p proctree.Process, image string) bool {
	own := f.texts.KnownText(p.Image())
	return own == "" || image == "" && f.unnamed || strings.EqualFold(proctree.BaseName(own), proctree.BaseName(image))
}

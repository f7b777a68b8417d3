package eventrule

import (
	"cmp"
	"slices"
	"strings"
	"sync"

	"webshellscan/scan/event"
	"webshellscan/scan/proctree"
	"webshellscan/scan/story"
)

// Shown finds the processes of one host that signs name.
type Shown struct {
	texts *proctree.Texts
	boots []event.Time
	guids map[event.GUID]proctree.Process
	pids  map[uint32][]proctree.Process // by start
	// unnamed is set if an event that names no image may be of any.
	unnamed bool
}

// NewShown returns the processes of a host that may be those of some signs, all
// of them if none is given.
func NewShown(forest *proctree.Forest, host int, signs []Sign) *Shown {
	f := &Shown{
		texts: forest.Texts(), boots: forest.Hosts()[host].Boots,
		guids: make(map[event.GUID]proctree.Process), pids: make(map[uint32][]proctree.Process), unnamed: signs == nil,
	}
	for _, s := range signs {
		f.guids[s.GUID], f.pids[s.PID] = proctree.Process{}, nil
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

// Process returns the process of a sign: by its GUID, else the last one that
// had its ID and its image by then. The zero Process stands for none.
func (f *Shown) Process(s *Sign) proctree.Process {
	if p := f.guids[s.GUID]; p.Exists() && !s.GUID.IsZero() {
		return p
	}
	if s.PID == 0 {
		return proctree.Process{}
	}
	list := f.pids[s.PID]
	begun, _ := slices.BinarySearchFunc(list, s.At+signSlack+1, func(p proctree.Process, at event.Time) int { return cmp.Compare(p.Start(), at) })
	for _, p := range slices.Backward(list[max(0, begun-maxSamePID):begun]) {
		if f.lived(p, s.At) && f.named(p, s.Image) {
			return p
		}
	}
	return proctree.Process{}
}

// lived reports whether a process may have run at a time. Of one that was
// started before the logs begin, its children say in which boot it ran.
func (f *Shown) lived(p proctree.Process, at event.Time) bool {
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
func (f *Shown) named(p proctree.Process, image string) bool {
	own := f.texts.KnownText(p.Image())
	return own == "" || image == "" && f.unnamed || strings.EqualFold(proctree.BaseName(own), proctree.BaseName(image))
}

// Processes finds the processes of events of which no session's story is.
// Goroutines may share it.
type Processes struct {
	forest *proctree.Forest
	byName map[string]int
	hosts  []func() *Shown // each made when it is first asked for
}

// NewProcesses returns the processes of a forest.
func NewProcesses(forest *proctree.Forest) *Processes {
	f := &Processes{forest: forest, byName: proctree.HostsByName(forest.Hosts())}
	for host := range forest.Hosts() {
		f.hosts = append(f.hosts, sync.OnceValue(func() *Shown { return NewShown(forest, host, nil) }))
	}
	return f
}

// of returns the process that an event names, the zero Process if there is
// none.
func (f *Processes) of(ev *event.Event) proctree.Process {
	host, ok := f.byName[ev.Computer.String()]
	if !ok {
		return proctree.Process{}
	}
	named := story.ProcessNamed(ev)
	s := Sign{SignKey: SignKey{GUID: named.GUID, PID: named.PID, Image: named.Image}, At: ev.Time}
	return f.hosts[host]().Process(&s)
}

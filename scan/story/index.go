package story

import (
	"cmp"
	"slices"
	"strings"
	"sync"

	"webshellscan/scan/event"
	"webshellscan/scan/proctree"
)

// Session is a web server session: a web server process and what ran below it.
type Session struct {
	// Server is the web server process.
	Server proctree.Process
	// Below are the processes below it.
	Below []proctree.Process
	// Servers are those of Below that are servers too, such as the PHP
	// process below a web server: like Server they do much of their own
	// that is nobody's act.
	Servers map[proctree.Process]bool
	// Pool is the application pool that Server serves, "" if it is not
	// known.
	Pool string
}

// Index finds sessions by what events name processes by. It is immutable;
// goroutines may share it.
type Index struct {
	forest   *proctree.Forest
	sessions []Session
	hosts    []hostIndex
	byName   map[string]int // hosts by each spelling of their name in lower case
	since    event.Time     // when the first session began, forever without any
	single   int            // the only host with sessions, -1 if there are several or none
	// programs are, by session, the programs of its processes but for the
	// servers, by path as cleanPath gives it.
	programs []map[string]bool
	// serverPrograms are, by session, the base names of its servers'
	// programs.
	serverPrograms []map[string]bool
}

// othersThan reports whether another host than one has sessions.
func (x *Index) othersThan(host int) bool { return len(x.sessions) > 0 && x.single != host }

// hostIndex finds the sessions of one host.
type hostIndex struct {
	sessions []int
	members  []int32 // by Process.Index: 1 + the session that the process is in, 0 for none
	boots    []event.Time
	since    event.Time // when the first session began

	// Made when they are first asked for: a log of nothing but process
	// events needs neither. Nil of a host without sessions.
	names    func() *naming
	commands func() map[string][]owner // by command line as commandKey gives it
}

// naming is what events name the processes of a host by: those that a session
// had too, whoever had them.
type naming struct {
	guids  map[event.GUID]owner
	pids   map[uint32][]owner
	logons map[uint64][]claim
	users  map[string][]claim // by name or SID in lower case
}

// named returns what events name the processes of the host by.
func (h *hostIndex) named() *naming {
	if h.names == nil {
		return new(naming)
	}
	return h.names()
}

// sessionOf returns the session that a process of the host is in, -1 for none.
func (h *hostIndex) sessionOf(p proctree.Process) int { return int(h.members[p.Index()]) - 1 }

// owner is a process as one that may be an event's.
type owner struct {
	process  proctree.Process
	session  int // -1 if it is in none
	server   bool
	from, to event.Time // its life span
	sids     []string   // whom it ran as, where the log has it; in lower case
}

// claim is a time in which a session, or nobody's (-1), processes had a logon
// session or an account.
type claim struct {
	session  int
	from, to event.Time
}

// forever is later than any event.
const forever = event.Time(1<<63 - 1)

// NewIndex returns the index of some sessions of a forest.
func NewIndex(forest *proctree.Forest, sessions []Session) *Index {
	x := &Index{
		forest: forest, sessions: sessions, hosts: make([]hostIndex, len(forest.Hosts())), byName: make(map[string]int), since: forever, single: -1,
	}
	for i, h := range forest.Hosts() {
		for _, name := range h.Names {
			x.byName[strings.ToLower(name)] = i
		}
		x.hosts[i].boots = h.Boots
	}
	for i, s := range sessions {
		if at := s.Server.HostIndex(); i == 0 {
			x.single = at
		} else if x.single != at {
			x.single = -1
		}
		h := &x.hosts[s.Server.HostIndex()]
		h.sessions = append(h.sessions, i)
		x.programs = append(x.programs, x.programsOf(i))
		x.serverPrograms = append(x.serverPrograms, x.serverProgramsOf(i))
	}
	for i := range x.hosts {
		if len(x.hosts[i].sessions) > 0 {
			newHostBuilder(x, i).build()
			x.since = min(x.since, x.hosts[i].since)
		}
	}
	return x
}

// hostBuilder makes the index of one host.
type hostBuilder struct {
	*hostIndex
	*naming
	index   *Index
	host    int
	texts   *proctree.Texts
	who     *principals
	workers map[string][]event.Time // starts of IIS workers, by identity
}

func newHostBuilder(x *Index, host int) *hostBuilder {
	return &hostBuilder{
		hostIndex: &x.hosts[host], index: x, host: host, texts: x.forest.Texts(), who: newPrincipals(x.forest),
		workers: make(map[string][]event.Time),
	}
}

// build fills the index with what is known at once; the rest is made on demand.
func (b *hostBuilder) build() {
	b.members, b.since = make([]int32, b.index.forest.Hosts()[b.host].Processes), forever
	for _, i := range b.sessions {
		for p := range b.index.members(i) {
			b.members[p.Index()] = int32(i) + 1
		}
		b.since = min(b.since, startOf(b.index.sessions[i].Server))
	}
	b.names = sync.OnceValue(b.nameAll)
	b.commands = sync.OnceValue(b.ofCommands)
}

// nameAll finds out what events name processes by.
func (b *hostBuilder) nameAll() *naming {
	b.naming = &naming{guids: make(map[event.GUID]owner), logons: make(map[uint64][]claim), users: make(map[string][]claim)}
	numbers := make(map[uint32]int32) // of process IDs, from 0
	logons, users := make(map[uint64]bool), make(map[string]bool)
	for _, i := range b.sessions {
		for p := range b.index.members(i) {
			if pid := p.PID(); pid != 0 {
				if _, known := numbers[pid]; !known {
					numbers[pid] = int32(len(numbers))
				}
			}
			if id := b.who.logonOf(p); id != 0 {
				logons[id] = true
			}
			for _, u := range b.who.of(p).identities {
				users[u] = true
			}
		}
	}
	for _, u := range b.poolIdentities() {
		users[u] = true
	}
	b.addOwners(numbers)
	b.findWorkers()
	b.addClaims(logons, users)
	return b.naming
}

// members yields the processes of a session.
func (x *Index) members(session int) func(yield func(proctree.Process) bool) {
	s := &x.sessions[session]
	return func(yield func(proctree.Process) bool) {
		if !yield(s.Server) {
			return
		}
		for _, p := range s.Below {
			if !yield(p) {
				return
			}
		}
	}
}

// startOf returns when a process began; of one that is known by its children
// only, 0: some time before.
func startOf(p proctree.Process) event.Time {
	if p.Stub() {
		return 0
	}
	return p.Start()
}

// addOwners files the host's processes of some process IDs, which are numbered,
// by these, and those of sessions by GUID, all with their life spans.
func (b *hostBuilder) addOwners(numbers map[uint32]int32) {
	lists := b.ownerLists(numbers)
	b.pids = make(map[uint32][]owner, len(numbers))
	for pid, n := range numbers {
		b.findEnds(lists[n])
		b.pids[pid] = lists[n]
	}
	for _, i := range b.sessions {
		for p := range b.index.members(i) {
			if guid := p.GUID(); p.PID() != 0 && !guid.IsZero() {
				b.guids[guid] = b.ownerOf(p)
			}
		}
	}
}

// ownerLists returns the host's processes of some process IDs, by the numbers
// of these.
func (b *hostBuilder) ownerLists(numbers map[uint32]int32) [][]owner {
	type numbered struct{ process, number int32 }
	var found []numbered
	counts, all := make([]int, len(numbers)), b.index.forest
	for p := range all.Processes(b.host) {
		if n, ok := numbers[p.PID()]; ok {
			found = append(found, numbered{int32(p.Index()), n})
			counts[n]++
		}
	}
	owners, lists := make([]owner, len(found)), make([][]owner, len(numbers))
	for n, count := range counts {
		lists[n], owners = owners[:0:count], owners[count:]
	}
	for _, f := range found {
		p := all.Process(b.host, int(f.process))
		s := b.sessionOf(p)
		lists[f.number] = append(lists[f.number], owner{
			process: p, session: s, server: s >= 0 && b.index.isServer(s, p), from: startOf(p), to: p.End(),
		})
	}
	return lists
}

// findEnds finds when those of the processes of one process ID ended whose end
// is in no log: when the next process of that ID began, or the system started
// next.
func (b *hostBuilder) findEnds(list []owner) {
	inOrder := make([]*owner, len(list))
	for i := range list {
		inOrder[i] = &list[i]
	}
	slices.SortStableFunc(inOrder, func(x, y *owner) int { return cmp.Compare(x.from, y.from) })
	for i, o := range inOrder {
		if o.to == 0 {
			o.to = b.bootAfter(max(o.process.Start(), firstSign(o.process)))
			if i+1 < len(inOrder) {
				o.to = min(o.to, inOrder[i+1].from)
			}
		}
		if o.to == forever {
			o.sids = b.who.of(o.process).sids
		}
	}
}

// firstSign returns when the first child of a process began.
func firstSign(p proctree.Process) event.Time {
	if child := p.FirstChild(); child.Exists() {
		return child.Start()
	}
	return 0
}

// isServer reports whether a process of a session is a server.
func (x *Index) isServer(session int, p proctree.Process) bool {
	s := &x.sessions[session]
	return p == s.Server || s.Servers[p]
}

// bootAfter returns when the system started next after a time, forever if no
// log has it.
func (h *hostIndex) bootAfter(t event.Time) event.Time {
	for _, b := range h.boots {
		if b > t {
			return b
		}
	}
	return forever
}

// ofCommands returns the processes of the host that have a command line of a
// session's process.
func (b *hostBuilder) ofCommands() map[string][]owner {
	b.names() // whose processes have their life spans
	keys := make(map[proctree.TextID]string)
	for _, i := range b.sessions {
		for p := range b.index.members(i) {
			line := p.CommandLine()
			if _, ok := keys[line]; !ok && b.texts.Known(line) {
				keys[line] = commandKey(b.texts.Text(line))
			}
		}
	}
	owners := make(map[string][]owner)
	for p := range b.index.forest.Processes(b.host) {
		if key := keys[p.CommandLine()]; key != "" {
			owners[key] = append(owners[key], b.ownerOf(p))
		}
	}
	return owners
}

// ownerOf returns a process of the host with its life span.
func (b *hostBuilder) ownerOf(p proctree.Process) owner {
	for _, o := range b.pids[p.PID()] {
		if o.process == p {
			return o
		}
	}
	return owner{process: p, session: -1, from: startOf(p), to: b.endOf(p)}
}

// addClaims records which processes of the host are in the logon sessions, and
// have the accounts, of those of the sessions.
func (b *hostBuilder) addClaims(logons map[uint64]bool, users map[string]bool) {
	for p := range b.index.forest.Processes(b.host) {
		if id := b.who.logonOf(p); logons[id] {
			b.logons[id] = append(b.logons[id], b.claimOf(p))
		}
		for _, u := range b.who.of(p).identities {
			if users[u] {
				b.users[u] = append(b.users[u], b.claimOf(p))
			}
		}
	}
	for _, i := range b.sessions {
		s := b.index.sessions[i]
		if s.Pool == "" {
			continue
		}
		for _, u := range identitiesOfPool(s.Pool) {
			b.users[u] = append(b.users[u], claim{i, startOf(s.Server), b.endOf(s.Server)})
		}
	}
}

func (b *hostBuilder) claimOf(p proctree.Process) claim {
	return claim{b.sessionOf(p), startOf(p), b.endOf(p)}
}

// overlap is how long a recycled worker may go on beside the one that takes its
// place: the default of the attribute shutdownTimeLimit of an application pool.
const overlap = 90 * event.Second

// endOf returns when a process ended. Of one whose end is in no log, an upper
// bound: when the system started next, or, of what runs as an identity of a
// pool, when that pool's next worker had taken the place of its own.
func (b *hostBuilder) endOf(p proctree.Process) event.Time {
	if p.End() != 0 {
		return p.End()
	}
	began := max(p.Start(), firstSign(p))
	to := b.bootAfter(began)
	for _, u := range b.who.of(p).identities {
		starts := b.workers[u]
		if i, _ := slices.BinarySearch(starts, began+1); i < len(starts) {
			to = min(to, starts[i]+overlap)
		}
	}
	return to
}

// findWorkers records when the workers of each application pool began.
func (b *hostBuilder) findWorkers() {
	images := make(map[proctree.TextID]bool)
	for p := range b.index.forest.Processes(b.host) {
		isWorker, ok := images[p.Image()]
		if !ok {
			isWorker = proctree.BaseName(b.texts.Text(p.Image())) == proctree.PoolWorker
			images[p.Image()] = isWorker
		}
		if !isWorker || p.Start() == 0 {
			continue
		}
		for _, u := range b.who.of(p).identities {
			b.workers[u] = append(b.workers[u], p.Start())
		}
	}
	for _, starts := range b.workers {
		slices.Sort(starts)
	}
}

// poolIdentities returns the accounts of the pools of the host's sessions.
func (b *hostBuilder) poolIdentities() []string {
	var list []string
	for _, i := range b.sessions {
		if pool := b.index.sessions[i].Pool; pool != "" {
			list = append(list, identitiesOfPool(pool)...)
		}
	}
	return list
}

// commandKey returns a command line as two spellings of it are compared:
// without quotes, blanks as one, in lower case. PowerShell writes its own as
// arguments joined by blanks.
func commandKey(line string) string {
	return strings.ToLower(strings.Join(strings.Fields(strings.ReplaceAll(line, `"`, "")), " "))
}

// foldCase returns a name as it is compared without case.
func foldCase(name string) string { return strings.ToLower(name) }

// Host returns the index in Forest.Hosts of a computer's name, -1 if it is none
// of them.
func (x *Index) Host(computer string) int {
	if i, ok := x.byName[strings.ToLower(computer)]; ok {
		return i
	}
	return -1
}

// slack is how long before its start and after its end an event of a process
// may be written: the times of different logs are taken at different places.
const slack = event.Second

// byPID returns the process that held a process ID at a time.
func (h *hostIndex) byPID(pid uint32, at event.Time) (owner, bool) {
	var best owner
	found := false
	for _, o := range h.named().pids[pid] {
		if o.from-min(o.from, slack) > at || o.to != forever && o.to+slack < at {
			continue
		}
		if inside := o.from <= at && at <= o.to; !found || inside {
			best, found = o, true
		}
	}
	return best, found
}

// alone returns the session whose processes alone had something at a time.
func alone(claims []claim, at event.Time) (int, bool) {
	session := -1
	for _, c := range claims {
		if at < c.from-min(c.from, slack) || c.to != forever && at > c.to+slack {
			continue
		}
		if c.session < 0 || session >= 0 && session != c.session {
			return -1, false
		}
		session = c.session
	}
	return session, session >= 0
}

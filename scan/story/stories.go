package story

import (
	"cmp"
	"slices"
	"strings"

	"webshellscan/rules"
	"webshellscan/scan/event"
	"webshellscan/scan/proctree"
)

// Event is one event of a story: of a session's process, or tied to the session
// by what its processes made.
type Event struct {
	// Session is the index of its session in what NewIndex was given, -1 if
	// it belongs to none and is a finding by itself.
	Session int
	Host    int // index in Forest.Hosts, -1 if it is none of them
	Time    event.Time
	// Category is what it is about, Summary describes it in one line for
	// people. The summary holds text of the log.
	Category Category
	Summary  string
	// Rules are the rules that it matched, by level, the highest first.
	Rules []*rules.Rule
	Link  Link
	// Process is what it is tied to; the zero Process if no tree has it.
	// ProcessID, ProcessGUID and Image are that process's, or those of the
	// event itself.
	Process     proctree.Process
	ProcessID   uint32
	ProcessGUID event.GUID
	Image       string
	// Record is the first of the records that it stands for, Records names
	// them all, at most maxFolded. Count is how many they are.
	Record  *Record
	Records []Ref
	Count   int
}

// Ref names a record.
type Ref struct {
	Place    event.Place
	RecordID uint64
	Time     event.Time
	Marks    event.Marks
}

// Level returns the highest level of the event's rules,
// rules.LevelInformational without any.
func (e *Event) Level() rules.Level {
	level := rules.LevelInformational
	for _, r := range e.Rules {
		level = max(level, r.Level)
	}
	return level
}

// Story is what the other events of one session show.
type Story struct {
	Events []*Event // in the order of time
	// Omitted counts the events that MaxEvents left out.
	Omitted int
	// Paths are the files that its processes wrote or that are its own
	// programs, as cleanPath gives them.
	paths map[string]bool
	// things are what its processes made, by kind and name in lower case.
	things map[thingName]bool
	// programs are the writings of the programs that its processes ran, by
	// path.
	programs map[string]writing
	// reached are the connections that its processes began.
	reached []reach
}

type thingName struct {
	thing thing
	name  string
}

// MaxEvents bounds the events of a session. Those below rules.LevelMedium go
// first, and of them what a process has done most often.
const MaxEvents = 10_000

// maxFolded bounds the records that one Event names.
const maxFolded = 1_000

// Stories makes the stories of the sessions of what collectors kept, which are
// used up. It also returns the events that belong to no session and match
// rules, in the order of time, and how many events the bounds left out that may
// have been of either kind.
func (x *Index) Stories(collectors []*Collector) (list []*Story, found []*Event, lost int) {
	stories := make([]*Story, len(x.sessions))
	for i := range stories {
		stories[i] = &Story{paths: make(map[string]bool), things: make(map[thingName]bool), programs: make(map[string]writing)}
		x.commandThings(i, stories[i])
	}
	x.ownPrograms(stories)
	var all, waiting []*kept
	for _, c := range collectors {
		all, waiting = append(all, c.kept...), append(waiting, c.waiting...)
		for session, n := range c.dropped {
			if session >= 0 {
				stories[session].Omitted += n
			} else {
				lost += n
			}
		}
	}
	sortKept(all)
	sortKept(waiting)
	all, waiting = uniqueKept(all), uniqueKept(waiting)
	for i := range all {
		x.observe(stories[all[i].tie.session], all[i])
	}
	tied, rest := x.late(stories, waiting)
	rest = slices.DeleteFunc(rest, func(e *kept) bool { return len(e.rules) == 0 })
	all = append(all, tied...)
	sortKept(all)
	events := fold(joinScripts(all))
	for _, e := range events {
		s := stories[e.Session]
		s.Events = append(s.Events, e)
	}
	for _, s := range stories {
		s.bound()
	}
	return stories, fold(joinScripts(rest)), lost
}

// sortKept sorts events by time, those of one time by where they lie.
func sortKept(list []*kept) {
	slices.SortFunc(list, func(a, b *kept) int {
		if c := cmp.Compare(a.record.Time, b.record.Time); c != 0 {
			return c
		}
		return cmp.Or(
			cmp.Compare(a.record.Place.File, b.record.Place.File),
			cmp.Compare(a.record.Place.Offset, b.record.Place.Offset), cmp.Compare(a.tie.session, b.tie.session),
		)
	})
}

// uniqueKept drops copies: the same record of the same host and channel, read
// from two files. It keeps the first and lets it name the others.
func uniqueKept(list []*kept) []*kept {
	type identity struct {
		host    int
		channel string
		id      uint64
		at      event.Time
		event   uint16
	}
	seen := make(map[identity]int, len(list))
	out := list[:0]
	for _, e := range list {
		key := identity{e.host, foldCase(e.record.Channel), e.record.RecordID, e.record.Time, e.record.ID}
		if i, ok := seen[key]; ok && slices.Equal(out[i].record.Fields, e.record.Fields) {
			out[i].copies = append(out[i].copies, refOf(e.record))
			continue
		}
		seen[key] = len(out)
		out = append(out, e)
	}
	return out
}

func refOf(r *Record) Ref { return Ref{r.Place, r.RecordID, r.Time, r.Marks} }

// ownPrograms records for each session the images of its processes that are the
// session's own: no process outside of sessions ran them, and they are none of
// what comes with the system.
func (x *Index) ownPrograms(stories []*Story) {
	texts := x.forest.Texts()
	for host := range x.hosts {
		foreign := x.foreignImages(host)
		for _, i := range x.hosts[host].sessions {
			for p := range x.members(i) {
				image := p.Image()
				if x.isServer(i, p) || foreign[image] {
					continue
				}
				if path := cleanPath(texts.KnownText(image)); path != "" && !inSystemFolder(path) {
					stories[i].paths[path] = true
				}
			}
		}
	}
}

// foreignImages returns those images of a host's sessions that processes
// outside of all sessions ran, too. It looks at each process of the host once,
// however many sessions there are.
func (x *Index) foreignImages(host int) map[proctree.TextID]bool {
	h := &x.hosts[host]
	foreign := make(map[proctree.TextID]bool)
	if len(h.sessions) == 0 {
		return foreign
	}
	inside := make(map[proctree.TextID]bool)
	for _, i := range h.sessions {
		for p := range x.members(i) {
			inside[p.Image()] = true
		}
	}
	for p := range x.forest.Processes(host) {
		if image := p.Image(); inside[image] && !foreign[image] && !x.mayBeArmed(host, p) {
			foreign[image] = true
		}
	}
	return foreign
}

// mayBeArmed reports whether a process of a host is in a session, or was
// started by what a session may have armed: the service manager, the task
// service or WMI.
func (x *Index) mayBeArmed(host int, p proctree.Process) bool {
	if x.hosts[host].sessionOf(p) >= 0 {
		return true
	}
	parent, _ := p.Parent()
	if !parent.Exists() {
		return false
	}
	texts := x.forest.Texts()
	switch proctree.BaseName(texts.Text(parent.Image())) {
	case "services.exe", "wmiprvse.exe", "taskeng.exe":
		return true
	case "svchost.exe":
		line := strings.ToLower(texts.Text(parent.CommandLine()))
		return line == "" || strings.Contains(line, "schedule")
	}
	return false
}

// observe records the files and things that the session's processes made, by
// one of its events.
func (x *Index) observe(s *Story, e *kept) {
	for _, path := range writtenPaths(e.kind.category, e.record.ID, e.record.Get) {
		if p := cleanPath(path); p != "" {
			s.paths[withoutStream(p)] = true
			x.addWriting(s, e, p)
		}
	}
	s.addReach(e)
	for _, m := range e.kind.makes {
		if v := e.record.Get(m.field); proctree.IsKnown(v) {
			s.things[thingName{m.thing, strings.ToLower(v)}] = true
		}
	}
}

// Written returns the files that the event's process wrote, by the event.
func (e *Event) Written() []string { return writtenPaths(e.Category, e.Record.ID, e.Record.Get) }

// writtenPaths returns the files that were written by an event of a category.
// get returns the first value of a name.
func writtenPaths(c Category, id uint16, get func(name string) string) []string {
	switch c {
	case FileEvent, CreateStreamHash, FileExecutable, FileChange:
		return []string{get("TargetFilename")}
	case FileAccess:
		if strings.EqualFold(get("ObjectType"), "File") && writes(id, get) {
			return []string{get("ObjectName")}
		}
	}
	return nil
}

// Access rights that change a file ([MS-DTYP] 2.4.3 and 2.4.4.3, file rights):
// WriteData, AppendData.
const writeAccess = 0x2 | 0x4

// writes reports whether an event of object access is of writing the object.
func writes(id uint16, get func(name string) string) bool {
	mask, ok := number(get("AccessMask"))
	return ok && mask&writeAccess != 0 && id == 4663
}

// maxRounds bounds how often what waits is looked at: a task that a session
// made may run what a service of the session wrote, and so on.
const maxRounds = 4

// late ties what waits by what is known now, and returns it, and what is tied
// to nothing.
func (x *Index) late(stories []*Story, waiting []*kept) (tied, rest []*kept) {
	for range maxRounds {
		rest = waiting[:0:0]
		for _, e := range waiting {
			if !x.lateTie(stories, e) {
				rest = append(rest, e)
				continue
			}
			x.observe(stories[e.tie.session], e)
			tied = append(tied, e)
		}
		if len(rest) == len(waiting) {
			break
		}
		waiting = rest
	}
	return tied, waiting
}

// lateTie ties an event of no process that is known, and reports whether it
// did: by the files and things that it names, by the address that it came from,
// else by its command line.
func (x *Index) lateTie(stories []*Story, e *kept) bool {
	if e.fixed {
		return false
	}
	h := &x.hosts[e.host]
	for _, i := range h.sessions {
		if e.record.Time < startOf(x.sessions[i].Server)-earlySlack {
			continue
		}
		if stories[i].names(e) {
			e.tie.session, e.tie.link = i, LinkPath
			return true
		}
	}
	if i := x.byAddress(stories, e); i >= 0 {
		e.tie.session, e.tie.link = i, LinkAddress
		return true
	}
	if !e.kind.command {
		return false
	}
	o, ok := h.byCommand(hostApplication(e.record), e.record.Time)
	if !ok || o.server {
		return false
	}
	e.tie = tie{session: o.session, link: LinkCommand, process: o.process}
	return true
}

// names reports whether an event names a file or a thing of the session.
func (s *Story) names(e *kept) bool {
	for _, n := range e.kind.names {
		if v := e.record.Get(n.field); proctree.IsKnown(v) && s.things[thingName{n.thing, strings.ToLower(v)}] {
			return true
		}
	}
	for _, field := range e.kind.paths {
		found := false
		pathsIn(e.record.Get(field), func(path string) bool {
			found = s.paths[path]
			return !found
		})
		if found {
			return true
		}
	}
	return false
}

// hostApplication returns the command line that an event of Windows PowerShell
// holds, "" if there is none.
func hostApplication(r *Record) string {
	for i := range r.Fields {
		if line := contextValue(r.Fields[i].Value, "HostApplication"); line != "" {
			return line
		}
	}
	return ""
}

// byCommand returns the process that alone ran with a command line at a time.
func (h *hostIndex) byCommand(line string, at event.Time) (owner, bool) {
	if line == "" || len(h.sessions) == 0 {
		return owner{}, false
	}
	var found owner
	n := 0
	for _, o := range h.commands()[commandKey(line)] {
		if o.from <= at+slack && (o.to == forever || at <= o.to+slack) {
			found = o
			n++
		}
	}
	return found, n == 1 && found.session >= 0
}

// joinScripts joins the parts of each script block: they have one identifier
// (4104, ScriptBlockId), and their number among all parts. Rules that match one
// of them match the block.
func joinScripts(list []*kept) []*kept {
	type script struct {
		host int
		id   string
	}
	at := make(map[script]int)
	out := list[:0]
	for _, e := range list {
		id := e.record.Get("ScriptBlockId")
		if e.kind.category != PSScript || id == "" {
			out = append(out, e)
			continue
		}
		key := script{e.host, strings.ToLower(id)}
		if i, ok := at[key]; ok && out[i].tie.session == e.tie.session {
			out[i].parts = append(out[i].parts, e.record)
			out[i].copies = append(append(out[i].copies, refOf(e.record)), e.copies...)
			for _, r := range e.rules {
				if !slices.Contains(out[i].rules, r) {
					out[i].rules = append(out[i].rules, r)
				}
			}
			continue
		}
		at[key] = len(out)
		out = append(out, e)
	}
	return out
}

// fold makes events of what was kept. Equal ones of one process are one event
// with a count, if they match the same rules.
func fold(list []*kept) []*Event {
	type shape struct {
		session  int
		process  proctree.Process
		pid      uint32
		category Category
		provider string
		id       uint16
		link     Link
		summary  string
		rules    string
	}
	same := make(map[shape]*Event)
	var events []*Event
	for i := range list {
		e := newEvent(list[i])
		key := shape{e.Session, e.Process, e.ProcessID, e.Category, e.Record.Provider, e.Record.ID, e.Link, e.Summary, labelsOf(e.Rules)}
		if first := same[key]; first != nil {
			first.add(e)
			continue
		}
		same[key] = e
		events = append(events, e)
	}
	for _, e := range events {
		slices.SortStableFunc(e.Rules, func(a, b *rules.Rule) int {
			return cmp.Or(-cmp.Compare(a.Level, b.Level), strings.Compare(a.Label(), b.Label()))
		})
	}
	return events
}

// labelsOf returns a text that is the same for the same rules.
func labelsOf(list []*rules.Rule) string {
	var labels []string
	for _, r := range list {
		labels = append(labels, r.Label()+"\x00"+r.ID)
	}
	slices.Sort(labels)
	return strings.Join(labels, "\x00")
}

// add counts another event that is equal.
func (e *Event) add(other *Event) {
	e.Count += other.Count
	e.Records = append(e.Records, other.Records[:min(len(other.Records), maxFolded-len(e.Records))]...)
}

// newEvent makes an event of what was kept of one record, or of the parts of
// one script.
func newEvent(k *kept) *Event {
	if k.parts != nil {
		k.record = joinedScript(k.record, k.parts)
	}
	e := &Event{
		Session: k.tie.session, Host: k.host, Time: k.record.Time, Category: k.kind.category, Rules: k.rules, Link: k.tie.link,
		Process: k.tie.process, ProcessID: k.tie.pid, ProcessGUID: k.tie.guid, Record: k.record,
		Records: append([]Ref{refOf(k.record)}, k.copies[:min(len(k.copies), maxFolded-1)]...), Count: 1,
	}
	if k.tie.process.Exists() {
		texts := k.tie.process.Forest().Texts()
		e.ProcessID, e.ProcessGUID, e.Image = k.tie.process.PID(), k.tie.process.GUID(), texts.KnownText(k.tie.process.Image())
	} else if k.kind.image != "" {
		e.Image = k.record.first(k.kind.image)
	}
	e.Summary = summary(k.kind, k.record)
	return e
}

// bound keeps MaxEvents of a story's events: a flood of one kind, such as the
// files that were encrypted, leaves the others.
func (s *Story) bound() {
	over := len(s.Events) - MaxEvents
	if over <= 0 {
		return
	}
	s.Omitted += over
	type origin struct {
		category Category
		process  proctree.Process
	}
	seen, turn := make(map[origin]int), make(map[*Event]int, len(s.Events))
	for _, e := range s.Events {
		of := origin{e.Category, e.Process}
		turn[e] = seen[of]
		seen[of]++
	}
	order := slices.Clone(s.Events)
	slices.SortStableFunc(order, func(a, b *Event) int {
		return cmp.Or(-cmp.Compare(min(a.Level(), rules.LevelMedium), min(b.Level(), rules.LevelMedium)), cmp.Compare(turn[a], turn[b]), cmp.Compare(a.Time, b.Time))
	})
	dropped := make(map[*Event]bool, over)
	for _, e := range order[MaxEvents:] {
		dropped[e] = true
	}
	s.Events = slices.DeleteFunc(s.Events, func(e *Event) bool { return dropped[e] })
}

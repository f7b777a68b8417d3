package story

import (
	"cmp"
	"slices"
	"strings"

	"webshellscan/scan/event"
	"webshellscan/scan/proctree"
)

// Armed is a process that runs outside a session, but by what the session made.
type Armed struct {
	Process proctree.Process
	// By describes what made it run: the service, task, file or thread that
	// the session made.
	By string
	// Since is when the session made that.
	Since event.Time
}

// maxArmed bounds the armed processes of a session.
const maxArmed = 1_000

// arming is what a session left to be run by.
type arming struct {
	by    string
	since event.Time
}

// means is how something is left to be run.
type means uint8

const (
	byFile means = iota
	byService
	byTask
	byRunKey
	byConsumer // of WMI
	byJob      // of BITS
)

// left is a program, by its path, or a command, by its commandKey, that was
// left to be run by some means.
type left struct {
	what string
	by   means
}

// Armed returns for each session the processes that it armed, in the order of
// their start: those whose image a process of the session wrote or left as the
// program of a service or task, those in which it started a thread, those that
// run as an account that it made, and what ran below any of them since.
func (x *Index) Armed(stories []*Story) [][]Armed {
	armories, lists := make([]*armory, len(stories)), make([][]Armed, len(stories))
	for i, s := range stories {
		armories[i] = newArmory(s)
		armories[i].processes(x.sessions[i].Below)
	}
	for host := range x.hosts {
		x.armedOn(host, armories, lists)
	}
	for i, list := range lists {
		slices.SortStableFunc(list, func(p, q Armed) int { return cmp.Compare(p.Process.Start(), q.Process.Start()) })
		lists[i] = list[:min(len(list), maxArmed)]
	}
	return lists
}

// armedOn adds the processes of one host to the lists of its sessions.
func (x *Index) armedOn(host int, armories []*armory, lists [][]Armed) {
	h := &x.hosts[host]
	look := newArmedLook(x.forest, h.sessions, armories)
	if look.empty() {
		return
	}
	known := make(map[proctree.Process][]armedBy)
	for p := range x.forest.Processes(host) {
		var above []armedBy
		if len(known) > 0 && !isConsole(p) {
			parent, _ := p.Parent()
			above = known[parent]
		}
		direct := look.mayBe(p)
		if h.sessionOf(p) >= 0 || p.Start() == 0 || !direct && len(above) == 0 {
			continue
		}
		for _, i := range h.sessions {
			by, ok := arming{}, false
			if direct {
				by, ok = armories[i].armed(p)
			}
			if !ok {
				by, ok = inherited(above, i, p)
			}
			if ok {
				lists[i] = append(lists[i], Armed{p, by.by, by.since})
				known[p] = append(known[p], armedBy{i, by})
			}
		}
	}
}

// armedBy is what a session armed a process by.
type armedBy struct {
	session int
	arming
}

// inherited returns by what a session armed the parent of a process, if it had
// when the process began.
func inherited(above []armedBy, session int, p proctree.Process) (arming, bool) {
	for _, by := range above {
		if by.session == session && by.since <= p.Start() {
			return by.arming, true
		}
	}
	return arming{}, false
}

// armedLook rules out most processes of a host as armed by a session. It looks
// at each distinct text once: a host may have millions of processes and
// hundreds of sessions.
type armedLook struct {
	fields  *proctree.FieldReader
	texts   *proctree.Texts
	left    map[string]bool // commands and programs
	users   map[string]bool
	threads map[event.GUID]bool

	lines, images, accounts map[proctree.TextID]bool
}

func newArmedLook(f *proctree.Forest, sessions []int, armories []*armory) *armedLook {
	l := &armedLook{
		fields: proctree.NewFieldReader(f), texts: f.Texts(),
		left: make(map[string]bool), users: make(map[string]bool), threads: make(map[event.GUID]bool),
		lines: make(map[proctree.TextID]bool), images: make(map[proctree.TextID]bool), accounts: make(map[proctree.TextID]bool),
	}
	for _, i := range sessions {
		a := armories[i]
		for _, programs := range []map[left]arming{a.images, a.commands} {
			for program := range programs {
				l.left[program.what] = true
			}
		}
		for user := range a.users {
			l.users[user] = true
		}
		for guid := range a.threads {
			l.threads[guid] = true
		}
	}
	return l
}

// empty reports whether nothing was left to be run.
func (l *armedLook) empty() bool { return len(l.left)+len(l.users)+len(l.threads) == 0 }

// mayBe reports whether a session may have armed a process.
func (l *armedLook) mayBe(p proctree.Process) bool {
	return len(l.threads) > 0 && l.threads[p.GUID()] ||
		len(l.left) > 0 && (l.memoize(l.lines, p.CommandLine(), l.isCommand) || l.memoize(l.images, p.Image(), l.isProgram)) ||
		len(l.users) > 0 && l.memoize(l.accounts, l.fields.Field(p, event.User), l.isUser)
}

// memoize returns the result of a function of a text, called once for each
// text.
func (l *armedLook) memoize(known map[proctree.TextID]bool, text proctree.TextID, of func(string) bool) bool {
	verdict, ok := known[text]
	if !ok {
		verdict = of(l.texts.KnownText(text))
		known[text] = verdict
	}
	return verdict
}

func (l *armedLook) isCommand(line string) bool { return l.left[commandKey(line)] }
func (l *armedLook) isProgram(path string) bool { return l.left[cleanPath(path)] }
func (l *armedLook) isUser(user string) bool    { return l.users[accountName(user)] }

// accountName returns the name of an account in lower case, without its domain.
func accountName(user string) string {
	return strings.ToLower(user[strings.LastIndexByte(user, '\\')+1:])
}

// isConsole reports whether a process is the window of a command: it comes with
// each, and means nothing.
func isConsole(p proctree.Process) bool {
	return proctree.BaseName(p.Forest().Texts().KnownText(p.Image())) == "conhost.exe"
}

// armory is what a session left to be run: programs, commands, accounts by
// name, and threads by the process that they run in.
type armory struct {
	images, commands map[left]arming
	users            map[string]arming
	threads          map[event.GUID]arming
}

func newArmory(s *Story) *armory {
	a := &armory{images: make(map[left]arming), commands: make(map[left]arming), users: make(map[string]arming), threads: make(map[event.GUID]arming)}
	for _, e := range s.Events {
		a.event(e)
	}
	return a
}

// put records a value of a key, unless it has one.
func put[K comparable](m map[K]arming, key K, by string, at event.Time) {
	if old, ok := m[key]; !ok || at < old.since {
		m[key] = arming{by, at}
	}
}

// event adds what an event of the session leaves to be run.
func (a *armory) event(e *Event) {
	r := e.Record
	if e.Category.WritesContent() {
		for _, path := range e.Written() {
			a.image(path, byFile, "the file "+path, e.Time)
		}
	}
	switch e.Category {
	case ServiceInstall:
		a.command(r.first("ServiceFileName", "ImagePath"), byService, "the service "+r.Get("ServiceName"), e.Time)
	case ScheduledTask:
		a.command(taskCommand(r.first("TaskContent", "TaskContentNew")), byTask, "the scheduled task "+r.Get("TaskName"), e.Time)
	case RegistryEvent:
		if key := r.first("TargetObject", "ObjectName"); isRunKey(key) {
			a.command(r.first("Details", "NewValue"), byRunKey, "the registry value "+key, e.Time)
		}
	case WMIEvent:
		a.command(consumerCommand(r.Get("Destination")), byConsumer, "the WMI consumer "+r.Get("Name"), e.Time)
	case Account:
		if r.ID == 4720 && r.Get("TargetUserName") != "" {
			put(a.users, strings.ToLower(r.Get("TargetUserName")), "the account "+r.Get("TargetUserName"), e.Time)
		}
	case CreateRemoteThread:
		if guid, ok := event.ParseGUID([]byte(r.Get("TargetProcessGuid"))); ok {
			put(a.threads, guid, "a thread of "+e.Image, e.Time)
		}
	}
}

// processes adds what the command lines of a session's processes leave to be
// run, where no event shows it. They come in the order of their start.
func (a *armory) processes(below []proctree.Process) {
	seen := make(map[proctree.TextID]bool)
	for _, p := range below {
		if line := p.CommandLine(); !seen[line] {
			seen[line] = true
			a.commandLine(p.Forest().Texts().KnownText(line), p.Start())
		}
	}
}

// commandLine adds what one command line leaves to be run.
func (a *armory) commandLine(line string, at event.Time) {
	if l, ok := leftBy(line); ok {
		a.command(l.command, l.how, l.by+l.label, at)
	}
	for _, t := range thingsOfCommand(line) {
		if t.thing == thingAccount {
			put(a.users, strings.ToLower(t.name), "the account "+t.name, at)
		}
	}
}

// image adds a program that was left to be run.
func (a *armory) image(path string, how means, by string, at event.Time) {
	if path = cleanPath(path); path != "" {
		put(a.images, left{path, how}, by, at)
	}
}

// command adds a command that was left to be run, and its program unless that
// is the system's.
func (a *armory) command(line string, how means, by string, at event.Time) {
	if key := commandKey(line); key != "" {
		put(a.commands, left{key, how}, by, at)
	}
	if program := cleanPath(programOf(line)); program != "" && !inSystemFolder(program) {
		a.image(program, how, by, at)
	}
}

// consumerCommand returns the command of a WMI consumer as Sysmon 20 has it: in
// quotes, each backslash twice.
func consumerCommand(destination string) string {
	command := strings.ReplaceAll(strings.TrimSpace(destination), `\\`, `\`)
	return strings.TrimSuffix(strings.TrimPrefix(command, `"`), `"`)
}

// isRunKey reports whether a registry path is one whose values Windows runs
// when somebody logs on (Microsoft, "Run and RunOnce Registry Keys").
func isRunKey(key string) bool {
	key = strings.ToLower(key)
	return strings.Contains(key, `\currentversion\run\`) || strings.Contains(key, `\currentversion\runonce\`)
}

// armed returns by what the session armed a process before that began: of
// several things, by that which its parent says.
func (a *armory) armed(p proctree.Process) (arming, bool) {
	texts := p.Forest().Texts()
	if by, ok := a.threads[p.GUID()]; ok && !p.GUID().IsZero() {
		return by, true
	}
	line, image := commandKey(texts.KnownText(p.CommandLine())), cleanPath(texts.KnownText(p.Image()))
	parents := meansOf(p)
	for _, how := range []means{parents, byFile, byService, byTask, byRunKey, byConsumer, byJob} {
		by, ok := a.commands[left{line, how}]
		// Programs of the system run all day: they have to be started
		// as they were left.
		ok = ok && (how == parents || image != "" && !inSystemFolder(image) || parentUnknown(p))
		if !ok {
			by, ok = a.images[left{image, how}]
		}
		if ok && by.since <= p.Start() {
			return by, true
		}
	}
	if len(a.users) == 0 {
		return arming{}, false
	}
	by, ok := a.users[accountName(texts.KnownText(p.Field(event.User)))]
	return by, ok && p.Start() >= by.since
}

// parentUnknown reports whether nothing is known of what started a process.
func parentUnknown(p proctree.Process) bool {
	parent, _ := p.Parent()
	return !parent.Exists() || !p.Forest().Texts().Known(parent.Image())
}

// meansOf returns by what means Windows started a process, by its parent;
// byFile if that says nothing.
func meansOf(p proctree.Process) means {
	parent, _ := p.Parent()
	if !parent.Exists() {
		return byFile
	}
	texts := p.Forest().Texts()
	switch proctree.BaseName(texts.Text(parent.Image())) {
	case "services.exe":
		return byService
	case "taskeng.exe":
		return byTask
	case "svchost.exe":
		if strings.HasSuffix(strings.ToLower(texts.KnownText(parent.CommandLine())), "-s bits") {
			return byJob
		}
		return byTask
	case "explorer.exe", "userinit.exe", "runonce.exe":
		return byRunKey
	case "wmiprvse.exe", "scrcons.exe":
		return byConsumer
	}
	return byFile
}

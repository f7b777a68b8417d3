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
	// By says in words what made it run: the service, task, file or thread that the
	// session made.
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
)

// left is a program, by its path, or a command, by its commandKey, that was left to
// be run by some means.
type left struct {
	what string
	by   means
}

// Armed returns the processes that a session armed, in the order of their start:
// those whose image a process of the session wrote or left as the program of a
// service or task, those in which it started a thread, and those that run as an
// account that it made.
func (x *Index) Armed(session int, s *Story) []Armed {
	a := armory{images: make(map[left]arming), commands: make(map[left]arming), users: make(map[string]arming), threads: make(map[event.GUID]arming)}
	for _, e := range s.Events {
		a.event(e)
	}
	host := x.sessions[session].Server.HostIndex()
	var list []Armed
	for p := range x.forest.Processes(host) {
		if x.hosts[host].sessionOf(p) >= 0 || p.Start() == 0 {
			continue
		}
		if by, ok := a.armed(p); ok {
			list = append(list, Armed{p, by.by, by.since})
		}
	}
	slices.SortStableFunc(list, func(p, q Armed) int { return cmp.Compare(p.Process.Start(), q.Process.Start()) })
	return list[:min(len(list), maxArmed)]
}

// armory is what a session left to be run: programs, commands, accounts by name,
// and threads by the process that they run in.
type armory struct {
	images, commands map[left]arming
	users            map[string]arming
	threads          map[event.GUID]arming
}

// put notes the first that was said of a key.
func put[K comparable](m map[K]arming, key K, by string, at event.Time) {
	if old, ok := m[key]; !ok || at < old.since {
		m[key] = arming{by, at}
	}
}

// event takes what an event of the session leaves to be run.
func (a *armory) event(e *Event) {
	r := e.Record
	switch e.Category {
	case FileEvent, FileExecutable, FileAccess:
		for _, path := range e.Written() {
			a.image(path, byFile, "the file "+path, e.Time)
		}
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
			put(a.threads, guid, "a thread of "+e.Image, 0)
		}
	}
}

// image notes a program that was left to be run.
func (a *armory) image(path string, how means, by string, at event.Time) {
	if path = cleanPath(path); path != "" {
		put(a.images, left{path, how}, by, at)
	}
}

// command notes a command that was left to be run, and its program unless that is
// the system's.
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

// isRunKey reports whether a registry path is one whose values Windows runs when
// somebody logs on (Microsoft, "Run and RunOnce Registry Keys").
func isRunKey(key string) bool {
	key = strings.ToLower(key)
	return strings.Contains(key, `\currentversion\run\`) || strings.Contains(key, `\currentversion\runonce\`)
}

// armed returns by what the session armed a process before that began: of several
// things, by that which its parent says.
func (a *armory) armed(p proctree.Process) (arming, bool) {
	texts := p.Forest().Texts()
	if by, ok := a.threads[p.GUID()]; ok && !p.GUID().IsZero() {
		return by, true
	}
	line, image := commandKey(texts.KnownText(p.CommandLine())), cleanPath(texts.KnownText(p.Image()))
	for _, how := range []means{meansOf(p), byFile, byService, byTask, byRunKey, byConsumer} {
		by, ok := a.commands[left{line, how}]
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
	user := strings.ToLower(texts.KnownText(p.Field(event.User)))
	by, ok := a.users[user[strings.LastIndexByte(user, '\\')+1:]]
	return by, ok && p.Start() >= by.since
}

// meansOf returns by what means Windows started a process, by its parent; byFile if
// that says nothing.
func meansOf(p proctree.Process) means {
	parent, _ := p.Parent()
	if !parent.Exists() {
		return byFile
	}
	texts := p.Forest().Texts()
	switch proctree.BaseName(texts.Text(parent.Image())) {
	case "services.exe":
		return byService
	case "svchost.exe", "taskeng.exe":
		return byTask
	case "explorer.exe", "userinit.exe", "runonce.exe":
		return byRunKey
	case "wmiprvse.exe", "scrcons.exe":
		return byConsumer
	}
	return byFile
}

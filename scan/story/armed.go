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

// arming is a program or command that a session left to be run.
type arming struct {
	by    string
	since event.Time
}

// Armed returns the processes that a session armed, in the order of their start:
// those whose image a process of the session wrote or left as the program of a
// service or task, those in which it started a thread, and those that run as an
// account that it made.
func (x *Index) Armed(session int, s *Story) []Armed {
	a := armory{images: make(map[string]arming), commands: make(map[string]arming), users: make(map[string]arming), threads: make(map[event.GUID]arming)}
	for _, e := range s.Events {
		a.event(e)
	}
	host := x.sessions[session].Server.HostIndex()
	var list []Armed
	for p := range x.forest.Processes(host) {
		if _, ok := x.hosts[host].member[p]; ok || p.Start() == 0 {
			continue
		}
		if by, ok := a.armed(p); ok && p.Start() >= by.since {
			list = append(list, Armed{p, by.by, by.since})
		}
	}
	slices.SortStableFunc(list, func(p, q Armed) int { return cmp.Compare(p.Process.Start(), q.Process.Start()) })
	return list[:min(len(list), maxArmed)]
}

// armory is what a session left to be run: programs by path, commands by
// commandKey, accounts by name, and threads by the process that they run in.
type armory struct {
	images, commands, users map[string]arming
	threads                 map[event.GUID]arming
}

// put notes the first that was said of a key.
func put[K comparable](m map[K]arming, key K, by string, at event.Time) {
	var zero K
	if old, ok := m[key]; key != zero && (!ok || at < old.since) {
		m[key] = arming{by, at}
	}
}

// event takes what an event of the session leaves to be run.
func (a *armory) event(e *Event) {
	r := e.Record
	switch e.Category {
	case FileEvent, FileExecutable, FileAccess:
		for _, path := range writtenPaths(&kept{record: r, kind: &kind{category: e.Category}}) {
			put(a.images, cleanPath(path), "the file "+path, e.Time)
		}
	case ServiceInstall:
		if command := r.first("ServiceFileName", "ImagePath"); command != "" {
			by := "the service " + r.Get("ServiceName")
			put(a.commands, commandKey(command), by, e.Time)
			if path := cleanPath(programOf(command)); path != "" && !inSystemFolder(path) {
				put(a.images, path, by, e.Time)
			}
		}
	case ScheduledTask:
		if command := taskCommand(r.first("TaskContent", "TaskContentNew")); command != "" {
			put(a.commands, commandKey(command), "the scheduled task "+r.Get("TaskName"), e.Time)
		}
	case RegistryEvent:
		if key := r.first("TargetObject", "ObjectName"); isRunKey(key) {
			put(a.commands, commandKey(r.first("Details", "NewValue")), "the registry value "+key, e.Time)
		}
	case Account:
		if r.ID == 4720 {
			put(a.users, strings.ToLower(r.Get("TargetUserName")), "the account "+r.Get("TargetUserName"), e.Time)
		}
	case CreateRemoteThread:
		if guid, ok := event.ParseGUID([]byte(r.Get("TargetProcessGuid"))); ok {
			put(a.threads, guid, "a thread of "+e.Image, 0)
		}
	}
}

// isRunKey reports whether a registry path is one whose values Windows runs when
// somebody logs on (Microsoft, "Run and RunOnce Registry Keys").
func isRunKey(key string) bool {
	key = strings.ToLower(key)
	return strings.Contains(key, `\currentversion\run\`) || strings.Contains(key, `\currentversion\runonce\`)
}

// armed returns by what the session armed a process.
func (a *armory) armed(p proctree.Process) (arming, bool) {
	texts := p.Forest().Texts()
	if by, ok := a.threads[p.GUID()]; ok && !p.GUID().IsZero() {
		return by, true
	}
	if line := texts.KnownText(p.CommandLine()); len(a.commands) > 0 && line != "" {
		if by, ok := a.commands[commandKey(line)]; ok {
			return by, true
		}
	}
	if len(a.images) > 0 {
		if by, ok := a.images[cleanPath(texts.KnownText(p.Image()))]; ok {
			return by, true
		}
	}
	if len(a.users) == 0 {
		return arming{}, false
	}
	user := strings.ToLower(texts.KnownText(p.Field(event.User)))
	by, ok := a.users[user[strings.LastIndexByte(user, '\\')+1:]]
	return by, ok
}

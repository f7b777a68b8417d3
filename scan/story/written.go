package story

import (
	"slices"

	"webshellscan/scan/event"
	"webshellscan/scan/proctree"
)

// writing is the first of the events by which a session wrote a file: by the
// process with that image.
type writing struct {
	at    event.Time
	image string
}

// programsOf returns the programs of a session's processes but for the servers,
// by path as cleanPath gives it.
func (x *Index) programsOf(session int) map[string]bool {
	programs, seen := make(map[string]bool), make(map[proctree.TextID]bool)
	for p := range x.members(session) {
		if image := p.Image(); !seen[image] && !x.isServer(session, p) {
			seen[image] = true
			if path := cleanPath(x.forest.Texts().KnownText(image)); path != "" {
				programs[path] = true
			}
		}
	}
	return programs
}

// serverProgramsOf returns the base names of the programs of a session's
// servers.
func (x *Index) serverProgramsOf(session int) map[string]bool {
	s := &x.sessions[session]
	names := map[string]bool{proctree.BaseName(x.forest.Texts().KnownText(s.Server.Image())): true}
	for p := range s.Servers {
		names[proctree.BaseName(x.forest.Texts().KnownText(p.Image()))] = true
	}
	return names
}

// isServerProgram reports whether a process of a session's account, whose start
// no log has, serves by the base name of its program: as the workers of a pool
// do, or as another server of the session, such as a php-cgi.exe that has run
// for months.
func (x *Index) isServerProgram(session int, name string) bool {
	return name == proctree.PoolWorker || name != "" && x.serverPrograms[session][name]
}

// wroteProgram reports whether an event of a kind is of the writing of a file
// which is the program of a process of the session.
func (x *Index) wroteProgram(session int, k *kind, ev *event.Event) bool {
	return k.category.WritesContent() && slices.ContainsFunc(writtenPaths(k.category, ev.ID, eventFields{ev}.text), func(path string) bool {
		return x.programs[session][cleanPath(path)]
	})
}

// addWriting records that a path was written, by an event of a session.
// Events come in the order of time, but for those that are tied late.
func (x *Index) addWriting(s *Story, e *kept, path string) {
	if !e.kind.category.WritesContent() || !x.programs[e.tie.session][path] {
		return
	}
	if known, ok := s.programs[path]; ok && known.at <= e.record.Time {
		return
	}
	image := e.record.first(e.kind.image)
	if e.tie.process.Exists() {
		image = x.forest.Texts().KnownText(e.tie.process.Image())
	}
	s.programs[path] = writing{e.record.Time, image}
}

// WriterOf returns the image of the process of the session that first wrote the
// program of a process, and whether one did so before that process began. The
// image is "" if no event names it.
func (s *Story) WriterOf(p proctree.Process) (image string, ok bool) {
	if len(s.programs) == 0 {
		return "", false
	}
	w, ok := s.programs[cleanPath(p.Forest().Texts().KnownText(p.Image()))]
	return w.image, ok && p.Start() != 0 && w.at <= p.Start()
}

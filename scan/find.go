package scan

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"webshellscan/scan/event"
	"webshellscan/scan/finding"
	"webshellscan/scan/powershell"
	"webshellscan/scan/proctree"
)

// Match is a process, event or web request that a search found.
type Match struct {
	Host string
	Time event.Time
	// Process is the process, or that which an event is tied to; the zero
	// Process if no tree has it. Event and Request are nil for a process.
	Process proctree.Process
	Event   *finding.Event
	Request *finding.Request
	// Session is the key of the session that it belongs to, "" if it is of
	// none.
	Session string
	// Fields are those that matched, in a fixed order.
	Fields []MatchedField
}

// MatchedField is a field with its value.
type MatchedField struct{ Name, Value string }

// Find returns what matches a pattern: processes by image, command line as it
// is and decoded, account, hashes, current directory and original file name;
// events and web requests of the stories by their texts. Matches are in the
// order of time, those of one time by host. A bound of time or host that
// options have holds.
func (r *Result) Find(pattern *regexp.Regexp, options *Options) []Match {
	s := &search{
		result: r, options: options, pattern: pattern, matched: make(map[proctree.TextID]bool), decoded: make(map[proctree.TextID]string),
		sessions: make(map[proctree.Process]string, len(r.Sessions)),
	}
	for _, session := range r.Sessions {
		s.sessions[session.Worker] = session.Key
	}
	s.processes()
	s.events()
	s.requests()
	slices.SortStableFunc(s.found, func(a, b Match) int {
		return cmp.Or(cmp.Compare(a.Time, b.Time), strings.Compare(a.Host, b.Host))
	})
	return s.found
}

// search is one run of Find. What it says of a text holds wherever the text is.
type search struct {
	result  *Result
	options *Options
	pattern *regexp.Regexp
	matched map[proctree.TextID]bool
	decoded map[proctree.TextID]string // of command lines: what matches of what they hide
	// sessions are the keys of sessions, by server process.
	sessions map[proctree.Process]string
	found    []Match
}

// searchedFields are the fields of a process that are searched besides its
// image and command line.
var searchedFields = []struct {
	name string
	id   event.FieldID
}{
	{"user", event.User}, {"hashes", event.Hashes}, {"current_directory", event.CurrentDirectory}, {"original_file_name", event.OriginalFileName},
}

// processes searches all processes of the hosts and times that are asked for.
func (s *search) processes() {
	forest := s.result.Forest
	for i, host := range forest.Hosts() {
		if !proctree.MatchesHost(s.options.Hosts, host.Names) {
			continue
		}
		for p := range forest.Processes(i) {
			if !s.options.wantsTime(p.Start()) {
				continue
			}
			if fields := s.fields(p); len(fields) > 0 {
				s.found = append(s.found, Match{Host: host.Name, Time: p.Start(), Process: p, Session: s.sessions[s.result.servers.workerOf(p)], Fields: fields})
			}
		}
	}
}

// fields returns the fields of a process that match.
func (s *search) fields(p proctree.Process) []MatchedField {
	var list []MatchedField
	add := func(name string, id proctree.TextID) {
		if id != 0 && s.matches(id) {
			list = append(list, MatchedField{name, s.result.Forest.Texts().Text(id)})
		}
	}
	add("image", p.Image())
	add("command_line", p.CommandLine())
	if decoded := s.hidden(p.CommandLine()); decoded != "" {
		list = append(list, MatchedField{"decoded_command", decoded})
	}
	for _, f := range searchedFields {
		add(f.name, p.Field(f.id))
	}
	return list
}

// matches reports whether a text matches.
func (s *search) matches(id proctree.TextID) bool {
	matched, ok := s.matched[id]
	if !ok {
		matched = s.pattern.MatchString(s.result.Forest.Texts().Text(id))
		s.matched[id] = matched
	}
	return matched
}

// hidden returns what matches of what a command line hides in Base64, "" if
// nothing does.
func (s *search) hidden(id proctree.TextID) string {
	if id == 0 {
		return ""
	}
	text, ok := s.decoded[id]
	if !ok {
		for _, decoded := range powershell.Decode(s.result.Forest.Texts().Text(id)) {
			if s.pattern.MatchString(decoded) {
				text = decoded
				break
			}
		}
		s.decoded[id] = text
	}
	return text
}

// events searches the events of the stories.
func (s *search) events() {
	for _, e := range s.result.Events {
		if !s.options.wantsTime(e.Time) || !proctree.MatchesHost(s.options.Hosts, []string{e.Host}) {
			continue
		}
		if fields := s.texts("summary", e.Summary, "image", e.Image); len(fields) > 0 {
			m := Match{Host: e.Host, Time: e.Time, Process: e.Process, Event: e, Fields: fields}
			if e.Session != nil {
				m.Session = e.Session.Key
			}
			s.found = append(s.found, m)
		}
	}
}

// requests searches the web requests of the sessions.
func (s *search) requests() {
	for _, q := range s.result.Requests {
		if !s.options.wantsTime(q.Time) || !proctree.MatchesHost(s.options.Hosts, []string{q.Host}) {
			continue
		}
		fields := s.texts("uri", q.URI, "parameters", q.Parameters, "query", q.Query, "client", q.Client, "forwarded_for", q.ForwardedFor, "user", q.User,
			"user_agent", q.UserAgent, "referer", q.Referer)
		if len(fields) > 0 {
			s.found = append(s.found, Match{Host: q.Host, Time: q.Time, Request: q, Session: q.Session.Key, Fields: fields})
		}
	}
}

// texts returns those of names with their texts that match.
func (s *search) texts(pairs ...string) []MatchedField {
	var list []MatchedField
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" && s.pattern.MatchString(pairs[i+1]) {
			list = append(list, MatchedField{pairs[i], pairs[i+1]})
		}
	}
	return list
}

package story

import (
	"cmp"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"

	"webshellscan/scan/event"
	"webshellscan/scan/powershell"
	"webshellscan/scan/proctree"
)

// Indicator is something to look for elsewhere.
type Indicator struct {
	Value string
	// First and Last are when the evidence has it.
	First, Last event.Time
	// Hash is that of a file, as Sysmon writes hashes; "" if it is not
	// known.
	Hash string
	// Sources are where it was seen: categories of events, "command line"
	// or "entry point"; sorted.
	Sources []string
}

// Indicators are those of one session, each list sorted by value.
type Indicators struct {
	Files, Hashes, Addresses, Domains, URLs, Accounts, Services, Tasks []Indicator
}

// The sources that are no categories.
const (
	SourceCommandLine = "command line"
	SourceEntryPoint  = "entry point"
)

// maxIndicators bounds each list of indicators of a session.
const maxIndicators = 5_000

// indicatorSet collects indicators of one kind.
type indicatorSet map[string]*Indicator

// add records that a source has a value at a time.
func (s indicatorSet) add(value, source string, at event.Time) *Indicator {
	key := strings.ToLower(value)
	in := s[key]
	if in == nil {
		if value == "" || len(s) >= maxIndicators {
			return new(Indicator)
		}
		in = &Indicator{Value: value, First: at, Last: at}
		s[key] = in
	}
	in.First, in.Last = min(in.First, at), max(in.Last, at)
	if !slices.Contains(in.Sources, source) {
		in.Sources = append(in.Sources, source)
	}
	return in
}

// list returns the indicators by value.
func (s indicatorSet) list() []Indicator {
	out := make([]Indicator, 0, len(s))
	for _, in := range s {
		slices.Sort(in.Sources)
		out = append(out, *in)
	}
	slices.SortFunc(out, func(a, b Indicator) int {
		return cmp.Or(strings.Compare(strings.ToLower(a.Value), strings.ToLower(b.Value)), strings.Compare(a.Value, b.Value))
	})
	return out
}

// gatherer collects the indicators of one session.
type gatherer struct {
	index                                                              *Index
	files, hashes, addresses, domains, urls, accounts, services, tasks indicatorSet
	// What images and command lines name, which many processes share.
	images map[proctree.TextID]string // as cleanPath gives them
	lines  map[proctree.TextID]*commandNames
}

// commandNames is what a command line names, with what it hides in Base64.
type commandNames struct {
	urls   []string
	things []thingName
}

// Indicators returns those of a session and its story. clients are the
// addresses of the clients of its likely entry points, with the time of their
// first and last request.
func (x *Index) Indicators(session int, s *Story, clients []Indicator) Indicators {
	g := &gatherer{
		x, make(indicatorSet), make(indicatorSet), make(indicatorSet), make(indicatorSet),
		make(indicatorSet), make(indicatorSet), make(indicatorSet), make(indicatorSet),
		make(map[proctree.TextID]string), make(map[proctree.TextID]*commandNames),
	}
	for _, c := range clients {
		g.addresses.add(c.Value, SourceEntryPoint, c.First)
		g.addresses.add(c.Value, SourceEntryPoint, c.Last)
	}
	for _, e := range s.Events {
		g.event(session, e)
	}
	for _, p := range x.sessions[session].Below {
		g.process(s, p)
	}
	return Indicators{
		g.files.list(), g.hashes.list(), g.addresses.list(), g.domains.list(),
		g.urls.list(), g.accounts.list(), g.services.list(), g.tasks.list(),
	}
}

// event adds the indicators of an event.
func (g *gatherer) event(session int, e *Event) {
	r, source := e.Record, string(e.Category)
	for _, path := range e.Written() {
		g.file(withoutStream(path), r.first("Hashes"), source, e.Time)
	}
	switch e.Category {
	case FileDelete:
		g.file(r.Get("TargetFilename"), r.first("Hashes"), source, e.Time)
	case Antivirus:
		for _, path := range defenderPaths(r.Get("Path")) {
			g.file(path, "", source, e.Time)
		}
	case NetworkConnection:
		if !e.Process.Exists() || !g.index.isServer(session, e.Process) {
			g.address(farEnd(r), source, e.Time)
		}
	case DNSQuery:
		g.domains.add(r.Get("QueryName"), source, e.Time)
	case BITSClient:
		g.url(r.Get("url"), source, e.Time)
	case PSScript, PSModule:
		g.text(r.first("ScriptBlockText", "Payload"), source, e.Time)
	case Account:
		if r.ID != 4728 && r.ID != 4732 && r.ID != 4756 {
			g.accounts.add(r.first("TargetUserName"), source, e.Time)
		}
	case Logon:
		if r.ID == 4648 {
			g.accounts.add(r.first("TargetUserName"), source, e.Time)
		}
	case ServiceInstall:
		g.services.add(r.first("ServiceName"), source, e.Time)
		g.file(programOf(r.first("ServiceFileName", "ImagePath")), "", source, e.Time)
	case ScheduledTask:
		g.tasks.add(r.first("TaskName"), source, e.Time)
	}
}

// file adds a file, unless it is one of the system's.
func (g *gatherer) file(path, hashes, source string, at event.Time) {
	clean := cleanPath(path)
	if clean == "" || source == string(ServiceInstall) && inSystemFolder(clean) {
		return
	}
	in := g.files.add(path, source, at)
	if hashes != "" {
		in.Hash = hashes
		g.hash(hashes, source, at)
	}
}

// hash adds each of the hashes that Sysmon writes, but the import hash, which
// many programs share.
func (g *gatherer) hash(hashes, source string, at event.Time) {
	for part := range strings.SplitSeq(hashes, ",") {
		name, value, ok := strings.Cut(part, "=")
		if ok && !strings.EqualFold(name, "IMPHASH") && strings.Trim(value, "0") != "" {
			g.hashes.add(value, source, at)
		}
	}
}

// defenderPaths returns the files of Defender's field Path, such as
// "file:_C:\a.aspx->(SCRIPT0005); containerfile:_C:\b.zip".
func defenderPaths(text string) []string {
	var list []string
	for part := range strings.SplitSeq(text, ";") {
		part = strings.TrimSpace(part)
		if _, path, ok := strings.Cut(part, "file:_"); ok {
			path, _, _ = strings.Cut(path, "->")
			list = append(list, path)
		}
	}
	return list
}

// farEnd returns the address at the other end of a connection.
func farEnd(r *Record) string {
	if r.Provider == event.ProviderSecurity {
		return r.Get("DestAddress")
	}
	if !outgoing(r) {
		return r.Get("SourceIp")
	}
	return r.Get("DestinationIp")
}

// address adds an address of another machine.
func (g *gatherer) address(text, source string, at event.Time) {
	if a, ok := machineAddress(text); ok {
		g.addresses.add(a.String(), source, at)
	}
}

// process adds the indicators of a process below the server.
func (g *gatherer) process(s *Story, p proctree.Process) {
	texts := g.index.forest.Texts()
	if clean := g.cleanImage(p.Image()); clean != "" && s.paths[clean] {
		g.file(texts.KnownText(p.Image()), texts.KnownText(p.Field(event.Hashes)), "process_creation", p.Start())
	}
	names := g.namesIn(p.CommandLine())
	for _, u := range names.urls {
		g.url(u, SourceCommandLine, p.Start())
	}
	for _, t := range names.things {
		switch t.thing {
		case thingService:
			g.services.add(t.name, SourceCommandLine, p.Start())
		case thingTask:
			g.tasks.add(t.name, SourceCommandLine, p.Start())
		case thingAccount:
			g.accounts.add(t.name, SourceCommandLine, p.Start())
		}
	}
}

// cleanImage returns the path of an image as cleanPath gives it.
func (g *gatherer) cleanImage(image proctree.TextID) string {
	clean, ok := g.images[image]
	if !ok {
		clean = cleanPath(g.index.forest.Texts().KnownText(image))
		g.images[image] = clean
	}
	return clean
}

// namesIn returns what a command line names.
func (g *gatherer) namesIn(line proctree.TextID) *commandNames {
	names := g.lines[line]
	if names == nil {
		names = new(commandNames)
		if text := g.index.forest.Texts().KnownText(line); text != "" {
			names.urls = appendURLs(nil, text)
			for _, decoded := range powershell.Decode(text) {
				names.urls = appendURLs(names.urls, decoded)
			}
			names.things = thingsOfCommand(text)
		}
		if len(g.lines) == maxSayings {
			clear(g.lines)
		}
		g.lines[line] = names
	}
	return names
}

// maxSayings bounds the command lines that are remembered.
const maxSayings = 1 << 16

// urlPattern finds URLs in command lines and scripts. It takes milliseconds to
// make, which most scans can do without.
var urlPattern = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)\b(?:https?|ftp)://[^\s"'<>|;,)(\x60^]{3,900}`)
})

// maxURLs bounds the URLs that are taken of one text.
const maxURLs = 64

// text adds the URLs of a text.
func (g *gatherer) text(text, source string, at event.Time) {
	for _, u := range appendURLs(nil, text) {
		g.url(u, source, at)
	}
}

// appendURLs appends the URLs of a text.
func appendURLs(list []string, text string) []string {
	text = text[:min(len(text), maxSearched)]
	if !strings.Contains(text, "://") {
		return list // without the pattern, which is slow
	}
	for _, u := range urlPattern().FindAllString(text, maxURLs) {
		list = append(list, strings.TrimRight(u, ".,"))
	}
	return list
}

// url adds a URL, and the domain or address in it.
func (g *gatherer) url(text, source string, at event.Time) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return
	}
	g.urls.add(text, source, at)
	host := u.Hostname()
	if _, err := netip.ParseAddr(host); err == nil {
		g.address(host, source, at)
	} else if strings.Contains(host, ".") {
		g.domains.add(host, source, at)
	}
}

// programOf returns the program of a command as a service has it: what stands
// in quotes, else all up to the end of a name with an extension, else the first
// word.
func programOf(command string) string {
	if rest, ok := strings.CutPrefix(command, `"`); ok {
		program, _, _ := strings.Cut(rest, `"`)
		return program
	}
	for end := range len(command) + 1 {
		if end == len(command) || command[end] == ' ' {
			name := strings.ToLower(command[:end])
			if len(name) > 4 && slices.Contains([]string{".exe", ".com", ".bat", ".cmd", ".dll", ".sys", ".ps1", ".vbs"}, name[len(name)-4:]) {
				return command[:end]
			}
		}
	}
	program, _, _ := strings.Cut(command, " ")
	return program
}

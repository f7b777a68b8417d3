package phrase

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"webshellscan/rules"
	"webshellscan/scan/event"
	"webshellscan/scan/finding"
	"webshellscan/scan/proctree"
	"webshellscan/scan/story"
)

// moment is something that happened in a session: a process, or several of one
// shape, with what their events show; or events of no such process.
type moment struct {
	at, last                event.Time
	process                 proctree.Process
	image, command, decoded string
	hash                    string           // SHA-256 of the image, where nothing else tells it
	request                 *finding.Request // that may have started the first process
	armed                   string           // what made it run, "" for what runs below the server
	count                   int
	level                   rules.Level
	weight                  int
	effects                 []effect
	effectWeight            int // of all effects
}

// effect is what an event shows, or several that show the same.
type effect struct {
	at     event.Time
	text   string
	note   string // what is known besides
	event  *finding.Event
	count  int
	weight int
}

// momentsOf returns what happened in a session, in the order of time.
func momentsOf(s *finding.Session) []*moment {
	b := newMomentBuilder(s)
	for i := range s.Shapes {
		b.shape(&s.Shapes[i])
	}
	for i := range s.Armed {
		b.arm(&s.Armed[i])
	}
	b.dropEchoes()
	for _, e := range s.Events {
		b.event(e)
	}
	b.addHashes()
	slices.SortStableFunc(b.moments, func(x, y *moment) int { return cmp.Compare(x.at, y.at) })
	return b.moments
}

// momentBuilder collects the moments of one session.
type momentBuilder struct {
	session  *finding.Session
	moments  []*moment
	of       map[proctree.Process]*moment // the latest of each
	requests map[proctree.Process]*finding.Request
	hashes   map[string]string // SHA-256 of files, by path in lower case
	effects  map[effectKey]int // indices of the effects of moments
}

// effectKey names an effect by its text.
type effectKey struct {
	moment *moment
	text   string
}

func newMomentBuilder(s *finding.Session) *momentBuilder {
	b := &momentBuilder{
		session: s, of: make(map[proctree.Process]*moment), requests: make(map[proctree.Process]*finding.Request),
		hashes: make(map[string]string), effects: make(map[effectKey]int),
	}
	for _, r := range s.Requests {
		if !r.Entry || r.Confidence == story.ConfidenceNone {
			continue
		}
		for _, p := range r.Processes {
			if old := b.requests[p]; old == nil || r.Confidence > old.Confidence {
				b.requests[p] = r
			}
		}
	}
	for _, f := range s.Indicators.Files {
		if sum := hashOf(f.Hash); sum != "" {
			b.hashes[strings.ToLower(f.Value)] = sum
		}
	}
	return b
}

// hashOf returns the SHA-256 of hashes as Sysmon writes them, "" if it is not
// among them.
func hashOf(hashes string) string {
	for part := range strings.SplitSeq(hashes, ",") {
		if name, sum, ok := strings.Cut(strings.TrimSpace(part), "="); ok && strings.EqualFold(name, "SHA256") {
			return sum
		}
	}
	return ""
}

// Weights of what a moment is about: the heaviest stand in a line of their own.
const (
	weightOfLevel   = 10
	weightOfArmed   = 60
	weightOfDecoded = 10
	weightOfFirst   = 15
	maxEffectWeight = 90
)

// shape adds the moment of findings of one shape.
func (b *momentBuilder) shape(shape *finding.Shape) {
	f := shape.Findings[0]
	first, last := shape.Span()
	m := &moment{
		at: first, last: last, process: f.Process, image: f.Image, command: cmp.Or(f.CommandLine, f.Image), decoded: f.DecodedCommand,
		count: len(shape.Findings), level: f.Level,
	}
	for _, f := range shape.Findings {
		m.level = max(m.level, f.Level)
		if f.Process.Exists() {
			b.of[f.Process] = m
		}
		if m.request == nil {
			m.request = b.requests[f.Process]
		}
	}
	m.weight = weightOfLevel * int(m.level)
	if m.decoded != "" {
		m.weight += weightOfDecoded
	}
	if first == b.session.First {
		m.weight += weightOfFirst
	}
	b.moments = append(b.moments, m)
}

// arm adds a process that the session armed.
func (b *momentBuilder) arm(a *story.Armed) {
	if m := b.of[a.Process]; m != nil {
		m.armed, m.weight = a.By, m.weight+weightOfArmed
		return
	}
	texts := a.Process.Forest().Texts()
	m := &moment{
		at: a.Process.Start(), last: a.Process.Start(), process: a.Process, image: texts.Text(a.Process.Image()),
		command: cmp.Or(texts.KnownText(a.Process.CommandLine()), texts.Text(a.Process.Image())), armed: a.By, count: 1, weight: weightOfArmed,
	}
	b.of[a.Process] = m
	b.moments = append(b.moments, m)
}

// dropEchoes removes the programs that a shell started by the words of its own
// command line: what they did is shown at the shell.
func (b *momentBuilder) dropEchoes() {
	words := make(map[*moment]string, len(b.moments))
	for _, m := range b.moments {
		words[m] = commandWords(m.image, m.command)
	}
	echo := make(map[*moment]*moment)
	for _, m := range b.moments {
		if m.count > 1 || !m.process.Exists() || m.armed != "" {
			continue
		}
		parent, _ := m.process.Parent()
		above := b.of[parent]
		if above != nil && above != m && above.process == parent && strings.Contains(words[above], words[m]) {
			echo[m] = above
			above.level, above.weight = max(above.level, m.level), max(above.weight, m.weight)
		}
	}
	for m, above := range echo {
		for echo[above] != nil {
			above = echo[above]
		}
		b.of[m.process] = above
	}
	b.moments = slices.DeleteFunc(b.moments, func(m *moment) bool { return echo[m] != nil })
}

// addHashes adds to processes the hashes of the session's own programs that no
// event of the story has.
func (b *momentBuilder) addHashes() {
	for _, m := range b.moments {
		path := strings.ToLower(m.image)
		if m.command != "" && b.hashes[path] != "" {
			m.hash = b.hashes[path]
			delete(b.hashes, path)
		}
	}
}

// commandWords returns a command line as it stands in the line of what ran it:
// in lower case, the program without its folder and ending. net.exe runs
// net1.exe with its own arguments.
func commandWords(image, command string) string {
	name := strings.TrimSuffix(proctree.BaseName(image), ".exe")
	if name == "net1" {
		name = "net"
	}
	line := strings.ToLower(name + " " + finding.Arguments(command))
	line = strings.NewReplacer(".exe", "", `"`, "").Replace(line)
	return strings.Join(strings.Fields(line), " ")
}

// event adds an event to the moment of its process.
func (b *momentBuilder) event(e *finding.Event) {
	weight := effectWeight(e)
	m := b.of[e.Process]
	if !e.Process.Exists() {
		m = nil
	}
	if weight == 0 || m == nil && b.isHabit(e) {
		return
	}
	if m == nil || e.Time > m.last+laterOfProcess {
		m = &moment{at: e.Time, last: e.Time, process: e.Process, image: e.Image, count: 1}
		if e.Process.Exists() {
			b.of[e.Process] = m
		}
		b.moments = append(b.moments, m)
	}
	m.level = max(m.level, e.Level())
	b.add(m, effect{e.Time, e.Summary, b.eventNote(e), e, e.Count, weight})
}

// isHabit reports whether an event is of a file and of a process that are
// nothing by themselves: a page that is compiled, say.
func (b *momentBuilder) isHabit(e *finding.Event) bool {
	if len(e.Rules) > 0 || !e.Process.Exists() || e.Process == b.session.Worker {
		return false
	}
	switch e.Category {
	case story.FileEvent, story.FileDelete, story.FileChange, story.FileAccess, story.CreateStreamHash:
		return true
	}
	return false
}

// eventNote returns what an event's summary lacks: the hash of the file that it
// is about, and how often it came.
func (b *momentBuilder) eventNote(e *finding.Event) string {
	var notes []string
	path := strings.ToLower(e.Record.Get("TargetFilename"))
	if sum := b.hashes[path]; sum != "" {
		notes = append(notes, "SHA-256 "+sum)
		delete(b.hashes, path)
	}
	if e.Count > 1 {
		notes = append(notes, fmt.Sprintf("%d times", e.Count))
	}
	notes = append(notes, Meetings(e.Correlated)...)
	if len(notes) == 0 {
		return ""
	}
	return " (" + strings.Join(notes, ", ") + ")"
}

// add adds an effect to a moment, unless it has an equal one.
func (b *momentBuilder) add(m *moment, e effect) {
	key := effectKey{m, e.text}
	if i, ok := b.effects[key]; ok {
		m.effects[i].count += e.count
		return
	}
	b.effects[key] = len(m.effects)
	m.last = max(m.last, min(e.at, m.last+laterOfProcess))
	m.effects = append(m.effects, e)
	if m.effectWeight += e.weight; m.effectWeight <= maxEffectWeight {
		m.weight += e.weight
	}
}

// effectWeights are how much events of a category weigh in a story. What weighs
// nothing is shown only if a rule matched it: it is how a process worked rather
// than what it did, or the tree has it too.
var effectWeights = map[story.Category]int{
	story.ServiceInstall: 40, story.ScheduledTask: 40, story.Account: 40, story.WMIEvent: 30, story.CreateRemoteThread: 40,
	story.Antivirus: 40, story.AntivirusConfiguration: 40, story.ExchangeCmdlet: 40, story.ProcessTampering: 40,
	story.Logon: 20, story.BITSClient: 20, story.NetworkConnection: 20, story.FileExecutable: 25, story.FileEvent: 15,
	story.CreateStreamHash: 10, story.FileAccess: 10, story.FileChange: 10, story.FileDelete: 5, story.WebError: 15,
	story.WebConfiguration: 20, story.ShareAccess: 10, story.FileBlock: 20, story.RawAccessThread: 20, story.DriverLoad: 30,

	story.DNSQuery: 0, story.ImageLoad: 0, story.ProcessAccess: 0, story.RegistryEvent: 0, story.PipeCreated: 0, story.Privilege: 0,
	story.AccountEnumeration: 0, story.PSClassicStart: 0, story.PSModule: 0, story.PSScript: 0, story.PSStart: 0, story.AppLocker: 0,
	story.ApplicationCrash: 0,
}

// effectWeight returns how much an event weighs, 0 if the story leaves it out.
func effectWeight(e *finding.Event) int {
	weight := effectWeights[e.Category]
	if len(e.Rules) > 0 {
		weight += weightOfLevel * int(e.Level())
	}
	return weight
}

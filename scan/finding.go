package scan

import (
	"fmt"
	"slices"
	"strings"

	"webshellscan/rules"
	"webshellscan/scan/crosscheck"
	"webshellscan/scan/event"
	"webshellscan/scan/finding"
	"webshellscan/scan/proctree"
)

// Finding is one process with all the rules that it matched.
type Finding struct {
	Process proctree.Process

	Host string
	Time event.Time // of the process's start
	// Level is how grave the finding is, LevelReasons why: first the gravest rule that
	// matched, then what rules say of what the process does, and of what it started.
	Level        rules.Level
	LevelReasons []LevelReason
	Rules        []*rules.Rule // by level, the highest first, then by name
	// Correlated are the correlation rules among Rules with the processes that met
	// them together: the process of the finding completed each.
	Correlated []*Correlation

	Image, CommandLine string
	// DecodedCommand is what the command line hides in Base64, each text on a line of
	// its own; "" if it hides nothing (see package powershell).
	DecodedCommand                 string
	ProcessID                      uint32
	ProcessGUID                    event.GUID // zero if not known
	User, IntegrityLevel           string
	ParentImage, ParentCommandLine string
	ParentProcessID                uint32
	// LogonID is that of the logon session which the process runs in. The others are
	// what Sysmon alone says of a process: the hashes of its image as it writes them,
	// the folder it was started in, and the name of its version resource.
	LogonID, Hashes, CurrentDirectory, OriginalFileName string
	// Techniques are the rules of the role technique that the process matched: what
	// their tags name is claimed of this process.
	Techniques []*rules.Rule

	// Worker is the server that the process runs below; the zero Process if it runs
	// below none, and then the other worker fields are empty. WorkerStart is 0 if it
	// is not known. Product is the server's name, or that of what runs in it, and
	// ServerRole which kind of server it is.
	Worker            proctree.Process
	WorkerImage       string
	WorkerProcessID   uint32
	WorkerCommandLine string
	WorkerStart       event.Time
	Product           string
	ServerRole        ServerRole
	// Session is the worker's key: the same for all findings below one worker,
	// and for no others. It is empty without a worker.
	Session string
	// Depth is how many links the process is below its worker, 0 without one.
	Depth int
	// Ancestors are the images from the worker (or the outermost ancestor known)
	// down to the parent, at most 64: of a longer way to the worker one entry says how
	// many are left out.
	Ancestors []string
	// Link is the least sure link between the process and the first of Ancestors.
	Link proctree.Link

	// Recovered says that only records that are no longer live speak of the process.
	Recovered bool
	// Evidence names the records that speak of the process, the one that the
	// finding is told by first.
	Evidence []finding.Evidence
	// Crosscheck is what the second decoder says of the first record.
	Crosscheck crosscheck.Result
	// Known says that a baseline knows the finding's shape.
	Known bool

	command  *command // of CommandLine as the scan had it; nil of a finding that no scan made
	measures *measures
	writer   string  // the image of what wrote its program in its session, "?" if that is not known
	raises   []raise // what it did, and what it started
}

// finding makes the finding of a subject's process, of which the rules are still
// to be said.
func (d *detection) finding(s *subject) *Finding {
	texts, p := d.forest.Texts(), s.process
	f := &s.findings.take(1)[0]
	*f = Finding{
		Process: p, Host: p.Host().Name, Time: p.Start(),
		Image: texts.Text(p.Image()), CommandLine: texts.KnownText(p.CommandLine()),
		ProcessID: p.PID(), ProcessGUID: p.GUID(),
		User: texts.KnownText(p.Field(event.User)), IntegrityLevel: texts.KnownText(p.Field(event.IntegrityLevel)),
		ParentImage:       texts.Text(s.known(p.Field(event.ParentImage), proctree.Process.Image)),
		ParentCommandLine: texts.Text(s.known(p.Field(event.ParentCommandLine), proctree.Process.CommandLine)),
		ParentProcessID:   p.ParentPID(),
		LogonID:           texts.Text(p.Field(event.LogonID)),
		Hashes:            texts.Text(p.Field(event.Hashes)),
		CurrentDirectory:  texts.Text(p.Field(event.CurrentDirectory)),
		OriginalFileName:  texts.Text(p.Field(event.OriginalFileName)),
		Recovered:         p.Recovered(),
	}
	f.command = s.command(p.CommandLine())
	f.DecodedCommand = f.command.decoded
	d.addAncestors(f, s)
	s.records = s.records[:0]
	for r := range p.Records() {
		s.records = append(s.records, d.evidence(r))
	}
	f.Evidence = s.evidence.keep(s.records)
	return f
}

// addRules adds rules that the finding's process matched.
func (f *Finding) addRules(list ...*rules.Rule) {
	f.Rules = append(f.Rules, list...)
	f.sortRules()
}

// sortRules puts the rules in their order, and takes the level from them.
func (f *Finding) sortRules() {
	slices.SortStableFunc(f.Rules, func(a, b *rules.Rule) int {
		if a.Level != b.Level {
			return int(b.Level) - int(a.Level)
		}
		return strings.Compare(a.Label(), b.Label())
	})
	f.Level = f.Rules[0].Level
}

// addAncestors fills in what the finding says of the way up to its worker.
func (d *detection) addAncestors(f *Finding, s *subject) {
	texts := d.forest.Texts()
	f.Worker = d.workers.workerOf(f.Process)
	if f.Worker.Exists() {
		f.WorkerImage, f.WorkerProcessID = texts.Text(f.Worker.Image()), f.Worker.PID()
		f.WorkerCommandLine, f.WorkerStart = texts.Text(f.Worker.CommandLine()), f.Worker.Start()
		f.Product, f.ServerRole = d.workers.product(f.Worker), d.workers.told(f.Worker).kind
		f.Session = s.sessionKey(f.Worker)
	}
	s.way = s.way[:0]
	d.climb(f, s)
	slices.Reverse(s.way)
	f.Ancestors = s.ancestors.keep(s.way)
}

// maxNamedAncestors bounds the ancestors that a finding names.
const maxNamedAncestors = 64

// climb collects the ancestors in the subject, from the parent up. Of a long way
// to a worker some in the middle are only counted.
func (d *detection) climb(f *Finding, s *subject) {
	texts, most := d.forest.Texts(), maxNamedAncestors
	if f.Worker.Exists() {
		f.Depth, f.Link = d.workers.depth(f.Process), d.workers.link(f.Process)
		if f.Depth > most {
			most -= 2
		}
	}
	p := f.Process
	for range most {
		parent, link := p.Parent()
		if !parent.Exists() || p == f.Worker {
			return
		}
		f.Link = max(f.Link, link)
		s.way = append(s.way, texts.Text(parent.Image()))
		p = parent
	}
	if f.Worker.Exists() && p != f.Worker {
		s.way = append(s.way, fmt.Sprintf("... (%d more)", f.Depth-most-1), f.WorkerImage)
	}
}

// sessionKey returns the key by which reports name a web server process: its
// host, its process ID and its start, or, of a stub whose start is not known, the
// start of its first child.
func (s *subject) sessionKey(worker proctree.Process) string {
	key, ok := s.sessions[worker]
	if !ok {
		key = sessionKey(worker)
		s.sessions[worker] = key
	}
	return key
}

func sessionKey(worker proctree.Process) string {
	start := worker.Start().String()
	if start == "" {
		for child := range worker.Children() {
			start = "before " + child.Start().String()
			break
		}
	}
	return fmt.Sprintf("%s/%d/%s", worker.Host().Name, worker.PID(), start)
}

func (d *detection) evidence(r proctree.Record) finding.Evidence {
	return newEvidence(d.forest, d.inputs, r)
}

package finding

import (
	"slices"
	"strings"

	"webshellscan/rules"
	"webshellscan/scan/crosscheck"
	"webshellscan/scan/event"
	"webshellscan/scan/proctree"
)

// Finding is one process with all the rules that it matched.
type Finding struct {
	Process proctree.Process

	Host string
	Time event.Time // of the process's start
	// Level is how grave the finding is, LevelReasons why: first the
	// gravest rule that matched, then what rules say of what the process
	// does, and of what it started.
	Level        rules.Level
	LevelReasons []LevelReason
	Rules        []*rules.Rule // by level, the highest first, then by name
	// Correlated are the correlation rules among Rules with the processes
	// that met them together: the process of the finding completed each.
	Correlated []*Correlation

	Image, CommandLine string
	// DecodedCommand is what the command line hides in Base64, each text on
	// a line of its own; "" if it hides nothing (see package powershell).
	DecodedCommand                 string
	ProcessID                      uint32
	ProcessGUID                    event.GUID // zero if not known
	User, IntegrityLevel           string
	ParentImage, ParentCommandLine string
	ParentProcessID                uint32
	// LogonID is that of the logon session which the process runs in. The
	// others are what Sysmon alone has of a process: the hashes of its
	// image as it writes them, the folder it was started in, and the name
	// of its version resource.
	LogonID, Hashes, CurrentDirectory, OriginalFileName string
	// Techniques are the rules of the role technique that the process
	// matched: what their tags name is claimed of this process.
	Techniques []*rules.Rule

	// Worker is the server that the process runs below; the zero Process if
	// it runs below none, and then the other worker fields are empty.
	// WorkerStart is 0 if it is not known. Product is the server's name, or
	// that of what runs in it, and ServerRole which kind of server it is.
	Worker            proctree.Process
	WorkerImage       string
	WorkerProcessID   uint32
	WorkerCommandLine string
	WorkerStart       event.Time
	Product           string
	ServerRole        ServerRole
	// Session is the worker's key: the same for all findings below one
	// worker, and for no others. It is empty without a worker.
	Session string
	// Depth is how many links the process is below its worker, 0 without
	// one.
	Depth int
	// Ancestors are the images from the worker (or the outermost ancestor
	// known) down to the parent, at most 64: of a longer way to the worker
	// one entry says how many are left out.
	Ancestors []string
	// Link is the least sure link between the process and the first of
	// Ancestors.
	Link proctree.Link

	// Recovered is set if only records that are no longer live have the
	// process.
	Recovered bool
	// Evidence names the records of the process, the one that the finding
	// rests on first.
	Evidence []Evidence
	// Crosscheck is how the second decoder's version of the first record
	// compares.
	Crosscheck crosscheck.Result
	// Known is set if a baseline has the finding's shape.
	Known bool

	// Command is what is made of CommandLine as the scan had it; nil of a
	// finding that no scan made.
	Command *Command
}

// AddRules adds rules that the finding's process matched.
func (f *Finding) AddRules(list ...*rules.Rule) {
	f.Rules = append(f.Rules, list...)
	f.SortRules()
}

// SortRules sorts the rules, and sets the level to that of the first.
func (f *Finding) SortRules() {
	slices.SortStableFunc(f.Rules, func(a, b *rules.Rule) int {
		if a.Level != b.Level {
			return int(b.Level) - int(a.Level)
		}
		return strings.Compare(a.Label(), b.Label())
	})
	f.Level = f.Rules[0].Level
}

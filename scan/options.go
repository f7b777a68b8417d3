// Package scan answers webshellscan's question: it reads logs, builds process
// trees, applies rules to every process with its ancestors, and returns what
// was found, on what evidence, and what the logs could not have shown.
//
// It joins the packages below it: source finds files, evtx and export decode
// events, proctree makes processes of them, rules matches these, eventrule
// other events, finding and rights make findings and sessions of what matched,
// integrity says what was done to the logs, story and webrequest tie events and
// requests to sessions, crosscheck decodes again what is reported, and partial
// stores what reading leaves behind. It depends on no terminal and no report
// format.
package scan

import (
	"fmt"
	"runtime"
	"sync/atomic"

	"webshellscan/rules"
	"webshellscan/scan/event"
	"webshellscan/scan/finding"
	"webshellscan/scan/source"
	"webshellscan/scan/webrequest"
)

// Options are what to scan, and for what.
type Options struct {
	// Paths are files and folders.
	Paths []string
	// Sources are how archives and disk images are read.
	Sources SourceOptions
	// Goroutines is how many goroutines work at once; 0 means one for each
	// CPU.
	Goroutines int
	// Rules are the rules that are applied.
	Rules RuleOptions
	// Hosts selects the findings of these hosts only, as MatchesHost
	// compares them. Empty selects all.
	Hosts []string
	// MinLevel selects only sessions of this level or above, with all their
	// findings, and findings below no web server of this level or above.
	// rules.LevelNone selects all.
	MinLevel rules.Level
	// Since and Until bound the time of findings: from Since on, and before
	// Until. Zero means no bound. Trees are built of all events.
	Since, Until event.Time
	// Crosscheck bounds how many findings the second decoder is asked
	// about; 0 means DefaultCrosscheck, a negative number none. It takes
	// about a tenth of a millisecond for each.
	Crosscheck int
	// Hash requests the SHA-256 of all inputs in the manifest, of the bytes
	// that are scanned, as they are read.
	Hash bool
	// Version is the program's version, for the manifest.
	Version string
	// Recover also reads records that are no longer live, from the unused
	// parts of chunks. Their processes are marked.
	Recover bool
	// Baseline, if not nil, is what is known to run: findings of its shapes
	// are marked, and their sessions come last.
	Baseline *finding.Baseline
	// RawEvents is how many findings keep the event as the second decoder
	// has it (crosscheck.Result.Raw), of those that it is asked about, the
	// first ones first. Each takes some kilobytes.
	RawEvents int
	// WebLogs are the hosts that web logs are of, by path of a file or
	// folder, where their lines do not name them.
	WebLogs map[string]string
	// Expect are hosts that there should be logs of, by name or by the
	// label of a partial result. Those of which there are none make the
	// scan incomplete.
	Expect []string
	// Found, if not nil, is called once for each record that findings and
	// reported events rest on, while the evidence is open: by host and
	// channel, in the order of the logs. An error that it returns is
	// reported as a crash of this program.
	Found func(*FoundRecord) error
	// Explain lists records: Result.Explained says why each is tied to a
	// session, or why not.
	Explain []RecordRef
	// ExplainRequests is the same for web requests.
	ExplainRequests []webrequest.Ref
	// Progress, if not nil, is kept up to date while the scan runs.
	Progress *Progress
}

// Origin is where in an archive or a disk image a log lies.
type Origin = source.Origin

// SourceOptions are how archives and disk images are read.
type SourceOptions = source.Options

// DefaultCrosscheck is how many findings the second decoder checks unless
// Options say otherwise: every finding of any but the noisiest scans.
const DefaultCrosscheck = 500

// maxGoroutines bounds the goroutines that work at once, each of which needs
// some memory.
const maxGoroutines = 1024

// goroutines returns the number of goroutines to use.
func (o *Options) goroutines() int {
	if o.Goroutines > 0 {
		return min(o.Goroutines, maxGoroutines)
	}
	return runtime.GOMAXPROCS(0)
}

// only describes which part of what there is was asked for; it is empty if all
// of it was. below is how many findings the level left out.
func (o *Options) only(below int) []string {
	var list []string
	add := func(what string, values ...string) {
		for _, v := range values {
			list = append(list, what+v)
		}
	}
	add("host ", o.Hosts...)
	if o.Since != 0 {
		add("from ", o.Since.String())
	}
	if o.Until != 0 {
		add("before ", o.Until.String())
	}
	if o.MinLevel != 0 {
		add("level ", fmt.Sprintf("%s or above (findings below it left out: %d)", o.MinLevel, below))
	}
	if o.Rules.NoBuiltin {
		list = append(list, "without the built-in rules")
	}
	return append(list, o.Rules.choice()...)
}

// wantsTime reports whether findings of a time are asked for.
func (o *Options) wantsTime(t event.Time) bool {
	return (o.Since == 0 || t >= o.Since) && (o.Until == 0 || t < o.Until)
}

// Progress is how far a scan has come. All of it may be read while the scan
// runs.
type Progress struct {
	// Total is the number of bytes to read, Done how many of them were
	// read. Total is 0 as long as files are still being looked for.
	Total, Done atomic.Int64
	// ToHash is how many containers are hashed after all was read, Hashed
	// how many of them are done.
	ToHash, Hashed atomic.Int64
	// File is the path of a file that is being read.
	File atomic.Pointer[string]

	phase atomic.Int32
}

// Phase is what a scan does.
type Phase int32

// The phases, in their order.
const (
	PhaseFinding Phase = iota
	PhaseReading
	PhaseTrees
	PhaseRules
	PhaseStory
	PhaseIntegrity
	PhaseHashing
)

// String describes the phase in two or three words.
func (p Phase) String() string {
	return [...]string{
		"finding files", "reading", "building trees", "applying rules", "reading the story", "checking the logs", "hashing",
	}[min(max(p, 0), PhaseHashing)]
}

// Phase returns what the scan does now.
func (p *Progress) Phase() Phase { return Phase(p.phase.Load()) }

// Enter sets the phase that begins. p may be nil.
func (p *Progress) Enter(phase Phase) {
	if p != nil {
		p.phase.Store(int32(phase))
	}
}

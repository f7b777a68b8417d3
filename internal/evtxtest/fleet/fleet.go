package fleet

import (
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"time"

	"webshellscan/internal/evtxtest"
)

// Fleet is a set of hosts.
type Fleet struct {
	seed      uint64
	hosts     []*Host
	processes []*Process
	forget    bool // processes are not kept
}

// New returns a fleet without hosts. The seed settles everything that the hosts
// do by chance.
func New(seed uint64) *Fleet { return &Fleet{seed: seed} }

// Hosts returns the hosts in the order they were added.
func (f *Fleet) Hosts() []*Host { return f.hosts }

// Processes returns every process of every host in the order they started on
// it.
func (f *Fleet) Processes() []*Process { return f.processes }

// HostOptions are what kind of machine a host is and what it logs.
type HostOptions struct {
	// Name is the computer name as it stands in events.
	Name string
	// Domain is the NetBIOS name of the domain that the host belongs to.
	Domain string
	// Build is the build number of Windows, such as 17763.
	Build uint32
	// Sysmon is the generation of Sysmon; 0 means that it is not installed.
	Sysmon evtxtest.SysmonSchema
	// Audit makes the Security log hold process creations, with the fields
	// of AuditForm.
	Audit     bool
	AuditForm evtxtest.ProcessCreatedForm
	// CommandLines is the policy that puts command lines into event 4688.
	CommandLines bool
	// AuditEnds makes the Security log hold ends of processes.
	AuditEnds bool
	// Roles are what the host is there for.
	Roles []Role
	// Noise scales how often things happen that have nothing to do with an
	// incident; 0 means 1.
	Noise float64
	// PowerShell makes each PowerShell log that it started; Scripts what it
	// runs, too.
	PowerShell, Scripts bool
	// TaskLog makes the task scheduler log what it starts.
	TaskLog bool
	// Web is what the host's web server writes of its requests; nil means
	// nothing.
	Web *WebServer
	// PHPJobs is how often, on average and before Noise, PHP packages call
	// programs; 0 means every 9 minutes.
	PHPJobs time.Duration
}

// Role is a task of a host: it starts services at boot and does something now
// and then.
type Role uint8

// The roles.
const (
	RoleIIS         Role = iota // application pools, pages that are compiled now and then
	RoleTomcat                  // a Tomcat service
	RoleApache                  // Apache with PHP, whose applications call harmless programs
	RoleExchange                // application pools of a mail server
	RoleDC                      // many logons
	RoleWorkstation             // a user with a browser and office programs
	RoleServer                  // administrators who look around, backups, a monitoring agent
)

// Host is one Windows machine.
type Host struct {
	options HostOptions
	fleet   *Fleet
	rng     *rand.Rand
	spare   *rand.Rand // for what is done aside
	now     evtxtest.FileTime
	queue   queue

	logs   map[string]*Log
	order  []*Log // logs in the order they were first written to
	sysmon *Process
	// sink, if not nil, takes events in place of their logs; distinct makes
	// command lines so.
	sink     func(*Log, *evtxtest.Event, *Process)
	distinct bool
	programs map[string]*Program

	up        bool
	boots     int
	bootTime  evtxtest.FileTime
	crash     *evtxtest.UnexpectedShutdown // to be reported by the next boot
	sequence  uint64                       // processes started since the boot
	machineID uint32
	live      []*Process
	byPID     map[uint32]*Process

	reservedFor string // program that gets the PID reserved
	reserved    uint32

	services  map[string]*Process
	sessions  map[string]*Session
	nextLogon uint64
	requests  []*Request // in the order of their ends
}

// AddHost adds a host whose clock stands at start.
func (f *Fleet) AddHost(o HostOptions, start time.Time) *Host {
	id := fnv.New64a()
	id.Write([]byte(o.Name))
	h := &Host{
		options: o, fleet: f, rng: rand.New(rand.NewPCG(f.seed, id.Sum64())),
		spare: rand.New(rand.NewPCG(f.seed+1, id.Sum64())),
		now:   evtxtest.FileTimeOf(start), logs: map[string]*Log{}, programs: map[string]*Program{},
		services: map[string]*Process{}, sessions: map[string]*Session{}, nextLogon: 0x20000,
		machineID: uint32(id.Sum64() >> 16),
	}
	if h.options.Noise == 0 {
		h.options.Noise = 1
	}
	if h.options.PHPJobs == 0 {
		h.options.PHPJobs = 9 * time.Minute
	}
	f.hosts = append(f.hosts, h)
	return h
}

// Name returns the computer name.
func (h *Host) Name() string { return h.options.Name }

// shortName returns the computer name up to the first dot.
func (h *Host) shortName() string {
	for i := range len(h.options.Name) {
		if h.options.Name[i] == '.' {
			return h.options.Name[:i]
		}
	}
	return h.options.Name
}

// chance reports true in so many of a hundred cases.
func (h *Host) chance(percent int) bool { return h.rng.IntN(100) < percent }

// between returns a duration from low up to high.
func (h *Host) between(low, high time.Duration) time.Duration {
	return low + time.Duration(h.rng.Int64N(int64(high-low)+1))
}

// pick returns one of items.
func pick[T any](h *Host, items []T) T { return items[h.rng.IntN(len(items))] }

// hasRole reports whether the host has a role.
func (h *Host) hasRole(r Role) bool {
	return slices.Contains(h.options.Roles, r)
}

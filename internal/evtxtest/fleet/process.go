package fleet

import (
	"encoding/binary"
	"strconv"
	"time"

	"webshellscan/internal/evtxtest"
)

// Process is what is true of a process, and where it was logged.
type Process struct {
	Host   *Host
	PID    uint32
	Parent *Process // nil for those that the kernel starts
	// Program is what runs: Image is its path, CommandLine how it was
	// started.
	Program     *Program
	Image       string
	CommandLine string
	Directory   string
	Session     *Session
	GUID        evtxtest.GUID
	Boot        int
	Start       evtxtest.FileTime
	End         evtxtest.FileTime // 0 if it was running when the model stopped or the host went down
	// Incident names the script that the process belongs to; empty for
	// everyday business.
	Incident string
	// Records are its records, in the files that have been written.
	Records []RecordRef
	// Traces are the records of what it did, in the files that have been
	// written.
	Traces []RecordRef

	live int // index in Host.live, -1 when ended
}

// RecordRef is a place where a process was logged.
type RecordRef struct {
	File          string
	EventID       uint16
	EventRecordID uint64
}

// WebServer reports whether the process is one that answers web requests.
func (p *Process) WebServer() bool { return p.Program.webServer }

// Worker returns the nearest web server among the ancestors of p, nil if there
// is none.
func (p *Process) Worker() *Process {
	for a := p.Parent; a != nil; a = a.Parent {
		if a.WebServer() {
			return a
		}
	}
	return nil
}

// Chain returns the names of the programs from the worker down to p; nil if
// there is no worker.
func (p *Process) Chain() []string {
	worker := p.Worker()
	if worker == nil {
		return nil
	}
	var names []string
	for a := p; ; a = a.Parent {
		names = append([]string{a.Program.Base()}, names...)
		if a == worker {
			return names
		}
	}
}

// start starts a process and logs it. A PID of 0 means the next free one.
func (h *Host) start(parent *Process, prog *Program, command string, s *Session, pid uint32) *Process {
	if pid == 0 {
		pid = h.freePID(prog.key)
	}
	h.sequence++
	if h.distinct {
		command += " /n:" + strconv.FormatUint(h.sequence, 10)
	}
	p := &Process{
		Host: h, PID: pid, Parent: parent, Program: prog, Image: prog.image, CommandLine: command,
		Directory: prog.directory(), Session: s, Boot: h.boots, Start: h.now, live: len(h.live),
	}
	if parent != nil {
		p.Incident = parent.Incident
	}
	p.GUID = h.processGUID(p)
	h.live = append(h.live, p)
	h.byPID[pid] = p
	if !h.fleet.forget {
		h.fleet.processes = append(h.fleet.processes, p)
	}
	h.logStart(p)
	return p
}

// end ends a process and logs it. Ending twice is no harm.
func (h *Host) end(p *Process) {
	if p.live < 0 || p.Boot != h.boots || !h.up {
		return
	}
	last := h.live[len(h.live)-1]
	h.live[p.live] = last
	last.live = p.live
	h.live = h.live[:len(h.live)-1]
	p.live = -1
	delete(h.byPID, p.PID)
	p.End = h.now
	h.logEnd(p)
}

// endAfter ends a process a while from now.
func (h *Host) endAfter(p *Process, d time.Duration) { h.after(d, func() { h.end(p) }) }

// pidRange is how many PIDs a host gives out; small enough that they come back
// within hours.
const pidRange = 2200

// freePID returns a PID that no live process has: a multiple of 4, as in all
// sample logs.
func (h *Host) freePID(program string) uint32 {
	if program == h.reservedFor {
		h.reservedFor = ""
		return h.reserved
	}
	for {
		pid := 480 + 4*uint32(h.rng.IntN(pidRange))
		_, taken := h.byPID[pid]
		if !taken && !(h.reservedFor != "" && pid == h.reserved) {
			return pid
		}
	}
}

// ReservePID makes the next process of a program, named by its key in the
// catalog, get a PID that another process of the boot before had.
func (h *Host) ReservePID(program string, pid uint32) { h.reservedFor, h.reserved = program, pid }

// processGUID returns the GUID that Sysmon gives a process: machine, start in
// seconds since 1970, and a key. In older generations the key is 0x10000000 and
// the number of the token, in newer ones the boot and the number of the process
// since then.
func (h *Host) processGUID(p *Process) evtxtest.GUID {
	var g evtxtest.GUID
	binary.LittleEndian.PutUint32(g[0:], h.machineID)
	binary.LittleEndian.PutUint32(g[4:], p.Start.UnixSeconds())
	key := uint64(h.boots)<<48 | h.sequence
	if h.options.Sysmon < evtxtest.Sysmon23 {
		key = (0x11000+h.sequence*0x1D3)<<32 | 0x10000000
	}
	binary.LittleEndian.PutUint64(g[8:], key)
	return g
}

// running returns the live process of a program, the one started first; nil if
// there is none.
func (h *Host) running(key string) *Process {
	var first *Process
	for _, p := range h.live {
		if p.Program.key == key && (first == nil || p.Start < first.Start) {
			first = p
		}
	}
	return first
}

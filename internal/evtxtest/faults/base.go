// Package faults damages logs: one recipe for each kind of damage and forgery
// that event logs were seen or thought to have. Each has which records must
// still be read and how the damage must be reported. The recipes change a
// sound log of three chunks, with 39, 42 and 6 records, or build one that no
// writer would.
package faults

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"webshellscan/internal/evtxtest"
)

// The layout of the format that recipes count with.
const (
	headerSize = 4096
	chunkSize  = 65536
	chunkHead  = 512
	recordHead = 24
	// instance is where the token of a record's template instance stands,
	// from the record's start; id and definition are 2 and 6 bytes behind
	// it.
	instance = recordHead + 4
)

// records are how many records each chunk of the base has.
var records = []int{39, 42, 6}

// FirstID is the identifier of the first record of the base; the others follow.
const FirstID = 1000

// Hostile is the identifier of the first record that the base does not have.
const Hostile = 900_000

// noon is the time of the first record; the others follow a second apart.
var noon = time.Date(2026, 3, 2, 12, 0, 0, 123456700, time.UTC)

// Base returns the sound log.
func Base() *evtxtest.File { return build(evtxtest.Options{Filler: []byte{0xEE}}) }

func build(o evtxtest.Options) *evtxtest.File {
	f, err := evtxtest.BuildFunc(o, func(w *evtxtest.Writer) error { return writeBase(w, len(records)) })
	if err != nil {
		panic(err) // the recipes are constant
	}
	return f
}

// writeBase writes the records of the first chunks.
func writeBase(w *evtxtest.Writer, chunks int) error {
	i := 0
	for _, n := range records[:chunks] {
		for range n {
			ev := event(i)
			if err := w.Write(&ev); err != nil {
				return err
			}
			i++
		}
		w.EndChunk()
	}
	return nil
}

// event returns the event of a number: process events of both sources, and
// others.
func event(i int) evtxtest.Event {
	at := noon.Add(time.Duration(i) * time.Second)
	pid := uint32(1000 + 4*i)
	account := evtxtest.Account{SID: evtxtest.MustSID("S-1-5-18"), Name: "WEB01$", Domain: "CORP", LogonID: 0x3e7}
	var source evtxtest.Source
	switch i % 6 {
	case 0, 3:
		source = &evtxtest.SysmonProcessCreate{
			ProcessID: pid, Image: `C:\Windows\System32\cmd.exe`, CommandLine: fmt.Sprintf(`cmd /c "echo %d é日本 <&>"`, i),
			User: `IIS APPPOOL\shop`, LogonID: 0x3e7, IntegrityLevel: "High", ParentProcessID: 4000,
			ParentImage: `C:\Windows\System32\inetsrv\w3wp.exe`,
			ProcessGUID: evtxtest.MustGUID(fmt.Sprintf("{365ABB72-4A01-5CE7-0000-0010%08X}", i)),
		}
	case 1, 4:
		source = &evtxtest.ProcessCreated{
			NewProcessID: uint64(pid), NewProcessName: `C:\Windows\System32\whoami.exe`, ProcessID: 4000,
			CommandLine: fmt.Sprintf("whoami /all %d", i), Subject: account,
		}
	case 2:
		source = &evtxtest.ServiceState{}
	case 5:
		if i%12 == 5 {
			source = &evtxtest.ProcessExited{Subject: account, ProcessID: uint64(pid), ProcessName: `C:\Windows\System32\whoami.exe`}
			break
		}
		source = &evtxtest.SysmonProcessTerminate{ProcessID: pid, Image: `C:\Windows\System32\cmd.exe`}
	}
	ev := evtxtest.NewEvent(at, "WEB01.corp.example", source)
	ev.RecordID = uint64(FirstID + i)
	return ev
}

// Log is a damaged log, and what is known of it.
type Log struct {
	Data []byte
	// Open is the error that opening it must give, as text: "empty",
	// "truncated", "not EVTX"; "" for none.
	Open string
	// IDs are the System/EventRecordID of the records that must be read,
	// each once, in any order.
	IDs []uint64
	// Changed are those of them whose content is not that of the base,
	// Hidden, Recovered and Substituted those that come with that mark.
	Changed, Hidden, Recovered, Substituted []uint64
	// Recover is set if stale records must be read too.
	Recover bool
	// Loose is set if the log holds records that the base does not have,
	// with identifiers from Hostile on, of which any may or may not be
	// read; and that Faults are classes, each met at least once.
	Loose bool
	// Faults are those that must be reported, in the order of place: no
	// more and no less. File-wide ones have the offset 0.
	Faults []Fault

	file *evtxtest.File
}

// Fault is one expected fault.
type Fault struct {
	Class  string
	Offset int64 // in bytes from the start of the file
	// Have is the number that comes with it, if it is not 0.
	Have int64
}

// base returns the sound log with all its records.
func base() *Log {
	l := &Log{file: Base()}
	l.Data = l.file.Data
	for i := range records[0] + records[1] + records[2] {
		l.IDs = append(l.IDs, uint64(FirstID+i))
	}
	return l
}

// chunk returns a chunk of the log, chunkAt its offset.
func (l *Log) chunk(i int) []byte  { return l.file.ChunkData(i) }
func (l *Log) chunkAt(i int) int64 { return headerSize + int64(i)*chunkSize }

// record returns record k of chunk i, at its offset.
func (l *Log) record(i, k int) []byte {
	r := l.file.Chunks[i].Records[k]
	return l.Data[r.Offset : r.Offset+int64(r.Size)]
}
func (l *Log) at(i, k int) int64 { return l.file.Chunks[i].Records[k].Offset }

// place returns where the parts of record k of chunk i lie.
func (l *Log) place(i, k int) *evtxtest.Record { return &l.file.Chunks[i].Records[k] }

func id(i, k int) uint64 {
	n := FirstID + k
	for _, more := range records[:i] {
		n += more
	}
	return uint64(n)
}

// lose removes records k to last of chunk i from those that must be read.
func (l *Log) lose(i, k, last int) {
	from, to := id(i, k), id(i, last)
	l.IDs = slices.DeleteFunc(l.IDs, func(n uint64) bool { return n >= from && n <= to })
}

func (l *Log) expect(class string, offset int64) {
	l.Faults = append(l.Faults, Fault{Class: class, Offset: offset})
}

func (l *Log) expectHave(class string, offset, have int64) {
	l.Faults = append(l.Faults, Fault{class, offset, have})
}

// fix recomputes the checksums of a chunk.
func (l *Log) fix(i int) { l.file.FixChunk(i) }

func put16(b []byte, at int, n uint16) { binary.LittleEndian.PutUint16(b[at:], n) }
func put32(b []byte, at int, n uint32) { binary.LittleEndian.PutUint32(b[at:], n) }
func put64(b []byte, at int, n uint64) { binary.LittleEndian.PutUint64(b[at:], n) }
func get32(b []byte, at int) uint32    { return binary.LittleEndian.Uint32(b[at:]) }
func get64(b []byte, at int) uint64    { return binary.LittleEndian.Uint64(b[at:]) }

// Complete reports whether the text of a record, as some reader renders it,
// holds the command line of the base's record of that identifier, if it has
// one. Where the recipe changed it, any text will do.
func Complete(l *Log, number, text string) bool {
	n, err := strconv.Atoi(number)
	if err != nil || slices.Contains(l.Changed, uint64(n)) || n < FirstID || n >= FirstID+records[0]+records[1]+records[2] {
		return err == nil
	}
	switch i := n - FirstID; i % 6 {
	case 0, 3:
		return strings.Contains(text, fmt.Sprintf("echo %d ", i))
	case 1, 4:
		return strings.Contains(text, fmt.Sprintf("whoami /all %d", i))
	}
	return true
}

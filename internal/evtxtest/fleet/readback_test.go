package fleet_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/0xrawsec/golang-evtx/evtx"

	"webshellscan/internal/evtxtest"
	"webshellscan/internal/evtxtest/fleet"
)

// readEvent is the part of an event that tells of a process.
type readEvent struct {
	computer, id     string
	record           uint64
	pid              uint32
	image, command   string
	parentPID        uint32
	parentImage      string
	haveParentImage  bool
	guid, parentGUID string
}

// readFile reads a file with golang-evtx, chunk by chunk.
func readFile(t *testing.T, file []byte) []readEvent {
	t.Helper()
	var events []readEvent
	for at := 4096; at+65536 <= len(file); at += 65536 {
		c := evtx.NewChunk()
		c.Data = file[at : at+65536]
		r := bytes.NewReader(c.Data)
		c.ParseChunkHeader(r)
		evtx.GoToSeeker(r, 128)
		c.ParseStringTable(r)
		if err := c.ParseTemplateTable(r); err != nil {
			t.Fatal(err)
		}
		evtx.GoToSeeker(r, 512)
		for offset := uint32(512); offset <= uint32(c.Header.OffsetLastRec); {
			e := c.ParseEvent(int64(offset))
			m, err := e.GoEvtxMap(&c)
			if err != nil {
				t.Fatalf("record at %d of chunk at %d: %v", offset, at, err)
			}
			events = append(events, readMap((*m)["Event"].(evtx.GoEvtxMap)))
			offset += binary.LittleEndian.Uint32(c.Data[offset+4:])
		}
	}
	return events
}

func readMap(m evtx.GoEvtxMap) readEvent {
	system := m["System"].(evtx.GoEvtxMap)
	data, _ := m["EventData"].(evtx.GoEvtxMap)
	text := func(name string) string {
		s, _ := data[name].(string)
		return s
	}
	id, ok := system["EventID"].(string)
	if !ok {
		id = fmt.Sprint(system["EventID"].(evtx.GoEvtxMap)["Value"])
	}
	record, _ := strconv.ParseUint(system["EventRecordID"].(string), 10, 64)
	e := readEvent{computer: system["Computer"].(string), id: id, record: record, command: text("CommandLine")}
	switch id {
	case "1", "5":
		e.pid, e.image = number(text("ProcessId")), text("Image")
		e.parentPID, e.parentImage = number(text("ParentProcessId")), text("ParentImage")
		e.guid, e.parentGUID = text("ProcessGuid"), text("ParentProcessGuid")
		e.haveParentImage = true
	case "4688":
		e.pid, e.image = number(text("NewProcessId")), text("NewProcessName")
		e.parentPID, e.parentImage = number(text("ProcessId")), text("ParentProcessName")
		_, e.haveParentImage = data["ParentProcessName"]
	case "4689":
		e.pid, e.image = number(text("ProcessId")), text("ProcessName")
	}
	return e
}

func number(s string) uint32 {
	n, _ := strconv.ParseUint(s, 0, 32)
	return uint32(n)
}

// TestDemoReadsBack compares every process event of the demonstration's files,
// as golang-evtx reads them, with the truth: none is missing, none is too many,
// all fields agree.
func TestDemoReadsBack(t *testing.T) {
	d := demo(t)
	compareWithTruth(t, d.Fleet, d.Files)
}

// TestGenerations does the same for hosts of every generation of Sysmon and of
// Windows, in every style, with a crash in between.
func TestGenerations(t *testing.T) {
	start := time.Date(2024, 5, 6, 7, 0, 0, 0, time.UTC)
	f := fleet.New(7)
	for i, o := range []fleet.HostOptions{
		{Build: 7601, Sysmon: evtxtest.Sysmon17, AuditForm: evtxtest.ProcessCreatedV0},
		{Build: 9200, Sysmon: evtxtest.Sysmon16, AuditForm: evtxtest.ProcessCreatedV2Short},
		{Build: 9600, Sysmon: evtxtest.Sysmon20, AuditForm: evtxtest.ProcessCreatedV1},
		{Build: 14393, Sysmon: evtxtest.Sysmon21},
		{Build: 17763, Sysmon: evtxtest.Sysmon22},
		{Build: 20348, Sysmon: evtxtest.Sysmon23},
	} {
		o.Name, o.Domain, o.Audit, o.AuditEnds, o.CommandLines = fmt.Sprintf("GEN%d", i), "HARBOR", true, true, true
		o.Roles = []fleet.Role{fleet.RoleIIS, fleet.RoleServer}
		h := f.AddHost(o, start)
		h.At(start, (*fleet.Host).Boot)
		h.At(start.Add(9*time.Minute), (*fleet.Host).Crash)
		h.At(start.Add(12*time.Minute), (*fleet.Host).Boot)
		h.Run(start.Add(25 * time.Minute))
	}
	styles := []evtxtest.Style{
		evtxtest.StyleLive, evtxtest.StyleExported, evtxtest.StyleArchived, evtxtest.StyleForwarded,
	}
	var files []fleet.File
	for i, h := range f.Hosts() {
		for k, channel := range []string{fleet.ChannelSysmon, fleet.ChannelSecurity, fleet.ChannelSystem} {
			l := h.Log(channel)
			if l.Len() == 0 {
				t.Errorf("%s has logged nothing to %s", h.Name(), channel)
			}
			file, err := f.Write(fleet.FileSpec{
				Path: fmt.Sprintf("%s/%d.evtx", h.Name(), k), Logs: []*fleet.Log{l},
				Options: evtxtest.Options{Style: styles[(i+k)%len(styles)]},
			})
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, file)
		}
	}
	compareWithTruth(t, f, files)
	if _, err := f.Write(fleet.FileSpec{Path: "x", Logs: []*fleet.Log{f.Hosts()[0].Log(fleet.ChannelSystem)}, Ring: 99}); err == nil {
		t.Error("a ring of 99 chunks was made of one")
	}
}

// compareWithTruth compares what golang-evtx reads from the files with what the
// fleet says.
func compareWithTruth(t *testing.T, f *fleet.Fleet, files []fleet.File) {
	t.Helper()
	type place struct {
		file   string
		id     string
		record uint64
	}
	truth := map[place]*fleet.Process{}
	for _, p := range f.Processes() {
		for _, r := range p.Records {
			truth[place{r.File, fmt.Sprint(r.EventID), r.EventRecordID}] = p
		}
	}
	for _, f := range files {
		events := readFile(t, f.Data)
		if len(events) != f.Records {
			t.Errorf("%s: %d records read, want %d", f.Path, len(events), f.Records)
		}
		for _, e := range events {
			at := place{f.Path, e.id, e.record}
			p := truth[at]
			isProcess := e.image != "" && e.pid != 0
			if (p != nil) != isProcess {
				t.Errorf("%s: event %s, record %d: process %v, truth %v", f.Path, e.id, e.record, isProcess, p != nil)
				continue
			}
			if p != nil {
				delete(truth, at)
				checkEvent(t, f.Path, p, e)
			}
		}
	}
	for at, p := range truth {
		t.Errorf("%+v of %s is in no file", at, p.Image)
	}
}

// checkEvent compares an event with the process that it tells of.
func checkEvent(t *testing.T, file string, p *fleet.Process, e readEvent) {
	t.Helper()
	command := e.command
	if e.id == "1" {
		command = strings.ReplaceAll(command, "%%", "%")
	}
	bad := e.computer != p.Host.Name() || e.pid != p.PID || e.image != p.Image
	if e.id == "1" || e.id == "4688" {
		bad = bad || command != p.CommandLine && command != "" || e.parentPID != p.Parent.PID
		bad = bad || e.haveParentImage && e.parentImage != p.Parent.Image
	}
	if e.guid != "" {
		bad = bad || !sameGUID(e.guid, p.GUID)
	}
	if e.parentGUID != "" {
		bad = bad || !sameGUID(e.parentGUID, p.Parent.GUID)
	}
	if bad {
		t.Errorf("%s: %+v does not fit %d %s %q", file, e, p.PID, p.Image, p.CommandLine)
	}
}

// sameGUID compares a GUID with its text, with or without braces.
func sameGUID(text string, g evtxtest.GUID) bool {
	parsed, err := evtxtest.ParseGUID(text)
	return err == nil && parsed == g
}

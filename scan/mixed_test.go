package scan_test

import (
	"encoding/binary"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"webshellscan/internal/evtxtest"
	"webshellscan/scan"
	"webshellscan/scan/integrity"
	"webshellscan/scan/proctree"
)

// TestLeastSureLink: a finding is as sure as the least sure link up to its web
// server, wherever on the way that lies.
func TestLeastSureLink(t *testing.T) {
	const w3wp, cmd, whoami = `C:\Windows\System32\inetsrv\w3wp.exe`, `C:\Windows\System32\cmd.exe`, `C:\Windows\System32\whoami.exe`
	process := func(seconds int, pid, parent uint64, image, parentImage string) evtxtest.Event {
		return after(time.Duration(seconds)*time.Second, &evtxtest.ProcessCreated{
			NewProcessID: pid, NewProcessName: image, ProcessID: parent, ParentProcessName: parentImage, CommandLine: image,
		})
	}
	path := filepath.Join(t.TempDir(), "a.evtx")
	logOf(t, path, process(0, 1000, 4, w3wp, ""), process(1, 1004, 1000, cmd, ""), process(2, 1008, 1004, whoami, cmd), process(3, 1012, 1000, cmd, w3wp))
	want := map[uint32]proctree.Link{1004: proctree.LinkTime, 1008: proctree.LinkTime, 1012: proctree.LinkName}
	found := mustScan(t, scan.Options{Paths: []string{path}}).Findings
	for _, f := range found {
		if f.Link != want[f.ProcessID] {
			t.Errorf("process %d: %s, want %s", f.ProcessID, f.Link, want[f.ProcessID])
		}
	}
	if len(found) != len(want) {
		t.Errorf("%d findings, want %d", len(found), len(want))
	}
}

// TestRenamedHost: a log in which a host is spelled in two ways is one log of
// one host, with its gap.
func TestRenamedHost(t *testing.T) {
	events := []evtxtest.Event{creation(0, 1000), creation(time.Minute, 1004), creation(2*time.Minute, 1008)}
	for i := range events {
		events[i].RecordID = uint64(100 + 10*i)
	}
	events[2].Computer = "WEB01.corp.example"
	path := filepath.Join(t.TempDir(), "Security.evtx")
	writeLog(t, path, evtxtest.Options{}, events)
	res := mustScan(t, scan.Options{Paths: []string{path}})
	if len(res.Coverage) != 1 || len(res.Coverage[0].Channels) != 1 {
		t.Fatalf("%+v", res.Coverage)
	}
	if c := res.Coverage[0].Channels[0]; c.Files != 1 || c.Records != 3 || len(c.Gaps) != 2 || c.GapsLeft != 0 {
		t.Errorf("%+v", c)
	}
	if len(res.Integrity) != 1 || res.Integrity[0].Host != res.Coverage[0].Host || res.Integrity[0].Channel != "Security" {
		t.Errorf("%v", integrityLines(res))
	}
}

// TestStaleCopy: what a live record says is not told by a stale copy of it, in
// whatever order their files come; a stale record alone is told as such.
func TestStaleCopy(t *testing.T) {
	cleared := after(0, &evtxtest.SecurityLogCleared{Subject: evtxtest.Account{SID: evtxtest.MustSID("S-1-5-18"), Name: "admin"}})
	folder := t.TempDir()
	stale, live := filepath.Join(folder, "a.evtx"), filepath.Join(folder, "b.evtx")
	logOf(t, stale, cleared)
	logOf(t, live, cleared)
	data, err := os.ReadFile(stale)
	if err != nil {
		t.Fatal(err)
	}
	chunk, le := data[4096:], binary.LittleEndian // made empty as a cleared log's is
	le.PutUint64(chunk[8:], 1)
	for _, at := range []int{16, 24, 32} {
		le.PutUint64(chunk[at:], 1<<64-1)
	}
	le.PutUint32(chunk[44:], 0)
	le.PutUint32(chunk[48:], 512)
	le.PutUint32(chunk[52:], 0)
	clear(chunk[128:512])
	le.PutUint32(chunk[124:], crc32.Update(crc32.ChecksumIEEE(chunk[:120]), crc32.IEEETable, chunk[128:512]))
	if err := os.WriteFile(stale, data, 0o600); err != nil {
		t.Fatal(err)
	}
	find := func(paths ...string) *integrity.Finding {
		for _, i := range mustScan(t, scan.Options{Paths: paths}).Integrity {
			if i.Kind == integrity.LogCleared {
				return i
			}
		}
		t.Fatal("the clearing is not told")
		return nil
	}
	const mark = "no longer live"
	if i := find(folder); strings.Contains(i.Text, mark) || len(i.Evidence) != 1 || i.Evidence[0].File != live {
		t.Errorf("live and stale: %q, %+v", i.Text, i.Evidence)
	}
	if i := find(stale); !strings.Contains(i.Text, mark) || !i.Evidence[0].Recovered {
		t.Errorf("stale alone: %q, %+v", i.Text, i.Evidence)
	}
}

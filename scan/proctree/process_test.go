package proctree_test

import (
	"math/rand/v2"
	"testing"

	"webshellscan/scan/event"
	"webshellscan/scan/proctree"
)

// one returns the only process with a record that the events give.
func one(t *testing.T, events string) proctree.Process {
	t.Helper()
	f := build(t, parseEvents(t, events), 1, rand.New(rand.NewPCG(1, 1)))
	var found proctree.Process
	for p := range f.Processes(0) {
		if !p.Stub() {
			if found.Exists() {
				t.Fatal("there are two processes")
			}
			found = p
		}
	}
	if !found.Exists() {
		t.Fatal("there is no process")
	}
	return found
}

// TestSysmonTime: UtcTime is when a process started if it is a time at all, and
// the process GUID or TimeCreated bear it out.
func TestSysmonTime(t *testing.T) {
	for _, tt := range []struct {
		name, line string
		want       event.Time // seconds after noon
	}{
		{"the GUID has its second", "t=3600 utc=10 guid=A10", 10},
		{"the GUID has the second before", "t=3600 utc=10 guid=A9", 10},
		{"the GUID has the second after", "t=3600 utc=10 guid=A11", 10},
		{"the GUID has that of two seconds before", "t=3600 utc=10 guid=A8", 3600},
		{"the GUID has that of two seconds after", "t=3600 utc=10 guid=A12", 3600},
		{"no GUID, and it was written at once", "t=15 utc=10 guid=0", 10},
		{"no GUID, and it was written within ten minutes", "t=609 utc=10 guid=0", 10},
		{"no GUID, and it was written ten minutes before or after", "t=610 utc=10 guid=0", 610},
		{"no GUID, and it lies ten minutes ahead", "t=10 utc=610 guid=0", 10},
		{"no GUID, and it lies a little less ahead", "t=10 utc=609 guid=0", 609},
		{"no year that a log is of, though the GUID has it too", "t=3600 utc=-900000000 guid=A-900000000", 3600},
	} {
		p := one(t, "S1 pid=60 image=cmd.exe ppid=50 "+tt.line)
		if got := (p.Start() - noon) / event.Second; got != tt.want {
			t.Errorf("%s: the process starts at %d, want %d", tt.name, got, tt.want)
		}
	}
}

// TestIntegrityLevel: the mandatory label of a 4688 gives the integrity level
// as Sysmon names it; a label that is none gives nothing.
func TestIntegrityLevel(t *testing.T) {
	for label, want := range map[string]string{"S-1-16-12288": "High", "S-1-16-16384": "System", "S-1-16-1": "", "High": "", "-": ""} {
		p := one(t, "4688 t=10 pid=60 image=cmd.exe ppid=50 label="+label)
		if got := p.Forest().Texts().Text(p.Field(event.IntegrityLevel)); got != want {
			t.Errorf("%s: level %q, want %q", label, got, want)
		}
	}
}

// TestRecordsSay: each record of a process says of which event it is.
func TestRecordsSay(t *testing.T) {
	p := one(t, `
		4688 t=10 pid=60 image=cmd.exe ppid=50
		S1 t=10.1 pid=60 guid=A10 image=cmd.exe ppid=50 pguid=B5`)
	var ids []uint16
	for r := range p.Records() {
		ids = append(ids, r.EventID())
		if r.PID() != 60 || r.ParentPID() != 50 {
			t.Errorf("the record is of %d below %d", r.PID(), r.ParentPID())
		}
	}
	if len(ids) != 2 || ids[0] != 1 || ids[1] != 4688 {
		t.Errorf("records of %d, want 1 and 4688", ids)
	}
}

// TestSharedFacet: a process has a facet if all its records that have one have
// the same.
func TestSharedFacet(t *testing.T) {
	const sysmon = "S1 t=10 pid=60 guid=A10 image=cmd.exe ppid=50 pguid=B5 "
	for _, tt := range []struct {
		name, events string
		want         string // one of the texts of the facet
	}{
		{"one record", sysmon + `user=CORP\dev`, `CORP\dev`},
		{"two that agree", sysmon + "user=CORP\\dev\n" + sysmon + "user=CORP\\dev t=10.1", `CORP\dev`},
		{"two that do not", sysmon + "user=CORP\\dev\n" + sysmon + "user=CORP\\ops t=10.1", ""},
		{"the second has none", sysmon + "user=CORP\\dev\n" + sysmon + "t=10.1", `CORP\dev`},
		{"the first has none", sysmon + "\n" + sysmon + "user=CORP\\dev t=10.1", `CORP\dev`},
	} {
		p := one(t, tt.events)
		got := ""
		for _, id := range p.Forest().Texts().FacetTexts(nil, p.SharedFacet(proctree.FacetLogon)) {
			got = p.Forest().Texts().Text(id)
		}
		if got != tt.want {
			t.Errorf("%s: the logon session says %q, want %q", tt.name, got, tt.want)
		}
	}
}

// TestToldByChildren: what a process's children say of it answers for its
// fields where its own records do not, and no facet speaks for them alone.
func TestToldByChildren(t *testing.T) {
	f := build(t, parseEvents(t, `
		S1 t=5 pid=50 guid=B5 image=- ppid=8 pguid=0 pimage=- user=-
		S1 t=6 pid=60 guid=A6 image=cmd.exe ppid=50 pguid=B5 pimage=C:\w3wp.exe creator=IIS_APPPOOL\shop
		S1 t=7 pid=64 guid=C7 image=- ppid=8 pguid=0 pimage=- user=CORP\ops
		S1 t=8 pid=68 guid=A8 image=cmd.exe ppid=64 pguid=C7 pimage=C:\java.exe creator=CORP\dev`), 1, rand.New(rand.NewPCG(1, 1)))
	fields := proctree.NewFieldReader(f)
	for i, want := range [][2]string{0: {`C:\w3wp.exe`, `IIS APPPOOL\shop`}, 2: {`C:\java.exe`, `CORP\ops`}} {
		if want[0] == "" {
			continue
		}
		p := f.Process(0, i)
		for n, field := range []event.FieldID{event.Image, event.User} {
			if a, b := f.Texts().Text(p.Field(field)), f.Texts().Text(fields.Known(p, field)); a != want[n] || b != want[n] {
				t.Errorf("%d: %s is %q and %q, want %q", p.PID(), field, a, b, want[n])
			}
		}
		if p.SharedFacet(proctree.FacetImage) != 0 || p.SharedFacet(proctree.FacetOrigin) == 0 {
			t.Errorf("%d: the image is not in the records, and the origin is", p.PID())
		}
		if n := len(records(p)); n != 1 || p.Stub() {
			t.Errorf("%d: %d records", p.PID(), n)
		}
	}
}

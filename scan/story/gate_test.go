package story

import (
	"encoding/binary"
	"runtime"
	"testing"
	"unicode/utf16"

	"webshellscan/rules"
	"webshellscan/scan/event"
	"webshellscan/scan/proctree"
)

// uint32Value and stringValue are values as records have them.
func uint32Value(n uint32) event.Value {
	return event.Value{Type: event.TypeUint32, Data: binary.LittleEndian.AppendUint32(nil, n)}
}

func stringValue(text string) event.Value {
	var data []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		data = binary.LittleEndian.AppendUint16(data, unit)
	}
	return event.Value{Type: event.TypeString, Data: data}
}

// noMatcher has no rules.
type noMatcher struct{}

func (noMatcher) Match(*event.Event, proctree.Process) []*rules.Rule { return nil }

func (noMatcher) Look(int) event.Look { return event.Look{} }

// processOf returns the process of a Sysmon 1.
func processOf(t *testing.T, guid event.GUID, pid uint32) proctree.Process {
	t.Helper()
	texts := proctree.NewTexts()
	c := proctree.NewCollector(texts)
	ev := &event.Event{ID: 1, Time: 100 * event.Day, Computer: stringValue("HOST")}
	ev.Set(event.ProcessGUID, event.Value{Type: event.TypeGUID, Data: guid[:]})
	ev.Set(event.ProcessID, uint32Value(pid))
	ev.Set(event.Image, stringValue(`C:\app\w3wp.exe`))
	c.Add(ev)
	forest, err := proctree.Build(t.Context(), texts, []*proctree.Collector{c}, map[string]int{"HOST": 1}, 1)
	if err != nil {
		t.Fatal(err)
	}
	for p := range forest.Processes(0) {
		return p
	}
	t.Fatal("no process")
	return proctree.Process{}
}

// TestKindLook: an event is decoded if it names something of a session, or a
// rule matched it, and is left alone if it does not.
func TestKindLook(t *testing.T) {
	const began = 100 * event.Day
	guid := event.GUID{1, 2, 3}
	guidValue := func(g event.GUID) event.Value { return event.Value{Type: event.TypeGUID, Data: g[:]} }
	process := processOf(t, guid, 4242)
	server := owner{process: process, server: true, to: forever}
	names := &naming{
		guids: map[event.GUID]owner{guid: {process: process}, {7}: server},
		pids: map[uint32][]owner{
			4242: {{process: process, session: -1, to: began - event.Day}, {process: process, from: began - event.Day, to: forever}}, 7: {server},
		},
		logons: map[uint64][]claim{0x9999: {{}}}, users: map[string][]claim{`iis apppool\shop`: {{}}},
	}
	host := &hostIndex{sessions: []int{0}, names: func() *naming { return names }, since: began}
	matched := event.Place{Offset: 77}
	c := &Collector{hit: func(p event.Place) bool { return p == matched }, matcher: noMatcher{}, index: &Index{since: began}}
	// Of events at an odd offset rules may match some.
	odd := event.Look{Admits: func(g *event.Preview) bool { return g.Offset%2 == 1 && len(g.Values) == 0 }}
	file, logon := sysmon(FileEvent), security(Logon)
	load, crash := sysmon(ImageLoad), sysmon(ApplicationCrash)
	crash.own = true
	account := kind{category: WMIEvent, users: []string{"User"}}
	share := security(ShareAccess)
	share.from = "IpAddress"
	tests := []struct {
		name    string
		kind    kind
		preview event.Preview
		want    bool
	}{
		{"GUID", file, event.Preview{Time: began, Values: []event.Value{guidValue(guid), uint32Value(1)}}, true},
		{"process ID", file, event.Preview{Time: began, Values: []event.Value{{}, uint32Value(4242)}}, true},
		{"process ID as text", file, event.Preview{Time: began, Values: []event.Value{{}, stringValue("0x1092")}}, true},
		{"process ID and its GUID", file, event.Preview{Time: began, Values: []event.Value{guidValue(guid), uint32Value(4242)}}, true},
		{"process ID and another GUID", file, event.Preview{Time: began, Values: []event.Value{guidValue(event.GUID{9}), uint32Value(4242)}}, false},
		{"process ID before the session's process had it", file, event.Preview{Time: began - event.Minute/2 - event.Day, Values: []event.Value{{}, uint32Value(4242)}}, false},
		{"a load of the server", load, event.Preview{Time: began, Values: []event.Value{guidValue(event.GUID{7}), {}}}, false},
		{"a load of the server, by its process ID", load, event.Preview{Time: began, Values: []event.Value{{}, uint32Value(7)}}, false},
		{"a load of the server, which names its account", load, event.Preview{Time: began, Values: []event.Value{guidValue(event.GUID{7}), {}, stringValue(`IIS APPPOOL\Shop`)}}, false},
		{"a load of a stranger to the log, which names its account", load, event.Preview{Time: began, Values: []event.Value{guidValue(event.GUID{8}), {}, stringValue(`IIS APPPOOL\Shop`)}}, true},
		{"a load of the server that rules may match", load, event.Preview{Offset: 1, Time: began, Values: []event.Value{guidValue(event.GUID{7}), {}}}, true},
		{"a file of the server", file, event.Preview{Time: began, Values: []event.Value{guidValue(event.GUID{7}), {}}}, true},
		{"a crash of the server", crash, event.Preview{Time: began, Values: []event.Value{guidValue(event.GUID{7}), {}}}, true},
		{"from another machine", share, event.Preview{Time: began, Values: []event.Value{stringValue("10.0.0.7")}}, true},
		{"from the machine itself", share, event.Preview{Time: began, Values: []event.Value{stringValue("::1")}}, false},
		{"from nowhere", share, event.Preview{Time: began, Values: []event.Value{stringValue("-")}}, false},
		{"from another machine before all sessions", share, event.Preview{Time: 0, Values: []event.Value{stringValue("10.0.0.7")}}, false},
		{"from the machine itself by a session's logon", share, event.Preview{Time: began, Values: []event.Value{stringValue("::1"), stringValue("0x9999")}}, true},
		{"another process", file, event.Preview{Time: began, Values: []event.Value{guidValue(event.GUID{9}), uint32Value(4243)}}, false},
		{"nothing", file, event.Preview{Time: began, Values: []event.Value{{}, {}}}, false},
		{"long before the session", file, event.Preview{Time: 0, Values: []event.Value{guidValue(guid), uint32Value(4242)}}, false},
		{"matched by a rule", file, event.Preview{Offset: 77, Time: began, Values: []event.Value{{}, {}}}, true},
		{"logon", logon, event.Preview{Time: began, Values: []event.Value{stringValue("0x9999")}}, true},
		{"another logon", logon, event.Preview{Time: began, Values: []event.Value{stringValue("0x999a")}}, false},
		{"account in any case", account, event.Preview{Time: began, Values: []event.Value{stringValue(`IIS APPPOOL\Shop`)}}, true},
		{"another account", account, event.Preview{Time: began, Values: []event.Value{stringValue(`IIS APPPOOL\other`)}}, false},
	}
	for _, tt := range tests {
		l := &kindLook{collector: c, host: host, kind: &tt.kind, comes: tt.kind.from != "", rules: odd}
		fields := l.fields()
		l.own = len(fields)
		for len(tt.preview.Values) < len(fields) {
			tt.preview.Values = append(tt.preview.Values, event.Value{})
		}
		if got := l.admits(&tt.preview); got != tt.want {
			t.Errorf("%s: admitted %v, want %v (of %v)", tt.name, got, tt.want, fields)
		}
	}
}

// TestIndexMemory: what events name processes by is not found out before an
// event asks. A log of nothing but process events has millions, and no event
// that does.
func TestIndexMemory(t *testing.T) {
	const processes, most = 5_000, 16 // bytes of each
	texts := proctree.NewTexts()
	c := proctree.NewCollector(texts)
	for i := range processes {
		ev := &event.Event{ID: 1, Time: 100*event.Day + event.Time(i)*event.Minute, RecordID: uint64(i + 1), Computer: stringValue("HOST")}
		guid := binary.LittleEndian.AppendUint64(make([]byte, 8, 16), uint64(i+1))
		ev.Set(event.ProcessGUID, event.Value{Type: event.TypeGUID, Data: guid})
		ev.Set(event.ProcessID, uint32Value(4242))
		ev.Set(event.Image, stringValue(`C:\app\w3wp.exe`))
		c.Add(ev)
	}
	forest, err := proctree.Build(t.Context(), texts, []*proctree.Collector{c}, map[string]int{"HOST": 1}, 1)
	if err != nil {
		t.Fatal(err)
	}
	sessions := []Session{{Server: forest.Process(0, 0)}}
	NewIndex(forest, sessions) // what is made once for all
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	x := NewIndex(forest, sessions)
	runtime.ReadMemStats(&after)
	if bytes := (after.TotalAlloc - before.TotalAlloc) / processes; bytes > most {
		t.Errorf("%d bytes a process, at most %d are allowed", bytes, most)
	}
	if n := len(x.hosts[0].named().pids[4242]); n != processes {
		t.Errorf("%d processes have the process ID of the session's, want %d", n, processes)
	}
}

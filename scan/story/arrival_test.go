package story

import (
	"runtime"
	"slices"
	"testing"

	"webshellscan/scan/event"
	"webshellscan/scan/proctree"
)

// eventOf returns an event of a host with a payload of names and values.
func eventOf(provider string, id uint16, host string, at event.Time, offset int64, payload ...any) *event.Event {
	ev := &event.Event{
		ID: id, Key: slices.Index(Keys(), event.Key{Provider: provider, ID: id}), Time: at, Computer: stringValue(host), Provider: stringValue(provider),
		Place: event.Place{File: 3, Offset: offset},
	}
	for i := 0; i < len(payload); i += 2 {
		ev.AddPayload(event.Field{Name: payload[i].(string), Value: payload[i+1].(event.Value)})
	}
	return ev
}

// TestArrivals: of logons from other machines no more is kept than where they
// lie, and read again are those from the address of a session's connection, at
// its time, on another host.
func TestArrivals(t *testing.T) {
	const began = 100 * event.Day
	server, child := event.GUID{1}, event.GUID{2}
	texts := proctree.NewTexts()
	pc := proctree.NewCollector(texts)
	for i, g := range []event.GUID{server, child, {3}} {
		ev := &event.Event{ID: 1, Time: began, Computer: stringValue([]string{"WEB", "WEB", "DC"}[i])}
		ev.Set(event.ProcessGUID, event.Value{Type: event.TypeGUID, Data: g[:]})
		ev.Set(event.ProcessID, uint32Value(uint32(100+i)))
		ev.Set(event.Image, stringValue(`C:\app\w3wp.exe`))
		pc.Add(ev)
	}
	forest, err := proctree.Build(t.Context(), texts, []*proctree.Collector{pc}, map[string]int{"WEB": 1, "DC": 1}, 1)
	if err != nil {
		t.Fatal(err)
	}
	byGUID := make(map[event.GUID]proctree.Process)
	for host := range forest.Hosts() {
		for p := range forest.Processes(host) {
			byGUID[p.GUID()] = p
		}
	}
	x := NewIndex(forest, []Session{{Server: byGUID[server], Below: []proctree.Process{byGUID[child]}}})
	c := NewCollector(x, nil, nil)
	c.Begin(3)
	reached := began + event.Hour
	guid := event.Value{Type: event.TypeGUID, Data: child[:]}
	c.Add(eventOf(event.ProviderSysmon, 3, "WEB", reached, 50, "ProcessGuid", guid, "Initiated", stringValue("true"), "SourceIp", stringValue("10.0.0.5")))
	logon := func(host string, at event.Time, offset int64, from string) *event.Event {
		return eventOf(event.ProviderSecurity, 4624, host, at, offset, "IpAddress", stringValue(from))
	}
	const many, most = 20_000, 300 // bytes of each, with what growing a slice copies
	busy := make([]*event.Event, many)
	for i := range busy {
		at := reached + event.Time(i%600)*event.Second
		busy[i] = logon("DC", at, int64(1000+i), "10.0.1."+string(rune('1'+i%9)))
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for _, ev := range busy {
		c.Add(ev)
	}
	runtime.ReadMemStats(&after)
	if bytes := (after.TotalAlloc - before.TotalAlloc) / many; bytes > most {
		t.Errorf("%d bytes a logon, at most %d are allowed", bytes, most)
	}
	if len(c.waiting) != 0 {
		t.Errorf("%d logons are kept whole", len(c.waiting))
	}

	c.Add(logon("DC", reached+30*event.Second, 70, "10.0.0.5"))
	c.Add(logon("DC", reached-30*event.Second, 60, "::ffff:10.0.0.5"))
	c.Add(logon("DC", reached+10*event.Minute, 80, "10.0.0.5")) // too late
	c.Add(logon("DC", reached-10*event.Minute, 82, "10.0.0.5")) // too early
	c.Add(logon("WEB", reached, 84, "10.0.0.5"))                // the session's own host
	places := x.Arrived([]*Collector{c})
	if want := []int64{60, 70}; !slices.Equal(places[3], want) || len(places) != 1 {
		t.Errorf("to read again: %v, want %v of file 3", places, want)
	}

	c.Only(places)
	look := c.Look(0, "DC")
	for _, offset := range []int64{50, 60, 70, 80} {
		if got, want := look.Admits(&event.Preview{Offset: offset}), offset == 60 || offset == 70; got != want {
			t.Errorf("read again at %d: %v, want %v", offset, got, want)
		}
	}
	for _, offset := range []int64{60, 65, 70} {
		c.Add(logon("DC", reached+event.Time(offset-65)*event.Second, offset, "10.0.0.5"))
	}
	stories, _, lost := x.Stories([]*Collector{c})
	var tied []int64
	for _, e := range stories[0].Events {
		if e.Link == LinkAddress {
			for _, ref := range e.Records {
				tied = append(tied, ref.Place.Offset)
			}
		}
	}
	if want := []int64{60, 70}; !slices.Equal(tied, want) || lost != 0 {
		t.Errorf("tied by the address: %v, and %d lost, want %v and none", tied, lost, want)
	}
}

// TestBound: a flood of one kind leaves what else a session did.
func TestBound(t *testing.T) {
	s := new(Story)
	for i := range MaxEvents + 500 {
		s.Events = append(s.Events, &Event{Category: FileEvent, Time: event.Time(i)})
	}
	s.Events = append(s.Events, &Event{Category: RegistryEvent, Time: 1 << 40}, &Event{Category: DNSQuery, Time: 1<<40 + 1})
	s.bound()
	kinds := make(map[Category]int)
	for _, e := range s.Events {
		kinds[e.Category]++
	}
	if len(s.Events) != MaxEvents || s.Omitted != 502 || kinds[RegistryEvent] != 1 || kinds[DNSQuery] != 1 {
		t.Errorf("%d events and %d left out, of them %v", len(s.Events), s.Omitted, kinds)
	}
}

// TestServersOfAccount: a process whose start no log has is a session's by its
// account, but a server if it has the program of one.
func TestServersOfAccount(t *testing.T) {
	const began = 100 * event.Day
	texts := proctree.NewTexts()
	pc := proctree.NewCollector(texts)
	for i, image := range []string{`C:\Windows\System32\inetsrv\w3wp.exe`, `C:\php\php-cgi.exe`, `C:\Windows\System32\cmd.exe`} {
		ev := &event.Event{ID: 1, Time: began, Computer: stringValue("WEB")}
		ev.Set(event.ProcessGUID, event.Value{Type: event.TypeGUID, Data: []byte{byte(i + 1), 15: 0}})
		ev.Set(event.ProcessID, uint32Value(uint32(100+i)))
		ev.Set(event.Image, stringValue(image))
		ev.Set(event.User, stringValue(`IIS APPPOOL\shop`))
		if i > 0 {
			ev.Set(event.ParentProcessGUID, event.Value{Type: event.TypeGUID, Data: []byte{1, 15: 0}})
			ev.Set(event.ParentProcessID, uint32Value(100))
		}
		pc.Add(ev)
	}
	forest, err := proctree.Build(t.Context(), texts, []*proctree.Collector{pc}, map[string]int{"WEB": 1}, 1)
	if err != nil {
		t.Fatal(err)
	}
	of := make(map[uint32]proctree.Process)
	for p := range forest.Processes(0) {
		of[p.PID()] = p
	}
	x := NewIndex(forest, []Session{{Server: of[100], Pool: "shop", Below: []proctree.Process{of[101], of[102]}, Servers: map[proctree.Process]bool{of[101]: true}}})
	for image, kept := range map[string]int{`C:\x\beacon.exe`: 1, `C:\php\php-cgi.exe`: 0, `C:\Windows\System32\inetsrv\w3wp.exe`: 0} {
		c := NewCollector(x, nil, nil)
		c.Begin(3)
		c.Add(eventOf(event.ProviderSysmon, 3, "WEB", began+event.Minute, 50, "ProcessId", uint32Value(9999), "Image", stringValue(image), "User", stringValue(`IIS APPPOOL\shop`)))
		if len(c.kept) != kept {
			t.Errorf("%s: %d events are the session's, want %d", image, len(c.kept), kept)
		}
	}
}

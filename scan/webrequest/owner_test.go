package webrequest

import (
	"path"
	"strings"
	"testing"

	"webshellscan/scan/event"
	"webshellscan/scan/evtx"
	"webshellscan/scan/proctree"
	"webshellscan/scan/source"
	"webshellscan/scan/weblog"
)

// forestOf returns a forest that knows hosts and no process.
func forestOf(t *testing.T, names ...string) *proctree.Forest {
	t.Helper()
	texts, computers := proctree.NewTexts(), make(map[string]int)
	for _, name := range names {
		computers[name] = 1
	}
	forest, err := proctree.Build(t.Context(), texts, []*proctree.Collector{proctree.NewCollector(texts)}, computers, 1)
	if err != nil {
		t.Fatal(err)
	}
	return forest
}

// fileOf returns a file of a web server.
func fileOf(name, text string) source.Input {
	kind := source.KindWebLog
	if path.Ext(name) == ".config" {
		kind = source.KindAppHostConfig
	}
	in := source.Input{Path: name, Kind: kind, Size: int64(len(text))}
	return in.From(func() (*source.File, error) {
		return source.NewFile(strings.NewReader(text), int64(len(text)), nil, func() error { return nil }), nil
	})
}

// logOf returns an event log in which hosts wrote, one after the other, an hour
// each.
func logOf(name string, own bool, hosts ...string) EventLog {
	stats := &evtx.Stats{Hosts: make(map[string]int), Origins: make(map[evtx.Origin]evtx.OriginStats)}
	for i, host := range hosts {
		stats.Hosts[host] = 1
		begin := event.Time(i+1) * event.Day
		stats.Origins[evtx.Origin{Computer: host, Channel: "Security"}] = evtx.OriginStats{Periods: []evtx.Period{{First: begin, Last: begin + event.Hour, Records: 1}}}
	}
	return EventLog{Path: name, Stats: stats, Own: own}
}

const (
	unnamed = "#Fields: date time cs-method cs-uri-stem c-ip sc-status\n2026-03-02 09:00:00 GET /x 10.0.0.1 200\n"
	ofWEB2  = "#Fields: date time s-computername cs-method cs-uri-stem c-ip sc-status\n2026-03-02 09:00:00 WEB2 GET /x 10.0.0.1 200\n"
)

// TestHostOf: a log is of the host that its lines name, else of the one that
// the user names, else of the only one whose event logs lie nearest around it.
// A machine that got another name is one host, but not what a collector has.
func TestHostOf(t *testing.T) {
	hosts := []string{"WEB1", "WEB2", "WEB3"}
	for _, tt := range []struct {
		name       string
		events     []EventLog
		file, text string
		given      map[string]string
		want       string
	}{
		{"beside the logs of a host", []EventLog{logOf("a/s.evtx", true, "WEB1"), logOf("b/s.evtx", true, "WEB2")}, "a/W3SVC1/u.log", unnamed, nil, "WEB1"},
		{"beside those of several", []EventLog{logOf("a/s.evtx", true, "WEB1"), logOf("a/t.evtx", true, "WEB2")}, "a/W3SVC1/u.log", unnamed, nil, ""},
		{"above them", []EventLog{logOf("a/b/s.evtx", true, "WEB1"), logOf("a/c/s.evtx", true, "WEB2")}, "a/u.log", unnamed, nil, ""},
		{"elsewhere", []EventLog{logOf(`c\a\s.evtx`, true, "WEB1")}, "c/b/u.log", unnamed, nil, "WEB1"},
		{"with the name of another", []EventLog{logOf("a/s.evtx", true, "WEB1")}, "a/u.log", ofWEB2, nil, "WEB2"},
		{"as the user says", []EventLog{logOf("a/s.evtx", true, "WEB1")}, "a/u.log", unnamed, map[string]string{"a": "web3"}, "WEB3"},
		{"of a host that got another name", []EventLog{logOf("a/s.evtx", true, "WEB1", "WEB2")}, "a/u.log", unnamed, nil, "WEB2"},
		{"of several hosts that one log has", []EventLog{logOf("a/s.evtx", false, "WEB1", "WEB2")}, "a/u.log", unnamed, nil, ""},
		{"in no known form", []EventLog{logOf("a/s.evtx", true, "WEB1")}, "a/access.log", "one\n", nil, ""},
	} {
		w := New(forestOf(t, hosts...), true)
		w.AddEventLogs(tt.events)
		w.Add([]File{{Input: fileOf(tt.file, tt.text)}}, tt.given)
		if got := w.Reports(tt.given); len(got) != 1 || got[0].Host != tt.want || got[0].Known == strings.HasPrefix(tt.text, "one") || got[0].Err != nil {
			t.Errorf("%s: %+v, want host %q", tt.name, got, tt.want)
		}
	}
}

// TestConfigs: a configuration says which pool serves which site of its host.
func TestConfigs(t *testing.T) {
	longest := `d:\` + strings.Repeat("s", weblog.MaxRoot-3)
	config := `<configuration><system.applicationHost><sites><site name="Shop" id="3"><application path="/" applicationPool="shop"><virtualDirectory path="/" physicalPath="D:\Sites\Shop"/><virtualDirectory path="/l" physicalPath="` + longest + `"/></application></site></sites></system.applicationHost></configuration>`
	w := New(forestOf(t, "WEB1", "WEB2"), false)
	w.AddEventLogs([]EventLog{logOf("a/s.evtx", true, "WEB1"), logOf("b/s.evtx", true, "WEB2")})
	w.Add([]File{{Input: fileOf("a/applicationHost.config", config)}, {Input: fileOf("c/applicationHost.config", config)}}, nil)
	if site := w.sites[0]["3"]; len(w.sites) != 1 || site == nil || site.PoolOf("/x") != "shop" || len(w.Failed()) != 0 {
		t.Errorf("sites %v, failed %v", w.sites, w.Failed())
	}
	for _, tt := range []struct {
		host       int
		file, want string
	}{
		{0, `d:\sites\SHOP\up\a.aspx`, `d:\sites\shop`},
		{0, `D:/Sites/Shop/a.aspx`, `d:\sites\shop`},
		{0, `D:\Sites\Shop2\a.aspx`, ""},
		{0, `D:\Sites\Shop`, ""},
		{0, "a.aspx", ""},
		{0, "", ""},
		{1, `D:\Sites\Shop\a.aspx`, ""},
		{0, `D:\Sites\Shop` + strings.Repeat(`\a`, weblog.MaxRoot), `d:\sites\shop`},
		{0, longest + `\a.aspx`, longest},
	} {
		if got := w.WebRoot(tt.host, tt.file); got != tt.want {
			t.Errorf("host %d, %s: %q, want %q", tt.host, tt.file, got, tt.want)
		}
	}
}

// TestWrong: hosts that there are not, and paths without a web log, are said.
func TestWrong(t *testing.T) {
	w := New(forestOf(t, "WEB1.a", "WEB1.b", "WEB2.a"), false)
	w.Add([]File{{Input: fileOf("logs/u.log", unnamed)}}, nil)
	for _, tt := range []struct{ path, host, want string }{
		{"logs", "WEB2", ""},
		{"logs", "WEB1", "WEB1=logs: 2 hosts of these logs are called so"},
		{"logs", "WEB9", "WEB9=logs: no host of these logs is called so"},
		{"other", "WEB2", "WEB2=other: no web log was found there"},
	} {
		if got := strings.Join(w.Wrong(map[string]string{tt.path: tt.host}), "; "); got != tt.want {
			t.Errorf("%s=%s: %q, want %q", tt.host, tt.path, got, tt.want)
		}
	}
}

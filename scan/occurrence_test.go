package scan_test

import (
	"bytes"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"webshellscan/internal/evtxtest"
	"webshellscan/rules"
	"webshellscan/scan"
	"webshellscan/scan/finding"
	"webshellscan/scan/integrity"
)

// correlatedLogs writes the logs of two hosts: of A, whose web server (100)
// runs cmd.exe (200), which writes b.exe and runs it (201), with failed logons
// and look-ups of names; and of B, with a logon from A. All of the failed
// logons are in a second file too. Records are numbered over all logs.
func correlatedLogs(t *testing.T) []string {
	t.Helper()
	const (
		failed = "LogonType=3|IpAddress=10.0.0.9|TargetUserName="
		wrote  = `Image=` + shell + `|ProcessId=200|TargetFilename=`
	)
	logs := make(map[string][]evtxtest.Event)
	number := uint64(0)
	add := func(name string, ev evtxtest.Event) {
		number++
		ev.RecordID = number
		logs[name] = append(logs[name], ev)
	}
	system := evtxtest.Account{SID: evtxtest.MustSID("S-1-5-18"), Name: "SYSTEM", Domain: "NT AUTHORITY", LogonID: 0x3e7}
	for _, p := range []storyProcess{ // records 1 to 4
		{second: 0, pid: 100, parent: 50, image: workerPath, line: `w3wp.exe -ap "shop"`},
		{second: 10, pid: 200, parent: 100, image: shell, line: "cmd.exe /c b.exe"},
		{second: 30, pid: 201, parent: 200, image: `C:\ProgramData\b.exe`, line: "b.exe"},
		{second: 90, pid: 202, parent: 200, image: `C:\ProgramData\c.exe`, line: "c.exe"},
	} {
		add("A/Security", evtxtest.NewEvent(storyStart.Add(time.Duration(p.second)*time.Second), "A", &evtxtest.ProcessCreated{
			Subject: system, NewProcessID: p.pid, NewProcessName: p.image, ProcessID: p.parent, CommandLine: p.line,
		}))
	}
	for _, e := range []struct {
		log string
		storyEvent
	}{
		{"A/Sysmon", storyEvent{20, "A", sysmonLog, sysmonName, 11, 900, "", wrote + `C:\ProgramData\B.EXE`, ""}}, // 5
		{"A/Sysmon", storyEvent{21, "A", sysmonLog, sysmonName, 11, 900, "", wrote + `C:\ProgramData\b.txt`, ""}},
		{"A/Sysmon", storyEvent{40, "A", sysmonLog, sysmonName, 22, 900, "", `Image=C:\ProgramData\b.exe|ProcessId=201|QueryName=one.example`, ""}},
		{"A/Sysmon", storyEvent{41, "A", sysmonLog, sysmonName, 22, 900, "", `Image=C:\ProgramData\b.exe|ProcessId=201|QueryName=two.example`, ""}},
		{"A/Sysmon", storyEvent{42, "A", sysmonLog, sysmonName, 22, 900, "", `Image=C:\x\other.exe|ProcessId=900|QueryName=three.example`, ""}},
		{"A/Logons", storyEvent{50, "A", securityLog, auditing, 4625, 4, "", failed + "anna", ""}}, // 10
		{"A/Logons", storyEvent{51, "A", securityLog, auditing, 4625, 4, "", failed + "ANNA", ""}},
		{"A/Logons", storyEvent{52, "A", securityLog, auditing, 4625, 4, "", failed + "bert", ""}},
		{"A/Logons", storyEvent{53, "A", securityLog, auditing, 4625, 4, "", failed + "anna", ""}},
		{"A/Logons", storyEvent{54, "A", securityLog, auditing, 4625, 4, "", failed + "anna", ""}},
		{"A/Logons", storyEvent{55, "A", securityLog, auditing, 4624, 4, "", failed + "anna", ""}}, // 15
		{"B/Logons", storyEvent{70, "B", securityLog, auditing, 4624, 4, "", failed + "anna", ""}},
		{"B/System", storyEvent{80, "B", "System", "Service Control Manager", 7045, 4, "", `ServiceName=b|ImagePath=C:\b.exe`, ""}},
	} {
		add(e.log, e.record())
	}
	logs["C/Copy"] = logs["A/Logons"]
	dir := t.TempDir()
	var paths []string
	for name, events := range logs {
		paths = append(paths, filepath.Join(dir, filepath.FromSlash(name)+".evtx"))
		writeLog(t, paths[len(paths)-1], evtxtest.Options{}, events)
	}
	slices.Sort(paths)
	return paths
}

// correlatedRules are rules about the events of correlatedLogs: log source and
// search, by name.
var correlatedRules = map[string][2]string{
	"shell":   {"category: process_creation", `Image|endswith: '\cmd.exe', WorkerImage|exists: true`},
	"ran":     {"category: process_creation", `Image|startswith: 'C:\ProgramData\'`},
	"written": {"category: file_event", "TargetFilename|endswith: '.exe', WorkerRole: web"},
	"asked":   {"category: dns_query", "QueryName|endswith: .example"},
	"sysmon":  {"service: sysmon", "EventID: 22, QueryName: two.example"},
	"failed":  {"service: security", "EventID: 4625"},
	"logon":   {"service: security", "EventID: 4624"},
	"service": {"service: system", "EventID: 7045, Provider_Name: Service Control Manager"},
}

// correlated returns a document with some of correlatedRules and, behind them,
// a correlation rule; more is what stands in its document besides.
func correlated(t *testing.T, names, name, more, text string) string {
	t.Helper()
	var documents []string
	for ref := range strings.FieldsSeq(names) {
		r, ok := correlatedRules[ref]
		if !ok {
			t.Fatal(ref)
		}
		documents = append(documents, fmt.Sprintf("title: %s\nname: %s\nlevel: low\nlogsource: {%s, product: windows}\ndetection: {s: {%s}, condition: s}\n", ref, ref, r[0], r[1]))
	}
	documents = append(documents, fmt.Sprintf("title: %s\nname: %s\nlevel: high\n%scorrelation: {%s}\n", name, name, more, text))
	return strings.Join(documents, "---\n")
}

// completed renders what was found: processes by ID, events by the number of
// their record, with their rules and what met correlation rules.
func completed(res *scan.Result) []string {
	list := []string{}
	render := func(what string, matched []*rules.Rule, correlated []*finding.Correlation) {
		for _, r := range matched {
			what += " " + r.Label()
		}
		for _, c := range correlated {
			var members []string
			for _, p := range c.Processes {
				members = append(members, fmt.Sprint("p", p.ProcessID))
			}
			for _, e := range c.Events {
				members = append(members, fmt.Sprint(e.RecordID))
			}
			what += fmt.Sprintf(" %s%v=%g%v", c.Rule.Label(), c.Group, c.Value, members)
			if c.Total != len(members) || c.TotalEvents != len(c.Events) {
				what += fmt.Sprintf(" of %d, %d events", c.Total, c.TotalEvents)
			}
		}
		list = append(list, what)
	}
	for _, f := range res.Findings {
		render(fmt.Sprintf("%s p%d", f.Host, f.ProcessID), f.Rules, f.Correlated)
	}
	for _, e := range res.Events {
		what := fmt.Sprintf("%s %d", e.Host, e.Record.RecordID)
		if e.Session != nil {
			what += fmt.Sprintf(" (p%d of %s)", e.ProcessID, e.Link)
		}
		if len(e.Rules) > 0 {
			render(what, e.Rules, e.Correlated)
		}
	}
	return list
}

// TestCorrelatedEvents: correlation rules join events of any log source, and
// these with processes. What they find does not depend on the number of
// goroutines, on the order of the files, or on partial results.
func TestCorrelatedEvents(t *testing.T) {
	logs := correlatedLogs(t)
	for _, c := range []struct {
		name, rules string
		want        []string
	}{
		{
			"a count that goes on, copies left out",
			correlated(t, "failed", "many", "", "type: event_count, rules: [failed], group-by: [TargetUserName, Computer], timespan: 1m, condition: {gte: 3}"),
			[]string{"A 13 many many[anna A]=4[10 11 13 14]"},
		},
		{
			"with what it refers to",
			correlated(t, "failed", "many", "generate: true\n", "type: event_count, rules: [failed], group-by: [IpAddress], timespan: 1m, condition: {gte: 4}"),
			[]string{"A 10 failed", "A 11 failed", "A 12 failed", "A 13 many failed many[10.0.0.9]=5[10 11 12 13 14]"},
		},
		{
			"too little, which its timespan's end tells",
			correlated(t, "service", "few", "", "type: event_count, rules: [service], timespan: 10s, condition: {lt: 2}"),
			[]string{"B 17 few few[]=1[17]"},
		},
		{
			"values of a session that only the tree knows",
			correlated(t, "shell asked", "names", "generate: true\n", "type: value_count, rules: [asked, shell], group-by: [Session], timespan: 1m, condition: {field: QueryName, gte: 2}"),
			[]string{"A p200 shell", "A 7 (p201 of pid+time) asked", "A 8 (p201 of pid+time) names asked names[A/100/2026-03-02T08:00:00.0000000Z]=2[7 8]", "A 9 asked"},
		},
		{
			"what a shell wrote, then ran",
			correlated(t, "written ran", "dropped", "", "type: temporal_ordered, rules: [written, ran], group-by: [path], timespan: 1m, aliases: {path: {written: TargetFilename, ran: Image}}"),
			[]string{`A p201 dropped dropped[C:\ProgramData\B.EXE]=2[p201 5]`},
		},
		{
			"a process, then an event of another kind, of a session",
			correlated(t, "shell written ran", "three", "", "type: temporal, rules: [shell, written], group-by: [Computer], timespan: 1m"),
			[]string{"A p201 ran", "A p202 ran", "A 5 (p200 of pid+time) three three[A]=2[p200 5]"},
		},
		{
			"an event of two log sources counts once",
			correlated(t, "asked sysmon", "twice", "", "type: event_count, rules: [asked, sysmon], group-by: [Image], timespan: 1m, condition: {gte: 2}"),
			[]string{`A 8 twice twice[C:\ProgramData\b.exe]=2[7 8]`},
		},
		{
			"a chain that goes on on another host",
			correlated(t, "failed logon", "then", "", "type: temporal_ordered, rules: [guessed, logon], group-by: [TargetUserName], timespan: 1m") +
				"---\ntitle: guessed\nname: guessed\ncorrelation: {type: event_count, rules: [failed], group-by: [TargetUserName], timespan: 1m, condition: {gte: 4}}\n",
			[]string{"A 15 then then[anna]=2[14 15 16]"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			options := scan.Options{Paths: logs, Crosscheck: -1, Rules: scan.RuleOptions{NoBuiltin: true, Paths: []string{ruleFile(t, c.rules)}}}
			check := func(how string) {
				t.Helper()
				res := mustScan(t, options)
				if len(res.Rules.Errors) > 0 {
					t.Fatal(res.Rules.Errors)
				}
				if diff := cmp.Diff(c.want, completed(res)); diff != "" {
					t.Errorf("%s (-want +got):\n%s", how, diff)
				}
			}
			for _, options.Goroutines = range []int{1, 2, 8} {
				check(fmt.Sprintf("%d goroutines", options.Goroutines))
			}
			options.Paths = slices.Clone(logs)
			slices.Reverse(options.Paths)
			check("the other way round")
			for i, log := range logs {
				var part bytes.Buffer
				alone := options
				alone.Paths = []string{log}
				if _, err := scan.Collect(t.Context(), alone, "", &part); err != nil {
					t.Fatal(err)
				}
				options.Paths[i] = filepath.Join(t.TempDir(), "part.wsp")
				writeFile(t, options.Paths[i], part.Bytes())
			}
			check("of partial results")
		})
	}
}

// TestCorrelatedEventsScope: which findings are asked for chooses among what
// completed a correlation, and the level of rules leaves those that it needs.
func TestCorrelatedEventsScope(t *testing.T) {
	options := scan.Options{Paths: correlatedLogs(t), Crosscheck: -1, Rules: scan.RuleOptions{NoBuiltin: true, MinLevel: rules.LevelHigh, Paths: []string{ruleFile(t,
		correlated(t, "logon failed service shell", "two", "", "type: value_count, rules: [logon, failed], timespan: 1m, condition: {field: Computer, gte: 2}"),
		detect("high", `Image|endswith: '\c.exe'`, "level: high\n"))}}}
	res := mustScan(t, options)
	if diff := cmp.Diff([]string{"A p202 high", "B 16 two two[]=2[10 11 12 13 14 15 16]"}, completed(res)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if sum := res.Summary.Rules; sum.Applied != 2 || sum.Events != 2 || sum.Correlated != 2 || sum.NotSelected != 4 || sum.Failed != 0 {
		t.Errorf("rules: %+v", sum)
	}
	for _, e := range res.Events {
		if len(e.Correlated) == 0 {
			continue
		}
		first := e.Correlated[0].Events[0]
		if filepath.Base(first.File) != "Logons.evtx" || first.Host != "A" || first.Channel != "Security" || first.EventID != 4625 {
			t.Errorf("the first event is %+v", first)
		}
	}
	options.Hosts = []string{"A"}
	if got := completed(mustScan(t, options)); len(got) != 1 {
		t.Errorf("of host A: %v", got)
	}
	options.Hosts = []string{"B"}
	if got := completed(mustScan(t, options)); len(got) != 1 {
		t.Errorf("of host B: %v", got)
	}
}

// TestFiltersOfEvents: filters tune rules about events as they do those about
// processes, by what the events say themselves and by their trees; from partial
// results, too, whatever filters these were collected with.
func TestFiltersOfEvents(t *testing.T) {
	logs := correlatedLogs(t)
	own := correlated(t, "shell asked failed", "x", "", "type: event_count, rules: [failed], timespan: 1s, condition: {gte: 9}")
	filter := func(about, names, search string) string {
		return fmt.Sprintf("---\ntitle: f\nlogsource: {%s}\nfilter: {rules: %s, s: {%s}, condition: not s}\n", about, names, search)
	}
	events := func(res *scan.Result) []string {
		return slices.DeleteFunc(completed(res), func(text string) bool { return !strings.Contains(text, "asked") })
	}
	logs = append(logs, filepath.Join(t.TempDir(), "user.evtx")) // of a process that is below no server
	asked := storyEvent{60, "A", sysmonLog, sysmonName, 22, 900, "", `Image=C:\x\two.exe|ProcessId=301|QueryName=four.example`, ""}
	user := []evtxtest.Event{asked.record()}
	for i, image := range []string{`C:\x\one.exe`, `C:\x\two.exe`} {
		user = append(user, evtxtest.NewEvent(storyStart.Add(time.Duration(i)*time.Second), "A", &evtxtest.ProcessCreated{
			NewProcessID: uint64(300 + i), NewProcessName: image, ProcessID: uint64(299 + i), CommandLine: image,
		}))
	}
	for i := range user {
		user[i].RecordID = uint64(40 + i)
	}
	writeLog(t, logs[len(logs)-1], evtxtest.Options{}, user)
	all := []string{"A 7 (p201 of pid+time) asked", "A 8 (p201 of pid+time) asked", "A 9 asked", "A 40 asked"}
	file := filepath.Join(t.TempDir(), "rules.yml") // rules without an ID are known by their file
	with := func(paths []string, text string) scan.Options {
		writeFile(t, file, []byte(text))
		return scan.Options{Paths: paths, Version: "test", Rules: scan.RuleOptions{NoBuiltin: true, Paths: []string{file}}}
	}
	for _, c := range []struct {
		name, filter string
		filters      int
		want         []string
		errors       string
	}{
		{"none", "", 0, all, ""},
		{"by its name", filter("category: dns_query", "[asked]", "QueryName: one.example"), 1, all[1:], ""},
		{"by its log source", filter("product: windows, category: dns_query", "any", "QueryName: one.example"), 1, all[1:], ""},
		{"with rules of other log sources", filter("product: windows", "[asked, shell, failed]", "QueryName|endswith: two.example"), 1, []string{all[0], all[2], all[3]}, ""},
		{"by the tree", filter("category: dns_query", "[asked]", `ParentImage|endswith: '\cmd.exe'`), 1, all[2:], ""},
		{"by what only trees have", filter("category: dns_query", "[asked]", "ParentImage: null"), 1, slices.Concat(all[:2], all[3:]), ""},
		{"of another log source", filter("category: file_event", "any", "QueryName: one.example"), 0, all, ""},
		{
			"about a rule of another log source", filter("category: file_event", "[asked]", "QueryName: one.example"), 0, all,
			`filter refers to rule "asked", whose log source is another`,
		},
		{
			"that cannot be compiled", filter("product: windows", "[asked, failed]", "QueryName|expand: '%nobody%'"), 0, all,
			"QueryName|expand: no value is known for placeholder %nobody%",
		},
		{
			"that cannot be compiled, of rules of all kinds", filter("product: windows", "[asked, shell, web_server_iis, unknown_server_accepts]", "QueryName|expand: '%nobody%'"), 0, all,
			"QueryName|expand: no value is known for placeholder %nobody%",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := strings.Replace(own, "name: asked\n", "name: asked\ngenerate: true\n", 1) + c.filter
			res := mustScan(t, with(logs, text))
			if diff := cmp.Diff(c.want, events(res)); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
			if n := res.Summary.Rules.Filters; n != c.filters {
				t.Errorf("%d filters tune rules, want %d", n, c.filters)
			}
			errs := res.Summary.Rules.Errors
			if c.errors == "" && len(errs) != 0 || c.errors != "" && (len(errs) != 1 || errs[0].Reason != c.errors) {
				t.Errorf("errors %v, want %q", errs, c.errors)
			}
			for from, unfiltered := range map[string]bool{text: false, own: true} {
				var part bytes.Buffer
				if _, err := scan.Collect(t.Context(), with(logs, from), "", &part); err != nil {
					t.Fatal(err)
				}
				paths := []string{filepath.Join(t.TempDir(), "a.wsp")}
				writeFile(t, paths[0], part.Bytes())
				merged := mustScan(t, with(paths, text))
				if diff := cmp.Diff(c.want, events(merged)); diff != "" {
					t.Errorf("unfiltered %t: events (-want +got of the partial result):\n%s", unfiltered, diff)
				}
				tells := func(res *scan.Result) bool {
					return slices.ContainsFunc(res.Integrity, func(f *integrity.Finding) bool { return strings.Contains(f.Text, "collected without") })
				}
				if tells(merged) {
					t.Errorf("unfiltered %t: rules are missed that were there", unfiltered)
				}
				if got := tells(mustScan(t, with(paths, own))); got != (c.filters > 0 && !unfiltered) {
					t.Errorf("unfiltered %t: merged without the filter, what it left out is missed: %t", unfiltered, got)
				}
			}
		})
	}
}

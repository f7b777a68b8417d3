package scan_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"webshellscan/internal/evtxtest"
	"webshellscan/rules"
	"webshellscan/scan"
	"webshellscan/scan/crosscheck"
)

// ruleFile writes rules to a file and returns its path.
func ruleFile(t testing.TB, documents ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "given.yml")
	if err := os.WriteFile(path, []byte(strings.Join(documents, "---\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// detect returns a rule about process creation; detection is the inside of its
// search.
func detect(name, detection, more string) string {
	return fmt.Sprintf("title: %s\nname: %s\n%slogsource: {category: process_creation, product: windows}\n"+
		"detection:\n    s: {%s}\n    condition: s\n", name, name, more, detection)
}

// started is one process of a made log.
type started struct {
	seconds     int
	host        string
	pid, parent uint64
	image       string
}

// processLog writes a Security log of processes and returns its path.
func processLog(t testing.TB, list ...started) string {
	t.Helper()
	at := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	var events []evtxtest.Event
	for i, s := range list {
		ev := evtxtest.NewEvent(at.Add(time.Duration(s.seconds)*time.Second), s.host, &evtxtest.ProcessCreated{
			NewProcessID: s.pid, NewProcessName: `C:\x\` + s.image, ProcessID: s.parent, CommandLine: s.image + " /go",
			Subject: evtxtest.Account{SID: evtxtest.MustSID("S-1-5-18"), Name: "SYSTEM", Domain: "NT AUTHORITY", LogonID: 0x3e7},
		})
		ev.RecordID = uint64(i + 1)
		events = append(events, ev)
	}
	path := filepath.Join(t.TempDir(), "Security.evtx")
	writeLog(t, path, evtxtest.Options{}, events)
	return path
}

// found renders findings as "host pid rules", and after it each correlation
// with its group, value and processes.
func found(res *scan.Result) []string {
	list := []string{}
	for _, f := range res.Findings {
		var names []string
		for _, r := range f.Rules {
			names = append(names, r.Label())
		}
		line := fmt.Sprintf("%s %d %s", f.Host, f.ProcessID, strings.Join(names, ","))
		for _, c := range f.Correlated {
			var pids []uint32
			for _, p := range c.Processes {
				pids = append(pids, p.ProcessID)
			}
			line += fmt.Sprintf(" %s%v=%g%v", c.Rule.Label(), c.Group, c.Value, pids)
		}
		list = append(list, line)
	}
	return list
}

func TestGivenRules(t *testing.T) {
	log := processLog(t,
		started{0, "A", 100, 4, "acme.exe"}, started{1, "A", 104, 100, "cmd.exe"}, started{2, "A", 108, 104, "whoami.exe"},
		started{3, "B", 200, 4, "w3wp.exe"}, started{4, "B", 204, 200, "cmd.exe"}, started{5, "B", 208, 4, "odd.exe"})
	odd := detect("odd", `Image|endswith: '\odd.exe'`, "id: 11111111-2222-4333-8444-555555555555\nlevel: medium\nstatus: test\ntags: [attack.t1505.003]\n")
	acme := detect("acme", `Image|endswith: '\acme.exe'`, "role: web_server\nproduct: Acme\n")
	below := detect("below", "WorkerProcessId: 100", "level: low\n")
	builtinB := "B 204 car_2021_02_001_webshell_process_tree,shells_spawned_by_web_servers,web_server_descendant_shell"
	for _, c := range []struct {
		name    string
		options scan.RuleOptions
		given   []string
		want    []string
	}{
		{"built-in ones only", scan.RuleOptions{}, nil, []string{builtinB}},
		{"besides the built-in ones", scan.RuleOptions{}, []string{odd}, []string{builtinB, "B 208 odd"}},
		{"without those", scan.RuleOptions{NoBuiltin: true}, []string{odd}, []string{"B 208 odd"}},
		{
			"a web server of the user's",
			scan.RuleOptions{},
			[]string{acme, below},
			[]string{
				"A 104 web_server_descendant_shell,below", "A 108 web_server_descendant_enumeration,below", builtinB,
			},
		},
		{
			"built-in web servers stay",
			scan.RuleOptions{NoBuiltin: true},
			[]string{detect("under", `WorkerImage|endswith: '\w3wp.exe'`, "")},
			[]string{"B 204 under"},
		},
		{
			"a web server is told before there are workers",
			scan.RuleOptions{NoBuiltin: true},
			[]string{detect("circular", "WorkerImage|exists: true, Depth|gte: 1, Session|exists: true", "role: web_server\n"), below},
			[]string{},
		},
		{"an excluded web server", scan.RuleOptions{Exclude: []string{"WEB_SERVER_IIS"}}, []string{below}, []string{
			"B 204 car_2021_02_001_webshell_process_tree,shells_spawned_by_web_servers",
		}},
		{"excluded by ID", scan.RuleOptions{NoBuiltin: true, Exclude: []string{"11111111-2222-4333-8444-555555555555"}}, []string{odd, below}, []string{}},
		{"by level", scan.RuleOptions{NoBuiltin: true, MinLevel: rules.LevelMedium}, []string{odd, below, acme}, []string{"B 208 odd"}},
		{"by status", scan.RuleOptions{Statuses: []string{"test"}}, []string{odd}, []string{"B 208 odd"}},
		{"by tag", scan.RuleOptions{NoBuiltin: true, Tags: []string{"attack.T1505"}}, []string{odd, below}, []string{"B 208 odd"}},
		{
			"placeholders",
			scan.RuleOptions{NoBuiltin: true, Placeholders: map[string][]string{"names": {"odd", "acme"}}},
			[]string{detect("listed", `Image|endswith|expand: '%names%.exe'`, "")},
			[]string{"A 100 listed", "B 208 listed"},
		},
		{
			"a filter",
			scan.RuleOptions{Exclude: []string{"car_2021_02_001_webshell_process_tree"}},
			[]string{"title: f\nlogsource: {category: process_creation}\nfilter:\n    rules: [shells_spawned_by_web_servers, web_server_iis]\n" +
				"    selection: {Computer: B}\n    condition: selection\n"},
			[]string{},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.given != nil {
				c.options.Paths = []string{ruleFile(t, c.given...)}
			}
			res := mustScan(t, scan.Options{Paths: []string{log}, Rules: c.options})
			if diff := gocmp.Diff(c.want, found(res)); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
			if len(res.Rules.Errors) > 0 {
				t.Errorf("errors %v", res.Rules.Errors)
			}
		})
	}
}

// TestFiltersOfRoles: filters tune rules of every role that they name, about
// processes or other events, beside those that give findings.
func TestFiltersOfRoles(t *testing.T) {
	const search = "    s: {Computer: B}\n    condition: s\n"
	for _, name := range []string{
		"web_server_iis", "unknown_server_accepts", "web_application_exchange_owa", "technique_cmd", "habit_terminal", "session_burst",
		"shells_spawned_by_web_servers", "event_script_written_below_web_root",
	} {
		for _, also := range []string{"", ", car_2021_02_001_webshell_process_tree"} {
			given := ruleFile(t, "title: f\nlogsource: {product: windows}\nfilter:\n    rules: ["+name+also+"]\n"+search)
			sets, err := scan.LoadRules(t.Context(), scan.RuleOptions{Paths: []string{given}}, 1)
			if err != nil || len(sets.Errors) > 0 {
				t.Fatal(err, sets.Errors)
			}
			list := sets.Find(name)
			if len(list) != 1 {
				t.Fatalf("%d rules are called %s", len(list), name)
			}
			_, filters, _ := sets.Simplified(list[0])
			if !slices.ContainsFunc(filters, func(f *rules.Rule) bool { return f.Title == "f" }) {
				t.Errorf("%s%s: tuned by %d filters, and not by that one", name, also, len(filters))
			}
			if n := sets.Summary().Filters; n != 1 {
				t.Errorf("%s%s: %d filters", name, also, n)
			}
		}
	}
}

func TestRuleSummary(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"a.yml": detect("good", "Image: x", "level: low\n"),
		"b.yml": detect("bad", "Image|foo: x", ""),
		"c.yml": strings.Replace(detect("other", "Image: x", ""), "process_creation", "network_connection", 1),
		"d.yml": detect("unknown", "Image|expand: '%nobody%'", "level: high\n"),
		"e.yml": "title: c\nname: c\nrole: web_server\ncorrelation: {type: temporal, rules: [good], timespan: 1h}\n",
		"f.yml": "title: [\n",
		"g.yml": detect("unsure", "Image: x", "role: unknown_server\ncertainty: certain\n"),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	res := mustScan(t, scan.Options{
		Paths: []string{processLog(t, started{0, "A", 1, 2, "x.exe"})},
		Rules: scan.RuleOptions{Paths: []string{dir}, MinLevel: rules.LevelMedium, Exclude: []string{"good", "nobody"}},
	})
	s := res.Summary.Rules
	var errs []string
	for _, err := range s.Errors {
		errs = append(errs, strings.TrimPrefix(err.Error(), dir+string(filepath.Separator)))
	}
	want := []string{
		`b.yml:5:9: Image|foo: unknown modifier "foo"`,
		"f.yml:2:1: not valid YAML: did not find expected node content",
		"e.yml:1: the role web_server is for rules with a detection",
		`g.yml:1: certainty is named, likely or possible, not "certain"`,
		"d.yml:6:9: Image|expand: no value is known for placeholder %nobody%",
	}
	if diff := gocmp.Diff(want, errs); diff != "" {
		t.Errorf("errors (-want +got):\n%s", diff)
	}
	if s.Failed != 5 || s.NotSelected != 22 || s.Applied != 22 || !slices.Equal(s.Unmatched, []string{"nobody"}) {
		t.Errorf("%+v", s)
	}
}

// TestSelection: options that choose rules which there are not, or leave none
// that gives findings, end a scan with the reason.
func TestSelection(t *testing.T) {
	odd := ruleFile(t, detect("odd", `Image|endswith: '\odd.exe'`, "level: medium\nstatus: test\ntags: [attack.t1505.003]\n"))
	cleared := ruleFile(t, "title: cleared\nlogsource: {product: windows, service: security}\ndetection: {s: {EventID: 1102}, condition: s}\nlevel: critical\n")
	for _, c := range []struct {
		name    string
		options scan.RuleOptions
		want    string // "" if nothing is wrong
	}{
		{"a rule to exclude", scan.RuleOptions{Exclude: []string{"ODD"}}, ""},
		{"a built-in rule that is left out anyway", scan.RuleOptions{NoBuiltin: true, Exclude: []string{"web_server_descendant_shell"}}, ""},
		{"a rule to exclude by its title", scan.RuleOptions{Exclude: []string{"web server STARTED a shell or a reconnaissance program"}}, ""},
		{"a rule to exclude that there is not", scan.RuleOptions{Exclude: []string{"odd", "nobody"}}, `no rule to exclude has the name, ID or title "nobody"`},
		{"no name", scan.RuleOptions{Exclude: []string{""}}, `no rule to exclude has the name, ID or title ""`},
		{"a tag", scan.RuleOptions{Tags: []string{"T1505"}}, ""},
		{"a tag that there is not", scan.RuleOptions{Tags: []string{"t1505", "T150"}}, `no rule has the tag "T150" or one below it`},
		{
			"level that leaves rules about other events",
			scan.RuleOptions{MinLevel: rules.LevelCritical},
			"no rule about processes is left to give findings: none has the level critical or above (--level chooses by the level of what was found)",
		},
		{"level of rules that are all about other events", scan.RuleOptions{MinLevel: rules.LevelCritical, NoBuiltin: true, Paths: []string{cleared}}, ""},
		{"level without the built-in rules", scan.RuleOptions{NoBuiltin: true, MinLevel: rules.LevelCritical}, "no rule is left to give findings: without the built-in rules, 1 not selected (asked for: rules of level critical or above)"},
		{"status", scan.RuleOptions{Statuses: []string{"unsupported"}}, "no rule is left to give findings: 58 not selected (asked for: rules of status unsupported)"},
		{
			"all excluded",
			scan.RuleOptions{NoBuiltin: true, Exclude: []string{"odd"}},
			"no rule is left to give findings: without the built-in rules, 1 not selected (asked for: without rule odd)",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.options.Paths == nil {
				c.options.Paths = []string{odd}
			}
			log := processLog(t, started{0, "A", 1, 2, "x.exe"})
			_, err := scan.Scan(t.Context(), scan.Options{Paths: []string{log}, Rules: c.options})
			got := ""
			if err != nil {
				got = err.Error()
			}
			if got != c.want {
				t.Errorf("error %q, want %q", got, c.want)
			}
		})
	}
}

// TestMinLevel: sessions are taken by their level, whatever it comes from, and
// whole; findings that belong to none by their own.
func TestMinLevel(t *testing.T) {
	log := processLog(t,
		started{0, "A", 100, 4, "w3wp.exe"}, started{1, "A", 104, 100, "whoami.exe"}, started{2, "A", 108, 100, "ipconfig.exe"},
		started{3, "A", 112, 100, "systeminfo.exe"}, started{4, "A", 116, 100, "other.exe"},
		started{5, "B", 200, 4, "w3wp.exe"}, started{6, "B", 204, 200, "whoami.exe"}, started{7, "B", 208, 200, "other.exe"},
		started{8, "C", 300, 4, "w3wp.exe"}, started{9, "C", 304, 300, "other.exe"},
		started{10, "C", 400, 4, "odd.exe"}, started{11, "C", 404, 4, "other.exe"})
	given := ruleFile(t, detect("odd", `Image|endswith: '\odd.exe'`, "level: critical\n"), detect("other", `Image|endswith: '\other.exe'`, "level: medium\n"))
	for _, c := range []struct {
		level          rules.Level
		sessions, want []string
		only           string
	}{
		{rules.LevelNone, []string{"A critical", "B high", "C medium"}, []string{"A 104", "A 108", "A 112", "A 116", "B 204", "B 208", "C 304", "C 400", "C 404"}, ""},
		{
			rules.LevelHigh,
			[]string{"A critical", "B high"},
			[]string{"A 104", "A 108", "A 112", "A 116", "B 204", "B 208", "C 400"},
			"level high or above (findings below it left out: 2)",
		},
		{
			rules.LevelCritical,
			[]string{"A critical"},
			[]string{"A 104", "A 108", "A 112", "A 116", "C 400"},
			"level critical or above (findings below it left out: 4)",
		},
	} {
		res := mustScan(t, scan.Options{Paths: []string{log}, MinLevel: c.level, Rules: scan.RuleOptions{Paths: []string{given}}, Crosscheck: 7})
		var sessions, got []string
		for _, s := range res.Sessions {
			sessions = append(sessions, s.Host+" "+s.Level.String())
		}
		for _, f := range res.Findings {
			got = append(got, fmt.Sprint(f.Host, " ", f.ProcessID))
			if c.level > 0 && f.Crosscheck.State != crosscheck.Confirmed {
				t.Errorf("the second decoder was asked about others than those that are reported: %+v", f.Crosscheck)
			}
		}
		if diff := gocmp.Diff([][]string{c.sessions, c.want}, [][]string{sessions, got}); diff != "" {
			t.Errorf("level %s (-want +got):\n%s", c.level, diff)
		}
		if only := strings.Join(res.Summary.Only, ", "); only != c.only || strings.Join(res.Manifest.Only, ", ") != c.only {
			t.Errorf("level %s: only %q, of the manifest %q", c.level, only, res.Manifest.Only)
		}
	}
}

// TestCorrelations: correlation rules are met by processes of all hosts in the
// order of time, and said of the one that completes them, whatever the number
// of goroutines.
func TestCorrelations(t *testing.T) {
	var list []started
	for i := range 12 { // every ten seconds one on each host; from the third on within the timespan
		list = append(list, started{10 * i, "A", uint64(1000 + 4*i), 4, "ping.exe"}, started{10*i + 5, "B", uint64(2000 + 4*i), 4, "ping.exe"})
	}
	list = append(list, started{300, "A", 3000, 4, "first.exe"}, started{310, "A", 3004, 3000, "second.exe"}, started{320, "A", 3008, 4, "w3wp.exe"},
		started{321, "A", 3012, 3008, "one.exe"}, started{322, "A", 3016, 3012, "two.exe"}, started{323, "A", 3020, 4, "three.exe"})
	log := processLog(t, list...)
	ping := detect("ping", `Image|endswith: '\ping.exe'`, "level: low\n")
	correlation := func(name, text string) string {
		return "title: " + name + "\nname: " + name + "\nlevel: critical\n" + text
	}
	for _, c := range []struct {
		name  string
		given []string
		want  []string
	}{
		{
			"a count by host that goes on",
			[]string{ping, correlation("many", "correlation: {type: event_count, rules: [ping], group-by: [Computer], timespan: 20s, condition: {gte: 3}}\n")},
			[]string{
				"A 1008 many many[A]=3[1000 1004 1008 1012 1016 1020 1024 1028 1032 1036 1040 1044]",
				"B 2008 many many[B]=3[2000 2004 2008 2012 2016 2020 2024 2028 2032 2036 2040 2044]",
			},
		},
		{
			"over all hosts",
			[]string{ping, correlation("all", "correlation: {type: event_count, rules: [ping], timespan: 10m, condition: {gte: 24}}\n")},
			[]string{"B 2044 all all[]=24[1000 2000 1004 2004 1008 2008 1012 2012 1016 2016 1020 2020 1024 2024 1028 2028 1032 2032 1036 2036 1040 2040 1044 2044]"},
		},
		{
			"in order, with the rules referred to kept",
			[]string{
				detect("first", `Image|endswith: '\first.exe'`, ""), detect("second", `Image|endswith: '\second.exe'`, ""),
				correlation("ordered", "generate: true\ncorrelation: {type: temporal_ordered, rules: [first, second], group-by: [Computer], timespan: 1m}\n"),
			},
			[]string{"A 3000 first", "A 3004 ordered,second ordered[A]=2[3000 3004]"},
		},
		{
			"by the session that only the tree knows",
			[]string{
				detect("any", `Image|endswith: ['\one.exe', '\two.exe', '\three.exe']`, ""),
				correlation("busy", "correlation: {type: value_count, rules: [any], group-by: [Session, WorkerProcessId], timespan: 1m, condition: {field: Image, gte: 2}}\n"),
			},
			[]string{"A 3016 busy busy[A/3008/2026-03-02T08:05:20.0000000Z 3008]=2[3012 3016]"},
		},
		{
			"by too little, which its timespan's end tells",
			[]string{
				ping, correlation("few", "correlation: {type: event_count, rules: [ping], group-by: [Computer], timespan: 30s, condition: {lt: 2}}\n"),
				detect("late", `Image|endswith: '\three.exe'`, ""),
			},
			[]string{"A 3020 late"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			options := scan.Options{Paths: []string{log}, Rules: scan.RuleOptions{NoBuiltin: true, Paths: []string{ruleFile(t, c.given...)}}}
			for _, options.Goroutines = range []int{1, 2, 8} {
				res := mustScan(t, options)
				if len(res.Rules.Errors) > 0 {
					t.Fatal(res.Rules.Errors)
				}
				if diff := gocmp.Diff(c.want, found(res)); diff != "" {
					t.Errorf("%d goroutines (-want +got):\n%s", options.Goroutines, diff)
				}
			}
		})
	}
	t.Run("of one host only", func(t *testing.T) {
		given := ruleFile(t, ping, correlation("all", "correlation: {type: event_count, rules: [ping], timespan: 10m, condition: {gte: 24}}\n"))
		options := scan.Options{Paths: []string{log}, Hosts: []string{"A"}, Rules: scan.RuleOptions{NoBuiltin: true, Paths: []string{given}}}
		if got := found(mustScan(t, options)); len(got) != 0 {
			t.Errorf("completed on another host: %v", got)
		}
		options.Hosts = []string{"B"}
		if got := found(mustScan(t, options)); len(got) != 1 {
			t.Errorf("completed on this host by processes of both: %v", got)
		}
	})
}

// Package reporttest makes results for tests of reports: with the worst texts
// that a log may have, with every mark, and with very many findings.
package reporttest

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"webshellscan/rules"
	"webshellscan/scan"
	"webshellscan/scan/crosscheck"
	"webshellscan/scan/event"
	"webshellscan/scan/evtx"
	"webshellscan/scan/finding"
	"webshellscan/scan/integrity"
	"webshellscan/scan/proctree"
	"webshellscan/scan/story"
	"webshellscan/scan/weblog"
)

// Noon is when the made findings happened.
var Noon = event.FromTime(time.Date(2026, 3, 2, 12, 0, 0, 123456700, time.UTC))

// Finding returns a finding whose texts all are the given one.
func Finding(s string) *finding.Finding {
	return &finding.Finding{
		Host: s, Time: Noon, Level: rules.LevelHigh, Rules: []*rules.Rule{{Name: "some_rule", Level: rules.LevelHigh}},
		Image: s, CommandLine: s, ProcessID: 4242, User: s, IntegrityLevel: s,
		ParentImage: s, ParentCommandLine: s, ParentProcessID: 4000, ProcessGUID: event.GUID{0xB2, 15: 7},
		WorkerImage: s, WorkerProcessID: 4000, WorkerCommandLine: s, Product: s, ServerRole: finding.ServerWeb, Session: "session", DecodedCommand: s,
		Depth: 1, Ancestors: []string{s, s}, Link: proctree.LinkGUID,
		Evidence:   []finding.Evidence{{File: s, Offset: 512, RecordID: 7, Channel: s, EventID: 1}},
		Crosscheck: crosscheck.Result{State: crosscheck.Differs, Reason: s},
	}
}

// Result returns a made result of findings below one worker, whose session says
// what the first finding says, and one of each of the other objects.
func Result(findings ...*finding.Finding) *scan.Result {
	res := &scan.Result{Findings: findings}
	if len(findings) == 0 {
		return res
	}
	s := findings[0].CommandLine
	res.Sessions = []*finding.Session{{
		Key: "session", Host: s, Product: s, Application: s, ServerRole: finding.ServerWeb, User: s, Level: rules.LevelCritical, Raised: []string{s},
		First: Noon, Last: Noon + event.Hour, Findings: findings, Processes: len(findings), Commands: 1, Enumeration: 1, Burst: 1, BurstStart: Noon,
		Users: []string{s}, IntegrityLevels: []string{s}, Link: proctree.LinkTime, Shapes: finding.Fold(findings),
	}}
	addStory(res, s)
	res.Manifest = scan.Manifest{Version: s, Rules: []string{s}, Inputs: []scan.InputFile{{Path: s, Error: s}}}
	res.Coverage = []integrity.HostCoverage{{Host: s, Channels: []integrity.ChannelCoverage{{Channel: s, Gaps: []integrity.Gap{{From: Noon}}}}}}
	res.Integrity = []*integrity.Finding{{Kind: "log-cleared", Host: s, Channel: s, File: s, Text: s, Meaning: s, Evidence: findings[0].Evidence}}
	return res
}

// addStory adds to a result's first session a story whose texts all are the
// given one, and to the result an event without a session.
func addStory(res *scan.Result, s string) {
	session := res.Sessions[0]
	rule := []*rules.Rule{{Name: "some_event_rule", Title: s, Level: rules.LevelHigh}}
	newEvent := func(of *finding.Session) *finding.Event {
		record := &story.Record{Provider: s, Channel: s, ID: 11, RecordID: 7, Fields: []story.Field{{Name: s, Value: s}, {Name: "TargetFilename", Value: s}}}
		met := &rules.Rule{Title: s, Level: rules.LevelHigh, Correlation: &rules.Correlation{GroupBy: []string{s}}}
		return &finding.Event{
			Correlated: []*finding.Correlation{{
				Rule: met, Group: []string{s}, Value: 3, Total: 3, TotalEvents: 3, Events: []finding.CorrelatedEvent{{Host: s, Time: Noon, Channel: s, Image: s, File: s}},
			}},
			Event: &story.Event{Time: Noon, Category: story.FileEvent, Summary: s, Rules: rule, Link: story.LinkGUID, ProcessID: 4242, Image: s, Record: record, Count: 2},
			Host:  s, Session: of, Evidence: []finding.Evidence{{File: s, Offset: 512, RecordID: 7, Channel: s, EventID: 11}},
		}
	}
	session.Events = []*finding.Event{newEvent(session)}
	session.EventCounts = map[story.Category]int{story.FileEvent: 2}
	session.EntryPoints = []*finding.EntryPoint{{
		URI: s, Site: s, Methods: []string{s}, Clients: []string{s}, Proxies: []string{s}, Claimed: []string{s}, UserAgents: []string{s}, Statuses: []int{200}, First: Noon, Last: Noon,
		Requests: 1, Coinciding: 1, Processes: 1, OfProcesses: 1, Confidence: story.ConfidenceLikely,
	}}
	session.Requests = []*finding.Request{{
		Request: weblog.Request{Time: Noon, Method: s, URI: s, Parameters: s, Query: s, Status: 200, Client: s, ForwardedFor: s, User: s, UserAgent: s, Referer: s, Site: s},
		From:    s, Host: s, Session: session, Entry: true, Confidence: story.ConfidenceLikely, File: s,
	}}
	res.Events = []*finding.Event{session.Events[0], newEvent(nil)}
	res.Requests = session.Requests
	if s == "" {
		return // an indicator is never empty
	}
	one := []story.Indicator{{Value: s, First: Noon, Last: Noon, Hash: s, Sources: []string{s}}}
	session.Indicators = story.Indicators{Files: one, Hashes: one, Addresses: one, Domains: one, URLs: one, Accounts: one, Services: one, Tasks: one}
}

// Worst are texts that an intruder would like to see in a report.
var Worst = []string{
	"\x1b[31mred\x1b[0m \x1b]0;title\x07", "\u202Egnp.exe", "=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "a\nb\r\nc",
	`"quoted", and ; > parted`, "<script>alert(1)</script>", "\u0085\u2028\u2029\u200B\uFEFF", "\x00\x07\x08", "\u009B31m", "\u0080\u009F\x7F\u00C2", "😀日本\uFFFD", "%s%n",
	strings.Repeat("A", 10_000), "", " ", "\U000E0041",
}

// Hostile returns a result in which every text is the given one.
func Hostile(s string) *scan.Result {
	f := Finding(s)
	f.DecodedCommand, f.Known = s, true
	f.Rules = []*rules.Rule{{
		Title: s, Name: s, ID: s, Description: s, Author: s, Status: s, Date: s, Level: rules.LevelCritical,
		Tags: []string{s, "attack.t1505.003", "attack." + s, "car." + s, "cve." + s}, References: []string{s, "https://" + s, "javascript:alert(1)"},
		FalsePositives: []string{s}, LogSource: rules.LogSource{Category: s, Product: s, Service: s},
		Detection: &rules.Detection{
			Searches: []*rules.Search{{Name: s, Groups: []*rules.Group{
				{Items: []*rules.Item{{Field: s, Modifiers: []string{s}, Values: []rules.Value{{Text: s}}}}},
				{Items: []*rules.Item{{Field: s, Values: []rules.Value{{Text: s}, {Text: s}}}}},
			}}},
			Conditions: []*rules.Condition{{Text: s}},
		},
	}, {
		Title: s, Level: rules.LevelLow, Correlation: &rules.Correlation{Type: rules.CorrelationType(s), Rules: []string{s}, GroupBy: []string{s}},
	}}
	f.Crosscheck = crosscheck.Result{State: crosscheck.Differs, Reason: s, Raw: map[string]any{s: []any{s, 1, map[string]any{"a": s}}, "x": errors.New(s)}}
	bad := scan.FileError{Path: s, Err: errors.New(s)}
	res := &scan.Result{
		Findings: []*finding.Finding{f},
		Sessions: []*finding.Session{{
			Key: "session", Host: s, Product: s, Application: s, ServerRole: finding.ServerWeb, User: s, Level: rules.LevelCritical, Raised: []string{s}, First: Noon, Last: Noon,
			Findings: []*finding.Finding{f}, Processes: 3, Commands: 2, Enumeration: 2, Burst: 2, BurstStart: Noon,
			Users: []string{s, s}, IntegrityLevels: []string{s}, Link: proctree.LinkTime, Shapes: []finding.Shape{{Findings: []*finding.Finding{f}, Known: true}},
		}},
		Integrity: []*integrity.Finding{{
			Kind: integrity.Kind(s), Level: integrity.Alarm, Host: s, Channel: s, File: s, Offset: 7, First: Noon, Last: Noon + event.Hour,
			Count: 2, Text: s, Meaning: s, Evidence: f.Evidence,
		}},
		Coverage: []integrity.HostCoverage{{
			Host: s, First: Noon, Last: Noon + event.Hour, Covered: 0.5, Strays: []integrity.Stray{{First: Noon - 900*event.Day, Last: Noon - 900*event.Day, Records: 1}},
			Channels: []integrity.ChannelCoverage{{Channel: s, Files: 1, Records: 2, First: Noon, Last: Noon, Gaps: []integrity.Gap{{From: Noon, To: Noon, FirstID: 3, LastID: 9}, {From: Noon, To: Noon}}}},
		}},
		Manifest: scan.Manifest{Version: s, Inputs: []scan.InputFile{{Path: s, Size: 9, SHA256: s, Error: s}}, Rules: []string{s}},
		Summary: scan.Summary{
			Records: 1, Unreadable: []scan.FileError{bad}, Skipped: []scan.FileError{bad}, Crashes: []scan.FileError{bad}, Interrupted: errors.New(s),
			Damage: []scan.FileFaults{{Path: s, Counts: map[evtx.Class]int{evtx.Class(s): 1}}},
			Blind:  []scan.Blind{{Host: s, Text: s}},
		},
	}
	addStory(res, s)
	return res
}

// HostileTexts are the worst texts, and those that would leave a context of a
// page.
var HostileTexts = append([]string{
	`</script><script>window.hacked=1</script>`, `<!--<script>`, `]]>`, `"><img src=x onerror=window.hacked=1>`, `' onmouseover='window.hacked=1`,
	`</style><svg onload=window.hacked=1>`, `</title><script>window.hacked=1</script>`, `javascript:window.hacked=1`, `{{.Host}}`, "${window.hacked=1}", "`+window.hacked=1+`",
	`</textarea></dialog><iframe srcdoc="<script>top.hacked=1</script>">`, `&lt;script&gt;`, `\u003cscript\u003e`, "a\u202Eb\u2066c",
}, Worst...)

// Many returns a result of n findings in sessions of a hundred.
func Many(n int) *scan.Result {
	res := &scan.Result{Summary: scan.Summary{Records: n, Files: 1}}
	names := []string{"whoami", "ipconfig /all", "net user", "tasklist /v", "systeminfo", "nltest /dclist:corp.example", "reg query HKLM\\Software /s"}
	rule := []*rules.Rule{
		{Name: "web_server_descendant_shell", Title: "Shell below a web server", Level: rules.LevelHigh},
		{Name: "web_server_descendant_enumeration", Title: "Enumeration below a web server", Level: rules.LevelMedium},
	}
	for i := range n {
		host := fmt.Sprintf("WEB%02d.corp.example", i/100%40)
		key := fmt.Sprintf("%s/%d", host, i/100)
		r := rule[i%2]
		f := &finding.Finding{
			Host: host, Time: Noon + event.Time(i)*event.Second, Level: r.Level, Rules: []*rules.Rule{r},
			Image: `C:\Windows\System32\cmd.exe`, CommandLine: fmt.Sprintf(`"cmd.exe" /c %s & rem %d`, names[i%len(names)], i), ProcessID: uint32(4 * i),
			ProcessGUID: event.GUID{0xB2, 0x79, 14: byte(i >> 8), 15: byte(i)}, User: `IIS APPPOOL\shop`, IntegrityLevel: "High",
			ParentImage: `C:\Windows\System32\inetsrv\w3wp.exe`, ParentCommandLine: `c:\windows\system32\inetsrv\w3wp.exe -ap "shop"`, ParentProcessID: 4000,
			WorkerImage: `C:\Windows\System32\inetsrv\w3wp.exe`, WorkerProcessID: 4000, WorkerCommandLine: `c:\windows\system32\inetsrv\w3wp.exe -ap "shop"`,
			Product: "IIS", ServerRole: finding.ServerWeb, Session: key, Depth: 1, Ancestors: []string{`C:\Windows\System32\inetsrv\w3wp.exe`}, Link: proctree.LinkGUID,
			Evidence:   []finding.Evidence{{File: `evidence/WEB/Microsoft-Windows-Sysmon%4Operational.evtx`, Offset: int64(i) * 1000, RecordID: uint64(i), Time: Noon, Channel: "Microsoft-Windows-Sysmon/Operational", EventID: 1}},
			Crosscheck: crosscheck.Result{State: crosscheck.Confirmed},
		}
		if i%100 == 0 {
			res.Sessions = append(res.Sessions, &finding.Session{Key: key, Host: host, Product: "IIS", ServerRole: finding.ServerWeb, Level: rules.LevelHigh, First: f.Time, Users: []string{f.User}})
		}
		s := res.Sessions[len(res.Sessions)-1]
		s.Findings, s.Last = append(s.Findings, f), f.Time
		res.Findings = append(res.Findings, f)
	}
	return res
}

// Numbers of which a script would lose digits.
const (
	BigRecordID = 1<<63 + 1
	BigOffset   = 1<<53 + 1
)

// Marked returns a result whose finding is known from records with all marks
// and completed a correlation rule.
func Marked() *scan.Result {
	f := Finding("here")
	rule := &rules.Rule{Name: "many_shells", Level: rules.LevelHigh, Correlation: &rules.Correlation{}}
	f.Rules = append(f.Rules, rule)
	f.Correlated = []*finding.Correlation{{Rule: rule, Total: 3, Processes: []finding.CorrelatedProcess{{Time: Noon}}}}
	f.Recovered = true
	f.Evidence = []finding.Evidence{
		{File: "a.evtx", Offset: BigOffset, RecordID: BigRecordID, Recovered: true, Substituted: true, Hidden: true},
		{File: "b.evtx", Offset: 8, RecordID: 9},
	}
	f.Crosscheck.Raw = map[string]any{"EventRecordID": uint64(BigRecordID), "Offset": int64(BigOffset), "Small": 7}
	res := Result(f)
	res.Integrity[0].Evidence = f.Evidence
	return res
}

// BigPlace is how a report writes the place of the first of them.
const BigPlace = "record 9223372036854775809, offset 9007199254740993"

// WorstMarkup are texts that mean something to Markdown, DOT or Mermaid.
var WorstMarkup = append([]string{
	"[click](https://evil.example)", "![x](https://evil.example/x.png)", "<img src=x onerror=alert(1)>", "https://evil.example/a",
	"www.evil.example", "mail@evil.example", "<https://evil.example>", "a|b", `a\|b`, "|", "||", "`", "``a`", "`|`", `a\`, "a`|`b\\", " `x` ",
	"# heading", "> quote", "- item", "1. item", "1) item", "---", "===", "\t code", "    code", "* * *", "**bold** _it_ ~~s~~", "[x]: https://evil.example",
	"&lt;b&gt; &#60; &#x3c; &amp;", "[^1]", "$x$ @user #1", "|---|---|", "a|b\n|--|--|\n[l](x)", "<!-- x", "<!DOCTYPE x>", "<?x", "<![CDATA[x", "</table><script>",
	`x" -> y; }`, `\N \G \" \\"`, `\`, `x\`, "<b>html</b>", "#quot;#35;", "style a:#x;", "classDef a:#b;#c;", "end", "%%{init: {}}%%", "fa:fa-car", "]; click n1 \"https://evil.example\"", "`md`",
	"n1 --> n2", "\";\nclick n0 href \"https://evil.example\"\n", "<br/>", "subgraph x", "x\u00A0y", "x /* y */ // z", "{a|b}", "<f0>",
}, Worst...)

// Full is a destination that is full after some bytes.
type Full struct{ Room int }

// Write implements io.Writer.
func (f *Full) Write(b []byte) (int, error) {
	if len(b) > f.Room {
		n := f.Room
		f.Room = 0
		return n, errors.New("full")
	}
	f.Room -= len(b)
	return len(b), nil
}

// Shipped scans the shipped logs as the command line does for a format. root is
// the repository's folder.
func Shipped(t testing.TB, root string, rawEvents int) *scan.Result {
	t.Helper()
	res, err := scan.Scan(t.Context(), scan.Options{Paths: []string{filepath.Join(root, "testdata", "logs")}, RawEvents: rawEvents})
	if err != nil {
		t.Fatal(err)
	}
	return res
}

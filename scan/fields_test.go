package scan_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"webshellscan/internal/evtxtest"
	"webshellscan/rules"
	"webshellscan/scan"
	"webshellscan/scan/proctree"
)

// fieldRow is a row of the table of fields in docs/RULES.md.
type fieldRow struct{ field, sysmon, security, tree string }

func fieldTable(t *testing.T) []fieldRow {
	t.Helper()
	data, err := os.ReadFile("../docs/RULES.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(strings.ReplaceAll(string(data), "\r\n", "\n"), "| field | Sysmon 1 |")
	var rows []fieldRow
	for line := range strings.Lines(table) {
		cells := strings.Split(strings.TrimSpace(line), "|")
		if name := strings.Trim(strings.TrimSpace(cells[min(1, len(cells)-1)]), "`"); strings.HasPrefix(line, "| `") {
			rows = append(rows, fieldRow{name, strings.TrimSpace(cells[2]), strings.TrimSpace(cells[3]), strings.TrimSpace(cells[4])})
		} else if len(rows) > 0 {
			break
		}
	}
	if len(rows) == 0 {
		t.Fatal("docs/RULES.md has no table of fields")
	}
	return rows
}

var fieldTime = time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)

func processGUID(pid uint32) evtxtest.GUID {
	return evtxtest.MustGUID(fmt.Sprintf("00000000-0000-0000-0000-%012d", pid))
}

// fieldEvents are the processes 100, 200, 300 and 400, each the parent of the
// next, in both sources on two hosts; no two values are the same.
func fieldEvents() []evtxtest.Event {
	var events []evtxtest.Event
	for i, pid := range []uint32{100, 200, 300, 400} {
		v := func(name string) string { return fmt.Sprintf("%s of %d", name, pid) }
		image := func(pid uint32) string {
			if pid == 100 {
				return `C:\inetsrv\w3wp.exe`
			}
			return fmt.Sprintf(`C:\%d.exe`, pid)
		}
		at := fieldTime.Add(time.Duration(i) * time.Minute)
		events = append(events, evtxtest.NewEvent(at, "SYSMON", &evtxtest.SysmonProcessCreate{
			Schema: evtxtest.Sysmon23, RuleName: v("RuleName"), UtcTime: evtxtest.FileTimeOf(at.Add(-time.Second)), ProcessGUID: processGUID(pid), ProcessID: pid,
			Image: image(pid), FileVersion: v("FileVersion"), Description: v("Description"), Product: v("Product"), Company: v("Company"),
			OriginalFileName: v("OriginalFileName"), CommandLine: v("CommandLine"), CurrentDirectory: v("CurrentDirectory"), User: v("User"),
			LogonGUID: processGUID(pid + 1), LogonID: uint64(pid) + 2, TerminalSessionID: pid + 3, IntegrityLevel: v("IntegrityLevel"),
			Hashes:            fmt.Sprintf("SHA1=a%d,MD5=b%d,SHA256=c%d,IMPHASH=d%d", pid, pid, pid, pid),
			ParentProcessGUID: processGUID(pid - 100), ParentProcessID: pid - 100, ParentImage: image(pid - 100), ParentCommandLine: v("ParentCommandLine"),
			ParentUser: v("ParentUser"),
		}), evtxtest.NewEvent(at, "SECURITY", &evtxtest.ProcessCreated{
			Subject:      evtxtest.Account{SID: evtxtest.MustSID("S-1-5-21-1"), Name: v("SubjectUserName"), Domain: v("SubjectDomainName"), LogonID: uint64(pid) + 4},
			NewProcessID: uint64(pid), NewProcessName: image(pid), TokenElevationType: "%%1936", ProcessID: uint64(pid - 100), CommandLine: v("CommandLine"),
			Target:            evtxtest.Account{SID: evtxtest.MustSID("S-1-5-21-2"), Name: v("TargetUserName"), Domain: v("TargetDomainName"), LogonID: uint64(pid) + 5},
			ParentProcessName: image(pid - 100), MandatoryLabel: evtxtest.MustSID("S-1-16-12288"),
		}))
	}
	return events
}

// computed are the values of the fields of process 300 that are no plain values
// of its records.
var computed = map[string]string{
	"User/security": `TargetDomainName of 300\TargetUserName of 300`, "IntegrityLevel/security": "High", "LogonId/security": "0x131",
	"ProcessId/sysmon": "300", "ProcessId/security": "300", "NewProcessId/sysmon": "300", "NewProcessId/security": "300",
	"ParentProcessId/sysmon": "200", "ParentProcessId/security": "200",
	"SHA1/sysmon": "a300", "MD5/sysmon": "b300", "SHA256/sysmon": "c300", "Imphash/sysmon": "d300",
	"UtcTime/sysmon": "2026-03-02 08:01:59.000", "UtcTime/security": "2026-03-02 08:02:00.000",
	"Computer/sysmon": "SYSMON", "Computer/security": "SECURITY", "EventID/sysmon": "1", "EventID/security": "4688", "Version/sysmon": "5", "Version/security": "2",
	"Channel/sysmon": "Microsoft-Windows-Sysmon/Operational", "Channel/security": "Security",
	"Provider_Name/sysmon": "Microsoft-Windows-Sysmon", "Provider_Name/security": "Microsoft-Windows-Security-Auditing",
	"Session/sysmon": "SYSMON/100/2026-03-02T07:59:59.0000000Z", "Session/security": "SECURITY/100/2026-03-02T08:00:00.0000000Z",
	"Depth/sysmon": "2", "Depth/security": "2", "WorkerRole/sysmon": "web", "WorkerRole/security": "web", "WorkerCertainty/sysmon": "named", "WorkerCertainty/security": "named", "WorkerProduct/sysmon": "IIS", "WorkerProduct/security": "IIS",
	"CommandText/sysmon": "CommandLine of 300", "CommandText/security": "CommandLine of 300",
	"ImageName/sysmon": "300.exe", "ImageName/security": "300.exe", "Elevation/sysmon": "user", "Elevation/security": "user",
	"SeenBelow/sysmon": "1", "SeenBelow/security": "1", "FindingBelow/sysmon": "true", "FindingBelow/security": "true",
}

// raw are the values of the records' own fields, of process 300.
var raw = map[string]string{
	"Image": `C:\300.exe`, "NewProcessName": `C:\300.exe`, "ParentImage": `C:\200.exe`, "ParentProcessName": `C:\200.exe`,
	"ProcessGuid": "{00000000-0000-0000-0000-000000000300}", "ParentProcessGuid": "{00000000-0000-0000-0000-000000000200}",
	"LogonGuid": "{00000000-0000-0000-0000-000000000301}", "LogonId": "0x12e", "TerminalSessionId": "303", "Hashes": "SHA1=a300,MD5=b300,SHA256=c300,IMPHASH=d300",
	"SubjectUserSid": "S-1-5-21-1", "TargetUserSid": "S-1-5-21-2", "SubjectLogonId": "0x130", "TargetLogonId": "0x131",
	"TokenElevationType": "%%1936", "MandatoryLabel": "S-1-16-12288",
}

var (
	plainCell = regexp.MustCompile("^`(\\w+)`$")
	ownerCell = regexp.MustCompile("^(parent|grandparent|every ancestor|every child|worker)'s `(\\w+)`(?:, of the first 64|; empty where no log names it)?$")
)

// TestFieldTable holds the table of fields in docs/RULES.md to what rules get:
// it has every field, and each is filled from what it says.
func TestFieldTable(t *testing.T) {
	rows := fieldTable(t)
	hosts := scanEvents(t, fieldEvents())
	var names []string
	for _, row := range rows {
		names = append(names, strings.ToLower(row.field))
		for source, cell := range map[string]string{"sysmon": row.sysmon, "security": row.security} {
			host := hosts[strings.ToUpper(source)]
			got := host.res.FieldValues(host.process[300], row.field)
			want := wantedValues(row, source, cell, host)
			if diff := gocmp.Diff(want, got); diff != "" {
				t.Errorf("%s of %s, which the table has from %s %s (-table +got):\n%s", row.field, source, cell, row.tree, diff)
			}
		}
	}
	none := []string{"", "status", "processname"} // keywords; fields of 4689
	for _, name := range scan.FieldNames() {
		if name = strings.ToLower(name); !slices.Contains(names, name) && !slices.Contains(none, name) {
			t.Errorf("the table of fields lacks %s", name)
		}
	}
}

// wantedValues returns what a row of the table says of a source.
func wantedValues(row fieldRow, source, cell string, host madeHost) []string {
	if value, ok := computed[row.field+"/"+source]; ok {
		return []string{value}
	}
	if plain := plainCell.FindStringSubmatch(cell); plain != nil {
		if value, ok := raw[plain[1]]; ok {
			return []string{value}
		}
		return []string{plain[1] + " of 300"}
	}
	owner := ownerCell.FindStringSubmatch(row.tree)
	if owner == nil {
		return nil
	}
	var list []string
	for _, pid := range map[string][]uint32{"parent": {200}, "grandparent": {100}, "every ancestor": {200, 100, 0}, "worker": {100}, "every child": {400}}[owner[1]] {
		for p, process := range host.process {
			if p == pid {
				list = append(list, host.res.FieldValues(process, owner[2])...)
			}
		}
	}
	return list
}

// madeHost is a host of a made log.
type madeHost struct {
	res     *scan.Result
	process map[uint32]proctree.Process
}

func scanEvents(t *testing.T, events []evtxtest.Event) map[string]madeHost {
	t.Helper()
	path := filepath.Join(t.TempDir(), "made.evtx")
	writeLog(t, path, evtxtest.Options{}, events)
	res := mustScan(t, scan.Options{Paths: []string{path}})
	hosts := make(map[string]madeHost)
	for i, h := range res.Forest.Hosts() {
		host := madeHost{res, make(map[uint32]proctree.Process)}
		for p := range res.Forest.Processes(i) {
			host.process[p.PID()] = p
		}
		hosts[h.Name] = host
	}
	return hosts
}

// TestFieldsFromTree: where a record lacks a parent's field, or has nothing to
// say in it, the parent's own record is asked, and for a command line the
// child's.
func TestFieldsFromTree(t *testing.T) {
	events := []evtxtest.Event{
		evtxtest.NewEvent(fieldTime, "H", &evtxtest.ProcessCreated{
			Form: evtxtest.ProcessCreatedV0, NewProcessID: 100, NewProcessName: `C:\a.exe`, ProcessID: 4,
			Subject: evtxtest.Account{SID: evtxtest.MustSID("S-1-5-18"), Name: "n", Domain: "d"},
		}),
		evtxtest.NewEvent(fieldTime.Add(time.Second), "H", &evtxtest.SysmonProcessCreate{
			Schema: evtxtest.Sysmon16, ProcessGUID: processGUID(200), ProcessID: 200, Image: `C:\b.exe`, CommandLine: "b", User: "u",
			ParentProcessID: 100, ParentImage: `C:\a.exe`, ParentCommandLine: "a /by its child", Hashes: "MD5=1",
		}),
		evtxtest.NewEvent(fieldTime.Add(2*time.Second), "H", &evtxtest.SysmonProcessCreate{
			Schema: evtxtest.Sysmon23, ProcessGUID: processGUID(300), ProcessID: 300, Image: `C:\c.exe`, CommandLine: "c", User: "u",
			ParentProcessGUID: processGUID(200), ParentProcessID: 200, ParentImage: "-", ParentCommandLine: "?", ParentUser: "-",
		}),
	}
	host := scanEvents(t, events)["H"]
	for _, c := range []struct {
		pid   uint32
		field string
		want  []string
	}{
		{100, "CommandLine", []string{"a /by its child"}},
		{200, "ParentUser", []string{`d\n`}},
		{200, "SHA256", nil},
		{200, "OriginalFileName", nil},
		{300, "ParentImage", []string{`C:\b.exe`}},
		{300, "ParentCommandLine", []string{"b"}},
		{300, "ParentUser", []string{"u"}},
		{300, "GrandParentImage", []string{`C:\a.exe`}},
		{300, "WorkerImage", nil},
		{300, "Depth", nil},
		{300, "NoSuchField", nil},
	} {
		if diff := gocmp.Diff(c.want, host.res.FieldValues(host.process[c.pid], c.field)); diff != "" {
			t.Errorf("%s of %d (-want +got):\n%s", c.field, c.pid, diff)
		}
	}
}

// TestBothLogs: what a rule asks of a process that Sysmon, the Security log or
// both logged: either log answers for itself, and numbers and levels in both
// spellings.
func TestBothLogs(t *testing.T) {
	sysmon := evtxtest.NewEvent(fieldTime, "H", &evtxtest.SysmonProcessCreate{
		Schema: evtxtest.Sysmon23, ProcessGUID: processGUID(7000), ProcessID: 7000, Image: `C:\a.exe`, CommandLine: "a", User: "u",
		ParentProcessID: 6000, ParentImage: `C:\p.exe`, IntegrityLevel: "System",
	})
	label := evtxtest.MustSID("S-1-16-16384")
	security := evtxtest.NewEvent(fieldTime, "H", &evtxtest.ProcessCreated{
		NewProcessID: 7000, NewProcessName: `C:\a.exe`, CommandLine: "a", ProcessID: 6000, ParentProcessName: `C:\p.exe`, MandatoryLabel: label,
		Subject: evtxtest.Account{SID: evtxtest.MustSID("S-1-5-18"), Name: "u"},
	})
	const (
		ofSysmon   = 1 << iota // the process matches if Sysmon alone logged it
		ofSecurity             // the Security log alone
		ofBoth
		always = ofSysmon | ofSecurity | ofBoth
	)
	tests := map[string]int{
		"EventID: 4688": ofSecurity | ofBoth, "EventID: 1": ofSysmon | ofBoth, "EventID: [1, 4688]": always, "EventID: 4689": 0,
		"Channel: Security": ofSecurity | ofBoth, "Channel|endswith: Operational": ofSysmon | ofBoth,
		"Provider_Name: Microsoft-Windows-Security-Auditing": ofSecurity | ofBoth, "Provider_Name|contains: sysmon": ofSysmon | ofBoth,
		"Version: 2": ofSecurity | ofBoth, "Version: 5": ofSysmon | ofBoth, "Computer: H": always,
		"EventID: 4688, Channel: Security, Image|endswith: '\\a.exe'": ofSecurity | ofBoth,
		"NewProcessId: '0x1b58'": always, "NewProcessId: '0x1B58'": always, "NewProcessId: 0x1b58": always, "NewProcessId: '7000'": always, "ProcessId: 7000": always,
		"ProcessId|endswith: 'b58'": always, "ProcessId|re: ^0x1b58$": always, "ParentProcessId: '0x1770'": always, "ParentProcessId: '0x1b58'": 0,
		"IntegrityLevel: S-1-16-16384": always, "IntegrityLevel: [System, S-1-16-16384]": always, "IntegrityLevel: system": always,
		"IntegrityLevel|startswith: S-1-16-": always, "IntegrityLevel: High": 0, "IntegrityLevel: S-1-16-12288": 0, "MandatoryLabel: S-1-16-16384": ofSecurity | ofBoth,
	}
	var documents []string
	for search := range tests {
		documents = append(documents, fmt.Sprintf("title: %q\nlogsource: {category: process_creation}\ndetection:\n    s: {%s}\n    condition: s\n", search, search))
	}
	given := ruleFile(t, documents...)
	for logged, events := range map[int][]evtxtest.Event{ofSysmon: {sysmon}, ofSecurity: {security}, ofBoth: {sysmon, security}} {
		path := filepath.Join(t.TempDir(), "made.evtx")
		writeLog(t, path, evtxtest.Options{}, events)
		res := mustScan(t, scan.Options{Paths: []string{path}, Rules: scan.RuleOptions{NoBuiltin: true, Paths: []string{given}}})
		if len(res.Findings) != 1 || len(res.Findings[0].Evidence) != len(events) {
			t.Fatalf("%d findings of %d events", len(res.Findings), len(events))
		}
		for search, of := range tests {
			got := slices.ContainsFunc(res.Findings[0].Rules, func(r *rules.Rule) bool { return r.Title == search })
			if got != (of&logged != 0) {
				t.Errorf("%s, logged by %d: %v", search, logged, got)
			}
		}
	}
}

// TestCorpusFields: every field that SigmaHQ's rules about process creation ask
// for is in the table of fields.
func TestCorpusFields(t *testing.T) {
	needCorpus(t)
	sets, err := scan.LoadRules(t.Context(), scan.RuleOptions{
		Paths: []string{filepath.Join(corpus, "sigma-rules")}, Placeholders: map[string][]string{"known_cdcs": {"dc"}},
	}, 2)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, row := range fieldTable(t) {
		names = append(names, strings.ToLower(row.field))
	}
	if len(sets.Errors) > 0 || len(sets.Detections.Rules()) < 1415 {
		t.Errorf("%d rules, errors %v", len(sets.Detections.Rules()), sets.Errors)
	}
	for _, field := range sets.Detections.Fields() {
		second := strings.Contains(field, " ") // of one that the table has
		if !slices.Contains(names, strings.ToLower(field)) && field != "" && !second {
			t.Errorf("rules ask for %s, which no process has", field)
		}
	}
}

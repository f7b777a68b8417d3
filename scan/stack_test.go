package scan_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"webshellscan/internal/evtxtest/fleet"
	"webshellscan/rules"
	"webshellscan/scan"
	"webshellscan/scan/event"
	"webshellscan/scan/finding"
	"webshellscan/scan/story"
)

// writeCrowd writes the logs of a crowd to a folder.
func writeCrowd(t *testing.T, crowd fleet.Crowd) string {
	t.Helper()
	folder := t.TempDir()
	for file, err := range crowd.Logs() {
		if err != nil {
			t.Fatal(err)
		}
		writeFile(t, filepath.Join(folder, filepath.FromSlash(file.Path)), file.Data)
	}
	return folder
}

// TestStackCrowd: of very many hosts each incident is one kind, with the host
// on which it was first, before the noise; and so is what ran on one host only.
func TestStackCrowd(t *testing.T) {
	const hosts, share = 300, 3
	res := mustScan(t, scan.Options{Paths: []string{writeCrowd(t, fleet.Crowd{Seed: 7, Hosts: hosts})}})
	stack := finding.NewStack(res.Sessions)
	got := make([]string, len(stack.Kinds))
	noisy := 0
	for i, k := range stack.Kinds {
		got[i] = fmt.Sprintf("%s %s %d first %s", k.Level, k.Product, len(k.Hosts), k.First().Host)
		if k.Level == rules.LevelLow {
			noisy += len(k.Hosts)
		}
		if len(k.Sessions) < len(k.Hosts) || k.Hosts[0] != k.First().Host || len(k.Ran) == 0 || len(k.Ran) > 12 {
			t.Errorf("%s: %d sessions, %d hosts, %d commands", got[i], len(k.Sessions), len(k.Hosts), len(k.Ran))
		}
	}
	want := []string{
		"critical Apache Tomcat 3 first H0003.harbor.example", "critical Exchange OWA 3 first H0006.harbor.example",
		"critical IIS 3 first H0000.harbor.example", "high Apache httpd 1 first H0012.harbor.example",
	}
	if !slices.Equal(got[:min(len(got), len(want))], want) || noisy != 24*share-1 || len(got) > 9 {
		t.Errorf("kinds:\n%s\nwant at first\n%s\nand %d hosts with habits", strings.Join(got, "\n"), strings.Join(want, "\n"), 24*share-1)
	}
	if ran := stack.Kinds[3].Ran; len(ran) != 1 || !strings.Contains(ran[0].CommandLine, fleet.CrowdPlanted) {
		t.Errorf("the planted command is not all that ran: %d commands", len(ran))
	}
	var moves []string
	for _, m := range stack.Moved {
		if len(m.Sightings) != share && m.Kind != finding.MovedAddress {
			t.Errorf("%s %s on %d hosts", m.Kind, m.Value, len(m.Sightings))
		}
		if !slices.IsSortedFunc(m.Sightings, func(a, b finding.Sighting) int { return int(a.Time - b.Time) }) {
			t.Errorf("%s: not in the order of time", m.Value)
		}
		moves = append(moves, string(m.Kind)+" "+m.Value)
	}
	all := strings.Join(moves, "\n")
	for _, want := range []string{"address 198.51.100.77", "hash CF8D7DDAEABAA20AB0901B035A15CCB074BF2B04ECC3E2D1ADFE836086E504C2", `command C:\ProgramData\upd.exe --once`, "command certutil"} {
		if !strings.Contains(all, want) {
			t.Errorf("%q did not move:\n%s", want, all)
		}
	}
	for _, never := range []string{"whoami", "ipconfig", "account", "git rev-parse", `"cmd.exe" /c`} {
		if strings.Contains(all, never) {
			t.Errorf("%q moved:\n%s", never, all)
		}
	}
}

// stacked returns a session of one command for a stack.
func stacked(host string, level rules.Level, at int, command, user string) *finding.Session {
	f := &finding.Finding{
		Host: host, Level: level, Time: event.Time(at) * event.Minute, Image: `C:\Windows\System32\cmd.exe`, CommandLine: command, User: user,
		LogonID: "0x51", Session: host,
	}
	if user == "NETZWERK" {
		f.LogonID = "0x3e4"
	}
	return &finding.Session{
		Key: host, Host: host, Product: "IIS", ServerRole: finding.ServerWeb, Level: level, First: f.Time, Last: f.Time, User: `IIS APPPOOL\shop`,
		Findings: []*finding.Finding{f}, Shapes: finding.Fold([]*finding.Finding{f}),
	}
}

// TestMoved: what is common on hosts without an incident moved nowhere, nor do
// the accounts of services.
func TestMoved(t *testing.T) {
	const tool = `C:\ProgramData\t.exe 10.0.0.7`
	for _, tt := range []struct {
		name     string
		sessions func(list []*finding.Session) []*finding.Session
		want     string
	}{
		{"command", func(list []*finding.Session) []*finding.Session { return list }, "command " + tool},
		{"one host", func(list []*finding.Session) []*finding.Session { list[1].Host = list[0].Host; return list }, ""},
		{"not grave", func(list []*finding.Session) []*finding.Session { list[1].Level = rules.LevelMedium; return list }, ""},
		{"known", func(list []*finding.Session) []*finding.Session { list[1].Known = true; return list }, ""},
		{"common", func(list []*finding.Session) []*finding.Session {
			for i := range 2 {
				s := stacked(fmt.Sprint("other", i), rules.LevelCritical, 9, tool, "")
				s.Level = rules.LevelLow
				list = append(list, s)
			}
			return list
		}, ""},
		{"rarer elsewhere", func(list []*finding.Session) []*finding.Session {
			s := stacked("other", rules.LevelCritical, 9, tool, "")
			s.Level = rules.LevelLow
			return append(list, s)
		}, "command " + tool},
		{"account", users(`CORP\ann`), "command " + tool + ", account ann"},
		{"machine", users(`CORP\WEB1$`), "command " + tool},
		{"system", users(`NT AUTHORITY\SYSTEM`), "command " + tool},
		{"by logon", users("NETZWERK"), "command " + tool},
		{"pool", users(`IIS APPPOOL\other`), "command " + tool},
		{"hash", func(list []*finding.Session) []*finding.Session {
			for _, s := range list {
				s.Findings[0].CommandLine = ""
				s.Indicators.Files = []story.Indicator{{Value: `C:\x\` + s.Host + ".exe", Hash: "MD5=AA,SHA256=BB,IMPHASH=CC"}}
			}
			return list
		}, "hash BB"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var list []*finding.Session
			for i, host := range []string{"b", "a"} {
				list = append(list, stacked(host, rules.LevelCritical, 5-i, tool, `IIS APPPOOL\shop`))
			}
			res := &scan.Result{Sessions: tt.sessions(list)}
			var got []string
			for _, m := range finding.NewStack(res.Sessions).Moved {
				got = append(got, string(m.Kind)+" "+m.Value)
				if m.Sightings[0].Host != "a" {
					t.Errorf("first on %s", m.Sightings[0].Host)
				}
			}
			slices.Sort(got)
			want := strings.Split(tt.want, ", ")
			slices.Sort(want)
			if strings.Join(got, ", ") != strings.Join(want, ", ") {
				t.Errorf("moved %q, want %q", got, want)
			}
		})
	}
}

// users returns what has each session run as a user.
func users(user string) func([]*finding.Session) []*finding.Session {
	return func(list []*finding.Session) []*finding.Session {
		for i, s := range list {
			list[i] = stacked(s.Host, rules.LevelCritical, 5-i, s.Findings[0].CommandLine, user)
		}
		return list
	}
}

// TestStackKinds: habits make no kind where more than habits ran, and those
// that have nothing else are one kind by the rarest.
func TestStackKinds(t *testing.T) {
	session := func(host string, commands ...string) *finding.Session {
		s := stacked(host, rules.LevelLow, 1, commands[0], "")
		for _, c := range commands[1:] {
			more := stacked(host, rules.LevelLow, 1, strings.TrimPrefix(c, "!"), "").Findings[0]
			if strings.HasPrefix(c, "!") {
				more.Level, s.Level = rules.LevelHigh, rules.LevelHigh
			}
			s.Findings = append(s.Findings, more)
		}
		s.Shapes = finding.Fold(s.Findings)
		return s
	}
	res := &scan.Result{Sessions: []*finding.Session{
		session("a", "git 1", "ver"), session("b", "git 2"), session("c", "ver", "git 3"), session("d", "ver"), session("e", "git 4"),
		session("f", "git 5", "rare", "ver"), session("g", "git 6", "!net user"), session("h", "ver", "!net user"), session("i", "ver", "!NET user /domain"),
	}}
	var got []string
	for _, k := range finding.NewStack(res.Sessions).Kinds {
		got = append(got, fmt.Sprintf("%s %v %s", k.Level, k.Hosts, k.Ran[0].CommandLine))
	}
	want := []string{"high [i] NET user /domain", "high [g h] net user", "low [f] rare", "low [b e] git 2", "low [a c d] ver"}
	if !slices.Equal(got, want) {
		t.Errorf("kinds %q, want %q", got, want)
	}
}

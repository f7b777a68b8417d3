package story

import (
	"fmt"
	"slices"
	"testing"

	"webshellscan/rules"
	"webshellscan/scan/event"
)

func TestCleanPath(t *testing.T) {
	tests := []struct{ path, want string }{
		{`C:\ProgramData\mk.exe`, `c:\programdata\mk.exe`},
		{`"C:\ProgramData\mk.exe"`, `c:\programdata\mk.exe`},
		{`\??\C:\a\b.exe`, `c:\a\b.exe`},
		{`\\?\C:\a\b.exe`, `c:\a\b.exe`},
		{`file:_C:\a\b.aspx`, `c:\a\b.aspx`},
		{`%OSDRIVE%\PROGRAMDATA\MK.EXE`, `c:\programdata\mk.exe`},
		{`%SystemRoot%\Temp\x.exe`, `c:\windows\temp\x.exe`},
		{`C:/inetpub/a.aspx`, `c:\inetpub\a.aspx`},
		{`mk.exe`, ""},
		{`\\host\share\a.exe`, ""},
		{``, ""},
	}
	for _, tt := range tests {
		if got := cleanPath(tt.path); got != tt.want {
			t.Errorf("cleanPath(%q) = %q, want %q", tt.path, got, tt.want)
		}
	}
}

func TestPathsIn(t *testing.T) {
	tests := []struct {
		text, path string
		want       bool
	}{
		{`HKLM\SOFTWARE\Microsoft\Windows Defender\Exclusions\Paths\C:\ProgramData\mk.exe = 0x0`, `c:\programdata\mk.exe`, true},
		{`file:_C:\inetpub\wwwroot\img\logo.aspx->(SCRIPT0005)`, `c:\inetpub\wwwroot\img\logo.aspx`, true},
		{"\tCommandLineTemplate = \"C:\\\\ProgramData\\\\mk.exe\";\n", `c:\programdata\mk.exe`, true},
		{`<Command>C:\Program Files\a b\s.exe</Command>`, `c:\program files\a b\s.exe`, true},
		{`cmd.exe /c C:\a\my-tool.exe -x`, `c:\a\my-tool.exe`, true},
		{`C:\ProgramData\mk.exe.bak`, `c:\programdata\mk.exe`, false},
		{`C:\Users\x\C:\ProgramData\mk.exe`, `c:\programdata\mk.exe`, true},
		{`C:\ProgramData\other\mk.exe`, `c:\programdata\mk.exe`, false},
		{`%programdata%\mk.exe`, `c:\programdata\mk.exe`, true},
	}
	for _, tt := range tests {
		found := false
		pathsIn(tt.text, func(path string) bool {
			found = path == tt.path
			return !found
		})
		if found != tt.want {
			t.Errorf("%q in %q: %v, want %v", tt.path, tt.text, found, tt.want)
		}
	}
}

func TestInSystemFolder(t *testing.T) {
	tests := map[string]bool{
		`c:\windows\system32\cmd.exe`: true, `c:\windows\explorer.exe`: true, `c:\program files\php\php.exe`: true,
		`d:\windows\system32\cmd.exe`: true, `c:\windows\temp\x.exe`: false, `c:\programdata\x.exe`: false, `c:\x.exe`: false,
	}
	for path, want := range tests {
		if got := inSystemFolder(path); got != want {
			t.Errorf("inSystemFolder(%q) = %v, want %v", path, got, want)
		}
	}
}

func TestThingsOfCommand(t *testing.T) {
	tests := []struct {
		line string
		want []thingName
	}{
		{`schtasks /create /sc minute /tn "My Task" /tr C:\x.exe`, []thingName{{thingTask, "My Task"}}},
		{`C:\Windows\System32\schtasks.exe /Create /TN \Updater /TR x`, []thingName{{thingTask, `\Updater`}}},
		{`schtasks /query /tn X`, nil},
		{`sc create WinUpd binPath= C:\ProgramData\upd.exe`, []thingName{{thingService, "WinUpd"}}},
		{`sc.exe \\srv1 create X binPath= y`, []thingName{{thingService, "X"}}},
		{`sc query X`, nil},
		{`net  user support$ P@ss /add`, []thingName{{thingAccount, "support$"}}},
		{`net1 user support$ P@ss /ADD`, []thingName{{thingAccount, "support$"}}},
		{`net user`, nil},
		{`net localgroup administrators x /add`, nil},
		{``, nil},
	}
	for _, tt := range tests {
		if got := thingsOfCommand(tt.line); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", tt.line, got, tt.want)
		}
	}
}

func TestNumber(t *testing.T) {
	tests := map[string]uint64{"0x00002ae0": 0x2ae0, "6928": 6928, "0": 0, "08": 8, "0X10": 16}
	for text, want := range tests {
		if got, ok := number(text); !ok || got != want {
			t.Errorf("number(%q) = %d, %v; want %d", text, got, ok, want)
		}
	}
	for _, text := range []string{"", "-", "x", "0x", "99999999999999999999999"} {
		if n, ok := number(text); ok {
			t.Errorf("number(%q) = %d", text, n)
		}
	}
}

func TestContextValue(t *testing.T) {
	text := "\tNewEngineState=Available\r\n\tHostApplication=powershell -c \"a=b\"\r\n\tHost Application = x\r\n"
	if got := contextValue(text, "HostApplication"); got != `powershell -c "a=b"` {
		t.Errorf("HostApplication: %q", got)
	}
	if got := contextValue(text, "CommandLine"); got != "" {
		t.Errorf("CommandLine: %q", got)
	}
}

func TestProgramOf(t *testing.T) {
	tests := map[string]string{
		`"C:\Program Files\a.exe" -k`: `C:\Program Files\a.exe`, `C:\Program Files\a.exe -k`: `C:\Program Files\a.exe`,
		`cmd /c x`: "cmd", `C:\x.exe`: `C:\x.exe`, ``: ``,
	}
	for command, want := range tests {
		if got := programOf(command); got != want {
			t.Errorf("programOf(%q) = %q, want %q", command, got, want)
		}
	}
}

func TestJoinedScript(t *testing.T) {
	part := func(n, text string) *Record {
		return &Record{Fields: []Field{{"MessageNumber", n}, {"MessageTotal", "3"}, {"ScriptBlockText", text}}}
	}
	joined := joinedScript(part("2", "b"), []*Record{part("1", "a"), part("2", "b"), part("3", "c")})
	if got := joined.Get("ScriptBlockText"); got != "abc" {
		t.Errorf("text %q", got)
	}
	const sum = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
	if got := joined.Get("ScriptBlockSHA256"); got != sum {
		t.Errorf("hash %s", got)
	}
	if got := joinedScript(part("1", "a"), []*Record{part("3", "c")}).Get("ScriptBlockText"); got != "a\n[part missing]\nc" {
		t.Errorf("with a part missing: %q", got)
	}
}

// TestAlone: what two sessions, or others, had at a time ties to none of them.
func TestAlone(t *testing.T) {
	const s = event.Second
	tests := []struct {
		claims []claim
		at     event.Time
		want   int
	}{
		{nil, 10 * s, -1},
		{[]claim{{0, 5 * s, 20 * s}}, 10 * s, 0},
		{[]claim{{0, 5 * s, 20 * s}}, 4 * s, 0}, // stamps of two logs differ
		{[]claim{{0, 5 * s, 20 * s}}, 3 * s, -1},
		{[]claim{{0, 5 * s, 20 * s}}, 22 * s, -1},
		{[]claim{{0, 5 * s, forever}}, 1000 * s, 0},
		{[]claim{{0, 5 * s, 20 * s}, {0, 6 * s, 9 * s}}, 8 * s, 0},
		{[]claim{{0, 5 * s, 20 * s}, {1, 6 * s, 30 * s}}, 10 * s, -1},
		{[]claim{{0, 5 * s, 20 * s}, {1, 6 * s, 30 * s}}, 25 * s, 1},
		{[]claim{{0, 5 * s, 20 * s}, {-1, 6 * s, 30 * s}}, 10 * s, -1},
		{[]claim{{-1, 6 * s, 30 * s}, {0, 5 * s, 20 * s}}, 10 * s, -1},
		{[]claim{{-1, 6 * s, 30 * s}}, 10 * s, -1},
	}
	for _, tt := range tests {
		if got, ok := alone(tt.claims, tt.at); got != tt.want || ok != (tt.want >= 0) {
			t.Errorf("%v at %d: %d, %v; want %d", tt.claims, tt.at, got, ok, tt.want)
		}
	}
}

// TestFold: events that say the same are one with a count, if the same rules
// match them: a rule is claimed of no record that it does not match.
func TestFold(t *testing.T) {
	grave, light := &rules.Rule{Title: "grave", Level: rules.LevelHigh}, &rules.Rule{Title: "light", Level: rules.LevelLow}
	var list []*kept
	for i, matched := range [][]*rules.Rule{{light}, {grave, light}, nil, {light, grave}, {light}} {
		for session := range 2 {
			e := &kept{kind: &otherKind, record: &Record{ID: 5136, Provider: "P", RecordID: uint64(i + 1)}, rules: matched}
			e.tie.session = session - 1
			list = append(list, e)
		}
	}
	var got []string
	for _, e := range fold(list) {
		text := fmt.Sprint(e.Session, " ", e.Count)
		for _, r := range e.Rules {
			text += " " + r.Title
		}
		for _, r := range e.Records {
			text += fmt.Sprint(" ", r.RecordID)
		}
		got = append(got, text)
	}
	want := []string{
		"-1 2 light 1 5", "0 2 light 1 5", "-1 2 grave light 2 4", "0 2 grave light 2 4", "-1 1 3", "0 1 3",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

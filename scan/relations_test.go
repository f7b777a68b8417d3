package scan_test

import (
	"slices"
	"testing"

	"webshellscan/scan"
)

// rulesOf returns the names of the rules by process ID.
func rulesOf(res *scan.Result) map[uint32][]string {
	found := make(map[uint32][]string)
	for _, f := range res.Findings {
		for _, r := range f.Rules {
			found[f.ProcessID] = append(found[f.ProcessID], r.Name)
		}
	}
	return found
}

// TestBetween: what stands between a server and a finding is a finding, unless
// it is a known child or nobody knows its name; what stands beside is none for
// that.
func TestBetween(t *testing.T) {
	const name = "web_server_descendant_between"
	res := scanRuns(t,
		run{pid: 10, parent: 4, image: w3wp, user: shopUser, logon: 0x51a2},
		run{pid: 20, parent: 10, image: `C:\tools\a.exe`, user: shopUser, logon: 0x51a2, parentImage: w3wp},
		run{pid: 30, parent: 20, image: `C:\tools\b.exe`, user: shopUser, logon: 0x51a2, parentImage: `C:\tools\a.exe`},
		run{pid: 40, parent: 30, image: cmd, command: "cmd /c whoami", user: shopUser, logon: 0x51a2, parentImage: `C:\tools\b.exe`},
		run{pid: 50, parent: 10, image: `C:\php\php-cgi.exe`, user: shopUser, logon: 0x51a2, parentImage: w3wp},
		run{pid: 60, parent: 50, image: cmd, command: "cmd /c dir", user: shopUser, logon: 0x51a2, parentImage: `C:\php\php-cgi.exe`},
		run{pid: 70, parent: 10, image: `C:\tools\c.exe`, user: shopUser, logon: 0x51a2, parentImage: w3wp},
		run{pid: 80, parent: 10, image: "-", user: shopUser, logon: 0x51a2, parentImage: w3wp},
		run{pid: 81, parent: 80, image: "?", user: shopUser, logon: 0x51a2},
		run{pid: 82, parent: 81, image: "<unknown process>", user: shopUser, logon: 0x51a2},
		run{pid: 83, parent: 82, image: cmd, command: "cmd /c dir", user: shopUser, logon: 0x51a2},
	)
	found := rulesOf(res)
	for pid, want := range map[uint32]bool{20: true, 30: true, 40: false, 50: false, 60: false, 70: false, 80: false, 81: false, 82: false, 83: false} {
		if slices.Contains(found[pid], name) != want {
			t.Errorf("process %d: %v, want %s: %v", pid, found[pid], name, want)
		}
	}
	var order []uint32
	for _, f := range res.Findings {
		order = append(order, f.ProcessID)
	}
	if want := []uint32{20, 30, 40, 60, 70, 83}; !slices.Equal(order, want) {
		t.Errorf("findings of %v, want %v in this order", order, want)
	}
}

// TestAccountJump: from the account of a pool to SYSTEM or to another user is a
// finding by itself, whatever runs.
func TestAccountJump(t *testing.T) {
	notepad := `C:\Windows\System32\notepad.exe`
	res := scanRuns(t,
		run{pid: 10, parent: 4, image: w3wp, user: shopUser, logon: 0x51a2},
		run{pid: 20, parent: 10, image: notepad, user: shopUser, logon: 0x51a2, parentImage: w3wp},
		run{pid: 30, parent: 20, image: notepad, user: `NT-AUTORITÄT\SYSTEM`, logon: 0x3e7, parentImage: notepad},
		run{pid: 40, parent: 20, image: notepad, user: `CORP\anna`, logon: 0x77f1, parentImage: notepad},
		run{pid: 50, parent: 20, image: notepad, user: "-", parentImage: notepad},
	)
	found := rulesOf(res)
	for pid, want := range map[uint32]string{20: "web_server_descendant_between", 30: "web_server_descendant_account_jump", 40: "web_server_descendant_other_user"} {
		if !slices.Contains(found[pid], want) {
			t.Errorf("process %d: %v, want %s", pid, found[pid], want)
		}
	}
	if len(found[50]) > 0 {
		t.Errorf("of no known user: %v", found[50])
	}
}

// TestSeenBelow: a program that runs below many servers of a kind is not
// unknown there.
func TestSeenBelow(t *testing.T) {
	const name, rare, common = "web_server_descendant_unknown_program", `C:\app\rare.exe`, `C:\app\common.exe`
	var runs []run
	for i := range uint32(4) {
		runs = append(runs, run{pid: 100 + i, parent: 4, image: w3wp, user: shopUser, logon: 0x51a2},
			run{pid: 200 + i, parent: 100 + i, image: common, user: shopUser, logon: 0x51a2, parentImage: w3wp})
	}
	runs = append(runs, run{pid: 300, parent: 100, image: rare, user: shopUser, logon: 0x51a2, parentImage: w3wp})
	found := rulesOf(scanRuns(t, runs...))
	if !slices.Contains(found[300], name) || len(found[200]) > 0 {
		t.Errorf("rare: %v, common: %v", found[300], found[200])
	}
	found = rulesOf(scanRuns(t, runs[:6]...))
	if !slices.Contains(found[200], name) {
		t.Errorf("below three servers: %v", found[200])
	}
}

// TestFindingFields: what Sysmon says of a process is in its finding, and which
// techniques it shows by itself.
func TestFindingFields(t *testing.T) {
	res := scanRuns(t,
		run{pid: 10, parent: 4, image: w3wp, user: shopUser, logon: 0x51a2},
		run{pid: 20, parent: 10, image: cmd, command: "cmd /c ver", user: shopUser, logon: 0x51a2, parentImage: w3wp},
	)
	if len(res.Findings) != 1 || res.Findings[0].LogonID != "0x51a2" {
		t.Fatalf("findings %+v", res.Findings)
	}
	var got []string
	for _, r := range res.Findings[0].Techniques {
		got = append(got, r.Name)
	}
	if want := []string{"technique_cmd", "technique_ver"}; !slices.Equal(got, want) {
		t.Errorf("techniques by %v, want %v", got, want)
	}
}

// TestHelpShowsNoTechnique: a program that is asked for its help is a finding,
// and shows nothing of what it can do.
func TestHelpShowsNoTechnique(t *testing.T) {
	const makecab = `C:\Windows\System32\makecab.exe`
	for command, want := range map[string]int{"makecab /?": 0, "makecab /v1 dump.bin": 1} {
		res := scanRuns(t,
			run{pid: 10, parent: 4, image: w3wp, user: shopUser, logon: 0x51a2},
			run{pid: 20, parent: 10, image: makecab, command: command, user: shopUser, logon: 0x51a2, parentImage: w3wp},
		)
		if len(res.Findings) != 1 || len(res.Findings[0].Techniques) != want {
			t.Errorf("%s: findings %+v, want one with %d techniques", command, res.Findings, want)
		}
	}
}

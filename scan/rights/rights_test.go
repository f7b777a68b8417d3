package rights_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"webshellscan/internal/evtxtest"
	"webshellscan/scan"
	"webshellscan/scan/proctree"
	"webshellscan/scan/rights"
)

// corpus holds logs that cannot be shipped.
const corpus = "../../../shared/corpus"

// forestOf returns the trees of a folder's logs.
func forestOf(t *testing.T, folder string) *proctree.Forest {
	t.Helper()
	res, err := scan.Scan(t.Context(), scan.Options{Paths: []string{folder}, Recover: true, Crosscheck: -1})
	if err != nil {
		t.Fatal(err)
	}
	return res.Forest
}

// TestRemembered: what is remembered of a logon session is right for each
// process in it.
func TestRemembered(t *testing.T) {
	folders, _ := filepath.Glob(filepath.Join(corpus, "recall", "*", "logs"))
	for _, folder := range append(folders, "../../testdata/logs", filepath.Join(corpus, "logs")) {
		if _, err := os.Stat(folder); err != nil {
			t.Logf("no %s", folder)
			continue
		}
		forest := forestOf(t, folder)
		if remembered, read := rights.Identities(forest); !slices.Equal(remembered, read) || len(read) == 0 {
			t.Errorf("%s: of %d processes one is remembered as another", folder, len(read))
		}
		if remembered, compared := rights.Rises(forest); !slices.Equal(remembered, compared) || len(compared) == 0 {
			t.Errorf("%s: of %d processes one is remembered to rise as another", folder, len(compared))
		}
	}
}

// TestIdentities: users whose logons share a place are told apart, and so are
// their rises.
func TestIdentities(t *testing.T) {
	const logons = 1000
	at := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	var events []evtxtest.Event
	for i := range uint32(2 * logons) {
		integrity := []string{"Medium", "High"}[i/2%2]
		parent := uint32(4)
		if i%2 == 1 {
			parent = 1000 + 4*(i-1)
		}
		events = append(events, evtxtest.NewEvent(at.Add(time.Duration(i)*time.Second), "WEB01", &evtxtest.SysmonProcessCreate{
			ProcessID: 1000 + 4*i, ParentProcessID: parent, Image: `C:\Windows\System32\cmd.exe`, CommandLine: "cmd",
			ParentImage: `C:\Windows\System32\cmd.exe`, User: fmt.Sprintf(`CORP\user%d`, i%7), LogonID: uint64(0x10000 + i%logons), IntegrityLevel: integrity,
		}))
	}
	folder := t.TempDir()
	file, err := evtxtest.Build(evtxtest.Options{}, events)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "log.evtx"), file.Data, 0o644); err != nil {
		t.Fatal(err)
	}
	forest := forestOf(t, folder)
	remembered, read := rights.Identities(forest)
	if !slices.Equal(remembered, read) || len(read) < len(events) {
		t.Errorf("of %d identities some are those of others", len(read))
	}
	rises, compared := rights.Rises(forest)
	if !slices.Equal(rises, compared) || !slices.Contains(rises, rights.Rise{User: true}) {
		t.Errorf("of %d rises some are those of others", len(rises))
	}
}

// TestCreators: an event that names only the creator says whom the parent runs
// as, so that a server which another account started has not risen below it,
// and what it made run as SYSTEM has; so has what a server started as SYSTEM
// that had started others as itself.
func TestCreators(t *testing.T) {
	anna := evtxtest.Account{SID: evtxtest.MustSID("S-1-5-21-1-2-3-1001"), Name: "anna", Domain: "CORP", LogonID: 0x20001}
	media := evtxtest.Account{SID: evtxtest.MustSID("S-1-5-21-1-2-3-1002"), Name: "media", Domain: "CORP", LogonID: 0x20002}
	system := evtxtest.Account{SID: evtxtest.MustSID("S-1-5-18"), Name: "WEB01$", Domain: "CORP", LogonID: 0x3e7}
	type creation struct {
		pid, parent uint64
		creator     evtxtest.Account
		image       string
	}
	const httpd, potato, shell, whoami = `C:\Apache24\bin\httpd.exe`, `C:\Windows\Temp\potato.exe`, `C:\Windows\System32\cmd.exe`, `C:\Windows\System32\whoami.exe`
	for want, creations := range map[string][]creation{
		"": {{1000, 996, anna, httpd}, {1004, 1000, media, potato}, {1008, 1004, media, shell}, {1012, 1008, media, whoami}},
		`cmd.exe (1008) runs as CORP\WEB01$, its parent potato.exe (1004) as CORP\media`: {
			{1000, 996, anna, httpd}, {1004, 1000, media, potato}, {1008, 1004, media, shell}, {1012, 1008, system, whoami},
		},
		`cmd.exe (1008) runs as CORP\WEB01$, its parent httpd.exe (1000) as CORP\media`: {
			{1000, 996, anna, httpd}, {1004, 1000, media, whoami}, {1008, 1000, system, shell},
		},
	} {
		at := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
		var events []evtxtest.Event
		for i, p := range creations {
			events = append(events, evtxtest.NewEvent(at.Add(time.Duration(i)*time.Second), "WEB01", &evtxtest.ProcessCreated{
				Form: evtxtest.ProcessCreatedV1, Subject: p.creator, NewProcessID: p.pid, NewProcessName: p.image,
				ProcessID: p.parent, TokenElevationType: "%%1936",
			}))
		}
		folder := t.TempDir()
		file, err := evtxtest.Build(evtxtest.Options{}, events)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, "log.evtx"), file.Data, 0o644); err != nil {
			t.Fatal(err)
		}
		res, err := scan.Scan(t.Context(), scan.Options{Paths: []string{folder}, Crosscheck: -1})
		if err != nil {
			t.Fatal(err)
		}
		if len(res.Sessions) != 1 {
			t.Fatalf("%d sessions", len(res.Sessions))
		}
		if got := res.Sessions[0].UserRises; got != want {
			t.Errorf("%q, not %q", got, want)
		}
	}
}

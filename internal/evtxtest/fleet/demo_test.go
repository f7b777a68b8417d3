package fleet_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"webshellscan/internal/evtxtest/fleet"
)

var update = flag.Bool("update", false, "rewrite the shipped logs and the tables of their README")

// testdata is the folder of the repository's test data, seen from here.
const testdata = "../../../testdata"

var makeDemo = sync.OnceValues(fleet.NewDemo)

func demo(t *testing.T) *fleet.Demo {
	t.Helper()
	d, err := makeDemo()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestShippedLogs holds that the shipped logs are what the model makes. With
// -update it rewrites them.
func TestShippedLogs(t *testing.T) {
	d := demo(t)
	logs := filepath.Join(testdata, "logs")
	want := map[string][]byte{}
	size := 0
	for _, f := range slices.Concat(d.Files, d.Web) {
		want[f.Path] = f.Data
		size += len(f.Data)
	}
	if size > 5<<20 {
		t.Errorf("the logs have %d bytes, too many to ship", size)
	}
	if *update {
		if err := os.RemoveAll(logs); err != nil {
			t.Fatal(err)
		}
		for path, data := range want {
			writeFile(t, filepath.Join(logs, filepath.FromSlash(path)), data)
		}
	}
	found := 0
	err := filepath.WalkDir(logs, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		found++
		name, err := filepath.Rel(logs, path)
		if err != nil {
			return err
		}
		data, err := os.ReadFile(path)
		if !bytes.Equal(data, want[filepath.ToSlash(name)]) {
			t.Errorf("%s is not what the model makes; run this test with -update", name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if found != len(want) {
		t.Errorf("%d logs are shipped, want %d", found, len(want))
	}
}

func writeFile(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestDemoIsDeterministic holds that the model makes the same bytes each time.
func TestDemoIsDeterministic(t *testing.T) {
	d := demo(t)
	again, err := fleet.NewDemo()
	if err != nil {
		t.Fatal(err)
	}
	second := slices.Concat(again.Files, again.Web)
	for i, f := range slices.Concat(d.Files, d.Web) {
		if !bytes.Equal(f.Data, second[i].Data) {
			t.Errorf("%s differs the second time", f.Path)
		}
	}
}

// TestReadme holds that the tables of testdata/README.md are what the model
// says. With -update it rewrites them.
func TestReadme(t *testing.T) {
	d := demo(t)
	path := filepath.Join(testdata, "README.md")
	readme, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text := string(readme)
	for _, table := range []struct{ name, text string }{
		{"files", filesTable(d)},
		{"incidents", incidentTables(d)},
		{"requests", requestTables(d)},
		{"traces", traceTables(d)},
	} {
		begin := "<!-- " + table.name + ": made by the model -->\n"
		end := "<!-- end of " + table.name + " -->\n"
		before, rest, ok1 := strings.Cut(text, begin)
		_, after, ok2 := strings.Cut(rest, end)
		if !ok1 || !ok2 {
			t.Fatalf("README.md has no part %q", table.name)
		}
		text = before + begin + table.text + end + after
	}
	if *update {
		writeFile(t, path, []byte(text))
		return
	}
	if text != string(readme) {
		t.Error("the tables are out of date; run this test with -update")
	}
}

// filesTable lists the files with their sizes.
func filesTable(d *fleet.Demo) string {
	var b strings.Builder
	b.WriteString("| file | chunks | records |\n| --- | --- | --- |\n")
	for _, f := range d.Files {
		fmt.Fprintf(&b, "| `%s` | %d | %d |\n", f.Path, (len(f.Data)-4096)/65536, f.Records)
	}
	b.WriteString("\n| web log | requests |\n| --- | --- |\n")
	for _, f := range d.Web {
		if f.Records > 0 {
			fmt.Fprintf(&b, "| `%s` | %d |\n", f.Path, f.Records)
		}
	}
	return b.String()
}

// incidentTables lists the processes of each incident but console hosts.
func incidentTables(d *fleet.Demo) string {
	var b strings.Builder
	incident := ""
	for _, p := range d.Fleet.Processes() {
		if p.Incident == "" || strings.HasSuffix(p.Image, "conhost.exe") {
			continue
		}
		if p.Incident != incident {
			incident = p.Incident
			w := p.Worker()
			fmt.Fprintf(&b, "\n### %s\n\n%s, worker %d `%s` since %s\n\n", incident, p.Host.Name(), w.PID, w.Program.Base(),
				w.Start.Time().Format("15:04:05"))
			b.WriteString("| time | PID | chain | command line | records |\n| --- | --- | --- | --- | --- |\n")
		}
		var records []string
		for _, r := range p.Records {
			records = append(records, shortRecord(r))
		}
		chain := strings.Join(p.Chain(), " > ")
		fmt.Fprintf(&b, "| %s | %d | %s | `%s` | %s |\n", p.Start.Time().Format("15:04:05.000"), p.PID, chain,
			strings.ReplaceAll(p.CommandLine, "|", `\|`), strings.Join(records, ", "))
	}
	return b.String() + "\n"
}

// requestTables lists the web requests of each incident, and what each started.
func requestTables(d *fleet.Demo) string {
	var b strings.Builder
	b.WriteString("\n| incident | request ran | client | request | status | started |\n| --- | --- | --- | --- | --- | --- |\n")
	for _, h := range d.Fleet.Hosts() {
		clients := map[string]string{}
		for _, r := range h.Requests() {
			if r.Incident != "" {
				clients[r.Client] = r.Incident
			}
		}
		for _, r := range h.Requests() {
			incident := clients[r.Client]
			if incident == "" {
				continue
			}
			var started []string
			for _, p := range r.Processes {
				started = append(started, fmt.Sprint(p.PID))
			}
			target := strings.TrimSuffix(r.URI+"?"+r.Query, "?")
			fmt.Fprintf(&b, "| %s | %s to %s | %s | `%s %s` | %d | %s |\n", incident, r.Begin.Time().Format("15:04:05.000"), r.End.Time().Format("15:04:05.000"),
				r.Client, r.Method, target, r.Status, strings.Join(started, ", "))
		}
	}
	return b.String() + "\n"
}

// traceTables lists the records of what the processes of each incident did.
func traceTables(d *fleet.Demo) string {
	var b strings.Builder
	b.WriteString("\n| incident | process | record | event |\n| --- | --- | --- | --- |\n")
	for _, p := range d.Fleet.Processes() {
		for _, r := range p.Traces {
			if p.Incident != "" {
				fmt.Fprintf(&b, "| %s | %d `%s` | %s | %d |\n", p.Incident, p.PID, p.Program.Base(), shortRecord(r), r.EventID)
			}
		}
	}
	return b.String() + "\n"
}

// shortRecord names a record by its log and number.
func shortRecord(r fleet.RecordRef) string {
	folder, name, _ := strings.Cut(r.File, "/")
	short, _, _ := strings.Cut(strings.TrimPrefix(name, "Microsoft-Windows-"), "%4")
	return fmt.Sprintf("%s/%s %d", folder, strings.TrimSuffix(short, ".evtx"), r.EventRecordID)
}

// TestModel checks what must be true of any fleet.
func TestModel(t *testing.T) {
	d := demo(t)
	guids := map[string]bool{}
	for _, p := range d.Fleet.Processes() {
		key := p.Host.Name() + p.GUID.String()
		if guids[key] {
			t.Errorf("%s: GUID %s twice", p.Host.Name(), p.GUID)
		}
		guids[key] = true
		if p.PID%4 != 0 || p.PID == 0 {
			t.Errorf("PID %d", p.PID)
		}
		if p.End != 0 && p.End <= p.Start {
			t.Errorf("%s ends before it starts", p.Image)
		}
		parent := p.Parent
		if parent == nil || parent.Start > p.Start || parent.End != 0 && parent.End < p.Start || parent.Boot != p.Boot {
			t.Errorf("%s %d has no live parent", p.Image, p.PID)
		}
	}
	checkPIDs(t, d.Fleet.Processes())
}

// checkPIDs checks that no two live processes of a host share a PID, and that
// PIDs come back.
func checkPIDs(t *testing.T, processes []*fleet.Process) {
	t.Helper()
	type owner struct {
		host *fleet.Host
		pid  uint32
	}
	last := map[owner]*fleet.Process{}
	reused := 0
	for _, p := range processes {
		o := owner{p.Host, p.PID}
		if before := last[o]; before != nil {
			reused++
			if before.Boot == p.Boot && (before.End == 0 || before.End > p.Start) {
				t.Errorf("PID %d has two owners", p.PID)
			}
		}
		last[o] = p
	}
	if reused < 20 {
		t.Errorf("%d PIDs were used again, want at least 20", reused)
	}
}

// TestDemoTellsItsStory holds that the shipped logs have what they are shipped
// for: each incident with the depth and the records that its README promises,
// harmless children of web servers, and hosts without any.
func TestDemoTellsItsStory(t *testing.T) {
	d := demo(t)
	deepest, count, harmless := map[string]int{}, map[string]int{}, map[string]int{}
	workers := map[string]*fleet.Process{}
	for _, p := range d.Fleet.Processes() {
		w := p.Worker()
		if w == nil {
			continue
		}
		if p.Incident == "" {
			harmless[p.Host.Name()]++
			continue
		}
		if len(p.Records) == 0 {
			t.Errorf("%s of %s is in no file", p.CommandLine, p.Incident)
		}
		workers[p.Incident] = w
		count[p.Incident]++
		deepest[p.Incident] = max(deepest[p.Incident], len(p.Chain()))
	}
	for incident, want := range map[string]struct{ count, depth int }{
		fleet.IncidentPortal: {20, 6}, fleet.IncidentTomcat: {15, 4}, fleet.IncidentExchange: {8, 4}, fleet.IncidentPHP: {12, 3},
	} {
		if count[incident] < want.count || deepest[incident] < want.depth {
			t.Errorf("%s: %d processes, depth %d; want %+v", incident, count[incident], deepest[incident], want)
		}
	}
	for _, incident := range []string{fleet.IncidentPortal, fleet.IncidentTomcat, fleet.IncidentExchange} {
		if len(workers[incident].Records) == 0 {
			t.Errorf("the worker of %s is in no file", incident)
		}
	}
	tomcat := workers[fleet.IncidentTomcat]
	earlier := 0
	for _, p := range d.Fleet.Processes() {
		if p.Host == tomcat.Host && p.PID == tomcat.PID && p.Start < tomcat.Start && len(p.Records) > 0 {
			earlier++
		}
	}
	if earlier == 0 {
		t.Error("the PID of Tomcat has no earlier owner in the logs")
	}
	for host, want := range map[string]bool{
		"WEB01.harbor.example": true, "MAIL01.harbor.example": true, "APP01.harbor.example": true,
		"DC01.harbor.example": false, "WS07.harbor.example": false,
	} {
		if (harmless[host] > 0) != want {
			t.Errorf("%s has %d harmless children of web servers", host, harmless[host])
		}
	}
}

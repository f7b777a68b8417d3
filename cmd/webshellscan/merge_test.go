package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"webshellscan/internal/evtxtest/faults"
	"webshellscan/internal/evtxtest/fleet"
	"webshellscan/report"
	"webshellscan/scan/evtx"
)

// runs runs a command line, and fails unless its exit status is one of some.
func runs(t *testing.T, statuses []int, args ...string) {
	t.Helper()
	var stderr bytes.Buffer
	status := run(t.Context(), args, nil, &bytes.Buffer{}, &stderr)
	for _, s := range statuses {
		if s == status {
			return
		}
	}
	t.Fatalf("%v: status %d\n%s", args, status, &stderr)
}

// reports are the files that equality is tested by: every format of a scan.
func reports(dir string) (names, args []string) {
	names = report.ScanFormats.Names()
	for _, name := range names {
		args = append(args, "-o", name+":"+filepath.Join(dir, name))
	}
	return names, append(args, "--width", "120")
}

// parted lays files below a root, each into one of n folders of its own, and
// returns those that have some.
func parted(t *testing.T, root string, n int, which func(file string) int) []string {
	t.Helper()
	dir := t.TempDir()
	var parts []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		part := filepath.Join(dir, fmt.Sprint(which(path)%n))
		if !slices.Contains(parts, part) {
			parts = append(parts, part)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return write(filepath.Join(part, path), data)
	})
	if err != nil {
		t.Fatal(err)
	}
	return parts
}

// mergeParts collects in each of some folders, merges some of that, and all
// with that again, in any order, and returns the exit status and what was told.
func mergeParts(t *testing.T, random *rand.Rand, parts []string, collect, args []string) (status int, stderr string) {
	t.Helper()
	dir := t.TempDir()
	var files []string
	for i, part := range parts {
		files = append(files, filepath.Join(dir, fmt.Sprintf("%d.wsp", i)))
		t.Chdir(part)
		status, _, stderr := runHere(t, append([]string{"collect", "-q", "-o", files[i]}, collect...)...)
		if status != exitNothing && status != exitIncomplete {
			t.Fatalf("collect: status %d\n%s", status, stderr)
		}
	}
	random.Shuffle(len(files), func(i, j int) { files[i], files[j] = files[j], files[i] })
	group := filepath.Join(dir, "group.wsp")
	if status, _, stderr := runHere(t, append([]string{"merge", "-q", "-o", group}, files[:1+random.IntN(len(files))]...)...); status != exitNothing {
		t.Fatalf("merge: status %d\n%s", status, stderr)
	}
	files = slices.Insert(files, random.IntN(len(files)), group)
	status, _, stderr = runHere(t, append(append([]string{"merge"}, files...), args...)...)
	return status, stderr
}

// firstDifference shows where two texts differ first.
func firstDifference(a, b []byte) string {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	around := func(s []byte) []byte { return s[max(0, min(n, len(s))-200):min(len(s), n+200)] }
	return fmt.Sprintf("-%s\n+%s", around(a), around(b))
}

// mergeCase is a folder that is scanned as a whole, to compare merges of its
// parts with.
type mergeCase struct {
	folder, root string // the root below the folder
	args         []string
	collect      []string // arguments of collect
	names        []string // of the formats
	reports      string
	status       int
	told         string
}

// scanned scans what lies below the root of a folder.
func scanned(t *testing.T, folder, root string, args ...string) *mergeCase {
	t.Helper()
	folder, err := filepath.Abs(folder)
	if err != nil {
		t.Fatal(err)
	}
	e := &mergeCase{folder: folder, root: root, args: args, reports: t.TempDir()}
	t.Chdir(folder)
	names, outs := reports(e.reports)
	e.names = names
	e.status, _, e.told = runHere(t, slices.Concat([]string{root}, args, outs)...)
	return e
}

// merged collects parts of the evidence, merges them and compares exit status
// and reports with those of one scan, of what keep leaves of them; it returns
// what was told besides.
func (e *mergeCase) merged(t *testing.T, random *rand.Rand, n int, which func(file string) int, keep func(format string, report []byte) []byte) string {
	t.Helper()
	t.Chdir(e.folder)
	parts := parted(t, e.root, n, which)
	dir := t.TempDir()
	_, outs := reports(dir)
	collect := append([]string{e.root}, e.collect...)
	if slices.Contains(e.args, "--recover") {
		collect = append(collect, "--recover")
	}
	status, told := mergeParts(t, random, parts, collect, append(outs, e.args...))
	if status != e.status {
		t.Errorf("exit status %d, not %d\n%s", status, e.status, told)
	}
	for _, name := range e.names {
		want, err1 := os.ReadFile(filepath.Join(e.reports, name))
		got, err2 := os.ReadFile(filepath.Join(dir, name))
		if want, got = keep(name, want), keep(name, got); err1 != nil || err2 != nil || !bytes.Equal(got, want) {
			t.Errorf("%d parts, %s: not what one scan gives (%v, %v):\n%s", n, name, err1, err2, firstDifference(want, got))
		}
	}
	return told
}

// whole keeps reports as they are.
func whole(_ string, report []byte) []byte { return report }

// storyless keeps of reports what does not depend on the stories of sessions.
func storyless(format string, report []byte) []byte {
	switch format {
	case "navigator":
		return report
	case "jsonl":
	default:
		return nil // what it says of processes, jsonl says too
	}
	var list []string
	for line := range bytes.Lines(report) {
		var object map[string]any
		if err := json.Unmarshal(line, &object); err != nil {
			return line
		}
		if kind := object["kind"]; kind == "event" || kind == "request" {
			continue
		}
		for _, key := range []string{"armed", "entry_points", "event_counts", "events_omitted", "indicators", "requests_omitted", "apart"} {
			delete(object, key)
		}
		if object["kind"] == "manifest" {
			delete(object, "inputs") // web logs are read for stories
		}
		text, err := json.Marshal(object)
		if err != nil {
			return line
		}
		list = append(list, string(text))
	}
	return []byte(strings.Join(list, "\n"))
}

// collectedApart is what is said of hosts whose stories may be less than whole.
const collectedApart = "collected apart from each other"

// TestMergeEqualsScan: partial results of random parts of the shipped logs,
// each of the logs of some folders, merged in any order, in groups and twice,
// give in every format the bytes that one scan gives, and its exit status.
func TestMergeEqualsScan(t *testing.T) {
	e := scanned(t, filepath.Join(repository, "testdata"), "logs")
	for seed := range uint64(2) {
		random := rand.New(rand.NewPCG(seed, 1))
		folders := make(map[string]int)
		e.merged(t, random, 1+random.IntN(7), func(file string) int {
			folder := strings.Split(filepath.ToSlash(file), "/")[1]
			if _, known := folders[folder]; !known {
				folders[folder] = random.IntN(16)
			}
			return folders[folder]
		}, whole)
	}
}

// TestMergeStored: a partial result that was stored gives what a scan of its
// logs gives. If it does not, what sections hold has changed: partial.Version
// must be another, and -update stores a new one.
func TestMergeStored(t *testing.T) {
	t.Chdir(filepath.Join(repository, "testdata"))
	stored, logs := "golden/partial.wsp", []string{"logs/APP01", "logs/DC01", "logs/WEB02"}
	if *update {
		if err := os.Remove(stored); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		if status, _, stderr := runHere(t, append([]string{"collect", "-q", "-o", stored}, logs...)...); status != exitNothing {
			t.Fatalf("collect: status %d\n%s", status, stderr)
		}
	}
	want, got := t.TempDir(), t.TempDir()
	names, outs := reports(want)
	status, _, _ := runHere(t, append(logs, outs...)...)
	_, outs = reports(got)
	if merged, _, stderr := runHere(t, append([]string{"merge", stored}, outs...)...); merged != status {
		t.Errorf("merge: status %d, not %d\n%s", merged, status, stderr)
	}
	for _, name := range names {
		a, err1 := os.ReadFile(filepath.Join(want, name))
		b, err2 := os.ReadFile(filepath.Join(got, name))
		if err1 != nil || err2 != nil || !bytes.Equal(a, b) {
			t.Errorf("%s: not what a scan gives (%v, %v):\n%s", name, err1, err2, firstDifference(a, b))
		}
	}
}

// TestMergeOfFiles: parts of any files give all but the stories as one scan has
// it, and where those may be less, a line of what could not be seen says so.
func TestMergeOfFiles(t *testing.T) {
	e := scanned(t, filepath.Join(repository, "testdata"), "logs")
	if strings.Contains(e.told, collectedApart) {
		t.Error("one scan says that logs were collected apart")
	}
	for seed := range uint64(2) {
		random := rand.New(rand.NewPCG(seed, 2))
		e.merged(t, random, 2+random.IntN(7), func(string) int { return random.IntN(16) }, storyless)
	}
	sysmon := func(file string) int {
		if strings.Contains(file, "Sysmon") {
			return 1
		}
		return 0
	}
	if told := e.merged(t, rand.New(rand.NewPCG(1, 3)), 2, sysmon, storyless); !strings.Contains(told, "WEB01.harbor.example: logs of this host were "+collectedApart) {
		t.Errorf("nothing says that the stories of WEB01 may lack events:\n%s", told)
	}
}

// TestMergeLends: definitions of templates that one part lends another, and
// what is damaged, are as in one scan.
func TestMergeLends(t *testing.T) {
	dir := t.TempDir()
	for _, row := range faults.Rows() {
		data := row.Log().Data
		if row.ID == "F43" { // what is left is the chunk whose definition is lost
			data = slices.Concat(data[:evtx.HeaderSize], data[evtx.HeaderSize+evtx.ChunkSize:][:evtx.ChunkSize])
		}
		if err := write(filepath.Join(dir, "logs", row.ID, row.ID+".evtx"), data); err != nil {
			t.Fatal(err)
		}
	}
	if err := write(filepath.Join(dir, "logs/base/base.evtx"), faults.Base().Data); err != nil {
		t.Fatal(err)
	}
	e := scanned(t, dir, "logs", "--recover")
	random := rand.New(rand.NewPCG(1, 4))
	e.merged(t, random, 5, func(string) int { return random.IntN(16) }, storyless)
	lone := scanned(t, dir, "logs/F43")
	if !strings.Contains(lone.told, "42") {
		t.Errorf("alone the chunk has its definition:\n%s", lone.told)
	}
}

// TestMergeCorrelates: a correlation rule over several hosts finds in parts of
// one host each what it finds in one scan.
func TestMergeCorrelates(t *testing.T) {
	dir := t.TempDir()
	rule := filepath.Join(dir, "hosts.yml")
	err := write(rule, []byte(`title: A shell below a server
name: server_shell
logsource: {product: windows, category: process_creation}
detection:
  selection:
    WorkerImage|contains: '.exe'
    Image|endswith: ['\cmd.exe', '\powershell.exe']
  condition: selection
---
title: Shells below servers of several hosts
level: critical
correlation:
  type: value_count
  rules: [server_shell]
  group-by: [Channel]
  timespan: 24h
  condition: {field: Computer, gte: 2}
`))
	if err != nil {
		t.Fatal(err)
	}
	e := scanned(t, filepath.Join(repository, "testdata"), "logs", "--rules", rule)
	table, err := os.ReadFile(filepath.Join(e.reports, "jsonl"))
	if err != nil || !bytes.Contains(table, []byte("Shells below servers of several hosts")) && !bytes.Contains(table, []byte("shells_below")) {
		t.Errorf("one scan has no finding of the correlation (%v):\n%s", err, e.told)
	}
	folders := []string{"APP01", "DC01", "MAIL01", "WEB01", "WEB02", "WEC01", "WS07"}
	e.merged(t, rand.New(rand.NewPCG(1, 5)), len(folders), func(file string) int {
		return slices.Index(folders, strings.Split(filepath.ToSlash(file), "/")[1])
	}, whole)
}

// TestMergeCorrelatesEvents: the same of a rule over events of several hosts
// and kinds, of parts that were collected with those rules.
func TestMergeCorrelatesEvents(t *testing.T) {
	rule := filepath.Join(t.TempDir(), "events.yml")
	err := write(rule, []byte(`title: A connection to the far end
name: far_sysmon
logsource: {product: windows, category: network_connection}
detection: {selection: {DestinationIp: 198.51.100.77}, condition: selection}
---
title: The same as Windows itself logs it
name: far_audit
logsource: {product: windows, service: security}
detection: {selection: {EventID: 5156, DestAddress: 198.51.100.77}, condition: selection}
---
title: Several hosts reach one far end
name: several_hosts
level: critical
correlation:
  type: value_count
  rules: [far_sysmon, far_audit]
  group-by: [far]
  timespan: 24h
  condition: {field: Computer, gte: 2}
  aliases: {far: {far_sysmon: DestinationIp, far_audit: DestAddress}}
`))
	if err != nil {
		t.Fatal(err)
	}
	e := scanned(t, filepath.Join(repository, "testdata"), "logs", "--rules", rule)
	e.collect = []string{"--rules", rule}
	table, err := os.ReadFile(filepath.Join(e.reports, "jsonl"))
	if err != nil || !bytes.Contains(table, []byte(`"correlated":[{"rule":"several_hosts","group":{"far":"198.51.100.77"}`)) {
		t.Errorf("one scan has no event of the correlation (%v):\n%s", err, e.told)
	}
	folders := []string{"APP01", "DC01", "MAIL01", "WEB01", "WEB02", "WEC01", "WS07"}
	e.merged(t, rand.New(rand.NewPCG(1, 6)), len(folders), func(file string) int {
		return slices.Index(folders, strings.Split(filepath.ToSlash(file), "/")[1])
	}, whole)
}

// TestCollectInterrupted: a run that is stopped says so, and leaves no partial
// result that could be taken for a whole one.
func TestCollectInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	out := filepath.Join(t.TempDir(), "a.wsp")
	var stderr bytes.Buffer
	status := run(ctx, []string{"collect", filepath.Join(repository, "testdata/logs"), "-o", out}, nil, &bytes.Buffer{}, &stderr)
	if status != exitInterrupted || !strings.Contains(stderr.String(), "INTERRUPTED") {
		t.Errorf("exit status %d, %s", status, &stderr)
	}
	if _, err := os.Stat(out); err == nil {
		t.Error("there is a partial result under its name")
	}
}

// TestCompleteShard: a share is completed as the only word that it may be.
func TestCompleteShard(t *testing.T) {
	if _, stdout, _ := runHere(t, "__complete", "collect", "--shard", ""); !strings.HasPrefix(stdout, "env\n") {
		t.Error(stdout)
	}
}

// TestMergeFleet: 500 hosts that are collected in shares give what one scan
// gives.
func TestMergeFleet(t *testing.T) {
	if testing.Short() {
		t.Skip("slow")
	}
	dir := t.TempDir()
	for log, err := range (fleet.Crowd{Seed: 7, Hosts: 500}).Logs() {
		if err == nil {
			err = write(filepath.Join(dir, "hosts", log.Path), log.Data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	const shares = 8
	args := []string{"merge"}
	for i := range shares {
		file := fmt.Sprint(i, ".wsp")
		if status, _, stderr := runHere(t, "collect", "hosts", "-q", "--shard", fmt.Sprintf("%d/%d", i, shares), "-o", file); status != exitNothing {
			t.Fatalf("share %d: status %d\n%s", i, status, stderr)
		}
		args = append(args, file)
	}
	for _, format := range []string{"jsonl", "stack"} {
		_, want, _ := runHere(t, "hosts", "-q", "-f", format)
		status, got, stderr := runHere(t, append(args, "-q", "-f", format)...)
		if status != exitFindings || got != want {
			t.Errorf("%s: status %d\n%s\n%s", format, status, stderr, firstDifference([]byte(want), []byte(got)))
		}
	}
}

// TestMergeDamaged: a partial result that was cut or changed is refused and
// named, the others are merged, and the status says so; every tenth prefix, and
// changes of single bytes.
func TestMergeDamaged(t *testing.T) {
	t.Chdir("../../testdata")
	dir := t.TempDir()
	good, bad := filepath.Join(dir, "good.wsp"), filepath.Join(dir, "bad.wsp")
	runs(t, []int{0}, "collect", "-q", "-o", good, "logs/WEB02")
	data, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	runs(t, []int{0}, "merge", "-q", "--exit-zero", good)
	for i := range 12 {
		changed := bytes.Clone(data)
		if at := len(data) * i / 12; i%2 == 0 {
			changed = changed[:at]
		} else {
			changed[at] ^= 0x10
		}
		if err := os.WriteFile(bad, changed, 0o600); err != nil {
			t.Fatal(err)
		}
		runs(t, []int{3}, "merge", "-q", good, bad)
	}
}

// TestShard: of n shares each takes an entry that no other takes, counted from
// 0 or from 1.
func TestShard(t *testing.T) {
	dir := t.TempDir()
	for i := range 21 {
		if err := os.Mkdir(filepath.Join(dir, fmt.Sprint("H", i)), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	none := func(string) string { return "" }
	for n := 1; n <= 16; n++ {
		for first := range 2 {
			seen := make(map[string]int)
			for i := range n {
				s, err := parseShard(fmt.Sprintf("%d/%d", i+first, n), none)
				if err != nil {
					t.Fatal(err)
				}
				paths, err := s.paths([]string{dir})
				if err != nil {
					t.Fatal(err)
				}
				for _, p := range paths {
					seen[p]++
				}
			}
			for p, times := range seen {
				if times != 1 {
					t.Errorf("%d shares from %d: %s is in %d", n, first, p, times)
				}
			}
			if len(seen) != 21 {
				t.Errorf("%d shares from %d have %d of 21 entries", n, first, len(seen))
			}
		}
	}
	for _, env := range []map[string]string{
		{"JOB_COMPLETION_INDEX": "2", "JOB_COMPLETIONS": "5"},
		{"AWS_BATCH_JOB_ARRAY_INDEX": "2", "AWS_BATCH_JOB_ARRAY_SIZE": "5"},
		{"SLURM_ARRAY_TASK_ID": "3", "SLURM_ARRAY_TASK_COUNT": "5", "SLURM_ARRAY_TASK_MIN": "1"},
	} {
		if s, err := parseShard("env", func(name string) string { return env[name] }); err != nil || s != (shard{2, 5}) {
			t.Errorf("%v: %v (%v)", env, s, err)
		}
	}
	for _, wrong := range []string{"", "3", "17/16", "-1/4", "0/0", "env", "a/b"} {
		if _, err := parseShard(wrong, none); err == nil {
			t.Errorf("%q is taken", wrong)
		}
	}
}

// TestMergeCorpus: what is collected of each scenario and merged is what a scan
// of it says, stories with all that they need.
func TestMergeCorpus(t *testing.T) {
	for _, set := range []string{"recall", "story"} {
		folders, err := filepath.Glob(filepath.Join("..", "..", "..", "shared", "corpus", set, "*", "truth.json"))
		if err != nil {
			t.Fatal(err)
		}
		if len(folders) == 0 {
			t.Skip("skipped: there is no ../shared/corpus beside this clone")
		}
		for _, truth := range folders {
			folder := filepath.Dir(truth)
			dir := t.TempDir()
			part, one, other := filepath.Join(dir, "all.wsp"), filepath.Join(dir, "scan.jsonl"), filepath.Join(dir, "merge.jsonl")
			status, _, _ := runHere(t, folder, "-q", "-o", one)
			if got, _, stderr := runHere(t, "collect", folder, "-q", "-o", part); got != exitNothing && got != exitIncomplete {
				t.Fatalf("%s: collect: status %d\n%s", folder, got, stderr)
			}
			if got, _, stderr := runHere(t, "merge", part, "-q", "-o", other); got != status {
				t.Errorf("%s: status %d, not %d\n%s", folder, got, status, stderr)
			}
			want, err1 := os.ReadFile(one)
			got, err2 := os.ReadFile(other)
			if err1 != nil || err2 != nil || !bytes.Equal(want, got) {
				t.Errorf("%s: not what a scan gives (%v, %v):\n%s", folder, err1, err2, firstDifference(want, got))
			}
		}
	}
}

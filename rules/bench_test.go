package rules_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"testing"

	"webshellscan/rules"
	"webshellscan/rules/builtin"
)

// realRecord is a process creation of the corpus's logs and where it stands.
type realRecord struct {
	file   string
	record int // EventRecordID
	event  event
}

// realEvents returns the process creations of the corpus's logs.
func realEvents(t testing.TB) []event {
	t.Helper()
	var out []event
	for _, r := range realRecords(t) {
		out = append(out, r.event)
	}
	return out
}

func realRecords(t testing.TB) []realRecord {
	t.Helper()
	needCorpus(t)
	f, err := os.Open(corpus + "/truth/process_events.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out []realRecord
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var raw struct {
			File      string            `json:"file"`
			Record    int               `json:"event_record_id"`
			EventID   int               `json:"event_id"`
			EventData map[string]string `json:"event_data"`
		}
		if err := json.Unmarshal(lines.Bytes(), &raw); err != nil {
			t.Fatal(err)
		}
		if raw.EventID != 1 && raw.EventID != 4688 {
			continue
		}
		ev := event{}
		for name, value := range raw.EventData {
			ev[name] = []string{value}
		}
		if raw.EventID == 4688 {
			ev["Image"], ev["ParentImage"] = ev["NewProcessName"], ev["ParentProcessName"]
			ev["User"] = ev["SubjectUserName"]
		}
		out = append(out, realRecord{raw.File, raw.Record, ev})
	}
	if err := lines.Err(); err != nil || len(out) == 0 {
		t.Fatalf("%d events, %v", len(out), err)
	}
	return out
}

// creationRules returns the rules of the corpus about process creation without
// the deprecated ones, as many as there are: 1,415.
func creationRules(t testing.TB) []*rules.Rule {
	t.Helper()
	needCorpus(t)
	var out []*rules.Rule
	for _, r := range corpusRules().Rules {
		if r.LogSource.Category == "process_creation" && r.LogSource.Product == "windows" && r.Status != "deprecated" {
			out = append(out, r)
		}
	}
	return out
}

// findingRules returns the built-in rules that give findings.
func findingRules(t testing.TB) []*rules.Rule {
	t.Helper()
	list, err := builtin.Rules()
	if err != nil {
		t.Fatal(err)
	}
	_, out := builtin.SplitServers(list)
	_, out = builtin.SplitRole(out, builtin.RoleWebApplication)
	_, _, out = builtin.SplitLevels(out)
	_, out = splitTechniques(out)
	return out
}

// subjects prepares events for a set.
func subjects(set *rules.Set, interned *texts, events []event) []*subject {
	out := make([]*subject, len(events))
	for i, ev := range events {
		out[i] = newSubject(set, interned, ev)
	}
	return out
}

func BenchmarkLoad(b *testing.B) {
	needCorpus(b)
	for _, goroutines := range []int{1, 2} {
		b.Run(fmt.Sprintf("goroutines=%d", goroutines), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if n := len(rules.Load(context.Background(), []string{corpus + "/sigma-rules"}, goroutines).Rules); n != 3160 {
					b.Fatal(n)
				}
			}
		})
	}
}

func BenchmarkCompile(b *testing.B) {
	for _, c := range []struct {
		name string
		list []*rules.Rule
	}{{"builtin", findingRules(b)}, {"1415", creationRules(b)}, {"3160", corpusRules().Rules}} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				rules.Compile(c.list, rules.Options{})
			}
		})
	}
}

// BenchmarkMatch measures one subject: of values that have been seen, and of
// command lines that never come again.
func BenchmarkMatch(b *testing.B) {
	events := realEvents(b)
	for _, c := range []struct {
		name string
		list []*rules.Rule
	}{{"builtin", findingRules(b)}, {"1415", creationRules(b)}, {"1415+builtin", append(creationRules(b), findingRules(b)...)}} {
		set := mustCompile(b, c.list, rules.Options{})
		b.Run(c.name+"/repeated", func(b *testing.B) {
			all := subjects(set, newTexts(), events)
			m := set.NewMatcher()
			var dst []int
			for _, s := range all {
				dst = m.Match(dst[:0], s)
			}
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				dst = m.Match(dst[:0], all[i])
				if i++; i == len(all) {
					i = 0
				}
			}
		})
		b.Run(c.name+"/distinct", func(b *testing.B) {
			all := subjects(set, newTexts(), events)
			m := set.NewMatcher()
			d := newDistinct(set, events)
			var dst []int
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				d.subject = all[i]
				d.next(i)
				dst = m.Match(dst[:0], d)
				if i++; i == len(all) {
					i = 0
				}
			}
			b.ReportMetric(d.mean(), "B/cmdline")
		})
	}
}

// distinct is a subject whose command lines, its own and its parent's, are new
// at every step.
type distinct struct {
	*subject
	command, parent int // fields, -1 if not asked for
	lines           [][]byte
	text            [2]string
	id              rules.ValueID
	bytes, steps    int
}

const distinctID rules.ValueID = 1 << 40

func newDistinct(set *rules.Set, events []event) *distinct {
	d := &distinct{command: -1, parent: -1, id: distinctID}
	for i, name := range set.Fields() {
		switch name {
		case "CommandLine":
			d.command = i
		case "ParentCommandLine":
			d.parent = i
		}
	}
	for _, ev := range events {
		line := "x"
		if values := ev["CommandLine"]; len(values) > 0 {
			line = values[0]
		}
		d.lines = append(d.lines, []byte(line+" 0000000000"))
	}
	return d
}

// next makes the command lines of the next step: real ones with a number that
// counts up.
func (d *distinct) next(i int) {
	d.id += 2
	for n, line := range [][]byte{d.lines[i], d.lines[(i+1)%len(d.lines)]} {
		strconv.AppendUint(line[:len(line)-10], uint64(d.id%9_000_000_000)+1_000_000_000, 10)
		d.text[n] = string(line)
		d.bytes += len(line)
	}
	d.steps += 2
}

func (d *distinct) mean() float64 { return float64(d.bytes) / float64(d.steps) }

func (d *distinct) Values(dst []rules.ValueID, field int) []rules.ValueID {
	switch field {
	case d.command:
		return append(dst, d.id)
	case d.parent:
		return append(dst, d.id+1)
	}
	return d.subject.Values(dst, field)
}

func (d *distinct) Text(id rules.ValueID) string {
	if id >= distinctID {
		return d.text[id-d.id]
	}
	return d.subject.Text(id)
}

// TestMatchAllocates holds the steady state to no allocation at all.
func TestMatchAllocates(t *testing.T) {
	events := realEvents(t)
	for _, list := range [][]*rules.Rule{findingRules(t), creationRules(t)} {
		set := mustCompile(t, list, rules.Options{})
		all := subjects(set, newTexts(), events)
		m := set.NewMatcher()
		dst := make([]int, 0, 100)
		for _, s := range all {
			dst = m.Match(dst[:0], s)
		}
		i := 0
		allocs := testing.AllocsPerRun(len(all), func() {
			dst = m.Match(dst[:0], all[i%len(all)])
			i++
		})
		if allocs != 0 {
			t.Errorf("%d rules: %v allocations for a subject whose values are known", len(set.Rules()), allocs)
		}
	}
}

// TestMemory holds loaded and compiled rules to 64 MiB.
func TestMemory(t *testing.T) {
	needCorpus(t)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	loaded := rules.Load(context.Background(), []string{corpus + "/sigma-rules"}, 0)
	set, _ := rules.Compile(loaded.Rules, rules.Options{})
	m := set.NewMatcher()
	runtime.GC()
	runtime.ReadMemStats(&after)
	size := int64(after.HeapAlloc) - int64(before.HeapAlloc)
	t.Logf("%.1f MiB for %d rules, compiled, with a matcher", float64(size)/(1<<20), len(loaded.Rules))
	if size > 64<<20 {
		t.Errorf("%d bytes, want at most 64 MiB", size)
	}
	runtime.KeepAlive(m)
	runtime.KeepAlive(loaded)
}

package proctree_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	gocmp "github.com/google/go-cmp/cmp"

	"webshellscan/scan/event"
	"webshellscan/scan/proctree"
)

// The tests write events as lines and trees as text. A line is a kind and
// key=value pairs; times are seconds after noon, GUIDs are a letter and the
// second of the start, so that A10 is the process A that started at 10.
//
//	S1 t=10 pid=100 guid=A10 image=cmd.exe ppid=50 pguid=B5 pimage=w3wp.exe
//	4688 t=10 pid=100 image=cmd.exe ppid=50
//
// A tree is indented by depth: pid, image, the link to the parent, what else is
// of note.

// noon is the start of the tests' time.
var noon = event.FromTime(time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC))

func str(s string) event.Value {
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		b = append(b, byte(u), byte(u>>8))
	}
	return event.Value{Type: event.TypeString, Data: b}
}

// guid returns a process GUID: of a letter, and the second of the process's
// start. Small letters are of another machine.
func guid(text string) event.Value {
	if text == "" {
		return event.Value{}
	}
	if text == "0" {
		return event.Value{Type: event.TypeGUID, Data: make([]byte, 16)}
	}
	machine := byte(1)
	if text[0] >= 'a' {
		machine = 2
	}
	var seconds float64
	fmt.Sscanf(text[1:], "%g", &seconds)
	unix := uint32((noon + event.Time(seconds*float64(event.Second))).UnixSeconds())
	return event.Value{Type: event.TypeGUID, Data: []byte{
		machine, 0, 0, 0, byte(unix), byte(unix >> 8), byte(unix >> 16), byte(unix >> 24), text[0], 0, 0, 0, 0, 0, 0, 1,
	}}
}

// keyOf returns the index of a kind of event in proctree.Keys.
func keyOf(t testing.TB, name string) int {
	want, ok := map[string]event.Key{
		"S1": {Provider: "Microsoft-Windows-Sysmon", ID: 1}, "S5": {Provider: "Microsoft-Windows-Sysmon", ID: 5},
		"S4":   {Provider: "Microsoft-Windows-Sysmon", ID: 4},
		"4688": {Provider: "Microsoft-Windows-Security-Auditing", ID: 4688}, "4689": {Provider: "Microsoft-Windows-Security-Auditing", ID: 4689},
		"4608": {Provider: "Microsoft-Windows-Security-Auditing", ID: 4608}, "4616": {Provider: "Microsoft-Windows-Security-Auditing", ID: 4616},
		"KG12": {Provider: "Microsoft-Windows-Kernel-General", ID: 12}, "6005": {Provider: "EventLog", ID: 6005},
		"6006": {Provider: "EventLog", ID: 6006}, "6009": {Provider: "EventLog", ID: 6009},
	}[name]
	if !ok {
		t.Fatalf("no kind of event %q", name)
	}
	for i, k := range proctree.Keys() {
		if k == want {
			return i
		}
	}
	t.Fatalf("%v is not selected", want)
	return 0
}

// isName reports whether an image of a line is one, and not what stands for
// none.
func isName(image string) bool { return strings.ContainsRune(image, '.') }

// parseEvent turns a line into an event. Record IDs rise from line to line, and
// the offset is the line's number.
func parseEvent(t testing.TB, number int, line string) *event.Event {
	words := strings.Fields(line)
	ev := &event.Event{Key: keyOf(t, words[0]), RecordID: uint64(number), Computer: str("HOST")}
	ev.ID = proctree.Keys()[ev.Key].ID
	ev.Place.Offset = int64(number)
	ev.Channel = str("Security")
	if words[0][0] == 'S' {
		ev.Channel = str("Sysmon")
	}
	if words[0] == "KG12" || words[0][0] == '6' {
		ev.Channel = str("System")
	}
	security := words[0] == "4688"
	for _, word := range words[1:] {
		key, value, ok := strings.Cut(word, "=")
		if !ok {
			t.Fatalf("line %q: %q is no key=value", line, word)
		}
		switch key {
		case "t":
			var seconds float64
			fmt.Sscanf(value, "%g", &seconds)
			ev.Time = noon + event.Time(seconds*float64(event.Second))
		case "exported": // the record is of an export
			ev.Marks |= event.MarkExported
		case "label":
			ev.Set(event.MandatoryLabel, str(value))
		case "utc": // UtcTime, where it differs from t
			var seconds float64
			fmt.Sscanf(value, "%g", &seconds)
			at := noon + event.Time(seconds*float64(event.Second))
			ev.Set(event.UtcTime, str(at.Time().Format("2006-01-02 15:04:05.000")))
		case "id":
			fmt.Sscan(value, &ev.RecordID)
		case "file":
			fmt.Sscan(value, &ev.Place.File)
		case "host":
			ev.Computer = str(value)
		case "pid":
			ev.Set(map[bool]event.FieldID{true: event.NewProcessID, false: event.ProcessID}[security], str(value))
		case "ppid":
			ev.Set(map[bool]event.FieldID{true: event.ProcessID, false: event.ParentProcessID}[security], str(value))
		case "image":
			if isName(value) {
				value = `C:\` + value
			}
			value = strings.ReplaceAll(value, "_", " ")
			ev.Set(map[string]event.FieldID{"4688": event.NewProcessName, "4689": event.ProcessName}[words[0]], str(value))
			ev.Set(event.Image, str(value))
		case "pimage":
			ev.Set(map[bool]event.FieldID{true: event.ParentProcessName, false: event.ParentImage}[security], str(value))
		case "guid":
			ev.Set(event.ProcessGUID, guid(value))
		case "pguid":
			ev.Set(event.ParentProcessGUID, guid(value))
		case "creator": // the subject of a 4688, the parent's user of Sysmon
			name := strings.ReplaceAll(value, "_", " ")
			domain, user, _ := strings.Cut(name, `\`)
			ev.Set(event.SubjectDomainName, str(domain))
			ev.Set(event.SubjectUserName, str(user))
			ev.Set(event.ParentUser, str(name))
		case "creatorsid":
			ev.Set(event.SubjectUserSID, str(value))
		case "user": // the target of a 4688
			name := strings.ReplaceAll(value, "_", " ")
			domain, user, _ := strings.Cut(name, `\`)
			ev.Set(event.TargetDomainName, str(domain))
			ev.Set(event.TargetUserName, str(user))
			ev.Set(event.User, str(name))
		case "cmd":
			ev.Set(event.CommandLine, str(value))
		case "pcmd":
			ev.Set(event.ParentCommandLine, str(value))
		case "state":
			ev.Set(event.State, str(value))
		case "old":
			var seconds float64
			fmt.Sscanf(value, "%g", &seconds)
			ev.Set(event.PreviousTime, str((noon + event.Time(seconds*float64(event.Second))).String()))
		case "new":
			var seconds float64
			fmt.Sscanf(value, "%g", &seconds)
			ev.Set(event.NewTime, str((noon + event.Time(seconds*float64(event.Second))).String()))
		default:
			t.Fatalf("line %q: no key %q", line, key)
		}
	}
	if words[0][0] == 'S' && ev.Value(event.UtcTime).IsNull() {
		ev.Set(event.UtcTime, str(ev.Time.Time().Format("2006-01-02 15:04:05.000")))
	}
	return ev
}

func parseEvents(t testing.TB, text string) []*event.Event {
	var list []*event.Event
	for i, line := range strings.Split(strings.TrimSpace(text), "\n") {
		if line = strings.TrimSpace(line); line != "" {
			list = append(list, parseEvent(t, i+1, line))
		}
	}
	return list
}

// build adds events to some collectors, at random, and builds the forest.
func build(t testing.TB, events []*event.Event, collectors int, random *rand.Rand) *proctree.Forest {
	t.Helper()
	texts := proctree.NewTexts()
	list := make([]*proctree.Collector, collectors)
	for i := range list {
		list[i] = proctree.NewCollector(texts)
	}
	for _, ev := range events {
		list[random.IntN(collectors)].Add(ev)
	}
	f, err := proctree.Build(t.Context(), texts, list, nil, collectors)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// dump writes a forest as text.
func dump(f *proctree.Forest) string {
	var b strings.Builder
	for i, host := range f.Hosts() {
		if len(f.Hosts()) > 1 {
			fmt.Fprintf(&b, "%s\n", strings.Join(host.Names, "="))
		}
		var draw func(p proctree.Process, depth int)
		draw = func(p proctree.Process, depth int) {
			_, link := p.Parent()
			fmt.Fprintf(&b, "%s%d %s", strings.Repeat("  ", depth), p.PID(), cmp.Or(proctree.BaseName(f.Texts().Text(p.Image())), "?"))
			if depth > 0 {
				fmt.Fprintf(&b, " %s", link)
			}
			if p.Stub() {
				b.WriteString(" (stub)")
			}
			if n := len(records(p)); n > 1 {
				fmt.Fprintf(&b, " records=%v", records(p))
			}
			if end := p.End(); end != 0 {
				fmt.Fprintf(&b, " end=%g", float64(end-noon)/float64(event.Second))
			}
			if c := f.Texts().Text(p.CommandLine()); c != "" {
				fmt.Fprintf(&b, " cmd=%s", c)
			}
			b.WriteString("\n")
			for child := range p.Children() {
				draw(child, depth+1)
			}
		}
		for root := range f.Roots(i) {
			draw(root, 0)
		}
	}
	return b.String()
}

func records(p proctree.Process) []uint64 {
	var ids []uint64
	for r := range p.Records() {
		ids = append(ids, r.RecordID())
	}
	return ids
}

// undent removes the indentation of the first line from all lines.
func undent(text string) string {
	lines := strings.Split(strings.Trim(text, "\n\t"), "\n")
	for i, l := range lines {
		lines[i] = strings.TrimLeft(l, "\t")
	}
	return strings.Join(lines, "\n") + "\n"
}

func TestTrees(t *testing.T) {
	for _, tt := range treeTests {
		t.Run(tt.name, func(t *testing.T) {
			events := parseEvents(t, tt.events)
			for _, collectors := range []int{1, 2, 8} {
				random := rand.New(rand.NewPCG(1, uint64(collectors)))
				got := dump(build(t, events, collectors, random))
				if diff := gocmp.Diff(undent(tt.want), got); diff != "" {
					t.Errorf("%d collectors: tree (-want +got):\n%s", collectors, diff)
				}
				random.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
			}
		})
	}
}

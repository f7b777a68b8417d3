package evtxtest_test

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"webshellscan/internal/evtxtest"
)

// styles are the kinds of log that every event is written to and read back
// from.
var styles = []struct {
	name    string
	options evtxtest.Options
}{
	{"live", evtxtest.Options{}},
	{"live with dirty memory", evtxtest.Options{Filler: []byte{0x6F, 0x2A, 0x2A, 0x01}, KeepSlack: true, RecordsPerChunk: 9}},
	{"exported", evtxtest.Options{Style: evtxtest.StyleExported, Minor: 2}},
	{"archived", evtxtest.Options{Style: evtxtest.StyleArchived, RecordsPerChunk: 7, Flags: evtxtest.FlagFull}},
	{"forwarded", evtxtest.Options{Style: evtxtest.StyleForwarded, FirstID: 5000}},
	{"forwarded, all entities", evtxtest.Options{Style: evtxtest.StyleForwarded, Entities: evtxtest.EntityAll}},
}

// TestReadBack writes every event in every style and compares what other
// programs read with what was meant, element by element and field by field.
func TestReadBack(t *testing.T) {
	tests := allSources()
	for _, style := range styles {
		plain := style.options.Style == evtxtest.StyleForwarded
		events := make([]evtxtest.Event, len(tests))
		want := make([]map[string]string, len(tests))
		for i := range tests {
			events[i] = evtxtest.NewEvent(at, host, tests[i].source)
			ev := &events[i]
			ev.RecordID, ev.ProcessID, ev.ThreadID = uint64(1000+i), 2284, 3300
			if i%3 == 0 {
				ev.ActivityID, ev.RelatedActivityID = processGUID, parentGUID
			}
			if i%4 == 0 {
				ev.Text = evtxtest.TextOld
			}
			want[i] = wantEvent(ev, tests[i].want)
		}
		f, err := evtxtest.Build(style.options, events)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(style.name+"/golang-evtx", func(t *testing.T) {
			got, err := golangEVTX(f.Data)
			compareEvents(t, tests, want, got, err)
		})
		t.Run(style.name+"/libevtx", func(t *testing.T) {
			if plain {
				t.Skip("libevtx expects a dependency identifier in every element and stops at the first plain record")
			}
			got, err := libevtx(t, f.Data)
			compareEvents(t, tests, want, got, err)
		})
		t.Run(style.name+"/python-evtx", func(t *testing.T) {
			if plain {
				t.Skip("python-evtx expects a dependency identifier in every element and raises at the first plain record")
			}
			got, err := pythonEVTX(t, f.Data)
			compareEvents(t, tests, want, got, err)
		})
	}
}

// wantEvent returns what a reader should find: System from the event, the
// payload from text.
func wantEvent(ev *evtxtest.Event, payload string) map[string]string {
	w := map[string]string{
		"Provider/Name": ev.Provider.Name, "Provider/Guid": ev.Provider.GUID.String(),
		"Provider/EventSourceName": ev.Provider.EventSourceName,
		"EventID":                  fmt.Sprint(ev.ID), "Version": fmt.Sprint(ev.Version), "Level": fmt.Sprint(ev.Level),
		"Task": fmt.Sprint(ev.Task), "Opcode": fmt.Sprint(ev.Opcode), "Keywords": fmt.Sprintf("%#x", ev.Keywords),
		"TimeCreated/SystemTime": "2024-03-05T10:11:12.25Z", "EventRecordID": fmt.Sprint(ev.RecordID),
		"Correlation/ActivityID": ev.ActivityID.String(), "Correlation/RelatedActivityID": ev.RelatedActivityID.String(),
		"Execution/ProcessID": fmt.Sprint(ev.ProcessID), "Execution/ThreadID": fmt.Sprint(ev.ThreadID),
		"Channel": ev.Channel, "Computer": ev.Computer, "Security/UserID": ev.UserID.String(),
	}
	if ev.HasQualifiers {
		w["EventID/Qualifiers"] = fmt.Sprint(ev.Qualifiers)
	}
	if ev.ActivityID.IsZero() {
		delete(w, "Correlation/ActivityID")
		delete(w, "Correlation/RelatedActivityID")
	}
	if ev.Provider.GUID.IsZero() {
		for _, name := range []string{
			"Provider/Guid", "Version", "Opcode", "Execution/ProcessID", "Execution/ThreadID",
			"Correlation/ActivityID", "Correlation/RelatedActivityID",
		} {
			delete(w, name)
		}
	}
	e := readEvent{w, map[string]string{}}
	unnamed := 0
	for line := range strings.Lines(payload) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		if name == "Data" {
			name = fmt.Sprintf("Data%d", unnamed)
			unnamed++
		}
		e.fields[name] = value
	}
	return canonical(e)
}

func compareEvents(t *testing.T, tests []sourceTest, want []map[string]string, got []readEvent, err error) {
	t.Helper()
	if err != nil {
		t.Errorf("reader: %v", err)
	}
	if len(got) != len(want) {
		t.Fatalf("%d events, want %d", len(got), len(want))
	}
	for i := range want {
		g := canonical(got[i])
		if name := want[i]["Provider/Name"]; g["Provider/Name"] == "" && got[i].system != nil {
			// golang-evtx takes an element with nothing but a Name
			// attribute for a field of that name.
			if _, ok := got[i].system[name]; ok {
				g["Provider/Name"] = name
			}
		}
		if diff := cmp.Diff(want[i], g); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tests[i].name, diff)
		}
	}
}

var (
	guidText   = regexp.MustCompile(`(?i)^\{?[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\}?$`)
	hexNumber  = regexp.MustCompile(`(?i)^0x0*([0-9a-f]+)$`)
	timeText   = regexp.MustCompile(`^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)\.(\d+?)0*Z?$`)
	base64Text = regexp.MustCompile(`^[0-9A-Za-z+/]+=*$`)
	stringItem = regexp.MustCompile(`(?s)<string>(.*?)</string>`)
	dataName   = regexp.MustCompile(`^Data(\d*)$`)
)

// canonical brings the readers' ways to print values into one: values that are
// empty are left out, unnamed Data joined in order, GUIDs and hexadecimal
// digits in lower case.
func canonical(e readEvent) map[string]string {
	out := map[string]string{}
	for name, value := range e.system {
		if v := canonicalValue(value); v != "" {
			out[name] = v
		}
	}
	var data []string
	for _, name := range slices.SortedFunc(maps.Keys(e.fields), compareNames) {
		value := e.fields[name]
		name = name[strings.LastIndexByte(name, '/')+1:]
		switch {
		case strings.HasPrefix(name, "xmlns"):
			continue
		case dataName.MatchString(name):
			items := []string{value}
			if list := stringItem.FindAllStringSubmatch(value, -1); list != nil { // python-evtx
				items = items[:0]
				for _, item := range list {
					items = append(items, item[1])
				}
			}
			data = append(data, items...)
			continue
		case strings.EqualFold(name, "binary"):
			value = canonicalBinary(value)
		}
		if v := canonicalValue(value); v != "" {
			out["payload "+name] = v
		}
	}
	data = slices.DeleteFunc(data, func(s string) bool { return s == "" })
	if len(data) > 0 {
		out["payload Data"] = strings.Join(data, "|")
	}
	return out
}

// compareNames orders Data2 before Data10.
func compareNames(a, b string) int {
	if dataName.MatchString(a) && dataName.MatchString(b) && len(a) != len(b) {
		return len(a) - len(b)
	}
	return strings.Compare(a, b)
}

// canonicalBinary returns bytes in hexadecimal; python-evtx prints them in
// base64.
func canonicalBinary(s string) string {
	if b, err := hex.DecodeString(s); err == nil {
		return hex.EncodeToString(b)
	}
	if b, err := base64.StdEncoding.DecodeString(s); err == nil && base64Text.MatchString(s) {
		return hex.EncodeToString(b)
	}
	return s
}

func canonicalValue(s string) string {
	if guidText.MatchString(s) {
		return strings.ToLower(strings.Trim(s, "{}"))
	}
	if m := hexNumber.FindStringSubmatch(s); m != nil {
		return "0x" + strings.ToLower(m[1])
	}
	if m := timeText.FindStringSubmatch(s); m != nil {
		return m[1] + " " + m[2] + "." + m[3]
	}
	switch s {
	case "True":
		return "true"
	case "False":
		return "false"
	}
	return s
}

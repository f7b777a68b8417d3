package evtx_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"webshellscan/scan/crosscheck"
	"webshellscan/scan/event"
	"webshellscan/scan/evtx"
)

// TestFieldsOfRealLogs compares all names and values of one record of each kind
// of event in each real log with what golang-evtx reads.
func TestFieldsOfRealLogs(t *testing.T) {
	needCorpus(t)
	var compared, values, damaged int
	for _, row := range readInventory(t) {
		data, err := os.ReadFile(filepath.Join(corpus, row["path"]))
		if err != nil {
			t.Fatal(err)
		}
		seen := make(map[string]bool)
		checker := crosscheck.New()
		readAll(t, data, allChannels(t, data), func(ev *event.Event) {
			kind := fmt.Sprint(ev.Provider, ev.ID, ev.Version, ev.Channel)
			if seen[kind] {
				return
			}
			if seen[kind] = true; ev.Damaged > 0 {
				damaged++
			}
			chunk := data[ev.Place.Chunk:min(ev.Place.Chunk+evtx.ChunkSize, int64(len(data)))]
			checker.Chunk(chunk)
			raw := checker.Check(int(ev.Place.Offset-ev.Place.Chunk), ev.RecordID).Raw
			if raw == nil || ev.Marks.Has(event.MarkSubstituted) {
				return // golang-evtx cannot read it
			}
			compared++
			values += len(ev.System()) + len(ev.Payload())
			for _, differ := range compareFields(ev, raw) {
				t.Errorf("%s, record %d (%s %d): %s", row["path"], ev.RecordID, ev.Provider, ev.ID, differ)
			}
		})
	}
	t.Logf("%d records with %d values, %d records with damaged values", compared, values, damaged)
	if compared < 1000 || damaged > 2 {
		t.Errorf("only %d records were compared; %d with damaged values", compared, damaged)
	}
}

// allChannels selects every channel of a log with all fields.
func allChannels(t *testing.T, data []byte) *evtx.Selection {
	t.Helper()
	want := event.Want{AllFields: true}
	res := readAll(t, data, evtx.NewSelection(nil), func(*event.Event) {})
	for origin := range res.stats.Origins {
		want.Channels = append(want.Channels, origin.Channel)
	}
	return evtx.Select(want)
}

// compareFields returns where an event lists something else than golang-evtx
// has. That keeps one value of those that share a name, takes a field named
// Value for one without a name, and forgets the Provider of providers without a
// GUID.
func compareFields(ev *event.Event, raw map[string]any) []string {
	theirs := make(map[string][]string)
	outer, _ := raw["Event"].(map[string]any)
	for section, value := range outer {
		switch section {
		case "System":
			collect(theirs, "System/", "", value)
		case "xmlns", "RenderingInfo":
		default:
			collect(theirs, "", "", value)
		}
	}
	ours := make(map[string][]string)
	for _, f := range ev.System() {
		ours["System/"+strings.NewReplacer("/@", "/").Replace(f.Name)] = []string{f.Value.String()}
	}
	for _, f := range ev.Payload() {
		name := f.Name[strings.LastIndexByte(f.Name, '@')+1:]
		ours[name] = append(ours[name], f.Value.String())
	}
	var differ []string
	for name, list := range theirs {
		if isQuirk(name, ev) {
			continue
		}
		for _, value := range list {
			if !slices.ContainsFunc(ours[name], func(own string) bool { return sameValue(own, value) }) {
				differ = append(differ, fmt.Sprintf("%q is %q, golang-evtx has %q", name, ours[name], value))
			}
		}
	}
	for name, list := range ours {
		if len(theirs[name]) == 0 && strings.Join(list, "") != "" && !isQuirk(name, ev) {
			differ = append(differ, fmt.Sprintf("%q is %q, golang-evtx does not have it", name, list))
		}
	}
	return differ
}

// collect collects the leaves of nested maps by their own names, those of
// System by their paths. Elements without a name have the name Data there.
func collect(into map[string][]string, prefix, name string, value any) {
	switch v := value.(type) {
	case map[string]any:
		for key, inner := range v {
			switch {
			case key == "Value" && prefix != "":
				collect(into, prefix, name, inner)
			case prefix != "" && name != "":
				collect(into, prefix, name+"/"+key, inner)
			default:
				collect(into, prefix, key, inner)
			}
		}
	case []string:
		for _, item := range v {
			collect(into, prefix, name, item)
		}
	case []any:
		for _, item := range v {
			collect(into, prefix, name, item)
		}
	case []byte:
		collect(into, prefix, name, strings.TrimRight(string(v), "\x00"))
	default:
		if unnamed.MatchString(name) {
			name = ""
		}
		into[prefix+name] = append(into[prefix+name], fmt.Sprint(v))
	}
}

// unnamed is what golang-evtx calls elements without a name.
var unnamed = regexp.MustCompile(`^Data[0-9]*$`)

// isQuirk reports whether golang-evtx has a name in a form of its own.
func isQuirk(name string, ev *event.Event) bool {
	return strings.Contains(name, "xmlns") || name == "System/"+ev.Provider.String() || name == "System/Provider/Name"
}

// sameValue reports whether two renderings mean one value.
func sameValue(a, b string) bool {
	if a == b || strings.TrimSpace(a) == strings.TrimSpace(b) || b == "<nil>" && a == "" {
		return true
	}
	if x, ok := event.ParseGUID([]byte(a)); ok {
		y, ok := event.ParseGUID([]byte(b))
		return ok && x == y
	}
	if x, err := strconv.ParseFloat(a, 64); err == nil && strings.Contains(a, ".") {
		y, err := strconv.ParseFloat(b, 64)
		return err == nil && x == y
	}
	if strings.HasPrefix(a, "1601-01-01") {
		return b == "" // no time
	}
	if x, ok := event.ParseTime([]byte(a)); ok {
		y, ok := event.ParseTime([]byte(b))
		return ok && x == y
	}
	if x, err := strconv.ParseUint(a, 0, 64); err == nil {
		y, err := strconv.ParseUint(b, 0, 64)
		return err == nil && x == y
	}
	return bytes.EqualFold([]byte(a), []byte(b)) && (a == "true" || a == "false")
}

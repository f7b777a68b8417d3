package evtx_test

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"webshellscan/scan/event"
	"webshellscan/scan/evtx"
)

// corpus is where the real logs with known truth lie, beside the project.
const corpus = "../../../shared/corpus"

// needCorpus skips a test where the corpus is absent.
func needCorpus(t *testing.T) {
	t.Helper()
	if _, err := os.Stat(corpus); err != nil {
		t.Skipf("no real logs at %s: this test compares with them", corpus)
	}
}

// processEvents selects what truth/process_events.jsonl lists.
var processEvents = evtx.NewSelection([]event.Key{
	{Provider: "Microsoft-Windows-Sysmon", ID: 1},
	{Provider: "Microsoft-Windows-Sysmon", ID: 5},
	{Provider: "Microsoft-Windows-Security-Auditing", ID: 4688},
	{Provider: "Microsoft-Windows-Security-Auditing", ID: 4689},
})

// truthEvent is a line of truth/process_events.jsonl.
type truthEvent struct {
	File           string            `json:"file"`
	Computer       string            `json:"computer"`
	Channel        string            `json:"channel"`
	Provider       string            `json:"provider"`
	EventID        uint16            `json:"event_id"`
	Version        uint8             `json:"version"`
	EventRecordID  uint64            `json:"event_record_id"`
	RecordHeaderID uint64            `json:"record_header_id"`
	SystemTime     string            `json:"system_time"`
	Chunk          int64             `json:"chunk"`
	OffsetInChunk  int64             `json:"offset_in_chunk"`
	EventData      map[string]string `json:"event_data"`
}

func asTruth(file string, ev *event.Event) truthEvent {
	got := truthEvent{
		File: file, Computer: ev.Computer.String(), Channel: ev.Channel.String(), Provider: ev.Provider.String(),
		EventID: ev.ID, Version: ev.Version, EventRecordID: ev.RecordID, RecordHeaderID: ev.Place.HeaderID,
		SystemTime: ev.Time.String(), Chunk: (ev.Place.Chunk - evtx.HeaderSize) / evtx.ChunkSize,
		OffsetInChunk: ev.Place.Offset - ev.Place.Chunk, EventData: make(map[string]string),
	}
	for _, f := range ev.Fields() {
		got.EventData[f.String()] = ev.Value(f).String()
	}
	return got
}

func TestTruth(t *testing.T) {
	needCorpus(t)
	want := readTruth(t)
	for _, row := range readInventory(t) {
		data, err := os.ReadFile(filepath.Join(corpus, row["path"]))
		if err != nil {
			t.Fatal(err)
		}
		var got []truthEvent
		res := readAll(t, data, processEvents, func(ev *event.Event) { got = append(got, asTruth(row["path"], ev)) })
		if diff := cmp.Diff(want[row["path"]], got); diff != "" {
			t.Errorf("%s: process events (-truth +read):\n%s", row["path"], diff)
		}
		// Where chunks are damaged, resynchronising finds more than the
		// readers that the inventory was made with; never less.
		present, _ := strconv.Atoi(row["records_present"])
		damaged := row["chunk_data_crc_bad"] != "0" || row["chunks_bad_magic"] != "0"
		if got := res.stats.Records; got < present || got > present && !damaged {
			t.Errorf("%s: %d records, truth %d; faults %v", row["path"], got, present, res.faults)
		}
	}
}

func readTruth(t *testing.T) map[string][]truthEvent {
	t.Helper()
	f, err := os.Open(filepath.Join(corpus, "truth/process_events.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	events := make(map[string][]truthEvent)
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<22)
	for lines.Scan() {
		var ev truthEvent
		if err := json.Unmarshal(lines.Bytes(), &ev); err != nil {
			t.Fatal(err)
		}
		events[ev.File] = append(events[ev.File], ev)
	}
	if err := lines.Err(); err != nil || len(events) == 0 {
		t.Fatalf("truth: %d files, %v", len(events), err)
	}
	return events
}

func readInventory(t *testing.T) []map[string]string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(corpus, "truth/inventory.csv"))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(data)).ReadAll()
	if err != nil || len(rows) < 2 {
		t.Fatalf("inventory: %d rows, %v", len(rows), err)
	}
	var list []map[string]string
	for _, row := range rows[1:] {
		m := make(map[string]string)
		for i, name := range rows[0] {
			m[name] = row[i]
		}
		list = append(list, m)
	}
	return list
}

type readResult struct {
	stats  evtx.Stats
	faults []string
}

// readAll reads a file in memory with one reader, and hands its events to see.
func readAll(t *testing.T, data []byte, sel *evtx.Selection, see func(*event.Event)) readResult {
	t.Helper()
	var res readResult
	f, err := evtx.Open(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	r := evtx.NewReader(sel)
	var irregular []evtx.Part
	var deferred []evtx.Deferred
	take := func(reading *evtx.Reading) {
		for ev, err := range reading.Events(t.Context()) {
			if err != nil {
				res.faults = append(res.faults, strings.TrimSpace(err.Error()))
				continue
			}
			see(ev)
		}
		res.stats.Add(&reading.Stats)
		irregular, deferred = append(irregular, reading.Irregular...), append(deferred, reading.Deferred...)
	}
	for part := range f.Parts(evtx.DefaultPartSize) {
		take(r.Records(f, part))
	}
	take(r.Carve(f, slices.Clone(irregular)))
	var pool evtx.TemplatePool
	pool.Merge(r)
	take(r.Deferred(f, deferred, &pool))
	return res
}

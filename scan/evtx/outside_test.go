package evtx_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"reflect"
	"testing"

	"webshellscan/internal/evtxtest"
	"webshellscan/scan/event"
	"webshellscan/scan/evtx"
)

// TestDefinitionOutside: a record that says its definition stands where none
// can is read by the definition that the others have.
func TestDefinitionOutside(t *testing.T) {
	const instanceOffset = 24 + 4 + 2 + 4 // in a record: of the definition's offset
	for _, offset := range []uint32{
		evtx.ChunkSize - 24, evtx.ChunkSize - 23, evtx.ChunkSize - 7, evtx.ChunkSize - 1, evtx.ChunkSize, evtx.ChunkSize + 1, 1 << 31, 1<<32 - 24, 1<<32 - 4, 1<<32 - 1,
	} {
		t.Run(fmt.Sprint(offset), func(t *testing.T) {
			var events []evtxtest.Event
			for i, ev := range made(6 * 4) {
				if i%6 == 0 {
					events = append(events, ev)
				}
			}
			file := buildFile(t, evtxtest.Options{}, events)
			record := file.RecordData(&file.Chunks[0].Records[2])
			binary.LittleEndian.PutUint32(record[instanceOffset:], offset)
			file.FixChunk(0)
			res, err := readLog(t, bytes.NewReader(file.Data), int64(len(file.Data)), everything)
			if err != nil {
				t.Fatal(err)
			}
			n := 0
			for _, ev := range res.events {
				if ev.Marks.Has(event.MarkSubstituted) {
					n++
				}
			}
			if len(res.events) != 4 || n != 1 {
				t.Errorf("%d events, %d by a definition from elsewhere", len(res.events), n)
			}
		})
	}
}

// TestStatsAdd: each count of the statistics is added, and the times are those
// of the earliest and latest record.
func TestStatsAdd(t *testing.T) {
	one := evtx.Stats{First: 100, Last: 200}
	counts := func(s *evtx.Stats) (list []reflect.Value, names []string) {
		v := reflect.ValueOf(s).Elem()
		for i := range v.NumField() {
			if kind := v.Field(i).Kind(); v.Field(i).CanSet() && v.Type().Field(i).Name != "FirstZero" && v.Field(i).Type() != reflect.TypeFor[event.Time]() && (kind == reflect.Int || kind == reflect.Int64) {
				list, names = append(list, v.Field(i)), append(names, v.Type().Field(i).Name)
			}
		}
		return list, names
	}
	list, names := counts(&one)
	for i, v := range list {
		v.SetInt(int64(i + 1))
	}
	var sum evtx.Stats
	sum.Add(&one)
	sum.Add(&evtx.Stats{First: 50, Last: 150})
	sum.Add(&one)
	got, _ := counts(&sum)
	for i, v := range got {
		if v.Int() != 2*int64(i+1) {
			t.Errorf("%s: twice %d is %d", names[i], i+1, v.Int())
		}
	}
	sum.Add(&evtx.Stats{FirstZero: 9})
	sum.Add(&evtx.Stats{FirstZero: 7})
	sum.Add(&evtx.Stats{FirstZero: 8})
	if sum.First != 50 || sum.FirstZero != 7 || sum.Last != 200 || len(list) < 8 {
		t.Errorf("from %d to %d, %d counts", sum.First, sum.Last, len(list))
	}
}

// TestMoreHosts: hosts beyond the bound are told of, whatever else there is.
func TestMoreHosts(t *testing.T) {
	many := evtx.Stats{Hosts: make(map[string]int)}
	for i := range 1<<15 + 1 {
		many.Hosts[fmt.Sprint(i)] = 1
	}
	var sum evtx.Stats
	sum.Add(&many)
	if !sum.MoreHosts || len(sum.Hosts) != 1<<14 {
		t.Errorf("%d hosts kept, more told of: %v", len(sum.Hosts), sum.MoreHosts)
	}
}

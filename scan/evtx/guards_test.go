package evtx_test

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"webshellscan/internal/evtxtest"
	"webshellscan/scan/event"
	"webshellscan/scan/evtx"
)

// swapValues makes the chunk's definition another one of the same template id:
// two texts of it trade places.
func swapValues(t *testing.T, file *evtxtest.File, chunk int) {
	t.Helper()
	definition := file.ChunkData(chunk)[file.Chunks[chunk].Definitions[1].Offset:] // of the payload
	var places []int
	for index := range byte(64) {
		if at := bytes.Index(definition, []byte{0x0D, index, 0, 1}); at >= 0 {
			places = append(places, at+1)
		}
	}
	if len(places) < 2 {
		t.Fatalf("%d texts in the definition", len(places))
	}
	a, b := places[len(places)-2], places[len(places)-1]
	definition[a], definition[b] = definition[b], definition[a]
	file.FixChunk(chunk)
}

// TestSureDefinitionStands: two definitions have one template id, one of them
// in more sound chunks. Where a chunk's checksum does not fit, the other is
// read as it stands if a sound chunk has it too, and gives way if none has.
func TestSureDefinitionStands(t *testing.T) {
	for _, sure := range []bool{true, false} {
		t.Run(fmt.Sprint(sure), func(t *testing.T) {
			var events []evtxtest.Event
			for i, ev := range made(6 * 16) {
				if i%6 == 0 {
					events = append(events, ev)
				}
			}
			file := buildFile(t, evtxtest.Options{RecordsPerChunk: 4}, events)
			last := len(file.Chunks) - 1
			if sure {
				swapValues(t, file, last-1)
			}
			swapValues(t, file, last)
			file.ChunkData(last)[52] ^= 1 // the checksum of the records
			res, err := readLog(t, bytes.NewReader(file.Data), int64(len(file.Data)), everything)
			if err != nil {
				t.Fatal(err)
			}
			substituted := 0
			for _, ev := range res.events {
				if ev.Marks.Has(event.MarkSubstituted) {
					substituted++
				}
			}
			if want := map[bool]int{true: 0, false: 4}[sure]; len(res.events) != 16 || substituted != want {
				t.Errorf("%d events, %d by another definition, want %d", len(res.events), substituted, want)
			}
		})
	}
}

// TestOriginAdd: what two readers counted of one origin is put together.
func TestOriginAdd(t *testing.T) {
	day := event.FromTime(time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC))
	a := evtx.OriginStats{Records: 3, First: day, Last: day + 5}
	a.Add(&evtx.OriginStats{Records: 4, First: day - 7, Last: day + 2})
	if want := (evtx.OriginStats{Records: 7, First: day - 7, Last: day + 5}); a != want {
		t.Errorf("%+v, want %+v", a, want)
	}
}

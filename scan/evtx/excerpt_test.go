package evtx_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"webshellscan/internal/wire"
	"webshellscan/scan/event"
	"webshellscan/scan/evtx"
)

// textOf returns all that an event says.
func textOf(ev *event.Event) string {
	text := fmt.Sprint(ev.Place.Offset, ev.RecordID, ev.Time, ev.ID, ev.Version, ev.Provider, ev.Channel, ev.Computer, ev.Marks, ev.Damaged)
	for _, f := range ev.System() {
		text += fmt.Sprint("\x00", f.Name, "\x00", f.Value)
	}
	for _, f := range ev.Payload() {
		text += fmt.Sprint("\x00", f.Name, "\x00", f.Value)
	}
	for _, f := range ev.Fields() {
		text += fmt.Sprint("\x00", f, "\x00", ev.Value(f))
	}
	return text
}

// sourceOf is a source of one chunk at its place.
type sourceOf struct {
	at   int64
	data []byte
}

func (s sourceOf) ReadAt(b []byte, off int64) (int, error) { return copy(b, s.data[off-s.at:]), nil }

// eventsOf reads a chunk again.
func eventsOf(t *testing.T, file *evtx.File, sel *evtx.Selection, c evtx.Chunk, data []byte) map[int64]string {
	t.Helper()
	found := make(map[int64]string)
	for ev := range evtx.NewReader(sel).Chunks(file.From(sourceOf{c.Offset, data}), []evtx.Chunk{c}, new(evtx.TemplatePool)).Events(t.Context()) {
		if ev != nil {
			found[ev.Place.Offset] = textOf(ev)
		}
	}
	return found
}

// TestExcerpt: an excerpt of each chunk of the shipped and the real logs, of
// every third record, gives the same events as the chunk, in all that they say,
// and no others; and so does what was written and read of it.
func TestExcerpt(t *testing.T) {
	chunks, records, held, all := 0, 0, 0, 0
	for _, root := range []string{"../../testdata/logs", corpus + "/logs"} {
		_ = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || filepath.Ext(path) != ".evtx" || chunks > 1500 {
				return nil
			}
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			file, err := evtx.Open(sourceOf{0, data}, int64(len(data)))
			if err != nil {
				return nil
			}
			sel := allChannels(t, data)
			reading := evtx.NewReader(sel).Records(file, evtx.Part{Start: evtx.HeaderSize, End: int64(len(data))})
			for range reading.Events(t.Context()) {
			}
			for _, c := range reading.Chunks {
				chunk := data[c.Offset:min(c.Offset+evtx.ChunkSize, int64(len(data)))]
				want := eventsOf(t, file, sel, c, chunk)
				var offsets []int
				for off := range want {
					if off/8%3 == 0 {
						offsets = append(offsets, int(off-c.Offset))
					} else {
						delete(want, off)
					}
				}
				slices.Sort(offsets)
				x := evtx.NewDecoder(evtx.NewSelection(nil)).NewExcerpt(slices.Clone(chunk), c.Offset, offsets, false)
				w := wire.NewWriter()
				list := []evtx.Excerpt{x}
				evtx.CodeExcerpts(w, &list)
				r := wire.NewReader(w.Data())
				evtx.CodeExcerpts(r, &list)
				if err := r.End(); err != nil {
					t.Fatalf("%s, chunk %d: %v", path, c.Offset, err)
				}
				all, held = all+len(chunk), held+len(w.Data())
				got := eventsOf(t, file, sel, c, list[0].Chunk(make([]byte, evtx.ChunkSize)))
				for off := range got {
					if want[off] == "" && !list[0].Holds(off) {
						t.Errorf("%s: a record at %d that was not asked for", path, off)
					}
				}
				for off, text := range want {
					records++
					if got[off] != text {
						t.Errorf("%s: record at %d is\n%q\nwant\n%q", path, off, got[off], text)
						return fs.SkipAll
					}
				}
				chunks++
			}
			return nil
		})
	}
	t.Logf("%d records of %d chunks; %d of %d bytes held", records, chunks, held, all)
	if records == 0 || held > all/2 {
		t.Errorf("%d records; %d of %d bytes held", records, held, all)
	}
}

// TestExcerptsAscend: excerpts in no order, or two of one chunk, are refused.
func TestExcerptsAscend(t *testing.T) {
	for _, offsets := range [][]int64{{4096, 4096}, {69632, 4096}, {-1}} {
		var list []evtx.Excerpt
		for _, offset := range offsets {
			list = append(list, evtx.Excerpt{Offset: offset})
		}
		w := wire.NewWriter()
		evtx.CodeExcerpts(w, &list)
		r := wire.NewReader(w.Data())
		if evtx.CodeExcerpts(r, &list); r.End() == nil {
			t.Errorf("%v is taken", offsets)
		}
	}
}

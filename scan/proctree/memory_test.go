package proctree_test

import (
	"fmt"
	"runtime"
	"testing"

	"webshellscan/scan/event"
	"webshellscan/scan/proctree"
)

// history fabricates process creations of one host: a tree of width 8, images
// and users that repeat, and command lines of which one in distinct is new.
type history struct {
	ev       *event.Event
	key      int
	n        int
	distinct int
	images   []event.Value
	users    []event.Value
}

func newHistory(t testing.TB, distinct int) *history {
	h := &history{ev: new(event.Event), key: keyOf(t, "S1"), distinct: distinct}
	for i := range 200 {
		h.images = append(h.images, str(fmt.Sprintf(`C:\Program Files\Vendor %d\Product\program%d.exe`, i%20, i)))
		h.users = append(h.users, str(fmt.Sprintf(`CORP\user%d`, i%40)))
	}
	return h
}

// next returns the next creation. It is valid until the next call.
func (h *history) next() *event.Event {
	h.n++
	ev := h.ev
	ev.Reset()
	ev.Key, ev.ID, ev.RecordID = h.key, 1, uint64(h.n)
	ev.Time = noon + event.Time(h.n)*100*event.Millisecond
	ev.Channel, ev.Computer = str("Microsoft-Windows-Sysmon/Operational"), str("HOST01.corp.example")
	ev.Place.Offset, ev.Place.Chunk = int64(h.n)*1000, int64(h.n)*1000/65536*65536
	ev.Set(event.ProcessID, number(uint32(1000+h.n*4%60000)))
	ev.Set(event.ParentProcessID, number(uint32(1000+h.n/8*4%60000)))
	ev.Set(event.ProcessGUID, serialGUID(h.n))
	ev.Set(event.ParentProcessGUID, serialGUID(h.n/8))
	image := h.images[h.n*7%len(h.images)]
	ev.Set(event.Image, image)
	ev.Set(event.ParentImage, h.images[h.n/8*7%len(h.images)])
	ev.Set(event.User, h.users[h.n%len(h.users)])
	ev.Set(event.IntegrityLevel, str("Medium"))
	ev.Set(event.CurrentDirectory, str(`C:\Windows\System32\`))
	ev.Set(event.CommandLine, str(fmt.Sprintf(`"C:\Program Files\Vendor\program.exe" --run --job=%d`, h.n/h.distinct)))
	return ev
}

func number(n uint32) event.Value {
	return event.Value{Type: event.TypeUint32, Data: []byte{byte(n), byte(n >> 8), byte(n >> 16), byte(n >> 24)}}
}

func serialGUID(n int) event.Value {
	b := make([]byte, 16)
	for i := range 8 {
		b[8+i] = byte(n >> (8 * i))
	}
	b[0] = 1
	return event.Value{Type: event.TypeGUID, Data: b}
}

// TestMemoryPerProcess holds what a process costs to the promise: 250 bytes
// beside its texts, while and after trees are built.
func TestMemoryPerProcess(t *testing.T) {
	const processes = 300_000
	h := newHistory(t, processes) // one command line for all
	before := heap()
	texts := proctree.NewTexts()
	c := proctree.NewCollector(texts)
	for range processes {
		c.Add(h.next())
	}
	collected := heap() - before
	f, err := proctree.Build(t.Context(), texts, []*proctree.Collector{c}, nil, 1)
	if err != nil {
		t.Fatal(err)
	}
	built := heap() - before
	if n := f.Hosts()[0].Processes; n < processes {
		t.Fatalf("%d processes of %d", n, processes)
	}
	t.Logf("%d bytes a process collected, %d built", collected/processes, built/processes)
	if perProcess := max(collected, built) / processes; perProcess > 250 {
		t.Errorf("%d bytes a process", perProcess)
	}
	runtime.KeepAlive(f)
}

// heap returns the bytes of live objects.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// TestCollectAllocations: an event whose texts are known costs no allocation
// but its share of a block of records.
func TestCollectAllocations(t *testing.T) {
	c := proctree.NewCollector(proctree.NewTexts())
	ev := newHistory(t, 1).next()
	c.Add(ev)
	if n := testing.AllocsPerRun(5000, func() { c.Add(ev) }); n > 0.01 {
		t.Errorf("%g allocations an event", n)
	}
}

func BenchmarkCollect(b *testing.B) {
	for _, distinct := range []int{1, 100} {
		b.Run(fmt.Sprintf("command-line-repeats-%d", distinct), func(b *testing.B) {
			c := proctree.NewCollector(proctree.NewTexts())
			h := newHistory(b, distinct)
			var events []*event.Event
			for range 64 { // few enough to stay in the cache, as a chunk does
				events = append(events, h.next())
				h.ev = new(event.Event)
			}
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				c.Add(events[i%len(events)])
				i++
			}
		})
	}
}

func BenchmarkBuild(b *testing.B) {
	const processes = 200_000
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		texts := proctree.NewTexts()
		c := proctree.NewCollector(texts)
		h := newHistory(b, 100)
		for range processes {
			c.Add(h.next())
		}
		b.StartTimer()
		if _, err := proctree.Build(b.Context(), texts, []*proctree.Collector{c}, nil, 1); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/processes, "ns/process")
}

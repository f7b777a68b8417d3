package evtxtest_test

import (
	"encoding/binary"
	"fmt"
	"time"

	"webshellscan/internal/evtxtest"
)

// A log with a shell below a web server's worker, as Sysmon would have written
// it.
func ExampleBuild() {
	start := time.Date(2024, 3, 11, 9, 42, 35, 0, time.UTC)
	f, err := evtxtest.Build(evtxtest.Options{}, []evtxtest.Event{
		evtxtest.NewEvent(start, "WEB01.harbor.example", &evtxtest.SysmonProcessCreate{
			ProcessID: 8852, Image: `C:\Windows\System32\cmd.exe`, CommandLine: "cmd.exe /c whoami",
			ParentProcessID: 2736, ParentImage: `C:\Windows\System32\inetsrv\w3wp.exe`,
		}),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(f.Data), f.Records(), f.Chunks[0].Records[0].Size)
	// Output: 69632 1 3160
}

// A record whose size says 0, and one whose payload's definition lies outside
// of the chunk.
func ExampleFile_FixChunk() {
	start := time.Date(2024, 3, 11, 9, 42, 35, 0, time.UTC)
	var events []evtxtest.Event
	for i := range 10 {
		at := start.Add(time.Duration(i) * time.Second)
		events = append(events, evtxtest.NewEvent(at, "DC01", &evtxtest.Logoff{LogonType: 3}))
	}
	f, err := evtxtest.Build(evtxtest.Options{}, events)
	if err != nil {
		fmt.Println(err)
		return
	}
	records, chunk := f.Chunks[0].Records, f.ChunkData(0)
	binary.LittleEndian.PutUint32(f.RecordData(&records[5])[4:], 0)
	payload := records[7].Instances[1]
	binary.LittleEndian.PutUint32(chunk[payload.Offset+6:], 0xFFFFFFF0)
	f.FixChunk(0)
	fmt.Println(len(records), payload.Inline)
	// Output: 10 false
}

// A record that is nothing but elements, nested too deep.
func ExampleWriter_WriteRaw() {
	f, err := evtxtest.BuildFunc(evtxtest.Options{}, func(w *evtxtest.Writer) error {
		return w.WriteRaw(1, 0, func(b *evtxtest.Builder) {
			b.FragmentHeader()
			for range 1000 {
				b.Start("a")
				b.Close()
			}
			for range 1000 {
				b.End()
			}
			b.EOF()
		})
	})
	fmt.Println(f.Chunks[0].Records[0].Size, err)
	// Output: 11048 <nil>
}

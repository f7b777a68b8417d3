package evtx_test

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"webshellscan/internal/evtxtest"
	"webshellscan/scan/event"
	"webshellscan/scan/evtx"
)

// All fields of the events of one provider, whatever their IDs.
func Example() {
	at := time.Date(2024, 3, 11, 9, 42, 35, 0, time.UTC)
	log, err := evtxtest.Build(evtxtest.Options{}, []evtxtest.Event{
		evtxtest.NewEvent(at, "WEB01", &evtxtest.LogCleared{Channel: "Application"}),
		evtxtest.NewEvent(at, "WEB01", &evtxtest.EventlogStarted{}),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	file, err := evtx.Open(bytes.NewReader(log.Data), int64(len(log.Data)))
	if err != nil {
		fmt.Println(err)
		return
	}
	want := event.Want{Providers: []string{"Microsoft-Windows-Eventlog"}, AllFields: true}
	reader := evtx.NewReader(evtx.Select(want))
	for part := range file.Parts(evtx.DefaultPartSize) {
		reading := reader.Records(file, part)
		for ev, err := range reading.Events(context.Background()) {
			if err != nil {
				fmt.Println(err) // a fault; the reading goes on
				continue
			}
			fmt.Println(ev.Time, ev.ID, "level", ev.System().Value("Level"))
			for _, field := range ev.Payload() {
				fmt.Printf("  %s: %q\n", field.Name, field.Value)
			}
		}
		fmt.Println(reading.Stats.Records, "records")
	}
	// Output:
	// 2024-03-11T09:42:35.0000000Z 104 level 4
	//   SubjectUserName: ""
	//   SubjectDomainName: ""
	//   Channel: "Application"
	//   BackupPath: ""
	// 2 records
}

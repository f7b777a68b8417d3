package evtx_test

import (
	"bytes"
	"strings"
	"testing"

	"webshellscan/internal/evtxtest"
	"webshellscan/internal/evtxtest/fleet"
	"webshellscan/scan/event"
	"webshellscan/scan/evtx"
)

// imageGate admits events whose image it does not know, and one.
type imageGate struct{ asked int }

const gateImage = `C:\Windows\System32\svchost.exe`

// Look implements event.Gate.
func (g *imageGate) Look(int, string) event.Look {
	return event.Look{
		Fields: []event.LookField{{Name: "image"}, {Name: "Execution/@ProcessID", System: true}},
		Admits: func(glance *event.Glance) bool {
			g.asked++
			pid, ok := glance.Values[1].Uint()
			return !ok || pid == 0 || gateAdmits(glance.Values[0])
		},
	}
}

func gateAdmits(image event.Value) bool {
	return image.IsNull() || strings.EqualFold(image.String(), gateImage)
}

// TestGate holds a reader with a gate to giving what one without gives, less what
// the gate does not admit.
func TestGate(t *testing.T) {
	data := streamFile(t, fleet.StreamOptions{}, evtxtest.StyleLive)
	want := event.Want{
		Keys:      []event.Key{{Provider: "Microsoft-Windows-Sysmon", ID: 3}, {Provider: "Microsoft-Windows-Sysmon", ID: 11}},
		Providers: []string{"MSExchange CmdletLogs"}, AllFields: true,
	}
	read := func(gate event.Gate) (list []int64, stats evtx.Stats) {
		f, err := evtx.Open(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			t.Fatal(err)
		}
		r := evtx.NewReader(evtx.Select(want))
		if gate != nil {
			r.Gate(gate)
		}
		reading := r.Records(f, evtx.Part{Start: evtx.HeaderSize, End: f.Size()})
		for ev := range reading.Events(t.Context()) {
			if ev != nil && gateAdmits(ev.Payload().Value("Image")) {
				list = append(list, ev.Place.Offset)
			} else if ev != nil && gate != nil {
				t.Errorf("record at %d came although the gate does not admit it", ev.Place.Offset)
			}
		}
		return list, reading.Stats
	}
	gate := new(imageGate)
	all, before := read(nil)
	some, after := read(gate)
	if len(all) == 0 || len(all) == before.Selected || gate.asked < before.Selected/2 {
		t.Fatalf("%d of %d events are admitted, %d were asked about: the log shows nothing", len(all), before.Selected, gate.asked)
	}
	if len(some) != len(all) || after.Selected != len(all) || after.Records != before.Records || after.Last != before.Last {
		t.Errorf("%d events with a gate, %d without; %+v, %+v", len(some), len(all), after, before)
	}
}

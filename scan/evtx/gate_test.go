package evtx_test

import (
	"bytes"
	"slices"
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
		Admits: func(preview *event.Preview) bool {
			g.asked++
			pid, ok := preview.Values[1].Uint()
			return !ok || pid == 0 || gateAdmits(preview.Values[0])
		},
	}
}

func gateAdmits(image event.Value) bool {
	return image.IsNull() || strings.EqualFold(image.String(), gateImage)
}

// valueGate records what it is shown, and admits every second event that it is
// asked about.
type valueGate struct {
	names []string
	shown map[int64][]string // by offset
}

// Look implements event.Gate.
func (g *valueGate) Look(int, string) event.Look {
	look := event.Look{Admits: func(preview *event.Preview) bool {
		var texts []string
		for _, v := range preview.Values {
			texts = append(texts, v.String())
		}
		g.shown[preview.Offset] = texts
		return len(g.shown)%2 == 0
	}}
	for _, name := range g.names {
		look.Fields = append(look.Fields, event.LookField{Name: name, System: name == "Channel"})
	}
	return look
}

// TestGateOfForwarded holds what a gate is shown of records without a template
// to what decoding gives, and the reader to what the gate says.
func TestGateOfForwarded(t *testing.T) {
	for _, entities := range []evtxtest.EntityForm{0, 1, 2} {
		file, err := evtxtest.BuildFunc(evtxtest.Options{Style: evtxtest.StyleForwarded, Entities: entities}, func(w *evtxtest.Writer) error {
			n := 0
			for _, ev := range fleet.Stream(fleet.StreamOptions{}) {
				if err := w.Write(ev); err != nil {
					return err
				}
				if n++; n == 5_000 {
					break
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		want := event.Want{Providers: []string{"Microsoft-Windows-Sysmon", "Microsoft-Windows-Security-Auditing"}, AllFields: true}
		gate := &valueGate{names: []string{"image", "Channel", "TargetFilename", "IpAddress", "missing", "Image"}, shown: make(map[int64][]string)}
		read := func(gate event.Gate, take func(*event.Event)) {
			f, err := evtx.Open(bytes.NewReader(file.Data), int64(len(file.Data)))
			if err != nil {
				t.Fatal(err)
			}
			r := evtx.NewReader(evtx.Select(want))
			if gate != nil {
				r.Gate(gate)
			}
			for ev := range r.Records(f, evtx.Part{Start: evtx.HeaderSize, End: f.Size()}).Events(t.Context()) {
				if ev != nil {
					take(ev)
				}
			}
		}
		came := make(map[int64]bool)
		read(gate, func(ev *event.Event) { came[ev.Place.Offset] = true })
		all := 0
		read(nil, func(ev *event.Event) {
			all++
			shown, asked := gate.shown[ev.Place.Offset]
			if !asked && !came[ev.Place.Offset] {
				t.Fatalf("record at %d was left out unasked", ev.Place.Offset)
			}
			var have []string
			for _, name := range []string{"Image", "", "TargetFilename", "IpAddress", "missing", "Image"} {
				have = append(have, ev.Payload().Value(name).String())
			}
			have[1] = ev.Channel.String()
			if asked && !slices.Equal(shown, have) {
				t.Fatalf("record at %d: shown %q, decoded %q", ev.Place.Offset, shown, have)
			}
		})
		if len(gate.shown) < all/2 || len(came) > all-len(gate.shown)/2 {
			t.Errorf("asked about %d of %d events, %d came", len(gate.shown), all, len(came))
		}
	}
}

// TestGate holds a reader with a gate to giving what one without gives, less
// what the gate does not admit.
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

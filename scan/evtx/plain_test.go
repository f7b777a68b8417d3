package evtx_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"webshellscan/internal/evtxtest"
	"webshellscan/scan/event"
	"webshellscan/scan/evtx"
)

// TestQuickPlain: the quick look at a record without a template finds what
// reading the whole of it does, whatever stands in it. Where the channel is
// selected every record is read whole.
func TestQuickPlain(t *testing.T) {
	records := plainRecords()
	file, err := evtxtest.BuildFunc(evtxtest.Options{Style: evtxtest.StyleForwarded}, func(w *evtxtest.Writer) error {
		for i, body := range records {
			if err := w.WriteRaw(uint64(i+1), evtxtest.FileTimeOf(noon), body); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	read := func(want event.Want) (got []uint64, res readResult) {
		res = readAll(t, file.Data, evtx.Select(want), func(ev *event.Event) {
			if ev.Key == 0 {
				got = append(got, ev.Place.HeaderID)
			}
		})
		res.stats.Bytes, res.stats.Selected = 0, 0
		return got, res
	}
	wanted := []event.Key{{Provider: "Wanted", ID: 7}}
	quick, quickly := read(event.Want{Keys: wanted})
	whole, wholly := read(event.Want{Keys: wanted, Channels: []string{"Some/Channel"}})
	if diff := cmp.Diff(whole, quick); diff != "" || len(quick) != 4 {
		t.Errorf("events %v (-whole +quick):\n%s", quick, diff)
	}
	if diff := cmp.Diff(wholly.faults, quickly.faults); diff != "" {
		t.Errorf("faults (-whole +quick):\n%s", diff)
	}
	if diff := cmp.Diff(fmt.Sprintf("%+v", wholly.stats), fmt.Sprintf("%+v", quickly.stats)); diff != "" {
		t.Errorf("counts (-whole +quick):\n%s", diff)
	}
}

// plainRecord writes a record without a template, with a System element that
// system writes and a payload.
func plainRecord(system, payload func(*evtxtest.Builder)) func(*evtxtest.Builder) {
	return func(b *evtxtest.Builder) {
		b.FragmentHeader()
		within(b, "Event", func() {
			within(b, "System", func() { system(b) })
			payload(b)
		})
		b.EOF()
	}
}

// plainSystem writes System of an event of a provider.
func plainSystem(provider, id, at string) func(*evtxtest.Builder) {
	return func(b *evtxtest.Builder) {
		element(b, "Provider", "", "Name", provider, "Guid", "{G}")
		element(b, "EventID", id)
		element(b, "Level", "4")
		element(b, "TimeCreated", "", "SystemTime", at)
		element(b, "Channel", "Some/Channel")
		element(b, "Computer", "HOST-"+provider)
	}
}

// plainRecords are records without a template: some are selected, some not, and
// each of the others is odd in one way.
func plainRecords() []func(*evtxtest.Builder) {
	const at = "2026-03-02T12:00:00.1234567Z"
	data := func(b *evtxtest.Builder) {
		within(b, "EventData", func() {
			element(b, "Data", "x", "Name", "A")
			b.Start("Data")
			b.Close()
			b.EntityRef("lt")
			b.CharRef(0x20AC)
			b.CDATA("y")
			b.End()
		})
	}
	second := func(b *evtxtest.Builder) { within(b, "System", func() { plainSystem("Wanted", "7", at)(b) }) }
	usual := func(provider, id string) func(*evtxtest.Builder) {
		return plainRecord(plainSystem(provider, id, at), data)
	}
	list := []func(*evtxtest.Builder){
		usual("Wanted", "7"), usual("Wanted", "8"), usual("Other", "7"), usual("Other", "7x"), usual("Other", "70000"),
		plainRecord(plainSystem("Other", "7", "no time"), data),
		plainRecord(plainSystem("Other", "7", "1999-03-02T12:00:00Z"), data),
		plainRecord(plainSystem("Other", "7", "2026-03-02T11:00:00Z"), data),
		plainRecord(plainSystem("Other", "7", at), second),
		plainRecord(func(b *evtxtest.Builder) { plainSystem("Wanted", "7", at)(b); plainSystem("Other", "8", at)(b) }, data),
		plainRecord(func(b *evtxtest.Builder) { plainSystem("Other", "8", at)(b); plainSystem("Wanted", "7", at)(b) }, data),
		plainRecord(func(b *evtxtest.Builder) { element(b, "Provider", "", "Name", "Wanted"); element(b, "EventID", "7") }, data),
		plainRecord(func(b *evtxtest.Builder) {
			b.Start("EventID")
			b.Close()
			b.CharRef('7')
			b.End()
			plainSystem("Wanted", "8", at)(b)
		}, data),
		plainRecord(func(b *evtxtest.Builder) {
			b.Start("Computer")
			b.Close()
			b.Text("A")
			b.EntityRef("amp")
			b.Text("B")
			b.End()
			plainSystem("Other", "7", at)(b)
		}, data),
	}
	for _, broken := range []func(*evtxtest.Builder){
		func(b *evtxtest.Builder) { b.Bytes(0x42) },
		func(b *evtxtest.Builder) { b.Bytes(0x05, 0x08, 0, 0) },
		func(b *evtxtest.Builder) { b.Bytes(0x01, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0x7F) },
		func(b *evtxtest.Builder) { b.End() },
		func(b *evtxtest.Builder) { b.EOF() },
		func(b *evtxtest.Builder) {
			for range 100 {
				b.Start("Deep")
				b.Close()
			}
		},
		func(b *evtxtest.Builder) { b.Bytes(0x05, 0x01, 0xFF, 0xFF) },
		func(b *evtxtest.Builder) { b.Bytes(0x0D, 0, 0, 1) },
	} {
		list = append(list, plainRecord(plainSystem("Other", "7", at), broken))
	}
	return list
}

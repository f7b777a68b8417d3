package evtx_test

import (
	"bytes"
	"fmt"
	"testing"

	"webshellscan/internal/evtxtest"
	"webshellscan/scan/event"
	"webshellscan/scan/evtx"
)

// TestEveryType: a value of each type comes out of a record as it was written,
// and none of them counts as damaged.
func TestEveryType(t *testing.T) {
	ev := evtxtest.NewEvent(noon, "WEB01", &evtxtest.ServiceState{})
	ev.Provider, ev.Payload = evtxtest.Provider{Name: "Made-Up"}, evtxtest.Payload{}
	want := make(map[string]event.Value)
	for typ := range event.TypeArray {
		if typ == event.TypeBinXML {
			continue // a document of its own
		}
		v := event.Value{Type: typ, Data: []byte{1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}}
		for len(v.Data) > 0 && !v.Valid() {
			v.Data = v.Data[:len(v.Data)-1]
		}
		if len(v.Data) == 0 || typ == event.TypeNull {
			continue
		}
		name := fmt.Sprintf("Type%02X", uint8(typ))
		want[name] = v
		ev.Payload.Fields = append(ev.Payload.Fields, evtxtest.Field{Name: name, Value: evtxtest.Raw(evtxtest.ValueType(typ), v.Data)})
	}
	file, err := evtxtest.Build(evtxtest.Options{}, []evtxtest.Event{ev})
	if err != nil {
		t.Fatal(err)
	}
	read := 0
	readAll(t, file.Data, evtx.Select(event.Want{Providers: []string{"Made-Up"}, AllFields: true}), func(ev *event.Event) {
		if ev.Damaged != 0 {
			t.Errorf("%d values are damaged", ev.Damaged)
		}
		for _, f := range ev.Payload() {
			read++
			if v := want[f.Name]; v.Type != f.Value.Type || !bytes.Equal(v.Data, f.Value.Data) {
				t.Errorf("%s is %#x %x, want %#x %x", f.Name, f.Value.Type, f.Value.Data, v.Type, v.Data)
			}
		}
	})
	if read != len(want) || read < 20 {
		t.Errorf("%d of %d values", read, len(want))
	}
}

package binxml

import (
	"testing"

	"webshellscan/scan/event"
)

// TestSteps: elements that write nothing, each as often as an array above them
// has items, end the XML of a record as a long text does.
func TestSteps(t *testing.T) {
	const items, children, values = 1 << 12, 1 << 10, 1 << 10
	all := make([]value, values)
	all[0] = value{Value: event.Value{Type: event.TypeUint8 | event.TypeArray, Data: make([]byte, items)}}
	all[1] = value{Value: event.Value{Type: event.TypeUint8 | event.TypeArray}}
	outer := &node{token: event.TokenOpenElement, content: []*node{{token: event.TokenSubstitution}}}
	for range children {
		outer.content = append(outer.content, &node{token: event.TokenOpenElement, content: []*node{{token: event.TokenSubstitution, number: 1}}})
	}
	w := &xmlWriter{}
	w.node(outer, all)
	if !w.full() || w.steps > 2*maxSteps || len(w.out) > maxXML {
		t.Errorf("full %v after %d steps and %d bytes", w.full(), w.steps, len(w.out))
	}
}

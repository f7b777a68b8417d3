package evtxtest_test

import (
	"strings"
	"testing"

	"webshellscan/internal/evtxtest"
)

// TestRendering writes a forwarded event with rendered text. golang-evtx puts
// RenderingInfo's elements among the fields.
func TestRendering(t *testing.T) {
	ev := evtxtest.NewEvent(at, host, &evtxtest.Logoff{Target: pool, LogonType: 3})
	ev.Rendering = &evtxtest.RenderingInfo{
		Culture: "en-US", Message: "An account was logged off.", Level: "Information", Task: "Logoff", Opcode: "Info",
		Channel: "Security", Provider: "Microsoft Windows security auditing.", Keywords: []string{"Audit Success"},
	}
	f, err := evtxtest.Build(evtxtest.Options{Style: evtxtest.StyleForwarded}, []evtxtest.Event{ev})
	if err != nil {
		t.Fatal(err)
	}
	events, err := golangEVTX(f.Data)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"TargetUserName": "Shop", "LogonType": "3", "Culture": "en-US", "Message": "An account was logged off.",
		"Task": "Logoff", "Keywords/Keyword": "Audit Success",
	} {
		if got := events[0].fields[name]; got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

// TestEntities: the tokens of text that has a meaning in XML.
func TestEntities(t *testing.T) {
	ev := evtxtest.NewEvent(at, host, &evtxtest.SysmonError{ID: `<a b='c' & "d">`, Description: "x"})
	for form, want := range map[evtxtest.EntityForm]string{
		evtxtest.EntityMarkup: `[lt]a b='c' [amp] "d"[gt]`,
		evtxtest.EntityAll:    `[lt]a b=[apos]c[apos] [amp] [quot]d[quot][gt]`,
		evtxtest.EntityNone:   `<a b='c' & "d">`,
	} {
		f, err := evtxtest.Build(evtxtest.Options{Style: evtxtest.StyleForwarded, Entities: form}, []evtxtest.Event{ev})
		if err != nil {
			t.Fatal(err)
		}
		r := f.Chunks[0].Records[0]
		w := &walker{chunk: f.ChunkData(0), at: int(r.ChunkOffset) + 24}
		var got strings.Builder
		in := false
		for _, tok := range w.fragment(false) {
			switch {
			case tok.code == 0x05 && tok.text == "ID":
				in = true
			case tok.code == 0x04:
				in = false
			case in && tok.code == 0x05:
				got.WriteString(tok.text)
			case in && tok.code == 0x09:
				got.WriteString("[" + tok.name + "]")
			}
		}
		if w.err != nil || got.String() != want {
			t.Errorf("form %d: %s, want %s, error %v", form, got.String(), want, w.err)
		}
	}
}

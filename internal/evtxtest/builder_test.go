package evtxtest_test

import (
	"encoding/binary"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"webshellscan/internal/evtxtest"
)

var hostile = evtxtest.MustGUID("DEADBEEF-0000-4000-8000-000000000001")

// hostileFile writes a chunk with an ordinary record, one that body writes, and
// an ordinary one.
func hostileFile(t *testing.T, body func(*evtxtest.Builder)) *evtxtest.File {
	t.Helper()
	events := manyEvents(2)
	f, err := evtxtest.BuildFunc(evtxtest.Options{}, func(w *evtxtest.Writer) error {
		if err := w.Write(&events[0]); err != nil {
			return err
		}
		if err := w.WriteRaw(5002, 1, body); err != nil {
			return err
		}
		events[1].RecordID = 5003
		return w.Write(&events[1])
	})
	if err != nil {
		t.Fatal(err)
	}
	if f.Records() != 3 {
		t.Fatalf("%d records, want 3", f.Records())
	}
	return f
}

// TestTokens writes every token and reads them with the walker.
func TestTokens(t *testing.T) {
	f := hostileFile(t, func(b *evtxtest.Builder) {
		b.FragmentHeader()
		b.PITarget("xml")
		b.PIData("ab")
		b.Start("Event")
		b.AttrText("one", "1")
		b.Attr("two")
		b.Text("a")
		b.EntityRef("amp")
		b.CharRef(13)
		b.Close()
		b.CDATA("c&d")
		b.Start("Empty")
		b.CloseEmpty()
		b.Substitution(3, evtxtest.TypeString)
		b.Optional(4, evtxtest.TypeUint16)
		b.End()
		b.EOF()
	})
	r := f.Chunks[0].Records[1]
	got := f.RecordData(&r)[24:]
	name := func(s string) string { // an inline node, whose place is filled in below
		node := "????" + "\x00\x00\x00\x00" + "hh" + string([]byte{byte(len(s)), 0})
		return node + strings.Join(strings.Split(s, ""), "\x00") + "\x00" + "\x00\x00"
	}
	want := "\x0F\x01\x01\x00" +
		"\x0A" + name("xml") + "\x0B\x02\x00a\x00b\x00" +
		"\x41LLLL????" + "AAAA" +
		"\x46" + name("one") + "\x05\x01\x01\x001\x00" +
		"\x06" + name("two") + "\x45\x01\x01\x00a\x00" + "\x49" + name("amp") + "\x08\x0D\x00" + "\x02" +
		"\x07\x03\x00c\x00&\x00d\x00" +
		"\x01LLLL" + name("Empty") + "\x03" +
		"\x0D\x03\x00\x01" + "\x0E\x04\x00\x06" + "\x04" + "\x00"
	masked := []byte(want)
	for i := range masked {
		switch masked[i] {
		case '?', 'h', 'L', 'A':
			masked[i] = got[i] // offsets, hashes and lengths are checked elsewhere
		}
	}
	// Bucket chains may link to names of the first record.
	for _, n := range f.Chunks[0].Names {
		if at := int(n.Offset) - int(r.ChunkOffset) - 24; at >= 0 && at < len(masked) {
			copy(masked[at:], got[at:at+4])
		}
	}
	if diff := cmp.Diff(masked, got[:len(masked)]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	element := strings.Index(want, "\x41LLLL")
	if length := le32(got[element+1:]); int(length) != len(want)-1-(element+5) {
		t.Errorf("element length %d, want %d", length, len(want)-1-(element+5))
	}
	attrs := strings.Index(want, "AAAA")
	if length := le32(got[attrs:]); int(length) != strings.Index(want, "\x02\x07")-attrs-4 {
		t.Errorf("attribute list length %d", length)
	}
}

// TestRawTokens writes an element byte by byte: one that claims attributes and
// has none.
func TestRawTokens(t *testing.T) {
	f := hostileFile(t, func(b *evtxtest.Builder) {
		b.FragmentHeader()
		at := b.Offset()
		b.Bytes(0x41)
		b.U32(0)
		b.Name("Event")
		b.U32(0)
		b.Bytes(0x03)
		b.PutU32(at+1, b.Offset()-at-5)
		b.U64(0x1122334455667788)
		b.U16(7)
		b.PutU16(b.Offset()-2, 8)
	})
	r := f.Chunks[0].Records[1]
	data := f.RecordData(&r)[28:]
	// The first record has a node of that name.
	if data[0] != 0x41 || le32(data[1:]) != 9 || le32(data[5:]) != f.Chunks[0].Names[0].Offset || le64(data[14:]) != 0x1122334455667788 || le16(data[22:]) != 8 {
		t.Errorf("%x", data)
	}
}

// nested returns a value that holds an instance of t, whose only value holds
// one, and so on.
func nested(t *evtxtest.Template, depth int) evtxtest.Value {
	if depth == 0 {
		return evtxtest.Null(0).As(evtxtest.TypeBinXML)
	}
	return evtxtest.BinXML(func(b *evtxtest.Builder) {
		b.Instance(t, nested(t, depth-1))
		b.EOF()
	})
}

// TestNestedValues builds 2,000 values within each other, each an instance of
// the same template.
func TestNestedValues(t *testing.T) {
	tpl := &evtxtest.Template{GUID: hostile, Body: func(b *evtxtest.Builder) {
		b.Start("a")
		b.Close()
		b.Substitution(0, evtxtest.TypeBinXML)
		b.End()
	}}
	f := hostileFile(t, func(b *evtxtest.Builder) {
		b.FragmentHeader()
		b.Instance(tpl, nested(tpl, 2000))
		b.EOF()
	})
	instances := f.Chunks[0].Records[1].Instances
	if len(instances) != 2001 || instances[2000].Level != 2000 {
		t.Fatalf("%d instances", len(instances))
	}
	c := f.ChunkData(0)
	for _, in := range instances[1:] {
		if in.Definition != instances[0].Definition || in.Inline {
			t.Fatalf("instance at %#x has a definition of its own", in.Offset)
		}
	}
	if size := le16(c[instances[0].SpecOf(0):]); size < 2000*18 {
		t.Errorf("outermost value has %d bytes", size)
	}
}

// TestNestedElements builds 5,000 elements within each other.
func TestNestedElements(t *testing.T) {
	f := hostileFile(t, func(b *evtxtest.Builder) {
		b.FragmentHeader()
		for range 5000 {
			b.Start("a")
			b.Close()
		}
		for range 5000 {
			b.End()
		}
		b.EOF()
	})
	r := f.Chunks[0].Records[1]
	w := &walker{chunk: f.ChunkData(0), at: int(r.ChunkOffset) + 24}
	if n := len(w.fragment(false)); w.err != nil || n != 1+3*5000+1 {
		t.Errorf("%d tokens, error %v", n, w.err)
	}
}

// TestRecursiveTemplates builds a definition that instantiates itself, one
// whose value is used ten times on each of 14 levels, and one that uses a text
// of 30,000 bytes 6,000 times.
func TestRecursiveTemplates(t *testing.T) {
	self := &evtxtest.Template{GUID: hostile}
	self.Body = func(b *evtxtest.Builder) {
		b.Start("a")
		b.Close()
		b.Instance(self)
		b.End()
	}
	repeat := func(n int, of evtxtest.ValueType) *evtxtest.Template {
		return &evtxtest.Template{GUID: hostile, Body: func(b *evtxtest.Builder) {
			b.Start("a")
			b.Close()
			for range n {
				b.Substitution(0, of)
			}
			b.End()
		}}
	}
	laughs := repeat(10, evtxtest.TypeBinXML)
	long := evtxtest.String(strings.Repeat("x", 15000))
	for _, tt := range []struct {
		name      string
		tpl       *evtxtest.Template
		value     evtxtest.Value
		instances int
	}{
		{"self", self, evtxtest.Null(0), 2},
		{"billion laughs", laughs, nested(laughs, 14), 15},
		{"long text", repeat(6000, evtxtest.TypeString), long, 1},
	} {
		f := hostileFile(t, func(b *evtxtest.Builder) {
			b.FragmentHeader()
			b.Instance(tt.tpl, tt.value)
			b.EOF()
		})
		in := f.Chunks[0].Records[1].Instances
		if len(in) != tt.instances || in[0].Spec == 0 || len(in[0].Values) != 1 {
			t.Errorf("%s: instances %+v", tt.name, in)
		}
	}
}

// TestOverlappingDefinitions refers to offsets that no definition begins at.
func TestOverlappingDefinitions(t *testing.T) {
	events := manyEvents(1)
	f, err := evtxtest.BuildFunc(evtxtest.Options{}, func(w *evtxtest.Writer) error {
		if err := w.Write(&events[0]); err != nil {
			return err
		}
		for i := range uint32(800) {
			err := w.WriteRaw(uint64(6000+i), 1, func(b *evtxtest.Builder) {
				b.FragmentHeader()
				b.InstanceHeader(0x1234, 550+i)
				b.Values(evtxtest.Uint8(1))
				b.EOF()
			})
			if err != nil {
				return err
			}
		}
		w.EndChunk()
		return w.WriteRaw(1, 1, func(b *evtxtest.Builder) { b.Bytes(0x0B, 0, 0, 0x0B); b.U16(20) })
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Chunks) != 2 || len(f.Chunks[0].Records) != 801 || len(f.Chunks[1].Records) != 1 {
		t.Fatalf("%d chunks", len(f.Chunks))
	}
	if in := f.Chunks[0].Records[800].Instances[0]; in.Definition != 550+799 || in.Inline {
		t.Errorf("last instance is %+v", in)
	}
}

// TestRawPayload: tokens of a test's own in the embedded value of an otherwise
// ordinary record.
func TestRawPayload(t *testing.T) {
	ev := evtxtest.NewEvent(at, host, evtxtest.SecurityStarted{})
	ev.Payload = evtxtest.Payload{Form: evtxtest.FormRaw, Raw: func(b *evtxtest.Builder) {
		b.FragmentHeader()
		b.Start("EventData")
		b.Close()
		b.Start("Data")
		b.AttrText("Name", "CommandLine")
		b.Close()
		b.Text("x")
		b.End()
		b.End()
		b.EOF()
	}}
	for _, style := range []evtxtest.Style{evtxtest.StyleLive, evtxtest.StyleExported} {
		f, err := evtxtest.Build(evtxtest.Options{Style: style}, []evtxtest.Event{ev})
		if err != nil {
			t.Fatal(err)
		}
		r := f.Chunks[0].Records[0]
		value := r.Instances[0].Values[17]
		w := &walker{chunk: f.ChunkData(0), at: int(value)}
		tokens := w.fragment(false)
		if w.err != nil || len(tokens) != 11 || tokens[7].text != "x" {
			t.Errorf("tokens %+v, error %v", tokens, w.err)
		}
	}
}

// TestEdits shows the way from a layout to a damaged file: an offset, a change,
// new checksums.
func TestEdits(t *testing.T) {
	f, err := evtxtest.Build(evtxtest.Options{RecordsPerChunk: 30}, manyEvents(90))
	if err != nil {
		t.Fatal(err)
	}
	before := append([]byte{}, f.Data...)
	r := &f.Chunks[1].Records[5]
	binary.LittleEndian.PutUint32(f.RecordData(r)[4:], 0)
	f.FixChunk(1)
	binary.LittleEndian.PutUint16(f.Data[42:], 65535)
	f.FixHeader()
	if le32(f.Data[r.Offset+4:]) != 0 {
		t.Error("the record's size was not changed")
	}
	changed := map[string]int{}
	for i := range before {
		if before[i] != f.Data[i] {
			switch at := i - int(f.Chunks[1].Offset); {
			case i < 4096:
				changed["file header"]++
			case at < 512:
				changed["chunk header"]++
			default:
				changed["record"]++
			}
		}
	}
	if changed["file header"] == 0 || changed["chunk header"] == 0 || changed["record"] == 0 || changed["record"] > 4 {
		t.Errorf("changed bytes: %v", changed)
	}
}

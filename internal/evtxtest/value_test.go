package evtxtest_test

import (
	"encoding/hex"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"webshellscan/internal/evtxtest"
)

// valueTests are all value types: what lies on disk, and the text of it in a
// forwarded event.
var valueTests = []struct {
	name     string
	value    evtxtest.Value
	typ      byte
	declared byte
	data     string // hexadecimal
	text     string
}{
	{"null", evtxtest.Null(0).As(evtxtest.TypeString), 0x00, 0x01, "", ""},
	{"null with size", evtxtest.Null(3).As(evtxtest.TypeUint16), 0x00, 0x06, "000000", ""},
	{"string", evtxtest.String("a€😀"), 0x01, 0x01, "6100ac203dd800de", "a€😀"},
	{"string of units", evtxtest.UTF16('x', 0xD83D), 0x01, 0x01, "78003dd8", "x\uFFFD"},
	{"ANSI", evtxtest.ANSI("a\xE9"), 0x02, 0x02, "61e9", "aé"},
	{"int8", evtxtest.Int8(-2), 0x03, 0x03, "fe", "-2"},
	{"uint8", evtxtest.Uint8(254), 0x04, 0x04, "fe", "254"},
	{"int16", evtxtest.Int16(-2), 0x05, 0x05, "feff", "-2"},
	{"uint16", evtxtest.Uint16(65534), 0x06, 0x06, "feff", "65534"},
	{"int32", evtxtest.Int32(-2), 0x07, 0x07, "feffffff", "-2"},
	{"uint32", evtxtest.Uint32(4294967294), 0x08, 0x08, "feffffff", "4294967294"},
	{"int64", evtxtest.Int64(-2), 0x09, 0x09, "feffffffffffffff", "-2"},
	{"uint64", evtxtest.Uint64(2), 0x0A, 0x0A, "0200000000000000", "2"},
	{"float", evtxtest.Float32(1.5), 0x0B, 0x0B, "0000c03f", "1.5"},
	{"double", evtxtest.Float64(-0.25), 0x0C, 0x0C, "000000000000d0bf", "-0.25"},
	{"bool", evtxtest.Bool(true), 0x0D, 0x0D, "01000000", "true"},
	{"binary", evtxtest.Binary([]byte{1, 0xAB}), 0x0E, 0x0E, "01ab", "01AB"},
	{
		"GUID", evtxtest.GUIDValue(processGUID), 0x0F, 0x0F, "d548f794454a425a00000010d265f20f",
		"{94f748d5-4a45-5a42-0000-0010d265f20f}",
	},
	{"size_t of a 64-bit host", evtxtest.Pointer64(0x1A0), 0x15, 0x10, "a001000000000000", "0x1a0"},
	{"size_t of a 32-bit host", evtxtest.Pointer32(0x1A0), 0x14, 0x10, "a0010000", "0x1a0"},
	{"FILETIME", evtxtest.Time(evtxtest.FileTimeOf(at)), 0x11, 0x11, "a0055773e56eda01", "2024-03-05T10:11:12.2500000Z"},
	{"SYSTEMTIME", evtxtest.SystemTime(at), 0x12, 0x12, "e8070300020005000a000b000c00fa00", "2024-03-05T10:11:12.250Z"},
	{"SID", evtxtest.SIDValue(evtxtest.MustSID("S-1-5-32-544")), 0x13, 0x13, "01020000000000052000000020020000", "S-1-5-32-544"},
	{"hex32", evtxtest.Hex32(0xBEEF), 0x14, 0x14, "efbe0000", "0xbeef"},
	{"hex64", evtxtest.Hex64(0xBEEF), 0x15, 0x15, "efbe000000000000", "0xbeef"},
	{"handle", evtxtest.Raw(evtxtest.TypeHandle, []byte{7}), 0x20, 0x20, "07", "7"},
	{"strings", evtxtest.Strings("a", "bc"), 0x81, 0x81, "61000000620063000000", "a, bc"},
	{"array of uint16", evtxtest.Array(evtxtest.TypeUint16, evtxtest.Uint16(1), evtxtest.Uint16(2)), 0x86, 0x86, "01000200", "1, 2"},
	{"array of uint64", evtxtest.Array(evtxtest.TypeUint64, evtxtest.Uint64(1)), 0x8A, 0x8A, "0100000000000000", "1"},
	{
		"array of GUID", evtxtest.Array(evtxtest.TypeGUID, evtxtest.GUIDValue(processGUID)), 0x8F, 0x8F,
		"d548f794454a425a00000010d265f20f", "{94f748d5-4a45-5a42-0000-0010d265f20f}",
	},
	{"array of hex64", evtxtest.Array(evtxtest.TypeHex64, evtxtest.Hex64(16)), 0x95, 0x95, "1000000000000000", "0x10"},
	{
		"array of SID", evtxtest.Array(evtxtest.TypeSID, evtxtest.SIDValue(evtxtest.MustSID("S-1-1-0"))), 0x93, 0x93,
		"010100000000000100000000", "010100000000000100000000",
	},
	{"BinXML", evtxtest.BinXML(func(b *evtxtest.Builder) { b.EOF() }), 0x21, 0x21, "00", ""},
	{
		"Sysmon's time", evtxtest.UTCText(evtxtest.FileTimeOf(at)), 0x01, 0x01,
		"32003000320034002d00300033002d003000350020003100300" + "03a00310031003a00310032002e00320035003000", "2024-03-05 10:11:12.250",
	},
	{"unknown type", evtxtest.Raw(0x7F, []byte{1}), 0x7F, 0x7F, "01", "1"},
}

func valueEvent() evtxtest.Event {
	ev := evtxtest.Event{
		Provider: evtxtest.Provider{Name: "Harbor-Values", GUID: parentGUID}, ID: 7, Time: evtxtest.FileTimeOf(at),
		Channel: "Values", Computer: host,
	}
	for _, v := range valueTests {
		ev.Payload.Fields = append(ev.Payload.Fields, evtxtest.Field{Name: v.name, Value: v.value})
	}
	return ev
}

// TestValues: the bytes of all value types.
func TestValues(t *testing.T) {
	f, err := evtxtest.Build(evtxtest.Options{Style: evtxtest.StyleExported}, []evtxtest.Event{valueEvent()})
	if err != nil {
		t.Fatal(err)
	}
	inner := f.Chunks[0].Records[0].Instances[1]
	w := &walker{chunk: f.ChunkData(0), at: int(inner.Offset)}
	in := w.instance()
	if w.err != nil || len(in.values) != len(valueTests) {
		t.Fatalf("%d values, error %v", len(in.values), w.err)
	}
	declared := map[int]byte{}
	for _, tok := range in.body {
		if tok.code == 0x0D {
			declared[tok.index] = tok.typ
		}
	}
	for i, v := range valueTests {
		got := in.values[i]
		if got.typ != v.typ || declared[i] != v.declared || hex.EncodeToString(got.data) != v.data {
			t.Errorf("%s: type %#x, declared %#x, %x; want %#x, %#x, %s",
				v.name, got.typ, declared[i], got.data, v.typ, v.declared, v.data)
		}
		if inner.Values[i] != uint32(got.at) {
			t.Errorf("%s: layout says %#x, is at %#x", v.name, inner.Values[i], got.at)
		}
	}
}

// TestValueText: the text of all value types in a forwarded event, which
// golang-evtx reads.
func TestValueText(t *testing.T) {
	f, err := evtxtest.Build(evtxtest.Options{Style: evtxtest.StyleForwarded}, []evtxtest.Event{textEvent()})
	if err != nil {
		t.Fatal(err)
	}
	events, err := golangEVTX(f.Data)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range valueTests {
		if v.name == "BinXML" {
			continue // no text
		}
		if diff := cmp.Diff(v.text, events[0].fields[v.name]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", v.name, diff)
		}
	}
}

// textEvent is valueEvent without the values that are no text.
func textEvent() evtxtest.Event {
	ev := valueEvent()
	for i := range ev.Payload.Fields {
		if ev.Payload.Fields[i].Name == "BinXML" {
			ev.Payload.Fields[i].Value = evtxtest.Null(0)
		}
	}
	return ev
}

// unreadable are the values that a reader cannot read or prints in a form of
// its own, and why.
var unreadable = map[string]map[string]string{
	"golang-evtx": {
		"ANSI": "prints a list of numbers", "float": "unknown type", "double": "prints six digits",
		"SYSTEMTIME": "takes milliseconds for microseconds", "strings": "a list", "array of uint16": "a list",
		"array of uint64": "a list", "array of GUID": "taken for strings", "array of hex64": "taken for strings",
		"array of SID": "taken for strings", "handle": "unknown type", "unknown type": "unknown type",
		"BinXML": "panics: nothing but an end",
	},
	"libevtx": {
		"null": "stops at NULL in a normal substitution", "null with size": "stops at NULL in a normal substitution",
		"string": "loses a bit of surrogate pairs", "string of units": "stops at lone surrogates",
		"int8": "takes the sign bit for a minus", "int16": "takes the sign bit for a minus",
		"int32": "takes the sign bit for a minus", "int64": "takes the sign bit for a minus",
		"float": "prints an exponent", "double": "prints an exponent", "strings": "prints the last item only",
		"array of uint16": "prints the last item only", "array of SID": "stops", "handle": "stops",
		"unknown type": "stops", "BinXML": "stops",
	},
	"python-evtx": {
		"string of units": "cannot print lone surrogates", "ANSI": "stops at bytes beyond ASCII",
		"SYSTEMTIME": "takes milliseconds for microseconds", "strings": "a list of elements",
		"array of uint16": "unknown type", "array of uint64": "unknown type", "array of GUID": "unknown type",
		"array of hex64": "unknown type", "array of SID": "unknown type", "handle": "unknown type",
		"unknown type": "unknown type", "BinXML": "stops",
	},
}

// TestValuesReadBack has the other programs read the value types that they can.
func TestValuesReadBack(t *testing.T) {
	for reader, read := range map[string]func(*testing.T, []byte) ([]readEvent, error){
		"golang-evtx": func(_ *testing.T, file []byte) ([]readEvent, error) { return golangEVTX(file) },
		"libevtx":     libevtx,
		"python-evtx": pythonEVTX,
	} {
		t.Run(reader, func(t *testing.T) {
			ev := valueEvent()
			want := map[string]string{}
			ev.Payload.Fields = slices.DeleteFunc(ev.Payload.Fields, func(f evtxtest.Field) bool {
				_, skip := unreadable[reader][f.Name]
				return skip
			})
			for _, v := range valueTests {
				if _, skip := unreadable[reader][v.name]; !skip {
					want[v.name] = v.text
				}
			}
			f, err := evtxtest.Build(evtxtest.Options{}, []evtxtest.Event{ev})
			if err != nil {
				t.Fatal(err)
			}
			events, err := read(t, f.Data)
			if err != nil || len(events) != 1 {
				t.Fatalf("%d events, error %v", len(events), err)
			}
			got := canonical(readEvent{fields: events[0].fields})
			if diff := cmp.Diff(canonical(readEvent{fields: want}), got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestFileTime(t *testing.T) {
	for _, s := range []string{"1601-01-01T00:00:00Z", "1969-12-31T23:59:59.9999999Z", "2024-02-29T12:34:56.7890123Z"} {
		tm, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			t.Fatal(err)
		}
		if got := evtxtest.FileTimeOf(tm).Time(); !got.Equal(tm) {
			t.Errorf("%s comes back as %s", s, got)
		}
	}
	if got := evtxtest.FileTimeOf(time.Unix(0, 0)); got != 116444736000000000 {
		t.Errorf("1970 is %d", got)
	}
}

func TestGUIDAndSIDText(t *testing.T) {
	for _, s := range []string{"{5770385F-C22A-43E0-BF4C-06F5698FFBD9}"} {
		if g, err := evtxtest.ParseGUID(s); err != nil || g.String() != s {
			t.Errorf("%s comes back as %s, %v", s, g, err)
		}
	}
	for _, s := range []string{"", "{5770385F}", "5770385F-C22A-43E0-BF4C-06F5698FFBDX", "5770385FXC22AX43E0XBF4CX06F5698FFBD9"} {
		if _, err := evtxtest.ParseGUID(s); err == nil {
			t.Errorf("%q is taken for a GUID", s)
		}
	}
	for _, s := range []string{"S-1-5-18", "S-1-5-21-1-2-4294967295", "S-1-281474976710655-7"} {
		if sid, err := evtxtest.ParseSID(s); err != nil || sid.String() != s {
			t.Errorf("%s comes back as %s, %v", s, sid, err)
		}
	}
	for _, s := range []string{"", "S-1", "S-x-5", "S-1-x", "S-1-5-x", "S-1-5-4294967296"} {
		if _, err := evtxtest.ParseSID(s); err == nil {
			t.Errorf("%q is taken for a SID", s)
		}
	}
}

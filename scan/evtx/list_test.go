package evtx_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"webshellscan/internal/evtxtest"
	"webshellscan/scan/event"
	"webshellscan/scan/evtx"
)

// allFields selects the providers of listedEvents with all fields.
var allFields = event.Want{
	Providers: []string{"Microsoft-Windows-Sysmon", "ASP.NET 4.0.30319.0", "Made-Up"},
	Channels:  []string{"system", "SECURITY"}, AllFields: true,
}

// lines returns the fields of a list as "name=value".
func lines(l event.FieldList) []string {
	var list []string
	for _, f := range l {
		list = append(list, f.Name+"="+f.Value.String())
	}
	return list
}

// listedEvent is an event and the payload that is to be listed.
type listedEvent struct {
	event evtxtest.Event
	want  []string
}

// madeUp returns an event of a provider that nothing knows, with a raw payload.
func madeUp(raw func(*evtxtest.Builder)) evtxtest.Event {
	ev := evtxtest.NewEvent(noon, "WEB01", &evtxtest.ServiceState{})
	ev.Provider = evtxtest.Provider{Name: "Made-Up", GUID: evtxtest.MustGUID("{365ABB72-4A01-5CE7-0000-0010EE9DAC00}")}
	ev.Channel, ev.ID = "Made/Up", 0
	ev.Payload = evtxtest.Payload{Form: evtxtest.FormRaw, Raw: raw}
	return ev
}

// element writes an element with text and attributes (name, text, ...).
func element(b *evtxtest.Builder, name, text string, attributes ...string) {
	b.Start(name)
	for i := 0; i < len(attributes); i += 2 {
		b.AttrText(attributes[i], attributes[i+1])
	}
	b.Close()
	if text != "" {
		b.Text(text)
	}
	b.End()
}

// within writes an element with others in it.
func within(b *evtxtest.Builder, name string, body func()) {
	b.Start(name)
	b.Close()
	body()
	b.End()
}

// nestedUserData is UserData of elements in elements, with attributes.
func nestedUserData(b *evtxtest.Builder) {
	within(b, "UserData", func() {
		b.Start("Operation")
		b.AttrText("xmlns", "urn:x")
		b.AttrText("xmlns:auto", "urn:y")
		b.AttrText("Kind", "import")
		b.Close()
		element(b, "Id", "7")
		within(b, "Target", func() {
			element(b, "Path", `C:\a`, "Type", "file")
			element(b, "Path", `C:\b`)
			element(b, "Nothing", "")
		})
		element(b, "After", "x", "Name", "kept")
		element(b, "Flags", "", "value", "1")
		b.End()
	})
}

// listedEvents are events of each shape of payload.
func listedEvents() map[string]listedEvent {
	sysmon := evtxtest.NewEvent(noon, "WEB01", &evtxtest.SysmonFileCreate{ProcessID: 77, Image: `C:\w3wp.exe`, TargetFilename: `C:\a.aspx`})
	sysmonWant := []string{}
	aspnet := evtxtest.NewEvent(noon, "WEB01", &evtxtest.ASPNetException{ProcessID: 4, URL: "http://x/é"})
	for _, f := range sysmon.Payload.Fields {
		sysmonWant = append(sysmonWant, f.Name)
	}
	user := madeUp(nil)
	user.Payload = evtxtest.Payload{
		Form: evtxtest.FormUserData, Element: "EventXML", Namespace: "urn:x",
		Fields: []evtxtest.Field{{Name: "Query", Value: evtxtest.String("select *")}, {Name: "Code", Value: evtxtest.Uint32(5)}, {Name: "Gone", Value: evtxtest.Null(0)}},
	}
	unnamed := madeUp(nil)
	unnamed.Payload = evtxtest.Payload{
		Fields: []evtxtest.Field{
			{Value: evtxtest.String("first")},
			{Name: "Named", Value: evtxtest.Hex32(31)},
			{Value: evtxtest.Null(0)},
			{Name: "Many", Value: evtxtest.Strings("a", "", "c")},
			{Name: "Numbers", Value: evtxtest.Array(evtxtest.TypeUint32, evtxtest.Uint32(1), evtxtest.Uint32(2))},
		},
		Binary: []byte{1, 0xAB},
	}
	text := madeUp(func(b *evtxtest.Builder) {
		b.Start("EventData")
		b.AttrText("Name", "ev")
		b.Close()
		b.Start("Data")
		b.Attr("Name")
		b.Text("A")
		b.EntityRef("amp")
		b.Text("B")
		b.Close()
		b.Text("x")
		b.EntityRef("lt")
		b.CDATA("y")
		b.CharRef('z')
		b.End()
		element(b, "ComplexData", "whole", "Name", "Complex")
		element(b, "Data", "", "Name", "Empty")
		element(b, "Data", "typed", "Type", "xs:string", "Name", "Typed")
		b.End()
	})
	other := madeUp(func(b *evtxtest.Builder) {
		within(b, "ProcessingErrorData", func() { element(b, "ErrorCode", "15005"); element(b, "DataItemName", "") })
	})
	direct := madeUp(func(b *evtxtest.Builder) { within(b, "UserData", func() { element(b, "Message", "hello") }) })
	return map[string]listedEvent{
		"Sysmon":                 {sysmon, sysmonWant},
		"ASP.NET 1309, an array": {aspnet, nil},
		"UserData":               {user, []string{"Query=select *", "Code=5", "Gone="}},
		"unnamed and arrays":     {unnamed, []string{"=first", "Named=0x1f", "=", "Many=a", "Many=", "Many=c", "Numbers=1", "Numbers=2", "Binary=01AB"}},
		"nested UserData":        {madeUp(nestedUserData), []string{"Operation/@Kind=import", "Id=7", `Path/@Type=file`, `Path=C:\a`, `Path=C:\b`, "Nothing=", "After/@Name=kept", "After=x", "Flags/@value=1"}},
		"pieces of text":         {text, []string{"EventData/@Name=ev", "A&B=x<yz", "Complex=whole", "Empty=", "Data/@Type=xs:string", "Typed=typed"}},
		"ProcessingErrorData":    {other, []string{"ErrorCode=15005", "DataItemName="}},
		"text below UserData":    {direct, []string{"Message=hello"}},
	}
}

// TestAllFields reads payloads of each shape from each kind of record, also
// where the definition is lost and borrowed.
func TestAllFields(t *testing.T) {
	for name, le := range listedEvents() {
		for style, o := range map[string]evtxtest.Options{
			"live": {}, "exported": {Style: evtxtest.StyleExported}, "forwarded": {Style: evtxtest.StyleForwarded},
		} {
			t.Run(name+", "+style, func(t *testing.T) {
				file := buildFile(t, o, []evtxtest.Event{le.event})
				got := listAll(t, file.Data, allFields)
				if len(got) != 1 {
					t.Fatalf("%d events", len(got))
				}
				if strings.HasSuffix(name, "arrays") && style == "forwarded" {
					return // there an array is one text
				}
				checkPayload(t, le, got[0].payload)
			})
		}
	}
}

func checkPayload(t *testing.T, le listedEvent, got []string) {
	t.Helper()
	switch {
	case le.event.ID == 11: // names in order; the values are the writer's own matter
		for i := range got {
			got[i], _, _ = strings.Cut(got[i], "=")
		}
	case le.event.ID == 1309:
		if len(got) < 30 || slices.ContainsFunc(got[:30], func(l string) bool { return l[0] != '=' }) || got[14] != "=4" || got[19] != "=http://x/é" || got[13] != "=" {
			t.Errorf("%q", got)
		}
		return
	}
	if diff := cmp.Diff(le.want, got); diff != "" {
		t.Errorf("payload (-want +got):\n%s", diff)
	}
}

// listing is what an event lists.
type listing struct {
	key             int
	system, payload []string
}

func listAll(t *testing.T, data []byte, want event.Want) []listing {
	t.Helper()
	var got []listing
	readAll(t, data, evtx.Select(want), func(ev *event.Event) {
		got = append(got, listing{ev.Key, lines(ev.System()), lines(ev.Payload())})
	})
	return got
}

// TestSystemFields lists what System holds, with and without a template.
func TestSystemFields(t *testing.T) {
	ev := madeUp(nestedUserData)
	ev.Level, ev.Task, ev.Opcode, ev.Keywords, ev.Version = 3, 9, 2, 0x8000000000000010, 4
	ev.ProcessID, ev.ThreadID, ev.RecordID = 4242, 17, 99
	ev.UserID = evtxtest.MustSID("S-1-5-82-1-2")
	ev.ActivityID = evtxtest.MustGUID("{00000001-4A01-5CE7-0000-0010EE9DAC00}")
	ev.RelatedActivityID = evtxtest.MustGUID("{00000002-4A01-5CE7-0000-0010EE9DAC00}")
	want := map[string]string{
		"Provider/@Name": "Made-Up", "Provider/@Guid": "{365ABB72-4A01-5CE7-0000-0010EE9DAC00}", "EventID": "0", "Version": "4",
		"EventID/@Qualifiers": "16384", "Level": "3", "Task": "9", "Opcode": "2", "Keywords": "0x8000000000000010", "EventRecordID": "99",
		"TimeCreated/@SystemTime": "2026-03-02T12:00:00.1234567Z",
		"Correlation/@ActivityID": "{00000001-4A01-5CE7-0000-0010EE9DAC00}",
		"Execution/@ProcessID":    "4242", "Execution/@ThreadID": "17", "Channel": "Made/Up", "Computer": "WEB01", "Security/@UserID": "S-1-5-82-1-2",
		"Correlation/@RelatedActivityID": "{00000002-4A01-5CE7-0000-0010EE9DAC00}",
	}
	for style, o := range map[string]evtxtest.Options{"live": {}, "forwarded": {Style: evtxtest.StyleForwarded}} {
		file := buildFile(t, o, []evtxtest.Event{ev})
		readAll(t, file.Data, evtx.Select(allFields), func(ev *event.Event) {
			got := make(map[string]string)
			for _, f := range ev.System() {
				got[f.Name] = f.Value.String()
				if strings.HasSuffix(f.Name, "ID") || strings.HasSuffix(f.Name, "Guid") {
					got[f.Name] = strings.ToUpper(got[f.Name])
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", style, diff)
			}
			if got := ev.System().Value("Execution/@ProcessID").String(); got != "4242" {
				t.Errorf("process ID %s", got)
			}
		})
	}
}

// TestSelect selects whole providers and channels, and fields by name.
func TestSelect(t *testing.T) {
	events := made(60)
	for i := range events {
		if i%10 == 0 {
			events[i].Channel = "Else"
		}
	}
	for style, o := range map[string]evtxtest.Options{
		"live": {}, "provider": {Shape: evtxtest.ShapeProvider}, "forwarded": {Style: evtxtest.StyleForwarded},
	} {
		file := buildFile(t, o, events)
		count := func(want event.Want) map[int]int {
			keys := make(map[int]int)
			readAll(t, file.Data, evtx.Select(want), func(ev *event.Event) {
				keys[ev.Key]++
				if len(ev.System()) != 0 || len(ev.Payload()) != 0 {
					t.Error("fields are listed that nobody asked for")
				}
			})
			return keys
		}
		sysmon := "MICROSOFT-Windows-Sysmon"
		for _, tt := range []struct {
			want event.Want
			keys map[int]int
		}{
			{event.Want{Keys: []event.Key{{Provider: sysmon, ID: 1}}, Providers: []string{sysmon}}, map[int]int{0: 20, 1: 10}},
			{event.Want{Channels: []string{"ELSE", "system"}}, map[int]int{0: 6, 1: 26}},
			{event.Want{Keys: []event.Key{{Provider: sysmon, ID: 7}}, Channels: []string{"system"}}, map[int]int{0: 10, 1: 26}},
			{event.Want{Channels: []string{"System"}, Providers: []string{"eventlog"}}, map[int]int{0: 10, 1: 16}},
		} {
			if diff := cmp.Diff(tt.keys, count(tt.want)); diff != "" {
				t.Errorf("%s, %+v: events by key (-want +got):\n%s", style, tt.want, diff)
			}
		}
		got := listAll(t, file.Data, event.Want{Providers: []string{sysmon}, Fields: []string{"Image", "Computer", "ImageLoaded"}})
		if want := []string{"Image=C:\\a.exe", "ImageLoaded="}; len(got) != 30 || !slices.Equal(got[1].payload, want) ||
			!slices.Equal(got[1].system, []string{"Computer=WEB01.corp.example"}) {
			t.Errorf("%s: fields by name: %d events, %v", style, len(got), got)
		}
	}
}

// TestListLimits: what lists too much costs only what is too much.
func TestListLimits(t *testing.T) {
	for name, raw := range map[string]func(*evtxtest.Builder){
		"too many names": func(b *evtxtest.Builder) {
			within(b, "EventData", func() {
				for range event.MaxListed + 5 {
					element(b, "D", "v")
				}
			})
		},
		"one value too often": func(b *evtxtest.Builder) {
			body := func(b *evtxtest.Builder) {
				within(b, "EventData", func() {
					for range 100 {
						b.Start("D")
						b.Close()
						b.Substitution(0, evtxtest.TypeString)
						b.End()
					}
				})
			}
			b.Instance(&evtxtest.Template{GUID: evtxtest.MustGUID("{00000009-4A01-5CE7-0000-0010EE9DAC00}"), Body: body}, evtxtest.String(strings.Repeat("x", 5000)))
		},
	} {
		file := buildFile(t, evtxtest.Options{}, []evtxtest.Event{madeUp(raw), madeUp(nestedUserData)})
		n := 0
		readAll(t, file.Data, evtx.Select(allFields), func(ev *event.Event) {
			total := 0
			for _, f := range ev.Payload() {
				total += len(f.Value.Data)
			}
			if n == 0 && (ev.Damaged == 0 || len(ev.Payload()) > event.MaxListed || total > event.MaxListedBytes || len(ev.Payload()) < 20) {
				t.Errorf("%s: %d fields, %d bytes, %d damaged", name, len(ev.Payload()), total, ev.Damaged)
			}
			n++
		})
		if n != 2 {
			t.Errorf("%s: %d events", name, n)
		}
	}
}

// TestEmbeddedFields: BinXML in a value takes its place among the other fields,
// and is given as it is where it cannot be read.
func TestEmbeddedFields(t *testing.T) {
	for name, tt := range map[string]struct {
		value evtxtest.Value
		want  []string
	}{
		"elements": {evtxtest.BinXML(func(b *evtxtest.Builder) {
			b.FragmentHeader()
			element(b, "In", "1", "At", "2")
			b.EOF()
		}), []string{"Before=b", "In/@At=2", "In=1", "After=a"}},
		"damage": {evtxtest.Raw(evtxtest.TypeBinXML, []byte{0x77, 1}), []string{"Before=b", "Holder=7701", "After=a"}},
		"text":   {evtxtest.String("t"), []string{"Before=b", "Holder=t", "After=a"}},
	} {
		body := func(b *evtxtest.Builder) {
			within(b, "UserData", func() {
				within(b, "X", func() {
					element(b, "Before", "b")
					b.Start("Holder")
					b.Close()
					b.Substitution(0, evtxtest.TypeBinXML)
					b.End()
					element(b, "After", "a")
				})
			})
		}
		template := &evtxtest.Template{GUID: evtxtest.MustGUID("{00000008-4A01-5CE7-0000-0010EE9DAC00}"), Body: body}
		file := buildFile(t, evtxtest.Options{}, []evtxtest.Event{madeUp(func(b *evtxtest.Builder) { b.Instance(template, tt.value) })})
		got := listAll(t, file.Data, allFields)
		if len(got) != 1 || !slices.Equal(got[0].payload, tt.want) {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}
}

// TestChunksAgain reads single chunks again with another selection, by the
// times that the first reading told, and records whose definition only another
// file has.
func TestChunksAgain(t *testing.T) {
	file := buildFile(t, evtxtest.Options{RecordsPerChunk: 10}, made(100))
	f, err := evtx.Open(bytes.NewReader(file.Data), int64(len(file.Data)))
	if err != nil {
		t.Fatal(err)
	}
	first := evtx.NewReader(processEvents)
	var all []evtx.Chunk
	for part := range f.Parts(evtx.DefaultPartSize) {
		reading := first.Records(f, part)
		for _, err := range reading.Events(t.Context()) {
			if err != nil {
				t.Error(err)
			}
		}
		all = append(all, reading.Chunks...)
	}
	var chunks []evtx.Chunk
	from := event.FromTime(noon) + 25*event.Second
	for _, c := range all {
		if c.Earliest < from+10*event.Second && c.Latest > from {
			chunks = append(chunks, c)
		}
	}
	if len(chunks) != 2 {
		t.Fatalf("%d chunks of that time", len(chunks))
	}
	slices.Reverse(chunks)
	var ids []string
	second := evtx.NewReader(evtx.Select(event.Want{Channels: []string{"System"}, AllFields: true}))
	again := second.Chunks(f, chunks, nil)
	for ev, err := range again.Events(t.Context()) {
		if err != nil {
			t.Error(err)
			continue
		}
		ids = append(ids, fmt.Sprint(ev.RecordID))
	}
	if want := []string{"5032", "5034", "5035", "5038", "5020", "5022", "5023", "5026", "5028", "5029"}; !slices.Equal(ids, want) {
		t.Errorf("records %v, want %v", ids, want)
	}
	if n := again.Stats.Bytes; n != 2*evtx.ChunkSize {
		t.Errorf("%d bytes read", n)
	}
}

// TestChunksAgainDamaged: a second reading gives what the first one gave of a
// log: also of chunks without a signature, of those off the grid, and of
// records whose definition is lost.
func TestChunksAgainDamaged(t *testing.T) {
	file := buildFile(t, evtxtest.Options{RecordsPerChunk: 10}, made(100))
	data := slices.Clone(file.Data)
	copy(data[evtx.HeaderSize+evtx.ChunkSize:], "XXXXXXXX")
	lost := file.Chunks[4].Records[0].Instances[0]
	data[evtx.HeaderSize+4*evtx.ChunkSize+int(lost.Definition)+4]++ // its template id
	at := evtx.HeaderSize + 7*evtx.ChunkSize
	data = slices.Insert(data, at, make([]byte, 1000)...)
	f, err := evtx.Open(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	want := make(map[uint64]bool)
	readAll(t, data, processEvents, func(ev *event.Event) { want[ev.RecordID] = true })
	r := evtx.NewReader(processEvents)
	var chunks []evtx.Chunk
	var irregular []evtx.Part
	for part := range f.Parts(evtx.DefaultPartSize) {
		reading := r.Records(f, part)
		for range reading.Events(t.Context()) {
		}
		chunks, irregular = append(chunks, reading.Chunks...), append(irregular, reading.Irregular...)
	}
	carving := r.Carve(f, irregular)
	for range carving.Events(t.Context()) {
	}
	chunks = append(chunks, carving.Chunks...)
	var pool evtx.TemplatePool
	pool.Merge(r)
	second := evtx.NewReader(evtx.Select(event.Want{Providers: []string{"Microsoft-Windows-Sysmon"}, AllFields: true}))
	got := make(map[uint64]bool)
	for ev := range second.Chunks(f, chunks, &pool).Events(t.Context()) {
		if ev != nil && ev.ID == 1 {
			if got[ev.RecordID] = true; ev.Payload().Value("CommandLine").IsNull() {
				t.Errorf("record %d has no command line among %q", ev.RecordID, lines(ev.Payload()))
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" || len(want) < 30 {
		t.Errorf("%d records (-first +second):\n%s", len(want), diff)
	}
}

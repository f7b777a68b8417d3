package export_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"webshellscan/internal/cputime"
	"webshellscan/scan/event"
	"webshellscan/scan/export"
)

var want = event.Want{Keys: []event.Key{{Provider: "Microsoft-Windows-Sysmon", ID: 1}, {Provider: "Microsoft-Windows-Security-Auditing", ID: 4688}}}

// read returns a line for each record of an export.
func read(t *testing.T, form export.Form, text string) ([]string, export.Result) {
	t.Helper()
	var lines []string
	result, err := export.Read(t.Context(), bytes.NewReader([]byte(text)), int64(len(text)), form, want, func(r *export.Record) error {
		line := fmt.Sprintf("%d %s %d %s", r.Event.ID, r.Computer, r.Event.RecordID, r.Event.Time)
		if r.Event.Key >= 0 {
			line += fmt.Sprintf(" %s %q", r.Event.Value(event.ProcessID), r.Event.Value(event.CommandLine).String())
		}
		lines = append(lines, line)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return lines, result
}

const xmlRecord = `<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><Provider Name='Microsoft-Windows-Sysmon' Guid='{5770385f-c22a-43e0-bf4c-06f5698ffbd9}'/>` +
	`<EventID Qualifiers=''>1</EventID><Version>5</Version><TimeCreated SystemTime='2026-01-02T03:04:05.6789012Z'/><EventRecordID>41</EventRecordID>` +
	`<Channel>Microsoft-Windows-Sysmon/Operational</Channel><Computer>web01.example.test</Computer></System><EventData><Data Name='ProcessId'>4242</Data>` +
	`<Data Name="CommandLine">cmd.exe /c &quot;echo &lt;Event&gt; &amp;&#x20;whoami&quot; &bogus; <![CDATA[<Event></Event>]]></Data><Data>positional</Data></EventData>` +
	`<RenderingInfo Culture='de-DE'><Message>EventID 4688</Message></RenderingInfo></Event>`

const xmlLine = `1 web01.example.test 41 2026-01-02T03:04:05.6789012Z 4242 "cmd.exe /c \"echo <Event> & whoami\" &bogus; <Event></Event>"`

func toUTF16(text string, order string) string {
	var b []byte
	for _, u := range utf16.Encode([]rune(text)) {
		if order == "LE" {
			b = append(b, byte(u), byte(u>>8))
		} else {
			b = append(b, byte(u>>8), byte(u))
		}
	}
	return string(b)
}

// TestXML: event XML as the tools of Windows and others write it.
func TestXML(t *testing.T) {
	tests := []struct{ name, text string }{
		{"one behind another", xmlRecord + "\r\n" + xmlRecord},
		{"with a root", `<?xml version="1.0" encoding="utf-8"?><!-- <Event> --><Events>` + xmlRecord + "\n" + xmlRecord + "</Events>"},
		{"UTF-8 with a mark", "\xEF\xBB\xBF" + xmlRecord + xmlRecord},
		{"UTF-16 with a mark", "\xFF\xFE" + toUTF16(xmlRecord+xmlRecord, "LE")},
		{"UTF-16 without a mark", toUTF16(xmlRecord+"\n"+xmlRecord, "LE")},
		{"big-endian UTF-16", "\xFE\xFF" + toUTF16(xmlRecord+xmlRecord, "BE")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := export.Detect([]byte(tt.text)[:min(len(tt.text), 4096)]); got != export.XML {
				t.Errorf("it is taken for %v", got)
			}
			got, result := read(t, export.XML, tt.text)
			if !slices.Equal(got, []string{xmlLine, xmlLine}) || result.Records != 2 || result.Bad != 0 {
				t.Errorf("%q, %+v", got, result)
			}
		})
	}
}

// TestTagsOfXML: the value of an attribute may hold the end of a tag and the
// other quotation mark, and white space stands between attributes.
func TestTagsOfXML(t *testing.T) {
	const data = `<Data Name="CommandLine">`
	for _, tag := range []string{
		`<Data Note='a > b' Name="CommandLine">`, `<Data Note="><Data Name='x'>" Name='CommandLine'>`, `<Data Note=">'>" More='">"' Name="CommandLine">`,
		"<Data\r\n\tName = \"CommandLine\"\n>", `<Data Name="CommandLine" Note=">">`, `<Data Note="" Name="CommandLine" >`,
	} {
		text := strings.Replace(xmlRecord, data, tag, 1)
		if got, result := read(t, export.XML, text+text); !slices.Equal(got, []string{xmlLine, xmlLine}) || result.Bad != 0 {
			t.Errorf("%s: %q, %+v", tag, got, result)
		}
	}
	for _, cut := range []string{`<Data Name="CommandLine`, `<Data Name="CommandLine"`, `<Data Name='a">`, `</Data`} {
		text := strings.Replace(xmlRecord, data, cut, 1)
		if got, result := read(t, export.XML, text[:strings.Index(text, cut)+len(cut)]); len(got) != 0 || result.Bad == 0 {
			t.Errorf("%s: %q, %+v", cut, got, result)
		}
	}
}

// TestJSON: one record in the forms that tools write.
func TestJSON(t *testing.T) {
	const line = `1 web01.example.test 41 2026-01-02T03:04:05.6789010Z 4242 "cmd.exe /c \"whoami\" \\ 😀"`
	const command = `"cmd.exe /c \"whoami\" \\ \uD83D\uDE00"`
	tests := []struct{ name, text, want string }{
		{"evtx_dump", `{"Event":{"#attributes":{"xmlns":"x"},"System":{"Provider":{"#attributes":{"Name":"Microsoft-Windows-Sysmon","Guid":"5770385F"}},"EventID":1,"TimeCreated":{"#attributes":{"SystemTime":"2026-01-02T03:04:05.678901Z"}},"EventRecordID":41,"Channel":"Microsoft-Windows-Sysmon/Operational","Computer":"web01.example.test"},"EventData":{"ProcessId":4242,"CommandLine":` + command + `,"Gone":null}}}`, line},
		{"evtx_dump, EventID with attributes", `{"Event":{"System":{"Provider":{"#attributes":{"Name":"Microsoft-Windows-Sysmon"}},"EventID":{"#attributes":{"Qualifiers":16384},"#text":1},"TimeCreated":{"#attributes":{"SystemTime":"2026-01-02T03:04:05.678901Z"}},"EventRecordID":41,"Computer":"web01.example.test"},"EventData":{"#attributes":{"Name":"x"},"ProcessId":4242,"CommandLine":` + command + `}}}`, line},
		{"Velociraptor", `{"System":{"Provider":{"Name":"Microsoft-Windows-Sysmon"},"EventID":{"Value":1},"TimeCreated":{"SystemTime":1767323045.678901},"EventRecordID":41,"Channel":"Microsoft-Windows-Sysmon/Operational","Computer":"web01.example.test"},"EventData":{"ProcessId":4242,"CommandLine":` + command + `},"Message":"EventID 4688"}`, line},
		{"NXLog", `{"EventTime":"2026-01-02 09:04:05","@timestamp":"2026-01-02T03:04:05.678901Z","Hostname":"web01.example.test","EventID":1,"ProcessID":7,"RecordNumber":41,"SourceName":"Microsoft-Windows-Sysmon","ProcessId":"4242","CommandLine":` + command + `}`, line},
		{"Winlogbeat", `{"@timestamp":"2026-01-02T03:04:05.678901Z","event":{"code":"4688"},"winlog":{"event_id":"1","record_id":41,"computer_name":"web01.example.test","channel":"Microsoft-Windows-Sysmon/Operational","event_data":{"ProcessId":"4242","CommandLine":` + command + `}}}`, line},
		{"keys with dots", `{"@timestamp":"2026-01-02T03:04:05.678901Z","winlog.event_id":1,"winlog.record_id":41,"winlog.computer_name":"web01.example.test","winlog.provider_name":"Microsoft-Windows-Sysmon","winlog.event_data.ProcessId":"4242","winlog.event_data.CommandLine":` + command + `}`, line},
		{"data by name", `{"Event":{"System":{"Provider":{"@Name":"Microsoft-Windows-Sysmon"},"EventID":"1","TimeCreated":{"@SystemTime":"2026-01-02T03:04:05.678901Z"},"EventRecordID":"41","Computer":"web01.example.test"},"EventData":{"Data":[{"@Name":"ProcessId","#text":"4242"},{"@Name":"CommandLine","#text":` + command + `}]}}}`, line},
		{"another event", `{"Event":{"System":{"EventID":5,"EventRecordID":42,"Computer":"a"},"EventData":{"CommandLine":"\"EventID\":1"}}}`, `5 a 42 `},
	}
	for _, tt := range tests {
		for _, form := range []string{"%s\n%s\n", "[%s,\n%s]", "\xEF\xBB\xBF %s\r\n\r\n%s"} {
			text := fmt.Sprintf(form, tt.text, tt.text)
			if got := export.Detect([]byte(text)); got != export.JSON {
				t.Errorf("%s: it is taken for %v", tt.name, got)
			}
			if got, result := read(t, export.JSON, text); !slices.Equal(got, []string{tt.want, tt.want}) || result.Bad != 0 || result.LocalTimes != 0 {
				t.Errorf("%s as %q:\n%q, %+v", tt.name, form, got, result)
			}
		}
	}
	if _, result := read(t, export.JSON, `{"EventTime":"2026-01-02 09:04:05","EventID":1,"Hostname":"a"}`); result.LocalTimes != 1 {
		t.Errorf("a time without a zone: %+v", result)
	}
}

// TestBad: what cannot be read costs only itself, and is told with its place.
func TestBad(t *testing.T) {
	sound := `{"Event":{"System":{"EventID":7,"EventRecordID":1,"Computer":"a"}}}`
	tests := []struct {
		name string
		form export.Form
		text string
		good int
		want string
	}{
		{"a value missing", export.JSON, `{"EventID":,"a":1}` + "\n" + sound, 1, "offset 0: not JSON"},
		{"an end missing", export.JSON, sound + "\n" + `{"EventID":1`, 1, "ends within a record"},
		{"too deep", export.JSON, strings.Repeat(`{"a":`, 100) + "1" + strings.Repeat("}", 100) + sound, 1, "nested more than"},
		{"arrays too deep", export.JSON, `{"a":` + strings.Repeat("[", 100) + "]}" + sound, 1, "nested more than"},
		{"too long", export.JSON, sound + "\n{\"a\":\"" + strings.Repeat("x", 6<<20) + "\n" + sound, 2, "a record of more than"},
		{"elements too deep", export.XML, "<Event>" + strings.Repeat("<a>", 100) + "</Event>" + xmlRecord, 1, "nested more than"},
		{"an end tag missing", export.XML, "<Event><System></Event>" + xmlRecord, 1, "an element that does not end"},
		{"a tag cut off", export.XML, xmlRecord + "<Event><System", 1, "ends within a record"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, result := read(t, tt.form, tt.text)
			if len(got) != tt.good || result.Bad == 0 || !strings.Contains(fmt.Sprint(result.FirstBad), tt.want) {
				t.Errorf("%d records, %+v, want %s", len(got), result, tt.want)
			}
		})
	}
	for _, text := range []string{"", "{}", "[1]", "<html>", "<?xml?><a/>", "plain", `{"a":1}`} {
		if form := export.Detect([]byte(text)); form != export.None {
			t.Errorf("%q is taken for %v", text, form)
		}
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := errors.New("stop")
	cancel(stop)
	if _, err := export.Read(ctx, strings.NewReader(sound), int64(len(sound)), export.JSON, want, nil); !errors.Is(err, stop) {
		t.Errorf("cancelled: %v", err)
	}
}

// TestSmallExport: reading a small export takes little memory, since a case may
// hold thousands of them.
func TestSmallExport(t *testing.T) {
	text := `{"Event":{"System":{"EventID":7,"EventRecordID":1,"Computer":"a"}}}`
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	read(t, export.JSON, text)
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; got > 256<<10 {
		t.Errorf("%d bytes were allocated for an export of %d", got, len(text))
	}
}

// FuzzRead: no text makes the reader fail or stand still, and places lie within
// it.
func FuzzRead(f *testing.F) {
	f.Add(true, xmlRecord)
	f.Add(true, "<Event/><Event a='>'><!-- </Event>")
	f.Add(false, `{"Event":{"System":{"EventID":1}}}`)
	f.Add(false, `[{"winlog":{"event_id":"1","event_data":{"a":"\ud83d\u0000"}}},`)
	f.Fuzz(func(t *testing.T, isXML bool, text string) {
		form := export.JSON
		if isXML {
			form = export.XML
		}
		last := int64(-1)
		result, err := export.Read(t.Context(), strings.NewReader(text), int64(len(text)), form, want, func(r *export.Record) error {
			if r.Event.Place.Offset <= last {
				t.Errorf("a record at %d behind one at %d", r.Event.Place.Offset, last)
			}
			last = r.Event.Place.Offset
			return nil
		})
		if err != nil || result.Records+result.Bad > len(text) {
			t.Errorf("%+v, %v", result, err)
		}
		export.Detect([]byte(text))
	})
}

// BenchmarkRead reads records of which one in four is wanted.
func BenchmarkRead(b *testing.B) {
	object := `{"Event":{"System":{"Provider":{"#attributes":{"Name":"Microsoft-Windows-Sysmon"}},"EventID":%d,"TimeCreated":{"#attributes":{"SystemTime":"2026-01-02T03:04:05.678901Z"}},"EventRecordID":41,"Channel":"Microsoft-Windows-Sysmon/Operational","Computer":"web01.example.test"},"EventData":{"ProcessId":4242,"CommandLine":"cmd.exe /c whoami","Image":"C:\\Windows\\System32\\cmd.exe"}}}` + "\n"
	element := func(id int) string { return strings.Replace(xmlRecord, ">1<", fmt.Sprintf(">%d<", id), 1) + "\n" }
	for _, bench := range []struct {
		name   string
		form   export.Form
		record func(id int) string
	}{
		{"JSON", export.JSON, func(id int) string { return fmt.Sprintf(object, id) }},
		{"XML", export.XML, func(id int) string { return strings.Replace(element(id), "<![CDATA[<Event></Event>]]>", "", 1) }}, // as Windows writes it
		{"XML with CDATA", export.XML, element},
	} {
		b.Run(bench.name, func(b *testing.B) {
			var text strings.Builder
			for i := range 20_000 {
				text.WriteString(bench.record(1 + i%4))
			}
			data := []byte(text.String())
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			before := cputime.Used()
			for b.Loop() {
				if _, err := export.Read(b.Context(), bytes.NewReader(data), int64(len(data)), bench.form, want, func(*export.Record) error { return nil }); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(data))*float64(b.N)/1e6/(cputime.Used()-before).Seconds(), "MB/cpu-s")
		})
	}
}

package export_test

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"webshellscan/scan/event"
	"webshellscan/scan/export"
)

// list returns what the events of an export list that a selection has, as
// "name=value", System first.
func list(t *testing.T, form export.Form, text string, want event.Want) [][2][]string {
	t.Helper()
	lines := func(l event.FieldList) (s []string) {
		for _, f := range l {
			s = append(s, f.Name+"="+f.Value.String())
		}
		return s
	}
	var got [][2][]string
	_, err := export.Read(t.Context(), bytes.NewReader([]byte(text)), int64(len(text)), form, want, func(r *export.Record) error {
		if r.Event.Key >= 0 {
			got = append(got, [2][]string{lines(r.Event.System()), lines(r.Event.Payload())})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// TestAllFields lists the fields of events that nothing knows, in the forms
// that tools write.
func TestAllFields(t *testing.T) {
	const xmlSystem = `<System><Provider Name="Made-Up" Guid="{G}"/><EventID Qualifiers="16384">0</EventID><Level>3</Level><Opcode></Opcode>` +
		`<TimeCreated SystemTime="2026-01-02T03:04:05.6789012Z"/><Correlation/><Execution ProcessID="42" ThreadID='7'/><Channel>Made/Up</Channel><Computer>a</Computer><Security UserID="S-1-5-18"/></System>`
	system := []string{
		"Provider/@Name=Made-Up", "Provider/@Guid={G}", "EventID/@Qualifiers=16384", "EventID=0", "Level=3", "TimeCreated/@SystemTime=2026-01-02T03:04:05.6789012Z",
		"Execution/@ProcessID=42", "Execution/@ThreadID=7", "Channel=Made/Up", "Computer=a", "Security/@UserID=S-1-5-18",
	}
	const jsonSystem = `"System":{"Provider":{"#attributes":{"Name":"Made-Up","Guid":"{G}"}},"EventID":{"#attributes":{"Qualifiers":16384},"#text":0},"Level":3,"Opcode":null,` +
		`"TimeCreated":{"#attributes":{"SystemTime":"2026-01-02T03:04:05.6789012Z"}},"Correlation":null,"Execution":{"#attributes":{"ProcessID":42,"ThreadID":7}},"Channel":"Made/Up","Computer":"a","Security":{"#attributes":{"UserID":"S-1-5-18"}}}`
	tests := []struct {
		name            string
		form            export.Form
		text            string
		system, payload []string
	}{
		{
			"EventData", export.XML, `<Event xmlns="x">` + xmlSystem + `<EventData Name="e"><Data>one</Data><Data Name="Two">2 &amp; 3</Data><Data/><Data Name="Typed" Type="t"></Data><Binary>00AB</Binary></EventData><RenderingInfo><Message>m</Message></RenderingInfo></Event>`,
			system,
			[]string{"EventData/@Name=e", "=one", "Two=2 & 3", "=", "Data/@Type=t", "Typed=", "Binary=00AB"},
		},
		{
			"UserData", export.XML, `<Event>` + xmlSystem + "<UserData>\n<Operation xmlns='urn:x' Kind='import'>\n<Id>7</Id>\n<Target>\n<Path Type='file'>C:\\a</Path>\n<Path>C:\\b</Path></Target>\n<Gone/><Flags value='1'/></Operation></UserData></Event>",
			system,
			[]string{"Operation/@Kind=import", "Id=7", "Path/@Type=file", `Path=C:\a`, `Path=C:\b`, "Gone=", "Flags/@value=1"},
		},
		{"text below UserData", export.XML, `<Event>` + xmlSystem + `<UserData><Message>hello</Message></UserData></Event>`, system, []string{"Message=hello"}},
		{"ProcessingErrorData", export.XML, `<Event>` + xmlSystem + `<ProcessingErrorData><ErrorCode>15005</ErrorCode></ProcessingErrorData></Event>`, system, []string{"ErrorCode=15005"}},
		{
			"evtx_dump", export.JSON, `{"Event":{"EventData":{"#attributes":{"Name":"e"},"Data":{"#text":["one","two"]},"Two":"2","Gone":null,"Binary":"00AB"},` + jsonSystem + `}}`,
			system,
			[]string{"EventData/@Name=e", "=one", "=two", "Two=2", "Gone=", "Binary=00AB"},
		},
		{
			"evtx_dump, nested", export.JSON, `{"Event":{"UserData":{"Operation":{"#attributes":{"xmlns":"u","Kind":"import"},"Id":7,"Name":"n","Path":{"#attributes":{"Type":"file"},"#text":"C:\\a"}}},` + jsonSystem + `}}`,
			system,
			[]string{"Operation/@Kind=import", "Id=7", "Name=n", "Path/@Type=file", `Path=C:\a`},
		},
		{
			"data by name", export.JSON, `{"Event":{"EventData":{"Data":[{"@Name":"A","#text":"1"},{"#attributes":{"Name":"B"},"#text":"2"},"three"]},` + jsonSystem + `}}`,
			system,
			[]string{"A=1", "B=2", "=three"},
		},
		{
			"Velociraptor", export.JSON, `{"System":{"Provider":{"Name":"Made-Up","Guid":"{G}"},"EventID":{"Value":0},"Execution":{"ProcessID":42},"Security":{"UserID":"S-1-5-18"},"Channel":"Made/Up"},"EventData":{"A":"1","Data":["x",null]}}`,
			[]string{"Provider/@Name=Made-Up", "Provider/@Guid={G}", "EventID=0", "Execution/@ProcessID=42", "Security/@UserID=S-1-5-18", "Channel=Made/Up"},
			[]string{"A=1", "=x", "="},
		},
		{
			"Winlogbeat", export.JSON, `{"winlog":{"event_id":"0","provider_name":"Made-Up","process":{"pid":42,"thread":{"id":7}},"user":{"identifier":"S-1-5-18"},"event_data":{"param1":"x"}}}`,
			[]string{"EventID=0", "Provider/@Name=Made-Up", "Execution/@ProcessID=42", "Execution/@ThreadID=7", "Security/@UserID=S-1-5-18"},
			[]string{"param1=x"},
		},
		{
			"NXLog", export.JSON, `{"EventID":0,"SourceName":"Made-Up","ProcessID":42,"ThreadID":7,"Path":"C:\\a"}`,
			[]string{"EventID=0", "Provider/@Name=Made-Up", "Execution/@ProcessID=42", "Execution/@ThreadID=7"},
			[]string{`Path=C:\a`},
		},
	}
	for _, tt := range tests {
		want := [][2][]string{{tt.system, tt.payload}}
		for name, selection := range map[string]event.Want{
			"provider": {Providers: []string{"made-up"}, AllFields: true},
			"kind":     {Keys: []event.Key{{Provider: "Made-Up", ID: 0}}, AllFields: true},
		} {
			if diff := cmp.Diff(want, list(t, tt.form, tt.text, selection)); diff != "" {
				t.Errorf("%s, by %s (-want +got):\n%s", tt.name, name, diff)
			}
		}
		if got := list(t, tt.form, tt.text, event.Want{Providers: []string{"Made"}, Channels: []string{"Made"}, AllFields: true}); len(got) != 0 {
			t.Errorf("%s: %q by another name", tt.name, got)
		}
		if got := list(t, tt.form, tt.text, event.Want{Providers: []string{"Made-Up"}}); len(got) != 1 || got[0][0] != nil || got[0][1] != nil {
			t.Errorf("%s: %q without being asked for", tt.name, got)
		}
	}
	got := list(t, export.XML, tests[0].text, event.Want{Channels: []string{"MADE/up"}, Fields: []string{"Two", "Level"}})
	if diff := cmp.Diff([][2][]string{{{"Level=3"}, {"Two=2 & 3"}}}, got); diff != "" {
		t.Errorf("fields by name (-want +got):\n%s", diff)
	}
}

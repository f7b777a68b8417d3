package eventrule_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"unicode/utf16"

	"webshellscan/scan"
	"webshellscan/scan/event"
	"webshellscan/scan/eventrule"
)

// TestEventGate: of the kinds of event that the built-in rules ask for, the
// frequent ones have a gate, which lets through what a rule matches and stops
// what every busy server logs.
func TestEventGate(t *testing.T) {
	sets, err := scan.LoadRules(t.Context(), scan.RuleOptions{}, 1)
	if err != nil {
		t.Fatal(err)
	}
	plan := eventrule.NewPlan(sets.Servers, slices.Concat(sets.Events, sets.Signs), sets.Correlations)
	tests := []struct {
		name   string
		key    event.Key
		values map[string]string
		want   bool
	}{
		{"a page below a web root", event.Key{Provider: event.ProviderSysmon, ID: 11}, map[string]string{
			"Image": `C:\Windows\System32\inetsrv\w3wp.exe`, "TargetFilename": `C:\inetpub\wwwroot\up\a.aspx`,
		}, true},
		{"a file of a browser", event.Key{Provider: event.ProviderSysmon, ID: 11}, map[string]string{
			"Image": `C:\Program Files\Browser\b.exe`, "TargetFilename": `C:\Users\a\AppData\Local\Cache\f_0001`,
		}, false},
		{"a server accepts", event.Key{Provider: event.ProviderSysmon, ID: 3}, map[string]string{
			"Image": `C:\App\server.exe`, "Initiated": "false", "Protocol": "tcp", "SourcePort": "8080", "DestinationPort": "50123",
			"SourceIp": "10.0.0.1", "User": `CORP\a`,
		}, true},
		{"a browser connects", event.Key{Provider: event.ProviderSysmon, ID: 3}, map[string]string{
			"Image": `C:\Program Files\Browser\b.exe`, "Initiated": "true", "Protocol": "tcp", "SourcePort": "50123", "DestinationPort": "443",
			"SourceIp": "10.0.0.1", "User": `CORP\a`,
		}, false},
		{"a connection goes out", event.Key{Provider: event.ProviderSecurity, ID: 5156}, map[string]string{
			"Application": `\device\harddiskvolume2\app\a.exe`, "Direction": "%%14593", "Protocol": "6", "SourcePort": "50123",
		}, false},
	}
	for _, tt := range tests {
		look := plan.LookAt(tt.key)
		if look.Admits == nil {
			t.Errorf("%s: %v has no gate", tt.name, tt.key)
			continue
		}
		var preview event.Preview
		for _, f := range look.Fields {
			value := event.Value{}
			if text, ok := tt.values[f.Name]; ok {
				value = utf16Value(text)
			}
			preview.Values = append(preview.Values, value)
		}
		if got := look.Admits(&preview); got != tt.want {
			t.Errorf("%s: admitted %v, want %v (of %v)", tt.name, got, tt.want, look.Fields)
		}
	}
}

// TestEventGateOfProvider: a rule about all events of a log is not shut out by
// the gate of a rule about one of its events.
func TestEventGateOfProvider(t *testing.T) {
	for _, service := range []string{"security", "application"} {
		folder := t.TempDir()
		for name, text := range map[string]string{
			"one.yml": "title: One\nlogsource: {product: windows, service: security}\ndetection:\n  s: {EventID: 4663, ObjectName: '*.aspx'}\n  condition: s\n",
			"all.yml": "title: All\nlogsource: {product: windows, service: " + service + "}\ndetection:\n  s: {SubjectUserName: mallory}\n  condition: s\n",
		} {
			if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		sets, err := scan.LoadRules(t.Context(), scan.RuleOptions{Paths: []string{folder}}, 1)
		if err != nil {
			t.Fatal(err)
		}
		plan := eventrule.NewPlan(sets.Servers, slices.Concat(sets.Events, sets.Signs), sets.Correlations)
		look := plan.LookAt(event.Key{Provider: event.ProviderSecurity, ID: 4663})
		if look.Admits == nil {
			continue // all are decoded
		}
		preview := event.Preview{Values: make([]event.Value, len(look.Fields))}
		for i, f := range look.Fields {
			switch f.Name {
			case "SubjectUserName":
				preview.Values[i] = utf16Value("mallory")
			case "Channel":
				preview.Values[i] = utf16Value("Application")
			}
		}
		if !look.Admits(&preview) {
			t.Errorf("an event that a rule of the log %s matches is not admitted (by %v)", service, look.Fields)
		}
	}
}

// utf16Value is a text as a record has it.
func utf16Value(text string) event.Value {
	var data []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		data = append(data, byte(unit), byte(unit>>8))
	}
	return event.Value{Type: event.TypeString, Data: data}
}

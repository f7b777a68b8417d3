package story

import (
	"encoding/binary"
	"testing"
	"unicode/utf16"

	"webshellscan/rules"
	"webshellscan/scan/event"
	"webshellscan/scan/proctree"
)

// uint32Value and stringValue are values as records have them.
func uint32Value(n uint32) event.Value {
	return event.Value{Type: event.TypeUint32, Data: binary.LittleEndian.AppendUint32(nil, n)}
}

func stringValue(text string) event.Value {
	var data []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		data = binary.LittleEndian.AppendUint16(data, unit)
	}
	return event.Value{Type: event.TypeString, Data: data}
}

// noJudge has no rules.
type noJudge struct{}

func (noJudge) Match(*event.Event, proctree.Process) []*rules.Rule { return nil }

// TestKindLook: an event is decoded if it names something of a session, or a rule
// matched it, and is left alone if it does not.
func TestKindLook(t *testing.T) {
	const began = 100 * event.Day
	guid := event.GUID{1, 2, 3}
	guidValue := func(g event.GUID) event.Value { return event.Value{Type: event.TypeGUID, Data: g[:]} }
	host := &hostIndex{
		guids: map[event.GUID]owner{guid: {}}, pids: map[uint32][]owner{4242: {{}}}, logons: map[uint64][]claim{0x9999: {{}}},
		users: map[string][]claim{`iis apppool\shop`: {{}}}, since: began,
	}
	matched := event.Place{Offset: 77}
	c := &Collector{hit: func(p event.Place) bool { return p == matched }, judge: noJudge{}}
	file, logon := sysmon(FileEvent), security(Logon)
	account := kind{category: WMIEvent, users: []string{"User"}}
	tests := []struct {
		name   string
		kind   kind
		glance event.Glance
		want   bool
	}{
		{"GUID", file, event.Glance{Time: began, Values: []event.Value{guidValue(guid), uint32Value(1)}}, true},
		{"process ID", file, event.Glance{Time: began, Values: []event.Value{{}, uint32Value(4242)}}, true},
		{"process ID as text", file, event.Glance{Time: began, Values: []event.Value{{}, stringValue("0x1092")}}, true},
		{"another process", file, event.Glance{Time: began, Values: []event.Value{guidValue(event.GUID{9}), uint32Value(4243)}}, false},
		{"nothing", file, event.Glance{Time: began, Values: []event.Value{{}, {}}}, false},
		{"long before the session", file, event.Glance{Time: 0, Values: []event.Value{guidValue(guid), uint32Value(4242)}}, false},
		{"matched by a rule", file, event.Glance{Offset: 77, Time: began, Values: []event.Value{{}, {}}}, true},
		{"logon", logon, event.Glance{Time: began, Values: []event.Value{stringValue("0x9999")}}, true},
		{"another logon", logon, event.Glance{Time: began, Values: []event.Value{stringValue("0x999a")}}, false},
		{"account in any case", account, event.Glance{Time: began, Values: []event.Value{stringValue(`IIS APPPOOL\Shop`)}}, true},
		{"another account", account, event.Glance{Time: began, Values: []event.Value{stringValue(`IIS APPPOOL\other`)}}, false},
	}
	for _, tt := range tests {
		l := &kindLook{collector: c, host: host, kind: &tt.kind}
		fields := l.fields()
		for len(tt.glance.Values) < len(fields) {
			tt.glance.Values = append(tt.glance.Values, event.Value{})
		}
		if got := l.admits(&tt.glance); got != tt.want {
			t.Errorf("%s: admitted %v, want %v (of %v)", tt.name, got, tt.want, fields)
		}
	}
}

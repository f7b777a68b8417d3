package evtxtest

import (
	"encoding/binary"
	"time"
)

const (
	systemChannel      = "System"
	eventlogNamespace  = "http://manifests.microsoft.com/win/2004/08/windows/eventlog"
	keywordsEventlog   = 0x4020000000000000
	qualifiersClassic  = 0x8000 // of the EventLog and ASP.NET sources
	qualifiersServices = 0x4000
)

// eventlogProvider is the event log service as it logs to its own channels,
// eventlogSource as a classic source in System.
var (
	eventlogProvider = Provider{Name: "Microsoft-Windows-Eventlog", GUID: MustGUID("FC65DDD8-D6EF-4962-83D5-6E5CFE9CE148")}
	eventlogSource   = Provider{Name: "EventLog"}
)

// GUIDs of definitions in sample logs.
var (
	definition104  = MustGUID("CFAA331F-0888-5076-3588-E90F5E37087B")
	definition1100 = MustGUID("5B338D54-88D3-7D59-C92A-EB95C41D6C19")
	definition1101 = MustGUID("A17C6234-EDBE-827D-1F8C-CD99F7E82F97")
	definition1102 = MustGUID("5F1B9E43-8035-A85B-732A-7F0BFF1E4249")
)

// eventlog sets what precedes and surrounds the fields of an event of the event
// log service.
func (ev *Event) eventlog(channel string, id uint16, level uint8, task uint16, element string) {
	ev.system(eventlogProvider, channel, id, 0, level, task, keywordsEventlog)
	ev.UserID = nil
	ev.Shape = ShapeProvider
	ev.Payload.Form, ev.Payload.Element, ev.Payload.Namespace = FormUserData, element, eventlogNamespace
}

// EventlogShutdown is Security event 1100: the event log service has shut down.
type EventlogShutdown struct{}

// Put implements [Source].
func (EventlogShutdown) Put(ev *Event) {
	ev.eventlog(securityChannel, 1100, 4, 103, "ServiceShutdown")
	ev.Payload.AutoNamespace = "xmlns:auto-ns3"
	ev.Payload.TemplateGUID = definition1100
}

// EventsDropped is Security event 1101: the transport has dropped audit events.
type EventsDropped struct{ Reason uint8 }

// Put implements [Source].
func (p *EventsDropped) Put(ev *Event) {
	ev.eventlog(securityChannel, 1101, 2, 101, "AuditEventsDropped")
	ev.Payload.AutoNamespace = "xmlns:auto-ns3"
	ev.add("Reason", Uint8(p.Reason))
	ev.Payload.TemplateGUID = definition1101
}

// SecurityLogCleared is Security event 1102.
type SecurityLogCleared struct{ Subject Account }

// Put implements [Source].
func (p *SecurityLogCleared) Put(ev *Event) {
	ev.eventlog(securityChannel, 1102, 4, 104, "LogFileCleared")
	ev.addAccount(subject, &p.Subject)
	ev.Payload.TemplateGUID = definition1102
}

// LogCleared is System event 104.
type LogCleared struct {
	Subject             Account // whose SID stands in Security/UserID
	Channel, BackupPath string
}

// Put implements [Source].
func (p *LogCleared) Put(ev *Event) {
	ev.eventlog(systemChannel, 104, 4, 104, "LogFileCleared")
	ev.Keywords, ev.UserID = keywordsNone, p.Subject.SID
	ev.add("SubjectUserName", String(p.Subject.Name))
	ev.add("SubjectDomainName", String(p.Subject.Domain))
	ev.add("Channel", String(p.Channel))
	ev.add("BackupPath", String(p.BackupPath))
	ev.Payload.TemplateGUID = definition104
}

// classic sets what precedes the strings of a classic event.
func (ev *Event) classic(p Provider, channel string, id uint16, level uint8, task uint16) {
	ev.system(p, channel, id, 0, level, task, keywordsClassic)
	ev.UserID = nil
	ev.Shape = ShapeProvider
	ev.Qualifiers, ev.HasQualifiers = qualifiersClassic, true
	ev.ProcessID, ev.ThreadID = 0, 0
	ev.Payload.Form = FormClassic
}

// EventlogStarted is System event 6005; its binary data is the time of the
// event and a number.
type EventlogStarted struct{}

// Put implements [Source].
func (EventlogStarted) Put(ev *Event) {
	ev.classic(eventlogSource, systemChannel, 6005, 4, 0)
	ev.Payload.Binary = append(appendSystemTime(nil, ev.Time.Time()), make([]byte, 8)...)
}

// EventlogStopped is System event 6006.
type EventlogStopped struct{}

// Put implements [Source].
func (EventlogStopped) Put(ev *Event) {
	ev.classic(eventlogSource, systemChannel, 6006, 4, 0)
	ev.Payload.Binary = []byte{1, 0, 0, 0, 0, 0, 0, 0}
}

// UnexpectedShutdown is System event 6008: the shutdown at a time was
// unexpected.
type UnexpectedShutdown struct {
	At     time.Time
	Uptime uint32 // seconds
}

// Put implements [Source].
func (p *UnexpectedShutdown) Put(ev *Event) {
	ev.classic(eventlogSource, systemChannel, 6008, 2, 0)
	at := p.At.UTC()
	for _, s := range [...]string{
		at.Format("3:04:05 PM"), at.Format("1/2/2006"), "", "", decimal(uint64(p.Uptime)), "", "",
	} {
		ev.add("", String(s))
	}
	binaryData := appendSystemTime(appendSystemTime(nil, at), at)
	for _, n := range [...]uint32{0x960, 60, 1, 0x960, 0, 0x4B0, 1, 0} {
		binaryData = binary.LittleEndian.AppendUint32(binaryData, n)
	}
	ev.Payload.Binary = binaryData
}

// WindowsVersion is System event 6009, the first event of a boot.
type WindowsVersion struct{ Version, Build string } // such as "10.00.", "17763"

// Put implements [Source].
func (p *WindowsVersion) Put(ev *Event) {
	ev.classic(eventlogSource, systemChannel, 6009, 4, 0)
	for _, s := range [...]string{p.Version, p.Build, "", "Multiprocessor Free", "0"} {
		ev.add("", String(s))
	}
}

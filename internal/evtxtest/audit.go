package evtxtest

// ExplicitLogon is Security event 4648: a process logs on with credentials that
// are not those of its own session.
type ExplicitLogon struct {
	Subject, Target Account // of the target, name and domain
	Server          string  // that is logged on to
	ProcessID       uint64
	ProcessName     string
	IPAddress, Port string
}

// Put implements [Source].
func (p *ExplicitLogon) Put(ev *Event) {
	ev.security(4648, 0, 12544)
	ev.addAccount(subject, &p.Subject)
	ev.add("LogonGuid", GUIDValue(GUID{}))
	ev.add("TargetUserName", String(p.Target.Name))
	ev.add("TargetDomainName", String(p.Target.Domain))
	ev.add("TargetLogonGuid", GUIDValue(GUID{}))
	ev.add("TargetServerName", String(p.Server))
	ev.add("TargetInfo", String(p.Server))
	ev.addPointer("ProcessId", p.ProcessID, Width64)
	ev.add("ProcessName", String(p.ProcessName))
	ev.add("IpAddress", String(orDash(p.IPAddress)))
	ev.add("IpPort", String(orDash(p.Port)))
}

// ConnectionAllowed is Security event 5156 of an outgoing TCP connection.
type ConnectionAllowed struct {
	ProcessID   uint64
	Application string // the image as a path of a device
	SourceIP    string
	SourcePort  string
	DestIP      string
	DestPort    string
}

// Put implements [Source].
func (p *ConnectionAllowed) Put(ev *Event) {
	ev.security(5156, 1, 12810)
	ev.add("ProcessID", Uint64(p.ProcessID))
	ev.add("Application", String(p.Application))
	ev.add("Direction", String("%%14593"))
	ev.add("SourceAddress", String(p.SourceIP))
	ev.add("SourcePort", String(p.SourcePort))
	ev.add("DestAddress", String(p.DestIP))
	ev.add("DestPort", String(p.DestPort))
	ev.add("Protocol", Uint32(6))
	ev.add("FilterRTID", Uint64(0))
	ev.add("LayerName", String("%%14611"))
	ev.add("LayerRTID", Uint64(48))
	ev.add("RemoteUserID", SIDValue(nobody))
	ev.add("RemoteMachineID", SIDValue(nobody))
}

// FileAccessed is Security event 4663 of a file that a process writes.
type FileAccessed struct {
	Subject     Account
	Path        string
	HandleID    uint64
	ProcessID   uint64
	ProcessName string
}

// Put implements [Source].
func (p *FileAccessed) Put(ev *Event) {
	ev.security(4663, 1, 12800)
	ev.addAccount(subject, &p.Subject)
	ev.add("ObjectServer", String("Security"))
	ev.add("ObjectType", String("File"))
	ev.add("ObjectName", String(p.Path))
	ev.addPointer("HandleId", p.HandleID, Width64)
	ev.add("AccessList", String("%%4417\r\n\t\t\t\t"))
	ev.add("AccessMask", Hex32(2))
	ev.addPointer("ProcessId", p.ProcessID, Width64)
	ev.add("ProcessName", String(p.ProcessName))
	ev.add("ResourceAttributes", String("S:AI"))
}

// TaskCreated is Security event 4698. Version 0 ends with the content, version
// 1 names the process that asked for the task.
type TaskCreated struct {
	Version   uint8
	Subject   Account
	Name      string // such as \Updater
	Content   string // XML
	ProcessID uint32
	FQDN      string
}

// Put implements [Source].
func (p *TaskCreated) Put(ev *Event) {
	ev.security(4698, p.Version, 12804)
	ev.addAccount(subject, &p.Subject)
	ev.add("TaskName", String(p.Name))
	ev.add("TaskContent", String(p.Content))
	if p.Version > 0 {
		ev.add("ClientProcessStartKey", Uint64(uint64(p.ProcessID)<<20))
		ev.add("ClientProcessId", Uint32(p.ProcessID))
		ev.add("ParentProcessId", Uint32(0))
		ev.add("RpcCallClientLocality", Uint32(0))
		ev.add("FQDN", String(p.FQDN))
	}
}

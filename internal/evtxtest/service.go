package evtxtest

// ServiceInstalled is Service Control Manager event 7045. The provider says in
// Security/@UserID who installed the service.
type ServiceInstalled struct {
	User             SID
	Name, Path       string
	StartType, Runas string // such as "auto start" and "LocalSystem"
}

// Put implements [Source].
func (p *ServiceInstalled) Put(ev *Event) {
	ev.system(servicesProvider, systemChannel, 7045, 0, 4, 0, 0x8080000000000000)
	ev.UserID = p.User
	ev.Shape = ShapeProvider
	ev.Qualifiers, ev.HasQualifiers = qualifiersServices, true
	ev.add("ServiceName", String(p.Name))
	ev.add("ImagePath", String(p.Path))
	ev.add("ServiceType", String("user mode service"))
	ev.add("StartType", String(p.StartType))
	ev.add("AccountName", String(p.Runas))
}

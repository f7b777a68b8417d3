package evtxtest

// SysmonImageLoad is Sysmon event 7.
type SysmonImageLoad struct {
	Schema                                                       SysmonSchema
	RuleName                                                     string
	UtcTime                                                      FileTime
	ProcessGUID                                                  GUID
	ProcessID                                                    uint32
	Image, ImageLoaded                                           string
	FileVersion, Description, Product, Company, OriginalFileName string
	Hashes                                                       string
	Signed                                                       bool
	Signature, SignatureStatus                                   string
	User                                                         string
}

// Put implements [Source].
func (p *SysmonImageLoad) Put(ev *Event) {
	s := p.Schema.orDefault().noSequence()
	ev.sysmon(7, 3)
	ev.sysmonSubject(s, p.RuleName, 0, p.UtcTime)
	ev.add("ProcessGuid", GUIDValue(p.ProcessGUID))
	ev.add("ProcessId", Uint32(p.ProcessID))
	ev.add("Image", String(p.Image))
	ev.add("ImageLoaded", String(p.ImageLoaded))
	if s >= Sysmon20 {
		ev.add("FileVersion", String(p.FileVersion))
		ev.add("Description", String(p.Description))
		ev.add("Product", String(p.Product))
		ev.add("Company", String(p.Company))
	}
	if s >= Sysmon22 {
		ev.add("OriginalFileName", String(p.OriginalFileName))
	}
	ev.add("Hashes", String(p.Hashes))
	signed := "false"
	if p.Signed {
		signed = "true"
	}
	ev.add("Signed", String(signed))
	ev.add("Signature", String(p.Signature))
	ev.add("SignatureStatus", String(p.SignatureStatus))
	if s >= Sysmon23 {
		ev.add("User", String(p.User))
	}
	ev.define(sysmonDefinitions)
}

// SysmonFileCreate is Sysmon event 11.
type SysmonFileCreate struct {
	Schema                SysmonSchema
	RuleName              string
	UtcTime               FileTime
	ProcessGUID           GUID
	ProcessID             uint32
	Image, TargetFilename string
	CreationUtcTime       FileTime // 0 means the time of the event
	User                  string
}

// Put implements [Source].
func (p *SysmonFileCreate) Put(ev *Event) {
	s := p.Schema.orDefault().noSequence()
	ev.sysmon(11, 2)
	ev.sysmonSubject(s, p.RuleName, 0, p.UtcTime)
	ev.add("ProcessGuid", GUIDValue(p.ProcessGUID))
	ev.add("ProcessId", Uint32(p.ProcessID))
	ev.add("Image", String(p.Image))
	ev.add("TargetFilename", String(p.TargetFilename))
	ev.addUTC("CreationUtcTime", p.CreationUtcTime)
	if s >= Sysmon23 {
		ev.add("User", String(p.User))
	}
	ev.define(sysmonDefinitions)
}

// SysmonRegistrySet is Sysmon event 13.
type SysmonRegistrySet struct {
	Schema                       SysmonSchema
	RuleName                     string
	UtcTime                      FileTime
	ProcessGUID                  GUID
	ProcessID                    uint32
	Image, TargetObject, Details string
	User                         string
}

// Put implements [Source].
func (p *SysmonRegistrySet) Put(ev *Event) {
	s := p.Schema.orDefault().noSequence()
	ev.sysmon(13, 2)
	if s >= Sysmon21 {
		ev.add("RuleName", String(p.RuleName))
	}
	ev.add("EventType", String("SetValue"))
	ev.addUTC("UtcTime", p.UtcTime)
	ev.add("ProcessGuid", GUIDValue(p.ProcessGUID))
	ev.add("ProcessId", Uint32(p.ProcessID))
	ev.add("Image", String(p.Image))
	ev.add("TargetObject", String(p.TargetObject))
	ev.add("Details", String(p.Details))
	if s >= Sysmon23 {
		ev.add("User", String(p.User))
	}
	ev.define(sysmonDefinitions)
}

// SysmonServiceState is Sysmon event 4: the service was started or stopped.
type SysmonServiceState struct {
	UtcTime                       FileTime
	State, Version, SchemaVersion string // "Started" or "Stopped"; the product's and the schema's version
}

// Put implements [Source].
func (p *SysmonServiceState) Put(ev *Event) {
	ev.sysmon(4, 3)
	ev.addUTC("UtcTime", p.UtcTime)
	ev.add("State", String(p.State))
	ev.add("Version", String(p.Version))
	ev.add("SchemaVersion", String(p.SchemaVersion))
	ev.define(sysmonDefinitions)
}

// SysmonConfigChange is Sysmon event 16.
type SysmonConfigChange struct {
	UtcTime                              FileTime
	Configuration, ConfigurationFileHash string
}

// Put implements [Source].
func (p *SysmonConfigChange) Put(ev *Event) {
	ev.sysmon(16, 3)
	ev.addUTC("UtcTime", p.UtcTime)
	ev.add("Configuration", String(p.Configuration))
	ev.add("ConfigurationFileHash", String(p.ConfigurationFileHash))
	ev.define(sysmonDefinitions)
}

// SysmonError is Sysmon event 255.
type SysmonError struct {
	UtcTime         FileTime
	ID, Description string
}

// Put implements [Source].
func (p *SysmonError) Put(ev *Event) {
	ev.sysmon(255, 3)
	ev.Level = 2
	ev.addUTC("UtcTime", p.UtcTime)
	ev.add("ID", String(p.ID))
	ev.add("Description", String(p.Description))
}

// SysmonDNSQuery is Sysmon event 22.
type SysmonDNSQuery struct {
	Schema        SysmonSchema
	RuleName      string
	UtcTime       FileTime
	ProcessGUID   GUID
	ProcessID     uint32
	Name, Results string
	Image, User   string
}

// Put implements [Source].
func (p *SysmonDNSQuery) Put(ev *Event) {
	s := p.Schema.orDefault().noSequence()
	ev.sysmon(22, 5)
	ev.sysmonSubject(s, p.RuleName, 0, p.UtcTime)
	ev.add("ProcessGuid", GUIDValue(p.ProcessGUID))
	ev.add("ProcessId", Uint32(p.ProcessID))
	ev.add("QueryName", String(p.Name))
	ev.add("QueryStatus", String("0"))
	ev.add("QueryResults", String(p.Results))
	ev.add("Image", String(p.Image))
	if s >= Sysmon23 {
		ev.add("User", String(p.User))
	}
}

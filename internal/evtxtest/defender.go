package evtxtest

const defenderChannel = "Microsoft-Windows-Windows Defender/Operational"

var defenderProvider = Provider{
	Name: "Microsoft-Windows-Windows Defender", GUID: MustGUID("11CD958A-C507-4EF3-B3F2-5FD9DFBD2C78"),
}

// ThreatDetected is event 1116 of Windows Defender.
type ThreatDetected struct {
	DetectionID         GUID
	Threat, Category    string
	Path                string // such as file:_C:\...
	Process             string // image that the file was met through
	User                string
	Product, Signatures string // versions
}

// Put implements [Source].
func (p *ThreatDetected) Put(ev *Event) {
	ev.system(defenderProvider, defenderChannel, 1116, 0, 3, 0, keywordsNone)
	ev.UserID = localSystem
	for _, f := range [...][2]string{
		{"Product Name", "Microsoft Defender Antivirus"},
		{"Product Version", p.Product},
		{"Detection ID", p.DetectionID.String()},
		{"Detection Time", ev.Time.Time().Format("2006-01-02T15:04:05.000Z")},
		{"Unused", ""},
		{"Unused2", ""},
		{"Threat ID", "2147735505"},
		{"Threat Name", p.Threat},
		{"Severity ID", "5"},
		{"Severity Name", "Severe"},
		{"Category ID", "6"},
		{"Category Name", p.Category},
		{"FWLink", ""},
		{"Status Code", "1"},
		{"Status Description", ""},
		{"State", "1"},
		{"Source ID", "3"},
		{"Source Name", "Real-Time Protection"},
		{"Process Name", p.Process},
		{"Detection User", p.User},
		{"Unused3", ""},
		{"Path", p.Path},
		{"Origin ID", "1"},
		{"Origin Name", "Local machine"},
		{"Execution ID", "1"},
		{"Execution Name", "Suspended"},
		{"Type ID", "0"},
		{"Type Name", "Concrete"},
		{"Pre Execution Status", "0"},
		{"Action ID", "9"},
		{"Action Name", "Not Applicable"},
		{"Unused4", ""},
		{"Error Code", "0x00000000"},
		{"Error Description", "The operation completed successfully. "},
		{"Unused5", ""},
		{"Post Clean Status", "0"},
		{"Additional Actions ID", "0"},
		{"Additional Actions String", "No additional actions required"},
		{"Remediation User", ""},
		{"Unused6", ""},
		{"Security intelligence Version", p.Signatures},
		{"Engine Version", "AM: 1.1.24010.10, NIS: 1.1.24010.10"},
	} {
		ev.add(f[0], String(f[1]))
	}
}

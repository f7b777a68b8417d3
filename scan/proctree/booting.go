package proctree

import (
	"strings"

	"webshellscan/scan/event"
)

// localSystem is the logon ID of SYSTEM, and of all that runs before anybody
// can log on (Microsoft, [MS-DTYP] 2.4.2.4, S-1-5-18).
const localSystem = 0x3e7

// bootImages are the programs that Windows starts before its logon service
// runs. Their starts are logged even where process creations are not audited:
// until that service runs there is no policy, and no name for who started them.
var bootImages = map[string]bool{
	"registry": true, "secure system": true, "smss.exe": true, "autochk.exe": true, "setupcl.exe": true, "csrss.exe": true,
	"wininit.exe": true, "winlogon.exe": true, "services.exe": true, "lsass.exe": true, "lsaiso.exe": true, "lsm.exe": true,
}

// isBooting reports whether a 4688 is one of those that Windows writes while it
// starts: its subject is SYSTEM, without a name, and the program one of those,
// or started by one of those that start the others.
func isBooting(ev *event.Event) bool {
	if !isUnknown(ev.Value(event.SubjectUserName)) {
		return false
	}
	if logon, ok := ev.Value(event.SubjectLogonID).Uint(); !ok || logon != localSystem {
		return false
	}
	switch parent := ev.Value(event.ParentProcessName); strings.ToLower(BaseName(parent.String())) {
	case "smss.exe", "wininit.exe":
		return true
	case "system":
	default:
		if !isUnknown(parent) {
			return false
		}
	}
	return bootImages[strings.ToLower(BaseName(ev.Value(event.NewProcessName).String()))]
}

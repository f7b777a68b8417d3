package proctree

import (
	"strconv"

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
// starts: its subject is SYSTEM, without a name, and the program startsWindows.
func isBooting(ev *event.Event) bool {
	if !isUnknown(ev.Value(event.SubjectUserName)) {
		return false
	}
	if logon, ok := ev.Value(event.SubjectLogonID).Uint(); !ok || logon != localSystem {
		return false
	}
	return startsWindows(ev.Value(event.ParentProcessName).String(), ev.Value(event.NewProcessName).String())
}

// Booting is isBooting of a record.
func (r Record) Booting() bool {
	texts := r.forest.texts
	if r.record.source != sourceSecurity || texts.Known(r.Field(event.SubjectUserName)) {
		return false
	}
	if logon, err := strconv.ParseUint(texts.Text(r.Field(event.SubjectLogonID)), 0, 64); err != nil || logon != localSystem {
		return false
	}
	return startsWindows(texts.Text(r.Field(event.ParentProcessName)), texts.Text(r.Field(event.NewProcessName)))
}

// startsWindows reports whether what SYSTEM started is one of the boot images,
// or was started by one of those that start the others.
func startsWindows(parent, image string) bool {
	switch BaseName(parent) {
	case "smss.exe", "wininit.exe":
		return true
	case "system":
	default:
		if IsKnown(parent) {
			return false
		}
	}
	return bootImages[BaseName(image)]
}

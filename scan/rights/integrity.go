package rights

import (
	"strconv"
	"strings"
)

// integrityLevels are the levels of integrity as Sysmon names them, by the last
// part of their SID, which orders them ([MS-DTYP] 2.4.2.4).
var integrityLevels = []struct {
	name string
	rank int
}{
	{"Untrusted", 0}, {"Low", 0x1000}, {"Medium", 0x2000}, {"MediumPlus", 0x2100}, {"High", 0x3000}, {"System", 0x4000}, {"Protected", 0x5000},
}

// integrityRank orders integrity levels, which are names or SIDs; 0 is an
// unknown one.
func integrityRank(level string) int {
	if last, ok := strings.CutPrefix(level, "S-1-16-"); ok {
		if n, err := strconv.ParseUint(last, 10, 16); err == nil {
			return int(n) + 1
		}
	}
	for _, l := range integrityLevels {
		if strings.EqualFold(level, l.name) {
			return l.rank + 1
		}
	}
	return 0
}

// integrityName returns the name of an integrity level that may be a SID.
func integrityName(level string) string {
	for _, l := range integrityLevels {
		if l.rank+1 == integrityRank(level) {
			return l.name
		}
	}
	return level
}

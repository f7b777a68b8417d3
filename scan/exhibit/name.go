package exhibit

import (
	"fmt"
	"slices"
	"strings"

	"webshellscan/internal/outdir"
)

// names are the names that were given out, by folder and the name in lower
// case: to systems that ignore case, they are different too. Each has the
// number that stands behind it when it is asked for again.
type names map[[2]string]int

// devices are names that Windows takes for devices, whatever their endings.
var devices = strings.Fields("con prn aux nul conin$ conout$ com0 com1 com2 com3 com4 com5 com6 com7 com8 com9 lpt0 lpt1 lpt2 lpt3 lpt4 lpt5 lpt6 lpt7 lpt8 lpt9")

// reserve returns a free name in a folder, with its ending: the one that is
// asked for, with a number behind it where that is in use.
func (m names) reserve(folder, base, ending string) string {
	asked := nameKey(folder, base+ending)
	if m[asked] == 0 {
		m[asked] = 2
		return base + ending
	}
	for {
		name := fmt.Sprintf("%s-%d%s", base, m[asked], ending)
		m[asked]++
		if key := nameKey(folder, name); m[key] == 0 {
			m[key] = 2
			return name
		}
	}
}

func nameKey(folder, name string) [2]string { return [2]string{folder, strings.ToLower(name)} }

// safe returns a text with what may harm a file system as _, and with / as %4,
// as Windows names the logs of channels.
func safe(called string) string {
	const longest = 80
	name := outdir.Harmless(strings.ReplaceAll(called, "/", "%4"))
	if len(name) > longest {
		name = name[:longest]
	}
	name = strings.TrimRight(name, ".")
	first, _, _ := strings.Cut(strings.ToLower(name), ".")
	if name == "" || name[0] == '.' || name[0] == '-' || slices.Contains(devices, first) {
		name = "_" + name
	}
	return name
}

package rules_test

import (
	"testing"

	"webshellscan/rules"
)

func TestHasTag(t *testing.T) {
	r := &rules.Rule{Tags: []string{
		"attack.t1505.003", "attack.T1033", "attack.defense_evasion", "attack.command-and-control", "car.2021-02-001", "cve.2021.44228", "cve.2023-1234", "stray",
	}}
	for wanted, want := range map[string]bool{
		"attack.t1505.003": true, "t1505.003": true, "T1505.003": true, "Attack.T1505.003": true, "T1505": true, "attack.t1505": true,
		"t1033": true, "attack.t1033": true, "defense-evasion": true, "attack.defense-evasion": true, "Command_And_Control": true,
		"CAR-2021-02-001": true, "car.2021-02-001": true, "CVE-2021-44228": true, "cve.2021-44228": true, "cve.2023.1234": true, "CVE-2023": true,
		"attack": true, "cve": true, "stray": true, " T1033 ": true,
		"t1505.00": false, "t150": false, "003": false, "t1505.003.001": false, "": false, "attack.": false, ".": false, "attack.defense": false, "tray": false,
		"CVE-2021-4": false, "car-2021-02-00": false,
	} {
		if got := r.HasTag(wanted); got != want {
			t.Errorf("HasTag(%q) = %v", wanted, got)
		}
	}
}

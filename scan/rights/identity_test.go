package rights

import (
	"testing"

	"webshellscan/scan/proctree"
)

// TestIsMachine: the account of a computer bears its short name with a dollar
// sign.
func TestIsMachine(t *testing.T) {
	host := &proctree.Host{Names: []string{"WEB01", "web01.corp.example"}}
	for user, want := range map[string]bool{
		"WEB01$": true, `CORP\web01$`: true, "WEB01": false, `WEB01\WEB01`: false, "DB01$": false, "web01.corp.example$": false, "$": false, "": false,
	} {
		if got := isMachine(user, host); got != want {
			t.Errorf("%q: %v", user, got)
		}
	}
}

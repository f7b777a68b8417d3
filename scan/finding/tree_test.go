package finding_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"webshellscan/scan/finding"
)

// TestContextIsSaid: docs/OUTPUT.md says how much of a session's tree lies on
// no way to a finding.
func TestContextIsSaid(t *testing.T) {
	page, err := os.ReadFile("../../docs/OUTPUT.md")
	if err != nil {
		t.Fatal(err)
	}
	if said := fmt.Sprintf("at most %d in a session", finding.MaxContext); !strings.Contains(string(page), said) {
		t.Errorf("docs/OUTPUT.md does not say %q", said)
	}
}

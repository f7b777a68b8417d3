package finding_test

import (
	"testing"

	"webshellscan/scan/finding"
)

// TestAccount: an account is one, however its domain is written.
func TestAccount(t *testing.T) {
	for user, want := range map[string]string{
		`CORP\svc_web`:          "svc_web",
		`corp.example\svc_web`:  "svc_web",
		"svc_web@corp.example":  "svc_web",
		"svc_web":               "svc_web",
		`IIS APPPOOL\shop@home`: "shop@home",
		"":                      "",
	} {
		if got := finding.Account(user); got != want {
			t.Errorf("%q: %q, want %q", user, got, want)
		}
	}
}

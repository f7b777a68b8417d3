package event

import "testing"

// TestVirtualAccounts has accounts as logs of several languages name them.
func TestVirtualAccounts(t *testing.T) {
	for _, c := range []struct {
		account       string
		virtual, pool bool
		name          string
	}{
		{`IIS APPPOOL\shop`, true, true, "shop"},
		{`iis apppool\DefaultAppPool`, true, true, "DefaultAppPool"},
		{"S-1-5-82-3006700770-424185619-1745488364-794895919-4004696415", true, true, ""},
		{"s-1-5-82-1", true, true, ""},
		{`NT SERVICE\MSSQLSERVER`, true, false, ""},
		{"S-1-5-80-3880718306-3832830129-1677859214-2598158968-1052248003", true, false, ""},
		{`IIS APPPOOL\`, false, false, ""},
		{`IIS APPPOOL`, false, false, ""},
		{"S-1-5-82-", false, false, ""},
		{"S-1-5-8", false, false, ""},
		{`NT-AUTORITÄT\SYSTEM`, false, false, ""},
		{`SHOP\IIS APPPOOL`, false, false, ""},
		{"", false, false, ""},
	} {
		if got := IsVirtualAccount(c.account); got != c.virtual {
			t.Errorf("IsVirtualAccount(%q) = %v, want %v", c.account, got, c.virtual)
		}
		if got := IsPoolIdentity(c.account); got != c.pool {
			t.Errorf("IsPoolIdentity(%q) = %v, want %v", c.account, got, c.pool)
		}
		if got := PoolOf(c.account); got != c.name {
			t.Errorf("PoolOf(%q) = %q, want %q", c.account, got, c.name)
		}
	}
}

func TestPoolSID(t *testing.T) {
	// The identity of DefaultAppPool as every Windows Server has it.
	const want = "S-1-5-82-3006700770-424185619-1745488364-794895919-4004696415"
	for _, name := range []string{"DefaultAppPool", "defaultapppool"} {
		if got := PoolSID(name); got != want {
			t.Errorf("PoolSID(%q) = %s, want %s", name, got, want)
		}
	}
}

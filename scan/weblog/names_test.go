package weblog_test

import (
	"testing"

	"webshellscan/scan/weblog"
)

// TestMayBe: which files of a volume are looked at, by their names and then by
// their paths.
func TestMayBe(t *testing.T) {
	for file, want := range map[string]bool{
		"inetpub/logs/logfiles/w3svc1/u_ex260302.log": true, "x/u_ex260302_x.log": true, "x/u_nc240311.log.gz": true, "x/ex240311.log": true,
		"x/httperr1.log": true, "x/access_log": true, "x/error.log.1": true, "x/site-access.log-20260301.gz": true, "x/localhost_access_log.2024-03-11.txt": true,
		"x/logs/whatever.log": true, "x/log/y/whatever.txt": true, "w3svc2/my.log.3": true, "exchange/logging/httpproxy/owa/x.log": true,
		"x/logs/whatever.dll": false, "x/whatever.log": false, "x/notes.txt": false, "logs": false, "x/catalogs/y.log": false, "x/accessible.dat": false,
	} {
		name := file
		for i := range len(file) {
			if file[i] == '/' {
				name = file[i+1:]
			}
		}
		if got := weblog.MayBeName(name) && weblog.MayBePath(file); got != want {
			t.Errorf("%s: %v, want %v", file, got, want)
		}
	}
}

// TestSites: the number of a site, by the folder of a log and as lines name it.
func TestSites(t *testing.T) {
	for file, want := range map[string]string{"a/W3SVC2/x.log": "2", "w3svc14/x.log": "14", "a/W3SVC/x.log": "", "a/W3SVCx/x.log": "", "W3SVC2/a/x.log": "", "x.log": ""} {
		if got := weblog.SiteOf(file); got != want {
			t.Errorf("%s: %q, want %q", file, got, want)
		}
	}
	sites := map[string]*weblog.Site{"3": {ID: "3", Name: "Shop"}}
	for name, want := range map[string]string{"W3SVC2": "2", "w3svc2": "2", "7": "7", "shop": "3", "W3SVC": "", "other": "", "": ""} {
		if got := weblog.SiteNumber(name, sites); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

// TestOfIIS: whether IIS wrote a log, by its format and by which server its
// path or its host says.
func TestOfIIS(t *testing.T) {
	for _, tt := range []struct {
		format weblog.Format
		by     weblog.Server
		want   bool
	}{
		{weblog.W3C, weblog.ServerUnknown, true},
		{weblog.W3C, weblog.ServerIIS, true},
		{weblog.W3C, weblog.ServerTomcat, false},
		{weblog.W3C, weblog.ServerTomcat10, false},
		{weblog.IIS, weblog.ServerUnknown, true},
		{weblog.Exchange, weblog.ServerUnknown, true},
		{weblog.NCSA, weblog.ServerUnknown, false},
		{weblog.NCSA, weblog.ServerApache, false},
		{weblog.NCSA, weblog.ServerIIS, true},
		{weblog.None, weblog.ServerUnknown, false},
	} {
		if got := tt.format.OfIIS(tt.by); got != tt.want {
			t.Errorf("%s by %d: %v", tt.format, tt.by, got)
		}
	}
}

// TestServerOfProgram: the servers whose logs differ, by the name of a program.
func TestServerOfProgram(t *testing.T) {
	for file, want := range map[string]weblog.Server{
		"w3wp.exe": weblog.ServerUnknown, "httpd.exe": weblog.ServerApache, "Apache.exe": weblog.ServerApache, "httpd": weblog.ServerApache, "nginx.exe": weblog.ServerNginx,
		"java.exe": weblog.ServerTomcat, "javaw.exe": weblog.ServerTomcat, "tomcat9.exe": weblog.ServerTomcat, "tomcat10.exe": weblog.ServerTomcat10,
		"php-cgi.exe": weblog.ServerUnknown, "": weblog.ServerUnknown,
	} {
		if got := weblog.ServerOfProgram(file); got != want {
			t.Errorf("%q: %d, want %d", file, got, want)
		}
	}
}

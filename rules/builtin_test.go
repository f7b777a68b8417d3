package rules_test

import (
	"encoding/json"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"webshellscan/rules"
	"webshellscan/rules/builtin"
)

// builtinSets returns the sets of the built-in rules that classify and of those
// that give findings.
func builtinSets(t testing.TB) (servers, findings *rules.Set) {
	t.Helper()
	list, err := builtin.Rules()
	if err != nil {
		t.Fatal(err)
	}
	with, _ := builtin.SplitServers(list)
	return mustCompile(t, with, rules.Options{}), mustCompile(t, findingRules(t), rules.Options{})
}

// splitTechniques splits rules into those of techniques, with the filters that
// tune them, and the others.
func splitTechniques(list []*rules.Rule) (techniques, others []*rules.Rule) {
	techniques, others = builtin.SplitRole(list, builtin.RoleTechnique)
	others = slices.DeleteFunc(others, func(r *rules.Rule) bool {
		is := r.Filter != nil && slices.ContainsFunc(techniques, func(technique *rules.Rule) bool { return technique.Goes(r.Filter.Rules[0]) })
		if is {
			techniques = append(techniques, r)
		}
		return is
	})
	return techniques, others
}

// names returns the names of the rules of a set that match an event, in
// alphabetical order.
func names(set *rules.Set, ev event) []string {
	got := labels(set, set.NewMatcher().Match(nil, newSubject(set, newTexts(), ev)))
	slices.Sort(got)
	return got
}

func TestBuiltinIsComplete(t *testing.T) {
	list, err := builtin.Rules()
	if err != nil {
		t.Fatal(err)
	}
	uuid := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[45][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	name := regexp.MustCompile(`^[a-z0-9_]+$`)
	tag := regexp.MustCompile(`^[a-z0-9_-]+\.[a-z0-9._-]+$`) // json-schema/sigma-detection-rule-schema.json
	seen := make(map[string]bool)
	var findings []string
	for _, r := range list {
		if len(r.Warnings) > 0 || r.Description == "" || r.Status == "" || r.Date == "" || r.Level == rules.LevelNone && r.Filter == nil || !name.MatchString(r.Name) || !uuid.MatchString(r.ID) {
			t.Errorf("%s: %s: warnings %v, or an attribute is missing or malformed", r.File, r.Name, r.Warnings)
		}
		if seen[r.ID] || seen[r.Name] {
			t.Errorf("%s: name or ID used twice", r.Name)
		}
		seen[r.ID], seen[r.Name] = true, true
		if builtin.IdentifiesServer(r) || r.Role == builtin.RoleWebApplication {
			if r.Custom["product"] == "" {
				t.Errorf("%s: no product", r.Name)
			}
			continue
		}
		if slices.Contains([]string{builtin.RoleRaise, builtin.RoleLower, builtin.RoleRaiseSession}, r.Role) {
			if builtin.Why(r) == "" || len(r.References) == 0 {
				t.Errorf("%s: no reason, or no source", r.Name)
			}
			continue
		}
		if r.Filter != nil || r.Role == builtin.RoleTechnique || r.Role == builtin.RoleTrace {
			checkSources(t, r)
			continue
		}
		findings = append(findings, r.Name)
		if len(r.Tags) == 0 || len(r.References) == 0 || r.File != path.Join("builtin", r.Name+".yml") || len(r.FalsePositives) == 0 {
			t.Errorf("%s: tags, file or false positives", r.Name)
		}
		for _, s := range r.Tags {
			if !tag.MatchString(s) {
				t.Errorf("%s: tag %s", r.Name, s)
			}
		}
	}
	want := []string{
		"car_2021_02_001_webshell_process_tree",
		"event_audited_script_written_below_web_root", "event_audited_script_written_by_server",
		"event_connection_of_application_pool", "event_defender_web_server", "event_defender_web_shell",
		"event_error_below_upload_folder", "event_exchange_script_in_url", "event_exchange_writes_script",
		"event_made_by_application_pool", "event_powershell_in_web_server", "event_powershell_of_application_pool",
		"event_script_written_below_web_root", "event_script_written_by_server", "event_service_by_application_pool",
		"event_view_state_check_failed",
		"other_server_agent_program", "other_server_between", "other_server_enumeration",
		"other_server_loader", "other_server_misplaced_program", "other_server_renamed_program", "other_server_shell", "other_server_tool", "other_server_unknown_program",
		"other_server_writable_folder", "shells_spawned_by_web_servers", "web_server_descendant_account_jump", "web_server_descendant_between",
		"web_server_descendant_compiler", "web_server_descendant_enumeration", "web_server_descendant_interpreter", "web_server_descendant_loader",
		"web_server_descendant_misplaced_program", "web_server_descendant_other_user", "web_server_descendant_renamed_program", "web_server_descendant_shell", "web_server_descendant_tool",
		"web_server_descendant_unknown_program", "web_server_descendant_web_root", "web_server_descendant_writable_folder",
	}
	if diff := cmp.Diff(want, findings); diff != "" {
		t.Error(diff)
	}
}

// checkSources reports a filter without the public sources of what it knows,
// and a rule of the role technique that names none.
func checkSources(t *testing.T, r *rules.Rule) {
	t.Helper()
	switch {
	case r.Filter != nil && (len(r.References) == 0 || len(r.Filter.Rules) == 0):
		t.Errorf("%s: a filter without sources, or for all rules", r.Name)
	case r.Role == builtin.RoleTechnique && !slices.ContainsFunc(r.Tags, func(tag string) bool { return strings.HasPrefix(tag, "attack.t") }):
		t.Errorf("%s: no technique", r.Name)
	}
}

func TestBuiltinDirectChildren(t *testing.T) {
	_, findings := builtinSets(t)
	const s, c = "shells_spawned_by_web_servers", "car_2021_02_001_webshell_process_tree"
	for _, test := range []struct {
		parent, image string
		want          []string
	}{
		{`C:\Windows\System32\inetsrv\w3wp.exe`, `C:\Windows\System32\cmd.exe`, []string{c, s}},
		{`C:\WINDOWS\SYSTEM32\INETSRV\W3WP.EXE`, `C:\Windows\System32\WindowsPowerShell\v1.0\POWERSHELL.EXE`, []string{c, s}},
		{`C:\Apache24\bin\httpd.exe`, `C:\Program Files\Git\bin\bash.exe`, []string{s}},
		{`C:\nginx\nginx.exe`, `C:\msys\sh.exe`, []string{s}},
		{`C:\php\php-cgi.exe`, `C:\Windows\System32\cmd.exe`, []string{s}},
		{`C:\php\php-cgi.exe`, `C:\Windows\System32\whoami.exe`, []string{}},
		{`C:\Apache24\bin\httpd.exe`, `C:\Windows\System32\whoami.exe`, []string{c}},
		{`C:\Tomcat\bin\Tomcat9.exe`, `C:\Windows\System32\cmd.exe`, []string{c}},
		{`C:\Tomcat\bin\tomcat.exe`, `C:\Windows\System32\net.exe`, []string{c}},
		{`C:\Tomcat\bin\TOMCAT10.EXE`, `C:\Windows\System32\HOSTNAME.EXE`, []string{c}},
		{`tomcat9.exe`, `systeminfo.exe`, []string{c}},
		{`w3wp.exe`, `ipconfig.exe`, []string{c}},
		{`C:\tomcat9\bin\other.exe`, `C:\Windows\System32\cmd.exe`, []string{}},
		{`C:\tomcat\tomcat.exe\other.exe`, `C:\Windows\System32\cmd.exe`, []string{}},
		{`C:\x\mytomcat9.exe`, `C:\Windows\System32\cmd.exe`, []string{}},
		{`C:\x\tomcat9.exe.bak`, `C:\Windows\System32\cmd.exe`, []string{}},
		{`C:\x\notw3wp.exe`, `C:\Windows\System32\cmd.exe`, []string{}},
		{`C:\Windows\System32\inetsrv\w3wp.exe`, `C:\Windows\System32\net1.exe`, []string{}},
		{`C:\Windows\System32\inetsrv\w3wp.exe`, `C:\x\mycmd.exe`, []string{}},
		{`C:\Windows\System32\inetsrv\w3wp.exe`, `C:\Windows\Temp\сmd.exe`, []string{}}, // a Cyrillic letter
	} {
		if diff := cmp.Diff(test.want, names(findings, e("ParentImage", test.parent, "Image", test.image))); diff != "" {
			t.Errorf("%s > %s: %s", test.parent, test.image, diff)
		}
	}
}

func TestBuiltinDescendants(t *testing.T) {
	_, findings := builtinSets(t)
	const shell, enumeration, tool = "web_server_descendant_shell", "web_server_descendant_enumeration", "web_server_descendant_tool"
	for _, test := range []struct {
		image, original, command string
		want                     []string
	}{
		{`C:\Windows\System32\cmd.exe`, "", "cmd /c whoami", []string{shell}},
		{`CMD.EXE`, "", "", []string{shell}},
		{`C:\Windows\Temp\svc.exe`, "Cmd.Exe", "svc /c dir", []string{shell}},
		{`C:\Windows\System32\whoami.exe`, "whoami.exe", "whoami", []string{enumeration}},
		{`C:\Windows\System32\certutil.exe`, "", "certutil -urlcache -f http://x/y z", []string{tool}},
		{`C:\Windows\System32\rundll32.exe`, "", `rundll32 C:\windows\System32\comsvcs.dll, MiniDump 1 x full`, []string{shell, tool}},
		{`C:\Windows\System32\rundll32.exe`, "", `rundll32 shell32.dll,Control_RunDLL`, []string{shell}},
		{`C:\Windows\System32\cmd.exe`, "", "cmd.exe /c mode CON", []string{}},
		{`C:\Windows\System32\cmd.exe`, "", `"C:\Windows\system32\cmd.exe" /s /c "mode CON"`, []string{}},
		{`C:\Windows\System32\cmd.exe`, "", `cmd /c mode CON & whoami`, []string{shell}},
		{`C:\Windows\System32\cmd.exe`, "", `cmd /c "mode CON&whoami"`, []string{shell}},
		{`C:\Windows\System32\cmd.exe`, "", `cmd /c stty`, []string{}},
		{`C:\Windows\System32\cmd.exe`, "", `cmd /c tput colors`, []string{}},
		{`C:\Windows\System32\powershell.exe`, "", `mode CON`, []string{shell}},
		{`C:\Windows\Microsoft.NET\csc.exe`, "csc.exe", "csc /t:library", []string{}},
		{`C:\Windows\System32\conhost.exe`, "", "", []string{}},
		{`C:\x\p.exe`, "", "p.exe cmd.exe", []string{}},
	} {
		ev := e("Image", test.image, "CommandLine", test.command)
		if test.original != "" {
			ev["OriginalFileName"] = []string{test.original}
		}
		if got := names(findings, ev); len(got) > 0 {
			t.Errorf("%s without a web server above: %v", test.image, got)
		}
		ev["WorkerImage"] = []string{`C:\nginx\nginx.exe`}
		if diff := cmp.Diff(test.want, names(findings, ev)); diff != "" {
			t.Errorf("%s %s: %s", test.image, test.command, diff)
		}
	}
}

func TestBuiltinWebServers(t *testing.T) {
	servers := namedServers(t)
	for _, test := range []struct {
		image, command, directory string
		want                      []string
	}{
		{`C:\Windows\System32\inetsrv\w3wp.exe`, "", "", []string{"web_server_iis"}},
		{`c:\windows\system32\inetsrv\W3WP.EXE`, "", "", []string{"web_server_iis"}},
		{`C:\x\Tomcat9.exe`, "", "", []string{"web_server_tomcat"}},
		{`C:\tomcat\other.exe`, "", "", []string{}},
		{`C:\jdk\bin\java.exe`, `java -Dcatalina.home=C:\t org.apache.catalina.startup.Bootstrap`, "", []string{"web_server_tomcat_java"}},
		{`C:\apache-tomcat-9\jre\bin\java.exe`, "", "", []string{"web_server_tomcat_java"}},
		{`C:\Program Files\Java\jdk\bin\java.exe`, `java.exe -jar C:\ci\agent.jar -url https://ci`, "", []string{}},
		{`C:\Program Files\nodejs\node.exe`, `node C:\tools\lint.mjs --fix`, "", []string{}},
		{`C:\Program Files\nodejs\node.exe`, `"C:\Program Files\nodejs\node.exe" "D:\web\node_modules\next\dist\bin\next" start -p 3000`, "", []string{"web_server_nextjs"}},
		{`C:\Program Files\nodejs\node.exe`, `node "D:\web\node_modules\next\dist\bin\next" build`, "", []string{}},
		{`C:\Ruby\bin\ruby.exe`, "ruby report.rb", "", []string{}},
		{`C:\Ruby\bin\ruby.exe`, `ruby C:\Aspera\Faspex\x.rb`, "", []string{"web_server_aspera_faspex"}},
		{`C:\Python312\python.exe`, `python.exe C:\jobs\etl.py`, "", []string{}},
		{`C:\Program Files\Atlassian\Confluence\jre\bin\java.exe`, "", "", []string{"web_server_confluence"}},
		{`C:\Program Files\ManageEngine\ServiceDesk\jre\bin\java.exe`, "", "", []string{"web_server_manageengine", "web_server_servicedesk"}},
		{`C:\TeamCity\buildAgent\jre\bin\java.exe`, "", "", []string{}},
		{`C:\TeamCity\jre\bin\java.exe`, "", "", []string{"web_server_teamcity"}},
		{`C:\sap\jstart.exe`, "", `D:\usr\sap\J00\j2ee\cluster\server0`, []string{"web_server_sap_netweaver"}},
		{`C:\Program Files\Microsoft SQL Server\MSSQL\Binn\sqlservr.exe`, "", "", []string{"other_server_sql_server"}},
		{`C:\Windows\System32\dns.exe`, "", "", []string{"other_server_dns"}},
		{`C:\Windows\System32\spoolsv.exe`, "", "", []string{}},
		{`C:\Windows\System32\mqsvc.exe`, "", "", []string{"other_server_message_queuing"}},
		{`C:\Windows\System32\cmd.exe`, `cmd /c start C:\nginx\nginx.exe -Dcatalina.home=x`, "", []string{}},
	} {
		if diff := cmp.Diff(test.want, names(servers, e("Image", test.image, "CommandLine", test.command, "CurrentDirectory", test.directory))); diff != "" {
			t.Errorf("%s %s: %s", test.image, test.command, diff)
		}
	}
}

// scoreLists are the lists by which scanners are scored.
type scoreLists struct {
	S struct{ Parents, Images []string } `json:"rule_S"`
	C struct{ Parents, Images []string } `json:"rule_C"`
	D struct {
		WebServers  map[string]string `json:"web_servers"`
		Conditional []struct {
			Images      []string `json:"images"`
			Path        []string `json:"path"`
			CommandLine []string `json:"command_line"`
		} `json:"web_servers_conditional"`
		Shells      []string `json:"shells"`
		Enumeration []string `json:"enumeration"`
		Benign      []string `json:"benign_children"`
		// What may be left out, and what else may be in.
		ShellsOptional      []string `json:"shells_optional"`
		EnumerationOptional []string `json:"enumeration_optional"`
	} `json:"rule_D"`
}

func readScoreLists(t *testing.T) *scoreLists {
	t.Helper()
	needCorpus(t)
	data, err := os.ReadFile(corpus + "/recall/lists.json")
	if err != nil {
		t.Fatal(err)
	}
	var lists scoreLists
	if err := json.Unmarshal(data, &lists); err != nil {
		t.Fatal(err)
	}
	return &lists
}

// TestBuiltinFindingLists holds the rules that give findings to the lists.
func TestBuiltinFindingLists(t *testing.T) {
	lists := readScoreLists(t)
	_, findings := builtinSets(t)
	programs := slices.Concat(lists.D.Shells, lists.D.Enumeration, lists.D.Benign, lists.D.ShellsOptional, lists.D.EnumerationOptional)
	for _, parent := range slices.Concat(lists.S.Parents, lists.C.Parents, []string{"java.exe", "explorer.exe"}) {
		for _, image := range slices.Concat(programs, lists.S.Images) {
			got := names(findings, e("ParentImage", `C:\a\`+strings.Replace(parent, "*", "9", 1), "Image", `C:\b\`+image))
			s := slices.Contains(lists.S.Parents, parent) && slices.Contains(lists.S.Images, image)
			c := slices.Contains(lists.C.Parents, parent) && slices.Contains(lists.C.Images, image)
			if s != slices.Contains(got, "shells_spawned_by_web_servers") || c != slices.Contains(got, "car_2021_02_001_webshell_process_tree") {
				t.Errorf("%s > %s: %v, want S %v, C %v", parent, image, got, s, c)
			}
		}
	}
	for _, image := range programs {
		got := names(findings, e("WorkerImage", "x", "Image", `C:\b\`+strings.ToUpper(image)))
		required := slices.Contains(lists.D.Shells, image) || slices.Contains(lists.D.Enumeration, image)
		if required && len(got) == 0 || slices.Contains(lists.D.Benign, image) && len(got) > 0 {
			t.Errorf("%s below a web server: %v", image, got)
		}
	}
}

// TestBuiltinServerLists holds the rules that tell web servers to the lists:
// servers by name, and runtimes with each of their marks but not without one.
func TestBuiltinServerLists(t *testing.T) {
	lists := readScoreLists(t)
	servers, _ := builtinSets(t)
	check := func(ev event, want bool) {
		t.Helper()
		if got := names(servers, ev); len(got) > 0 != want {
			t.Errorf("%v: %v, want a web server: %v", ev, got, want)
		}
	}
	for image := range lists.D.WebServers {
		check(e("Image", `C:\b\`+strings.Replace(image, "*", "85", 1)), true)
	}
	for _, c := range lists.D.Conditional {
		for _, image := range c.Images {
			image = strings.Replace(image, "*", "any.exe", 1)
			check(e("Image", `C:\b\`+image, "CommandLine", image+" -x"), false)
			for _, mark := range c.Path {
				check(e("Image", `C:\x\`+strings.Trim(mark, `\`)+`\`+image), true)
			}
			for _, mark := range c.CommandLine {
				check(e("Image", `C:\b\`+image, "CommandLine", image+" "+mark+" -x"), true)
			}
		}
	}
}

// TestBuiltinTags: a built-in rule is chosen by each technique that its
// programs show, and claims of a process only what holds of all.
func TestBuiltinTags(t *testing.T) {
	list, err := builtin.Rules()
	if err != nil {
		t.Fatal(err)
	}
	for _, tag := range []string{"T1033", "T1082", "T1016", "T1059", "T1190", "T1105", "T1003", "T1560.001", "T1218"} {
		chosen := 0
		for _, r := range list {
			if r.Role != "" {
				continue
			}
			if r.HasTag(tag) {
				chosen++
			}
			if tag != "T1190" && tag != "T1059" && slices.Contains(r.Tags, "attack."+strings.ToLower(tag)) {
				t.Errorf("%s claims %s of every process", r.Name, tag)
			}
		}
		if chosen == 0 {
			t.Errorf("no rule is chosen by %s", tag)
		}
	}
}

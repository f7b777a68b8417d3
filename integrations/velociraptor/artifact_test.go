// Package velociraptor tests the artifacts of this folder: it compiles their
// VQL, and runs it with the program. What only Velociraptor has is stood in for
// by standins_test.go. It is a module of its own, so that VQL is no requirement
// of the program.
package velociraptor

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/Velocidex/ordereddict"
	"github.com/Velocidex/yaml/v2"
	"www.velocidex.com/golang/vfilter"
)

// artifact is what the files use of an artifact's definition.
// (https://docs.velociraptor.app/docs/artifacts/)
type artifact struct {
	Name         string
	Type         string
	Description  string
	Reference    []string
	Precondition string
	Permissions  []string `json:"required_permissions"`
	Resources    struct{ Timeout int }
	Tools        []struct {
		Name         string
		ServeLocally bool `json:"serve_locally"`
	}
	Parameters []parameter
	Sources    []source
}

type parameter struct {
	Name, Type, Description, Default string
	Choices                          []string
}

type source struct {
	Name, Query string
	Notebook    []struct{ Type, Name, Template string }
}

var files = []string{"Custom.Linux.Webshellscan.yaml", "Custom.Windows.Webshellscan.yaml"}

// load reads an artifact as Velociraptor does. A key that is not known is an
// error.
func load(t *testing.T, file string) artifact {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var a artifact
	if err := yaml.UnmarshalStrict(text, &a); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return a
}

// value is what a parameter's text is to the query.
func (p parameter) value(t *testing.T, text string) any {
	t.Helper()
	switch p.Type {
	case "json_array":
		var list []any
		if err := json.Unmarshal([]byte(text), &list); err != nil {
			t.Fatalf("%s: %v", p.Name, err)
		}
		return list
	case "bool":
		return text == "Y"
	case "", "choices", "hidden":
		return text
	}
	t.Fatalf("%s: a parameter of the type %s", p.Name, p.Type)
	return nil
}

func compile(t *testing.T, what, query string) []*vfilter.VQL {
	t.Helper()
	statements, err := vfilter.MultiParse(query)
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	return statements
}

// TestCompile: the artifacts are what Velociraptor takes, and differ only in
// what the systems do.
func TestCompile(t *testing.T) {
	var queries []string
	for _, file := range files {
		a := load(t, file)
		if a.Name+".yaml" != file || a.Type != "CLIENT" || len(a.Tools) != 1 || !slices.Contains(a.Permissions, "EXECVE") {
			t.Errorf("%s: %+v", file, a)
		}
		compile(t, file+": precondition", a.Precondition)
		var all []string
		for _, s := range a.Sources {
			compile(t, file+": "+s.Name, s.Query)
			all = append(all, s.Name, s.Query)
			for _, cell := range s.Notebook {
				compile(t, file+": "+cell.Name, cell.Template)
				all = append(all, cell.Template)
			}
		}
		for _, p := range a.Parameters {
			p.value(t, p.Default)
			if p.Name == "ToolName" && p.Default != a.Tools[0].Name {
				t.Errorf("%s: runs %s, and its tool is %s", file, p.Default, a.Tools[0].Name)
			}
		}
		queries = append(queries, strings.Join(all, "\n"))
	}
	if queries[0] != queries[1] {
		t.Error("the queries of the artifacts differ")
	}
}

// TestPrecondition: each runs on its own system.
func TestPrecondition(t *testing.T) {
	for i, system := range []string{"linux", "windows"} {
		for j, file := range files {
			e := &endpoint{t: t, system: system}
			rows := e.evaluate(e.scope(nil), compile(t, file, load(t, file).Precondition))
			if (len(rows) == 1) != (i == j) {
				t.Errorf("%s on %s: %d rows", file, system, len(rows))
			}
		}
	}
}

// collect runs an artifact as a client does, and returns the rows of its
// sources.
func (e *endpoint) collect(a artifact, given map[string]string) map[string][]*ordereddict.Dict {
	e.t.Helper()
	env := ordereddict.NewDict()
	for _, p := range a.Parameters {
		text, ok := given[p.Name]
		if !ok {
			text = p.Default
		}
		env.Set(p.Name, p.value(e.t, text))
	}
	scope := e.scope(env)
	defer scope.Close()
	rows := map[string][]*ordereddict.Dict{}
	for _, s := range a.Sources {
		rows[s.Name] = e.evaluate(scope, compile(e.t, s.Name, s.Query))
	}
	return rows
}

// evaluate runs statements, and returns the rows of the last one.
func (e *endpoint) evaluate(scope vfilter.Scope, statements []*vfilter.VQL) []*ordereddict.Dict {
	e.t.Helper()
	var rows []*ordereddict.Dict
	for _, statement := range statements {
		for row := range statement.Eval(context.Background(), scope) {
			rows = append(rows, vfilter.RowToDict(context.Background(), scope, row))
		}
	}
	return rows
}

func text(row *ordereddict.Dict, key string) string {
	s, _ := row.GetString(key)
	return s
}

func paths(t *testing.T, list ...string) string {
	t.Helper()
	text, err := json.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestRun runs both artifacts with the program on the shipped logs of one host.
// The partial result that is uploaded is what merge makes a report of.
func TestRun(t *testing.T) {
	for _, file := range files {
		e := newEndpoint(t, "WEB02")
		rows := e.collect(load(t, file), map[string]string{"Paths": paths(t, logs("WEB02"), logs("none"), logs("WEB0[9]"))})
		if len(rows["Uploads"]) != 2 || len(rows["Sessions"]) != 1 || len(rows["Findings"]) != 16 || len(rows["Integrity"]) == 0 {
			t.Fatalf("%s: %d uploads, %d sessions, %d findings, %d of integrity; log %q", file,
				len(rows["Uploads"]), len(rows["Sessions"]), len(rows["Findings"]), len(rows["Integrity"]), e.logged)
		}
		if s := rows["Sessions"][0]; text(s, "level") != "critical" || text(s, "product") != "Apache Tomcat" {
			t.Errorf("%s: session %v", file, s)
		}
		if len(e.logged) > 0 {
			t.Errorf("%s: logged %q", file, e.logged)
		}
		page := e.uploaded("WEB02.html")
		if !strings.Contains(page, "<!DOCTYPE html>") || !strings.Contains(page, "WEB02:") {
			t.Errorf("%s: the page is no page of paths with a label", file)
		}
		merged := filepath.Join(t.TempDir(), "merged.html")
		e.program("merge", "-q", "--exit-zero", "-o", merged, filepath.Join(e.uploads, "WEB02.wsp"))
		if again, err := os.ReadFile(merged); err != nil || string(again) != page {
			t.Errorf("%s: the merge of the partial result is not the page (%v)", file, err)
		}
		if left, _ := filepath.Glob(filepath.Join(e.temp, "*")); len(left) > 0 {
			t.Errorf("%s: left %q", file, left)
		}
	}
}

// TestParameters: each becomes a flag's value, and never a flag of its own.
func TestParameters(t *testing.T) {
	a := load(t, files[0])
	e := newEndpoint(t, "WEB02")
	rows := e.collect(a, map[string]string{
		"Paths": paths(t, logs("WEB02")), "Since": "2024-03-11 10:15", "Until": "2024-03-12", "Level": "critical", "Recover": "Y",
	})
	if n := len(rows["Findings"]); n == 0 || n >= 16 {
		t.Errorf("%d findings since 10:15; log %q", n, e.logged)
	}
	if got := strings.Join(e.ran[0], " "); !strings.Contains(got, "--recover=true") {
		t.Errorf("ran %s", got)
	}
	for _, wrong := range []map[string]string{{"Since": "--force"}, {"Paths": paths(t), "Volume": "--help"}} {
		e := newEndpoint(t, "WEB02")
		given := map[string]string{"Paths": paths(t, logs("WEB02"))}
		for name, value := range wrong {
			given[name] = value
		}
		e.collect(a, given)
		if !slices.ContainsFunc(e.logged, func(line string) bool { return strings.HasPrefix(line, "ERROR: webshellscan") }) {
			t.Errorf("%v: no error; log %q", wrong, e.logged)
		}
	}
}

// TestVolume: an image is read whole, as a volume is.
func TestVolume(t *testing.T) {
	e := newEndpoint(t, "WEB02")
	rows := e.collect(load(t, files[1]), map[string]string{"Volume": logs("WEB02", "Security.evtx")})
	if len(rows["Uploads"]) != 2 || !slices.Contains(e.ran[0], logs("WEB02", "Security.evtx")) {
		t.Errorf("%d uploads; ran %q; log %q", len(rows["Uploads"]), e.ran, e.logged)
	}
}

// TestFailure: a run that fails is an error in the log, with the program's
// words, and what can be there is. One that could not read all is a warning.
func TestFailure(t *testing.T) {
	cut := filepath.Join(t.TempDir(), "cut.zip")
	if err := os.WriteFile(cut, []byte("PK\x03\x04\x00\x00\x00\x00"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		host, tool, paths string
		uploads           int
		want              string
	}{
		"incomplete":      {"WEB02", "", paths(t, logs("WEB02"), cut), 2, "WARN: webshellscan collect: incomplete: "},
		"wrong label":     {"a:b", "", paths(t, logs("WEB02")), 0, `ERROR: webshellscan collect failed with exit status 2: webshellscan: --label "a:b"`},
		"no tool":         {"WEB02", "none", paths(t, logs("WEB02")), 0, "ERROR: no tool WebshellscanLinux"},
		"no program":      {"WEB02", filepath.Join(t.TempDir(), "gone"), paths(t, logs("WEB02")), 0, "ERROR: webshellscan collect failed with exit status 1: "},
		"nothing to read": {"WEB02", "", paths(t, logs("none")), 0, "ERROR: none of the paths is there"},
	} {
		e := newEndpoint(t, c.host)
		if c.tool != "" {
			e.binary = strings.TrimPrefix(c.tool, "none")
		}
		rows := e.collect(load(t, files[0]), map[string]string{"Paths": c.paths})
		if len(rows["Uploads"]) != c.uploads {
			t.Errorf("%s: %d uploads", name, len(rows["Uploads"]))
		}
		if !slices.ContainsFunc(e.logged, func(line string) bool { return strings.HasPrefix(line, c.want) }) {
			t.Errorf("%s: log %q", name, e.logged)
		}
	}
}

// TestNotebook runs the notebook over the rows of several clients, of which two
// have the same kind of session.
func TestNotebook(t *testing.T) {
	a := load(t, files[0])
	hunt := map[string][]*ordereddict.Dict{}
	for client, host := range map[string]string{"C.1": "WEB01", "C.2": "WEB02", "C.3": "WEB02", "C.4": "MAIL01"} {
		e := newEndpoint(t, client)
		for name, rows := range e.collect(a, map[string]string{"Paths": paths(t, logs(host))}) {
			for _, row := range rows {
				hunt[name] = append(hunt[name], row.Set("ClientId", client))
			}
		}
	}
	e := newEndpoint(t, "server")
	e.hunt = hunt
	kinds := e.evaluate(e.scope(nil), compile(t, "kinds", a.Sources[1].Notebook[0].Template))
	var got []string
	for _, row := range kinds {
		clients, _ := row.GetInt64("Clients")
		got = append(got, strings.Join([]string{text(row, "Level"), text(row, "Server"), text(row, "FirstHost")}, " ")+strings.Repeat(" *", int(clients)))
	}
	slices.Sort(got[:2]) // one client each
	want := []string{
		"critical Exchange OWA MAIL01.harbor.example *",
		"critical IIS WEB01.harbor.example *",
		"critical Apache Tomcat WEB02.harbor.example * *",
	}
	if !slices.Equal(got, want) {
		t.Errorf("kinds of sessions %q, want %q", got, want)
	}
	for _, row := range e.evaluate(e.scope(nil), compile(t, "programs", a.Sources[2].Notebook[0].Template)) {
		if clients, _ := row.GetInt64("Clients"); clients < 2 || text(row, "Hashes") == "" {
			t.Errorf("a program on several clients: %v", row)
		}
	}
}

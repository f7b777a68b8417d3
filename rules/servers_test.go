package rules_test

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"webshellscan/rules"
	"webshellscan/rules/builtin"
)

// serverRow is a line of testdata/servers.csv: a process, and what the rules
// call it; no product stands for no server that a rule knows by name.
type serverRow struct{ product, role, image, commandLine, directory, source string }

func serverRows(t *testing.T) []serverRow {
	t.Helper()
	file, err := os.Open("testdata/servers.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	lines, err := csv.NewReader(file).ReadAll()
	if err != nil || len(lines) < 1000 {
		t.Fatalf("%d lines, %v", len(lines), err)
	}
	var rows []serverRow
	for _, l := range lines[1:] {
		rows = append(rows, serverRow{l[0], l[1], l[2], l[3], l[4], l[5]})
	}
	return rows
}

// event returns the process as rules see it. A log without command lines has
// none.
func (r *serverRow) event() event {
	ev := e("Image", r.image)
	if r.commandLine != "" {
		ev["CommandLine"] = []string{r.commandLine}
	}
	if r.directory != "" {
		ev["CurrentDirectory"] = []string{r.directory}
	}
	return ev
}

// namedServers returns the rules that identify servers by name, in the order in
// which they are asked.
func namedServers(t *testing.T) *rules.Set {
	t.Helper()
	list, err := builtin.Rules()
	if err != nil {
		t.Fatal(err)
	}
	servers, _ := builtin.SplitServers(list)
	_, named := builtin.SplitRole(servers, builtin.RoleUnknownServer)
	return mustCompile(t, named, rules.Options{})
}

// TestServersByName: the first rule that matches names the server, in any case.
func TestServersByName(t *testing.T) {
	set := namedServers(t)
	matcher, interned := set.NewMatcher(), newTexts()
	for _, row := range serverRows(t) {
		upper := row
		upper.image, upper.commandLine, upper.directory = strings.ToUpper(row.image), strings.ToUpper(row.commandLine), strings.ToUpper(row.directory)
		for _, r := range []serverRow{row, upper} {
			name, product, role := "", "", ""
			if matches := matcher.Match(nil, newSubject(set, interned, r.event())); len(matches) > 0 {
				first := set.Rules()[matches[0]]
				name, product, role = first.Name, first.Custom["product"], first.Role
			}
			if product != r.product || role != r.role {
				t.Errorf("%s %s %s: %q (%s, %s), want %q (%s; %s)", r.image, r.commandLine, r.directory, product, role, name, r.product, r.role, r.source)
			}
		}
		if !strings.HasPrefix(row.source, "https://") {
			t.Errorf("%s has no source", row.image)
		}
	}
}

// TestEveryMarkHasARow: each value that tells a server by name is what some row
// has, so that none is there untried.
func TestEveryMarkHasARow(t *testing.T) {
	rows := make(map[string][]serverRow)
	for _, r := range serverRows(t) {
		rows[r.product] = append(rows[r.product], r)
	}
	marks := 0
	for _, name := range []string{"web_servers.yml", "other_servers.yml"} {
		data, err := os.ReadFile(filepath.Join("builtin", name))
		if err != nil {
			t.Fatal(err)
		}
		for text := range strings.SplitSeq(string(data), "\n---\n") {
			var doc struct {
				Name, Product string
				Detection     map[string]yaml.Node
			}
			if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
				t.Fatal(err)
			}
			for search, node := range doc.Detection {
				if search == "filter" || search == "condition" {
					continue
				}
				for _, m := range marksOf(&node) {
					marks++
					if !m.tried(rows[doc.Product]) {
						t.Errorf("%s: no row has %s %q", doc.Name, m.field, m.value)
					}
				}
			}
		}
	}
	if marks < 1000 {
		t.Errorf("%d marks", marks)
	}
}

// mark is a value that a search asks a field for.
type mark struct{ field, value string }

// marksOf returns the marks of a search.
func marksOf(node *yaml.Node) []mark {
	var list []mark
	if node.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(node.Content); i += 2 {
			field, value := node.Content[i].Value, node.Content[i+1]
			for _, v := range append([]*yaml.Node{value}, value.Content...) {
				if v.Kind == yaml.ScalarNode {
					list = append(list, mark{field, v.Value})
				}
			}
		}
		return list
	}
	for _, part := range node.Content {
		list = append(list, marksOf(part)...)
	}
	return list
}

// tried reports whether one of the rows has the mark. Those that ask for
// children or accounts are tried by package scan.
func (m mark) tried(rows []serverRow) bool {
	field, how, _ := strings.Cut(m.field, "|")
	if strings.HasPrefix(field, "Child") || strings.HasPrefix(field, "GrandChild") || field == "User" || field == "ProcessId" || strings.HasPrefix(how, "re") || m.value == "null" || m.value == "" {
		return true
	}
	for _, r := range rows {
		text := map[string]string{"Image": r.image, "CommandLine": r.commandLine, "CurrentDirectory": r.directory}[field]
		text, value := strings.ToLower(text), strings.ToLower(m.value)
		if how == "contains" && strings.Contains(text, value) || how == "endswith" && strings.HasSuffix(text, value) || text == value {
			return true
		}
	}
	return false
}

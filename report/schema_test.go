package report_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"webshellscan/report"
	"webshellscan/report/reporttest"
	"webshellscan/scan"
)

// schemaFile describes the JSON formats.
const schemaFile = "../docs/output.schema.json"

// schemaOf compiles a part of the schema.
func schemaOf(t *testing.T, part string) *jsonschema.Schema {
	t.Helper()
	schema, err := jsonschema.NewCompiler().Compile(schemaFile + part)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func unmarshal(t *testing.T, s string) any {
	t.Helper()
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(s))
	if err != nil {
		t.Fatalf("%v in %.200s", err, s)
	}
	return value
}

// TestSchema holds what the JSON formats give to the schema: of made results
// with every kind of object and the worst texts, and of the shipped logs.
func TestSchema(t *testing.T) {
	document, line := schemaOf(t, ""), schemaOf(t, "#/$defs/line")
	var results []*scan.Result
	for _, s := range reporttest.Worst {
		results = append(results, reporttest.Result(reporttest.Finding(s), reporttest.Finding(s)))
	}
	shipped, err := scan.Scan(t.Context(), scan.Options{Paths: []string{"../testdata/logs"}})
	if err != nil {
		t.Fatal(err)
	}
	results = append(results, shipped, &scan.Result{})
	for _, res := range results {
		var whole, lines bytes.Buffer
		if err := report.ScanFormats.Write(&whole, "json", res, report.Options{}); err != nil {
			t.Fatal(err)
		}
		if err := report.ScanFormats.Write(&lines, "jsonl", res, report.Options{}); err != nil {
			t.Fatal(err)
		}
		value := unmarshal(t, whole.String())
		if err := document.Validate(value); err != nil {
			t.Errorf("%v in\n%.500s", err, whole.String())
		}
		n := 0
		for l := range strings.Lines(lines.String()) {
			n++
			if err := line.Validate(unmarshal(t, l)); err != nil {
				t.Errorf("%v in\n%.500s", err, l)
			}
		}
		if want := 1 + len(res.Coverage) + len(res.Sessions) + len(res.Findings) + len(res.Events) + len(res.Requests) + len(res.Integrity); n != want {
			t.Errorf("%d lines, want %d", n, want)
		}
	}
}

// TestSchemaRefuses: the schema tells good lines from bad ones.
func TestSchemaRefuses(t *testing.T) {
	line := schemaOf(t, "#/$defs/line")
	good := ""
	for l := range strings.Lines(write(t, "jsonl", report.Options{}, reporttest.Finding("x"))) {
		if strings.HasPrefix(l, `{"kind":"finding"`) {
			good = l
		}
	}
	for _, change := range [][2]string{
		{`"kind":"finding"`, `"kind":"session"`},
		{`"kind":"finding",`, ``},
		{`"level":"high"`, `"level":"grave"`},
		{`"process_id":4242`, `"process_id":"4242"`},
		{`"time":"2026-03-02T12:00:00.1234567Z"`, `"time":"2026-03-02 12:00:00"`},
		{`"known":false`, `"known":false,"more":1`},
	} {
		bad := strings.Replace(good, change[0], change[1], 1)
		if bad == good {
			t.Fatalf("%s is not in %s", change[0], good)
		}
		if line.Validate(unmarshal(t, bad)) == nil {
			t.Errorf("with %s the schema takes %s", change[1], bad)
		}
	}
}

package report_test

import (
	"strings"
	"testing"

	"webshellscan/report"
	"webshellscan/report/reporttest"
	"webshellscan/scan"
	"webshellscan/scan/finding"
	"webshellscan/scan/integrity"
	"webshellscan/scan/story"
)

// TestBlindHosts: in every format a host of which nothing that ran can be seen
// has its place, and no findings never stand alone.
func TestBlindHosts(t *testing.T) {
	const reason = "no process creations of any kind"
	for _, hosts := range [][]string{{"DB01"}, nil} {
		res := new(scan.Result)
		for _, h := range hosts {
			res.Summary.BlindHosts = append(res.Summary.BlindHosts, scan.Blind{Host: h, Text: reason})
			res.Summary.Blind = append(res.Summary.Blind, scan.Blind{Host: h, Text: reason})
			res.Coverage = append(res.Coverage, integrity.HostCoverage{Host: h, Blind: reason, From: reporttest.Noon, Until: reporttest.Noon})
		}
		for _, format := range report.ScanFormats.Names() {
			out := strings.Join(strings.Fields(writeResult(t, format, res)), " ")
			told := strings.Contains(out, "DB01") && strings.Contains(out, reason)
			if format == "navigator" { // it knows no hosts, only how many
				told = strings.Contains(out, "1 host has no process creations: what ran there cannot be seen")
			}
			if told != (hosts != nil) {
				t.Errorf("%s: blind %v: told %t:\n%.500s", format, hosts, told, out)
			}
		}
	}
}

// TestBlindScan: every format says why nothing could be found on any host.
func TestBlindScan(t *testing.T) {
	const reason = "no record is of the time that was asked for"
	for _, blind := range []bool{true, false} {
		res := new(scan.Result)
		res.Summary.First, res.Summary.Records = reporttest.Noon, 1
		if blind {
			res.Summary.Blind = []scan.Blind{{Text: reason}}
		}
		for _, format := range report.ScanFormats.Names() {
			out := strings.Join(strings.Fields(writeResult(t, format, res)), " ")
			if told := strings.Contains(out, reason); told != blind {
				t.Errorf("%s: blind %v: told %t:\n%.500s", format, blind, told, out)
			}
		}
		if err := schemaOf(t, "").Validate(unmarshal(t, writeResult(t, "json", res))); err != nil {
			t.Error(err)
		}
	}
}

// TestTraces: other evidence of the web servers of such a host is told in
// every format that tells of hosts, with the worst texts as any other.
func TestTraces(t *testing.T) {
	const what = "Groups Enumerated"
	for _, bad := range append([]string{"enumerated Administrators"}, reporttest.Worst...) {
		res := new(scan.Result)
		res.Summary.BlindHosts = []scan.Blind{{Host: "DB01", Text: "no process creations"}}
		res.Coverage = []integrity.HostCoverage{{Host: "DB01", Blind: "no process creations", From: reporttest.Noon, Until: reporttest.Noon}}
		res.Traces = []scan.Trace{{
			Host: "DB01", What: what, Count: 3, First: reporttest.Noon, Last: reporttest.Noon,
			Example: &finding.Event{Event: &story.Event{Summary: bad}, Evidence: []finding.Evidence{{File: "Security.evtx", RecordID: 7}}},
		}}
		for _, format := range report.ScanFormats.Names() {
			out := strings.Join(strings.Fields(writeResult(t, format, res)), " ")
			if format != "navigator" && !strings.Contains(out, what) {
				t.Errorf("%s does not tell of it:\n%.500s", format, out)
			}
		}
		document := unmarshal(t, writeResult(t, "json", res))
		if err := schemaOf(t, "").Validate(document); err != nil {
			t.Error(err)
		}
	}
}

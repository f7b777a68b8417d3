package report_test

import (
	"strings"
	"testing"

	"webshellscan/report"
	"webshellscan/report/reporttest"
	"webshellscan/scan"
	"webshellscan/scan/integrity"
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

package phrase_test

import (
	"testing"
	"time"

	"webshellscan/report/phrase"
	"webshellscan/scan"
	"webshellscan/scan/event"
	"webshellscan/scan/evtx"
	"webshellscan/scan/finding"
)

// TestTags: what tags of rules name, and where that is explained.
func TestTags(t *testing.T) {
	for _, c := range []struct{ tag, name, url, technique, analytic, countermeasure string }{
		{"attack.t1505.003", "ATT&CK T1505.003", "https://attack.mitre.org/techniques/T1505/003/", "T1505.003", "", ""},
		{"ATTACK.T1059", "ATT&CK T1059", "https://attack.mitre.org/techniques/T1059/", "T1059", "", ""},
		{"attack.g0001", "ATT&CK G0001", "https://attack.mitre.org/groups/G0001/", "", "", ""},
		{"attack.s0001", "ATT&CK S0001", "https://attack.mitre.org/software/S0001/", "", "", ""},
		{"attack.persistence", "attack.persistence", "", "", "", ""},
		{"attack.", "attack.", "", "", "", ""},
		{"attack.t1505/../x", "attack.t1505/../x", "", "", "", ""},
		{"attack.t1505.3", "attack.t1505.3", "", "", "", ""},
		{"car.2013-04-002", "CAR-2013-04-002", "https://car.mitre.org/analytics/CAR-2013-04-002/", "", "CAR-2013-04-002", ""},
		{"cve.2021.44228", "CVE-2021-44228", "https://nvd.nist.gov/vuln/detail/CVE-2021-44228", "", "", ""},
		{"cve.2021/44228", "cve.2021/44228", "", "", "", ""},
		{"d3fend.d3-psa", "d3fend.d3-psa", "", "", "", "D3-PSA"},
		{"d3fend.harden", "d3fend.harden", "", "", "", ""},
	} {
		name, url := phrase.TagLink(c.tag)
		if name != c.name || url != c.url {
			t.Errorf("%s: %q, %q", c.tag, name, url)
		}
		if got := [3]string{phrase.TechniqueID(c.tag), phrase.AnalyticID(c.tag), phrase.CountermeasureID(c.tag)}; got != [3]string{c.technique, c.analytic, c.countermeasure} {
			t.Errorf("%s: %q", c.tag, got)
		}
	}
}

// TestPhrases: one thing is called one thing, in the singular if there is one.
func TestPhrases(t *testing.T) {
	noon := event.FromTime(time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC))
	web, other := &finding.Session{ServerRole: finding.ServerWeb}, &finding.Session{ServerRole: finding.ServerOther}
	for _, c := range [][2]string{
		{phrase.SessionKind([]*finding.Session{web}), "web server session"},
		{phrase.SessionKind([]*finding.Session{web, other}), "server session"},
		{phrase.Worker(&finding.Finding{WorkerImage: `C:\IIS\W3WP.exe`}), "w3wp.exe"},
		{phrase.Worker(&finding.Finding{}), "(unknown)"},
		{phrase.Product("MSSQL", finding.ServerOther), "MSSQL (no web server)"},
		{phrase.Product("", finding.ServerOther), ""},
		{phrase.Product("IIS", finding.ServerWeb), "IIS"},
		{phrase.Meeting(&finding.Correlation{Total: 1}), "1 process"},
		{phrase.Meeting(&finding.Correlation{Total: 3, Processes: []finding.CorrelatedProcess{{Time: noon}}}), "3 processes since 2026-03-02 12:00:00"},
		{phrase.Blind(&scan.Summary{}), ""},
		{phrase.Blind(&scan.Summary{BlindHosts: make([]scan.Blind, 1)}), "1 host has no process creations: what ran there cannot be seen."},
		{phrase.Blind(&scan.Summary{BlindHosts: make([]scan.Blind, 2)}), "2 hosts have no process creations: what ran there cannot be seen."},
		{phrase.Record(&finding.Evidence{RecordID: 7, Offset: 512}), "record 7, offset 512"},
		{phrase.Record(&finding.Evidence{RecordID: 7, Recovered: true, Hidden: true}), "record 7, offset 0, recovered hidden"},
	} {
		if c[0] != c[1] {
			t.Errorf("%q, want %q", c[0], c[1])
		}
	}
}

// TestFaultCount: one fault that says that records are missing counts as many.
func TestFaultCount(t *testing.T) {
	d := scan.FileFaults{
		Counts: map[evtx.Class]int{evtx.RecordsMissing: 1, evtx.ChunksMissing: 1, evtx.RecordBad: 4},
		First: []*evtx.FormatError{
			{Class: evtx.RecordsMissing, Have: 39},
			{Class: evtx.ChunksMissing, Need: 5, Have: 3},
			{Class: evtx.RecordBad, Need: 792, Have: 24},
		},
	}
	for class, want := range map[evtx.Class]int{evtx.RecordsMissing: 39, evtx.ChunksMissing: 2, evtx.RecordBad: 4, evtx.IDGap: 0} {
		if got := phrase.FaultCount(d, class); got != want {
			t.Errorf("%s: %d, want %d", class, got, want)
		}
	}
}

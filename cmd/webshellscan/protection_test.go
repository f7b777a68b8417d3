package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"webshellscan/report"
)

// TestEvidenceIsKept: no report replaces a file that begins as evidence does,
// with any flag; one that comes after the check is not replaced either.
func TestEvidenceIsKept(t *testing.T) {
	t.Chdir(t.TempDir())
	at := func(offset int, text string) string {
		return strings.Repeat("\x00", offset) + text + strings.Repeat("\x00", 600)
	}
	for name, content := range map[string]string{
		"event log": "ElfFile\x00", "chunk": at(0, "ElfChnk\x00"), "zip": "PK\x03\x04", "7z": "7z\xBC\xAF\x27\x1C", "gzip": "\x1F\x8B\x08",
		"tar": at(257, "ustar"), "E01": "EVF\x09\x0D\x0A\xFF\x00", "VHDX": "vhdxfile", "VHD": at(700, "")[:700] + "conectix" + strings.Repeat("\x00", 504),
		"VMDK": "KDMV", "QCOW2": "QFI\xFB", "VDI": at(64, "\x7F\x10\xDA\xBE"), "NTFS": "\xEB\x52\x90NTFS    ", "GPT": at(512, "EFI PART"),
		"XML export": `<?xml version="1.0"?><Event xmlns="http://schemas.microsoft.com/win/2004/08/events/event">`, "hive": "regf",
	} {
		if err := write("report.csv", []byte(content)); err != nil {
			t.Fatal(err)
		}
		_, err := openOutput(t.Context(), "report.csv", protection{force: true}, nil)
		got, _ := os.ReadFile("report.csv")
		if err == nil || string(got) != content {
			t.Errorf("%s: %v, file begins %.8q", name, err, got)
		}
	}
}

// TestCommitReplacesNothing: a file that appears while the scan runs stays.
func TestCommitReplacesNothing(t *testing.T) {
	for _, force := range []bool{false, true} {
		path := filepath.Join(t.TempDir(), "report.csv")
		out, err := openOutput(t.Context(), path, protection{force: force}, nil)
		if err != nil {
			t.Fatal(err)
		}
		const log = "ElfFile\x00 came later"
		if err := write(path, []byte(log)); err != nil {
			t.Fatal(err)
		}
		if err := out.commit(nil); err == nil {
			t.Errorf("force %v: no error", force)
		}
		if got, _ := os.ReadFile(path); string(got) != log {
			t.Errorf("force %v: replaced by %q", force, got)
		}
		if list, _ := os.ReadDir(filepath.Dir(path)); len(list) != 1 {
			t.Errorf("force %v: %d files are left", force, len(list))
		}
	}
}

// besideLogs works in a folder of its own, and returns the folder of the
// shipped logs and one of them.
func besideLogs(t *testing.T) (logs string, log []byte) {
	t.Helper()
	logs, err := filepath.Abs(filepath.Join(repository, "testdata/logs"))
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	if log, err = os.ReadFile(filepath.Join(logs, "WEB02", "Security.evtx")); err != nil {
		t.Fatal(err)
	}
	return logs, log
}

// TestForcedOverForms: --force replaces nothing that a scan would read, in
// whatever form, and every report of this program.
func TestForcedOverForms(t *testing.T) {
	logs, logFile := besideLogs(t)
	for name, content := range map[string]string{
		"Winlogbeat": `{"@timestamp":"2024-03-11T10:12:01Z","winlog":{"event_id":"4688","channel":"Security","provider_name":"Microsoft-Windows-Security-Auditing","computer_name":"W1"}}`,
		"NXLog":      `{"EventTime":"2024-03-11 10:12:01","Hostname":"W1","EventID":4688,"SourceName":"Microsoft-Windows-Security-Auditing","Channel":"Security"}`,
		"an array":   "[\n" + `{"Event": {"System": {"EventID": 4688, "Channel": "Security", "Computer": "W1"}}}]`,
		"Tomcat":     `10.0.0.9 - - [11/Mar/2024:10:11:58 +0000] "GET /x.jsp?cmd=whoami HTTP/1.1" 200 17` + "\n",
		"no header":  strings.Repeat("\x00", 4096) + string(logFile[4096:]),
		"no grid":    strings.Repeat("x", 999) + string(logFile),
	} {
		if err := write("report.csv", []byte(content)); err != nil {
			t.Fatal(err)
		}
		if _, err := openOutput(t.Context(), "report.csv", protection{force: true}, nil); err == nil || !strings.Contains(err.Error(), "evidence is never overwritten") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := os.Mkdir("reports", 0o777); err != nil {
		t.Fatal(err)
	}
	for _, format := range report.ScanFormats.Names() {
		args := []string{filepath.Join(logs, "MAIL01"), "-q", "--force", "-o", format + ":reports/" + format}
		for range 2 {
			if status, _, stderr := runHere(t, args...); status != 1 || stderr != "" {
				t.Errorf("%s: status %d: %s", format, status, stderr)
			}
		}
	}
	for _, args := range [][]string{
		{"tree", logs, "-o", "json:reports/tree"},
		{"find", logs, "whoami", "-o", "jsonl:reports/find"},
		{filepath.Join(logs, "MAIL01"), "--evidence", "cut"},
	} {
		if status, _, stderr := runHere(t, append(args, "-q")...); status > 1 {
			t.Errorf("%s: status %d: %s", args, status, stderr)
		}
	}
	if err := os.Rename("cut/manifest.json", "reports/manifest"); err != nil {
		t.Error(err)
	}
	// Nor is a report that lies beside the logs read as an export.
	if status, _, stderr := runHere(t, "reports"); !strings.Contains(stderr, "Read 0 EVTX files") {
		t.Errorf("the reports: status %d\n%s", status, stderr)
	}
}

// TestForcedOverWhatWasRead: --force replaces no file that the scan read, in a
// folder too and by another name, and none that a flag names.
func TestForcedOverWhatWasRead(t *testing.T) {
	_, logFile := besideLogs(t)
	// An export of which no record can be read shows only in the scan.
	files := map[string]string{"case/Security.evtx": string(logFile), "case/export.json": `{"EventID": 4688, "Chan`, "secret": "word\n"}
	if err := os.Mkdir("case", 0o777); err != nil {
		t.Fatal(err)
	}
	for name, content := range files {
		if err := write(name, []byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Link("case/export.json", "linked.json"); err != nil {
		t.Skip(err)
	}
	for _, out := range []string{"case/export.json", "linked.json", "csv:secret"} {
		for _, verb := range [][]string{nil, {"verify"}} {
			args := append(verb, "case", "--password-file", "secret", "-q", "--force", "-o", out)
			if status, _, stderr := runHere(t, args...); status == 0 || !strings.Contains(stderr, "will not be overwritten") {
				t.Errorf("%q: status %d: %s", args, status, stderr)
			}
		}
	}
	for name, content := range files {
		if got, _ := os.ReadFile(name); string(got) != content {
			t.Errorf("%s was replaced", name)
		}
	}
}

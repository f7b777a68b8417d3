package scan_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"webshellscan/rules"
	"webshellscan/scan"
	"webshellscan/scan/event"
	"webshellscan/scan/finding"
)

func baselineOf(t testing.TB, findings ...*finding.Finding) (*finding.Baseline, string) {
	t.Helper()
	var file bytes.Buffer
	if err := finding.WriteBaseline(&file, findings); err != nil {
		t.Fatal(err)
	}
	b, err := finding.ReadBaseline(bytes.NewReader(file.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	return b, file.String()
}

// TestBaselineOfItself: with a baseline of the same logs everything is known,
// and everything is still there.
func TestBaselineOfItself(t *testing.T) {
	first := mustScan(t, scan.Options{Paths: []string{shipped}})
	known, text := baselineOf(t, first.Findings...)
	if _, again := baselineOf(t, first.Findings...); again != text {
		t.Error("the same findings gave two baselines")
	}
	res := mustScan(t, scan.Options{Paths: []string{shipped}, Baseline: known})
	if len(res.Findings) != len(first.Findings) || len(res.Sessions) != len(first.Sessions) {
		t.Errorf("%d findings of %d, %d sessions of %d", len(res.Findings), len(first.Findings), len(res.Sessions), len(first.Sessions))
	}
	for _, f := range res.Findings {
		if !f.Known {
			t.Errorf("not known: %s", f.CommandLine)
		}
	}
	for _, s := range res.Sessions {
		if !s.Known || s.Level < rules.LevelHigh || len(s.Raised) > 0 || s.Burst == 0 {
			t.Errorf("%s: known %v, level %s, raised %v, burst %d", s.Key, s.Known, s.Level, s.Raised, s.Burst)
		}
	}
}

// TestBaselineOfBusiness: what a host does all day is known, what an intruder
// does on it is not, and one new command makes its session new.
func TestBaselineOfBusiness(t *testing.T) {
	before := event.FromUnix(1710153000) // 10:30, before the incident on APP01
	clean := mustScan(t, scan.Options{Paths: []string{shipped}, Hosts: []string{"APP01"}, Until: before})
	if len(clean.Findings) != 1 {
		t.Fatalf("%d findings before the incident", len(clean.Findings))
	}
	known, _ := baselineOf(t, clean.Findings...)
	res := mustScan(t, scan.Options{Paths: []string{shipped}, Baseline: known})
	marked := 0
	for _, f := range res.Findings {
		if f.Known {
			marked++
		}
		if f.Known != strings.Contains(f.CommandLine, "wkhtmltopdf") {
			t.Errorf("known %v: %s", f.Known, f.CommandLine)
		}
	}
	if s := sessionOn(t, res, "app01"); marked != 2 || s.Known || s.Level != rules.LevelCritical {
		t.Errorf("%d known; APP01: known %v, level %s", marked, s.Known, s.Level)
	}
}

// TestBaselineIsExact: a shape that differs in anything but numbers is not
// known.
func TestBaselineIsExact(t *testing.T) {
	base := func() *finding.Finding {
		f := madeFinding(1, `a.exe /out C:\tmp\inv17.pdf`)
		f.WorkerImage = `C:\x\httpd.exe`
		return f
	}
	change := map[string]func(f *finding.Finding){
		"another command":  func(f *finding.Finding) { f.CommandLine = `a.exe /out C:\tmp\inv17.exe` },
		"another image":    func(f *finding.Finding) { f.Image = `C:\y\a.exe` },
		"another parent":   func(f *finding.Finding) { f.ParentImage = `C:\x\c.exe` },
		"another worker":   func(f *finding.Finding) { f.WorkerImage = `C:\x\nginx.exe` },
		"a higher level":   func(f *finding.Finding) { f.Level = rules.LevelCritical },
		"what looks alike": func(f *finding.Finding) { f.CommandLine = `a.exe /out C:\tmp\inv{n}.pdf` },
	}
	known := map[string]func(f *finding.Finding){
		"itself":         func(*finding.Finding) {},
		"another number": func(f *finding.Finding) { f.CommandLine = `a.exe /out C:\tmp\inv99183.pdf` },
		"another case":   func(f *finding.Finding) { f.Image = `C:\X\A.EXE` },
		"another host":   func(f *finding.Finding) { f.Host, f.User = "other", "other" },
		"a lower level":  func(f *finding.Finding) { f.Level = rules.LevelLow },
	}
	b, _ := baselineOf(t, base())
	check := func(name string, with func(f *finding.Finding), want bool) {
		f := base()
		with(f)
		if got := b.Knows(f); got != want {
			t.Errorf("%s: known %v", name, got)
		}
	}
	for name, with := range change {
		check(name, with, false)
	}
	for name, with := range known {
		check(name, with, true)
	}
}

// TestBaselineTexts: whatever a log says comes back as itself.
func TestBaselineTexts(t *testing.T) {
	for _, text := range []string{"\x1b[31m", "\u202Egnp", "a\nb", "<script>", "\xff\xfe", "{n}", `"`, "\u2028", strings.Repeat("A", 40_000)} {
		f := madeFinding(1, text)
		b, file := baselineOf(t, f)
		if !b.Knows(f) {
			t.Errorf("%.20q is not known by its own baseline", text)
		}
		if strings.ContainsAny(file, "\x1b") {
			t.Errorf("%.20q is in the file as it is", text)
		}
	}
}

func TestBadBaseline(t *testing.T) {
	tests := []struct{ text, want string }{
		{"", "EOF"},
		{"[]", "array"},
		{"{\n\n,}", "line 3"},
		{`{"kind": "other", "version": 1, "shapes": []}`, `its kind is "other"`},
		{`{"kind": "webshellscan-baseline", "version": 2, "shapes": []}`, "its version is 2, this program knows 1"},
		{`{"kind": "webshellscan-baseline", "version": 1, "shapes": []} x`, "something follows"},
		{`{"kind": "webshellscan-baseline", "version": 1, "shapes": [{"command_line": "a", "level": "high"}]}`, "shape 1 has no image"},
		{`{"kind": "webshellscan-baseline", "version": 1, "shapes": [{"image": "a", "level": "grave"}]}`, `level "grave"`},
		{`{"kind": "webshellscan-baseline", "version": 1, "shapes": [{"imge": "a"}]}`, "imge"},
		{`{"kind": "webshellscan-baseline", "version": "1"}`, "version is a string"},
		{`{"kind": "webshellscan-baseline", "version": 1, "shapes": [`, "unexpected EOF"},
	}
	for _, tt := range tests {
		_, err := finding.ReadBaseline(strings.NewReader(tt.text))
		if !errors.Is(err, finding.ErrBaseline) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q in it", tt.text, err, tt.want)
		}
	}
	if _, err := finding.ReadBaseline(strings.NewReader(`{"kind": "webshellscan-baseline", "version": 1, "shapes": []}`)); err != nil {
		t.Errorf("an empty one: %v", err)
	}
}

func FuzzReadBaseline(f *testing.F) {
	_, whole := baselineOf(f, madeFinding(1, "a 1"), madeFinding(2, "b"))
	f.Add([]byte(whole))
	f.Add([]byte(whole[:len(whole)/2]))
	f.Add([]byte(`{"kind": "webshellscan-baseline", "version": 1, "shapes": [{"image": "a", "level": "low"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := finding.ReadBaseline(bytes.NewReader(data))
		if (b == nil) == (err == nil) || err != nil && !errors.Is(err, finding.ErrBaseline) {
			t.Errorf("%v, %v", b, err)
		}
	})
}

// TestBaselineFile: the file as it is, so that a change of it is seen.
func TestBaselineFile(t *testing.T) {
	f := madeFinding(event.FromUnix(1710153000), "b 17")
	_, got := baselineOf(t, f, madeFinding(event.FromUnix(1710153060), "b 5"), madeFinding(event.FromUnix(1710153000), "a"))
	const want = `{
  "kind": "webshellscan-baseline",
  "version": 1,
  "shapes": [
    {
      "worker_image": "",
      "parent_image": "c:\\x\\b.exe",
      "image": "c:\\x\\a.exe",
      "command_line": "a",
      "level": "high",
      "rules": [
        "r"
      ],
      "count": 1,
      "first": "2024-03-11T10:30:00.0000000Z",
      "last": "2024-03-11T10:30:00.0000000Z",
      "hosts": [
        "H"
      ],
      "example": "a"
    },
    {
      "worker_image": "",
      "parent_image": "c:\\x\\b.exe",
      "image": "c:\\x\\a.exe",
      "command_line": "b {n}",
      "level": "high",
      "rules": [
        "r"
      ],
      "count": 2,
      "first": "2024-03-11T10:30:00.0000000Z",
      "last": "2024-03-11T10:31:00.0000000Z",
      "hosts": [
        "H"
      ],
      "example": "b 17"
    }
  ]
}
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

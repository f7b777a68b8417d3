package report_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"webshellscan/report"
	"webshellscan/report/draw"
	"webshellscan/rules"
	"webshellscan/scan"
	"webshellscan/scan/evtx/evtxtest/faults"
)

// Numbers of which a script would lose digits.
const (
	bigRecordID = 1<<63 + 1
	bigOffset   = 1<<53 + 1
)

// marked returns a result whose finding is known from records with all marks and
// completed a correlation rule.
func marked() *scan.Result {
	f := finding("here")
	rule := &rules.Rule{Name: "many_shells", Level: rules.LevelHigh, Correlation: &rules.Correlation{}}
	f.Rules = append(f.Rules, rule)
	f.Correlated = []*scan.Correlation{{Rule: rule, Total: 3, Processes: []scan.CorrelatedProcess{{Time: noon}}}}
	f.Recovered = true
	f.Evidence = []scan.Evidence{
		{File: "a.evtx", Offset: bigOffset, RecordID: bigRecordID, Recovered: true, Substituted: true, Hidden: true},
		{File: "b.evtx", Offset: 8, RecordID: 9},
	}
	f.Crosscheck.Raw = map[string]any{"EventRecordID": uint64(bigRecordID), "Offset": int64(bigOffset), "Small": 7}
	res := result(f)
	res.Integrity[0].Evidence = f.Evidence
	return res
}

const bigPlace = "record 9223372036854775809, offset 9007199254740993"

// TestMarks: every report says what was not read as it stands, and how many
// processes met a correlation rule.
func TestMarks(t *testing.T) {
	cell := "a.evtx#9223372036854775809@9007199254740993 recovered template_substituted hidden"
	want := map[string][]string{
		"csv":            {cell + ";b.evtx#9@8,"},
		"timesketch":     {`"evidence":["` + cell + `","b.evtx#9@8"]`},
		"timesketch-csv": {cell + ";b.evtx#9@8,"},
		"table":          {"recovered from an unused part of a log", "many_shells: 3 processes since 2026-03-02"},
		"markdown": {
			"record 9223372036854775809, `recovered template_substituted hidden` |", ", recovered from an unused part of a log",
			", `many_shells`: 3 processes since 2026-03-02 12:00:00",
		},
		"html": {
			"a.evtx, " + bigPlace + ", recovered template_substituted hidden</span>", "b.evtx, record 9, offset 8</span>",
			`<span class="note">recovered from an unused part of a log</span>`, `<span class="note">many_shells: 3 processes since 2026-03-02 12:00:00</span>`,
			"<br>a.evtx, " + bigPlace + ", recovered template_substituted hidden",
		},
	}
	for format, texts := range want {
		page := writeResult(t, format, marked())
		for _, s := range texts {
			if !strings.Contains(page, s) {
				t.Errorf("%s lacks %q:\n%.5000s", format, s, page)
			}
		}
	}
	if flat := write(t, "table", report.Options{Flat: true}, marked().Findings...); !strings.Contains(flat, "recovered from an unused part of a log") {
		t.Errorf("the flat table does not say what is recovered:\n%s", flat)
	}
	var b strings.Builder
	if err := report.VerifyFormats.Write(&b, "table", marked(), report.Options{Width: 200}); err != nil {
		t.Fatal(err)
	}
	if s := "at offset 9007199254740993 of a.evtx (recovered template_substituted hidden)"; !strings.Contains(b.String(), s) {
		t.Errorf("verify lacks %q:\n%s", s, b.String())
	}
}

// TestTreeMarks: trees as JSON have the marks of records too.
func TestTreeMarks(t *testing.T) {
	rows := faults.Rows()
	i := slices.IndexFunc(rows, func(r faults.Row) bool { return r.ID == "F55" })
	path := filepath.Join(t.TempDir(), "stale.evtx")
	if err := os.WriteFile(path, rows[i].Log().Data, 0o600); err != nil {
		t.Fatal(err)
	}
	res, err := scan.Scan(t.Context(), scan.Options{Paths: []string{path}, Recover: true, Crosscheck: -1})
	if err != nil {
		t.Fatal(err)
	}
	out := writeTrees(t, "json", res, []draw.Top{{Host: 0}}, draw.Options{})
	if n := strings.Count(out, `"recovered":true`); n != 1 {
		t.Errorf("%d of 1 recovered records are marked in\n%.3000s", n, out)
	}
}

// TestMarkdownFolded: a line of Markdown for many findings says how many of them
// are recovered, and not of every correlation.
func TestMarkdownFolded(t *testing.T) {
	res := marked()
	live := *res.Findings[0]
	live.Recovered = false
	live.Correlated = []*scan.Correlation{live.Correlated[0], live.Correlated[0], live.Correlated[0]}
	source := writeResult(t, "markdown", result(res.Findings[0], &live))
	for _, s := range []string{", and 1 more correlation", ", 1 of them recovered from"} {
		if !strings.Contains(source, s) {
			t.Errorf("no %q in\n%s", s, source)
		}
	}
}

// TestHTMLNumbers: no number that a script reads has more digits than it keeps.
func TestHTMLNumbers(t *testing.T) {
	page := writeResult(t, "html", marked())
	record := dataBlock(t, page, "records")[0]
	if s := `[0,"9007199254740993","9223372036854775809","","",0,"recovered template_substituted hidden"]`; !strings.Contains(record, s) {
		t.Errorf("no %s in %s", s, record)
	}
	if raw, s := dataBlock(t, page, "raw")[0], `{"EventRecordID":"9223372036854775809","Offset":"9007199254740993","Small":7}`; !strings.Contains(raw, s) {
		t.Errorf("no %s in %s", s, raw)
	}
}

// browserMarks: rows and details have all marks and all digits.
func browserMarks(t *testing.T, ctx context.Context) {
	p := open(t, ctx, marked())
	notes := `[...document.querySelectorAll('#finding-table tbody .note')].map(n => n.textContent).join('; ')`
	p.want(notes, "decoded: ; many_shells: 3 processes since 2026-03-02 12:00:00; recovered from an unused part of a log")
	p.has(`document.querySelector('#finding-table .more').textContent`, bigPlace+", recovered template_substituted hidden")
	p.do(chromedp.Click("#finding-table tbody a"))
	for _, s := range []string{
		"recovered from an unused part of a log", "records that are no longer live only", "many_shells 3 processes since 2026-03-02 12:00:00",
		"9223372036854775809", "9007199254740993 (0x20000000000001)", "recovered template_substituted hidden",
	} {
		p.has(detail, s)
	}
	p.do(chromedp.Click("#detail summary"), chromedp.Sleep(100*time.Millisecond))
	p.has(`document.querySelector('#detail details pre').textContent`, `"EventRecordID": "9223372036854775809"`)
}

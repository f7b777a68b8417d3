package report_test

import (
	"strings"
	"testing"

	"webshellscan/report"
	"webshellscan/report/reporttest"
	"webshellscan/scan/finding"
)

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
			"a.evtx, " + reporttest.BigPlace + ", recovered template_substituted hidden</span>", "b.evtx, record 9, offset 8</span>",
			`<span class="note">recovered from an unused part of a log</span>`, `<span class="note">many_shells: 3 processes since 2026-03-02 12:00:00</span>`,
			"<br>a.evtx, " + reporttest.BigPlace + ", recovered template_substituted hidden",
		},
	}
	for format, texts := range want {
		page := writeResult(t, format, reporttest.Marked())
		for _, s := range texts {
			if !strings.Contains(page, s) {
				t.Errorf("%s lacks %q:\n%.5000s", format, s, page)
			}
		}
	}
	if flat := write(t, "table", report.Options{Flat: true}, reporttest.Marked().Findings...); !strings.Contains(flat, "recovered from an unused part of a log") {
		t.Errorf("the flat table does not say what is recovered:\n%s", flat)
	}
	var b strings.Builder
	if err := report.VerifyFormats.Write(&b, "table", reporttest.Marked(), report.Options{Width: 200}); err != nil {
		t.Fatal(err)
	}
	if s := "at offset 9007199254740993 of a.evtx (recovered template_substituted hidden)"; !strings.Contains(b.String(), s) {
		t.Errorf("verify lacks %q:\n%s", s, b.String())
	}
}

// TestMarkdownFolded: a line of Markdown for many findings says how many of
// them are recovered, and not of every correlation.
func TestMarkdownFolded(t *testing.T) {
	res := reporttest.Marked()
	live := *res.Findings[0]
	live.Recovered = false
	live.Correlated = []*finding.Correlation{live.Correlated[0], live.Correlated[0], live.Correlated[0]}
	source := writeResult(t, "markdown", reporttest.Result(res.Findings[0], &live))
	for _, s := range []string{", and 1 more correlation", ", 1 of them recovered from"} {
		if !strings.Contains(source, s) {
			t.Errorf("no %q in\n%s", s, source)
		}
	}
}

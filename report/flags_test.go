package report_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"webshellscan/report"
	"webshellscan/report/html"
	"webshellscan/report/reporttest"
	"webshellscan/scan/event"
)

// scanFlags are the flags that only some formats of a scan have a use for, each
// as it changes the options.
var scanFlags = map[string]func(*report.Options){
	"flat":      func(o *report.Options) { o.Flat = true },
	"sessions":  func(o *report.Options) { o.Sessions = true },
	"processes": func(o *report.Options) { o.Processes = true },
	"sort":      func(o *report.Options) { o.ByTime = true },
	"width":     func(o *report.Options) { o.Width = 60 },
	"csv-raw":   func(o *report.Options) { o.Raw = true },
	"csv-time":  func(o *report.Options) { o.ExcelTimes = true },
	"csv-excel": func(o *report.Options) { o.BOM = true },
	"title":     func(o *report.Options) { o.Page.Title = "a title" },
	"case":      func(o *report.Options) { o.Page.Case = "a case" },
	"author":    func(o *report.Options) { o.Page.Author = "an author" },
	"marks":     func(o *report.Options) { o.Page.Marks = someMarks() },
}

// TestFlags: a flag changes what those formats write that have a use for it,
// beside the flag that they need, and no others.
func TestFlags(t *testing.T) {
	res, formula := reporttest.Shipped(t, "..", 0), reporttest.Result(reporttest.Finding("=1"))
	res.Findings[0].Time += event.Day // the order of time is another one than that of hosts
	res.Findings, res.Sessions = append(res.Findings, formula.Findings...), append(res.Sessions, formula.Sessions...)
	written := func(format string, o report.Options) string {
		var b bytes.Buffer
		if err := report.ScanFormats.Write(&b, format, res, o); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	for _, format := range report.ScanFormats.Names() {
		for _, with := range []string{"", "flat", "sessions"} {
			var without report.Options
			if with != "" {
				scanFlags[with](&without)
			}
			before := written(format, without)
			for flag, set := range scanFlags {
				o := without
				set(&o)
				used := slices.ContainsFunc(report.ScanFormats.Uses(flag), func(u report.Use) bool { return u.Format == format && (u.With == "" || u.With == with) })
				if changed := written(format, o) != before; changed && !used || used && !changed && with == "" {
					t.Errorf("--%s beside %q changes %s: %v, has a use: %v", flag, with, format, changed, used)
				}
			}
		}
	}
	if len(report.ScanFormats.Uses("quiet")) != 0 {
		t.Error("a format has a use for --quiet")
	}
}

// someMarks returns a mark of the finding that has a formula, as a page saves
// it.
func someMarks() html.Marks {
	marks, err := html.ReadMarks(strings.NewReader(`{"kind": "webshellscan marks", "version": 1,
		"marks": [{"host": "=1", "process_id": 4242, "time": "` + reporttest.Noon.String() + `", "mark": "seen"}]}`))
	if err != nil {
		panic(err)
	}
	return marks
}

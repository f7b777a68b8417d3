package html_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"webshellscan/report/html"
	"webshellscan/report/reporttest"
)

// TestReadMarks: what no page saved is refused, and says why.
func TestReadMarks(t *testing.T) {
	const one = `{"host": "WEB00.corp.example", "process_id": 12, "time": "2026-03-02T12:00:03.1234567Z", "mark": "seen", "note": "n"}`
	for _, tt := range []struct{ file, problem string }{
		{`{"kind": "webshellscan marks", "version": 1, "marks": []}`, ""},
		{`{"kind": "webshellscan marks", "version": 1, "marks": [` + one + `]}`, ""},
		{`{"kind": "webshellscan marks", "version": 1, "marks": [` + strings.Replace(one, "seen", "", 1) + `]}`, ""},
		{`{"kind": "webshellscan marks", "version": 1, "marks": [` + strings.Replace(one, "seen", "bad", 1) + `]}`, `mark 1 is "bad"`},
		{`{"kind": "webshellscan marks", "version": 2}`, "its version is 2"},
		{`{"kind": "baseline", "version": 1}`, `its kind is "baseline"`},
		{`{"kind": "webshellscan marks", "ver`, "unexpected end"},
		{``, "unexpected end"},
	} {
		m, err := html.ReadMarks(strings.NewReader(tt.file))
		if tt.problem == "" {
			if err != nil {
				t.Errorf("%s: %v", tt.file, err)
			}
			want := strings.Count(tt.file, "host")
			if unknown, total := m.Unknown(reporttest.Many(5)); unknown != 0 || total != want {
				t.Errorf("%s: %d of %d are unknown", tt.file, unknown, total)
			}
			if unknown, _ := m.Unknown(reporttest.Many(1)); unknown != want {
				t.Errorf("%s: %d are unknown where there is no such finding", tt.file, unknown)
			}
			continue
		}
		if !errors.Is(err, html.ErrMarks) || !strings.Contains(err.Error(), tt.problem) {
			t.Errorf("%s: %v, want %q", tt.file, err, tt.problem)
		}
	}
}

// TestMarksOnPage: a page has a note as it was written, line by line.
func TestMarksOnPage(t *testing.T) {
	res := reporttest.Many(3)
	f := res.Findings[1]
	file := fmt.Sprintf(`{"kind": "webshellscan marks", "version": 1, "marks": [{"host": %q, "process_id": %d, "time": %q, "mark": "seen", "note": "one\ntwo\u0007"}]}`, f.Host, f.ProcessID, f.Time)
	marks, err := html.ReadMarks(strings.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	var page strings.Builder
	if err := html.Write(&page, res, html.Options{Marks: marks}); err != nil {
		t.Fatal(err)
	}
	if want := `"marks":[[1,"seen","one\ntwo\\x07"]]`; !strings.Contains(page.String(), want) {
		t.Errorf("the page does not hold %s", want)
	}
}

package html_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	stdhtml "html"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"webshellscan/report/html"
	"webshellscan/report/phrase"
	"webshellscan/report/reporttest"
	"webshellscan/report/text"
	"webshellscan/rules"
	"webshellscan/scan"
	"webshellscan/scan/crosscheck"
	"webshellscan/scan/event"
	"webshellscan/scan/finding"
	"webshellscan/scan/story"
)

// render returns the page of a result.
func render(t testing.TB, res *scan.Result) string {
	t.Helper()
	var b bytes.Buffer
	if err := html.Write(&b, res, html.Options{}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// shipped scans the shipped logs as the command line does for the page.
func shipped(t testing.TB) *scan.Result { return reporttest.Shipped(t, "../..", html.MaxRawEvents) }

// dataBlock returns the lines of a data block of a page.
func dataBlock(t testing.TB, page, id string) []string {
	t.Helper()
	_, rest, ok := strings.Cut(page, `<script type="application/json" id="`+id+`">`)
	block, _, ok2 := strings.Cut(rest, "</script>")
	if !ok || !ok2 {
		t.Fatalf("no data block %s", id)
	}
	if block == "" {
		return nil
	}
	return strings.Split(block, "\n")
}

// recordOf returns a record of a page as the script reads it: the values by
// their names, and its texts.
func recordOf(t testing.TB, page string, number int) map[string]any {
	t.Helper()
	var values []any
	var data struct {
		Names map[string][]string
		Time  []string
	}
	line, texts := dataBlock(t, page, "records")[number], dataBlock(t, page, "texts")
	if err := errors.Join(json.Unmarshal([]byte(line), &values), json.Unmarshal([]byte(dataBlock(t, page, "data")[0]), &data)); err != nil {
		t.Fatalf("%v in %s", err, line)
	}
	names := data.Names["record"]
	if len(names) != len(values) {
		t.Fatalf("%d values for %d names", len(values), len(names))
	}
	record := make(map[string]any)
	for i, value := range values {
		record[names[i]] = value
	}
	for i, n := range record["texts"].([]any)[:len(data.Names["texts"])] {
		var text string
		if err := json.Unmarshal([]byte(texts[int(n.(float64))]), &text); err != nil {
			t.Fatal(err)
		}
		record[data.Names["texts"][i]] = text
	}
	if number < len(data.Time) {
		record["time"] = data.Time[number]
	}
	return record
}

// TestHTMLShipped: the page of the shipped logs says what the scan found.
func TestHTMLShipped(t *testing.T) {
	res := shipped(t)
	page := render(t, res)
	if again := render(t, shipped(t)); page != again {
		t.Error("two scans of the same logs give different pages")
	}
	if n := strings.Count(page, `<tr id="p`); n != len(res.Findings) {
		t.Errorf("%d rows of %d findings", n, len(res.Findings))
	}
	if n := strings.Count(page, `<article class="session`); n != len(res.Sessions) || n == 0 {
		t.Errorf("%d sessions of %d", n, len(res.Sessions))
	}
	records := dataBlock(t, page, "records")
	for i, f := range res.Findings {
		r := recordOf(t, page, i)
		if r["host"] != f.Host || r["time"] != f.Time.String() || r["command"] != f.CommandLine || r["pid"] != float64(f.ProcessID) {
			t.Errorf("record %d is not finding %d: %.200s", i, i, records[i])
		}
		if s := stdhtml.EscapeString(text.Visible(f.CommandLine)); !strings.Contains(stdhtml.UnescapeString(page), stdhtml.UnescapeString(s)) {
			t.Errorf("%s is not on the page", f.CommandLine)
		}
	}
	if raw := dataBlock(t, page, "raw"); len(raw) != len(res.Findings) {
		t.Errorf("%d raw events of %d findings", len(raw), len(res.Findings))
	}
	for _, s := range []string{"Get-Date; Get-ChildItem C:\\inetpub", "conhost.exe", "https://attack.mitre.org/techniques/T1505/003/", `class="dim"`} {
		if !strings.Contains(page, s) {
			t.Errorf("the page lacks %s", s)
		}
	}
}

var (
	anchor  = regexp.MustCompile(` href="#([^"]+)"`)
	outside = regexp.MustCompile(`(?i)<[a-z]+[^>]*\s(src|srcset|data|action|poster|background|style|on[a-z]+)=|<(link|base|iframe|object|embed|img|meta http-equiv="refresh")|url\(|@import`)
	link    = regexp.MustCompile(`<a href="https?:[^>]*>`)
	inline  = regexp.MustCompile(`(?s)<(style|script)>(.*?)</(?:style|script)>`)
)

// TestHTMLStructure: a page needs nothing but itself, allows nothing but its
// own style and script, and is well formed as far as links and headings go.
func TestHTMLStructure(t *testing.T) {
	page := render(t, shipped(t))
	body := inline.ReplaceAllString(page, "")
	markup, _, _ := strings.Cut(body, `<script type="application/json"`)
	if found := outside.FindString(markup); found != "" {
		t.Errorf("the page has %q", found)
	}
	blocks := inline.FindAllStringSubmatch(page, -1)
	if len(blocks) != 3 {
		t.Fatalf("%d inline blocks, want a style and two scripts", len(blocks))
	}
	for _, block := range blocks {
		sum := sha256.Sum256([]byte(block[2]))
		directive := regexp.MustCompile(block[1] + "-src [^;]*'sha256-" + regexp.QuoteMeta(base64.StdEncoding.EncodeToString(sum[:])) + "'[^;]*;")
		if !directive.MatchString(page) {
			t.Errorf("the policy does not have %s", directive)
		}
	}
	if !strings.Contains(page, `content="default-src 'none'; `) || strings.Contains(page, "unsafe") {
		t.Error("the policy is not strict")
	}
	for _, l := range link.FindAllString(markup, -1) {
		if !strings.Contains(l, `rel="noreferrer noopener"`) {
			t.Errorf("%s tells the site where it was followed from", l)
		}
	}
	records := len(dataBlock(t, page, "records"))
	for _, m := range anchor.FindAllStringSubmatch(markup, -1) {
		if n, err := strconv.Atoi(strings.TrimPrefix(m[1], "p")); err == nil && n < records {
			continue // the script shows it
		}
		if strings.Count(markup, ` id="`+m[1]+`"`) != 1 {
			t.Errorf("#%s does not name one element", m[1])
		}
	}
	for _, part := range []string{"<main", "<header", "<nav aria-label", "<search", `class="skip"`, "<h1", `<html lang="en">`} {
		if strings.Count(markup, part) != 1 {
			t.Errorf("%d of %s", strings.Count(markup, part), part)
		}
	}
	if tables, captions := strings.Count(markup, "<table"), strings.Count(markup, "<caption"); tables != captions || tables == 0 {
		t.Errorf("%d tables with %d captions", tables, captions)
	}
}

// TestHTMLIsHarmless: whatever a log says, no character gets into the page that
// cannot be seen, none ends the element that it stands in, and the data blocks
// stay JSON.
func TestHTMLIsHarmless(t *testing.T) {
	plain := render(t, reporttest.Hostile("plain"))
	if n := strings.Count(plain, `class="dim"`); n != 2 { // a row of findings, a shape
		t.Errorf("%d of 2 things that a baseline knows are dimmed", n)
	}
	tags := regexp.MustCompile(`<[a-zA-Z/!][^>]*`)
	names := func(page string) string {
		var b strings.Builder
		for _, tag := range tags.FindAllString(inline.ReplaceAllString(page, ""), -1) {
			if tag != "<wbr" { // follows each backslash
				b.WriteString(strings.Fields(tag)[0] + "\n")
			}
		}
		return b.String()
	}
	for _, s := range reporttest.HostileTexts {
		page := render(t, reporttest.Hostile(s))
		for _, r := range inline.ReplaceAllString(page, "") {
			if r != '\n' && !unicode.IsPrint(r) && r != '\u200C' && r != '\u200D' {
				t.Fatalf("%q: %q is in the page", s, r)
			}
		}
		if s != "" && strings.TrimSpace(s) != "" && !strings.HasPrefix(s, "javascript:") {
			if got, want := names(page), names(plain); got != want {
				t.Errorf("%.60q changes the elements of the page", s)
			}
		}
		for _, id := range []string{"data", "records", "raw"} {
			for _, line := range dataBlock(t, page, id) {
				if !json.Valid([]byte(line)) {
					t.Errorf("%.60q: a line of %s is not JSON", s, id)
				}
			}
		}
		if strings.Contains(page, `href="javascript:`) {
			t.Errorf("%.60q: a link runs a script", s)
		}
	}
}

// TestHTMLMany: a page of 100,000 findings holds them all, and says what it
// leaves out of other lists.
func TestHTMLMany(t *testing.T) {
	page := render(t, reporttest.Many(100_000))
	if len(page) > 40<<20 {
		t.Errorf("a page of %d bytes", len(page))
	}
	if n := strings.Count(page, `<tr id="p`); n != 1000 {
		t.Errorf("%d rows, want 1000", n)
	}
	if records := dataBlock(t, page, "records"); len(records) != 100_000 {
		t.Errorf("%d records, want 100000", len(records))
	}
	for _, s := range []string{"Without JavaScript this table shows 1000 of 100000", "and 500 more sessions", "The trees of 900 further sessions"} {
		if !strings.Contains(page, s) {
			t.Errorf("the page does not say %q", s)
		}
	}
	if strings.Contains(page, "This file holds") {
		t.Error("the page says that findings are left out")
	}
}

// TestHTMLBounds: a page that would be too large holds some findings, those of
// the gravest sessions, and says so, and where all are.
func TestHTMLBounds(t *testing.T) {
	res := reporttest.Many(1000)
	long := strings.Repeat("x", 200_000)
	for i, f := range res.Findings {
		f.CommandLine = fmt.Sprint(long, i)
	}
	last := res.Sessions[len(res.Sessions)-1]
	res.Sessions = append([]*finding.Session{last}, res.Sessions[:len(res.Sessions)-1]...)
	alone := *last.Findings[0]
	alone.Session, alone.Level, alone.Time = "", rules.LevelCritical, last.Findings[99].Time+1
	res.Findings = append(res.Findings, &alone)
	last.Level = rules.LevelCritical
	page := render(t, res)
	records := dataBlock(t, page, "records")
	if n := len(records); n < 450 || n > 505 {
		t.Fatalf("%d records", n)
	}
	for back, want := range map[int]event.Time{1: alone.Time, 2: last.Findings[99].Time} {
		if newest := recordOf(t, page, len(records)-back); newest["time"] != want.String() {
			t.Errorf("record %d from the end is of %v, want %s, of the gravest", back, newest["time"], want)
		}
	}
	if s := fmt.Sprintf("holds %d of 1001 findings", len(records)); !strings.Contains(page, s) || !strings.Contains(page, "<code>--format csv</code> and <code>--format jsonl</code> have all") {
		t.Errorf("the page does not say %q", s)
	}
}

// TestHTMLEmpty: a page without findings says so, and what it means.
func TestHTMLEmpty(t *testing.T) {
	page := render(t, &scan.Result{})
	for _, s := range []string{"No findings.", "so the absence of findings means nothing"} {
		if !strings.Contains(page, s) {
			t.Errorf("the page does not say %q", s)
		}
	}
}

// TestHTMLNumbers: no number that a script reads has more digits than it keeps.
func TestHTMLNumbers(t *testing.T) {
	page := render(t, reporttest.Marked())
	record := dataBlock(t, page, "records")[0]
	if s := `[0,"9007199254740993","9223372036854775809","",0,0,`; !strings.Contains(record, s) {
		t.Errorf("no %s in %s", s, record)
	}
	if raw, s := dataBlock(t, page, "raw")[0], `{"EventRecordID":"9223372036854775809","Offset":"9007199254740993","Small":7}`; !strings.Contains(raw, s) {
		t.Errorf("no %s in %s", s, raw)
	}
}

// TestFirstScreenSaysWhatHappened: the page begins with a sentence for each of
// the gravest sessions, before any count; a session tells its story before its
// tree.
func TestFirstScreenSaysWhatHappened(t *testing.T) {
	page := render(t, shipped(t))
	at := -1
	for _, s := range []string{
		"What happened</h3>", "The likely way in was <code>GET/POST /uploads/health.aspx</code>, requested from <code>198.51.100.23</code>: 8 of 11 processes began while that page ran.",
		"; the gravest, <code>C:\\Windows\\Temp\\hb.exe -q</code>: the program lies in a folder", "; it connected to <code>198.51.100.77:443",
		"; it set up the scheduled task <code>\\PortalHealthCheck</code>", "How sure: each process names its parent by a unique ID.", `class="tiles"`,
		`<article class="session critical"`, "<h4>Entry point</h4>", "<h4>What happened</h4>", "same page: ", "<h4>Indicators</h4>", "<summary>Process tree</summary>",
	} {
		next := strings.Index(page[at+1:], s)
		if next < 0 {
			t.Fatalf("%q does not follow", s)
		}
		at += 1 + next
	}
}

// TestEventsAloneAreOnThePage: what is found by events alone is on the page,
// the gravest first, and how many are not.
func TestEventsAloneAreOnThePage(t *testing.T) {
	res := &scan.Result{}
	for i := range 60 {
		r := &rules.Rule{Name: "r", Title: "Script <Written>", Level: rules.LevelMedium}
		if i == 59 {
			r.Level = rules.LevelCritical
		}
		res.Events = append(res.Events, &finding.Event{
			Host: "NP7", Evidence: []finding.Evidence{{File: "Sec.evtx", RecordID: 7, EventID: 4663}},
			Event: &story.Event{Summary: fmt.Sprintf("wrote a%d.aspx", i), Rules: []*rules.Rule{r}, Count: 1, Time: reporttest.Noon},
		})
	}
	page := render(t, res)
	for _, s := range []string{"wrote a59.aspx", "Script &lt;Written&gt;; Sec.evtx, event 4663, record 7", "wrote a0.aspx", "wrote a48.aspx", "… and 10 more, none of them graver"} {
		at := strings.Index(page, s)
		if at < 0 {
			t.Fatalf("%q does not follow", s)
		}
		page = page[at:]
	}
	if strings.Contains(page, "wrote a49.aspx") {
		t.Error("more events than there is room for")
	}
}

// TestVerifyPage: the page of the logs has what is said of them, and nothing of
// what ran, and escapes what logs say.
func TestVerifyPage(t *testing.T) {
	const evil = "<script>alert(1)</script>"
	var b strings.Builder
	if err := html.WriteVerify(&b, reporttest.Hostile(evil)); err != nil {
		t.Fatal(err)
	}
	page := b.String()
	if strings.Contains(page, evil) || !strings.Contains(page, "&lt;script&gt;alert(1)") {
		t.Error("what a log says is not escaped")
	}
	for _, section := range []string{"overview", "integrity", "coverage", "manifest"} {
		if strings.Count(page, ` id="`+section+`" aria-labelledby=`) != 1 || !strings.Contains(page, `<a href="#`+section+`">`) {
			t.Errorf("no section %s", section)
		}
	}
	if strings.Count(page, "<section ") != 4 || strings.Contains(page, "<script") {
		t.Error("there are other sections, or a script")
	}
	b.Reset()
	if err := html.WriteVerify(&b, reporttest.Marked()); err != nil || !strings.Contains(b.String(), " alarm") {
		t.Errorf("%v, %.200s", err, b.String())
	}
}

// TestSecondDecoderWords: the script names the second decoder as the page and
// the other formats do.
func TestSecondDecoderWords(t *testing.T) {
	f := &finding.Finding{Crosscheck: crosscheck.Result{State: "${r.check}"}}
	if page := render(t, reporttest.Marked()); !strings.Contains(page, "`"+phrase.SecondDecoder(f)+"`") {
		t.Errorf("the script does not say %q", phrase.SecondDecoder(f))
	}
}
